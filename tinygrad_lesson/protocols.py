"""NumPy's protocols: ``np.exp(t)``, ``np.sum(t, axis=0)`` and ``array * t`` are our ops.

Without them NumPy would turn the tensor into an array, and its history would be lost unnoticed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from . import ops
from .arrays import Array
from .errors import RangeError
from .op import Op
from .translation import name_of, translated, unsupported

UFUNCS: dict[Any, Op[...]] = {
    function: op
    for name, op in vars(ops).items()
    if isinstance(op, Op) and isinstance(function := getattr(np, name, None), np.ufunc)
}
"""NumPy's ufuncs that an op stands for, mostly of the same name."""

UFUNCS |= {
    np.rint: ops.round, np.fabs: ops.abs, np.degrees: ops.rad2deg, np.radians: ops.deg2rad,
}  # fmt: skip

SCIPY = {"expit": "sigmoid", "gammaln": "lgamma", "psi": "digamma"}
"""Functions of scipy.special that have another name here."""

METHODS: dict[str, dict[Any, Op[...]]] = {
    "reduce": {
        np.add: ops.sum, np.multiply: ops.prod, np.maximum: ops.max, np.minimum: ops.min,
        np.logical_and: ops.all, np.logical_or: ops.any, np.logaddexp: ops.logsumexp,
    },
    "accumulate": {
        np.add: ops.cumulative_sum, np.multiply: ops.cumulative_prod,
        np.maximum: ops.cumulative_max, np.minimum: ops.cumulative_min,
    },
}  # fmt: skip
"""The ops that ``np.add.reduce``, ``np.add.accumulate`` and the like are."""


def op_of(ufunc: Any) -> Op[...] | None:
    """The op that a ufunc of NumPy or scipy.special stands for, or None."""
    op, name = UFUNCS.get(ufunc), ufunc.__name__
    if op is None and getattr(sys.modules.get("scipy.special"), name, None) is ufunc:
        op = getattr(ops, SCIPY.get(name, name), None)
    fits = isinstance(op, Op) and (len(op.arrays), 1) == (ufunc.nin, ufunc.nout)
    return op if fits else None


class NumpyProtocols:
    """The methods by which NumPy hands its work over to the ops."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        op, static = op_of(ufunc), kwargs
        if method in METHODS:
            op, static = METHODS[method].get(ufunc), {"axis": 0, **kwargs}
        if op is not None and static.keys() <= set(op.parameters):
            if method in ("__call__", *METHODS):
                return op(*inputs, **static)
            if method == "outer":
                x, y = inputs
                return op(np.reshape(x, (*np.shape(x), *(1,) * np.ndim(y))), y)
        if ufunc is np.divmod and method == "__call__" and not kwargs:
            return ops.floor_divide(*inputs), ops.remainder(*inputs)
        called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        is_numpys = getattr(np, ufunc.__name__, None) is ufunc
        raise unsupported(f"np.{called}" if is_numpys else called, kwargs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        ours = translated(function)
        if ours is None or kwargs.get("out") is not None:
            raise unsupported(name_of(function), kwargs)
        return ours(*args, **kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = cast(Any, self).numpy()
        if dtype is not None and dtype != array.dtype:
            if copy is False:
                raise RangeError(
                    "asarray",
                    f"{array.dtype} becomes {np.dtype(dtype)} only in a copy",
                    "Leave out copy=False.",
                )
            return array.astype(dtype)
        return array.copy() if copy else array

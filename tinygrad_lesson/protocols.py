"""NumPy's protocols: ``np.exp(t)``, ``np.sum(t, axis=0)`` and ``array * t`` are our ops.

Without them NumPy would turn the tensor into an array, and its history would be lost unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from . import ops
from .arrays import Array
from .errors import ArgumentError, RangeError
from .op import Op

UFUNCS: dict[Any, Op[...]] = {
    function: op
    for name, op in vars(ops).items()
    if isinstance(op, Op) and isinstance(function := getattr(np, name, None), np.ufunc)
}
"""NumPy's ufuncs that an op of the same name stands for."""

FUNCTIONS: dict[Any, Op[...]] = {
    getattr(np, name): getattr(ops, name)
    for name in (
        "sum", "mean", "prod", "max", "min", "var", "std", "argmax", "argmin", "any", "all",
        "reshape", "permute_dims", "broadcast_to", "expand_dims", "squeeze", "flip", "concat",
        "stack", "where", "clip", "take", "zeros_like", "ones_like", "full_like", "round",
    )
}  # fmt: skip
"""NumPy's other functions that an op stands for, with the same arguments."""


class NumpyProtocols:
    """The methods by which NumPy hands its work over to the ops."""

    __slots__ = ()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        op = UFUNCS.get(ufunc)
        if op is None or method != "__call__" or kwargs:
            called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise _unsupported(f"np.{called}", kwargs)
        return op(*inputs)

    def __array_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        op = FUNCTIONS.get(function)
        if op is None or "out" in kwargs:
            raise _unsupported(f"np.{function.__name__}", kwargs)
        return op(*args, **kwargs)

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

    def __dlpack__(self, **kwargs: Any) -> Any:
        return cast(Any, self).numpy().__dlpack__(**kwargs)

    def __dlpack_device__(self) -> tuple[int, int]:
        return cast("tuple[int, int]", cast(Any, self).numpy().__dlpack_device__())


def _unsupported(called: str, kwargs: dict[str, Any]) -> ArgumentError:
    if "out" in kwargs:
        return ArgumentError(
            called, "out= would write into an array that a graph may still need",
            "Use the value that the function returns.",
        )  # fmt: skip
    given = f" with {', '.join(kwargs)}=" if kwargs else ""
    return ArgumentError(
        called, f"not available on a Tensor{given}",
        "Call it on t.numpy(), or write it with the functions of tinygrad_lesson.",
    )  # fmt: skip

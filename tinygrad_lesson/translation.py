"""A call of a NumPy function with tensors, as a call of ours.

A function of NumPy finds ours by its name. The arguments of a call are told apart by NumPy's own
signature and handed on by name, so that the third of ``np.sum(t, 0, np.float64)`` is a dtype; what
ours does not have is refused. The tables below say what a name does not. They are read when
a function is called for the first time: importing the package costs nothing.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops
from .errors import ArgumentError
from .op import Op
from .trees import map_tree

FUNCTIONS = {
    "amax": "max", "amin": "min", "around": "round", "concatenate": "concat", "fix": "trunc",
    "ravel": "flatten", "transpose": "permute_dims",
}  # fmt: skip
"""NumPy's functions that have another name here; most have the same."""

PARAMETERS = {"a_min": "min", "a_max": "max", "ddof": "correction", "reps": "repetitions"}
"""Parameters that have another name here."""

WITHOUT_EFFECT = {"kind", "subok", "overwrite_input", "optimize"}
"""Parameters that change how the result is found, and not the result."""

FLATTENING = {"argsort", "cumprod", "cumsum", "sort", "take", "take_along_axis"}
"""Functions that flatten the array if the axis is None; the standard's do not."""

QUESTIONS = {
    "shape", "ndim", "size", "array_equal", "array_equiv", "allclose", "array2string", "array_repr",
    "array_str", "may_share_memory", "shares_memory", "iscomplexobj", "isrealobj", "isclose",
    "save", "savetxt", "savez", "savez_compressed",
}  # fmt: skip
"""Functions that answer with text, booleans, a shape or a file: they get the plain arrays."""

NOT_OURS = {"geomspace", "linspace", "logspace", "lstsq"}
"""Functions whose namesake here takes or returns something else."""

SIGNATURES: dict[str, Callable[..., Any]] = {
    "can_cast": lambda from_, to, casting="safe": None,
    "concatenate": lambda arrays, /, axis=0, out=None, *, dtype=None, casting="same_kind": None,
    "dot": lambda a, b, out=None: None,
    "empty_like": lambda prototype, /, dtype=None, order="K", subok=True, shape=None, *,
    device=None: None,
    "inner": lambda a, b, /: None,
    "result_type": lambda *arrays_and_dtypes: None,
    "vdot": lambda a, b, /: None,
    "where": lambda condition, x=None, y=None, /: None,
}  # fmt: skip
"""Of functions in C, which do not tell before NumPy 2.4."""

CONSTANT = (bool, int, float, str, tuple)
"""The types of defaults that say something, unlike None and NumPy's own object for "none"."""


@functools.cache
def translated(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """What runs when NumPy's `function` is called with a Tensor, or None."""
    name, module = function.__name__, function.__module__
    if name in QUESTIONS:
        return _question(function)
    package: Any = sys.modules[__package__]
    spaces = {"numpy": package, "numpy.linalg": getattr(package, "linalg", None)}
    found = getattr(spaces.get(module), FUNCTIONS.get(name, name), None)
    ours = ADAPTED.get((module, name), found)
    return _Translation(function, ours) if callable(ours) and name not in NOT_OURS else None


def _question(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of the plain arrays."""

    def plain(value: Any) -> Any:
        return value.numpy() if hasattr(value, "raw") else value

    return lambda *args, **kwargs: function(*map_tree(plain, args), **map_tree(plain, kwargs))


class _Translation:
    """What hands the arguments of a function of NumPy on to one of ours."""

    def __init__(self, function: Callable[..., Any], ours: Callable[..., Any]) -> None:
        self.name, self.ours = name_of(function), ours
        self.signature = inspect.signature(SIGNATURES.get(function.__name__, function))
        theirs = list(self.signature.parameters.values())
        own = inspect.signature(ours).parameters
        # The arrays go by position, all else by name.
        count = sum(p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL) for p in own.values())
        self.arrays = {p.name for p in theirs[:count]}
        self.own = own.keys()
        self.static: dict[str, Any] = {}  # NumPy's defaults where ours are others
        for p in theirs[count:]:
            name = PARAMETERS.get(p.name, p.name)
            says_something = isinstance(p.default, CONSTANT) or (name, p.default) == ("axis", None)
            if name in own and says_something and p.default != own[name].default:
                self.static[name] = p.default
        self.flattens = function.__name__ in FLATTENING

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arrays: list[Any] = []
        static = dict(self.static)
        given = self.signature.bind(*args, **kwargs).arguments
        for name, value in given.items():
            parameter = self.signature.parameters[name]
            if parameter.kind is parameter.VAR_POSITIONAL:
                arrays.extend(value)
            elif name in self.arrays:
                arrays.append(value)
            elif parameter.kind is parameter.VAR_KEYWORD:
                for key, one in value.items():
                    static[self._own(key)] = one
            elif name not in WITHOUT_EFFECT and not _same(value, parameter.default):
                static[self._own(name)] = value
        if self.flattens and static.get("axis", self.signature.parameters["axis"].default) is None:
            arrays[0], static["axis"] = ops.reshape(arrays[0], (-1,)), 0
        return self.ours(*arrays, **static)

    def _own(self, name: str) -> str:
        """Our name of NumPy's parameter."""
        own = PARAMETERS.get(name, name)
        if own not in self.own:
            raise unsupported(self.name, {name: None})
        return own


def _same(value: Any, default: Any) -> bool:
    """Whether an argument says no more than the default."""
    comparable = isinstance(default, CONSTANT) and type(value) is type(default)
    return value is default or (comparable and value == default)


def name_of(function: Callable[..., Any]) -> str:
    """``np.linalg.norm``."""
    return f"{function.__module__.replace('numpy', 'np', 1)}.{function.__name__}"


def unsupported(called: str, kwargs: dict[str, Any]) -> ArgumentError:
    """The error for a call that has no counterpart here, or for the `kwargs` that have none."""
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


# ---- functions for which a name is not enough --------------------------------------------


def _where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    return np.nonzero(condition) if x is None and y is None else ops.where(condition, x, y)


def _cross(a: Any, b: Any, /, axis: int | None = None) -> Any:
    return ops.cross(a, b, axis=-1 if axis is None else axis)


def _outer(a: Any, b: Any, /) -> Any:
    return ops.outer(ops.reshape(a, (-1,)), ops.reshape(b, (-1,)))


def _vdot(a: Any, b: Any, /) -> Any:
    return ops.matmul(ops.reshape(a, (-1,)), ops.reshape(b, (-1,)))


def _trace(a: Any, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    return ops.sum(ops.diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


def _norm(x: Any, /, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    axes = tuple(range(np.ndim(x))) if axis is None else axis if type(axis) is tuple else (axis,)
    if ord is None or len(axes) == 1:
        return ops.vector_norm(x, axis=axes, ord=2 if ord is None else ord, keepdims=keepdims)
    if len(axes) != 2:
        raise ArgumentError(
            "np.linalg.norm", f"ord={ord!r} over {len(axes)} axes", "Pass axis= with one or two."
        )
    norm = ops.matrix_norm(ops.moveaxis(x, axes, (-2, -1)), ord=ord)
    kept = tuple(sorted(a % np.ndim(x) for a in axes))
    return ops.expand_dims(norm, axis=kept) if keepdims else norm


def _copy(a: Any, /) -> Any:
    return ops.astype(a, a.dtype)


def _fliplr(m: Any, /) -> Any:
    return ops.flip(m, axis=1)


def _flipud(m: Any, /) -> Any:
    return ops.flip(m, axis=0)


def _of_each(op: Op[...]) -> Callable[..., Any]:
    """`op` of one array, or the tuple of its results for several."""

    def call(*arrays: Any) -> Any:
        results = tuple(op(array) for array in arrays)
        return results[0] if len(arrays) == 1 else results

    return call


ADAPTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy", "where"): _where,
    ("numpy", "copy"): _copy,
    ("numpy", "cross"): _cross,
    ("numpy", "fliplr"): _fliplr,
    ("numpy", "flipud"): _flipud,
    ("numpy", "outer"): _outer,
    ("numpy", "vdot"): _vdot,
    ("numpy", "trace"): _trace,
    ("numpy.linalg", "norm"): _norm,
    ("numpy", "atleast_1d"): _of_each(ops.atleast_1d),
    ("numpy", "atleast_2d"): _of_each(ops.atleast_2d),
    ("numpy", "atleast_3d"): _of_each(ops.atleast_3d),
}
"""By module and name: functions with NumPy's parameters, the arrays before the slash."""

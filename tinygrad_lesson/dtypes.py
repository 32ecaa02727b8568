"""The dtypes by name, what they can hold and become, and the one that Python floats become.

There are no complex ones yet.
"""

from __future__ import annotations

import builtins
import functools
from typing import Any, NamedTuple

import numpy as np

from .changes import happened
from .errors import ArgumentError, DTypeError

bool = np.dtype(np.bool_)
int8, int16, int32, int64 = (np.dtype(f"int{bits}") for bits in (8, 16, 32, 64))
uint8, uint16, uint32, uint64 = (np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64))
float16, float32, float64 = (np.dtype(f"float{bits}") for bits in (16, 32, 64))

DType = np.dtype[Any]

_default = float32


@functools.cache
def name_of(dtype: DType) -> str:
    """``"float32"``, for instance: NumPy takes a hundred times as long to say so."""
    return str(dtype)


def get_default_dtype() -> DType:
    """The dtype that Python floats, and lists of them, become: float32 unless changed."""
    return _default


def as_dtype(dtype: Any, where: str) -> DType:
    """`dtype` as an object, from a name such as ``"float32"`` or a type."""
    try:
        found: DType = np.dtype(dtype)
    except TypeError as error:
        raise DTypeError(
            where, f"{dtype!r} is not a dtype", "Pass one such as tl.float32."
        ) from error
    if found.kind not in "biuf":
        raise DTypeError(
            where, f"numbers of type {found} are not supported", "Use booleans, integers or floats."
        )
    return found


def set_default_dtype(dtype: Any) -> None:
    """Change, for the whole process, the dtype that Python floats become.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.set_default_dtype(tl.float64)
    >>> tl.Tensor(0.5).dtype
    dtype('float64')
    >>> tl.set_default_dtype(tl.float32)
    """
    global _default
    dtype = as_dtype(dtype, "set_default_dtype")
    if not is_floating(dtype):
        raise DTypeError(
            "set_default_dtype",
            f"the default must be a floating dtype, not {dtype}",
            "Pass tl.float16, tl.float32 or tl.float64.",
        )
    _default = dtype
    happened()


def is_floating(dtype: DType) -> Any:
    """Whether gradients can flow through this dtype."""
    return dtype.kind == "f"


# ---- questions about dtypes --------------------------------------------------------------

KINDS = {
    "bool": "b",
    "signed integer": "i",
    "unsigned integer": "u",
    "integral": "iu",
    "real floating": "f",
    "complex floating": "",
    "numeric": "iuf",
}
"""The standard's names for families of dtypes, and NumPy's letters for them."""


class FloatInfo(NamedTuple):
    """What a floating dtype can hold: see :func:`finfo`."""

    dtype: DType
    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float


class IntegerInfo(NamedTuple):
    """What an integer dtype can hold: see :func:`iinfo`."""

    dtype: DType
    bits: int
    max: int
    min: int


def _dtype_of(value: Any, where: str) -> DType:
    """The dtype that `value` has or is."""
    dtype = getattr(value, "dtype", None)  # np.float32, the class, has another thing there
    return as_dtype(dtype if isinstance(dtype, np.dtype) else value, where)


def finfo(type: Any, /) -> FloatInfo:
    """The limits of a floating dtype, or of a tensor's, as Python floats.

    `eps` is the distance from 1 to the next larger number.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.finfo(tl.float16).max
    65504.0
    """
    dtype = _dtype_of(type, "finfo")
    if not is_floating(dtype):
        raise DTypeError("finfo", f"{dtype} is no floating dtype", "Use tl.iinfo for integers.")
    found = np.finfo(dtype)
    limits = (found.eps, found.max, found.min, found.smallest_normal)
    return FloatInfo(dtype, found.bits, *map(float, limits))


def iinfo(type: Any, /) -> IntegerInfo:
    """The limits of an integer dtype, or of a tensor's.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.iinfo(tl.uint8).max
    255
    """
    dtype = _dtype_of(type, "iinfo")
    if dtype.kind not in "iu":
        raise DTypeError("iinfo", f"{dtype} is no integer dtype", "Use tl.finfo for floats.")
    found = np.iinfo(dtype)
    return IntegerInfo(dtype, found.bits, int(found.max), int(found.min))


def isdtype(dtype: Any, kind: Any) -> builtins.bool:
    """Whether `dtype` is of a kind: a dtype, the name of a family, or a tuple of these.

    The families are ``"bool"``, ``"signed integer"``, ``"unsigned integer"``, ``"integral"``,
    ``"real floating"``, ``"complex floating"`` (which has no members yet) and ``"numeric"``.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.isdtype(tl.int8, ("bool", "integral"))
    True
    """
    dtype = as_dtype(dtype, "isdtype")
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    if not isinstance(kind, str):
        return builtins.bool(dtype == as_dtype(kind, "isdtype"))
    if kind not in KINDS:
        raise ArgumentError("isdtype", f"{kind!r} is no kind", f"The kinds are {list(KINDS)}.")
    return dtype.kind in KINDS[kind]


def can_cast(from_: Any, to: Any, /) -> builtins.bool:
    """Whether promotion leads from one dtype, or a tensor's, to another: no number is cut.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.can_cast(tl.float32, tl.float64), tl.can_cast(tl.int64, tl.int8)
    (True, False)
    """
    return np.can_cast(_dtype_of(from_, "can_cast"), _dtype_of(to, "can_cast"))


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of a sum of such tensors, dtypes and Python numbers.

    Promotion is NumPy's, also between integers and floats. Python numbers take the dtype of
    the others, and among themselves a float has the default dtype.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.result_type(tl.int16, tl.uint8, 1)
    dtype('int16')
    >>> tl.result_type(tl.int64, 2.5), tl.result_type(1, 2.5)
    (dtype('float64'), dtype('float32'))
    """
    if not arrays_and_dtypes:
        raise ArgumentError("result_type", "there is nothing to promote", "Pass a dtype.")
    dtypes = [x if _is_number(x) else _dtype_of(x, "result_type") for x in arrays_and_dtypes]
    found = np.result_type(*dtypes)
    own = is_floating(found) and all(map(_is_number, dtypes))
    return get_default_dtype() if own else found


def _is_number(value: Any) -> builtins.bool:
    """Whether it is a number of Python's own, and not NumPy's."""
    return type(value) in (builtins.bool, int, float)

"""Tensors made from a shape, from bounds, or from the arrays of other libraries.

`device` is part of the standard's signatures: the only one is ``"cpu"``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .arguments import check_device, count, integer, lengths
from .dtypes import DType, as_dtype, get_default_dtype
from .errors import ArgumentError, RangeError, ShapeError
from .tensor import Tensor

# ---- from a shape ------------------------------------------------------------------------


def zeros(
    *size: Any,
    shape: Any = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros, ``zeros(2, 3)`` or ``zeros((2, 3))``, in the default dtype unless one is given."""
    return _filled("zeros", _shape("zeros", size, shape), 0, dtype, device, requires_grad)


def ones(
    *size: Any,
    shape: Any = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones, ``ones(2, 3)`` or ``ones((2, 3))``, in the default dtype unless one is given."""
    return _filled("ones", _shape("ones", size, shape), 1, dtype, device, requires_grad)


def empty(
    *size: Any,
    shape: Any = None,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros; the standard leaves the numbers open, but runs should repeat themselves."""
    return _filled("empty", _shape("empty", size, shape), 0, dtype, device, requires_grad)


def full(
    shape: int | tuple[int, ...],
    fill_value: float,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """One value everywhere, in its own dtype (the default for floats) unless `dtype` is given."""
    if isinstance(fill_value, Tensor) and fill_value.requires_grad:
        raise ArgumentError(
            "full", "the value's history would be lost", "Use tl.broadcast_to(value, shape)."
        )
    number = Tensor(fill_value, dtype=as_dtype(dtype, "full") if dtype is not None else None)
    if number.ndim:
        raise ShapeError(
            "full",
            f"fill_value has shape {number.shape}",
            "Pass one number, or use tl.broadcast_to(value, shape).",
        )
    size = lengths("full", (shape,))
    return _filled("full", size, number.raw, number.dtype, device, requires_grad)


def eye(
    n_rows: int,
    n_cols: int | None = None,
    *,
    k: int = 0,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones on a diagonal of a matrix with `n_cols` columns (as many as rows unless given).

    `k` is the diagonal: 0 the main one, positive above it, negative below.
    """
    n_rows = count("eye", "n_rows", n_rows)
    n_cols = count("eye", "n_cols", n_cols) if n_cols is not None else None
    dtype = _dtype("eye", dtype, device)
    return Tensor(np.eye(n_rows, n_cols, integer("eye", "k", k), dtype), requires_grad)


def _shape(where: str, size: tuple[Any, ...], shape: Any) -> tuple[int, ...]:
    """The shape in ``zeros(2, 3)``, ``zeros((2, 3))`` or ``zeros(shape=(2, 3))``."""
    if shape is None:
        return lengths(where, size)
    if size:
        raise ArgumentError(where, "the shape is given twice", f"Call {where}(shape=...).")
    return lengths(where, (shape,))


def _dtype(where: str, dtype: Any, device: Any) -> DType:
    """The default dtype unless `dtype` is given, and a check of the device."""
    check_device(where, device)
    return as_dtype(dtype, where) if dtype is not None else get_default_dtype()


def _filled(
    where: str, shape: tuple[int, ...], fill: Any, dtype: Any, device: Any, requires_grad: bool
) -> Tensor:
    return Tensor(np.full(shape, fill, _dtype(where, dtype, device)), requires_grad)


# ---- from bounds -------------------------------------------------------------------------


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: Any = None,
    device: str | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Evenly spaced numbers, `stop` left out: ``arange(3)`` is 0, 1, 2."""
    check_device("arange", device)
    start, step = _number("arange", "start", start), _number("arange", "step", step)
    if step == 0:
        raise RangeError("arange", f"step={step} never arrives", "Pass another step.")
    if stop is None:
        start, stop = 0, start
    numbers = np.arange(start, _number("arange", "stop", stop), step)
    if dtype is not None:
        dtype = as_dtype(dtype, "arange")
    elif numbers.dtype.kind == "f":
        dtype = get_default_dtype()
    return Tensor(numbers, requires_grad, dtype=dtype)


def linspace(
    start: float,
    stop: float,
    num: int,
    *,
    dtype: Any = None,
    device: str | None = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """`num` evenly spaced numbers from `start` to `stop`, which is the last unless `endpoint`
    is False.
    """
    start, stop = _number("linspace", "start", start), _number("linspace", "stop", stop)
    num, dtype = count("linspace", "num", num), _dtype("linspace", dtype, device)
    return Tensor(np.linspace(start, stop, num, endpoint, dtype=dtype), requires_grad)


def logspace(
    start: float,
    stop: float,
    num: int,
    *,
    base: float = 10.0,
    dtype: Any = None,
    device: str | None = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """`num` numbers from ``base**start`` to ``base**stop``, evenly spaced on a logarithmic scale.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.logspace(0, 3, 4).tolist()
    [1.0, 10.0, 100.0, 1000.0]
    """
    start, stop = _number("logspace", "start", start), _number("logspace", "stop", stop)
    num, base = count("logspace", "num", num), _number("logspace", "base", base)
    if base <= 0:
        raise RangeError("logspace", f"base={base} has no logarithm", "Pass a positive base.")
    dtype = _dtype("logspace", dtype, device)
    return Tensor(np.logspace(start, stop, num, endpoint, base, dtype), requires_grad)


def geomspace(
    start: float,
    stop: float,
    num: int,
    *,
    dtype: Any = None,
    device: str | None = None,
    endpoint: bool = True,
    requires_grad: bool = False,
) -> Tensor:
    """`num` numbers from `start` to `stop`, each the same multiple of the one before.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.geomspace(1, 8, 4).tolist()
    [1.0, 2.0, 4.0, 8.0]
    """
    start, stop = _number("geomspace", "start", start), _number("geomspace", "stop", stop)
    if start * stop <= 0:
        raise RangeError(
            "geomspace",
            f"from {start} to {stop} leads over zero",
            "Pass two numbers of the same sign, neither of them 0.",
        )
    num, dtype = count("geomspace", "num", num), _dtype("geomspace", dtype, device)
    return Tensor(np.geomspace(start, stop, num, endpoint, dtype), requires_grad)


def _number(where: str, name: str, value: Any) -> Any:
    """The argument `name` of `where`, which must be one finite number."""
    if isinstance(value, Tensor) and value.requires_grad:
        raise ArgumentError(
            where, f"the history of {name} would be lost", f"Pass {name}.item(), or detach() it."
        )
    value = getattr(value, "raw", value)
    if not isinstance(value, int | float | np.number) and getattr(value, "shape", None) != ():
        raise ArgumentError(
            where, f"{name} is a {type(value).__name__}, not a number", "Pass one number."
        )
    if not math.isfinite(value):
        raise RangeError(where, f"{name}={value} is not finite", "Pass a finite number.")
    return value


# ---- from other arrays -------------------------------------------------------------------


def asarray(
    obj: Any, dtype: Any = None, device: str | None = None, copy: bool | None = None
) -> Tensor:
    """What a Tensor can be made of as a Tensor; a Tensor as it is, with its history.

    Parameters
    ----------
    obj
        A Tensor, a number, a nested list, a NumPy array or what NumPy can make one of.
    dtype
        Convert to this dtype; the gradient of a Tensor comes back in its own.
    device
        ``"cpu"``.
    copy
        A Tensor is copied only if this is True. All else is copied unless this is False: then
        the memory is shared, and whoever writes into it changes the tensor, and what graphs
        have saved of it.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> t = tl.asarray([1, 2])
    >>> tl.asarray(t) is t
    True
    """
    check_device("asarray", device)
    dtype = as_dtype(dtype, "asarray") if dtype is not None else None
    if isinstance(obj, Tensor):
        dtype = obj.dtype if dtype is None else dtype
        if dtype == obj.dtype and not copy:
            return obj
        if copy is False:
            raise _only_a_copy("asarray", f"{obj.dtype} becomes {dtype}")
        return obj.astype(dtype)
    return Tensor(obj, dtype=dtype) if copy is not False else _shared("asarray", obj, dtype)


def from_dlpack(x: Any, device: str | None = None, copy: bool | None = None) -> Tensor:
    """The array of another library as a Tensor, through the DLPack protocol.

    Parameters
    ----------
    x
        What has the methods ``__dlpack__`` and ``__dlpack_device__``.
    device
        ``"cpu"``.
    copy
        As in :func:`asarray`: the numbers are copied unless this is False.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lesson as tl
    >>> tl.from_dlpack(np.arange(3.0))
    Tensor([0., 1., 2.], dtype=float64)
    """
    check_device("from_dlpack", device)
    if isinstance(x, Tensor):
        return asarray(x, copy=copy)
    if not hasattr(x, "__dlpack__"):
        raise ArgumentError(
            "from_dlpack",
            f"a {type(x).__name__} does not have the DLPack protocol",
            "Use tl.asarray for lists and numbers.",
        )
    array = np.from_dlpack(x)
    as_dtype(array.dtype, "from_dlpack")
    return Tensor(array) if copy is not False else Tensor.lift(array)


def _shared(where: str, obj: Any, dtype: DType | None) -> Tensor:
    """A Tensor on the memory of `obj` itself."""
    try:
        array = np.asarray(obj, copy=False)
    except ValueError as error:
        raise _only_a_copy(where, f"a {type(obj).__name__} becomes a tensor") from error
    if as_dtype(array.dtype, where) != (array.dtype if dtype is None else dtype):
        raise _only_a_copy(where, f"{array.dtype} becomes {dtype}")
    return Tensor.lift(array)


def _only_a_copy(where: str, what: str) -> RangeError:
    return RangeError(where, f"{what} only in a copy", "Leave out copy=False.")

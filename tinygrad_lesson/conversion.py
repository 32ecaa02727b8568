"""What users give for numbers and for indices, as arrays.

Tensors are recognised by their ``raw``: this module stands below theirs.
"""

from __future__ import annotations

from operator import index as whole
from typing import Any

import numpy as np

from .arrays import SLOT, Array
from .dtypes import as_dtype, get_default_dtype
from .errors import (
    ArgumentError,
    DTypeError,
    IndexingError,
    RangeError,
    ShapeError,
    TraceError,
)
from .mode import current


def array_of(value: Any, dtype: Any = None) -> Array:
    """A new array of the numbers of `value`, as the constructor of Tensor takes them."""
    if dtype is not None:
        dtype = as_dtype(dtype, "Tensor")
    value = getattr(value, "raw", value)
    if hasattr(value, "fixed"):  # a setting that a traced step reads
        value = value.fixed()
    if getattr(value, "abstract", False):  # nobody can write into it: it needs no copy
        return value if dtype is None else value.namespace.astype(value, dtype)
    if _holds_tensor(value):
        raise ArgumentError(
            "Tensor",
            "a list of tensors would lose their history",
            "Join them with tl.stack(list) or tl.concat(list).",
        )
    try:
        array = np.array(value)
    except ValueError as error:
        raise ShapeError(
            "Tensor",
            "the nested lists have different lengths",
            "Pad them, or make one tensor of each.",
        ) from error
    if array.dtype.kind == "O" and isinstance(value, int):
        raise RangeError("Tensor", f"the number {value} does not fit into int64", "Write a float.")
    if array.dtype.kind == "O":
        other = next((x for x in array.flat if not isinstance(x, int | float)), value)
        raise ArgumentError(
            "Tensor",
            f"a value of type {type(other).__name__} is not a number",
            "Pass a number, a nested list of numbers, a NumPy array or a Tensor.",
        )
    if array.dtype.kind not in "biuf":
        raise DTypeError(
            "Tensor",
            f"numbers of type {array.dtype} are not supported",
            "Use booleans, integers or floats.",
        )
    if dtype is None and not hasattr(value, "__array__"):  # numbers of Python's own
        # (of an empty list nothing tells the type)
        dtype = get_default_dtype() if array.dtype.kind == "f" or not array.size else None
    return array if dtype is None else array.astype(dtype, copy=False)


def known_numbers(where: str, name: str, value: Any) -> Array:
    """The array of numbers by which Python code decides, such as lengths: they must be known."""
    raw = getattr(value, "raw", value)
    if getattr(raw, "abstract", False):
        raise TraceError(
            where,
            f"the {name} decide what is computed, and nobody knows them beforehand",
            "Pass them as a list or a tuple of Python integers.",
        )
    tracer = current().tracer
    if tracer is not None and isinstance(raw, np.ndarray):
        tracer.deciding(raw)
    return np.asarray(raw)


def _holds_tensor(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(
        hasattr(item, "raw") or _holds_tensor(item) for item in value
    )


def split_index(index: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """Split an index of a tensor of `shape` into its static skeleton and its arrays of integers.

    A boolean mask becomes the integer arrays of its true places, as NumPy defines it.
    """
    skeleton: list[Any] = []
    arrays: list[Any] = []
    items = index if type(index) is tuple else (index,)
    for place, item in enumerate(items):
        if isinstance(item, slice):
            skeleton.append(_whole(item))
            continue
        if item is None or item is Ellipsis or isinstance(item, int):
            skeleton.append(item)
            continue
        raw = getattr(item, "raw", item)
        if getattr(raw, "abstract", False) and raw.dtype.kind in "iu":  # its numbers are unknown
            skeleton.append(SLOT)
            arrays.append(item)
            continue
        if getattr(raw, "abstract", False) and raw.dtype.kind == "b" and raw.ndim:
            raise TraceError(
                "getitem",
                f"a mask of shape {raw.shape} selects as many elements as it has true places, which"
                " nobody knows beforehand",
                "Keep the shape: tl.where(mask, x, 0.0) selects, tl.where(mask, value, x) assigns.",
            )
        array = np.asarray(raw)
        if array.size == 0 and isinstance(item, list):
            array = array.astype(np.intp)  # NumPy would make it floats
        kind = array.dtype.kind
        if kind == "b" and array.ndim:
            _check_mask(array.shape, items, place, shape)
            for places in np.nonzero(array):
                skeleton.append(SLOT)
                arrays.append(places)
        elif kind == "b":
            skeleton.append(bool(array))
        elif kind in "iu" and array.ndim:
            skeleton.append(SLOT)
            arrays.append(item if hasattr(item, "raw") else array)
        elif kind in "iu":
            skeleton.append(int(array))
        else:
            of = f" of {array.dtype}" if hasattr(item, "dtype") else ""
            raise IndexingError(
                "getitem",
                f"a {type(item).__name__}{of} cannot index",
                "Use integers, slices, None, ..., booleans, or tensors of integers or booleans.",
            )
    return tuple(skeleton), arrays


def _whole(item: slice) -> slice:
    """The slice, if its ends are whole numbers; tensors of one become Python's."""
    try:
        ends = [None if end is None else whole(end) for end in (item.start, item.stop, item.step)]
    except TypeError as error:
        raise IndexingError(
            "getitem", f"the ends of {item} are not integers", "Use int(...) for each."
        ) from error
    return slice(*ends)


def _check_mask(
    mask: tuple[int, ...], items: tuple[Any, ...], place: int, shape: tuple[int, ...]
) -> None:
    """Refuse a mask that has not the lengths of the axes that it selects from."""
    after_dots = any(item is Ellipsis for item in items[:place])
    if after_dots:
        axis = len(shape) - sum(map(_consumed, items[place:]))
    else:
        axis = sum(map(_consumed, items[:place]))
    if shape[axis : axis + len(mask)] != mask:
        raise IndexingError(
            "getitem",
            f"a mask of shape {mask} for axis {axis} of shape {shape}",
            "A mask has the lengths of the axes that it selects from.",
        )


def _consumed(item: Any) -> int:
    """How many axes of a tensor an item of an index stands for."""
    if item is None or item is Ellipsis or isinstance(item, bool):
        return 0
    array = np.asarray(getattr(item, "raw", item))
    return array.ndim if array.dtype.kind == "b" else 1

"""What users give for numbers and for indices, as arrays.

Tensors are recognised by their ``raw``: this module stands below theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import SLOT, Array
from .dtypes import get_default_dtype
from .errors import ArgumentError, DTypeError, IndexingError, ShapeError


def array_of(value: Any, dtype: Any = None) -> Array:
    """A new array of the numbers of `value`, as the constructor of Tensor takes them."""
    value = getattr(value, "raw", value)
    if hasattr(value, "__array__"):
        array = np.array(value, dtype)
    else:
        if _holds_tensor(value):
            raise ArgumentError(
                "Tensor", "a list of tensors would lose their history",
                "Join them with tl.stack(list) or tl.concat(list).",
            )  # fmt: skip
        try:
            array = np.array(value)
        except ValueError as error:
            raise ShapeError(
                "Tensor", "the nested lists have different lengths",
                "Pad them, or make one tensor of each.",
            ) from error  # fmt: skip
        if array.dtype.kind == "f" and dtype is None:
            dtype = get_default_dtype()
        if array.size == 0 and dtype is None:  # of an empty list nothing tells the type
            dtype = get_default_dtype()
        if dtype is not None and array.dtype.kind in "biuf":
            array = array.astype(dtype)
    if array.dtype.kind not in "biuf":
        raise DTypeError(
            "Tensor", f"numbers of type {array.dtype} are not supported",
            "Use booleans, integers or floats.",
        )  # fmt: skip
    return array


def _holds_tensor(value: Any) -> bool:
    return isinstance(value, list | tuple) and any(
        hasattr(item, "raw") or _holds_tensor(item) for item in value
    )


def split_index(index: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """Split an index into its static skeleton and its arrays of integers.

    A boolean mask becomes the integer arrays of its true places, as NumPy defines it.
    """
    items = index if type(index) is tuple else (index,)
    skeleton: list[Any] = []
    arrays: list[Any] = []
    for item in items:
        if item is None or item is Ellipsis or isinstance(item, slice | int):
            skeleton.append(item)
            continue
        array = np.asarray(getattr(item, "raw", item))
        if array.size == 0 and isinstance(item, list):
            array = array.astype(np.intp)  # NumPy would make it floats
        kind = array.dtype.kind
        if kind == "b" and array.ndim:
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
            raise IndexingError(
                "getitem",
                f"a {type(item).__name__} of {array.dtype} cannot index",
                "Use integers, slices, None, ..., booleans, or tensors of integers or booleans.",
            )
    return tuple(skeleton), arrays

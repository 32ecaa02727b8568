"""Values of scattering, by NumPy or one element at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import integers, sample, uniform

from .shared import Calls, Oracles


def places_along_axis(indices: Any, shape: Any, axis: int) -> Any:
    numbers = np.arange(np.prod(shape)).reshape(shape)
    return np.take_along_axis(numbers[tuple(beside(indices.shape, shape, axis))], indices, axis)


def beside(shape: Any, whole: Any, axis: int) -> list[slice]:
    return [slice(m if a == axis % len(shape) else n) for a, (n, m) in
            enumerate(zip(shape, whole, strict=True))]  # fmt: skip


def scattered(x: Any, indices: Any, src: Any, axis: int, ufunc: Any) -> Any:
    places = np.indices(indices.shape)
    places[axis] = indices
    out = x.astype(np.result_type(x, src))
    ufunc.at(out, tuple(places), src[tuple(map(slice, indices.shape))])
    return out


def scatter(x: Any, indices: Any, src: Any, axis: int) -> Any:
    out = x.copy()
    for place in np.ndindex(indices.shape):
        target = list(place)
        target[axis] = indices[place]
        out[tuple(target)] = src[place]
    return out


def scatter_reduce(
    x: Any, indices: Any, src: Any, axis: int, reduce: str, include_self: bool
) -> Any:
    if x.dtype.kind != "f" and (reduce == "mean" or not include_self):
        raise TypeError
    start, neutral = x.copy(), {"prod": 1, "amax": -np.inf, "amin": np.inf}
    touched = scattered(np.zeros(x.shape), indices, np.ones(src.shape), axis, np.add)
    if not include_self:
        start[touched > 0] = neutral.get(reduce, 0)
    ufuncs = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}
    out = scattered(start, indices, src, axis, ufuncs.get(reduce, np.add))
    return out / np.maximum(touched + include_self, 1) if reduce == "mean" else out


def reduce_at(x: Any, values: Any, indices: Any, reduce: str) -> Any:
    of = {"prod": np.prod, "amax": np.max, "amin": np.min}[reduce]
    return np.array([of(np.append(values[indices == i], x[i])) for i in range(len(x))], x.dtype)


def index_add(x: Any, indices: Any, src: Any, axis: int, alpha: float) -> Any:
    src = src if alpha == 1 else alpha * src
    out = np.moveaxis(x, axis, 0).astype(np.result_type(x, src))
    np.add.at(out, indices, np.moveaxis(src, axis, 0))
    return np.moveaxis(out, 0, axis)


def index_copy(x: Any, indices: Any, src: Any, axis: int) -> Any:
    out = x.copy()
    np.moveaxis(out, axis, 0)[indices] = np.moveaxis(src, axis, 0)
    return out


def index_put(x: Any, values: Any, *indices: Any, accumulate: bool) -> Any:
    out = x.copy()
    if accumulate:
        np.add.at(out, indices, values)
    else:
        out[indices] = values
    return out


VALUES: Oracles = {
    "places_along_axis": places_along_axis,
    "scatter": scatter,
    "scatter_add": lambda x, indices, src, axis: scattered(x, indices, src, axis, np.add),
    "scatter_reduce": scatter_reduce,
    "reduce_at": reduce_at,
    "index_add": index_add,
    "index_copy": index_copy,
    "index_put": index_put,
}

LARGE: Calls = {
    "reduce_at": [
        sample(uniform(0.5, 2, (400,)), uniform(0.5, 2, (400,)), integers(0, 400, (400,)),
               reduce=reduce)
        for reduce in ("prod", "amax", "amin")
    ]
}  # fmt: skip

"""Values of sliding windows by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles


def several(value: Any, count: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * count


def windows(x: Any, window_shape: Any, axis: Any, stride: Any, dilation: Any) -> Any:
    if axis is None:
        axis = tuple(range(-len(window_shape), 0)) if isinstance(window_shape, tuple) else None
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    sizes, steps, gaps = (several(v, len(axes)) for v in (window_shape, stride, dilation))
    spans = tuple((size - 1) * gap + 1 for size, gap in zip(sizes, gaps, strict=True))
    out = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    thinned = [slice(None)] * out.ndim
    for number, a in enumerate(axes):
        thinned[a % x.ndim] = slice(None, None, steps[number])
        thinned[x.ndim + number] = slice(None, None, gaps[number])
    return out[tuple(thinned)]


def overlap_add(x: Any, shape: Any, axis: Any, stride: Any, dilation: Any) -> Any:
    places = np.arange(np.prod(shape)).reshape(shape)
    places = windows(places, x.shape[len(shape) :], axis, stride, dilation)
    out = np.zeros(np.prod(shape), x.dtype)
    np.add.at(out, places, x)
    return out.reshape(shape)


VALUES: Oracles = {"windows": windows, "overlap_add": overlap_add}

LARGE: Calls = {
    "windows": [
        sample(uniform(-3, 3, (20, 20)), window_shape=(3, 2), stride=(2, 1), dilation=(1, 2)),
        sample(uniform(-3, 3, (400,)), window_shape=16, stride=8),
    ],
    "overlap_add": [
        sample(uniform(-3, 3, (100, 4)), shape=(202,), stride=2),
        sample(uniform(-3, 3, (2, 3, 10, 10)), shape=(11, 12)),
    ],
}

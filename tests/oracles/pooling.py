"""Values of pooling by NumPy's sliding windows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_lesson.samples import integers, sample, uniform

from .convolution import floating, transposed
from .shared import Calls, Oracles


def windows(
    x: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, fill: float = 0.0
) -> Any:
    """All windows, the elements of each along a new last axis."""
    floating(x)
    x = np.pad(x, ((0, 0), (0, 0), *padding), constant_values=fill)
    axes = tuple(range(2, x.ndim))
    spans = tuple(d * (n - 1) + 1 for d, n in zip(dilation, kernel, strict=True))
    found = np.lib.stride_tricks.sliding_window_view(x, spans, axes)
    found = found[(..., *(slice(None, None, d) for d in dilation))]
    found = found[(slice(None), slice(None), *(slice(None, None, s) for s in stride))]
    return found.reshape(*found.shape[: x.ndim], math.prod(kernel))


def pool_pick(x: Any, taps: Any, **window: Any) -> Any:
    return np.take_along_axis(windows(x, **window), taps[..., None].astype(int), -1)[..., 0]


def pool_put(g: Any, taps: Any, *, shape: Any, **window: Any) -> Any:
    return transposed(lambda x: pool_pick(x, taps, **window), (*g.shape[:2], *shape), g)


def pool_spread(g: Any, *, shape: Any, **window: Any) -> Any:
    return transposed(lambda x: windows(x, **window).sum(-1), (*g.shape[:2], *shape), g)


VALUES: Oracles = {
    "pool_sum": lambda x, **window: windows(x, **window).sum(-1),
    "pool_spread": pool_spread,
    "pool_max": lambda x, **window: windows(x, **window, fill=-math.inf).max(-1),
    "pool_argmax": lambda x, **window: (
        windows(x, **window, fill=-math.inf).argmax(-1).astype(np.uint8)
    ),
    "pool_pick": pool_pick,
    "pool_put": pool_put,
}

WINDOW = {"kernel": (2, 2), "stride": (1, 1), "padding": ((0, 1), (1, 0)), "dilation": (1, 1)}
IMAGES, TAPS = uniform(-3, 3, (2, 2, 10, 10)), integers(2, 3, (2, 2, 10, 10))

LARGE: Calls = {
    "pool_sum": [sample(IMAGES, **WINDOW)],
    "pool_spread": [sample(IMAGES, **WINDOW, shape=(10, 10))],
    "pool_max": [sample(IMAGES, **WINDOW)],
    "pool_pick": [sample(IMAGES, TAPS, **WINDOW)],
    "pool_put": [sample(IMAGES, TAPS, **WINDOW, shape=(10, 10))],
}

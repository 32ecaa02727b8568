"""Values of resampling by NumPy and SciPy, and by loops where they have no such convention."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import scipy.ndimage

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles


def keys(distance: float) -> float:
    """The kernel of cubic convolution with a slope of -0.75, as Keys writes it."""
    d, a = abs(distance), -0.75
    if d <= 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a if d < 2 else 0.0


def convolved(row: Any, place: float) -> Any:
    left = math.floor(place)
    taps = range(left - 1, left + 3)
    return sum(row[min(max(tap, 0), len(row) - 1)] * keys(place - tap) for tap in taps)


def row_resampled(row: Any, length: int, mode: str, align_corners: bool, step: Any) -> Any:
    old = len(row)
    if mode in ("nearest", "nearest-exact"):
        shift = Fraction(1, 2) if mode == "nearest-exact" else 0
        step = Fraction(old, length) if step is None else step
        return row[[min(math.floor((i + shift) * step), old - 1) for i in range(length)]]
    if mode == "area":
        ends = [(i * old // length, math.ceil((i + 1) * old / length)) for i in range(length)]
        return np.array([row[first:stop].mean() for first, stop in ends])
    if align_corners:
        places = np.linspace(0, old - 1, length)
    else:
        places = (np.arange(length) + 0.5) * (old / length if step is None else step) - 0.5
    if mode == "linear":
        return np.interp(places, np.arange(old), row)
    return np.array([convolved(row, place) for place in places])


def resample(x: Any, axis: int, *args: Any, **params: Any) -> Any:
    out = np.apply_along_axis(row_resampled, axis, x, *args, **params)
    return out.astype(x.dtype) if x.dtype.kind == "f" else out


def resample_adjoint(x: Any, axis: int, length: int, **params: Any) -> Any:
    """With the matrix whose columns are the resampled unit vectors."""
    if x.dtype.kind != "f":
        x = x.astype(float)
    matrix = resample(np.eye(length), 0, length=x.shape[axis], **params)
    return np.moveaxis(np.moveaxis(x, axis, -1) @ matrix, -1, axis).astype(x.dtype)


def interpolate(
    x: Any, size: Any, scale_factor: Any, mode: str, align_corners: Any, recompute_scale_factor: Any
) -> Any:
    for axis in range(2, x.ndim):
        step = None
        if size is not None:
            length = size if isinstance(size, int) else size[axis - 2]
        else:
            factor = scale_factor if not isinstance(scale_factor, tuple) else scale_factor[axis - 2]
            length = math.floor(x.shape[axis] * factor)
            step = None if recompute_scale_factor else 1 / factor
        kind = {"bicubic": "cubic", "bilinear": "linear", "trilinear": "linear"}.get(mode, mode)
        x = resample(x, axis, length, kind, bool(align_corners), step)
    return x


def grid_sample(x: Any, grid: Any, mode: str, padding_mode: str, align_corners: bool) -> Any:
    sizes = np.array(x.shape[2:])
    grid = grid if grid.dtype.kind == "f" else grid.astype(float)
    x = x if x.dtype.kind == "f" else x.astype(float)
    places = grid[..., ::-1]
    places = (places + 1) / 2 * (sizes - 1) if align_corners else ((places + 1) * sizes - 1) / 2
    mirror = "mirror" if align_corners else "reflect"
    outside = {"zeros": "constant", "border": "nearest", "reflection": mirror}[padding_mode]
    out = np.empty((*x.shape[:2], *grid.shape[1:-1]))
    for n, c in np.ndindex(x.shape[:2]):
        at = np.moveaxis(places[n], -1, 0)
        if mode == "bicubic":
            out[n, c] = cubic_read(x[n, c], at, outside)
        else:
            padded = np.pad(x[n, c].astype(float), 3, mode=PADS[outside])
            out[n, c] = scipy.ndimage.map_coordinates(padded, at + 3, order=1)
    return out.astype(np.result_type(x, grid))


PADS = {"constant": "constant", "nearest": "edge", "mirror": "reflect", "reflect": "symmetric"}


def cubic_read(image: Any, places: Any, outside: str) -> Any:
    padded = np.pad(image, 4, mode=PADS[outside])
    out = np.zeros(places.shape[1:])
    for at in np.ndindex(out.shape):
        y, x = places[:, *at]
        top, left = math.floor(y), math.floor(x)
        for i, j in itertools.product(range(-1, 3), repeat=2):
            weight = keys(y - top - i) * keys(x - left - j)
            out[at] += padded[top + i + 4, left + j + 4] * weight
    return out


def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    r = upscale_factor
    *lead, channels, height, width = x.shape
    out = np.empty((*lead, channels // r**2, height * r, width * r), x.dtype)
    for i, j in itertools.product(range(r), repeat=2):
        out[..., i::r, j::r] = x[..., i * r + j :: r * r, :, :]
    return out


def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    r = downscale_factor
    *lead, channels, height, width = x.shape
    out = np.empty((*lead, channels * r**2, height // r, width // r), x.dtype)
    for i, j in itertools.product(range(r), repeat=2):
        out[..., i * r + j :: r * r, :, :] = x[..., i::r, j::r]
    return out


def channel_shuffle(x: Any, groups: int) -> Any:
    order = np.arange(x.shape[1]).reshape(groups, -1).T.ravel()
    return x[:, order]


VALUES: Oracles = {
    "resample": resample,
    "resample_adjoint": resample_adjoint,
    "interpolate": interpolate,
    "grid_sample": grid_sample,
    "pixel_shuffle": pixel_shuffle,
    "pixel_unshuffle": pixel_unshuffle,
    "channel_shuffle": channel_shuffle,
}

TABLE = uniform(-3, 3, (20, 20))

LARGE: Calls = {
    "resample": [sample(TABLE, axis=1, length=30, mode="cubic"), sample(TABLE, axis=0, length=7)],
    "resample_adjoint": [
        sample(TABLE, axis=1, length=30, mode="cubic"),
        sample(TABLE, axis=0, length=7),
    ],
}

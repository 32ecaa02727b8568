"""Kernels of convolutions.

A convolution is one matrix product for each image: weights of shape (out, in * taps) times columns
of shape (in * taps, places), which hold what each tap of the kernel meets at each place. The
columns are many times larger than the image. So they are made for a few images at a time, which
keeps them in the processor's cache, and they never outlive the call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from .. import Array
from ..sliding import Pads, Sliding, sliding, still

Sizes = tuple[int, ...]

CACHE = 1 << 20
"""Bytes of columns at a time: what fits into a core's second level of cache."""


class _Columns:
    """The columns of images, a chunk of images at a time.

    Parameters
    ----------
    shape
        Of all images: (N, C, ...).
    axes
        How the kernel slides along each axis of an image.
    groups
        Into how many parts the channels are split.
    dtype
        Of the columns.
    """

    def __init__(self, shape: Sizes, axes: list[Sliding], groups: int, dtype: Any) -> None:
        self.axes, self.groups, self.dtype = axes, groups, dtype
        self.images, channels = shape[:2]
        self.rows = channels // groups * math.prod(axis.size for axis in axes)
        self.places = tuple(axis.places for axis in axes)
        size = groups * self.rows * math.prod(self.places) * np.dtype(dtype).itemsize
        self.count = min(max(1, CACHE // max(1, size)), self.images)
        # Unfolding takes one axis after the other, the last one first:
        # (n, C, H, W) -> (n, C, kw, H, ow) -> (n, C, kh, kw, oh, ow).
        self.shapes = [(self.count, *shape[1:])]
        for axis in reversed(axes):
            n, c, *rest = self.shapes[-1]
            rest[len(axes) - 1] = axis.places
            self.shapes.append((n, c, axis.size, *rest))
        # For each axis and tap: what it fills in the longer array, and with what of the shorter
        # one. In every step the axis that is unfolded is in the same place.
        whole = (slice(None),) * (len(axes) + 1)
        self.moves = [
            [
                ((*whole[:2], tap, *whole[2:], places), (*whole, data))
                for tap, (places, data) in enumerate(axis.taps())
            ]
            for axis in axes
        ]

    def chunks(self) -> Iterator[slice]:
        """The images, a few at a time."""
        for start in range(0, self.images, max(1, self.count)):
            yield slice(start, min(start + self.count, self.images))

    @cached_property
    def _taken(self) -> list[Array]:
        """Buffers for the steps of unfolding; what is not written into them is padding."""
        steps = zip(reversed(self.axes), self.shapes[1:], strict=True)
        return [np.zeros(0 if axis.idle else shape, self.dtype) for axis, shape in steps]

    def unfolded(self, images: Array) -> Array:
        """The columns (n, groups, in * taps, places) of a chunk; the next call overwrites them."""
        count = len(images)
        steps = zip(reversed(self.axes), reversed(self.moves), self._taken, strict=True)
        for axis, moves, buffer in steps:
            if axis.idle:
                images = images[:, :, None]
                continue
            taken = buffer[:count]
            for filled, origin in moves:
                taken[filled] = images[origin]
            images = taken
        return images.reshape(count, self.groups, self.rows, math.prod(self.places))

    @cached_property
    def _aligned(self) -> list[Array]:
        """Buffers for the steps of folding: what each tap has for each position."""
        steps = zip(reversed(self.axes), self.shapes[:-1], strict=True)
        shapes = (0 if axis.idle else (axis.size, *shape) for axis, shape in steps)
        return [np.zeros(shape, self.dtype) for shape in shapes]

    def fold(self, columns: Array, images: Array) -> None:
        """The adjoint of :meth:`unfolded`: add up in `images` what columns have for each pixel."""
        count = len(images)
        columns = columns.reshape(count, *self.shapes[-1][1:])
        steps = zip(self.axes, self.moves, reversed(self._aligned), strict=True)
        for axis, moves, buffer in steps:
            if axis.idle:
                columns = columns[:, :, 0]
                continue
            # To line up the taps by copies, and then add them as a whole, is twice as fast as
            # adding pieces of rows.
            aligned = buffer[:, :count]
            for tap, (filled, origin) in enumerate(moves):
                aligned[tap][origin] = columns[filled]
            columns = sum(aligned[1:], start=aligned[0])
        images[...] = columns


def _prepared(groups: int, *arrays: Array) -> tuple[Any, list[Array]]:
    """The dtype of the result, and the arrays in that of the work: single precision at least."""
    dtype = np.result_type(*arrays)
    if dtype.kind != "f":
        raise TypeError("a convolution needs a dtype of floats")
    if groups < 1:
        raise ValueError("groups must be positive")
    wide = np.promote_types(dtype, np.float32)
    return dtype, [array.astype(wide, copy=False) for array in arrays]


def _fit(condition: bool) -> None:
    if not condition:
        raise ValueError("the shapes do not fit one another")


def conv(
    x: Array,
    weight: Array,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
) -> Array:
    dtype, (x, weight) = _prepared(groups, x, weight)
    outer, inner, *kernel = weight.shape
    _fit(x.shape[1] == inner * groups and outer % groups == 0)
    axes = sliding(x.shape[2:], kernel, stride, padding, dilation)
    columns = _Columns(x.shape, axes, groups, x.dtype)
    matrix = weight.reshape(groups, outer // groups, columns.rows)
    out = np.empty((len(x), groups, outer // groups, math.prod(columns.places)), x.dtype)
    for chunk in columns.chunks():
        np.matmul(matrix, columns.unfolded(x[chunk]), out=out[chunk])
    return out.reshape(len(x), outer, *columns.places).astype(dtype, copy=False)


def conv_input_grad(
    g: Array,
    weight: Array,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
    *,
    shape: Sizes,
) -> Array:
    dtype, (g, weight) = _prepared(groups, g, weight)
    outer, inner, *kernel = weight.shape
    axes = sliding(shape, kernel, stride, padding, dilation)
    _fit(g.shape[1:] == (outer, *(axis.places for axis in axes)) and outer % groups == 0)
    unfolding, taps = [still(axis.places) for axis in axes], 1
    if axes and axes[-1].stride == 1 and outer // groups < 2 * inner * len(axes):
        # Along the last axis, to unfold g is less work than to fold the columns.
        taps, unfolding[-1] = kernel[-1], axes[-1].reversed
        axes[-1] = still(axes[-1].length)
    given = _Columns(g.shape, unfolding, groups, g.dtype)
    columns = _Columns((len(g), inner * groups, *shape), axes, groups, g.dtype)
    matrix = weight.reshape(groups, outer // groups, columns.rows, taps)[..., ::-1].mT
    matrix = matrix.reshape(groups, given.rows, columns.rows).mT
    out = np.empty((len(g), inner * groups, *shape), g.dtype)
    buffer = np.empty((columns.count, groups, columns.rows, math.prod(columns.places)), g.dtype)
    larger = given if taps > 1 and given.count < columns.count else columns
    for chunk in larger.chunks():
        part = buffer[: chunk.stop - chunk.start]
        columns.fold(np.matmul(matrix, given.unfolded(g[chunk]), out=part), out[chunk])
    return out.astype(dtype, copy=False)


def conv_weight_grad(
    g: Array,
    x: Array,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
    *,
    shape: Sizes,
) -> Array:
    dtype, (g, x) = _prepared(groups, g, x)
    outer, channels = g.shape[1], x.shape[1]
    axes = sliding(x.shape[2:], shape, stride, padding, dilation)
    columns = _Columns(x.shape, axes, groups, g.dtype)
    _fit(g.shape == (len(x), outer, *columns.places))
    _fit(channels % groups == 0 and outer % groups == 0)
    g = g.reshape(len(x), groups, outer // groups, math.prod(columns.places))
    out = np.zeros((groups, columns.rows, outer // groups), g.dtype)
    for chunk in columns.chunks():  # columns first: the faster one of the two orders
        part, given = columns.unfolded(x[chunk]), g[chunk]
        if outer // groups > g.shape[-1]:  # one product for all is less work than their sum
            out += np.matmul(_joined(part), _joined(given).mT)
        else:
            out += np.matmul(part, given.mT).sum(axis=0)
    return out.mT.reshape(outer, channels // groups, *shape).astype(dtype, copy=False)


def _joined(parts: Array) -> Array:
    """(n, groups, rows, places) as (groups, rows, n * places)."""
    n, groups, rows, places = parts.shape
    return parts.transpose(1, 2, 0, 3).reshape(groups, rows, n * places)

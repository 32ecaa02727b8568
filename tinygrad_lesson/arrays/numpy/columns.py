"""The columns of a convolution: what each tap of the kernel meets at each place of an image.

They are many times larger than the image. So they are made for a few images at a time, which keeps
them in the processor's cache, and they never outlive the call.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from .. import Array
from ..sliding import Sliding

CACHE = 1 << 20
"""Bytes of columns at a time: what fits into a core's second level of cache."""

SHORT = 64
"""So short lines of pixels are copied all at once."""


class _Chunks:
    """Images, a few at a time.

    Attributes
    ----------
    images
        How many there are.
    count
        How many at a time.
    """

    images: int
    count: int

    def fitting(self, numbers: int, dtype: Any) -> int:
        """How many images at a time, each of which needs so many numbers."""
        size = numbers * int(np.dtype(dtype).itemsize)
        return min(max(1, CACHE // max(1, size)), self.images)

    def chunks(self) -> Iterator[slice]:
        """The images, a few at a time."""
        for start in range(0, self.images, max(1, self.count)):
            yield slice(start, min(start + self.count, self.images))


class Columns(_Chunks):
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

    products = 1
    """With how many arrays of columns weights are multiplied."""

    def __init__(
        self, shape: tuple[int, ...], axes: list[Sliding], groups: int, dtype: Any
    ) -> None:
        self.axes, self.groups, self.dtype = axes, groups, dtype
        self.images, channels = shape[:2]
        self.rows = channels // groups * math.prod(axis.size for axis in axes)
        self.places = math.prod(axis.places for axis in axes)
        self.count = self.fitting(groups * self.rows * self.places, dtype)
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

    @cached_property
    def _taken(self) -> list[Array]:
        """Buffers for the steps of unfolding; what is not written into them is padding."""
        steps = zip(reversed(self.axes), self.shapes[1:], strict=True)
        return [np.zeros(0 if axis.idle else shape, self.dtype) for axis, shape in steps]

    def unfolded(self, images: Array) -> list[Array]:
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
        return [images.reshape(count, self.groups, self.rows, self.places)]

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


class Strips(_Chunks):
    """Columns for a kernel that moves by one along the first of two axes.

    They have the lines of an image below one another, for each tap along the last axis. What a tap
    along the first axis meets begins some lines further down: it is a view of the same memory, and
    gets a product of its own. The parameters are those of :class:`Columns`.
    """

    def __init__(
        self, shape: tuple[int, ...], axes: list[Sliding], groups: int, dtype: Any
    ) -> None:
        first, self.last = axes
        self.groups, self.products = groups, first.size
        self.images, channels = shape[:2]
        self.rows = channels // groups * self.last.size
        self.places = first.places * self.last.places
        lines = first._replace(size=1)  # with their padding
        ((self.inside, self.data),) = lines.taps()
        self.shape = (channels, self.last.size, lines.places, self.last.places)
        self.count = self.fitting(math.prod(self.shape), dtype)
        self.buffer = np.zeros((self.count, *self.shape), dtype)
        step = first.dilation * self.last.places
        self.starts = range(0, first.size * step, step)

    def unfolded(self, images: Array) -> list[Array]:
        """Columns (n, groups, in * taps, places) for each tap along the first axis.

        The next call overwrites them.
        """
        count = len(images)
        lines, taken = images[:, :, self.data], self.buffer[:count, :, :, self.inside]
        if self.last.keeps_length and self.last.length <= SHORT:
            _shift(lines, self.last, taken)
        else:
            for tap, (places, data) in enumerate(self.last.taps()):
                taken[:, :, tap, :, places] = lines[..., data]
        size = math.prod(self.shape[2:])
        strips = self.buffer[:count].reshape(count, self.groups, self.rows, size)
        return [strips[..., start : start + self.places] for start in self.starts]


def _shift(lines: Array, axis: Sliding, taken: Array) -> None:
    """Copy lines for each tap along them, all at once.

    What comes from the line before or after lies where there should be padding, and is overwritten.
    """
    size = math.prod(lines.shape[2:])
    pixels, moved = lines.reshape(*lines.shape[:2], size), taken.reshape(*taken.shape[:3], size)
    for tap, (places, data) in enumerate(axis.taps()):
        by = places.start - data.start
        to, of, count = max(0, by), max(0, -by), max(0, size - abs(by))
        moved[:, :, tap, to : to + count] = pixels[:, :, of : of + count]
        taken[:, :, tap, :, : places.start] = 0
        taken[:, :, tap, :, places.stop :] = 0

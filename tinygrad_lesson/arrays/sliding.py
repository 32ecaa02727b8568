"""Where the windows of a convolution or a pooling lie: arithmetic on lengths, no arrays.

A window has `size` taps, `dilation` apart. Its places are `stride` apart, from `before` positions
in front of the data to `after` positions behind them (to leave some out, either may be negative).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Sliding(NamedTuple):
    """How windows slide along one axis."""

    length: int
    size: int
    stride: int
    before: int
    after: int
    dilation: int

    @property
    def room(self) -> int:
        """How far the first window can move before it leaves the padded data."""
        return self.length + self.before + self.after - self.dilation * (self.size - 1) - 1

    @property
    def places(self) -> int:
        """How many windows there are."""
        return self.room // self.stride + 1

    @property
    def idle(self) -> bool:
        """Whether each window is one position, in order."""
        return self[1:5] == (1, 1, 0, 0)

    @property
    def keeps_length(self) -> bool:
        """Whether there is a window for each position."""
        return self.stride == 1 and self.places == self.length

    @property
    def reversed(self) -> Sliding:
        """From the places back to the positions, with the taps in reverse order; `stride` is 1."""
        span = self.dilation * (self.size - 1)
        pads = (span - self.before, span - self.after)
        return Sliding(self.places, self.size, 1, *pads, self.dilation)

    def taps(self) -> list[tuple[slice, slice]]:
        """For each tap: the places where it lies on data, and the data that it meets there."""
        found = []
        for tap in range(self.size):
            offset = tap * self.dilation - self.before
            first = max(0, -(offset // self.stride))
            stop = max(first, min(self.places, -((offset - self.length) // self.stride)))
            data = slice(0, 0)
            if stop > first:
                last = (stop - 1) * self.stride + offset
                data = slice(first * self.stride + offset, last + 1, self.stride)
            found.append((slice(first, stop), data))
        return found


def still(length: int) -> Sliding:
    """A window of one position, in order: nothing is moved."""
    return Sliding(length, 1, 1, 0, 0, 1)


Pads = Sequence[tuple[int, int]]


def sliding(
    lengths: Sequence[int],
    sizes: Sequence[int],
    stride: Sequence[int],
    padding: Pads,
    dilation: Sequence[int],
) -> list[Sliding]:
    """How windows of `sizes` slide along axes of `lengths`; ValueError if they do not fit."""
    if not len(lengths) == len(sizes) == len(stride) == len(padding) == len(dilation):
        raise ValueError("kernel, stride, padding and dilation need one item for each axis")
    axes = [
        Sliding(length, size, step, *pads, apart)
        for length, size, step, pads, apart in zip(
            lengths, sizes, stride, padding, dilation, strict=True
        )
    ]
    for axis in axes:
        if min(axis.size, axis.stride, axis.dilation) < 1:
            raise ValueError("sizes, strides and dilations must be positive")
        if axis.room < 0:
            raise ValueError("the kernel is larger than the padded input")
    return axes

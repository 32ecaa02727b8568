"""Sequences of different lengths: padded to one array, and batches of those that are alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..errors import ArgumentError, RangeError, ShapeError
from ..random import default_generator
from ..tensor import Tensor

if TYPE_CHECKING:
    from numpy.random import Generator


def pad_sequence(
    sequences: Sequence[Any], batch_first: bool = False, padding_value: float = 0.0
) -> Tensor:
    """Sequences side by side in one tensor, the shorter ones filled up at their ends.

    Parameters
    ----------
    sequences
        Arrays, tensors or lists of shapes (T_i, ...), equal but for T_i.
    batch_first
        Put the axis of sequences before that of steps.
    padding_value
        What they are filled up with.

    Returns
    -------
    Tensor
        Shape (T, N, ...) for N sequences, of which the longest has T steps; (N, T, ...) if
        `batch_first`. No gradient goes through it.

    Examples
    --------
    >>> from tinygrad_lesson import data
    >>> data.pad_sequence([[1, 2, 3], [4]], batch_first=True).tolist()
    [[1, 2, 3], [4, 0, 0]]
    """
    arrays = [np.asarray(s.raw if isinstance(s, Tensor) else s) for s in sequences]
    shapes = {array.shape[1:] for array in arrays if array.ndim}
    if len(shapes) != 1 or not all(array.ndim for array in arrays):
        raise ShapeError(
            "pad_sequence", f"the shapes are {[array.shape for array in arrays[:5]]}",
            "Pass one or more of shapes (T_i, ...), in which only T_i differs.",
        )  # fmt: skip
    longest = max(map(len, arrays))
    filled = [array for array in arrays if array.size] or arrays  # an empty list is of no dtype
    dtype = np.result_type(*{array.dtype for array in filled})
    out = np.full((len(arrays), longest, *shapes.pop()), padding_value, dtype)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return Tensor.lift(out if batch_first else np.ascontiguousarray(out.swapaxes(0, 1)))


class LengthBatches:
    """Batches of samples that are about as long, so that little of a batch is padding.

    A `batch_sampler` of :class:`DataLoader`: each ``for`` loop gives the numbers of the samples of
    each batch. Samples are drawn in a random order, a pool at a time, and sorted within it; the
    batches come in a random order.

    Parameters
    ----------
    lengths
        The length of each sample; or a tuple of lengths, of which the first counts most.
    batch_size
        How many samples make a batch; the last one is smaller if there are not enough.
    pool
        From so many batches at a time those alike are picked: the larger, the less padding, and the
        less do batches differ from one epoch to the next.
    generator
        Draws the orders; the default one unless given.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lesson import data
    >>> batches = data.LengthBatches([9, 2, 8, 1], 2, generator=np.random.default_rng(0))
    >>> sorted(sorted(batch.tolist()) for batch in batches)
    [[0, 2], [1, 3]]
    """

    def __init__(
        self,
        lengths: Sequence[Any],
        batch_size: int,
        *,
        pool: int = 50,
        generator: Generator | None = None,
    ) -> None:
        name = type(self).__name__
        self.lengths = np.asarray(lengths)
        if self.lengths.ndim not in (1, 2) or self.lengths.dtype.kind not in "iuf":
            raise ArgumentError(
                name, f"lengths of shape {self.lengths.shape} and dtype {self.lengths.dtype}",
                "Pass a number for each sample, or a tuple of numbers.",
            )  # fmt: skip
        self.batch_size = count(name, "batch_size", batch_size)
        self.pool = count(name, "pool", pool)
        if not batch_size or not pool:
            raise RangeError(name, f"batch_size={batch_size}, pool={pool}", "Pass 1 or more.")
        self.generator = generator

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[Array]:
        generator = default_generator() if self.generator is None else self.generator
        order = generator.permutation(len(self.lengths))
        batches: list[Array] = []
        for pool in _pieces(order, self.pool * self.batch_size):
            keys = self.lengths[pool]
            alike = np.lexsort(keys.T[::-1] if keys.ndim > 1 else [keys])
            batches += _pieces(pool[alike], self.batch_size)
        return (batches[i] for i in generator.permutation(len(batches)))


def _pieces(row: Array, length: int) -> Iterator[Array]:
    return (row[i : i + length] for i in range(0, len(row), length))

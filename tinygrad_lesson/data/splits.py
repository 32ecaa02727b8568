"""A set of samples in two or more parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import RangeError, ShapeError
from ..random import default_generator
from .datasets import Dataset, Subset

if TYPE_CHECKING:
    from numpy.random import Generator


def random_split(
    dataset: Dataset, lengths: Sequence[float], generator: Generator | None = None
) -> list[Subset]:
    """Parts of these sizes, drawn at random.

    Parameters
    ----------
    dataset
        What is split.
    lengths
        Numbers of samples that add up to all; or shares that add up to 1, of which the first parts
        get what rounding leaves over.
    generator
        Draws the order; the default one unless given.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lesson import data
    >>> train, test = data.random_split(data.TensorDataset(np.arange(10)), [0.75, 0.25])
    >>> len(train), len(test)
    (8, 2)
    """
    sizes = _sizes("random_split", lengths, len(dataset))
    order = _drawn(generator).permutation(len(dataset))
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(sizes)[:-1])]


def stratified_split(
    dataset: Dataset,
    labels: Any,
    lengths: Sequence[float],
    generator: Generator | None = None,
) -> list[Subset]:
    """Parts drawn at random in which every class has the same share.

    Parameters
    ----------
    dataset
        What is split.
    labels
        The class of each sample.
    lengths
        Shares that add up to 1.
    generator
        Draws the order; the default one unless given.
    """
    classes = np.asarray(getattr(labels, "raw", labels))
    if classes.shape != (len(dataset),):
        raise ShapeError(
            "stratified_split",
            f"labels of shape {classes.shape} for {len(dataset)} samples",
            "Give one class for each.",
        )
    drawn = _drawn(generator)
    parts: list[list[Array]] = [[] for _ in lengths]
    shares = [length / sum(lengths) for length in lengths]
    for name in np.unique(classes):
        members = drawn.permutation(np.flatnonzero(classes == name))
        sizes = _sizes("stratified_split", shares, len(members))
        for part, chosen in zip(parts, np.split(members, np.cumsum(sizes)[:-1]), strict=True):
            part.append(chosen)
    return [Subset(dataset, drawn.permutation(np.concatenate(part))) for part in parts]


def _sizes(where: str, lengths: Sequence[float], count: int) -> list[int]:
    """Numbers of samples for what may be shares."""
    if min(lengths, default=-1) < 0:
        raise RangeError(where, f"lengths={list(lengths)} are not sizes", "Pass 0 or more.")
    if not math.isclose(sum(lengths), 1.0) or all(isinstance(n, int) for n in lengths):
        sizes = [int(n) for n in lengths]
        if sum(lengths) != count or sizes != list(lengths):
            raise RangeError(
                where,
                f"lengths={list(lengths)} for {count} samples",
                "Pass numbers that add up to all, or shares that add up to 1.",
            )
        return sizes
    sizes = [math.floor(share * count) for share in lengths]
    for i in range(count - sum(sizes)):
        sizes[i % len(sizes)] += 1
    return sizes


def _drawn(generator: Generator | None) -> Generator:
    return default_generator() if generator is None else generator

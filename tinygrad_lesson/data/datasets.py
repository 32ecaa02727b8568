"""Sets of samples that can be picked by number."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..arrays import Array
from ..errors import ArgumentError, IndexingError, ShapeError
from ..tensor import Tensor


@runtime_checkable
class Dataset(Protocol):
    """What a loader needs: a length, and a sample for each number.

    A set that can pick many samples at once may also have ``batch(indices)``, which returns them
    collated; a loader without a `collate_fn` of its own calls that.
    """

    def __len__(self) -> int:
        """How many samples there are."""

    def __getitem__(self, index: int) -> Any:
        """The sample with this number."""


def check_index(dataset: Dataset, index: int) -> None:
    """Refuse the number of a sample that is not there."""
    if not -len(dataset) <= index < len(dataset):
        raise IndexingError(
            type(dataset).__name__,
            f"there is no sample {index} of {len(dataset)}",
            "Use a smaller one.",
        )


class TensorDataset:
    """Arrays whose first axis numbers the samples, as inputs and targets are.

    Parameters
    ----------
    arrays
        Tensors or NumPy arrays, all of one length. NumPy's are not copied: memory-mapped ones
        stay on disk, and of a batch only its own samples are read.
    transform
        Called with the arrays of each sample; what it returns takes their place.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lesson import data
    >>> pairs = data.TensorDataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 0]))
    >>> len(pairs)
    3
    >>> pairs[1]
    (Tensor([2., 3.], dtype=float64), Tensor(1, dtype=int64))
    """

    def __init__(self, *arrays: Any, transform: Callable[..., Any] | None = None) -> None:
        if not arrays:
            raise ArgumentError("TensorDataset", "there are no arrays", "Pass one or more.")
        self.arrays = tuple(_array(a) for a in arrays)
        self.transform = transform
        lengths = [len(a) if a.ndim else None for a in self.arrays]
        if None in lengths or len(set(lengths)) != 1:
            raise ShapeError(
                "TensorDataset",
                f"the arrays have shapes {[a.shape for a in self.arrays]}",
                "Their first axes number the samples, and have one length.",
            )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int) -> Any:
        check_index(self, index)
        sample = tuple(Tensor(a[index]) for a in self.arrays)
        return sample if self.transform is None else self.transform(*sample)

    @property
    def batch(self) -> Callable[[Sequence[int]], Any]:
        """Picks many samples at once; there is no such thing if each is transformed."""
        if self.transform is not None:
            raise AttributeError("batch")
        return self._batch

    def _batch(self, indices: Sequence[int]) -> tuple[Tensor, ...]:
        rows = np.asarray(indices)
        return tuple(Tensor.lift(np.asarray(a[rows])) for a in self.arrays)


def _array(given: Any) -> Array:
    if isinstance(given, Tensor):
        return given.raw
    return given if isinstance(given, np.ndarray) else Tensor(given).raw


class Subset:
    """Some samples of a set, by number.

    Parameters
    ----------
    dataset
        The set.
    indices
        The numbers of the samples, in order.
    """

    def __init__(self, dataset: Dataset, indices: Sequence[int] | Array) -> None:
        self.dataset = dataset
        self.indices = np.asarray(indices, np.intp)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(self.indices[index])]

    @property
    def batch(self) -> Callable[[Sequence[int]], Any]:
        """Picks many samples at once, if the set can."""
        pick: Callable[[Sequence[int]], Any] = self.dataset.batch  # type: ignore[attr-defined]
        return lambda indices: pick(self.indices[np.asarray(indices)])


class ConcatDataset:
    """Several sets, one after the other."""

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ArgumentError("ConcatDataset", "there are no sets", "Pass one or more.")
        self.ends = list(accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexingError(
                "ConcatDataset", f"there is no sample {index} of {len(self)}", "Use a smaller one."
            )
        number = bisect_right(self.ends, place)
        return self.datasets[number][place - (self.ends[number - 1] if number else 0)]

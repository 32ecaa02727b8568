"""The DataLoader: batches of a set of samples, in order or shuffled."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import count
from ..errors import ArgumentError, RangeError, ShapeError, StateDictError
from ..random import default_generator
from ..tensor import Tensor
from .datasets import Dataset

if TYPE_CHECKING:
    from numpy.random import Generator

_AHEAD = 2  # batches that each thread prepares in advance


class DataLoader:
    """Goes through a set of samples in batches; each ``for`` loop is one epoch.

    Parameters
    ----------
    dataset
        Has a length and samples by number; see :class:`Dataset`.
    batch_size
        How many samples make a batch.
    shuffle
        Take them in a new random order in each epoch.
    drop_last
        Leave out the last batch if it is smaller.
    collate_fn
        Makes a batch of a list of samples; :func:`default_collate` unless given.
    num_workers
        How many threads prepare batches in advance: worth it where reading a sample waits for a
        disk, or calls what releases Python's lock. The order stays the same.
    generator
        Shuffles; the default one unless given.
    batch_sampler
        Says of which samples each batch is made, in place of `batch_size`, `shuffle`, `drop_last`
        and `generator`: each loop over it gives their numbers, batch by batch. If it draws from a
        generator other than the default one, it is in its attribute `generator`. See
        :class:`~tinygrad_lesson.data.LengthBatches`.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lesson import data
    >>> pairs = data.TensorDataset(np.arange(5.0), np.arange(5))
    >>> [y.tolist() for x, y in data.DataLoader(pairs, batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        drop_last: bool = False,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        num_workers: int = 0,
        generator: Generator | None = None,
        batch_sampler: Any = None,
    ) -> None:
        self.dataset = dataset
        self.batch_size = count("DataLoader", "batch_size", batch_size)
        if not self.batch_size:
            raise RangeError("DataLoader", "batch_size=0 makes no batches", "Pass 1 or more.")
        self.shuffle = shuffle
        self.drop_last = drop_last
        self.collate_fn = collate_fn
        self.num_workers = count("DataLoader", "num_workers", num_workers)
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or drop_last or generator is not None:
                raise ArgumentError(
                    "DataLoader",
                    "batch_sampler and batch_size, shuffle, drop_last or generator are given",
                    "Pass batch_sampler alone: it says all that they say.",
                )
            generator = getattr(batch_sampler, "generator", None)
        self.batch_sampler = batch_sampler
        self.generator = generator
        self._start: Any = None  # the generator's state when the epoch began
        self._done = 0  # batches of it that were handed out
        self._resume = False

    def __len__(self) -> int:
        if self.batch_sampler is not None:
            return len(self.batch_sampler)
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[Any]:
        generator = default_generator() if self.generator is None else self.generator
        if self._resume:
            generator.bit_generator.state = self._start
        else:
            self._start, self._done = generator.bit_generator.state, 0
        self._resume = False
        for batch in self._fetched(self._chunks(generator)[self._done :]):
            self._done += 1
            yield batch

    def _chunks(self, generator: Generator) -> list[Any]:
        """The numbers of the samples of each batch of an epoch."""
        if self.batch_sampler is not None:
            return list(self.batch_sampler)
        total = len(self.dataset)
        order = generator.permutation(total) if self.shuffle else np.arange(total)
        return [order[i * self.batch_size :][: self.batch_size] for i in range(len(self))]

    def _fetched(self, chunks: list[Any]) -> Iterator[Any]:
        if not self.num_workers:
            yield from map(self._batch, chunks)
            return
        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(self.num_workers) as threads:
            try:
                for chunk in chunks:
                    waiting.append(threads.submit(self._batch, chunk))
                    if len(waiting) > _AHEAD * self.num_workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:  # the loop was left, or a sample failed
                for future in waiting:
                    future.cancel()

    def _batch(self, indices: Any) -> Any:
        if self.collate_fn is None and hasattr(self.dataset, "batch"):
            return self.dataset.batch(indices)
        samples = [self.dataset[int(i)] for i in indices]
        return (self.collate_fn or default_collate)(samples)

    # ---- going on later ------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Where the epoch stands: what its order was drawn from, and how many batches are done."""
        finished = self._done >= len(self)
        return {"start": None if finished else self._start, "done": 0 if finished else self._done}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next loop go on where :meth:`state_dict` was called, with the same order.

        Between two epochs there is nothing to go on with: save the generator as well.
        """
        if not isinstance(state_dict, Mapping) or set(state_dict) != {"start", "done"}:
            raise StateDictError(
                "DataLoader.load_state_dict", "this is not the state of a loader",
                "Pass what state_dict() returned.",
            )  # fmt: skip
        if state_dict["done"] > len(self):
            raise StateDictError(
                "DataLoader.load_state_dict",
                f"{state_dict['done']} batches are done, of {len(self)}",
                "Build the loader over the same set, with the same batch size.",
            )
        self._start, self._done = state_dict["start"], state_dict["done"]
        self._resume = self._start is not None

    def __repr__(self) -> str:
        size = "" if self.batch_sampler is not None else f" of {self.batch_size}"
        return (
            f"DataLoader({len(self.dataset)} samples, {len(self)} batches{size}"
            f"{', shuffled' if self.shuffle else ''})"
        )


def default_collate(samples: Sequence[Any]) -> Any:
    """A batch of samples: numbers, arrays and tensors stacked along a new first axis.

    Tuples, lists and dicts are batched part by part; what is none of these stays a list.

    Examples
    --------
    >>> from tinygrad_lesson.data import default_collate
    >>> default_collate([("a", 1.0), ("b", 2.0)])
    (['a', 'b'], Tensor([1., 2.], dtype=float32))
    """
    first = samples[0]
    if isinstance(first, Tensor | np.ndarray | np.generic):
        arrays = [np.asarray(s.raw if isinstance(s, Tensor) else s) for s in samples]
        shapes = {a.shape for a in arrays}
        if len(shapes) != 1:
            raise ShapeError(
                "DataLoader",
                f"the samples of a batch have shapes {sorted(shapes, key=math.prod)}",
                "Pad them to one shape in a collate_fn.",
            )
        return Tensor.lift(np.stack(arrays))
    if isinstance(first, bool | int | float):
        return Tensor(list(samples))
    if isinstance(first, Mapping):
        return {key: default_collate([s[key] for s in samples]) for key in first}
    if isinstance(first, tuple | list):
        parts = [default_collate(part) for part in zip(*samples, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    return list(samples)

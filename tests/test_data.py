"""Sets, splits and batches."""

from __future__ import annotations

import copy
import itertools
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, data
from tinygrad_lesson.errors import (
    ArgumentError,
    IndexingError,
    RangeError,
    ShapeError,
    StateDictError,
)


def pairs(n: int = 10) -> data.TensorDataset:
    return data.TensorDataset(np.arange(2.0 * n).reshape(n, 2), np.arange(n))


def numbers(loader: data.DataLoader) -> list[list[int]]:
    return [y.tolist() for _, y in loader]


# ---- sets --------------------------------------------------------------------------------


def test_a_sample_is_a_tuple_of_tensors() -> None:
    x, y = pairs()[3]
    assert x.tolist() == [6.0, 7.0]
    assert int(y) == 3
    assert int(pairs()[-1][1]) == 9


def test_memory_mapped_arrays_stay_on_disk(tmp_path: Path) -> None:
    path = tmp_path / "big.npy"
    np.save(path, np.arange(1000.0).reshape(100, 10))
    mapped = np.load(path, mmap_mode="r")
    dataset = data.TensorDataset(mapped)
    assert dataset.arrays[0] is mapped
    (batch,) = next(iter(data.DataLoader(dataset, batch_size=3)))
    np.testing.assert_array_equal(batch.numpy(), np.arange(30.0).reshape(3, 10))
    assert not np.shares_memory(batch.raw, mapped)


def test_what_is_read_in_one_go_is_what_is_read_one_by_one() -> None:
    dataset = data.Subset(pairs(), [7, 1, 1, 4])
    whole = dataset.batch([0, 3])
    singly = data.default_collate([dataset[0], dataset[3]])
    for a, b in zip(whole, singly, strict=True):
        assert a.tolist() == b.tolist()
        assert a.dtype == b.dtype


def test_a_transform_is_called_with_each_sample() -> None:
    dataset = data.TensorDataset(np.arange(4.0), transform=lambda x: (x * 2,))
    assert [x.tolist() for (x,) in data.DataLoader(dataset, 2)] == [[0.0, 2.0], [4.0, 6.0]]


def test_sets_in_a_row() -> None:
    joined = data.ConcatDataset([pairs(3), pairs(2)])
    assert [int(joined[i][1]) for i in range(5)] == [0, 1, 2, 0, 1]
    assert int(joined[-1][1]) == 1
    assert isinstance(joined, data.Dataset)


# ---- splits ------------------------------------------------------------------------------


@given(st.integers(1, 200), st.lists(st.integers(1, 20), min_size=1, max_size=5), st.integers(0))
def test_random_split_deals_out_every_sample_once(n: int, weights: list[int], seed: int) -> None:
    shares = [w / sum(weights) for w in weights]
    parts = data.random_split(data.TensorDataset(np.arange(n)), shares, np.random.default_rng(seed))
    assert sorted(i for part in parts for i in part.indices) == list(range(n))
    for part, share in zip(parts, shares, strict=True):
        assert abs(len(part) - share * n) <= 1


def test_random_split_by_numbers() -> None:
    a, b = data.random_split(pairs(), [7, 3])
    assert (len(a), len(b)) == (7, 3)
    (whole,) = data.random_split(pairs(1), [1])
    assert len(whole) == 1


def test_stratified_split_keeps_the_shares() -> None:
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    train, test = data.stratified_split(data.TensorDataset(labels), labels, [0.8, 0.2])
    for part, expected in ((train, [48, 24, 8]), (test, [12, 6, 2])):
        assert np.bincount(labels[part.indices]).tolist() == expected
    assert sorted([*train.indices, *test.indices]) == list(range(100))


# ---- batches -----------------------------------------------------------------------------


def test_in_order() -> None:
    assert numbers(data.DataLoader(pairs(5), 2)) == [[0, 1], [2, 3], [4]]
    assert numbers(data.DataLoader(pairs(5), 2, drop_last=True)) == [[0, 1], [2, 3]]
    assert len(data.DataLoader(pairs(5), 2)) == 3
    assert len(data.DataLoader(pairs(5), 2, drop_last=True)) == 2


def test_shuffled_anew_in_each_epoch_and_repeatable() -> None:
    def epochs(seed: int) -> list[list[list[int]]]:
        loader = data.DataLoader(pairs(), 4, True, generator=np.random.default_rng(seed))
        return [numbers(loader), numbers(loader)]

    first, second = epochs(0)
    assert first != second
    assert sorted(itertools.chain(*first)) == list(range(10))
    assert epochs(0) == [first, second]
    tl.manual_seed(0)
    assert numbers(data.DataLoader(pairs(), 4, True)) == first


@pytest.mark.parametrize("workers", [1, 4])
def test_threads_change_nothing_but_who_reads(workers: int) -> None:
    seen = set()

    class Reader:
        def __len__(self) -> int:
            return 50

        def __getitem__(self, index: int) -> int:
            seen.add(threading.current_thread().name)
            return index

    def epoch(workers: int) -> list[list[int]]:
        generator = np.random.default_rng(0)
        loader = data.DataLoader(Reader(), 3, True, num_workers=workers, generator=generator)
        return [batch.tolist() for batch in loader]

    assert epoch(workers) == epoch(0)
    assert "MainThread" in seen
    assert len(seen) > 1


def test_an_error_in_a_thread_reaches_the_loop() -> None:
    class Broken:
        def __len__(self) -> int:
            return 10

        def __getitem__(self, index: int) -> int:
            if index == 5:
                raise OSError("cannot read sample 5")
            return index

    with pytest.raises(OSError, match="sample 5"):
        list(data.DataLoader(Broken(), 2, num_workers=2))


def test_leaving_the_loop_early_stops_the_threads() -> None:
    for _ in data.DataLoader(pairs(1000), 1, num_workers=2):
        break
    assert threading.active_count() < 10


@pytest.mark.parametrize("done", range(6))
@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_goes_on_where_it_was_saved(done: int, workers: int) -> None:
    def make() -> data.DataLoader:
        generator = np.random.default_rng(0)
        return data.DataLoader(pairs(20), 4, True, generator=generator, num_workers=workers)

    loader, whole = make(), make()
    expected = [numbers(whole), numbers(whole)]
    batches = iter(loader)
    for _ in range(done if done < 6 else 5):
        next(batches, None)
    state = copy.deepcopy(
        {"loader": loader.state_dict(), "generator": loader.generator.bit_generator.state}
    )
    resumed = make()
    resumed.generator.bit_generator.state = state["generator"]
    resumed.load_state_dict(state["loader"])
    rest = expected[0][done:] if done < 5 else []
    assert (numbers(resumed) if rest else []) == rest
    assert numbers(resumed) == expected[1]


class Point(NamedTuple):
    x: float
    name: str


def test_collating() -> None:
    batch = data.default_collate(
        [{"a": np.ones(2), "p": Point(1.0, "one")}, {"a": np.zeros(2), "p": Point(2.0, "two")}]
    )
    assert batch["a"].tolist() == [[1.0, 1.0], [0.0, 0.0]]
    assert batch["p"] == Point(batch["p"].x, ["one", "two"])
    assert batch["p"].x.tolist() == [1.0, 2.0]
    assert data.default_collate([Tensor([1.0]), Tensor([2.0])]).shape == (2, 1)
    loader = data.DataLoader(["a", "b", "c"], 2, collate_fn="".join)
    assert list(loader) == ["ab", "c"]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: data.TensorDataset(), ArgumentError, "there are no arrays"),
        (lambda: data.TensorDataset(np.ones(3), np.ones(4)), ShapeError, r"\[\(3,\), \(4,\)\]"),
        (lambda: data.TensorDataset(1.0), ShapeError, r"\[\(\)\]"),
        (lambda: pairs()[10], IndexingError, "no sample 10 of 10"),
        (lambda: data.ConcatDataset([]), ArgumentError, "there are no sets"),
        (lambda: data.ConcatDataset([pairs()])[10], IndexingError, "no sample 10 of 10"),
        (lambda: data.random_split(pairs(), [0.5, 0.4]), RangeError, r"\[0.5, 0.4\] for 10"),
        (lambda: data.random_split(pairs(), [12, -2]), RangeError, "are not sizes"),
        (lambda: data.stratified_split(pairs(), [1], [1.0]), ShapeError, r"\(1,\) for 10 samples"),
        (lambda: data.DataLoader(pairs(), 0), RangeError, "batch_size=0 makes no batches"),
        (lambda: data.DataLoader(pairs(), 2.5), ArgumentError, "batch_size=2.5"),
        (lambda: data.default_collate([np.ones(2), np.ones(3)]), ShapeError, "collate_fn"),
        (lambda: data.DataLoader(pairs()).load_state_dict({}), StateDictError, "not the state"),
        (
            lambda: data.DataLoader(pairs()).load_state_dict({"start": None, "done": 99}),
            StateDictError,
            "99 batches are done, of 10",
        ),
    ],
)
def test_mistakes(call, kind, message) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_repr() -> None:
    assert repr(data.DataLoader(pairs(), 4, True)) == (
        "DataLoader(10 samples, 3 batches of 4, shuffled)"
    )

"""Pieces of words, and sequences of different lengths."""

from __future__ import annotations

import copy
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, data
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError

# ---- pieces of words ---------------------------------------------------------------------


@given(st.text(st.characters(), min_size=1), st.integers(0, 20))
def test_a_text_comes_back(text: str, more: int) -> None:
    words = data.Subwords.learn([text], 4 + len(set(text)) + more)
    numbers = words.encode(text)
    assert numbers.dtype == np.int64
    assert words.decode(numbers) == words.decode(Tensor(numbers)) == text
    assert "".join(words.pieces[i] for i in numbers) == text


@given(st.lists(st.text("abc", min_size=1, max_size=8), min_size=1), st.integers(0, 12))
def test_pieces_are_those_of_the_plain_algorithm(words: list[str], joins: int) -> None:
    """Counted anew after each join."""
    text = " ".join(words)
    characters = sorted(set(text))
    expected = dict.fromkeys(characters)
    spelled = [list(word) for word in (words[0], *(f" {word}" for word in words[1:]))]
    while len(expected) < len(characters) + joins:
        totals = Counter(pair for parts in spelled for pair in pairwise(parts))
        best = min(totals, key=lambda pair: (-totals[pair], pair), default=("", ""))
        if totals[best] < 2:
            break
        expected["".join(best)] = None
        for parts in spelled:
            for i in range(len(parts) - 1):
                if tuple(parts[i : i + 2]) == best:
                    parts[i : i + 2] = ["".join(best)]
    learnt = data.Subwords.learn([text], 4 + len(characters) + joins)
    assert learnt.pieces[4:] == list(expected)


def test_special_pieces() -> None:
    words = data.Subwords.learn(["a dog", "a god"], 20)
    assert [words.pieces[i] for i in (words.padding, words.unknown, words.start, words.end)] == [
        "<padding>", "<unknown>", "<start>", "<end>",
    ]  # fmt: skip
    assert words.encode("do\u00e9").tolist()[-1] == words.unknown
    assert words.encode("").tolist() == []
    body = words.encode("a dog").tolist()
    assert words.decode([words.start, *body, words.end, *body]) == "a dog"
    assert words.decode([*body, words.padding, words.unknown]) == "a dog\N{REPLACEMENT CHARACTER}"
    assert words.decode([]) == ""
    marks = data.Subwords.learn(["<end><end>"], 99)
    assert marks.end not in marks.encode("<end>")
    assert marks.decode(marks.encode("<end>")) == "<end>"


def test_pieces_make_the_same_vocabulary_again() -> None:
    texts = ["ein Hund l\u00e4uft", "zwei Hunde laufen", "ein Mann und ein Hund"]
    learnt = data.Subwords.learn(texts, 40)
    again = data.Subwords(learnt.pieces)
    assert repr(again) == f"Subwords({len(learnt)} pieces)"
    for text in (*texts, "zwei M\u00e4nner laufen"):
        assert again.encode(text).tolist() == learnt.encode(text).tolist()


def test_vocabularies_that_cannot_be() -> None:
    with pytest.raises(RangeError, match=r"size=5 for 7 characters and special pieces\. Pass 7"):
        data.Subwords.learn(["abc"], 5)
    with pytest.raises(ArgumentError, match=r"Subwords\.learn"):
        data.Subwords(["a", "b"])
    with pytest.raises(ArgumentError, match="not the pieces"):
        data.Subwords([*data.Subwords.special, "a", "a"])
    words = data.Subwords.learn(["abc"], 7)
    for numbers in ([7], [-1], [0.5]):
        with pytest.raises(RangeError, match="Pass integers from 0 to 6"):
            words.decode(numbers)


# ---- sequences of different lengths ------------------------------------------------------


def test_pad_sequence_as_pytorch_has_it() -> None:
    rows = [np.arange(6.0).reshape(3, 2), Tensor([[9.0, 9.0]]), np.zeros((0, 2))]
    padded = data.pad_sequence(rows, padding_value=-1.0)
    assert padded.shape == (3, 3, 2)
    assert padded[:, 0].tolist() == [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    assert padded[:, 1].tolist() == [[9.0, 9.0], [-1.0, -1.0], [-1.0, -1.0]]
    first = data.pad_sequence(rows, batch_first=True, padding_value=-1.0)
    np.testing.assert_array_equal(first.numpy(), padded.numpy().swapaxes(0, 1))
    assert data.pad_sequence([[1, 2], []]).dtype == np.int64
    assert data.pad_sequence([[], []]).shape == (0, 2)


@pytest.mark.oracle
def test_pad_sequence_torch() -> None:
    torch = pytest.importorskip("torch")
    rows = [np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32) for n in (2, 5, 1)]
    for first in (False, True):
        theirs = torch.nn.utils.rnn.pad_sequence(list(map(torch.tensor, rows)), first, 7.0)
        np.testing.assert_array_equal(data.pad_sequence(rows, first, 7.0).numpy(), theirs.numpy())


def test_sequences_that_do_not_fit() -> None:
    for rows in ([], [1, 2], [[1], 2], [np.zeros((2, 3)), np.zeros((2, 4))]):
        with pytest.raises(ShapeError, match=r"Pass one or more of shapes \(T_i, \.\.\.\)"):
            data.pad_sequence(rows)


@given(st.lists(st.integers(1, 30), max_size=60), st.integers(1, 9), st.integers(1, 4))
def test_every_sample_is_in_one_batch(lengths: list[int], size: int, pool: int) -> None:
    batches = data.LengthBatches(lengths, size, pool=pool, generator=np.random.default_rng(0))
    drawn = [batch.tolist() for batch in batches]
    assert len(drawn) == len(batches)
    assert sorted(i for batch in drawn for i in batch) == list(range(len(lengths)))
    assert all(len(batch) == size for batch in drawn if len(lengths) % size == 0)


def test_batches_are_of_like_length_and_in_random_order() -> None:
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 50, (1000, 2))
    batches = data.LengthBatches(lengths, 20, pool=50, generator=rng)
    first, second = list(batches), list(batches)
    spread = [np.ptp(lengths[batch, 0]) for batch in first]
    assert max(spread) <= 2
    assert [b.tolist() for b in first] != [b.tolist() for b in second]
    means = [lengths[batch, 0].mean() for batch in first]
    assert abs(np.corrcoef(means, range(len(means)))[0, 1]) < 0.5
    small = data.LengthBatches([(1, 9), (2, 1), (1, 8), (2, 2)], 2, generator=rng)
    assert {frozenset(b.tolist()) for b in small} == {frozenset({0, 2}), frozenset({1, 3})}


def test_batches_that_cannot_be() -> None:
    for size, pool in ((0, 1), (1, 0)):
        with pytest.raises(RangeError, match="Pass 1 or more"):
            data.LengthBatches([1, 2], size, pool=pool)
    with pytest.raises(ArgumentError, match="Pass a number for each sample"):
        data.LengthBatches(["a", "b"], 1)


def test_a_loader_takes_its_batches_and_goes_on() -> None:
    rows = [[n] * (n % 7) for n in range(40)]

    def loader() -> data.DataLoader:
        batches = data.LengthBatches(
            [len(row) for row in rows], 6, generator=np.random.default_rng(3)
        )
        return data.DataLoader(rows, batch_sampler=batches, collate_fn=data.pad_sequence)

    whole = [batch.tolist() for batch in loader()]
    assert len(whole) == len(loader()) == 7
    begun = loader()
    epoch = iter(begun)
    assert [next(epoch).tolist() for _ in range(3)] == whole[:3]
    state = copy.deepcopy(begun.state_dict())
    resumed = loader()
    resumed.load_state_dict(state)
    assert [batch.tolist() for batch in resumed] == whole[3:]
    assert repr(resumed) == "DataLoader(40 samples, 7 batches)"
    tl.manual_seed(1)
    by_default = [b.tolist() for b in data.LengthBatches([1] * 9, 2)]
    tl.manual_seed(1)
    lists = data.DataLoader(range(9), batch_sampler=data.LengthBatches([1] * 9, 2))
    assert [b.tolist() for b in lists] == by_default
    with pytest.raises(ArgumentError, match="Pass batch_sampler alone"):
        data.DataLoader(rows, 2, batch_sampler=[[1, 2]])

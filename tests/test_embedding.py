"""Embeddings: rows by number, the row that is not learnt, and numbers that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import AxisError, DTypeError, IndexingError, RangeError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

NUMBERS = np.array([[1, 3, 1], [0, 2, 2]])


def test_rows_by_number() -> None:
    layer = nn.Embedding(4, 3)
    np.testing.assert_array_equal(layer(NUMBERS).numpy(), layer.weight.numpy()[NUMBERS])
    assert layer(2).shape == (3,)
    assert layer([]).shape == (0, 3)
    assert layer(np.uint8([3, 3])).shape == (2, 3)


def test_rows_that_are_used_twice_get_both_gradients() -> None:
    layer = nn.Embedding(5, 3)
    layer(NUMBERS).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy()[:, 0], [1, 2, 2, 1, 0])
    assert tl.gradcheck(lambda w: tl.tanh(F.embedding(NUMBERS, w)), np.random.rand(4, 2), order=2)


@pytest.mark.parametrize("padding_idx", [1, -3])
def test_the_row_of_padding_is_0_and_stays(padding_idx: int) -> None:
    layer = nn.Embedding(4, 3, padding_idx=padding_idx)
    assert layer.padding_idx == 1
    assert layer.weight.numpy()[1].tolist() == [0.0] * 3
    assert (layer.weight.numpy()[[0, 2, 3]] != 0).all()
    layer(NUMBERS).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy()[:, 0], [1, 0, 2, 1])
    layer.weight.assign(np.ones((4, 3)))  # whoever fills the row sees it
    assert layer([1]).tolist() == [[1.0] * 3]


def test_it_begins_normal_and_by_the_seed() -> None:
    tl.manual_seed(0)
    first = nn.Embedding(500, 100).weight.numpy()
    assert first.mean() == pytest.approx(0, abs=0.02)
    assert first.std() == pytest.approx(1, abs=0.02)
    again = nn.Embedding(500, 100, generator=tl.manual_seed(0)).weight.numpy()
    np.testing.assert_array_equal(first, again)


def test_from_pretrained() -> None:
    table = np.arange(6.0).reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    assert layer([2]).tolist() == [[4.0, 5.0]]
    assert layer.weight.dtype == np.float64
    learnt = nn.Embedding.from_pretrained(tl.Tensor(table), freeze=False, padding_idx=0)
    assert learnt.weight.requires_grad
    assert learnt.padding_idx == 0
    with pytest.raises(ShapeError, match=r"\[Embedding.from_pretrained\] .*\(3,\)"):
        nn.Embedding.from_pretrained(table[:, 0])


@pytest.mark.parametrize(
    ("numbers", "kind", "message"),
    [
        ([0, 4], IndexingError,
         r"\[Sequential/0:Embedding\] the index 4 is none of the 4 rows of the weight \(4, 3\)."
         r" Use indices from 0 to 3, or build the layer with num_embeddings=5."),
        ([0, -1], IndexingError, r"the index -1 is none.* Use indices from 0 to 3.$"),
        ([0.0, 1.0], DTypeError, r"float32, not integers. Convert them: x.astype\(tl.int64\)"),
        ([True, False], DTypeError, "bool, not integers"),
    ],
)  # fmt: skip
def test_wrong_numbers(numbers: Any, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message):
        nn.Sequential(nn.Embedding(4, 3))(numbers)


def test_wrong_settings() -> None:
    with pytest.raises(AxisError, match="padding_idx=4 does not exist"):
        nn.Embedding(4, 3, 4)
    with pytest.raises(RangeError, match="num_embeddings=-4 is negative"):
        nn.Embedding(-4, 3)
    with pytest.raises(ShapeError, match=r"Pass one of shape \(V, E\)"):
        F.embedding([0], tl.ones(3))


def test_one_hot_as_pytorch_has_it() -> None:
    rows = F.one_hot(tl.Tensor([[2, 0], [1, 2]]))
    assert rows.dtype == np.int64
    np.testing.assert_array_equal(rows.numpy(), np.eye(3, dtype=int)[[[2, 0], [1, 2]]])
    assert F.one_hot([1], num_classes=5).shape == (1, 5)


def test_vmap_over_numbers() -> None:
    table = tl.randn(5, 3)
    out = tl.vmap(lambda n: F.embedding(n, table, padding_idx=0))(tl.Tensor(NUMBERS))
    np.testing.assert_array_equal(out.numpy(), table.numpy()[NUMBERS])

"""Attention: masks, rows that see nothing, dropout, and PyTorch beside it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .support import same, seeded

attention = F.scaled_dot_product_attention


def inputs(lead: tuple[int, ...] = (2,), length: int = 3, keys: int = 4) -> list[np.ndarray]:
    rng = seeded("attention", lead, length, keys)
    shapes = [(*lead, length, 2), (*lead, keys, 2), (*lead, keys, 5)]
    return [rng.normal(size=shape) for shape in shapes]


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_each_result_is_an_average_of_the_values_it_sees(
    length: int, keys: int, data: st.DataObject
) -> None:
    query, key, value = inputs((), length, keys)
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=keys, max_size=keys)))
    out = attention(query, key, value, seen).numpy()
    if not seen.any():
        same(out, np.zeros_like(out))
    else:
        assert (out <= value[seen].max(0) + 1e-12).all()
        assert (out >= value[seen].min(0) - 1e-12).all()
        same(out, attention(query, key[seen], value[seen]))


def test_one_causal_mask_in_three_ways() -> None:
    query, key, value = inputs(length=4)
    mask = np.tri(4, dtype=bool)
    expected = attention(query, key, value, mask)
    same(attention(query, key, value, is_causal=True), expected)
    same(attention(query, key, value, np.where(mask, 0.0, -np.inf)), expected)
    same(tl.scaled_dot_product_attention(query, key, value, is_causal=True), expected)
    query = query[:, :2]  # the first query sees the first key
    same(attention(query, key, value, is_causal=True), expected[:, :2])


@pytest.mark.parametrize("kind", [bool, float])
def test_a_query_that_sees_no_key_gives_0_and_gradient_0(kind: type) -> None:
    tensors = [Tensor(a, requires_grad=True) for a in inputs(())]
    mask = np.ones((3, 4), bool)
    mask[1] = False
    if kind is float:
        mask = np.where(mask, 0.0, -np.inf)
    out = attention(*tensors, mask)
    same(out[1], np.zeros(5))
    out.sum().backward()
    for tensor in tensors:
        assert np.isfinite(tensor.grad.numpy()).all()
    same(tensors[0].grad[1], np.zeros(2))


def test_an_added_mask_has_a_gradient() -> None:
    mask = seeded("mask").normal(size=(3, 4))
    assert tl.gradcheck(attention, [*inputs(), mask], mode="fast", order=2)


def test_large_scores_do_not_overflow() -> None:
    query, key, value = inputs(())
    out = attention(query * 1e4, key * 1e4, value).numpy()
    assert np.isfinite(out).all()


def test_dropout_keeps_the_average() -> None:
    query, key, value = np.zeros((1, 2)), np.zeros((10_000, 2)), np.ones((10_000, 1))
    tl.manual_seed(0)
    out = attention(query, key, value, dropout_p=0.25)
    assert out.item() == pytest.approx(1, abs=0.03)
    assert out.item() != 1
    tl.manual_seed(0)
    same(attention(query, key, value, dropout_p=0.25), out)
    same(attention(query, key, value, dropout_p=1.0), [[0.0]])


def test_safe_softmax_has_no_nan_to_second_order() -> None:
    x = Tensor([[1.0, -math.inf, 2.0], [-math.inf] * 3], requires_grad=True)
    out = tl.safe_softmax(x)
    (first,) = tl.autograd.grad((out * out).sum(), x, create_graph=True)
    (second,) = tl.autograd.grad((first * first).sum(), x)
    assert np.isfinite(first.numpy()).all()
    assert np.isfinite(second.numpy()).all()
    same(first[1], np.zeros(3))


@pytest.mark.oracle
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)], ids=str)
@pytest.mark.parametrize("mask", [None, "causal", "booleans", "floats"])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_beside_pytorch(lead: tuple[int, ...], mask: str | None, scale: float | None) -> None:
    torch = pytest.importorskip("torch")
    arrays = inputs(lead)
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    peers = [torch.tensor(a, requires_grad=True) for a in arrays]
    params: dict[str, Any] = {"scale": scale}
    theirs = dict(params)
    if mask == "causal":
        params["is_causal"] = theirs["is_causal"] = True
    elif mask is not None:
        numbers = seeded("mask").normal(size=(3, 4))
        numbers = numbers if mask == "floats" else (numbers > -0.5) | np.eye(3, 4, dtype=bool)
        params["attn_mask"], theirs["attn_mask"] = numbers, torch.tensor(numbers)
    out = attention(*ours, **params)
    expected = torch.nn.functional.scaled_dot_product_attention(*peers, **theirs)
    same(out, expected.detach().numpy(), 1e-11, 1e-11)
    c = seeded("cotangent").normal(size=out.shape)
    out.backward(c)
    expected.backward(torch.tensor(c))
    for x, peer in zip(ours, peers, strict=True):
        same(x.grad, peer.grad.numpy(), 1e-10, 1e-10)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"query": np.zeros(2)}, ShapeError, "Each needs two axes"),
        ({"query": np.zeros((3, 3))}, ShapeError, "queries of length 3 and keys of 2"),
        ({"value": np.zeros((3, 5))}, ShapeError, "4 keys and 3 values"),
        ({"query": np.zeros((3, 3, 2))}, ShapeError, "before the last two do not broadcast"),
        ({"attn_mask": np.zeros((2, 4))}, ShapeError, r"shape \(2, 4\) for scores of \(2, 3, 4\)"),
        ({"attn_mask": np.zeros((5, 2, 3, 4))}, ShapeError, r"must broadcast to \(..., L, S\)"),
        ({"attn_mask": np.zeros((3, 4), int)}, ArgumentError, "Pass booleans, true where"),
        ({"attn_mask": np.zeros((3, 4)), "is_causal": True}, ArgumentError, "Pass one of them"),
        ({"dropout_p": 1.5}, RangeError, "Pass 0 <= dropout_p <= 1"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(change: Any, error: Any, message: str) -> None:
    call = dict(zip(("query", "key", "value"), inputs(), strict=True))
    with pytest.raises(error, match=message):
        attention(**{**call, **change})

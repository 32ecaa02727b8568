"""CTC against a list of all alignments and against PyTorch, and its lattice's two recurrences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, ops
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812

from .oracles.ctc import ctc_loss as listed
from .support import same, seeded


def log_probs(*shape: int) -> np.ndarray:
    x = seeded("ctc", shape).normal(size=shape)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


@given(
    st.lists(st.lists(st.integers(1, 2), max_size=3), min_size=1, max_size=3),
    st.data(),
)
def test_the_loss_sums_over_all_alignments(targets: list[list[int]], data: st.DataObject) -> None:
    """Repeated labels, empty targets, inputs that are too short: all by enumeration."""
    count = len(targets)
    steps = np.array(data.draw(st.lists(st.integers(0, 5), min_size=count, max_size=count)))
    lengths = np.array([len(target) for target in targets])
    padded = np.zeros((count, 3), int)
    for row, target in zip(padded, targets, strict=True):
        row[: len(target)] = target
    x = log_probs(5, count, 3)
    expected = listed(x, padded, steps, lengths, 0, False)
    same(F.ctc_loss(x, padded, steps, lengths, reduction="none"), expected)
    together = np.concatenate(targets).astype(int)
    same(F.ctc_loss(x, together, steps, lengths, reduction="none"), expected)
    finite = np.where(np.isinf(expected), 0, expected)
    found = F.ctc_loss(x, padded, steps, lengths, reduction="none", zero_infinity=True)
    same(found, finite)
    mean = F.ctc_loss(x, padded, steps, lengths, zero_infinity=True)
    same(mean, np.mean(finite / np.maximum(lengths, 1)))
    total = F.ctc_loss(x, padded, steps, lengths, reduction="sum", zero_infinity=True)
    same(total, finite.sum())


def test_a_single_sequence() -> None:
    x = log_probs(4, 3)
    loss = F.ctc_loss(x, [1, 2], 4, 2, reduction="sum")
    assert loss.shape == ()
    args = np.array([[1, 2]]), np.array([4]), np.array([2])
    same(loss, listed(x[:, None], *args, 0, False)[0])
    same(F.ctc_loss(x, [[1, 2]], [4], [2]), loss.item() / 2)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_an_impossible_target_has_no_gradient(zero_infinity: bool) -> None:
    """'aa' takes three steps, a blank between them; two steps are not enough."""
    x = Tensor(log_probs(2, 2, 3), requires_grad=True)
    targets, lengths = [[1, 1], [1, 2]], [2, 2]
    losses = F.ctc_loss(x, targets, lengths, lengths, reduction="none", zero_infinity=zero_infinity)
    assert losses.tolist()[0] == (0 if zero_infinity else math.inf)
    losses.sum().backward()
    same(x.grad[:, 0], np.zeros((2, 3)))
    assert np.isfinite(x.grad.numpy()).all()
    assert np.any(x.grad.numpy()[:, 1] != 0)


def test_classes_of_probability_zero() -> None:
    """-inf among the log-probabilities: nothing becomes NaN."""
    x = log_probs(4, 1, 3)
    x[1, 0, 1] = x[2, 0, 2] = -np.inf
    args = np.array([[1, 2]]), np.array([4]), np.array([2])
    leaf = Tensor(x, requires_grad=True)
    loss = ops.ctc_loss(leaf, *args)
    same(loss, listed(x, *args, 0, False))
    (first,) = tl.autograd.grad(loss, leaf, create_graph=True)
    (second,) = tl.autograd.grad((first * first).sum(), leaf)
    assert np.isfinite(first.numpy()).all()
    assert np.isfinite(second.numpy()).all()


def test_the_gradient_is_minus_the_share_of_each_class() -> None:
    """At each time step the shares of all classes sum to one."""
    x = Tensor(log_probs(6, 2, 4), requires_grad=True)
    F.ctc_loss(x, [[1, 2], [3, 3]], [6, 5], [2, 2], reduction="sum").backward()
    shares = -x.grad.numpy().sum(-1)
    same(shares, [[1, 1]] * 5 + [[1, 0]])
    assert (x.grad.numpy() <= 0).all()


def test_long_sequences_stay_accurate() -> None:
    """A thousand steps, a likelihood below 1e-300; single precision beside double."""
    x = log_probs(1000, 1, 20) * 3
    target = seeded("long").integers(1, 20, (1, 60))
    results = []
    for dtype in (np.float32, np.float64):
        leaf = Tensor(x.astype(dtype), requires_grad=True)
        loss = F.ctc_loss(leaf, target, [1000], [60], reduction="sum")
        loss.backward()
        results.append((loss.item(), leaf.grad.numpy()))
    (narrow, narrow_grad), (wide, wide_grad) = results
    assert wide > 700
    assert narrow == pytest.approx(wide, rel=1e-5)
    same(narrow_grad, wide_grad, rtol=0, atol=5e-3)
    same(-wide_grad.sum(-1), np.ones((1000, 1)), rtol=1e-9)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 4))
def test_the_flow_and_its_adjoint(times: int, states: int, count: int, bands: int) -> None:
    rng = seeded(times, states, count, bands)
    x, y = rng.normal(size=(2, times, count, states))
    weights = rng.uniform(size=(bands, times - 1, count, states))
    there = ops.lattice_flow(x, weights).numpy()
    back = ops.lattice_flow(y, weights, reverse=True).numpy()
    same(np.sum(there * y), np.sum(x * back))


def test_ctc_loss_passes_gradcheck() -> None:
    args = [[1, 2, 2], [2, 0, 0]], [5, 3], [3, 1]
    report = tl.gradcheck(lambda x: F.ctc_loss(x, *args), [log_probs(5, 2, 3)], order=2)
    assert report


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"log_probs": np.zeros(3)}, ShapeError, r"Pass shape \(T, N, C\), or \(T, C\)"),
        ({"log_probs": np.zeros((0, 2, 3))}, ShapeError, "no time steps"),
        ({"blank": 3}, RangeError, "blank=3 is none of 3 classes. Pass 0 to 2"),
        ({"input_lengths": [4]}, ShapeError, "input_lengths has 1 numbers for a batch of 2"),
        ({"input_lengths": [4, 5]}, RangeError, "has 5, but log_probs only 4 time steps"),
        ({"target_lengths": [-1, 2]}, RangeError, "target_lengths has -1"),
        ({"target_lengths": [2.0, 2.0]}, DTypeError, "target_lengths holds float"),
        ({"target_lengths": [3, 2]}, ShapeError, r"Pass shape \(2, 3\) or \(5,\)"),
        ({"targets": [[1, 3], [1, 1]]}, RangeError, "class 3, of 3 classes with blank=0"),
        ({"targets": [[1, 0], [1, 1]]}, RangeError, "Number them from 0 to 2, without 0"),
        ({"reduction": "average"}, ArgumentError, "'mean', 'sum' or 'none'"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(change: Any, error: Any, message: str) -> None:
    call = {
        "log_probs": log_probs(4, 2, 3),
        "targets": [[1, 2], [2, 1]],
        "input_lengths": [4, 4],
        "target_lengths": [2, 2],
    }
    with pytest.raises(error, match=message):
        F.ctc_loss(**{**call, **change})


@pytest.mark.oracle
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("layout", ["rows", "together", "single"])
@pytest.mark.parametrize("blank", [0, 4])
def test_beside_pytorch(reduction: str, layout: str, blank: int) -> None:
    """Its gradient is right after log_softmax only, of which it takes a part."""
    torch = pytest.importorskip("torch")
    scores = seeded("peer").normal(size=(9, 3, 5))
    targets = np.array([[1, 2, 2, 3], [3, 1, 0, 0], [2, 1, 2, 0]])
    lengths, steps = np.array([4, 2, 3]), np.array([9, 7, 3])
    targets[np.arange(4) >= lengths[:, None]] = blank
    if layout == "together":
        targets = targets[np.arange(4) < lengths[:, None]]
    if layout == "single":
        scores, targets, lengths, steps = scores[:, 0], targets[0], lengths[0], steps[0]
    ours = Tensor(scores, requires_grad=True)
    loss = F.ctc_loss(tl.log_softmax(ours, -1), targets, steps, lengths, blank, reduction=reduction)
    peer = torch.tensor(scores, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        peer.log_softmax(-1),
        *(torch.tensor(a) for a in (targets, steps, lengths)),
        blank,
        reduction,
    )
    same(loss, expected.detach().numpy())
    loss.sum().backward()
    expected.sum().backward()
    same(ours.grad, peer.grad.numpy(), 1e-10, 1e-10)

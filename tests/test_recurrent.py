"""Recurrent layers: their formula in NumPy, lengths, shapes, states, dropout and errors."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, ops
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError
from tinygrad_lesson.nn import cells

from .oracles.recurrent import sigmoid
from .support import same, seeded

LAYERS = {"RNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
CELLS = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}
KINDS = pytest.mark.parametrize("kind", LAYERS)


def made(kind: str, *sizes: int, **settings: Any) -> Any:
    """A layer in float64, always with the same numbers."""
    return LAYERS[kind](
        *sizes, dtype=tl.float64, generator=seeded(kind, sizes, settings), **settings
    )


def numbers(*shape: int) -> np.ndarray:
    return seeded("input", shape).normal(size=shape)


def step(kind: str, x: Any, state: Any, weights: list[np.ndarray]) -> Any:
    """One step of one cell, as the books have it: h, or h and c one upon the other."""
    w_ih, w_hh, b_ih, b_hh = weights
    h = state[0]
    from_x, from_h = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    if kind == "RNN":
        return np.array([np.tanh(from_x + from_h)])
    if kind == "LSTM":
        i, f, g, o = np.split(from_x + from_h, 4, axis=-1)
        c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
        return np.array([sigmoid(o) * np.tanh(c), c])
    (r, z, n), (r_h, z_h, n_h) = (np.split(a, 3, axis=-1) for a in (from_x, from_h))
    keep = sigmoid(z + z_h)
    return np.array([(1 - keep) * np.tanh(n + sigmoid(r + r_h) * n_h) + keep * h])


def looped(kind: str, layer: Any, x: np.ndarray, hx: Any, lengths: Any) -> Any:
    """One sequence after the other, layer by layer, by a loop."""
    number, size = x.shape[1], layer.hidden_size
    both = 1 + layer.bidirectional
    last = np.array(hx)  # (1 or 2, L * D, N, H)
    for depth in range(layer.num_layers):
        out = np.zeros((len(x), number, both * size))
        for d, end in enumerate(["", "_reverse"][:both]):
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [getattr(layer, f"{name}_l{depth}{end}").numpy() for name in names]
            for n in range(number):
                state = last[:, depth * both + d, n]
                steps = range(lengths[n])
                for t in reversed(steps) if d else steps:
                    state = step(kind, x[t, n], state, weights)
                    out[t, n, d * size : (d + 1) * size] = state[0]
                last[:, depth * both + d, n] = state
        x = out
    return x, last


def called(kind: str, layer: Any, x: Any, hx: Any = None, **settings: Any) -> Any:
    """The output, and the last states, with a first axis of the kinds of state."""
    if hx is not None:
        hx = tuple(hx) if kind == "LSTM" else hx[0]
    out, last = layer(x, hx, **settings)
    return out, ops.stack(list(last) if kind == "LSTM" else [last])


# ---- values ------------------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("lengths", [None, [5, 0, 3]])
def test_the_formula(kind: str, bidirectional: bool, num_layers: int, lengths: Any) -> None:
    layer = made(kind, 3, 2, num_layers=num_layers, bidirectional=bidirectional)
    x = numbers(5, 3, 3)
    hx = numbers(1 + (kind == "LSTM"), num_layers * (1 + bidirectional), 3, 2)
    out, last = called(kind, layer, x, hx, lengths=lengths)
    expected = looped(kind, layer, x, hx, lengths or [5] * 3)
    same(out, expected[0])
    same(last, expected[1])


@KINDS
def test_a_cell_is_one_step_of_the_layer(kind: str) -> None:
    layer = made(kind, 3, 2)
    cell = CELLS[kind](3, 2, dtype=tl.float64)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = numbers(4, 2, 3)
    hx = None
    for one in x:
        hx = cell(one, hx)
    expected = called(kind, layer, x)[1][:, 0]
    same(ops.stack(list(hx) if kind == "LSTM" else [hx]), expected)
    single = cell(x[0, 0])
    if kind == "LSTM":
        same(single[1], cell(x[0])[1][0])
    else:
        same(single, cell(x[0])[0])


@KINDS
def test_without_biases_and_with_other_axes(kind: str) -> None:
    layer = made(kind, 3, 2, bias=False, bidirectional=True)
    assert not any("bias" in name for name in layer.state_dict())
    full = made(kind, 3, 2, bidirectional=True)
    zeros = {name: np.zeros(p.shape) for name, p in full.state_dict().items()}
    full.load_state_dict({**zeros, **layer.state_dict()})
    x = numbers(5, 4, 3)
    out, last = called(kind, layer, x)
    same(called(kind, full, x)[0], out)
    layer.batch_first = True
    turned, also = called(kind, layer, x.swapaxes(0, 1))
    same(turned, out.numpy().swapaxes(0, 1))
    same(also, last)
    single, of_single = called(kind, layer, x[:, 0])
    same(single, out[:, 0])
    same(of_single, last[:, :, 0])
    short, _ = called(kind, layer, x[:, 0], hx=numbers(1 + (kind == "LSTM"), 2, 2), lengths=3)
    assert short.shape == (5, 4)
    assert not short[3:].numpy().any()


@KINDS
@given(lengths=st.lists(st.integers(0, 4), min_size=1, max_size=3))
def test_padding_does_not_matter(kind: str, lengths: list[int]) -> None:
    """Whatever stands behind the ends, NaN included: outputs, states and gradients are the same."""
    layer = made(kind, 2, 2, num_layers=2, bidirectional=True)
    x = numbers(4, len(lengths), 2)
    behind = np.arange(4)[:, None] >= np.array(lengths)
    found = []
    for padding in (0.0, np.nan):
        given = Tensor(np.where(behind[:, :, None], padding, x), requires_grad=True)
        out, last = called(kind, layer, given, lengths=lengths)
        layer.zero_grad()
        ((out * out).sum() + last.sum()).backward()
        found.append([out, last, given.grad, *(p.grad for p in layer.parameters())])
        same(given.grad.numpy()[behind], 0 * x[behind])
    for one, other in zip(*found, strict=True):
        same(one, other)


def test_steps_on_their_own_are_the_whole() -> None:
    layer, x = made("LSTM", 3, 2), numbers(6, 2, 3)
    out, last = layer(x)
    first, between = layer(x[:4])
    second, end = layer(x[4:], between)
    same(ops.concat([first, second]), out)
    same(end[1], last[1])


@KINDS
def test_no_steps_and_no_sequences(kind: str) -> None:
    layer = made(kind, 3, 2)
    hx = numbers(1 + (kind == "LSTM"), 1, 2, 2)
    out, last = called(kind, layer, np.zeros((0, 2, 3)), hx)
    assert out.shape == (0, 2, 2)
    same(last, hx)
    out, last = called(kind, layer, np.zeros((4, 0, 3)))
    assert out.shape == (4, 0, 2)


def test_large_inputs_saturate_without_a_warning() -> None:
    for kind in LAYERS:
        layer = made(kind, 1, 2)
        x = Tensor(np.array([[[1e6]], [[-1e6]]]), requires_grad=True)
        out, last = called(kind, layer, x)
        (out.sum() + last.sum()).backward()
        assert np.isfinite(x.grad.numpy()).all()


# ---- derivatives -------------------------------------------------------------------------


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_derivatives_of_both_orders(kind: str, ragged: bool) -> None:
    layer = made(kind, 2, 2, num_layers=2, bidirectional=True)
    hx = numbers(1 + (kind == "LSTM"), 4, 2, 2)

    def results(x: Tensor, hx: Tensor) -> Tensor:
        out, last = called(kind, layer, x, hx, lengths=[3, 1] if ragged else None)
        return ops.concat([out.flatten(), last.flatten()])

    assert tl.gradcheck(results, [numbers(3, 2, 2), hx], mode="fast", order=2)


@KINDS
def test_derivatives_in_the_weights(kind: str) -> None:
    layer = made(kind, 2, 1)
    x = numbers(2, 1, 2)
    weights = [p.numpy() for p in layer.parameters()]

    def out(*weights: Tensor) -> Tensor:
        start = ops.zeros_like(weights[1])[: 1 + (kind == "LSTM"), None]
        start = start if kind == "LSTM" else start[0]
        return layer._states(Tensor(x), start, weights)

    assert tl.gradcheck(out, weights, order=2)


@pytest.mark.parametrize("name", ["rnn_states", "lstm_states", "gru_states"])
def test_gradients_found_together_are_those_found_alone(name: str) -> None:
    op, together = getattr(ops, name), getattr(cells, f"_{name}")
    extra = ("relu",) if name == "rnn_states" else ()
    arrays = op.samples[0].draw(seeded(name))
    found = []
    for function in (op, together):
        tensors = [Tensor(a, requires_grad=True) for a in arrays]
        out = function(*tensors, *extra)
        out.backward(seeded("cotangent").normal(size=out.shape))
        found.append([out, *(t.grad for t in tensors)])
    for one, other in zip(*found, strict=True):
        same(one, other)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(2, 4))
def test_a_flow_backwards_is_the_adjoint(t: int, n: int, h: int, k: int) -> None:
    """The inner products <flow(x), y> and <x, flow backwards(y)> are equal."""
    rng = seeded(t, n, h, k)
    mix, keep, show, w = (
        rng.normal(size=s) for s in ((t, n, k, h), (t, n, h), (t, n, h), (k * h, h))
    )
    for op, shape, rest in (
        (ops.recurrent_flow, (t + 1, n, h), (mix, keep, w)),
        (ops.memory_flow, (t + 1, 2, n, h), (mix, keep, show, w)),
    ):
        x, y = rng.normal(size=shape), rng.normal(size=shape)
        there = (op(x, *rest) * y).sum().item()
        back = (x * op(y, *rest, reverse=True)).sum().item()
        assert there == pytest.approx(back, rel=1e-10, abs=1e-10)


# ---- as a module -------------------------------------------------------------------------


@KINDS
def test_float32_stays_float32(kind: str) -> None:
    layer = LAYERS[kind](3, 2, 2, bidirectional=True)
    x = Tensor(numbers(4, 2, 3), dtype=tl.float32, requires_grad=True)
    out, last = called(kind, layer, x, lengths=[4, 2])
    out.sum().backward()
    assert {out.dtype, last.dtype, x.grad.dtype} == {np.dtype(np.float32)}
    assert layer.weight_hh_l1.grad.dtype == np.float32
    assert layer(np.ones((4, 2, 3), int))[0].dtype == np.float32


@KINDS
def test_half_precision_is_computed_in_single(kind: str) -> None:
    layer, half = made(kind, 3, 2), LAYERS[kind](3, 2, dtype=tl.float16)
    half.load_state_dict(layer.state_dict())
    x = numbers(4, 2, 3).astype(np.float16)
    out, last = called(kind, half, x)
    out.sum().backward()
    assert {out.dtype, last.dtype, half.weight_hh_l0.grad.dtype} == {np.dtype(np.float16)}
    same(out, called(kind, layer, x.astype(float))[0], 1e-2, 1e-2)


def test_names_shapes_and_initial_numbers() -> None:
    layer = nn.GRU(3, 4, 2, bidirectional=True)
    names = [
        f"{name}_l{depth}{end}"
        for depth, end in itertools.product(range(2), ("", "_reverse"))
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert list(layer.state_dict()) == names
    assert [p.name for p in layer.parameters()] == names
    assert layer.weight_ih_l1_reverse.shape == (12, 8)
    assert all(p.abs().max() <= 0.5 for p in layer.parameters())
    assert repr(nn.LSTMCell(2, 3, bias=False)).startswith("LSTMCell(2, 3, bias=False)  # weight_ih")
    assert repr(nn.RNN(2, 3, dropout=0.5, num_layers=2)).startswith(
        "RNN(2, 3, num_layers=2, dropout=0.5)"
    )


def test_dropout_acts_between_layers_in_training_only() -> None:
    layer, x = made("GRU", 3, 4, num_layers=2, dropout=0.5), numbers(5, 2, 3)
    tl.manual_seed(0)
    first, last = layer(x)
    second, also = layer(x)
    same(last[0], also[0])
    assert not np.allclose(first.numpy(), second.numpy())
    plain = made("GRU", 3, 4, num_layers=2)
    plain.load_state_dict(layer.state_dict())
    same(layer.eval()(x)[0], plain(x)[0])
    with pytest.warns(UserWarning, match="dropout=0.5 does nothing"):
        nn.GRU(3, 4, dropout=0.5)


def test_a_copy_and_a_batch_of_examples() -> None:
    layer, x = made("LSTM", 3, 2), numbers(4, 5, 3)
    out, _ = copy.deepcopy(layer)(x)
    each = tl.vmap(lambda one: layer(one)[0], in_axes=1, out_axes=1)(x)
    same(each, out)
    each.sum().backward()
    found = [p.grad for p in layer.parameters()]
    layer.zero_grad()
    layer(x)[0].sum().backward()
    for one, p in zip(found, layer.parameters(), strict=True):
        same(one, p.grad)


@pytest.mark.parametrize("retain", [False, True])
def test_the_kernels_of_the_lstm_twice_and_beside_debug_mode(retain: bool) -> None:
    layer, x = made("LSTM", 3, 2), numbers(4, 5, 3)
    out, _ = layer(x)
    out.sum().backward(retain_graph=retain)
    found = [p.grad.numpy().copy() for p in layer.parameters()]
    if retain:
        out.sum().backward()
    else:
        with tl.debug():
            layer(x)[0].sum().backward()
    for one, p in zip(found, layer.parameters(), strict=True):
        same(2 * one, p.grad)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.LSTM(3, 4, 0), RangeError, r"\[LSTM\] there are no layers. Pass num_layers >="),
        (lambda: nn.GRU(3, 4, 2, dropout=2), RangeError, r"\[GRU\] dropout=2 is no share"),
        (lambda: nn.RNN(3, -1), RangeError, r"\[RNN\] hidden_size=-1 is negative"),
        (lambda: nn.RNN(3, 4, nonlinearity="sin"), ArgumentError, "Pass 'tanh' or 'relu'"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="sin"), ArgumentError, r"\[RNNCell\] nonlin"),
    ],
)
def test_settings_that_are_refused(make: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make()


X = np.zeros((5, 2, 3), np.float32)
STATE = np.zeros((1, 2, 4), np.float32)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda layer: layer(X[:, :, :2]),
            ShapeError,
            r"\[LSTM\] the input has shape \(5, 2, 2\), but the layer takes 3 features in the last"
            r" axis. Reshape the input to \(..., 3\), or build the layer with input_size=2.",
        ),
        (lambda layer: layer(X[0, 0]), ShapeError, r"Pass \(T, N, 3\), or \(T, 3\) for one"),
        (lambda layer: layer(X.astype(float)), DTypeError, r"\[LSTM\].*x.astype\(tl.float32\)"),
        (lambda layer: layer(X, STATE), ArgumentError, r"Pass the pair \(h, c\)"),
        (
            lambda layer: layer(X, (STATE, STATE[0])),
            ShapeError,
            r"the state c has shape \(2, 4\) for an input that takes \(1, 2, 4\)",
        ),
        (
            lambda layer: layer(X, (STATE, STATE.astype(float))),
            DTypeError,
            r"the state c is float64, the weights float32. Convert it: c.astype\(tl.float32\)",
        ),
        (lambda layer: layer(X, lengths=[5]), ArgumentError, "Pass 2 integers"),
        (lambda layer: layer(X, lengths=[5.0, 2.0]), ArgumentError, "Pass 2 integers"),
        (lambda layer: layer(X, lengths=[5, 6]), RangeError, "Pass lengths from 0 to 5"),
        (lambda layer: layer(X[:, 0], lengths=[5]), ArgumentError, "Pass one integer"),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call(nn.LSTM(3, 4))


def test_the_path_of_the_layer_is_named() -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            self.cell = nn.GRUCell(3, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.cell(x)

    with pytest.raises(ShapeError, match=r"\[Reader/cell:GRUCell\] the input has shape \(1, 2\)"):
        Reader()(np.zeros((1, 2), np.float32))


def test_the_ops_refuse_what_does_not_fit() -> None:
    x, w, start = np.zeros((3, 2, 8)), np.zeros((8, 2)), np.zeros((2, 2, 2))
    with pytest.raises(ShapeError, match=r"\[lstm_states\] .* They are \(T, N, 4 \* H\), \(2, N"):
        ops.lstm_states(x, start[:1], w)
    with pytest.raises(ShapeError, match=r"\[rnn_states\]"):
        ops.rnn_states(x, start[0], w)
    with pytest.raises(ShapeError, match=r"\[gru_states\] bias \(3,\)"):
        ops.gru_states(x[..., :6], start[0], w[:6], np.zeros(3))
    with pytest.raises(ArgumentError, match="Pass 'tanh' or 'relu'"):
        ops.rnn_states(x[..., :2], start[0], w[:2], nonlinearity="sin")
    mix, keep = np.zeros((3, 2, 4, 2)), np.zeros((3, 2, 2))
    with pytest.raises(ShapeError, match=r"\[recurrent_flow\] .* x is \(4, 2, 2\) and w \(8, 2\)"):
        ops.recurrent_flow(keep, mix, keep, w)
    with pytest.raises(ShapeError, match=r"\[memory_flow\]"):
        ops.memory_flow(np.zeros((4, 2, 2, 2)), mix, keep, keep[:1], w)

"""Recurrent layers: all states of a sequence in one op.

A cell makes a new state of the one before and of an input. The derivatives of all cells are the
linear recurrences of :mod:`~tinygrad_lesson.ops.flow`, with coefficients that are found for all
steps at once; so backpropagation through time (Werbos, "Backpropagation through time: what it does
and how to do it", 1990) is a few products and a loop, and so are the derivatives of higher order.

States have the shape (T + 1, N, H): T steps after the start, N sequences, H units; those of the
LSTM (T + 1, 2, N, H), for it has two kinds, h and c.
"""

from __future__ import annotations

from collections.abc import Callable

from ..arrays import Array, Namespace
from ..errors import ArgumentError, ShapeError
from ..op import Op, scan
from ..samples import sample, uniform
from .flow import Several, gates_of, into_gates, into_weight, side_by_side


def _check(where: str, x: Array, start: Array, w: Array, gates: int, kinds: str = "") -> None:
    size = w.shape[-1]
    fits = (
        x.ndim == 3
        and w.shape == (gates * size, size)
        and x.shape[2] == gates * size
        and start.shape == (*((2,) if kinds else ()), x.shape[1], size)
    )
    if not fits:
        raise ShapeError(
            where,
            f"x {x.shape}, start {start.shape}, w {w.shape}",
            f"They are (T, N, {gates} * H), ({kinds}N, H) and ({gates} * H, H).",
        )


def _declare(op: Op[...], gradients: Callable[..., Several], *saves: str) -> None:
    """Give `op` a rule for each input, which takes its part of what `gradients` finds for all."""
    for place, name in enumerate(op.arrays):

        def rule(xp, g, out, *arrays, place=place, **params):
            return gradients(xp, g, out, *arrays, **params)[place]

        op.vjp(name, saves=saves)(rule)


@scan(
    samples=[
        sample(uniform(-1, 1, (2, 2, 2)), uniform(-1, 1, (2, 2)), uniform(-1, 1, (2, 2))),
        sample(
            uniform(0.3, 1, (2, 1, 2)),
            uniform(0.1, 1, (1, 2)),
            uniform(-0.1, 1, (2, 2)),
            nonlinearity="relu",
        ),
    ]
)
def rnn_states(
    xp: Namespace, x: Array, start: Array, w: Array, /, nonlinearity: str = "tanh"
) -> Array:
    """States of Elman's recurrent network: ``h[t+1] = tanh(x[t] + h[t] @ w.T)``.

    Parameters
    ----------
    x
        Shape (T, N, H): the inputs, already multiplied by their weight, and the biases.
    start
        Shape (N, H): h at first.
    w
        Shape (H, H).
    nonlinearity
        ``"tanh"``, or ``"relu"`` in its place (with slope 0 at 0).

    Returns
    -------
    Shape (T + 1, N, H): `start`, and h after each step.

    References
    ----------
    Elman, "Finding structure in time" (1990).
    """
    _check("rnn_states", x, start, w, 1)
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(
            "rnn_states", f"nonlinearity={nonlinearity!r} is unknown", "Pass 'tanh' or 'relu'."
        )
    return xp.rnn_states(x, start, w, nonlinearity=nonlinearity)


def rnn_gradients(
    xp: Namespace, g: Array, out: Array, x: Array, start: Array, w: Array, nonlinearity: str
) -> Several:
    """The gradients for x, start and w at once: they share what costs most."""
    h = out[1:]
    slope = 1 - h * h if nonlinearity == "tanh" else xp.astype(h > 0, out.dtype)
    flow = xp.recurrent_flow(g, xp.expand_dims(slope, 2), xp.zeros_like(h), w, reverse=True)
    gates = slope * flow[1:]
    return gates, flow[0], into_weight(xp, gates, out[:-1])


_declare(rnn_states, rnn_gradients, "out", "w")


@scan(
    samples=[
        sample(uniform(-1, 1, (2, 1, 8)), uniform(-1, 1, (2, 1, 2)), uniform(-1, 1, (8, 2))),
        sample(uniform(-1, 1, (3, 2, 4)), uniform(-1, 1, (2, 2, 1)), uniform(-1, 1, (4, 1))),
    ]
)
def lstm_states(xp: Namespace, x: Array, start: Array, w: Array, /) -> Array:
    """States of a network with long short-term memory.

    Of the gates ``i, f, g, o = x[t] + h[t] @ w.T``, ``c[t+1] = sigmoid(f) * c[t] + sigmoid(i) *
    tanh(g)`` and ``h[t+1] = sigmoid(o) * tanh(c[t+1])``.

    Parameters
    ----------
    x
        Shape (T, N, 4 * H): the inputs, already multiplied by their weight, and the biases.
    start
        Shape (2, N, H): h and c at first.
    w
        Shape (4 * H, H).

    Returns
    -------
    Shape (T + 1, 2, N, H): `start`, and h and c after each step.

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory" (1997); the forget gate f is of Gers,
    Schmidhuber and Cummins, "Learning to forget" (2000).
    """
    _check("lstm_states", x, start, w, 4, "2, ")
    return xp.lstm_states(x, start, w)


def lstm_gradients(
    xp: Namespace, g: Array, out: Array, x: Array, start: Array, w: Array
) -> Several:
    """The gradients for x, start and w at once."""
    h, c = out[:-1, 0], out[:-1, 1]
    mixed = gates_of(xp, h, w)
    mixed = mixed + xp.reshape(x, mixed.shape)
    put, keep, let = (xp.sigmoid(mixed[:, :, k]) for k in (0, 1, 3))
    new, seen = xp.tanh(mixed[:, :, 2]), xp.tanh(out[1:, 1])
    into_c = [new * put * (1 - put), c * keep * (1 - keep), put * (1 - new * new)]
    mix = xp.stack([*into_c, seen * let * (1 - let)], axis=2)
    flow = xp.memory_flow(g, mix, keep, let * (1 - seen * seen), w, reverse=True)
    gates = into_gates(xp, mix, flow)
    return side_by_side(xp, gates), flow[0], into_weight(xp, gates, h)


_declare(lstm_states, lstm_gradients, "out", "x", "w")


@scan(
    samples=[
        sample(
            uniform(-1, 1, (2, 1, 6)),
            uniform(-1, 1, (1, 2)),
            uniform(-1, 1, (6, 2)),
            uniform(-1, 1, (6,)),
        ),
        sample(
            uniform(-1, 1, (3, 2, 3)),
            uniform(-1, 1, (2, 1)),
            uniform(-1, 1, (3, 1)),
            uniform(-1, 1, (3,)),
        ),
    ]
)
def gru_states(xp: Namespace, x: Array, start: Array, w: Array, bias: Array, /) -> Array:
    """States of a network of gated recurrent units.

    Of the gates ``r, z = sigmoid(x[t] + h[t] @ w.T + bias)`` and the candidate ``n = tanh(x[t] + r
    * (h[t] @ w.T + bias))``, each from its third of `x`, `w` and `bias`, ``h[t+1] = (1 - z) * n + z
    * h[t]``. The reset gate r comes after the product, as in PyTorch.

    Parameters
    ----------
    x
        Shape (T, N, 3 * H): the inputs, already multiplied by their weight, and their bias.
    start
        Shape (N, H): h at first.
    w, bias
        Shapes (3 * H, H) and (3 * H,).

    Returns
    -------
    Shape (T + 1, N, H): `start`, and h after each step.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), version 1 of
    which has r after the product.
    """
    _check("gru_states", x, start, w, 3)
    if bias.shape != w.shape[:1]:
        raise ShapeError(
            "gru_states", f"bias {bias.shape} for w {w.shape}", f"Pass shape {w.shape[:1]}."
        )
    return xp.gru_states(x, start, w, bias)


def gru_gradients(
    xp: Namespace, g: Array, out: Array, x: Array, start: Array, w: Array, bias: Array
) -> Several:
    """The gradients for x, start, w and bias at once."""
    h = out[:-1]
    mixed = gates_of(xp, h, w)
    mixed = mixed + xp.reshape(bias, mixed.shape[2:])
    drive = xp.reshape(x, mixed.shape)
    reset, keep = (xp.sigmoid(drive[:, :, k] + mixed[:, :, k]) for k in (0, 1))
    new = xp.tanh(drive[:, :, 2] + reset * mixed[:, :, 2])
    into_new = (1 - keep) * (1 - new * new)
    into_reset = into_new * mixed[:, :, 2] * reset * (1 - reset)
    mix = xp.stack([into_reset, (h - new) * keep * (1 - keep), into_new * reset], axis=2)
    flow = xp.recurrent_flow(g, mix, keep, w, reverse=True)
    gates = mix * xp.expand_dims(flow[1:], 2)
    into_x = xp.concat([gates[:, :, :2], xp.expand_dims(into_new * flow[1:], 2)], axis=2)
    into_bias = xp.reshape(xp.sum(gates, axis=(0, 1)), bias.shape)
    return side_by_side(xp, into_x), flow[0], into_weight(xp, gates, h), into_bias


_declare(gru_states, gru_gradients, "out", "x", "w", "bias")

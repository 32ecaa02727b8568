"""Recurrent layers: all states of a sequence in one op, and in another what flows through them.

A cell makes a new state of the one before and of an input. Whatever its formula, a small change of
a state travels on linearly, by :func:`recurrent_flow`; so one linear recurrence is the derivative
of all cells, its adjoint is the same one backwards in time, and the vocabulary is closed: to any
order, backpropagation through time (Werbos, "Backpropagation through time: what it does and how to
do it", 1990) is a product of coefficients and a loop.

States have the shape (T + 1, N, H): T steps after the start, N sequences, H units; those of the
LSTM (T + 1, 2, N, H), for it has two kinds, h and c.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..arrays import Array, Namespace
from ..errors import ArgumentError, ShapeError
from ..op import Op, scan
from ..samples import sample, uniform

Several = tuple[Array, ...]
Flow = Callable[..., Array]


# ---- what flows --------------------------------------------------------------------------


def _gates(xp: Namespace, h: Array, w: Array) -> Array:
    """Shape (T, N, K, H): what `w` makes of the state before each step."""
    mixed = xp.matmul(h, xp.matrix_transpose(w))
    return xp.reshape(mixed, (*h.shape[:2], w.shape[0] // h.shape[2], h.shape[2]))


def _side_by_side(xp: Namespace, gates: Array) -> Array:
    """Shape (T, N, K * H), of (T, N, K, H)."""
    steps, count, number, size = gates.shape
    return xp.reshape(gates, (steps, count, number * size))


def _into_weight(xp: Namespace, gates: Array, h: Array) -> Array:
    """The gradient with respect to `w`, from that of the gates: one product for all steps."""
    rows = xp.reshape(gates, (gates.shape[0] * gates.shape[1], math.prod(gates.shape[2:])))
    columns = xp.reshape(h, (h.shape[0] * h.shape[1], h.shape[2]))
    return xp.matmul(xp.matrix_transpose(rows), columns)


def _both_ways(flow: Flow, g: Array, out: Array, arrays: Several, reverse: bool) -> Several:
    """What came through the flow, and what its adjoint brings back."""
    other = flow(g, *arrays, reverse=not reverse)
    return (other, out) if reverse else (out, other)


MIX, KEEP = uniform(-1, 1, (2, 1, 2, 2)), uniform(-1, 1, (2, 1, 2))


@scan(
    samples=[
        sample(uniform(-1, 1, (3, 1, 2)), MIX, KEEP, uniform(-1, 1, (4, 2))),
        sample(uniform(-1, 1, (3, 1, 2)), MIX, KEEP, uniform(-1, 1, (4, 2)), reverse=True),
    ]
)
def recurrent_flow(
    xp: Namespace, x: Array, mix: Array, keep: Array, w: Array, /, reverse: bool = False
) -> Array:
    """What has flowed into each state of a recurrent layer from sources at all states before it.

    ``y[t+1] = x[t+1] + sum(mix[t, :, k] * p[:, k] for k) + keep[t] * y[t]`` with ``y[0] = x[0]``
    and the gates ``p = y[t] @ w.T``; or its adjoint, from the end.

    Parameters
    ----------
    x
        Shape (T + 1, N, H): the sources.
    mix
        Shape (T, N, K, H): how much a state takes in of each of K gates.
    keep
        Shape (T, N, H): how much it takes over from the state before.
    w
        Shape (K * H, H).
    reverse
        Flow backwards in time.
    """
    steps, count, _, size = mix.shape
    _check_flow("recurrent_flow", x, (steps + 1, count, size), mix, w, keep=keep)
    return xp.recurrent_flow(x, mix, keep, w, reverse=reverse)


def _check_flow(
    where: str, x: Array, shape: tuple[int, ...], mix: Array, w: Array, **others: Array
) -> None:
    steps, count, gates, size = mix.shape
    fits = x.shape == shape and w.shape == (gates * size, size)
    if not fits or any(a.shape != (steps, count, size) for a in others.values()):
        given = {"x": x, "mix": mix, **others, "w": w}
        raise ShapeError(
            where,
            ", ".join(f"{name} {a.shape}" for name, a in given.items()),
            f"For such a mix, x is {shape} and w {(gates * size, size)}; others are"
            f" {(steps, count, size)}.",
        )


@recurrent_flow.vjp("x", saves=("mix", "keep", "w"))
def _(xp, g, out, x, mix, keep, w, *, reverse):
    return xp.recurrent_flow(g, mix, keep, w, reverse=not reverse)


@recurrent_flow.vjp("mix", saves=("out", "mix", "keep", "w"))
def _(xp, g, out, x, mix, keep, w, *, reverse):
    there, back = _both_ways(xp.recurrent_flow, g, out, (mix, keep, w), reverse)
    return _gates(xp, there[:-1], w) * xp.expand_dims(back[1:], 2)


@recurrent_flow.vjp("keep", saves=("out", "mix", "keep", "w"))
def _(xp, g, out, x, mix, keep, w, *, reverse):
    there, back = _both_ways(xp.recurrent_flow, g, out, (mix, keep, w), reverse)
    return there[:-1] * back[1:]


@recurrent_flow.vjp("w", saves=("out", "mix", "keep", "w"))
def _(xp, g, out, x, mix, keep, w, *, reverse):
    there, back = _both_ways(xp.recurrent_flow, g, out, (mix, keep, w), reverse)
    return _into_weight(xp, mix * xp.expand_dims(back[1:], 2), there[:-1])


@scan(
    samples=[
        sample(uniform(-1, 1, (3, 2, 1, 2)), MIX, KEEP, KEEP, uniform(-1, 1, (4, 2))),
        sample(uniform(-1, 1, (3, 2, 1, 2)), MIX, KEEP, KEEP, uniform(-1, 1, (4, 2)), reverse=True),
    ]
)
def memory_flow(
    xp: Namespace,
    x: Array,
    mix: Array,
    keep: Array,
    show: Array,
    w: Array,
    /,
    reverse: bool = False,
) -> Array:
    """:func:`recurrent_flow` of h and a memory c that only h sees.

    With the gates ``p = h[t] @ w.T``, ``c[t+1] = xc[t+1] + sum(mix[t, :, k] * p[:, k] for k but
    the last) + keep[t] * c[t]`` and ``h[t+1] = xh[t+1] + mix[t, :, -1] * p[:, -1] + show[t] *
    c[t+1]``; or its adjoint, from the end.

    Parameters
    ----------
    x
        Shape (T + 1, 2, N, H): the sources of h and c.
    mix
        Shape (T, N, K, H): how much c takes in of each of K gates but the last, and h of that.
    keep, show
        Shape (T, N, H): how much c keeps, and how much of it h sees.
    w
        Shape (K * H, H).
    reverse
        Flow backwards in time.
    """
    steps, count, _, size = mix.shape
    _check_flow("memory_flow", x, (steps + 1, 2, count, size), mix, w, keep=keep, show=show)
    return xp.memory_flow(x, mix, keep, show, w, reverse=reverse)


def _of_gates(xp: Namespace, mix: Array, back: Array) -> Array:
    """Shape (T, N, K, H): the gradient of the gates, of which the last goes into h."""
    into_c = mix[:, :, :-1] * xp.expand_dims(back[1:, 1], 2)
    return xp.concat([into_c, mix[:, :, -1:] * xp.expand_dims(back[1:, 0], 2)], axis=2)


@memory_flow.vjp("x", saves=("mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    return xp.memory_flow(g, mix, keep, show, w, reverse=not reverse)


@memory_flow.vjp("mix", saves=("out", "mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    there, back = _both_ways(xp.memory_flow, g, out, (mix, keep, show, w), reverse)
    return _of_gates(xp, _gates(xp, there[:-1, 0], w), back)


@memory_flow.vjp("keep", saves=("out", "mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    there, back = _both_ways(xp.memory_flow, g, out, (mix, keep, show, w), reverse)
    return there[:-1, 1] * back[1:, 1]


@memory_flow.vjp("show", saves=("out", "mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    there, back = _both_ways(xp.memory_flow, g, out, (mix, keep, show, w), reverse)
    return there[1:, 1] * back[1:, 0]


@memory_flow.vjp("w", saves=("out", "mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    there, back = _both_ways(xp.memory_flow, g, out, (mix, keep, show, w), reverse)
    return _into_weight(xp, _of_gates(xp, mix, back), there[:-1, 0])


# ---- cells -------------------------------------------------------------------------------


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
    return gates, flow[0], _into_weight(xp, gates, out[:-1])


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
    mixed = _gates(xp, h, w)
    mixed = mixed + xp.reshape(x, mixed.shape)
    put, keep, let = (xp.sigmoid(mixed[:, :, k]) for k in (0, 1, 3))
    new, seen = xp.tanh(mixed[:, :, 2]), xp.tanh(out[1:, 1])
    into_c = [new * put * (1 - put), c * keep * (1 - keep), put * (1 - new * new)]
    mix = xp.stack([*into_c, seen * let * (1 - let)], axis=2)
    flow = xp.memory_flow(g, mix, keep, let * (1 - seen * seen), w, reverse=True)
    gates = _of_gates(xp, mix, flow)
    return _side_by_side(xp, gates), flow[0], _into_weight(xp, gates, h)


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
    mixed = _gates(xp, h, w)
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
    return _side_by_side(xp, into_x), flow[0], _into_weight(xp, gates, h), into_bias


_declare(gru_states, gru_gradients, "out", "x", "w", "bias")

"""Recurrent layers: all states of a sequence in one op, and in another what flows through them.

A cell makes a new state of the one before and of an input. Whatever its formula, a small change of
a state travels on linearly, by :func:`recurrent_flow`; so one linear recurrence is the derivative
of all cells, its adjoint is the same one backwards in time, and the vocabulary is closed: to any
order, backpropagation through time (Werbos, "Backpropagation through time: what it does and how to
do it", 1990) is a product of coefficients and a loop.

States have the shape (T + 1, S, N, H): T steps after the start, S kinds of state of which the
first, h, is what the next step sees of this one, N sequences, H units.
"""

from __future__ import annotations

from collections.abc import Callable

from ..arrays import Array, Namespace
from ..errors import ArgumentError, ShapeError
from ..op import Op, scan
from ..samples import sample, uniform

Several = tuple[Array, ...]


# ---- what flows --------------------------------------------------------------------------

SOURCES, MIX, CARRY = (uniform(-1, 1, s) for s in ((3, 2, 1, 2), (2, 2, 1, 2, 2), (2, 2, 2, 1, 2)))


@scan(
    samples=[
        sample(SOURCES, MIX, CARRY, uniform(-1, 1, (4, 2))),
        sample(SOURCES, MIX, CARRY, uniform(-1, 1, (4, 2)), reverse=True),
        sample(
            uniform(-1, 1, (2, 1, 2, 3)),
            uniform(-1, 1, (1, 1, 2, 1, 3)),
            uniform(-1, 1, (1, 1, 1, 2, 3)),
            uniform(-1, 1, (3, 3)),
        ),
    ]
)
def recurrent_flow(
    xp: Namespace, x: Array, mix: Array, carry: Array, w: Array, /, reverse: bool = False
) -> Array:
    """What has flowed into each state of a recurrent layer from sources at all states before it.

    ``y[t+1, s] = x[t+1, s] + sum(mix[t, s, :, k] * (y[t, 0] @ w.T)[:, k] for k)
    + sum(carry[t, s, r] * y[t, r] for r)`` with ``y[0] = x[0]``; or its adjoint, from the end.

    Parameters
    ----------
    x
        Shape (T + 1, S, N, H): the sources.
    mix
        Shape (T, S, N, K, H): how much each kind of state takes in of each of K gates.
    carry
        Shape (T, S, S, N, H): how much each kind of state (first) keeps of each (second).
    w
        Shape (K * H, H): makes the gates of the first kind of state.
    reverse
        Flow backwards in time.
    """
    steps, kinds, count, gates, size = mix.shape
    expected = (
        (steps + 1, kinds, count, size),
        (steps, kinds, kinds, count, size),
        (gates * size, size),
    )
    if (x.shape, carry.shape, w.shape) != expected:
        raise ShapeError(
            "recurrent_flow",
            f"x {x.shape}, mix {mix.shape}, carry {carry.shape}, w {w.shape}",
            "They are (T + 1, S, N, H), (T, S, N, K, H), (T, S, S, N, H) and (K * H, H).",
        )
    return xp.recurrent_flow(x, mix, carry, w, reverse=reverse)


def _gates(xp: Namespace, h: Array, w: Array) -> Array:
    """Shape (T, N, K, H): what `w` makes of the first kind of state, before each step."""
    mixed = xp.matmul(h, xp.matrix_transpose(w))
    return xp.reshape(mixed, (*h.shape[:2], w.shape[0] // h.shape[2], h.shape[2]))


def _into_gates(xp: Namespace, mix: Array, after: Array) -> Array:
    """Shape (T, N, K * H): the gradient with respect to the gates, from that of the states."""
    steps, _, count, gates, size = mix.shape
    total = xp.sum(mix * xp.expand_dims(after, 3), axis=1)
    return xp.reshape(total, (steps, count, gates * size))


def _into_weight(xp: Namespace, gates: Array, h: Array) -> Array:
    """The gradient with respect to `w`, from that of the gates: one product for all steps."""
    flat = (xp.reshape(a, (a.shape[0] * a.shape[1], a.shape[2])) for a in (gates, h))
    rows, columns = flat
    return xp.matmul(xp.matrix_transpose(rows), columns)


@recurrent_flow.vjp("x", saves=("mix", "carry", "w"))
def _(xp, g, out, x, mix, carry, w, *, reverse):
    return xp.recurrent_flow(g, mix, carry, w, reverse=not reverse)


def _both_ways(xp, g, out, mix, carry, w, reverse):
    """What flows in before each step, and what flows back to after it."""
    other = xp.recurrent_flow(g, mix, carry, w, reverse=not reverse)
    there, back = (other, out) if reverse else (out, other)
    return there[:-1], back[1:]


@recurrent_flow.vjp("mix", saves=("out", "mix", "carry", "w"))
def _(xp, g, out, x, mix, carry, w, *, reverse):
    before, after = _both_ways(xp, g, out, mix, carry, w, reverse)
    return xp.expand_dims(after, 3) * xp.expand_dims(_gates(xp, before[:, 0], w), 1)


@recurrent_flow.vjp("carry", saves=("out", "mix", "carry", "w"))
def _(xp, g, out, x, mix, carry, w, *, reverse):
    before, after = _both_ways(xp, g, out, mix, carry, w, reverse)
    return xp.expand_dims(after, 2) * xp.expand_dims(before, 1)


@recurrent_flow.vjp("w", saves=("out", "mix", "carry", "w"))
def _(xp, g, out, x, mix, carry, w, *, reverse):
    before, after = _both_ways(xp, g, out, mix, carry, w, reverse)
    return _into_weight(xp, _into_gates(xp, mix, after), before[:, 0])


# ---- cells -------------------------------------------------------------------------------


def _check(where: str, x: Array, start: Array, w: Array, kinds: int, gates: int) -> None:
    size = w.shape[-1]
    fits = (
        x.ndim == 3
        and w.shape == (gates * size, size)
        and x.shape[2] == gates * size
        and start.shape == (kinds, x.shape[1], size)
    )
    if not fits:
        raise ShapeError(
            where,
            f"x {x.shape}, start {start.shape}, w {w.shape}",
            f"They are (T, N, {gates} * H), ({kinds}, N, H) and ({gates} * H, H).",
        )


def _declare(op: Op[...], gradients: Callable[..., Several]) -> None:
    """Give `op` a rule for each input, which takes its part of what `gradients` finds for all."""
    for place, name in enumerate(op.arrays):

        def rule(xp, g, out, *arrays, place=place, **params):
            return gradients(xp, g, out, *arrays, **params)[place]

        op.vjp(name, saves=("out", *(other for other in op.arrays if other != "start")))(rule)


@scan(
    samples=[
        sample(uniform(-1, 1, (2, 2, 2)), uniform(-1, 1, (1, 2, 2)), uniform(-1, 1, (2, 2))),
        sample(
            uniform(0.3, 1, (2, 1, 2)),
            uniform(0.1, 1, (1, 1, 2)),
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
        Shape (1, N, H): h at first.
    w
        Shape (H, H).
    nonlinearity
        ``"tanh"``, or ``"relu"`` in its place (with slope 0 at 0).

    Returns
    -------
    Shape (T + 1, 1, N, H): `start`, and h after each step.

    References
    ----------
    Elman, "Finding structure in time" (1990).
    """
    _check("rnn_states", x, start, w, 1, 1)
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
    mix = xp.expand_dims(slope, 3)
    carry = xp.zeros_like(xp.expand_dims(h, 1))
    flow = xp.recurrent_flow(g, mix, carry, w, reverse=True)
    gates = _into_gates(xp, mix, flow[1:])
    return gates, flow[0], _into_weight(xp, gates, out[:-1, 0])


_declare(rnn_states, rnn_gradients)


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
    _check("lstm_states", x, start, w, 2, 4)
    return xp.lstm_states(x, start, w)


def lstm_gradients(
    xp: Namespace, g: Array, out: Array, x: Array, start: Array, w: Array
) -> Several:
    """The gradients for x, start and w at once."""
    h, c = out[:-1, 0], out[:-1, 1]
    mixed = _gates(xp, h, w)
    mixed = mixed + xp.reshape(x, mixed.shape)
    put, keep, let = (xp.sigmoid(mixed[:, :, k]) for k in (0, 1, 3))
    new, shown = xp.tanh(mixed[:, :, 2]), xp.tanh(out[1:, 1])
    into_c = [new * put * (1 - put), c * keep * (1 - keep), put * (1 - new * new)]
    passed = let * (1 - shown * shown)  # from c to h
    nothing = xp.zeros_like(c)
    into_h = [passed * part for part in into_c]
    mix = xp.stack(
        [
            xp.stack([*into_h, shown * let * (1 - let)], axis=2),
            xp.stack([*into_c, nothing], axis=2),
        ],
        axis=1,
    )
    carry = xp.stack(
        [
            xp.stack([nothing, passed * keep], axis=1),
            xp.stack([nothing, keep], axis=1),
        ],
        axis=1,
    )
    flow = xp.recurrent_flow(g, mix, carry, w, reverse=True)
    gates = _into_gates(xp, mix, flow[1:])
    return gates, flow[0], _into_weight(xp, gates, h)


_declare(lstm_states, lstm_gradients)


@scan(
    samples=[
        sample(
            uniform(-1, 1, (2, 1, 6)),
            uniform(-1, 1, (1, 1, 2)),
            uniform(-1, 1, (6, 2)),
            uniform(-1, 1, (6,)),
        ),
        sample(
            uniform(-1, 1, (3, 2, 3)),
            uniform(-1, 1, (1, 2, 1)),
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
        Shape (1, N, H): h at first.
    w, bias
        Shapes (3 * H, H) and (3 * H,).

    Returns
    -------
    Shape (T + 1, 1, N, H): `start`, and h after each step.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014), version 1 of
    which has r after the product.
    """
    _check("gru_states", x, start, w, 1, 3)
    if bias.shape != w.shape[:1]:
        raise ShapeError(
            "gru_states", f"bias {bias.shape} for w {w.shape}", f"Pass shape {w.shape[:1]}."
        )
    return xp.gru_states(x, start, w, bias)


def gru_gradients(
    xp: Namespace, g: Array, out: Array, x: Array, start: Array, w: Array, bias: Array
) -> Several:
    """The gradients for x, start, w and bias at once."""
    h = out[:-1, 0]
    mixed = _gates(xp, h, w)
    mixed = mixed + xp.reshape(bias, mixed.shape[2:])
    drive = xp.reshape(x, mixed.shape)
    reset, keep = (xp.sigmoid(drive[:, :, k] + mixed[:, :, k]) for k in (0, 1))
    new = xp.tanh(drive[:, :, 2] + reset * mixed[:, :, 2])
    into_new = (1 - keep) * (1 - new * new)
    parts = [into_new * mixed[:, :, 2] * reset * (1 - reset), (h - new) * keep * (1 - keep)]
    mix = xp.expand_dims(xp.stack([*parts, into_new * reset], axis=2), 1)
    carry = xp.expand_dims(xp.expand_dims(keep, 1), 1)
    flow = xp.recurrent_flow(g, mix, carry, w, reverse=True)
    gates = _into_gates(xp, mix, flow[1:])
    size = h.shape[2]
    into_x = xp.concat([gates[:, :, : 2 * size], into_new * flow[1:, 0]], axis=2)
    return into_x, flow[0], _into_weight(xp, gates, h), xp.sum(gates, axis=(0, 1))


_declare(gru_states, gru_gradients)

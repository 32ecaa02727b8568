"""How a small change of a state travels through a recurrent layer: linearly, step by step.

So one linear recurrence is the derivative of all cells (see :mod:`~tinygrad_lesson.ops.recurrent`);
its adjoint is the same one backwards in time, and the vocabulary is closed under differentiation.
States have the shape (T + 1, N, H): T steps after the start, N sequences, H units.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..arrays import Array, Namespace
from ..errors import ShapeError
from ..op import scan
from ..samples import sample, uniform

Several = tuple[Array, ...]
Flow = Callable[..., Array]


def gates_of(xp: Namespace, h: Array, w: Array) -> Array:
    """Shape (T, N, K, H): what `w` makes of the state before each step."""
    mixed = xp.matmul(h, xp.matrix_transpose(w))
    return xp.reshape(mixed, (*h.shape[:2], w.shape[0] // h.shape[2], h.shape[2]))


def side_by_side(xp: Namespace, gates: Array) -> Array:
    """Shape (T, N, K * H), of (T, N, K, H)."""
    steps, count, number, size = gates.shape
    return xp.reshape(gates, (steps, count, number * size))


def into_weight(xp: Namespace, gates: Array, h: Array) -> Array:
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
    return gates_of(xp, there[:-1], w) * xp.expand_dims(back[1:], 2)


@recurrent_flow.vjp("keep", saves=("out", "mix", "keep", "w"))
def _(xp, g, out, x, mix, keep, w, *, reverse):
    there, back = _both_ways(xp.recurrent_flow, g, out, (mix, keep, w), reverse)
    return there[:-1] * back[1:]


@recurrent_flow.vjp("w", saves=("out", "mix", "keep", "w"))
def _(xp, g, out, x, mix, keep, w, *, reverse):
    there, back = _both_ways(xp.recurrent_flow, g, out, (mix, keep, w), reverse)
    return into_weight(xp, mix * xp.expand_dims(back[1:], 2), there[:-1])


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


def into_gates(xp: Namespace, mix: Array, back: Array) -> Array:
    """Shape (T, N, K, H): the gradient of the gates, of which the last goes into h."""
    into_c = mix[:, :, :-1] * xp.expand_dims(back[1:, 1], 2)
    return xp.concat([into_c, mix[:, :, -1:] * xp.expand_dims(back[1:, 0], 2)], axis=2)


@memory_flow.vjp("x", saves=("mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    return xp.memory_flow(g, mix, keep, show, w, reverse=not reverse)


@memory_flow.vjp("mix", saves=("out", "mix", "keep", "show", "w"))
def _(xp, g, out, x, mix, keep, show, w, *, reverse):
    there, back = _both_ways(xp.memory_flow, g, out, (mix, keep, show, w), reverse)
    return into_gates(xp, gates_of(xp, there[:-1, 0], w), back)


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
    return into_weight(xp, into_gates(xp, mix, back), there[:-1, 0])

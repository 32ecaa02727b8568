"""The recorded graph against the call: what a function does that its graph does not have."""

from __future__ import annotations

import copy

import numpy as np

from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..graph import Leaf, replay, topological
from .search import signs
from .subjects import Function, Gradient, flat

OTHERWISE = (
    "its first derivative is right, but on tensors, as create_graph=True runs the rule, it gives"
    " another one"
)

UNRECORDED = (
    "its first derivative is right, but the graph of it is not: not all of the rule is written"
    " with xp and operators"
)

FORMULA = (
    "its first derivative is right, and what the rule computes is in the graph, but the derivative"
    " of that formula is wrong here: a case for this point alone (where, ==), or the rule of an op"
    " that it is written with"
)


def escapes(subject: Function | Gradient, number: int, step: float = 1e-3) -> bool:
    """Whether a subject depends on its variable `number` in a way that its graph does not have.

    The variable is moved by about `step`; then a call and a replay of the graph must agree.
    """
    outputs, inputs = subject.record()
    nodes = topological(output.node for output in outputs)
    points = list(subject.points)
    points[number] = moved = _moved(points[number], step)
    leaf = inputs[number].node
    assert isinstance(leaf, Leaf)
    arrays = replay(nodes, numpy_namespace, {leaf: moved})
    by_graph = flat([arrays.get(t.node, t.raw) if t.node else t.raw for t in outputs])
    return not _alike(by_graph, subject.value(points))


def second_guess(gradient: Gradient, number: int) -> str:
    """Why the gradient of a right gradient is wrong in variable `number`."""
    outputs, _ = gradient.record()
    if not _alike(flat([output.raw for output in outputs]), gradient.value(gradient.points)):
        return OTHERWISE
    # A comparison is a constant in the graph, so look where a small step does not change one.
    function = copy.copy(gradient.function)
    function.points = [_moved(point, 1e-2) for point in function.points]
    nearby = Gradient(function, gradient.cotangent, gradient.only)
    return UNRECORDED if escapes(nearby, number, step=1e-5) else FORMULA


def _moved(point: Array, step: float) -> Array:
    directions = signs(np.random.default_rng(0), point.size).reshape(point.shape)
    return np.asarray(point * (1 + step * directions) + step)


def _alike(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))

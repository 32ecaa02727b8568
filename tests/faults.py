"""Faults to plant into derivative rules, and the samples to plant them into."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_lesson.arrays import Array
from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample, calls

from .oracles import LARGE

Fault = Callable[[Callable[[Array], Array], Array, tuple[int, ...]], Array]


# ---- faults: each gets the right rule as a function of g, g itself, and the input's shape ------


def factor(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    return 2 * rule(g)


def sign(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    return -rule(g)


def transposed(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    return rule(g).T


def one_element(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    """One element, near the middle, is off by 1 %."""
    right = rule(g)
    wrong = np.array(np.broadcast_to(right, np.broadcast_shapes(right.shape, shape)))
    wrong[spoiled(rule, g.shape, shape)] *= 1.01
    return wrong


def spoiled(rule: Any, out: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """The element in which :func:`one_element` is wrong: the most central that is not 0 anyway."""
    gradient = rule(np.random.default_rng(3).uniform(0.5, 1.5, out))
    sizes = np.abs(np.broadcast_to(gradient, np.broadcast_shapes(gradient.shape, shape)))
    alive = np.flatnonzero(sizes > 1e-3 * sizes.max(initial=0.0))
    middle = sizes.size // 2
    place = alive[np.argmin(np.abs(alive - middle))] if alive.size else middle
    return tuple(int(i) for i in np.unravel_index(place, sizes.shape))


def in_input(element: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Where an element of what a rule returned ends up, as the walk sums stretched axes."""
    place = element[len(element) - len(shape) :]
    return tuple(0 if n == 1 else i for i, n in zip(place, shape, strict=True))


def not_summed(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    """Only one slice along the axes where the input was broadcast gets through."""
    lead = g.ndim - len(shape)
    if lead < 0:
        return rule(g)
    kept = np.zeros_like(g)
    at = tuple(
        slice(None) if a >= lead and shape[a - lead] == n else slice(0, 1)
        for a, n in enumerate(g.shape)
    )
    kept[at] = np.asarray(g)[at]
    return rule(kept)


def term_dropped(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    """What one element of the output contributes is missing."""
    kept = np.array(g)
    kept.reshape(-1)[kept.size // 2] = 0
    return rule(kept)


FAULTS: tuple[Fault, ...] = (factor, sign, transposed, one_element, not_summed, term_dropped)


@contextmanager
def planted(op: Op[...], name: str, fault: Fault) -> Iterator[None]:
    """Give `op` a wrong rule for its input `name` inside the block."""
    right = op.rules[name]

    def wrong(xp: Any, g: Array, out: Array, *arrays: Array, **params: Any) -> Array:
        position = params.get("position", min(op.arrays.index(name), len(arrays) - 1))
        rule = functools.partial(apply_rule, right.function, xp, out, arrays, params)
        return fault(rule, g, arrays[position].shape)

    op.rules[name] = right._replace(function=wrong)
    op.plans.clear()
    try:
        yield
    finally:
        op.rules[name] = right
        op.plans.clear()


def apply_rule(function: Any, xp: Any, out: Any, arrays: Any, params: Any, g: Array) -> Array:
    return np.asarray(function(xp, g, out, *arrays, **params))


# ---- the registry ------------------------------------------------------------------------------


TOO_SMALL: dict[tuple[str, str], str] = {
    ("gru_states", "bias"): "its 3 H elements go with a weight of 3 H * H, which would be too many",
}
"""Inputs, by op and name, that can have no 400 elements, and why.

A composite, such as ``flatten``, is not in the proof: it has no rule to plant a fault into.
"""


def enlarged(op: Op[...], sample: Sample) -> Sample | None:
    """The same call with longer axes, so that some input has 400 elements or a few more.

    None if the op does not allow it, or if the result would be too large to be quick.
    """
    for side in (20, 8, 400):  # two axes, three, or one
        inputs = tuple(
            d._replace(shape=tuple(side if n > 1 else n for n in d.shape)) for d in sample.inputs
        )
        sizes = [math.prod(d.shape) for d in inputs if d.kind == "f"]
        if not 400 <= max(sizes) <= 600:
            continue
        large = Sample(inputs, sample.params)
        try:
            out = op.forward(xp, *large.draw(np.random.default_rng(0)), **large.params)
        except (ValueError, IndexError):
            continue
        if np.size(out) <= 10_000:
            return large
    return None


def large_samples(op: Op[...]) -> list[Sample]:
    """All calls of `op` with 400 elements in one of the inputs at least."""
    found = [enlarged(op, sample) for sample in calls(op.samples)]
    return [sample for sample in found if sample is not None] + LARGE.get(op.name, [])


def large_cases() -> list[tuple[str, int]]:
    """For every op that has rules: large calls that bring each of its rules 400 elements."""
    return [(op.name, i) for op in REGISTRY.values() if op.rules for i in _covering(op)]


def _covering(op: Op[...]) -> list[int]:
    """The numbers of the first large calls in which each rule meets 400 elements."""
    chosen: dict[int, None] = {}
    met: set[str] = set()
    for number, sample in enumerate(large_samples(op)):
        large = {
            op.input_name(i) for i, d in enumerate(sample.inputs) if math.prod(d.shape) >= 400
        } & set(op.rules)
        if large - met:
            chosen[number] = None
            met |= large
    return list(chosen)


def cases() -> list[tuple[str, int]]:
    """Every op that has a derivative, and the number of each of its samples."""
    return [
        (op.name, i)
        for op in REGISTRY.values()
        if op.differentiable
        for i, _ in enumerate(calls(op.samples))
    ]


def case(name: str, number: int) -> tuple[Op[...], Callable[..., Any], list[Array], Sample]:
    op = REGISTRY[name]
    sample = next(itertools.islice(calls(op.samples), number, None))
    arrays = sample.draw(np.random.default_rng(number))
    return op, functools.partial(op, **sample.params), arrays, sample

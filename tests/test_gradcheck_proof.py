"""The proof that gradcheck convicts: every wrong rule is caught, every right one is cleared.

Faults of every kind are planted into every rule of the registry, and into one rule of random
graphs. A fault counts as caught only if the verdict is *fail* and the culprit is the right op,
input and element; a right rule counts as clean only if the verdict is *pass*. Which elements are
wrong is not read from the report: the right rule and the wrong one run here, on the arrays of the
node that is accused; and a fault of one element must be found at the very element where it was
planted. A fault that leaves the gradient as it is (the transpose of something symmetric) is no
fault, which is decided by comparing numbers.
"""

from __future__ import annotations

import functools
import itertools
import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.arrays import Array
from tinygrad_lesson.checking import Verdict, gradcheck
from tinygrad_lesson.mode import current, restore
from tinygrad_lesson.op import REGISTRY, Op

from .faults import (
    FAULTS,
    TOO_SMALL,
    Fault,
    case,
    cases,
    large_cases,
    large_samples,
    one_element,
    planted,
)
from .trial import Trial, convictions, differ, gradients


@pytest.mark.parametrize(("name", "number"), cases())
def test_right_rules_are_cleared(name: str, number: int) -> None:
    _, function, arrays, _ = case(name, number)
    for mode in ("full", "fast"):
        report = gradcheck(function, arrays, mode=mode)
        assert report.verdict is Verdict.PASS, str(report)


@pytest.mark.parametrize(("name", "number"), cases())
def test_right_rules_are_cleared_at_second_order(name: str, number: int) -> None:
    _, function, arrays, _ = case(name, number)
    report = gradcheck(function, arrays, mode="fast", order=2)
    assert report.verdict is Verdict.PASS, str(report)


@pytest.mark.parametrize(("name", "number"), [c for c in cases() if c[1] == 0])
def test_wrong_rules_are_caught(name: str, number: int) -> None:
    op, function, arrays, _ = case(name, number)
    count, missed = convictions(op, function, arrays, [("full", 0), ("fast", 0)])
    assert not missed, "\n\n".join(missed)
    assert count or op.kind.composite


def fast_seeds(*case: object, count: int = 4) -> list[tuple[str, int]]:
    """Some of twenty seeds of the fast mode: other ones for each case."""
    first = zlib.crc32(repr(case).encode())
    return [("fast", (first + i) % 20) for i in range(count)]


@pytest.mark.long
@pytest.mark.parametrize(("name", "number"), cases())
def test_every_fault_in_every_sample_is_caught(name: str, number: int) -> None:
    op, function, arrays, _ = case(name, number)
    full = [("full", 0)] if number else []  # the first sample's was above
    modes = full + fast_seeds(name, number, count=2)
    _, missed = convictions(op, function, arrays, modes)
    assert not missed, f"{len(missed)} missed\n\n" + "\n\n".join(missed[:5])


def test_every_rule_meets_400_elements() -> None:
    short = [
        (op.name, name)
        for op in REGISTRY.values()
        for name in op.rules
        if (op.name, name) not in TOO_SMALL
        and not any(
            math.prod(d.shape) >= 400
            for sample in large_samples(op)
            for position, d in enumerate(sample.inputs)
            if op.input_name(position) == name
        )
    ]
    assert not short


@pytest.mark.long
@pytest.mark.parametrize(("name", "number"), large_cases())
def test_one_element_of_400_off_by_a_hundredth_is_caught(name: str, number: int) -> None:
    op = REGISTRY[name]
    sample = large_samples(op)[number]
    arrays = sample.draw(np.random.default_rng(number))
    modes = [("full", 0), *fast_seeds(name, number)]
    count, missed = convictions(
        op, functools.partial(op, **sample.params), arrays, modes, (one_element,)
    )
    assert not missed, f"{len(missed)} missed\n\n" + "\n\n".join(missed[:5])
    assert count


# ---- random graphs -----------------------------------------------------------------------------

UNARY = ("tanh", "sigmoid", "sin", "cos", "negative", "softmax", "relu", "abs", "exp",
         "matrix_transpose", "flip", "log_softmax", "square")  # fmt: skip
BINARY = ("add", "subtract", "multiply", "matmul", "maximum", "minimum")


def random_graph(seed: int) -> tuple[list[str], Callable[..., Any], list[Array]]:
    """A function of 5 to 30 random ops on 4 by 4 matrices, and the ops in it.

    Each step runs in a scope of its own, so that a report says which one it blames.
    """
    rng = np.random.default_rng(seed)
    steps: list[tuple[str, int, int]] = []
    for i in range(int(rng.integers(5, 31))):
        names = UNARY if rng.random() < 0.5 else BINARY
        # Look back a few steps only, so that most of the graph leads to the output.
        first, second = (int(k) for k in rng.integers(max(0, i - 1), i + 2, 2))
        steps.append((str(rng.choice(names)), first, second))

    def function(x: Any, y: Any) -> Any:
        values = [x, y]
        mode = current()
        for number, (name, first, second) in enumerate(steps):
            restore(mode.but(scope=str(number)))
            op = REGISTRY[name]
            result = op(values[first]) if name in UNARY else op(values[first], values[second])
            if name in ("exp", "square", "multiply", "matmul", "log_softmax"):
                result = tl.tanh(result / 4)  # keeps the numbers where float64 is at ease
            values.append(result)
        restore(mode)
        return values[-1] + values[-2]

    return [name for name, _, _ in steps], function, [rng.uniform(-2, 2, (4, 4)) for _ in range(2)]


def one_wrong_rule(seed: int) -> tuple[Op[...], str, Fault, Callable[..., Any], list[Array]]:
    """A random graph, and a fault that changes its gradient."""
    rng = np.random.default_rng(1000 + seed)
    for attempt in itertools.count():
        names, function, arrays = random_graph(seed + 10_000 * attempt)
        right = gradients(function, arrays)
        for _ in range(10):
            op = REGISTRY[str(rng.choice(names))]
            name = str(rng.choice(list(op.rules)))
            fault = FAULTS[int(rng.integers(len(FAULTS)))]
            with planted(op, name, fault):
                if differ(right, gradients(function, arrays)):
                    return op, name, fault, function, arrays
    raise AssertionError


def check_random_graph(seed: int, modes: list[tuple[str, int]]) -> None:
    op, name, fault, function, arrays = one_wrong_rule(seed)
    trial = Trial(function, arrays, op, name, fault)
    for mode, number in modes:
        clean = gradcheck(function, arrays, mode=mode, seed=number)
        assert clean.verdict is Verdict.PASS, str(clean)
        with planted(op, name, fault):
            report = gradcheck(function, arrays, mode=mode, seed=number)
        why = trial.acquits(report)
        assert not why, f"{op.name}.{name} {fault.__name__}: {why}\n{report}"


@pytest.mark.parametrize("seed", range(10))
def test_one_wrong_rule_in_a_random_graph_is_caught(seed: int) -> None:
    check_random_graph(seed, [("full", 0), ("fast", 0)])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100))
def test_one_wrong_rule_in_each_of_100_random_graphs_is_caught(seed: int) -> None:
    check_random_graph(seed, [("full", 0), *fast_seeds(seed)])

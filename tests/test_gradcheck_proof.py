"""The proof that gradcheck convicts: every wrong rule is caught, every right one is cleared.

Faults of every kind are planted into every rule of the registry, and into one rule of random
graphs. A fault counts as caught only if the verdict is *fail* and the culprit is the right op,
input and element; a right rule counts as clean only if the verdict is *pass*. A fault that leaves
the gradient as it is (the transpose of something symmetric) is no fault, which is decided by
comparing numbers.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.arrays import Array
from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.checking import Report, Verdict, gradcheck
from tinygrad_lesson.errors import RuleError
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Domain, Sample, calls

Fault = Callable[[Callable[[Array], Array], Array, tuple[int, ...]], Array]

SIDE = 20  # an array of 20 by 20 has 400 elements


# ---- faults: each gets the right rule as a function of g, g itself, and the input's shape ------


def factor(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    return 2 * rule(g)


def sign(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    return -rule(g)


def transposed(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    return rule(g).T


def one_element(rule: Any, g: Array, shape: tuple[int, ...]) -> Array:
    """The middle element is off by 1 %."""
    wrong = np.array(np.broadcast_to(rule(g), np.broadcast_shapes(rule(g).shape, shape)))
    wrong.reshape(-1)[wrong.size // 2] *= 1.01
    return wrong


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
        rule = functools.partial(_call, right.function, xp, out, arrays, params)
        return fault(rule, g, arrays[position].shape)

    op.rules[name] = right._replace(function=wrong)
    op.plans.clear()
    try:
        yield
    finally:
        op.rules[name] = right
        op.plans.clear()


def _call(function: Any, xp: Any, out: Any, arrays: Any, params: Any, g: Array) -> Array:
    return np.asarray(function(xp, g, out, *arrays, **params))


# ---- the registry ------------------------------------------------------------------------------


def enlarged(op: Op[...], sample: Sample) -> Sample:
    """The same call with 20 in the place of every length above 1, where the op allows it."""
    inputs = tuple(
        Domain(
            d.low, d.high, tuple(SIDE if n > 1 else n for n in d.shape), d.kind, d.avoid, d.margin
        )
        for d in sample.inputs
    )
    large = Sample(inputs, sample.params)
    if any(np.prod(d.shape) > SIDE**2 for d in inputs):
        return sample
    try:
        op.forward(xp, *large.draw(np.random.default_rng(0)), **sample.params)
    except (ValueError, IndexError):
        return sample
    return large


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


def gradients(function: Any, arrays: list[Array]) -> list[Array] | None:
    """All gradients for a fixed cotangent; None if a rule gives a wrong shape."""
    inputs = [tl.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    wanted = [t for t in inputs if t.requires_grad]
    out = function(*inputs)
    cotangent = tl.Tensor(np.random.default_rng(7).uniform(0.5, 1.5, out.shape))
    try:
        found = tl.autograd.grad(out, wanted, cotangent, allow_unused=True)
    except RuleError:
        return None
    return [np.zeros(0) if g is None else g.numpy() for g in found]


def differ(right: list[Array] | None, wrong: list[Array] | None) -> bool:
    """Whether a fault changes the gradient by more than rounding does."""
    assert right is not None
    return wrong is None or any(
        not np.allclose(a, b, rtol=1e-5, atol=1e-9 * np.abs(a).max(initial=1.0))
        for a, b in zip(right, wrong, strict=True)
    )


def convicted(report: Report, op: Op[...], name: str) -> bool:
    """Whether the report names the right op, input and, if there is one, element."""
    culprit = report.culprit
    if report.verdict is not Verdict.FAIL or culprit is None or culprit.op != op.name:
        return False
    if name not in [part.partition("[")[0] for part in culprit.input.split(" and ")]:
        return False
    off = abs(culprit.analytic - culprit.numeric) > 1e-6 * abs(culprit.numeric)
    return "returned shape" in culprit.guess or (culprit.element is not None and off)


def convictions(
    op: Op[...],
    function: Any,
    arrays: list[Array],
    modes: list[tuple[str, int]],
    faults: tuple[Fault, ...] = FAULTS,
) -> tuple[int, list[str]]:
    """Plant every fault that fits; count them, and list those that were not caught."""
    right = gradients(function, arrays)
    count, missed = 0, []
    for name, fault in itertools.product(op.rules, faults):
        with planted(op, name, fault):
            if not differ(right, gradients(function, arrays)):
                continue
            for mode, seed in modes:
                count += 1
                report = gradcheck(function, arrays, mode=mode, seed=seed)
                if not convicted(report, op, name):
                    missed.append(f"{op.name}.{name} {fault.__name__} {mode} {seed}\n{report}")
    return count, missed


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


@pytest.mark.long
@pytest.mark.parametrize(("name", "number"), cases())
def test_every_fault_in_every_sample_is_caught(name: str, number: int) -> None:
    op, function, arrays, _ = case(name, number)
    modes = [("full", 0), *(("fast", seed) for seed in range(20))]
    _, missed = convictions(op, function, arrays, modes)
    assert not missed, f"{len(missed)} missed\n\n" + "\n\n".join(missed[:5])


@pytest.mark.long
@pytest.mark.parametrize(("name", "number"), cases())
def test_one_element_of_400_off_by_a_hundredth_is_caught(name: str, number: int) -> None:
    op, function, _, sample = case(name, number)
    arrays = enlarged(op, sample).draw(np.random.default_rng(number))
    modes = [("full", 0), *(("fast", seed) for seed in range(20))]
    _, missed = convictions(op, function, arrays, modes, (one_element,))
    assert not missed, f"{len(missed)} missed\n\n" + "\n\n".join(missed[:5])


# ---- random graphs -----------------------------------------------------------------------------

UNARY = ("tanh", "sigmoid", "sin", "cos", "negative", "softmax", "relu", "abs", "exp",
         "matrix_transpose", "flip", "log_softmax", "square")  # fmt: skip
BINARY = ("add", "subtract", "multiply", "matmul", "maximum", "minimum")


def random_graph(seed: int) -> tuple[list[str], Callable[..., Any], list[Array]]:
    """A function of 5 to 30 random ops on 4 by 4 matrices, and the ops in it."""
    rng = np.random.default_rng(seed)
    steps: list[tuple[str, int, int]] = []
    for i in range(int(rng.integers(5, 31))):
        names = UNARY if rng.random() < 0.5 else BINARY
        # Look back a few steps only, so that most of the graph leads to the output.
        first, second = (int(k) for k in rng.integers(max(0, i - 1), i + 2, 2))
        steps.append((str(rng.choice(names)), first, second))

    def function(x: Any, y: Any) -> Any:
        values = [x, y]
        for name, first, second in steps:
            op = REGISTRY[name]
            result = op(values[first]) if name in UNARY else op(values[first], values[second])
            if name in ("exp", "square", "multiply", "matmul", "log_softmax"):
                result = tl.tanh(result / 4)  # keeps the numbers where float64 is at ease
            values.append(result)
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
    for mode, number in modes:
        clean = gradcheck(function, arrays, mode=mode, seed=number)
        assert clean.verdict is Verdict.PASS, str(clean)
        with planted(op, name, fault):
            report = gradcheck(function, arrays, mode=mode, seed=number)
        assert convicted(report, op, name), f"{op.name}.{name} {fault.__name__}\n{report}"


@pytest.mark.parametrize("seed", range(10))
def test_one_wrong_rule_in_a_random_graph_is_caught(seed: int) -> None:
    check_random_graph(seed, [("full", 0), ("fast", 0)])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100))
def test_one_wrong_rule_in_each_of_100_random_graphs_is_caught(seed: int) -> None:
    check_random_graph(seed, [("full", 0), *(("fast", s) for s in range(20))])

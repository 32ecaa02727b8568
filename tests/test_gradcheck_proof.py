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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.arrays import SLOT, Array
from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.checking import Report, Verdict, gradcheck
from tinygrad_lesson.errors import RuleError
from tinygrad_lesson.graph import Leaf, Node, replay, topological
from tinygrad_lesson.mode import current, restore
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Domain, Sample, calls

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


def _reals(*shape: int) -> Domain:
    return Domain(-3, 3, shape)


def _sample(*inputs: Domain, **params: Any) -> Sample:
    return Sample(inputs, params)


ROWS = Domain(0, 25, (20,), "i")

LARGE: dict[str, list[Sample]] = {
    "reshape": [_sample(_reals(20, 20), shape=(10, 40))],
    "broadcast_to": [
        _sample(_reals(20, 20), shape=(2, 20, 20)),
        _sample(_reals(20, 1, 20), shape=(20, 3, 20)),
    ],
    "scatter_add": [
        _sample(_reals(20, 20), index=(slice(1, 21),), shape=(25, 20)),
        _sample(_reals(20, 20), ROWS, index=(SLOT,), shape=(25, 20)),
    ],
    "setitem": [
        _sample(_reals(25, 20), _reals(20, 20), index=(slice(1, 21),)),
        _sample(_reals(25, 20), _reals(20, 20), ROWS, index=(SLOT,)),
    ],
}
"""Calls with 400 elements, of ops whose parameters have to fit their shapes."""

TOO_SMALL: dict[tuple[str, str], str] = {}
"""Inputs, by op and name, that can have no 400 elements, and why; there are none so far.

A composite, such as ``flatten``, is not in the proof: it has no rule to plant a fault into.
"""


def enlarged(op: Op[...], sample: Sample) -> Sample | None:
    """The same call with longer axes, so that some input has 400 elements or a few more.

    None if the op does not allow it, or if the result would be too large to be quick.
    """
    for side in (20, 8, 400):  # two axes, three, or one
        inputs = tuple(
            Domain(
                d.low, d.high, tuple(side if n > 1 else n for n in d.shape), d.kind, d.avoid,
                d.margin,
            )
            for d in sample.inputs
        )  # fmt: skip
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
    """Every op that has rules, and the number of each of its large calls."""
    return [
        (op.name, i)
        for op in REGISTRY.values()
        if op.rules
        for i, _ in enumerate(large_samples(op))
    ]


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


class Trial:
    """Compares a report with what the right rule and the wrong one give at the accused node.

    Parameters
    ----------
    function, arrays
        What is checked.
    op, name, fault
        What was planted, and where; it must be out again when the trial begins.
    """

    def __init__(
        self, function: Callable[..., Any], arrays: list[Array], op: Op[...], name: str,
        fault: Fault,
    ) -> None:  # fmt: skip
        out = function(*(tl.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays))
        order = topological([out.node])
        values = replay(order, xp)
        self.op, self.name, self.fault = op, name, fault
        self.nodes: dict[str, tuple[Node, list[Array]]] = {}  # by scope
        for node in order:
            if node.op is op:
                assert node.scope not in self.nodes
                inputs = [values[p] if isinstance(p, Node | Leaf) else p for p in node.parents]
                self.nodes[node.scope] = node, [np.asarray(a) for a in inputs]
        self.known: dict[tuple[str, str], set[tuple[int, ...]] | None] = {}

    def acquits(self, report: Report) -> str:
        """Why a report does not convict the wrong rule, at an element that is wrong; or nothing."""
        culprit = report.culprit
        if report.verdict is not Verdict.FAIL or culprit is None or culprit.op != self.op.name:
            return "another op is blamed, or none"
        _, inputs = self.nodes[culprit.scope]
        positions = self.positions(culprit.input)
        if not positions:
            return "another input is blamed"
        if culprit.shape != inputs[positions[0]].shape:
            return "the element is one of another shape"
        key = culprit.scope, culprit.input
        if key not in self.known:
            self.known[key] = self.wrong(culprit.scope, positions)
        wrong = self.known[key]
        if wrong is None or culprit.element is None:
            both = wrong is None and culprit.element is None and "returned shape" in culprit.guess
            return "" if both else "the shape is wrong, or is blamed, but not both"
        return "" if culprit.element in wrong else f"the wrong elements are {sorted(wrong)[:5]}"

    def positions(self, label: str) -> list[int]:
        """Which inputs with the wrong rule a report means by ``"x and y"`` or ``"arrays[1]"``."""
        found = []
        for part in label.split(" and "):
            name, _, number = part.partition("[")
            if name == self.name:
                found.append(self.op.arrays.index(name) + int(number.rstrip("]") or 0))
        return found

    def wrong(self, scope: str, positions: list[int]) -> set[tuple[int, ...]] | None:
        """The wrong elements of the sum of these inputs' gradients; None if a shape is wrong."""
        node, inputs = self.nodes[scope]
        shape = inputs[positions[0]].shape
        out = self.op.forward(xp, *inputs, **node.params)
        function = self.op.rules[self.name].function
        several = self.op.variadic and self.name == self.op.arrays[-1]
        rules = [
            functools.partial(
                _call, function, xp, out, inputs,
                {**node.params, "position": p} if several else node.params,
            )
            for p in positions
        ]  # fmt: skip
        found: set[tuple[int, ...]] = set()
        for seed in range(3):
            rng = np.random.default_rng(seed)
            g = rng.uniform(0.5, 1.5, node.shape) * rng.choice((-1.0, 1.0), node.shape)
            difference, size = np.zeros(shape), np.zeros(shape)
            for rule in rules:
                right, given = summed(rule(g), shape), summed(self.fault(rule, g, shape), shape)
                assert right is not None
                if given is None:
                    return None
                difference += given - right
                size += np.abs(right)
            off = np.abs(difference) > 1e-7 * size + 1e-12 * size.max(initial=0.0)
            found |= {tuple(int(i) for i in place) for place in np.argwhere(off)}
        if self.fault is one_element:
            planted = {in_input(spoiled(rule, node.shape, shape), shape) for rule in rules}
            assert found <= planted, f"planted at {planted}, but wrong are {found}"
        return found


def summed(gradient: Array, shape: tuple[int, ...]) -> Array | None:
    """A rule's result in the shape of the input, as the walk brings it there; None if it cannot."""
    lead = gradient.ndim - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, gradient.shape[lead:], strict=True)):
        return None
    stretched = [lead + a for a, n in enumerate(shape) if n == 1]
    total = np.sum(gradient, axis=(*range(lead), *stretched))
    return np.asarray(total).reshape(shape)


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
            reports = [gradcheck(function, arrays, mode=mode, seed=seed) for mode, seed in modes]
        count += len(reports)
        trial = Trial(function, arrays, op, name, fault)
        for (mode, seed), report in zip(modes, reports, strict=True):
            why = trial.acquits(report)
            if why:
                missed.append(f"{op.name}.{name} {fault.__name__} {mode} {seed}: {why}\n{report}")
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
    modes = [("full", 0), *(("fast", seed) for seed in range(20))]
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
            restore(mode._replace(scope=str(number)))
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
    check_random_graph(seed, [("full", 0), *(("fast", s) for s in range(20))])

"""What counts as caught: the right rule and the wrong one, run apart from gradcheck."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_lesson as tl
from tinygrad_lesson.arrays import Array
from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.checking import Report, Verdict, gradcheck
from tinygrad_lesson.errors import RuleError
from tinygrad_lesson.graph import Leaf, Node, replay, topological
from tinygrad_lesson.op import Op

from .faults import (
    FAULTS,
    Fault,
    apply_rule,
    in_input,
    one_element,
    planted,
    spoiled,
)
from .support import parts, reals


def gradients(function: Any, arrays: list[Array]) -> list[Array] | None:
    """All gradients for a fixed cotangent; None if a rule gives a wrong shape."""
    inputs = [tl.Tensor(a, requires_grad=a.dtype.kind == "f") for a in arrays]
    wanted = [t for t in inputs if t.requires_grad]
    out = tl.concat([tl.flatten(part) for part in reals(parts(function(*inputs)))])
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
        order = topological(part.node for part in parts(out))
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
                apply_rule, function, xp, out, inputs,
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

"""The culprit: replay a graph, check each node's rules alone, and name the one that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..backpropagation import walk
from ..errors import RuleError
from ..graph import Leaf, Node, leaves, replay, topological
from ..tensor import Tensor
from .guess import guess, ratio_guess
from .recorded import second_guess
from .search import Finding, Search, Tick, signs
from .subjects import Function, Gradient, Subject, alone, together
from .verdicts import Verdict

MASKED = (
    "a finite gradient, perhaps 0 from a masked branch, times an infinite slope; mask the input,"
    " too: {op}(where(good, x, 1))"
)

MOST = 3
"""How many different wrong rules are looked for."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """A rule that is wrong when it runs alone.

    Attributes
    ----------
    op, input
        The op, and for which of its inputs the rule is.
    scope, where
        The module that ran it, and the user's ``file:line``; each may be empty.
    element, shape
        An element that is wrong, in an input of that shape; None if the rule as a whole failed.
    analytic, numeric
        The derivative there, by the rule and by differences.
    guess
        What the mistake may be.
    """

    op: str
    input: str
    scope: str
    where: str
    element: tuple[int, ...] | None
    shape: tuple[int, ...]
    analytic: float
    numeric: float
    guess: str

    @property
    def ratio(self) -> float:
        """Analytic over numeric."""
        return self.analytic / self.numeric if self.numeric else float("nan")


def culprits(
    outputs: Sequence[Tensor], rtol: float, atol: float, order: int = 1, tick: Tick = lambda: None
) -> list[Culprit]:
    """Find the wrong rules in the graph of `outputs`, those nearest to the inputs first.

    Parameters
    ----------
    outputs
        Whose graph to search.
    rtol, atol
        As in :func:`gradcheck`.
    order
        2 or more: check also the gradient that each rule records.
    tick
        Called now and then, for a progress bar.
    """
    nodes = topological(output.node for output in outputs)
    arrays = replay(nodes, numpy_namespace)
    check = _Check(rtol, atol, order, tick)
    found: dict[tuple[str, str], Culprit] = {}
    for suspects in (check.rules_of, check.ties_of):
        for node in nodes:
            inputs = [arrays[p] if isinstance(p, Node | Leaf) else p for p in node.parents]
            for culprit in suspects(node, inputs):  # one example of each wrong rule is enough
                found.setdefault((culprit.op, culprit.input), culprit)
            if len(found) >= MOST:
                break
        if found:
            break
    return list(found.values())


def masked(outputs: Sequence[Tensor], cotangents: Sequence[Array]) -> list[Culprit]:
    """Find the rule that turned a finite gradient into NaN or infinity, the nearest to the output.

    Most often that is a branch which ``where`` masks out: its gradient is 0, times an infinite
    slope.
    """
    seeds: dict[Node | Leaf, Array] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.node is not None and output.requires_grad:
            seeds[output.node] = seeds.get(output.node, 0) + cotangent
    order = topological(seeds)
    everything: set[Node | Leaf] = {*order, *leaves(order)}
    gradients = walk(seeds, everything, xp=numpy_namespace, lift=Tensor.lift, retain_graph=True)
    for node in reversed(order):
        if node not in gradients or not np.isfinite(gradients[node]).all():
            continue
        for i, _ in node.plan.rules:
            parent = node.parents[i]
            gradient = gradients.get(parent) if isinstance(parent, Node | Leaf) else None
            if gradient is None or np.isfinite(gradient).all():
                continue
            place = int(np.argmin(np.isfinite(gradient)))
            index = tuple(int(j) for j in np.unravel_index(place, gradient.shape))
            finding = Finding(Verdict.FAIL, index, float(gradient[index]), float("nan"), 0.0)
            name, said = node.op.input_name(i), MASKED.format(op=node.op.name)
            return [_culprit(node, name, gradient.shape, finding, said)]
    return []


@dataclass(frozen=True, slots=True)
class _Check:
    """How nodes are checked; the fields are the parameters of :func:`culprits`."""

    rtol: float
    atol: float
    order: int
    tick: Tick

    def rules_of(self, node: Node, inputs: Sequence[Any]) -> list[Culprit]:
        """What is wrong with a node that runs alone."""
        whole = []
        if len(set(node.parents)) < len(inputs):
            # As in max(x, x), each input by itself may have a kink that both together have not.
            whole = self.subject(node, alone(node, inputs, joined=True))
            if not whole:
                return []
        return self.subject(node, alone(node, inputs)) or whole

    def ties_of(self, node: Node, inputs: Sequence[Any]) -> list[Culprit]:
        """What is wrong with a node whose inputs move together: this takes kinks away."""
        subject = together(node, inputs)
        return self.subject(node, subject) if subject is not None else []

    def subject(self, node: Node, subject: Function) -> list[Culprit]:
        """Check all variables of a subject that was made of `node`."""
        checked = [self.rule(node, subject, number) for number in range(len(subject.names))]
        return [culprit for culprit in checked if culprit is not None]

    def rule(self, node: Node, whole: Function, number: int) -> Culprit | None:
        """Check the rule for one variable."""
        subject = whole.restricted(number)
        name, shape = subject.names[0], subject.points[0].shape
        try:
            finding = self.search(subject)
        except RuleError as error:
            return _culprit(node, name, shape, None, error.what)
        if finding.verdict is Verdict.FAIL:
            said = guess(subject, 0) or ratio_guess(finding.analytic, finding.numeric)
            return _culprit(node, name, shape, finding, said)
        if self.order > 1:
            weights = signs(np.random.default_rng(0), whole.value(whole.points).size)
            gradient = Gradient(whole, weights, only=number)
            for other, point in enumerate(gradient.points):
                finding = self.search(gradient, other)
                if finding.verdict is Verdict.FAIL:
                    said = second_guess(gradient, other)
                    return _culprit(node, name, point.shape, finding, said)
        return None

    def search(self, subject: Subject, number: int = 0) -> Finding:
        """Look at one variable of a subject."""
        rng = np.random.default_rng(0)
        return Search(subject, "fast", rng, self.rtol, self.atol, self.tick).variable(number)


def _culprit(
    node: Node, name: str, shape: tuple[int, ...], finding: Finding | None, said: str
) -> Culprit:
    nan = float("nan")
    return Culprit(
        op=node.op.name,
        input=name,
        scope=node.scope,
        where=node.where or "",
        element=finding.index if finding else None,
        shape=shape,
        analytic=finding.analytic if finding else nan,
        numeric=finding.numeric if finding else nan,
        guess=said,
    )

"""The culprit: replay a graph, check each node's rules alone, and name the one that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..autograd import walk
from ..errors import RuleError
from ..graph import Leaf, Node, leaves, replay, topological
from ..tensor import Tensor
from .guess import guess, ratio_guess
from .search import Finding, Search, Tick, signs
from .subjects import Function, Gradient, Subject, alone
from .verdicts import Verdict

SMALL = 64
"""Inputs of up to so many elements are checked one by one, larger ones by bisection."""

UNRECORDED = (
    "its first derivative is right, but the graph of it is not: not all of the rule is written"
    " with xp and operators"
)

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
        2: check also the gradient that each rule records.
    tick
        Called now and then, for a progress bar.
    """
    order_of_nodes = topological(output.node for output in outputs)
    arrays = replay(order_of_nodes, numpy_namespace)
    found: dict[tuple[str, str], Culprit] = {}
    for node in order_of_nodes:
        inputs = [arrays[p] if isinstance(p, Node | Leaf) else p for p in node.parents]
        culprit = None
        for joined in (False, True) if len(set(node.parents)) < len(inputs) else (False,):
            subject = alone(node, inputs, joined)
            for name in subject.names:
                if (node.op.name, name) in found or culprit is not None and joined:
                    continue  # one example of each wrong rule is enough
                culprit = _check(node, subject, name, rtol, atol, order, tick) or culprit
                if culprit is not None:
                    found.setdefault((node.op.name, culprit.input), culprit)
        if len(found) >= MOST:
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
            assert isinstance(parent, Node | Leaf)
            finite = np.isfinite(gradients[parent])
            if not finite.all():
                place = int(np.argmin(finite))
                index = tuple(int(j) for j in np.unravel_index(place, parent.shape))
                wrong = float(gradients[parent][index])
                finding = Finding(Verdict.FAIL, index, wrong, float("nan"), 0.0)
                name = node.op.input_name(i)
                return [_culprit(node, name, parent.shape, finding, MASKED.format(op=node.op.name))]
    return []


def _check(
    node: Node, whole: Function, name: str, rtol: float, atol: float, order: int, tick: Tick
) -> Culprit | None:
    """Check one rule of one node."""
    number = whole.names.index(name)
    subject = whole.restricted(number)
    shape = subject.points[0].shape
    try:
        finding = _search(subject, rtol, atol, tick)
    except RuleError as error:
        return _culprit(node, name, shape, None, error.what)
    if finding.verdict is Verdict.FAIL:
        said = guess(subject, 0) or ratio_guess(finding.analytic, finding.numeric)
        return _culprit(node, name, shape, finding, said)
    if order == 2:
        weights = signs(np.random.default_rng(0), whole.value(whole.points).size)
        gradient = Gradient(whole, weights, only=number)
        for other in range(len(whole.names)):
            finding = _search(gradient, rtol, atol, tick, other)
            if finding.verdict is Verdict.FAIL:
                return _culprit(node, name, gradient.points[other].shape, finding, UNRECORDED)
    return None


def _search(subject: Subject, rtol: float, atol: float, tick: Tick, number: int = 0) -> Finding:
    mode = "full" if subject.points[number].size <= SMALL else "fast"
    return Search(subject, np.random.default_rng(0), rtol, atol, tick).variable(number, mode)


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

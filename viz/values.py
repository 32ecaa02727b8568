"""The numbers of a graph, found again without touching it.

``backward()`` frees what the rules computed with, and an optimizer gives every parameter new
numbers, but a Leaf keeps the array of its moment. So the values are computed again from the
leaves, and the gradients by the library's own walk over a copy of the nodes: nobody's ``.grad``
is filled and no hook is called.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tinygrad_lesson import Tensor, mode, ops
from tinygrad_lesson.arrays import Array
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.backpropagation import walk
from tinygrad_lesson.graph import Leaf, Node, leaves, packed, replay, topological
from tinygrad_lesson.op import RuleFunction

Place: TypeAlias = Node | Leaf


class Backward(NamedTuple):
    """The graph of the gradients.

    Attributes
    ----------
    order
        The ops of the backward pass, each after its parents.
    origin
        For each of them, the forward op from whose rule it comes.
    twins
        From the copies of forward nodes and leaves, which are its parents, to the originals.
    results
        From forward nodes and leaves to the place of their gradient.
    seed
        The gradient of the output with respect to itself.
    """

    order: list[Node]
    origin: dict[Node, Node]
    twins: dict[Place, Place]
    results: dict[Place, Place]
    seed: Leaf


def forward_values(order: Sequence[Node], output: Place) -> dict[Place, Array]:
    """The array of every node and leaf from which `output` was made."""
    with np.errstate(all="ignore"):  # whoever ran the ops has had these warnings
        values: dict[Place, Array] = replay(order, numpy_namespace)
    if isinstance(output, Leaf):
        values[output] = output.data
    return values


def gradients(order: Sequence[Node], output: Place, values: dict[Place, Array]) -> dict[Place, Any]:
    """The gradient of the sum of `output` with respect to every node and leaf."""
    copies = _copy(order, output, values)
    with np.errstate(all="ignore"):
        found = walk(
            {copies[output]: np.ones_like(values[output])},
            {copy for copy in copies.values() if copy.requires_grad},
            xp=numpy_namespace,
            lift=Tensor.lift,
        )
    return {place: found[copy] for place, copy in copies.items() if copy in found}


def record_backward(
    order: Sequence[Node], output: Place, values: dict[Place, Array]
) -> tuple[Backward, dict[Place, Array]]:
    """Run the backward pass on Tensors, so that it becomes a graph; and the values there."""
    copies = _copy(order, output, values)
    for copy in copies.values():
        if isinstance(copy, Leaf):  # or what is done to an input, X.mT say, would not be recorded
            copy.requires_grad = copy.dtype.kind == "f"
    for number, node in enumerate(order):
        copy = copies[node]
        assert isinstance(copy, Node)
        rules = tuple((i, _stamped(rule, str(number))) for i, rule in copy.plan.rules)
        copy.plan = dataclasses.replace(copy.plan, rules=rules)
    # The seed asks for a gradient itself, or the part of the pass that does not depend on any
    # parameter (the mean's 1/n, say) would not be recorded.
    seed = Leaf(np.ones_like(values[output]), requires_grad=True)
    before = mode.current()
    mode.restore(before.but(grad=True, debug=False))
    try:
        with np.errstate(all="ignore"):
            found = walk(
                {copies[output]: Tensor.lift(seed.data, seed)},
                {copy for place, copy in copies.items() if place.requires_grad},
                xp=ops,
                lift=Tensor.lift,
                create_graph=True,
            )
    finally:
        mode.restore(before)
    twins = {copy: place for place, copy in copies.items()}
    everything = topological(tensor.node for tensor in found.values())
    backward = [node for node in everything if node not in twins]
    return Backward(
        backward,
        {node: order[int(node.scope)] for node in backward},
        twins,
        {twins[copy]: tensor.node for copy, tensor in found.items()},
        seed,
    ), forward_values(everything, seed)


def _copy(order: Sequence[Node], output: Place, values: dict[Place, Array]) -> dict[Place, Place]:
    """The same graph again, with its saved arrays, and without hooks or places for ``.grad``."""
    copies: dict[Place, Place] = {}
    for leaf in [*leaves(order), output]:
        if isinstance(leaf, Leaf):
            copies[leaf] = Leaf(leaf.data, leaf.requires_grad, name=leaf.name)
    for node in order:
        inputs = [values[p] if isinstance(p, Node | Leaf) else p for p in node.parents]
        copies[node] = Node(
            node.op,
            node.params,
            *packed(tuple(copies[p] if isinstance(p, Node | Leaf) else p for p in node.parents)),
            node.plan,
            node.plan.keep((values[node], *inputs)),
            node.shape,
            node.dtype,
            node.scope,
            None,
        )
    return copies


def _stamped(rule: RuleFunction, scope: str) -> RuleFunction:
    """`rule`, and what follows until the next one, records its ops under `scope`."""

    def run(*args: Any, **params: Any) -> Array:
        mode.restore(mode.current().but(scope=scope))
        return rule(*args, **params)

    return run

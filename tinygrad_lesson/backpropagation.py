"""The walk: reverse-mode differentiation, by the chain rule over the graph.

It sees nodes and cotangents (the gradients of the loss with respect to the results of nodes). It
calls the rules, undoes broadcasting, casts and adds up; nothing else in the library does. Which
namespace the rules get decides what comes out: raw arrays give a gradient, the ops themselves
give a gradient that is a graph again.

The method is that of Speelpenning, "Compiling fast partial derivatives of functions given by
algorithms" (1980); Griewank and Walther, "Evaluating Derivatives" (2008), chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any

from .arrays import Array, Namespace
from .errors import ArgumentError, GraphFreedError, RuleError, ShapeError, TinygradError
from .graph import FREED, MANY, ONLY, Hook, Leaf, Node, topological
from .mode import current
from .nonfinite import check_gradient

Lift = Callable[[Array, Node | Leaf | None], Any]
"""Makes a Tensor of an array and its place in the graph."""


def walk(
    cotangents: dict[Node | Leaf, Array],
    wanted: set[Node | Leaf] | None,
    *,
    xp: Namespace,
    lift: Lift,
    create_graph: bool = False,
    retain_graph: bool = False,
) -> dict[Node | Leaf, Array]:
    """Carry `cotangents` backwards through the graph.

    Parameters
    ----------
    cotangents
        For each output, the gradient of the loss with respect to it.
    wanted
        The nodes and leaves whose gradients are asked for; None: every leaf that requires one.
    xp
        The namespace that the rules run on.
    lift
        Makes a Tensor of an array and its place in the graph; hooks and `create_graph` need it.
    create_graph
        The cotangents are Tensors, and saved arrays are lifted before a rule sees them.
    retain_graph
        Keep the saved arrays for another walk.

    Returns
    -------
    The gradient for each wanted node or leaf that was reached.
    """
    reach = None if wanted is None else _leading_to(wanted, topological(cotangents))
    pending = dict(cotangents)
    mode = current()
    watched = mode.watch and mode.tracer is None
    # The latest node first: every node that used its result is then already behind us.
    latest = [
        (-node.number, node)
        for node in cotangents
        if type(node) is Node and (reach is None or node in reach)
    ]
    heapify(latest)
    results: dict[Node | Leaf, Array] = {}
    owned: set[Node | Leaf] = set()  # those whose sum is in a buffer that this walk allocated
    while latest:
        node = heappop(latest)[1]
        g = pending.pop(node)
        if node.meta is not None and node.meta.hooks:
            g = _hooked(g, node.meta.hooks, lift, create_graph)
        if wanted is not None and node in wanted:
            results[node] = g
        first, second = node.first, node.second
        parents = (first,) if second is ONLY else first if second is MANY else (first, second)
        if reach is not None and reach.isdisjoint(parents):
            continue
        saved, plan = node.saved, node.plan
        if saved is FREED:
            raise GraphFreedError(
                node.op.name,
                "the saved arrays of this graph were released by an earlier backward pass",
                "Pass retain_graph=True to the first one, or run the forward pass again.",
            )
        args: list[Any] = [node, *parents]  # stand-ins, which know their shape and dtype
        for slot, array in zip(plan.slots, saved):  # noqa: B905  (strict= costs as much as a rule)
            if create_graph and isinstance(args[slot], Node | Leaf):
                array = lift(array, args[slot])
            args[slot] = array
        for i, rule in plan.rules:
            parent: Any = parents[i]
            if reach is not None and parent not in reach:
                continue
            try:
                part = rule(xp, g, *args, **node.params)
            except TinygradError:
                raise
            except (TypeError, AttributeError, ValueError) as error:
                raise _rule_error(node, i, error) from error
            if part is None:
                continue
            if watched:
                check_gradient(node, i, g, part, cotangents)
            if part.shape != parent.shape:
                part = _unbroadcast(xp, part, node, i)
            if part.dtype is not parent.dtype:
                part = xp.astype(part, parent.dtype)
            total = pending.get(parent)
            if total is None:
                pending[parent] = part
                if type(parent) is Node:
                    heappush(latest, (-parent.number, parent))
            elif parent in owned:
                total += part
                pending[parent] = total
            else:
                pending[parent] = total + part
                if not create_graph:
                    owned.add(parent)
        if not retain_graph:
            node.saved = FREED
    homes: dict[Any, Leaf] = {}  # for the Leaves that one tensor had in turn: one of them
    for leaf, g in pending.items():
        if type(leaf) is not Leaf or not (wanted is None or leaf in wanted):
            continue
        home = homes.setdefault(leaf.box, leaf) if leaf.box is not None else leaf
        results[home] = g if home is leaf else results[home] + g
    for leaf in homes.values():
        if leaf.box is not None and leaf.box.hooks:
            results[leaf] = _hooked(results[leaf], leaf.box.hooks, lift, create_graph)
    return results


def _leading_to(wanted: set[Node | Leaf], order: list[Node]) -> set[Node | Leaf]:
    """`wanted`, and every node that was made from one of them."""
    reach = set(wanted)
    for node in order:
        if not reach.isdisjoint(node.parents):
            reach.add(node)
    return reach


def _hooked(g: Any, hooks: list[Hook], lift: Lift, create_graph: bool) -> Any:
    """The gradient after the user's hooks; a hook that returns None leaves it as it is."""
    for hook in tuple(hooks):
        changed = hook(g if create_graph else lift(g, None))
        if changed is None:
            continue
        if not hasattr(changed, "raw"):
            raise ArgumentError(
                "register_hook",
                f"the hook returned a {type(changed).__name__}",
                "Return a Tensor of the gradient's shape, or None.",
            )
        if changed.dtype != g.dtype:
            changed = changed.astype(g.dtype)
        if changed.shape != g.shape:
            raise ShapeError(
                "register_hook",
                f"the hook turned a gradient of shape {g.shape} into one of {changed.shape}",
                "Return a tensor of the same shape, or None.",
            )
        g = changed if create_graph else changed.raw
    return g


def _rule_error(node: Node, i: int, error: Exception) -> RuleError:
    """What to say when a rule fell over something that is not an array, or over its numbers."""
    unsolvable = isinstance(error, ValueError)  # NumPy's LinAlgError is one
    return RuleError(
        node.op.name,
        f"its rule for {node.op.input_name(i)!r} failed: {str(error).rstrip('.').lower()}"
        if unsolvable
        else f"its rule for {node.op.input_name(i)!r} failed: {error}",
        "There is no derivative at these numbers, such as those of a matrix without an inverse."
        if unsolvable
        else "A rule computes only with what it names in saves=, and returns an array.",
    )


def _unbroadcast(xp: Namespace, g: Array, node: Node, i: int) -> Array:
    """Sum `g` over the axes along which input `i` was stretched."""
    shape = node.parents[i].shape  # type: ignore[union-attr]
    lead = len(g.shape) - len(shape)
    stretched = [a for a in range(len(shape)) if shape[a] == 1 != g.shape[lead + a]]
    if lead < 0 or any(n != g.shape[lead + a] for a, n in enumerate(shape) if a not in stretched):
        raise RuleError(
            node.op.name,
            f"its rule for {node.op.input_name(i)!r} returned shape {g.shape}"
            f" for an input of shape {shape}",
            "A rule returns the shape of its input, or one that broadcasting made of it.",
        )
    g = xp.sum(g, axis=(*range(lead), *(lead + a for a in stretched)))
    return xp.reshape(g, shape)

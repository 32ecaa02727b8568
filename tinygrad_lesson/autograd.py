"""The walk: reverse-mode differentiation, by the chain rule over the graph.

:func:`walk` sees nodes and cotangents. It calls the rules, undoes broadcasting, casts and adds
up; nothing else in the library does. Which namespace the rules get decides what comes out: raw
arrays give a gradient, the ops themselves give a gradient that is a graph again.

The method is that of Speelpenning, "Compiling fast partial derivatives of functions given by
algorithms" (1980); Griewank and Walther, "Evaluating Derivatives" (2008), chapter 3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

from . import ops
from .arrays import Array, Namespace
from .arrays import numpy as numpy_namespace
from .conversion import array_of
from .errors import (
    ArgumentError,
    DisconnectedError,
    GraphFreedError,
    NonScalarError,
    RuleError,
    ShapeError,
)
from .graph import FREED, MANY, ONLY, Carrier, Hook, Leaf, Node, leaves, topological
from .mode import current, enable_grad

T = TypeVar("T", bound=Carrier)
Lift = Callable[[Array, Node | Leaf | None], Any]


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
            lifted = create_graph and isinstance(args[slot], Node | Leaf)
            args[slot] = lift(array, args[slot]) if lifted else array
        for i, rule in plan.rules:
            parent: Any = parents[i]
            if reach is not None and parent not in reach:
                continue
            part = rule(xp, g, *args, **node.params)
            if part is None:
                continue
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
    for leaf, g in pending.items():
        if type(leaf) is Leaf and (wanted is None or leaf in wanted):
            hooks = leaf.box.hooks if leaf.box is not None else None
            results[leaf] = _hooked(g, hooks, lift, create_graph) if hooks else g
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
        if changed.shape != g.shape:
            raise ShapeError(
                "register_hook",
                f"the hook turned a gradient of shape {g.shape} into one of {changed.shape}",
                "Return a tensor of the same shape, or None.",
            )
        g = changed if create_graph else changed.raw
    return g


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


# ---- on tensors --------------------------------------------------------------------------


def grad(
    outputs: T | Sequence[T],
    inputs: T | Sequence[T],
    grad_outputs: T | Sequence[T | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[T | None, ...]:
    """Gradients of the sum of `outputs` with respect to `inputs`, leaving ``.grad`` alone.

    Parameters
    ----------
    outputs
        Tensors of one element, unless `grad_outputs` are given.
    inputs
        Leaves or intermediate results that the outputs depend on.
    grad_outputs
        For each output, the gradient of what is to be differentiated with respect to it.
    retain_graph
        Keep the graph for another pass; the same as `create_graph` unless given.
    create_graph
        Record the gradients too, so that they can be differentiated again.
    allow_unused
        Give None for an input that no output depends on, rather than raise DisconnectedError.

    Returns
    -------
    tuple
        One gradient for each input.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> x = tl.Tensor(3.0, requires_grad=True)
    >>> (slope,) = tl.autograd.grad(x**3, x, create_graph=True)
    >>> (curvature,) = tl.autograd.grad(slope, x)
    >>> float(slope), float(curvature)
    (27.0, 18.0)
    """
    outs: list[T] = _tensors(outputs, "autograd.grad")
    nodes: list[Node | Leaf] = []
    for i, tensor in enumerate(_tensors(inputs, "autograd.grad")):
        if tensor.node is None or not tensor.node.requires_grad:
            raise DisconnectedError(
                "autograd.grad",
                f"input {i}, of shape {tensor.shape}, does not require a gradient",
                "Make it with requires_grad=True before the forward pass.",
            )
        nodes.append(tensor.node)
    places = _places(nodes, [output.node for output in outs])
    for i, (node, found) in enumerate(zip(nodes, places, strict=True)):
        if not found and not allow_unused:
            raise DisconnectedError(
                "autograd.grad",
                f"no output depends on input {i}, of shape {node.shape}",
                "Pass allow_unused=True to get None for it.",
            )
    wanted = {place for found in places for place in found}
    cotangents = _cotangents("autograd.grad", outs, grad_outputs, create_graph)
    keep = create_graph if retain_graph is None else retain_graph
    gradients = _walk(cotangents, wanted, outs[0].lift, keep, create_graph)
    results: list[T | None] = []
    for found in places:
        parts = [gradients[place] for place in found if place in gradients]
        total = sum(parts[1:], parts[0]) if parts else None
        results.append(total if create_graph or total is None else outs[0].lift(total))
    return tuple(results)


def _places(
    inputs: Sequence[Node | Leaf], outputs: Sequence[Node | Leaf | None]
) -> list[list[Node | Leaf]]:
    """Where each input stands in the graph of `outputs`: for one that was assigned to, several.

    The Leaves that a tensor had one after the other share a box.
    """
    order = topological(outputs)
    present: set[Node | Leaf | None] = {*order, *leaves(order), *outputs}
    by_box: dict[Any, list[Node | Leaf]] = {}
    for leaf in present:
        if type(leaf) is Leaf and leaf.box is not None:
            by_box.setdefault(leaf.box, []).append(leaf)
    return [
        by_box.get(node.box, []) if type(node) is Leaf else [node] if node in present else []
        for node in inputs
    ]


def backward(
    outputs: T | Sequence[T],
    gradients: T | Sequence[T | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
) -> None:
    """Add to ``.grad`` of every leaf the gradient of the sum of `outputs`.

    The parameters are those of :func:`grad`.
    """
    outs: list[T] = _tensors(outputs, "backward")
    cotangents = _cotangents("backward", outs, gradients, create_graph)
    seen = {id(g) for g in cotangents.values()}
    lift = outs[0].lift
    keep = create_graph if retain_graph is None else retain_graph
    for leaf, g in _walk(cotangents, None, lift, keep, create_graph).items():
        box: Any = leaf.box  # type: ignore[union-attr]
        if box.grad is not None:
            box.grad = box.grad + g if create_graph else lift(box.grad.raw + g)
        elif create_graph:
            box.grad = g
        else:  # a gradient is one leaf's alone, never a view of something else
            shared = id(g) in seen or getattr(g, "base", None) is not None
            g = _namespace().copy(g) if shared else g
            seen.add(id(g))
            box.grad = lift(g)


def _tensors(given: Any, where: str) -> list[Any]:
    tensors = list(given) if isinstance(given, list | tuple) else [given]
    if not tensors or [tensor for tensor in tensors if not hasattr(tensor, "raw")]:
        kinds = sorted({type(tensor).__name__ for tensor in tensors}) or ["nothing"]
        raise ArgumentError(
            where, f"takes one or several tensors, not {' and '.join(kinds)}", "Pass a Tensor."
        )
    return tensors


def _cotangents(
    where: str, outputs: Sequence[Carrier], given: Any, create_graph: bool
) -> dict[Node | Leaf, Any]:
    """The gradient to start from at the node of each output: what is given, or else 1."""
    if given is None:
        gradients = [None] * len(outputs)
    else:  # for one output also a bare gradient, be it a list of numbers
        listed = isinstance(given, list | tuple) and (len(outputs) > 1 or len(given) == 1)
        gradients = list(given) if listed else [given]
    if len(gradients) != len(outputs):
        raise ShapeError(
            where,
            f"{len(outputs)} outputs but {len(gradients)} grad_outputs",
            "Give one for each output, None where the output is a single number.",
        )
    cotangents: dict[Node | Leaf, Any] = {}
    for output, gradient in zip(outputs, gradients, strict=True):
        node = output.node
        if node is None or not node.requires_grad:
            raise DisconnectedError(
                where,
                f"the output of shape {output.shape} was not made by ops that were recorded from"
                " a tensor that requires a gradient",
                "Set requires_grad=True on what is to be differentiated, and leave no_grad().",
            )
        g = _start(where, output, gradient, create_graph)
        cotangents[node] = cotangents[node] + g if node in cotangents else g
    return cotangents


def _start(where: str, output: Carrier, gradient: Any, create_graph: bool) -> Any:
    """The given gradient in the shape of `output`, or 1; a Tensor if it is to be recorded."""
    shape = output.shape
    if gradient is None:
        if shape == ():
            one = output.dtype.type(1)
        elif math.prod(shape) == 1:
            one = _namespace().ones_like(output.raw)
        else:
            raise NonScalarError(
                where,
                f"the output has shape {shape}, which is not a single number",
                "Reduce it first, as in loss.sum(), or pass the gradient with respect to it.",
            )
        return output.lift(one) if create_graph else one
    if not hasattr(gradient, "raw"):
        gradient = output.lift(array_of(gradient, output.dtype))
    if gradient.shape != shape:
        raise ShapeError(
            where,
            f"the gradient has shape {gradient.shape}, the output {shape}",
            "Pass one number for each element of the output.",
        )
    return gradient if create_graph else gradient.raw


def _walk(
    cotangents: dict[Node | Leaf, Any],
    wanted: set[Node | Leaf] | None,
    lift: Lift,
    retain_graph: bool,
    create_graph: bool,
) -> dict[Node | Leaf, Any]:
    """The walk, on raw arrays, or on the ops themselves if the gradients are to be recorded."""
    if not create_graph:
        return walk(cotangents, wanted, xp=_namespace(), lift=lift, retain_graph=retain_graph)
    with enable_grad():
        return walk(
            cotangents, wanted, xp=ops, lift=lift, create_graph=True, retain_graph=retain_graph
        )


def _namespace() -> Namespace:
    return current().tracer or numpy_namespace

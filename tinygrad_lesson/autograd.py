"""Differentiation of tensors: ``backward()`` and ``autograd.grad``.

Here the arguments are checked and gradients handed out; what happens in between is the walk of
``backpropagation.py``. A tensor is whatever has a ``raw`` array and a ``node``: this module stands
below that of Tensor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from . import ops
from .arrays import Namespace
from .arrays import numpy as numpy_namespace
from .backpropagation import Lift, walk
from .conversion import array_of
from .errors import ArgumentError, DisconnectedError, NonScalarError, ShapeError
from .graph import Carrier, Leaf, Node, leaves, topological
from .mode import current, enable_grad
from .nonfinite import check_output

T = TypeVar("T", bound=Carrier)


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
        total = next((gradients[place] for place in found if place in gradients), None)
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
    seen = set(map(id, cotangents.values()))
    lift = outs[0].lift
    keep = create_graph if retain_graph is None else retain_graph
    tracer = current().tracer
    for leaf, g in _walk(cotangents, None, lift, keep, create_graph).items():
        box: Any = leaf.box  # type: ignore[union-attr]
        if tracer is not None:
            tracer.adding(box)
            tracer.named(g, f"d_{leaf.name}")  # type: ignore[union-attr]
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
    if hasattr(given, "raw"):
        return [given]
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
    watched = current().watch and current().tracer is None
    for output, gradient in zip(outputs, gradients, strict=True):
        node = output.node
        if node is None or not node.requires_grad:
            raise DisconnectedError(
                where,
                f"the output of shape {output.shape} was not made by ops that were recorded from"
                " a tensor that requires a gradient",
                "Set requires_grad=True on what is to be differentiated, and leave no_grad().",
            )
        if watched:
            check_output(node, output.raw)
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
    if gradient.dtype != output.dtype:
        gradient = ops.astype(gradient, output.dtype)
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
    tracer = current().tracer
    if tracer is not None:
        tracer.walking(cotangents)
    if not create_graph:
        return walk(cotangents, wanted, xp=_namespace(), lift=lift, retain_graph=retain_graph)
    with enable_grad():
        return walk(
            cotangents, wanted, xp=ops, lift=lift, create_graph=True, retain_graph=retain_graph
        )


def _namespace() -> Namespace:
    return current().tracer or numpy_namespace

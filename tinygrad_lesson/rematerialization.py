"""Checkpoints: intermediate results are computed again instead of being kept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

from .arrays import Array
from .errors import GradientError
from .gradients import pull_back, variable
from .graph import FREED, Leaf, Node, next_number
from .mode import current, enable_grad
from .segments import Segment, record, segment_op
from .tensor import Tensor
from .trees import flatten

P = ParamSpec("P")
R = TypeVar("R")

CHECKPOINT = segment_op("checkpoint", "Ops whose results are computed again for the gradient.")


def checkpoint(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, whose intermediate results are not kept for the backward pass.

    Of the ops inside, the graph keeps what they were, but not the arrays that their rules need.
    The backward pass runs those very ops again, so that a network of n layers needs the memory of
    about the square root of n, for one more forward pass (Chen et al., "Training deep nets with
    sublinear memory cost", 2016). The Python code is not run again: what it drew at random, and
    what it changed, stays as it was.

    Parameters
    ----------
    function
        Of tensors or nested tuples, lists and dicts of them, and of anything else. Results computed
        outside reach it as arguments; parameters may be reached in any way.

    Raises
    ------
    GradientError
        If it uses a result computed outside that was not passed as an argument.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> block = tl.checkpoint(lambda x: tl.tanh(tl.exp(x) * 2))
    >>> x = tl.Tensor([0.1, 0.2], requires_grad=True)
    >>> y = block(x)
    >>> y.node
    <node checkpoint (2,) float32>
    >>> y.sum().backward()
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        start = next_number()
        result = function(*args, **kwargs)
        values, build = flatten(result)
        made = [v for v in values if isinstance(v, Tensor) and _is_new(v.node, start)]
        if not current().grad or not made:
            return result
        arguments = {v.node: v for v in flatten((args, kwargs))[0] if isinstance(v, Tensor)}
        fresh = iter(_as_one_node(made, start, arguments))
        return build(  # type: ignore[no-any-return]
            iter([next(fresh) if any(v is out for out in made) else v for v in values])
        )

    return call


def _is_new(node: Any, start: int) -> bool:
    return type(node) is Node and node.number > start


def _as_one_node(
    outputs: Sequence[Tensor], start: int, arguments: dict[Any, Tensor]
) -> list[Tensor]:
    """`outputs` on a node in the place of all those made since `start`."""
    ends = [output.node for output in outputs]
    order = _made_since(start, ends)
    entered = {p: None for node in order for p in node.parents if not _is_new(p, start)}
    inputs = [p for p in entered if isinstance(p, Leaf | Node) and p.requires_grad]
    arrays = [_value(place, arguments) for place in inputs]

    def run(tensors: list[Tensor]) -> list[Tensor]:
        values: dict[Any, Any] = {
            place: Tensor.lift(_held(place)) if isinstance(place, Leaf) else place
            for place in entered
        }
        values.update(zip(inputs, tensors, strict=True))
        for node in order:
            values[node] = node.op.record(*(values[p] for p in node.parents), **node.params)
        return [values[end] for end in ends]

    def pull(tensors: list[Tensor], cotangents: list[Tensor]) -> list[Tensor]:
        record_again = any(t.requires_grad for t in (*tensors, *cotangents))
        with enable_grad():
            variables = [variable(tensor) for tensor in tensors]
            results = run(variables)
        return pull_back(results, variables, cotangents, record_again)

    for node in order:
        node.saved = FREED
    return record(CHECKPOINT, Segment(run, pull, outputs), inputs, arrays, outputs)


def _made_since(start: int, ends: Sequence[Any]) -> list[Node]:
    """The nodes made since `start` that lead to `ends`, each after its parents."""
    found: set[Any] = set(ends)
    stack = list(found)
    while stack:
        for parent in stack.pop().parents:
            if _is_new(parent, start) and parent not in found:
                found.add(parent)
                stack.append(parent)
    return sorted(found, key=lambda node: node.number)


def _held(leaf: Leaf) -> Array:
    tracer = current().tracer
    return leaf.data if tracer is None else tracer.leaf(leaf)


def _value(place: Leaf | Node, arguments: dict[Any, Tensor]) -> Any:
    if isinstance(place, Leaf):
        return _held(place)
    if place not in arguments:
        raise GradientError(
            "checkpoint",
            f"the function uses a result of {place.op.name}, of shape {place.shape}, that was"
            " computed outside it and is not among its arguments",
            "Pass it as an argument.",
        )
    return arguments[place].raw

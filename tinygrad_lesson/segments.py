"""A stretch of Python code as one node of the graph.

The graph knows nothing of it but how to run it again and how to carry a gradient through it. That
is what :func:`~tinygrad_lesson.checkpoint` and :func:`~tinygrad_lesson.custom_vjp` have in common.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from weakref import ref

from . import ops
from .arrays import Array, Namespace
from .graph import Node, Parent, packed
from .mode import current
from .op import Kind, Op
from .tensor import Tensor

custom = Kind("custom")  # whatever a Python function does, and the gradient that it came with


class Segment:
    """One call of a stretch of code.

    Parameters
    ----------
    run
        From the tensors that enter to those that come out.
    pull
        From the tensors that enter and one cotangent for each that came out, to one gradient (or
        None) for each that enters. It runs on tensors of an outer graph if the gradient is to be
        differentiated again.
    outputs
        What came out.
    """

    def __init__(
        self,
        run: Callable[[list[Tensor]], list[Tensor]],
        pull: Callable[[list[Tensor], list[Tensor]], Sequence[Tensor | None]],
        outputs: Sequence[Tensor],
    ) -> None:
        self.run, self.pull = run, pull
        self.parts = [_Part(out.shape, out.dtype) for out in outputs]
        self.node: Callable[[], Node | None] = lambda: None  # the one that stands for this
        self._pulled: tuple[Any, dict[int, Any]] = (None, {})

    def forward(self, arrays: Sequence[Array]) -> Array:
        """Run it again, on arrays or on tensors."""
        out = self.join(self.run([_lifted(array) for array in arrays]))
        return out if _any_tensor(arrays) else out.raw

    def gradient(self, g: Array, arrays: Sequence[Array], position: int) -> Array | None:
        """The gradient for one of the tensors that entered.

        The walk asks for one after the other with the same `g`: all are found at the first time.
        """
        of, found = self._pulled
        if of is not g or position not in found:
            recorded = _any_tensor((g, *arrays))
            parts = self.pull([_lifted(array) for array in arrays], self.cut(_lifted(g)))
            found = {
                i: part if part is None or recorded else part.raw for i, part in enumerate(parts)
            }
        part = found.pop(position)
        self._pulled = (g, found) if found else (None, {})
        return part

    @property
    def saved(self) -> Sequence[Array]:
        """What else the node was to save; nothing once a backward pass has released it."""
        node = self.node()
        return () if node is None else node.saved[len(node.plan.slots) :]

    def join(self, outputs: Sequence[Tensor]) -> Tensor:
        """Several outputs side by side in one tensor, for a node has but one result."""
        if len(outputs) == 1:
            return outputs[0]
        return ops.concat(*(ops.flatten(out) for out in outputs))

    def cut(self, joined: Tensor) -> list[Tensor]:
        """The outputs again."""
        if len(self.parts) == 1:
            return [joined]
        found, start = [], 0
        for shape, dtype in self.parts:
            stop = start + math.prod(shape)
            part = ops.reshape(joined[start:stop], shape=shape)
            found.append(part if part.dtype == dtype else ops.astype(part, dtype))
            start = stop
        return found

    def __repr__(self) -> str:
        return "segment"


class _Part(NamedTuple):
    """What is known of an output without looking inside."""

    shape: tuple[int, ...]
    dtype: Any


def segment_op(name: str, doc: str) -> Op[...]:
    """The op of the nodes that stand for a stretch of code."""

    def forward(xp: Namespace, /, *arrays: Array, segment: Segment) -> Array:
        return segment.forward(arrays)

    forward.__name__, forward.__doc__ = name, doc
    op = Op(custom, forward, (), register=False)

    @op.vjp("arrays", saves=("arrays",))
    def rule(
        xp: Namespace, g: Array, out: Array, *arrays: Array, position: int, segment: Segment
    ) -> Array | None:
        return segment.gradient(g, arrays, position)

    return op


def record(
    op: Op[...],
    segment: Segment,
    parents: Sequence[Parent],
    arrays: Sequence[Array],
    outputs: Sequence[Tensor],
    saves: Sequence[Array] = (),
) -> list[Tensor]:
    """The `outputs` of a segment, as results of one new node with these inputs.

    What it `saves` besides, ``segment.saved`` has until a backward pass releases it.
    """
    out = segment.join([output.detach() for output in outputs]).raw
    plan = op.plans[(2 << len(parents)) - 1]
    node = Node(
        op, {"segment": segment}, *packed(tuple(parents)), plan,
        (*plan.keep((out, *arrays)), *saves), out.shape, out.dtype, current().scope, None,
    )  # fmt: skip
    segment.node = ref(node)
    return segment.cut(Tensor.lift(out, node))


def _lifted(array: Array) -> Tensor:
    return array if isinstance(array, Tensor) else Tensor.lift(array)


def _any_tensor(arrays: Sequence[Array]) -> bool:
    return any(isinstance(array, Tensor) for array in arrays)

"""The namespace beneath the ops while a function is being mapped over examples.

Autograd sits on top: nodes are recorded for one example, their rules run on this namespace, and so
the gradient of each example comes out of the same walk. Beneath lie the tensors of all examples, on
which every op is recorded in the outer graph: a mapped function can be differentiated from
outside as well, and mapped again.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..arrays.abstract import AbstractArray
from ..errors import ShapeError, TinygradError
from ..mode import current, restore
from ..op import Op
from ..tensor import Tensor
from ..tracer import Tracer
from .batched import Batched
from .rules import batched_call


class BatchingWarning(UserWarning):
    """An op without a batching rule ran once for each example."""


class Level(Tracer):
    """One mapping of a function over `size` examples, as an array namespace."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.outside = current()

    # ---- what the recorders ask for ------------------------------------------------------

    def read(self, tensor: Tensor) -> Batched:
        """What `tensor` holds, seen from inside: one from outside is the same for all."""
        data = tensor._data
        inside = isinstance(data, Batched) and data.namespace is self
        return data if inside else Batched(self, tensor, many=False)

    def recorded_outside(self, tensor: Tensor) -> bool:
        """Whether a graph outside the mapping leads to what `tensor` holds."""
        tracer, held = self.outside.tracer, self.read(tensor).tensor
        if not self.outside.grad:
            return False
        return held.requires_grad or (tracer is not None and tracer.recorded_outside(held))

    def draw(self, generator: Any, method: str, args: Sequence[Any], kwargs: Any) -> Any:
        """The same for all examples."""
        draw = super().draw if self.outside.tracer is None else self.outside.tracer.draw
        numbers = draw(generator, method, args, kwargs)
        return Batched(self, Tensor.lift(numbers), many=False)

    def walking(self, cotangents: Iterable[Any]) -> None:
        """The graph may have been recorded outside."""
        if self.outside.tracer is not None:
            self.outside.tracer.walking(cotangents)

    def run(self, op: Op[...], arrays: Sequence[Any], params: Mapping[str, Any]) -> Batched:
        """Run `op` on all examples."""
        inputs = [self.taken(array) for array in arrays]
        if not any(isinstance(x, Batched) and x.many for x in inputs):
            out = self.call(op, [getattr(x, "tensor", x) for x in inputs], params)
            return Batched(self, out, many=False)
        together = self._together(op, inputs, params)
        out = self._one_by_one(op, inputs, params) if together is None else together
        return Batched(self, out, many=True)

    def call(self, op: Op[...], inputs: Sequence[Any], params: Mapping[str, Any]) -> Tensor:
        """Run `op` outside the mapping."""
        inner = current()
        restore(inner.but(tracer=self.outside.tracer, grad=inner.grad and self.outside.grad))
        try:
            return op.record(*inputs, **params)
        finally:
            restore(inner)

    def _together(
        self, op: Op[...], inputs: Sequence[Any], params: Mapping[str, Any]
    ) -> Tensor | None:
        try:
            return batched_call(op, inputs, params, self)
        except TinygradError as error:
            refused = error
        if self.size:  # one example is refused in terms of its own shape
            self.call(op, self._example(inputs, 0), params)
        raise refused

    def _example(self, inputs: Sequence[Any], i: int) -> list[Any]:
        """The inputs of an op for one example."""

        def of_example(x: Any) -> Any:
            if not isinstance(x, Batched):
                return x
            return self.call(ops.getitem, [x.tensor], {"index": (i,)}) if x.many else x.tensor

        return [of_example(x) for x in inputs]

    def _one_by_one(self, op: Op[...], inputs: Sequence[Any], params: Mapping[str, Any]) -> Tensor:
        if current().watch:
            warnings.warn(
                f"[{op.name}] has no batching rule: it runs {self.size} times",
                BatchingWarning,
                stacklevel=2,
            )
        if not self.size:
            raise ShapeError(
                op.name, "it has no batching rule, and there are no examples to run it on",
                "Map over at least one.",
            )  # fmt: skip
        outs = [self.call(op, self._example(inputs, i), params) for i in range(self.size)]
        return self.call(ops.stack, outs, {"axis": 0})

    def taken(self, array: Any) -> Any:
        """An input of an op: Python's numbers stay, an array from outside is the same for all."""
        if isinstance(array, bool | int | float) and not isinstance(array, np.generic):
            return array
        if isinstance(array, AbstractArray):  # that of an outer mapping or trace: see jacobian
            outside = array.namespace is not self
            return Batched(self, Tensor.lift(array), many=False) if outside else array
        return Batched(self, Tensor.lift(np.asarray(array)), many=False)

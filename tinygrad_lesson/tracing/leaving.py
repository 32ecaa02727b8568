"""Leaving: the trace lets go of everything, and finds out what is still held, and by whom."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from ..errors import TraceError
from ..graph import Node
from ..tensor import Tensor
from .program import Constant, Drawn, Guard, Held, Lent
from .variable import Variable

if TYPE_CHECKING:
    from .trace import Trace


def leave(trace: Trace) -> list[Tensor]:
    """Let go of everything, and see whether somebody else holds a variable.

    Returns
    -------
    The tensors from outside that the step has read.
    """
    found = [(ref(tensor), value, array) for tensor, value, array in trace._found]
    arrays = [(ref(array), value) for array, value in trace._arrays]
    for _, value, array in found:
        if value not in trace._moved:
            value.source = Constant(array)
    for _, value in arrays:
        assert type(value.source) is Held
        value.source = Constant(np.array(value.source.tensor._data))
    trace.undo_log.forget(lambda data: type(data) is Variable)
    for kept in (
        trace._found, trace._arrays, trace._copied, trace._read, trace._constants, trace._changed,
        trace._flags, trace._touched, trace._opened, trace.stand_ins,
    ):  # fmt: skip
        kept.clear()
    if any(True for _ in trace._alive()):
        gc.collect()
    outside = []
    for reference, value, _ in found:
        tensor = reference()  # one that is gone will never hold anything else
        if tensor is not None:
            outside.append(tensor)
            if value not in trace._moved:
                value.source = Held(tensor)
            guard_tensor(trace, tensor)
    for reference, value in arrays:
        array = reference()
        if array is not None:
            value.source = Held(Lent.of(array))
    for variable in trace._alive():
        raise TraceError(
            "compile",
            f"{trace.described(variable.value)} is still held somewhere after the step, where"
            " the next one would not put it",
            "Return it from the step instead.",
        )
    _check_generators(trace)
    trace.over = True
    return outside


def guard_tensor(trace: Trace, tensor: Tensor) -> None:
    """Its shape, dtype and hooks, and whether it has a history."""
    shape, dtype, box, place = tensor.shape, tensor.dtype, tensor._box(), type(tensor._node)
    hooks = tuple(box.hooks) if box is not None else ()

    def holds() -> bool:
        data, now = tensor._data, tensor._box()
        return (
            (type(tensor._node) is Node) == (place is Node)
            and data.shape == shape
            and data.dtype == dtype
            and hooks == (tuple(now.hooks) if now is not None else ())
        )

    trace.guards.append(Guard(holds, f"the dtype or a hook of {tensor.name or 'a tensor'}"))


def _check_generators(trace: Trace) -> None:
    """Refuse a generator that the step made: it would begin anew each time."""
    for generator in list(trace._generators.values()):
        sources = [v.source for v in trace.inputs if type(v.source) is Drawn]
        uses = sum(source.generator is generator for source in sources)
        # Known are the two dicts of this trace, the list, this variable and the argument.
        if sys.getrefcount(generator) <= uses + 5:
            raise TraceError(
                "compile",
                "the step makes a random generator of its own, which would begin anew in each step",
                "Make it before the step.",
            )

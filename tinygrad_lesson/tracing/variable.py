"""Variable: what a tensor holds while a step is being traced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arrays import Array
from ..arrays.abstract import AbstractArray
from .program import Value

if TYPE_CHECKING:
    from .trace import Trace


class Variable(AbstractArray):
    """An array of the step that is being traced.

    Its numbers are there, for the trace is a real step; but nobody may look at them, because they
    will be others in the next one.

    Attributes
    ----------
    namespace
        The trace.
    value
        Its place in the program.
    array
        The numbers of this step.
    """

    __slots__ = ("__weakref__", "array", "dtype", "namespace", "shape", "value")

    def __init__(self, trace: Trace, value: Value, array: Array) -> None:
        self.namespace, self.value, self.array = trace, value, array
        self.shape, self.dtype = value.shape, value.dtype

    def __repr__(self) -> str:
        return f"<{self.shape} {self.dtype} of a traced step>"

    def _why(self) -> tuple[str, str, str]:
        if self.namespace.over:
            return (
                "compile",
                "this tensor was made inside a compiled step, and did not leave it as a result",
                "Return it from the step.",
            )
        return (
            "compile",
            f"the step asks for a number of {self.namespace.described(self.value)}, which will be"
            " another in the next step",
            "Choose with tl.where instead of if, return the tensor and read it outside, or leave"
            " this part of the step uncompiled.",
        )

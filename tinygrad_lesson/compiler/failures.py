"""What to raise when the code of a step fails: the error that the eager step would have raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..arrays import Array
from ..arrays import numpy as kernels
from ..explain import REFUSALS, explain
from ..mode import current, restore
from ..tensor import Tensor
from ..tracing.numbers import Number
from ..tracing.program import Constant, Equation, Program, Value


class Failures:
    """Finds the op that refused what it was given.

    The code of a step does not check what it is given, or not op by op. So when it fails, the ops
    are run once more, one after the other, until one of them says what is wrong. Nothing has been
    written by then.

    Parameters
    ----------
    program
        As it was traced.
    inputs, numbers
        What the code takes.
    """

    def __init__(self, program: Program, inputs: Sequence[Value], numbers: Sequence[int]) -> None:
        self.program, self.inputs, self.numbers = program, inputs, numbers

    def explain(self, *given: Any) -> None:
        """Raise the error of the op that refuses; return if there is none.

        Parameters
        ----------
        given
            What the code was called with.
        """
        known: dict[Value, Array] = {
            v: v.source.array for v in self.program.inputs if type(v.source) is Constant
        }
        known.update(zip(self.inputs, given, strict=False))
        numbers = dict(zip(self.numbers, given[len(self.inputs) :], strict=True))
        for equation in self.program.equations:
            if _is_known(equation, known, numbers):
                known[equation.out] = _run(equation, known, numbers)


def _is_known(equation: Equation, known: Mapping[Value, Array], numbers: Mapping[int, Any]) -> bool:
    """Whether all inputs are there: what the passes found to be superfluous may not be."""
    return all(
        x in known if type(x) is Value else x.index in numbers if type(x) is Number else True
        for x in equation.inputs
    )


def _run(equation: Equation, known: Mapping[Value, Array], numbers: Mapping[int, Any]) -> Array:
    op, params = equation.op, equation.params
    given = [
        known[x] if type(x) is Value else numbers[x.index] if type(x) is Number else x
        for x in equation.inputs
    ]
    try:
        return op.forward(kernels, *given, **params)
    except REFUSALS as error:
        mode = current()
        tensors = [Tensor.lift(x) if type(i) is Value else x
                   for i, x in zip(equation.inputs, given, strict=True)]  # fmt: skip
        restore(mode.but(scope=equation.scope))
        try:
            explained = explain(op, tensors, params, error)
        finally:
            restore(mode)
        if equation.line:
            explained.add_note(f"in a compiled step, by the op called at {equation.line}")
        raise explained from error

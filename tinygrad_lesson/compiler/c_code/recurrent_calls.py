"""Calls of the C functions for recurrent layers (``c/recurrent.h``)."""

from __future__ import annotations

from ...tracing.program import Equation, Value
from .operators import FLOATS, type_of
from .views import View

STATES = frozenset({"rnn_states", "lstm_states", "gru_states"})
FLOWS = frozenset({"recurrent_flow", "memory_flow"})


def can_recur(equation: Equation, views: dict[Value, View]) -> bool:
    """Whether there is a C function for an op: arrays of one type, each in one piece."""
    if equation.op.name not in STATES | FLOWS:
        return False
    values = list(equation.values())
    kinds = {type_of(v.dtype) for v in (equation.out, *values)}
    return (
        len(kinds) == 1
        and kinds <= set(FLOATS)
        and all(views[v].whole for v in values)
        and (equation.op.name in STATES or bool(equation.params["reverse"]))
    )


def call(equation: Equation, addresses: list[str]) -> str:
    """The call, which is 0 if all went well.

    Parameters
    ----------
    equation
        What is computed.
    addresses
        C code of the addresses of its inputs, and of its result.
    """
    name, out = equation.op.name, equation.out
    steps, count, size = out.shape[0] - 1, out.shape[-2], out.shape[-1]
    numbers = [steps, count, size]
    if name in FLOWS:
        numbers.append(list(equation.values())[1].shape[2])
    if name == "rnn_states":
        numbers.append(int(equation.params["nonlinearity"] == "relu"))
    given = ", ".join([*addresses, *map(str, numbers), "me", "m"])
    return f"tl_{name}_{type_of(out.dtype)}({given})"

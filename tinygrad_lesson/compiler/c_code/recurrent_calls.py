"""Calls of the C functions for recurrent layers (``c/recurrent.h``)."""

from __future__ import annotations

import math

from ...tracing.program import Equation, Value
from .operators import FLOATS, type_of
from .views import View

STATES = frozenset({"rnn_states", "lstm_states", "gru_states"})
GATED = frozenset({"lstm_states", "gru_states"})
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


def has_on_its_way(equation: Equation, left: View, right: View) -> bool:
    """Whether a layer computes a product anyway: of all states but the last, with its weights.

    The gradient needs it again.
    """
    if equation.op.name not in GATED:
        return False
    out, w = equation.out, equation.inputs[2]
    size = out.shape[-1]
    apart = math.prod(out.shape[1:])
    return (
        left == View(out, (out.shape[0] - 1, out.shape[-2], size), (apart, size, 1))
        and right.base is w
        and right.shape == (size, w.shape[0])
        and right.strides == (1, size)
        and right.offset == 0
    )


def call(equation: Equation, addresses: list[str], sums: str = "0") -> str:
    """The call, which is 0 if all went well.

    Parameters
    ----------
    equation
        What is computed.
    addresses
        C code of the addresses of its inputs, and of its result.
    sums
        C code of the address for the products on the way, of layers with gates.
    """
    name, out = equation.op.name, equation.out
    if name in GATED:
        addresses = [*addresses, sums]
    steps, count, size = out.shape[0] - 1, out.shape[-2], out.shape[-1]
    numbers = [steps, count, size]
    if name in FLOWS:
        numbers.append(list(equation.values())[1].shape[2])
    if name == "rnn_states":
        numbers.append(int(equation.params["nonlinearity"] == "relu"))
    given = ", ".join([*addresses, *map(str, numbers), "me", "m"])
    return f"tl_{name}_{type_of(out.dtype)}({given})"

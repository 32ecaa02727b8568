"""How an elementwise op is written as a C expression.

The types and promotions are NumPy's: operands are converted to the dtype of the result first, those
of a comparison to the dtype in which NumPy would compare them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DType
from ..tracing.numbers import Number
from ..tracing.program import Equation, Value
from .lowering import COMPARISONS

TYPES = {
    "float32": "f32", "float64": "f64", "int64": "i64", "int32": "i32", "int16": "i16",
    "int8": "i8", "uint8": "u8", "bool": "u8",
}  # fmt: skip
"""The C types of the dtypes that C computes with."""

FLOATS = ("f32", "f64")


class Operand(NamedTuple):
    """C code of a number, with its dtype; None for a Python number, which takes any."""

    code: str
    dtype: DType | None


Writer = Callable[..., str]


def _infix(symbol: str) -> Writer:
    return lambda t, x, y: f"({x} {symbol} {y})"


def _call(name: str) -> Writer:
    """A function of ours, one for each type: ``exp_f32``."""
    return lambda t, *xs: f"{name}_{t}({', '.join(xs)})"


def _libm(name: str) -> Writer:
    """A function of the C library: ``sinf`` and ``sin``."""
    return lambda t, *xs: f"{name}{'f' if t == 'f32' else ''}({', '.join(xs)})"


def _pow(t: str, x: str, y: str) -> str:
    number = y.removeprefix("(").partition("f")[0].rstrip(")")
    special = {"2.0": f"({x} * {x})", "0.5": _libm("sqrt")(t, x), "1.0": x,
               "3.0": f"({x} * {x} * {x})", "-1.0": f"(1 / {x})",
               "-0.5": f"(1 / {_libm('sqrt')(t, x)})"}  # fmt: skip
    return special.get(number) or _libm("pow")(t, x, y)


def _clip(t: str, x: str, low: str | None = None, high: str | None = None) -> str:
    x = x if low is None else f"max_{t}({x}, {low})"
    return x if high is None else f"min_{t}({x}, {high})"


def _gelu(t: str, x: str, approximate: str = "none") -> str:
    if approximate == "tanh":
        rate, cubic = literal(math.sqrt(2 / math.pi), t), literal(0.044715, t)
        inner = f"({rate} * ({x} + {cubic} * {x} * {x} * {x}))"
        return f"({literal(0.5, t)} * {x} * (1 + tanh_{t}({inner})))"
    return f"({literal(0.5, t)} * {x} * (1 + erf_{t}({x} * {literal(math.sqrt(0.5), t)})))"


def _gelu_slope(t: str, x: str) -> str:
    below = f"{literal(0.5, t)} * (1 + erf_{t}({x} * {literal(math.sqrt(0.5), t)}))"
    density = f"{literal(1 / math.sqrt(2 * math.pi), t)} * exp_{t}({literal(-0.5, t)} * {x} * {x})"
    return f"({below} + {x} * {density})"


FLOAT_OPERATORS: dict[str, Writer] = {
    "divide": _infix("/"), "sqrt": _libm("sqrt"), "reciprocal": lambda t, x: f"(1 / {x})",
    "rsqrt": lambda t, x: f"(1 / {_libm('sqrt')(t, x)})", "pow": _pow,
    **{name: _call(name) for name in ("exp", "log", "log1p", "expm1", "sigmoid", "tanh", "erf",
                                      "sign")},
    **{name: _libm(name) for name in ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
                                      "asinh", "acosh", "atanh", "floor", "ceil", "trunc", "log2",
                                      "log10", "exp2", "erfc", "cbrt", "hypot")},
    "round": _libm("rint"), "atan2": _libm("atan2"), "copysign": _libm("copysign"),
    "abs": _libm("fabs"), "maximum": _call("max"), "minimum": _call("min"),
    "relu": lambda t, x: f"max_{t}({x}, 0)", "clip": _clip,
    "softplus": lambda t, x, beta=1.0: (
        f"((log1p_{t}(exp_{t}(-{_libm('fabs')(t, f'{x} * {literal(beta, t)}')}))"
        f" + max_{t}({x} * {literal(beta, t)}, 0)) / {literal(beta, t)})"
    ),
    "log_sigmoid": lambda t, x: (
        f"(min_{t}({x}, 0) - log1p_{t}(exp_{t}(-{_libm('fabs')(t, x)})))"
    ),
    "silu": lambda t, x: f"({x} * sigmoid_{t}({x}))",
    "leaky_relu": lambda t, x, negative_slope=0.01: (
        f"({x} > 0 ? {x} : {x} * {literal(negative_slope, t)})"
    ),
    "elu": lambda t, x, alpha=1.0: (
        f"({x} > 0 ? {x} : {literal(alpha, t)} * expm1_{t}(min_{t}({x}, 0)))"
    ),
    "gelu": _gelu, "gelu_slope": _gelu_slope,
}  # fmt: skip

ANY_OPERATORS: dict[str, Writer] = {
    "add": _infix("+"), "subtract": _infix("-"), "multiply": _infix("*"),
    "negative": lambda t, x: f"(-{x})", "positive": lambda t, x: x,
    "square": lambda t, x: f"({x} * {x})",
}  # fmt: skip

COMPARING: dict[str, Writer] = {
    "equal": _infix("=="), "not_equal": _infix("!="), "less": _infix("<"),
    "less_equal": _infix("<="), "greater": _infix(">"), "greater_equal": _infix(">="),
    "logical_and": lambda t, x, y: f"(({x} != 0) & ({y} != 0))",
    "logical_or": lambda t, x, y: f"(({x} != 0) | ({y} != 0))",
    "logical_not": lambda t, x: f"({x} == 0)",
    "isnan": lambda t, x: f"({x} != {x})",
}  # fmt: skip
BITWISE: dict[str, Writer] = {
    "bitwise_and": _infix("&"), "bitwise_or": _infix("|"), "bitwise_xor": _infix("^"),
}  # fmt: skip
CONSTANTS = {"zeros_like": 0, "ones_like": 1}


def type_of(dtype: DType) -> str | None:
    """The C type of a dtype, or None if C does not compute with it."""
    return TYPES.get(str(dtype))


def can_write(equation: Equation) -> bool:
    """Whether an op has a C expression for its types."""
    name, out = equation.op.name, type_of(equation.out.dtype)
    inputs = [type_of(v.dtype) for v in equation.values()]
    if out is None or None in inputs:
        return False
    if name in CONSTANTS:
        return True
    if name == "astype":  # what does not fit into an integer is the machine's affair: NumPy's
        return out in FLOATS or (inputs[0] not in FLOATS and str(equation.out.dtype) != "bool")
    if name == "where":
        return str(next(equation.values()).dtype) == "bool" and type(equation.inputs[0]) is Value
    if name in COMPARING:
        return all(type(x) is not Number for x in equation.inputs)
    if name in BITWISE:
        return str(equation.out.dtype) == "bool"
    if name in ANY_OPERATORS:
        return str(equation.out.dtype) != "bool" and (out != "u8" and out in ("i64", *FLOATS))
    params = (v for v in equation.params.values())
    plain = all(isinstance(v, int | float | str | type(None)) for v in params)
    return name in FLOAT_OPERATORS and out in FLOATS and plain


def expression(equation: Equation, operands: Sequence[Operand]) -> str:
    """The C expression of an op."""
    name, out = equation.op.name, type_of(equation.out.dtype)
    assert out is not None
    if name in CONSTANTS:
        return literal(CONSTANTS[name], out)
    if name == "astype":
        return _converted(operands[0], out)
    if name == "where":
        condition, x, y = operands
        return f"({condition.code} ? {_converted(x, out)} : {_converted(y, out)})"
    if name in COMPARING:
        kinds = [
            x.dtype if type(x) is Value else x for x in equation.inputs
        ]  # Python numbers are weak
        common = type_of(np.result_type(*kinds)) or "f64"
        return COMPARING[name](common, *(_converted(x, common) for x in operands))
    converted = [_converted(x, out) for x in operands]
    table = BITWISE if name in BITWISE else ANY_OPERATORS if name in ANY_OPERATORS else None
    if table is not None:
        return table[name](out, *converted)
    return FLOAT_OPERATORS[name](out, *converted, **_params(equation.params, name, out))


def _params(params: Mapping[str, Any], name: str, t: str) -> dict[str, Any]:
    if name != "clip":
        return dict(params)
    ends = zip(("low", "high"), params.values(), strict=False)
    return {k: literal(v, t) for k, v in ends if v is not None}


def _converted(x: Operand, t: str) -> str:
    if x.dtype is None or type_of(x.dtype) == t:
        return x.code
    return f"({t}){x.code}"


def literal(value: float, t: str) -> str:
    """A Python number in C."""
    if t not in FLOATS:
        return f"({t}){int(value)}"
    value = float(value)
    if math.isnan(value):
        return f"(({t})NAN)"
    if math.isinf(value):
        return f"({'-' * (value < 0)}({t})INFINITY)"
    code = f"{value!r}{'f' if t == 'f32' else ''}" if abs(value) < 1e300 else repr(value)
    if t == "f32":
        code = f"{float(np.float32(value))!r}f"
    return f"({code})" if value < 0 else code


__all__ = ["COMPARISONS", "Operand", "can_write", "expression", "literal", "type_of"]

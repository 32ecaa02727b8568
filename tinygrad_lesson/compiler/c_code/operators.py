"""How an elementwise op is written as a C expression.

The types and promotions are NumPy's: operands are converted to the dtype of the result first, those
of a comparison to the dtype in which NumPy would compare them. What is more than an operator or a
function of the C library is a function of ``c/elementary.h`` or ``c/formulas.h``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...dtypes import DType, name_of
from ...tracing.numbers import Number
from ...tracing.program import Equation, Value
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
"""From the C type of the result, code of the operands, and parameters by name, to C code."""


# ---- kinds of expressions ------------------------------------------------------------------


def _infix(symbol: str) -> Writer:
    return lambda t, x, y: f"({x} {symbol} {y})"


def _call(name: str) -> Writer:
    """A function of ours, one for each type: ``exp_f32``."""
    return lambda t, *xs: f"{name}_{t}({', '.join(xs)})"


def _libm(name: str) -> Writer:
    """A function of the C library: ``sinf`` and ``sin``."""
    return lambda t, *xs: f"{name}{'f' if t == 'f32' else ''}({', '.join(xs)})"


def _times(factor: float) -> Writer:
    return lambda t, x: f"({x} * {literal(factor, t)})"


def _clip(t: str, x: str, min: float | None = None, max: float | None = None) -> str:
    x = x if min is None else f"max_{t}({x}, {literal(min, t)})"
    return x if max is None else f"min_{t}({x}, {literal(max, t)})"


def _same(t: str, x: str) -> str:
    return x


# ---- formulas with parameters --------------------------------------------------------------


def _pow(t: str, x: str, y: str) -> str:
    return _libm("pow")(t, x, y)


POWERS: dict[float, Writer] = {
    -1: lambda t, x: f"(1 / {x})",
    0: lambda t, x: literal(1, t),
    0.5: _libm("sqrt"),
    1: _same,
    2: lambda t, x: f"({x} * {x})",
    3: lambda t, x: f"({x} * {x} * {x})",
    4: lambda t, x: f"(({x} * {x}) * ({x} * {x}))",
}
"""Powers that are written without a function; the root is NumPy's choice, too."""


def _softplus(t: str, x: str, beta: float = 1.0) -> str:
    if beta == 1:
        return f"softplus_of_{t}({x})"
    return f"(softplus_of_{t}({x} * {literal(beta, t)}) / {literal(beta, t)})"


def _leaky_relu(t: str, x: str, negative_slope: float = 0.01) -> str:
    return f"({x} > 0 ? {x} : {x} * {literal(negative_slope, t)})"


def _exponential(t: str, x: str, above: float, below: float, rate: float) -> str:
    factors = ", ".join(literal(factor, t) for factor in (above, below, rate))
    return f"exponential_{t}({x}, {factors})"


def _elu(t: str, x: str, alpha: float = 1.0) -> str:
    return _exponential(t, x, 1, alpha, 1)


def _selu(t: str, x: str) -> str:
    return _exponential(t, x, 1.0507009873554805, 1.7580993408473766, 1)


def _celu(t: str, x: str, alpha: float = 1.0) -> str:
    return _exponential(t, x, 1, alpha, 1 / alpha)


def _gelu(t: str, x: str, approximate: str = "none") -> str:
    return f"gelu_by_tanh_{t}({x})" if approximate == "tanh" else f"gelu_{t}({x})"


def _hardtanh(t: str, x: str, min_val: float = -1.0, max_val: float = 1.0) -> str:
    return _clip(t, x, min_val, max_val)


def _softshrink(t: str, x: str, lambd: float = 0.5) -> str:
    return f"({x} - {_clip(t, x, -lambd, lambd)})"


def _hardshrink(t: str, x: str, lambd: float = 0.5) -> str:
    return f"({x} >= {literal(-lambd, t)} && {x} <= {literal(lambd, t)} ? 0 : {x})"


def _threshold(t: str, x: str, threshold: float, value: float) -> str:
    return f"({x} <= {literal(threshold, t)} ? {literal(value, t)} : {x})"


def _scaled(symbol: str) -> Writer:
    """``x + value * (y * z)``, or with a quotient."""

    def write(t: str, x: str, y: str, z: str, value: float = 1) -> str:
        if value == 1:
            return f"({y} {symbol} {z} + {x})"
        if symbol == "*":
            return f"({y} * {literal(value, t)} * {z} + {x})"
        return f"({y} / {z} * {literal(value, t)} + {x})"

    return write


def _nan_to_num(
    t: str, x: str, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> str:
    high = f"LARGEST_{t}" if posinf is None else literal(posinf, t)
    low = f"-LARGEST_{t}" if neginf is None else literal(neginf, t)
    return f"nan_to_num_{t}({x}, {literal(nan, t)}, {high}, {low})"


# ---- tables --------------------------------------------------------------------------------

FLOAT_OPERATORS: dict[str, Writer] = {
    "divide": _infix("/"), "sqrt": _libm("sqrt"), "reciprocal": lambda t, x: f"(1 / {x})",
    "rsqrt": lambda t, x: f"(1 / {_libm('sqrt')(t, x)})", "pow": _pow, "float_power": _pow,
    **{name: _call(name) for name in (
        "exp", "log", "log1p", "expm1", "sigmoid", "tanh", "erf", "floor_divide", "remainder",
        "logaddexp", "logaddexp2", "xlogy", "xlog1py", "logit", "entr", "heaviside", "log_sigmoid",
        "silu", "mish", "hardsigmoid", "hardswish", "softsign", "gelu_slope",
    )},
    **{name: _libm(name) for name in (
        "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
        "floor", "ceil", "trunc", "log2", "log10", "exp2", "erfc", "cbrt", "hypot", "atan2",
        "copysign", "fmod", "nextafter",
    )},
    "round": _libm("rint"), "fmax": _call("fmax_of"), "fmin": _call("fmin_of"),
    "deg2rad": _times(math.pi / 180), "rad2deg": _times(180 / math.pi), "sinc": _call("sinc"),
    "frac": lambda t, x: f"({x} - {_libm('trunc')(t, x)})",
    "tanhshrink": lambda t, x: f"({x} - tanh_{t}({x}))",
    "softplus": _softplus, "leaky_relu": _leaky_relu, "elu": _elu, "selu": _selu, "celu": _celu,
    "gelu": _gelu, "softshrink": _softshrink, "nan_to_num": _nan_to_num,
}  # fmt: skip
"""Ops that give floats."""

ALIKE: dict[str, Writer] = {
    "prelu": lambda t, x, y: f"({x} > 0 ? {x} : {x} * {y})",
    "lerp": lambda t, x, y, w: f"({x} * (1 - {w}) + {y} * {w})",
    "addcmul": _scaled("*"), "addcdiv": _scaled("/"), "threshold": _threshold,
    "hardshrink": _hardshrink,
}  # fmt: skip
"""Ops of more than one operation, each of which NumPy would do in a dtype of its own: they are
written where there is only one, that of floats."""

ANY_OPERATORS: dict[str, Writer] = {
    "add": _infix("+"), "subtract": _infix("-"), "multiply": _infix("*"),
    "negative": lambda t, x: f"(-{x})", "square": lambda t, x: f"({x} * {x})",
    "maximum": _call("max"), "minimum": _call("min"), "abs": _call("abs"), "sign": _call("sign"),
    "relu": lambda t, x: f"max_{t}({x}, 0)", "relu6": lambda t, x: f"clip_{t}({x}, 0, 6)",
    "clip": _clip, "hardtanh": _hardtanh,
    **dict.fromkeys(("positive", "real", "conj"), _same),
}  # fmt: skip
"""Ops on floats and integers."""

INTEGER_OPERATORS: dict[str, Writer] = {
    "bitwise_and": _infix("&"), "bitwise_or": _infix("|"), "bitwise_xor": _infix("^"),
    "bitwise_invert": lambda t, x: f"(~{x})", "bitwise_left_shift": _call("left"),
    "bitwise_right_shift": _call("right"),
    **{name: _call(name) for name in ("floor_divide", "remainder", "fmod")},
    **dict.fromkeys(("floor", "ceil", "trunc", "round"), _same),
}  # fmt: skip

COMPARING: dict[str, Writer] = {
    "equal": _infix("=="), "not_equal": _infix("!="), "less": _infix("<"),
    "less_equal": _infix("<="), "greater": _infix(">"), "greater_equal": _infix(">="),
    "logical_and": lambda t, x, y: f"(({x} != 0) & ({y} != 0))",
    "logical_or": lambda t, x, y: f"(({x} != 0) | ({y} != 0))",
    "logical_xor": lambda t, x, y: f"(({x} != 0) ^ ({y} != 0))",
    "logical_not": lambda t, x: f"({x} == 0)",
    "isnan": lambda t, x: f"({x} != {x})",
    "isfinite": lambda t, x: f"({x} - {x} == 0)",
    "isinf": lambda t, x: f"(({x} - {x} != 0) & ({x} == {x}))",
    "signbit": lambda t, x: f"(__builtin_signbit({x}) != 0)" if t in FLOATS else f"({x} < 0)",
}  # fmt: skip
"""Ops that give booleans, of whatever."""

BOOLEAN_OPERATORS: dict[str, Writer] = {
    **{name: _infix("&") for name in ("bitwise_and", "multiply", "minimum")},
    **{name: _infix("|") for name in ("bitwise_or", "add", "maximum")},
    "bitwise_xor": _infix("^"), "bitwise_invert": lambda t, x: f"({x} == 0)", "positive": _same,
}  # fmt: skip
"""Ops that give booleans, of booleans."""

SLOW_OPERATORS = frozenset({
    "pow", "float_power", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sigmoid",
    "log_sigmoid", "tanh", "tanhshrink", "silu", "mish", "softplus", "elu", "selu", "celu", "gelu",
    "gelu_slope", "erf", "erfc", "logit", "entr", "logaddexp", "logaddexp2", "xlogy", "xlog1py",
    "sinc", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
    "cbrt", "hypot", "atan2", "fmod", "remainder", "nextafter",
})  # fmt: skip
"""Ops of which each takes as long as some ten of the others."""

CONSTANTS = {"zeros_like": 0, "ones_like": 1, "imag": 0}
CHOICES = {"where": (0, 1, 2), "masked_fill": (1, 2, 0)}
"""Where an op has its condition, and what it chooses from."""


# ---- which op is written, and how ----------------------------------------------------------


@functools.cache
def type_of(dtype: DType) -> str | None:
    """The C type of a dtype, or None if C does not compute with it."""
    return TYPES.get(str(dtype))


def can_write(equation: Equation) -> bool:
    """Whether an op has a C expression for its types."""
    name, out = equation.op.name, type_of(equation.out.dtype)
    inputs = [type_of(v.dtype) for v in equation.values()]
    if out is None or None in inputs or not inputs:
        return False
    if name in CONSTANTS:
        return True
    if name == "astype":  # what does not fit into an integer is the machine's affair: NumPy's
        return out in FLOATS or inputs[0] not in FLOATS or name_of(equation.out.dtype) == "bool"
    if name in CHOICES:
        return type(equation.inputs[CHOICES[name][0]]) is Value
    if name in COMPARING:
        return all(type(x) is Value or _fits(x, equation.values()[0]) for x in equation.inputs)
    return _writer(equation) is not None and all(
        isinstance(v, int | float | str | None) for v in equation.params.values()
    )


def _writer(equation: Equation) -> Writer | None:
    """How the op is written for the types of this equation."""
    name, dtype = equation.op.name, name_of(equation.out.dtype)
    if dtype == "bool":
        whole = all(type(x) is Value for x in equation.inputs)
        return BOOLEAN_OPERATORS.get(name) if whole and _is_alike(equation) else None
    if name == "pow" and type(equation.inputs[0]) is Value:
        exponent = equation.inputs[1]
        if type(exponent) in (int, float) and (dtype in FLOAT_DTYPES or exponent in (2, 3)):
            power = POWERS.get(exponent)
            if power is not None:
                return lambda t, x, _: power(t, x)
    if name in ANY_OPERATORS:
        return ANY_OPERATORS[name]
    if dtype not in FLOAT_DTYPES:
        return INTEGER_OPERATORS.get(name)
    if name in ALIKE:
        return ALIKE[name] if _is_alike(equation) else None
    if name == "sinc" and equation.params["order"]:
        return None
    return FLOAT_OPERATORS.get(name)


FLOAT_DTYPES = ("float32", "float64")


def _is_alike(equation: Equation) -> bool:
    """Whether all arrays are of the dtype of the result."""
    return all(v.dtype == equation.out.dtype for v in equation.values())


def _fits(number: Any, value: Value) -> bool:
    """Whether a Python number can be compared with a value in the dtype that NumPy would take."""
    if type(number) is Number or not isinstance(number, int | float):
        return False
    if value.dtype.kind == "f" or isinstance(number, float | bool):
        return True
    if value.dtype.kind == "b":
        return number in (0, 1)
    limits = np.iinfo(value.dtype)
    return int(limits.min) <= number <= int(limits.max)


def expression(equation: Equation, operands: Sequence[Operand]) -> str:
    """The C expression of an op."""
    name, out = equation.op.name, type_of(equation.out.dtype)
    assert out is not None
    if name in CONSTANTS:
        return literal(CONSTANTS[name], out)
    if name == "astype":
        if name_of(equation.out.dtype) == "bool":
            return f"({operands[0].code} != 0)"
        return _converted(operands[0], out)
    if name in CHOICES:
        condition, x, y = (operands[place] for place in CHOICES[name])
        return f"({condition.code} ? {_converted(x, out)} : {_converted(y, out)})"
    if name in COMPARING:
        kinds = [
            x.dtype if type(x) is Value else x for x in equation.inputs
        ]  # Python numbers are weak
        common = type_of(np.result_type(*kinds)) or "f64"
        return COMPARING[name](common, *(_converted(x, common) for x in operands))
    writer = _writer(equation)
    assert writer is not None
    params = {} if name == "sinc" else equation.params
    return writer(out, *(_converted(x, out) for x in operands), **params)


def _converted(x: Operand, t: str) -> str:
    if x.dtype is None or type_of(x.dtype) == t:
        return x.code
    return f"({t}){x.code}"


def literal(value: float, t: str) -> str:
    """A Python number in C."""
    if t not in FLOATS:
        return f"({t}){int(value)}" if abs(value) < 1 << 63 else "INT64_MIN"
    with np.errstate(over="ignore"):
        value = float(np.float32(value) if t == "f32" else value)
    if math.isnan(value):
        return f"(({t})NAN)"
    if math.isinf(value):
        return f"({'-' * (value < 0)}({t})INFINITY)"
    code = f"{value!r}{'f' if t == 'f32' else ''}"
    return f"({code})" if math.copysign(1, value) < 0 else code


__all__ = ["COMPARISONS", "Operand", "can_write", "expression", "literal", "type_of"]

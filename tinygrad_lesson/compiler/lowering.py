"""Lowering: ops that C has no expression for become several that it has.

A softmax is a maximum, a difference, an exponential, a sum and a quotient: as such they are fused
with what stands around them. The recipes are the formulas of the ops' own kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..op import REGISTRY
from ..tracing.numbers import Number
from ..tracing.program import Equation, Program, Value

COMPARISONS = frozenset({
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
    "logical_or", "logical_xor", "logical_not", "isnan", "isinf", "isfinite", "signbit",
})  # fmt: skip
FLOATS = ("float32", "float64")


def lowered(program: Program) -> Program:
    """The program with recipes in the place of the ops that have one."""
    writer = _Writer(program)
    for equation in program.equations:
        writer.append(equation)
    return program.with_equations(writer.equations, writer.renamed)


class _Writer:
    """Appends equations; as a namespace for recipes it knows what few ops need."""

    def __init__(self, program: Program) -> None:
        self.equations: list[Equation] = []
        self.renamed: dict[Value, Value] = {}
        numbers = [v.number for v in program.inputs] + [e.out.number for e in program.equations]
        self._count = max(numbers, default=0)
        self._scope = self._line = ""

    def append(self, equation: Equation) -> None:
        inputs = tuple(self._now(x) for x in equation.inputs)
        equation = equation._replace(inputs=inputs)
        recipe = RECIPES.get(equation.op.name)
        floats = all(str(v.dtype) in FLOATS for v in (equation.out, *equation.values()))
        self._scope, self._line = equation.scope, equation.line
        out = None
        if recipe is not None and floats:
            out = recipe(self, *inputs, **equation.params)
        if out is None:
            self.equations.append(equation)
        else:
            assert out.shape == equation.out.shape, (equation, out.shape)
            self.renamed[equation.out] = out

    def _now(self, x: Any) -> Any:
        return self.renamed.get(x, x) if type(x) is Value else x

    def emit(
        self, name: str, inputs: tuple[Any, ...], params: Mapping[str, Any], shape: Any, dtype: Any
    ) -> Value:
        """One more equation."""
        self._count += 1
        out = Value(self._count, tuple(shape), np.dtype(dtype))
        op = REGISTRY[name]
        given = {**op.defaults, **params}
        self.equations.append(Equation(out, op, inputs, given, self._scope, self._line))
        return out

    def __getattr__(self, name: str) -> Callable[..., Value]:
        """An elementwise op."""

        def call(*inputs: Any, **params: Any) -> Value:
            arrays = [x for x in inputs if type(x) is Value]
            kinds = [x.dtype if type(x) is Value else x for x in inputs if type(x) is not Number]
            dtype = np.dtype(bool) if name in COMPARISONS else np.result_type(*kinds)
            if name == "where":
                dtype = np.result_type(*(getattr(x, "dtype", x) for x in inputs[1:]))
            shape = np.broadcast_shapes(*(x.shape for x in arrays))
            return self.emit(name, inputs, params, shape, dtype)

        return call

    def reduced(self, name: str, x: Value, axes: tuple[int, ...], keepdims: bool = True) -> Value:
        """A reduction of `x` along `axes`."""
        shape = [1 if a in axes else n for a, n in enumerate(x.shape)]
        if not keepdims:
            shape = [n for a, n in enumerate(x.shape) if a not in axes]
        return self.emit(name, (x,), {"axis": axes, "keepdims": keepdims}, shape, x.dtype)

    def mean_along(self, x: Value, axes: tuple[int, ...], keepdims: bool = True) -> Value:
        """Its mean."""
        count = math.prod(x.shape[a] for a in axes)
        return self.multiply(self.reduced("sum", x, axes, keepdims), 1 / max(count, 1))

    def reshaped(self, x: Value, shape: tuple[int, ...]) -> Value:
        """The same numbers in another shape."""
        return (
            x if x.shape == shape else self.emit("reshape", (x,), {"shape": shape}, shape, x.dtype)
        )


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """Axes counted from the front, in order; None means all."""
    if axis is None:
        return tuple(range(ndim))
    given = axis if isinstance(axis, tuple) else (axis,)
    return tuple(sorted(a % ndim for a in given))


# ---- recipes -----------------------------------------------------------------------------


def _softmax(xp: _Writer, x: Value, axis: Any) -> Value:
    axes = axes_of(axis, x.ndim)
    e = xp.exp(xp.subtract(x, xp.reduced("max", x, axes)))
    return xp.divide(e, xp.reduced("sum", e, axes))


def _log_softmax(xp: _Writer, x: Value, axis: Any) -> Value:
    axes = axes_of(axis, x.ndim)
    shifted = xp.subtract(x, xp.reduced("max", x, axes))
    return xp.subtract(shifted, xp.log(xp.reduced("sum", xp.exp(shifted), axes)))


def _safe_softmax(xp: _Writer, x: Value, axis: Any) -> Value:
    axes = axes_of(axis, x.ndim)
    top = xp.reduced("max", x, axes)
    e = xp.exp(xp.subtract(x, xp.where(xp.equal(top, -math.inf), 0.0, top)))
    total = xp.reduced("sum", e, axes)
    return xp.divide(e, xp.where(xp.equal(total, 0.0), 1.0, total))


def _softmax_grad(xp: _Writer, slope: Value, shares: Value, axis: Any) -> Value:
    axes = axes_of(axis, slope.ndim)
    total = xp.reduced("sum", xp.multiply(slope, shares), axes)
    return xp.multiply(xp.subtract(slope, total), shares)


def _log_softmax_grad(xp: _Writer, slope: Value, logs: Value, axis: Any) -> Value:
    total = xp.reduced("sum", slope, axes_of(axis, slope.ndim))
    return xp.subtract(slope, xp.multiply(xp.exp(logs), total))


def _deviation(xp: _Writer, x: Value, axes: tuple[int, ...], center: bool) -> Value:
    return xp.subtract(x, xp.mean_along(x, axes)) if center else x


def _standardize(xp: _Writer, x: Value, axis: Any, eps: float, center: bool) -> Value:
    deviation = _deviation(xp, x, axes_of(axis, x.ndim), center)
    return xp.multiply(deviation, _rstd(xp, x, axis, eps, center))


def _rstd(xp: _Writer, x: Value, axis: Any, eps: float, center: bool) -> Value:
    axes = axes_of(axis, x.ndim)
    deviation = _deviation(xp, x, axes, center)
    variance = xp.mean_along(xp.multiply(deviation, deviation), axes)
    return xp.reciprocal(xp.sqrt(xp.add(variance, eps)))


def _reject(xp: _Writer, x: Value, y: Value, scale: Value, axis: Any, center: bool) -> Value:
    axes = axes_of(axis, x.ndim)
    out = xp.multiply(y, xp.mean_along(xp.multiply(x, y), axes))
    if center:
        out = xp.add(out, xp.mean_along(x, axes))
    return xp.multiply(xp.subtract(x, out), scale)


def _mean(xp: _Writer, x: Value, axis: Any, keepdims: bool) -> Value:
    return xp.mean_along(x, axes_of(axis, x.ndim), keepdims)


def _scale_shift(xp: _Writer, x: Value, weight: Value, bias: Value) -> Value:
    return xp.add(xp.multiply(x, weight), bias)


def _affine(xp: _Writer, x: Value, weight: Value, bias: Value) -> Value | None:
    if x.ndim < 1 or weight.ndim != 2:
        return None
    rows = math.prod(x.shape[:-1])
    flat = xp.reshaped(x, (rows, x.shape[-1]))
    turned = xp.emit("matrix_transpose", (weight,), {}, weight.shape[::-1], weight.dtype)
    product = xp.emit(
        "matmul", (flat, turned), {}, (rows, weight.shape[0]), np.result_type(x.dtype, weight.dtype)
    )
    return xp.add(xp.reshaped(product, (*x.shape[:-1], weight.shape[0])), bias)


RECIPES: dict[str, Callable[..., Value | None]] = {
    "softmax": _softmax, "safe_softmax": _safe_softmax, "log_softmax": _log_softmax,
    "softmax_grad": _softmax_grad, "log_softmax_grad": _log_softmax_grad,
    "standardize": _standardize, "rstd": _rstd, "reject": _reject, "mean": _mean,
    "scale_shift": _scale_shift, "affine": _affine,
}  # fmt: skip

"""Lowering: ops that C has no expression for become several that it has.

A softmax is a maximum, a difference, an exponential, a sum and a quotient: as such they are fused
with what stands around them. The recipes are the formulas of the ops' own kernels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...dtypes import name_of
from ...op import REGISTRY
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Program, Value

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
        self._ones = {v for v in program.inputs if _is_ones(v)}

    def append(self, equation: Equation) -> None:
        if not self.renamed.keys().isdisjoint(equation.inputs):
            equation = equation._replace(inputs=tuple(map(self._now, equation.inputs)))
        inputs = equation.inputs
        recipe = RECIPES.get(equation.op.name)
        out = None
        if recipe is not None and all(type(x) is Value for x in inputs) and _is_usual(equation):
            self._scope, self._line = equation.scope, equation.line
            out = recipe(self, *inputs, **equation.params)
        if out is None:
            self._add(equation)
        else:
            assert out.shape == equation.out.shape, (equation, out.shape)
            self.renamed[equation.out] = out

    def _add(self, equation: Equation) -> None:
        self.equations.append(equation)
        if equation.op.name == "ones_like":
            self._ones.add(equation.out)

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
        self._add(Equation(out, op, inputs, given, self._scope, self._line))
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

    def is_ones(self, x: Value) -> bool:
        """Whether all its numbers are known to be 1."""
        return x in self._ones

    def reduced(self, name: str, x: Value, axes: tuple[int, ...], keepdims: bool = True) -> Value:
        """A reduction of `x` along `axes`."""
        if not axes:
            return x
        kept = tuple(a for a in range(x.ndim) if a not in axes)
        short = tuple(x.shape[a] for a in kept)
        shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape)) if keepdims else short
        if name == "sum":
            return self.reshaped(self._summed(x, axes), shape)
        if not kept or kept[-1] < axes[0]:
            return self.emit(name, (x,), {"axis": axes, "keepdims": keepdims}, shape, x.dtype)
        order = (*kept, *axes)  # the largest along what is not last: seen as if it were
        turned = tuple(x.shape[a] for a in order)
        seen = self.emit("permute_dims", (x,), {"axes": order}, turned, x.dtype)
        last = tuple(range(len(kept), x.ndim))
        out = self.emit(name, (seen,), {"axis": last, "keepdims": False}, short, x.dtype)
        return self.reshaped(out, shape)

    def _summed(self, x: Value, axes: tuple[int, ...]) -> Value:
        """The sum along `axes`: of rows first, where the last ones are among them."""
        start = x.ndim
        while start and (start - 1 in axes or x.shape[start - 1] == 1):
            start -= 1
        rows, rest = tuple(range(start, x.ndim)), tuple(a for a in axes if a < start)
        for some in (rows if set(rows) & set(axes) else (), rest):
            if some:
                kept = tuple(1 if a in some else n for a, n in enumerate(x.shape))
                x = self.emit("sum", (x,), {"axis": some, "keepdims": True}, kept, x.dtype)
        return x

    def without(self, x: Value, axes: tuple[int, ...], keepdims: bool) -> Value:
        """`x` without axes of length 1, unless they are kept."""
        shape = tuple(n for a, n in enumerate(x.shape) if a not in axes)
        return x if keepdims else self.reshaped(x, shape)

    def part(self, x: Value, axis: int | tuple[int, ...], start: int, stop: int) -> Value:
        """What lies between two places along an axis, or along some."""
        axes = axis if isinstance(axis, tuple) else (axis,)
        index = tuple(slice(start, stop) if a in axes else slice(None) for a in range(x.ndim))
        shape = tuple(stop - start if a in axes else n for a, n in enumerate(x.shape))
        return self.emit("getitem", (x,), {"index": index}, shape, x.dtype)

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
    return tuple(sorted(a % ndim for a in given)) if ndim else ()  # of a number: axis 0 is allowed


def _is_usual(equation: Equation) -> bool:
    """Whether it computes with floats, and with at least one of them."""
    arrays = (equation.out, *equation.values())
    return all(name_of(v.dtype) in FLOATS and math.prod(v.shape) for v in arrays)


def _is_ones(value: Value) -> bool:
    """Whether it is a constant of nothing but 1."""
    return type(value.source) is Constant and bool((np.asarray(value.source.array) == 1).all())


# ---- the softmax and its like --------------------------------------------------------------


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


def _logsumexp(xp: _Writer, x: Value, axis: Any, keepdims: bool) -> Value:
    axes = axes_of(axis, x.ndim)
    top = xp.reduced("max", x, axes)
    top = xp.where(xp.isfinite(top), top, 0.0)  # inf - inf would be NaN
    total = xp.reduced("sum", xp.exp(xp.subtract(x, top)), axes)
    return xp.without(xp.add(xp.log(total), top), axes, keepdims)


# ---- means and norms -----------------------------------------------------------------------


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


def _sum(xp: _Writer, x: Value, axis: Any, keepdims: bool, dtype: Any) -> Value | None:
    return xp.reduced("sum", x, axes_of(axis, x.ndim), keepdims) if dtype is None else None


def _max(xp: _Writer, x: Value, axis: Any, keepdims: bool) -> Value:
    return xp.reduced("max", x, axes_of(axis, x.ndim), keepdims)


def _min(xp: _Writer, x: Value, axis: Any, keepdims: bool) -> Value:
    return xp.reduced("min", x, axes_of(axis, x.ndim), keepdims)


def _var(xp: _Writer, x: Value, axis: Any, correction: float, keepdims: bool) -> Value:
    axes = axes_of(axis, x.ndim)
    # Less the first element, so that the deviations of equal numbers are 0 without rounding.
    deviation = xp.subtract(x, xp.part(x, axes, 0, 1))
    deviation = xp.subtract(deviation, xp.mean_along(deviation, axes))
    total = xp.reduced("sum", xp.multiply(deviation, deviation), axes)
    count = math.prod(x.shape[a] for a in axes) - correction
    return xp.without(xp.divide(total, max(count, 0)), axes, keepdims)


def _std(xp: _Writer, x: Value, axis: Any, correction: float, keepdims: bool) -> Value:
    return xp.sqrt(_var(xp, x, axis, correction, keepdims))


def _vector_norm(xp: _Writer, x: Value, axis: Any, keepdims: bool, ord: Any) -> Value | None:
    axes = axes_of(axis, x.ndim)
    if not axes or ord not in (1, 2, math.inf):
        return None
    if ord == 1:
        out = xp.reduced("sum", xp.abs(x), axes)
    elif ord == math.inf:
        out = xp.reduced("max", xp.abs(x), axes)
    elif name_of(x.dtype) == "float32":  # in double no square is too large or small
        wide = xp.emit("astype", (x,), {"dtype": np.dtype(np.float64)}, x.shape, np.float64)
        out = xp.sqrt(xp.reduced("sum", xp.multiply(wide, wide), axes))
        out = xp.emit("astype", (out,), {"dtype": x.dtype}, out.shape, x.dtype)
    else:
        top = xp.reduced("max", xp.abs(x), axes)
        usual = xp.logical_and(xp.greater(top, 0.0), xp.less(top, math.inf))
        unit = xp.where(usual, top, 1.0)
        scaled = xp.divide(x, unit)
        out = xp.multiply(xp.sqrt(xp.reduced("sum", xp.multiply(scaled, scaled), axes)), unit)
    return xp.without(out, axes, keepdims)


def _vecdot(xp: _Writer, x: Value, y: Value, axis: int) -> Value | None:
    if x.shape != y.shape or x.dtype != y.dtype:
        return None
    return xp.reduced("sum", xp.multiply(x, y), axes_of(axis, x.ndim), keepdims=False)


# ---- layers --------------------------------------------------------------------------------


def _glu(xp: _Writer, x: Value, axis: int) -> Value:
    axis = axis % x.ndim
    half = x.shape[axis] // 2
    return xp.multiply(xp.part(x, axis, 0, half), xp.sigmoid(xp.part(x, axis, half, 2 * half)))


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


def _matmul(xp: _Writer, x: Value, y: Value) -> Value | None:
    """Products of vectors are products of matrices with one row or column; with ones, sums."""
    if x.dtype != y.dtype or 1 not in (x.ndim, y.ndim):
        return None
    if x.ndim == 1 and xp.is_ones(x):
        return xp.reduced("sum", y, (max(y.ndim - 2, 0),), keepdims=False)
    if y.ndim == 1 and xp.is_ones(y):
        return xp.reduced("sum", x, (x.ndim - 1,), keepdims=False)
    if max(x.ndim, y.ndim) > 2:
        return None
    left = xp.reshaped(x, (1, *x.shape)) if x.ndim == 1 else x
    right = xp.reshaped(y, (*y.shape, 1)) if y.ndim == 1 else y
    out = xp.emit("matmul", (left, right), {}, (left.shape[0], right.shape[1]), x.dtype)
    return xp.reshaped(out, (*x.shape[:-1], *y.shape[1:]))


RECIPES: dict[str, Callable[..., Value | None]] = {
    "softmax": _softmax, "safe_softmax": _safe_softmax, "log_softmax": _log_softmax,
    "softmax_grad": _softmax_grad, "log_softmax_grad": _log_softmax_grad, "logsumexp": _logsumexp,
    "standardize": _standardize, "rstd": _rstd, "reject": _reject, "mean": _mean, "sum": _sum,
    "max": _max, "min": _min, "var": _var, "std": _std, "vector_norm": _vector_norm,
    "vecdot": _vecdot, "scale_shift": _scale_shift, "affine": _affine, "glu": _glu,
    "matmul": _matmul,
}  # fmt: skip

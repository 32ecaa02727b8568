"""How far from its numbers a function may be where its ops round otherwise.

The function runs several times under a tracer that changes, at random, the result of each op that
may round otherwise by as much as that op may be off; what goes into sums, too. How far the results
of these runs lie apart is how far other results may lie from them: nothing at all where no such op
leads; anything where a digit more decides, as in ``floor`` or ``argmax``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lesson.arrays import numpy as kernels
from tinygrad_lesson.mode import current, restore
from tinygrad_lesson.op import Op
from tinygrad_lesson.tracing.numbers import Number
from tinygrad_lesson.tracing.program import Equation
from tinygrad_lesson.tracing.trace import Trace
from tinygrad_lesson.tracing.variable import Variable

RUNS = 48
MARGIN = 4
"""So many runs, and so many times their distance is allowed: chance may leave the largest out."""

SIZES = (1, 8, 1 / 16)
"""Errors of so many times the size, in turn: larger ones, for what is added to large numbers may
change a last digit of theirs, or not; smaller ones, for some numbers are exceptions, such as 1."""

PRODUCTS = ("matmul", "affine")
"""Of BLAS, which may leave out what is multiplied by 0, be it NaN."""

GATED = ("lstm_states", "gru_states")
"""Their gates are near 0 as a difference of two halves eagerly, and not so in C."""

Arrays = Sequence["np.ndarray | None"]
Around = Callable[[Callable[[], list[Any]]], list[Any]]
"""Runs a function; its results."""


class Rounding(NamedTuple):
    """What is known of ops.

    Attributes
    ----------
    units
        For those that may round otherwise: by how many units in the last place. All others compute
        the same bits.
    sums
        Those among them that add up: what goes in may be off, too.
    cancelling
        Those among them that may be off by so many units of the largest number that goes in.
    """

    units: Mapping[str, float]
    sums: Set[str] = frozenset()
    cancelling: Set[str] = frozenset()

    def distances(
        self, run: Callable[[Around], list[Arrays]], exact: Sequence[Arrays]
    ) -> Iterator[list[list[np.ndarray | None]]]:
        """How far each of the `exact` arrays may be off that `run` gives, a list for each call.

        `run` lets its argument run each call. It is found out more and more, run after run.
        """
        found = [[None if x is None else np.zeros(x.shape) for x in arrays] for arrays in exact]
        for seed in range(RUNS):
            lost, factor = np.nan if seed % 2 else 0.0, SIZES[seed % len(SIZES)]
            errors = Errors(np.random.default_rng(seed), lost, factor)

            def around(function: Callable[[], list[Any]], errors: Errors = errors) -> list[Any]:
                return Shaking(self, errors).results(function)

            for distances, ours, theirs in zip(found, exact, run(around), strict=True):
                for distance, one, other in zip(distances, ours, theirs, strict=True):
                    if distance is not None and one is not None and other is not None:
                        np.maximum(distance, MARGIN * apart(one, other), out=distance)
                        if one.dtype.kind == "f" and distance.any():  # a last digit, by chance
                            last = np.abs(np.where(np.isfinite(one), one, 0)).astype(float)
                            last *= 2 * float(np.finfo(one.dtype).eps)
                            np.maximum(distance, last, out=distance)
            yield found


class Shaking(Trace):
    """A trace in which ops are off."""

    def __init__(self, rounding: Rounding, errors: Errors) -> None:
        super().__init__()
        self.rounding, self.errors = rounding, errors
        self._squares: dict[Any, tuple[Any, ...]] = {}

    def results(self, function: Callable[[], list[Any]]) -> list[Any]:
        """What the function returns; what it leaves behind is in its place."""
        mode = current()
        try:
            restore(mode.but(tracer=self))
            return self.finish(function(), keep_gradients=False)[1]
        finally:
            restore(mode)

    def run(self, op: Op[...], arrays: Sequence[Any], params: Mapping[str, Any]) -> Variable:
        """Run an op, and change the result."""
        taken = [self._taken(array) for array in arrays]
        params = {k: _number(v) for k, v in params.items()}
        inputs = tuple(x.value if type(x) is Variable else x for x in taken)
        units = self._units(op, inputs)
        numbers = [_number(x) for x in taken]
        if units is None:
            out = self._variable(op.forward(kernels, *numbers, **params))
        else:
            out = self._variable(self._shaken(op, numbers, params, units))
        self.equations.append(Equation(out.value, op, inputs, params))
        if op.name in ("multiply", "square"):
            self._squares[out.value] = inputs
        return out

    def _units(self, op: Op[...], inputs: tuple[Any, ...]) -> float | None:
        """By how much an op may be off; ``s - s * s`` is computed as ``s * (1 - s)``."""
        units = self.rounding.units
        if op.name == "subtract" and set(self._squares.get(inputs[1], ())) == {inputs[0]}:
            return units.get("sigmoid")
        return units.get(op.name)

    def _shaken(
        self, op: Op[...], inputs: list[Any], params: dict[str, Any], units: float
    ) -> np.ndarray:
        errors, adds = self.errors, op.name in self.rounding.sums
        given = inputs
        if adds:
            inputs = [errors.shaken(x, units) for x in inputs]
        out = np.asarray(op.forward(kernels, *inputs, **params))
        if adds and any(map(overflows, inputs)):
            out = errors.without(out)
        if op.name in ("conv_input_grad", *GATED) and not all(map(is_finite, inputs)):
            # In C infinite weights meet the zeros around the slopes.
            out = errors.without(out)
        if op.name in PRODUCTS and not all(map(is_finite, given)):
            x, y, *rest = given
            args = [np.zeros(np.shape(z)) for z in rest]
            met = [op.forward(kernels, a, b, *args, **params)
                   for a, b in ((~np.isfinite(x) * 1.0, (y == 0) * 1.0),
                                ((x == 0) * 1.0, ~np.isfinite(y) * 1.0))]  # fmt: skip
            out = np.where(met[0] + met[1] > 0, errors.lost, out).astype(out.dtype)
        size = np.abs(out)
        if op.name in GATED:
            size = np.maximum(size, 1)
        if (
            op.name == "standardize"
        ):  # where all numbers are equal, the difference is divided by this
            size = np.maximum(size, np.abs(inputs[0]) / math.sqrt(params["eps"] or 1))
        if op.name in self.rounding.cancelling and out.dtype.kind == "f":
            for x in inputs:
                finite = np.abs(np.where(np.isfinite(x), x, 0))
                same = finite.shape == out.shape
                size = np.maximum(size, finite if same else finite.max(initial=0))
        return np.asarray(errors.shaken(out, units, size))


def _number(x: Any) -> Any:
    if type(x) is Variable:
        return x.array
    return x.value if type(x) is Number else x


class Errors(NamedTuple):
    """The errors of one run; `lost` is what numbers become that overflow on the way to a sum."""

    rng: np.random.Generator
    lost: float
    factor: float

    def shaken(self, x: Any, units: float, size: Any = None) -> Any:
        """Floats that are off by some units in the last place of `size`.

        Zeros and NaN may have either sign.
        """
        if not isinstance(x, np.ndarray | np.generic) or x.dtype.kind != "f":
            return x
        x = np.asarray(x)
        size = np.abs(x) if size is None else size
        limits = np.finfo(x.dtype)
        # Of equal numbers, the errors are equal: now and then all are taken to be such. And what
        # may be off need not be.
        kind = self.rng.choice(["apart", "apart", "equal", "none"])
        units *= self.factor * (kind != "none")
        errors = self.rng.uniform(-units, units, x.shape if kind == "apart" else ())
        least = np.rint(errors) * float(limits.smallest_subnormal)
        moved = x + errors * float(limits.eps) * size + np.where(np.abs(x) < limits.tiny, least, 0)
        zero = np.where(self.rng.random(x.shape) < 0.5, 0.0, -0.0)
        others = np.where(np.isnan(x), np.copysign(np.nan, zero), x)
        return np.where(size == 0, zero, np.where(np.isfinite(x), moved, others)).astype(x.dtype)

    def without(self, x: Any) -> Any:
        """Numbers of which some, or all, are lost."""
        some = self.rng.random(x.shape) < self.rng.choice([0.5, 1.0])
        return np.where(some, self.lost, x).astype(x.dtype)


def is_finite(x: Any) -> bool:
    """Whether there is neither NaN nor infinity."""
    return bool(np.isfinite(x).all())


def overflows(x: Any) -> bool:
    """Whether squares of these numbers are infinite: how soon they appear in a sum, is open."""
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f":
        return False
    sizes = np.abs(x[np.isfinite(x)]).astype(float)
    return bool(sizes.max(initial=0) ** 2 > float(np.finfo(x.dtype).max) / 1e3)


def apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """How far numbers are apart: infinitely if only one is finite, or others than floats differ.

    A zero is not the other zero, but they are as close as can be. Any NaN is NaN.
    """
    if one.dtype.kind != "f":
        return np.where(one == other, 0.0, np.inf)
    a, b = one.astype(float), other.astype(float)
    finite = np.isfinite(a) & np.isfinite(b)
    distance = np.abs(np.where(finite, a, 0) - np.where(finite, b, 0))
    distance = np.where(finite & (np.signbit(a) != np.signbit(b)), distance + 5e-324, distance)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    out: np.ndarray = np.where(finite, distance, np.where(same, 0.0, np.inf))
    return out

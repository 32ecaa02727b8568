"""How far from its numbers a program may be where its ops round otherwise.

The program is evaluated equation by equation, several times, and the result of each op that may
round otherwise is changed at random by as much as that op may be off; what goes into sums, too. How
far the results of these runs lie apart is how far other results may lie from them: nothing at all
where no such op leads; anything where a digit more decides, as in ``floor`` or ``argmax``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple

import numpy as np

from tinygrad_lesson import Tensor
from tinygrad_lesson.arrays import numpy as kernels
from tinygrad_lesson.tracing.program import Argument, Constant, Equation, Held, Program, Value

RUNS = 12
MARGIN = 4
"""So many runs, and so many times their distance is allowed: chance may leave the largest out."""


class Rounding:
    """What is known of a traced program by running it with errors.

    Parameters
    ----------
    program
        As it was traced.
    units
        For ops that may round otherwise: by how many units in the last place. All others compute
        the same bits.
    sums
        Those among them that add up: what goes in may be off, too.
    cancelling
        Those among them that may be off by so many units of the largest number that goes in.
    """

    def __init__(
        self,
        program: Program,
        units: Mapping[str, float],
        sums: Set[str] = frozenset(),
        cancelling: Set[str] = frozenset(),
    ) -> None:
        self.program, self.units = program, units
        self.sums, self.cancelling = sums, cancelling
        self._made = {equation.out: equation for equation in program.equations}

    def distances(
        self, calls: Sequence[Sequence[np.ndarray]], state: Mapping[Tensor, np.ndarray]
    ) -> Iterator[list[list[np.ndarray]]]:
        """For each of some calls, one after the other, how far each output may be off.

        It is found out more and more, run after run.
        """
        exact = self.outcomes(calls, state, None)
        found = [[np.zeros(np.shape(x)) for x in outputs] for outputs in exact]
        for seed in range(RUNS):
            errors = Errors(np.random.default_rng(seed), np.nan if seed % 2 else 0.0)
            shaken = self.outcomes(calls, state, errors)
            for distances, ours, theirs in zip(found, exact, shaken, strict=True):
                for distance, one, other in zip(distances, ours, theirs, strict=True):
                    np.maximum(distance, MARGIN * apart(one, other), out=distance)
            yield found

    def outcomes(
        self,
        calls: Sequence[Sequence[np.ndarray]],
        state: Mapping[Tensor, np.ndarray],
        errors: Errors | None,
    ) -> list[list[np.ndarray]]:
        """The outputs of each call: results, then what is left behind in tensors."""
        held = dict(state)
        found = []
        for arrays in calls:
            values: dict[Value, Any] = {
                v: self._given(v, arrays, held) for v in self.program.inputs
            }
            for equation in self.program.equations:
                values[equation.out] = self._computed(equation, values, errors)
            outputs = [values[v] for v in self.program.results if type(v) is Value]
            for target, value in self.program.writes:
                assert type(target) is Held
                held[target.tensor] = values[value]
                outputs.append(values[value])
            found.append(outputs)
        return found

    def _given(
        self, value: Value, arrays: Sequence[np.ndarray], held: Mapping[Tensor, np.ndarray]
    ) -> np.ndarray:
        source = value.source
        if type(source) is Argument:
            return arrays[source.position]
        if type(source) is Held:
            return held[source.tensor]
        assert type(source) is Constant
        return source.array

    def _units(self, equation: Equation) -> float | None:
        """By how much an equation may be off; ``s - s * s`` is computed as ``s * (1 - s)``."""
        if equation.op.name == "subtract":
            product = self._made.get(equation.inputs[1])
            if product is not None and set(product.inputs) == {equation.inputs[0]}:
                return self.units.get("sigmoid")
        return self.units.get(equation.op.name)

    def _computed(
        self, equation: Equation, values: Mapping[Value, Any], errors: Errors | None
    ) -> np.ndarray:
        inputs = [values[x] if type(x) is Value else x for x in equation.inputs]
        units = self._units(equation)
        if errors is None or units is None:
            return np.asarray(equation.op.forward(kernels, *inputs, **equation.params))
        if equation.op.name in self.sums:
            inputs = [errors.shaken(x, units) for x in inputs]
        out = np.asarray(equation.op.forward(kernels, *inputs, **equation.params))
        if equation.op.name in self.sums and any(map(overflows, inputs)):
            out = np.full_like(out, errors.lost)
        if equation.op.name == "conv_input_grad" and not all(map(is_finite, inputs)):
            # In C infinite weights meet the zeros around the slopes.
            out = np.full_like(out, errors.lost)
        size = np.abs(out)
        if equation.op.name in self.cancelling and out.dtype.kind == "f":
            for x in inputs:
                size = np.maximum(size, np.abs(np.where(np.isfinite(x), x, 0)))
        return errors.shaken(out, units, size)


class Errors(NamedTuple):
    """The errors of one run; `lost` is what numbers become that overflow on the way to a sum."""

    rng: np.random.Generator
    lost: float

    def shaken(self, x: Any, units: float, size: Any = None) -> Any:
        """Floats that are off by some units in the last place of `size`.

        Zeros and NaN may have either sign.
        """
        if not isinstance(x, np.ndarray | np.generic) or x.dtype.kind != "f":
            return x
        x = np.asarray(x)
        size = np.abs(x) if size is None else size
        limits = np.finfo(x.dtype)
        errors = self.rng.uniform(-units, units, x.shape)
        least = np.rint(errors) * float(limits.smallest_subnormal)
        moved = x + errors * float(limits.eps) * size + np.where(np.abs(x) < limits.tiny, least, 0)
        zero = np.where(self.rng.random(x.shape) < 0.5, 0.0, -0.0)
        others = np.where(np.isnan(x), np.copysign(np.nan, zero), x)
        return np.where(size == 0, zero, np.where(np.isfinite(x), moved, others)).astype(x.dtype)


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

"""Guesses: what kind of mistake turns the right gradient of a node into the one that it gave."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from ..arrays import Array
from .search import scales
from .subjects import Function

LARGEST = 1 << 18
"""Jacobians of more numbers than this are not computed for a guess."""

Shape = tuple[int, ...]


def ratio_guess(analytic: float, numeric: float) -> str:
    """What one wrong number alone suggests."""
    if math.isnan(analytic):
        return "it is NaN where the derivative exists: a masked branch, or 0 * inf"
    if analytic == 0:
        return "it is zero: a term is missing"
    if abs(analytic + numeric) <= 1e-6 * abs(numeric):
        return "the sign is wrong"
    return f"it is {_number(analytic / numeric)} times what it should be" if numeric else ""


def guess(subject: Function, number: int, step: float = 2.0**-17) -> str:
    """What is wrong with a node's rule for its variable `number`.

    The whole Jacobian is taken by differences, so that for a cotangent each number of the right
    gradient is known as a sum of terms, one for each output element; then mistakes are tried on
    for size.
    """
    points = list(subject.points)
    point = points[number]
    outputs, _ = subject.record()
    size = sum(output.size for output in outputs)
    if len(outputs) != 1 or size * point.size > LARGEST:
        return ""
    jacobian = np.empty((point.size, size))
    for i, h in enumerate(step * scales(point)):
        sides = []
        for t in (h, -h):
            points[number] = point.copy()
            points[number].flat[i] += t
            sides.append(subject.value(points))
        jacobian[i] = (sides[0] - sides[1]) / (2 * h)
    cotangent = np.random.default_rng(0).uniform(0.5, 1.5, size)
    given = subject.pull([cotangent])[0][number]
    terms = jacobian * cotangent
    if not (np.isfinite(terms).all() and np.isfinite(given).all()):
        return ""
    return _of_all(given, terms, outputs[0].shape)


def _of_all(given: Array, terms: Array, out: Shape) -> str:
    """Try mistakes on for size. `terms` has a row for each input element."""
    right = terms.sum(axis=1).reshape(given.shape)
    wrong = ~_same(given, right, np.abs(right))
    factor = _factor(given, right)
    if not given.any():
        return "it is zero: no gradient gets through"
    if factor == -1:
        return "the sign is wrong"
    if factor is not None and given.size > 1:  # one number says little: look at its terms first
        return _of_factor(factor, given.shape, out)
    for axes in itertools.permutations(range(given.ndim)):
        swapped = right.transpose(axes)
        if (
            swapped.shape == given.shape
            and _alike(given, swapped)
            and axes != tuple(range(given.ndim))
        ):
            return "it is transposed"
    stretched = _stretched(given.shape, out)
    for count in range(len(stretched), 0, -1):
        for axes in itertools.combinations(stretched, count):
            if _one_slice(given, terms, out, axes):
                return f"the sum over the broadcast axis {_listed(axes)} is missing"
    if given.shape == out:
        diagonal = np.diagonal(terms).reshape(given.shape)
        if _alike(given, diagonal) or _alike(given, right - diagonal):
            return "one term is missing"
    lost = right.reshape(-1) - given.reshape(-1)
    whole = np.abs(terms).max(initial=0.0)
    for j in range(terms.shape[1]):
        if np.abs(lost - terms[:, j]).max() <= 1e-5 * whole:
            return f"one term is missing: that of output element {_index(j, out)}"
    if given.size > 1 and _alike(np.sort(given, axis=None), np.sort(right, axis=None)):
        return "it has the right numbers in another order"
    if factor is not None:
        return _of_factor(factor, given.shape, out)
    if wrong.sum() == 1 and given.size > 1:
        place = int(np.argmax(wrong))
        amount = given.flat[place] / right.flat[place] if right.flat[place] else math.inf
        return f"only this element is wrong: {_number(amount)} times what it should be"
    return f"a term is missing or wrong ({int(wrong.sum())} of {wrong.size} elements)"


def _of_factor(factor: float, shape: Shape, out: Shape) -> str:
    said = f"a constant factor: {_number(factor)} times what it should be"
    for name, shape_ in (("input", shape), ("output", out)):
        for axis, n in enumerate(shape_):
            if n > 2 and (abs(factor - n) < 1e-6 * n or abs(factor * n - 1) < 1e-6):
                return f"{said}; axis {axis} of the {name} has length {n}"
    return said


def _one_slice(given: Array, terms: Array, out: Shape, axes: tuple[int, ...]) -> bool:
    """Whether `given` is what one slice along `axes` of the output alone would give."""
    picked = np.zeros(out, bool)
    for end in (0, -1):
        picked[...] = False
        picked[tuple(end if a in axes else slice(None) for a in range(len(out)))] = True
        if _alike(given, (terms @ picked.reshape(-1)).reshape(given.shape)):
            return True
    return False


def _stretched(shape: Shape, out: Shape) -> list[int]:
    """The axes of the output along which broadcasting repeated an input of this shape."""
    lead = len(out) - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, out[lead:], strict=True)):
        return []
    new = [a for a in range(lead) if out[a] > 1]
    return new + [lead + a for a, n in enumerate(shape) if n == 1 != out[lead + a]]


def _factor(given: Array, right: Array) -> float | None:
    """The constant that turns `right` into `given`, if there is one."""
    norm = float(np.sum(right * right))
    if norm == 0:
        return None
    factor = float(np.sum(given * right)) / norm
    rounded = round(factor)
    factor = float(rounded) if abs(factor - rounded) < 1e-6 else factor
    return factor if factor and _alike(given, factor * right) else None


def _alike(a: Array, b: Array) -> bool:
    return bool(np.all(_same(a, b, np.maximum(np.abs(a), np.abs(b)).max(initial=0.0))))


def _same(a: Array, b: Array, size: Array) -> Array:
    return np.asarray(np.abs(a - b) <= 1e-6 * size + 1e-9)


def _index(place: int, shape: Shape) -> str:
    return str([int(i) for i in np.unravel_index(place, shape)])


def _listed(axes: Sequence[int]) -> str:
    return " and ".join(str(a) for a in axes)


def _number(x: float) -> str:
    return f"{x:.4g}"

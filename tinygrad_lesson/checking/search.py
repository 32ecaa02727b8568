"""The search for a wrong derivative: every element, or random directions and then bisection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from .differences import EPSILON, STEPS, Slope, slope
from .subjects import Subject
from .verdicts import Tolerance, Verdict, judge

JACOBIAN = 4096
"""A whole Jacobian of up to so many numbers is compared; of a larger one, projections."""

PROJECTIONS = 3
"""Random directions in fast mode, and random cotangents where the Jacobian is too large."""

SHARPER = 1e-3
"""A projection must agree so much better than an element, because one element hides among many."""

BISECTIONS = {Verdict.FAIL: 200, Verdict.KINK: 100}
"""How many directions are bisected at most in the search for the elements to blame."""

Tick = Callable[[], None]


@dataclass(slots=True)
class Finding:
    """What was found of one variable.

    Attributes
    ----------
    verdict
        The worst of its elements'.
    index
        The element where it is worst; None where all that was looked at is a projection.
    analytic, numeric, error
        The derivative there (or along the projection), both ways, and the numeric one's error.
    kinks
        How many elements are at a kink.
    detects
        In fast mode, the relative error that is found for certain in any single element whose
        gradient is of average size (the root mean square); in full mode None.
    """

    verdict: Verdict
    index: tuple[int, ...] | None
    analytic: float
    numeric: float
    error: float
    kinks: int = 0
    detects: float | None = None


class _Look(NamedTuple):
    """One direction, looked at through every cotangent: its worst component."""

    verdict: Verdict
    analytic: float
    numeric: float
    error: float
    badness: float  # how many times more than allowed the two are apart
    close: bool  # whether they would agree by the tolerance of an element


class Search:
    """The search in one subject.

    Parameters
    ----------
    subject
        What to check.
    rng
        Where directions and cotangents come from.
    rtol, atol
        Relative tolerance of an element; and absolute, in units of the largest.
    tick
        Called after each direction, for a progress bar.
    """

    def __init__(
        self,
        subject: Subject,
        rng: np.random.Generator,
        rtol: float,
        atol: float,
        tick: Tick = lambda: None,
    ) -> None:
        self.subject, self.rng, self.rtol, self.atol, self.tick = subject, rng, rtol, atol, tick
        self.center = subject.value(subject.points)
        size = self.center.size
        inputs = sum(p.size for p in subject.points)
        self.whole = size * inputs <= JACOBIAN and size <= 64
        self.cotangents = np.eye(size)
        self.gradients = subject.pull(list(self.cotangents)) if self.whole else []
        if not all(np.isfinite(g).all() for pulled in self.gradients for g in pulled):
            self.whole = False  # perhaps only because of 0 * inf, with the zeros that we put there
        if not self.whole:
            self.cotangents = np.stack([signs(rng, size) for _ in range(PROJECTIONS)])
            self.gradients = subject.pull(list(self.cotangents))
        self.seen = self._through(self.center, self.cotangents)
        self.magnitude = self._through(np.abs(self.center), np.abs(self.cotangents))
        self.number = 0

    def _through(self, outputs: Array, cotangents: Array) -> Array:
        """What the cotangents see of some outputs."""
        if self.whole:
            return outputs
        if not np.isfinite(outputs).all():
            return np.full(len(cotangents), np.nan)
        return np.asarray(cotangents @ outputs)

    def variable(self, number: int, mode: str) -> Finding:
        """Check the gradient with respect to variable `number`."""
        self.number = number
        point = self.subject.points[number]
        self.scale = scales(point)
        count = len(self.cotangents)
        self.analytic = np.empty((count, point.size))
        for k, gradients in enumerate(self.gradients):
            self.analytic[k] = gradients[number].reshape(-1)
        # In units of the scale, all elements weigh alike.
        self.unit = self.analytic * self.scale
        self.largest = np.max(np.abs(self.unit), axis=1, initial=0.0)
        if not point.size or not self.center.size:
            return Finding(Verdict.PASS, None, 0.0, 0.0, 0.0)
        if mode == "full" or point.size <= PROJECTIONS:
            return self._every_element(point)
        return self._projections(point)

    def _every_element(self, point: Array) -> Finding:
        worst: tuple[_Look, int] | None = None
        kinks = 0
        for i in range(point.size):
            look = self._element(i)
            kinks += look.verdict is Verdict.KINK
            key = (look.verdict, look.badness)
            if worst is None or key > (worst[0].verdict, worst[0].badness):
                worst = look, i
            self.tick()
        assert worst is not None
        return self._finding(worst[0], worst[1], kinks)

    def _projections(self, point: Array) -> Finding:
        detects = 0.0
        last: _Look | None = None
        for _ in range(PROJECTIONS):
            v = signs(self.rng, point.size)
            look, shows = self._along(v)
            self.tick()
            if look.verdict is not Verdict.PASS:
                return self._bisect(v, look)
            detects = max(detects, shows)
            last = look
        assert last is not None
        finding = self._finding(last, None, 0)
        finding.detects = detects
        return finding

    def _bisect(self, v: Array, whole: _Look) -> Finding:
        """Find the element that makes direction `v` fail, if one does.

        Halves are tried in the order of how bad they are. Several kinks along one direction may
        add up to what no subgradient fits, so they too are taken apart down to elements.
        """
        parts = [(whole, np.arange(v.size))]
        worst: tuple[_Look, int | None] = (whole._replace(verdict=Verdict.PASS), None)
        kinks = 0
        for _ in range(BISECTIONS.get(whole.verdict, 20)):
            if not parts:
                return self._finding(*worst, kinks)
            parts.sort(key=lambda part: (part[0].verdict, part[0].badness))
            _, places = parts.pop()
            for half in np.array_split(places, 2) if places.size > 1 else [places]:
                if half.size == 1:
                    look = self._element(int(half[0]))
                    kinks += look.verdict is Verdict.KINK
                    if look.verdict > worst[0].verdict:
                        worst = look, int(half[0])
                    if look.verdict is Verdict.FAIL:
                        return self._finding(look, int(half[0]), kinks)
                else:
                    part = np.zeros(v.size)
                    part[half] = v[half]
                    look, _ = self._along(part)
                    if look.verdict is not Verdict.PASS:
                        parts.append((look, half))
        # No element is to blame. What is apart by less than an element may be, passes.
        rest = [look for look, _ in parts if not (look.verdict is Verdict.FAIL and look.close)]
        bad = max(rest, key=lambda look: look.verdict, default=worst[0])
        return self._finding(*((bad, None) if bad.verdict > worst[0].verdict else worst), kinks)

    def _element(self, i: int) -> _Look:
        unit = np.zeros(self.scale.size)
        unit[i] = 1.0
        analytic = self.unit[:, i]

        def tolerance(numeric: Array) -> Tolerance:
            allowed = self.rtol * np.maximum(np.abs(analytic), np.abs(numeric)) + self._floor()
            return Tolerance(allowed, allowed)

        look, _ = self._look(unit, analytic, tolerance)
        scale = float(self.scale[i])
        return look._replace(
            analytic=look.analytic / scale,
            numeric=look.numeric / scale,
            error=look.error / scale,
        )

    def _along(self, v: Array) -> tuple[_Look, float]:
        """Look along `v`, and say what relative error of one average element would show."""
        parts = self.unit * v
        analytic = parts.sum(axis=1)
        size = np.sqrt(np.sum(parts * parts, axis=1))

        def tolerance(numeric: Array) -> Tolerance:
            broad = np.maximum(size, np.abs(numeric)) * self.rtol + self._floor()
            return Tolerance(broad * SHARPER + self._floor(), broad)

        look, numeric = self._look(v, analytic, tolerance)
        allowed = tolerance(numeric.value).sharp + 3 * numeric.error
        average = size / np.sqrt(max(np.count_nonzero(v), 1))
        # The smallest weight is half; and twice what is allowed shows for certain.
        shows = np.where(average > 0, 4 * allowed / np.where(average > 0, average, 1), 0.0)
        return look, float(np.max(shows, initial=0.0))

    def _floor(self) -> Array:
        return self.atol * np.maximum(self.largest, self.magnitude)

    def _look(
        self, direction: Array, analytic: Array, tolerance: Callable[[Array], Tolerance]
    ) -> tuple[_Look, Slope]:
        points = list(self.subject.points)
        point = points[self.number]
        step = (direction * self.scale).reshape(point.shape)

        def function(t: float) -> Array:
            points[self.number] = point + t * step
            return self._through(self.subject.value(points), self.cotangents)

        def good(value: Array, error: Array) -> Array:
            return error <= np.maximum(tolerance(value).sharp, EPSILON * self.magnitude / STEPS[0])

        numeric = slope(function, self.magnitude, good, self.seen)
        allowed = tolerance(numeric.value)
        verdicts = judge(analytic, numeric, allowed)
        apart = np.abs(analytic - numeric.value) / (allowed.sharp + 3 * numeric.error + 1e-300)
        apart = np.where(np.isnan(apart), np.inf, apart)
        k = int(np.lexsort((apart, verdicts))[-1])
        look = _Look(
            Verdict(int(verdicts[k])),
            float(analytic[k]),
            float(numeric.value[k]),
            float(numeric.error[k]),
            float(apart[k]),
            bool(np.abs(analytic[k] - numeric.value[k]) <= allowed.blunt[k]),
        )
        return look, numeric

    def _finding(self, look: _Look, place: int | None, kinks: int) -> Finding:
        shape = self.subject.points[self.number].shape
        index = None if place is None else tuple(int(i) for i in np.unravel_index(place, shape))
        return Finding(look.verdict, index, look.analytic, look.numeric, look.error, kinks)


def signs(rng: np.random.Generator, size: int) -> Array:
    """Random weights that are never small and never cancel: sizes 0.5 to 1.5, either sign."""
    weights: Array = rng.uniform(0.5, 1.5, size) * rng.choice((-1.0, 1.0), size)
    return weights


def scales(point: Array) -> Array:
    """For each element the size of its step, a power of two near its own size.

    An element smaller than is usual for its array gets the usual size, but at most 1; in an
    array of zeros that is 1.
    """
    sizes = np.abs(point.reshape(-1))
    usual = float(np.sqrt(np.mean(sizes * sizes))) if sizes.size else 0.0
    usual = min(usual, 1.0) if usual > 0 and np.isfinite(usual) else 1.0
    sizes = np.where(np.isfinite(sizes), np.maximum(sizes, usual), 1.0)
    return np.asarray(np.exp2(np.floor(np.log2(sizes))))

"""The search for a wrong derivative: every element, or random directions and then bisection."""

from __future__ import annotations

import math
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

BISECTIONS = 200
"""How many directions are split at most in the search for the element to blame, ..."""

SPLIT_KINKS = 2000
"""... and how many because of kinks, each of which must be seen by itself."""

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
    slopes
        At a kink, the slopes to the left and right there; else None.
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
    slopes: tuple[float, float] | None = None
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
    slopes: tuple[float, float] | None

    @property
    def rank(self) -> tuple[int, float, float]:
        """How bad it is; of those that are fine, the largest tells most."""
        return self.verdict, self.badness, abs(self.analytic)


class Search:
    """The search in one subject.

    Parameters
    ----------
    subject
        What to check.
    mode
        "full": every element; "fast": random directions.
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
        mode: str,
        rng: np.random.Generator,
        rtol: float,
        atol: float,
        tick: Tick = lambda: None,
    ) -> None:
        self.subject, self.mode, self.rng, self.tick = subject, mode, rng, tick
        self.rtol, self.atol = rtol, atol
        self.center = subject.value(subject.points)
        size = self.center.size
        inputs = sum(p.size for p in subject.points)
        self.whole = mode == "full" and size * inputs <= JACOBIAN and size <= 64
        self.cotangents = np.eye(size) if self.whole else np.zeros((0, size))
        self.gradients = subject.pull(list(self.cotangents)) if self.whole else []
        if not all(np.isfinite(g).all() for pulled in self.gradients for g in pulled):
            self.whole = False  # perhaps only because of 0 * inf, with the zeros that we put there
        if not self.whole:
            self.cotangents = np.stack([signs(rng, size) for _ in range(PROJECTIONS)])
            self.gradients = subject.pull(list(self.cotangents))
        self.seen = self._through(self.center, self.cotangents)
        # Rounding errors are as good as random, so that they add up like the sides of a box.
        self.magnitude = np.sqrt(self._through(self.center**2, self.cotangents**2))
        self.number = 0

    def _through(self, outputs: Array, cotangents: Array) -> Array:
        """What the cotangents see of some outputs."""
        if self.whole:
            return outputs
        if not np.isfinite(outputs).all():
            return np.full(len(cotangents), np.nan)
        return np.asarray(cotangents @ outputs)

    def variable(self, number: int) -> Finding:
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
        finite = np.where(np.isfinite(self.unit), np.abs(self.unit), 0.0)
        self.largest = np.max(finite, axis=1, initial=0.0)
        if not point.size or not self.center.size:
            return Finding(Verdict.PASS, None, 0.0, 0.0, 0.0)
        if self.mode == "full" or point.size <= PROJECTIONS:
            return self._every_element(point)
        return self._projections(point)

    def _every_element(self, point: Array) -> Finding:
        worst: tuple[_Look, int] | None = None
        kinks = 0
        for i in range(point.size):
            look = self._element(i)
            kinks += look.verdict is Verdict.KINK
            if worst is None or look.rank > worst[0].rank:
                worst = look, i
        assert worst is not None
        return self._finding(worst[0], worst[1], kinks)

    def _projections(self, point: Array) -> Finding:
        detects = 0.0
        last: _Look | None = None
        for _ in range(PROJECTIONS):
            v = signs(self.rng, point.size)
            look, shows = self._along(v)
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

        Halves are tried in the order of how bad they are. Kinks, too, are taken apart down to
        elements: what several add up to along one direction, no subgradient need fit.
        """
        parts = [(whole, np.arange(v.size))]
        worst: tuple[_Look, int | None] = (whole._replace(verdict=Verdict.PASS), None)
        kinks = 0
        enough = 0.0 if whole.slopes else abs(whole.analytic - whole.numeric) / 20
        for _ in range(SPLIT_KINKS if whole.slopes else BISECTIONS):
            if not parts:
                return self._finding(*worst, kinks)
            parts.sort(key=lambda part: part[0].rank)
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
                    look, _ = self._along(part, enough)
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
            slopes=look.slopes and (look.slopes[0] / scale, look.slopes[1] / scale),
        )

    def _along(self, v: Array, enough: float = 0.0) -> tuple[_Look, float]:
        """Look along `v`, and say what relative error of one average element would show.

        An error of `enough` will do.
        """
        parts = np.where(v != 0, self.unit * v, 0.0)  # 0 * inf would be NaN
        analytic = parts.sum(axis=1)
        size: Array = np.sqrt(np.sum(parts * parts, axis=1))

        def tolerance(numeric: Array) -> Tolerance:
            broad = np.maximum(size, np.abs(numeric)) * self.rtol + self._floor()
            return Tolerance(broad * SHARPER + self._floor(), broad)

        look, numeric = self._look(v, analytic, tolerance, enough)
        if look.slopes:  # kinks add up to what no subgradient fits
            look = look._replace(verdict=Verdict.INCONCLUSIVE)
        allowed = tolerance(numeric.value).sharp + 3 * numeric.error
        average = size / math.sqrt(np.count_nonzero(v) or 1)
        # The smallest weight is half; and twice what is allowed shows for certain.
        shows = np.where(average > 0, 4 * allowed / np.where(average > 0, average, 1), 0.0)
        return look, float(np.max(shows, initial=0.0))

    def _floor(self) -> Array:
        return self.atol * np.maximum(self.largest, self.magnitude)

    def _look(
        self,
        direction: Array,
        analytic: Array,
        tolerance: Callable[[Array], Tolerance],
        enough: float = 0.0,
    ) -> tuple[_Look, Slope]:
        points = list(self.subject.points)
        point = points[self.number]
        step = (direction * self.scale).reshape(point.shape)

        def function(t: float) -> Array:
            points[self.number] = point + t * step
            return self._through(self.subject.value(points), self.cotangents)

        least = np.maximum(EPSILON * self.magnitude / STEPS[0], enough)

        def good(value: Array, error: Array) -> Array:
            sharp = tolerance(value).sharp
            proven = np.abs(analytic - value) > 10 * (sharp + 3 * error)
            return np.asarray((error <= np.maximum(sharp, least)) | proven)

        numeric = slope(function, self.magnitude, good, self.seen)
        self.tick()
        allowed = tolerance(numeric.value)
        verdicts = judge(analytic, numeric, allowed)
        apart = np.abs(analytic - numeric.value) / (allowed.sharp + 3 * numeric.error + 1e-300)
        apart = np.where(np.isnan(apart), np.inf, apart)
        apart = np.where(apart < 0.1, 0.0, apart)  # mere rounding
        k = int(np.lexsort((np.abs(analytic), apart, verdicts))[-1])
        look = _Look(
            Verdict(int(verdicts[k])),
            float(analytic[k]),
            float(numeric.value[k]),
            float(numeric.error[k]),
            float(apart[k]),
            bool(np.abs(analytic[k] - numeric.value[k]) <= allowed.blunt[k]),
            (float(numeric.left[k]) + 0.0, float(numeric.right[k]) + 0.0)
            if numeric.kink[k]
            else None,
        )
        return look, numeric

    def _finding(self, look: _Look, place: int | None, kinks: int) -> Finding:
        shape = self.subject.points[self.number].shape
        index = None if place is None else tuple(int(i) for i in np.unravel_index(place, shape))
        return Finding(
            look.verdict, index, look.analytic, look.numeric, look.error, look.slopes, kinks
        )


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

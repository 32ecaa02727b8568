"""Slopes by finite differences, each with an estimate of its own error.

From a function's values at five equally spaced points, ``-h, -h/2, 0, h/2, h``, come

* the central differences D(h) and D(h/2), and from them Richardson's extrapolation
  ``D(h/2) + (D(h/2) - D(h)) / 3``, which is Fornberg's five-point formula;
* an estimate of the truncation error, from the difference of the two;
* an estimate of the rounding error, from the fourth difference: of a smooth function it is tiny
  (h to the power 4), so that what is seen there is noise;
* the slopes to the left and to the right, which tell a kink from a wrong derivative.

Steps of several sizes are tried, and each number keeps the slope with the least error.

Sources: Richardson, "The deferred approach to the limit" (1927); Ridders, "Accurate computation
of F'(x) and F'(x) F''(x)" (1982); Fornberg, "Generation of finite difference formulas on
arbitrarily spaced grids" (1988); Hamming, "Introduction to Applied Numerical Analysis" (1971),
and More and Wild, "Estimating computational noise" (2011), for the fourth difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Array

STEPS = (2.0**-15, 2.0**-19, 2.0**-11, 2.0**-23, 2.0**-7)
"""Powers of two, so that ``x + h`` is exact or nearly so. The first is about where truncation and
rounding error meet; smaller ones get away from a kink nearby, larger ones drown noise."""

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(slots=True)
class Slope:
    """The derivative of a vector-valued function of one number, at 0.

    Attributes
    ----------
    value, error
        The derivative of each component, and how far off it may be (inf: there is none).
    left, right
        The slopes to either side, where they disagree at every step size.
    kink
        Where they do.
    edge
        Where the function exists on one side only.
    """

    value: Array
    error: Array
    left: Array
    right: Array
    kink: Array
    edge: Array


def slope(
    function: Callable[[float], Array],
    magnitude: Array,
    good: Callable[[Array, Array], Array],
    center: Array | None = None,
) -> Slope:
    """Differentiate `function` at 0.

    Parameters
    ----------
    function
        From a number to a vector.
    magnitude
        For each component, the size of the numbers that go into it: what its rounding is
        relative to.
    good
        From values and errors to whether each is good enough; if all are, no more steps are
        tried.
    center
        ``function(0)``, if it is known.

    Examples
    --------
    >>> import numpy as np
    >>> exp = slope(lambda t: np.exp(np.array([t])), np.ones(1), lambda value, error: error < 1e-8)
    >>> bool(abs(exp.value[0] - 1) < exp.error[0] < 1e-8)
    True
    >>> relu = slope(lambda t: np.array([max(t, 0)]), np.ones(1), lambda value, error: error < 1)
    >>> bool(relu.kink[0]), float(relu.left[0]), float(relu.right[0])
    (True, 0.0, 1.0)
    """
    center = function(0.0) if center is None else center
    first = _Sample(function, center, STEPS[0])
    value, error = first.central(magnitude)
    settled = good(value, error)
    none = np.zeros(center.shape, bool)
    if settled.all():
        return Slope(value, error, value, value, none, none)
    left, right, kinks = first.sides(magnitude)  # a kink is one only if every small step sees it
    gap = right - left
    edge = first.edge()
    for h in STEPS[1:]:
        sample = _Sample(function, center, h)
        trial, trial_error = sample.central(magnitude)
        small = h < STEPS[0]
        if small:
            left, right, seen = sample.sides(magnitude)
            kinks &= seen & (np.abs(right - left - gap) <= 0.1 * np.abs(gap))
        better = trial_error < error
        edge = np.where(better, False, edge & sample.edge())
        value = np.where(better, trial, value)
        error = np.where(better, trial_error, error)
        settled = good(value, error)
        if (settled | (kinks & small)).all():
            break
    if edge.any():
        value = np.where(edge, _one_sided(function, center), value)
    return Slope(value, error, left, right, kinks & ~settled, edge)


class _Sample:
    """The values at ``-h, -h/2, 0, h/2, h``, and what can be told from them."""

    def __init__(self, function: Callable[[float], Array], center: Array, h: float) -> None:
        self.h, self.center = h, center
        self.far, self.near = function(h), function(h / 2)
        self.back, self.behind = function(-h / 2), function(-h)

    def central(self, magnitude: Array) -> tuple[Array, Array]:
        """The extrapolated central difference, and its error; NaN and inf where there is none."""
        coarse = (self.far - self.behind) / (2 * self.h)
        fine = (self.near - self.back) / self.h
        change = (fine - coarse) / 3
        fourth = self.far + self.behind - 4 * (self.near + self.back) + 6 * self.center
        error = np.abs(change) + (np.abs(fourth) + 4 * EPSILON * magnitude) / self.h
        finite = np.isfinite(error)
        if finite.all():
            return fine + change, error
        return np.where(finite, fine + change, np.nan), np.where(finite, error, np.inf)

    def sides(self, magnitude: Array) -> tuple[Array, Array, Array]:
        """The slopes to the left and right, extrapolated, and whether they make a kink.

        The gap between the chords to either side halves with the step where the function is
        smooth, and stays where it has a kink.
        """
        left = (3 * self.center - 4 * self.back + self.behind) / self.h
        right = (4 * self.near - self.far - 3 * self.center) / self.h
        wide = (self.far - 2 * self.center + self.behind) / self.h
        narrow = (self.near - 2 * self.center + self.back) / (self.h / 2)
        noise = 64 * EPSILON * magnitude / self.h
        kink = (np.abs(narrow) > np.maximum(0.75 * np.abs(wide), noise)) & (narrow * wide > 0)
        return left, right, kink & np.isfinite(wide)

    def edge(self) -> Array:
        """Where only one side exists."""
        ahead, behind = self.far - self.center, self.behind - self.center
        return np.asarray(np.isfinite(ahead) ^ np.isfinite(behind))


def _one_sided(function: Callable[[float], Array], center: Array) -> Array:
    """At the edge of a domain, the slope on the side that exists; infinite if it diverges."""
    value = np.full(center.shape, np.nan)
    for sign in (1, -1):
        steps = (STEPS[0], STEPS[0] / 2, STEPS[0] / 4)
        chords = [sign * (function(sign * h) - center) / h for h in steps]
        growing = np.abs(chords[2]) > 1.2 * np.abs(chords[1])
        growing &= np.abs(chords[1]) > 1.2 * np.abs(chords[0])
        here = 2 * chords[2] - chords[1]
        here = np.where(growing, np.copysign(np.inf, chords[2]), here)
        value = np.where(np.isnan(here), value, here)
    return value

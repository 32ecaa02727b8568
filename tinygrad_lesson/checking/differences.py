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
    best = _at_step(function, center, magnitude, STEPS[0])
    settled = good(best.value, best.error)
    if settled.all():
        return _without_kinks(best)
    kinks = best.kink.copy()  # a kink is one only if it is seen at every step size
    for h in STEPS[1:]:
        trial = _at_step(function, center, magnitude, h)
        if h < STEPS[0]:
            kinks &= trial.kink & _close(trial.right - trial.left, best.right - best.left)
        better = trial.error < best.error
        for field in ("value", "error", "left", "right", "edge"):
            setattr(best, field, np.where(better, getattr(trial, field), getattr(best, field)))
        settled = good(best.value, best.error)
        if (settled | (kinks if h < STEPS[0] else False)).all():
            break
    best.kink = kinks & ~settled
    return _one_sided(function, center, best)


def _at_step(
    function: Callable[[float], Array], center: Array, magnitude: Array, h: float
) -> Slope:
    far, near, back, behind = function(h), function(h / 2), function(-h / 2), function(-h)
    coarse = (far - behind) / (2 * h)
    fine = (near - back) / h
    truncation = np.abs(fine - coarse) / 3
    fourth = far - 4 * near + 6 * center - 4 * back + behind
    rounding = (np.abs(fourth) + 4 * EPSILON * magnitude) / h
    error = truncation + rounding
    # Each side's slope, extrapolated from its two chords.
    right = (4 * near - far - 3 * center) / h
    left = -(4 * back - behind - 3 * center) / h
    gap_far = (far - 2 * center + behind) / h
    gap_near = (near - 2 * center + back) / (h / 2)
    # The gap between the chords halves with the step where the function is smooth, and stays
    # where it has a kink.
    kink = (np.abs(gap_near) > 0.75 * np.abs(gap_far)) & (gap_near * gap_far > 0)
    kink &= np.abs(gap_near) > 64 * EPSILON * magnitude / h
    finite = np.isfinite(error)
    edge = ~finite & (np.isfinite(far - center) ^ np.isfinite(behind - center))
    return Slope(
        np.where(finite, fine + (fine - coarse) / 3, np.nan),
        np.where(finite, error, np.inf),
        left,
        right,
        kink & finite,
        edge,
    )


def _close(a: Array, b: Array) -> Array:
    return np.abs(a - b) <= 0.1 * np.maximum(np.abs(a), np.abs(b))


def _without_kinks(best: Slope) -> Slope:
    best.kink = np.zeros_like(best.kink)
    return best


def _one_sided(function: Callable[[float], Array], center: Array, best: Slope) -> Slope:
    """At the edge of a domain, give the slope of the side that exists; inf if it diverges."""
    if not best.edge.any():
        return best
    h = STEPS[0]
    for sign in (1, -1):
        chords = [sign * (function(sign * step) - center) / step for step in (h, h / 2, h / 4)]
        growing = np.abs(chords[2]) > 1.2 * np.abs(chords[1])
        growing &= np.abs(chords[1]) > 1.2 * np.abs(chords[0])
        here = 2 * chords[2] - chords[1]
        here = np.where(growing, np.copysign(np.inf, chords[2]), here)
        best.value = np.where(best.edge & ~np.isnan(here), here, best.value)
    return best

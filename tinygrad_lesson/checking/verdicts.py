"""Verdicts: what to say of an analytic derivative and a numeric one that knows its error."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from .differences import Slope


class Verdict(IntEnum):
    """From good to bad, so that the verdict on a tensor is the largest of its elements'."""

    PASS = 0
    KINK = 1  # the slopes to the left and right differ, and the derivative lies between them
    OUTSIDE = 2  # the function has no derivative there: outside its domain, or at its edge
    INCONCLUSIVE = 3  # the differences are too noisy to tell
    FAIL = 4

    def __str__(self) -> str:
        return "FAIL" if self is Verdict.FAIL else self.name.lower()


class Tolerance(NamedTuple):
    """How far apart two derivatives may be.

    Attributes
    ----------
    sharp
        Beyond this, and three times the error of the numeric one, they disagree.
    blunt
        The largest error with which the numeric one can still vouch for the other.
    """

    sharp: Array
    blunt: Array


def judge(analytic: Array, numeric: Slope, tolerance: Tolerance) -> Array:
    """The verdict on each component, as integers.

    Examples
    --------
    >>> import numpy as np
    >>> one, none = np.ones(1), np.zeros(1, bool)
    >>> numeric = Slope(one, 1e-9 * one, one, one, none, none)
    >>> tolerance = Tolerance(1e-6 * one, 1e-6 * one)
    >>> [Verdict(int(judge(a * one, numeric, tolerance)[0])).name for a in (1.0, 1.01, np.nan)]
    ['PASS', 'FAIL', 'FAIL']
    """
    allowed = tolerance.sharp + 3 * numeric.error
    apart = ~(np.abs(analytic - numeric.value) <= allowed)  # so that NaN is apart
    verdicts = np.where(apart, Verdict.FAIL, Verdict.PASS)
    noisy = numeric.error > tolerance.blunt
    verdicts = np.where(noisy & ~apart, Verdict.INCONCLUSIVE, verdicts)
    low = np.minimum(numeric.left, numeric.right)
    high = np.maximum(numeric.left, numeric.right)
    slack = 1e-6 * (np.abs(low) + np.abs(high))
    between = (low - slack <= analytic) & (analytic <= high + slack)
    verdicts = np.where(numeric.kink, np.where(between, Verdict.KINK, Verdict.FAIL), verdicts)
    nowhere = numeric.edge | np.isnan(numeric.value)
    return np.where(nowhere, Verdict.OUTSIDE, verdicts)

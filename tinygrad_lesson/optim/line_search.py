"""How far to go along a direction: a line search for the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..arrays import Array
from ..arrays import numpy as xp

ENOUGH, FLAT = 1e-4, 0.9  # c1 and c2: the share of the descent, and of the slope, to reach


class _Point(NamedTuple):
    """A point of the line: how far, and the loss, gradient and slope there."""

    t: float
    loss: float
    g: Array
    slope: float


def strong_wolfe(
    evaluate: Callable[[float], tuple[float, Array]],
    direction: Array,
    length: float,
    loss: float,
    g: Array,
    slope: float,
    least_change: float,
    tries: int,
) -> tuple[float, Array, float]:
    """Find a length that lowers the loss enough, and where it has become flat enough.

    Parameters
    ----------
    evaluate
        Gives loss and gradient at a length along `direction`.
    direction, length
        Where to go, and how far to try first.
    loss, g, slope
        At the start; `slope` is the derivative along `direction`.
    least_change
        Do not look closer than this.
    tries
        How many lengths to try after the first.

    Returns
    -------
    loss, gradient, length
        Where the search ended.

    References
    ----------
    Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6, with the cubic
    interpolation and the safeguards of Schmidt's minFunc (2005).
    """

    def at(t: float) -> _Point:
        value, gradient = evaluate(t)
        return _Point(t, value, gradient, float(xp.sum(gradient * direction)))

    start = _Point(0.0, loss, g, slope)

    def too_high(p: _Point) -> bool:
        return p.loss > start.loss + ENOUGH * p.t * slope

    def flat(p: _Point) -> bool:
        return abs(p.slope) <= -FLAT * slope

    # Go on until two points have a minimum between them.
    before, now, calls = start, at(length), 1
    while calls <= tries:
        if too_high(now) or (calls > 2 and now.loss >= before.loss):
            break
        if flat(now):
            return now.loss, now.g, now.t
        if now.slope >= 0:
            break
        t = _cubic(before, now, now.t + 0.01 * (now.t - before.t), 10 * now.t)
        before, now, calls = now, at(t), calls + 1
    else:
        before = start

    # Close in on it.
    low, high = (before, now) if before.loss <= now.loss else (now, before)
    reach = float(xp.max(xp.abs(direction)))
    slow = False
    while calls <= tries and abs(high.t - low.t) * reach >= least_change:
        ends = sorted((low, high), key=lambda p: p.t)
        left, right = ends[0].t, ends[1].t
        t = _cubic(low, high, left, right)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too near an end: once is forgiven
            if slow or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                slow = False
            else:
                slow = True
        else:
            slow = False
        new, calls = at(t), calls + 1
        if too_high(new) or new.loss >= low.loss:
            low, high = (low, new) if low.loss <= new.loss else (new, low)
        else:
            if flat(new):
                return new.loss, new.g, new.t
            if new.slope * (high.t - low.t) >= 0:
                high = low
            low = new
    return low.loss, low.g, low.t


def _cubic(a: _Point, b: _Point, least: float, most: float) -> float:
    """The minimum of the cubic through two points with their slopes, within bounds (eq. 3.59)."""
    a, b = (a, b) if a.t <= b.t else (b, a)
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if square < 0:
        return (least + most) / 2
    d2 = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, least), most)

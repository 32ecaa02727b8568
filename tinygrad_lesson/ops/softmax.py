"""The softmax and its like, none of which overflows."""

from __future__ import annotations

import math

from .. import arguments
from ..arrays import Array, Namespace
from ..op import composite, reduction
from ..samples import sample, uniform
from .reduction import ALONG_AXES, ONE_AXIS, REALS, Axis, kept

SHARES = uniform(0.1, 0.9, (3, 4))


@reduction(samples=ALONG_AXES)
def logsumexp(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """``log(sum(exp(x)))``; where all of `x` is -inf, so is the result, and its derivative is 0."""
    return xp.logsumexp(x, axis=axis, keepdims=keepdims)


@logsumexp.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, keepdims):
    total = xp.where(out == -math.inf, 0.0, out)  # -inf - -inf would be NaN
    share = xp.exp(x - kept(xp, total, x, axis, keepdims))
    return kept(xp, g, x, axis, keepdims) * share


@reduction(samples=ONE_AXIS)
def softmax(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """``exp(x) / sum(exp(x))`` along `axis`; the shape stays."""
    return xp.softmax(x, axis=axis)


@softmax.vjp("x", saves=("out",))
def _(xp, g, out, x, *, axis):
    return xp.softmax_grad(g, out, axis=axis)


@reduction(samples=[sample(REALS, SHARES), sample(REALS, SHARES, axis=0)])
def softmax_grad(xp: Namespace, slope: Array, shares: Array, /, axis: int = -1) -> Array:
    """``shares * (slope - sum(slope * shares))``: from the gradient for a softmax, that for `x`.

    In one step, because attention takes much of its time for it.
    """
    return xp.softmax_grad(slope, shares, axis=axis)


@softmax_grad.vjp("slope", saves=("shares",))
def _(xp, g, out, slope, shares, *, axis):
    return xp.softmax_grad(g, shares, axis=axis)


@softmax_grad.vjp("shares", saves=("slope", "shares"))
def _(xp, g, out, slope, shares, *, axis):
    mean = xp.sum(slope * shares, axis=axis, keepdims=True)
    return g * (slope - mean) - slope * xp.sum(g * shares, axis=axis, keepdims=True)


@reduction(samples=ONE_AXIS)
def log_softmax(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """``log(softmax(x))`` along `axis`, accurate where the softmax is near 0."""
    return xp.log_softmax(x, axis=axis)


@log_softmax.vjp("x", saves=("out",))
def _(xp, g, out, x, *, axis):
    return xp.log_softmax_grad(g, out, axis=axis)


@reduction(samples=[sample(REALS, REALS), sample(REALS, REALS, axis=0)])
def log_softmax_grad(xp: Namespace, slope: Array, logs: Array, /, axis: int = -1) -> Array:
    """``slope - exp(logs) * sum(slope)``: from the gradient for a log_softmax, that for `x`."""
    return xp.log_softmax_grad(slope, logs, axis=axis)


@log_softmax_grad.vjp("slope", saves=("logs",))
def _(xp, g, out, slope, logs, *, axis):
    return g - xp.sum(g * xp.exp(logs), axis=axis, keepdims=True)


@log_softmax_grad.vjp("logs", saves=("slope", "logs"))
def _(xp, g, out, slope, logs, *, axis):
    return -g * xp.exp(logs) * xp.sum(slope, axis=axis, keepdims=True)


@composite(samples=ONE_AXIS)
def softmin(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """``softmax(-x)`` along `axis`: the smallest number gets the largest share."""
    axis = arguments.axis("softmin", axis, x.ndim)
    return xp.softmax(0.0 - x, axis=axis)  # -x of unsigned integers would wrap around

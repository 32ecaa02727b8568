"""Kernels of activations: no overflow, few passes, and all work in one buffer or two.

A ufunc writes into a buffer of the kernel's own (``out=``), made by ``np.empty_like``, for a ufunc
of a single number would otherwise return a scalar, which is no buffer.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from .. import Array
from .floats import on_floats

# exp(-x) must not overflow: it would warn. Past the limit the sigmoid is 0 to the last bit.
# (The limit and the 1, by dtype, are 0-d arrays: NumPy converts them faster than scalars.)
_LIMIT = {t: np.array(math.floor(math.log(np.finfo(t).max)), t) for t in "fd"}
_ONE = {t: np.array(1, t) for t in "fd"}


@on_floats
def sigmoid(x: Array) -> Array:
    t = x.dtype.char
    e = np.exp(np.minimum(np.negative(x), _LIMIT[t]))
    e += _ONE[t]
    return np.reciprocal(e)


@on_floats
def silu(x: Array) -> Array:
    x = np.maximum(x, -_LIMIT[x.dtype.char])  # below, the product is 0, and -inf times 0 is not
    e = np.empty_like(x)
    np.exp(np.negative(x, out=e), out=e)
    e += 1
    return np.divide(x, e, out=e)


@on_floats
def mish(x: Array) -> Array:
    # With e = exp(x), tanh(log(1 + e)) = n / (n + 2) for n = e * (e + 2). It is 1 to the last bit
    # above 30, and 0 below -1000.
    e = np.empty_like(x)
    np.exp(np.minimum(x, 30, out=e), out=e)
    n = e + 2
    n *= e
    np.divide(n, np.add(n, 2, out=e), out=e)
    e *= np.maximum(x, -1000)
    return e


@on_floats
def softplus(x: Array, beta: float = 1.0) -> Array:
    x = x if beta == 1 else x * beta
    e = _log1p_exp(x)
    e += np.maximum(x, 0)
    return e if beta == 1 else e / beta


@on_floats
def log_sigmoid(x: Array) -> Array:
    e = _log1p_exp(x)
    return np.subtract(np.minimum(x, -0.0), e, out=e)


def _log1p_exp(x: Array) -> Array:
    """``log(1 + exp(-abs(x)))`` in a buffer of its own."""
    e = np.empty_like(x)
    np.abs(x, out=e)
    np.exp(np.negative(e, out=e), out=e)
    return np.log1p(e, out=e)


def elu(x: Array, alpha: float = 1.0) -> Array:
    return _exponential(x, 1, alpha, 1)


def selu(x: Array) -> Array:
    return _exponential(x, 1.0507009873554805, 1.7580993408473766, 1)


def celu(x: Array, alpha: float = 1.0) -> Array:
    return _exponential(x, 1, alpha, 1 / alpha)


@on_floats
def _exponential(x: Array, above: float, below: float, rate: float) -> Array:
    """``above * x`` for positive numbers, ``below * (exp(rate * x) - 1)`` for negative ones."""
    e = np.empty_like(x)
    np.minimum(x, 0, out=e)
    if rate != 1:
        e *= rate
    np.expm1(e, out=e)
    if below != 1:
        e *= below
    positive = np.maximum(x, 0)
    e += positive if above == 1 else positive * above
    return e


def relu(x: Array) -> Array:
    if x.size < 2048 or x.dtype.char not in "fd":
        return np.maximum(x, 0)
    return x.clip(0, np.inf)  # NumPy's maximum with a single number is three times slower


def leaky_relu(x: Array, negative_slope: float = 0.01) -> Array:
    if 0 < negative_slope <= 1:
        return np.maximum(x, x * negative_slope)
    return np.where(x > 0, x, x * negative_slope)


@on_floats
def hardswish(x: Array) -> Array:
    t = np.clip(x * (1 / 6) + 0.5, 0, 1)
    t *= np.maximum(x, -3)  # below, it is 0, and -inf times 0 is not
    return t


@on_floats
def softsign(x: Array) -> Array:
    x = np.clip(x, -1e30, 1e30)  # beyond, it is 1 to the last bit
    t = np.empty_like(x)
    np.abs(x, out=t)
    t += 1
    return np.divide(x, t, out=t)


@on_floats
def tanhshrink(x: Array) -> Array:
    t = np.empty_like(x)
    return np.subtract(x, np.tanh(x, out=t), out=t)


def softshrink(x: Array, lambd: float = 0.5) -> Array:
    return x - np.clip(x, -lambd, lambd)


def glu(x: Array, axis: int = -1) -> Array:
    """The first half of `axis` times the sigmoid of the second half."""
    first, second = np.split(x, 2, normalize_axis_index(axis, x.ndim))
    return first * sigmoid(second)

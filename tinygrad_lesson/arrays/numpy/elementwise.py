"""Kernels of elementwise ops that NumPy has under no standard name, or slower."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .. import Array
from .floats import on_floats

abs = np.absolute


def pow(x: Array, y: Array) -> Array:
    return x**y  # the operator has fast paths for small constant exponents


def reciprocal(x: Array) -> Array:
    return 1 / x  # np.reciprocal truncates integers


def rsqrt(x: Array) -> Array:
    return 1 / np.sqrt(x)


def real(x: Array) -> Array:
    return x


def imag(x: Array) -> Array:
    return np.zeros_like(x)


def frac(x: Array) -> Array:
    return x - np.trunc(x)


def lerp(start: Array, end: Array, weight: Array) -> Array:
    # In one dtype, and without a difference, which wraps around if unsigned: exact at 0 and at 1.
    dtype = np.result_type(start, end, weight)
    start, end, weight = (np.asarray(x, dtype) for x in (start, end, weight))
    return start * (1 - weight) + end * weight


def addcmul(x: Array, y: Array, z: Array, value: float = 1) -> Array:
    return (y * z if value == 1 else y * value * z) + x


def addcdiv(x: Array, y: Array, z: Array, value: float = 1) -> Array:
    quotient = np.true_divide(y, z)  # Python refuses to divide numbers of its own by 0,
    if not hasattr(y, "dtype") and not hasattr(z, "dtype"):
        quotient = float(quotient)  # which take the dtype of x
    return (quotient if value == 1 else quotient * value) + x


# ---- choosing ----------------------------------------------------------------------------

BITS = {"e": np.int16, "f": np.int32, "d": np.int64}
BLOCK = 32768  # numbers: a few such buffers fit into the second-level cache


def where(condition: Array, x: Array, y: Array) -> Array:
    # NumPy's own branches at each element, and on a mask without a pattern the processor guesses
    # wrong at half of them. A large one is faster as arithmetic of bits, ten times in float32.
    if getattr(condition, "size", 0) < 2048 or condition.dtype.char != "?":
        return np.where(condition, x, y)
    dtype = np.result_type(x, y)
    if dtype.char not in BITS:
        return np.where(condition, x, y)
    bits = BITS[dtype.char]
    a, b = (np.asarray(number, dtype).view(bits) for number in (x, y))
    out = np.empty(np.broadcast_shapes(condition.shape, a.shape, b.shape), bits)
    parts = (condition.view(np.int8), a, b, out)
    if all(p.ndim == 0 or (p.shape == out.shape and p.flags.c_contiguous) for p in parts):
        _in_blocks(parts)
    else:
        _choose(*parts)
    return out.view(dtype)


def _in_blocks(parts: Sequence[Array]) -> None:
    flat = [part.reshape(-1) if part.ndim else part for part in parts]
    for start in range(0, flat[-1].size, BLOCK):
        _choose(*(part[start : start + BLOCK] if part.ndim else part for part in flat))


def _choose(truth: Array, a: Array, b: Array, out: Array) -> None:
    mask = truth.astype(out.dtype)
    if not a.ndim and not a:  # as in the derivative of relu: 0.0 has no bits
        mask -= 1
        np.bitwise_and(mask, b, out=out)
        return
    np.negative(mask, out=mask)  # all bits where it is true, none where it is false
    np.bitwise_xor(a, b, out=out)
    out &= mask
    out ^= b


# ---- logarithms ------------------------------------------------------------------------


def xlogy(x: Array, y: Array) -> Array:
    return _x_times(np.log, x, y)


def xlog1py(x: Array, y: Array) -> Array:
    return _x_times(np.log1p, x, y)


def _x_times(logarithm: Callable[..., Array], x: Array, y: Array) -> Array:
    dtype = np.result_type(x, y)
    if dtype.kind != "f":
        dtype = np.dtype(np.float64)
    x, y = np.asarray(x, dtype), np.asarray(y, dtype)
    nothing = (x == 0) & (y == y)
    out = logarithm(where(nothing, 1.0, y))
    return where(nothing, 0.0, out * x)


def logaddexp(x: Array, y: Array) -> Array:
    # NumPy's own takes one number after the other; from this size on whole arrays are faster.
    if max(np.size(x), np.size(y)) < 1000 or np.result_type(x, y).char not in "fd":
        return np.logaddexp(x, y)
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.subtract(x, y)
    np.negative(np.abs(e, out=e), out=e)
    np.exp(e, out=e)
    np.fmax(e, 0, out=e)  # not NaN, where both are the same infinity
    np.log1p(e, out=e)
    e += np.maximum(x, y)
    return e


@on_floats
def logit(x: Array) -> Array:
    return np.log(x / (1 - x))


# ---- the cardinal sine -------------------------------------------------------------------


@on_floats
def sinc(x: Array, order: int = 0) -> Array:
    """``sin(t) / t`` at ``t = pi * x``, differentiated `order` times for x."""
    if not order:
        return np.sinc(x)
    t = np.asarray(np.pi * x)
    near = np.abs(t) < max(2, order)
    out = _sinc_far(np.where(near, 1.0, t), order)
    if near.any():
        out = np.where(near, _sinc_near(np.where(near, t, 0.0), order), out)
    return out * np.pi**order


def _sinc_far(t: Array, order: int) -> Array:
    """By the recurrence that differentiating ``t * f(t) = sin(t)`` gives."""
    sine, cosine = np.sin(t), np.cos(t)
    waves = (sine, cosine, -sine, -cosine)  # the sine and its derivatives
    f = sine / t
    for n in range(1, order + 1):
        f = (waves[n % 4] - n * f) / t
    return f


def _sinc_near(t: Array, order: int) -> Array:
    """By the power series: ``t**(2k) * (-1)**k / (2k + 1)!``, differentiated term by term."""
    square, out = t * t, np.zeros_like(t)
    for k in range(13 + 2 * order, (order - 1) // 2, -1):  # Horner's scheme
        out = out * square + (-1) ** k / ((2 * k + 1) * math.factorial(2 * k - order))
    return out * t if order % 2 else out

"""Kernels of the GELU: fast, because transformers spend their time in it.

With a = abs(x), the chance q that a normal variable is above a gives all: the chance that it is
below x is q or 1 - q, and ``gelu(x) = max(x, 0) - a * q``. A smooth factor of q is a polynomial.
"""

from __future__ import annotations

import math

import numpy as np

from .. import Array
from .elementwise import where
from .error_functions import SCALED_NORMAL
from .floats import on_floats

BLOCK = 16384  # numbers: a few such buffers fit into the second-level cache
RATE, CUBIC = math.sqrt(2 / math.pi), 0.044715

# SCALED_NORMAL for single precision: its Chebyshev series up to degree 11, relative error 1.2e-8
SCALED_SINGLE = (
    0.46151583449627853, -0.09155229981235102, 0.031030033202064856, 0.010002862515505558,
    -0.02639712116701221, 0.024532804906545646, -0.015187213441580581, 0.006536668448619776,
    -0.001643488571302251, -1.7848740089807915e-05, 0.0001531002685506734, -3.104840446405442e-05,
)  # fmt: skip


@on_floats
def gelu(x: Array, approximate: str = "none") -> Array:
    return _by_tanh(x) if approximate == "tanh" else _in_blocks(x, slope=False)


@on_floats
def gelu_slope(x: Array) -> Array:
    return _in_blocks(x, slope=True)


def _in_blocks(x: Array, *, slope: bool) -> Array:
    out = np.empty(x.shape, x.dtype)
    into, numbers = out.reshape(-1), x.reshape(-1)
    for start in range(0, x.size, BLOCK):
        block = slice(start, start + BLOCK)
        into[block] = _block(numbers[block], slope=slope)
    return out


def _block(x: Array, *, slope: bool) -> Array:
    inside = np.clip(x, -40, 40)  # beyond, q is 0
    a = np.abs(inside)
    e = a * a
    e *= -0.5
    np.exp(e, out=e)
    q = _scaled(a)
    q *= e
    q /= a + 1
    if slope:
        e *= 1 / math.sqrt(2 * math.pi)
        e *= a
        q -= e
        return where(x < 0, q, 1 - q)
    a *= q
    return np.maximum(x, np.multiply(inside, 0, out=e)) - a  # the 0 has the sign of x


def _scaled(a: Array) -> Array:
    """``(1 + a) * exp(a**2 / 2) * q`` by Horner's scheme."""
    coefficients = SCALED_NORMAL if a.dtype == np.float64 else SCALED_SINGLE
    u = a - 5
    u /= a + 5
    out = u * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        out += c
        out *= u
    out += coefficients[0]
    return out


def _by_tanh(x: Array) -> Array:
    t, cube = np.empty_like(x), np.empty_like(x)
    np.clip(x, -10, 10, out=t)  # beyond, the hyperbolic tangent is 1 or -1 to the last bit
    np.multiply(t, t, out=cube)
    cube *= CUBIC
    cube += 1
    t *= cube
    t *= RATE
    np.tanh(t, out=t)
    t += 1
    t *= 0.5
    t *= np.maximum(x, -10, out=cube)
    return t

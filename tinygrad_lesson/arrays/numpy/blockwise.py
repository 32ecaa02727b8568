"""How kernels of special functions run: on cache-sized blocks, in double precision.

A core maps a vector of doubles to a vector of doubles. It need not fear overflow or division by
zero: their values are meant, and no warning is given. Its polynomials have their coefficients in
ascending order. They were fitted for this library, by interpolation at Chebyshev points in 60
digits; the comment above each gives the degree and the largest error of the fit, before its
coefficients were rounded.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import Array

BLOCK = 8192  # doubles: a few such buffers fit into the second-level cache


def blockwise(
    core: Callable[..., Array], narrow: Callable[..., Array] | None = None
) -> Callable[..., Array]:
    """Make a kernel of arrays of any shapes and dtypes from a `core` for vectors of doubles.

    Floats keep their width (and are rounded once, at the end); all else becomes float64. For
    results narrower than that, `narrow` is a faster core, right to nine digits.
    """

    @functools.wraps(core)
    def kernel(*arrays: Any, **params: Any) -> Array:
        dtype = np.result_type(*arrays)
        if dtype.kind != "f":
            dtype = np.dtype(np.float64)
        run = narrow if narrow is not None and dtype.itemsize < 8 else core
        if len(arrays) > 1:
            arrays = np.broadcast_arrays(*arrays)
        out = np.empty(arrays[0].shape, dtype)
        into, vectors = out.reshape(-1), [x.reshape(-1) for x in arrays]
        with np.errstate(all="ignore"):
            for start in range(0, out.size, BLOCK):
                block = slice(start, start + BLOCK)
                into[block] = run(*(x[block].astype(np.float64) for x in vectors), **params)
        return out

    return kernel


def fill(out: Array, mask: Array, core: Callable[..., Array], *vectors: Array) -> None:
    """Write ``core(*vectors)`` into `out` where `mask` is true, and compute nothing elsewhere."""
    (places,) = mask.nonzero()
    if places.size == out.size:
        out[:] = core(*vectors)
    elif places.size:
        out[places] = core(*(x[places] for x in vectors))


Coefficients = tuple[Array, ...]


def coefficients(*numbers: float) -> Coefficients:
    """Of a polynomial; as arrays, because NumPy adds those faster than Python numbers."""
    return tuple(np.array(number) for number in numbers)


def polynomial(x: Array, c: Coefficients) -> Array:
    """``c[0] + c[1] * x + c[2] * x**2 + ...``."""
    out = np.multiply(x, c[-1])
    for number in c[-2:0:-1]:
        out += number
        out *= x
    out += c[0]
    return out

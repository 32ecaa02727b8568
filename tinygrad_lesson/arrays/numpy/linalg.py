"""Kernels of linear algebra, by LAPACK as NumPy brings it.

LAPACK has no half precision: that is computed in single. Integers become double precision.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from .. import Array


def _widened(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """A kernel of half-precision arrays, computed in single precision, and of integers."""

    @functools.wraps(kernel)
    def call(*arrays: Array, **params: object) -> Array:
        narrow = all(a.dtype == np.float16 for a in arrays)
        if not narrow and all(a.dtype.char in "fd" for a in arrays):
            return kernel(*arrays, **params)
        wide = [
            a.astype(np.float32 if a.dtype == np.float16 else np.float64)
            if a.dtype.char not in "fd"
            else a
            for a in arrays
        ]
        out = kernel(*wide, **params)
        return out.astype(np.float16) if narrow and out.dtype.kind == "f" else out

    return call


def _finite(x: Array) -> Array:
    """`x` itself: LAPACK's iterations over NaN and infinities need not come to an end."""
    if not np.isfinite(x).all():
        raise np.linalg.LinAlgError("not finite")
    return x


def _symmetric(x: Array) -> Array:
    if x.shape[-1] != x.shape[-2]:
        raise np.linalg.LinAlgError("not square")
    return x / 2 + x.mT / 2


@_widened
def inv(x: Array) -> Array:
    return np.linalg.inv(x)


@_widened
def solve(x1: Array, x2: Array) -> Array:
    return np.linalg.solve(x1, x2)


@_widened
def pinv(x: Array, rtol: float | None = None) -> Array:
    return np.linalg.pinv(_finite(x), rtol=rtol)  # type: ignore[arg-type]  # None is documented


@_widened
def det(x: Array) -> Array:
    return np.linalg.det(x)


@_widened
def cofactors(x: Array) -> Array:
    finite = np.isfinite(x).all(axis=(-2, -1), keepdims=True)
    if not finite.all():
        return np.where(finite, cofactors(np.where(finite, x, x.dtype.type(0))), np.nan)
    try:
        inverse = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return _cofactors_of_singular(x)
    condition = _norm(x) * _norm(inverse)
    if np.all(condition * np.finfo(x.dtype).eps ** 0.5 < 1):  # half of the digits are safe
        return np.linalg.det(x)[..., None, None] * inverse.mT
    return _cofactors_of_singular(x)


def _norm(x: Array) -> Array:
    """The largest sum of absolute values in a column."""
    return np.max(np.sum(np.abs(x), axis=-2), axis=-1, initial=0)


def _cofactors_of_singular(x: Array) -> Array:
    """From ``x == u @ diag(s) @ vh``: each cofactor of s is the product of all others in s."""
    u, s, vh = np.linalg.svd(x)
    ones = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([ones, s[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, s[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    sign = np.sign(np.linalg.det(u) * np.linalg.det(vh))  # of rotations and reflections
    others = before * after * sign[..., None]
    return np.matmul(u * others[..., None, :], vh)


@_widened
def packed_slogdet(x: Array) -> Array:
    return np.stack(np.linalg.slogdet(x), axis=-1)


@_widened
def matrix_rank(x: Array, rtol: float | None = None) -> Array:
    if x.ndim < 2:
        raise np.linalg.LinAlgError("not a matrix")  # NumPy takes a vector for a row
    return np.asarray(np.linalg.matrix_rank(_finite(x), rtol=rtol))


@_widened
def cholesky(x: Array, upper: bool = False) -> Array:
    return np.linalg.cholesky(_symmetric(x), upper=upper)


@_widened
def packed_eigh(x: Array) -> Array:
    values, vectors = np.linalg.eigh(_finite(_symmetric(x)))
    return np.concatenate([values[..., None, :], vectors], axis=-2)


@_widened
def eigvalsh(x: Array) -> Array:
    return np.linalg.eigvalsh(_finite(_symmetric(x)))


@_widened
def packed_qr(x: Array) -> Array:
    return np.concatenate(np.linalg.qr(x), axis=-2)


@_widened
def orthogonal_complement(x: Array) -> Array:
    return np.linalg.qr(x, mode="complete")[0][..., x.shape[-1] :]


@_widened
def packed_svd(x: Array) -> Array:
    u, s, vh = np.linalg.svd(_finite(x), full_matrices=False)
    return np.concatenate([u, s[..., None, :], vh.mT], axis=-2)


@_widened
def svdvals(x: Array) -> Array:
    return np.linalg.svd(_finite(x), compute_uv=False)


# Padé: exp(x) is about p(x) / p(-x), with these coefficients of p, for a norm of x up to the limit.
_DEGREE, _LIMIT = 13, 5.371920351148152
_PADE = [
    math.comb(_DEGREE, i) * math.factorial(2 * _DEGREE - i) / math.factorial(2 * _DEGREE)
    for i in range(_DEGREE + 1)
]


@_widened
def matrix_exp(x: Array) -> Array:
    halvings = np.maximum(np.frexp(_norm(x) / _LIMIT)[1], 0)
    x = np.ldexp(x, -halvings[..., None, None])
    eye = np.eye(x.shape[-1], dtype=x.dtype)
    x2 = x @ x
    x4 = x2 @ x2
    powers = (eye, x2, x4, x4 @ x2)

    def polynomial(first: int) -> Array:
        """The terms of the coefficients `first`, `first` + 2, ... with x to the power 0, 2, ..."""
        low, high = _PADE[first::2][:4], _PADE[first::2][4:]
        tail = sum(c * p for c, p in zip(high, powers[1:], strict=True))
        return powers[3] @ tail + sum(c * p for c, p in zip(low, powers, strict=True))

    even, odd = polynomial(0), x @ polynomial(1)
    out = np.linalg.solve(even - odd, even + odd)
    for i in range(int(np.max(halvings, initial=0))):
        left = halvings > i
        out[left] = out[left] @ out[left]
    return out

"""Determinants, and their logarithms."""

from __future__ import annotations

from typing import NamedTuple

from ..arrays import Array, Namespace
from ..op import composite, linear
from ..samples import dominant, sample, uniform
from .matrices import diagonal_matrix, square

INVERTIBLE = dominant(-1, 1, (3, 3))
INVERTIBLES = dominant(-1, 1, (2, 3, 3))


class Slogdet(NamedTuple):
    """What :func:`slogdet` returns."""

    sign: Array
    logabsdet: Array


@linear(samples=[sample(uniform(-2, 2, (3, 3))), sample(uniform(-2, 2, (2, 2, 2)))])
def det(xp: Namespace, x: Array, /) -> Array:
    """Determinant.

    Its derivative is finite also where the matrix is singular; the second derivative needs an
    inverse. Of large matrices the determinant overflows: use :func:`slogdet`.
    """
    return xp.det(x)


@det.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g[..., None, None] * xp.cofactors(x)


@linear(samples=[sample(uniform(-2, 2, (3, 3))), sample(uniform(-2, 2, (2, 2, 2)))])
def cofactors(xp: Namespace, x: Array, /) -> Array:
    """Derivatives of the determinant, ``det(x) * inv(x).mT`` where that exists.

    Of matrices that are singular, or nearly so, they come from the singular values: the cofactors
    of a diagonal matrix are the products of all other elements.
    """
    return xp.cofactors(x)


@cofactors.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    trace = xp.sum(g * out, axis=(-2, -1))
    scaled = xp.expand_dims(trace, axis=-1) * xp.ones_like(x[..., 0])
    inner = diagonal_matrix(xp, scaled) - xp.matmul(out, xp.matrix_transpose(g))
    return xp.matrix_transpose(xp.solve(x, xp.matrix_transpose(inner)))


@linear(samples=[sample(uniform(-2, 2, (3, 3))), sample(INVERTIBLES)])
def packed_slogdet(xp: Namespace, x: Array, /) -> Array:
    """Sign and logarithm of the determinant along a new last axis; see :func:`slogdet`."""
    return xp.packed_slogdet(x)


@packed_slogdet.vjp("x", saves=("x",))
def _(xp, g, out, x):
    return g[..., 1, None, None] * xp.matrix_transpose(xp.inv(x))


@composite(samples=[sample(uniform(-2, 2, (3, 3))), sample(INVERTIBLES)])
def slogdet(xp: Namespace, x: Array, /) -> Slogdet:
    """Sign of the determinant, and logarithm of its absolute value; never overflows.

    Of a singular matrix they are 0 and -inf, and there is no gradient.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.slogdet(tl.Tensor([[0.0, 1.0], [1.0, 0.0]])).sign
    Tensor(-1., dtype=float32)
    """
    square("slogdet", x)
    packed = xp.packed_slogdet(x)
    return Slogdet(packed[..., 0], packed[..., 1])


@composite(samples=[sample(INVERTIBLE), sample(INVERTIBLES)])
def logdet(xp: Namespace, x: Array, /) -> Array:
    """Logarithm of the determinant; NaN where that is negative, -inf where it is 0."""
    square("logdet", x)
    packed = xp.packed_slogdet(x)
    return xp.where(packed[..., 0] < 0, float("nan"), packed[..., 1])

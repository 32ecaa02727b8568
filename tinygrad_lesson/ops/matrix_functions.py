"""Functions of matrices: trace, norms, rank, powers, exponential.

Matrices are the last two axes, and the axes before them are a batch.
"""

from __future__ import annotations

from typing import Any

from ..arguments import integer, shown
from ..arrays import Array, Namespace
from ..errors import RangeError
from ..op import composite, linear
from ..samples import dominant, sample, uniform
from .matrices import diagonal_matrix, matrix, square
from .reduction import floats

INVERTIBLE = dominant(-1, 1, (3, 3))
WIDE = uniform(-2, 2, (2, 3))
TALL = uniform(-2, 2, (2, 3, 2))


# ---- numbers that tell about a matrix -----------------------------------------------------


@composite(
    samples=[
        sample(uniform(-2, 2, (3, 3))),
        sample(WIDE, offset=1),
        sample(TALL, offset=-1),
    ]
)
def trace(xp: Namespace, x: Array, /, offset: int = 0, dtype: Any = None) -> Array:
    """Sum of the elements ``x[..., i, i + offset]``, in `dtype` if one is given.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.trace(tl.Tensor([[1, 2], [3, 4]]))
    Tensor(5, dtype=int64)
    """
    matrix("trace", x)
    elements = xp.diagonal(x, offset)
    return xp.sum(elements if dtype is None else xp.astype(elements, dtype), axis=-1)


def _matrix_norm(xp, where, x, ord):
    """The norm, with axes of length 1 in the places of the matrix."""
    matrix(where, x)
    x = floats(xp, x)
    size = abs(ord) if isinstance(ord, int | float) else ord
    if size in (1, float("inf")):
        along, across = (-2, -1) if size == 1 else (-1, -2)
        sums = xp.sum(xp.abs(x), axis=along, keepdims=True)
        return (xp.max if ord > 0 else xp.min)(sums, axis=across, keepdims=True)
    if ord == "fro":
        return xp.vector_norm(x, axis=(-2, -1), keepdims=True)
    if ord != "nuc" and size != 2:
        raise RangeError(
            where,
            f"ord={shown(ord)} is no norm of matrices",
            'Pass "fro", "nuc", 1, 2 or inf, or one of the numbers with a minus.',
        )
    s = xp.expand_dims(xp.svdvals(x), axis=-1)
    if ord == "nuc":
        return xp.sum(s, axis=-2, keepdims=True)
    return s[..., :1, :] if ord > 0 else s[..., -1:, :]


def _scalars(xp, x):
    return xp.reshape(x, x.shape[:-2])


@composite(
    samples=[
        sample(WIDE),
        sample(TALL, keepdims=True),
        *(sample(uniform(-2, 2, (3, 2), avoid=(0.0,)), ord=ord)
          for ord in ("nuc", 1, -1, 2, -2, float("inf"), float("-inf"))),
    ]
)  # fmt: skip
def matrix_norm(
    xp: Namespace, x: Array, /, keepdims: bool = False, ord: float | str = "fro"
) -> Array:
    """Norm of matrices.

    Parameters
    ----------
    x
        One matrix or more, in the last two axes.
    keepdims
        Leave these axes in place, with length 1.
    ord
        ``"fro"``: the root of the sum of squares. ``"nuc"``: the sum of the singular values. 2:
        the largest of them; -2: the smallest. 1: the largest sum of absolute values in a column;
        -1: the smallest; inf and -inf: the same in a row.

    Notes
    -----
    Where several singular values or sums are the largest, the derivative is one of those in
    question (for sums, their mean). Where singular values are 0, the one of ``"nuc"`` is not
    unique, either.
    """
    norm = _matrix_norm(xp, "matrix_norm", x, ord)
    return norm if keepdims else _scalars(xp, norm)


@composite(samples=[sample(INVERTIBLE), sample(TALL), sample(dominant(-1, 1, (2, 2)), p=1)])
def cond(xp: Namespace, x: Array, /, p: float | str | None = None) -> Array:
    """Condition number: how much an error of the input can grow when equations are solved.

    It is ``norm(x) * norm(inv(x))`` in the matrix norm `p`; None stands for 2, the largest
    singular value over the smallest, and then the matrix need not be square.
    """
    if p in (None, 2, -2):
        matrix("cond", x)
        s = xp.svdvals(x)
        above, below = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        return xp.where(below == 0, float("inf"), above / xp.where(below == 0, 1.0, below))
    square("cond", x)
    both = (_matrix_norm(xp, "cond", matrices, p) for matrices in (x, xp.inv(x)))
    return _scalars(xp, next(both) * next(both))


@linear(samples=[sample(WIDE), sample(uniform(-2, 2, (2, 3, 3)), rtol=0.5)])
def matrix_rank(xp: Namespace, x: Array, /, rtol: float | None = None) -> Array:
    """Number of singular values that are larger than `rtol` times the largest.

    None stands for the larger side of `x` times the distance from 1 to the next float.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.matrix_rank(tl.ones(3, 3))
    Tensor(1, dtype=int64)
    """
    return xp.matrix_rank(x, rtol=rtol)


matrix_rank.no_gradient("x")


# ---- powers and the exponential ----------------------------------------------------------


@composite(
    samples=[
        sample(uniform(-1, 1, (3, 3)), n=3),
        sample(uniform(-1, 1, (2, 2, 2)), n=6),
        sample(INVERTIBLE, n=-2),
    ]
)
def matrix_power(xp: Namespace, x: Array, /, n: int) -> Array:
    """The matrix multiplied `n` times; if `n` is negative its inverse, if 0 the identity.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.matrix_power(tl.Tensor([[1, 1], [1, 0]]), 10)
    Tensor([[89, 55],
            [55, 34]], dtype=int64)
    """
    square("matrix_power", x)
    n = integer("matrix_power", "n", n)
    if n == 0:
        return diagonal_matrix(xp, xp.ones_like(xp.diagonal(x)))
    factor, n = xp.inv(x) if n < 0 else x, abs(n)
    power = None
    while True:  # the squares multiply whose bit in n is set
        if n & 1:
            power = factor if power is None else xp.matmul(power, factor)
        n >>= 1
        if not n:
            return power
        factor = xp.matmul(factor, factor)


@linear(
    samples=[
        sample(uniform(-1, 1, (3, 3))),
        sample(uniform(-4, 4, (3, 3))),
        sample(uniform(-1, 1, (2, 2, 2))),
    ]
)
def matrix_exp(xp: Namespace, x: Array, /) -> Array:
    """Exponential of a matrix, ``1 + x + x @ x / 2 + x @ x @ x / 6 + ...``.

    Notes
    -----
    By scaling and squaring, with the Padé approximant of degree 13: Higham, "The scaling and
    squaring method for the matrix exponential revisited" (2005). The derivative is a block of
    the exponential of a larger matrix: Al-Mohy and Higham, "Computing the Fréchet derivative of
    the matrix exponential" (2009), equation 1.1; Najfeld and Havel (1995).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.matrix_exp(tl.Tensor([[0.0, 1.0], [0.0, 0.0]]))
    Tensor([[1., 1.],
            [0., 1.]], dtype=float32)
    """
    return xp.matrix_exp(x)


@matrix_exp.vjp("x", saves=("x",))
def _(xp, g, out, x):
    n = x.shape[-1]
    transposed = xp.matrix_transpose(x)
    above = xp.concat([transposed, g], axis=-1)
    below = xp.concat([xp.zeros_like(g), transposed], axis=-1)
    return xp.matrix_exp(xp.concat([above, below], axis=-2))[..., :n, n:]

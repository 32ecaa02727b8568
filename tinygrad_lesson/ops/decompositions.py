"""Decompositions: matrices as products of simpler ones.

Each is one op whose result holds the factors side by side (``packed_...``), and a function that
cuts it. Symmetric input is taken for granted where the mathematics asks for it: the op works on
``(x + x.mT) / 2``, which is `x` itself if `x` is symmetric, so that the gradient is symmetric.

Factors are unique only up to signs, and up to rotations where eigenvalues or singular values are
equal. A loss has a derivative only if such a choice does not change it. Then two equal values
(equal up to rounding) contribute nothing to the gradient of their vectors, and so it is computed;
for values that are merely close, that gradient is large.
"""

from __future__ import annotations

from typing import NamedTuple

from ..arguments import shown
from ..arrays import Array, Namespace
from ..errors import RangeError
from ..op import composite, linear
from ..samples import dominant, sample, uniform
from .matrices import inverse_gaps, inverse_values, matrix, square


class Eigh(NamedTuple):
    """What :func:`eigh` returns."""

    eigenvalues: Array
    eigenvectors: Array


class QR(NamedTuple):
    """What :func:`qr` returns."""

    Q: Array
    R: Array


class SVD(NamedTuple):
    """What :func:`svd` returns."""

    U: Array
    S: Array
    Vh: Array


def _symmetric(xp, x):
    return (x + xp.matrix_transpose(x)) / 2


# ---- Cholesky ----------------------------------------------------------------------------

DEFINITE = dominant(-1, 1, (3, 3))


@linear(
    samples=[
        sample(DEFINITE),
        sample(DEFINITE, upper=True),
        sample(dominant(-1, 1, (2, 3, 3))),
    ]
)
def cholesky(xp: Namespace, x: Array, /, upper: bool = False) -> Array:
    """The lower triangle L with ``L @ L.mT == x``, or if `upper` its transpose.

    `x` is symmetric and positive definite; only its symmetric part is used.

    Notes
    -----
    The derivative is that of Murray, "Differentiation of the Cholesky decomposition" (2016).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.cholesky(tl.Tensor([[4.0, 2.0], [2.0, 2.0]]))
    Tensor([[2., 0.],
            [1., 1.]], dtype=float32)
    """
    return xp.cholesky(x, upper=upper)


@cholesky.vjp("x", saves=("out",))
def _(xp, g, out, x, *, upper):
    if upper:
        out, g = xp.matrix_transpose(out), xp.matrix_transpose(g)
    transposed = xp.matrix_transpose(out)
    p = xp.matmul(transposed, g)
    p = (xp.tril(p) + xp.tril(p, k=-1)) / 2  # the diagonal counts half
    p = xp.matrix_transpose(xp.solve(transposed, p))
    return _symmetric(xp, xp.solve(transposed, p))


# ---- eigenvalues -------------------------------------------------------------------------

SQUARE = uniform(-2, 2, (3, 3))
SQUARES = uniform(-2, 2, (2, 3, 3))


@linear(samples=[sample(SQUARE), sample(SQUARES)])
def packed_eigh(xp: Namespace, x: Array, /) -> Array:
    """Eigenvalues in the first row, and below them the eigenvectors as columns; see :func:`eigh`.

    Notes
    -----
    The derivative is that of Giles, "Collected matrix derivative results for forward and reverse
    mode algorithmic differentiation" (2008), section 3.1.
    """
    return xp.packed_eigh(x)


@packed_eigh.vjp("x", saves=("out",))
def _(xp, g, out, x):
    values, vectors = out[..., 0, :], out[..., 1:, :]
    transposed = xp.matrix_transpose(vectors)
    turned = inverse_gaps(xp, values) * xp.matmul(transposed, g[..., 1:, :])
    inner = xp.matmul(vectors, turned) + vectors * g[..., :1, :]
    return _symmetric(xp, xp.matmul(inner, transposed))


@composite(samples=[sample(SQUARE), sample(SQUARES)])
def eigh(xp: Namespace, x: Array, /) -> Eigh:
    """Eigenvalues of a symmetric matrix, in ascending order, and eigenvectors as columns.

    ``x == v @ diag(w) @ v.mT`` for ``w, v = eigh(x)``; only the symmetric part of `x` is used.
    The gradient of the eigenvectors has factors ``1 / (w[j] - w[i])``: those of eigenvalues that
    are equal, up to rounding, are taken as 0, which is right if the loss does not depend on the
    choice of eigenvectors among them. The gradient of the eigenvalues is always finite.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.eigh(tl.Tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    Tensor([1., 2.], dtype=float32)
    """
    square("eigh", x)
    packed = xp.packed_eigh(x)
    return Eigh(packed[..., 0, :], packed[..., 1:, :])


@linear(samples=[sample(SQUARE), sample(SQUARES)])
def eigvalsh(xp: Namespace, x: Array, /) -> Array:
    """Eigenvalues of a symmetric matrix, in ascending order; of `x`, the symmetric part is used.

    Where eigenvalues are equal, the derivative of their sum, and of every other function that
    treats them alike, is right.
    """
    return xp.eigvalsh(x)


@eigvalsh.vjp("x", saves=("x",))
def _(xp, g, out, x):
    vectors = xp.packed_eigh(x)[..., 1:, :]
    product = xp.matmul(vectors * xp.expand_dims(g, axis=-2), xp.matrix_transpose(vectors))
    return _symmetric(xp, product)


# ---- orthogonal and triangular -----------------------------------------------------------


@linear(samples=[sample(SQUARE), sample(uniform(-2, 2, (4, 2))), sample(uniform(-2, 2, (2, 3, 2)))])
def packed_qr(xp: Namespace, x: Array, /) -> Array:
    """Q, and below it R, of a matrix with no more columns than rows; see :func:`qr`.

    Notes
    -----
    The derivative is that of Seeger et al., "Auto-differentiating linear algebra" (2017).
    """
    return xp.packed_qr(x)


@packed_qr.vjp("x", saves=("out",))
def _(xp, g, out, x):
    rows = x.shape[-2]
    q, r, gq, gr = (a[..., part, :] for a in (out, g) for part in (slice(rows), slice(rows, None)))
    m = xp.matmul(r, xp.matrix_transpose(gr)) - xp.matmul(xp.matrix_transpose(gq), q)
    m = xp.tril(m) + xp.matrix_transpose(xp.tril(m, k=-1))
    right = gq + xp.matmul(q, m)
    return xp.matrix_transpose(xp.solve(r, xp.matrix_transpose(right)))


@linear(samples=[sample(uniform(-2, 2, (2, 1))), sample(uniform(-2, 2, (1, 2, 1)))])
def orthogonal_complement(xp: Namespace, x: Array, /) -> Array:
    """As columns, unit vectors at right angles to the columns of `x` and to one another.

    There are as many of them as `x` has more rows than columns. Any rotation of them would do as
    well; the derivative is right for a loss that does not change with it.
    """
    return xp.orthogonal_complement(x)


@orthogonal_complement.vjp("x", saves=("out", "x"))
def _(xp, g, out, x):
    # From x.mT @ out == 0, and out at right angles to its own change.
    transposed = xp.matrix_transpose(x)
    right = xp.matmul(transposed, xp.matmul(g, xp.matrix_transpose(out)))
    return -xp.matrix_transpose(xp.solve(xp.matmul(transposed, x), right))


@composite(
    samples=[
        sample(SQUARE, mode="complete"),
        sample(uniform(-2, 2, (4, 2))),
        sample(uniform(-2, 2, (2, 4))),
        sample(SQUARES),
    ]
)
def qr(xp: Namespace, x: Array, /, mode: str = "reduced") -> QR:
    """Q with orthonormal columns, and an upper triangle R, with ``Q @ R == x``.

    With k the smaller side of `x`, Q has k columns; if `mode` is ``"complete"`` it is square. The
    diagonal of R may have any signs. The gradient asks for the first k columns of `x` to be
    linearly independent, and for a loss that does not depend on the choice of further columns.
    """
    matrix("qr", x)
    if mode not in ("reduced", "complete"):
        raise RangeError(
            "qr", f"mode={shown(mode)} does not exist", 'Pass mode="reduced" or mode="complete".'
        )
    rows, columns = x.shape[-2:]
    packed = xp.packed_qr(x[..., :rows] if rows < columns else x)
    q, r = packed[..., :rows, :], packed[..., rows:, :]
    if rows < columns:
        r = xp.concat([r, xp.matmul(xp.matrix_transpose(q), x[..., rows:])], axis=-1)
    elif rows > columns and mode == "complete":
        further = xp.orthogonal_complement(q)
        r = xp.concat([r, xp.zeros_like(xp.matmul(xp.matrix_transpose(further), x))], axis=-2)
        q = xp.concat([q, further], axis=-1)
    return QR(q, r)


# ---- singular values ---------------------------------------------------------------------


@linear(
    samples=[
        sample(uniform(-1, 3, (3, 3))),
        sample(uniform(-2, 2, (4, 2))),
        sample(uniform(-2, 2, (2, 3))),
        sample(uniform(-2, 2, (2, 3, 2))),
    ]
)
def packed_svd(xp: Namespace, x: Array, /) -> Array:
    """U, below it a row of singular values, and below it V; see :func:`svd`.

    All three have as many columns as `x` has rows or columns, whichever are fewer.

    Notes
    -----
    The derivative is that of Townsend, "Differentiating the singular value decomposition" (2016).
    """
    return xp.packed_svd(x)


@packed_svd.vjp("x", saves=("out",))
def _(xp, g, out, x):
    rows, columns = x.shape[-2:]
    u, s, v = out[..., :rows, :], out[..., rows : rows + 1, :], out[..., rows + 1 :, :]
    gu, gs, gv = g[..., :rows, :], g[..., rows : rows + 1, :], g[..., rows + 1 :, :]
    transposed = xp.matrix_transpose(v)
    down = xp.matrix_transpose(s)
    sums = s + down
    gaps = inverse_gaps(xp, out[..., rows, :]) / (sums + (sums == 0))
    a, b = xp.matmul(xp.matrix_transpose(u), gu), xp.matmul(transposed, gv)
    turned = gaps * (a - xp.matrix_transpose(a)) * s + gaps * (b - xp.matrix_transpose(b)) * down
    left = xp.matmul(u, turned) + u * gs
    if rows > columns:
        left = left + (gu - xp.matmul(u, a)) * inverse_values(xp, s)
    product = xp.matmul(left, transposed)
    if rows < columns:
        right = (gv - xp.matmul(v, b)) * inverse_values(xp, s)
        product = product + xp.matmul(u, xp.matrix_transpose(right))
    return product


@composite(
    samples=[
        sample(uniform(-1, 3, (3, 3))),
        sample(uniform(-2, 2, (4, 2)), full_matrices=False),
        sample(uniform(-2, 2, (2, 3)), full_matrices=False),
        sample(SQUARES),
    ]
)
def svd(xp: Namespace, x: Array, /, full_matrices: bool = True) -> SVD:
    """Singular values S, in descending order, and vectors: ``x == (U * S) @ Vh``.

    U has the left vectors as columns and Vh the right ones as rows: as many as there are singular
    values, or if `full_matrices` enough to make both square (then ``x == (U[..., :k] * S) @
    Vh[..., :k, :]`` for k singular values). The gradient of the vectors has factors
    ``1 / (S[j]**2 - S[i]**2)``, and ``1 / S`` if `x` is not square: of values that are equal, or
    0, up to rounding, they are taken as 0. The loss must not depend on the signs of vectors, on
    their choice among those of equal values, nor on that of the vectors beyond S.
    """
    matrix("svd", x)
    rows, columns = x.shape[-2:]
    packed = xp.packed_svd(x)
    u, s, v = packed[..., :rows, :], packed[..., rows, :], packed[..., rows + 1 :, :]
    if full_matrices and rows > columns:
        u = xp.concat([u, xp.orthogonal_complement(u)], axis=-1)
    if full_matrices and rows < columns:
        v = xp.concat([v, xp.orthogonal_complement(v)], axis=-1)
    return SVD(u, s, xp.matrix_transpose(v))


@linear(
    samples=[
        sample(uniform(-1, 3, (3, 3))),
        sample(uniform(-2, 2, (4, 2))),
        sample(uniform(-2, 2, (2, 2, 3))),
    ]
)
def svdvals(xp: Namespace, x: Array, /) -> Array:
    """Singular values, in descending order.

    Where some are equal, the derivative of their sum, and of every other function that treats
    them alike, is right.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.svdvals(tl.Tensor([[0.0, 2.0], [3.0, 0.0]]))
    Tensor([3., 2.], dtype=float32)
    """
    return xp.svdvals(x)


@svdvals.vjp("x", saves=("x",))
def _(xp, g, out, x):
    rows = x.shape[-2]
    packed = xp.packed_svd(x)
    u, v = packed[..., :rows, :], packed[..., rows + 1 :, :]
    return xp.matmul(u * xp.expand_dims(g, axis=-2), xp.matrix_transpose(v))

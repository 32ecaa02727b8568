"""Diagonals and triangles of matrices, which are the last two axes unless others are named."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..errors import ShapeError
from ..op import composite, movement
from ..samples import sample, uniform

WIDE = uniform(-3, 3, (3, 4))
TALL = uniform(-3, 3, (4, 2))
MATRICES = uniform(-3, 3, (2, 3, 3))


@movement(samples=[sample(WIDE), sample(TALL, k=-1), sample(MATRICES, k=1)])
def tril(xp: Namespace, x: Array, /, k: int = 0) -> Array:
    """The lower triangle: zeros above diagonal `k`, which is that many places above the main one.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.tril(tl.ones(2, 3))
    Tensor([[1., 0., 0.],
            [1., 1., 0.]], dtype=float32)
    """
    return xp.tril(x, k)


@tril.vjp("x")
def _(xp, g, out, x, *, k):
    return xp.tril(g, k)


@movement(samples=[sample(WIDE), sample(TALL, k=-1), sample(MATRICES, k=1)])
def triu(xp: Namespace, x: Array, /, k: int = 0) -> Array:
    """The upper triangle: zeros below diagonal `k`, which is that many places above the main one.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.triu(tl.ones(2, 3), k=1)
    Tensor([[0., 1., 1.],
            [0., 0., 1.]], dtype=float32)
    """
    return xp.triu(x, k)


@triu.vjp("x")
def _(xp, g, out, x, *, k):
    return xp.triu(g, k)


@movement(
    samples=[
        sample(WIDE),
        sample(TALL, offset=-1),
        sample(MATRICES, offset=1),
        sample(MATRICES, axis1=0, axis2=1),
    ]
)
def diagonal(
    xp: Namespace, x: Array, /, offset: int = 0, axis1: int = -2, axis2: int = -1
) -> Array:
    """The elements ``x[..., i, i + offset]`` along a new last axis.

    As in the standard's ``linalg.diagonal`` the matrices are the last two axes, not the first two.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.diagonal(tl.arange(6).reshape(2, 3), offset=1)
    Tensor([1, 5], dtype=int64)
    """
    return xp.diagonal(x, offset, axis1, axis2)


@diagonal.vjp("x")
def _(xp, g, out, x, *, offset, axis1, axis2):
    return xp.on_diagonal(g, x.shape, offset, axis1, axis2)


@movement(
    samples=[
        sample(uniform(-3, 3, (3,)), shape=(3, 4)),
        sample(uniform(-3, 3, (2, 2)), shape=(2, 3, 3), offset=-1),
        sample(uniform(-3, 3, (3, 2)), shape=(2, 3, 3), axis1=0, axis2=1),
    ]
)
def on_diagonal(
    xp: Namespace,
    x: Array,
    /,
    shape: tuple[int, ...],
    offset: int = 0,
    axis1: int = -2,
    axis2: int = -1,
) -> Array:
    """Zeros of `shape` with `x` on the diagonal; the adjoint of :func:`diagonal`."""
    return xp.on_diagonal(x, shape, offset, axis1, axis2)


@on_diagonal.vjp("x")
def _(xp, g, out, x, *, shape, offset, axis1, axis2):
    return xp.diagonal(g, offset, axis1, axis2)


def _embedded(xp, x, offset):
    side = x.shape[-1] + abs(offset)
    return xp.on_diagonal(x, (*x.shape[:-1], side, side), offset)


@composite(samples=[sample(uniform(-3, 3, (3,))), sample(uniform(-3, 3, (2, 2)), offset=-1)])
def diag_embed(xp: Namespace, x: Array, /, offset: int = 0) -> Array:
    """Square matrices of zeros with the last axis of `x` on diagonal `offset`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.diag_embed(tl.Tensor([1.0, 2.0]), offset=1)
    Tensor([[0., 1., 0.],
            [0., 0., 2.],
            [0., 0., 0.]], dtype=float32)
    """
    if not x.shape:
        raise ShapeError("diag_embed", "a single number has no axis", "Pass a vector.")
    return _embedded(xp, x, offset)


@composite(samples=[sample(uniform(-3, 3, (3,)), k=-1), sample(WIDE), sample(TALL, k=1)])
def diag(xp: Namespace, x: Array, /, k: int = 0) -> Array:
    """A matrix with the vector `x` on diagonal `k`, or the diagonal `k` of the matrix `x`."""
    if len(x.shape) not in (1, 2):
        raise ShapeError(
            "diag",
            f"shape {x.shape} is neither a vector nor a matrix",
            "Use diagonal or diag_embed, which take batches.",
        )
    return _embedded(xp, x, k) if len(x.shape) == 1 else xp.diagonal(x, k)

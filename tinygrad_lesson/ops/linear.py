"""Products of matrices and of vectors."""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..errors import ShapeError
from ..op import composite, linear
from ..samples import Domain, sample, uniform


def _matrix(*shape: int) -> Domain:
    return uniform(-2, 2, shape)


@linear(
    samples=[
        sample(_matrix(3, 4), _matrix(4, 2)),
        sample(_matrix(4), _matrix(4)),
        sample(_matrix(3, 4), _matrix(4)),
        sample(_matrix(4), _matrix(4, 2)),
        sample(_matrix(2, 3, 4), _matrix(4, 2)),
        sample(_matrix(2, 3, 4), _matrix(2, 4, 2)),
        sample(_matrix(2, 1, 3, 4), _matrix(5, 4, 2)),
        sample(_matrix(4), _matrix(2, 4, 3)),
        sample(_matrix(2, 3, 4), _matrix(4)),
    ]
)
def matmul(xp: Namespace, x: Array, y: Array, /) -> Array:
    """Matrix product ``x @ y`` of the last two axes; the axes before them broadcast.

    A 1-D `x` is a row, a 1-D `y` a column, and the result lacks that axis.
    """
    return xp.matmul(x, y)


@matmul.vjp("x", saves=("y",))
def _(xp, g, out, x, y):
    if y.ndim == 1:
        return g * y if x.ndim == 1 else xp.expand_dims(g, axis=-1) * y
    if x.ndim == 1:
        return xp.matmul(y, xp.expand_dims(g, axis=-1))[..., 0]
    return xp.matmul(g, xp.matrix_transpose(y))


@matmul.vjp("y", saves=("x",))
def _(xp, g, out, x, y):
    if x.ndim == 1:
        return g * x if y.ndim == 1 else xp.expand_dims(x, axis=-1) * xp.expand_dims(g, axis=-2)
    if y.ndim == 1:
        return xp.matmul(xp.matrix_transpose(x), xp.expand_dims(g, axis=-1))[..., 0]
    if y.ndim == 2 and x.ndim > 2:  # one product over the whole batch, not one for each matrix
        rows = math.prod(x.shape[:-1])
        x = xp.reshape(x, (rows, x.shape[-1]))
        g = xp.reshape(g, (rows, g.shape[-1]))
    return xp.matmul(xp.matrix_transpose(x), g)


@linear(
    samples=[
        sample(_matrix(3, 4), _matrix(2, 4), _matrix(2)),
        sample(_matrix(2, 3, 4), _matrix(2, 4), _matrix(2)),
        sample(_matrix(4), _matrix(2, 4), _matrix(2)),
    ]
)
def affine(xp: Namespace, x: Array, weight: Array, bias: Array, /) -> Array:
    """``x @ weight.mT + bias`` of the last axis: a layer of a network.

    In one op, so that the bias is added in place, and the gradient for the weight lies in memory as
    the weight does, which makes the optimizer's work on the two of them three times faster.
    """
    return xp.affine(x, weight, bias)


def _rows(xp: Namespace, x: Array) -> Array:
    return xp.reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


@affine.vjp("x", saves=("weight",))
def _(xp, g, out, x, weight, bias):
    return xp.matmul(g, weight)


@affine.vjp("weight", saves=("x",))
def _(xp, g, out, x, weight, bias):
    return xp.matmul(xp.matrix_transpose(_rows(xp, g)), _rows(xp, x))


@affine.vjp("bias")
def _(xp, g, out, x, weight, bias):
    rows = _rows(xp, g)  # a product with ones: several times faster than a sum
    return xp.matmul(xp.ones_like(rows[:, 0]), rows)


# ---- products of vectors -----------------------------------------------------------------


@linear(
    samples=[
        sample(_matrix(4), _matrix(4)),
        sample(_matrix(2, 1, 3), _matrix(4, 3)),
        sample(_matrix(3, 4), _matrix(3, 4), axis=0),
    ]
)
def vecdot(xp: Namespace, x1: Array, x2: Array, /, axis: int = -1) -> Array:
    """Sums of products along `axis`; the other axes broadcast.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.vecdot(tl.Tensor([[1, 2], [3, 4]]), tl.Tensor([1, 10]))
    Tensor([21, 43], dtype=int64)
    """
    return xp.vecdot(x1, x2, axis=axis)


@vecdot.vjp("x1", saves=("x2",))
def _(xp, g, out, x1, x2, *, axis):
    return xp.expand_dims(g, axis) * x2


@vecdot.vjp("x2", saves=("x1",))
def _(xp, g, out, x1, x2, *, axis):
    return xp.expand_dims(g, axis) * x1


@linear(
    samples=[
        sample(_matrix(3), _matrix(3)),
        sample(_matrix(2, 1, 3), _matrix(4, 3)),
        sample(_matrix(3, 2), _matrix(3, 2), axis=0),
    ]
)
def cross(xp: Namespace, x1: Array, x2: Array, /, axis: int = -1) -> Array:
    """Vector products, at right angles to both: of vectors of length 3 along `axis`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.cross(tl.Tensor([1, 0, 0]), tl.Tensor([0, 1, 0]))
    Tensor([0, 0, 1], dtype=int64)
    """
    return xp.cross(x1, x2, axis=axis)


@cross.vjp("x1", saves=("x2",))
def _(xp, g, out, x1, x2, *, axis):
    return xp.cross(x2, g, axis=axis)  # a triple product stays the same if turned around


@cross.vjp("x2", saves=("x1",))
def _(xp, g, out, x1, x2, *, axis):
    return xp.cross(g, x1, axis=axis)


@composite(samples=[sample(_matrix(3), _matrix(4))])
def outer(xp: Namespace, x1: Array, x2: Array, /) -> Array:
    """All products of an element of one vector and one of another, in a matrix.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.outer(tl.Tensor([1, 2]), tl.Tensor([1, 10, 100]))
    Tensor([[  1,  10, 100],
            [  2,  20, 200]], dtype=int64)
    """
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(
            "outer",
            f"shapes {x1.shape} and {x2.shape} are not two vectors",
            "Flatten them first, or multiply x1[..., :, None] * x2[..., None, :].",
        )
    return xp.expand_dims(x1, axis=1) * x2

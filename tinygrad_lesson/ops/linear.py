"""Products of matrices."""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..op import linear
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

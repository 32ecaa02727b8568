"""Formulas about matrices that several ops share, and what they demand of shapes."""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..errors import ShapeError

EPSILON = {2: 2.0**-10, 4: 2.0**-23, 8: 2.0**-52}
"""The distance from 1 to the next number, by the size of a float in bytes."""


def matrix(where: str, x: Array) -> None:
    """Refuse what has fewer than two axes."""
    if x.ndim < 2:
        raise ShapeError(
            where,
            f"shape {x.shape} is no matrix",
            "Pass at least two axes; a vector becomes a column with expand_dims(x, axis=-1).",
        )


def square(where: str, x: Array) -> None:
    """Refuse what is not a matrix, or several, with as many rows as columns."""
    matrix(where, x)
    if x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            where,
            f"shape {x.shape} is no square matrix",
            "The last two axes must have the same length.",
        )


def diagonal_matrix(xp: Namespace, values: Array) -> Array:
    """Square matrices with `values` on the diagonal, and zeros elsewhere."""
    return xp.on_diagonal(values, (*values.shape, values.shape[-1]))


def inverse_gaps(xp: Namespace, values: Array) -> Array:
    """``1 / (values[j] - values[i])``, and 0 for values that are equal up to rounding."""
    gaps = xp.expand_dims(values, axis=-2) - xp.expand_dims(values, axis=-1)
    equal = xp.abs(gaps) <= _rounding(xp, xp.expand_dims(values, axis=-1))
    return xp.where(equal, 0.0, 1 / xp.where(equal, 1.0, gaps))


def inverse_values(xp: Namespace, values: Array) -> Array:
    """``1 / values`` of a row of values, and 0 for those that are 0 up to rounding."""
    zero = values <= _rounding(xp, xp.matrix_transpose(values))
    return xp.where(zero, 0.0, 1 / xp.where(zero, 1.0, values))


def _rounding(xp: Namespace, column: Array) -> Array:
    """How far rounding may move the eigenvalues or singular values in `column`: all as far."""
    largest = xp.vector_norm(column, axis=-2, keepdims=True, ord=math.inf)
    return 4 * EPSILON[column.dtype.itemsize] * largest

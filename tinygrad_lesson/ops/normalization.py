"""Normalisation: numbers brought to mean 0 and mean square 1 along axes.

With n numbers along the axes, m their mean and ``s = 1 / sqrt(var + eps)``, the Jacobian of
``y = (x - m) * s`` is ``s * (I - 1 1' / n - y y' / n)``: symmetric, and made of the two ops
:func:`rstd` and :func:`reject`.
"""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..op import linear, reduction
from ..samples import sample, uniform

Axis = int | tuple[int, ...]

ROWS = uniform(-3, 3, (3, 4))
BLOCK = uniform(-3, 3, (2, 3, 3))
ROW = uniform(-3, 3, (4,))
MATRIX = uniform(-3, 3, (3, 3))


def _count(x: Array, axis: Axis) -> int:
    """How many numbers are normalised together."""
    axes = axis if isinstance(axis, tuple) else (axis,)
    return math.prod(x.shape[a] for a in axes)


@reduction(
    samples=[
        sample(ROWS),
        sample(BLOCK, axis=(0, 2), eps=0.1),
        sample(BLOCK, axis=(-1, -2), center=False),
        sample(ROWS, axis=0),
    ]
)
def standardize(
    xp: Namespace, x: Array, /, axis: Axis = -1, eps: float = 1e-5, center: bool = True
) -> Array:
    """Deviations from the mean, over the standard deviation: ``(x - mean) / sqrt(var + eps)``.

    The formula of layer, group, instance and batch normalisation, which differ in their axes (Ba,
    Kiros, Hinton, "Layer Normalization", 2016; Ioffe, Szegedy, "Batch Normalization", 2015).

    Parameters
    ----------
    axis
        The axis, or a tuple of those, along which mean and variance are taken.
    eps
        Keeps the divisor from 0; numbers that are all equal become 0.
    center
        False leaves the mean where it is, and divides by the root of the mean square (Zhang,
        Sennrich, "Root Mean Square Layer Normalization", 2019).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.standardize(tl.Tensor([0.0, 4.0, 4.0, 0.0]), eps=0.0)
    Tensor([-1.,  1.,  1., -1.], dtype=float32)
    """
    return xp.standardize(x, axis=axis, eps=eps, center=center)


@standardize.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, eps, center):
    scale = xp.rstd(x, axis=axis, eps=eps, center=center)
    return xp.reject(g, out, scale, axis=axis, center=center)


@reduction(samples=[sample(ROWS), sample(BLOCK, axis=(0, 2)), sample(ROWS, center=False)])
def rstd(
    xp: Namespace, x: Array, /, axis: Axis = -1, eps: float = 1e-5, center: bool = True
) -> Array:
    """``1 / sqrt(var + eps)``, by which :func:`standardize` multiplies; the axes stay, as 1."""
    return xp.rstd(x, axis=axis, eps=eps, center=center)


@rstd.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, eps, center):
    slope = g * out * out / -_count(x, axis)
    return slope * xp.standardize(x, axis=axis, eps=eps, center=center)


@reduction(
    samples=[
        sample(ROWS, ROWS, uniform(0.5, 2, (3, 1))),
        sample(BLOCK, BLOCK, uniform(0.5, 2, (1, 3, 1)), axis=(0, 2)),
        sample(ROWS, ROWS, uniform(0.5, 2, (3, 1)), center=False),
    ]
)
def reject(
    xp: Namespace, x: Array, y: Array, scale: Array, /, axis: Axis = -1, center: bool = True
) -> Array:
    """`x` without its mean (if `center`), and without its part along `y`; times `scale`.

    ``(x - mean(x) - y * mean(x * y)) * scale``: the vector rejection, for a `y` of mean square 1.
    `scale` has length 1 along the axes, and is not 0.
    """
    return xp.reject(x, y, scale, axis=axis, center=center)


@reject.vjp("x", saves=("y", "scale"))
def _(xp, g, out, x, y, scale, *, axis, center):
    return xp.reject(g, y, scale, axis=axis, center=center)


@reject.vjp("y", saves=("x", "y", "scale"))
def _(xp, g, out, x, y, scale, *, axis, center):
    along_x = xp.mean(x * y, axis=axis, keepdims=True)
    along_g = xp.mean(g * y, axis=axis, keepdims=True)
    return -(g * along_x + x * along_g) * scale


@reject.vjp("scale", saves=("out", "scale"))
def _(xp, g, out, x, y, scale, *, axis, center):
    return g * out / scale


@linear(samples=[sample(ROWS, ROW, ROW), sample(BLOCK, MATRIX, MATRIX)])
def scale_shift(xp: Namespace, x: Array, weight: Array, bias: Array, /) -> Array:
    """``x * weight + bias``, for a weight and a bias of the shape of the last axes."""
    return xp.scale_shift(x, weight, bias)


def _sum_rows(xp: Namespace, x: Array, shape: tuple[int, ...]) -> Array:
    """The sum over all axes but the last, as a product with ones: BLAS is three times faster."""
    rows = xp.reshape(x, (math.prod(x.shape[: -len(shape)]), math.prod(shape)))
    return xp.reshape(xp.matmul(xp.ones_like(rows[:, 0]), rows), shape)


@scale_shift.vjp("x", saves=("weight",))
def _(xp, g, out, x, weight, bias):
    return g * weight


@scale_shift.vjp("weight", saves=("x",))
def _(xp, g, out, x, weight, bias):
    return _sum_rows(xp, g * x, weight.shape)


@scale_shift.vjp("bias")
def _(xp, g, out, x, weight, bias):
    return _sum_rows(xp, g, bias.shape)

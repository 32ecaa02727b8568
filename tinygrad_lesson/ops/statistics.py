"""Statistics: spreads, means of what is there, weighted means, covariances, areas."""

from __future__ import annotations

import math
from typing import NamedTuple

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import ShapeError
from ..op import composite
from ..samples import sample, uniform
from .precision import narrowed, widened
from .reduction import ALONG_AXES, REALS, Axis, checked, nonempty

# ---- spreads, and means with their spreads -------------------------------------------------


class Extremes(NamedTuple):
    """What :func:`aminmax` returns."""

    min: Array
    max: Array


@composite(samples=ALONG_AXES)
def aminmax(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Extremes:
    """Smallest and largest element: a tuple ``(min, max)``."""
    axis = nonempty("aminmax", x, axis)
    low = xp.min(x, axis=axis, keepdims=keepdims)
    return Extremes(low, xp.max(x, axis=axis, keepdims=keepdims))


@composite(samples=ALONG_AXES)
def ptp(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element minus smallest ("peak to peak")."""
    axis = nonempty("ptp", x, axis)
    return xp.max(x, axis=axis, keepdims=keepdims) - xp.min(x, axis=axis, keepdims=keepdims)


class VarMean(NamedTuple):
    """What :func:`var_mean` returns."""

    var: Array
    mean: Array


class StdMean(NamedTuple):
    """What :func:`std_mean` returns."""

    std: Array
    mean: Array


@composite(samples=[*ALONG_AXES[:4], sample(REALS, axis=1, correction=1.0)])
def var_mean(
    xp: Namespace, x: Array, /, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> VarMean:
    """Both :func:`var` and :func:`mean`: a tuple ``(var, mean)``."""
    axis = checked("var_mean", x, axis)
    var = xp.var(x, axis=axis, correction=correction, keepdims=keepdims)
    return VarMean(var, xp.mean(x, axis=axis, keepdims=keepdims))


@composite(samples=[*ALONG_AXES[:4], sample(REALS, axis=1, correction=1.0)])
def std_mean(
    xp: Namespace, x: Array, /, axis: Axis = None, correction: float = 0.0, keepdims: bool = False
) -> StdMean:
    """Both :func:`std` and :func:`mean`: a tuple ``(std, mean)``."""
    axis = checked("std_mean", x, axis)
    std = xp.std(x, axis=axis, correction=correction, keepdims=keepdims)
    return StdMean(std, xp.mean(x, axis=axis, keepdims=keepdims))


# ---- what is missing, and what counts more than once -----------------------------------------


@composite(samples=ALONG_AXES)
def nansum(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Sum of what is not NaN."""
    axis = checked("nansum", x, axis)
    return xp.sum(xp.where(xp.isnan(x), 0, x), axis=axis, keepdims=keepdims)


@composite(samples=ALONG_AXES)
def nanmean(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Mean of what is not NaN; if nothing is left, NaN."""
    axis, missing = checked("nanmean", x, axis), xp.isnan(x)
    present = xp.astype(xp.logical_not(missing), x.dtype if x.dtype.kind == "f" else "float64")
    total = xp.mean(xp.where(missing, 0, x), axis=axis, keepdims=keepdims)
    return total / xp.mean(present, axis=axis, keepdims=keepdims)


@composite(samples=ALONG_AXES)
def nanprod(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Product of what is not NaN."""
    axis = checked("nanprod", x, axis)
    return xp.prod(xp.where(xp.isnan(x), 1, x), axis=axis, keepdims=keepdims)


def _with(xp: Namespace, x: Array, filler: float) -> Array:
    """`x` with the number `filler` in the place of NaN."""
    return xp.where(xp.isnan(x), filler, x) if x.dtype.kind == "f" else x


def _nan_if_nothing(xp: Namespace, x: Array, found: Array, axis: Axis, keepdims: bool) -> Array:
    """NaN where nothing but NaN was reduced."""
    if x.dtype.kind != "f":
        return found
    return xp.where(xp.all(xp.isnan(x), axis=axis, keepdims=keepdims), math.nan, found)


@composite(samples=ALONG_AXES)
def nanmax(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Largest element that is not NaN, or NaN if nothing is left; equals share the gradient."""
    axis = nonempty("nanmax", x, axis)
    found = xp.max(_with(xp, x, -math.inf), axis=axis, keepdims=keepdims)
    return _nan_if_nothing(xp, x, found, axis, keepdims)


@composite(samples=ALONG_AXES)
def nanmin(xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False) -> Array:
    """Smallest element that is not NaN, or NaN if nothing is left; equals share the gradient."""
    axis = nonempty("nanmin", x, axis)
    found = xp.min(_with(xp, x, math.inf), axis=axis, keepdims=keepdims)
    return _nan_if_nothing(xp, x, found, axis, keepdims)


WEIGHTS = uniform(0.2, 2, (3, 4))


@composite(
    samples=[
        sample(REALS),
        sample(REALS, WEIGHTS),
        sample(REALS, WEIGHTS, axis=0, keepdims=True),
        sample(REALS, uniform(0.2, 2, (3,)), axis=0),
    ]
)
def average(
    xp: Namespace, x: Array, /, *weights: Array, axis: Axis = None, keepdims: bool = False
) -> Array:
    """``sum(weights * x) / sum(weights)``; without weights, the mean.

    The weights have the shape of `x`, or are 1-D and go along its one `axis`. It is written
    ``average(x, w)`` or ``average(x, weights=w)``.
    """
    if not weights:
        return xp.mean(x, axis=axis, keepdims=keepdims)
    (x, w), dtype = widened(xp, x, weights[0])
    if w.shape != x.shape:
        if len(w.shape) != 1 or not isinstance(axis, int):
            raise ShapeError(
                "average",
                f"weights of shape {w.shape} do not fit shape {x.shape}",
                "They have the shape of x, or are 1-D and go along one axis=.",
            )
        a = arguments.axis("average", axis, x.ndim)
        if w.shape[0] != x.shape[a]:
            raise ShapeError(
                "average",
                f"{w.shape[0]} weights for axis {a} of shape {x.shape}",
                f"Pass {x.shape[a]} of them.",
            )
        w = xp.reshape(w, tuple(n if i == a else 1 for i, n in enumerate(x.shape)))
    total = xp.sum(x * w, axis=axis, keepdims=keepdims)
    weight = xp.sum(xp.broadcast_to(w, x.shape), axis=axis, keepdims=keepdims)
    return narrowed(xp, total / weight, dtype)


# ---- covariance --------------------------------------------------------------------------


def _deviations(xp: Namespace, where: str, x: Array, rowvar: bool) -> Array:
    """`x` as a matrix with a variable in each row, less the mean of each row."""
    if x.ndim not in (1, 2):
        raise ShapeError(
            where,
            f"shape {x.shape} has {x.ndim} axes",
            "Pass one variable, or a matrix with a variable in each row.",
        )
    if x.ndim == 1:
        x = xp.reshape(x, (1, x.shape[0]))
    elif not rowvar:
        x = xp.matrix_transpose(x)
    return x - xp.mean(x, axis=1, keepdims=True)


@composite(
    samples=[
        sample(REALS),
        sample(REALS, rowvar=False, bias=True),
        sample(uniform(-3, 3, (5,)), correction=2),
    ]
)
def cov(
    xp: Namespace,
    x: Array,
    /,
    rowvar: bool = True,
    bias: bool = False,
    correction: float | None = None,
) -> Array:
    """Covariances of variables, one in each row (not `rowvar`: in each column) of `x`.

    Parameters
    ----------
    x
        A matrix, or one variable, whose variance is a single number.
    rowvar
        Whether a row, not a column, is a variable.
    bias
        Divide by the number of observations, not by one less.
    correction
        Divide by the number of observations less this (NumPy's `ddof`); outweighs `bias`.
    """
    deviations = _deviations(xp, "cov", x, rowvar)
    default = 0 if bias else 1
    count = deviations.shape[1] - (default if correction is None else correction)
    if count <= 0:
        raise ShapeError(
            "cov",
            f"{deviations.shape[1]} observations are too few",
            "Pass more, or a smaller correction=.",
        )
    found = xp.matmul(deviations, xp.matrix_transpose(deviations)) / count
    return xp.reshape(found, ()) if x.ndim == 1 else found


@composite(samples=[sample(REALS), sample(REALS, rowvar=False)])
def corrcoef(xp: Namespace, x: Array, /, rowvar: bool = True) -> Array:
    """Correlation coefficients of variables; a variable that is constant has none (NaN).

    See :func:`cov` for the shapes.
    """
    deviations = _deviations(xp, "corrcoef", x, rowvar)
    lengths = xp.vector_norm(deviations, axis=1, keepdims=True)
    units = xp.where(lengths == 0, math.nan, deviations / (lengths + (lengths == 0)))
    found = xp.clip(xp.matmul(units, xp.matrix_transpose(units)), min=-1.0, max=1.0)
    return xp.reshape(found, ()) if x.ndim == 1 else found


# ---- areas -------------------------------------------------------------------------------


@composite(
    samples=[
        sample(REALS),
        sample(REALS, axis=0, dx=0.5),
        sample(REALS, uniform(0, 3, (3,)), axis=0),
        sample(REALS, REALS),
    ]
)
def trapezoid(xp: Namespace, y: Array, /, *x: Array, dx: float = 1.0, axis: int = -1) -> Array:
    """Area under a curve of straight lines between points, `dx` or the steps in `x` apart.

    `x` has the shape of `y`, or is 1-D and goes along `axis`. It is written ``trapezoid(y, x)`` or
    ``trapezoid(y, x=x)``.
    """
    a = arguments.axis("trapezoid", axis, y.ndim)
    (y, *at), dtype = widened(xp, y, *x)
    before, after = ((slice(None),) * a + (part,) for part in (slice(None, -1), slice(1, None)))
    means = (y[before] + y[after]) / 2
    if not at:
        return narrowed(xp, xp.sum(means, axis=a) * dx, dtype)
    places = at[0]
    if places.shape == (y.shape[a],):
        places = xp.reshape(places, tuple(n if i == a else 1 for i, n in enumerate(y.shape)))
    elif places.shape != y.shape:
        raise ShapeError(
            "trapezoid",
            f"x of shape {places.shape} does not fit y of shape {y.shape} along axis {a}",
            "It has the shape of y, or is 1-D and as long as y along axis.",
        )
    return narrowed(xp, xp.sum(means * (places[after] - places[before]), axis=a), dtype)

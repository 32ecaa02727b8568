"""Norms of vectors, and what is measured with them: distances and angles."""

from __future__ import annotations

import math

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import ArgumentError, ShapeError
from ..op import composite, reduction
from ..samples import sample, uniform
from .reduction import Axis, checked, floats, kept

REALS = uniform(-3, 3, (3, 4), avoid=(0.0,))
ROWS = uniform(-3, 3, (3, 4))


@reduction(
    samples=[
        sample(REALS),
        sample(REALS, axis=0),
        sample(uniform(-3, 3, (2, 3, 2)), axis=(0, 2), keepdims=True),
        sample(REALS, axis=1, ord=1),
        sample(REALS, axis=1, ord=3.5),
        sample(REALS, axis=0, ord=0.5),
        sample(REALS, axis=0, ord=-2),
        sample(REALS, axis=1, ord=math.inf),
        sample(REALS, ord=-math.inf, keepdims=True),
    ]
)
def vector_norm(
    xp: Namespace, x: Array, /, axis: Axis = None, keepdims: bool = False, ord: float = 2
) -> Array:
    """``sum(abs(x) ** ord) ** (1 / ord)``, of all elements if `axis` is None.

    Parameters
    ----------
    x
        Any shape.
    axis, keepdims
        As for :func:`sum`.
    ord
        Any number: 2 is the length, ``inf`` the largest and ``-inf`` the smallest magnitude, 0
        counts the elements that are not 0.

    Notes
    -----
    At 0, where a norm has a kink, the derivative is 0, and nowhere NaN; for ``ord < 1`` an element
    that is 0 gets 0, too. Equal magnitudes share the gradient of the largest or smallest evenly.
    Neither large nor small numbers overflow or vanish for ``ord > 0``.
    """
    return xp.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)


@vector_norm.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, axis, keepdims, ord):
    g, out = (kept(xp, array, x, axis, keepdims) for array in (g, out))
    if ord == 0:
        return xp.broadcast_to(g * 0, x.shape)
    if ord == 1:
        return g * xp.sign(x)
    if abs(ord) == math.inf:
        chosen = xp.abs(x) == out
        ties = xp.sum(xp.astype(chosen, g.dtype), axis=axis, keepdims=True)
        return xp.where(chosen, g / (ties + (ties == 0)) * xp.sign(x), 0.0)  # NaN equals nothing
    ratio = x / (out + (out == 0))  # 0 / 1 rather than 0 / 0
    if ord == 2:
        return g * ratio
    size = xp.abs(ratio)
    slope = xp.sign(x) * (size + (size == 0)) ** (ord - 1)
    return g * xp.where(out == 0, 0.0, slope) if ord < 0 else g * slope


@composite(samples=[sample(REALS), sample(REALS, axis=0, ord=1), sample(ROWS, axis=1)])
def norm(
    xp: Namespace,
    x: Array,
    /,
    ord: float | None = None,
    axis: Axis = None,
    keepdims: bool = False,
) -> Array:
    """Length of a vector, with NumPy's order of parameters; see :func:`vector_norm`.

    Without `ord` and `axis`, it is the length of all elements of any shape.
    """
    axes = checked("norm", x, axis)
    if isinstance(ord, str) or (ord is not None and len(axes) > 1):
        raise ArgumentError(
            "norm",
            f"ord={ord!r} of {len(axes)} axes is a norm of matrices",
            "Use matrix_norm, or vector_norm for that of the elements.",
        )
    return xp.vector_norm(x, axis=axes, keepdims=keepdims, ord=2 if ord is None else ord)


@composite(samples=[sample(ROWS), sample(ROWS, p=1.0, axis=0), sample(ROWS, p=3.0, axis=-1)])
def normalize(
    xp: Namespace, x: Array, /, p: float = 2.0, axis: int = 1, eps: float = 1e-12
) -> Array:
    """`x` divided by its norm of order `p` along `axis`, or by `eps` where that is larger."""
    axis = arguments.axis("normalize", axis, x.ndim)
    return x / xp.clip(xp.vector_norm(x, axis=axis, keepdims=True, ord=p), min=eps)


@composite(
    samples=[
        sample(ROWS, ROWS),
        sample(uniform(-3, 3, (2, 3, 2)), uniform(-3, 3, (3, 1)), axis=0),
    ]
)
def cosine_similarity(
    xp: Namespace, x: Array, y: Array, /, axis: int = 1, eps: float = 1e-8
) -> Array:
    """Cosine of the angle between vectors along `axis`: ``sum(x * y) / (|x| |y|)``.

    A length that is less than `eps` counts as `eps`, so that a vector of zeros gives 0.
    """
    shape = arguments.broadcast_shape("cosine_similarity", x.shape, y.shape)
    axis = arguments.axis("cosine_similarity", axis, len(shape))
    x, y = (xp.broadcast_to(floats(xp, v), shape) for v in (x, y))
    # Each by its own length first: the squares of large numbers would be infinite.
    x, y = (v / xp.clip(xp.vector_norm(v, axis=axis, keepdims=True), min=eps) for v in (x, y))
    return xp.sum(x * y, axis=axis)


@composite(
    samples=[
        sample(ROWS, ROWS),
        sample(uniform(-3, 3, (2, 1, 3)), uniform(-3, 3, (2, 3)), p=1.0, keepdims=True),
    ]
)
def pairwise_distance(
    xp: Namespace,
    x: Array,
    y: Array,
    /,
    p: float = 2.0,
    eps: float = 1e-6,
    keepdims: bool = False,
) -> Array:
    """``vector_norm(x - y + eps, ord=p)`` along the last axis.

    The `eps` is PyTorch's, which needs it at coincident points; here ``eps=0`` is safe, too.
    """
    arguments.broadcast_shape("pairwise_distance", x.shape, y.shape)
    return xp.vector_norm(floats(xp, x) - floats(xp, y) + eps, axis=-1, keepdims=keepdims, ord=p)


@composite(
    samples=[
        sample(uniform(-3, 3, (3, 2)), uniform(-3, 3, (4, 2))),
        sample(uniform(-3, 3, (2, 3, 2)), uniform(-3, 3, (2, 2)), p=1.0),
    ]
)
def cdist(xp: Namespace, x: Array, y: Array, /, p: float = 2.0) -> Array:
    """Distances, in the norm of order `p`, of each row of `x` from each row of `y`.

    Shapes (..., m, d) and (..., n, d) give (..., m, n). They are found from the differences, so
    that small distances are accurate, and that of coincident points has the derivative 0.
    """
    if min(x.ndim, y.ndim) < 2 or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            "cdist",
            f"the rows of shapes {x.shape} and {y.shape} are not of one length",
            "Pass points as the rows of matrices (..., m, d) and (..., n, d).",
        )
    x, y = xp.expand_dims(floats(xp, x), axis=-2), xp.expand_dims(floats(xp, y), axis=-3)
    return xp.vector_norm(x - y, axis=-1, ord=p)

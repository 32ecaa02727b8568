"""Attention: averages of values, weighted by how well keys match a query."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from ..arrays import Array, Namespace
from ..errors import ArgumentError, ShapeError
from ..op import composite, reduction
from ..samples import sample, uniform

ROWS = uniform(-3, 3, (3, 4))


@reduction(samples=[sample(ROWS), sample(ROWS, axis=0), sample(uniform(-3, 3, (2, 3, 2)), axis=1)])
def safe_softmax(xp: Namespace, x: Array, /, axis: int = -1) -> Array:
    """:func:`softmax` in which -inf means "left out": where all are, it is 0, and so is its slope.

    Examples
    --------
    >>> import math, tinygrad_lesson as tl
    >>> tl.safe_softmax(tl.Tensor([[1.0, 1.0, -math.inf], [-math.inf] * 3]))
    Tensor([[0.5, 0.5, 0. ],
            [0. , 0. , 0. ]], dtype=float32)
    """
    return xp.safe_softmax(x, axis=axis)


@safe_softmax.vjp("x", saves=("out",))
def _(xp, g, out, x, *, axis):
    return xp.softmax_grad(g, out, axis=axis)


QUERY, KEY, VALUE = uniform(-2, 2, (2, 3, 2)), uniform(-2, 2, (2, 4, 2)), uniform(-2, 2, (2, 4, 3))


@composite(
    samples=[
        sample(QUERY, KEY, VALUE),
        sample(QUERY, KEY, VALUE, is_causal=True, scale=0.5),
        sample(uniform(-2, 2, (2, 2)), KEY, uniform(-2, 2, (4, 1))),
    ]
)
def scaled_dot_product_attention(
    xp: Namespace,
    query: Array,
    key: Array,
    value: Array,
    /,
    is_causal: bool = False,
    scale: float | None = None,
) -> Array:
    """``softmax(query @ key.mT * scale) @ value`` (Vaswani et al., "Attention Is All You Need").

    Parameters
    ----------
    query, key, value
        Shapes (..., L, E), (..., S, E) and (..., S, V); the axes before broadcast.
    is_causal
        Query i sees the keys 0 to i only.
    scale
        None: ``1 / sqrt(E)``.

    Returns
    -------
    Shape (..., L, V).
    """
    return attend(xp, query, key, value, is_causal=is_causal, scale=scale)


def attend(
    xp: Namespace,
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    dropout: Callable[[Array], Array] | None = None,
    where: str = "scaled_dot_product_attention",
) -> Array:
    """:func:`scaled_dot_product_attention` with what an op cannot have.

    Parameters
    ----------
    mask
        Booleans, false where a query must not see a key; or floats to add to the scores.
    dropout
        Applied to the weights.
    where
        The head of error messages.
    """
    _check(where, query, key, value, mask)
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1] or 1)
    scores = xp.matmul(query * scale, xp.matrix_transpose(key))
    if is_causal:
        one = scores[(slice(0, 1),) * (scores.ndim - 2)]  # the same for all matrices
        scores = xp.where(xp.tril(xp.ones_like(one)) > 0, scores, -math.inf)
    if mask is not None:
        scores = xp.where(mask, scores, -math.inf) if mask.dtype.kind == "b" else scores + mask
    weights = xp.safe_softmax(scores, axis=-1)
    if dropout is not None:
        weights = dropout(weights)
    return xp.matmul(weights, value)


def _check(where: str, query: Array, key: Array, value: Array, mask: Array | None) -> None:
    shapes = f"query {query.shape}, key {key.shape}, value {value.shape}"
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ShapeError(where, shapes, "Each needs two axes: (L, E), (S, E) and (S, V).")
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(
            where,
            f"{shapes}: queries of length {query.shape[-1]} and keys of {key.shape[-1]}",
            "The last axes of query and key must be equal.",
        )
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            where,
            f"{shapes}: {key.shape[-2]} keys and {value.shape[-2]} values",
            "The second last axes of key and value must be equal.",
        )
    outer = _broadcast(*(a.shape[:-2] for a in (query, key, value)))
    if outer is None:
        raise ShapeError(
            where,
            f"{shapes}: the axes before the last two do not broadcast",
            "They are lined up from the right; each must be equal, or 1.",
        )
    if mask is None:
        return
    if mask.dtype.kind not in "bf":
        raise ArgumentError(
            where,
            f"the mask holds {mask.dtype}",
            "Pass booleans, true where a key takes part, or floats to add to the scores.",
        )
    scores = (*outer, query.shape[-2], key.shape[-2])
    if _broadcast(mask.shape, scores) != scores:
        raise ShapeError(
            where,
            f"the mask has shape {mask.shape} for scores of {scores}",
            "It must broadcast to (..., L, S).",
        )


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that `shapes` have together, if they do."""
    common: list[int] = []
    for lengths in itertools.zip_longest(*map(reversed, shapes), fillvalue=1):
        longer = {n for n in lengths if n != 1}
        if len(longer) > 1:
            return None
        common.append(*(longer or {1}))
    return tuple(reversed(common))

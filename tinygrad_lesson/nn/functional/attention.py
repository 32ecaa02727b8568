"""Attention as a function, with mask and dropout."""

from __future__ import annotations

from ... import ops
from ...arrays import Array
from ...errors import ArgumentError, RangeError
from ...ops.attention import attend
from ...random import draw
from ...tensor import Tensor
from .conversion import as_tensor
from .place import layer_or


def scaled_dot_product_attention(
    query: Array,
    key: Array,
    value: Array,
    attn_mask: Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
) -> Tensor:
    """``softmax(query @ key.mT * scale) @ value`` (Vaswani et al., "Attention Is All You Need").

    Parameters
    ----------
    query, key, value
        Shapes (..., L, E), (..., S, E) and (..., S, V); the axes before broadcast.
    attn_mask
        Of a shape that broadcasts to (..., L, S). Booleans are true where a key takes part;
        floats are added to the scaled scores. A query that sees no key gets 0, with gradient 0.
    dropout_p
        The share of the weights that become 0, whether in training or not.
    is_causal
        Query i sees the keys 0 to i only; then there must be no mask.
    scale
        None: ``1 / sqrt(E)``.

    Returns
    -------
    Shape (..., L, V).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> x = tl.Tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> mask = tl.Tensor([[True, False], [False, False]])
    >>> tl.nn.functional.scaled_dot_product_attention(x, x, x, mask)
    Tensor([[1., 0.],
            [0., 0.]], dtype=float32)
    """
    where = layer_or("scaled_dot_product_attention")
    if attn_mask is not None and is_causal:
        raise ArgumentError(where, "there is a mask, and is_causal=True", "Pass one of them.")
    if not 0 <= dropout_p <= 1:
        raise RangeError(where, f"dropout_p={dropout_p} is no share", "Pass 0 <= dropout_p <= 1.")
    result: Tensor = attend(
        ops,
        as_tensor(query),
        as_tensor(key),
        as_tensor(value),
        mask=None if attn_mask is None else as_tensor(attn_mask),
        is_causal=is_causal,
        scale=scale,
        dropout=(lambda weights: _dropout(weights, dropout_p)) if dropout_p else None,
        where=where,
    )
    return result


def _dropout(weights: Tensor, p: float) -> Tensor:
    kept = Tensor.lift(draw(None, "random", weights.shape)) >= p
    return ops.where(kept, weights / (1 - p), 0.0) if p < 1 else weights * 0.0

"""Attention with several heads, as a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..creation import zeros
from ..errors import ArgumentError, RangeError, ShapeError
from ..ops.attention import attend
from ..tensor import Tensor
from .functional import dropout as drop
from .functional import linear
from .functional.place import layer_or
from .init import xavier_uniform_
from .layers import Linear
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.random import Generator

KINDS = ("query", "key", "value")


class MultiheadAttention(Module):
    """Attention of several heads, each in a part of its own of the features.

    Query, key and value are mapped linearly and cut into `num_heads` parts; each part goes through
    :func:`~tinygrad_lesson.nn.functional.scaled_dot_product_attention`; and what comes out, side by
    side, is mapped once more.

    Parameters
    ----------
    embed_dim
        Number of features of the query, and of the output.
    num_heads
        How many heads there are; it divides `embed_dim`.
    dropout
        The share of attention weights that is dropped in training.
    bias
        Whether the linear maps have biases.
    kdim, vdim
        Numbers of features of key and value, `embed_dim` unless given.
    batch_first
        Whether the axis of sequences comes before that of steps.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial numbers.

    Attributes
    ----------
    in_proj_weight
        Shape (3 * embed_dim, embed_dim), the maps of query, key and value one below the other; or
        None, and `q_proj_weight`, `k_proj_weight` and `v_proj_weight` in its place, if `kdim` or
        `vdim` differ.
    in_proj_bias
        Shape (3 * embed_dim,), or None.
    out_proj
        The last map, a :class:`Linear`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.MultiheadAttention(4, num_heads=2, batch_first=True)
    >>> x = tl.ones(5, 3, 4)
    >>> out, weights = layer(x, x, x)
    >>> out.shape, weights.shape
    ((5, 3, 4), (5, 3, 3))

    References
    ----------
    Vaswani et al., "Attention is all you need" (2017), section 3.2.2.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        *,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where = type(self).__name__
        self.embed_dim = count(where, "embed_dim", embed_dim)
        self.num_heads = count(where, "num_heads", num_heads)
        if not num_heads or embed_dim % num_heads:
            raise RangeError(
                where,
                f"embed_dim={embed_dim} cannot be cut into num_heads={num_heads} equal parts",
                "Pass an embed_dim that is a multiple of num_heads.",
            )
        if not 0 <= dropout <= 1:
            raise RangeError(where, f"dropout={dropout} is no share", "Pass 0 <= dropout <= 1.")
        self.dropout, self.batch_first = dropout, batch_first
        self.kdim = embed_dim if kdim is None else count(where, "kdim", kdim)
        self.vdim = embed_dim if vdim is None else count(where, "vdim", vdim)

        def weight(rows: int, columns: int) -> Parameter:
            made = Parameter(zeros(rows, columns, dtype=dtype))
            xavier_uniform_(made, generator=generator)
            return made

        self.in_proj_weight = None
        if self.kdim == self.vdim == embed_dim:
            self.in_proj_weight = weight(3 * embed_dim, embed_dim)
        else:
            self.q_proj_weight = weight(embed_dim, embed_dim)
            self.k_proj_weight = weight(embed_dim, self.kdim)
            self.v_proj_weight = weight(embed_dim, self.vdim)
        self.in_proj_bias = Parameter(zeros(3 * embed_dim, dtype=dtype)) if bias else None
        self.out_proj = Linear(embed_dim, embed_dim, bias, dtype=dtype, generator=generator)
        if self.out_proj.bias is not None:
            self.out_proj.bias.assign(zeros(embed_dim, dtype=dtype))

    def forward(
        self,
        query: Array,
        key: Array,
        value: Array,
        key_padding_mask: Array | None = None,
        need_weights: bool = True,
        attn_mask: Array | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Let each query look at the keys, and take in their values.

        Parameters
        ----------
        query, key, value
            Shapes (L, N, embed_dim), (S, N, kdim) and (S, N, vdim); (N, L, embed_dim) and so on if
            `batch_first`; or without N.
        key_padding_mask
            Shape (N, S), or (S,) without N: the keys to leave out, by booleans that are *true*
            there, or by floats to add to the scores.
        need_weights
            Whether to return the attention weights, too.
        attn_mask
            Shape (L, S) or (N * num_heads, L, S), in the same sense.
        average_attn_weights
            Return the mean over the heads.
        is_causal
            Query i sees the keys 0 to i only; no `attn_mask` is needed for that.

        Returns
        -------
        output, weights
            Of the shape of `query`; and (N, L, S), with an axis of heads after N unless they are
            averaged, or None.

        Notes
        -----
        The masks are true where there is *no* attention, PyTorch's custom for this layer; in
        ``scaled_dot_product_attention`` it is the other way round. A query that sees no key gets
        attention 0, where PyTorch gives NaN.
        """
        given = [x if isinstance(x, Tensor) else Tensor(x) for x in (query, key, value)]
        self._check(given)
        batched = given[0].ndim == 3
        if not batched:
            given = [ops.expand_dims(x, axis=0) for x in given]
        elif not self.batch_first:
            given = [ops.permute_dims(x, (1, 0, 2)) for x in given]
        kept: list[Tensor] = []

        def dropped(weights: Tensor) -> Tensor:
            kept.append(drop(weights, self.dropout, self.training))
            return kept[0]

        q, k, v = (
            self._heads(linear(x, weight, bias))
            for x, weight, bias in zip(given, self._weights(), self._biases(), strict=True)
        )
        seen = self._mask(key_padding_mask, attn_mask, (*q.shape[:3], k.shape[2]), batched)
        out = attend(ops, q, k, v, seen, is_causal, dropout=dropped, where=self._place())
        out = self.out_proj(_joined(out))
        weights = kept[0] if need_weights else None
        if weights is not None and average_attn_weights:
            weights = weights.mean(axis=1)
        if not batched:
            return out[0], None if weights is None else weights[0]
        return out if self.batch_first else ops.permute_dims(out, (1, 0, 2)), weights

    def _weights(self) -> list[Tensor]:
        if self.in_proj_weight is None:
            return [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        return self._thirds(self.in_proj_weight)

    def _biases(self) -> list[Tensor] | list[None]:
        return [None] * 3 if self.in_proj_bias is None else self._thirds(self.in_proj_bias)

    def _thirds(self, x: Tensor) -> list[Tensor]:
        return [x[i * self.embed_dim : (i + 1) * self.embed_dim] for i in range(3)]

    def _heads(self, x: Tensor) -> Tensor:
        """Shape (N, num_heads, L, embed_dim / num_heads), of (N, L, embed_dim)."""
        cut = x.reshape(*x.shape[:2], self.num_heads, self.embed_dim // self.num_heads)
        return ops.permute_dims(cut, (0, 2, 1, 3))

    def _check(self, given: list[Tensor]) -> None:
        shapes = ", ".join(f"{name} {x.shape}" for name, x in zip(KINDS, given, strict=True))
        ndims = {x.ndim for x in given}
        if ndims not in ({2}, {3}):
            raise ShapeError(
                self._place(),
                f"{shapes}: not all have two axes or all three",
                "Pass steps, sequences and features, or steps and features.",
            )
        steps, batch = (1, 0) if self.batch_first else (0, 1)
        _, key, value = given
        if ndims == {3} and len({x.shape[batch] for x in given}) > 1:
            raise ShapeError(
                self._place(),
                f"{shapes}: different numbers of sequences, which are along axis {batch}",
                f"Make them equal, or build the layer with batch_first={not self.batch_first}.",
            )
        steps = steps if ndims == {3} else 0
        if key.shape[steps] != value.shape[steps]:
            raise ShapeError(
                self._place(),
                f"{shapes}: {key.shape[steps]} keys and {value.shape[steps]} values",
                f"Each key has its value: make them equal along axis {steps}.",
            )

    def _mask(
        self, padding: Any, attention: Any, scores: tuple[int, ...], batched: bool
    ) -> Tensor | None:
        """Both masks as one, in the sense of ``attend``: true where a key takes part."""
        number, heads, queries, keys = scores
        found: list[Tensor] = []
        if padding is not None:
            mask = self._seen("key_padding_mask", padding)
            expected: tuple[int, ...] = (number, keys) if batched else (keys,)
            self._check_mask("key_padding_mask", mask, [expected])
            found.append(mask.reshape(number, 1, 1, keys))
        if attention is not None:
            mask = self._seen("attn_mask", attention)
            shapes = [(queries, keys), (number * heads, queries, keys)]
            self._check_mask("attn_mask", mask, shapes)
            found.append(mask if mask.ndim == 2 else mask.reshape(*scores))
        if len(found) < 2:
            return found[0] if found else None
        if all(mask.dtype.kind == "b" for mask in found):
            return ops.logical_and(*found)
        first, second = (
            ops.where(mask, 0.0, float("-inf")) if mask.dtype.kind == "b" else mask
            for mask in found
        )
        return first + second

    def _seen(self, name: str, given: Any) -> Tensor:
        mask = given if isinstance(given, Tensor) else Tensor(given)
        if mask.dtype.kind not in "bf":
            raise ArgumentError(
                self._place(),
                f"{name} holds {mask.dtype}",
                "Pass booleans, true where a key is left out, or floats to add to the scores.",
            )
        if mask.dtype.kind == "b":
            return ops.logical_not(mask)
        dtype = self.out_proj.weight.dtype  # which the output keeps
        return mask if mask.dtype == dtype else ops.astype(mask, dtype)

    def _check_mask(self, name: str, mask: Tensor, shapes: list[tuple[int, ...]]) -> None:
        if mask.shape not in shapes:
            raise ShapeError(
                self._place(),
                f"{name} has shape {mask.shape}",
                f"Pass shape {' or '.join(map(str, shapes))}.",
            )

    def _place(self) -> str:
        return layer_or(type(self).__name__)

    def extra_repr(self) -> str:
        """The two sizes, and what else is not as usual."""
        usual = {"dropout": 0.0, "kdim": self.embed_dim, "vdim": self.embed_dim}
        rest = [f"{n}={getattr(self, n)}" for n, v in usual.items() if getattr(self, n) != v]
        rest += ["bias=False"] * (self.in_proj_bias is None)
        rest += ["batch_first=True"] * self.batch_first
        return ", ".join([str(self.embed_dim), str(self.num_heads), *rest])


def _joined(x: Tensor) -> Tensor:
    """Shape (N, L, E), of heads (N, H, L, E / H)."""
    number, heads, steps, size = x.shape
    return ops.permute_dims(x, (0, 2, 1, 3)).reshape(number, steps, heads * size)

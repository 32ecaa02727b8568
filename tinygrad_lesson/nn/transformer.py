"""Transformers (Vaswani et al., "Attention is all you need", 2017): layers, and stacks of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .attention import MultiheadAttention
from .containers import ModuleList
from .dropout import Dropout
from .init import xavier_uniform_
from .layers import Linear
from .module import Module
from .normalization import LayerNorm

if TYPE_CHECKING:
    from numpy.random import Generator

Activation = str | Callable[[Tensor], Tensor]


class _Block(Module):
    """Self-attention and two linear maps, what both kinds of layers begin with.

    Each is a sublayer f, with the norm after ``x + f(x)``, or as ``x + f(norm(x))``.
    """

    _attentions: ClassVar[tuple[str, ...]] = ("self_attn",)
    _sublayers: ClassVar[tuple[int, ...]] = (1, 2)

    self_attn: MultiheadAttention

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        drawn: dict[str, Any] = {"dtype": dtype, "generator": generator}
        self.norm_first = norm_first
        self.activation = _activation(type(self).__name__, activation)
        for name in self._attentions:
            attention = MultiheadAttention(
                d_model, nhead, dropout, bias, batch_first=batch_first, **drawn
            )
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, dim_feedforward, bias, **drawn)
        self.dropout = Dropout(dropout)
        self.linear2 = Linear(dim_feedforward, d_model, bias, **drawn)
        for number in self._sublayers:
            norm = LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)
            setattr(self, f"norm{number}", norm)
        for number in self._sublayers:
            setattr(self, f"dropout{number}", Dropout(dropout))

    def _sublayer(self, number: int, x: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:
        norm, dropout = getattr(self, f"norm{number}"), getattr(self, f"dropout{number}")
        if self.norm_first:
            return x + dropout(f(norm(x)))  # type: ignore[no-any-return]
        return norm(x + dropout(f(x)))  # type: ignore[no-any-return]

    def _feed_forward(self, x: Tensor) -> Tensor:
        return self.linear2(self.dropout(self.activation(self.linear1(x))))  # type: ignore[no-any-return]


class TransformerEncoderLayer(_Block):
    """Self-attention, then two linear maps of each step; each added to its input, and normalised.

    Parameters
    ----------
    d_model
        Number of features.
    nhead
        How many heads attend; it divides `d_model`.
    dim_feedforward
        Number of features between the two linear maps.
    dropout
        The share that is dropped, in training, of attention weights and of what is added.
    activation
        Between the linear maps: ``"relu"``, ``"gelu"`` or a function.
    layer_norm_eps
        Of the norms.
    batch_first
        Whether the axis of sequences comes before that of steps.
    norm_first
        Normalise the input of attention and linear maps, not the sum.
    bias
        Whether linear maps and norms have biases.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial numbers.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.TransformerEncoderLayer(4, nhead=2, dim_feedforward=8)
    >>> layer(tl.ones(5, 3, 4), is_causal=True).shape
    (5, 3, 4)
    """

    def forward(
        self,
        src: Array,
        src_mask: Array | None = None,
        src_key_padding_mask: Array | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Map `src`, of shape (T, N, d_model), (N, T, d_model) if `batch_first`, or (T, d_model).

        The masks are those of :meth:`MultiheadAttention.forward`: true where there is no attention.
        """
        x = src if isinstance(src, Tensor) else Tensor(src)
        return _encoded(self, x, src_mask, src_key_padding_mask, is_causal)


def _attention(
    layer: MultiheadAttention,
    memory: Tensor | None,
    mask: Any,
    padding: Any,
    is_causal: bool,
    kept: list[Tensor] | None = None,
) -> Callable[[Tensor], Tensor]:
    """Attention to `memory`, or to itself, as a function of the query; `kept` gets the weights."""

    def attend(x: Tensor) -> Tensor:
        seen = x if memory is None else memory
        wanted = kept is not None
        out: Tensor
        out, weights = layer(x, seen, seen, padding, wanted, mask, is_causal=is_causal)
        if kept is not None:
            kept.append(weights)
        return out

    return attend


def _encoded(layer: _Block, x: Tensor, mask: Any, padding: Any, is_causal: bool) -> Tensor:
    x = layer._sublayer(1, x, _attention(layer.self_attn, None, mask, padding, is_causal))
    return layer._sublayer(2, x, layer._feed_forward)


class TransformerDecoderLayer(_Block):
    """As :class:`TransformerEncoderLayer`, with attention to an encoder's output in between.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, \
bias, dtype, generator
        As for :class:`TransformerEncoderLayer`.
    """

    _attentions = ("self_attn", "multihead_attn")
    _sublayers = (1, 2, 3)

    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: Array,
        memory: Array,
        tgt_mask: Array | None = None,
        memory_mask: Array | None = None,
        tgt_key_padding_mask: Array | None = None,
        memory_key_padding_mask: Array | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
        *,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Map `tgt`, (T, N, d_model), looking at `memory`, (S, N, d_model), an encoder's output.

        The masks are those of :meth:`MultiheadAttention.forward`: true where there is no attention.
        With `need_weights` it returns a pair: the output, and how much attention was given to each
        step of `memory`, (N, T, S), the mean over the heads.
        """
        kept: list[Tensor] = []
        x, seen = (a if isinstance(a, Tensor) else Tensor(a) for a in (tgt, memory))
        to_self = _attention(self.self_attn, None, tgt_mask, tgt_key_padding_mask, tgt_is_causal)
        to_memory = _attention(
            self.multihead_attn, seen, memory_mask, memory_key_padding_mask, memory_is_causal,
            kept if need_weights else None,
        )  # fmt: skip
        x = self._sublayer(1, x, to_self)
        x = self._sublayer(2, x, to_memory)
        out = self._sublayer(3, x, self._feed_forward)
        return (out, kept[0]) if need_weights else out


class _Stack(Module):
    """Copies of one layer, one upon the other."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None = None) -> None:
        where = type(self).__name__
        if not isinstance(layer, Module):
            raise ArgumentError(
                where, f"a {type(layer).__name__} is no layer", "Pass a layer; it is copied."
            )
        self.num_layers = count(where, "num_layers", num_layers)
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(num_layers))
        self.norm = norm

    def _normed(self, x: Tensor) -> Tensor:
        return x if self.norm is None else self.norm(x)


class TransformerEncoder(_Stack):
    """A stack of encoder layers.

    Parameters
    ----------
    encoder_layer
        Copied `num_layers` times, with the numbers that it has.
    num_layers
        How many layers there are.
    norm
        Comes last, if given: a layer with `norm_first` leaves its sum as it is.
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self,
        src: Array,
        mask: Array | None = None,
        src_key_padding_mask: Array | None = None,
        is_causal: bool = False,
    ) -> Tensor:
        """Pass `src` through all layers; all get the masks."""
        x: Any = src
        for layer in self.layers:
            x = layer(x, mask, src_key_padding_mask, is_causal)
        return self._normed(x)


class TransformerDecoder(_Stack):
    """A stack of decoder layers.

    Parameters
    ----------
    decoder_layer, num_layers, norm
        As for :class:`TransformerEncoder`.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Array,
        memory: Array,
        tgt_mask: Array | None = None,
        memory_mask: Array | None = None,
        tgt_key_padding_mask: Array | None = None,
        memory_key_padding_mask: Array | None = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
        *,
        need_weights: bool = False,
    ) -> Tensor | tuple[Tensor, list[Tensor]]:
        """Pass `tgt` through all layers; all see `memory`, and get the masks.

        With `need_weights` it returns a pair: the output, and for each layer how much attention was
        given to each step of `memory`, see :meth:`TransformerDecoderLayer.forward`.
        """
        x: Any = tgt
        kept: list[Tensor] = []
        asked = {"need_weights": True} if need_weights else {}
        for layer in self.layers:
            x = layer(
                x, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
                tgt_is_causal, memory_is_causal, **asked,
            )  # fmt: skip
            if need_weights:
                x, weights = x
                kept.append(weights)
        out = self._normed(x)
        return (out, kept) if need_weights else out


class Transformer(Module):
    """An encoder and a decoder that looks at what the encoder made of another sequence.

    Weights with two axes begin as :func:`~tinygrad_lesson.nn.init.xavier_uniform_` has it.

    Parameters
    ----------
    d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first, norm_first, \
bias, dtype, generator
        As for :class:`TransformerEncoderLayer`.
    num_encoder_layers, num_decoder_layers
        How many layers there are; each stack ends in a norm.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        *,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.d_model, self.nhead, self.batch_first = d_model, nhead, batch_first
        sizes = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps)
        settings: dict[str, Any] = {
            "batch_first": batch_first, "norm_first": norm_first, "bias": bias, "dtype": dtype,
            "generator": generator,
        }  # fmt: skip

        def norm() -> LayerNorm:
            return LayerNorm(d_model, layer_norm_eps, bias=bias, dtype=dtype)

        self.encoder = TransformerEncoder(
            TransformerEncoderLayer(*sizes, **settings), num_encoder_layers, norm()
        )
        self.decoder = TransformerDecoder(
            TransformerDecoderLayer(*sizes, **settings), num_decoder_layers, norm()
        )
        for parameter in self.parameters():
            if parameter.ndim > 1:
                xavier_uniform_(parameter, generator=generator)

    def forward(
        self,
        src: Array,
        tgt: Array,
        src_mask: Array | None = None,
        tgt_mask: Array | None = None,
        memory_mask: Array | None = None,
        src_key_padding_mask: Array | None = None,
        tgt_key_padding_mask: Array | None = None,
        memory_key_padding_mask: Array | None = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Tensor:
        """Encode `src`, (S, N, d_model), and decode `tgt`, (T, N, d_model), looking at it.

        The masks are those of :meth:`MultiheadAttention.forward`: true where there is no attention.
        """
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        out: Tensor = self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip
        return out

    @staticmethod
    def generate_square_subsequent_mask(sz: int, *, dtype: Any = None) -> Tensor:
        """The mask of ``is_causal=True``: 0 on and below the diagonal, -inf above."""
        return Tensor(np.triu(np.full((sz, sz), -np.inf, np.float32), 1), dtype=dtype)


def _activation(where: str, given: Activation) -> Callable[[Tensor], Tensor]:
    named: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
    if callable(given):
        return given
    if given not in named:
        raise ArgumentError(
            where, f"activation={given!r} is unknown", "Pass 'relu', 'gelu' or a function."
        )
    return named[given]

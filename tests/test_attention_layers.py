"""Attention of several heads and transformers: formulas in NumPy, masks, names and errors."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import scipy.special

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, ops
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError

from .support import same, seeded


def numbers(*shape: int) -> np.ndarray:
    return seeded("input", shape).normal(size=shape)


def randomized(module: Any) -> Any:
    """The module with all its numbers drawn, biases and norms too."""
    for name, parameter in module.named_parameters():
        parameter.assign(seeded(name).normal(size=parameter.shape, scale=0.5))
    return module


def attention(**settings: Any) -> nn.MultiheadAttention:
    return randomized(nn.MultiheadAttention(4, 2, dtype=tl.float64, **settings))


def looped(layer: nn.MultiheadAttention, query: Any, key: Any, value: Any, seen: Any) -> Any:
    """Head by head, for one sequence after the other; all have the axis of sequences first."""
    weights = [w.numpy() for w in layer._weights()]
    biases = [b.numpy() for b in layer._biases()]
    size = layer.embed_dim // layer.num_heads
    outputs, averages = [], []
    for n, rows in enumerate(zip(query, key, value, strict=True)):
        q, k, v = (x @ w.T + b for x, w, b in zip(rows, weights, biases, strict=True))
        heads, shares = [], []
        for h in range(layer.num_heads):
            part = slice(h * size, (h + 1) * size)
            scores = q[:, part] @ k[:, part].T / np.sqrt(size)
            share = scipy.special.softmax(np.where(seen[n], scores, -np.inf), axis=-1)
            heads.append(share @ v[:, part])
            shares.append(share)
        outputs.append(np.concatenate(heads, axis=1))
        averages.append(shares)
    out = np.array(outputs) @ layer.out_proj.weight.numpy().T + layer.out_proj.bias.numpy()
    return out, np.array(averages)


Q, K, V = numbers(3, 5, 4), numbers(3, 6, 4) + 1, numbers(3, 6, 4) - 1


# ---- attention ---------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [{}, {"kdim": 3}, {"kdim": 2, "vdim": 3}], ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_the_formula(sizes: dict[str, int], masked: bool) -> None:
    layer = attention(batch_first=True, **sizes)
    key, value = K[..., : layer.kdim], V[..., : layer.vdim]
    seen = np.ones((3, 5, 6), bool)
    masks: dict[str, Any] = {}
    if masked:
        gone = seeded("padding").random((3, 6)) < 0.3
        masks = {"key_padding_mask": gone, "attn_mask": np.triu(np.ones((5, 6), bool), 2)}
        masks["key_padding_mask"][:, 0] = False
        seen = ~(gone[:, None] | masks["attn_mask"])
    expected, shares = looped(layer, Q, key, value, seen)
    out, weights = layer(Q, key, value, **masks)
    same(out, expected)
    same(weights, shares.mean(axis=1))
    same(layer(Q, key, value, average_attn_weights=False, **masks)[1], shares)
    assert layer(Q, key, value, need_weights=False)[1] is None


def test_the_order_of_the_axes() -> None:
    layer = attention(batch_first=True)
    out, weights = layer(Q, K, V)
    single, of_single = layer(Q[0], K[0], V[0])
    same(single, out[0])
    same(of_single, weights[0])
    layer.batch_first = False
    turned, also = layer(*(x.swapaxes(0, 1) for x in (Q, K, V)))
    same(turned, out.numpy().swapaxes(0, 1))
    same(also, weights)


def test_one_mask_in_many_forms() -> None:
    layer = attention(batch_first=True)
    gone = np.triu(np.ones((5, 6), bool), 1)
    expected = layer(Q, K, V, attn_mask=gone)[0]
    added = np.where(gone, -np.inf, 0)
    for masks in (
        {"attn_mask": added},
        {"attn_mask": added.astype(np.float32)},
        {"attn_mask": np.broadcast_to(gone, (6, 5, 6))},
        {"is_causal": True},
        {"is_causal": True, "attn_mask": gone},
        {"attn_mask": gone, "key_padding_mask": np.zeros((3, 6))},
        {"attn_mask": added, "key_padding_mask": np.zeros((3, 6), bool)},
    ):
        out, _ = layer(Q, K, V, **masks)
        assert out.dtype == np.float64
        same(out, expected)
    single, _ = layer(Q[0], K[0], V[0], attn_mask=gone, key_padding_mask=np.zeros(6, bool))
    same(single, expected[0])


def test_a_query_that_sees_nothing_gives_the_bias_and_no_nan() -> None:
    layer = attention(batch_first=True)
    x = Tensor(Q, requires_grad=True)
    gone = np.ones((3, 5), bool)
    out, weights = layer(x, x, x, key_padding_mask=gone)
    same(out, np.broadcast_to(layer.out_proj.bias.numpy(), (3, 5, 4)))
    same(weights, np.zeros((3, 5, 5)))
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all()


def test_dropout_of_the_weights_in_training_only() -> None:
    layer = attention(dropout=0.5)
    x = numbers(5, 3, 4)
    tl.manual_seed(0)
    _, weights = layer(x, x, x, average_attn_weights=False)
    assert 0.2 < (weights.numpy() == 0).mean() < 0.8
    plain = attention()
    same(layer.eval()(x, x, x)[0], plain(x, x, x)[0])


def test_initial_numbers_and_names() -> None:
    layer = nn.MultiheadAttention(8, 2)
    assert list(layer.state_dict()) == [
        "in_proj_weight",
        "in_proj_bias",
        "out_proj.weight",
        "out_proj.bias",
    ]
    assert not layer.in_proj_bias.any()
    assert not layer.out_proj.bias.any()
    assert 0.3 < float(layer.in_proj_weight.abs().max()) <= np.sqrt(6 / 32)
    layer = nn.MultiheadAttention(8, 2, bias=False, vdim=3)
    assert [*layer.state_dict()] == [
        "q_proj_weight",
        "k_proj_weight",
        "v_proj_weight",
        "out_proj.weight",
    ]
    assert repr(layer).startswith("MultiheadAttention(8, 2, vdim=3, bias=False  # q_proj_weight")


def test_derivatives_of_both_orders() -> None:
    layer = attention(vdim=3)
    arrays = [numbers(2, 1, 4), numbers(3, 1, 4), numbers(3, 1, 3)]

    def out(*arrays: Tensor) -> Tensor:
        found, weights = layer(*arrays, is_causal=True)
        return ops.concat([found.flatten(), weights.flatten()])

    assert tl.gradcheck(out, arrays, order=2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m(Q, K, V[0]), ShapeError, r"value \(6, 4\): not all have two axes or all"),
        (lambda m: m(Q, K[:2], V), ShapeError, r"axis 0. Make them equal, or build .*=False"),
        (lambda m: m(Q, K, V[:, :5]), ShapeError, "6 keys and 5 values. Each key has its value"),
        (lambda m: m(Q[..., :3], K, V), ShapeError, r"weight \(4, 4\) takes 4 features"),
        (lambda m: m(Q, K, V, np.zeros((3, 5), bool)), ShapeError, r"Pass shape \(3, 6\)"),
        (
            lambda m: m(Q, K, V, attn_mask=np.zeros((3, 5, 6), bool)),
            ShapeError,
            r"attn_mask has shape \(3, 5, 6\). Pass shape \(5, 6\) or \(6, 5, 6\)",
        ),
        (
            lambda m: m(Q, K, V, np.zeros((3, 6), int)),
            ArgumentError,
            "key_padding_mask holds int64. Pass booleans, true where a key is left out",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=r"\[MultiheadAttention\].*" + message):
        call(attention(batch_first=True))


def test_settings_that_are_refused() -> None:
    with pytest.raises(RangeError, match=r"embed_dim=5 cannot be cut into num_heads=2 equal"):
        nn.MultiheadAttention(5, 2)
    with pytest.raises(RangeError, match=r"dropout=-1 is no share"):
        nn.MultiheadAttention(4, 2, -1)
    with pytest.raises(ArgumentError, match=r"activation='sin' is unknown. Pass 'relu', 'gelu'"):
        nn.TransformerEncoderLayer(4, 2, activation="sin")
    with pytest.raises(ArgumentError, match=r"\[TransformerEncoder\] a type is no layer"):
        nn.TransformerEncoder(nn.TransformerEncoderLayer, 2)


# ---- transformers ------------------------------------------------------------------------


def normed(norm: nn.LayerNorm, x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(-1, keepdims=True) + norm.eps)
    return scaled * norm.weight.numpy() + norm.bias.numpy()


@pytest.mark.parametrize("norm_first", [False, True])
def test_the_formula_of_an_encoder_layer(norm_first: bool) -> None:
    layer = randomized(
        nn.TransformerEncoderLayer(
            4, 2, 6, 0.0, norm_first=norm_first, batch_first=True, dtype=tl.float64
        )
    )
    seen = np.broadcast_to(np.tri(5, dtype=bool), (3, 5, 5))

    def attended(x: Any) -> Any:
        return looped(layer.self_attn, x, x, x, seen)[0]

    def mapped(x: Any) -> Any:
        first, second = layer.linear1, layer.linear2
        inner = np.maximum(x @ first.weight.numpy().T + first.bias.numpy(), 0)
        return inner @ second.weight.numpy().T + second.bias.numpy()

    x = Q
    for f, norm in ((attended, layer.norm1), (mapped, layer.norm2)):
        x = x + f(normed(norm, x)) if norm_first else normed(norm, x + f(x))
    same(layer(Q, is_causal=True), x, 1e-11, 1e-11)


def test_an_encoder_has_copies_of_its_layer_and_ends_in_the_norm() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.0, activation=nn.GELU(), dtype=tl.float64)
    norm = nn.LayerNorm(4, dtype=tl.float64)
    encoder = nn.TransformerEncoder(layer, 2, norm)
    x = numbers(5, 3, 4)
    same(encoder(x), norm(layer(layer(Tensor(x)))))
    assert len(list(encoder.parameters())) == 2 * len(list(layer.parameters())) + 2
    assert [p.name for p in encoder.parameters()] == [n for n, _ in encoder.named_parameters()]
    assert encoder.layers[0].linear1.weight.name == "layers.0.linear1.weight"


def test_a_decoder_looks_at_memory() -> None:
    layer = randomized(nn.TransformerDecoderLayer(4, 2, 6, 0.0, dtype=tl.float64))
    decoder = nn.TransformerDecoder(layer, 2)
    x, memory = numbers(5, 3, 4), numbers(6, 3, 4)
    mask = nn.Transformer.generate_square_subsequent_mask(5)
    out = decoder(x, memory, tgt_mask=mask)
    same(decoder(x, memory, tgt_is_causal=True), out)
    changed = x.copy()
    changed[3:] += 1
    same(decoder(changed, memory, tgt_is_causal=True)[:3], out[:3])  # the past sees no future
    gone = np.zeros((3, 6), bool)
    gone[1, 2:] = True
    found = decoder(x, memory, tgt_mask=mask, memory_key_padding_mask=gone)
    short = decoder(x[:, 1], memory[:2, 1], tgt_is_causal=True)
    same(found[:, 1], short)
    same(found[:, 0], out[:, 0])


def test_a_transformer_is_both() -> None:
    model = nn.Transformer(4, 2, 1, 1, 6, 0.0, dtype=tl.float64)
    src, tgt = numbers(5, 3, 4), numbers(4, 3, 4)
    same(model(src, tgt), model.decoder(tgt, model.encoder(src)))
    assert len(model.state_dict()) == len({*model.state_dict()}) == 34


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_decoder_tells_what_it_looked_at(batch_first: bool) -> None:
    layer = randomized(nn.TransformerDecoderLayer(
        4, 2, 6, 0.0, batch_first=batch_first, dtype=tl.float64
    ))  # fmt: skip
    x, memory = Tensor(numbers(2, 2, 4)), Tensor(numbers(5, 2, 4))
    if batch_first:
        x, memory = x.swapaxes(0, 1), memory.swapaxes(0, 1)
    gone = np.zeros((2, 5), bool)
    gone[1, 3:] = True
    for module, depth in ((layer, 1), (nn.TransformerDecoder(layer, 2), 2)):
        masks = {"tgt_is_causal": True, "memory_key_padding_mask": gone}
        out, weights = module(x, memory, **masks, need_weights=True)
        same(out, module(x, memory, **masks))
        weights = [weights] if module is layer else weights
        assert [w.shape for w in weights] == [(2, 2, 5)] * depth
        for w in weights:
            same(w.sum(axis=-1), np.ones((2, 2)), 1e-12)
            assert not w.numpy()[1, :, 3:].any()
    query = layer.norm1(x + layer.self_attn(x, x, x, is_causal=True)[0])
    same(layer.multihead_attn(query, memory, memory, gone)[1], weights[0], 1e-12)


def test_derivatives_of_a_decoder_layer() -> None:
    layer = randomized(
        nn.TransformerDecoderLayer(3, 1, 2, 0.0, activation="gelu", dtype=tl.float64)
    )
    arrays = [numbers(2, 1, 3), numbers(3, 1, 3)]
    assert tl.gradcheck(lambda *xs: layer(*xs), arrays, mode="fast", order=2)


def test_dropout_and_float32() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 6, 0.5)
    x = numbers(5, 3, 4).astype(np.float32)
    tl.manual_seed(0)
    assert not np.allclose(layer(x).numpy(), layer(x).numpy())
    layer.eval()
    out = layer(x)
    same(out, copy.deepcopy(layer)(x))
    out.sum().backward()
    assert out.dtype == np.float32
    assert {p.grad.dtype for p in layer.parameters()} == {np.dtype(np.float32)}


# ---- positions ---------------------------------------------------------------------------


@pytest.mark.parametrize("features", [1, 5, 6])
def test_positions_are_waves(features: int) -> None:
    layer = nn.PositionalEncoding(features)
    added = layer(np.zeros((7, features))).numpy()
    for t in range(7):
        for i in range(features):
            angle = t / 10000 ** ((i - i % 2) / features)
            assert added[t, i] == pytest.approx(np.cos(angle) if i % 2 else np.sin(angle))
    x = numbers(7, 2, features)
    same(layer(x), x + added[:, None])
    first = nn.PositionalEncoding(features, batch_first=True)
    same(first(x.swapaxes(0, 1)), x.swapaxes(0, 1) + added)
    assert layer(x.astype(np.float32)).dtype == np.float32
    assert not layer.state_dict()
    with pytest.raises(ShapeError, match=r"\[PositionalEncoding\] .* the last of length"):
        layer(np.zeros((2, features + 1)))

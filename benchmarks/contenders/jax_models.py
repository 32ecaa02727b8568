"""The networks, for JAX: each takes its weights by name and the data, and gives scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from works.nets import BLOCKS, HEADS, SYMBOLS
from works.others import CHANNELS

from . import common


def linear(w: Any, name: str, x: Any) -> Any:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


mlp = common.mlp(linear, jax.nn.relu)
deep = common.deep(linear, jnp.tanh)


# ---- convolutions --------------------------------------------------------------------------


def cnn(channels: str) -> Callable[[Any, Any], Any]:
    """With the channels ``"first"`` or ``"last"``."""
    last = channels == "last"
    kinds = ("NHWC", "OIHW", "NHWC") if last else ("NCHW", "OIHW", "NCHW")

    def block(w: Any, name: str, x: Any) -> Any:
        x = jax.lax.conv_general_dilated(
            x, w[f"{name}.weight"], (1, 1), "SAME", dimension_numbers=kinds
        )
        bias = w[f"{name}.bias"]
        x = jax.nn.relu(x + (bias if last else bias[:, None, None]))
        if last:
            n, rows, columns, c = x.shape
            return x.reshape(n, rows // 2, 2, columns // 2, 2, c).max((2, 4))
        n, c, rows, columns = x.shape
        return x.reshape(n, c, rows // 2, 2, columns // 2, 2).max((3, 5))

    def model(w: Any, x: Any) -> Any:
        x = block(w, "3", block(w, "0", x.transpose(0, 2, 3, 1) if last else x))
        x = x.transpose(0, 3, 1, 2) if last else x
        return linear(w, "7", x.reshape(len(x), -1))

    return model


def speech(w: Any, x: Any) -> Any:
    for name in "0", "3":
        x = jax.lax.conv_general_dilated(
            x, w[f"{name}.weight"], (1,), "SAME", dimension_numbers=("NCH", "OIH", "NCH")
        )
        x = jax.nn.relu(x + w[f"{name}.bias"][:, None])
        x = x.reshape(*x.shape[:2], -1, 2).max(-1)
    return linear(w, "7", x.reshape(len(x), -1))


def resnet(w: Any, x: Any) -> Any:
    def convolution(name: str, x: Any, stride: int = 1) -> Any:
        kernel = w[f"{name}.weight"]
        pad = kernel.shape[-1] // 2
        return jax.lax.conv_general_dilated(
            x,
            kernel,
            (stride, stride),
            [(pad, pad)] * 2,
            dimension_numbers=("NHWC", "OIHW", "NHWC"),
        )

    def norm(name: str, x: Any) -> Any:
        centred = x - x.mean((0, 1, 2))
        scale = jax.lax.rsqrt((centred * centred).mean((0, 1, 2)) + 1e-5)
        return centred * scale * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = jax.nn.relu(norm("norm", convolution("stem", x.transpose(0, 2, 3, 1))))
    for i in range(len(CHANNELS) - 1):
        block, stride = f"blocks.{i}", 1 if CHANNELS[i] == CHANNELS[i + 1] else 2
        y = jax.nn.relu(norm(f"{block}.norm1", convolution(f"{block}.first", x, stride)))
        y = norm(f"{block}.norm2", convolution(f"{block}.second", y))
        x = jax.nn.relu(y + (x if stride == 1 else convolution(f"{block}.shortcut", x, stride)))
    return linear(w, "head", x.mean((1, 2)))


# ---- sequences -----------------------------------------------------------------------------


def lstm(w: Any, x: Any) -> Any:
    drive = w["embedding.weight"][x] @ w["lstm.weight_ih_l0"].T
    drive = drive + w["lstm.bias_ih_l0"] + w["lstm.bias_hh_l0"]

    def cell(state: Any, now: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(now + h @ w["lstm.weight_hh_l0"].T, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    start = jnp.zeros((x.shape[1], 128), jnp.float32)
    _, states = jax.lax.scan(cell, (start, start), drive)
    return linear(w, "head", states).reshape(-1, SYMBOLS)


def gru(w: Any, x: Any) -> Any:
    drive = w["embedding.weight"][x] @ w["gru.weight_ih_l0"].T + w["gru.bias_ih_l0"]

    def cell(h: Any, now: Any) -> Any:
        r, z, n = jnp.split(now, 3, axis=1)
        back = h @ w["gru.weight_hh_l0"].T + w["gru.bias_hh_l0"]
        hr, hz, hn = jnp.split(back, 3, axis=1)
        keep = jax.nn.sigmoid(z + hz)
        h = (1 - keep) * jnp.tanh(n + jax.nn.sigmoid(r + hr) * hn) + keep * h
        return h, h

    _, states = jax.lax.scan(cell, jnp.zeros((x.shape[1], 128), jnp.float32), drive)
    return linear(w, "head", states).reshape(-1, SYMBOLS)


def transformer(w: Any, x: Any) -> Any:
    def norm(name: str, x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scale = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
        return centred * scale * w[f"{name}.weight"] + w[f"{name}.bias"]

    def attention(name: str, x: Any) -> Any:
        n, length, width = x.shape
        mixed = x @ w[f"{name}.in_proj_weight"].T + w[f"{name}.in_proj_bias"]
        q, k, v = mixed.reshape(n, length, 3, HEADS, width // HEADS).transpose(2, 0, 3, 1, 4)
        scores = jax.nn.softmax(q @ k.mT * (width // HEADS) ** -0.5)
        seen = (scores @ v).transpose(0, 2, 1, 3).reshape(n, length, width)
        return linear(w, f"{name}.out_proj", seen)

    y = w["embedding.weight"][x] + w["positions"]
    for b in (f"blocks.{i}" for i in range(BLOCKS)):
        y = y + attention(f"{b}.self_attn", norm(f"{b}.norm1", y))
        hidden = linear(w, f"{b}.linear1", norm(f"{b}.norm2", y))
        y = y + linear(w, f"{b}.linear2", jax.nn.gelu(hidden, approximate=False))
    return linear(w, "head", y).reshape(-1, SYMBOLS)

"""JAX: the whole step under jax.jit, its state donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from works import BLOCKS, HEADS, SYMBOLS

Arrays = dict[str, np.ndarray]
Step = Callable[[], Any]

wait = jax.block_until_ready


def cross_entropy(logits: Any, y: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))


def adam(state: Any, gradients: Any) -> Any:
    weights, means, squares, count = state
    count = count + 1
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
    squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, gradients)
    size, root = 1e-3 / (1 - 0.9**count), 1 / jnp.sqrt(1 - 0.999**count)
    weights = jax.tree.map(
        lambda w, m, s: w - size * m / (jnp.sqrt(s) * root + 1e-8), weights, means, squares
    )
    return weights, means, squares, count


def trained(model: Callable[[Any, Any], Any], weights: Arrays, data: Arrays) -> Step:
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])

    def update(state: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(lambda w: cross_entropy(model(w, x), y))(state[0])
        return adam(state, gradients), loss

    compiled = jax.jit(update, donate_argnums=0)
    weights = jax.tree.map(jnp.array, weights)
    zeros = lambda: jax.tree.map(jnp.zeros_like, weights)  # noqa: E731
    state = weights, zeros(), zeros(), jnp.float32(0)

    def step() -> Any:
        nonlocal state
        state, loss = compiled(state, x, y)
        return loss

    return step


def linear(w: Any, name: str, x: Any) -> Any:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def lesson(weights: Arrays, data: Arrays) -> Step:
    jax.config.update("jax_enable_x64", True)
    x, y = jnp.asarray(data["x"]), jnp.asarray(data["y"])

    def loss(w: Any, x: Any, y: Any) -> Any:
        output = jax.nn.sigmoid(jax.nn.sigmoid(x @ w["w0"]) @ w["w1"])
        return 0.5 * jnp.sum((y - output) ** 2)

    def update(w: Any, x: Any, y: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(w, x, y)
        return jax.tree.map(lambda a, g: a - 0.1 * g, w, gradients), value

    compiled = jax.jit(update, donate_argnums=0)
    w = jax.tree.map(jnp.array, weights)

    def step() -> Any:
        nonlocal w
        w, value = compiled(w, x, y)
        return value

    return step


def mlp(weights: Arrays, data: Arrays) -> Step:
    def model(w: Any, x: Any) -> Any:
        return linear(w, "4", jax.nn.relu(linear(w, "2", jax.nn.relu(linear(w, "0", x)))))

    return trained(model, weights, data)


def cnn(weights: Arrays, data: Arrays, channels: str) -> Step:
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

    return trained(model, weights, data)


def lstm(weights: Arrays, data: Arrays, unroll: int) -> Step:
    def model(w: Any, x: Any) -> Any:
        drive = w["embedding.weight"][x] @ w["lstm.weight_ih_l0"].T
        drive = drive + w["lstm.bias_ih_l0"] + w["lstm.bias_hh_l0"]

        def cell(state: Any, now: Any) -> Any:
            h, c = state
            i, f, g, o = jnp.split(now + h @ w["lstm.weight_hh_l0"].T, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        start = jnp.zeros((x.shape[1], 128), jnp.float32)
        _, states = jax.lax.scan(cell, (start, start), drive, unroll=unroll)
        return linear(w, "head", states).reshape(-1, SYMBOLS)

    return trained(model, weights, data)


def transformer(weights: Arrays, data: Arrays) -> Step:
    def norm(w: Any, name: str, x: Any) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scale = jax.lax.rsqrt((centred * centred).mean(-1, keepdims=True) + 1e-5)
        return centred * scale * w[f"{name}.weight"] + w[f"{name}.bias"]

    def attention(w: Any, name: str, x: Any) -> Any:
        n, length, width = x.shape
        mixed = x @ w[f"{name}.in_proj_weight"].T + w[f"{name}.in_proj_bias"]
        q, k, v = mixed.reshape(n, length, 3, HEADS, width // HEADS).transpose(2, 0, 3, 1, 4)
        scores = jax.nn.softmax(q @ k.mT * (width // HEADS) ** -0.5)
        seen = (scores @ v).transpose(0, 2, 1, 3).reshape(n, length, width)
        return linear(w, f"{name}.out_proj", seen)

    def model(w: Any, x: Any) -> Any:
        y = w["embedding.weight"][x] + w["positions"]
        for b in (f"blocks.{i}" for i in range(BLOCKS)):
            y = y + attention(w, f"{b}.self_attn", norm(w, f"{b}.norm1", y))
            hidden = linear(w, f"{b}.linear1", norm(w, f"{b}.norm2", y))
            y = y + linear(w, f"{b}.linear2", jax.nn.gelu(hidden, approximate=False))
        return linear(w, "head", y).reshape(-1, SYMBOLS)

    return trained(model, weights, data)


def chain(weights: Arrays, data: Arrays) -> Step:
    x = jnp.asarray(weights["x"])
    compiled = jax.jit(
        jax.value_and_grad(lambda x: jnp.sum(jnp.log1p(jnp.exp(jnp.tanh(x) * jax.nn.sigmoid(x)))))
    )
    return lambda: compiled(x)

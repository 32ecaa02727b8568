"""JAX: the whole step under jax.jit, its state donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from . import jax_models
from .common import Arrays, Step

wait = jax.block_until_ready

Loss = Callable[..., Any]
"""Of the weights and the data."""


def in_double_precision() -> None:
    jax.config.update("jax_enable_x64", True)


def descent(weights: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
    return jax.tree.map(lambda a, g: a - 0.1 * g, weights, gradients), state


def momentum(weights: Any, gradients: Any, speeds: Any) -> tuple[Any, Any]:
    speeds = jax.tree.map(lambda s, g: 0.5 * s + g, speeds, gradients)
    return jax.tree.map(lambda a, s: a - 0.1 * s, weights, speeds), speeds


def adam(weights: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
    means, squares, count = state
    count = count + 1
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, gradients)
    squares = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, squares, gradients)
    size, root = 1e-3 / (1 - 0.9**count), 1 / jnp.sqrt(1 - 0.999**count)
    weights = jax.tree.map(
        lambda w, m, s: w - size * m / (jnp.sqrt(s) * root + 1e-8), weights, means, squares
    )
    return weights, (means, squares, count)


def minimised(loss: Loss, weights: Arrays, data: Arrays, optimizer: Any, steps: int = 1) -> Step:
    """So many steps of an optimizer."""
    both = jax.value_and_grad(loss)

    def once(now: Any, given: Any) -> Any:
        value, gradients = both(now[0], given)
        return optimizer(now[0], gradients, now[1]), value

    def several(now: Any, given: Any) -> Any:
        start = now, jnp.zeros(())
        return jax.lax.fori_loop(0, steps, lambda _, before: once(before[0], given), start)

    compiled = jax.jit(once if steps == 1 else several, donate_argnums=0)
    given = jax.tree.map(jnp.asarray, data)

    def begun() -> Any:
        fresh = jax.tree.map(jnp.array, weights)
        zeros = lambda: jax.tree.map(jnp.zeros_like, fresh)  # noqa: E731
        states = {"adam": lambda: (zeros(), zeros(), jnp.float32(0)), "momentum": zeros}
        return fresh, states.get(optimizer.__name__, tuple)()

    now = begun()

    def run() -> Any:
        nonlocal now
        now, value = compiled(now, given)
        return value

    return Step(run, lambda: jax.jit(both)(now[0], given))


def cross_entropy(logits: Any, y: Any) -> Any:
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1))


def _net(model: Callable[[Any, Any], Any]) -> Callable[[Arrays, Arrays], Step]:
    """A step of Adam on the cross-entropy."""

    def loss(w: Any, data: Any) -> Any:
        return cross_entropy(model(w, data["x"]), data["y"])

    return lambda weights, data: minimised(loss, weights, data, adam)


mlp, deep = _net(jax_models.mlp), _net(jax_models.deep)
speech, resnet = _net(jax_models.speech), _net(jax_models.resnet)
lstm, gru, transformer = map(_net, (jax_models.lstm, jax_models.gru, jax_models.transformer))


def cnn(weights: Arrays, data: Arrays, channels: str) -> Step:
    return _net(jax_models.cnn(channels))(weights, data)


def vae(weights: Arrays, data: Arrays) -> Step:
    def loss(w: Any, data: Any) -> Any:
        x = data["x"]
        made = jax_models.linear(w, "code", jax.nn.relu(jax_models.linear(w, "encoder", x)))
        mean, spread = jnp.split(made, 2, axis=1)
        code = mean + jnp.exp(spread * 0.5) * data["noise"]
        hidden = jax.nn.relu(jax_models.linear(w, "decoder", code))
        picture = jax_models.linear(w, "picture", hidden)
        missed = (jax.nn.softplus(picture) - x * picture).sum()
        apart = (mean * mean + jnp.exp(spread) - spread - 1).sum() * 0.5
        return (missed + apart) / len(x)

    return minimised(loss, weights, data, adam)


def dbn(weights: Arrays, data: Arrays) -> Step:
    def loss(w: Any, data: Any) -> Any:
        weight, below, above = w["weight"], w["visible_bias"], w["hidden_bias"]
        hidden = jax.nn.sigmoid(data["x"] @ weight.T + above)
        hidden = jnp.where(data["hidden_chance"] < hidden, 1.0, 0.0)
        visible = jax.nn.sigmoid(hidden @ weight + below)
        visible = jax.lax.stop_gradient(jnp.where(data["visible_chance"] < visible, 1.0, 0.0))

        def energy(v: Any) -> Any:
            return (-(v @ below) - jax.nn.softplus(v @ weight.T + above).sum(-1)).mean()

        return energy(data["x"]) - energy(visible)

    return minimised(loss, weights, data, momentum)


def _lesson_loss(w: Any, data: Any) -> Any:
    output = jax.nn.sigmoid(jax.nn.sigmoid(data["x"] @ w["w0"]) @ w["w1"])
    return 0.5 * jnp.sum((data["y"] - output) ** 2)


def lesson(weights: Arrays, data: Arrays) -> Step:
    in_double_precision()
    return minimised(_lesson_loss, weights, data, descent)


def repeat(weights: Arrays, data: Arrays) -> Step:
    in_double_precision()
    return minimised(_lesson_loss, weights, data, descent, steps=1000)


def chain(weights: Arrays, data: Arrays) -> Step:
    x = jnp.asarray(weights["x"])
    compiled = jax.jit(
        jax.value_and_grad(lambda x: jnp.sum(jnp.log1p(jnp.exp(jnp.tanh(x) * jax.nn.sigmoid(x)))))
    )

    def gradients() -> tuple[Any, dict[str, Any]]:
        value, gradient = compiled(x)
        return value, {"x": gradient}

    return Step(lambda: compiled(x), gradients)


def hessian(weights: Arrays, data: Arrays) -> Step:
    in_double_precision()
    theta, x, y = (jnp.asarray(array) for array in (weights["theta"], data["x"], data["y"]))

    def loss(theta: Any, x: Any, y: Any) -> Any:
        hidden = jnp.tanh(x @ theta[:32].reshape(8, 4).T + theta[32:40])
        return ((hidden @ theta[40:48].reshape(8, 1) + theta[48:] - y) ** 2).mean()

    compiled = jax.jit(jax.hessian(loss))

    def gradients() -> tuple[Any, dict[str, Any]]:
        return loss(theta, x, y), {"theta": compiled(theta, x, y)}

    return Step(lambda: (0.0, compiled(theta, x, y)), gradients)

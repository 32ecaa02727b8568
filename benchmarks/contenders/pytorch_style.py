"""PyTorch and this library: they are called alike, so that one text serves both."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from works import texts

from . import common, pytorch_models
from .common import Arrays, Step

lib: Any = None
nn: Any = None
functional: Any = None
in_torch = False
compiling: dict[str, Any] | None = None


def use(package: str, threads: int, compiled: bool) -> None:
    """Which of the two libraries the other functions take, and whether it shall compile."""
    global lib, nn, functional, in_torch, compiling
    lib, in_torch = importlib.import_module(package), package == "torch"
    nn, functional = lib.nn, lib.nn.functional
    if in_torch:
        lib.set_num_threads(threads)
    if compiled:
        compiling = {} if in_torch else {"mode": "c"}


def tensor(array: Any, requires_grad: bool = False) -> Any:
    made = lib.tensor if in_torch else lib.Tensor
    return made(np.asarray(array), requires_grad=requires_grad)


# ---- what becomes a step -------------------------------------------------------------------


def finished(run: Callable[[], Any], gradients: Callable[[], Any]) -> Step:
    """Both functions, compiled whole where this library compiles."""
    if compiling is not None and not in_torch:
        return Step(lib.compile(run, **compiling), lib.compile(gradients, **compiling))
    return Step(run, gradients)


def minimised(
    loss: Callable[[], Any],
    parameters: dict[str, Any],
    optimizer: Any,
    update: Callable[[], Any] | None = None,
) -> Step:
    """A step of an optimizer; PyTorch compiles the loss, and with it the way back."""
    if compiling is not None and in_torch:
        loss = lib.compile(loss, **compiling)

    def run() -> Any:
        value = loss()
        optimizer.zero_grad()
        value.backward()
        (update or optimizer.step)()
        return value

    def gradients() -> tuple[Any, dict[str, Any]]:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value, {name: p.grad for name, p in parameters.items()}

    return finished(run, gradients)


def loaded(model: Any, weights: Arrays) -> Any:
    """The model with these weights; what it keeps besides stays as it is."""
    state = model.state_dict()
    state.update({name: tensor(array) for name, array in weights.items()})
    model.load_state_dict(state)
    return model


def adam(parameters: Any, **settings: Any) -> Any:
    more = {"fused": True} if in_torch else {}
    return lib.optim.Adam(parameters, lr=1e-3, **more, **settings)


def classified(model: Any, weights: Arrays, data: Arrays) -> Step:
    """A step of Adam on the cross-entropy."""
    loaded(model, weights)
    x, y = tensor(data["x"]), tensor(data["y"])
    named = dict(model.named_parameters())
    return minimised(lambda: functional.cross_entropy(model(x), y), named, adam(named.values()))


# ---- networks ------------------------------------------------------------------------------


def _net(name: str) -> Callable[[Arrays, Arrays], Step]:
    make = getattr(pytorch_models, name)
    return lambda weights, data: classified(make(nn), weights, data)


mlp, deep, cnn, speech, resnet = map(_net, ("mlp", "deep", "cnn", "speech", "resnet"))
lstm, gru = map(_net, ("lstm", "gru"))


def transformer(weights: Arrays, data: Arrays) -> Step:
    return classified(pytorch_models.transformer(nn, tensor(weights["positions"])), weights, data)


def vae(weights: Arrays, data: Arrays) -> Step:
    model = loaded(pytorch_models.vae(nn), weights)
    x, noise = tensor(data["x"]), tensor(data["noise"])

    def loss() -> Any:
        mean, spread = model["code"](model["encoder"](x).relu()).chunk(2, -1)
        code = mean + lib.exp(spread * 0.5) * noise
        picture = model["picture"](model["decoder"](code).relu())
        missed = functional.binary_cross_entropy_with_logits(picture, x, reduction="sum")
        apart = (mean * mean + lib.exp(spread) - spread - 1).sum() * 0.5
        return (missed + apart) / len(x)

    named = dict(model.named_parameters())
    return minimised(loss, named, adam(named.values()))


def dbn(weights: Arrays, data: Arrays) -> Step:
    named = {name: tensor(array, requires_grad=True) for name, array in weights.items()}
    weight, below, above = named.values()
    x, hidden_chance, visible_chance = (tensor(array) for array in data.values())
    momentum = lib.optim.SGD(named.values(), lr=0.1, momentum=0.5)

    def energy(v: Any) -> Any:
        hidden = functional.softplus(functional.linear(v, weight, above))
        return -(v @ below) - hidden.sum(-1)

    def loss() -> Any:
        with lib.no_grad():
            hidden = lib.sigmoid(functional.linear(x, weight, above))
            hidden = lib.where(hidden_chance < hidden, 1.0, 0.0)
            visible = lib.sigmoid(hidden @ weight + below)
            visible = lib.where(visible_chance < visible, 1.0, 0.0)
        return energy(x).mean() - energy(visible).mean()

    return minimised(loss, named, momentum)


# ---- the examples --------------------------------------------------------------------------


def text_rnn(weights: Arrays, data: Arrays) -> Step:
    return _text("text_rnn", weights, data)


def gpt(weights: Arrays, data: Arrays) -> Step:
    return _text("gpt", weights, data)


def _text(name: str, weights: Arrays, data: Arrays) -> Step:
    """The step of examples/texts.py; its gradients are compared without dropout."""
    model = loaded(texts.model(name, nn), weights)
    x, y = tensor(data["x"]), tensor(data["y"])
    named = dict(model.named_parameters())
    groups = [
        {"params": [p for p in named.values() if p.ndim > 1]},
        {"params": [p for p in named.values() if p.ndim < 2], "weight_decay": 0.0},
    ]
    more = {"fused": True} if in_torch else {}
    optimizer = lib.optim.AdamW(groups, betas=(0.9, 0.99), weight_decay=0.1, **more)
    schedule = lib.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, 1_000_000, pct_start=0.1, cycle_momentum=False
    )

    def update() -> None:
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()

    example = texts.example(name)
    step = minimised(lambda: example.loss(lib, model, x, y), named, optimizer, update)

    def gradients() -> tuple[Any, dict[str, Any]]:
        model.eval()
        found = step.gradients()
        model.train()
        return found

    return Step(step.run, gradients)


# ---- what is no network --------------------------------------------------------------------


def lesson(weights: Arrays, data: Arrays) -> Step:
    named = {name: tensor(w, requires_grad=True) for name, w in weights.items()}
    w0, w1 = named.values()
    x, y = tensor(data["x"]), tensor(data["y"])

    def loss() -> Any:
        output = lib.sigmoid(lib.sigmoid(x @ w0) @ w1)
        return ((y - output) ** 2).sum() * 0.5

    return minimised(loss, named, lib.optim.SGD(named.values(), lr=0.1))


def repeat(weights: Arrays, data: Arrays) -> Step:
    step = lesson(weights, data)
    if compiling is not None:
        return Step(lambda: step.run.repeat(1000), step.gradients)

    def run() -> Any:
        for _ in range(1000):
            loss = step.run()
        return loss

    return Step(run, step.gradients)


def chain(weights: Arrays, data: Arrays) -> Step:
    x = tensor(weights["x"], requires_grad=True)

    def loss() -> Any:
        return lib.log1p(lib.exp(lib.tanh(x) * lib.sigmoid(x))).sum()

    if compiling is not None and in_torch:
        loss = lib.compile(loss, **compiling)

    def run() -> tuple[Any, Any]:
        x.grad = None
        value = loss()
        value.backward()
        return value, x.grad

    def gradients() -> tuple[Any, dict[str, Any]]:
        value, gradient = run()
        return value, {"x": gradient}

    return finished(run, gradients)


def hessian(weights: Arrays, data: Arrays) -> Step:
    theta, x, y = tensor(weights["theta"]), tensor(data["x"]), tensor(data["y"])

    def loss(theta: Any) -> Any:
        hidden = lib.tanh(x @ theta[:32].reshape(8, 4).mT + theta[32:40])
        return ((hidden @ theta[40:48].reshape(1, 8).mT + theta[48:] - y) ** 2).mean()

    second = (lib.func if in_torch else lib).hessian(loss)
    if compiling is not None and in_torch:
        second = lib.compile(second, **compiling)
    return finished(lambda: (0.0, second(theta)), lambda: (loss(theta), {"theta": second(theta)}))


def moons(weights: Arrays, data: Arrays) -> Step:
    layers = common.scalars(weights, lambda v: tensor(np.float64(v), requires_grad=True))
    every = common.every(layers)
    x, y = data["x"].tolist(), data["y"].tolist()

    def loss() -> Any:
        return common.moons_loss(layers, x, y, lib.relu)

    return minimised(loss, dict(common.numbered(every)), lib.optim.SGD(every, lr=0.1))

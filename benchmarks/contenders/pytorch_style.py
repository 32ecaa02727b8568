"""PyTorch and this library: they are called alike, so that one text serves both."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from works import BLOCKS, HEADS, SYMBOLS, WIDTH

from . import common

Arrays = dict[str, np.ndarray]
Step = Callable[[], Any]

lib: Any = None
nn: Any = None
functional: Any = None


def use(package: str, threads: int) -> None:
    """Which of the two libraries the other functions take."""
    global lib, nn, functional
    lib = importlib.import_module(package)
    nn, functional = lib.nn, lib.nn.functional
    if package == "torch":
        lib.set_num_threads(threads)


def tensor(array: Any, requires_grad: bool = False) -> Any:
    made = lib.tensor if lib.__name__ == "torch" else lib.Tensor
    return made(np.asarray(array), requires_grad=requires_grad)


def trained(model: Any, weights: Arrays, data: Arrays, adam: str | None) -> Step:
    """A step of Adam on the cross-entropy."""
    model.load_state_dict({name: tensor(array) for name, array in weights.items()})
    settings = {} if adam is None else {"fused": adam == "fused", "foreach": adam == "foreach"}
    optimizer = lib.optim.Adam(model.parameters(), lr=1e-3, **settings)
    x, y = tensor(data["x"]), tensor(data["y"])

    def step() -> Any:
        loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def lesson(weights: Arrays, data: Arrays) -> Step:
    w0, w1 = (tensor(w, requires_grad=True) for w in weights.values())
    x, y = tensor(data["x"]), tensor(data["y"])
    optimizer = lib.optim.SGD([w0, w1], lr=0.1)

    def step() -> Any:
        output = lib.sigmoid(lib.sigmoid(x @ w0) @ w1)
        loss = ((y - output) ** 2).sum() * 0.5
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step


def mlp(weights: Arrays, data: Arrays, adam: str | None = None) -> Step:
    model = nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    return trained(model, weights, data, adam)


def cnn(weights: Arrays, data: Arrays, adam: str | None = None) -> Step:
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip
    return trained(model, weights, data, adam)


def lstm(weights: Arrays, data: Arrays, adam: str | None = None) -> Step:
    class Characters(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(SYMBOLS, 64)
            self.lstm = nn.LSTM(64, 128)
            self.head = nn.Linear(128, SYMBOLS)

        def forward(self, x: Any) -> Any:
            states, _ = self.lstm(self.embedding(x))
            return self.head(states).reshape(-1, SYMBOLS)

    return trained(Characters(), weights, data, adam)


def transformer(weights: Arrays, data: Arrays, adam: str | None = None) -> Step:
    class Characters(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(SYMBOLS, WIDTH)
            self.positions = nn.Parameter(tensor(weights["positions"]))
            settings = {"dropout": 0.0, "activation": "gelu", "batch_first": True}
            self.blocks = nn.ModuleList([
                nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, norm_first=True, **settings)
                for _ in range(BLOCKS)
            ])  # fmt: skip
            self.head = nn.Linear(WIDTH, SYMBOLS)

        def forward(self, x: Any) -> Any:
            y = self.embedding(x) + self.positions
            for block in self.blocks:
                y = block(y)
            return self.head(y).reshape(-1, SYMBOLS)

    return trained(Characters(), weights, data, adam)


def chain(weights: Arrays, data: Arrays) -> Step:
    x = tensor(weights["x"], requires_grad=True)

    def step() -> tuple[Any, Any]:
        x.grad = None
        loss = lib.log1p(lib.exp(lib.tanh(x) * lib.sigmoid(x))).sum()
        loss.backward()
        return loss, x.grad

    return step


def moons(weights: Arrays, data: Arrays) -> Step:
    layers = common.scalars(weights, lambda v: tensor(np.float64(v), requires_grad=True))
    optimizer = lib.optim.SGD(common.every(layers), lr=0.1)
    x, y = data["x"].tolist(), data["y"].tolist()

    def step() -> Any:
        loss = common.moons_loss(layers, x, y, lib.relu)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return step

"""The networks, for PyTorch and for this library: their layers are called alike."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from works.nets import BLOCKS, HEADS, SYMBOLS, WIDTH
from works.others import CHANNELS, CODE, LAYERS


def mlp(nn: Any) -> Any:
    return nn.Sequential(
        nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def deep(nn: Any) -> Any:
    hidden = [layer for _ in range(LAYERS - 1) for layer in (nn.Linear(64, 64), nn.Tanh())]
    return nn.Sequential(*hidden, nn.Linear(64, 10))


def cnn(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 10),
    )  # fmt: skip


def speech(nn: Any) -> Any:
    return nn.Sequential(
        nn.Conv1d(40, 64, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(64, 64, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2),
        nn.Flatten(), nn.Linear(64 * 25, 10),
    )  # fmt: skip


def resnet(nn: Any) -> Any:
    class Block(nn.Module):  # type: ignore[misc]
        def __init__(self, inputs: int, out: int) -> None:
            super().__init__()
            stride = 1 if inputs == out else 2
            self.first = nn.Conv2d(inputs, out, 3, stride=stride, padding=1, bias=False)
            self.norm1 = nn.BatchNorm2d(out)
            self.second = nn.Conv2d(out, out, 3, padding=1, bias=False)
            self.norm2 = nn.BatchNorm2d(out)
            if stride == 2:
                self.shortcut = nn.Conv2d(inputs, out, 1, stride=2, bias=False)
            self.straight = stride == 1

        def forward(self, x: Any) -> Any:
            y = self.norm2(self.second(self.norm1(self.first(x)).relu()))
            return (y + (x if self.straight else self.shortcut(x))).relu()

    class Residual(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv2d(3, CHANNELS[0], 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(CHANNELS[0])
            self.blocks = nn.Sequential(*[Block(*pair) for pair in pairwise(CHANNELS)])
            self.head = nn.Linear(CHANNELS[-1], 10)

        def forward(self, x: Any) -> Any:
            x = self.blocks(self.norm(self.stem(x)).relu())
            return self.head(x.mean((2, 3)))

    return Residual()


def lstm(nn: Any) -> Any:
    return _recurrent(nn, "lstm", nn.LSTM)


def gru(nn: Any) -> Any:
    return _recurrent(nn, "gru", nn.GRU)


def _recurrent(nn: Any, name: str, layer: Any) -> Any:
    class Characters(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(SYMBOLS, 64)
            setattr(self, name, layer(64, 128))
            self.head = nn.Linear(128, SYMBOLS)

        def forward(self, x: Any) -> Any:
            states, _ = getattr(self, name)(self.embedding(x))
            return self.head(states).reshape(-1, SYMBOLS)

    return Characters()


def transformer(nn: Any, positions: Any) -> Any:
    class Characters(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(SYMBOLS, WIDTH)
            self.positions = nn.Parameter(positions)
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

    return Characters()


def vae(nn: Any) -> Any:
    return nn.ModuleDict({
        "encoder": nn.Linear(784, 400), "code": nn.Linear(400, 2 * CODE),
        "decoder": nn.Linear(CODE, 400), "picture": nn.Linear(400, 784),
    })  # fmt: skip

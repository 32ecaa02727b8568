"""The README's pictures; ``python -m viz.gallery`` draws them again, each time the same."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim

from ..picture import graph
from ..rendering import Picture

FOLDER: Final = Path(__file__).parent


def neuron(backward: bool = False) -> Picture:
    """One neuron: a weighted input, a bias, a sigmoid."""
    x = Tensor(2.0, name="x")
    w = Tensor(-3.0, requires_grad=True, name="w")
    b = Tensor(6.5, requires_grad=True, name="b")
    out = tl.sigmoid(w * x + b)
    return graph(out, names={"out": out}, backward=backward)


def mlp() -> Picture:
    """Two layers learning the exclusive or, at the start, each module in a frame."""
    generator = np.random.default_rng(0)

    def linear(inputs: int, outputs: int) -> nn.Linear:  # of float64: the same digits everywhere
        return nn.Linear(inputs, outputs, dtype=tl.float64, generator=generator)

    model = nn.Sequential(linear(2, 8), nn.Tanh(), linear(8, 2))
    x = Tensor([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=tl.float64)
    y = Tensor([0, 1, 1, 0])
    loss = nn.functional.cross_entropy(model(x), y)
    return graph(loss, names={"x": x, "y": y, "loss": loss})


def lesson1() -> Picture:
    """Lesson 1's network after 10,000 epochs: 3 inputs, 4 hidden neurons, 1 output."""
    draws = np.random.RandomState(1)  # the lesson's own generator and seed
    w0, w1 = (Tensor(2 * draws.random_sample(size) - 1, True) for size in ((3, 4), (4, 1)))
    x = Tensor([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=tl.float64)
    y = Tensor([[0], [1], [1], [0]], dtype=tl.float64)
    optimizer = optim.SGD([w0, w1], lr=0.1)
    for _ in range(10_000):
        hidden = tl.sigmoid(x @ w0)
        output = tl.sigmoid(hidden @ w1)
        loss = ((y - output) ** 2).sum() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return graph(loss, names={"X": x, "hidden": hidden, "output": output} | locals())


def write(folder: Path = FOLDER) -> list[Path]:
    """Draw every picture into `folder`."""
    pictures = {
        "neuron.svg": neuron(),
        "neuron_backward.svg": neuron(backward=True),
        "mlp.svg": mlp(),
        "lesson1.svg": lesson1(),
    }
    return [Path(picture.render(folder / name)) for name, picture in pictures.items()]

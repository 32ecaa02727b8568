"""Lesson 1, with its hand-derived lines gone.

A network of 3 inputs, 4 hidden neurons and 1 output learns the exclusive or of its first two
inputs. The lesson derives the gradients by hand; here they come out of the graph. Both programs
run side by side, from the same weights, and end with the same weights.

    python examples/lesson1.py
    python examples/lesson1.py --activation tanh --epochs 2000 --test 0,1,0
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import trange

import tinygrad_lesson as tl
import viz

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
y = np.array([[0], [1], [1], [0]], dtype=float)

# Each activation as a function of tensors; then, for the derivation by hand, as a NumPy function
# and as its derivative, written in terms of the activation's own output.
ACTIVATIONS: dict[str, tuple[Callable, Callable, Callable]] = {
    "sigmoid": (tl.sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (tl.tanh, np.tanh, lambda a: 1 - a * a),
    "relu": (tl.relu, lambda z: np.maximum(z, 0), lambda a: (a > 0) * 1.0),
}


def initial_weights(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The lesson's weights: uniform between -1 and 1."""
    np.random.seed(seed)
    return 2 * np.random.random((3, 4)) - 1, 2 * np.random.random((4, 1)) - 1


def by_hand(epochs: int, learning_rate: float, seed: int, activation: str) -> list[np.ndarray]:
    """The lesson's program: every line of the backward pass derived with pen and paper."""
    _, f, derivative = ACTIVATIONS[activation]
    w0, w1 = initial_weights(seed)
    for _ in range(epochs):
        hidden = f(X @ w0)
        output = f(hidden @ w1)
        output_delta = (y - output) * derivative(output)
        hidden_delta = output_delta @ w1.T * derivative(hidden)
        w1 += learning_rate * hidden.T @ output_delta
        w0 += learning_rate * X.T @ hidden_delta
    return [w0, w1]


def main() -> None:
    """Train, compare, check and draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=int, default=10_000)
    parser.add_argument("--learning-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--activation", choices=ACTIVATIONS, default="sigmoid")
    parser.add_argument("--test", default="1,0,0", help="three inputs to predict for")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the picture goes")
    args = parser.parse_args()
    activation = ACTIVATIONS[args.activation][0]

    w0, w1 = (tl.Tensor(w, requires_grad=True) for w in initial_weights(args.seed))
    inputs, targets = tl.Tensor(X, name="X"), tl.Tensor(y, name="y")
    optimizer = tl.optim.SGD([w0, w1], lr=args.learning_rate)

    def network(x: tl.Tensor, w0: tl.Tensor, w1: tl.Tensor) -> tl.Tensor:
        hidden = activation(x @ w0)
        return activation(hidden @ w1)

    def half_squared_error(w0: tl.Tensor, w1: tl.Tensor) -> tl.Tensor:
        return ((targets - network(inputs, w0, w1)) ** 2).sum() / 2

    print(
        f"3-4-1 network, {args.activation}, {args.epochs:,} epochs,"
        f" learning rate {args.learning_rate}, seed {args.seed}"
    )
    progress = trange(args.epochs, desc="training", unit="epoch")
    for epoch in progress:
        loss = half_squared_error(w0, w1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if epoch % 1000 == 0:
            progress.set_postfix(error=f"{loss:.5f}", refresh=False)

    derived = by_hand(args.epochs, args.learning_rate, args.seed, args.activation)
    difference = max(abs(w.numpy() - d).max() for w, d in zip((w0, w1), derived, strict=True))
    print(f"largest difference of any weight from the program derived by hand: {difference:.1e}")
    print("outputs for the four inputs:", *(f"{p:.4f}" for p in network(inputs, w0, w1).flatten()))
    test = tl.Tensor([float(v) for v in args.test.split(",")], dtype=tl.float64)
    print(f"prediction for [{args.test}]: {network(test, w0, w1).item():.8f}")

    print("\nAre the gradients right? Against finite differences:")
    print(tl.gradcheck(half_squared_error, [w0, w1]))

    loss = half_squared_error(w0, w1)
    loss.backward()
    args.out.mkdir(exist_ok=True)
    picture = viz.graph(loss, names={"w0": w0, "w1": w1, "loss": loss})
    print("\nThe graph:", picture.render(args.out / "lesson1.svg"))


if __name__ == "__main__":
    main()

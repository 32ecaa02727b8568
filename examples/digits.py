"""A network of layers reads handwritten digits.

scikit-learn's 1,797 digits of 8x8 pixels; a multi-layer perceptron; 5 random stratified splits,
each a new network that is tested on the fifth of the digits that it never saw.

    python examples/digits.py
    python examples/digits.py --hidden 64 --epochs 20
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from beside_torch import compare, cross_entropy
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import tinygrad_lesson as tl
import viz
from tinygrad_lesson import Tensor, nn


def build(hidden: int, nn: Any = nn) -> Any:
    """64 pixels in, a score for each of 10 digits out; the layers may be PyTorch's."""
    return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def train(
    model: nn.Module, x: np.ndarray, y: np.ndarray, args: argparse.Namespace, progress: tqdm
) -> list[float]:
    """Fit `model` in shuffled batches; return the mean loss of each epoch."""
    optimizer = tl.optim.Adam(model.parameters(), lr=args.learning_rate)
    losses = []
    for _ in range(args.epochs):
        order = tl.randperm(len(x)).numpy()
        total = 0.0
        for start in range(0, len(x), args.batch_size):
            rows = order[start : start + args.batch_size]
            loss = nn.functional.cross_entropy(model(Tensor(x[rows])), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss) * len(rows)
        losses.append(total / len(x))
        progress.set_postfix(loss=f"{losses[-1]:.4f}", refresh=False)
        progress.update()
    return losses


def predict(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """The digit with the highest score, for each row."""
    with tl.no_grad():
        return np.asarray(model.eval()(Tensor(x)).argmax(axis=1))


def main() -> None:
    """Train and test on 5 splits, then draw the losses and the mistakes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--compare-torch", action="store_true", help="time a step there, too")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plots go")
    args = parser.parse_args()

    digits = load_digits()
    pixels = (digits.data / 16).astype(np.float32)
    labels = digits.target
    accuracies, curves, wrong = [], [], []
    wall, cpu = time.perf_counter(), time.process_time()
    progress = tqdm(total=args.splits * args.epochs, desc="training", unit="epoch")
    for split in range(args.splits):
        seed = args.seed + split
        tl.manual_seed(seed)
        x_train, x_test, y_train, y_test = train_test_split(
            pixels, labels, test_size=0.2, stratify=labels, random_state=seed
        )
        model = build(args.hidden)
        curves.append(train(model, x_train, y_train, args, progress))
        answers = predict(model, x_test)
        accuracies.append(float(np.mean(answers == y_test)))
        wrong += [(x_test[i], y_test[i], answers[i]) for i in np.flatnonzero(answers != y_test)]
    progress.close()
    print(model)
    each = " ".join(f"{a:.2%}" for a in accuracies)
    print(f"accuracy on digits never seen: mean {np.mean(accuracies):.2%} ({each})")
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    if args.compare_torch:
        batch = pixels[: args.batch_size], labels[: args.batch_size]
        print(compare(partial(build, args.hidden), cross_entropy, *batch))

    args.out.mkdir(exist_ok=True)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    for split, curve in enumerate(curves):
        axes.plot(range(1, len(curve) + 1), curve, label=f"split {split + 1}")
    axes.set_title("Training loss")
    axes.legend()
    figure.savefig(args.out / "digits_loss.png", dpi=120)

    misread = np.array([image for image, _, _ in wrong[:40]]).reshape(-1, 8, 8)
    titles = [f"{digit}, not {answer}" for _, digit, answer in wrong[:40]]
    title = f"{len(wrong)} wrong answers in {args.splits} splits: digit, then answer"
    figure = viz.pictures(misread, titles, title=title)
    figure.savefig(args.out / "digits_wrong.png", dpi=120)
    print("plots:", args.out / "digits_loss.png", args.out / "digits_wrong.png")


if __name__ == "__main__":
    main()

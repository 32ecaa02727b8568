"""A convolutional network reads handwritten digits.

MNIST's 10,000 test pictures, of which it learns from the first 8,000 and is tested on the last
2,000. Where a stroke is matters less than what it looks like: a convolution looks for the same
small pattern everywhere, and pooling forgets the exact place.

    python examples/images_cnn.py --data FOLDER     (t10k-images-idx3-ubyte and -labels-, or .gz)
    python examples/images_cnn.py --data FOLDER --seed 1 --save out/digits.npz
    python examples/images_cnn.py --load out/digits.npz --predict my_digit.png
    python examples/images_cnn.py --quick           (scikit-learn's small digits; no download)
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from beside_torch import compare, cross_entropy
from handwriting import load, options, parsed, read_picture
from matplotlib.figure import Figure
from tqdm import tqdm

import tinygrad_lesson as tl
import viz
from tinygrad_lesson import Tensor, nn


def build(nn: Any = nn) -> Any:
    """28x28 pixels in, a score for each of 10 digits out; the layers may be PyTorch's."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),  # 16 patterns of 3x3 pixels ...
        nn.ReLU(),
        nn.MaxPool2d(2),  # ... and whether each is there, in 14x14 places
        nn.Conv2d(16, 32, 3, padding=1),  # 32 patterns of those patterns
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(32 * 7 * 7, 128),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(128, 10),
    )


def shifted(pictures: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each picture up to two pixels away from where it was: more to learn from."""
    padded = np.pad(pictures, ((0, 0), (0, 0), (2, 2), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (28, 28), axis=(2, 3))
    rows, columns = rng.integers(0, 5, (2, len(pictures)))
    return np.ascontiguousarray(windows[np.arange(len(pictures)), :, rows, columns])


def train(
    model: nn.Module, pictures: np.ndarray, labels: np.ndarray, args: argparse.Namespace
) -> list[float]:
    """Go through all pictures `args.epochs` times; return the mean loss of each epoch."""
    rng = np.random.default_rng(args.seed)
    batches = -(-len(pictures) // args.batch_size)
    optimizer = tl.optim.Adam(model.parameters())
    schedule = tl.optim.lr_scheduler.OneCycleLR(
        optimizer, args.learning_rate, args.epochs * batches
    )

    @tl.compile(mode="numpy" if args.quick else None)  # building C code does not pay for a few
    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    losses = []
    progress = tqdm(range(args.epochs), desc="training", unit="epoch")
    for _ in progress:
        total = 0.0
        order = rng.permutation(len(pictures))
        for rows in np.array_split(order, batches):
            loss = step(Tensor(shifted(pictures[rows], rng)), Tensor(labels[rows]))
            total += float(loss) * len(rows)
        losses.append(total / len(pictures))
        progress.set_postfix(loss=f"{losses[-1]:.4f}", refresh=False)
    return losses


def answers(model: nn.Module, pictures: np.ndarray) -> np.ndarray:
    """The digit with the highest score, for each picture."""
    model.eval()
    with tl.no_grad():
        parts = np.array_split(pictures, max(1, len(pictures) // 500))
        return np.concatenate([model(Tensor(part)).argmax(axis=1).numpy() for part in parts])


def draw(
    model: nn.Sequential, losses: list[float], pictures: np.ndarray, truth: np.ndarray,
    given: np.ndarray, out: Path,
) -> None:  # fmt: skip
    """Losses and filters, the confusion matrix, and the wrong answers."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.add_subplot(1, 2, 1, xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    axes.plot(range(1, len(losses) + 1), losses)
    axes.set_title("Training loss")
    table = np.zeros((10, 10), int)
    np.add.at(table, (truth, given), 1)
    axes = figure.add_subplot(1, 2, 2, xlabel="answer", ylabel="digit")
    axes.imshow(np.log1p(table), cmap="Blues")
    for digit, answer in np.argwhere(table):
        times = table[digit, answer]
        color = "w" if times > 20 else "k"
        axes.text(answer, digit, times, ha="center", va="center", fontsize=7, color=color)
    axes.set_xticks(range(10))
    axes.set_yticks(range(10))
    axes.set_title("Which digit was taken for which")
    figure.savefig(out / "images_cnn.png", dpi=110)

    patterns, title = model.state_dict()["0.weight"], "The patterns of the first layer"
    figure = viz.pictures(patterns, columns=8, title=title, signed=True)
    figure.savefig(out / "images_cnn_filters.png", dpi=110)

    wrong = np.flatnonzero(truth != given)
    titles = [f"{truth[i]}, not {given[i]}" for i in wrong[:40]]
    title = f"{len(wrong)} wrong answers of {len(truth)}: digit, then answer"
    figure = viz.pictures(pictures[wrong[:40]], titles, title=title)
    figure.savefig(out / "images_cnn_wrong.png", dpi=110)


def main() -> None:
    """Train, test once, draw."""
    parser = options(__doc__, quick="3 epochs")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=64)
    highest = "the highest of the cycle"
    parser.add_argument("--learning-rate", type=float, default=5e-3, help=highest)
    args = parsed(parser)
    if args.predict:
        model = build()
        model.load_state_dict(tl.load(args.load))
        for path in args.predict:
            print(f"{path}: {answers(model, read_picture(path))[0]}")
        return
    if args.quick:
        args.epochs = 3

    tl.manual_seed(args.seed)
    model = build()
    pictures, labels = load(None if args.quick else args.data)
    first = len(pictures) * 4 // 5  # of the pictures to test with: MNIST's row 8,000
    tested, truth = pictures[first:], labels[first:]
    wall, cpu = time.perf_counter(), time.process_time()
    losses = train(model, pictures[:first], labels[:first], args)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    given = answers(model, tested)
    print(f"accuracy on {len(tested)} pictures never seen: {np.mean(given == truth):.2%}")
    print(f"{wall:.1f} s, {cpu:.1f} s of CPU time")
    if args.compare_torch:
        batch = pictures[: args.batch_size], labels[: args.batch_size]
        print(compare(build, cross_entropy, *batch, compiled=True))
    args.out.mkdir(exist_ok=True)
    draw(model, losses, tested, truth, given, args.out)
    print("plots:", *sorted(args.out.glob("images_cnn*.png")))
    if args.save:
        tl.save(model.state_dict(), args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()

"""All activation functions: their shapes, how fast a net learns with them, and how units die.

Without an activation between them, the layers of a net would add up to a single one. Which one to
take? Three experiments, the last two on scikit-learn's 1,797 handwritten digits:

1. every activation and its derivative, from the graph; the dots on top are finite differences;
2. the same net with each: the loss epoch by epoch, and after how many epochs it is small;
3. dying units: a ReLU that is off for every sample gets no gradient, and stays off. How many end
   like this depends on the learning rate, and on the activation.

    python examples/activations.py
    python examples/activations.py --epochs 60 --loss 0.02 --learning-rate 3e-3
"""

from __future__ import annotations

import argparse
import textwrap
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from activation_plots import Race, Shapes, draw_dying, draw_race
from beside_torch import compare, cross_entropy
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from tqdm import tqdm

import tinygrad_lesson as tl
import viz
from tinygrad_lesson import Tensor, data, nn
from tinygrad_lesson.training import accuracy

LESSON = ("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "Softmax", "Swish", "GELU")
OTHERS = (
    "LogSigmoid", "Softsign", "Tanhshrink", "Hardtanh", "Hardsigmoid",  # sigmoid and tanh's kin
    "ReLU6", "PReLU", "RReLU", "CELU", "SELU", "Threshold", "Softplus",  # the ReLU's
    "Mish", "Hardswish", "Hardshrink", "Softshrink", "Softmin", "LogSoftmax", "GLU",
)  # fmt: skip  # and SiLU, which is Swish
RATES = [1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3]
DYING = ("ReLU", "LeakyReLU", "ELU", "Swish", "GELU")
SETTINGS = {"Threshold": (0.5, 0.0), "CELU": (2.0,)}  # with 1, CELU is ELU
# These take a vector; here is what stands in it before the number that varies.
BESIDE = {"Softmax": (0.0, 1.0), "Softmin": (0.0, 1.0), "LogSoftmax": (0.0, 1.0), "GLU": (2.0,)}


def activation(name: str, nn: Any = nn) -> Any:
    return getattr(nn, name)(*SETTINGS.get(name, ()))


# ---- 1: shapes ---------------------------------------------------------------------------


def values(name: str, x: Tensor) -> Any:
    """What comes out for each x, (n, outputs); the rest of a vector stays as it is."""
    inputs = tl.stack([*(0 * x + beside for beside in BESIDE.get(name, ())), x], axis=-1)
    return activation(name).double().eval()(inputs)


def slopes(name: str, x: Tensor) -> np.ndarray:
    """The derivative of each output with respect to x, from the graph."""
    # A row depends on its own x alone: the gradient of the sum is all derivatives at once.
    slope = tl.grad(lambda x, output: values(name, x)[:, output].sum())
    return np.stack([slope(x, i).numpy() for i in range(values(name, x).shape[1])], axis=1)


def differences(name: str, x: Tensor, step: float = 1e-5) -> Any:
    """The same without any rule: by how much each output rises from just below x to just above."""
    return ((values(name, x + step) - values(name, x - step)) / (2 * step)).numpy()


def draw_shapes(path: Path) -> dict[str, float]:
    """Draw all; return by how much derivative and finite difference are apart, at most."""
    line = Tensor(np.linspace(-5, 7, 601))
    dots = Tensor(np.linspace(-4.9, 6.9, 40))  # none of them on a kink
    shapes, apart = Shapes(line.numpy(), dots.numpy()), {}
    for name in (*LESSON, *OTHERS):
        checked = differences(name, dots)
        shapes.add(name, values(name, line).numpy(), slopes(name, line), checked)
        apart[name] = float(abs(checked - slopes(name, dots)).max())
    shapes.figure.savefig(path, dpi=110)
    return apart


# ---- 2: the same net with each -----------------------------------------------------------


def build(name: str, nn: Any = nn) -> Any:
    """64 pixels in, a score for each of 10 digits out; the layers may be PyTorch's."""
    return nn.Sequential(
        nn.Linear(64, 64), activation(name, nn),
        nn.Linear(64, 64), activation(name, nn),
        nn.Linear(64, 10),
    )  # fmt: skip


def learn(
    name: str, rate: float, epochs: int, seed: int, digits: list[np.ndarray]
) -> tuple[tl.training.History, Any]:
    """Train the net: the record of each epoch, and the report on its health."""
    tl.manual_seed(seed)  # each activation gets the same first weights and the same batches
    learnt, tested = (data.TensorDataset(*digits[i : i + 2]) for i in (0, 2))
    model = build(name)
    optimizer = tl.optim.Adam(model.parameters(), rate)
    with tl.Health(model, optimizer) as health:
        history = tl.fit(
            model, data.DataLoader(learnt, 64, shuffle=True), nn.functional.cross_entropy,
            optimizer, epochs=epochs, validation=data.DataLoader(tested, len(tested)),
            metrics=[accuracy], progress=False,
        )  # fmt: skip
    return history, health.report()


def race(digits: list[np.ndarray], args: argparse.Namespace) -> Race:
    """For each activation: the losses of each seed, the epochs to a small one, the accuracies."""
    found = {}
    for name in tqdm(args.names, desc="the same net with each", unit="activation"):
        runs = [learn(name, args.learning_rate, args.epochs, s, digits)[0] for s in args.seeds]
        losses = np.array([[record["loss"] for record in run] for run in runs])
        small = losses < args.loss
        taken = np.where(small.any(axis=1), small.argmax(axis=1) + 1, np.inf)
        found[name] = losses, taken, np.array([run[-1]["val_accuracy"] for run in runs])
    return found


# ---- 3: dying units ----------------------------------------------------------------------


def dying(digits: list[np.ndarray], args: argparse.Namespace) -> tuple[dict[str, np.ndarray], Any]:
    """The share of dead units by activation, rate and seed; and the report on the deadest ReLUs."""
    shares, worst, epochs = {}, None, max(1, args.epochs // 4)
    for name in tqdm(DYING, desc="dying units", unit="activation"):
        shares[name] = np.zeros((len(args.rates), len(args.seeds)))
        for i, j in np.ndindex(shares[name].shape):
            _, report = learn(name, args.rates[i], epochs, args.seeds[j], digits)
            # Dead, whatever the activation: the derivative is practically 0 for every sample.
            shares[name][i, j] = np.mean([layer.dead for layer in report.activations])
            if name == "ReLU" and shares[name][i, j] == shares[name].max():
                worst = report
    return shares, worst


def main() -> None:
    """Three experiments, their figures, and what the health report says."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--epochs", type=int, default=40, help="a quarter of it where units die")
    parser.add_argument("--loss", type=float, default=0.2, help="the loss to be reached")
    parser.add_argument("--learning-rate", type=float, default=2e-3, help="to reach it")
    parser.add_argument("--rates", type=float, nargs="+", default=RATES, help="to see units die")
    parser.add_argument("--seed", type=int, default=0, help="the first of three")
    parser.add_argument("--quick", action="store_true", help="the lesson's, a few epochs")
    parser.add_argument("--compare-torch", action="store_true", help="time a step there, too")
    parser.add_argument("--save", type=Path, help="keep the numbers behind the plots")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plots go")
    args = parser.parse_args()
    args.seeds = [args.seed, args.seed + 1, args.seed + 2]
    args.names = (*LESSON, *OTHERS[:-1])  # GLU would halve the layers
    if args.quick:
        args.epochs, args.rates, args.seeds, args.names = 8, [1e-3, 0.3], [args.seed], LESSON

    args.out.mkdir(exist_ok=True)
    wall, cpu = time.perf_counter(), time.process_time()
    apart = draw_shapes(args.out / "activations.png")
    pixels, labels = load_digits(return_X_y=True)
    pixels = (pixels / 16).astype(np.float32)
    x, x_test, y, y_test = train_test_split(pixels, labels, stratify=labels, random_state=0)
    found = race([x, y, x_test, y_test], args)
    print(f"             off by  epochs to loss {args.loss:g}  accuracy, each seed")
    for name, difference in apart.items():
        _, taken, right = found.get(name, ([], [], []))
        counts = " ".join(f"{n:3.0f}" for n in taken).replace("inf", "  -")
        print(f"{name:11}  {difference:.0e}  {counts:>18}", *(f"{r:7.1%}" for r in right))
    untrained = accuracy(build("ReLU")(Tensor(x_test)), Tensor(y_test))
    print(f"off by: from finite differences; accuracy: chance 10%, untrained {untrained:.1%}")
    draw_race(found, LESSON, args.loss, args.out / "activations_race.png")

    shares, worst = dying([x, y, x_test, y_test], args)
    draw_dying(shares, args.rates, args.out / "activations_dying.png")
    viz.health(worst).savefig(args.out / "activations_health.png", dpi=110)
    print("dead units at", *(f"{rate:>6g}" for rate in args.rates))
    for name, share in shares.items():
        print(f"{name:13}", *(f"{middle:>6.0%}" for middle in np.median(share, axis=1)))
    print("The health report on the ReLU net with the most of them:")
    for finding in worst.findings:
        print(textwrap.fill(f"* {finding}", 92, subsequent_indent="  "))
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    if args.compare_torch:
        for name in ("Sigmoid", "ReLU", "GELU"):
            print(name, compare(partial(build, name), cross_entropy, x[:64], y[:64]))
    print("plots:", *sorted(args.out.glob("activations*.png")))
    if args.save:
        tl.save({"losses": {n: row[0] for n, row in found.items()}, "dead": shares}, args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()

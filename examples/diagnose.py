"""A network tells malignant from benign tumours.

scikit-learn's breast-cancer set (Wisconsin, 1995): 569 tumours, 30 measurements of the nuclei of
their cells. Five repeats of stratified 10-fold cross-validation; in each fold the scaler and the
network see the other nine tenths only. Beside it, scikit-learn's logistic regression on the same
folds.

    python examples/diagnose.py
    python examples/diagnose.py --hidden 32 --seed 1
    python examples/diagnose.py --save out/tumour.npz
    python examples/diagnose.py --load out/tumour.npz --predict measurements.csv

A row of the CSV file has the 30 measurements, in the order of the set.
"""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from beside_torch import compare
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import RepeatedStratifiedKFold
from tqdm import tqdm

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn


def build(hidden: int, nn: Any = nn) -> Any:
    """30 measurements in, one score out: above 0 means malignant. The layers may be PyTorch's."""
    return nn.Sequential(nn.Linear(30, hidden), nn.ReLU(), nn.Linear(hidden, 1))


def scaler_of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What brings each measurement to mean 0 and deviation 1."""
    return x.mean(axis=0), x.std(axis=0)


def scaled(x: np.ndarray, scaler: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    mean, deviation = scaler
    return np.asarray((x - mean) / deviation, np.float32)


def loss_of(library: Any, model: Any, x: Any, y: Any) -> Any:
    """What training minimises; the library may be PyTorch."""
    return library.nn.BCEWithLogitsLoss()(model(x), y)


def train(x: np.ndarray, y: np.ndarray, args: argparse.Namespace) -> nn.Sequential:
    """Gradient descent on all samples at once: there are few of them."""
    model: nn.Sequential = build(args.hidden)
    optimizer = tl.optim.AdamW(
        model.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay
    )
    inputs, targets = Tensor(x), Tensor(y[:, None].astype(np.float32))
    for _ in range(args.epochs):
        optimizer.zero_grad()
        loss_of(tl, model, inputs, targets).backward()
        optimizer.step()
    return model


def probabilities(model: nn.Module, x: np.ndarray) -> np.ndarray:
    """How likely each tumour is malignant, as the network has it."""
    with tl.no_grad():
        return np.asarray(tl.sigmoid(model(Tensor(x))))[:, 0]


def cross_validate(x: np.ndarray, y: np.ndarray, args: argparse.Namespace) -> dict[str, np.ndarray]:
    """The accuracy in each fold, ours and logistic regression's, and all probabilities given."""
    folds = RepeatedStratifiedKFold(
        n_splits=args.folds, n_repeats=args.repeats, random_state=args.seed
    )
    ours, theirs, given, truth = [], [], [], []
    pairs = list(folds.split(x, y))
    for number, (rows, held_out) in enumerate(tqdm(pairs, desc="folds", unit="fold")):
        tl.manual_seed(1000 * args.seed + number)
        scaler = scaler_of(x[rows])  # the tumours held out take no part in it
        model = train(scaled(x[rows], scaler), y[rows], args)
        p = probabilities(model, scaled(x[held_out], scaler))
        ours.append(np.mean((p > 0.5) == y[held_out]))
        logistic = LogisticRegression(max_iter=1000).fit(scaled(x[rows], scaler), y[rows])
        theirs.append(logistic.score(scaled(x[held_out], scaler), y[held_out]))
        given.append(p)
        truth.append(y[held_out])
    return {
        "ours": np.array(ours), "logistic": np.array(theirs),
        "given": np.concatenate(given), "truth": np.concatenate(truth),
    }  # fmt: skip


def draw(found: dict[str, np.ndarray], path: Path) -> None:
    """Calibration: of the tumours called 80 % malignant, four in five should be."""
    given, truth = found["given"], found["truth"]
    bins = np.linspace(0, 1, 11)
    place = np.clip(np.digitize(given, bins) - 1, 0, 9)
    used = [b for b in range(10) if np.any(place == b)]
    figure = Figure(figsize=(9, 4), layout="constrained")
    axes = figure.add_subplot(
        1, 2, 1, xlabel="probability given", ylabel="share that was malignant"
    )
    axes.plot([0, 1], [0, 1], "k:", label="as it should be")
    axes.plot(
        [given[place == b].mean() for b in used], [truth[place == b].mean() for b in used], "o-",
        label="the network",
    )  # fmt: skip
    axes.set_title("Calibration on tumours never seen")
    axes.legend()
    axes = figure.add_subplot(1, 2, 2, xlabel="probability given", ylabel="tumours", yscale="log")
    axes.hist([given[truth == 0], given[truth == 1]], list(bins), label=["benign", "malignant"])
    axes.set_title("How sure it is")
    axes.legend()
    figure.savefig(path, dpi=120)


def predict(args: argparse.Namespace) -> None:
    """Print what a saved network thinks of each row of a CSV file."""
    state = tl.load(args.load)
    model = build(state["hidden"])
    model.load_state_dict(state["model"])
    rows = np.loadtxt(args.predict, delimiter=",", ndmin=2)
    for number, p in enumerate(probabilities(model, scaled(rows, state["scaler"])), 1):
        print(f"row {number}: {'malignant' if p > 0.5 else 'benign'}, probability {p:.3f}")


def main() -> None:
    """Cross-validate, say how good it is, and draw how sure it may be."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--hidden", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--weight-decay", type=float, default=3.0)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="one repeat of 3 folds")
    parser.add_argument("--save", type=Path, help="train on all tumours and keep the network")
    parser.add_argument("--compare-torch", action="store_true", help="time a step there, too")
    parser.add_argument("--load", type=Path, help="a saved network, for --predict")
    parser.add_argument("--predict", type=Path, metavar="CSV", help="measurements to judge")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plot goes")
    args = parser.parse_args()
    if args.predict:
        if not args.load:
            parser.error("--predict needs the network: --load FILE")
        predict(args)
        return
    if args.quick:
        args.folds, args.repeats = 3, 1

    tumours = load_breast_cancer()
    x, y = tumours.data, 1 - tumours.target  # there 0 is malignant; here 1
    wall, cpu = time.perf_counter(), time.process_time()
    found = cross_validate(x, y, args)
    called = found["given"] > 0.5
    sick = found["truth"] == 1
    print(
        f"accuracy {found['ours'].mean():.2%} (logistic regression"
        f" {found['logistic'].mean():.2%}; always 'benign' {np.mean(y == 0):.2%})"
    )
    print(f"sensitivity {called[sick].mean():.2%}, specificity {(~called[~sick]).mean():.2%}")
    print(f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU time")
    if args.compare_torch:
        batch = scaled(x, scaler_of(x)), y[:, None].astype(np.float32)
        print(compare(partial(build, args.hidden), loss_of, *batch, steps=100))
    args.out.mkdir(exist_ok=True)
    draw(found, args.out / "diagnose.png")
    print("plot:", args.out / "diagnose.png")
    if args.save:
        scaler = scaler_of(x)
        model = train(scaled(x, scaler), y, args)
        tl.save({"model": model.state_dict(), "hidden": args.hidden, "scaler": scaler}, args.save)
        print("saved:", args.save)


if __name__ == "__main__":
    main()

"""What dbn.py draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tinygrad_lesson as tl
import viz
from tinygrad_lesson import Tensor, nn


def given_back(rbms: Sequence[nn.RBM], units: Tensor) -> Tensor:
    """From the top down: what each layer makes of the one above it."""
    for rbm in reversed(rbms):
        units = rbm.visible_probability(units)
    return units


def draw_layers(dbn: nn.DBN, pictures: np.ndarray, out: Path) -> None:
    """What the first layer looks for, what is left of a picture on its way up, and dreams."""
    side = round(pictures.shape[1] ** 0.5)
    weights = dbn.stack[0].weight.numpy()
    strongest = weights[np.argsort(-(weights**2).sum(axis=1))[:60]].reshape(-1, side, side)
    most = np.quantile(abs(strongest), 0.998)
    title = "What the 60 strongest units of the first layer look for (blue) and avoid (red)"
    figure = viz.pictures(strongest.clip(-most, most), columns=15, title=title, signed=True)
    figure.savefig(out / "dbn_filters.png")

    *lower, top = dbn.stack
    units = [Tensor(pictures[:15])]  # on the way up
    with tl.no_grad():
        for rbm in dbn.stack:
            units.append(rbm(units[-1]))
        recalled = [given_back(dbn.stack[:height], u).numpy() for height, u in enumerate(units)]
        # CD-k taught the model what is near the pictures. Far from them it was never corrected:
        # after hundreds of steps most samples are blank or blurred.
        steps = (1, 3, 10, 30)
        dreams = [given_back(lower, top.gibbs(units[-2], k)).numpy() for k in steps]
    rows = np.concatenate(recalled).reshape(-1, side, side)
    title = "Never seen before; below, what one, two, ... layers make of it and give back"
    viz.pictures(rows, columns=15, title=title).savefig(out / "dbn_reconstructions.png")
    rows = np.concatenate([pictures[:15], *dreams]).reshape(-1, side, side)
    title = f"Samples that began at a picture, after {steps} steps in the layer at the top"
    viz.pictures(rows, columns=15, title=title).savefig(out / "dbn_samples.png")


def draw_errors(
    curves: list[list[float]], starts: Sequence[str], errors: np.ndarray, path: Path
) -> None:
    """How well each layer gave back what it saw, epoch by epoch; how well the nets could read."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    axes = figure.add_subplot(1, 2, 1, xlabel="epoch", ylabel="mean squared error", yscale="log")
    for depth, curve in enumerate(curves, 1):
        axes.plot(range(1, len(curve) + 1), curve, label=f"layer {depth}")
    axes.set_title("Looking: there and back again")
    axes.legend()
    axes = figure.add_subplot(1, 2, 2, ylabel="wrong on the test set")
    axes.plot(starts, 100 * errors.T, "o-", alpha=0.6)
    axes.yaxis.set_major_formatter("{x:g}%")
    axes.set_ylim(0)
    axes.set_title("Reading: a line for each seed")
    figure.savefig(path, dpi=110)

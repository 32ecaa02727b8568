"""What activations.py draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

Race = dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
"""By activation: losses (seeds, epochs), the epochs to a small one (seeds,), accuracies (seeds,)"""


class Shapes:
    """A panel for each activation: the function, its derivative, and finite differences on top."""

    def __init__(self, line: np.ndarray, dots: np.ndarray) -> None:
        self.line, self.dots = line, dots
        self.figure = Figure(figsize=(16, 9.5), layout="constrained")
        self.figure.suptitle(
            "Activations (blue), derivatives from the graph (orange), finite differences (dots);"
            " of softmax and its kin the outputs for (0, 1, x), of GLU that for (2, x)"
        )

    def add(
        self, name: str, values: np.ndarray, slopes: np.ndarray, differences: np.ndarray
    ) -> None:
        """The next panel: values and slopes along the line, an output in each column."""
        place = len(self.figure.axes) + 1
        axes = self.figure.add_subplot(4, 7, place, title=name, ylim=(-2.2, 2.7))
        axes.axhline(0, color="0.8", linewidth=0.8)
        axes.axvline(0, color="0.8", linewidth=0.8)
        axes.plot(self.line, slopes, color="C1", linewidth=4, alpha=0.7)
        axes.plot(self.line, values, color="C0")
        axes.plot(self.dots, differences, "k.", markersize=2.5)


def draw_race(found: Race, known: Sequence[str], goal: float, path: Path) -> None:
    """The curves of the best known, and how many epochs each took to the goal."""
    losses, taken = ({name: row[i] for name, row in found.items()} for i in (0, 1))
    epochs = losses[known[0]].shape[1]
    figure = Figure(figsize=(13, 6), layout="constrained")
    axes = figure.add_subplot(1, 2, 1, xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    for name in known:
        axes.plot(range(1, epochs + 1), np.median(losses[name], axis=0), label=name)
    axes.axhline(goal, color="black", linestyle=":")
    axes.set_title("Training loss, median of the seeds")
    axes.legend(ncols=2)
    axes = figure.add_subplot(1, 2, 2, xlabel="epochs", xlim=(0, epochs + 4))
    order = sorted(taken, key=lambda name: float(-np.median(taken[name])))
    for row, name in enumerate(order):
        shown = np.where(np.isfinite(taken[name]), taken[name], epochs + 2.5)
        color = "C0" if name in known else "0.5"
        axes.plot(shown, [row] * len(shown), "o", color=color, alpha=0.7)
    axes.axvspan(epochs + 1, epochs + 4, color="0.9")
    axes.set_yticks(range(len(order)), order)
    axes.set_title(f"Epochs to a loss of {goal:g}, each seed (gray: not reached)")
    figure.savefig(path, dpi=110)


def draw_dying(shares: dict[str, np.ndarray], rates: Sequence[float], path: Path) -> None:
    """The median of the seeds, and from the least to the most."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="learning rate of Adam", ylabel="dead units", xscale="log")
    for name, share in shares.items():
        axes.plot(rates, np.median(share, axis=1), "o-", label=name)
        axes.fill_between(rates, share.min(axis=1), share.max(axis=1), alpha=0.15)
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.set_ylim(-0.03, 1.03)
    axes.set_title("Units without a gradient for any sample")
    axes.legend()
    figure.savefig(path, dpi=110)

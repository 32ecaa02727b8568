"""The plots of speech_digits.py: spectrograms with what was understood, and the curve."""

from __future__ import annotations

import argparse

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

Lists = list[list[int]]


def spectrogram(axes: Axes, frames: np.ndarray) -> None:
    """Dark is loud; time goes to the right, and frequencies upwards."""
    extent = (-0.005, frames.shape[1] / 100 - 0.005, 0, 40)
    axes.imshow(frames, aspect="auto", origin="lower", cmap="Greys", extent=extent)
    axes.set_yticks([])


def save(
    args: argparse.Namespace, points: list[tuple[float, float]], pairs: tuple[Lists, Lists],
    shown: tuple[np.ndarray, np.ndarray, np.ndarray, Lists],
) -> None:  # fmt: skip
    """The curve, and what was read in a few sounds."""
    name = "speech_sequence" if args.sequence else "speech_digits"
    args.out.mkdir(exist_ok=True)
    reading = alignment(*shown) if args.sequence else readings(*shown)
    learning = curve(points, *(() if args.sequence else pairs))
    for end, figure in {"": learning, "_read": reading}.items():
        path = args.out / f"{name}{end}.png"
        figure.savefig(path, dpi=110)
        print("plot:", path)


def curve(points: list[tuple[float, float]], *pairs: Lists) -> Figure:
    """Losses in training and errors held out; and which of single digits was taken for which."""
    figure = Figure(figsize=(10 if pairs else 5, 4), layout="constrained")
    axes = figure.add_subplot(1, 2 if pairs else 1, 1, xlabel="epoch", yscale="log")
    losses, errors = zip(*points, strict=True)
    epochs = range(1, len(points) + 1)
    axes.plot(epochs, losses, label="loss in training, nats")
    axes.plot(epochs, np.maximum(errors, 1e-3), ".-", label="errors per digit held out")
    axes.set_title("Learning")
    axes.legend()
    if pairs:
        axes = figure.add_subplot(1, 2, 2, xlabel="understood", ylabel="said")
        table = np.zeros((10, 10), int)
        np.add.at(table, tuple(map(np.ravel, pairs)), 1)
        axes.imshow(np.log1p(table), cmap="Blues")
        for i, j in np.argwhere(table):
            color = "white" if table[i, j] > 5 else "black"
            axes.text(j, i, table[i, j], ha="center", va="center", fontsize=8, color=color)
        axes.set(xticks=range(10), yticks=range(10), title="Which digit was taken for which")
    return figure


def readings(frames: np.ndarray, lengths: np.ndarray, chances: np.ndarray, said: Lists) -> Figure:
    """Recordings, and below each of them how likely each digit is, as the network has it."""
    figure = Figure(figsize=(1.6 * len(said), 4), layout="constrained")
    figure.suptitle("What was heard, high tones above, and how likely the network has each digit")
    pairs = figure.subplots(2, len(said), height_ratios=(3, 2), squeeze=False)
    for i, ((above, below), (digit,)) in enumerate(zip(pairs.T, said, strict=True)):
        spectrogram(above, frames[i, :, : lengths[i]])
        understood = int(chances[i].argmax())
        right = understood == digit
        above.set_title(f"{digit}, read as {understood}", color="C2" if right else "C3")
        above.set_xlabel("seconds")
        below.bar(range(10), chances[i], color=["C2" if d == digit else "C3" for d in range(10)])
        below.set(xticks=range(10), ylim=(0, 1), yticks=[])
    return figure


def alignment(frames: np.ndarray, lengths: np.ndarray, chances: np.ndarray, said: Lists) -> Figure:
    """The sequence of most digits, and how likely each digit is at each moment (T / 4, N, 11)."""
    i = max(range(len(said)), key=lambda row: len(said[row]))
    found = chances[: lengths[i] // 4, i]
    figure = Figure(figsize=(10, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    seconds = np.arange(len(found)) / 25
    above.plot(seconds, found[:, 10], color="0.7", linestyle=":", label="nothing new")
    for digit in np.flatnonzero(found[:, :10].max(axis=0) > 0.1):
        chance = found[:, digit]
        above.fill_between(seconds, chance, color=f"C{digit}", alpha=0.6)
        rises, falls = np.diff(chance, prepend=0) > 0, np.diff(chance, append=0) < 0
        for peak in np.flatnonzero(rises & falls & (chance > 0.1)):
            at = (seconds[peak], chance[peak] + 0.02)
            above.annotate(str(digit), at, ha="center", color=f"C{digit}", weight="bold")
    above.set(ylabel="chance", ylim=(0, 1.35), yticks=(0, 0.5, 1))
    above.set_title(f"Said: {' '.join(map(str, said[i]))}. When the network is sure of a digit:")
    above.legend(loc="upper right", frameon=False)
    spectrogram(below, frames[i, :, : lengths[i]])
    below.set(xlabel="seconds", ylabel="low to high tones")
    return figure

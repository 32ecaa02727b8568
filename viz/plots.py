"""Plots about training: a history, a model's health, and pictures in rows.

They need matplotlib, the extra ``plot``. A figure shows itself in notebooks;
``figure.savefig("history.png")`` writes a file.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_lesson.errors import ArgumentError, MissingDependencyError

from . import theme
from .digits import number

TRAINED, VALIDATED, SICK, WELL = "#1b84bd", "#bf4f00", "#bf4f00", "#1b84bd"
"""Apart in lightness too, and validation is dashed."""

USUAL = (1e-4, 1e-2)
"""The share of itself by which a step usually changes a weight."""


def history(records: Iterable[Mapping[str, float]]) -> Any:
    """The figures of each epoch: what is measured twice, in training and validation, together.

    Parameters
    ----------
    records
        What ``tl.fit`` returned.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import viz
    >>> figure = viz.history([{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.5}])
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss']
    """
    listed = list(records)
    names = list(dict.fromkeys(name for record in listed for name in record if name != "epoch"))
    names.sort(key=lambda name: name == "lr")  # last
    shown = [n for n in names if not n.startswith("val_") or n.removeprefix("val_") not in names]
    if not shown:
        raise ArgumentError(
            "viz.history", "there are no epochs to draw", "Pass what tl.fit returned."
        )
    rates = [record["lr"] for record in listed if "lr" in record]
    if len(set(rates)) == 1 and len(shown) > 1:
        shown.remove("lr")  # a straight line says nothing
    figure = _figure(4.2 * len(shown), 3.2)
    for place, name in enumerate(shown, 1):
        axes = figure.add_subplot(1, len(shown), place)
        for key, color, style in ((name, TRAINED, "-o"), (f"val_{name}", VALIDATED, "--s")):
            pairs = [(r.get("epoch", i), r[key]) for i, r in enumerate(listed, 1) if key in r]
            if pairs:
                label = "training" if key == name else "validation"
                axes.plot(*zip(*pairs, strict=True), style, color=color, ms=3, label=label)
        axes.set_xlabel("epoch")
        axes.set_ylabel(name)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if f"val_{name}" in names:
            axes.legend(frameon=False)
        _plain(axes)
    return figure


def health(report: Any) -> Any:
    """What :class:`tinygrad_lesson.Health` saw, in four panels, layers from input to output.

    Parameters
    ----------
    report
        What ``Health(...).report()`` returned.

    Returns
    -------
    matplotlib.figure.Figure

    Notes
    -----
    What is ill is orange, and named with its number; the grey band is where the change of the
    weights in a step usually is.
    """
    weights = [p for p in report.parameters if len(p.shape) > 1]
    rows = max(len(report.activations), len(report.layers), len(weights), 3)
    figure = _figure(13, 1.6 + 0.3 * rows)
    grid = figure.subplots(1, 4)
    units = [f"{a.layer} {a.activation}" for a in report.activations]
    ill = {(f.kind, f.where.removeprefix("layer ")) for f in report.findings}
    for axes, kind, title, shares in (
        (grid[0], "dead", "dead units", [a.dead for a in report.activations]),
        (grid[1], "saturated", "flat values", [a.flat for a in report.activations]),
    ):
        marked = [bool({(kind, a.layer), ("saturated", a.layer)} & ill) for a in report.activations]
        _bars(axes, title, units, shares, marked)
        axes.set_xlim(0, 1.15)
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.set_xticks([0, 0.5, 1])
        for i, share in enumerate(shares):
            axes.text(share + 0.02, i, f"{share:.0%}", va="center", fontsize=8, color=theme.INK)
    faded = {"vanishing", "exploding"} & {kind for kind, _ in ill}
    _points(
        grid[2], "gradient at the output (norm)", [r.layer for r in report.layers],
        [r.signal for r in report.layers], [bool(faded)] * len(report.layers),
    )  # fmt: skip
    grid[3].axvspan(*USUAL, color="#e3e6ea", zorder=0)
    too = [p.ratio is not None and p.ratio > 0.1 for p in weights]
    _points(
        grid[3], "update / weight in a step", [p.path for p in weights],
        [p.ratio for p in weights], too, USUAL,
    )  # fmt: skip
    kinds = ", ".join(sorted({kind for kind, _ in ill}))
    figure.suptitle(
        f"{report.steps} steps: {kinds or 'nothing is wrong'}",
        x=0.01, ha="left", fontsize=11, color=theme.ALARM if kinds else theme.INK,
    )  # fmt: skip
    return figure


def pictures(
    images: Any,
    titles: Sequence[str] = (),
    *,
    columns: int = 10,
    title: str = "",
    signed: bool = False,
) -> Any:
    """Pictures side by side, such as a layer's filters or the digits that were misread.

    Parameters
    ----------
    images
        Shape (n, height, width), or (n, 1, height, width) as convolutions have them; all are drawn
        on one scale, the larger the darker.
    titles
        What to write above each.
    columns
        How many of them a row has.
    title
        What to write above all.
    signed
        White is 0, blue above it and red below; else white is the smallest number.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> import viz
    >>> figure = viz.pictures(np.eye(3).reshape(3, 1, 3), ["first", "second", "third"])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['first', 'second', 'third']
    """
    arrays = np.asarray(images)
    if arrays.ndim == 4 and arrays.shape[1] == 1:
        arrays = arrays[:, 0]
    if arrays.ndim != 3 or columns < 1:
        raise ArgumentError(
            "viz.pictures", f"images of shape {arrays.shape} in {columns} columns",
            "Pass (n, height, width), and one column or more.",
        )  # fmt: skip
    columns = min(columns, max(1, len(arrays)))
    rows = -(-len(arrays) // columns)
    tall = arrays.shape[1] / max(1, arrays.shape[2])  # all are one wide
    pitch = tall + (0.3 if titles else 0.1)
    figure = _figure(0.9 * columns, 0.82 * pitch * rows + (0.5 if title else 0.1))
    figure.suptitle(title, fontsize=11, color=theme.INK)
    axes = figure.add_subplot()  # one for all: axes are slow to draw
    axes.set_axis_off()
    high = float(abs(arrays).max() if signed else arrays.max()) if arrays.size else 1.0
    low = -high if signed else float(arrays.min()) if arrays.size else 0.0
    for place, array in enumerate(arrays):
        x, y = 1.1 * (place % columns), -pitch * (place // columns)
        axes.imshow(
            array, cmap="RdBu" if signed else "gray_r", vmin=low, vmax=high,
            extent=(x, x + 1, y - tall, y),
        )  # fmt: skip
        if place < len(titles):
            axes.text(x + 0.5, y + 0.04, titles[place], ha="center", fontsize=8, color=theme.INK)
    axes.set_xlim(-0.05, 1.1 * columns - 0.05)
    axes.set_ylim(-pitch * max(rows, 1), pitch - tall)
    return figure


def _bars(
    axes: Any, title: str, names: Sequence[str], values: Sequence[float], ill: Sequence[bool]
) -> None:
    axes.barh(range(len(names)), values, color=[SICK if bad else WELL for bad in ill], height=0.6)
    _listed(axes, title, names)


def _points(
    axes: Any,
    title: str,
    names: Sequence[str],
    values: Sequence[float | None],
    ill: Sequence[bool],
    around: tuple[float, ...] = (),
) -> None:
    """Numbers on a logarithmic axis; those that are 0 or unknown are said in words."""
    known = [(value, i) for i, value in enumerate(values) if value and math.isfinite(value)]
    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter("")
    if known:
        reached = [math.log10(value) for value in (*around, *(value for value, _ in known))]
        axes.set_xlim(10 ** math.floor(min(reached) - 0.1), 10 ** math.ceil(max(reached) + 0.1))
        axes.plot(*zip(*known, strict=True), "-", color="#b4bcc6", lw=1, zorder=1)
    for value, i in known:
        axes.plot(value, i, "D" if ill[i] else "o", color=SICK if ill[i] else WELL, zorder=2)
    for i in set(range(len(values))) - {i for _, i in known}:
        axes.text(
            0.5, i, "none" if values[i] is None else number(values[i]), va="center", ha="center",
            fontsize=8, color=theme.ALARM, transform=axes.get_yaxis_transform(),
        )  # fmt: skip
    _listed(axes, title, names)


def _listed(axes: Any, title: str, names: Sequence[str]) -> None:
    """Names down the side, the input's end at the top."""
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_ylim(max(len(names), 3) - 0.5, -0.5)
    axes.set_title(title, fontsize=9, loc="left", color=theme.INK)
    axes.tick_params(axis="x", labelsize=8)
    _plain(axes)


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#e3e6ea", lw=0.6, zorder=0)
    axes.set_axisbelow(True)


def _figure(width: float, height: float) -> Any:
    """A figure of its own, which pyplot does not hold on to."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingDependencyError(
            "viz", "matplotlib is not installed",
            'Install it: pip install "tinygrad_lesson[plot]".',
        ) from error  # fmt: skip

    class Shown(Figure):
        def _repr_png_(self) -> bytes:
            """What a notebook shows, with or without pyplot."""
            file = io.BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return Shown(figsize=(width, height), layout="constrained")

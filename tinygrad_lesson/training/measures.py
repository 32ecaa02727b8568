"""What is measured: means over samples, accuracy, and the history of the epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import ops
from ..errors import ArgumentError, RangeError, ShapeError
from ..mode import no_grad
from ..tensor import Tensor

Record = dict[str, float]
Metrics = Mapping[str, Callable[[Any, Any], Any]] | Iterable[Callable[[Any, Any], Any]] | None


class History(list[Record]):
    """What :func:`fit` measured: a dict for each epoch; ``viz.history`` draws it.

    Examples
    --------
    >>> from tinygrad_lesson.training import History
    >>> print(History([{"epoch": 1, "loss": 0.75}, {"epoch": 2, "loss": 0.5}]))
    epoch  loss
        1  0.75
        2   0.5
    """

    def table(self) -> str:
        """One line for each epoch."""
        names = list(dict.fromkeys(name for record in self for name in record))
        rows = [names] + [[f"{r[n]:.4g}" if n in r else "-" for n in names] for r in self]
        widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
        return "\n".join(
            "  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows
        )

    __str__ = table

    def __repr__(self) -> str:
        return f"<History of {len(self)} epochs>"


def accuracy(output: Tensor, target: Tensor) -> float:
    """The share of samples whose largest score, along axis 1, is that of the target's class.

    Parameters
    ----------
    output
        Scores of shape (N, classes, ...).
    target
        Class numbers of shape (N, ...).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.training.accuracy(tl.Tensor([[2.0, 1.0], [0.0, 3.0]]), tl.Tensor([0, 0]))
    0.5
    """
    if output.ndim < 2 or target.shape != (output.shape[0], *output.shape[2:]):
        raise ShapeError(
            "accuracy", f"scores of shape {output.shape} for classes of shape {target.shape}",
            "Scores are (N, classes, ...), classes (N, ...).",
        )  # fmt: skip
    return float(ops.mean(ops.equal(ops.argmax(output, axis=1), target).astype("float64")))


def samples_in(target: Any) -> int:
    """How many samples a batch has."""
    return len(target) if getattr(target, "shape", ()) else 1


class Means:
    """Mean loss and metrics, each batch with the weight of its samples."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = named(metrics)
        self._sums = dict.fromkeys(["loss", *self._metrics], 0.0)
        self._samples = 0

    def add(self, loss: Tensor, output: Any, target: Any) -> None:
        """Take in a batch."""
        samples = samples_in(target)
        self._samples += samples
        self._sums["loss"] += samples * loss.item()
        with no_grad():
            for name, metric in self._metrics.items():
                self._sums[name] += samples * float(metric(output, target))

    def values(self) -> dict[str, float]:
        """The means so far."""
        if not self._samples:
            raise RangeError("fit", "the loader gave no batches", "Give it one sample or more.")
        return {name: total / self._samples for name, total in self._sums.items()}


def named(metrics: Metrics) -> dict[str, Callable[[Any, Any], Any]]:
    """The metrics by name."""
    if isinstance(metrics, Mapping):
        pairs = list(metrics.items())
    else:
        pairs = [(getattr(m, "__name__", type(m).__name__), m) for m in metrics or ()]
    names = ["loss", *(name for name, _ in pairs)]
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ArgumentError(
            "fit", f"there are two figures with the name {twice!r}",
            'Name the metrics: metrics={"accuracy": accuracy}.',
        )  # fmt: skip
    return dict(pairs)

"""fit: the training loop that everybody writes, to use or to copy from.

Nothing in the library needs it. :func:`train_on` is one step and :func:`evaluate` one look at other
data; :func:`fit` goes on with them from epoch to epoch, and knows when to stop and what to save.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ops
from .arguments import count
from .errors import ArgumentError, NonFiniteError, RangeError, ShapeError, StateDictError
from .mode import no_grad
from .nn import Module
from .nn.utils import clip_grad_norm_
from .optim import Optimizer
from .optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from .random import default_generator
from .serialize import load, save
from .tensor import Tensor

if TYPE_CHECKING:
    from numpy.random import Generator

Record = dict[str, float]
Loss = Callable[[Any, Any], Tensor]
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


def fit(
    model: Module,
    loader: Iterable[Any],
    loss: Loss,
    optimizer: Optimizer,
    *,
    epochs: int,
    validation: Iterable[Any] | None = None,
    metrics: Metrics = None,
    schedule: LRScheduler | None = None,
    schedule_per: str = "epoch",
    callbacks: Iterable[Callable[[Record], Any]] = (),
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    generators: Iterable[Generator] = (),
    clip_norm: float | None = None,
    progress: bool = True,
) -> History:
    """Train a model.

    Parameters
    ----------
    model
        Is called with all parts of a batch but the last.
    loader
        Gives the batches of an epoch: ``(input, target)``, or ``(input, input, ..., target)``.
    loss
        ``loss(output, target)`` is one number, the mean over the batch.
    optimizer
        Any, L-BFGS too.
    epochs
        How many in all, those of the run that is resumed included.
    validation
        Batches to evaluate after each epoch, without gradients and in ``eval()`` mode; what is
        measured there has a name with ``val_`` before it.
    metrics
        Functions of output and target, such as :func:`accuracy`: a list, or a dict by name.
    schedule
        Of the learning rate; it goes on after each epoch, or with ``schedule_per="batch"``, as
        OneCycleLR needs it, after each batch.
    callbacks
        Each is called with the record of an epoch; if one returns True, training ends.
    patience
        Stop after so many epochs in a row that were no better than the best one before, by the
        loss on the validation data (or, without, on the training data), and give the model the
        weights of the best epoch back.
    checkpoint
        The path of an ``.npz`` file: it is written after each epoch, atomically, and if it exists,
        training goes on from it with the very numbers of an uninterrupted run.
    generators
        What the checkpoint saves besides the default generator and those that the loader, the
        validation data and the modules hold: any others that the run draws from.
    clip_norm
        The largest norm of all gradients together, see ``nn.utils.clip_grad_norm_``.
    progress
        Show a bar, if it takes more than two seconds.

    Returns
    -------
    History
        A record for each epoch.

    Raises
    ------
    NonFiniteError
        If the loss is NaN or infinite, before anything is changed by it.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lesson as tl
    >>> _ = tl.manual_seed(0)
    >>> x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    >>> loader = tl.data.DataLoader(tl.data.TensorDataset(x, 3 * x), 16, shuffle=True)
    >>> model = tl.nn.Linear(1, 1)
    >>> sgd = tl.optim.SGD(model.parameters(), lr=0.5)
    >>> history = tl.fit(model, loader, tl.nn.MSELoss(), sgd, epochs=20)
    >>> history[-1]["loss"] < 1e-3
    True
    """
    callbacks, path = list(callbacks), _checked(epochs, patience, schedule_per, checkpoint)
    drawn_from = _generators(model, loader, validation, generators)
    run = _Run(model, optimizer, schedule, loader, drawn_from)
    if path is not None and path.exists():
        run.load_state_dict(load(path))
    if not model.training:
        model.train()

    with _bar(epochs, run, loader, progress) as bar:
        while len(run.history) < epochs and (patience is None or run.waited < patience):
            record = {"epoch": len(run.history) + 1, "lr": optimizer.param_groups[0]["lr"]}
            means = _Means(metrics)
            for batch in loader:
                value, output = train_on(batch, model, loss, optimizer, clip_norm)
                means.add(value, output, batch[-1])
                if schedule is not None and schedule_per == "batch":
                    schedule.step()
                bar.update()
            record |= means.values()
            if validation is not None:
                seen = evaluate(model, validation, loss, metrics)
                record |= {f"val_{name}": figure for name, figure in seen.items()}
            figure = record.get("val_loss", record["loss"])
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(figure)
            elif schedule is not None and schedule_per == "epoch":
                schedule.step()
            run.note(record, figure, keep=patience is not None)
            bar.set_postfix(loss=f"{record['loss']:.4g}", epoch=len(run.history))
            stop = [callback(record) is True for callback in callbacks]
            if path is not None:
                save(run.state_dict(), path)
            if any(stop):
                break
    if run.best_state is not None and patience is not None:
        model.load_state_dict(run.best_state)
    return run.history


def train_on(
    batch: Any, model: Module, loss: Loss, optimizer: Optimizer, clip_norm: float | None = None
) -> tuple[Tensor, Tensor]:
    """Make one step of training; returns the loss and the output before it.

    Parameters
    ----------
    batch
        The inputs of the model, and last the target.
    model, loss, optimizer, clip_norm
        As for :func:`fit`.
    """
    inputs, target = _parts(batch)
    before: list[tuple[Tensor, Tensor]] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        output = model(*inputs)
        value = loss(output, target)
        if not before and not math.isfinite(value.item()):
            raise NonFiniteError(
                "fit", f"the loss is {value.item()}",
                "Find out what made it so with `with tl.debug():`, or lower the learning rate.",
            )  # fmt: skip
        before.append((value.detach(), output))
        value.backward()
        if clip_norm is not None:
            clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], clip_norm)
        return value

    optimizer.step(closure)  # those that search along a line call it again
    return before[0]


def evaluate(
    model: Module, loader: Iterable[Any], loss: Loss, metrics: Metrics = None
) -> dict[str, float]:
    """The mean loss and metrics over the samples of a loader, in ``eval()`` mode.

    Every module has its own mode again afterwards, and no gradient is recorded.
    """
    modes = [(module, module.training) for module in model.modules()]
    means = _Means(metrics)
    try:
        model.eval()
        with no_grad():
            for batch in loader:
                inputs, target = _parts(batch)
                output = model(*inputs)
                means.add(loss(output, target), output, target)
    finally:
        for module, mode in modes:
            module.training = mode
    return means.values()


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


# ---- what is behind it -------------------------------------------------------------------


class _Run:
    """Everything that a run is made of, and how it went: what a checkpoint saves."""

    def __init__(
        self, model: Module, optimizer: Optimizer, schedule: Any, loader: Any, drawn_from: list[Any]
    ) -> None:
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "loader": loader}
        self.parts = {name: part for name, part in parts.items() if hasattr(part, "state_dict")}
        self.drawn_from = drawn_from
        self.history = History()
        self.best, self.waited = math.inf, 0
        self.best_state: dict[str, Tensor] | None = None

    def note(self, record: Record, figure: float, keep: bool) -> None:
        """Add an epoch, and `keep` the model if it is the best so far."""
        self.history.append(record)
        self.waited += 1
        if figure < self.best:
            self.best, self.waited = figure, 0
            self.best_state = self.parts["model"].state_dict() if keep else None

    def state_dict(self) -> dict[str, Any]:
        return {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "generators": [generator.bit_generator.state for generator in self.drawn_from],
            "history": list(self.history),
            "best": self.best, "waited": self.waited, "best_state": self.best_state,
        }  # fmt: skip

    def load_state_dict(self, state: Any) -> None:
        if not isinstance(state, Mapping) or "generators" not in state:
            raise StateDictError("fit", "the file holds no run of fit()", "Give another path.")
        saved = (list(state["parts"]), len(state["generators"]))
        if saved != (list(self.parts), len(self.drawn_from)):
            raise StateDictError(
                "fit",
                f"the checkpoint has {', '.join(saved[0])} and {saved[1]} generators, this run"
                f" {', '.join(self.parts)} and {len(self.drawn_from)}",
                "Call fit() with the same arguments, or give another path.",
            )
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        for generator, drawn in zip(self.drawn_from, state["generators"], strict=True):
            generator.bit_generator.state = drawn
        self.history = History(state["history"])
        self.best, self.waited = state["best"], state["waited"]
        self.best_state = state["best_state"]


def _generators(
    model: Module, loader: Any, validation: Any, others: Iterable[Generator]
) -> list[Generator]:
    """All that a run may draw from, each once."""
    held = [value for module in model.modules() for value in vars(module).values()]
    held += [getattr(part, "generator", None) for part in (loader, validation)]
    found = [default_generator(), *held, *others]
    return list({id(g): g for g in found if isinstance(g, np.random.Generator)}.values())


def _parts(batch: Any) -> tuple[list[Any], Any]:
    """The inputs and the target."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise ArgumentError(
            "fit", "a batch is no pair of input and target",
            "Let the loader give (input, target), for an autoencoder the input twice.",
        )  # fmt: skip
    *inputs, target = batch
    return inputs, target


def _checked(epochs: int, patience: int | None, schedule_per: str, checkpoint: Any) -> Path | None:
    """Refuse bad arguments now, not after the first epoch."""
    count("fit", "epochs", epochs)
    if patience is not None and not count("fit", "patience", patience):
        raise RangeError("fit", "patience=0 stops before it begins", "Pass 1 or more.")
    if schedule_per not in ("epoch", "batch"):
        raise ArgumentError(
            "fit", f"schedule_per={schedule_per!r} is unknown", "Pass 'epoch' or 'batch'."
        )
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.suffix != ".npz":
        raise ArgumentError("fit", f"checkpoint={str(path)!r} is no .npz file", "Call it so.")
    return path


@contextmanager
def _bar(epochs: int, run: _Run, loader: Any, progress: bool) -> Iterator[Any]:
    """A progress bar over the batches of all epochs."""
    from tqdm import tqdm  # here, so that only training pays for loading it

    each = len(loader) if hasattr(loader, "__len__") else None
    total, done = (each * epochs, each * len(run.history)) if each else (None, 0)
    with tqdm(
        desc="fit", unit=" batches", total=total, initial=done, delay=2.0, leave=False,
        disable=not progress,
    ) as bar:  # fmt: skip
        yield bar


class _Means:
    """Mean loss and metrics, each batch with the weight of its samples."""

    def __init__(self, metrics: Metrics) -> None:
        if not isinstance(metrics, Mapping):
            metrics = {getattr(m, "__name__", type(m).__name__): m for m in metrics or ()}
        self._metrics = dict(metrics)
        self._sums = dict.fromkeys(["loss", *self._metrics], 0.0)
        self._samples = 0

    def add(self, loss: Tensor, output: Any, target: Any) -> None:
        samples = len(target) if getattr(target, "shape", ()) else 1
        self._samples += samples
        self._sums["loss"] += samples * loss.item()
        with no_grad():
            for name, metric in self._metrics.items():
                self._sums[name] += samples * float(metric(output, target))

    def values(self) -> dict[str, float]:
        if not self._samples:
            raise RangeError("fit", "the loader gave no batches", "Give it one sample or more.")
        return {name: total / self._samples for name, total in self._sums.items()}

"""The training loop.

:func:`train_on` is one step and :func:`evaluate` one look at other data; :func:`fit` goes on with
them from epoch to epoch, and knows when to stop and what to save.
"""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..arguments import count
from ..compiler import compile as compiled
from ..errors import ArgumentError, NonFiniteError, RangeError
from ..mode import no_grad
from ..nn import Module
from ..nn.utils import clip_grad_norm_
from ..optim import Optimizer
from ..optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from ..serialize import load, save
from ..tensor import Tensor
from .measures import History, Means, Metrics, Record, named, samples_in
from .run import Run, generators_of

if TYPE_CHECKING:
    from numpy.random import Generator

Loss = Callable[[Any, Any], Tensor]
Forward = Callable[[list[Any], Any], tuple[Tensor, Tensor]]


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
    accumulate: int = 1,
    compile: bool | str = False,
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
    accumulate
        So many batches make one step, by the mean gradient of their samples: that of one batch so
        many times as large, with the memory of a small one. ``schedule_per="batch"`` then means
        each step.
    compile
        Model and loss are compiled, with their gradients, as :func:`~tinygrad_lesson.compile` does
        it; the update of the optimizer is not. ``"numpy"`` or ``"c"`` says to what.
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
    callbacks, metrics = list(callbacks), named(metrics)
    path = _checked(epochs, patience, schedule_per, checkpoint, accumulate)
    drawn_from = generators_of(model, loader, validation, generators)
    run = Run(model, optimizer, schedule, loader, drawn_from)
    forward = _forward(model, loss)
    if compile:
        forward = compiled(mode=None if compile is True else compile)(forward)
    if path is not None and path.exists():
        run.load_state_dict(load(path))
    if not model.training:
        model.train()

    with _bar(epochs, run, loader, progress) as bar:
        while len(run.history) < epochs and (patience is None or run.waited < patience):
            record = {"epoch": len(run.history) + 1, "lr": optimizer.param_groups[0]["lr"]}
            means = Means(metrics)
            for batches in _together(loader, accumulate):
                results = _step(batches, forward, optimizer, clip_norm)
                for (value, output), batch in zip(results, batches, strict=True):
                    means.add(value, output, batch[-1])
                if schedule is not None and schedule_per == "batch":
                    schedule.step()
                bar.update(len(batches))
            record |= means.values()
            if validation is not None:
                seen = _evaluated(model, validation, forward, metrics)
                record |= {f"val_{name}": figure for name, figure in seen.items()}
            figure = record.get("val_loss", record["loss"])
            if isinstance(schedule, ReduceLROnPlateau):
                schedule.step(figure)
            elif schedule is not None and schedule_per == "epoch":
                schedule.step()
            run.note(record, figure, keep=patience is not None)
            bar.set_postfix(loss=f"{record['loss']:.4g}", epoch=len(run.history), refresh=False)
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
    return _step([batch], _forward(model, loss), optimizer, clip_norm)[0]


def _forward(model: Module, loss: Loss) -> Forward:
    """The loss and the output for the inputs and the target."""

    def forward(inputs: list[Any], target: Any) -> tuple[Tensor, Tensor]:
        output = model(*inputs)
        return loss(output, target), output

    return forward


def _step(
    batches: list[Any], forward: Forward, optimizer: Optimizer, clip_norm: float | None
) -> list[tuple[Tensor, Tensor]]:
    """Make one step by the mean loss of all samples; returns loss and output of each batch."""
    parts = [_parts(batch) for batch in batches]
    sizes = [samples_in(target) for _, target in parts]
    before: list[tuple[Tensor, Tensor]] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        found: list[tuple[Tensor, Tensor]] = []
        shares: list[Tensor] = []
        for (inputs, target), size in zip(parts, sizes, strict=True):
            value, output = forward(inputs, target)
            if not before and not math.isfinite(value.item()):
                raise NonFiniteError(
                    "fit", f"the loss is {value.item()}",
                    "Find out what made it so with `with tl.debug():`, or lower the learning rate.",
                )  # fmt: skip
            found.append((value.detach(), output))
            share = value * (size / sum(sizes)) if len(parts) > 1 else value
            share.backward()
            shares.append(share.detach())
        before.extend(found if not before else ())
        if clip_norm is not None:
            clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], clip_norm)
        return sum(shares[1:], shares[0])

    optimizer.step(closure)  # those that search along a line call it again
    return before


def evaluate(
    model: Module, loader: Iterable[Any], loss: Loss, metrics: Metrics = None
) -> dict[str, float]:
    """The mean loss and metrics over the samples of a loader, in ``eval()`` mode.

    Every module has its own mode again afterwards, and no gradient is recorded.
    """
    return _evaluated(model, loader, _forward(model, loss), metrics)


def _evaluated(
    model: Module, loader: Iterable[Any], forward: Forward, metrics: Metrics
) -> dict[str, float]:
    modes = [(module, module.training) for module in model.modules()]
    means = Means(metrics)
    try:
        model.eval()
        with no_grad():
            for batch in loader:
                inputs, target = _parts(batch)
                means.add(*forward(inputs, target), target)
    finally:
        for module, mode in modes:
            module.training = mode
    return means.values()


# ---- what is behind it -------------------------------------------------------------------


def _together(loader: Iterable[Any], number: int) -> Iterator[list[Any]]:
    """So many batches at a time; at the end there may be fewer."""
    batches = iter(loader)
    while group := list(itertools.islice(batches, number)):
        yield group


def _parts(batch: Any) -> tuple[list[Any], Any]:
    """The inputs and the target."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise ArgumentError(
            "fit", "a batch is no pair of input and target",
            "Let the loader give (input, target), for an autoencoder the input twice.",
        )  # fmt: skip
    *inputs, target = batch
    return inputs, target


def _checked(
    epochs: int, patience: int | None, schedule_per: str, checkpoint: Any, accumulate: int
) -> Path | None:
    """Refuse bad arguments now, not after the first epoch."""
    count("fit", "epochs", epochs)
    if not count("fit", "accumulate", accumulate):
        raise RangeError("fit", "accumulate=0 makes no step", "Pass 1 or more.")
    if patience is not None and not count("fit", "patience", patience):
        raise RangeError("fit", "patience=0 stops before it begins", "Pass 1 or more.")
    if schedule_per not in ("epoch", "batch"):
        raise ArgumentError(
            "fit", f"schedule_per={schedule_per!r} is unknown", "Pass 'epoch' or 'batch'."
        )
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.suffix != ".npz":
        raise ArgumentError("fit", f"checkpoint={str(path)!r} is no .npz file", "Call it so.")
    if path is not None and not path.parent.is_dir():
        raise ArgumentError("fit", f"there is no folder {str(path.parent)!r}", "Make it first.")
    return path


@contextmanager
def _bar(epochs: int, run: Run, loader: Any, progress: bool) -> Iterator[Any]:
    """A progress bar over the batches of all epochs."""
    from tqdm import tqdm  # here, so that only training pays for loading it

    each = len(loader) if hasattr(loader, "__len__") else None
    total, done = (each * epochs, each * len(run.history)) if each else (None, 0)
    with tqdm(
        desc="fit", unit=" batches", total=total, initial=done, delay=2.0, leave=False,
        disable=not progress,
    ) as bar:  # fmt: skip
        yield bar

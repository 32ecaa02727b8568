"""Connectionist temporal classification as a loss: targets in every form that data come in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import ops
from ...arrays import Array
from ...conversion import known_numbers
from ...errors import DTypeError, RangeError, ShapeError
from ...tensor import Tensor
from .place import layer_or
from .reducing import reduced


def ctc_loss(
    log_probs: Array,
    targets: Array,
    input_lengths: Array | Sequence[int] | int,
    target_lengths: Array | Sequence[int] | int,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Negative log-likelihood of label sequences without a known alignment (Graves et al., 2006).

    Parameters
    ----------
    log_probs
        Shape (T, N, C), or (T, C) for a single sequence: :func:`log_softmax` over C classes at
        each time step.
    targets
        Classes: a row for each sequence, shape (N, L), padded with anything; or all of them one
        after the other, shape (sum of target_lengths,).
    input_lengths, target_lengths
        How many time steps and classes each sequence has: shape (N,), or an integer for a single
        one.
    blank
        The class that stands for no label.
    reduction
        ``"mean"``: over the batch, of losses divided by the lengths of their targets; ``"sum"``;
        or ``"none"``.
    zero_infinity
        Count a target that is too long for its inputs as 0, not as inf. (Its gradient is 0 in
        both cases.)

    Examples
    --------
    Of two time steps and two classes, three of the four paths read "1": ``-log(3 / 4)``.

    >>> import tinygrad_lesson as tl
    >>> log_probs = tl.log(tl.full((2, 2), 0.5))
    >>> round(float(tl.nn.functional.ctc_loss(log_probs, [1], 2, 1)), 4)
    0.2877
    """
    where = layer_or("ctc_loss")
    log_probs = log_probs if isinstance(log_probs, Tensor) else Tensor(log_probs)
    if log_probs.ndim not in (2, 3):
        raise ShapeError(
            where, f"log_probs has shape {log_probs.shape}", "Pass shape (T, N, C), or (T, C)."
        )
    single = log_probs.ndim == 2
    if single:
        log_probs = log_probs.reshape((log_probs.shape[0], 1, log_probs.shape[1]))
    times, count, classes = log_probs.shape
    if not times:
        raise ShapeError(where, "log_probs has no time steps", "Pass one at least.")
    if not 0 <= blank < classes:
        raise RangeError(
            where, f"blank={blank} is none of {classes} classes", f"Pass 0 to {classes - 1}."
        )
    lengths = _integers(where, "target_lengths", target_lengths).reshape(-1)
    steps = _integers(where, "input_lengths", input_lengths).reshape(-1)
    for name, numbers in (("input_lengths", steps), ("target_lengths", lengths)):
        if numbers.shape != (count,):
            raise ShapeError(
                where,
                f"{name} has {numbers.size} numbers for a batch of {count}",
                "Pass one for each sequence.",
            )
        if (numbers < 0).any():
            raise RangeError(where, f"{name} has {numbers.min()}", "Lengths are 0 or more.")
    if (steps > times).any():
        raise RangeError(
            where,
            f"input_lengths has {steps.max()}, but log_probs only {times} time steps",
            "An input is no longer than the first axis of log_probs.",
        )
    padded = _padded(where, _integers(where, "targets", targets), lengths, blank)
    _check_classes(where, padded[np.arange(padded.shape[1]) < lengths[:, None]], classes, blank)
    losses = ops.ctc_loss(
        log_probs, padded, steps, lengths, blank=blank, zero_infinity=zero_infinity
    )
    if reduction == "mean":
        losses = losses / np.maximum(lengths, 1).astype(losses.dtype)
    return reduced(losses[0] if single else losses, reduction, "ctc_loss")


def _integers(where: str, name: str, values: Any) -> Array:
    array = known_numbers(where, name, values)
    if not array.size:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise DTypeError(where, f"{name} holds {array.dtype}", "Pass integers.")
    return array


def _padded(where: str, targets: Array, lengths: Array, blank: int) -> Array:
    """A row for each target, whatever is after its end being `blank`."""
    longest = int(lengths.max(initial=0))
    inside = np.arange(longest) < lengths[:, None]
    padded = np.full((len(lengths), longest), blank, np.int64)
    if targets.ndim == 1 and targets.size == lengths.sum():
        padded[inside] = targets
    elif targets.ndim == 2 and targets.shape[0] == len(lengths) and targets.shape[1] >= longest:
        padded[inside] = targets[:, :longest][inside]
    else:
        raise ShapeError(
            where,
            f"targets of shape {targets.shape} for target_lengths that sum to {lengths.sum()},"
            f" the longest {longest}",
            f"Pass shape ({len(lengths)}, {longest}) or ({lengths.sum()},).",
        )
    return padded


def _check_classes(where: str, labels: Array, classes: int, blank: int) -> None:
    wrong = labels[(labels < 0) | (labels >= classes) | (labels == blank)]
    if wrong.size:
        raise RangeError(
            where,
            f"the targets have class {wrong[0]}, of {classes} classes with blank={blank}",
            f"Number them from 0 to {classes - 1}, without {blank}.",
        )

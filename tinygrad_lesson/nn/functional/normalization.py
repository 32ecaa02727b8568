"""Normalisation as functions: the same formula along different axes, then scale and shift."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ...arrays import Array
from ...dtypes import finfo
from ...errors import ArgumentError, RangeError, ShapeError
from ...mode import no_grad
from ...ops import pad, scale_shift, standardize
from ...tensor import Tensor
from .conversion import to_dtype
from .place import layer_or


def layer_norm(
    input: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each sample to mean 0 and variance 1 over its last axes (Ba, Kiros, Hinton, 2016).

    Parameters
    ----------
    input
        Shape (..., *normalized_shape).
    normalized_shape
        The lengths of the last axes, over which one mean and one variance are taken.
    weight, bias
        Of that shape: the result is multiplied by one, and the other is added.
    eps
        Added to the variance.
    """
    input = _fitting("layer_norm", input, weight, bias)
    axes = _last_axes("layer_norm", input, normalized_shape, weight, bias)
    out = standardize(input, axis=axes, eps=eps)
    if weight is None or bias is None:
        return _affine(out, weight, bias)
    return scale_shift(out, weight, bias)  # in one go, which is faster


def rms_norm(
    input: Array,
    normalized_shape: int | Sequence[int],
    weight: Array | None = None,
    eps: float | None = None,
) -> Tensor:
    """Each sample over the root of its mean square, mean left alone (Zhang, Sennrich, 2019).

    Parameters
    ----------
    input, normalized_shape, weight
        As in :func:`layer_norm`.
    eps
        Added to the mean square; None: the epsilon of the dtype.
    """
    input = _fitting("rms_norm", input, weight)
    axes = _last_axes("rms_norm", input, normalized_shape, weight)
    if eps is None:
        eps = finfo(input.dtype if input.dtype.kind == "f" else "float64").eps
    return _affine(standardize(input, axis=axes, eps=eps, center=False), weight, None)


def group_norm(
    input: Array,
    num_groups: int,
    weight: Array | None = None,
    bias: Array | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Each group of channels of each sample to mean 0 and variance 1 (Wu, He, 2018).

    Parameters
    ----------
    input
        Shape (N, C, ...).
    num_groups
        Into how many groups the C channels are cut.
    weight, bias
        Of shape (C,).
    eps
        Added to the variance.
    """
    input = _with_channels("group_norm", input, 2, weight=weight, bias=bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise ShapeError(
            layer_or("group_norm"),
            f"{input.shape[1]} channels, of shape {input.shape}, make no {num_groups} equal groups",
            "num_groups must divide the number of channels.",
        )
    grouped = input.reshape((input.shape[0], num_groups, math.prod(input.shape[1:]) // num_groups))
    out = standardize(grouped, axis=-1, eps=eps).reshape(input.shape)
    return _affine(out, _along(input, weight), _along(input, bias))


def instance_norm(
    input: Array,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Array | None = None,
    bias: Array | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel of each sample to mean 0 and variance 1 (Ulyanov, Vedaldi, Lempitsky, 2016).

    Parameters
    ----------
    input
        Shape (N, C, L), (N, C, H, W) or with more axes.
    running_mean, running_var
        Shape (C,). They move towards the means over the batch of the statistics of the samples.
    weight, bias
        Of shape (C,).
    use_input_stats
        False normalises by the running statistics, and leaves them.
    momentum, eps
        As in :func:`batch_norm`.
    """
    input = _with_channels(
        "instance_norm", input, 3,
        weight=weight, bias=bias, running_mean=running_mean, running_var=running_var,
    )  # fmt: skip
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    axes = tuple(range(2, input.ndim))
    _move(running_mean, lambda: input.mean(axis=axes).mean(axis=0), momentum)
    _move(running_var, lambda: input.var(axis=axes, correction=1).mean(axis=0), momentum)
    out = standardize(input, axis=axes, eps=eps)
    return _affine(out, _along(input, weight), _along(input, bias))


def batch_norm(
    input: Array,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Array | None = None,
    bias: Array | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Each channel to mean 0 and variance 1 over the whole batch (Ioffe, Szegedy, 2015).

    Parameters
    ----------
    input
        Shape (N, C) or (N, C, ...).
    running_mean, running_var
        Shape (C,). In training they move towards the statistics of the batch (of the variance,
        the unbiased estimate); otherwise they are what `input` is normalised by.
    weight, bias
        Of shape (C,).
    training
        Whether to normalise by the statistics of this batch.
    momentum
        How far the running statistics move: ``(1 - momentum) * old + momentum * new``.
    eps
        Added to the variance.
    """
    input = _with_channels(
        "batch_norm", input, 2,
        weight=weight, bias=bias, running_mean=running_mean, running_var=running_var,
    )  # fmt: skip
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError(
                layer_or("batch_norm"),
                "there are no running statistics to normalise by",
                "Pass running_mean and running_var, or training=True.",
            )
        scale = (_tensor(running_var) + eps) ** -0.5
        return _affine(
            (input - _along(input, running_mean)) * _along(input, scale),
            _along(input, weight),
            _along(input, bias),
        )
    axes = (0, *range(2, input.ndim))
    count = math.prod(input.shape[a] for a in axes)
    if count < 2:
        raise ShapeError(
            layer_or("batch_norm"),
            f"shape {input.shape} has {count} number{'s' * (count != 1)} a channel, which makes no"
            " variance",
            "Train on more samples at a time, or pass training=False.",
        )
    _move(running_mean, lambda: input.mean(axis=axes), momentum)
    _move(running_var, lambda: input.var(axis=axes, correction=1), momentum)
    out = standardize(input, axis=axes, eps=eps)
    return _affine(out, _along(input, weight), _along(input, bias))


def local_response_norm(
    input: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Each number over a power of the mean square of its neighbours (Krizhevsky et al., 2012).

    ``x / (k + alpha * mean(squares of size channels around x)) ** beta``.

    Parameters
    ----------
    input
        Shape (N, C, L), (N, C, H, W) or with more axes.
    size
        How many channels count as neighbours, itself among them; past the ends there are zeros.
    alpha, beta, k
        Of the formula.
    """
    input = _with_channels("local_response_norm", input, 3)
    channels = input.shape[1]
    if size < 1:
        raise RangeError(
            layer_or("local_response_norm"), f"size={size} is no window", "Pass size >= 1."
        )
    around = ((0, 0), (size // 2, (size - 1) // 2), *[(0, 0)] * (input.ndim - 2))
    squares = pad(input * input, around)
    total = squares[:, :channels]
    for first in range(1, size):
        total = total + squares[:, first : first + channels]
    out: Tensor = input / (total * (alpha / size) + k) ** beta
    return out


def _tensor(x: Array) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


def _fitting(name: str, input: Array, *parameters: Array | None) -> Tensor:
    """The input as a tensor of the dtype of the parameters, if there are any."""
    dtype = next((_tensor(values).dtype for values in parameters if values is not None), None)
    return _tensor(input) if dtype is None else to_dtype(layer_or(name), input, dtype, "parameters")


def _move(running: Tensor | None, new: Callable[[], Tensor], momentum: float) -> None:
    """Bring a running statistic, if there is one, nearer to that of this batch."""
    if running is not None:
        with no_grad():
            running.assign((1 - momentum) * running + momentum * new())


def _affine(out: Tensor, weight: Array | None, bias: Array | None) -> Tensor:
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias


def _along(input: Tensor, values: Array | None) -> Tensor | None:
    """One number for each channel, shaped to broadcast with `input`."""
    if values is None:
        return None
    return _tensor(values).reshape((-1,) + (1,) * (input.ndim - 2))


def _last_axes(
    name: str, input: Tensor, normalized_shape: int | Sequence[int], *parameters: Array | None
) -> tuple[int, ...]:
    """The axes that `normalized_shape` names, which all `parameters` must have, too."""
    given = normalized_shape
    shape = (given,) if isinstance(given, int) else tuple(given)
    if not shape or input.shape[-len(shape) :] != shape:
        raise ShapeError(
            layer_or(name),
            f"the input has shape {input.shape}, which does not end in {shape}",
            "normalized_shape must be the lengths of the last axes, of one at least; here they are"
            f" {input.shape[-max(len(shape), 1) :]}.",
        )
    for values in parameters:
        if values is not None and _tensor(values).shape != shape:
            raise ShapeError(
                layer_or(name),
                f"weight and bias have shape {shape}, but one has {_tensor(values).shape}",
                "Make them of normalized_shape.",
            )
    return tuple(range(-len(shape), 0))


def _with_channels(name: str, input: Array, axes: int, **parameters: Array | None) -> Tensor:
    """The input, for each of whose channels each of `parameters` must have one number."""
    x = _tensor(input)
    if x.ndim < axes:
        wanted = "(N, C, ...)" if axes == 2 else "(N, C, L), (N, C, H, W) or more"
        raise ShapeError(layer_or(name), f"the input has shape {x.shape}", f"Pass {wanted}.")
    for word, values in parameters.items():
        if values is not None and _tensor(values).shape != (x.shape[1],):
            raise ShapeError(
                layer_or(name),
                f"{word} has shape {_tensor(values).shape} for an input of {x.shape}",
                f"Pass shape ({x.shape[1]},): one number for each channel.",
            )
    return _fitting(name, x, *parameters.values())

"""Dropout: some numbers become 0, by chance, and the others grow so that the mean stays.

The mask is a constant in the graph: to replay the graph is to drop the same numbers.
"""

from __future__ import annotations

import math

import numpy as np

from ... import ops
from ...arrays import Array
from ...errors import RangeError, ShapeError
from ...random import draw
from ...tensor import Tensor
from .conversion import as_tensor
from .images import batched
from .place import layer_or


def dropout(input: Array, p: float = 0.5, training: bool = True) -> Tensor:
    """Each number becomes 0 with probability `p`; the others are divided by ``1 - p``.

    Under ``vmap`` all examples drop the same numbers, for the function is of one of them.

    Parameters
    ----------
    input
        Any shape.
    p
        How probable it is to be dropped.
    training
        False gives back the input itself, as does ``p=0``.

    References
    ----------
    Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, "Dropout: a simple way to prevent
    neural networks from overfitting" (2014).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> _ = tl.manual_seed(0)
    >>> tl.nn.functional.dropout(tl.ones(6), p=0.5).tolist()
    [2.0, 2.0, 2.0, 0.0, 0.0, 0.0]
    """
    x = as_tensor(input)
    return _dropped(layer_or("dropout"), x, x.shape, p, training)


def dropout1d(input: Array, p: float = 0.5, training: bool = True) -> Tensor:
    """Dropout of whole channels of signals (N, C, L) or (C, L), see :func:`dropout`."""
    return _channels("dropout1d", 1, input, p, training)


def dropout2d(input: Array, p: float = 0.5, training: bool = True) -> Tensor:
    """Dropout of whole channels of images (N, C, H, W), see :func:`dropout`.

    Neighbours in a channel are much alike, so that a single one would not be missed (Tompson and
    others, "Efficient object localization using convolutional networks", 2015).

    With three axes it is not certain which is the channel's: PyTorch takes them for (N, C, L). They
    are refused here.
    """
    x = as_tensor(input)
    if x.ndim == 3:
        raise ShapeError(
            layer_or("dropout2d"),
            f"the input has shape {x.shape}, which could be (C, H, W) or (N, C, L)",
            "Use dropout1d (Dropout1d) for signals, or x.expand_dims(0) for one image.",
        )
    return _channels("dropout2d", 2, x, p, training)


def dropout3d(input: Array, p: float = 0.5, training: bool = True) -> Tensor:
    """Dropout of whole channels of volumes (N, C, D, H, W) or (C, D, H, W), see :func:`dropout`."""
    return _channels("dropout3d", 3, input, p, training)


def alpha_dropout(input: Array, p: float = 0.5, training: bool = False) -> Tensor:
    """Dropout that keeps mean 0 and variance 1, for use with :func:`~tinygrad_lesson.selu`.

    What is dropped becomes the number to which the SELU tends at minus infinity; then everything is
    scaled and shifted.

    Parameters
    ----------
    input, p, training
        As in :func:`dropout`, but that `training` is False unless given, as in PyTorch.

    References
    ----------
    Klambauer, Unterthiner, Mayr and Hochreiter, "Self-normalizing neural networks" (2017).
    """
    where = layer_or("alpha_dropout")
    x = as_tensor(input)
    _check_probability(where, p)
    if not training or p == 0:
        return x
    if p == 1:
        return x * ops.zeros_like(x.detach())
    lowest = -1.7580993408473766
    scale = 1 / math.sqrt((1 - p) * (1 + p * lowest**2))
    kept = _constant(Tensor.lift(draw(None, "random", x.shape)) >= p, x)
    return x * (kept * scale) + (kept - (1 - p)) * (-scale * lowest)


def _channels(name: str, axes: int, input: Array, p: float, training: bool) -> Tensor:
    where = layer_or(name)
    x = as_tensor(input)
    if x.ndim not in (axes + 1, axes + 2):
        batched(where, x, axes)  # which refuses it
    return _dropped(where, x, x.shape[:-axes] + (1,) * axes, p, training)


def _dropped(where: str, x: Tensor, shape: tuple[int, ...], p: float, training: bool) -> Tensor:
    """`x` times a mask of `shape`, made of 0 and ``1 / (1 - p)``."""
    _check_probability(where, p)
    if not training or p == 0:
        return x
    # Numbers drawn in single precision take half the time, and are fine enough for a chance.
    mask = _constant(Tensor.lift(draw(None, "random", shape, dtype=np.float32)) >= p, x)
    return x * (mask * (1 / (1 - p))) if p < 1 else x * mask


def _check_probability(where: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise RangeError(where, f"p={p} is no probability", "Pass 0 <= p <= 1.")


def _constant(mask: Tensor, x: Tensor) -> Tensor:
    """Zeros and ones that can be multiplied with `x`."""
    return ops.astype(mask, x.dtype if x.dtype.kind == "f" else np.float32)

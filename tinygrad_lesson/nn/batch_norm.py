"""Normalisation with statistics of batches, which are kept for use after ``eval()``."""

from __future__ import annotations

from typing import Any, ClassVar

from ..arguments import count
from ..arrays import Array
from ..creation import ones, zeros
from ..errors import ShapeError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .channels import check_channels, images
from .functional.images import AXES
from .functional.place import layer_or
from .module import Module
from .normalization import affine_parameters
from .parameter import Buffer


class _Running(Module):
    """A weight and a bias for each channel, and statistics that follow those of the batches."""

    _axes: ClassVar[int]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.num_features = count(type(self).__name__, "num_features", num_features)
        self.eps, self.momentum, self.affine = eps, momentum, affine
        self.track_running_stats = track_running_stats
        shape = (self.num_features,)
        self.weight, self.bias = affine_parameters(shape, affine, affine, dtype)
        tracks = track_running_stats
        self.running_mean = Buffer(zeros(shape, dtype=dtype)) if tracks else None
        self.running_var = Buffer(ones(shape, dtype=dtype)) if tracks else None
        self.num_batches_tracked = Buffer(0) if tracks else None

    def reset_running_stats(self) -> None:
        """Forget what was seen."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.assign(zeros(self.num_features))
            self.running_var.assign(ones(self.num_features))
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.assign(0)

    def _input(self, x: Array) -> Tensor:
        """The input as a tensor, refused if it has another number of channels or of axes."""
        raise NotImplementedError

    def forward(self, x: Array) -> Tensor:
        """Normalise `x`."""
        return self._normalize(self._input(x), self.training or self.running_mean is None)

    def _normalize(self, x: Tensor, by_input: bool) -> Tensor:
        """The result, by the statistics of the input or by those kept."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        """The settings."""
        shown = f"{self.num_features}, eps={self.eps}, momentum={self.momentum}"
        shown += "" if self.affine else ", affine=False"
        return shown + f", track_running_stats={self.track_running_stats}"


class _BatchNorm(_Running):
    def _input(self, x: Array) -> Tensor:
        where = layer_or(type(self).__name__)
        tensor = x if isinstance(x, Tensor) else Tensor(x)
        ranks = (2, 3) if self._axes == 1 else (self._axes + 2,)
        form = f"(N, C) or {AXES[1]}" if self._axes == 1 else AXES[self._axes]
        if tensor.ndim not in ranks:
            raise ShapeError(
                where,
                f"the input has shape {tensor.shape}",
                f"Pass {form}; a single sample becomes a batch by x.expand_dims(0).",
            )
        check_channels(where, tensor, 1, self.num_features, "num_features", "layer", form)
        return tensor

    def _normalize(self, x: Tensor, by_input: bool) -> Tensor:
        counter = self.num_batches_tracked
        momentum: Any = self.momentum
        if momentum is None:  # the mean of all batches so far
            momentum = 0.0 if counter is None else 1 / (counter + 1).astype(x.dtype)
        out = F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, by_input, momentum,
            self.eps,
        )  # fmt: skip
        if self.training and counter is not None:
            counter.assign(counter + 1)
        return out


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of samples (N, C) or signals (N, C, L); see :class:`BatchNorm2d`."""

    _axes = 1


class BatchNorm2d(_BatchNorm):
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted.

    After ``eval()``, by the running statistics instead. The input has shape (N, C, H, W); see
    :func:`~tinygrad_lesson.nn.functional.batch_norm`.

    Parameters
    ----------
    num_features
        The number of channels.
    eps
        Added to the variance.
    momentum
        How far the running statistics move towards those of each batch; None: they are the means
        over all batches.
    affine
        Whether there are a weight and a bias.
    track_running_stats
        False keeps none, so that the batch counts after ``eval()``, too.
    dtype
        Of the parameters; the default dtype unless given.

    Attributes
    ----------
    weight, bias
        Shape (num_features,), ones and zeros at first; or None.
    running_mean, running_var, num_batches_tracked
        Buffers: the statistics, of shape (num_features,), and how many batches they saw; or None.
    """

    _axes = 2


class BatchNorm3d(_BatchNorm):
    """Batch normalisation of volumes (N, C, D, H, W); see :class:`BatchNorm2d`."""

    _axes = 3


class _InstanceNorm(_Running):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_features, eps, momentum, affine, track_running_stats, dtype=dtype)

    def _input(self, x: Array) -> Tensor:
        return images(
            type(self).__name__, x, self._axes, self.num_features, "num_features", "layer"
        )

    def _normalize(self, x: Tensor, by_input: bool) -> Tensor:
        single = x.ndim == self._axes + 1
        out = F.instance_norm(
            x.expand_dims(0) if single else x, self.running_mean, self.running_var, self.weight,
            self.bias, by_input, self.momentum or 0.0, self.eps,
        )  # fmt: skip
        return out[0] if single else out


class InstanceNorm1d(_InstanceNorm):
    """Instance normalisation of signals (N, C, L) or (C, L); see :class:`InstanceNorm2d`."""

    _axes = 1


class InstanceNorm2d(_InstanceNorm):
    """Each channel of each sample to mean 0 and variance 1.

    The input has shape (N, C, H, W) or (C, H, W); see
    :func:`~tinygrad_lesson.nn.functional.instance_norm`.

    Parameters
    ----------
    num_features, eps, momentum, affine, track_running_stats, dtype
        As for :class:`BatchNorm2d`, but with no parameters or statistics unless asked for.
    """

    _axes = 2


class InstanceNorm3d(_InstanceNorm):
    """Instance normalisation of volumes; see :class:`InstanceNorm2d`."""

    _axes = 3

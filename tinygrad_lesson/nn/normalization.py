"""Normalisation of each sample by itself, as modules; see ``batch_norm`` for that of batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import count, lengths
from ..arrays import Array
from ..creation import ones, zeros
from ..errors import ShapeError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .channels import check_channels, check_groups
from .functional.place import layer_or
from .module import Module
from .parameter import Parameter


class LayerNorm(Module):
    """Each sample to mean 0 and variance 1 over its last axes, then scaled and shifted.

    Parameters
    ----------
    normalized_shape
        The lengths of these axes.
    eps
        Added to the variance.
    elementwise_affine
        Whether there are a weight and a bias.
    bias
        Whether there is a bias.
    dtype
        Of the parameters; the default dtype unless given.

    Attributes
    ----------
    weight, bias
        Of `normalized_shape`, ones and zeros at first; or None.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.LayerNorm(4)
    >>> layer(tl.Tensor([[1.0, 5.0, 5.0, 1.0]])).numpy().round(3)
    array([[-1.,  1.,  1., -1.]], dtype=float32)
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = _shape(type(self).__name__, normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight, self.bias = affine_parameters(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, dtype
        )

    def forward(self, x: Array) -> Tensor:
        """Normalise the last axes of `x`."""
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}" + _unless(self.elementwise_affine)


class RMSNorm(Module):
    """Each sample over the root of its mean square along the last axes, then scaled.

    Parameters
    ----------
    normalized_shape, elementwise_affine, dtype
        As for :class:`LayerNorm`; there is no bias.
    eps
        Added to the mean square; None: the epsilon of the input's dtype.
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        self.normalized_shape = _shape(type(self).__name__, normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.weight, _ = affine_parameters(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: Array) -> Tensor:
        """Normalise the last axes of `x`."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}" + _unless(self.elementwise_affine)


class GroupNorm(Module):
    """Each group of channels of each sample to mean 0 and variance 1, then scaled and shifted.

    Parameters
    ----------
    num_groups, num_channels
        Into how many groups how many channels are cut.
    eps
        Added to the variance.
    affine
        Whether there are a weight and a bias.
    dtype
        Of the parameters; the default dtype unless given.

    Attributes
    ----------
    weight, bias
        Shape (num_channels,), ones and zeros at first; or None.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: Any = None,
    ) -> None:
        where = type(self).__name__
        self.num_groups = count(where, "num_groups", num_groups)
        self.num_channels = count(where, "num_channels", num_channels)
        check_groups(where, "num_channels", num_channels, "num_groups", num_groups)
        self.eps, self.affine = eps, affine
        self.weight, self.bias = affine_parameters((num_channels,), affine, affine, dtype)

    def forward(self, x: Array) -> Tensor:
        """Normalise `x`, of shape (N, C, ...)."""
        where = layer_or(type(self).__name__)
        tensor = x if isinstance(x, Tensor) else Tensor(x)
        if tensor.ndim < 2:
            raise ShapeError(where, f"the input has shape {tensor.shape}", "Pass (N, C, ...).")
        check_channels(where, tensor, 1, self.num_channels, "num_channels", "layer", "(N, C, ...)")
        return F.group_norm(tensor, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        end = "" if self.affine else ", affine=False"
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}{end}"


class LocalResponseNorm(Module):
    """Each number over a power of the mean square of its neighbours in other channels.

    See :func:`~tinygrad_lesson.nn.functional.local_response_norm`.

    Parameters
    ----------
    size, alpha, beta, k
        As for the function.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        self.size = count(type(self).__name__, "size", size)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, x: Array) -> Tensor:
        """Normalise `x`, of shape (N, C, L) or with more axes."""
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _shape(where: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    given = normalized_shape
    return lengths(where, (tuple(given),) if isinstance(given, Sequence) else (given,))


def affine_parameters(
    shape: tuple[int, ...], weight: bool, bias: bool, dtype: Any
) -> tuple[Parameter | None, Parameter | None]:
    """Parameters that change nothing yet."""
    return (
        Parameter(ones(shape, dtype=dtype)) if weight else None,
        Parameter(zeros(shape, dtype=dtype)) if bias else None,
    )


def _unless(affine: bool) -> str:
    return "" if affine else ", elementwise_affine=False"

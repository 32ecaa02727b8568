"""Normalisation as modules: each with a weight and a bias, some with running statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import lengths
from ..arrays import Array
from ..creation import ones, zeros
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
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
        self.weight, self.bias = _affine(
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
        self.weight, _ = _affine(self.normalized_shape, elementwise_affine, False, dtype)

    def forward(self, x: Array) -> Tensor:
        """Normalise the last axes of `x`."""
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"{self.normalized_shape}, eps={self.eps}" + _unless(self.elementwise_affine)


def _shape(where: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    given = normalized_shape
    return lengths(where, (tuple(given),) if isinstance(given, Sequence) else (given,))


def _affine(
    shape: tuple[int, ...], weight: bool, bias: bool, dtype: Any
) -> tuple[Parameter | None, Parameter | None]:
    """Parameters that change nothing yet."""
    return (
        Parameter(ones(shape, dtype=dtype)) if weight else None,
        Parameter(zeros(shape, dtype=dtype)) if bias else None,
    )


def _unless(affine: bool) -> str:
    return "" if affine else ", elementwise_affine=False"

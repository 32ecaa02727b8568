"""Dropout as modules: in training they drop by chance, after ``eval()`` they change nothing."""

from __future__ import annotations

from ..arrays import Array
from ..errors import RangeError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .module import Module


class _Dropout(Module):
    """Dropout with its probability.

    Parameters
    ----------
    p
        How probable it is to be dropped.
    """

    def __init__(self, p: float = 0.5) -> None:
        if not 0 <= p <= 1:
            raise RangeError(type(self).__name__, f"p={p} is no probability", "Pass 0 <= p <= 1.")
        self.p = p

    def extra_repr(self) -> str:
        """The probability."""
        return f"p={self.p}"


class Dropout(_Dropout):
    """Numbers become 0 with probability `p`; the others are divided by ``1 - p``.

    See :func:`~tinygrad_lesson.nn.functional.dropout`.

    Parameters
    ----------
    p
        How probable it is to be dropped.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.Dropout(0.5).eval()
    >>> layer(tl.ones(3)).tolist()
    [1.0, 1.0, 1.0]
    """

    def forward(self, x: Array) -> Tensor:
        """Drop numbers of `x`."""
        return F.dropout(x, self.p, self.training)


class Dropout1d(_Dropout):
    """Dropout of whole channels of signals (N, C, L) or (C, L)."""

    def forward(self, x: Array) -> Tensor:
        """Drop channels of `x`."""
        return F.dropout1d(x, self.p, self.training)


class Dropout2d(_Dropout):
    """Dropout of whole channels of images (N, C, H, W)."""

    def forward(self, x: Array) -> Tensor:
        """Drop channels of `x`."""
        return F.dropout2d(x, self.p, self.training)


class Dropout3d(_Dropout):
    """Dropout of whole channels of volumes (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, x: Array) -> Tensor:
        """Drop channels of `x`."""
        return F.dropout3d(x, self.p, self.training)


class AlphaDropout(_Dropout):
    """Dropout that keeps mean and variance, after :class:`~tinygrad_lesson.nn.SELU`."""

    def forward(self, x: Array) -> Tensor:
        """Drop numbers of `x`."""
        return F.alpha_dropout(x, self.p, self.training)

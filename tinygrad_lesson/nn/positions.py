"""Where in its sequence a step is, told by waves."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..errors import ShapeError
from ..tensor import Tensor
from .dropout import Dropout
from .functional.place import layer_or
from .module import Module


class PositionalEncoding(Module):
    """Adds waves by which a position can be told, and relative ones be found by attention.

    ``x[t, 2 i] + sin(t / 10000**(2 i / d_model))``, and ``cos`` for odd features; then dropout. The
    waves are no part of the state, and there is no longest sequence.

    Parameters
    ----------
    d_model
        Number of features.
    dropout
        The share of numbers that is dropped, in training.
    batch_first
        Whether the axis of sequences comes before that of steps.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.nn.PositionalEncoding(4)(tl.zeros(2, 4))[0].tolist()
    [0.0, 1.0, 0.0, 1.0]

    References
    ----------
    Vaswani et al., "Attention is all you need" (2017), section 3.5.
    """

    def __init__(self, d_model: int, dropout: float = 0.0, batch_first: bool = False) -> None:
        self.d_model = count(type(self).__name__, "d_model", d_model)
        self.batch_first = batch_first
        self.dropout = Dropout(dropout)

    def forward(self, x: Array) -> Tensor:
        """Add to `x`: (T, N, d_model), (N, T, d_model) if `batch_first`, or (T, d_model)."""
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.ndim not in (2, 3) or x.shape[-1] != self.d_model:
            raise ShapeError(
                layer_or(type(self).__name__),
                f"the input has shape {x.shape}",
                f"Pass two axes or three, the last of length {self.d_model}.",
            )
        between = x.ndim == 3 and not self.batch_first
        waves = _waves(x.shape[1 if x.ndim == 3 and self.batch_first else 0], self.d_model)
        added = x + (waves[:, None] if between else waves).astype(x.dtype)
        return self.dropout(added)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        """The number of features."""
        return str(self.d_model)


def _waves(steps: int, features: int) -> Any:
    number = np.arange(features)
    angle = np.arange(steps)[:, None] / 10000.0 ** ((number - number % 2) / max(features, 1))
    return np.where(number % 2, np.cos(angle), np.sin(angle))

"""Layers that hold parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..arguments import count
from ..arrays import Array
from ..tensor import Tensor
from .functional import linear
from .init import uniform_fan_in
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.random import Generator


class Linear(Module):
    """Affine map ``x @ weight.mT + bias``, from `in_features` to `out_features`.

    Parameters
    ----------
    in_features, out_features
        Lengths of the last axis before and after.
    bias
        Whether there is one.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial numbers.

    Attributes
    ----------
    weight
        Shape (out_features, in_features), PyTorch's layout.
    bias
        Shape (out_features,), or None.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.Linear(3, 2)
    >>> layer.weight.shape, layer.bias.shape
    ((2, 3), (2,))
    >>> layer(tl.ones(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where = type(self).__name__
        self.in_features = count(where, "in_features", in_features)
        self.out_features = count(where, "out_features", out_features)
        options: dict[str, Any] = {"dtype": dtype, "generator": generator}
        shape = (self.out_features, self.in_features)
        self.weight = Parameter(uniform_fan_in(shape, self.in_features, **options))
        self.bias = (
            Parameter(uniform_fan_in(shape[:1], self.in_features, **options)) if bias else None
        )

    def forward(self, x: Array) -> Tensor:
        """Map the last axis of `x`."""
        return linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The two sizes."""
        end = "" if self.bias is not None else ", bias=False"
        return f"{self.in_features}, {self.out_features}{end}"

"""Affine and bilinear maps, other shapes, and distances, as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..tensor import Tensor
from .functional import bilinear, linear
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


class Bilinear(Module):
    """``x1 @ weight[o] @ x2 + bias[o]`` for each output o.

    See :func:`~tinygrad_lesson.nn.functional.bilinear`.

    Parameters
    ----------
    in1_features, in2_features, out_features
        Lengths of the last axis of the two inputs and of the output.
    bias, dtype, generator
        As for :class:`Linear`.

    Attributes
    ----------
    weight
        Shape (out_features, in1_features, in2_features).
    bias
        Shape (out_features,), or None.
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where = type(self).__name__
        self.in1_features = count(where, "in1_features", in1_features)
        self.in2_features = count(where, "in2_features", in2_features)
        self.out_features = count(where, "out_features", out_features)
        options: dict[str, Any] = {"dtype": dtype, "generator": generator}
        shape = (self.out_features, self.in1_features, self.in2_features)
        self.weight = Parameter(uniform_fan_in(shape, self.in1_features, **options))
        self.bias = (
            Parameter(uniform_fan_in(shape[:1], self.in1_features, **options)) if bias else None
        )

    def forward(self, x1: Array, x2: Array) -> Tensor:
        """Combine the last axes of `x1` and `x2`."""
        return bilinear(x1, x2, self.weight, self.bias)

    def extra_repr(self) -> str:
        """The sizes."""
        end = "" if self.bias is not None else ", bias=False"
        return f"{self.in1_features}, {self.in2_features}, {self.out_features}{end}"


class Identity(Module):
    """Gives back its input; it may be built with any arguments, in the place of another layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def forward(self, x: Array) -> Array:
        """Give back `x`."""
        return x


class Flatten(Module):
    """Axes from `start_dim` to `end_dim`, both included, joined into one.

    Parameters
    ----------
    start_dim, end_dim
        The first and the last of them; all but the first axis unless given.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.nn.Flatten()(tl.zeros(8, 3, 4)).shape
    (8, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Array) -> Tensor:
        """Join axes of `x`."""
        return ops.flatten(x, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis split into several.

    Parameters
    ----------
    dim
        Which axis.
    unflattened_size
        The new lengths, one of which may be -1.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.nn.Unflatten(1, (3, 4))(tl.zeros(8, 12)).shape
    (8, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Array) -> Tensor:
        """Split an axis of `x`."""
        return ops.unflatten(x, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The axis and its new lengths."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


# ---- of two inputs -----------------------------------------------------------------------


class CosineSimilarity(Module):
    """Cosine of the angle between vectors, see :func:`~tinygrad_lesson.cosine_similarity`.

    Parameters
    ----------
    dim
        The axis along which the vectors lie.
    eps
        A length below it counts as it.
    """

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        self.dim, self.eps = dim, eps

    def forward(self, x1: Array, x2: Array) -> Tensor:
        """Compare `x1` with `x2`."""
        return ops.cosine_similarity(x1, x2, self.dim, self.eps)

    def extra_repr(self) -> str:
        """The settings."""
        return f"dim={self.dim}, eps={self.eps}"


class PairwiseDistance(Module):
    """Norm of the difference of vectors, see :func:`~tinygrad_lesson.pairwise_distance`.

    Parameters
    ----------
    p, eps, keepdim
        The order of the norm, what is added to each difference, and whether the axis stays.
    """

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Array, x2: Array) -> Tensor:
        """Compare `x1` with `x2`."""
        return ops.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)

    def extra_repr(self) -> str:
        """The settings."""
        return f"p={self.norm}, eps={self.eps}, keepdim={self.keepdim}"

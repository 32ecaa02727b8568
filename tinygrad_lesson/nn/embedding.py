"""A learnt vector for each of many things that have numbers, such as words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from ..arguments import axis, count
from ..arrays import Array
from ..errors import ShapeError
from ..random import randn
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.random import Generator


class Embedding(Module):
    """A table with a learnt row for each number.

    See :func:`~tinygrad_lesson.nn.functional.embedding`.

    Parameters
    ----------
    num_embeddings, embedding_dim
        The numbers of rows and columns.
    padding_idx
        The number of a row that is zeros at first and gets no gradient.
    dtype
        Of the table; the default dtype unless given.
    generator
        Draws the initial numbers, from a normal distribution of mean 0 and variance 1.

    Attributes
    ----------
    weight
        Shape (num_embeddings, embedding_dim).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> words = tl.nn.Embedding(1000, 16)
    >>> words([[3, 14, 15], [9, 2, 6]]).shape
    (2, 3, 16)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where = type(self).__name__
        self.num_embeddings = count(where, "num_embeddings", num_embeddings)
        self.embedding_dim = count(where, "embedding_dim", embedding_dim)
        self.padding_idx = self._padding(padding_idx)
        shape = (self.num_embeddings, self.embedding_dim)
        drawn = randn(shape, dtype=dtype, generator=generator)
        if self.padding_idx is not None:
            drawn[self.padding_idx] = 0.0
        self.weight = Parameter(drawn)

    def _padding(self, padding_idx: int | None) -> int | None:
        where = type(self).__name__
        if padding_idx is None:
            return None
        return axis(where, padding_idx, self.num_embeddings, "padding_idx")

    @classmethod
    def from_pretrained(
        cls, embeddings: Any, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """A layer with the rows `embeddings`, which are not learnt unless ``freeze=False``."""
        weight = Parameter(embeddings, requires_grad=not freeze)
        if weight.ndim != 2:
            raise ShapeError(
                f"{cls.__name__}.from_pretrained",
                f"the embeddings have shape {weight.shape}",
                "Pass a matrix with a row for each number.",
            )
        layer = cls(weight.shape[0], weight.shape[1], padding_idx)
        layer.weight = weight
        return layer

    def forward(self, x: Array) -> Tensor:
        """Look up the rows with the numbers `x`."""
        return F.embedding(x, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        """The sizes."""
        end = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{end}"

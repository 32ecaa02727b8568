"""Batched: what a tensor holds while a function is being mapped over examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..arrays.abstract import AbstractArray
from ..graph import Shape
from ..tensor import Tensor

if TYPE_CHECKING:
    from .level import Level


class Batched(AbstractArray):
    """The array of one example, which is not known: it stands for those of all examples.

    Attributes
    ----------
    namespace
        The mapping that it belongs to.
    tensor
        The arrays of all examples, as a tensor outside the mapping.
    many
        Whether the first axis of `tensor` numbers the examples; if not, all have the same.
    """

    __slots__ = ("dtype", "many", "namespace", "shape", "tensor")

    def __init__(self, level: Level, tensor: Tensor, many: bool) -> None:
        self.namespace = level
        self.tensor = tensor
        self.many = many
        self.shape: Shape = tensor.shape[1:] if many else tensor.shape
        self.dtype = tensor.dtype

    def __repr__(self) -> str:
        return f"<{self.shape} {self.dtype} of {self.namespace.size} examples>"

    def _why(self) -> tuple[str, str, str]:
        return (
            "vmap",
            f"a number of one example is asked for, but there are {self.namespace.size} at once",
            "Choose with tl.where instead of if, and read numbers outside the mapped function.",
        )

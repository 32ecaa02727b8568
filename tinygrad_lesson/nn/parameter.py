"""Tensors that belong to a module."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from ..arguments import check_device
from ..changes import happened
from ..dtypes import DType, as_dtype, is_floating
from ..errors import DTypeError, GradientError
from ..graph import Leaf, Node
from ..tensor import Tensor


class Kept(Tensor):
    """A tensor that a module keeps: a :class:`Parameter` or a :class:`Buffer`."""

    __slots__ = ()

    def convert(self, dtype: DType) -> Self:
        """Hold the same numbers, and the gradient, in another dtype.

        As with ``assign``, graphs that were recorded before keep the old numbers, and still fill
        ``.grad``.
        """
        node, gradient = self._node, self.grad
        if isinstance(node, Node):
            raise GradientError(
                "convert",
                f"this {type(self).__name__} is the result of {node.op.name}, and its graph needs"
                " the numbers",
                "Assign a new one to the module.",
            )
        data = self._data.astype(dtype)
        self._hold(
            data, None if node is None else Leaf(data, node.requires_grad, node.box, node.name)
        )
        happened()
        if gradient is not None:
            self.grad = gradient  # which converts it
        return self


class Parameter(Kept):
    """A tensor that a module learns: it requires a gradient, and takes its attribute's name.

    Parameters
    ----------
    data
        What :class:`Tensor` takes.
    requires_grad
        False freezes it.
    dtype, name
        As for :class:`Tensor`.
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = True, *, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(data, requires_grad, dtype=dtype, name=name)


class Buffer(Kept):
    """A tensor that a module keeps but does not learn, such as a running mean.

    A tensor that is assigned to the attribute becomes a buffer, too.
    """

    __slots__ = ()

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """`tensor` as a buffer: the same numbers at the same place in the graph."""
        buffer = object.__new__(cls)
        buffer._data, buffer._node = tensor._data, tensor._node
        return buffer


def convert(where: str, kept: Iterable[tuple[str, Kept]], dtype: Any, device: Any) -> None:
    """Convert the floating ones among the tensors that a module keeps; see ``Module.to``."""
    if isinstance(dtype, str) and dtype.split(":")[0] in ("cpu", "cuda", "mps"):
        dtype, device = None, dtype  # PyTorch's to("cpu")
    check_device(where, device)
    if dtype is None:
        return
    new = as_dtype(dtype, where)
    if not is_floating(new):
        raise DTypeError(
            where, f"parameters cannot be {new}", "Pass tl.float16, tl.float32 or tl.float64."
        )
    for _, tensor in list(kept):
        if is_floating(tensor.dtype) and tensor.dtype != new:
            tensor.convert(new)

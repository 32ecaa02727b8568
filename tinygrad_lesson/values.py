"""Python's protocols: a Tensor as a number, a condition, a sequence, a text, and its copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

import numpy as np

from . import ops
from .arrays import Array
from .errors import ArgumentError, DTypeError, RangeError, SerializationError
from .graph import Node
from .recording import NUMBERS

if TYPE_CHECKING:
    from .tensor import Tensor


class PythonProtocols:
    """The methods by which Python takes a Tensor for one of its values."""

    __slots__ = ()

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __complex__(self: Any) -> complex:
        return complex(self.item())

    def __index__(self: Any) -> int:
        if self.dtype.kind not in "iu":
            raise DTypeError("index", f"a {self.dtype} cannot count", "Convert it: int(t).")
        if self.shape:
            raise ArgumentError(
                "index", f"shape {self.shape} is not that of a single number", "Use int(t)."
            )
        return int(self.item())

    def __bool__(self: Any) -> bool:
        if self.size != 1:
            raise RangeError(
                "bool", f"the truth of {self.size} elements, of shape {self.shape}, is ambiguous",
                "Use tl.any(t) or tl.all(t).",
            )  # fmt: skip
        return bool(self.raw.item())

    def __len__(self: Any) -> int:
        if not self.shape:
            raise ArgumentError("len", "a single number has no length", "Use t.size.")
        return cast(int, self.shape[0])

    def __iter__(self: Any) -> Iterator[Tensor]:
        if not self.shape:
            raise ArgumentError("iter", "a single number cannot be iterated over", "Use t.item().")
        return (self[i] for i in range(len(self)))

    def __round__(self: Any, digits: int | None = None) -> float:
        return cast(float, round(self.item(), digits))

    def __eq__(self: Any, other: object) -> Tensor:  # type: ignore[override]
        return ops.equal(self, other) if _comparable(other) else NotImplemented

    def __ne__(self: Any, other: object) -> Tensor:  # type: ignore[override]
        return ops.not_equal(self, other) if _comparable(other) else NotImplemented

    __hash__ = object.__hash__

    def __format__(self: Any, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self: Any) -> str:
        numbers = repr(self._data)  # of an array that stands for others
        if isinstance(self._data, np.ndarray | np.generic):
            numbers = np.array2string(np.asarray(self._data), separator=", ", prefix="Tensor(")
        notes = [f"dtype={self.dtype}"]
        if isinstance(self._node, Node):
            notes.append(f"op={self._node.op.name}")
        elif self.requires_grad:
            notes.append("requires_grad=True")
        if self.name:
            notes.append(f"name={self.name!r}")
        return f"{type(self).__name__}({', '.join([numbers, *notes])})"

    def __copy__(self: Any) -> Any:
        return self.__deepcopy__({})

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Any:
        make, args = self.__reduce__()
        memo[id(self)] = copy = make(*args)
        return copy

    def __reduce__(self: Any) -> tuple[Callable[..., Tensor], tuple[Any, ...]]:
        if isinstance(self._node, Node):
            raise SerializationError(
                "copy or pickle",
                f"this tensor is the result of {self._node.op.name}, and its graph is not copied",
                "Copy t.detach() instead.",
            )
        return _rebuild, (type(self), np.array(self._data), self.requires_grad, self.name)

    def __reduce_ex__(self: Any, protocol: SupportsIndex) -> Any:
        return self.__reduce__()


def _rebuild(cls: type[Tensor], data: Array, requires_grad: bool, name: str) -> Tensor:
    tensor = object.__new__(cls)
    tensor._data, tensor._node = data, None
    if requires_grad:
        tensor.requires_grad = True
    if name:
        tensor.name = name
    return tensor


def _comparable(value: object) -> bool:
    return isinstance(value, PythonProtocols | np.ndarray | np.generic | list | tuple) or (
        type(value) in NUMBERS
    )

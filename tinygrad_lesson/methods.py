"""Which ops a Tensor has as operators and methods: one line each.

An operator is the op's recorder itself, without a detour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from . import ops, recording  # noqa: F401  (recording lets ops run on Tensors)
from .op import Op

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")


def method(op: Op[P]) -> Callable[P, Tensor]:
    """`op` with the tensor as its first input."""
    return op.record


def reflected(op: Op[...]) -> Callable[[Any, Any], Tensor]:
    """`op` with the tensor as its second input, as in ``2 - t``."""
    record = op.record

    def call(self: Any, other: Any) -> Tensor:
        return record(other, self)

    return call


def in_place(op: Op[...]) -> Callable[[Any, Any], Tensor]:
    """`op` whose result takes the tensor's place, as in ``t += x``."""
    record = op.record

    def call(self: Any, other: Any) -> Tensor:
        result: Tensor = self.rebind(record(self, other))
        return result

    return call


class Methods:
    """The ops among Tensor's attributes."""

    __slots__ = ()

    __add__ = method(ops.add)
    __sub__ = method(ops.subtract)
    __mul__ = method(ops.multiply)
    __truediv__ = method(ops.divide)
    __floordiv__ = method(ops.floor_divide)
    __mod__ = method(ops.remainder)
    __matmul__ = method(ops.matmul)
    __neg__ = method(ops.negative)
    __abs__ = method(ops.abs)
    __lt__ = method(ops.less)
    __le__ = method(ops.less_equal)
    __gt__ = method(ops.greater)
    __ge__ = method(ops.greater_equal)
    __and__ = method(ops.bitwise_and)
    __or__ = method(ops.bitwise_or)
    __xor__ = method(ops.bitwise_xor)
    __invert__ = method(ops.bitwise_invert)

    __radd__ = reflected(ops.add)
    __rsub__ = reflected(ops.subtract)
    __rmul__ = reflected(ops.multiply)
    __rtruediv__ = reflected(ops.divide)
    __rfloordiv__ = reflected(ops.floor_divide)
    __rmod__ = reflected(ops.remainder)
    __rpow__ = reflected(ops.pow)
    __rmatmul__ = reflected(ops.matmul)

    __rand__ = reflected(ops.bitwise_and)
    __ror__ = reflected(ops.bitwise_or)
    __rxor__ = reflected(ops.bitwise_xor)

    __iadd__ = in_place(ops.add)
    __isub__ = in_place(ops.subtract)
    __imul__ = in_place(ops.multiply)
    __itruediv__ = in_place(ops.divide)
    __ifloordiv__ = in_place(ops.floor_divide)
    __imod__ = in_place(ops.remainder)
    __ipow__ = in_place(ops.pow)

    abs = method(ops.abs)
    square = method(ops.square)
    sqrt = method(ops.sqrt)
    exp = method(ops.exp)
    log = method(ops.log)
    sin = method(ops.sin)
    cos = method(ops.cos)
    tanh = method(ops.tanh)
    sigmoid = method(ops.sigmoid)
    relu = method(ops.relu)
    sign = method(ops.sign)
    clip = method(ops.clip)
    maximum = method(ops.maximum)
    minimum = method(ops.minimum)

    sum = method(ops.sum)
    mean = method(ops.mean)
    prod = method(ops.prod)
    max = method(ops.max)
    min = method(ops.min)
    var = method(ops.var)
    std = method(ops.std)
    logsumexp = method(ops.logsumexp)
    softmax = method(ops.softmax)
    log_softmax = method(ops.log_softmax)
    argmax = method(ops.argmax)
    argmin = method(ops.argmin)
    any = method(ops.any)
    all = method(ops.all)

    permute_dims = method(ops.permute_dims)
    broadcast_to = method(ops.broadcast_to)
    expand_dims = method(ops.expand_dims)
    squeeze = method(ops.squeeze)
    flatten = method(ops.flatten)
    flip = method(ops.flip)
    take = method(ops.take)
    matmul = method(ops.matmul)
    astype = method(ops.astype)

    def __pos__(self) -> Tensor:
        return cast("Tensor", self)

    def __divmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(self, other), ops.remainder(self, other)

    def __rdivmod__(self, other: Any) -> tuple[Tensor, Tensor]:
        return ops.floor_divide(other, self), ops.remainder(other, self)

    def __pow__(self, exponent: Any) -> Tensor:
        square = type(exponent) is int and exponent == 2  # a fifth of the work
        return ops.square.record(self) if square else ops.pow.record(self, exponent)

    def reshape(self, *shape: Any) -> Tensor:
        """The same numbers in another shape: ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``."""
        lengths = shape[0] if len(shape) == 1 else shape
        return ops.reshape(self, shape=lengths)

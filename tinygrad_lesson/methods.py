"""Which ops a Tensor has as operators and methods: one line each.

An operator is the op's recorder itself, without a detour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec, cast

from . import ops, recording  # noqa: F401  (recording lets ops run on Tensors)
from .errors import ArgumentError
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
    __lshift__ = method(ops.bitwise_left_shift)
    __rshift__ = method(ops.bitwise_right_shift)

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
    __rlshift__ = reflected(ops.bitwise_left_shift)
    __rrshift__ = reflected(ops.bitwise_right_shift)

    __iadd__ = in_place(ops.add)
    __isub__ = in_place(ops.subtract)
    __imul__ = in_place(ops.multiply)
    __itruediv__ = in_place(ops.divide)
    __ifloordiv__ = in_place(ops.floor_divide)
    __imod__ = in_place(ops.remainder)
    __ipow__ = in_place(ops.pow)
    __imatmul__ = in_place(ops.matmul)
    __iand__ = in_place(ops.bitwise_and)
    __ior__ = in_place(ops.bitwise_or)
    __ixor__ = in_place(ops.bitwise_xor)
    __ilshift__ = in_place(ops.bitwise_left_shift)
    __irshift__ = in_place(ops.bitwise_right_shift)

    abs = method(ops.abs)
    square = method(ops.square)
    sqrt = method(ops.sqrt)
    rsqrt = method(ops.rsqrt)
    cbrt = method(ops.cbrt)
    reciprocal = method(ops.reciprocal)
    hypot = method(ops.hypot)
    fmod = method(ops.fmod)
    float_power = method(ops.float_power)
    ldexp = method(ops.ldexp)
    lerp = method(ops.lerp)
    addcmul = method(ops.addcmul)
    addcdiv = method(ops.addcdiv)
    conj = method(ops.conj)

    exp = method(ops.exp)
    expm1 = method(ops.expm1)
    exp2 = method(ops.exp2)
    log = method(ops.log)
    log1p = method(ops.log1p)
    log2 = method(ops.log2)
    log10 = method(ops.log10)
    logit = method(ops.logit)
    logaddexp = method(ops.logaddexp)
    logaddexp2 = method(ops.logaddexp2)
    xlogy = method(ops.xlogy)
    xlog1py = method(ops.xlog1py)

    sin = method(ops.sin)
    cos = method(ops.cos)
    tan = method(ops.tan)
    asin = method(ops.asin)
    acos = method(ops.acos)
    atan = method(ops.atan)
    atan2 = method(ops.atan2)
    sinh = method(ops.sinh)
    cosh = method(ops.cosh)
    tanh = method(ops.tanh)
    asinh = method(ops.asinh)
    acosh = method(ops.acosh)
    atanh = method(ops.atanh)
    sinc = method(ops.sinc)
    deg2rad = method(ops.deg2rad)
    rad2deg = method(ops.rad2deg)

    sign = method(ops.sign)
    floor = method(ops.floor)
    ceil = method(ops.ceil)
    trunc = method(ops.trunc)
    round = method(ops.round)
    frac = method(ops.frac)
    nextafter = method(ops.nextafter)

    clip = method(ops.clip)
    maximum = method(ops.maximum)
    minimum = method(ops.minimum)
    fmax = method(ops.fmax)
    fmin = method(ops.fmin)
    masked_fill = method(ops.masked_fill)
    heaviside = method(ops.heaviside)
    copysign = method(ops.copysign)
    nan_to_num = method(ops.nan_to_num)

    isfinite = method(ops.isfinite)
    isinf = method(ops.isinf)
    isnan = method(ops.isnan)
    signbit = method(ops.signbit)
    logical_and = method(ops.logical_and)
    logical_or = method(ops.logical_or)
    logical_xor = method(ops.logical_xor)
    logical_not = method(ops.logical_not)

    erf = method(ops.erf)
    erfc = method(ops.erfc)
    erfinv = method(ops.erfinv)
    lgamma = method(ops.lgamma)
    digamma = method(ops.digamma)
    polygamma = method(ops.polygamma)
    i0 = method(ops.i0)

    sigmoid = method(ops.sigmoid)
    relu = method(ops.relu)

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
    count_nonzero = method(ops.count_nonzero)

    cumulative_sum = cumsum = method(ops.cumulative_sum)
    cumulative_prod = cumprod = method(ops.cumulative_prod)
    logcumsumexp = method(ops.cumulative_logsumexp)
    diff = method(ops.diff)

    sort = method(ops.sort)  # a sorted copy, unlike NumPy's method
    argsort = method(ops.argsort)
    topk = method(ops.topk)
    kthvalue = method(ops.kthvalue)
    nonzero = method(ops.nonzero)
    argwhere = method(ops.argwhere)

    median = method(ops.median)
    quantile = method(ops.quantile)
    nansum = method(ops.nansum)
    nanmean = method(ops.nanmean)
    ptp = method(ops.ptp)
    aminmax = method(ops.aminmax)
    cov = method(ops.cov)
    corrcoef = method(ops.corrcoef)
    norm = method(ops.norm)

    permute_dims = method(ops.permute_dims)
    swapaxes = method(ops.swapaxes)
    moveaxis = method(ops.moveaxis)
    broadcast_to = method(ops.broadcast_to)
    expand_dims = method(ops.expand_dims)
    squeeze = method(ops.squeeze)
    flatten = method(ops.flatten)
    ravel = method(ops.ravel)
    unflatten = method(ops.unflatten)
    flip = method(ops.flip)
    roll = method(ops.roll)
    repeat = method(ops.repeat)
    split = method(ops.split)
    chunk = method(ops.chunk)
    unstack = method(ops.unstack)
    narrow = method(ops.narrow)
    pad = method(ops.pad)
    tril = method(ops.tril)
    triu = method(ops.triu)
    diagonal = method(ops.diagonal)
    take = method(ops.take)
    take_along_axis = method(ops.take_along_axis)
    index_select = method(ops.index_select)
    masked_select = method(ops.masked_select)
    gather = method(ops.gather)
    scatter = method(ops.scatter)
    scatter_add = method(ops.scatter_add)
    scatter_reduce = method(ops.scatter_reduce)
    index_add = method(ops.index_add)
    index_copy = method(ops.index_copy)
    matmul = method(ops.matmul)
    dot = method(ops.dot)
    trace = method(ops.trace)
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

    def transpose(self, *axes: Any) -> Tensor:
        """NumPy's: ``t.transpose()`` reverses the axes, ``t.transpose(1, 0, 2)`` orders them.

        PyTorch's ``t.transpose(i, j)`` is :meth:`swapaxes`. The one call of both that would go
        unnoticed, two axes in the order that they have, is refused.
        """
        if not axes or axes == (None,):
            return ops.permute_dims(self)
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        if len(axes) == 2 and axes in ((0, 1), (-2, -1)):
            raise ArgumentError(
                "transpose",
                f"transpose{axes} swaps two axes in PyTorch, and changes none in NumPy",
                f"Write t.swapaxes{axes}.",
            )
        return ops.transpose(self, order)

    def permute(self, *axes: Any) -> Tensor:
        """PyTorch's name for :meth:`permute_dims`, with every axis: ``t.permute(2, 0, 1)``."""
        return ops.permute_dims(self, axes[0] if len(axes) == 1 else axes)

    def tile(self, *repetitions: Any) -> Tensor:
        """The whole array several times: ``t.tile(2, 3)`` or ``t.tile((2, 3))``."""
        return ops.tile(self, repetitions[0] if len(repetitions) == 1 else repetitions)

    def unfold(self, axis: int, size: int, step: int = 1) -> Tensor:
        """Windows of `size` along one axis, `step` apart, in a new last axis: PyTorch's.

        Patches of images, as columns, are ``nn.functional.unfold``.
        """
        return ops.windows(self, size, axis=axis, stride=step)

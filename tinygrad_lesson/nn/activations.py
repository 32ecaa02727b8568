"""Activation functions as modules: each keeps the settings of its function.

The settings are the parameters of the function after the data, under PyTorch's names and with its
defaults; ``dim`` is another word for ``axis``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..creation import full
from ..errors import ArgumentError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .functional.images import batched
from .functional.place import layer_or
from .module import Module
from .parameter import Parameter


class _Activation(Module):
    """A function with its settings, which are attributes of the same names."""

    _function: ClassVar[Callable[..., Tensor]]
    _signature: ClassVar[inspect.Signature]

    def __init_subclass__(cls) -> None:
        _, *settings = inspect.signature(cls._function).parameters.values()
        named = [p.replace(kind=p.POSITIONAL_OR_KEYWORD) for p in settings]
        cls._signature = inspect.Signature(named)
        cls.__signature__ = cls._signature  # type: ignore[attr-defined]  # what help() shows

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "dim" in kwargs and "axis" in self._signature.parameters:
            kwargs["axis"] = kwargs.pop("dim")
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            bare = [p.replace(annotation=p.empty) for p in self._signature.parameters.values()]
            usage = f"{type(self).__name__}{inspect.Signature(bare)}"
            raise ArgumentError(type(self).__name__, str(error), f"Call {usage}.") from None
        bound.apply_defaults()
        vars(self).update(bound.arguments)

    def _settings(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in self._signature.parameters}

    def forward(self, x: Array) -> Tensor:
        """Apply the function."""
        function = type(self)._function
        return function(x, **self._settings()) if self._signature.parameters else function(x)

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={value!r}" for name, value in self._settings().items())


# ---- around the sigmoid and the tanh ---------------------------------------------------


class Sigmoid(_Activation):
    """``1 / (1 + exp(-x))``."""

    _function = ops.sigmoid


class LogSigmoid(_Activation):
    """``log(sigmoid(x))``, accurate where the sigmoid is near 0."""

    _function = ops.log_sigmoid


class Tanh(_Activation):
    """Hyperbolic tangent."""

    _function = ops.tanh


class Tanhshrink(_Activation):
    """``x - tanh(x)``."""

    _function = ops.tanhshrink


class Softsign(_Activation):
    """``x / (1 + abs(x))``."""

    _function = ops.softsign


class SiLU(_Activation):
    """``x * sigmoid(x)``."""

    _function = ops.silu


class Swish(_Activation):
    """``x * sigmoid(beta * x)``, which with ``beta=1`` is :class:`SiLU`."""

    _function = F.swish


class Mish(_Activation):
    """``x * tanh(softplus(x))``."""

    _function = ops.mish


class GELU(_Activation):
    """``x`` times the chance that a normal variable is below it; ``approximate="tanh"`` is near."""

    _function = ops.gelu


class Softplus(_Activation):
    """``log(1 + exp(beta * x)) / beta``, and `x` beyond the threshold."""

    _function = F.softplus


class GLU(_Activation):
    """The first half of `axis` times the sigmoid of the second half."""

    _function = ops.glu


# ---- exponential below 0 ---------------------------------------------------------------


class ELU(_Activation):
    """`x` where it is positive, else ``alpha * (exp(x) - 1)``."""

    _function = ops.elu


class SELU(_Activation):
    """The :class:`ELU` that keeps mean 0 and variance 1; see :class:`AlphaDropout`."""

    _function = ops.selu


class CELU(_Activation):
    """`x` where it is positive, else ``alpha * (exp(x / alpha) - 1)``."""

    _function = ops.celu


# ---- straight lines --------------------------------------------------------------------


class ReLU(_Activation):
    """``max(x, 0)``."""

    _function = ops.relu


class ReLU6(_Activation):
    """``min(max(x, 0), 6)``."""

    _function = ops.relu6


class LeakyReLU(_Activation):
    """`x` where it is positive, else `negative_slope` times `x`."""

    _function = ops.leaky_relu


class Threshold(_Activation):
    """`x` where it is larger than `threshold`, else `value`."""

    _function = ops.threshold


class Hardtanh(_Activation):
    """`x`, but no lower than `min_val` and no higher than `max_val`."""

    _function = ops.hardtanh


class Hardsigmoid(_Activation):
    """``min(max(x / 6 + 1/2, 0), 1)``."""

    _function = ops.hardsigmoid


class Hardswish(_Activation):
    """``x * hardsigmoid(x)``."""

    _function = ops.hardswish


class Hardshrink(_Activation):
    """`x` where it is further than `lambd` from 0, else 0."""

    _function = ops.hardshrink


class Softshrink(_Activation):
    """`x` moved towards 0 by `lambd`, and 0 where it is nearer than that."""

    _function = ops.softshrink


# ---- along an axis ---------------------------------------------------------------------


class Softmax(_Activation):
    """``exp(x) / sum(exp(x))`` along `axis`, the last unless given."""

    _function = ops.softmax


class Softmin(_Activation):
    """``softmax(-x)`` along `axis`, the last unless given."""

    _function = ops.softmin


class LogSoftmax(_Activation):
    """``log(softmax(x))`` along `axis`, the last unless given."""

    _function = ops.log_softmax


class Softmax2d(Module):
    """Softmax over the channels of images (N, C, H, W) or (C, H, W)."""

    def forward(self, x: Array) -> Tensor:
        """Apply it at each place."""
        batched(layer_or("Softmax2d"), x, 2)  # which refuses all else
        return ops.softmax(x, axis=-3)


# ---- by chance, and learnt ---------------------------------------------------------------


class RReLU(Module):
    """`x` where it is positive, else `x` times a slope that is drawn in training.

    See :func:`~tinygrad_lesson.nn.functional.rrelu`.

    Parameters
    ----------
    lower, upper
        Between which the slope lies; after ``eval()`` it is their mean.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        self.lower, self.upper = lower, upper

    def forward(self, x: Array) -> Tensor:
        """Apply it to each element."""
        return F.rrelu(x, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        """The bounds."""
        return f"lower={self.lower}, upper={self.upper}"


class PReLU(Module):
    """`x` where it is positive, else a learnt number times `x`.

    Parameters
    ----------
    num_parameters
        1 for one number in all, or the number of channels (axis 1) for one in each.
    init
        What they begin with.
    dtype
        Of the parameter; the default dtype unless given.

    Attributes
    ----------
    weight
        Shape (num_parameters,).
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25, *, dtype: Any = None) -> None:
        self.num_parameters = count(type(self).__name__, "num_parameters", num_parameters)
        self.init = init
        self.weight = Parameter(full((self.num_parameters,), float(init), dtype=dtype))

    def forward(self, x: Array) -> Tensor:
        """Apply it to each element."""
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        """The number of parameters."""
        return f"num_parameters={self.num_parameters}"

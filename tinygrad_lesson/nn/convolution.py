"""Convolutions as modules, with PyTorch's layouts and initial numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from ..arguments import count
from ..arrays import Array
from ..errors import ArgumentError, RangeError, ShapeError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .channels import check_groups, images
from .functional.convolution import Sizes
from .functional.images import per_axis
from .functional.padding import MODES
from .functional.place import layer_or
from .init import uniform_fan_in
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.random import Generator

PADDING_MODES = ("zeros", *(mode for mode in MODES if mode != "constant"))


class _Convolution(Module):
    """What convolutions and transposed ones share: sizes, and a weight and a bias."""

    _axes: ClassVar[int]
    _function: ClassVar[Callable[..., Tensor]]
    _transposed: ClassVar[bool] = False

    def _build(
        self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes,
        dilation: Sizes, groups: int, bias: bool, **options: Any,
    ) -> None:  # fmt: skip
        where, axes = type(self).__name__, self._axes
        self.in_channels = count(where, "in_channels", in_channels)
        self.out_channels = count(where, "out_channels", out_channels)
        self.kernel_size = per_axis(where, "kernel_size", kernel_size, axes)
        self.stride = per_axis(where, "stride", stride, axes)
        self.dilation = per_axis(where, "dilation", dilation, axes)
        self.groups = count(where, "groups", groups)
        check_groups(where, "in_channels", self.in_channels, "groups", self.groups)
        check_groups(where, "out_channels", self.out_channels, "groups", self.groups)
        outer, inner = self.out_channels, self.in_channels
        if self._transposed:
            outer, inner = inner, outer
        shape = (outer, inner // self.groups, *self.kernel_size)
        fan_in = math.prod(shape[1:])
        self.weight = Parameter(uniform_fan_in(shape, fan_in, **options))
        self.bias = (
            Parameter(uniform_fan_in((self.out_channels,), fan_in, **options)) if bias else None
        )

    def _input(self, x: Array) -> Tensor:
        """The input as a tensor, refused if it has another number of channels."""
        return images(
            type(self).__name__, x, self._axes, self.in_channels, "in_channels",
            f"weight {self.weight.shape}",
        )  # fmt: skip

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        """By name: the value of a setting and its default."""
        ones = (1,) * self._axes
        return {
            "stride": (self.stride, None),
            "dilation": (self.dilation, ones),
            "groups": (self.groups, 1),
            "bias": (self.bias is not None, True),
        }

    def extra_repr(self) -> str:
        """The sizes, and the settings that are not the usual ones."""
        shown = [str(self.in_channels), str(self.out_channels), f"kernel_size={self.kernel_size}"]
        shown += [f"{name}={v!r}" for name, (v, usual) in self._settings().items() if v != usual]
        return ", ".join(shown)


class _Conv(_Convolution):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes | str = 0,
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self._build(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias,
            dtype=dtype, generator=generator,
        )  # fmt: skip
        self.padding, self._border = self._padding(padding)
        if padding_mode not in PADDING_MODES:
            raise ArgumentError(
                type(self).__name__,
                f"padding_mode={padding_mode!r} is unknown",
                f"Use one of {PADDING_MODES}.",
            )
        self.padding_mode = padding_mode

    def _padding(self, padding: Sizes | str) -> tuple[str | tuple[int, ...], tuple[int, ...]]:
        """The padding as it is, and as widths before and after each axis, the last axis first."""
        where = type(self).__name__
        if not isinstance(padding, str):
            widths = per_axis(where, "padding", padding, self._axes, 0)
            return widths, tuple(w for width in reversed(widths) for w in (width, width))
        if padding not in ("same", "valid"):
            raise ArgumentError(
                where, f"padding={padding!r} is unknown", "Pass integers, 'same' or 'valid'."
            )
        if padding == "valid":
            return padding, (0, 0) * self._axes
        if set(self.stride) != {1}:
            raise ArgumentError(
                where, f"padding='same' with stride={self.stride}", "Only stride 1 keeps lengths."
            )
        spans = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        return padding, tuple(w for s in reversed(spans) for w in (s // 2, s - s // 2))

    def forward(self, x: Array) -> Tensor:
        """Convolve `x`, with or without a batch axis."""
        x = self._input(x)
        padding: Sizes | str = self.padding
        if self.padding_mode != "zeros":
            x, padding = F.pad(x, self._border, self.padding_mode), 0
        return type(self)._function(
            x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        return {
            **super()._settings(),
            "padding": (self.padding, (0,) * self._axes),
            "padding_mode": (self.padding_mode, "zeros"),
        }


class Conv1d(_Conv):
    """Convolution of signals (N, C, L) or (C, L); see :class:`Conv2d`."""

    _axes, _function = 1, F.conv1d


class Conv2d(_Conv):
    """Convolution of images (N, C, H, W) or (C, H, W), with a learnt kernel.

    See :func:`~tinygrad_lesson.nn.functional.conv2d`.

    Parameters
    ----------
    in_channels, out_channels
        The numbers of channels before and after.
    kernel_size, stride, padding, dilation
        One number, or one for each axis; padding may also be ``"same"`` or ``"valid"``.
    groups
        Into how many parts the channels are split, each with kernels of its own.
    bias
        Whether there is one.
    padding_mode
        What surrounds the input: ``"zeros"``, or what it holds itself, by ``"reflect"``,
        ``"replicate"`` or ``"circular"``.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial numbers: uniform, bounded by one over the root of the number of inputs
        that each output sums up.

    Attributes
    ----------
    weight
        Shape (out_channels, in_channels / groups, kH, kW).
    bias
        Shape (out_channels,), or None.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.Conv2d(1, 16, 3, padding=1)
    >>> layer(tl.ones(8, 1, 28, 28)).shape
    (8, 16, 28, 28)
    """

    _axes, _function = 2, F.conv2d


class Conv3d(_Conv):
    """Convolution of volumes (N, C, D, H, W) or (C, D, H, W); see :class:`Conv2d`."""

    _axes, _function = 3, F.conv3d


class _ConvTranspose(_Convolution):
    _transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Sizes = 0,
        output_padding: Sizes = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Sizes = 1,
        padding_mode: str = "zeros",
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where, axes = type(self).__name__, self._axes
        if padding_mode != "zeros":
            raise ArgumentError(
                where,
                f"padding_mode={padding_mode!r}",
                "A transposed one has zeros only.",
            )
        self._build(
            in_channels, out_channels, kernel_size, stride, dilation, groups, bias,
            dtype=dtype, generator=generator,
        )  # fmt: skip
        self.padding = per_axis(where, "padding", padding, axes, 0)
        self.output_padding = per_axis(where, "output_padding", output_padding, axes, 0)

    def forward(self, x: Array, output_size: Sequence[int] | None = None) -> Tensor:
        """Spread out `x`.

        Parameters
        ----------
        x
            The input, with or without a batch axis.
        output_size
            The lengths of the output, where `stride` leaves several possible; `output_padding`
            follows from them.
        """
        x = self._input(x)
        extra = self.output_padding if output_size is None else self._extra(x, output_size)
        return type(self)._function(
            x, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation
        )

    def _extra(self, x: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        where, axes = layer_or(type(self).__name__), self._axes
        wanted = tuple(output_size)[-axes:]
        if len(output_size) not in (axes, x.ndim):
            raise ShapeError(
                where, f"output_size={tuple(output_size)} for {axes} axes", f"Pass {axes} lengths."
            )
        least = [
            (length - 1) * s - 2 * p + d * (k - 1) + 1
            for length, s, p, d, k in zip(
                x.shape[-axes:], self.stride, self.padding, self.dilation, self.kernel_size,
                strict=True,
            )
        ]  # fmt: skip
        extra = tuple(n - low for n, low in zip(wanted, least, strict=True))
        if any(not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)):
            most = [low + s - 1 for low, s in zip(least, self.stride, strict=True)]
            raise RangeError(
                where,
                f"output_size={wanted} cannot come from an input of shape {x.shape}",
                f"Pass lengths from {tuple(least)} to {tuple(most)}.",
            )
        return extra

    def _settings(self) -> dict[str, tuple[Any, Any]]:
        zeros = (0,) * self._axes
        return {
            **super()._settings(),
            "padding": (self.padding, zeros),
            "output_padding": (self.output_padding, zeros),
        }


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of signals (N, C, L) or (C, L); see :class:`ConvTranspose2d`."""

    _axes, _function = 1, F.conv_transpose1d


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of images (N, C, H, W) or (C, H, W), with a learnt kernel.

    See :func:`~tinygrad_lesson.nn.functional.conv_transpose2d`.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, groups, bias, dilation
        As for :class:`Conv2d`; `padding` makes the output smaller.
    output_padding
        How much longer the output is at its end, where several lengths would be possible.
    padding_mode
        Only ``"zeros"``.
    dtype, generator
        As for :class:`Conv2d`.

    Attributes
    ----------
    weight
        Shape (in_channels, out_channels / groups, kH, kW).
    bias
        Shape (out_channels,), or None.
    """

    _axes, _function = 2, F.conv_transpose2d


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of volumes; see :class:`ConvTranspose2d`."""

    _axes, _function = 3, F.conv_transpose3d

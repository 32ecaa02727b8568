"""Pooling as modules: each keeps the settings of its function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from ..arrays import Array
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .functional.pooling import Sizes
from .module import Module


class _Settings(Module):
    """A function with its settings, given to it by name."""

    _function: ClassVar[Callable[..., Any]]
    _settings: ClassVar[tuple[str, ...]]

    def _kept(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._settings}

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={value}" for name, value in self._kept().items())


class _Pool(_Settings):
    def forward(self, x: Array) -> Any:
        """Pool `x`, with or without a batch axis."""
        return type(self)._function(x, **self._kept())


# ---- maximum -----------------------------------------------------------------------------


class _MaxPool(_Pool):
    _settings = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        dilation: Sizes = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.dilation = padding, dilation
        self.return_indices, self.ceil_mode = return_indices, ceil_mode


class MaxPool1d(_MaxPool):
    """Largest number in each window of signals (N, C, L) or (C, L); see :class:`MaxPool2d`."""

    _function = F.max_pool1d


class MaxPool2d(_MaxPool):
    """Largest number in each window of images (N, C, H, W) or (C, H, W).

    See :func:`~tinygrad_lesson.nn.functional.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As for the function.
    return_indices
        Whether to return also where the largest numbers are.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.nn.MaxPool2d(2)(tl.ones(8, 16, 28, 28)).shape
    (8, 16, 14, 14)
    """

    _function = F.max_pool2d


class MaxPool3d(_MaxPool):
    """Largest number in each window of volumes; see :class:`MaxPool2d`."""

    _function = F.max_pool3d


class _MaxUnpool(_Settings):
    _settings = ("kernel_size", "stride", "padding")

    def __init__(self, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding

    def forward(self, x: Array, indices: Array, output_size: Sequence[int] | None = None) -> Tensor:
        """Put the numbers `x` where `indices` says, in an output of the lengths `output_size`."""
        out: Tensor = type(self)._function(x, indices, **self._kept(), output_size=output_size)
        return out


class MaxUnpool1d(_MaxUnpool):
    """The way back from :class:`MaxPool1d`; see :class:`MaxUnpool2d`."""

    _function = F.max_unpool1d


class MaxUnpool2d(_MaxUnpool):
    """The numbers that :class:`MaxPool2d` chose, in their places, and 0 elsewhere.

    See :func:`~tinygrad_lesson.nn.functional.max_unpool2d`.

    Parameters
    ----------
    kernel_size, stride, padding
        Those of the pooling, which must be built with ``return_indices=True``.
    """

    _function = F.max_unpool2d


class MaxUnpool3d(_MaxUnpool):
    """The way back from :class:`MaxPool3d`; see :class:`MaxUnpool2d`."""

    _function = F.max_unpool3d


# ---- mean --------------------------------------------------------------------------------


class AvgPool1d(_Pool):
    """Mean of each window of signals (N, C, L) or (C, L); see :class:`AvgPool2d`."""

    _function = F.avg_pool1d
    _settings: ClassVar[tuple[str, ...]] = (
        "kernel_size",
        "stride",
        "padding",
        "ceil_mode",
        "count_include_pad",
    )

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding, self.ceil_mode = padding, ceil_mode
        self.count_include_pad = count_include_pad


class AvgPool2d(AvgPool1d):
    """Mean of each window of images (N, C, H, W) or (C, H, W).

    See :func:`~tinygrad_lesson.nn.functional.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        As for the function.
    """

    _function = F.avg_pool2d
    _settings = (*AvgPool1d._settings, "divisor_override")

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)
        self.divisor_override = divisor_override


class AvgPool3d(AvgPool2d):
    """Mean of each window of volumes; see :class:`AvgPool2d`."""

    _function = F.avg_pool3d


# ---- norm --------------------------------------------------------------------------------


class _LPPool(_Pool):
    _settings = ("norm_type", "kernel_size", "stride", "ceil_mode")

    def __init__(
        self,
        norm_type: float,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        ceil_mode: bool = False,
    ) -> None:
        self.norm_type, self.kernel_size = norm_type, kernel_size
        self.stride, self.ceil_mode = stride, ceil_mode


class LPPool1d(_LPPool):
    """Norm of each window of signals (N, C, L) or (C, L); see :class:`LPPool2d`."""

    _function = F.lp_pool1d


class LPPool2d(_LPPool):
    """Norm ``sum(x**p)**(1 / p)`` of each window of images, with ``p = norm_type``.

    See :func:`~tinygrad_lesson.nn.functional.lp_pool2d`.

    Parameters
    ----------
    norm_type, kernel_size, stride, ceil_mode
        As for the function.
    """

    _function = F.lp_pool2d


class LPPool3d(_LPPool):
    """Norm of each window of volumes; see :class:`LPPool2d`."""

    _function = F.lp_pool3d


# ---- into a given number of parts --------------------------------------------------------


class _AdaptiveAvgPool(_Pool):
    _settings: ClassVar[tuple[str, ...]] = ("output_size",)

    def __init__(self, output_size: Any) -> None:
        self.output_size = output_size


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """Mean of each of `output_size` parts of signals; see :class:`AdaptiveAvgPool2d`."""

    _function = F.adaptive_avg_pool1d


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """Mean of each part of images, which are split into `output_size` parts.

    See :func:`~tinygrad_lesson.nn.functional.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size
        One number, or one for each axis, of which None keeps the length.
    """

    _function = F.adaptive_avg_pool2d


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """Mean of each part of volumes; see :class:`AdaptiveAvgPool2d`."""

    _function = F.adaptive_avg_pool3d


class _AdaptiveMaxPool(_Pool):
    _settings: ClassVar[tuple[str, ...]] = ("output_size", "return_indices")

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        self.output_size, self.return_indices = output_size, return_indices


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """Largest number of each part of signals; see :class:`AdaptiveMaxPool2d`."""

    _function = F.adaptive_max_pool1d


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """Largest number of each part of images, which are split into `output_size` parts.

    Parameters
    ----------
    output_size
        As for :class:`AdaptiveAvgPool2d`.
    return_indices
        Whether to return also where the largest numbers are.
    """

    _function = F.adaptive_max_pool2d


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """Largest number of each part of volumes; see :class:`AdaptiveMaxPool2d`."""

    _function = F.adaptive_max_pool3d

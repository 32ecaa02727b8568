"""Images of another size, and pixels for channels, as modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..arguments import count
from ..arrays import Array
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .module import Module


class Upsample(Module):
    """Images of another size, see :func:`~tinygrad_lesson.interpolate`.

    Parameters
    ----------
    size, scale_factor
        The new lengths, or by how much to multiply the old ones.
    mode, align_corners, recompute_scale_factor
        As for the function.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.nn.Upsample(scale_factor=2)(tl.ones(1, 3, 4, 5)).shape
    (1, 3, 8, 10)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        self.size, self.scale_factor, self.mode = size, scale_factor, mode
        self.align_corners, self.recompute_scale_factor = align_corners, recompute_scale_factor

    def forward(self, x: Array) -> Tensor:
        """Resample `x`."""
        return F.interpolate(
            x, self.size, self.scale_factor, self.mode, self.align_corners,
            self.recompute_scale_factor,
        )  # fmt: skip

    def extra_repr(self) -> str:
        """The size and the mode."""
        name = "size" if self.scale_factor is None else "scale_factor"
        return f"{name}={getattr(self, name)}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Larger images, each pixel that of the nearest place."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Larger images by bilinear interpolation that keeps the centres of the corners."""

    def __init__(self, size: Any = None, scale_factor: Any = None) -> None:
        super().__init__(size, scale_factor, "bilinear", align_corners=True)


class PixelShuffle(Module):
    """Channels (..., C r r, H, W) as pixels of larger images (..., C, H r, W r).

    Parameters
    ----------
    upscale_factor
        The r above.
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = count(type(self).__name__, "upscale_factor", upscale_factor)

    def forward(self, x: Array) -> Tensor:
        """Rearrange `x`."""
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """The pixels of images (..., C, H r, W r) as channels (..., C r r, H, W).

    Parameters
    ----------
    downscale_factor
        The r above.
    """

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = count(type(self).__name__, "downscale_factor", downscale_factor)

    def forward(self, x: Array) -> Tensor:
        """Rearrange `x`."""
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of each of several groups in turn.

    Parameters
    ----------
    groups
        How many groups.
    """

    def __init__(self, groups: int) -> None:
        self.groups = count(type(self).__name__, "groups", groups)

    def forward(self, x: Array) -> Tensor:
        """Rearrange `x`."""
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        """The number of groups."""
        return f"groups={self.groups}"


class Unfold(Module):
    """Every patch of an image as a column, see :func:`~tinygrad_lesson.nn.functional.unfold`.

    Parameters
    ----------
    kernel_size, dilation, padding, stride
        As for the function.
    """

    def __init__(
        self, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
    ) -> None:
        self.kernel_size, self.dilation = kernel_size, dilation
        self.padding, self.stride = padding, stride

    def forward(self, x: Array) -> Tensor:
        """Cut patches out of `x`."""
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(
            f"{name}={getattr(self, name)}"
            for name in ("kernel_size", "dilation", "padding", "stride")
        )


class Fold(Unfold):
    """Columns added up to an image, see :func:`~tinygrad_lesson.nn.functional.fold`.

    Parameters
    ----------
    output_size, kernel_size, dilation, padding, stride
        As for the function.
    """

    def __init__(
        self,
        output_size: Any,
        kernel_size: Any,
        dilation: Any = 1,
        padding: Any = 0,
        stride: Any = 1,
    ) -> None:
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size = output_size

    def forward(self, x: Array) -> Tensor:
        """Put patches together."""
        return F.fold(
            x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride
        )

    def extra_repr(self) -> str:
        """The settings."""
        return f"output_size={self.output_size}, {super().extra_repr()}"

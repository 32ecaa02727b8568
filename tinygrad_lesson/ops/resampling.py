"""Resampling: images of other sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ..arguments import integer
from ..arrays import Array, Namespace
from ..errors import ArgumentError, ShapeError
from ..op import composite, linear
from ..samples import sample, uniform

ROWS = uniform(-3, 3, (2, 5))
BLOCK = uniform(-3, 3, (2, 3, 2))

# ---- along one axis ----------------------------------------------------------------------


@linear(
    samples=[
        sample(ROWS, axis=-1, length=7),
        sample(BLOCK, axis=1, length=5, mode="cubic"),
        sample(BLOCK, axis=1, length=4, align_corners=True),
        sample(ROWS, axis=1, length=3, mode="nearest", step=1.5),
        sample(ROWS, axis=1, length=3, mode="area"),
    ]
)
def resample(
    xp: Namespace,
    x: Array,
    /,
    axis: int,
    length: int,
    mode: str = "linear",
    align_corners: bool = False,
    step: float | None = None,
) -> Array:
    """`x` with another `length` along `axis`: a product with a sparse matrix.

    Parameters
    ----------
    mode
        ``"linear"``, ``"cubic"``, ``"nearest"``, ``"nearest-exact"`` or ``"area"``, as in
        :func:`interpolate`.
    align_corners
        Whether the first and the last number keep their places (linear and cubic).
    step
        How far apart neighbours of the result are in `x`; None: the ratio of the lengths.
    """
    return xp.resample(x, axis, length, mode=mode, align_corners=align_corners, step=step)


@resample.vjp("x")
def _(xp, g, out, x, *, axis, length, mode, align_corners, step):
    return xp.resample_adjoint(
        g, axis, x.shape[axis], mode=mode, align_corners=align_corners, step=step
    )


@linear(
    samples=[
        sample(ROWS, axis=-1, length=4),
        sample(BLOCK, axis=1, length=2, mode="cubic"),
        sample(BLOCK, axis=1, length=4, mode="nearest"),
        sample(ROWS, axis=1, length=8, mode="area"),
    ]
)
def resample_adjoint(
    xp: Namespace,
    x: Array,
    /,
    axis: int,
    length: int,
    mode: str = "linear",
    align_corners: bool = False,
    step: float | None = None,
) -> Array:
    """The adjoint of :func:`resample`, back to `length`: each number goes to where it came from."""
    return xp.resample_adjoint(x, axis, length, mode=mode, align_corners=align_corners, step=step)


@resample_adjoint.vjp("x")
def _(xp, g, out, x, *, axis, length, mode, align_corners, step):
    return xp.resample(g, axis, x.shape[axis], mode=mode, align_corners=align_corners, step=step)


# ---- images of another size --------------------------------------------------------------

OF_AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}
"""For how many spatial axes a mode is."""


@composite(
    samples=[
        sample(uniform(-3, 3, (1, 2, 3)), size=5),
        sample(uniform(-3, 3, (1, 1, 3, 4)), scale_factor=(1.5, 0.7), mode="bilinear"),
        sample(uniform(-3, 3, (1, 1, 4, 3)), size=(3, 5), mode="bicubic", align_corners=True),
        sample(uniform(-3, 3, (1, 1, 2, 3, 2)), scale_factor=2, mode="trilinear"),
        sample(uniform(-3, 3, (1, 2, 5)), size=3, mode="area"),
    ]
)
def interpolate(
    xp: Namespace,
    x: Array,
    /,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
) -> Array:
    """Images of another size, under PyTorch's name and with its conventions.

    Parameters
    ----------
    x
        Shape (N, C, L), (N, C, H, W) or (N, C, D, H, W).
    size, scale_factor
        The new lengths, or by how much to multiply the old ones (rounded down): one number for
        all spatial axes, or one for each.
    mode
        ``"nearest"``, which rounds places down, ``"nearest-exact"``, which rounds them,
        ``"area"``, the mean of each cell, ``"linear"``, ``"bilinear"``, ``"trilinear"`` for one,
        two or three spatial axes, or ``"bicubic"`` (Keys, 1981, with a slope of -0.75).
    align_corners
        Whether the centres of the corners keep their places, rather than the edges (the linear
        modes and bicubic).
    recompute_scale_factor
        Take places by the ratio of the lengths, not by `scale_factor`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.interpolate(tl.Tensor([[[0.0, 4.0]]]), size=4, mode="linear")
    Tensor([[[0., 1., 3., 4.]]], dtype=float32)
    """
    axes = x.ndim - 2
    if not 1 <= axes <= 3:
        raise ShapeError(
            "interpolate", f"the input has shape {x.shape}", "Pass (N, C, L) or (N, C, H, W)."
        )
    known = [name for name in ("nearest", "nearest-exact", "area", *OF_AXES)
             if OF_AXES.get(name, axes) == axes]  # fmt: skip
    if mode not in known:
        raise ArgumentError(
            "interpolate",
            f"mode={mode!r} is none for an input of shape {x.shape}",
            f"Use one of {', '.join(map(repr, known))}.",
        )
    if align_corners is not None and mode not in OF_AXES:
        raise ArgumentError(
            "interpolate", f"mode={mode!r} has no corners to align", "Leave align_corners out."
        )
    if (size is None) == (scale_factor is None):
        raise ArgumentError(
            "interpolate", "there must be a size or a scale_factor, and not both", "Pass one."
        )
    steps: tuple[float | None, ...] = (None,) * axes
    if size is not None:
        lengths = tuple(integer("interpolate", "size", n) for n in _each("size", size, axes))
    else:
        factors = _each("scale_factor", scale_factor, axes)
        lengths = tuple(math.floor(n * f) for n, f in zip(x.shape[2:], factors, strict=True))
        if not recompute_scale_factor and mode != "area":
            steps = tuple(1 / f if f else None for f in factors)
    if min(lengths) < 1 or min(x.shape[2:]) < 1:
        raise ShapeError(
            "interpolate",
            f"from {x.shape[2:]} to {tuple(lengths)} is no resizing",
            "All lengths must be 1 or more.",
        )
    kind = "cubic" if mode == "bicubic" else "linear" if mode in OF_AXES else mode
    for axis in sorted(range(axes), key=lambda a: lengths[a] / x.shape[a + 2]):  # small first
        x = xp.resample(
            x,
            axis=axis + 2,
            length=lengths[axis],
            mode=kind,
            align_corners=bool(align_corners),
            step=steps[axis],
        )
    return x


def _each(name: str, given: Any, axes: int) -> tuple[Any, ...]:
    values = tuple(given) if isinstance(given, Sequence) else (given,) * axes
    if len(values) != axes:
        raise ShapeError(
            "interpolate",
            f"{name}={given} has {len(values)} numbers for {axes} spatial axes",
            "Pass one for each, or a single one.",
        )
    return values


# ---- pixels and channels -----------------------------------------------------------------


@composite(samples=[sample(uniform(-3, 3, (1, 8, 1, 2)), upscale_factor=2)])
def pixel_shuffle(xp: Namespace, x: Array, /, upscale_factor: int) -> Array:
    """Channels (..., C r r, H, W) as pixels of larger images (..., C, H r, W r).

    Shi et al., "Real-time single image and video super-resolution using an efficient sub-pixel
    convolutional neural network", 2016.
    """
    r = upscale_factor
    channels, height, width = _image("pixel_shuffle", x)
    if r < 1 or channels % (r * r):
        raise ShapeError(
            "pixel_shuffle",
            f"{channels} channels, of shape {x.shape}, are no multiple of {r} * {r}",
            "Pass (..., C * r * r, H, W).",
        )
    lead, channels = x.shape[:-3], channels // (r * r)
    blocks = xp.reshape(x, (*lead, channels, r, r, height, width))
    blocks = _permuted(xp, blocks, len(lead), (0, 3, 1, 4, 2))
    return xp.reshape(blocks, (*lead, channels, height * r, width * r))


@composite(samples=[sample(uniform(-3, 3, (1, 2, 2, 4)), downscale_factor=2)])
def pixel_unshuffle(xp: Namespace, x: Array, /, downscale_factor: int) -> Array:
    """The pixels of images (..., C, H r, W r) as channels (..., C r r, H, W) of smaller ones."""
    r = downscale_factor
    channels, height, width = _image("pixel_unshuffle", x)
    if r < 1 or height % r or width % r:
        raise ShapeError(
            "pixel_unshuffle",
            f"{height} by {width} pixels, of shape {x.shape}, are no multiples of {r}",
            "Pass (..., C, H * r, W * r).",
        )
    lead, height, width = x.shape[:-3], height // r, width // r
    blocks = xp.reshape(x, (*lead, channels, height, r, width, r))
    blocks = _permuted(xp, blocks, len(lead), (0, 2, 4, 1, 3))
    return xp.reshape(blocks, (*lead, channels * r * r, height, width))


@composite(samples=[sample(uniform(-3, 3, (1, 6, 2)), groups=2)])
def channel_shuffle(xp: Namespace, x: Array, /, groups: int) -> Array:
    """The channels of each of several groups in turn: (N, C, ...) of the same shape.

    Zhang et al., "ShuffleNet", 2018.
    """
    if x.ndim < 2 or groups < 1 or x.shape[1] % groups:
        raise ShapeError(
            "channel_shuffle",
            f"shape {x.shape} has no channels that make {groups} equal groups",
            "Pass (N, C, ...) with C a multiple of groups.",
        )
    count, channels, *rest = x.shape
    grouped = xp.reshape(x, (count, groups, channels // groups, *rest))
    return xp.reshape(_permuted(xp, grouped, 1, (1, 0, *range(2, 2 + len(rest)))), x.shape)


def _permuted(xp: Namespace, x: Array, lead: int, order: tuple[int, ...]) -> Array:
    """Axes in another order, but for the first `lead` ones."""
    return xp.permute_dims(x, (*range(lead), *(lead + axis for axis in order)))


def _image(name: str, x: Array) -> tuple[int, int, int]:
    if x.ndim < 3:
        raise ShapeError(name, f"the input has shape {x.shape}", "Pass (..., C, H, W).")
    channels, height, width = x.shape[-3:]
    return channels, height, width

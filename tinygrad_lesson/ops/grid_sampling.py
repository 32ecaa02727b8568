"""Images read at any places: the composite of spatial transformers and warps."""

from __future__ import annotations

import itertools
import math

from ..arrays import Array, Namespace
from ..arrays.cubic import cubic_weights
from ..errors import ArgumentError, ShapeError
from ..op import composite
from ..samples import sample, uniform
from .precision import narrowed, widened

# Cells of 3 by 4 images end here, in coordinates from -1 to 1: there are the kinks.
CORNERS = (-4 / 3, -1.25, -1.0, -0.75, -2 / 3, -1 / 3, -0.25, 0.0, 0.25, 1 / 3, 2 / 3, 0.75, 1.0,
           1.25, 4 / 3)  # fmt: skip
IMAGES, PLACES = uniform(-3, 3, (2, 1, 3, 4)), uniform(-1.5, 1.5, (2, 2, 1, 2), avoid=CORNERS)
CENTERS = uniform(-1, 1, (1, 1, 2, 3, 3), avoid=CORNERS)


@composite(
    samples=[
        sample(IMAGES, PLACES),
        sample(IMAGES, PLACES, padding_mode="border", align_corners=True),
        sample(IMAGES, PLACES, mode="bicubic", padding_mode="reflection"),
        sample(uniform(-3, 3, (1, 1, 3, 4, 3)), CENTERS, padding_mode="reflection"),
    ]
)
def grid_sample(
    xp: Namespace,
    x: Array,
    grid: Array,
    /,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool = False,
) -> Array:
    """Images read at the places of a grid, under PyTorch's name and with its conventions.

    Jaderberg, Simonyan, Zisserman, Kavukcuoglu, "Spatial transformer networks", 2015. At the
    borders between cells the slope jumps, and is that of one side; with ``"nearest"`` the places
    have no gradient.

    Parameters
    ----------
    x
        Shape (N, C, H, W) or (N, C, D, H, W).
    grid
        Shape (N, ..., 2) with coordinates (x, y), or (N, ..., 3) with (x, y, z): x from -1 at
        the left of the image to 1 at its right, y from top to bottom, z from front to back.
    mode
        ``"bilinear"`` (trilinear in three dimensions), ``"nearest"``, or ``"bicubic"`` (in two).
    padding_mode
        What is outside: ``"zeros"``, the ``"border"`` repeated, or its ``"reflection"``.
    align_corners
        Whether -1 and 1 are the centres of the outermost pixels, rather than the image's edges.

    Returns
    -------
    Shape (N, C, ...).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> image = tl.Tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> tl.grid_sample(image, tl.Tensor([[[[0.0, 0.0], [-1.0, 0.0]]]]), align_corners=True)
    Tensor([[[[2.5, 2. ]]]], dtype=float32)
    """
    axes = x.ndim - 2
    _check_grid(x, grid, mode, padding_mode)
    (x, grid), dtype = widened(xp, x, grid)
    sizes = x.shape[2:]
    pixels = xp.reshape(
        xp.permute_dims(x, (0, *range(2, x.ndim), 1)), (x.shape[0] * math.prod(sizes), x.shape[1])
    )
    along = [
        _neighbours(xp, grid[..., axes - 1 - axis], n, mode, padding_mode, align_corners)
        for axis, n in enumerate(sizes)
    ]
    first = along[0][0][0]
    image = xp.cumulative_sum(xp.ones_like(first), axis=0) - 1
    out: Array = None
    for taps in itertools.product(*along):
        number, weight = image, None
        for (index, share), n in zip(taps, sizes, strict=True):
            number = number * n + index
            weight = share if weight is None else weight * share
        part = xp.take(pixels, number, axis=0) * xp.expand_dims(weight, -1)
        out = part if out is None else out + part
    out = narrowed(xp, out, dtype)
    return xp.permute_dims(out, (0, out.ndim - 1, *range(1, out.ndim - 1)))


def _neighbours(
    xp: Namespace, place: Array, n: int, mode: str, padding: str, aligned: bool
) -> list[tuple[Array, Array]]:
    """Along one axis of length `n`: the pixels that a place is made of, and their shares."""
    place = (place + 1) * ((n - 1) / 2) if aligned else (place + 1) * (n / 2) - 0.5
    if mode == "bicubic":
        left = xp.floor(place)
        shares: tuple[Array, ...] = cubic_weights(place - left)
        taps = [_inside(xp, left + by, n, padding, aligned) for by in range(-1, 3)]
    else:
        place = _inside(xp, place, n, padding, aligned)
        if mode == "nearest":
            taps, shares = [xp.round(place)], (xp.ones_like(place),)
        else:
            left = xp.floor(place)
            taps, shares = [left, left + 1], (left + 1 - place, place - left)
    found = []
    for tap, share in zip(taps, shares, strict=True):
        exists = xp.logical_and(tap >= 0, tap <= n - 1)
        index = xp.astype(xp.where(exists, tap, 0.0), "int64")
        found.append((index, xp.where(exists, share, 0.0)))
    return found


def _inside(xp: Namespace, place: Array, n: int, padding: str, aligned: bool) -> Array:
    """Where in the image a place is read: its edge, or its mirror image."""
    if padding == "zeros":
        return place
    if padding == "reflection":
        low, span = (0.0, n - 1) if aligned else (-0.5, n)
        if span:
            turned = xp.remainder(place - low, 2 * span) - span
            place = low + span - xp.abs(turned)
    return xp.clip(place, 0.0, float(n - 1))


def _check_grid(x: Array, grid: Array, mode: str, padding: str) -> None:
    axes = x.ndim - 2
    if axes not in (2, 3):
        raise ShapeError(
            "grid_sample",
            f"the images have shape {x.shape}",
            "Pass (N, C, H, W) or (N, C, D, H, W).",
        )
    if grid.ndim < 2 or grid.shape[-1] != axes or grid.shape[0] != x.shape[0]:
        raise ShapeError(
            "grid_sample",
            f"the grid has shape {grid.shape} for images of {x.shape}",
            f"Pass shape ({x.shape[0]}, ..., {axes}).",
        )
    if not math.prod(x.shape[2:]):
        raise ShapeError("grid_sample", f"images of shape {x.shape} have no pixels", "Pass some.")
    modes = ("bilinear", "nearest", "bicubic")[: 3 if axes == 2 else 2]
    for name, value, known in (
        ("mode", mode, modes),
        ("padding_mode", padding, ("zeros", "border", "reflection")),
    ):
        if value not in known:
            raise ArgumentError(
                "grid_sample",
                f"{name}={value!r} is unknown for images of shape {x.shape}",
                f"Use one of {', '.join(map(repr, known))}.",
            )

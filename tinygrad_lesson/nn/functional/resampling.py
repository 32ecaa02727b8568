"""Resampling as functions; those that are ops are just named here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ... import ops
from ...arguments import lengths
from ...arrays import Array
from ...errors import ShapeError
from ...ops import channel_shuffle as channel_shuffle
from ...ops import grid_sample as grid_sample
from ...ops import interpolate as interpolate
from ...ops import pixel_shuffle as pixel_shuffle
from ...ops import pixel_unshuffle as pixel_unshuffle
from ...tensor import Tensor
from .conversion import as_tensor
from .place import layer_or


def affine_grid(theta: Array, size: Sequence[int], align_corners: bool = False) -> Tensor:
    """The grid at which :func:`grid_sample` reads images turned, scaled, sheared and moved.

    Parameters
    ----------
    theta
        Shape (N, 2, 3), or (N, 3, 4) for images in three dimensions: a matrix for each image,
        by which coordinates (x, y, 1) in the result are multiplied to give those in the image.
    size
        Of the result: (N, C, H, W) or (N, C, D, H, W).
    align_corners
        Whether -1 and 1 are the centres of the outermost pixels, rather than the image's edges.

    Returns
    -------
    Shape (N, H, W, 2) or (N, D, H, W, 3).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> same = tl.Tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> tl.nn.functional.affine_grid(same, (1, 1, 1, 2))
    Tensor([[[[-0.5,  0. ],
              [ 0.5,  0. ]]]], dtype=float32)
    """
    theta = as_tensor(theta)
    count, _, *sides = lengths("affine_grid", tuple(size)) if len(size) > 2 else (0, 0)
    axes = len(sides)
    if axes not in (2, 3) or theta.shape != (count, axes, axes + 1):
        raise ShapeError(
            layer_or("affine_grid"),
            f"theta has shape {theta.shape}, and size={tuple(size)}",
            "Pass (N, 2, 3) and (N, C, H, W), or (N, 3, 4) and (N, C, D, H, W).",
        )
    ends = [1.0 if align_corners else 1 - 1 / max(n, 1) for n in sides]
    along = [np.linspace(-end, end, n) if n > 1 else np.zeros(n)
             for n, end in zip(sides, ends, strict=True)]  # fmt: skip
    places = np.stack([*np.meshgrid(*along, indexing="ij")[::-1], np.ones(sides)], axis=-1)
    rows = Tensor(places.reshape(-1, axes + 1).astype(theta.dtype))
    return ops.matmul(rows, theta.mT).reshape((count, *sides, axes))

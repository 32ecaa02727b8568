"""Kernels of convolutions.

A convolution is one matrix product for each image: weights of shape (out, in * taps) times columns
of shape (in * taps, places), which hold what each tap of the kernel meets at each place. Where that
is less work, it is a sum of products, one for each tap along the first axis, with strips.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import Array
from ..sliding import Pads, Sliding, sliding, still
from .columns import Columns, Strips

Sizes = tuple[int, ...]

FEW = 16
"""Products with fewer rows are slow."""

SMALL = 10**6
"""Multiplications: smaller products OpenBLAS runs as they are, so several cost no more than one."""


def _prepared(groups: int, *arrays: Array) -> tuple[Any, list[Array]]:
    """The dtype of the result, and the arrays in that of the work: single precision at least."""
    dtype = np.result_type(*arrays)
    if dtype.kind != "f":
        raise TypeError("a convolution needs a dtype of floats")
    if groups < 1:
        raise ValueError("groups must be positive")
    wide = np.promote_types(dtype, np.float32)
    return dtype, [array.astype(wide, copy=False) for array in arrays]


def _fit(condition: bool) -> None:
    if not condition:
        raise ValueError("the shapes do not fit one another")


def _strips_pay(axes: list[Sliding], inner: int, outer: int) -> bool:
    """Whether to add up products is less work than to copy columns, and none of them is thin."""
    if len(axes) != 2 or axes[0].stride > 1 or axes[0].size == 1:
        return False
    return inner * axes[1].size >= max(outer, FEW)


def _columns(
    shape: Sizes, axes: list[Sliding], groups: int, outer: int, dtype: Any
) -> Columns | Strips:
    """Of images of a `shape`, for `outer` kernels."""
    in_strips = _strips_pay(axes, shape[1] // groups, outer // groups)
    return (Strips if in_strips else Columns)(shape, axes, groups, dtype)


def _slid(x: Array, weight: Array, axes: list[Sliding], groups: int) -> Array:
    """What kernels find in the images `x` that slide along `axes`."""
    outer, inner, *kernel = weight.shape
    columns = _columns(x.shape, axes, groups, outer, x.dtype)
    taps = columns.products, math.prod(kernel) // columns.products
    matrices = weight.reshape(groups, outer // groups, inner, *taps).transpose(3, 0, 1, 2, 4)
    matrices = matrices.reshape(columns.products, groups, outer // groups, columns.rows)
    out = np.empty((len(x), groups, outer // groups, columns.places), x.dtype)
    for chunk in columns.chunks():
        (matrix, part), *others = zip(matrices, columns.unfolded(x[chunk]), strict=True)
        into = np.matmul(matrix, part, out=out[chunk])
        for matrix, part in others:
            into += np.matmul(matrix, part)
    return out.reshape(len(x), outer, *(axis.places for axis in axes))


def conv(
    x: Array,
    weight: Array,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
) -> Array:
    dtype, (x, weight) = _prepared(groups, x, weight)
    outer, inner, *kernel = weight.shape
    _fit(x.shape[1] == inner * groups and outer % groups == 0)
    axes = sliding(x.shape[2:], kernel, stride, padding, dilation)
    return _slid(x, weight, axes, groups).astype(dtype, copy=False)


def conv_input_grad(
    g: Array,
    weight: Array,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
    *,
    shape: Sizes,
) -> Array:
    dtype, (g, weight) = _prepared(groups, g, weight)
    outer, inner, *kernel = weight.shape
    axes = sliding(shape, kernel, stride, padding, dilation)
    _fit(g.shape[1:] == (outer, *(axis.places for axis in axes)) and outer % groups == 0)
    if _slides_back(axes, inner, outer // groups):
        parts = weight.reshape(groups, outer // groups, inner, *kernel).swapaxes(1, 2)
        turned = np.flip(parts, tuple(range(3, parts.ndim)))
        turned = turned.reshape(groups * inner, outer // groups, *kernel)
        out = _slid(g, turned, [axis.reversed for axis in axes], groups)
    else:
        out = _folded(g, weight, axes, groups)
    return out.astype(dtype, copy=False)


def _slides_back(axes: list[Sliding], inner: int, outer: int) -> bool:
    """Whether to slide over the slopes, with kernels turned round, is less work than to fold."""
    back = [axis.reversed for axis in axes]
    if inner < FEW or not _strips_pay(back, outer, inner):
        return False
    same = all(axis.keeps_length for axis in axes)  # else there would be more to multiply
    return same and math.prod(axis.length for axis in axes) * axes[1].size * inner * outer <= SMALL


def _folded(g: Array, weight: Array, axes: list[Sliding], groups: int) -> Array:
    """The gradient of the images, whose columns are products of their own and then folded."""
    outer, inner, *kernel = weight.shape
    shape = [axis.length for axis in axes]
    unfolding, taps = [still(axis.places) for axis in axes], 1
    if axes and axes[-1].stride == 1 and outer // groups < 2 * inner * len(axes):
        # Along the last axis, to unfold g is less work than to fold the columns.
        taps, unfolding[-1] = kernel[-1], axes[-1].reversed
        axes = [*axes[:-1], still(axes[-1].length)]
    given = Columns(g.shape, unfolding, groups, g.dtype)
    columns = Columns((len(g), inner * groups, *shape), axes, groups, g.dtype)
    matrix = weight.reshape(groups, outer // groups, columns.rows, taps)[..., ::-1].mT
    matrix = matrix.reshape(groups, given.rows, columns.rows).mT
    out = np.empty((len(g), inner * groups, *shape), g.dtype)
    buffer = np.empty((columns.count, groups, columns.rows, columns.places), g.dtype)
    larger = given if taps > 1 and given.count < columns.count else columns
    for chunk in larger.chunks():
        (slopes,), part = given.unfolded(g[chunk]), buffer[: chunk.stop - chunk.start]
        columns.fold(np.matmul(matrix, slopes, out=part), out[chunk])
    return out


def conv_weight_grad(
    g: Array,
    x: Array,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
    *,
    shape: Sizes,
) -> Array:
    dtype, (g, x) = _prepared(groups, g, x)
    outer, channels = g.shape[1], x.shape[1]
    axes = sliding(x.shape[2:], shape, stride, padding, dilation)
    _fit(g.shape == (len(x), outer, *(axis.places for axis in axes)))
    _fit(channels % groups == 0 and outer % groups == 0)
    columns = _columns(x.shape, axes, groups, outer, g.dtype)
    inner, outer = channels // groups, outer // groups
    g = g.reshape(len(x), groups, outer, columns.places)
    out = np.zeros((columns.products, groups, columns.rows, outer), g.dtype)
    for chunk in columns.chunks():
        parts, given = columns.unfolded(x[chunk]), g[chunk]
        if outer > columns.places:  # one product for all is less work than their sum
            parts, given = [_joined(part) for part in parts], _joined(given)
        given = given.mT
        if len(parts) > 1:  # BLAS is faster with it in that order, which pays with the second one
            given = np.ascontiguousarray(given)
        for total, part in zip(out, parts, strict=True):
            found = np.matmul(part, given)  # columns first: the faster one of the two orders
            total += found if found.ndim == total.ndim else np.add.reduce(found)
    taps = columns.products, math.prod(shape) // columns.products
    out = out.reshape(taps[0], groups, inner, taps[1], outer).transpose(1, 4, 2, 0, 3)
    return out.reshape(outer * groups, inner, *shape).astype(dtype, copy=False)


def _joined(parts: Array) -> Array:
    """(n, groups, rows, places) as (groups, rows, n * places)."""
    n, groups, rows, places = parts.shape
    return parts.transpose(1, 2, 0, 3).reshape(groups, rows, n * places)

"""Convolutions in any number of dimensions, and their adjoints.

As everywhere in deep learning, the kernel is not flipped: this is the cross-correlation of signal
processing. The functions that users call are in ``nn/functional/convolution.py``.

The three ops are one trilinear form, solved for each of its arguments: with the same parameters,
``sum(conv(x, w) * g) == sum(x * conv_input_grad(g, w)) == sum(w * conv_weight_grad(g, x))``. So the
derivatives of each of them are the other two.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, Namespace
from ..op import linear
from ..samples import Sample, sample, uniform

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

CASES: list[tuple[Sizes, Sizes, Sizes, dict[str, Any]]] = [
    ((2, 2, 4), (2, 2, 2), (2, 2, 3),
     {"stride": (1,), "padding": ((0, 0),), "dilation": (1,)}),
    ((2, 2, 4), (4, 1, 2), (2, 4, 3),
     {"stride": (2,), "padding": ((1, 2),), "dilation": (2,), "groups": 2}),
    ((1, 2, 3, 4), (1, 2, 3, 2), (1, 1, 2, 2),
     {"stride": (2, 2), "padding": ((1, 1), (0, 0)), "dilation": (1, 1)}),
    ((1, 1, 2, 3, 3), (2, 1, 1, 2, 2), (1, 2, 2, 2, 1),
     {"stride": (1, 1, 1), "padding": ((0, 0),) * 3, "dilation": (1, 1, 2)}),
]  # fmt: skip
"""Shapes of x, of the weight and of the result, and the parameters."""


def _called(first: int, second: int, shape: int | None = None) -> list[Sample]:
    """The cases as calls with two of the arrays; `shape` is the one whose lengths are asked for."""
    return [
        sample(
            uniform(-2, 2, shapes[first]),
            uniform(-2, 2, shapes[second]),
            **params,
            **({} if shape is None else {"shape": shapes[shape][2:]}),
        )
        for *shapes, params in CASES
    ]


@linear(samples=_called(0, 1))
def conv(
    xp: Namespace,
    x: Array,
    weight: Array,
    /,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
) -> Array:
    """Convolution of images with kernels: sums of products at each place of the kernel.

    Parameters
    ----------
    x
        Shape (N, C, ...) with any number of axes after the channels.
    weight
        Shape (O, C / groups, ...): the channels and the kernels are split into `groups`, and each
        group of kernels sees its own group of channels.
    stride, dilation
        For each axis: the distance between two places of the kernel, and between its taps.
    padding
        For each axis: how many zeros are in front, and how many behind.

    Returns
    -------
    Array
        Shape (N, O, ...) with lengths
        ``(length + front + behind - dilation * (size - 1) - 1) // stride + 1``.
    """
    return xp.conv(x, weight, stride, padding, dilation, groups)


@linear(samples=_called(2, 1, shape=0))
def conv_input_grad(
    xp: Namespace,
    g: Array,
    weight: Array,
    /,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
    *,
    shape: Sizes,
) -> Array:
    """Adjoint of :func:`conv` in `x`, also called transposed convolution.

    Each number of `g`, of shape (N, O, ...), is the height at which a kernel is added to the
    result, of shape (N, C, ...), which is 0 where none reaches. Several lengths of the result can
    belong to one of `g`: `shape` says which.
    """
    return xp.conv_input_grad(g, weight, stride, padding, dilation, groups, shape=shape)


@linear(samples=_called(2, 0, shape=1))
def conv_weight_grad(
    xp: Namespace,
    g: Array,
    x: Array,
    /,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    groups: int = 1,
    *,
    shape: Sizes,
) -> Array:
    """Adjoint of :func:`conv` in `weight`, whose kernels have the lengths `shape`."""
    return xp.conv_weight_grad(g, x, stride, padding, dilation, groups, shape=shape)


@conv.vjp("x", saves=("weight",))
def _(xp, g, out, x, weight, **params):
    return xp.conv_input_grad(g, weight, **params, shape=x.shape[2:])


@conv.vjp("weight", saves=("x",))
def _(xp, g, out, x, weight, **params):
    return xp.conv_weight_grad(g, x, **params, shape=weight.shape[2:])


@conv_input_grad.vjp("g", saves=("weight",))
def _(xp, u, out, g, weight, *, shape, **params):
    return xp.conv(u, weight, **params)


@conv_input_grad.vjp("weight", saves=("g",))
def _(xp, u, out, g, weight, *, shape, **params):
    return xp.conv_weight_grad(g, u, **params, shape=weight.shape[2:])


@conv_weight_grad.vjp("g", saves=("x",))
def _(xp, u, out, g, x, *, shape, **params):
    return xp.conv(x, u, **params)


@conv_weight_grad.vjp("x", saves=("g",))
def _(xp, u, out, g, x, *, shape, **params):
    return xp.conv_input_grad(g, u, **params, shape=x.shape[2:])

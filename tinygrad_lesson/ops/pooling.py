"""Pooling: what a window sees as it slides over an image becomes one number.

Two families, each closed under differentiation. The sum over windows and its adjoint, which
spreads numbers out, are linear. The maximum has a derivative that depends on which element of each
window is the largest: :func:`pool_argmax` finds it, :func:`pool_pick` takes the elements at such
places, and its adjoint :func:`pool_put` puts numbers there.

All take the axes after the first two, and the same parameters: for each axis the window's length
(`kernel`), the distance between windows (`stride`), how many positions before and after the data
belong to windows (`padding`), and the distance between the elements of a window (`dilation`). The
functions that users call are in ``nn/functional/pooling.py``.
"""

from __future__ import annotations

from typing import Any

from ..arrays import Array, Namespace
from ..op import indexing, linear, reduction
from ..samples import Domain, Sample, integers, sample, uniform

Sizes = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]

CASES: list[tuple[Sizes, Sizes, dict[str, Any]]] = [
    ((2, 1, 6), (2, 1, 3),
     {"kernel": (2,), "stride": (2,), "padding": ((0, 0),), "dilation": (1,)}),
    ((1, 2, 3, 4), (1, 2, 2, 3),
     {"kernel": (2, 3), "stride": (1, 2), "padding": ((0, 0), (1, 2)), "dilation": (1, 1)}),
    ((1, 1, 2, 3, 4), (1, 1, 2, 1, 2),
     {"kernel": (1, 2, 2), "stride": (1, 2, 1), "padding": ((0, 0),) * 3, "dilation": (1, 1, 2)}),
]  # fmt: skip
"""Shapes of x and of the result, and the parameters."""


def _images(taken: int, *, taps: bool = False, shape: bool = False) -> list[Sample]:
    """The cases as calls with x (0) or an array like the result (1), and with taps."""
    calls = []
    for *shapes, params in CASES:
        inputs: list[Domain] = [uniform(-3, 3, shapes[taken])]
        if taps:  # those that lie on data wherever the window is
            inputs.append(integers(1, 2, shapes[1]))
        lengths = {"shape": shapes[0][2:]} if shape else {}
        calls.append(sample(*inputs, **params, **lengths))
    return calls


@linear(samples=_images(0))
def pool_sum(
    xp: Namespace,
    x: Array,
    /,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
) -> Array:
    """Sum of each window; positions outside of the data count as 0."""
    return xp.pool_sum(x, kernel, stride, padding, dilation)


@linear(samples=_images(1, shape=True))
def pool_spread(
    xp: Namespace,
    g: Array,
    /,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    *,
    shape: Sizes,
) -> Array:
    """Adjoint of :func:`pool_sum`: `g` added to each element of its window; `shape` is x's."""
    return xp.pool_spread(g, kernel, stride, padding, dilation, shape=shape)


@pool_sum.vjp("x")
def _(xp, g, out, x, **params):
    return xp.pool_spread(g, **params, shape=x.shape[2:])


@pool_spread.vjp("g")
def _(xp, u, out, g, *, shape, **params):
    return xp.pool_sum(u, **params)


@reduction(samples=_images(0))
def pool_max(
    xp: Namespace,
    x: Array,
    /,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
) -> Array:
    """Largest element of each window; of equal ones, the first gets the gradient."""
    return xp.pool_max(x, kernel, stride, padding, dilation)


@reduction(samples=_images(0))
def pool_argmax(
    xp: Namespace,
    x: Array,
    /,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
) -> Array:
    """Number of the largest element within its window, in reading order; the first of equals."""
    return xp.pool_argmax(x, kernel, stride, padding, dilation)


@indexing(samples=_images(0, taps=True))
def pool_pick(
    xp: Namespace,
    x: Array,
    taps: Array,
    /,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
) -> Array:
    """From each window the element whose number within it is in `taps`."""
    return xp.pool_pick(x, taps, kernel, stride, padding, dilation)


@indexing(samples=_images(1, taps=True, shape=True))
def pool_put(
    xp: Namespace,
    g: Array,
    taps: Array,
    /,
    kernel: Sizes,
    stride: Sizes,
    padding: Pads,
    dilation: Sizes,
    *,
    shape: Sizes,
) -> Array:
    """Adjoint of :func:`pool_pick`: `g` added to those elements, 0 elsewhere; `shape` is x's."""
    return xp.pool_put(g, taps, kernel, stride, padding, dilation, shape=shape)


@pool_max.vjp("x", saves=("x",))
def _(xp, g, out, x, **params):
    return xp.pool_put(g, xp.pool_argmax(x, **params), **params, shape=x.shape[2:])


@pool_pick.vjp("x", saves=("taps",))
def _(xp, g, out, x, taps, **params):
    return xp.pool_put(g, taps, **params, shape=x.shape[2:])


@pool_put.vjp("g", saves=("taps",))
def _(xp, u, out, g, taps, *, shape, **params):
    return xp.pool_pick(u, taps, **params)


pool_argmax.no_gradient("x")
pool_pick.no_gradient("taps")
pool_put.no_gradient("taps")

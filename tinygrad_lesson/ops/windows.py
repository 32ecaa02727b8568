"""Sliding windows, as a view, and the sum that puts overlapping windows together again."""

from __future__ import annotations

from typing import Any

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import RangeError, ShapeError
from ..op import movement
from ..samples import sample, uniform

Ints = int | tuple[int, ...]


def _several(where: str, name: str, value: Any, count: int) -> tuple[int, ...]:
    """One positive integer for each of `count` axes; a single one serves for all."""
    numbers = tuple(value) if isinstance(value, tuple | list) else (value,) * count
    if len(numbers) != count:
        raise ShapeError(
            where, f"{name}={value} for {count} axes", "Pass one integer, or one for each axis."
        )
    for number in numbers:
        if arguments.integer(where, name, number) < 1:
            raise RangeError(where, f"{name}={value} is less than one", f"Pass {name} >= 1.")
    return numbers


def _resolved(
    where: str, shape: tuple[int, ...], sizes: Any, axis: Any, stride: Any, dilation: Any
) -> dict[str, tuple[int, ...]]:
    """The parameters of windows with one number for each axis that they slide along."""
    if axis is None:
        rank = len(sizes) if isinstance(sizes, tuple | list) else len(shape)
        axis = tuple(range(-rank, 0))
    axes = arguments.axes(where, axis, len(shape))
    return {
        "window_shape": _several(where, "window_shape", sizes, len(axes)),
        "axis": axes,
        "stride": _several(where, "stride", stride, len(axes)),
        "dilation": _several(where, "dilation", dilation, len(axes)),
    }


@movement(
    samples=[
        sample(uniform(-3, 3, (6,)), window_shape=3),
        sample(uniform(-3, 3, (2, 7)), window_shape=2, axis=1, stride=2, dilation=3),
        sample(uniform(-3, 3, (4, 5)), window_shape=(2, 3), stride=(1, 2)),
        sample(uniform(-3, 3, (5, 2, 3)), window_shape=(2, 2), axis=(2, 0)),
    ]
)
def windows(
    xp: Namespace,
    x: Array,
    /,
    window_shape: Ints,
    axis: Ints | None = None,
    stride: Ints = 1,
    dilation: Ints = 1,
) -> Array:
    """Windows that slide over `x`: NumPy's ``sliding_window_view``, with steps and gaps.

    Nothing is copied: the result is a view. Multiplied by weights and summed over the window
    axes it is a convolution; reduced over them it is pooling.

    Parameters
    ----------
    x
        Any shape.
    window_shape
        The length of a window along each axis that it slides along.
    axis
        Those axes; None: the last ones, one for each length, or all if `window_shape` is a number.
    stride
        How far a window lies from the next.
    dilation
        How far the elements of a window lie apart.

    Returns
    -------
    Tensor
        The shape of `x`, with the number of windows in the place of each length they slide along,
        ``(n - (size - 1) * dilation - 1) // stride + 1``; at its end new axes, the windows.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.windows(tl.arange(6), 3, stride=2)
    Tensor([[0, 1, 2],
            [2, 3, 4]], dtype=int64)
    """
    given = _resolved("windows", x.shape, window_shape, axis, stride, dilation)
    for a, size, gap in zip(given["axis"], given["window_shape"], given["dilation"], strict=True):
        if (size - 1) * gap >= x.shape[a]:
            raise ShapeError(
                "windows",
                f"a window of {size} elements, {gap} apart, is longer than axis {a} of shape"
                f" {x.shape}",
                "Pad the input, or make the window shorter.",
            )
    return xp.windows(x, **given)


@windows.vjp("x")
def _(xp, g, out, x, *, window_shape, axis, stride, dilation):
    given = _resolved("windows", x.shape, window_shape, axis, stride, dilation)
    del given["window_shape"]
    return xp.overlap_add(g, shape=x.shape, **given)


@movement(
    samples=[
        sample(uniform(-3, 3, (4, 3)), shape=(6,)),
        sample(uniform(-3, 3, (2, 2, 5)), shape=(2, 11), axis=1, stride=2, dilation=2),
        sample(uniform(-3, 3, (2, 2, 2, 2)), shape=(3, 4), stride=(1, 2)),
    ]
)
def overlap_add(
    xp: Namespace,
    x: Array,
    /,
    shape: tuple[int, ...],
    axis: Ints | None = None,
    stride: Ints = 1,
    dilation: Ints = 1,
) -> Array:
    """An array of `shape`, to which every window is added where :func:`windows` took it from.

    The adjoint of :func:`windows`: ``sum(windows(x) * y) == sum(x * overlap_add(y, x.shape))``.

    Parameters
    ----------
    x
        The windows, in the shape that :func:`windows` gives them.
    shape
        Of the result; it has one axis for each of `x` that is no window.
    axis, stride, dilation
        As in :func:`windows`.
    """
    sizes = x.shape[len(shape) :]
    given = _resolved("overlap_add", shape, sizes, axis, stride, dilation)
    counts = list(shape)
    for a, size, hop, gap in zip(
        given["axis"], sizes, given["stride"], given["dilation"], strict=True
    ):
        counts[a] = (shape[a] - (size - 1) * gap - 1) // hop + 1
    if (*counts, *sizes) != x.shape:
        raise ShapeError(
            "overlap_add",
            f"windows of shape {x.shape} for shape {shape}, which has {(*counts, *sizes)}",
            "Pass the shape of the array that the windows are of.",
        )
    del given["window_shape"]
    return xp.overlap_add(x, shape, **given)


@overlap_add.vjp("x")
def _(xp, g, out, x, *, shape, axis, stride, dilation):
    sizes = x.shape[len(shape) :]
    return xp.windows(g, **_resolved("windows", shape, sizes, axis, stride, dilation))

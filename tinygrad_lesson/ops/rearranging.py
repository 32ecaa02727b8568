"""Elements in another order along an axis, or several times."""

from __future__ import annotations

from .. import arguments
from ..arrays import Array, Namespace
from ..op import composite, movement
from ..samples import integers, sample, uniform

REALS = uniform(-3, 3, (3, 4))
BLOCK = uniform(-3, 3, (2, 3, 4))


@movement(samples=[sample(REALS), sample(REALS, axis=1), sample(BLOCK, axis=(0, 2))])
def flip(xp: Namespace, x: Array, /, axis: int | tuple[int, ...] | None = None) -> Array:
    """The order along `axis` reversed (None: along all)."""
    return xp.flip(x, axis=axis)


@flip.vjp("x")
def _(xp, g, out, x, *, axis):
    return xp.flip(g, axis=axis)


@movement(
    samples=[
        sample(REALS, shift=2),
        sample(REALS, shift=-1, axis=1),
        sample(BLOCK, shift=(1, -2), axis=(0, 2)),
    ]
)
def roll(
    xp: Namespace,
    x: Array,
    /,
    shift: int | tuple[int, ...],
    axis: int | tuple[int, ...] | None = None,
) -> Array:
    """Elements moved `shift` places along `axis`; those pushed over the end return at the start.

    With ``axis=None`` all numbers are rolled in reading order.
    """
    return xp.roll(x, shift, axis=axis)


@roll.vjp("x")
def _(xp, g, out, x, *, shift, axis):
    back = tuple(-s for s in shift) if isinstance(shift, tuple) else -shift
    return xp.roll(g, back, axis=axis)


@composite(samples=[sample(REALS), sample(BLOCK, k=2), sample(BLOCK, k=-1, axes=(1, 2))])
def rot90(xp: Namespace, x: Array, /, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Turned by `k` quarter turns in the plane of two axes, from the first towards the second."""
    first, second = arguments.axes("rot90", axes, len(x.shape), "axes")
    order = list(range(len(x.shape)))
    order[first], order[second] = second, first
    k = arguments.integer("rot90", "k", k) % 4
    if k == 0:
        return x
    if k == 2:
        return xp.flip(x, axis=(first, second))
    if k == 1:
        return xp.permute_dims(xp.flip(x, axis=second), tuple(order))
    return xp.flip(xp.permute_dims(x, tuple(order)), axis=second)


@movement(
    samples=[
        sample(REALS, integers(2, 3), axis=0),
        sample(REALS, integers(2, 3)),
        sample(REALS, integers(0, 4, (4,)), axis=-1),
        sample(BLOCK, integers(0, 3, (3,)), axis=1),
    ]
)
def repeat(xp: Namespace, x: Array, repeats: Array, /, axis: int | None = None) -> Array:
    """Each element along `axis` several times in a row (None: all numbers in reading order).

    Parameters
    ----------
    x
        Any shape.
    repeats
        How many times: an integer for all elements, or one for each element along `axis`, in a
        tuple or a tensor.
    axis
        The axis that becomes longer.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.repeat(tl.Tensor([1, 2, 3]), (2, 0, 1))
    Tensor([1, 1, 3], dtype=int64)
    """
    return xp.repeat(x, repeats, axis=axis)


@repeat.vjp("x", saves=("repeats",))
def _(xp, g, out, x, repeats, *, axis):
    if axis is not None:
        return xp.sum_repeated(g, repeats, length=x.shape[axis], axis=axis)
    length = 1
    for n in x.shape:
        length *= n
    return xp.reshape(xp.sum_repeated(g, repeats, length=length), x.shape)


@movement(
    samples=[
        sample(uniform(-3, 3, (6, 2)), integers(2, 3), length=3),
        sample(uniform(-3, 3, (2, 4)), integers(1, 2, (4,)), length=4, axis=1),
    ]
)
def sum_repeated(xp: Namespace, x: Array, repeats: Array, /, length: int, axis: int = 0) -> Array:
    """Sums of runs of elements along `axis`: `length` of them, `repeats` in each.

    The adjoint of :func:`repeat` along an axis.
    """
    return xp.sum_repeated(x, repeats, length, axis)


@sum_repeated.vjp("x", saves=("repeats",))
def _(xp, g, out, x, repeats, *, length, axis):
    return xp.repeat(g, repeats, axis=axis)


repeat.no_gradient("repeats")
sum_repeated.no_gradient("repeats")


@composite(samples=[sample(REALS, repetitions=(2, 1)), sample(REALS, repetitions=2),
                    sample(uniform(-3, 3, (3,)), repetitions=(2, 2))])  # fmt: skip
def tile(xp: Namespace, x: Array, /, repetitions: int | tuple[int, ...]) -> Array:
    """The whole array several times along each axis: ``[1, 2]`` becomes ``[1, 2, 1, 2]``.

    Parameters
    ----------
    x
        Any shape; new axes are put in front if there are more `repetitions` than axes.
    repetitions
        How many times along each axis, lined up from the right.
    """
    times = repetitions if isinstance(repetitions, tuple) else (repetitions,)
    times = tuple(arguments.count("tile", "repetitions", n) for n in times)
    rank = max(len(times), len(x.shape))
    times = (1,) * (rank - len(times)) + times
    shape = (1,) * (rank - len(x.shape)) + x.shape
    apart = tuple(n for length in shape for n in (1, length))
    stretched = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    copies = xp.broadcast_to(xp.reshape(x, apart), stretched)
    return xp.reshape(copies, tuple(n * m for n, m in zip(times, shape, strict=True)))

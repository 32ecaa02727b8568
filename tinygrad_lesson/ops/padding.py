"""A border around an array, and its adjoint."""

from __future__ import annotations

from typing import Any

from .. import arguments
from ..arrays import Array, Namespace
from ..errors import ArgumentError, RangeError, ShapeError
from ..op import movement
from ..samples import sample, uniform

REALS = uniform(-3, 3, (3, 4))
MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _widths(where: str, shape: tuple[int, ...], pad_width: Any, mode: str) -> Any:
    """The width before and after each axis, in NumPy's three ways of saying it."""
    pairs = pad_width if isinstance(pad_width, tuple | list) else (pad_width, pad_width)
    if not any(isinstance(pair, tuple | list) for pair in pairs):
        pairs = (pairs,)
    pairs = tuple(pairs) * (len(shape) if len(pairs) == 1 else 1)
    if len(pairs) != len(shape) or any(len(pair) != 2 for pair in pairs):
        raise ShapeError(
            where,
            f"pad_width={pad_width} does not fit shape {shape}",
            "Pass one number, one pair (before, after), or a pair for each axis.",
        )
    if mode not in MODES:
        raise ArgumentError(where, f"mode={mode!r} is unknown", f"Use one of {MODES}.")
    widths = tuple(
        (arguments.count(where, "pad_width", a), arguments.count(where, "pad_width", b))
        for a, b in pairs
    )
    for n, pair in zip(shape, widths, strict=True):
        if n == 0 and pair != (0, 0) and mode != "constant":
            raise RangeError(
                where, f"an axis of shape {shape} is empty", 'Only mode="constant" can pad it.'
            )
    return widths


@movement(
    samples=[
        sample(REALS, pad_width=1, constant_values=0.5),
        sample(REALS, pad_width=((0, 2), (1, 0)), mode="reflect"),
        sample(REALS, pad_width=(2, 1), mode="edge"),
        sample(REALS, pad_width=((1, 0), (3, 4)), mode="wrap"),
        sample(uniform(-3, 3, (3,)), pad_width=(5, 2), mode="symmetric"),
    ]
)
def pad(
    xp: Namespace,
    x: Array,
    /,
    pad_width: Any,
    mode: str = "constant",
    constant_values: float = 0,
) -> Array:
    """A border around `x`.

    Parameters
    ----------
    x
        Any shape.
    pad_width
        Its width: one number, a pair (before, after) for all axes, or a tuple of one pair for each.
    mode
        What it is filled with: ``"constant"`` (`constant_values`), ``"edge"`` (the outermost
        element), ``"reflect"`` (mirrored, the outermost element once), ``"symmetric"`` (mirrored,
        the outermost element twice) or ``"wrap"`` (the other end).
    constant_values
        One number.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.pad(tl.Tensor([1, 2, 3]), (0, 2), mode="reflect")
    Tensor([1, 2, 3, 2, 1], dtype=int64)
    """
    return xp.pad(x, _widths("pad", x.shape, pad_width, mode), mode, constant_values)


@pad.vjp("x")
def _(xp, g, out, x, *, pad_width, mode, constant_values):
    return xp.unpad(g, _widths("pad", x.shape, pad_width, mode), mode)


@movement(
    samples=[
        sample(uniform(-3, 3, (3, 4)), pad_width=((1, 1), (0, 2))),
        sample(uniform(-3, 3, (6, 3)), pad_width=((2, 1), (0, 0)), mode="edge"),
        sample(uniform(-3, 3, (6,)), pad_width=((2, 1),), mode="wrap"),
        sample(uniform(-3, 3, (7,)), pad_width=((1, 2),), mode="reflect"),
    ]
)
def unpad(
    xp: Namespace, x: Array, /, pad_width: tuple[tuple[int, int], ...], mode: str = "constant"
) -> Array:
    """`x` without its border, each element of which is added to the one that it was copied from.

    The adjoint of :func:`pad`, and of ``mode="constant"`` the inverse.
    """
    return xp.unpad(x, pad_width, mode)


@unpad.vjp("x")
def _(xp, g, out, x, *, pad_width, mode):
    return xp.pad(g, pad_width, mode)

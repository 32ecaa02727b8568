"""Borders, as PyTorch asks for them: from the last axis on, and named after its modes."""

from __future__ import annotations

from collections.abc import Sequence

from ... import ops
from ...arguments import integer
from ...arrays import Array
from ...errors import ArgumentError, ShapeError
from ...tensor import Tensor
from .conversion import as_tensor
from .place import layer_or

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def pad(input: Array, pad: Sequence[int], mode: str = "constant", value: float = 0) -> Tensor:
    """A border around the last axes.

    Parameters
    ----------
    input
        Any shape.
    pad
        Widths in pairs, before and after, the last axis first: ``(left, right, top, bottom)``.
        With ``mode="constant"`` a negative width cuts off.
    mode
        ``"constant"`` (`value`), ``"reflect"`` (mirrored, the outermost element once),
        ``"replicate"`` (the outermost element) or ``"circular"`` (the other end).
    value
        What a constant border is filled with.

    See Also
    --------
    tinygrad_lesson.pad : the same with NumPy's arguments.
    """
    x = as_tensor(input)
    where = layer_or("pad")
    widths = [integer(where, "pad", width) for width in pad]
    if len(widths) % 2 or len(widths) > 2 * x.ndim:
        raise ShapeError(
            where,
            f"pad={tuple(widths)} does not fit shape {x.shape}",
            "Pass two widths for each axis, for the last axis first.",
        )
    if mode not in MODES:
        raise ArgumentError(where, f"mode={mode!r} is unknown", f"Use one of {(*MODES,)}.")
    pairs = list(zip(widths[::2], widths[1::2], strict=True))
    pairs += [(0, 0)] * (x.ndim - len(pairs))
    pairs.reverse()
    if min(widths, default=0) < 0:
        if mode != "constant":
            raise ArgumentError(where, f"pad={tuple(widths)} is negative", "Cut with x[...].")
        cut = [slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, pairs, strict=True)]
        if any(s.start > s.stop for s in cut):
            raise ShapeError(
                where, f"pad={tuple(widths)} cuts more than shape {x.shape} has", "Cut less."
            )
        x = x[tuple(cut)]
        pairs = [(max(a, 0), max(b, 0)) for a, b in pairs]
    return ops.pad(x, tuple(pairs), MODES[mode], value)

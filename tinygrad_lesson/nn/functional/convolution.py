"""Convolutions, and transposed ones, along one, two and three axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import ops
from ...arrays import Array
from ...errors import ArgumentError, DTypeError, RangeError, ShapeError
from ...tensor import Tensor
from .conversion import to_dtype
from .images import AXES, batched, per_axis
from .place import layer_or

Sizes = int | Sequence[int]

KERNELS = {1: "k", 2: "kH, kW", 3: "kD, kH, kW"}


def conv1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of signals (N, C, L) or (C, L); see :func:`conv2d`."""
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of images: the kernel slides over the input, and is not flipped.

    Parameters
    ----------
    input
        Shape (N, C, H, W) or (C, H, W). Integers are converted to the weight's dtype.
    weight
        Shape (O, C / groups, kH, kW).
    bias
        Shape (O,).
    stride, padding, dilation
        How far the kernel moves, how many zeros surround the input, and how far the kernel's taps
        are apart; one number, or one for each axis. ``padding="valid"`` means 0, and ``"same"``,
        for stride 1, as many as keep the lengths (an odd one goes behind).
    groups
        Into how many parts the channels are split, each with kernels of its own.

    Returns
    -------
    Tensor
        Shape (N, O, H', W') with ``H' = (H + 2 padding - dilation (kH - 1) - 1) // stride + 1``.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> image = tl.Tensor([[[1.0, 2.0, 4.0], [0.0, 0.0, 8.0]]])  # one channel
    >>> difference = tl.Tensor([[[[-1.0, 1.0]]]])
    >>> tl.nn.functional.conv2d(image, difference).tolist()
    [[[1.0, 2.0], [0.0, 8.0]]]
    """
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes | str = 0,
    dilation: Sizes = 1,
    groups: int = 1,
) -> Tensor:
    """Convolution of volumes (N, C, D, H, W) or (C, D, H, W); see :func:`conv2d`."""
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution of signals (N, C, L) or (C, L); see :func:`conv_transpose2d`."""
    return _transposed(
        "conv_transpose1d", 1, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose2d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution: each input number is the height of a kernel added to the output.

    It is the gradient of :func:`conv2d` in its input, a map from small images to large ones.

    Parameters
    ----------
    input
        Shape (N, C, H, W) or (C, H, W). Integers are converted to the weight's dtype.
    weight
        Shape (C, O / groups, kH, kW).
    bias
        Shape (O,).
    stride, padding, dilation, groups
        Those of the convolution whose gradient this is: `padding` makes the output smaller.
    output_padding
        How much longer the output is at its end, where several lengths would be possible.

    Returns
    -------
    Tensor
        Shape (N, O, H', W') with
        ``H' = (H - 1) stride - 2 padding + dilation (kH - 1) + output_padding + 1``.
    """
    return _transposed(
        "conv_transpose2d", 2, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def conv_transpose3d(
    input: Array,
    weight: Array,
    bias: Array | None = None,
    stride: Sizes = 1,
    padding: Sizes = 0,
    output_padding: Sizes = 0,
    groups: int = 1,
    dilation: Sizes = 1,
) -> Tensor:
    """Transposed convolution of volumes; see :func:`conv_transpose2d`."""
    return _transposed(
        "conv_transpose3d", 3, input, weight, bias, stride, padding, output_padding, groups,
        dilation,
    )  # fmt: skip


def _conv(
    name: str, axes: int, input: Array, weight: Array, bias: Array | None,
    stride: Sizes, padding: Sizes | str, dilation: Sizes, groups: int,
) -> Tensor:  # fmt: skip
    where = layer_or(name)
    x, weight, single = _operands(where, axes, input, weight, f"(O, C / groups, {KERNELS[axes]})")
    steps = per_axis(where, "stride", stride, axes)
    apart = per_axis(where, "dilation", dilation, axes)
    spans = [d * (k - 1) for d, k in zip(apart, weight.shape[2:], strict=True)]
    pads = _pads(where, padding, steps, spans)
    outer, inner = weight.shape[:2]
    _check_groups(where, groups, "kernels", outer, weight)
    if x.shape[1] != inner * groups:
        raise ShapeError(
            where,
            f"the input has shape {x.shape}, with {x.shape[1]} channels, but the weight"
            f" {weight.shape} with groups={groups} takes {inner * groups}",
            f"Channels come first: pass {AXES[axes]} with C = {inner * groups}.",
        )
    for axis, (length, (front, behind), span) in enumerate(
        zip(x.shape[2:], pads, spans, strict=True)
    ):
        if length + front + behind <= span:
            raise ShapeError(
                where,
                f"a kernel that spans {span + 1} does not fit into an input of shape {x.shape},"
                f" padded to {length + front + behind} along axis {axis + 2}",
                "Pass a longer input, more padding or a smaller kernel.",
            )
    out = ops.conv(x, weight, steps, pads, apart, groups)
    return _finished(where, out, bias, outer, single)


def _transposed(
    name: str, axes: int, input: Array, weight: Array, bias: Array | None,
    stride: Sizes, padding: Sizes, output_padding: Sizes, groups: int, dilation: Sizes,
) -> Tensor:  # fmt: skip
    where = layer_or(name)
    x, weight, single = _operands(where, axes, input, weight, f"(C, O / groups, {KERNELS[axes]})")
    steps = per_axis(where, "stride", stride, axes)
    apart = per_axis(where, "dilation", dilation, axes)
    border = per_axis(where, "padding", padding, axes, 0)
    extra = per_axis(where, "output_padding", output_padding, axes, 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, steps, apart, strict=True)):
        raise RangeError(
            where,
            f"output_padding={output_padding} for stride={stride} and dilation={dilation}",
            "It must be smaller than one of the two.",
        )
    channels, inner = weight.shape[:2]
    _check_groups(where, groups, "channels", channels, weight)
    if x.shape[1] != channels:
        raise ShapeError(
            where,
            f"the input has shape {x.shape}, with {x.shape[1]} channels, but the weight"
            f" {weight.shape} takes {channels}",
            f"Channels come first: pass {AXES[axes]} with C = {channels}.",
        )
    shape = tuple(
        (length - 1) * s - 2 * p + d * (k - 1) + e + 1
        for length, s, p, d, k, e in zip(
            x.shape[2:], steps, border, apart, weight.shape[2:], extra, strict=True
        )
    )
    if min(shape) < 1:
        raise ShapeError(
            where,
            f"the output of an input {x.shape} would have the lengths {shape}",
            "Pass a longer input or less padding.",
        )
    pads = tuple((p, p - e) for p, e in zip(border, extra, strict=True))
    out = ops.conv_input_grad(x, weight, steps, pads, apart, groups, shape=shape)
    return _finished(where, out, bias, inner * groups, single)


def _operands(
    where: str, axes: int, input: Array, weight: Array, form: str
) -> tuple[Tensor, Tensor, bool]:
    """The batched input and the weight, and whether the batch axis was missing."""
    x, single = batched(where, input, axes)
    w = weight if isinstance(weight, Tensor) else Tensor(weight)
    if w.ndim != axes + 2 or 0 in w.shape[2:]:
        raise ShapeError(where, f"the weight has shape {w.shape}", f"Pass one of shape {form}.")
    if w.dtype.kind != "f":
        raise DTypeError(
            where, f"the weight is {w.dtype}", "Convert it: weight.astype(tl.float32)."
        )
    return to_dtype(where, x, w.dtype), w, single


def _pads(
    where: str, padding: Any, steps: tuple[int, ...], spans: list[int]
) -> tuple[tuple[int, int], ...]:
    if padding == "valid":
        return ((0, 0),) * len(steps)
    if padding == "same":
        if set(steps) != {1}:
            raise ArgumentError(
                where, f"padding='same' with stride={steps}", "Only stride 1 keeps the lengths."
            )
        return tuple((span // 2, span - span // 2) for span in spans)
    if isinstance(padding, str):
        raise ArgumentError(
            where, f"padding={padding!r} is unknown", "Pass integers, 'same' or 'valid'."
        )
    return tuple((p, p) for p in per_axis(where, "padding", padding, len(steps), 0))


def _check_groups(where: str, groups: Any, noun: str, count: int, weight: Tensor) -> None:
    (number,) = per_axis(where, "groups", groups, 1)
    if count % number:
        raise ShapeError(
            where,
            f"the {count} {noun} of a weight {weight.shape} cannot be split into groups={groups}",
            f"Use a divisor of {count}.",
        )


def _finished(where: str, out: Tensor, bias: Array | None, outer: int, single: bool) -> Tensor:
    """The result with its bias, and without the batch axis if there was none."""
    if bias is not None:
        b = bias if isinstance(bias, Tensor) else Tensor(bias, dtype=out.dtype)
        if b.shape != (outer,):
            raise ShapeError(
                where,
                f"the bias has shape {b.shape} for {outer} output channels",
                f"Pass shape ({outer},).",
            )
        out = out + b.reshape(outer, *(1,) * (out.ndim - 2))
    return out[0] if single else out

"""Whether the channels of an input are those that a layer was built for."""

from __future__ import annotations

from ..arrays import Array
from ..errors import RangeError, ShapeError
from ..tensor import Tensor
from .functional.images import AXES, batched
from .functional.place import layer_or


def images(layer: str, x: Array, axes: int, channels: int, keyword: str, held: str) -> Tensor:
    """`x` as a tensor of images, with or without a batch, that have so many `channels`.

    Parameters
    ----------
    layer
        Its class, for messages outside a model.
    x, axes
        The input, and the number of axes behind the channels.
    channels, keyword
        How many channels there must be, and the argument of the layer that says so.
    held
        What of the layer takes so many, such as ``"weight (8, 3, 5, 5)"``.
    """
    where = layer_or(layer)
    tensor = x if isinstance(x, Tensor) else Tensor(x)
    batched(where, tensor, axes)  # which refuses another number of axes
    check_channels(where, tensor, tensor.ndim - axes - 1, channels, keyword, held, AXES[axes])
    return tensor


def check_channels(
    where: str, x: Tensor, axis: int, channels: int, keyword: str, held: str, form: str
) -> None:
    """Refuse an `x` whose `axis` has another length than `channels`."""
    found = x.shape[axis]
    if found != channels:
        raise ShapeError(
            where,
            f"the input has {found} channels, of shape {x.shape}, the {held} takes {channels}",
            f"Build the layer with {keyword}={found}, or pass {form} with C = {channels}.",
        )


def check_groups(where: str, keyword: str, channels: int, groups_keyword: str, groups: int) -> None:
    """Refuse groups that do not divide the channels."""
    if groups < 1 or channels % groups:
        raise RangeError(
            where,
            f"{keyword}={channels} cannot be split into {groups_keyword}={groups}",
            f"{groups_keyword} must divide {keyword}.",
        )

"""Borders as modules: `padding` is one width, or two for each axis, the last axis first."""

from __future__ import annotations

from typing import ClassVar

from ..arguments import integer
from ..arrays import Array
from ..errors import ShapeError
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .functional.images import batched
from .functional.place import layer_or
from .module import Module


class _Pad(Module):
    """A border around the last axes, see :func:`~tinygrad_lesson.nn.functional.pad`.

    Parameters
    ----------
    padding
        One width for all sides, or ``(left, right, top, bottom)`` and so on.
    """

    _axes: ClassVar[int]
    _mode: ClassVar[str] = "constant"
    value: float = 0.0

    def __init__(self, padding: int | tuple[int, ...]) -> None:
        name = type(self).__name__
        given = padding if isinstance(padding, tuple | list) else (padding,) * (2 * self._axes)
        if len(given) != 2 * self._axes:
            raise ShapeError(
                name,
                f"padding={tuple(given)} has {len(given)} widths",
                f"Pass one, or {2 * self._axes}: two for each axis, the last axis first.",
            )
        self.padding = tuple(integer(name, "padding", width) for width in given)

    def forward(self, x: Array) -> Tensor:
        """Put a border around `x`."""
        if self._mode != "constant":
            batched(layer_or(type(self).__name__), x, self._axes)  # which refuses other axes
        return F.pad(x, self.padding, self._mode, self.value)

    def extra_repr(self) -> str:
        """The widths."""
        return str(self.padding)


class _ConstantPad(_Pad):
    def __init__(self, padding: int | tuple[int, ...], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def extra_repr(self) -> str:
        """The widths and the value."""
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """A border of `value` along the last axis."""

    _axes = 1


class ConstantPad2d(_ConstantPad):
    """A border of `value` along the last two axes."""

    _axes = 2


class ConstantPad3d(_ConstantPad):
    """A border of `value` along the last three axes."""

    _axes = 3


class ZeroPad1d(_Pad):
    """A border of zeros along the last axis."""

    _axes = 1


class ZeroPad2d(_Pad):
    """A border of zeros along the last two axes."""

    _axes = 2


class ZeroPad3d(_Pad):
    """A border of zeros along the last three axes."""

    _axes = 3


class ReflectionPad1d(_Pad):
    """Signals mirrored at their ends, the outermost number once."""

    _axes, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """Images mirrored at their edges, the outermost number once."""

    _axes, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """Volumes mirrored at their faces, the outermost number once."""

    _axes, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """Signals with the outermost numbers repeated."""

    _axes, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """Images with the outermost numbers repeated."""

    _axes, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """Volumes with the outermost numbers repeated."""

    _axes, _mode = 3, "replicate"


class CircularPad1d(_Pad):
    """Signals continued with their other end."""

    _axes, _mode = 1, "circular"


class CircularPad2d(_Pad):
    """Images continued with their other edge."""

    _axes, _mode = 2, "circular"


class CircularPad3d(_Pad):
    """Volumes continued with their other face."""

    _axes, _mode = 3, "circular"

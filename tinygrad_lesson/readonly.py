"""The array that ``t.data`` shows: NumPy's, but every write into it says what to write instead."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import Array
from .errors import ReadOnlyError


class ReadOnlyArray(np.ndarray[Any, Any]):
    """A read-only view of what a tensor holds; results of arithmetic on it are plain arrays.

    ``w.data -= step`` works nevertheless: Python first computes the difference, a new array, and
    then assigns it to ``w.data``, which is a door that tensors have.
    """

    def __array_wrap__(
        self, array: Array, context: Any = None, return_scalar: bool = False
    ) -> Array:
        if array is self:  # in place
            return self
        return array[()] if return_scalar else np.asarray(array)

    def __setitem__(self, key: Any, value: Any) -> None:
        if not self.flags.writeable:
            raise ReadOnlyError(
                "data",
                "t.data is a read-only view, because graphs may still need the array",
                "Write to the tensor: with tl.no_grad(): t[index] = value.",
            )
        super().__setitem__(key, value)  # a copy of it is anybody's

    def __iadd__(self, other: Any) -> Array:  # type: ignore[misc]
        return super().__iadd__(other) if self.flags.writeable else self + other

    def __isub__(self, other: Any) -> Array:  # type: ignore[misc]
        return super().__isub__(other) if self.flags.writeable else self - other

    def __imul__(self, other: Any) -> Array:  # type: ignore[misc]
        return super().__imul__(other) if self.flags.writeable else self * other

    def __itruediv__(self, other: Any) -> Array:  # type: ignore[misc]
        return super().__itruediv__(other) if self.flags.writeable else self / other

    def __ipow__(self, other: Any) -> Array:  # type: ignore[override, misc]
        return super().__ipow__(other) if self.flags.writeable else self**other


def read_only(array: Array) -> Array:
    """A view of `array` through which it cannot be written."""
    view = np.asarray(array).view(ReadOnlyArray)
    view.flags.writeable = False
    return view

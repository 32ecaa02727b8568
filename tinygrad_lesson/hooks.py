"""What the registration of a hook returns."""

from __future__ import annotations

from collections.abc import Callable

from .changes import happened


class Handle:
    """Takes a hook away again: ``handle.remove()``, as in PyTorch; a second call does nothing.

    Parameters
    ----------
    remove
        What to do, once.
    """

    def __init__(self, remove: Callable[[], None]) -> None:
        self._remove: Callable[[], None] | None = remove

    def remove(self) -> None:
        """Take the hook away."""
        if self._remove is not None:
            self._remove()
            self._remove = None
            happened()

    __call__ = remove

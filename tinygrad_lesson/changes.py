"""Changes: a number that tells whether anything changed by which Python code may decide.

Attributes of modules, ``requires_grad``, hooks, the default dtype: each change of one is told here.
So a compiled step looks at all that it depends on after a change, and not in each call.
"""

from __future__ import annotations

import itertools

_next = itertools.count(1).__next__


class _Changes:
    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = 0


CHANGES = _Changes()
"""Its ``number`` is another after each change."""


def happened() -> None:
    """Tell of a change, once it is made."""
    CHANGES.number = _next()

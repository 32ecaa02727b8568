"""A call that failed, as explanations see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import TinygradError
from ..graph import Shape
from ..op import Op


class Call(NamedTuple):
    """A call that failed.

    Attributes
    ----------
    op, where
        The op, and the layer path and op for the head of the message.
    inputs, shapes
        Tensors or Python numbers, and their shapes.
    params
        The static parameters.
    error, reason
        What the array library raised, and what it said.
    """

    op: Op[...]
    where: str
    inputs: Sequence[Any]
    shapes: list[Shape]
    params: Mapping[str, Any]
    error: Exception
    reason: str

    @property
    def listed(self) -> str:
        """The shapes, as a sentence names them."""
        return " and ".join(map(str, self.shapes))

    @property
    def usage(self) -> str:
        """The remedy that always helps."""
        return f"Call {self.op.usage}."


def broadcast(*shapes: Shape) -> bool:
    """Whether shapes broadcast with one another."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


Explanations = dict[str, Callable[[Call], TinygradError | None]]
"""By op: what was off, or None if it was something else."""

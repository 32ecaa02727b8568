"""Where an error happened."""

from __future__ import annotations

from ...mode import current


def layer_or(name: str) -> str:
    """The path of the layer that is running, or `name`: the head of an error message."""
    return current().scope or name

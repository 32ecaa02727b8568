"""What single ops refuse, in terms of the user's call: shapes, axes and indices that do not fit."""

from __future__ import annotations

from . import activations, convolution, indexing, linalg, linear, movement, order, reduction, scan
from .call import Call, Explanations, broadcast

EXPLANATIONS: Explanations = {
    name: explanation
    for family in (
        activations,
        reduction,
        movement,
        linear,
        linalg,
        indexing,
        convolution,
        order,
        scan,
    )
    for name, explanation in family.EXPLANATIONS.items()
}
"""For ops that refuse in ways of their own."""

__all__ = ["EXPLANATIONS", "Call", "broadcast"]

"""What single ops refuse, in terms of the user's call: shapes, axes and indices that do not fit."""

from __future__ import annotations

from . import indexing, linear, movement, reduction
from .call import Call, Explanations, broadcast

EXPLANATIONS: Explanations = {
    name: explanation
    for family in (reduction, movement, linear, indexing)
    for name, explanation in family.EXPLANATIONS.items()
}
"""For ops that refuse in ways of their own."""

__all__ = ["EXPLANATIONS", "Call", "broadcast"]

"""For every op, by family: its value from an oracle that nobody here wrote, and large calls.

``VALUES`` has a function of the op's arrays and parameters, by NumPy or SciPy. ``LARGE`` has calls
with 400 elements, of ops whose parameters have to fit their shapes.
"""

from __future__ import annotations

from . import (
    activations,
    attention,
    convolution,
    creation,
    ctc,
    diagonals,
    elementwise,
    indexing,
    joining,
    linalg,
    linear,
    movement,
    normalization,
    norms,
    order,
    padding,
    pooling,
    rearranging,
    recurrent,
    reduction,
    resampling,
    scan,
    scatter,
    sets,
    special,
    statistics,
    windows,
)
from .shared import Calls, Oracles

FAMILIES = (
    elementwise,
    activations,
    reduction,
    movement,
    linear,
    linalg,
    indexing,
    diagonals,
    creation,
    sets,
    scan,
    normalization,
    order,
    rearranging,
    joining,
    padding,
    windows,
    scatter,
    attention,
    convolution,
    pooling,
    statistics,
    norms,
    special,
    ctc,
    resampling,
    recurrent,
)

VALUES: Oracles = {name: f for family in FAMILIES for name, f in family.VALUES.items()}
LARGE: Calls = {name: calls for family in FAMILIES for name, calls in family.LARGE.items()}

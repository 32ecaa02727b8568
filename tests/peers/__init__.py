"""For every op, by family: PyTorch's function of the same arrays and parameters.

None says that PyTorch has no such function.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

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
from .shared import Peers

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

PEERS: Peers = {name: f for family in FAMILIES for name, f in family.PEERS.items()}

"""For every op, by family: PyTorch's function of the same arrays and parameters.

None says that PyTorch has no such function.
"""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from . import elementwise, indexing, linear, movement, reduction
from .shared import Peers

FAMILIES = (elementwise, reduction, movement, linear, indexing)

PEERS: Peers = {name: f for family in FAMILIES for name, f in family.PEERS.items()}

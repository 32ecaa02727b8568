"""PyTorch's unfold has neither gaps nor an adjoint: see tests/test_windows.py."""

from __future__ import annotations

from .shared import Peers

PEERS: Peers = {"windows": None, "overlap_add": None}

"""PyTorch pads the last axes only, and some modes not at all: see tests/test_windows.py."""

from __future__ import annotations

from .shared import Peers

PEERS: Peers = {"pad": None, "unpad": None}

"""PyTorch has no lattices, and a gradient of CTC only through log_softmax: see test_ctc.py."""

from __future__ import annotations

from .shared import Peers

PEERS: Peers = dict.fromkeys(("lattice_logsums", "lattice_flow", "ctc_loss"))

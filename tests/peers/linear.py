"""PyTorch's products."""

from __future__ import annotations

from .shared import Peers, of_torch

PEERS: Peers = of_torch("matmul")

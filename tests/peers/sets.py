"""PyTorch's set functions have no derivatives."""

from __future__ import annotations

from .shared import Peers

PEERS: Peers = {
    "isin": None,
    "unique_all": None,
    "unique_counts": None,
    "unique_inverse": None,
    "unique_places": None,
    "unique_values": None,
}

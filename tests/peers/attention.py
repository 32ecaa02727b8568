"""PyTorch's attention."""

from __future__ import annotations

import torch

from .shared import Peers

PEERS: Peers = {
    "safe_softmax": lambda x, axis: torch.softmax(x, axis),
    "scaled_dot_product_attention": lambda query, key, value, is_causal, scale: (
        torch.nn.functional.scaled_dot_product_attention(
            query, key, value, is_causal=is_causal, scale=scale
        )
    ),
}

"""PyTorch's norms."""

from __future__ import annotations

import torch
from torch.nn import functional

from .shared import Peers

PEERS: Peers = {
    "vector_norm": lambda x, axis, keepdims, ord: torch.linalg.vector_norm(x, ord, axis, keepdims),
    "norm": lambda x, ord, axis, keepdims: torch.linalg.norm(x, ord, axis, keepdims),
    "normalize": lambda x, p, axis, eps: functional.normalize(x, p, axis, eps),
    "cosine_similarity": lambda x, y, axis, eps: functional.cosine_similarity(x, y, axis, eps),
    "pairwise_distance": lambda x, y, p, eps, keepdims: functional.pairwise_distance(
        x, y, p, eps, keepdims
    ),
    "cdist": torch.cdist,
}

"""Gradients of tensors on which not everything has to depend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from . import autograd
from .tensor import Tensor


def pull_back(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangents: Sequence[Tensor],
    create_graph: bool = False,
) -> list[Tensor]:
    """Gradients of the weighted `outputs`; zeros for an input on which none depends.

    The graph is kept, for further cotangents.
    """
    pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=True) if o.requires_grad]
    found: Sequence[Tensor | None] = [None] * len(inputs)
    if pairs:
        found = autograd.grad(
            [output for output, _ in pairs],
            inputs,
            [cotangent for _, cotangent in pairs],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
    return [
        Tensor.lift(np.zeros(x.shape, x.dtype)) if g is None else g
        for x, g in zip(inputs, found, strict=True)
    ]

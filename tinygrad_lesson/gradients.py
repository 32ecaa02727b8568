"""Gradients of tensors on which not everything has to depend, and variables to have them by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import autograd, ops
from .errors import DTypeError
from .graph import Box, Leaf
from .tensor import Tensor
from .trees import flatten


def variable(value: Any) -> Tensor:
    """A tensor of its own to differentiate with respect to; an outer graph sees through it."""
    tensor = value if isinstance(value, Tensor) else Tensor(value)
    if tensor.dtype.kind != "f":
        raise DTypeError(
            "grad",
            f"an argument of {tensor.dtype} cannot be differentiated with respect to",
            "Pass floats (1.0, not 1), or name other arguments in argnums=.",
        )
    if tensor.requires_grad:
        return ops.reshape(tensor, shape=tensor.shape)
    data = tensor.raw
    return Tensor.lift(data, Leaf(data, True, Box(), tensor.name))


def whole_arrays(tree: Any) -> Any:
    """A list of numbers is an array, not a nest of numbers."""
    numbers = isinstance(tree, list) and all(isinstance(v, int | float) for v in flatten(tree)[0])
    return Tensor(tree) if numbers else tree


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

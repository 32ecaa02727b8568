"""What the tables of oracles share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_lesson.samples import Sample

Oracles = dict[str, Callable[..., Any]]
Calls = dict[str, list[Sample]]


def of_numpy(*names: str) -> Oracles:
    """NumPy's functions of these names."""
    return {name: getattr(np, name) for name in names}


def of_floats(function: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's softmax and its like subtract unsigned integers, which wrap around."""
    return lambda x, **params: function(x if x.dtype.kind == "f" else x.astype(float), **params)

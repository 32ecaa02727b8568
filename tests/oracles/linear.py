"""Values of products by NumPy."""

from __future__ import annotations

from .shared import Calls, Oracles, of_numpy

VALUES: Oracles = of_numpy("matmul")

LARGE: Calls = {}

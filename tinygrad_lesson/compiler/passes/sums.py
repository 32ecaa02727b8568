"""Products with ones are sums: ``ones_like(v) @ m`` is ``m.sum(axis=0)``.

To rounding: the same terms are added up in another order.
"""

from __future__ import annotations

from ...tracing.program import Equation, Program, Value
from .rewriting import Workshop, become, improved
from .scalars import number_of

MANY = 1 << 12
"""So many numbers are summed up faster by BLAS, as a product with ones."""


def use_sums(program: Program) -> Program:
    """Write the gradients of biases as sums."""
    return improved(program, {"matmul": _as_sum})


def _as_sum(equation: Equation, workshop: Workshop) -> Equation | None:
    ones, rows = equation.inputs
    if type(ones) is not Value or type(rows) is not Value:
        return None
    fits = ones.ndim == 1 and rows.ndim == 2 and ones.dtype == rows.dtype
    # (Half precision is added up in single precision by a product, and not by a sum.)
    if not fits or rows.dtype.char not in "fd" or rows.shape[0] * rows.shape[1] >= MANY:
        return None
    if number_of(ones, workshop) != 1:
        return None
    return become(equation, "sum", rows, axis=0, keepdims=False, dtype=None)

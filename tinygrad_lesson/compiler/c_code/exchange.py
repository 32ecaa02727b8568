"""The exchange of choosing rows and multiplying: the rows of a small table are multiplied once.

An embedding that feeds a layer chooses rows of a table, many times the same ones, and multiplies
each with the weights of the layer. With `E` the table, `i` the rows that are chosen, `W` a matrix
and `G` the gradient of what comes out:

====================================  ====================================
``take(E, i) @ W``                    ``take(E @ W, i)``
``add_at(zeros, i, G @ W)``           ``add_at(zeros, i, G) @ W``
``G.T @ take(E, i)``                  ``add_at(zeros, i, G).T @ E``
====================================  ====================================

The first is the same product of the same rows. In the others sums come in another order: to
rounding. (Infinities and NaN in rows that nobody chose meet zeros there, which is NaN.) It pays
where the table has fewer rows than are chosen. (In NumPy it would not: adding up rows at chosen
places is slow there.)
"""

from __future__ import annotations

import math
from typing import Any

from ...arrays import SLOT
from ...graph import Shape
from ...tracing.program import Equation, Program, Value
from ..passes.rewriting import Workshop, become, improved


def exchanged(program: Program) -> Program:
    """Multiply before rows are chosen, and after they are added up."""
    return improved(program, {"affine": _chosen, "matmul": _multiplied, "add_at": _added})


def _pays(table: Shape, index: Value) -> bool:
    return len(table) == 2 and 2 * table[0] <= math.prod(index.shape)


def _table(x: Any, workshop: Workshop) -> Equation | None:
    """The equation that chose rows of a table, if `x` is what it chose."""
    made = workshop.made(x, "take")
    if made is None or made.params["axis"] != 0:
        return None
    table, index = made.inputs
    fits = type(table) is Value and type(index) is Value and _pays(table.shape, index)
    return made if fits else None


def _chosen(equation: Equation, workshop: Workshop) -> Equation | None:
    """A layer on chosen rows, or a product with them on the left."""
    x, weight, *bias = equation.inputs
    made = _table(x, workshop)
    if made is None or type(weight) is not Value or weight.ndim != 2:
        return None
    table, index = made.inputs
    shape = (table.shape[0], equation.out.shape[-1])
    inputs = (table, weight, *bias)
    rows = workshop.compute(equation.op.name, inputs, shape, equation.out.dtype, equation.params)
    return become(equation, "take", rows, index, **made.params)


def _multiplied(equation: Equation, workshop: Workshop) -> Equation | None:
    left, right = equation.inputs
    if left.ndim < 2 or right.ndim != 2:
        return None
    return _chosen(equation, workshop) or _transposed(equation, workshop)


def _transposed(equation: Equation, workshop: Workshop) -> Equation | None:
    """``G.T @ rows``, where the rows are those of all sequences one below the other."""
    left, right = equation.inputs
    turned = workshop.made(left, "matrix_transpose")
    flat = workshop.made(right, "reshape")
    made = _table(right if flat is None else flat.inputs[0], workshop)
    if turned is None or left.ndim != 2 or made is None:
        return None
    table, index = made.inputs
    gradient, dtype = turned.inputs[0], equation.out.dtype
    if math.prod(index.shape) != right.shape[0] or table.shape[1] != right.shape[1]:
        return None
    count = gradient.shape[1]
    spread = (*index.shape, count)
    if gradient.shape != spread:
        gradient = workshop.compute(
            "reshape", (gradient,), spread, dtype, {"shape": spread, "copy": None}
        )
    shape = (table.shape[0], count)
    added = workshop.compute(
        "add_at", (gradient, index), shape, dtype, {"index": (SLOT,), "shape": shape}
    )
    turned_back = workshop.compute("matrix_transpose", (added,), shape[::-1], dtype)
    return become(equation, "matmul", turned_back, table)


def _added(equation: Equation, workshop: Workshop) -> Equation | None:
    """Rows of a product, added up where the index says."""
    rows, *indices = equation.inputs
    product = workshop.made(rows, "matmul")
    if product is None or equation.params["index"] != (SLOT,) or len(indices) != 1:
        return None
    (index,) = indices
    gradient, weight = product.inputs
    if (
        type(index) is not Value or weight.ndim != 2 or gradient.ndim != index.ndim + 1
        or not _pays(equation.out.shape, index)
    ):  # fmt: skip
        return None
    shape = (equation.out.shape[0], gradient.shape[-1])
    params = {**equation.params, "shape": shape}
    added = workshop.compute("add_at", (gradient, index), shape, equation.out.dtype, params)
    return become(equation, "matmul", added, weight)

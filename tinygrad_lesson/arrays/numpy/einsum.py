"""The kernel of einsum: operands are multiplied two by two, as matrices wherever that is faster.

What is done depends on the subscripts and shapes alone, so it is planned once, and remembered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .. import Array
from ..subscripts import Subscripts, lengths, parse

Shape = tuple[int, ...]


class Arrangement(NamedTuple):
    """How the axes of an operand are prepared, in this order; None where nothing is to be done.

    Attributes
    ----------
    diagonal
        Subscripts that take the diagonal of axes with the same letter.
    summed
        Axes to sum over, as no other operand and not the result has their letters.
    order, stretched, joined
        The order of the axes left, their lengths, and the shape in which some are joined.
    """

    diagonal: str | None
    summed: tuple[int, ...] | None
    order: tuple[int, ...] | None
    stretched: Shape | None
    joined: Shape | None


class Product(NamedTuple):
    """How two operands become one, with their places among the operands left."""

    places: tuple[int, int]
    first: Arrangement
    second: Arrangement
    function: Callable[[Array, Array], Array]
    shape: Shape


def einsum(*arrays: Array, subscripts: str) -> Array:
    products, last = _plan(subscripts, tuple(a.shape for a in arrays))
    dtype = np.result_type(*arrays)  # in which sums of a narrower operand keep their digits
    operands = [a.astype(dtype, copy=False) for a in arrays]
    for (i, j), first, second, function, shape in products:
        y, x = operands.pop(j), operands.pop(i)
        out = function(_arranged(x, first), _arranged(y, second))
        operands.append(out if out.shape == shape else out.reshape(shape))
    return _arranged(operands[0], last)


def _arranged(x: Array, plan: Arrangement) -> Array:
    diagonal, summed, order, stretched, joined = plan
    if diagonal is not None:
        x = np.einsum(diagonal, x)  # a view
    if summed is not None:
        x = np.add.reduce(x, axis=summed, dtype=x.dtype)
    if order is not None:
        x = x.transpose(order)
    if stretched is not None:
        x = np.broadcast_to(x, stretched)
    return x if joined is None else x.reshape(joined)


# ---- the plan ----------------------------------------------------------------------------


class Term(NamedTuple):
    """An operand before it is there: the letters and lengths of its axes."""

    letters: str
    shape: Shape

    def of(self, letters: Sequence[str]) -> Shape:
        """The lengths of the axes with these letters."""
        return tuple(self.shape[self.letters.index(a)] for a in letters)


@lru_cache(maxsize=1024)
def _plan(subscripts: str, shapes: tuple[Shape, ...]) -> tuple[list[Product], Arrangement]:
    """All products, and how the axes of the last result are arranged."""
    parsed = parse(subscripts, tuple(map(len, shapes)))
    lengths(parsed, shapes)  # refuses those that differ
    terms = [Term(*both) for both in zip(parsed.terms, shapes, strict=True)]
    products = []
    for i, j in _order(parsed, shapes):
        y, x = terms.pop(j), terms.pop(i)
        product, term = _product(
            (i, j), x, y, "".join([parsed.result, *(t.letters for t in terms)])
        )
        products.append(product)
        terms.append(term)
    return products, _arrangement(terms[0], parsed.result)


def _order(parsed: Subscripts, shapes: tuple[Shape, ...]) -> list[tuple[int, int]]:
    """Which two operands to multiply, again and again, by NumPy's greedy search.

    A result is put behind the operands that are left.
    """
    if len(shapes) <= 2:
        return [(0, 1)] if len(shapes) == 2 else []
    stand_ins = [np.broadcast_to(0.0, shape) for shape in shapes]
    path: list[Any] = np.einsum_path(str(parsed), *stand_ins, optimize="greedy")[0][1:]
    pairs: list[tuple[int, int]] = []
    count = len(shapes)
    for places in path:
        *rest, last = sorted(places)
        for place in reversed(rest):  # more than two at once are multiplied from the last one on
            pairs.append((place, last))
            count -= 1
            last = count - 1
    return pairs


def _product(places: tuple[int, int], x: Term, y: Term, kept: str) -> tuple[Product, Term]:
    """The product of two operands, summed over the letters that nobody keeps."""
    first = [a for a in dict.fromkeys(x.letters) if a in kept + y.letters]
    second = [a for a in dict.fromkeys(y.letters) if a in kept + x.letters]
    shared = [a for a in first if a in second and a in kept]
    inner = [a for a in first if a in second and a not in kept]
    rows = [a for a in first if a not in second]
    columns = [a for a in second if a not in first]

    sizes = lengths(Subscripts((x.letters, y.letters), ""), (x.shape, y.shape))
    batch, others = x.of(shared), y.of(shared)
    summed = {a: sizes[a] for a in inner}
    length = math.prod(summed.values())
    if not inner:  # a product of numbers, not of matrices
        function: Callable[[Array, Array], Array] = np.multiply
        left = (*batch, *x.of(rows), *[1] * len(columns))
        right = (*others, *[1] * len(rows), *y.of(columns))
    elif not rows and not columns:
        function, left, right = np.vecdot, (*batch, length), (*others, length)
    else:
        function = np.matmul if shared else np.dot
        left = (*batch, math.prod(x.of(rows)), length)
        right = (*others, length, math.prod(y.of(columns)))
    letters = [*shared, *rows, *columns]
    result = Term("".join(letters), tuple(sizes[a] for a in letters))
    product = Product(
        places,
        _arrangement(x, [*shared, *rows, *inner], left, summed),
        _arrangement(y, [*shared, *inner, *columns], right, summed),
        function,
        result.shape,
    )
    return product, result


def _arrangement(
    term: Term,
    wanted: Sequence[str],
    joined: Shape | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Arrangement:
    """What makes the axes of `term` those `wanted`, as long as `sizes` has it, and joins them."""
    unique = "".join(dict.fromkeys(term.letters))
    left = [a for a in unique if a in wanted]
    order = tuple(left.index(a) for a in wanted)
    shape = term.of(wanted)
    sizes = sizes or {}
    stretched = tuple(sizes.get(a, n) for a, n in zip(wanted, shape, strict=True))
    return Arrangement(
        f"{term.letters}->{unique}" if unique != term.letters else None,
        tuple(i for i, a in enumerate(unique) if a not in wanted) or None,
        order if list(order) != sorted(order) else None,
        stretched if stretched != shape else None,
        joined if joined != stretched else None,
    )

"""Einstein summation: NumPy's whole syntax, gradients of any expression, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors, ops

from .support import numeric_gradients, same, seeded


def arrays_of(*shapes: tuple[int, ...]) -> list[np.ndarray]:
    return [seeded("einsum", i, shape).uniform(-2, 2, shape) for i, shape in enumerate(shapes)]


EXPRESSIONS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij,jk", [(2, 3), (3, 4)]),
    ("ij , jk -> ki", [(2, 3), (3, 4)]),
    ("ba", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("iijj->ij", [(2, 2, 3, 3)]),
    ("ijk->", [(2, 3, 2)]),
    ("->", [()]),
    (",i", [(), (3,)]),
    ("i,j->ij", [(2,), (3,)]),
    ("i,j->", [(2,), (3,)]),
    ("i,i", [(3,), (3,)]),
    ("ij,ij->j", [(2, 3), (2, 3)]),
    ("ii,ij->j", [(3, 3), (3, 2)]),
    ("i...,i...->...", [(2, 3, 1), (2, 1, 4)]),
    ("...ij,...jk", [(2, 1, 2, 3), (4, 3, 2)]),
    ("...,...", [(2, 3), (3,)]),
    ("...i->i...", [(2, 3)]),
    ("...->...", [()]),
    ("bhqd,bhkd->bhqk", [(2, 2, 3, 2), (2, 2, 2, 2)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 2, 2), (2, 2, 2, 2)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 4)]),
    ("i,i,i->i", [(3,), (1,), (3,)]),
    ("i,j,k->ijk", [(2,), (3,), (2,)]),
    ("abc,bd,cd,a->ad", [(2, 3, 2), (3, 2), (2, 2), (2,)]),
    ("ij,jk->ik", [(2, 1), (3, 2)]),
    ("ij,ij->ij", [(1, 3), (2, 1)]),
    ("ij,kj->ik", [(0, 3), (2, 3)]),
    ("ij,jk->ik", [(2, 0), (0, 3)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), EXPRESSIONS)
def test_value_and_gradients(subscripts: str, shapes: Any) -> None:
    arrays = arrays_of(*shapes)
    expected = np.einsum(subscripts, *arrays)
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    out = tl.einsum(subscripts, *tensors)
    same(out, expected)
    c = seeded("c").uniform(-1, 1, expected.shape)
    found = autograd.grad(out, tensors, Tensor(c))
    numeric = numeric_gradients(
        lambda xs: np.sum(c * np.einsum(subscripts, *xs)), arrays, range(len(arrays))
    )
    for got, numbers in zip(found, numeric, strict=True):
        same(got, numbers, 1e-9, 1e-9)


@st.composite
def expressions(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Any terms with up to four letters, of which the result has some in any order."""
    lengths = {letter: draw(st.integers(1, 3)) for letter in "abcd"}
    terms = draw(st.lists(st.text("abcd", max_size=3), min_size=1, max_size=4))
    known = sorted(set("".join(terms)))
    result = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
    shapes = [tuple(lengths[letter] for letter in term) for term in terms]
    return f"{','.join(terms)}->{''.join(result)}", shapes


@given(expressions())
def test_any_expression(expression: tuple[str, list[tuple[int, ...]]]) -> None:
    """The value is NumPy's, and as it is linear in each operand, <gradient, operand> is it too."""
    subscripts, shapes = expression
    arrays = arrays_of(*shapes)
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    out = tl.einsum(subscripts, *tensors)
    expected = np.einsum(subscripts, *arrays)
    same(out, expected)
    c = seeded("any", subscripts).uniform(-1, 1, expected.shape)
    for array, g in zip(arrays, autograd.grad(out, tensors, Tensor(c)), strict=True):
        same(np.sum(g.numpy() * array), np.sum(c * expected), 1e-10, 1e-10)


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.uint8, np.int64, np.float16, np.float32])
@pytest.mark.parametrize("subscripts", ["ij,jk", "ij,ij->i", "ij,kj->", "ij,jk->ijk"])
def test_dtypes_are_numpys(subscripts: str, dtype: Any) -> None:
    x = (np.arange(9).reshape(3, 3) % 4).astype(dtype)
    out, expected = tl.einsum(subscripts, x, x), np.einsum(subscripts, x, x)
    assert out.dtype == expected.dtype
    same(out, expected, 1e-2)


def test_the_widest_operand_decides_in_what_all_are_summed_up() -> None:
    x, y, z = np.float32([1e8, 1.0, 1.0]), np.float32([[1.0, 1e-8, 0]]), np.array([0.1])
    for written, operands in [("i,j->j", (x, z)), ("i,ji,j->", (x, y, z))]:
        expected = np.einsum(written, *(a.astype(float) for a in operands))
        same(tl.einsum(written, *operands), expected, 1e-15, 0)


def test_operands_may_be_a_list() -> None:
    x, y = arrays_of((2, 3), (3, 2))
    same(tl.einsum("ij,jk", [x, y]), x @ y)
    same(ops.einsum(x, y, subscripts="ij,jk"), x @ y)
    same(tl.einsum(",ij->ji", 2, x), 2 * x.T)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "error", "text"),
    [
        ("ij", [(2, 3), (3, 2)], errors.ArgumentError, "is for 1 operands, and 2 are given"),
        ("ij,j1", [(2, 3), (3, 2)], errors.ArgumentError, "'j1' .* has more in it than letters"),
        ("i......", [(2, 3)], errors.ArgumentError, "has more in it than letters"),
        ("ij,jk->im", [(2, 3), (3, 2)], errors.ArgumentError, "'m' .* is in no operand"),
        ("ij->ii", [(2, 3)], errors.ArgumentError, "'i' is twice in the result"),
        ("...i->i", [(2, 3)], errors.ArgumentError, "lacks the axes that '...' stands for"),
        ("ijk", [(2, 3)], errors.ShapeError, "3 letters for an operand of 2 axes"),
        ("i", [(2, 3)], errors.ShapeError, "1 letters for an operand of 2 axes"),
        ("ij,jk", [(2, 3), (4, 2)], errors.ShapeError, "'j' .* stands for lengths 3 and 4"),
        ("ii", [(2, 3)], errors.ShapeError, "'i' .* stands for lengths 2 and 3"),
        ("ii", [(3, 1)], errors.ShapeError, "'i' .* stands for lengths 3 and 1"),
        ("...,...", [(2, 3), (4,)], errors.ShapeError, "stands for lengths 3 and 4"),
    ],
)
def test_what_it_refuses(subscripts: str, shapes: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=rf"\[einsum\] .*{text}"):
        tl.einsum(subscripts, *arrays_of(*shapes))


def test_the_text_comes_first() -> None:
    with pytest.raises(errors.ArgumentError, match="The text comes first"):
        tl.einsum(Tensor([1.0]), "i")  # type: ignore[arg-type]

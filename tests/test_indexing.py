"""Indexing where the registry's samples do not reach: sizes, layouts, repeats, ties."""

from __future__ import annotations

import itertools
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors
from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.arrays import numpy as xp

from .oracles.indexing import add_at
from .support import same, seeded

X = np.arange(12.0).reshape(3, 4)
ALL = slice(None)

# ---- sums over indices: the kernel chooses its way by size ---------------------------------

SUMS = [
    ((7, 5), (SLOT,), [(4,)]),
    ((100, 8), (SLOT,), [(40, 5)]),
    ((50, 64), (SLOT,), [(600,)]),
    ((300,), (SLOT,), [(40_000,)]),
    ((20, 30), (SLOT, SLOT), [(1500,), (1500,)]),
    ((20, 30, 40), (SLOT, SLOT), [(30, 20), (20,)]),
    ((20, 300), (ALL, SLOT), [(500,)]),
    ((20, 300), (ALL, SLOT), [(5,)]),
    ((6, 5, 7), (SLOT, ALL, SLOT), [(300,), (300,)]),
    ((40, 50), (slice(None, None, -2), SLOT), [(90,)]),
    ((400, 500), (SLOT, SLOT), [(9,), (9,)]),
]


@pytest.mark.parametrize("scipy", [True, False], ids=["sparse", "plain"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int32, np.uint8])
@pytest.mark.parametrize(("shape", "index", "lengths"), SUMS)
def test_add_at_of_any_size(monkeypatch, scipy, dtype, shape, index, lengths):
    if not scipy:
        monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    rng = seeded(shape, index)
    axes = [axis for axis, item in enumerate(index) if item is SLOT]
    arrays = [rng.integers(-shape[a], shape[a], n) for a, n in zip(axes, lengths, strict=True)]
    filled = tuple(arrays.pop(0) if item is SLOT else item for item in index)
    arrays = [item for item in filled if isinstance(item, np.ndarray)]
    values = rng.integers(-9, 9, np.zeros(shape)[filled].shape).astype(dtype)
    found = xp.add_at(values, *arrays, index=index, shape=shape)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, add_at(values, *arrays, index=index, shape=shape))


@pytest.mark.parametrize("count", [10, 5000])
def test_many_halves_are_summed_in_single_precision(count):
    ones = np.ones(count, np.float16)
    found = xp.add_at(ones, np.zeros(count, int), index=(SLOT,), shape=(1,))
    assert found.tolist() == [count]  # in half precision 2048 + 1 is 2048


@pytest.mark.parametrize("count", [3, 3000])
@pytest.mark.parametrize("wrong", [7, -8])
def test_add_at_refuses_what_does_not_exist(count, wrong):
    places = np.zeros(count, int)
    places[-1] = wrong
    with pytest.raises(errors.IndexingError, match=rf"index {wrong} does not exist in axis 0"):
        tl.add_at(np.ones(count), places, index=(SLOT,), shape=(7,))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64])
def test_indices_of_narrow_integers(dtype):
    rows = np.arange(100).astype(dtype)
    grown = xp.add_at(np.ones((100, 20)), rows, index=(SLOT,), shape=(200, 20))
    assert grown.sum() == 2000.0
    picked = tl.take_along_axis(np.arange(300.0)[None], rows[None])
    assert picked.numpy()[0, -1] == 99.0
    assert tl.take(np.arange(300.0), rows).tolist() == Tensor(np.arange(300.0))[rows].tolist()


def test_the_gradient_of_what_takes_nothing_from_nothing():
    x = Tensor(np.ones((0, 2, 0)), requires_grad=True)
    tl.take(x, [0, 3], axis=2).sum().backward()  # as NumPy has it, without an element to miss
    assert x.grad.shape == x.shape


@pytest.mark.parametrize("width", [3, 3000])
def test_take_one_row_by_its_number(width):
    x = Tensor(np.ones((2, width)), requires_grad=True)
    y = tl.take(x, 1, axis=0)
    y.sum().backward()
    assert y.shape == (width,)
    assert x.grad.sum(axis=1).tolist() == [0.0, width]


LAYOUTS = [
    lambda x: x,
    lambda x: x.T.copy().T,
    lambda x: x[::-1].copy()[::-1],
    lambda x: x[:, ::-1].copy()[:, ::-1],
]


@pytest.mark.parametrize(("of_index", "of_values"), [*itertools.product(LAYOUTS, LAYOUTS)])
def test_the_last_of_repeated_writes_stays_in_any_layout(of_index, of_values):
    rng = seeded("writes")
    i, j = rng.integers(0, 3, (2, 4, 5))
    values, expected = rng.uniform(-1, 1, (4, 5)), np.zeros((3, 3))
    for place in np.ndindex(4, 5):
        expected[i[place], j[place]] = values[place]
    arrays = of_index(i), of_index(j)
    found = xp.setitem(np.zeros((3, 3)), of_values(values), *arrays, index=(SLOT, SLOT))
    same(found, expected)
    lasting = xp.last_written(*arrays, index=(SLOT, SLOT), shape=(3, 3))
    same(expected[i, j][lasting], values[lasting])
    assert lasting.sum() == len({*zip(i.flat, j.flat, strict=True)})


# ---- along an axis -------------------------------------------------------------------------


@given(st.data())
def test_scatter_add_is_the_adjoint_of_gather(data):
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    lengths = [data.draw(st.integers(1, n)) for n in shape]
    lengths[axis] = data.draw(st.integers(1, 6))
    rng = seeded(shape, lengths)
    indices = rng.integers(-shape[axis], shape[axis], lengths)
    x, y = rng.uniform(-1, 1, shape), rng.uniform(-1, 1, lengths)
    ax = tl.gather(x, indices, axis)
    same((ax * y).sum(), (tl.scatter_add(np.zeros(shape), indices, y, axis) * x).sum())


@given(st.data())
def test_take_along_axis_broadcasts_beside_the_axis(data):
    x_shape = data.draw(st.sampled_from([(3, 4), (1, 4), (3, 1)]))
    i_shape = data.draw(st.sampled_from([(3, 2), (1, 2), (3, 1)]))
    rng = seeded(x_shape, i_shape)
    indices = rng.integers(0, x_shape[1], i_shape)
    x = Tensor(rng.uniform(-1, 1, x_shape), requires_grad=True)
    out = tl.take_along_axis(x, indices)
    full = np.broadcast_to(indices, (out.shape[0], indices.shape[1]))
    rows = np.broadcast_to(x.numpy(), (out.shape[0], x_shape[1]))
    same(out, np.take_along_axis(rows, full, 1))
    y = rng.uniform(-1, 1, out.shape)
    (g,) = autograd.grad(out, x, Tensor(y))
    same((out * y).sum(), (g * x).sum())


def test_one_number_for_all_places():
    rows = tl.scatter(tl.zeros(2, 3), [[1], [2]], 1.0, axis=1)
    assert rows.tolist() == [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    src = Tensor(2.0, requires_grad=True)
    tl.scatter_add(tl.zeros(2, 3), [[1, 1], [2, 2]], src, axis=1).sum().backward()
    assert src.grad.item() == 4.0


def test_sorting_undone_by_scatter():
    order = np.argsort(seeded("sort").uniform(size=(3, 5)), axis=1)
    x = seeded("x").uniform(size=(3, 5))
    ranked = tl.take_along_axis(x, order, axis=1)
    same(tl.scatter(np.zeros((3, 5)), order, ranked, axis=1), x)


def test_of_repeated_writes_only_the_last_has_a_gradient():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    src = Tensor([10.0, 20.0], requires_grad=True)
    for write in (tl.scatter, tl.index_copy):
        out = write(x, [1, 1], src, axis=0)
        assert out.tolist() == [1.0, 20.0, 3.0]
        first, second = autograd.grad(out.sum(), [x, src])
        assert first.tolist() == [1.0, 0.0, 1.0]
        assert second.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("reduce", ["amax", "amin"])
def test_equal_extremes_share_the_gradient(reduce, include_self):
    x = Tensor([5.0, 7.0], requires_grad=True)
    src = Tensor([5.0, 5.0], requires_grad=True)
    out = tl.scatter_reduce(x, [0, 0], src, 0, reduce, include_self)
    assert out.tolist() == [5.0, 7.0]
    share = 1 / (2 + include_self)
    first, second = autograd.grad(out.sum(), [x, src])
    same(first, np.array([share if include_self else 0.0, 1.0], np.float32), 1e-6)
    same(second, np.array([share, share], np.float32), 1e-6)


@pytest.mark.parametrize(
    ("own", "sent", "slopes"),
    [
        (2.0, [3.0, 5.0], [15.0, 10.0, 6.0]),
        (0.0, [3.0, 5.0], [15.0, 0.0, 0.0]),
        (2.0, [0.0, 5.0], [0.0, 10.0, 0.0]),
        (2.0, [0.0, 0.0], [0.0, 0.0, 0.0]),
        (0.0, [0.0, 5.0], [0.0, 0.0, 0.0]),
    ],
)
def test_the_gradient_of_a_product_with_zeros(own, sent, slopes):
    x, src = Tensor([own, 9.0], requires_grad=True), Tensor(sent, requires_grad=True)
    out = tl.scatter_reduce(x, [0, 0], src, axis=0, reduce="prod")
    first, second = autograd.grad(out.sum(), [x, src])
    assert [first.tolist()[0], *second.tolist()] == slopes
    assert first.tolist()[1] == 1.0


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
def test_without_itself_an_element_stays_where_nothing_arrives(reduce):
    out = tl.scatter_reduce(Tensor([4.0, 5.0]), [1], Tensor([2.0]), 0, reduce, include_self=False)
    assert out.tolist() == [4.0, 2.0]


@pytest.mark.parametrize("accumulate", [False, True])
def test_index_put_is_an_assignment(accumulate):
    x, values = Tensor(X, requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    out = tl.index_put(x, values, [0, 0], [1, 1], accumulate=accumulate)
    expected = X.copy()
    expected[0, 1] = 1 + 3 if accumulate else 2
    same(out, expected)
    (g,) = autograd.grad(out.sum(), values)
    assert g.tolist() == ([1.0, 1.0] if accumulate else [0.0, 1.0])


# ---- masks ---------------------------------------------------------------------------------


def test_masked_select_and_its_gradient():
    x = Tensor(X, requires_grad=True)
    chosen = x.masked_select(x > 6)
    same(chosen, X[X > 6])
    (chosen**2).sum().backward()
    same(x.grad, np.where(X > 6, 2 * X, 0))


def test_nothing_selected():
    x = Tensor(X, requires_grad=True)
    chosen = tl.masked_select(x, x > 99)
    assert chosen.shape == (0,)
    chosen.sum().backward()
    same(x.grad, np.zeros((3, 4)))


@pytest.mark.parametrize("narrow", ["bool", "int8", "float16"])
@pytest.mark.parametrize(
    "add",
    [
        lambda x, values: tl.scatter_add(x, [0] * 4, values, axis=0),
        lambda x, values: tl.scatter_reduce(x, [0] * 4, values, axis=0, reduce="sum"),
        lambda x, values: tl.scatter_reduce(x, [0] * 4, values, axis=0, reduce="prod") - 1,
        lambda x, values: tl.index_add(x, [0] * 4, values, axis=0),
        lambda x, values: tl.index_put(x, values, Tensor([0] * 4), accumulate=True),
    ],
)
def test_values_are_combined_in_the_dtype_of_the_result(narrow, add):
    x, values = np.array([1.0, 1.0]), np.array([100.1, 100, 0.1, 7]).astype(narrow)
    found = add(Tensor(x), Tensor(values))
    same(found, add(Tensor(x), Tensor(values.astype("float64"))))
    assert found.dtype == np.float64


def test_the_largest_of_two_dtypes():
    x, values = Tensor(np.array([1, 2], "float16")), Tensor(np.array([2.0001, 1.5]))
    x.requires_grad, values.requires_grad = True, True
    out = tl.scatter_reduce(x, [0, 1], values, axis=0, reduce="amax")
    same(out, [2.0001, 2.0])
    out.sum().backward()
    same(x.grad, [0.0, 1.0])
    same(values.grad, [1.0, 0.0])
    same(tl.scatter_reduce([3], [0], [2.5], axis=0, reduce="prod"), [7.5])


# ---- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tl.take_along_axis(X, [[0.5]]), errors.DTypeError, "indices of float32"),
        (lambda: tl.take_along_axis(X, [0]), errors.ShapeError, "indices of shape (1,) for an"),
        (lambda: tl.take_along_axis(X, [[4]]), errors.IndexingError, "index 4 does not exist in"),
        (lambda: tl.take_along_axis(X, [[0]] * 2), errors.ShapeError, "indices of shape (2, 1)"),
        (lambda: tl.take_along_axis(X, [[0]], axis=2), errors.AxisError, "axis 2 does not"),
        (lambda: tl.gather(X, [[0]] * 5, axis=1), errors.ShapeError, "[gather] indices of shape"),
        (lambda: tl.gather(X, [[0]], axis=7), errors.AxisError, "[gather] axis=7"),
        (lambda: tl.scatter(X, [[9]], [[1.0]], axis=0), errors.IndexingError, "index 9 does not"),
        (lambda: tl.scatter(X, [[0] * 5], [[1.0] * 5], axis=0), errors.ShapeError, "[scatter]"),
        (lambda: tl.scatter(X, [[0, 1]], [[1.0]], axis=0), errors.ShapeError, "[scatter] src"),
        (lambda: tl.scatter(X, [[0.5]], [[1.0]], axis=0), errors.DTypeError, "of float32 cannot"),
        (lambda: tl.scatter([1, 2], [0], [1.5], axis=0), errors.DTypeError, "do not fit into"),
        (
            lambda: tl.scatter_reduce(X, [[0]], [[1.0]], axis=0, reduce="max"),
            errors.ArgumentError,
            "[scatter_reduce] reduce='max' is unknown",
        ),
        (
            lambda: tl.scatter_reduce([1, 2], [0], [1], axis=0, reduce="mean"),
            errors.DTypeError,
            "[scatter_reduce] reduce='mean' of int64",
        ),
        (
            lambda: tl.index_add(X, [7], np.ones((1, 4)), axis=0),
            errors.IndexingError,
            "index 7 does not exist in axis 0 of shape (3, 4)",
        ),
        (
            lambda: tl.index_add(X, [1], np.ones((2, 4)), axis=0),
            errors.ShapeError,
            "values of shape (2, 4) do not fit",
        ),
        (
            lambda: tl.index_add(X, [[1]], np.ones((1, 4)), axis=0),
            errors.ShapeError,
            "[index_add] indices of shape (1, 1) are no vector",
        ),
        (
            lambda: tl.index_copy(tl.zeros(3), [0, 4], tl.ones(5), axis=0),
            errors.IndexingError,
            "index 4 does not exist in axis 0 of shape (3,)",
        ),
        (lambda: tl.index_put(X, 1.0, [0.5]), errors.DTypeError, "[index_put] the indices are not"),
        (lambda: tl.index_put(X, 1.0, [8]), errors.IndexingError, "index 8 does not exist"),
        (lambda: tl.index_select(X, [[1]], axis=0), errors.ShapeError, "[index_select] indices"),
        (lambda: tl.masked_select(X, [1, 0, 1, 1]), errors.DTypeError, "a mask of int64"),
        (lambda: tl.masked_select(X, [True, False]), errors.ShapeError, "[masked_select] shapes"),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)

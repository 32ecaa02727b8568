"""Shapes, orders, joins, borders and diagonals, where the registry's samples do not reach."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors, ops
from tinygrad_lesson.arrays import numpy as xp

from .support import same, seeded

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)
X = np.arange(12.0).reshape(3, 4)


def numbers(*shape):
    return seeded(shape).uniform(-1, 1, shape)


# ---- the order of elements and axes --------------------------------------------------------


@given(SHAPES, st.integers(-9, 9), st.data())
def test_roll_there_and_back(shape, shift, data):
    x = numbers(*shape)
    axis = data.draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    same(xp.roll(x, shift, axis), np.roll(x, shift, axis))
    same(tl.roll(tl.roll(x, shift, axis), -shift, axis), x)


def test_roll_of_nothing():
    assert tl.roll(tl.zeros(0, 3), 2, axis=0).shape == (0, 3)


@pytest.mark.parametrize("k", range(-5, 6))
def test_quarter_turns(k):
    same(tl.rot90(X, k), np.rot90(X, k))
    same(tl.rot90(tl.rot90(X, k), -k), X)


@given(st.data())
def test_moveaxis_and_back(data):
    x = numbers(2, 3, 4, 5)
    count = data.draw(st.integers(1, 4))
    source = tuple(data.draw(st.permutations(range(4)))[:count])
    destination = tuple(data.draw(st.permutations(range(-4, 0)))[:count])
    there = tl.moveaxis(x, source, destination)
    same(there, np.moveaxis(x, source, destination))
    same(tl.moveaxis(there, destination, source), x)


def test_transpose_is_numpys():
    t = Tensor(numbers(2, 3, 4))
    for axes in ((), (None,), (1, 2, 0), ((1, 2, 0),), ([1, 2, 0],), (-1, 0, 1)):
        same(t.transpose(*axes), t.numpy().transpose(*axes))
    same(Tensor(X).transpose(1, 0), X.T)


@pytest.mark.parametrize("axes", [(0, 1), (-2, -1)])
def test_a_transpose_that_torch_understands_otherwise_is_refused(axes):
    with pytest.raises(errors.ArgumentError, match=r"transpose.* swaps two axes in PyTorch"):
        Tensor(X).transpose(*axes)


@given(SHAPES, st.data())
def test_sum_repeated_is_the_adjoint_of_repeat(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    length = shape[axis]
    repeats = data.draw(
        st.integers(0, 3) | st.lists(st.integers(0, 3), min_size=length, max_size=length)
    )
    x = numbers(*shape)
    ax = tl.repeat(x, repeats, axis=axis)
    same(ax, np.repeat(x, repeats, axis))
    y = numbers(*ax.shape)
    same((ax * y).sum(), np.sum(x * ops.sum_repeated(y, repeats, length, axis).numpy()))


def test_repeats_may_be_a_tensor_and_get_no_gradient():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = tl.repeat(x, Tensor([2, 0, 1]))
    assert y.tolist() == [1.0, 1.0, 3.0]
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 1.0]


@given(SHAPES, st.lists(st.integers(0, 3), min_size=0, max_size=5).map(tuple))
def test_tile_as_numpy(shape, repetitions):
    same(tl.tile(numbers(*shape), repetitions), np.tile(numbers(*shape), repetitions))


def test_tile_and_reshape_take_numbers_one_by_one():
    same(Tensor(X).tile(2, 1), np.tile(X, (2, 1)))
    same(Tensor(X).tile((2, 1)), np.tile(X, (2, 1)))
    same(Tensor(X).tile(2), np.tile(X, 2))


# ---- joined and cut ------------------------------------------------------------------------


@given(st.integers(0, 7), st.integers(1, 9))
def test_chunks_of_one_length_but_the_last(length, chunks):
    parts = tl.chunk(tl.arange(length), chunks)
    assert [n for part in parts for n in part.tolist()] == list(range(length))
    assert len(parts) <= chunks
    assert len({part.size for part in parts[:-1]}) <= 1


@given(hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), st.data())
def test_what_was_cut_joins_again(shape, data):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    places = tuple(sorted(data.draw(st.lists(st.integers(0, shape[axis])))))
    x = numbers(*shape)
    parts = tl.split(x, places, axis)
    for part, expected in zip(parts, np.split(x, places, axis), strict=True):
        same(part, expected)
    same(tl.concat(parts, axis=axis), x)
    same(tl.stack(tl.unstack(x, axis=axis), axis=axis), x)


def test_the_gradient_of_one_part_leaves_the_others_alone():
    x = Tensor(X, requires_grad=True)
    (tl.split(x, 2, axis=1)[1] ** 2).sum().backward()
    same(x.grad, 2 * X * [0, 0, 1, 1])


@pytest.mark.parametrize("function", [tl.hstack, tl.vstack, tl.dstack, tl.column_stack])
def test_numbers_and_lists_are_joined_as_by_numpy(function):
    join = getattr(np, function.name)
    same(function(1.0, 2.0), join([1.0, 2.0]))
    same(function([[1, 2], [3, 4]]), join([[1, 2], [3, 4]]))


@pytest.mark.parametrize(("function", "numpys"), [(tl.concat, np.concat), (tl.stack, np.stack)])
def test_an_axis_after_a_list_of_arrays(function, numpys):
    same(function([X, X + 1], -1), numpys([X, X + 1], -1))
    same(function((X, X + 1), np.int64(1)), numpys([X, X + 1], 1))
    same(tl.concat([X, X], None), np.concat([X, X], None))
    same(tl.concat([1.0, 2.0], 3, axis=None), [1.0, 2.0, 3.0])  # no axis, as there is one


# ---- shapes --------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "end"), [(0, 1), (1, 2), (-2, -1), (1, 1), (0, -1)])
def test_flatten_some_axes(start, end):
    x = numbers(2, 3, 4)
    first, last = start % 3, end % 3
    expected = x.reshape((*x.shape[:first], -1, *x.shape[last + 1 :]))
    same(Tensor(x).flatten(start, end), expected)
    same(tl.flatten(x, start_dim=start, end_dim=end), expected)


def test_a_reshape_that_may_not_copy():
    t = Tensor(X)
    same(tl.reshape(t, (4, 3), copy=False), X.reshape(4, 3))
    same(tl.reshape(t.T, (12,), copy=True), X.T.reshape(12))
    with pytest.raises(errors.RangeError, match=r"only in a copy"):
        tl.reshape(t.T, (12,), copy=False)


def test_astype_takes_the_standards_arguments():
    t = Tensor(X)
    assert tl.astype(t, tl.float32, copy=False, device="cpu").dtype == tl.float32
    with pytest.raises(errors.RangeError, match=r"no device 'gpu'"):
        tl.astype(t, tl.float32, device="gpu")


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_meshgrid_as_numpy(indexing, count):
    vectors = [numbers(n + 2) for n in range(count)]
    if not count:
        with pytest.raises(errors.ArgumentError):
            tl.meshgrid(indexing=indexing)
        return
    expected = np.meshgrid(*vectors, indexing=indexing)
    for out, grid in zip(tl.meshgrid(*vectors, indexing=indexing), expected, strict=True):
        same(out, grid)


# ---- borders -------------------------------------------------------------------------------

MODES = ["constant", "edge", "reflect", "symmetric", "wrap"]


@given(SHAPES, st.sampled_from(MODES), st.data())
def test_unpad_is_the_adjoint_of_pad(shape, mode, data):
    width = st.tuples(st.integers(0, 9), st.integers(0, 9))
    widths = tuple(data.draw(width) for _ in shape)
    x = numbers(*shape)
    ax = ops.pad(x, widths, mode)
    same(ax, np.pad(x, widths, mode))
    y = numbers(*ax.shape)
    same((ax * y).sum(), (ops.unpad(y, widths, mode) * x).sum(), 1e-10, 1e-10)


@pytest.mark.parametrize("width", [1, (1,) * 2, ((1, 2),), ((0, 1), (2, 0))])
def test_widths_in_every_form(width):
    same(tl.pad(X, width), np.pad(X, width))


# ---- diagonals -----------------------------------------------------------------------------


@given(hnp.array_shapes(min_dims=2, max_dims=4, max_side=4), st.integers(-3, 3), st.data())
def test_on_diagonal_is_the_adjoint_of_diagonal(shape, offset, data):
    axis1, axis2 = data.draw(st.permutations(range(len(shape))))[:2]
    x = numbers(*shape)
    if not -shape[axis1] < offset < shape[axis2]:
        return  # nothing is there
    ax = tl.diagonal(x, offset, axis1, axis2)
    same(ax, np.diagonal(x, offset, axis1, axis2))
    y = numbers(*ax.shape)
    aty = ops.on_diagonal(y, shape, offset, axis1, axis2)
    same((ax * y).sum(), (aty * x).sum())


def test_a_diagonal_beyond_the_matrix_is_empty():
    x = Tensor(X, requires_grad=True)
    y = tl.diagonal(x, offset=7)
    assert y.shape == (0,)
    y.sum().backward()
    same(x.grad, np.zeros((3, 4)))


def test_what_lies_outside_a_triangle_does_not_matter():
    x = Tensor([[1.0, np.inf], [np.nan, 1.0]], requires_grad=True)
    y = tl.triu(tl.tril(x))
    assert y.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    y.sum().backward()
    assert x.grad.tolist() == [[1.0, 0.0], [0.0, 1.0]]


# ---- what is refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tl.tril([1.0]), errors.ShapeError, "[tril] shape (1,) is no matrix"),
        (lambda: tl.diagonal(X, axis1=5), errors.AxisError, "[diagonal] axis 5 does not exist"),
        (lambda: tl.diagonal(X, axis1=1), errors.AxisError, "[diagonal] axis1 and axis2 of"),
        (lambda: tl.diag(tl.zeros(1, 1, 1)), errors.ShapeError, "[diag] shape (1, 1, 1)"),
        (lambda: tl.diag_embed(1.0), errors.ShapeError, "[diag_embed] a single number"),
        (lambda: tl.roll(X, 1.5), errors.ArgumentError, "[roll] shift=1.5 are not integers"),
        (lambda: tl.roll(X, (1, 2, 3), axis=(0, 1)), errors.ArgumentError, "differ in number"),
        (lambda: tl.roll(X, 1, axis=4), errors.AxisError, "[roll] axis 4 does not exist"),
        (lambda: tl.rot90(X, axes=(0, 0)), errors.AxisError, "[rot90] axes=(0, 0) names"),
        (lambda: tl.repeat(Tensor(1.0), 2, axis=0), errors.AxisError, "[repeat] axis 0 does not"),
        (lambda: tl.flatten(X, 2), errors.AxisError, "[flatten] start_axis=2 does not exist"),
        (lambda: tl.flatten(X, 0, 2), errors.AxisError, "[flatten] end_axis=2 does not exist"),
        (lambda: tl.flatten(X, 1, 0), errors.RangeError, "start_axis=1 comes after end_axis=0"),
        (lambda: Tensor(X).flatten("F"), errors.ArgumentError, "start_axis='F' is no integer"),
        (lambda: tl.stack(X, X, -1), errors.ShapeError, "Write axis=-1"),
        (lambda: tl.concat(X, X, 1), errors.ShapeError, "Write axis=1"),
        (lambda: tl.matrix_transpose(Tensor(1.0)), errors.ShapeError, "shape () is no matrix"),
        (lambda: tl.stack(X, X, axis=None), errors.TinygradError, "[stack]"),
        (lambda: tl.repeat(X, -1), errors.RangeError, "[repeat] repeats=-1 is negative"),
        (lambda: tl.repeat(X, 1.5), errors.DTypeError, "[repeat] repeats of float64"),
        (lambda: tl.repeat(X, (1, 2), axis=0), errors.ShapeError, "axis 0 of shape (3, 4)"),
        (lambda: tl.repeat(X, (1, 2)), errors.ShapeError, "shape (3, 4), flattened, with 12"),
        (lambda: tl.tile(X, -1), errors.RangeError, "[tile] repetitions=-1 is negative"),
        (lambda: tl.pad([1, 2], 1, constant_values=0.5), errors.DTypeError, "0.5 is no int64"),
        (lambda: tl.pad([1, 2], 1, constant_values=np.nan), errors.DTypeError, "nan is no int64"),
        (lambda: tl.pad(X, ((1, 2),) * 3), errors.ShapeError, "[pad] pad_width="),
        (lambda: tl.pad(X, -1), errors.RangeError, "[pad] pad_width=-1 is negative"),
        (lambda: tl.pad(X, 1, mode="zeros"), errors.ArgumentError, "[pad] mode='zeros'"),
        (lambda: tl.pad(tl.zeros(0), 1, "edge"), errors.RangeError, "[pad] an axis of shape (0,)"),
        (lambda: tl.split(X, 2), errors.ShapeError, "[split] axis 0 of shape (3, 4) has no 2"),
        (lambda: tl.split(X, 0), errors.ShapeError, "[split] axis 0 of shape (3, 4) has no 0"),
        (lambda: tl.chunk(X, 0), errors.RangeError, "[chunk] chunks=0"),
        (lambda: tl.unstack(X, axis=2), errors.AxisError, "[unstack] axis=2 does not exist"),
        (lambda: tl.narrow(X, 0, 2, 2), errors.RangeError, "[narrow] start=2, length=2"),
        (lambda: tl.unflatten(X, 1, (3, -1)), errors.ShapeError, "[unflatten] axis 1"),
        (lambda: tl.block_diag(tl.zeros(1, 1, 1)), errors.ShapeError, "[block_diag] shape"),
        (lambda: tl.moveaxis(X, 0, 5), errors.AxisError, "[moveaxis] destination=5"),
        (lambda: tl.moveaxis(X, (0, 1), 0), errors.ArgumentError, "[moveaxis] source=(0, 1)"),
        (lambda: tl.swapaxes(X, 0, 2), errors.AxisError, "[swapaxes] axis2=2"),
        (lambda: tl.transpose(X, (0,)), errors.AxisError, "[transpose] axes=(0,) name 1"),
        (lambda: tl.broadcast_arrays(X, [1, 2]), errors.ShapeError, "[broadcast_arrays] shapes"),
        (lambda: tl.meshgrid(X), errors.ShapeError, "[meshgrid] shape (3, 4) is no vector"),
        (lambda: tl.meshgrid([1], indexing="x"), errors.ArgumentError, "[meshgrid] indexing='x'"),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert message in str(caught.value)


def test_second_derivatives_through_a_view():
    x = Tensor(X, requires_grad=True)
    (g,) = autograd.grad((tl.moveaxis(x, 0, 1) ** 3).sum(), x, create_graph=True)
    (h,) = autograd.grad(g.sum(), x)
    same(h, 6 * X)


EMPTY = np.zeros((0, 3))


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda x: tl.pad(x, 1), (2, 5)),
        (lambda x: tl.pad(x, ((0, 0), (1, 2)), mode="wrap"), (0, 6)),
        (lambda x: tl.windows(x, 2, axis=1), (0, 2, 2)),
        (lambda x: tl.tril(x), (0, 3)),
        (lambda x: tl.diagonal(x), (0,)),
        (lambda x: tl.repeat(x, 2), (0,)),
        (lambda x: tl.repeat(x, (), axis=0), (0, 3)),
        (lambda x: tl.repeat(x, (1, 0, 2), axis=1), (0, 3)),
        (lambda x: tl.repeat(x, 0, axis=1), (0, 0)),
        (lambda x: tl.tile(x, (2, 2)), (0, 6)),
        (lambda x: tl.roll(x, 1), (0, 3)),
        (lambda x: tl.rot90(x), (3, 0)),
        (lambda x: tl.split(x, 3)[1], (0, 3)),
        (lambda x: tl.chunk(x, 2)[0], (0, 3)),
        (lambda x: tl.unstack(x, axis=1)[2], (0,)),
        (lambda x: tl.vstack(x, x), (0, 3)),
        (lambda x: tl.block_diag(x, [[1.0]]), (1, 4)),
        (lambda x: tl.take_along_axis(x, np.zeros((0, 2), int)), (0, 2)),
        (lambda x: tl.gather(x, np.zeros((0, 3), int), axis=0), (0, 3)),
        (lambda x: tl.scatter_add(x, np.zeros((0, 2), int), x, axis=1), (0, 3)),
        (lambda x: tl.scatter_reduce(x, np.zeros((0, 3), int), x, 0, "amax"), (0, 3)),
        (lambda x: tl.index_add(x, np.zeros(0, int), x, axis=0), (0, 3)),
        (lambda x: tl.masked_select(x, x > 0), (0,)),
    ],
)
def test_of_nothing(call, shape):
    x = Tensor(EMPTY, requires_grad=True)
    out = call(x)
    assert out.shape == shape
    out.sum().backward()
    assert x.grad.shape == (0, 3)

"""What the ops do at the points that samples avoid: kinks, ties, zeros, repeated indices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, ops

from .support import numeric_gradients, same, scalar, seeded


def slope(function, *numbers):
    """The derivative of `function` with respect to each of the numbers."""
    inputs = [scalar(number) for number in numbers]
    return tuple(float(g) for g in autograd.grad(function(*inputs), inputs))


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (tl.abs, 0.0, 0.0),
        (tl.relu, 0.0, 0.0),
        (lambda x: tl.clip(x, min=0.0), 0.0, 1.0),
        (lambda x: tl.clip(x, max=0.0), 0.5, 0.0),
        (lambda x: x**0, 0.0, 0.0),
        (lambda x: x**0.0, 2.0, 0.0),
        (lambda x: x**1, 0.0, 1.0),
        (lambda x: x**2, 0.0, 0.0),
        (lambda x: x**3, -2.0, 12.0),
        (lambda x: x**-1, -2.0, -0.25),
        (lambda x: 0**x, 2.0, 0.0),
        (lambda x: 2**x, 0.0, np.log(2)),
        (lambda x: x % 3, 7.5, 1.0),
        (tl.sigmoid, 1000.0, 0.0),
        (tl.sigmoid, -1000.0, 0.0),
        (tl.tanh, 1000.0, 0.0),
    ],
)
def test_slope_at_a_special_point(function, at, expected):
    assert slope(function, at) == (pytest.approx(expected),)


@pytest.mark.parametrize("function", [tl.maximum, tl.minimum])
def test_the_larger_of_equals_shares_its_gradient(function):
    assert slope(function, 2.0, 2.0) == (0.5, 0.5)


@pytest.mark.parametrize("function", [tl.max, tl.min])
def test_equal_extremes_share_the_gradient(function):
    x = Tensor([[1.0, 1.0], [2.0, 3.0]], requires_grad=True)
    function(x, axis=1).sum().backward()
    assert x.grad.tolist()[0] == [0.5, 0.5]


def test_slope_of_a_root_at_zero_is_infinite():
    with np.errstate(divide="ignore"):
        assert slope(tl.sqrt, 0.0) == (np.inf,)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 3, 5, 8])
def test_product_with_zeros(length, zeros):
    """First and second derivative, where dividing the product by a factor would be 0 / 0."""
    numbers = seeded(length, zeros).uniform(1, 2, length)
    numbers[:zeros] = 0
    x = Tensor(numbers, requires_grad=True)
    (first,) = autograd.grad(x.prod(), x, create_graph=True)
    same(first, numeric_gradients(lambda xs: np.prod(xs[0]), [numbers], [0])[0], 1e-9, 1e-9)
    weights = seeded("w", length).uniform(-1, 1, length)
    second = np.zeros(length)
    if length > 1:
        (tensor,) = autograd.grad((first * weights).sum(), x)
        second = tensor.numpy()

    def directional(xs):
        return numeric_gradients(lambda ys: np.prod(ys[0]), xs, [0], 0.01)[0] @ weights

    same(second, numeric_gradients(directional, [numbers], [0], 0.01)[0], 1e-7, 1e-7)


def test_every_repeated_index_gets_its_share():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    x[[0, 0, 2, 0]].sum().backward()
    assert x.grad.tolist() == [3.0, 0.0, 1.0]


def test_of_values_written_to_one_place_only_the_last_has_a_gradient():
    values = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    t = tl.zeros(2)
    t[[0, 0, 1]] = values
    assert t.tolist() == [2.0, 3.0]
    (t * Tensor([10.0, 100.0])).sum().backward()
    assert values.grad.tolist() == [0.0, 10.0, 100.0]


def test_negative_and_positive_numbers_of_one_place_are_one_place():
    values = Tensor([1.0, 2.0], requires_grad=True)
    t = tl.zeros(3)
    t[[2, -1]] = values
    t.sum().backward()
    assert values.grad.tolist() == [0.0, 1.0]


def test_softmax_does_not_overflow():
    x = Tensor([1000.0, 0.0, -1000.0], requires_grad=True)
    same(x.softmax(), [1.0, 0.0, 0.0])
    same(x.log_softmax(), [0.0, -1000.0, -2000.0])
    same(x.logsumexp(), 1000.0)


@given(
    hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.floats(-100, 100))
)
def test_softmax_sums_to_one_and_its_gradient_to_zero(x):
    t = Tensor(x, requires_grad=True)
    p = t.softmax()
    same(p.sum(axis=-1), np.ones(x.shape[:-1]))
    (g,) = autograd.grad(p, t, Tensor(seeded(x.shape).uniform(-1, 1, x.shape)))
    same(g.sum(axis=-1), np.zeros(x.shape[:-1]), atol=1e-10)


def test_slope_of_the_standard_deviation_of_equal_numbers_is_zero():
    x = Tensor([[2.0, 2.0, 2.0], [1.0, 2.0, 3.0]], requires_grad=True)
    x.std(axis=1).sum().backward()
    assert x.grad.tolist()[0] == [0.0, 0.0, 0.0]
    assert np.isfinite(x.grad.numpy()).all()


def test_variance_of_one_number_less_one():
    x = Tensor([3.0], requires_grad=True)
    with np.errstate(all="ignore"):
        v = x.var(correction=1.0)
        v.backward()
    assert np.isnan(v.item())
    assert np.isnan(x.grad.item())


@pytest.mark.parametrize("start_axis", [0, 1, 2, -1])
def test_flatten_of_nothing(start_axis):
    x = Tensor(np.ones((0, 3, 2)), requires_grad=True)
    y = tl.flatten(x, start_axis=start_axis)
    start = start_axis % 3
    assert y.shape == (*x.shape[:start], int(np.prod(x.shape[start:])))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((2, 3, 0), (0, 4)),
        ((2, 3, 1), (1, 0)),
        ((0, 3, 2), (2, 4)),
        ((2, 0, 2), (2, 4)),
        ((2, 3, 0), (2, 0, 4)),
        ((3, 0), (0,)),
        ((0,), (0, 3)),
    ],
)
def test_products_of_empty_matrices(first, second):
    x, y = np.ones(first), np.ones(second)
    tensors = [Tensor(a, requires_grad=True) for a in (x, y)]
    out = tensors[0] @ tensors[1]
    same(out, np.matmul(x, y))
    out.sum().backward()
    for t in tensors:
        same(t.grad, np.full(t.shape, t.grad.numpy().flat[0] if t.size else 0.0))


@pytest.mark.parametrize("shapes", [[(2, 3), (4,)], [(), (2,)], [(0,), (2, 1)]])
def test_concat_of_everything_flattened(shapes):
    arrays = [seeded(shape).uniform(-1, 1, shape) for shape in shapes]
    tensors = [Tensor(a, requires_grad=True) for a in arrays]
    out = tl.concat(tensors, axis=None)
    same(out, np.concat(arrays, axis=None))
    weights = np.arange(1.0, out.size + 1)
    found = autograd.grad((out * weights).sum(), tensors)
    same(np.concat([g.numpy() for g in found], axis=None), weights)


@pytest.mark.parametrize("data", [2.0, [2.0], [1.0, 2.0, 3.0]])
def test_broadcast_to_a_length(data):
    x = Tensor(data, requires_grad=True)
    y = tl.broadcast_to(x, 3)
    assert y.shape == (3,)
    y.sum().backward()
    assert x.grad.numpy().sum() == 3.0


@pytest.mark.parametrize("index", [1, np.int64(1), np.array(1), [0, 0], [[1], [0]], []])
def test_take_with_indices_of_any_shape(index):
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    index = np.asarray(index, int)
    y = tl.take(x, index, axis=0)
    same(y, np.take(x.numpy(), index, axis=0))
    y.sum().backward()
    same(x.grad, np.repeat(np.bincount(index.ravel(), minlength=2)[:, None], 2, axis=1))


@pytest.mark.parametrize("classes", [Tensor([0.5]), Tensor([True])])
def test_classes_that_are_no_integers_are_refused(classes):
    with pytest.raises(TypeError, match="integers"):
        tl.one_hot(classes, num_classes=3)


@pytest.mark.parametrize("classes", [[3], [-1], [0, 5]])
def test_classes_out_of_range_are_refused(classes):
    with pytest.raises(ValueError, match="num_classes=3"):
        tl.one_hot(Tensor(classes), num_classes=3)


def test_one_hot_rows():
    rows = tl.one_hot(Tensor([[2, 0]]), num_classes=3, dtype=tl.float64)
    assert rows.tolist() == [[[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]]
    assert rows.dtype == tl.float64


@pytest.mark.parametrize("shape", [(4,), (1, 4), (3, 4)])
def test_products_of_narrow_matrices_agree_with_einsum(shape):
    x, y = seeded(shape).uniform(-1, 1, shape), seeded("y").uniform(-1, 1, (4, 2))
    same(ops.matmul(Tensor(x), Tensor(y)), np.einsum("...i,ij->...j", x, y))


def test_second_derivatives_of_a_power_at_exponent_zero():
    """d2 (x**y) / dx dy = 1/x at y = 0, and all is finite where the base is 0, too."""
    x, y = Tensor([2.0, 0.0], requires_grad=True), Tensor([0.0, 0.0], requires_grad=True)
    (dx,) = autograd.grad((x**y).sum(), x, create_graph=True)
    assert dx.tolist() == [0.0, 0.0]
    (mixed,) = autograd.grad(dx.sum(), y)
    assert mixed.tolist() == [0.5, 1.0]


def test_numbers_among_stacked_tensors_take_their_dtype():
    t = Tensor([1.0, 2.0])
    assert tl.stack([t[0], 2.0]).dtype == tl.float32


def test_maximum_of_nan_and_relu_of_nan():
    x = Tensor([np.nan, 1.0], requires_grad=True)
    x.max().backward()
    assert x.grad.tolist() == [0.0, 0.0]
    (g,) = autograd.grad(tl.relu(x).sum(), x)
    assert g.tolist() == [1.0, 1.0]  # as PyTorch has it


def test_transposing_without_axes_reverses_them():
    x = Tensor(np.arange(6.0).reshape(1, 2, 3), requires_grad=True)
    assert np.transpose(x).shape == x.T.shape == (3, 2, 1)
    (x.T * np.arange(6.0).reshape(3, 2, 1)).sum().backward()
    same(x.grad, np.arange(6.0).reshape(3, 2, 1).T)

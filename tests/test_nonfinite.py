"""debug(): the first NaN or infinity is named with its cause, on the classics."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import NonFiniteError, NonFiniteWarning

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")

HERE = r"\(.*test_nonfinite\.py:\d+\)"


def complaint(function, *numbers):
    """What the backward pass says under debug."""
    tensors = [Tensor(x, requires_grad=True, dtype=tl.float64) for x in numbers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)
        with tl.debug(), pytest.raises(NonFiniteError) as caught:
            function(*tensors).sum().backward()
    return str(caught.value)


def warned(function, *numbers):
    """What the forward pass says under debug."""
    with tl.debug(), warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        function(*(Tensor(x, requires_grad=True, dtype=tl.float64) for x in numbers))
    messages = [w for w in found if w.category is NonFiniteWarning]
    assert all(w.filename == __file__ for w in messages)
    return [str(w.message) for w in messages]


@pytest.mark.parametrize(
    ("function", "op", "numbers"),
    [
        (lambda x: tl.where(x > 0, tl.sqrt(x), 0.0), "sqrt", "x = 0, and 0 came in"),
        (lambda x: tl.where(x > 0, 3 * tl.sqrt(x) + x, 0.0), "sqrt", "x = 0, and 0 came in"),
        (lambda x: tl.where(x > 0, tl.log(x), 0.0), "log", "x = 0, and 0 came in"),
        (lambda x: tl.where(x != 0, 1 / x, 0.0), "divide", "x = 1, y = 0, and 0 came in"),
        (lambda x: tl.where(x == 0, 0.0, x / x), "divide", "x = 0, y = 0, and 0 came in"),
        (lambda x: tl.where(x > 0, x**0.5, x), "pow", "x = 0, y = 0.5, and 0 came in"),
    ],
)
def test_a_branch_that_where_hides(function, op, numbers):
    message = complaint(function, [4.0, 0.0])
    assert re.match(rf"\[{op}\] the gradient for '[xy]' is (nan|inf) at \[1\]: {numbers}", message)
    assert re.search(rf"where hides this element {HERE}", message)
    assert re.search(r"where\(condition, ([xy]), 1.0\) in the place of '\1'", message)


def test_the_remedy_for_a_hidden_branch_helps():
    x = Tensor([4.0, 0.0], requires_grad=True)
    with tl.debug():
        tl.where(x > 0, tl.sqrt(tl.where(x > 0, x, 1.0)), 0.0).sum().backward()
    assert x.grad.tolist() == [0.25, 0.0]


@pytest.mark.parametrize(
    ("function", "numbers", "expected"),
    [
        (lambda x: tl.sqrt((x * x).sum()), [0.0, 0.0], r"\[sqrt\].*inf at \[\]: x = 0, and 1 came"),
        (lambda x: tl.sqrt(((x - x.mean()) ** 2).mean()), [2.0, 2.0], r"\[sqrt\].*tl.std"),
        (lambda x: tl.acos(x), [0.5, 1.0], r"\[acos\].*-inf at \[1\]: x = 1, and 1 came.*clip"),
        (lambda x: x**0.5, [1.0, 0.0], r"\[pow\].*inf at \[1\]: x = 0, y = 0.5"),
    ],
)
def test_a_slope_that_is_infinite(function, numbers, expected):
    message = complaint(function, numbers)
    assert re.match(expected, message), message
    assert re.search(HERE, message)
    assert "where hides" not in message


@pytest.mark.parametrize(
    ("function", "numbers", "expected"),
    [
        (lambda x: tl.log(tl.softmax(x)), [[0.0, 2000.0]], r"\[log\].*-inf at \[0\]: x = 0.*log_"),
        (lambda x, y: x * y, [[0.0], [np.inf]], r"\[multiply\].*nan at \[0\]: x = 0, y = inf"),
        (lambda x, y: x - y, [[np.inf], [np.inf]], r"\[subtract\].*nan at \[0\]: x = inf, y = inf"),
        (lambda x: tl.exp(x), [[1.0, 1e4]], r"\[exp\].*inf at \[1\]: x = 10000 .*overflows"),
        (lambda x: x / x.sum(), [[1.0, -1.0]], r"\[divide\].*at \[0\]: x = 1, y = 0 .*to the sum"),
        (lambda x: (x * 1e200).prod(), [[1e200, 1e10]], r"\[multiply\].*inf at \[0\]: x = 1e\+200"),
        (lambda x, y: x @ y, [np.full((2, 2), 1e200), np.full((2, 2), 1e200)],
         r"\[matmul\].*inf at \[0, 0\]: x = 1e\+200, y = 1e\+200"),
    ],
)  # fmt: skip
def test_a_result_that_is_not_finite(function, numbers, expected):
    (message,) = warned(function, *numbers)
    assert re.match(expected, message), message
    assert re.search(HERE, message)
    assert re.match(expected, complaint(function, *numbers))


def test_what_goes_in_as_infinity_is_no_complaint():
    scores = Tensor([[1.0, 2.0]], requires_grad=True)
    with tl.debug():
        tl.full_like(scores, -np.inf)
        tl.softmax(tl.where(Tensor([[True, False]]), scores, -np.inf))[0, 0].backward()
    assert np.isfinite(scores.grad.numpy()).all()


def test_an_input_that_is_not_finite_is_named():
    x = Tensor([1.0, np.nan], requires_grad=True, name="x")
    with tl.debug(), pytest.raises(NonFiniteError, match=r"the input x of shape \(2,\) holds nan"):
        (x * 2).sum().backward()


def test_the_module_is_named():
    class Root(nn.Module):
        def forward(self, x):
            return tl.sqrt(x)

    x = Tensor([0.0], requires_grad=True)
    with tl.debug(), pytest.raises(NonFiniteError, match=r"\[Sequential/0:Root sqrt\]"):
        nn.Sequential(Root())(x).sum().backward()


def test_stable_functions_have_nothing_to_report():
    x = Tensor([2.0, 2.0, 2.0], requires_grad=True)
    with tl.debug():
        (tl.std(x) + tl.log_softmax(x * 1000)[0] + tl.sigmoid(-x * 1000).sum()).backward()


def test_second_derivatives_are_watched_too():
    x = Tensor(0.0, requires_grad=True)
    with tl.debug(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NonFiniteWarning)
        (slope,) = tl.autograd.grad(x**1.5, x, create_graph=True)
        with pytest.raises(NonFiniteError, match=r"\[pow\]"):
            slope.backward()


def test_without_debug_nothing_is_said():
    x = Tensor([0.0], requires_grad=True)
    tl.sqrt(x).sum().backward()
    assert np.isinf(x.grad.numpy()).all()


def test_a_mapped_function_is_watched_on_all_examples():
    with tl.debug(), pytest.warns(NonFiniteWarning, match=r"\[divide\] the result is inf"):
        tl.vmap(tl.grad(lambda x: tl.sqrt(x).sum()))(np.zeros((2, 3)))

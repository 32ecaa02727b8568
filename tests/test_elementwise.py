"""Elementwise ops where the registry's samples do not lead: extremes, ties, poles, numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors, ops
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.op import REGISTRY
from tinygrad_lesson.samples import Domain

from .support import same, scalar, seeded

FAMILIES = (
    "elementwise",
    "powers",
    "exponentials",
    "trigonometric",
    "choices",
    "activations",
    "rectifiers",
)


def slopes(function, *numbers):
    """The derivatives of `function` with respect to each of the numbers."""
    inputs = [scalar(number) for number in numbers]
    return tuple(float(g) for g in autograd.grad(function(*inputs), inputs))


# ---- extremes: pytest takes a warning for an error ---------------------------------------


@pytest.mark.parametrize(
    ("function", "numbers", "value", "expected"),
    [
        (tl.logaddexp, (1000.0, -1000.0), 1000.0, (1.0, 0.0)),
        (tl.logaddexp, (-1000.0, -1000.0), -1000.0 + np.log(2), (0.5, 0.5)),
        (tl.logaddexp, (-np.inf, -np.inf), -np.inf, (0.5, 0.5)),
        (tl.logaddexp, (-np.inf, 3.0), 3.0, (0.0, 1.0)),
        (tl.logaddexp2, (5000.0, 5000.0), 5001.0, (0.5, 0.5)),
        (tl.logaddexp2, (-np.inf, -np.inf), -np.inf, (0.5, 0.5)),
        (tl.hypot, (3e200, 4e200), 5e200, (0.6, 0.8)),
        (tl.hypot, (3e-200, -4e-200), 5e-200, (0.6, -0.8)),
        (tl.hypot, (0.0, 0.0), 0.0, (0.0, 0.0)),
        (tl.atan2, (0.0, 0.0), 0.0, (0.0, 0.0)),
        (tl.atan2, (1e200, 1e200), np.pi / 4, (5e-201, -5e-201)),
        (tl.atan2, (0.0, -2.0), np.pi, (-0.5, 0.0)),
        (tl.atan, (1e300,), np.pi / 2, (0.0,)),
        (tl.asinh, (-1e300,), np.arcsinh(-1e300), (1e-300,)),
        (tl.acosh, (1e300,), np.arccosh(1e300), (1e-300,)),
        (tl.xlogy, (0.0, 0.0), 0.0, (0.0, 0.0)),
        (tl.xlogy, (0.0, -1.0), 0.0, (0.0, 0.0)),
        (tl.xlogy, (0.0, 2.0), 0.0, (np.log(2), 0.0)),
        (tl.xlog1py, (0.0, -1.0), 0.0, (0.0, 0.0)),
        (tl.xlog1py, (2.0, 1e-30), 2e-30, (1e-30, 2.0)),
        (tl.logit, (1e-300,), np.log(1e-300), (1e300,)),
        (tl.exp2, (-2000.0,), 0.0, (0.0,)),
        (tl.nan_to_num, (np.nan,), 0.0, (0.0,)),
        (tl.nan_to_num, (-np.inf,), -np.finfo(float).max, (0.0,)),
        (tl.copysign, (0.0, -2.0), 0.0, (0.0, 0.0)),
        (tl.copysign, (3.0, -0.0), -3.0, (-1.0, 0.0)),
        (tl.float_power, (0.0, 2.0), 0.0, (0.0, 0.0)),
        (tl.float_power, (0.0, 0.0), 1.0, (0.0, 0.0)),
    ],
)
def test_value_and_slopes_at_extremes(function, numbers, value, expected):
    same(function(*map(scalar, numbers)), value, rtol=1e-14, atol=0.0)
    inputs = [scalar(number) for number in numbers]
    found = autograd.grad(function(*inputs), inputs, allow_unused=True)
    same([0.0 if g is None else float(g) for g in found], expected, rtol=1e-12, atol=2e-308)


@pytest.mark.parametrize(
    ("function", "at", "expected"),
    [
        (tl.asin, 1.0, np.inf),
        (tl.acos, 1.0, -np.inf),
        (tl.acos, -1.0, -np.inf),
        (tl.acosh, 1.0, np.inf),
        (tl.atanh, 1.0, np.inf),
        (tl.cbrt, 0.0, np.inf),
        (lambda x: x**0.5, 0.0, np.inf),
        (tl.rsqrt, 0.0, -np.inf),
        (tl.logit, 0.0, np.inf),
        (tl.logit, 1.0, np.inf),
        (tl.log2, 0.0, np.inf),
        (tl.log10, 0.0, np.inf),
    ],
)
def test_infinite_slopes(function, at, expected):
    with np.errstate(divide="ignore"):
        assert slopes(function, at) == (expected,)


@pytest.mark.parametrize("order", range(6))
def test_derivatives_of_sinc_at_zero_and_beside_it(order):
    """The n-th is 0 for odd n, else (-1)**(n/2) pi**n / (n + 1); the next one gives the slope."""
    x = Tensor([0.0, 1e-9, -1e-6], requires_grad=True, dtype=tl.float64)
    y = tl.sinc(x)
    for _ in range(order):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)

    def at_zero(n):
        return (-1) ** (n // 2) * np.pi**n / (n + 1) if n % 2 == 0 else 0.0

    same(y, at_zero(order) + at_zero(order + 1) * x.numpy(), rtol=1e-9, atol=1e-15)


@given(st.floats(-20, 20), st.integers(1, 5))
def test_derivatives_of_sinc_satisfy_its_equation(x, order):
    """Differentiating t * f(t) = sin(t) gives t * f^(n) + n * f^(n-1) = sin^(n)."""
    f, before = (float(tl.sinc(scalar(x), order=n)) / np.pi**n for n in (order, order - 1))
    t = np.pi * x
    assert t * f + order * before == pytest.approx(np.sin(t + order * np.pi / 2), abs=1e-12)


# ---- ties, steps and NaN -----------------------------------------------------------------


@pytest.mark.parametrize("function", [tl.fmax, tl.fmin])
def test_of_two_the_one_that_is_a_number_has_the_gradient(function):
    assert slopes(function, 2.0, 2.0) == (0.5, 0.5)
    assert slopes(function, np.nan, 2.0) == (0.0, 1.0)
    assert slopes(function, 2.0, np.nan) == (1.0, 0.0)


def test_the_step_function():
    x = np.array([np.nan, -np.inf, -1e-310, -0.0, 0.0, 1e-310, np.inf])
    y = Tensor(np.full(7, 0.25), requires_grad=True)
    found = tl.heaviside(Tensor(x), y)
    same(found, np.heaviside(x, 0.25))
    found[1:].sum().backward()
    assert y.grad.tolist() == [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def test_masked_fill_as_function_and_method():
    x, value = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), scalar(9.0)
    mask = [True, False]
    out = x.masked_fill(mask, value)
    assert out.tolist() == [[9.0, 2.0], [9.0, 4.0]]
    out.sum().backward()
    assert x.grad.tolist() == [[0.0, 1.0], [0.0, 1.0]]
    assert value.grad.item() == 2.0
    assert tl.masked_fill(x, mask, float("-inf")).dtype == tl.float32


def test_float_power_is_double_precision():
    x = Tensor([2.0, 3.0], requires_grad=True)
    y = tl.float_power(x, 0.1)
    assert y.dtype == tl.float64
    same(y, np.array([2.0, 3.0]) ** 0.1, rtol=1e-15)
    y.sum().backward()
    assert x.grad.dtype == tl.float32


def test_the_parts_of_a_real_number():
    x = Tensor([1.5, -2.0], requires_grad=True)
    assert tl.real(x).tolist() == tl.conj(x).tolist() == tl.positive(x).tolist() == x.tolist()
    assert tl.imag(x).tolist() == [0.0, 0.0]
    assert not tl.imag(x).requires_grad


# ---- numbers beside tensors --------------------------------------------------------------

OF_SEVERAL = [
    pytest.param(op, id=op.name)
    for op in REGISTRY.values()
    if op.forward.__module__.rsplit(".", 1)[-1] in FAMILIES
    and len(op.arrays) > 1
    and op.kind.name == "elementwise"
]


def with_numbers(op, dtype):
    """Calls with one input a tensor and all the others Python numbers, and the inputs apart."""
    domains = [d for d in op.samples if isinstance(d, Domain)]
    arrays = [d.draw(seeded(op.name, "numbers", i), (3,), dtype) for i, d in enumerate(domains)]
    for i, domain in enumerate(domains):
        if domain.kind == "f" and op.arrays[i] not in op.without_gradient:
            numbers = [a[1].item() for a in arrays]
            yield i, arrays[i], numbers


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("op", OF_SEVERAL)
def test_numbers_take_the_dtype_of_the_tensor(op, dtype):
    for i, array, numbers in with_numbers(op, dtype):
        x = Tensor(array, requires_grad=True)
        y = op(*numbers[:i], x, *numbers[i + 1 :])
        assert y.dtype == (np.float64 if op is ops.float_power else dtype)
        y.sum().backward()
        assert x.grad.dtype == dtype


@pytest.mark.parametrize("op", OF_SEVERAL)
def test_numbers_keep_double_precision_in_derivatives(op):
    """Of the first and the second order: as with tensors in the place of the numbers."""
    for i, array, numbers in with_numbers(op, np.float64):
        results = []
        for others in (numbers, [Tensor(n, dtype=tl.float64) if type(n) is float else n
                                 for n in numbers]):  # fmt: skip
            x = Tensor(array, requires_grad=True)
            y = op(*others[:i], x, *others[i + 1 :])
            c = Tensor([0.3, -0.7, 1.1], requires_grad=True, dtype=tl.float64)
            (first,) = autograd.grad(y, x, c, create_graph=True)
            second = autograd.grad((first * first).sum(), [x, c], allow_unused=True)
            results.append([y, first, *second])
        for got, expected in zip(*results, strict=True):
            assert (got is None) == (expected is None)
            if got is not None:
                same(got, expected, rtol=1e-13, atol=1e-15)


# ---- choosing from large arrays ----------------------------------------------------------

LARGE = np.where(seeded("large").random((60, 70)) < 0.5, np.nan, -0.0)
LARGE[::7] = seeded("numbers").normal(size=70)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.bool_])
@pytest.mark.parametrize("mask_shape", [(60, 70), (1, 60, 70), (2, 60, 70)])
def test_where_of_large_arrays_is_numpys(dtype, mask_shape):
    """Large masks are a matter of bits: NaN, signs of zero and broadcasting must survive it."""
    mask = seeded("mask").random(mask_shape) < 0.5
    with np.errstate(invalid="ignore"):
        x, y = LARGE.astype(dtype), LARGE.astype(dtype)[::-1, ::-1]
    choices = [x, y, y[:1], y[:, :1], x[0, 0], 0.0, 1.5, -0.0, 3, 0, np.float64(0.1)]
    for first, second in itertools.permutations(choices, 2):
        found, expected = numpy_namespace.where(mask, first, second), np.where(mask, first, second)
        assert found.dtype == expected.dtype
        assert found.tobytes() == np.ascontiguousarray(expected).tobytes()
        found = numpy_namespace.where(mask[..., ::-1].swapaxes(-1, -2), 1.0, 0.0)
        assert found.sum() == mask.sum()


def test_logaddexp_of_many_numbers_is_numpys():
    special = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, -2.5, 1e300, -1e300, 1e-310])
    x, y = (np.tile(g.ravel(), 20) for g in np.meshgrid(special, special))
    with np.errstate(invalid="ignore"):  # NumPy's complains of NaN
        expected, beside_one = np.logaddexp(x, y), np.logaddexp(x, 1.0)
    same(tl.logaddexp(Tensor(x), Tensor(y)), expected)
    same(tl.logaddexp(Tensor(x), 1.0), beside_one)
    rows = seeded("rows").normal(size=(40, 1, 50)) * 100
    same(tl.logaddexp(rows, rows[:, 0].T[:, :1]), np.logaddexp(rows, rows[:, 0].T[:, :1]))
    narrow = rows.astype(np.float32)
    assert tl.logaddexp(Tensor(narrow), 1.0).dtype == np.float32


# ---- operators ---------------------------------------------------------------------------


def test_shift_operators():
    x, y = np.array([1, 5, -7]), np.array([3, 0, 1])
    t, u = Tensor(x), Tensor(y)
    assert (t << u).tolist() == (x << y).tolist()
    assert (t >> u).tolist() == (x >> y).tolist()
    assert (2 << u).tolist() == (2 << y).tolist()
    assert (64 >> u).tolist() == (64 >> y).tolist()
    v = t
    v <<= 2
    assert v is t
    v >>= 1
    assert v.tolist() == [2, 10, -14]


@pytest.mark.parametrize("name", ["atan2", "log2", "hypot", "logaddexp", "copysign", "fmod"])
def test_methods(name):
    x, y = np.array([1.0, 2.5]), np.array([2.0, 0.5])
    arrays = (x, y)[: len(REGISTRY[name].arrays)]
    t, *rest = map(Tensor, arrays)
    same(getattr(t, name)(*rest), getattr(np, name)(*arrays))
    same(getattr(np, name)(t, *rest), getattr(np, name)(*arrays))  # by NumPy's protocol


def test_lerp_method():
    start, end = Tensor([0.0, 10.0]), Tensor([4.0, 20.0])
    assert start.lerp(end, 0.25).tolist() == [1.0, 12.5]


def test_lerp_is_exact_at_its_ends_and_does_not_wrap_around():
    start, end = Tensor([1e8, 1.0]), Tensor([1.0, 1e8])
    assert tl.lerp(start, end, 1.0).tolist() == end.tolist()
    assert tl.lerp(start, end, 0.0).tolist() == start.tolist()
    assert tl.lerp(*(Tensor([n], dtype=tl.uint8) for n in (200, 100)), 0.5).tolist() == [150.0]
    assert tl.lerp(*(Tensor([n], dtype=tl.float16) for n in (6e4, -6e4)), 0.5).tolist() == [0.0]


def test_the_quotient_of_two_numbers_takes_the_dtype_and_may_be_infinite():
    x = Tensor([1.0, -1.0], requires_grad=True)
    same(tl.addcdiv(x, 1, 4, value=2), Tensor([1.5, -0.5]))
    with np.errstate(all="ignore"):
        out = tl.addcdiv(x, 1, 0)
        same(tl.addcdiv(x, 0.0, 0.0), Tensor([np.nan, np.nan]))
    same(out, Tensor([np.inf, np.inf]))
    out.sum().backward()
    same(x.grad, Tensor([1.0, 1.0]))


def test_a_scaled_product_of_integers_does_not_wrap_around():
    x = Tensor([100], dtype=tl.int8)
    assert tl.addcmul(x, x, x, value=0.5).tolist() == [5100.0]


# ---- identities --------------------------------------------------------------------------

FINITE = st.floats(-30, 30)


@given(FINITE)
def test_inverse_functions(x):
    t = scalar(x)
    near = {"rel": 1e-9, "abs": 1e-12}
    assert float(tl.asinh(tl.sinh(t))) == pytest.approx(x, **near)
    assert float(tl.acosh(tl.cosh(t))) == pytest.approx(abs(x), rel=1e-6, abs=1e-7)
    assert float(tl.log2(tl.exp2(t))) == pytest.approx(x, **near)
    assert float(tl.cbrt(t * t * t)) == pytest.approx(x, **near)
    assert float(tl.tan(tl.atan(t))) == pytest.approx(x, **near)
    assert float(tl.logit(tl.sigmoid(t / 10))) == pytest.approx(x / 10, **near)
    assert float(tl.rad2deg(tl.deg2rad(t))) == pytest.approx(x, **near)
    assert float(tl.frac(t) + tl.trunc(t)) == x


@given(FINITE, FINITE)
def test_identities_of_two_numbers(x, y):
    t, u = scalar(x), scalar(y)
    assert float(tl.exp(tl.logaddexp(t, u))) == pytest.approx(np.exp(x) + np.exp(y), rel=1e-12)
    assert float(tl.hypot(t, u)) ** 2 == pytest.approx(x * x + y * y, rel=1e-12)
    assert sum(slopes(tl.logaddexp, x, y)) == pytest.approx(1.0)
    radius, angle = tl.hypot(t, u), tl.atan2(u, t)
    same(radius * tl.cos(angle), x, 1e-12, 1e-12)
    same(radius * tl.sin(angle), y, 1e-12, 1e-12)


# ---- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Tensor([1.0]) << 2, errors.DTypeError,
         r"\[bitwise_left_shift\] not defined for float32 and int\. Use booleans or integers\."),
        (lambda: tl.ldexp([1.0], [0.5]), errors.DTypeError,
         r"\[ldexp\] not defined for float32 and float32\. Convert the input"),
        (lambda: tl.threshold([1.0]), errors.ArgumentError,
         r"\[threshold\] the keyword 'threshold' is missing\. Call threshold\("),
        (lambda: tl.lerp([1.0], [2.0]), errors.ArgumentError,
         r"\[lerp\] 2 arguments are too few\. Call lerp\(start, end, weight, /\)\."),
        (lambda: tl.hypot([1.0, 2.0], [1.0, 2.0, 3.0]), errors.ShapeError,
         r"\[hypot\] shapes \(2,\) and \(3,\) do not broadcast\."),
        (lambda: tl.addcmul([1.0, 2.0], [1.0], [1.0, 2.0, 3.0]), errors.ShapeError,
         r"\[addcmul\] shapes \(2,\) and \(1,\) and \(3,\) do not broadcast\."),
    ],
)  # fmt: skip
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()

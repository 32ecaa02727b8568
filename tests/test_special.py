"""Special functions: how precise they are, and where they end."""

from __future__ import annotations

import json
import math
import pathlib
from typing import Any

import numpy as np
import pytest
import scipy.special

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors
from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.arrays.numpy.blockwise import BLOCK

from .support import same, scalar

# ---- precision ---------------------------------------------------------------------------------

# Computed by mpmath in 50 digits or more, and rounded once.
TABLE = json.loads(pathlib.Path(__file__).with_name("special_values.json").read_text())


def ulps(found: Any, expected: Any) -> Any:
    """The distance in units in the last place of what is expected."""
    with np.errstate(all="ignore"):
        distance = np.abs(found - expected) / np.spacing(np.abs(expected))
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    return np.where(same, 0.0, distance)


@pytest.mark.parametrize("name", TABLE)
def test_to_the_last_place(name: str) -> None:
    function, *order = name.split()
    *inputs, expected = np.array(TABLE[name]).T
    params = {"n": int(order[0])} if order else {}
    found = getattr(xp, function)(*inputs, **params)
    allowed = 4.0 if function != "betaln" else 10.0
    if function == "beta":  # an exponential magnifies the error of its argument
        allowed = 10 + np.abs(np.log(expected))
    assert (ulps(found, expected) <= allowed).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
@pytest.mark.parametrize("name", TABLE)
def test_narrow_floats_are_rounded_once(name: str, dtype: Any) -> None:
    function, *order = name.split()
    *inputs, _ = np.array(TABLE[name]).T
    inputs = [x[np.abs(x) < 60].astype(dtype) for x in inputs]
    if len({x.size for x in inputs}) > 1:
        return
    params = {"n": int(order[0])} if order else {}
    wide = getattr(xp, function)(*(x.astype(float) for x in inputs), **params)
    found = getattr(xp, function)(*inputs, **params)
    assert found.dtype == dtype
    with np.errstate(over="ignore"):
        assert (ulps(found, wide.astype(dtype)) <= 1).all()


def grid(low: float, high: float) -> Any:
    return np.geomspace(low, high, 4000)


def line(low: float, high: float) -> Any:
    return np.linspace(low, high, 4001)[1:-1]


def of_math(function: Any) -> Any:
    return lambda x: np.array([function(v) for v in x.tolist()])


DENSE: list[tuple[str, Any, float, list[Any]]] = [
    # what SciPy adds to the distance is the larger part of it
    ("erf", of_math(math.erf), 4, [line(-7, 7), grid(5e-324, 1), -grid(5e-324, 1)]),
    ("erfc", of_math(math.erfc), 8, [line(-7, 27.3), grid(5e-324, 1)]),
    ("erfcx", scipy.special.erfcx, 12, [line(0, 50), grid(5e-324, 1e300)]),
    ("ndtr", scipy.special.ndtr, 40, [line(-5, 10), grid(5e-324, 1)]),
    ("log_ndtr", scipy.special.log_ndtr, 40, [line(-40, 5), -grid(1, 1e150)]),
    ("ndtri", scipy.special.ndtri, 8, [line(0, 1), grid(1e-307, 0.5), 1 - grid(1e-16, 0.5)]),
    ("erfinv", scipy.special.erfinv, 8, [line(-1, 1), grid(5e-324, 0.5), 1 - grid(1e-16, 0.5)]),
    ("erfcinv", scipy.special.erfcinv, 8, [line(0, 2), grid(1e-307, 0.5)]),
    ("gamma", scipy.special.gamma, 12, [line(0, 171.6), grid(1e-307, 1), line(-169.9, 0)]),
    ("lgamma", scipy.special.gammaln, 8, [line(2.1, 100), grid(100, 1e305), grid(1e-307, 0.5)]),
    ("digamma", scipy.special.digamma, 8, [line(0, 10), grid(10, 1e300), grid(1e-307, 1)]),
    ("i0", scipy.special.i0, 8, [line(-700, 700), line(-20, 20)]),
    ("i1", scipy.special.i1, 20, [line(-700, 700), line(-20, 20), grid(1e-307, 1)]),
    ("i0e", scipy.special.i0e, 8, [line(-20, 20), grid(20, 1e300)]),
    ("i1e", scipy.special.i1e, 16, [line(-20, 20), grid(20, 1e300)]),
    ("entr", scipy.special.entr, 2, [grid(5e-324, 1e300)]),
]


@pytest.mark.parametrize(("name", "oracle", "allowed", "inputs"), DENSE, ids=lambda v: str(v)[:8])
def test_on_dense_grids(name: str, oracle: Any, allowed: float, inputs: list[Any]) -> None:
    for x in inputs:
        found, expected = getattr(xp, name)(x), oracle(x)
        worst = np.argmax(ulps(found, expected))
        assert ulps(found, expected)[worst] <= allowed, x[worst]


@pytest.mark.parametrize("n", [1, 2, 3, 5, 20, 100])
def test_polygamma_on_dense_grids(n: int) -> None:
    for x in (line(0.1, 50), grid(0.01, 100), *([line(-10, 0)] if n % 2 else [])):
        with np.errstate(all="ignore"):
            expected = scipy.special.polygamma(n, x)
        assert (ulps(xp.polygamma(x, n=n), expected) <= 25).all()


def test_factorials_are_exact() -> None:
    n = np.arange(23)
    assert xp.gamma(n + 1.0).tolist() == [math.factorial(k) for k in n]
    assert xp.gamma(np.arange(1, 171)).tolist() == [float(math.factorial(k)) for k in range(170)]


def test_gamma_goes_on_below_the_smallest_normal_number() -> None:
    same(xp.gamma(np.array([-171.5])), [1.9316265431712e-310], atol=0)


def test_zeros_of_lgamma_and_digamma_have_all_their_digits() -> None:
    """Next to a zero the function is its slope times the distance, and then some."""
    h = 2.0**-40
    for zero, slope in ((1.0, -np.euler_gamma), (2.0, 1 - np.euler_gamma)):
        curve = float(scipy.special.polygamma(1, zero)) / 2
        for step in (-h, h):
            found = float(xp.lgamma(np.array(zero + step)))
            assert abs(found / (step * (slope + step * curve)) - 1) < 4e-15
    root = 1.4616321449683623  # which is 1e-16 too large
    assert abs(float(xp.digamma(np.array(root)))) < 2e-16


def test_inverses_lead_back() -> None:
    x = np.linspace(-5, 5, 1001)
    same(xp.erfinv(xp.erf(x[abs(x) < 3])), x[abs(x) < 3], rtol=1e-11)
    same(xp.erfcinv(xp.erfc(np.abs(x))), np.abs(x))
    same(xp.ndtri(xp.ndtr(-np.abs(x))), -np.abs(x))


def test_more_than_a_block_and_strides() -> None:
    x = np.linspace(-8, 8, 2 * BLOCK + 5)
    expected = scipy.special.erf(x)
    same(xp.erf(x), expected)
    same(xp.erf(x[::-3]), expected[::-3])
    same(xp.erf(x[: 2 * BLOCK].reshape(2, -1).T), expected[: 2 * BLOCK].reshape(2, -1).T)
    y = np.linspace(0.5, 9, 301)
    same(xp.betaln(y[:, None], y[:100]), scipy.special.betaln(y[:, None], y[:100]), atol=1e-11)


def test_pascals_triangle() -> None:
    for n in (1, 7, 40):
        row = [float(math.comb(n, k)) for k in range(n + 1)]
        same(tl.binom(float(n), np.arange(n + 1.0)), row, rtol=1e-14 + n * 1e-15)


# ---- poles and ends ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "x", "expected"),
    [
        ("gamma", [0.0, -0.0, -1.0, -2.0, 172.0, -184.5], [np.inf, -np.inf, np.nan, np.nan, np.inf,
                                                           -0.0]),
        ("lgamma", [0.0, -0.0, -1.0, -7.0, -1e17], [np.inf] * 5),
        ("digamma", [0.0, -0.0, -1.0, -7.0], [-np.inf, np.inf, np.nan, np.nan]),
        ("polygamma", [0.0, -0.0, -1.0, -7.0], [np.inf] * 4),
        ("erfinv", [-1.0, 1.0, 1.1, -0.0], [-np.inf, np.inf, np.nan, -0.0]),
        ("erfcinv", [0.0, 2.0, -0.1, 1.0], [np.inf, -np.inf, np.nan, 0.0]),
        ("ndtri", [0.0, 1.0, -0.1, 1.1], [-np.inf, np.inf, np.nan, np.nan]),
        ("erfcx", [-27.0, 1e300, np.inf], [np.inf, 5.641895835477563e-301, 0.0]),
        ("i0", [714.0, -np.inf, np.nan], [np.inf, np.inf, np.nan]),
        ("i1", [714.0, -np.inf, -0.0], [np.inf, -np.inf, -0.0]),
    ],
)  # fmt: skip
def test_ends(name: str, x: list[float], expected: list[float]) -> None:
    """And no warning on the way, for pytest would make it an error."""
    found = getattr(xp, name)(np.array(x))
    same(found, expected, atol=0)
    signed = ~np.isnan(expected)
    assert (np.signbit(found) == np.signbit(expected))[signed].all()


def test_log_ndtr_and_its_slope_far_out() -> None:
    x = Tensor([-1e10, -1e3, -40.0, 0.0, 40.0], requires_grad=True, dtype=tl.float64)
    out = tl.log_ndtr(x)
    same(out, scipy.special.log_ndtr(x.numpy()), atol=0)
    out.sum().backward()
    # -x - 1 / x + 2 / x**3 - ..., far below 0
    below = [1e10, 1e3 + 1e-3 - 2e-9, 40 + 1 / 40 - 2 / 40**3 + 10 / 40**5 - 74 / 40**7]
    density = math.exp(-800) / math.sqrt(2 * math.pi)
    same(x.grad, [*below, math.sqrt(2 / math.pi), density], rtol=1e-9, atol=0)


def test_derivatives_of_i1_at_zero_and_next_to_it() -> None:
    """I1 is x / 2 + x**3 / 16 + ...; its slope, written I0 - I1 / x, would lose all digits."""
    for at in (0.0, 1e-12, 1e-160):
        slopes, function = [], tl.i1
        for _ in range(4):
            function = tl.grad(function)
            slopes.append(function(scalar(at)).item())
        same(slopes, [0.5, 3 / 8 * at, 3 / 8, 0.625 * at / 2], rtol=1e-9)


def test_kinks_of_the_scaled_bessel_functions() -> None:
    x = scalar(0.0)
    tl.i0e(x).backward()
    assert x.grad is not None
    assert x.grad.item() == 0


@pytest.mark.parametrize("name", ["gamma", "lgamma", "digamma", "polygamma"])
def test_derivatives_below_zero(name: str) -> None:
    x = np.array([-0.3, -0.75, -1.4, -2.6, -5.5, -20.3])
    report = tl.gradcheck(getattr(tl, name), [x], order=2)
    assert report, str(report)


def test_beta_is_symmetric_and_its_recurrence_holds() -> None:
    x, y = (g.ravel() for g in np.meshgrid(*[[1e-200, 0.3, 4.4, 4.6, 60.0, 1e6]] * 2))
    same(xp.betaln(x, y), xp.betaln(y, x), atol=0)
    same(xp.beta(x + 1, y) + xp.beta(x, y + 1), xp.beta(x, y), rtol=1e-9, atol=0)


# ---- what is refused ---------------------------------------------------------------------------


def test_binom_of_floats_of_two_widths_is_that_of_the_wider() -> None:
    x, y = np.float32([0.1, 7.3]), np.array([0.05, 2.7])
    same(tl.binom(x, y), scipy.special.binom(x.astype(float), y), 1e-14, 0)
    found = tl.binom(np.float16([11.0]), np.float16([3.0]))
    assert (found.dtype, found.tolist()) == (tl.float16, [165.0])


@pytest.mark.parametrize("n", [30, 200])
def test_high_orders_of_bessel_functions(n: int) -> None:
    x = np.array([0.5 * n, 2.0 * n, n**2 - 1.0, n**2 + 1.0])
    same(tl.ive(x, n=n), scipy.special.ive(n, x), 1e-13, 0)


def test_orders_must_be_integers_that_are_not_negative() -> None:
    x = Tensor([1.5])
    with pytest.raises(
        errors.ArgumentError, match=r"\[polygamma\] n=1.5 is no integer but a float"
    ):
        tl.polygamma(x, n=1.5)  # type: ignore[arg-type]
    with pytest.raises(errors.RangeError, match=r"\[polygamma\] n=-1 is negative.*Pass n >= 0"):
        tl.polygamma(x, n=-1)
    with pytest.raises(errors.RangeError, match=r"\[polygamma\] n=171 is too large.*Pass n <= 170"):
        tl.polygamma(x, n=171)
    with pytest.raises(errors.RangeError, match=r"\[iv\] n=-2 is negative.*Pass n >= 0"):
        tl.iv(x, n=-2)
    for function in (tl.iv, tl.ive):
        with pytest.raises(errors.RangeError, match=r"n=10{30} is too large. Pass n <= 10000"):
            function(x, n=10**30)
    with pytest.raises(errors.ArgumentError, match=r"\[ive\] n=0.5 is no integer"):
        tl.ive(x, n=0.5)  # type: ignore[arg-type]
    with pytest.raises(
        errors.RangeError, match=r"\[multigammaln\] p=0 is no dimension.*Pass p >= 1"
    ):
        tl.multigammaln(x, p=0)
    with pytest.raises(errors.ArgumentError, match="takes no Tensor"):
        tl.polygamma(x, n=Tensor(1))  # type: ignore[arg-type]

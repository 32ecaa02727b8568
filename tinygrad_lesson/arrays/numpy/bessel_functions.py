"""Kernels of the modified Bessel functions of the first kind.

Below 8 the first two are their power series, above it their exponential times a polynomial in
1 / x, both fitted. The higher orders are the series, too, or Hankel's expansion where x is large;
between the two they come by recurrence, with what its rounding has cost (Abramowitz & Stegun,
Handbook of Mathematical Functions (1964), 9.6.10, 9.6.26 and 9.7.1).
"""

from __future__ import annotations

import math

import numpy as np

from .. import Array
from .blockwise import blockwise, coefficients, fill, polynomial
from .compensated import product, total

# (I0(x) - 1) / u and (2 I1(x) / x - 1) / u in u = x**2 / 4, where 0 <= x < 8: degree 14, relative
# errors 7.2e-18 and 8.3e-19
SERIES_0 = coefficients(
    1.0, 0.24999999999999978, 0.02777777777777875, 0.0017361111111093212, 6.944444444616768e-05,
    1.9290123446808463e-06, 3.936759926835679e-08, 6.151186352073215e-10, 7.594076203674035e-12,
    7.593826261486644e-14, 6.2782596125899935e-16, 4.3438583592285594e-18, 2.6459481729049967e-20,
    1.1142728859197163e-22, 9.319037302519698e-25,
)  # fmt: skip
SERIES_1 = coefficients(
    0.5, 0.08333333333333331, 0.0069444444444445004, 0.0003472222222221193, 1.1574074074173187e-05,
    2.7557319218244207e-07, 4.9209498831124465e-09, 6.834652024432265e-11, 7.594068659611249e-13,
    6.903555797446423e-15, 5.231322675888681e-17, 3.3442300506385306e-19, 1.880771354951542e-21,
    7.606752944827284e-24, 5.669579277854459e-26,
)  # fmt: skip

# sqrt(x) exp(-x) I(x) in 16 / x - 1, where x >= 8: degree 24, relative errors 7e-18
LARGE_0 = coefficients(
    0.4021765094450081, 0.003360551983667854, 0.00013621607439232746, 1.1143033791556743e-05,
    1.4838475473607391e-06, 2.973598432479169e-07, 8.87225351128584e-08, 3.932602459703109e-08,
    2.1545177650836005e-08, 7.553516470355896e-09, -6.729724111923548e-09, -1.3404241991980871e-08,
    -5.4685974495866e-09, 7.540601378890834e-09, 7.58022133915272e-09, -3.4857887470034955e-09,
    -6.188265090497361e-09, 1.497880830187091e-09, 3.881151253996067e-09, -5.562201990080394e-10,
    -1.7789375042917173e-09, 1.4672236659214398e-10, 5.181936971288284e-10,
    -1.9216763724933513e-11, -7.06893851181878e-11,
)  # fmt: skip
LARGE_1 = coefficients(
    0.38939845902587233, -0.009749577193235728, -0.00021923576383430274, -1.5038547201176271e-05,
    -1.8349101134666435e-06, -3.483855609009937e-07, -1.0001323461066435e-07,
    -4.312935369971356e-08, -2.337059627111857e-08, -8.426622829598154e-09, 6.715795128085017e-09,
    1.4029693589852716e-08, 6.040877342160988e-09, -7.630751970065577e-09, -8.044231276166508e-09,
    3.406636130196794e-09, 6.4870195719816896e-09, -1.4171698018664596e-09, -4.047785403711858e-09,
    5.146498826087142e-10, 1.8513716745511988e-09, -1.342266320082222e-10, -5.388285995923524e-10,
    1.7502497778701306e-11, 7.347992441734663e-11,
)  # fmt: skip


def _series(x: Array, n: int) -> Array:
    """For x < 8."""
    u = 0.25 * x * x
    if n == 0:
        return 1 + u * polynomial(u, SERIES_0)
    half = 0.5 * x
    return half + half * u * polynomial(u, SERIES_1)


def _large(x: Array, n: int) -> Array:
    """For x >= 8, times ``exp(-x)``."""
    return polynomial(16 / x - 1, LARGE_1 if n else LARGE_0) / np.sqrt(x)


# The logarithm of 2 in two parts: multiples of the first are exact.
LOG_2 = (6.93147180369123816490e-01, 1.90821492927058770002e-10)


def _grown(out: Array, x: Array, power: Array | int = 0) -> Array:
    """``out * exp(x) * 2**power``, where the exponential may overflow before the product does."""
    doublings = np.rint(np.fmin(x, 1e5) / LOG_2[0])
    rest = x - doublings * LOG_2[0] - doublings * LOG_2[1]
    return np.ldexp(out * np.exp(rest), doublings.astype(np.int64) + power)


def _first_two(x: Array, n: int, scaled: bool) -> Array:
    """For n = 0 and 1."""
    out = np.empty_like(x)
    near = x < 8
    if scaled:
        fill(out, near, lambda x: _series(x, n) * np.exp(-x), x)
        fill(out, ~near, lambda x: _large(x, n), x)
    else:
        fill(out, near, lambda x: _series(x, n), x)
        fill(out, ~near, lambda x: _grown(_large(x, n), x), x)
    return out


def _near(x: Array, n: int) -> Array:
    """For 1 < n <= 100 and small x, by the power series, whose terms are all positive."""
    square, lost = product(0.5 * x, 0.5 * x)
    out = np.ones_like(x)
    for k in range(n + 30, 0, -1):
        out *= square / (k * (n + k))
        out += 1
    steepness = np.hypot(n, x) - n  # about that of the logarithm of the sum
    out += out * (0.5 * steepness * lost / np.where(square == 0, 1, square))
    out *= (0.5 * x) ** n / float(math.factorial(n))
    return out


def _ratios(x: Array, n: int, scaled: bool) -> Array:
    """For 1 < n and x <= 4 * n**2, by the ratios of neighbours, the k-th to the one before it."""
    ratio = np.zeros_like(x)
    for k in range(13 * n + 25, n, -1):  # by then the ratios have settled
        ratio = x / (x * ratio + 2 * k)
    out, power = _first_two(x, 0, True), np.zeros(x.shape, np.int64)
    short, lost = np.zeros_like(x), np.zeros_like(x)
    for k in range(n, 0, -1):  # with how much `ratio`, as a share, and `out` are too small
        grown, a = product(x, ratio)
        divisor, b = total(grown, np.float64(2 * k))
        ratio = x / divisor
        back, c = product(ratio, divisor)
        short = (x - back - c) / x - (a + b + grown * short) / divisor
        out, d = product(out, ratio)
        lost = lost * ratio + (d + out * short)
        if k % 16 == 0:  # before it can underflow
            out, shift = np.frexp(out)
            lost, power = np.ldexp(lost, -shift), power + shift
    return np.ldexp(out + lost, power) if scaled else _grown(out + lost, x, power)


def _far(x: Array, n: int) -> Array:
    """For n > 1 and larger x, times ``exp(-x)``, by the expansion of Hankel (9.7.1)."""
    out, eighth = np.ones_like(x), 0.125 / x
    for k in range(24, 0, -1):
        out *= ((2 * k - 1) ** 2 - 4 * n * n) / k * eighth
        out += 1
    return out / np.sqrt(2 * math.pi * x)


def _higher(x: Array, n: int, scaled: bool) -> Array:
    """For n > 1."""
    out = np.empty_like(x)
    near = x < (min(n + 8, 4 * math.sqrt(n + 8)) if n <= 100 else 1e-300)  # of this, 0 is left
    far = x > max(4 * n * n, 30)
    fill(out, near, lambda x: _near(x, min(n, 100)) * (np.exp(-x) if scaled else 1), x)
    fill(out, ~near & ~far, lambda x: _ratios(x, n, scaled), x)
    fill(out, far, lambda x: _far(x, n) if scaled else _grown(_far(x, n), x), x)
    return out


def _bessel(x: Array, n: int, scaled: bool) -> Array:
    size = np.abs(x)
    if not scaled:
        size = np.minimum(size, n + 1000)  # where it is infinite
    out = _first_two(size, n, scaled) if n < 2 else _higher(size, n, scaled)
    return np.copysign(out, x) if n % 2 else out


@blockwise
def iv(x: Array, n: int) -> Array:
    return _bessel(x, n, False)


@blockwise
def ive(x: Array, n: int) -> Array:
    return _bessel(x, n, True)


@blockwise
def i0(x: Array) -> Array:
    return _bessel(x, 0, False)


@blockwise
def i1(x: Array) -> Array:
    return _bessel(x, 1, False)


@blockwise
def i0e(x: Array) -> Array:
    return _bessel(x, 0, True)


@blockwise
def i1e(x: Array) -> Array:
    return _bessel(x, 1, True)

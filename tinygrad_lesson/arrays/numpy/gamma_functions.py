"""Kernels of the gamma function, its logarithm, the derivatives of that, and the beta function.

From 2 or 4 up they are Stirling's series, its tail fitted. Below, a polynomial on one interval of
length 1 serves the others by recurrence, and reflection serves what is far below 0. The formulas
are those of Abramowitz & Stegun, Handbook of Mathematical Functions (1964), chapters 6 and 23.
"""

from __future__ import annotations

import math

import numpy as np

from .. import Array
from .blockwise import blockwise, coefficients, fill, polynomial
from .compensated import product

# log(gamma(2 + z)) / z, where -3/4 <= z <= 1/4: degree 19, relative error 8.8e-18
LOG_GAMMA = coefficients(
    0.42278433509846713, 0.32246703342411326, -0.06735230105319767, 0.020580808427773923,
    -0.007385551028762679, 0.002890510331695684, -0.0011927539039353042, 0.0005096694948405424,
    -0.0002231550859715561, 9.945759080836898e-05, -4.491964674241342e-05, 2.052053718879593e-05,
    -9.487744447608211e-06, 4.142020064879751e-06, -2.22297080039024e-06, 1.8359777498788917e-06,
    2.3831568905243507e-06, 4.047446372901842e-06, 2.58764175184737e-06, 8.890417043351835e-07,
)  # fmt: skip

# x * (log(gamma(x)) - (x - 1/2) log(x) + x - log(2 pi) / 2) in 1 / x**2, where x >= 4.25:
# degree 9, relative error 8.8e-18
STIRLING = coefficients(
    0.08333333333333333, -0.0027777777777750925, 0.0007936507920316197, -0.0005952377126091422,
    0.0008417043122402035, -0.0019142145078159339, 0.00626226695536052, -0.025231058267822657,
    0.09472829218075277, -0.20860929305614367,
)  # fmt: skip

# gamma(2 + z), where |z| <= 1/2: degree 18, relative error 1.4e-17
GAMMA = coefficients(
    1.0, 0.4227843350984668, 0.41184033042643986, 0.08157691924717193, 0.07424901075347107,
    -0.0002669820747604432, 0.01115404572113896, -0.0028526456294803125, 0.0021039332448517375,
    -0.0009195771393381067, 0.0004903901012192666, -0.0002409081678851826, 0.00012165717113737426,
    -6.099437734759249e-05, 3.0554308764876926e-05, -1.4518030694390135e-05,
    7.2632956346064904e-06, -5.167425827999643e-06, 2.584210735300929e-06,
)  # fmt: skip

# gamma(x) / (x**(x - 1/2) exp(-x)) in 1 / x, where x >= 4.5: degree 11, relative error 2.5e-18
STIRLING_FACTOR = coefficients(
    2.5066282746310007, 0.20888568955259165, 0.008703570396238036, -0.006721090322135868,
    -0.0005752079503931677, 0.001965471046733197, 0.00017182942256890708, -0.0014514742111219193,
    -0.0003758704061161187, 0.0033306676384261434, -0.003653823916600662, 0.0013696313635211106,
)  # fmt: skip

# psi(3/2 + z) / (3/2 + z - root), where |z| <= 1/2: degree 22, relative error 2.7e-18
PSI = coefficients(
    0.9510558760318328, -0.4236274212814606, 0.24054248424078697, -0.14840492305388092,
    0.09498872445289039, -0.06192213327548831, 0.040760833940846085, -0.026975796659787055,
    0.017907248317313294, -0.011908220105959716, 0.007927021796868154, -0.005279937255532708,
    0.003518106563802472, -0.0023454947397380833, 0.0015633696313653504, -0.0010364584817312839,
    0.0006909255761282986, -0.00048595039220036254, 0.00032395945401345196,
    -0.00014480643368061614, 9.653646261410062e-05, -0.0001782188548855923, 0.00011881232908510335,
)  # fmt: skip
# of psi(1 + x), in two parts: the second is what the first lacks
PSI_ROOT = (0.46163214496836236, -1.5522348162858677e-17)

# (log(x) - 1 / (2x) - psi(x)) * x**2 in 1 / x**2, where x >= 2: degree 18, relative error 7.2e-17
PSI_TAIL = coefficients(
    0.08333333333333333, -0.008333333333315434, 0.003968253959483287, -0.004166664932186944,
    0.007575572801591478, -0.02108050185602266, 0.08277317135070876, -0.4245912070617261,
    2.5733394052573084, -16.376039782603392, 98.54670610560603, -520.0811372815846,
    2287.0351265462577, -8063.975003943594, 21990.51884978667, -44411.403610320245,
    62289.36687931711, -54024.44871749887, 21784.42753032721,
)  # fmt: skip

# psi(x) x (x + 1) / (x - root) in z = x + 1/2, where |z| <= 1/2: degree 22, rel. error 3.2e-18
PSI_BELOW = coefficients(
    -2.2342579058827563, 0.13650615195628676, 0.8776378394270825, -0.3790747407114188,
    0.21222610862440386, -0.13000934068726058, 0.08290164740364546, -0.05393082298215846,
    0.03545899296395649, -0.023451262985404328, 0.015561495548619589, -0.01034578084866416,
    0.0068860123977696475, -0.004587871359446646, 0.0030568269706584216, -0.0020261051720100853,
    0.0013504588169369319, -0.0009497371284706749, 0.000633113748707818, -0.0002829924993345665,
    0.00018865479408450937, -0.0003482721127576566, 0.00023217998252380765,
)  # fmt: skip
PSI_BELOW_ROOT = (-0.5040830082644554, -8.15428206243813e-18)

PI_REST = 3.8981718325193755e-17  # the share of pi that np.pi lacks
FACTORIALS = np.array([float(math.factorial(n)) for n in range(171)])
BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510,
             43867 / 798, -174611 / 330, 854513 / 138)  # fmt: skip
"""The Bernoulli numbers of order 2, 4, ..."""


def _from_integer(x: Array) -> Array:
    """How far the nearest integer is: with this, pi * x has a precise sine near a pole."""
    return x - np.rint(x)


def _steps(x: Array, nearest: Array) -> tuple[Array, Array]:
    """The factors between ``gamma(x)`` and ``gamma(x - nearest + 2)``: of these two, one is 1.

    ``gamma(x) = gamma(x - nearest + 2) * up / down``, by ``gamma(x + 1) = x * gamma(x)``.
    """
    up, down = np.ones_like(x), np.where(nearest < 2, x, 1)
    for k in range(1, int(nearest.max()) - 1):
        up *= np.where(nearest > k + 1, x - k, 1)
    for k in range(1, 2 - int(nearest.min())):
        down *= np.where(nearest < 2 - k, x + k, 1)
    return up, down


# ---- the logarithm -----------------------------------------------------------------------


def _log_gamma_above(x: Array) -> Array:
    """For x >= 4.25, by Stirling's series, arranged so that no terms cancel."""
    out = polynomial(1 / (x * x), STIRLING)
    out /= x
    out += 0.5 * math.log(2 * math.pi) - 0.5
    out += (x - 0.5) * (np.log(x) - 1)
    return out


def _log_gamma_near(x: Array) -> Array:
    """For -4.5 <= x < 4.25: here reflection would cancel more digits."""
    nearest = np.rint(x + 0.25)
    z = x - nearest
    up, down = _steps(x, nearest)
    out = np.log(np.abs(up * down))
    np.negative(out, out, where=nearest < 2)
    out += z * polynomial(z, LOG_GAMMA)
    return out


def _log_gamma_reflected(x: Array) -> Array:
    """For x < -4.5, where ``gamma(x) * gamma(-x) = -pi / (x * sin(pi * x))``."""
    sine = np.abs(np.sin(np.pi * _from_integer(x)))
    out = np.log(np.pi / (-x * sine)) - _log_gamma_above(-x)
    out[sine == 0] = np.inf
    out[x == -np.inf] = -np.inf  # as SciPy has it
    return out


def _log_gamma(x: Array) -> Array:
    out = np.full_like(x, np.nan)
    above = x >= 4.25
    fill(out, above, _log_gamma_above, x)
    if not above.all():
        fill(out, (x >= -4.5) & ~above, _log_gamma_near, x)
        fill(out, x < -4.5, _log_gamma_reflected, x)
    return out


lgamma = blockwise(_log_gamma)

# ---- the function itself -----------------------------------------------------------------


def _powers(x: Array) -> tuple[Array, Array]:
    """``x**(x - 1/2)`` in two factors, as it may overflow; for small x the second one is 1."""
    large = x > 140
    power = x ** np.where(large, 0.5 * x - 0.25, x - 0.5)
    return power, np.where(large, power, 1)


def _gamma_above(x: Array) -> Array:
    """For x >= 4.5, by Stirling's formula; factorials are exact as far as they can be."""
    x = np.minimum(x, 190)
    power, other = _powers(x)
    other *= polynomial(1 / x, STIRLING_FACTOR) * np.exp(-x)
    power *= other
    whole = np.flatnonzero((x == np.rint(x)) & (x <= 171))
    power[whole] = FACTORIALS[x[whole].astype(np.intp) - 1]
    return power


def _gamma_near(x: Array) -> Array:
    """For -4.5 <= x < 4.5."""
    nearest = np.rint(x)
    z = x - nearest
    up, down = _steps(x, nearest)
    out = polynomial(z, GAMMA)
    out *= up
    out /= down
    out[(z == 0) & (x < 0)] = np.nan
    return out


def _gamma_reflected(x: Array) -> Array:
    """For x < -4.5, where ``gamma(x) * gamma(-x) = -pi / (x * sin(pi * x))``."""
    x = np.minimum(-x, 1e9)  # from there on it is 0, and at integers NaN
    nearest = np.rint(x)
    angle, lost = product(np.array(np.pi), x - nearest)
    sine = np.sin(angle)
    share = (lost + PI_REST * angle) / np.tan(angle) - PI_REST  # of all that is lost below
    first, lost = product(x, sine)
    share += lost / first
    x = np.minimum(x, 190)
    second, lost = product(first, polynomial(1 / x, STIRLING_FACTOR))
    share += lost / second
    power, other = _powers(x)
    third, lost = product(power, np.exp(-x))
    share += lost / third
    out = np.where(nearest % 2 == 0, -np.pi, np.pi) / second
    out /= third
    out /= other
    out -= out * share
    out[sine == 0] = np.nan
    return out


def _gamma(x: Array) -> Array:
    out = np.full_like(x, np.nan)
    above = x >= 4.5
    fill(out, above, _gamma_above, x)
    if not above.all():
        fill(out, (x >= -4.5) & ~above, _gamma_near, x)
        fill(out, x < -4.5, _gamma_reflected, x)
    return out


gamma = blockwise(_gamma)

# ---- derivatives of the logarithm --------------------------------------------------------


def _psi_above(x: Array) -> Array:
    """For x >= 2, by the asymptotic series."""
    square = 1 / (x * x)
    out = np.log(x)
    out -= 0.5 / x
    out -= square * polynomial(square, PSI_TAIL)
    return out


def _psi_of_next(x: Array) -> Array:
    """``psi(1 + x)`` for 0 <= x <= 1, precise near its root."""
    return (x - PSI_ROOT[0] - PSI_ROOT[1]) * polynomial(x - 0.5, PSI)


def _psi_below(x: Array) -> Array:
    """For -1 < x <= 0, precise near its root."""
    root = x - PSI_BELOW_ROOT[0] - PSI_BELOW_ROOT[1]
    return root * polynomial(x + 0.5, PSI_BELOW) / (x * (x + 1))


def _psi_reflected(x: Array) -> Array:
    """For x <= -1."""
    x = -x
    offset = _from_integer(x)
    out = _psi(x) + 1 / x + np.pi / np.tan(np.pi * offset)
    out[offset == 0] = np.nan
    return out


def _psi(x: Array) -> Array:
    """For x > 0."""
    out = np.full_like(x, np.nan)
    above = x >= 2
    fill(out, above, _psi_above, x)
    if not above.all():
        fill(out, (x >= 1) & ~above, lambda x: _psi_of_next(x - 1), x)
        fill(out, (x > 0) & (x < 1), lambda x: _psi_of_next(x) - 1 / x, x)
    return out


@blockwise
def digamma(x: Array) -> Array:
    out = _psi(x)
    if not (x > 0).all():
        fill(out, (x > -1) & (x <= 0), _psi_below, x)
        fill(out, x <= -1, _psi_reflected, x)
        out[(x == 0) & ~np.signbit(x)] = -np.inf
    return out


def _hurwitz(x: Array, s: int) -> Array:
    """Hurwitz's zeta, the sum of ``(x + k)**-s`` over k >= 0, for x >= 0 and integers s > 1.

    By the formula of Euler and Maclaurin; where x is small, the first terms are summed one by one.
    """
    count = s + 8
    out = np.zeros_like(x)
    # A power magnifies the rounding of x + k. What is kept of x makes sums without; the rest is so
    # small that its first derivative is enough.
    small = x < count
    kept = np.where(small, (x + 256) - 256, x)
    rest = np.where(small, x - kept, 0)

    def first(x: Array, kept: Array, rest: Array) -> Array:
        out, slope = np.zeros_like(x), np.zeros_like(x)
        for k in range(count - 1, 0, -1):
            base = kept + k
            power = 1 / (base * base) if s == 2 else base ** float(-s)
            out += power
            power /= base
            slope += power
        out -= s * rest * slope
        out += x ** float(-s)
        return out

    fill(out, small, first, x, kept, rest)
    x = np.where(small, kept + count, x)
    corrections = []
    rising = float(s)  # s (s + 1) ... over (2j)!
    for j, number in enumerate(BERNOULLI):
        rising /= (2 * j + 1) * (2 * j + 2)
        corrections.append(number * rising)
        rising *= (s + 2 * j + 1) * (s + 2 * j + 2)
    inverse = 1 / x
    tail = polynomial(inverse * inverse, coefficients(*corrections))
    tail *= inverse
    tail += 0.5
    tail *= inverse
    tail += 1 / (s - 1)
    tail *= x ** float(1 - s)
    tail -= tail * ((s - 1) * rest / x)
    out += tail
    return out


@blockwise
def _polygamma(x: Array, n: int) -> Array:
    s = n + 1
    sign = (-1.0) ** s

    def below(x: Array) -> Array:
        """The terms of ``x + k`` for all integers k, less those that begin left of x."""
        offset = _from_integer(x)
        out = offset ** float(-s)
        out += _hurwitz(1 + offset, s)
        out += sign * (_hurwitz(1 - offset, s) - _hurwitz(1 - x, s))
        out[(offset == 0) | (x == -np.inf)] = np.inf
        return out

    out = np.full_like(x, np.nan)
    negative = x < 0
    fill(out, ~negative, lambda x: _hurwitz(np.abs(x), s), x)
    fill(out, negative, below, x)
    return out * (sign * float(math.factorial(n)))


def polygamma(x: Array, n: int = 1) -> Array:
    return digamma(x) if n == 0 else _polygamma(x, n=n)


# ---- the beta function -------------------------------------------------------------------


def _stirling_tail(x: Array) -> Array:
    return polynomial(1 / (x * x), STIRLING) / x


def _log_beta_uneven(x: Array, y: Array) -> Array:
    """For x < 4.5 <= y: what cancels in ``lgamma(y) - lgamma(x + y)`` is left out of both."""
    total = x + y
    out = _log_gamma(x) - (y - 0.5) * np.log1p(x / y)
    out -= x * (np.log(total) - 1)
    out += _stirling_tail(y) - _stirling_tail(total)
    return out


def _log_beta_large(x: Array, y: Array) -> Array:
    """For 4.5 <= x <= y, by Stirling's series likewise."""
    total = x + y
    out = 0.5 * math.log(2 * math.pi) - 0.5 * np.log(y)
    out += (x - 0.5) * np.log(x / total)
    out -= y * np.log1p(x / y)
    out += _stirling_tail(x) + _stirling_tail(y) - _stirling_tail(total)
    return out


def _log_beta(x: Array, y: Array) -> Array:
    x, y = np.minimum(x, y), np.maximum(x, y)
    out = np.full_like(x, np.nan)
    positive, large = x > 0, y >= 4.5
    sums = positive & ~large
    fill(out, sums, lambda x, y: _log_gamma(x) + _log_gamma(y) - _log_gamma(x + y), x, y)
    fill(out, positive & large & (x < 4.5), _log_beta_uneven, x, y)
    fill(out, x >= 4.5, _log_beta_large, x, y)
    out[positive & (y == np.inf)] = -np.inf
    out[x == 0] = np.inf
    return out


@blockwise
def betaln(x: Array, y: Array) -> Array:
    return _log_beta(x, y)


@blockwise
def beta(x: Array, y: Array) -> Array:
    out = np.exp(_log_beta(x, y))
    # Beyond, the gamma function would magnify the rounding of x + y.
    small = (np.minimum(x, y) > 1e-300) & (np.maximum(x, y) < 4.5)
    fill(out, small, lambda x, y: _gamma(x) / _gamma(x + y) * _gamma(y), x, y)
    return out

"""Kernels of the error function, the normal distribution, their inverses, and the entropy.

The sources are Shepherd & Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x in
0 <= x < inf", Math. Comp. 36 (1981), for what is far from 0, and Giles, "Approximating the erfinv
function", GPU Computing Gems Jade Edition (2011), for the inverses; the coefficients are our own.
"""

from __future__ import annotations

import math
import sys

import numpy as np

from .. import Array
from .blockwise import Coefficients, blockwise, coefficients, fill, polynomial
from .compensated import product, total

ROOT_HALF = math.sqrt(0.5)
LARGEST = sys.float_info.max
LOW, HIGH = 1 / 28, 1 / 5  # where INVERSE_FAR was fitted

# erf(x) / x - 1 in x**2, where |x| < 1: degree 11, error 7e-18
ERF = coefficients(
    0.12837916709551256, -0.37612638903183543, 0.11283791670945006, -0.02686617064323777,
    0.0052239776071164225, -0.0008548325975389692, 0.00012055294904839707, -1.492473690741966e-05,
    1.6447424703317362e-06, -1.6208483801871705e-07, 1.3720064546777686e-08,
    -7.795898827002142e-10,
)  # fmt: skip

# (1 + 2x) exp(x^2) erfc(x) in (x - 3) / (x + 3), where x >= 0: degree 24, relative error 1.2e-17
SCALED = coefficients(
    1.2530080582697296, -0.13562110612458117, -0.04756229435345087, 0.1296451587027606,
    -0.11927366341530699, 0.06830802734397848, -0.023770514918645888, 0.002529391816066239,
    0.0018886903591561553, -0.0007798322721083991, -0.00010515979981501177, 0.00012509935235563107,
    4.949484992570595e-06, -2.0100567931289227e-05, -7.315105164159062e-07, 3.472414602875686e-06,
    3.5683839153992204e-07, -6.166496077604353e-07, -1.4160064940265987e-07,
    1.0187000600072885e-07, 4.180784698845582e-08, -1.3326364813003834e-08, -8.500397929772615e-09,
    9.885798831139365e-10, 8.864219016427092e-10,
)  # fmt: skip

# (1 + x) exp(x**2 / 2) (1 - ndtr(x)) in (x - 5) / (x + 5), where x >= 0: degree 24, relative error
# 1e-17
SCALED_NORMAL = coefficients(
    0.46151582985003775, -0.09155228183400904, 0.03103036842596287, 0.010002352385229773,
    -0.02640104296626822, 0.024536963243668563, -0.01517041540326365, 0.006522000667904394,
    -0.0016760723373300678, 7.791596609337356e-06, 0.00018233410399828392, -5.36075778684158e-05,
    -9.89594942418457e-06, 9.059816217438934e-06, -7.069866488800462e-08, -1.3074341333225053e-06,
    1.284360766674355e-07, 1.9626196902558151e-07, -2.686974680450927e-08, -3.094072368373558e-08,
    4.014450963422496e-09, 4.396651284991787e-09, -4.296994064448403e-10, -3.807990191869197e-10,
    2.458700103653154e-11,
)  # fmt: skip

# The same three for results in single precision: degrees 6, 12 and 12, errors 1e-9 to 3e-9
ERF_NARROW = coefficients(
    0.12837916584835093, -0.37612626666720334, 0.11283594715160218, -0.026854212010626412,
    0.005189087423433974, -0.000801686428716587, 7.875875062685488e-05,
)  # fmt: skip
SCALED_NARROW = coefficients(
    1.2530080582697296, -0.13562106822069417, -0.04756229382771763, 0.1296440910249622,
    -0.1192736784315029, 0.06831669729438275, -0.023770388711381683, 0.0024988226113873105,
    0.0018882157008084247, -0.0007261608011693134, -0.00010422117710741312, 7.720413938052222e-05,
    3.891751557197811e-06,
)  # fmt: skip
SCALED_NORMAL_NARROW = coefficients(
    0.46151582985003775, -0.09155230031327441, 0.0310303677661551, 0.010002872441038733,
    -0.026401024691943862, 0.02453274968769308, -0.015170557540067915, 0.006536794047317206,
    -0.0016756119334147318, -1.7973864392018865e-05, 0.00018165525489702397,
    -3.1003041737904956e-05, -9.518567713012157e-06,
)  # fmt: skip

# erfinv(y) / y, by w = -log(1 - y**2): in w / 3.125 - 1, where w < 6.25: degree 24; in
# sqrt(w) / 1.25 - 3, where w < 25: degree 24; and, divided by sqrt(w), in 1 / sqrt(w), moved to
# -1 ... 1, where w < 784: degree 28. The relative errors are 8e-18, 1.5e-17 and 6e-18.
INVERSE = coefficients(
    1.6536545626831027, 0.7504943200799635, -0.05892256710377784, -0.022604447453449802,
    0.017808361818295655, -0.00413731437741443, -0.0012716922684373015, 0.0012324855686812834,
    -0.0002643936684366174, -0.0001168888399309713, 9.33673917780479e-05, -1.5027710420277575e-05,
    -1.1257319182677936e-05, 7.1300572630824496e-06, -6.83718721812117e-07, -1.059321402540731e-06,
    5.394320648707009e-07, -1.0185147576818285e-08, -9.867713140174249e-08, 3.915473114023045e-08,
    4.792369996100387e-09, -8.562787796742932e-09, 1.5401738716654886e-09, 7.689312733742569e-10,
    -2.7032254091069344e-10,
)  # fmt: skip
INVERSE_TAIL = coefficients(
    3.5875041872852242, 1.2608470495124553, 0.0032100697498899885, -0.0025130603601855976,
    0.0013296875362446413, -0.0008104755783764461, 0.0006085808890185243, -0.00045646593709769,
    0.0002819156748837284, -0.00011949303030927574, 1.4562074542977125e-05, 2.4981716655158706e-05,
    -2.3521161743451563e-05, 1.0192373247633269e-05, -9.143671830035124e-07,
    -1.8795404773622346e-06, 1.3831661900439078e-06, -4.33759544618799e-07, -1.846829249986558e-08,
    9.278127051701379e-08, -5.360675359862195e-08, 1.4446605451272868e-08, 2.911665563973756e-09,
    -3.825346968744879e-09, 9.260008657108533e-10,
)  # fmt: skip
INVERSE_FAR = coefficients(
    0.9859388830308825, -0.014794049264887232, -0.0018169723467815107, 0.0007658181983648747,
    -0.00013970839261887106, 3.6770685831836725e-05, -1.318061025484859e-05, 5.30494295696954e-06,
    -2.310023300529253e-06, 1.0723892101725147e-06, -5.229803862821846e-07, 2.6557408822604394e-07,
    -1.3884980267337507e-07, 7.183543280018426e-08, -3.910103066977896e-08, 3.006886042496515e-08,
    -1.7595662339217338e-08, -8.602335042046352e-09, 5.993726327865225e-09, 2.662384190411383e-08,
    -1.6999421324580885e-08, -2.4250370813511795e-08, 1.5642146659866786e-08,
    1.7702696736900184e-08, -1.1369474957423988e-08, -7.1527010359503235e-09,
    4.593405763518168e-09, 1.4969185538402528e-09, -9.576187368612684e-10,
)  # fmt: skip


def _erf_near(x: Array, c: Coefficients = ERF) -> Array:
    """``erf(x)`` for abs(x) < 1."""
    return x + x * polynomial(x * x, c)


def _scaled(x: Array, c: Coefficients = SCALED) -> Array:
    """``exp(x**2) * erfc(x)`` for x >= 0."""
    return polynomial(1 - 6 / (x + 3), c) / (1 + 2 * x)


def _scaled_normal(x: Array, c: Coefficients = SCALED_NORMAL) -> Array:
    """``exp(x**2 / 2) * (1 - ndtr(x))`` for x >= 0."""
    return polynomial(1 - 10 / (x + 5), c) / (1 + x)


def _exp_of_square(x: Array, factor: float, share: Array | float = 0.0) -> Array:
    """``exp(factor * x**2)``, made good for the rounding of the square, which exp would magnify.

    It is made larger by a `share`, too, by which something else is too small.
    """
    x = np.minimum(np.abs(x), 40)  # where the result is 0 or inf
    square, lost = product(x, x)
    out: Array = np.exp(factor * square)
    out += np.minimum(out, LARGEST) * (factor * lost + share)  # infinity stays what it is
    return out


def _erfc_far(x: Array) -> Array:
    out = np.abs(x)
    out = _scaled(out) * _exp_of_square(out, -1.0)
    return np.where(x < 0, 2 - out, out)


def _erf(x: Array) -> Array:
    out = np.empty_like(x)
    near = np.abs(x) < 1
    fill(out, near, _erf_near, x)
    fill(out, ~near, lambda x: np.copysign(1 - _erfc_far(np.abs(x)), x), x)
    return out


def _erfc(x: Array) -> Array:
    out = np.empty_like(x)
    near = np.abs(x) < 0.5
    fill(out, near, lambda x: 1 - _erf_near(x), x)
    fill(out, ~near, _erfc_far, x)
    return out


def _ndtr_far(x: Array) -> Array:
    size = np.minimum(np.abs(x), 40)  # where the result is 0 or 1
    below, lost = total(size, np.array(1.0))
    share = -lost / below  # of the divisor of _scaled_normal
    out = _scaled_normal(size) * _exp_of_square(size, -0.5, share)
    return np.where(x > 0, 1 - out, out)


def _ndtr(x: Array) -> Array:
    out = np.empty_like(x)
    near = np.abs(x) < 0.7
    fill(out, near, lambda x: 0.5 + 0.5 * _erf_near(x * ROOT_HALF), x)
    fill(out, ~near, _ndtr_far, x)
    return out


# For single precision: its numbers have an exact square in double, and a short polynomial is done
# sooner than a branch.


def _erf_narrow(x: Array) -> Array:
    size = np.abs(x)
    far = 1 - _scaled(size, SCALED_NARROW) * np.exp(-x * x)
    return np.where(size < 1, _erf_near(x, ERF_NARROW), np.copysign(far, x))


def _erfc_narrow(x: Array) -> Array:
    out = _scaled(np.abs(x), SCALED_NARROW)
    out *= np.exp(-x * x)
    return np.where(x < 0, 2 - out, out)


def _ndtr_narrow(x: Array) -> Array:
    out = _scaled_normal(np.abs(x), SCALED_NORMAL_NARROW)
    out *= np.exp(-0.5 * x * x)
    return np.where(x > 0, 1 - out, out)


erf = blockwise(_erf, _erf_narrow)
erfc = blockwise(_erfc, _erfc_narrow)
ndtr = blockwise(_ndtr, _ndtr_narrow)


@blockwise
def erfcx(x: Array) -> Array:
    out = np.empty_like(x)
    right = x >= 0.5
    fill(out, right, _scaled, x)
    fill(out, ~right, lambda x: _exp_of_square(x, 1.0) * (1 - _erf_near(x)), x)
    fill(out, x <= -0.5, lambda x: 2 * _exp_of_square(x, 1.0) - _scaled(-x), x)
    return out


@blockwise
def log_ndtr(x: Array) -> Array:
    out = np.empty_like(x)
    left, far = x < 0, x <= -0.7
    fill(out, ~left, lambda x: np.log1p(-_ndtr(-x)), x)
    fill(out, left & ~far, lambda x: np.log(_ndtr(x)), x)
    fill(out, far, lambda x: np.log(_scaled_normal(-x)) - 0.5 * x * x, x)
    return out


def _erfinv(y: Array, rest: Array) -> Array:
    """The inverse of erf; `rest` is 1 - abs(y), to full precision."""

    def far(w: Array) -> Array:
        root = np.sqrt(w)
        return root * polynomial((2 / root - LOW - HIGH) / (HIGH - LOW), INVERSE_FAR)

    w = -np.log(rest * (2 - rest))
    out = np.empty_like(w)
    near, tail = w < 6.25, w < 25
    fill(out, near, lambda w: polynomial(w / 3.125 - 1, INVERSE), w)
    fill(out, tail & ~near, lambda w: polynomial(np.sqrt(w) / 1.25 - 3, INVERSE_TAIL), w)
    fill(out, ~tail, far, w)
    return out * y


@blockwise
def erfinv(x: Array) -> Array:
    return _erfinv(x, 1 - np.abs(x))


@blockwise
def erfcinv(x: Array) -> Array:
    return _erfinv(1 - x, np.minimum(x, 2 - x))


@blockwise
def ndtri(x: Array) -> Array:
    return _erfinv(2 * x - 1, 2 * np.minimum(x, 1 - x)) * math.sqrt(2)


@blockwise
def entr(x: Array) -> Array:
    out = -x * np.log(x)
    out[x == 0] = 0
    out[x < 0] = -np.inf
    return out

"""Values of special functions by SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from .shared import Calls, Oracles, of_floats


def of_pairs(function: Callable[..., Any]) -> Callable[..., Any]:
    """For positive numbers; SciPy goes on below, and stops short of infinity."""

    def oracle(x: Any, y: Any) -> Any:
        x, y = (v if v.dtype.kind == "f" else v.astype(float) for v in map(np.asarray, (x, y)))
        low, high = np.minimum(x, y), np.maximum(x, y)  # with NaN for NaN
        logarithm, values = function is scipy.special.betaln, function(x, y)
        # Next to nothing, beta(x, y) is 1 / x + 1 / y.
        limit = np.log1p(low / high) - np.log(low) if logarithm else np.inf
        values = np.where(low < 1e-300, limit, values)
        values = np.where((low > 0) & (high == np.inf), -np.inf if logarithm else 0.0, values)
        return np.where(low == 0, np.inf, np.where(low > 0, values, np.nan))

    return oracle


def odd(function: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's odd functions lose the sign of zero."""
    return of_floats(lambda x: np.where(x == 0, x, function(x)))


def gamma(x: Any) -> Any:
    """Old releases of SciPy have one infinity for all poles."""
    poles = np.where(x == 0, np.copysign(np.inf, x), np.nan)
    return np.where((x <= 0) & (x == np.floor(x)), poles, scipy.special.gamma(x))


def log_gamma(x: Any) -> Any:
    """SciPy's gives up too early where x is next to nothing."""
    tiny = (x != 0) & (np.abs(x) < 1e-300)
    return np.where(tiny, -np.log(np.abs(x)), scipy.special.gammaln(x))


def multigammaln(x: Any, p: int) -> Any:
    """SciPy's refuses arrays with an element out of the domain."""
    if (2 * x > p - 1).all():
        return scipy.special.multigammaln(x, p)
    logarithms = [scipy.special.gammaln(x - j / 2) for j in range(p)]
    return np.sum(logarithms, axis=0) + p * (p - 1) / 4 * np.log(np.pi)


def bessel(function: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy has NaN at infinity."""
    return of_floats(lambda x: np.where(np.isinf(x), function(np.sign(x)) * np.inf, function(x)))


def bessel_of_order(scaled: bool) -> Callable[..., Any]:
    """SciPy's scaled one has NaN far out and next to 0; the other is this one times exp."""

    def oracle(x: Any, n: int) -> Any:
        inside = (np.abs(x) > 1e-300) & (np.abs(x) < 1e9)
        far = np.sign(x) ** n / np.sqrt(2 * np.pi * np.abs(x))
        near = (x / 2) ** n / scipy.special.factorial(n)
        limits = np.where(np.abs(x) < 1, near, far)
        values = np.where(inside, scipy.special.ive(n, np.where(inside, x, 1.0)), limits)
        if scaled:
            return values
        return np.where(np.abs(x) > 1e9, np.sign(x) ** n * np.inf, values * np.exp(np.abs(x)))

    return of_floats(oracle)


NAMES = ("erf", "erfc", "erfcx", "ndtr", "log_ndtr", "ndtri", "entr", "digamma", "i0e")

VALUES: Oracles = {
    **{name: of_floats(getattr(scipy.special, name)) for name in NAMES},
    "erfinv": odd(scipy.special.erfinv),
    "erfcinv": of_floats(lambda x: scipy.special.erfcinv(x) + 0.0),  # -0.0 at 1
    "gamma": of_floats(gamma),
    "lgamma": of_floats(log_gamma),
    "polygamma": of_floats(lambda x, n: scipy.special.polygamma(n, x)),
    "multigammaln": of_floats(multigammaln),
    "betaln": of_pairs(scipy.special.betaln),
    "beta": of_pairs(scipy.special.beta),
    "factorial": of_floats(lambda x: scipy.special.gamma(x + 1)),
    "binom": lambda x, y: scipy.special.binom(1.0 * x, 1.0 * y),
    "i0": bessel(scipy.special.i0),
    "i1": odd(bessel(scipy.special.i1)),
    "i1e": odd(scipy.special.i1e),
    "iv": bessel_of_order(scaled=False),
    "ive": bessel_of_order(scaled=True),
}

LARGE: Calls = {}

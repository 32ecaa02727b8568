"""Values of activations by NumPy and SciPy, from their definitions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit, log_expit, ndtr
from scipy.stats import norm

from .shared import Calls, Oracles, of_floats


def _times(gate: Callable[..., Any]) -> Callable[..., Any]:
    """``x * gate(x)`` of floats; the limit at minus infinity is 0."""
    return of_floats(lambda x, **params: np.where(x == -np.inf, -0.0, x * gate(x, **params)))


def _chance(x: Any, approximate: str) -> Any:
    if approximate == "none":
        return ndtr(x)
    return 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def _gelu_slope(x: Any) -> Any:
    return ndtr(x) + np.where(np.isinf(x), 0.0, x) * norm.pdf(x)


def _elu(x: Any, alpha: float = 1.0) -> Any:
    return np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0))


def _glu(x: Any, axis: int) -> Any:
    first, second = np.split(x, 2, axis)
    return first * expit(second)


VALUES: Oracles = {
    "sigmoid": of_floats(expit),
    "log_sigmoid": of_floats(log_expit),
    "softplus": of_floats(lambda x, beta: np.logaddexp(0, beta * x) / beta),
    "silu": _times(expit),
    "mish": _times(lambda x: np.tanh(np.logaddexp(0, x))),
    "gelu": _times(_chance),
    "gelu_slope": of_floats(_gelu_slope),
    "glu": of_floats(_glu),
    "elu": of_floats(_elu),
    "selu": of_floats(lambda x: 1.0507009873554805 * _elu(x, 1.6732632423543772)),
    "celu": of_floats(
        lambda x, alpha: np.maximum(x, 0) + alpha * np.expm1(np.minimum(x, 0) / alpha)
    ),
    "relu": lambda x: np.clip(x, 0, None),
    "leaky_relu": lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
    "prelu": lambda x, weight: np.where(x > 0, x, weight * x),
    "hardtanh": lambda x, min_val, max_val: np.clip(x, min_val, max_val),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hardsigmoid": of_floats(lambda x: np.clip((x + 3) / 6, 0, 1)),
    "hardswish": _times(lambda x: np.clip((x + 3) / 6, 0, 1)),
    "softshrink": lambda x, lambd: np.select(
        [x > lambd, x < -lambd, x != x], [x - lambd, x + lambd, x], 0.0
    ),
    "hardshrink": lambda x, lambd: np.where(np.abs(x) <= lambd, 0, x),
    "softsign": of_floats(lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x)))),
    "tanhshrink": of_floats(lambda x: x - np.tanh(x)),
}

LARGE: Calls = {}

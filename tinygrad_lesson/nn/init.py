"""How the numbers of a layer begin.

The functions with a trailing underscore put new numbers into a tensor, through
:meth:`~tinygrad_lesson.Tensor.assign`, and return it; their names and formulas are PyTorch's. They
draw from the default generator unless they are given one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import Array
from ..errors import ArgumentError, RangeError, ShapeError
from ..random import default_generator, rand
from ..tensor import Tensor

if TYPE_CHECKING:
    from numpy.random import Generator


def uniform_fan_in(
    shape: tuple[int, ...],
    fan_in: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
) -> Tensor:
    """Uniform between ``-1 / sqrt(fan_in)`` and ``1 / sqrt(fan_in)``, as PyTorch's layers begin.

    Parameters
    ----------
    shape
        Of the result.
    fan_in
        Number of inputs that each output sums up.

    References
    ----------
    LeCun, Bottou, Orr, Müller, "Efficient BackProp" (1998), section 4.6, but with a third of the
    variance.
    """
    bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
    return (rand(shape, generator=generator, dtype=dtype) * 2 - 1) * bound


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """By how much to scale weights so that an activation keeps the variance of its input.

    Parameters
    ----------
    nonlinearity
        ``"linear"``, ``"conv2d"`` and the like, ``"sigmoid"``, ``"tanh"``, ``"relu"``,
        ``"leaky_relu"`` or ``"selu"``.
    param
        The slope of a leaky ReLU below 0; 0.01 unless given.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> round(nn.init.calculate_gain("relu") ** 2, 6)
    2.0
    """
    if nonlinearity in ("linear", "sigmoid") or nonlinearity.startswith("conv"):
        return 1.0
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + (0.01 if param is None else param) ** 2))
    gains = {"tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}
    if nonlinearity not in gains:
        raise ArgumentError(
            "calculate_gain",
            f"nonlinearity={nonlinearity!r} is unknown",
            f"Pass 'linear', 'sigmoid', 'leaky_relu', {', '.join(map(repr, gains))}.",
        )
    return gains[nonlinearity]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs each output of a weight sums up, and how many outputs each input reaches.

    The shape is (out, in, ...), with the lengths of a kernel behind.
    """
    if len(shape) < 2:
        raise ShapeError(
            "init",
            f"a tensor of shape {shape} has no fan in and out",
            "Pass one of two axes or more.",
        )
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


# ---- constants ---------------------------------------------------------------------------


def constant_(tensor: Tensor, val: float) -> Tensor:
    """One value everywhere."""
    return _filled(tensor, np.full(tensor.shape, val))


def zeros_(tensor: Tensor) -> Tensor:
    """Zeros."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Ones."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """Ones on the diagonal of a matrix, zeros elsewhere."""
    rows, columns = _matrix("eye_", tensor)
    return _filled(tensor, np.eye(rows, columns))


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A kernel that passes its input channels on: a single one in the middle of each."""
    if tensor.ndim < 3 or tensor.shape[0] % groups:
        raise ShapeError(
            "dirac_", f"shape {tensor.shape} is no kernel for {groups} groups",
            "Pass (out, in, length, ...) with out a multiple of groups.",
        )  # fmt: skip
    kernel = np.zeros(tensor.shape)
    middle = tuple(n // 2 for n in tensor.shape[2:])
    outs = tensor.shape[0] // groups
    for group in range(groups):
        for i in range(min(outs, tensor.shape[1])):
            kernel[(group * outs + i, i, *middle)] = 1
    return _filled(tensor, kernel)


# ---- random ------------------------------------------------------------------------------


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform between `a` and `b`."""
    return _filled(tensor, _drawn(generator).uniform(a, b, tensor.shape))


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Normal with this mean and standard deviation."""
    return _filled(tensor, _drawn(generator).normal(mean, std, tensor.shape))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Normal, drawn again where it falls outside `a` to `b`."""
    if not a < b:
        raise RangeError("trunc_normal_", f"a={a} is not below b={b}", "Pass a < b.")
    tails = [0.5 * math.erfc(-(end - mean) / std / math.sqrt(2)) for end in (a, b)]
    if tails[1] - tails[0] < 1e-3:
        raise RangeError(
            "trunc_normal_", f"less than a thousandth of the normal lies between {a} and {b}",
            "Move the mean between them, or draw uniform numbers.",
        )  # fmt: skip
    drawn = _drawn(generator)
    numbers = drawn.normal(mean, std, tensor.shape)
    while (outside := (numbers < a) | (numbers > b)).any():
        numbers[outside] = drawn.normal(mean, std, int(outside.sum()))
    return _filled(tensor, numbers)


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Uniform with variance ``2 * gain**2 / (fan_in + fan_out)``.

    References
    ----------
    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks"
    (2010), equation 16.
    """
    bound = gain * math.sqrt(6 / sum(fans(tensor.shape)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with variance ``2 * gain**2 / (fan_in + fan_out)``; see :func:`xavier_uniform_`."""
    return normal_(tensor, 0.0, gain * math.sqrt(2 / sum(fans(tensor.shape))), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform with variance ``gain**2 / fan``.

    Parameters
    ----------
    tensor
        A weight, (out, in, ...).
    a
        The slope below 0 of the leaky ReLU that follows.
    mode
        ``"fan_in"`` keeps the variance on the way forward, ``"fan_out"`` on the way back.
    nonlinearity
        See :func:`calculate_gain`.

    References
    ----------
    He et al., "Delving deep into rectifiers" (2015), equations 10 and 14.
    """
    bound = math.sqrt(3) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with variance ``gain**2 / fan``; see :func:`kaiming_uniform_`."""
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Orthonormal rows, or columns if there are fewer of them, times `gain`.

    Axes after the first count as one.

    References
    ----------
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks" (2014).
    """
    if tensor.ndim < 2:
        raise ShapeError(
            "orthogonal_", f"shape {tensor.shape} is no matrix", "Pass two axes or more."
        )
    rows = tensor.shape[0]
    columns = tensor.size // rows if rows else 0
    numbers = _drawn(generator).standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(numbers)
    q *= np.sign(np.diagonal(r))  # else they would not be evenly distributed
    return _filled(tensor, gain * (q if rows >= columns else q.T).reshape(tensor.shape))


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Normal numbers, a share `sparsity` of each column of which is 0.

    References
    ----------
    Martens, "Deep learning via Hessian-free optimization" (2010).
    """
    rows, columns = _matrix("sparse_", tensor)
    drawn = _drawn(generator)
    numbers = drawn.normal(0.0, std, tensor.shape)
    for column in range(columns):
        numbers[drawn.permutation(rows)[: math.ceil(sparsity * rows)], column] = 0
    return _filled(tensor, numbers)


# ---- what they share ---------------------------------------------------------------------


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError("init", f"mode={mode!r} is unknown", "Pass 'fan_in' or 'fan_out'.")
    fan = fans(tensor.shape)[mode == "fan_out"]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _matrix(where: str, tensor: Tensor) -> tuple[int, int]:
    if tensor.ndim != 2:
        raise ShapeError(where, f"shape {tensor.shape} is no matrix", "Pass a tensor of two axes.")
    return tensor.shape[0], tensor.shape[1]


def _drawn(generator: Generator | None) -> Generator:
    return default_generator() if generator is None else generator


def _filled(tensor: Tensor, numbers: Array) -> Tensor:
    return tensor.assign(numbers.astype(tensor.dtype), copy=False)

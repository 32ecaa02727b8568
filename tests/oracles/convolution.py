"""Values of convolutions by SciPy's correlation; of its adjoints by the matrix that it is."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.signal

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles


def floating(*arrays: Any) -> Any:
    """The dtype of the result; integers are refused, as is always safe."""
    dtype = np.result_type(*arrays)
    if dtype.kind != "f":
        raise TypeError("floats are needed")
    return dtype


def conv(x: Any, weight: Any, stride: Any, padding: Any, dilation: Any, groups: int) -> Any:
    dtype = floating(x, weight)
    x = np.pad(x, ((0, 0), (0, 0), *padding))
    # A dilated kernel has zeros between its taps.
    spaced = np.zeros(
        (*weight.shape[:2],
         *(d * (n - 1) + 1 for d, n in zip(dilation, weight.shape[2:], strict=True)))
    )  # fmt: skip
    spaced[(..., *(slice(None, None, d) for d in dilation))] = weight
    inner, outer = weight.shape[1], weight.shape[0] // groups

    def plane(n: int, o: int) -> Any:
        first = o // outer * inner
        whole = sum(
            scipy.signal.correlate(x[n, first + c], spaced[o, c], "valid", "direct")
            for c in range(inner)
        )
        return whole[tuple(slice(None, None, s) for s in stride)]

    planes = [[plane(n, o) for o in range(len(weight))] for n in range(len(x))]
    return np.array(planes, dtype)


def transposed(function: Any, shape: tuple[int, ...], g: Any, *others: Any) -> Any:
    """The adjoint of a linear function, applied to `g`: its values on all unit arrays."""
    out = np.zeros(shape, floating(g, *others))
    for place in itertools.product(*map(range, shape)):
        unit = np.zeros(shape)
        unit[place] = 1
        out[place] = np.vdot(function(unit), g)
    return out


def conv_input_grad(g: Any, weight: Any, *, shape: Any, groups: int, **params: Any) -> Any:
    full = (len(g), weight.shape[1] * groups, *shape)
    return transposed(lambda x: conv(x, weight, groups=groups, **params), full, g, weight)


def conv_weight_grad(g: Any, x: Any, *, shape: Any, groups: int, **params: Any) -> Any:
    full = (g.shape[1], x.shape[1] // groups, *shape)
    return transposed(lambda weight: conv(x, weight, groups=groups, **params), full, g, x)


VALUES: Oracles = {
    "conv": conv,
    "conv_input_grad": conv_input_grad,
    "conv_weight_grad": conv_weight_grad,
}

SAME = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
IMAGES, KERNELS = uniform(-2, 2, (2, 2, 10, 10)), uniform(-2, 2, (20, 20, 1, 1))
FLAT = {"stride": (1, 1), "padding": ((0, 0), (0, 0)), "dilation": (1, 1)}
PIXELS = uniform(-2, 2, (2, 20, 2, 2))

LARGE: Calls = {
    "conv": [
        sample(IMAGES, uniform(-2, 2, (2, 2, 3, 3)), **SAME),
        sample(PIXELS, KERNELS, **FLAT),
    ],
    "conv_input_grad": [
        sample(IMAGES, uniform(-2, 2, (2, 2, 3, 3)), **SAME, shape=(10, 10)),
        sample(PIXELS, KERNELS, **FLAT, shape=(2, 2)),
    ],
    "conv_weight_grad": [sample(IMAGES, IMAGES, **SAME, shape=(3, 3))],
}

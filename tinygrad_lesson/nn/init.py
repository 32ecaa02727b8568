"""How the numbers of a layer begin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..random import rand
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

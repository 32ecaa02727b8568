"""Random tensors. A generator is an explicit object; functions use the context's unless given."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import get_default_dtype
from .tensor import Tensor

if TYPE_CHECKING:  # NumPy loads its generators on first use, a fifth of what it takes in all
    from numpy.random import Generator

_DEFAULT: ContextVar[Generator | None] = ContextVar("tinygrad_lesson.random", default=None)


def manual_seed(seed: int) -> Generator:
    """Seed this context's default generator, and return it.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> _ = tl.manual_seed(0)
    >>> a = tl.rand(3)
    >>> _ = tl.manual_seed(0)
    >>> bool(tl.all(a == tl.rand(3)))
    True
    """
    generator = np.random.default_rng(seed)
    _DEFAULT.set(generator)
    return generator


def default_generator() -> Generator:
    """The generator that random functions use unless they are given one."""
    generator = _DEFAULT.get()
    if generator is None:
        generator = np.random.default_rng()
        _DEFAULT.set(generator)
    return generator


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape


def rand(
    *shape: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers from 0 up to 1: ``rand(2, 3)`` or ``rand((2, 3))``."""
    numbers = (generator or default_generator()).random(_shape(shape))
    return Tensor(numbers, requires_grad, dtype=dtype or get_default_dtype())


def randn(
    *shape: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers with mean 0 and variance 1."""
    numbers = (generator or default_generator()).standard_normal(_shape(shape))
    return Tensor(numbers, requires_grad, dtype=dtype or get_default_dtype())


def randint(
    low: int, high: int, shape: tuple[int, ...], *, generator: Generator | None = None
) -> Tensor:
    """Integers from `low` up to, not including, `high`."""
    return Tensor((generator or default_generator()).integers(low, high, shape))


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The integers below `n` in random order."""
    return Tensor((generator or default_generator()).permutation(n))

"""Random tensors. A generator is an explicit object; functions use the context's unless given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import numpy as np

from .arguments import count, integer, lengths
from .arrays import Array
from .dtypes import DType, as_dtype, get_default_dtype, is_floating
from .errors import ArgumentError, DTypeError, RangeError
from .mode import current
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
    tracer = current().tracer
    if tracer is not None:
        tracer.refuse(
            "manual_seed", "the step seeds the generator, which would happen once only",
            "Seed it before the step.",
        )  # fmt: skip
    generator = np.random.default_rng(count("manual_seed", "seed", seed))
    _DEFAULT.set(generator)
    return generator


def default_generator() -> Generator:
    """The generator that random functions use unless they are given one."""
    generator = _DEFAULT.get()
    if generator is None:
        generator = np.random.default_rng()
        _DEFAULT.set(generator)
    return generator


def _generator(where: str, given: Any) -> Generator | None:
    """What is given, if it is a generator, or None for the default one."""
    if given is not None and not isinstance(given, np.random.Generator):
        seed = given if isinstance(given, int) else 0
        raise ArgumentError(
            where,
            f"generator is a {type(given).__name__}",
            f"Pass a generator: np.random.default_rng({seed}).",
        )
    return given


def draw(generator: Generator | None, method: str, *args: Any, **kwargs: Any) -> Array:
    """Numbers from a method of a generator: the one door through which ops' inputs are drawn.

    A tracer takes note, so that other numbers are drawn when the step runs again.
    """
    tracer = current().tracer
    return (drawn if tracer is None else tracer.draw)(generator, method, args, kwargs)


def drawn(
    generator: Generator | None, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Array:
    """The same, whoever is looking."""
    return getattr(generator or default_generator(), method)(*args, **kwargs)


def _floating(where: str, dtype: Any) -> DType:
    found = as_dtype(dtype, where) if dtype is not None else get_default_dtype()
    if not is_floating(found):
        raise DTypeError(
            where,
            f"random floats need a floating dtype, not {found}",
            "Pass one such as tl.float32, or draw integers with tl.randint.",
        )
    return found


def rand(
    *shape: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform numbers from 0 up to 1: ``rand(2, 3)`` or ``rand((2, 3))``."""
    size, dtype = lengths("rand", shape), _floating("rand", dtype)
    numbers = draw(_generator("rand", generator), "random", size)
    return Tensor(numbers, requires_grad, dtype=dtype)


def randn(
    *shape: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal numbers with mean 0 and variance 1."""
    size, dtype = lengths("randn", shape), _floating("randn", dtype)
    numbers = draw(_generator("randn", generator), "standard_normal", size)
    return Tensor(numbers, requires_grad, dtype=dtype)


def randint(
    low: int, high: int, shape: int | tuple[int, ...], *, generator: Generator | None = None
) -> Tensor:
    """Integers from `low` up to, not including, `high`."""
    low, high = integer("randint", "low", low), integer("randint", "high", high)
    if low >= high:
        raise RangeError(
            "randint", f"there is no integer from {low} up to {high}", "Pass low < high."
        )
    if low < -(2**63) or high > 2**63:
        raise RangeError(
            "randint", f"from {low} up to {high} is beyond int64", "Stay within 64 bits."
        )
    size = lengths("randint", (shape,))
    return Tensor(draw(_generator("randint", generator), "integers", low, high, size))


def randperm(n: int, *, generator: Generator | None = None) -> Tensor:
    """The integers below `n` in random order."""
    n = count("randperm", "n", n)
    return Tensor(draw(_generator("randperm", generator), "permutation", n))

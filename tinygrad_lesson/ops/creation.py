"""Arrays of constants in the shape and dtype of another, for use in rules and models."""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..op import creation
from ..samples import sample, uniform

REALS = uniform(-3, 3, (3, 4))


@creation(samples=[sample(REALS)])
def zeros_like(xp: Namespace, x: Array, /) -> Array:
    """Zeros."""
    return xp.zeros_like(x)


@creation(samples=[sample(REALS)])
def ones_like(xp: Namespace, x: Array, /) -> Array:
    """Ones."""
    return xp.ones_like(x)


@creation(samples=[sample(REALS, fill_value=2.5)])
def full_like(xp: Namespace, x: Array, /, fill_value: float) -> Array:
    """One value everywhere."""
    return xp.full_like(x, fill_value)


for _op in (zeros_like, ones_like, full_like):
    _op.no_gradient("x")

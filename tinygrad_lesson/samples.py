"""Where an op may safely be tried: the inputs that the registry-driven tests draw.

An elementwise op lists one domain for each input and the tests choose the shapes; every other
op lists whole calls, each input with its shape::

    @elementwise(samples=[uniform(-3, 3)])
    @reduction(samples=[sample(uniform(-3, 3, (3, 4)), axis=0)])
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .arrays import Array


class Domain(NamedTuple):
    """A set of arrays to draw from.

    Attributes
    ----------
    low, high
        The ends of the interval.
    shape
        Of the array; the tests of elementwise ops put their own in its place.
    kind
        ``"f"`` floats, ``"i"`` integers below `high`, ``"b"`` booleans.
    avoid
        Points, such as a kink, from which every element keeps a distance of `margin`.
    dominant
        Whether the diagonals of the last two axes are moved up until they outweigh the rest.
    """

    low: float
    high: float
    shape: tuple[int, ...] = ()
    kind: str = "f"
    avoid: tuple[float, ...] = ()
    margin: float = 0.05
    dominant: bool = False

    def draw(
        self,
        rng: np.random.Generator,
        shape: tuple[int, ...] | None = None,
        dtype: Any = np.float64,
    ) -> Array:
        """Draw one array; no two floats in it are close, so that max and sort have no ties."""
        shape = self.shape if shape is None else shape
        if self.kind == "b":
            return np.asarray(rng.random(shape) < 0.5)
        if self.kind == "i":
            return np.asarray(rng.integers(int(self.low), int(self.high), shape))
        size = int(np.prod(shape))
        # One draw from the middle of each of `size` equal slices, then shuffled.
        unit = (np.arange(size) + rng.uniform(0.25, 0.75, size)) / max(size, 1)
        values = rng.permutation(self.low + (self.high - self.low) * unit)
        for point in self.avoid:
            near = np.abs(values - point) < self.margin
            values = np.where(near, values + np.copysign(self.margin, values - point), values)
        values = values.reshape(shape)
        if self.dominant:
            rows, columns = shape[-2:]
            values = values + np.eye(rows, columns) * self.high * columns
        return values.astype(dtype)


class Sample(NamedTuple):
    """One call of an op: a domain for each array input, and the static parameters."""

    inputs: tuple[Domain, ...]
    params: dict[str, Any]

    def draw(self, rng: np.random.Generator, dtype: Any = np.float64) -> list[Array]:
        """Draw every input."""
        return [domain.draw(rng, dtype=dtype) for domain in self.inputs]


def uniform(
    low: float, high: float, shape: tuple[int, ...] = (), *, avoid: tuple[float, ...] = ()
) -> Domain:
    """Floats between `low` and `high`, apart from one another and from the points of `avoid`."""
    return Domain(low, high, shape, avoid=avoid)


def dominant(low: float, high: float, shape: tuple[int, ...]) -> Domain:
    """Matrices with a dominant diagonal: invertible, and if symmetrised positive definite."""
    return Domain(low, high, shape, dominant=True)


def integers(low: int, high: int, shape: tuple[int, ...] = ()) -> Domain:
    """Integers from `low` up to, not including, `high`."""
    return Domain(low, high, shape, kind="i")


def booleans(shape: tuple[int, ...] = ()) -> Domain:
    """True or False, evenly."""
    return Domain(0, 1, shape, kind="b")


def sample(*inputs: Domain, **params: Any) -> Sample:
    """One call: `inputs` in order, static parameters by name."""
    return Sample(inputs, params)


ELEMENTWISE_SHAPES: tuple[tuple[tuple[int, ...], ...], ...] = (
    ((3, 4), (3, 4), (3, 4)),
    ((3, 1), (4,), (2, 3, 4)),
    ((), (3,), ()),
)
"""Shapes at which elementwise ops are tried; an op of n inputs takes the first n of each."""


def calls(samples: tuple[Domain | Sample, ...]) -> Iterator[Sample]:
    """All calls that a declaration's samples stand for, elementwise domains given shapes."""
    domains = [item for item in samples if isinstance(item, Domain)]
    if domains:
        for shapes in ELEMENTWISE_SHAPES:
            shaped = zip(domains, shapes, strict=False)
            yield Sample(tuple(d._replace(shape=shape) for d, shape in shaped), {})
    yield from (item for item in samples if isinstance(item, Sample))

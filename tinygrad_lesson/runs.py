"""Run: one call of a function on fresh variables, and the ways back from what it returned."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import ops
from .batching import vmap
from .errors import ArgumentError, TinygradError
from .gradients import pull_back, variable, whole_arrays
from .graph import Leaf, leaves, topological
from .mode import current, enable_grad
from .tensor import Tensor
from .trees import flatten

AT_ONCE = 2**23
"""Numbers that an array may have while several cotangents go back at once."""


class Run:
    """A function that was called with variables in the place of some arguments.

    Attributes
    ----------
    variables
        Fresh tensors, one for each value in those arguments.
    output
        What the function returned.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        argnums: int | Sequence[int],
    ) -> None:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        for number in numbers:
            if not -len(args) <= number < len(args):
                raise ArgumentError(
                    "grad",
                    f"argnums={number} for a call with {len(args)} positional arguments",
                    "Number them from 0, and pass them by position.",
                )
        self.single = isinstance(argnums, int)
        self.variables: list[Tensor] = []
        self.builders = []
        self._outer = current().grad
        given = list(args)
        with enable_grad():
            for number in numbers:
                values, build = flatten(whole_arrays(args[number]))
                fresh = [variable(value) for value in values]
                given[number] = build(iter(fresh))
                self.variables += fresh
                self.builders.append(build)
            self.output = function(*given, **kwargs)

    def recorded(self, tensors: Sequence[Tensor]) -> bool:
        """Whether `tensors` depend on anything else that requires a gradient."""
        if not self._outer:
            return False
        own = {variable.node for variable in self.variables}
        order = topological(t.node for t in tensors if isinstance(t, Tensor))
        found = {*leaves(order), *(t.node for t in tensors if isinstance(t.node, Leaf))}
        return any(leaf is not None and leaf.requires_grad for leaf in found - own)

    def pull(self, outputs: Sequence[Tensor], cotangents: Sequence[Tensor]) -> list[Tensor]:
        """The gradients of the weighted `outputs` with respect to the variables."""
        record = self.recorded([*outputs, *cotangents])
        return pull_back(outputs, self.variables, cotangents, record)

    def rows(self, output: Tensor) -> list[Tensor]:
        """For each variable, the gradients of all numbers of `output`, along a first axis."""
        units = np.eye(output.size, dtype=output.dtype).reshape(output.size, *output.shape)
        if not output.size:
            return [Tensor.lift(np.zeros((0, *v.shape), v.dtype)) for v in self.variables]
        largest = max((math.prod(node.shape) for node in topological([output.node])), default=1)
        several = max(1, AT_ONCE // max(1, largest))
        starts = range(0, output.size, several)
        parts = [self._rows(output, units[start : start + several]) for start in starts]
        return [
            ops.concat(*part) if len(part) > 1 else part[0] for part in zip(*parts, strict=True)
        ]

    def _rows(self, output: Tensor, units: np.ndarray) -> Sequence[Tensor]:
        """The same for some of its numbers: mapped, or one by one."""

        def row(unit: Tensor) -> tuple[Tensor, ...]:
            return tuple(self.pull([output], [unit]))

        if len(units) > 1 and not current().watch:  # who searches for NaN looks at each
            # A hook, or a rule of the user's, may ask for the numbers of one.
            with contextlib.suppress(TinygradError):
                return vmap(row)(Tensor.lift(units))  # type: ignore[no-any-return]
        rows = [row(Tensor.lift(unit)) for unit in units]
        return [ops.stack(*column) for column in zip(*rows, strict=True)]

    def nested(self, values: Sequence[Any]) -> Any:
        """`values`, one for each variable, nested as the arguments were."""
        rest = iter(values)
        trees = tuple(build(rest) for build in self.builders)
        return trees[0] if self.single else trees

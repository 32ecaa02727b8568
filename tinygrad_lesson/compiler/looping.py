"""Loops of a step: so many times on the same arguments, or once for each of many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import stack
from ..tensor import Tensor
from ..trees import flatten


def repeated(step: Callable[..., Any], n: int, args: Sequence[Any]) -> Any:
    """The result of the last of `n` calls."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ArgumentError("repeat", f"n={n!r} is no number of steps", "Pass an int from 1 on.")
    for _ in range(n):
        result = step(*args)
    return result


def scanned(step: Callable[..., Any], stacked: Sequence[Any]) -> Any:
    """The results of one call for each index of the leading axes, stacked in the same way."""
    values, rebuild = flatten(tuple(stacked))
    length = _length(values)
    found = []
    for i in range(length):
        rows = [x[i] if isinstance(x, Tensor | np.ndarray) else x for x in values]
        found.append(flatten(step(*rebuild(iter(rows)))))
    columns = zip(*(results for results, _ in found), strict=True)
    return found[0][1](iter([_stacked(column) for column in columns]))


def _length(values: Sequence[Any]) -> int:
    """The length of all leading axes."""
    shapes = [x.shape for x in values if isinstance(x, Tensor | np.ndarray)]
    lengths = {shape[0] if shape else 0 for shape in shapes}
    if len(lengths) != 1 or lengths == {0}:
        raise ShapeError(
            "scan",
            f"the leading axes of {', '.join(map(str, shapes)) or 'no tensors'} do not say how"
            " many steps there are",
            "Pass tensors with a leading axis of the same length, 1 or more: one row for a step.",
        )
    return lengths.pop()


def _stacked(column: Sequence[Any]) -> Tensor:
    """What a place in the results was in all steps."""
    if all(isinstance(x, Tensor) for x in column):
        return stack(list(column))
    if all(isinstance(x, bool | int | float | np.ndarray | np.generic) for x in column):
        return Tensor(np.stack([np.asarray(x) for x in column]))
    kinds = sorted({type(x).__name__ for x in column})
    raise ArgumentError(
        "scan",
        f"the step returns a {' or a '.join(kinds)}, which cannot be stacked",
        "Return tensors and numbers.",
    )

"""Loops of a step: so many times on the same arguments, or once for each of many.

The first step is called as ever, which finds or makes the program. Those after it run in C, some
hundredths of a second at a time, for as long as that program fits; then one is called again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError
from ..ops import concat
from ..tensor import Tensor
from ..trees import flatten
from .call import Call
from .entry import Entry
from .loop_driver import FAILED
from .state_code import OTHERWISE

PATIENCE = 0.05
"""Seconds that C may take before Python looks up: who presses Ctrl-C waits hardly longer."""

Find = Callable[[Call], Entry | None]
"""Finds the program that ran last, if the next such call would run it again."""


def repeated(step: Callable[..., Any], find: Find, n: int, args: tuple[Any, ...]) -> Any:
    """The result of the last of `n` calls."""
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise ArgumentError("repeat", f"n={n!r} is no number of steps", "Pass an int from 1 on.")

    def many(call: Call, entry: Entry, first: int, count: int) -> Any:
        loop = entry.repeating
        return loop.run(min(count, loop.most), *call.tensors) if loop else FAILED

    ((_, result),) = deque(_run(n, step, find, lambda i: args, many), maxlen=1)
    return result


def scanned(step: Callable[..., Any], find: Find, stacked: tuple[Any, ...]) -> Any:
    """The results of one call for each index of the leading axes, stacked in the same way."""
    values, rebuild = flatten(stacked)
    length = _length(values)
    stacks = [x._data if isinstance(x, Tensor) else x for x in values if _is_stack(x)]
    rows = [np.asarray(x, order="C") for x in stacks]

    def arguments(i: int) -> Any:
        return rebuild(iter([x[i, ...] if _is_stack(x) else x for x in values]))

    def many(call: Call, entry: Entry, first: int, count: int) -> Any:
        loop = entry.scanning
        if loop is None:
            return FAILED
        count = min(count, loop.most)
        return loop.run(count, [row[first : first + count] for row in rows])

    pieces = []
    for count, result in _run(length, step, find, arguments, many):
        if count:
            pieces.append([Tensor.lift(x) if isinstance(x, np.ndarray) else x for x in result])
        else:
            found, build = flatten(result)
            pieces.append([x[None, ...] if isinstance(x, Tensor) else [x] for x in found])
    return build(iter([_stacked(column) for column in zip(*pieces, strict=True)]))


def _run(
    n: int,
    step: Callable[..., Any],
    find: Find,
    arguments: Callable[[int], tuple[Any, ...]],
    many: Callable[[Call, Entry, int, int], Any],
) -> Iterator[tuple[int, Any]]:
    """Run `n` steps, and tell what they return.

    Parameters
    ----------
    arguments
        Of the step of a number.
    many
        Runs up to so many steps at once, from one on, by a program; returns how many, and what
        they return; or OTHERWISE, or FAILED.

    Yields
    ------
    How many steps ran at once, and what `many` returned; or 0, and what a call returned.
    """
    done, alone, pace = 0, 1, PATIENCE
    while done < n:
        args = arguments(done)
        started = time.perf_counter()
        if not alone:
            call, count = Call(args, {}), max(1, min(int(PATIENCE / pace), n - done))
            entry = find(call)
            found = many(call, entry, done, count) if entry else OTHERWISE
            if found is not OTHERWISE and found is not FAILED:
                pace = (time.perf_counter() - started) / found[0]
                done, alone = done + found[0], int(found[0] < count)
                yield found
                continue
            alone, pace = 1 if found is OTHERWISE else count, PATIENCE
        result = step(*args)
        pace = min(pace, time.perf_counter() - started)
        done, alone = done + 1, alone - 1
        yield 0, result


def _is_stack(value: Any) -> bool:
    return isinstance(value, Tensor | np.ndarray)


def _length(values: Sequence[Any]) -> int:
    """The length of all leading axes."""
    shapes = [x.shape for x in values if _is_stack(x)]
    lengths = {shape[0] if shape else 0 for shape in shapes}
    if len(lengths) != 1 or lengths == {0}:
        raise ShapeError(
            "scan",
            f"the leading axes of {', '.join(map(str, shapes)) or 'no tensors'} do not say how"
            " many steps there are",
            "Pass tensors with a leading axis of the same length, 1 or more: one row for a step.",
        )
    return lengths.pop()


def _stacked(pieces: Sequence[Any]) -> Tensor:
    """What a place in the results was in all steps: tensors, and lists of other things."""
    if all(isinstance(piece, Tensor) for piece in pieces):
        return concat(list(pieces))
    column = [x for piece in pieces for x in piece]
    if all(isinstance(x, bool | int | float | np.ndarray | np.generic) for x in column):
        return Tensor(np.stack([np.asarray(x) for x in column]))
    kinds = sorted({type(x).__name__ for x in column})
    raise ArgumentError(
        "scan",
        f"the step returns a {' or a '.join(kinds)}, which cannot be stacked",
        "Return tensors and numbers.",
    )

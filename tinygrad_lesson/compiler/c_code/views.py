"""Free views: values that are the numbers of another value, seen in another order.

A reshape, a transpose or a slice computes nothing. Where a program stores the numbers of a value,
and how its views step through them, is found by applying the op to an array without numbers.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...arrays import SLOT, Array
from ...arrays import numpy as kernels
from ...graph import Shape
from ...op import REGISTRY
from ...tracing.program import Equation, Program, Value
from .operators import type_of

VIEWS = frozenset({
    "reshape", "permute_dims", "matrix_transpose", "expand_dims", "squeeze", "broadcast_to",
    "getitem", "flip", "moveaxis", "swapaxes",
})  # fmt: skip


class View(NamedTuple):
    """Steps, in elements, through the numbers that `base` stores one after the other."""

    base: Value
    shape: Shape
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def whole(self) -> bool:
        """Whether it is all of the base, in order."""
        return (
            self.offset == 0
            and math.prod(self.shape) == math.prod(self.base.shape)
            and is_contiguous(self.shape, self.strides)
        )

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def broadcast(self, shape: Shape) -> View:
        """The same, stretched to `shape`."""
        lead = len(shape) - len(self.shape)
        strides = [0] * lead + [
            0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)
        ]
        return View(self.base, shape, tuple(strides), self.offset)


@functools.lru_cache(1024)
def contiguous(shape: Shape) -> tuple[int, ...]:
    """Strides, in elements, of numbers that lie in order."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


def is_contiguous(shape: Shape, strides: tuple[int, ...]) -> bool:
    """Whether these strides step through numbers in order."""
    ordered = contiguous(shape)
    return strides == ordered or all(
        n == 1 or s == t for n, s, t in zip(shape, strides, ordered, strict=True)
    )


def strided(value: Value, index: tuple[Any, ...]) -> View:
    """The part of a value that an index of integers and slices names."""
    array = as_strided(np.empty(1, np.int8), value.shape, contiguous(value.shape))
    part = array[(*index, *(() if Ellipsis in index else (Ellipsis,)))]
    shift = part.__array_interface__["data"][0] - array.__array_interface__["data"][0]
    return View(value, part.shape, tuple(part.strides), shift)


def viewed(program: Program) -> tuple[Program, dict[Value, View]]:
    """For every value of a program, where its numbers are.

    The program has a copy now before each reshape that was no view of what it is given. (Where C
    can copy, that is; otherwise the reshape is left to the array library.)
    """
    found = {v: _itself(v) for v in program.inputs}
    known = [*program.inputs, *(equation.out for equation in program.equations)]
    count = max((value.number for value in known), default=0)
    equations: list[Equation] = []
    for equation in program.equations:
        view = _view(equation, found) if equation.op.name in VIEWS else None
        if view is None and equation.op.name == "reshape":
            (x, *_) = equation.inputs
            if math.prod(x.shape) and type_of(x.dtype):
                count += 1
                copy = Value(count, x.shape, x.dtype)
                found[copy] = _itself(copy)
                equations.append(
                    Equation(copy, REGISTRY["positive"], (x,), {}, equation.scope, equation.line)
                )
                equation = equation._replace(inputs=(copy,))
                view = _view(equation, found)
        equations.append(equation)
        found[equation.out] = view or _itself(equation.out)
    return program.with_equations(equations, {}), found


def _itself(value: Value) -> View:
    return View(value, value.shape, contiguous(value.shape))


def _view(equation: Equation, found: dict[Value, View]) -> View | None:
    """The view that an op gives, or None if it makes new numbers."""
    params: dict[str, Any] = dict(equation.params)
    if SLOT in params.get("index", ()) or not math.prod(equation.out.shape):
        return None
    seen = found[equation.inputs[0]]
    blank = np.empty(1, np.int8)
    array = as_strided(blank, seen.shape, seen.strides)
    if equation.op.name == "reshape":
        out = _reshaped(array, equation.out.shape)
    elif equation.op.name == "getitem":
        out = array[(*params["index"], *(() if Ellipsis in params["index"] else (Ellipsis,)))]
    else:
        out = equation.op.forward(kernels, array, **params)
    if out is None or out.shape != equation.out.shape or not np.may_share_memory(out, array):
        return None
    shift = out.__array_interface__["data"][0] - array.__array_interface__["data"][0]
    return View(seen.base, out.shape, tuple(out.strides), seen.offset + shift)


def _reshaped(array: Array, shape: Shape) -> Array | None:
    """`array` in another shape, or None if its numbers would have to be copied."""
    try:
        return array.reshape(shape, copy=False)
    except ValueError:
        return None

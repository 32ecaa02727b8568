"""What the C functions for groups of all kinds have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...graph import Shape
from ...tracing.program import Value
from .operators import type_of
from .schedule import Group

if TYPE_CHECKING:
    from .writer import Writer

Strides = tuple[int, ...]


class Kernel:
    """The C function of one group: a subclass writes its body."""

    def __init__(self, writer: Writer, group: Group) -> None:
        self.writer, self.group = writer, group
        self.views = writer.views
        self.inside = set(group.outputs())
        self.stored_anywhere = writer.plan.stored
        self.stored: list[Value] = []  # the values whose addresses it takes, in order

    def pointer(self, value: Value) -> str:
        """The parameter for a stored value."""
        if value not in self.stored:
            self.stored.append(value)
        return f"p{self.stored.index(value)}"

    def signature(self) -> str:
        """The head of the function; `@` stands for its name."""
        parameters = [
            f"{'' if v in self.inside else 'const '}{type_of(v.dtype)} *restrict p{i}"
            for i, v in enumerate(self.stored)
        ]
        parameters += ["const f64 *restrict n", "f64 *restrict parts", "i64 me", "meeting *m"]
        return f"static i32 @({', '.join(parameters)})"

    def text(self) -> str:
        """The function, with what it computes above it."""
        raise NotImplementedError

    def function(self, comment: str, lines: Sequence[str]) -> str:
        """The function of these lines."""
        body = [f"    {line}" for line in [*lines, "return 0;"]]
        return "\n".join([f"/* {comment} */", f"{self.signature()} {{", *body, "}", ""])


def nest(
    letter: str,
    shape: Shape,
    body: Sequence[str],
    shared: int | None = None,
    axes: Sequence[int] | None = None,
) -> list[str]:
    """`body` inside a loop for each axis, or for some; `shared` is a thread's own part of it."""
    lines = list(body)
    for axis in reversed(range(len(shape)) if axes is None else axes):
        name = f"{letter}{axis}"
        ends = ("from", "to") if axis == shared else ("0", str(shape[axis]))
        lines = [f"for (i64 {name} = {ends[0]}; {name} < {ends[1]}; {name}++) {{",
                 *(f"    {line}" for line in lines), "}"]  # fmt: skip
    return lines


def collapsed(shape: Shape, strides: Sequence[Strides]) -> tuple[Shape, list[Strides]]:
    """Fewer axes with the same elements in the same order: neighbours that fit become one."""
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis, n in enumerate(shape):
        if n == 1:
            continue
        fits = bool(sizes) and all(
            kept[-1] == given[axis] * n for kept, given in zip(steps, strides, strict=True)
        )
        if fits:
            sizes[-1] *= n
        else:
            sizes.append(n)
        for kept, given in zip(steps, strides, strict=True):
            if fits:
                kept[-1] = given[axis]
            else:
                kept.append(given[axis])
    return tuple(sizes), [tuple(s) for s in steps]


def index_of(strides: Strides, offset: int = 0, letter: str = "i") -> str:
    """C code of the place of an element, from the numbers of the loops."""
    terms = [f"{letter}{a} * {s}" if s != 1 else f"{letter}{a}" for a, s in enumerate(strides) if s]
    return " + ".join([*terms, *([str(offset)] if offset or not terms else [])])

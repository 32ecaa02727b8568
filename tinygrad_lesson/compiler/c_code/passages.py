"""Passages: a long loop body is run through in several loops over a few numbers at a time.

A processor works at several turns of a loop at once, as long as their instructions fit into its
window. Of a body with two or three functions such as ``exp`` and ``tanh`` hardly more than one
turn fits, and each waits for its own results; in loops of one function each, many do. (Measured:
tanh, sigmoid, exp, log1p and their gradient took 1.9 ns a number in one loop, 1.0 ns in five.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PASSAGE = 512
"""So many numbers go through all loops before the next ones do: they stay in the fastest cache."""

NAME = re.compile(r"\b[a-z]\w*\b")


class Scope:
    """The lines of a loop body; what they have loaded, each once; what they define.

    Attributes
    ----------
    lines
        In order.
    defined
        For each line that defines a name: the name and its type.
    slow
        The lines that take long.
    loads
        The lines that only fetch a number from memory.
    """

    def __init__(self, prefix: str) -> None:
        self.prefix, self.names = prefix, dict[Any, str]()
        self.lines: list[str] = []
        self.defined: dict[str, tuple[str, str]] = {}
        self.slow: set[str] = set()
        self.loads: set[str] = set()

    def define(self, name: str, kind: str, code: str, slow: bool = False) -> None:
        """Let a name stand for the value of some code."""
        line = f"const {kind} {name} = {code};"
        self.lines.append(line)
        self.defined[line] = (name, kind)
        if slow:
            self.slow.add(line)

    def loaded(self, key: Any, kind: str, code: str) -> str:
        """The name of what is loaded by `code`."""
        if key not in self.names:
            self.names[key] = f"{self.prefix}{len(self.names)}"
            self.define(self.names[key], kind, code)
            self.loads.add(self.lines[-1])
        return self.names[key]


class Passages:
    """The loops for the lines of a scope: one, or one for each slow line.

    Parameters
    ----------
    scope
        The lines.
    letter
        What counts the elements.
    clauses
        For lines that add up or compare: what the compiler is told of it.
    apart
        Whether there are enough elements for several loops.
    """

    def __init__(self, scope: Scope, letter: str, clauses: Mapping[str, str], apart: bool) -> None:
        self.scope, self.letter, self.clauses = scope, letter, clauses
        self.parts: list[list[str]] = [[]]
        self.kept: dict[str, str] = {}  # arrays for what a later loop needs, by name
        for line in scope.lines:
            self.parts[-1].append(line)
            if line in scope.slow and apart:
                self.parts.append([])
        if not self.parts[-1]:
            self.parts.pop()
        if sum(line in scope.slow for line in scope.lines) < 2:
            self.parts = [list(scope.lines)]
        if len(self.parts) > 1:
            self._hand_on()

    def __len__(self) -> int:
        return len(self.parts)

    def _hand_on(self) -> None:
        """Put into each loop what it needs of earlier ones: loaded again, or kept in an array."""
        source: dict[str, tuple[int, str, str]] = {}  # where each name is defined, how, its type
        for number, part in enumerate(self.parts):
            needed: list[str] = []
            used = {name for line in part for name in NAME.findall(line)}
            for name, (home, line, kind) in list(source.items()):
                if name not in used or home == number:
                    continue
                if line in self.scope.loads:
                    needed.append(line)
                    continue
                if name not in self.kept:
                    self.kept[name] = f"{kind} k{len(self.kept)}"
                    keep = f"{self._place(name)} = {name};"
                    before = self.parts[home]
                    before.insert(before.index(line) + 1, keep)
                needed.append(f"const {kind} {name} = {self._place(name)};")
            for line in part:
                if line in self.scope.defined:
                    name, kind = self.scope.defined[line]
                    source[name] = (number, line, kind)
            part[:0] = needed

    def _place(self, name: str) -> str:
        return f"{self.kept[name].split()[1]}[{self.letter} - b]"

    def arrays(self) -> list[str]:
        """What declares the arrays."""
        return [f"{declared}[{PASSAGE}];" for declared in self.kept.values()]

    def loops(self, first: str, last: str) -> list[str]:
        """The loops over the elements from `first` to `last`."""
        lines: list[str] = []
        for part in self.parts:
            found = [self.clauses[line] for line in part if line in self.clauses]
            lines += [
                " ".join(["#pragma omp simd", *found]),
                f"for (i64 {self.letter} = {first}; {self.letter} < {last}; {self.letter}++) {{",
                *(f"    {line}" for line in part),
                "}",
            ]
        return lines

"""How the lines of a written step are laid out on the page."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

WIDTH = 96
"""Longer lists of parameters and results are written one below the other."""

COLUMN = 60
"""Comments stand in one column, unless a line is longer than that."""


class Line(NamedTuple):
    """A statement, and what to say of it: the shape, and the module in which it ran."""

    code: str
    shape: str = ""
    scope: str = ""


def laid_out(
    name: str, parameters: list[str], above: list[str], lines: list[Line], results: list[str]
) -> str:
    """The source of a function.

    Parameters
    ----------
    name, parameters
        Of the function.
    above
        Statements in front of it.
    lines
        Its statements.
    results
        What it returns, as a tuple.
    """
    body: list[str] = []
    root = None
    for scope, group in groupby(lines, lambda line: line.scope):
        block = list(group)
        if root is not None and scope.partition("/")[0] != root:
            body.append("")
        root = scope.partition("/")[0]
        body += _block(scope, block)
    body.append(listed("return ", results, "", ",") if results else "return ()")
    head = listed(f"def {name}(", parameters, "):", ",")
    front = "".join(f"{line}\n" for line in above)
    inner = "\n".join(f"    {line}".rstrip() for text in body for line in text.split("\n"))
    return f"{front}{chr(10) * 2 if front else ''}{head}\n{inner}\n"


def _block(scope: str, lines: list[Line]) -> list[str]:
    """Lines of one module: its path above them, or beside the only one."""
    alone = len(lines) == 1
    found = [f"# {scope}"] if scope and not alone else []
    width = max((len(line.code) for line in lines if len(line.code) <= COLUMN), default=0)
    first_new = next((i for i, line in enumerate(lines) if line.code.startswith("new_")), 0)
    for place, line in enumerate(lines):
        if place and place == first_new and not scope:
            found.append("")
        notes = [line.shape, scope if alone else ""]
        note = ", ".join(filter(None, notes))
        noted = f"{line.code.ljust(width)}  # {note}"
        if len(noted) > WIDTH and line.scope:
            noted = f"{line.code.ljust(width)}  # {line.shape}"
        found.append(noted if note and len(noted) <= WIDTH else line.code)
    return found


def listed(before: str, items: list[str], after: str, comma: str) -> str:
    """Code of items in one line, or in several if they are many."""
    single = comma if len(items) == 1 and before.startswith("return") else ""
    line = f"{before}{', '.join(items)}{single}{after}"
    if len(line) <= WIDTH:
        return line
    rows, row = [], ""
    for item in items:
        if row and len(row) + len(item) > WIDTH - 8:
            rows.append(row.rstrip())
            row = ""
        row += f"{item}, "
    rows.append(row.rstrip())
    opening, closing = (before, after) if before[-1] in "([" else (f"{before}(", f"){after}")
    return "\n".join([opening, *(f"    {row}" for row in rows), closing])

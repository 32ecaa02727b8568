"""Times, bytes and rows of cells as text."""

from __future__ import annotations

import math

FAILED = "failed"
"""In the place of what could not be measured."""


def seconds(value: float) -> str:
    """With a unit, and three digits."""
    if math.isinf(value):
        return FAILED
    units = (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9))
    unit, factor = next((u, f) for u, f in units if value * f >= 1 or u == "ns")
    return f"{float(f'{value * factor:.3g}'):g} {unit}"


def mebibytes(value: int | None) -> str:
    """Empty where it is not known."""
    return "" if value is None else f"{float(f'{value / 2**20:.3g}'):g} MiB"


def ratio(value: float, other: float) -> str:
    """How many times the other it is; empty if one of them is endless, since there is none."""
    return "" if math.isinf(value) or math.isinf(other) else f"{value / other:.2f}x"


def markdown(rows: list[list[str]]) -> str:
    """A table; all columns but the first and the last hold numbers."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, f"| --- |{' ---: |' * (len(rows[0]) - 2)} --- |")
    return "\n".join(lines)


def text(rows: list[list[str]]) -> str:
    """The same for a terminal."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < i < last else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )

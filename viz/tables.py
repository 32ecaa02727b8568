"""Rows of numbers in a box: value and gradient, and what is wrong with them."""

from __future__ import annotations

from typing import Final

from . import theme
from .digits import HEADINGS, Digest

NARROW: Final = 2
"""Columns up to which the gradient stands beside the value, not below it."""


def numbers_table(digests: list[tuple[str, Digest]], faint: str) -> tuple[int, list[str]]:
    """How many columns there are, and the rows with the values and gradients.

    The two stand side by side where both are columns of numbers, else one above the other.
    """
    if not digests:
        return 1, []
    columns = len(digests[0][1].rows[0])
    if len(digests) == 2 and columns <= NARROW and len(digests[0][1].rows) > 1:
        return 2 * columns, _beside(digests, columns, faint)
    rows = []
    if any(d.summary for _, d in digests):
        cells = "".join(f'<td align="right">{font(h, faint, 8)}</td>' for h in HEADINGS)
        rows.append(f"<tr><td></td>{cells}</tr>")
    for name, d in digests:
        fill, mark = _marked(name, d)
        if len(d.rows) > 1 and name == "grad":
            rows.append("<hr/>")
        for i, row in enumerate(d.rows):
            head = font(f"{name}&nbsp;" if i == 0 else " ", mark or faint, 9)
            cells = "".join(_cell(text, fill, mark) for text in row)
            rows.append(f'<tr><td align="left"{fill}>{head}</td>{cells}</tr>')
        rows += _remark(d, fill, mark, 1 + columns)
    return 1 + columns, rows


def _beside(digests: list[tuple[str, Digest]], columns: int, faint: str) -> list[str]:
    marks = [_marked(name, d) for name, d in digests]
    heads = (
        f'<td align="right" colspan="{columns}"{fill}>{font(name, mark or faint, 9)}</td>'
        for (name, _), (fill, mark) in zip(digests, marks, strict=True)
    )
    rows = [f"<tr>{'<vr/>'.join(heads)}</tr>"]
    for pair in zip(*(d.rows for _, d in digests), strict=True):
        sides = (
            "".join(_cell(text, *look) for text in row)
            for row, look in zip(pair, marks, strict=True)
        )
        rows.append(f"<tr>{'<vr/>'.join(sides)}</tr>")
    for (_, d), look in zip(digests, marks, strict=True):
        rows += _remark(d, *look, 2 * columns)
    return rows


def _marked(name: str, d: Digest) -> tuple[str, str]:
    """Ground and ink where something is wrong: NaN, inf, or a gradient that is all zero."""
    if not d.alarm and not (d.zero and name == "grad"):
        return "", ""
    fill, mark = (theme.ALARM_FILL, theme.ALARM) if d.alarm else (theme.ZERO_FILL, theme.ZERO)
    return f' bgcolor="{fill}" border="1" color="{fill}"', mark  # its border hides the seams


def _cell(text: str, fill: str, mark: str) -> str:
    inside = f'<font color="{mark}"><b>{text}</b></font>' if mark else text
    return f'<td align="right"{fill}>&nbsp;{inside}</td>'


def _remark(d: Digest, fill: str, mark: str, width: int) -> list[str]:
    """In words what the ground says in colour, unless the one number says it itself."""
    if not mark or (not d.summary and len(d.rows) == len(d.rows[0]) == 1):
        return []
    text = d.alarm or "all zero"
    return [
        f'<tr><td colspan="{width}" align="right"{fill}>'
        f'<font color="{mark}" point-size="10"><b>{text}</b></font></td></tr>'
    ]


def line(text: str, width: int) -> str:
    """A row of one cell."""
    return f'<tr><td colspan="{width}" align="left">{text}</td></tr>'


def font(text: str, color: str, size: int) -> str:
    """Text in a colour and a size."""
    return f'<font color="{color}" point-size="{size}">{text}</font>'

"""The text in a box, as Graphviz's HTML-like labels."""

from __future__ import annotations

import html
from collections import Counter
from typing import Any

from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.graph import Leaf, Node

from . import theme
from .collapse import Part
from .digits import HEADINGS, Digest, digest, number
from .scene import Scene
from .values import Place

LONGEST = 48
"""Letters of a name or a formula; what is longer ends in an ellipsis."""

NARROW = 2
"""Columns up to which the gradient stands beside the value, not below it."""


def safe(text: str) -> str:
    """Make `text` fit for an HTML-like label: escaped, on one line, without control characters.

    Examples
    --------
    >>> safe('a<b> & "c"')
    'a&lt;b&gt; &amp; &quot;c&quot;'
    """
    text = text.strip()
    return escaped(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")


def escaped(text: str) -> str:
    """Make `text`, of any length, fit for an HTML-like label."""
    return html.escape("".join(c if c.isprintable() else " " for c in text))


def family(scene: Scene, part: Part) -> str:
    """Which entry of the theme a box is painted by."""
    place = part.members[0]
    if scene.backward.issuperset(part.members):
        return "backward"
    if len(part.members) > 1 and any(isinstance(p, Node) for p in part.members):
        return "collapsed"
    if isinstance(place, Leaf):
        return "parameter" if place.requires_grad else "input"
    return place.op.kind.name if place.op.kind.name in theme.PAINTS else "other"


def box(scene: Scene, part: Part) -> str:
    """The label of one box: what it is, its shape and dtype, its value and its gradient."""
    look = theme.paint(family(scene, part))
    ink, faint = theme.ON_DARK.get(family(scene, part), (theme.INK, theme.FAINT))
    if len(part.members) > 1 or part.module:
        title, what = _of_several(scene, part)
    else:
        title, what = _of_one(scene, part.members[0])
    shown = part.outputs if len(part.outputs) == 1 else []
    digests: list[tuple[str, Digest]] = []
    for place in shown or part.members[: len(part.members) == 1]:
        digests.append(("value", digest(scene.values[place])))
        if place in scene.gradients and place not in scene.backward:
            digests.append(("grad", digest(scene.gradients[place])))
    width, numbers = _numbers(digests, faint)
    rows = []
    if title:
        rows.append(_line(f'<font point-size="13"><b>{safe(title)}</b></font>', width))
    rows += [_line(_font(safe(text), faint if title else ink, 10), width) for text in what[:1]]
    rows += [_line(_font(safe(text), faint, 9), width) for text in what[1:]]
    rows += numbers
    inside = "".join(rows)
    return (
        f'<<font color="{ink}"><table border="0" cellborder="0" cellspacing="0" cellpadding="2"'
        f' color="{look.line}">'
        f"{inside}</table></font>>"
    )


def _of_one(scene: Scene, place: Place) -> tuple[str, list[str]]:
    title = scene.called(place)
    facts = f"{place.dtype} {place.shape}"
    if isinstance(place, Node):
        return title, [formula(scene, place), facts]
    if place in scene.backward:
        return title, ["the seed" if title else "constant", facts]
    return title, [*([] if title else [_nameless(place)]), facts]


def _nameless(leaf: Leaf) -> str:
    return "parameter" if leaf.requires_grad else "constant"


def _of_several(scene: Scene, part: Part) -> tuple[str, list[str]]:
    ops = Counter(p.op.name for p in part.members if isinstance(p, Node))
    held = [p for p in part.members if isinstance(p, Leaf)]
    names = [scene.called(p) for p in part.outputs]
    title = part.module.replace(":", ": ") or (names[0] if len(names) == 1 else "")
    if part.module and scene.backward.issuperset(part.members):
        title += ", backward"
    what = []
    if ops:
        counted = ", ".join(f"{n} {op}" if n > 1 else op for op, n in ops.most_common(3))
        what.append(f"{ops.total():,} ops: {counted}" + ", …" * (len(ops) > 3))
    for leaves, noun in (
        ([p for p in held if p.requires_grad], "parameter"),
        ([p for p in held if not p.requires_grad], "constant"),
    ):
        if leaves:
            named = ", ".join(filter(None, map(scene.called, leaves[:4])))
            count = f"{len(leaves):,} {noun}{'s' * (len(leaves) > 1)}"
            what.append(f"{count}: {named}" if named else count)
    if len(part.outputs) == 1:
        what.append(f"{part.outputs[0].dtype} {part.outputs[0].shape}")
    return title, what


def formula(scene: Scene, node: Node) -> str:
    """The call that made a node, as in ``sum(h, axis=0)``; a dot stands for what has no name."""
    args = [_argument(scene, p) for p in scene.inputs[node]]
    for key, value in node.params.items():
        if key not in node.op.defaults or repr(value) != repr(node.op.defaults[key]):
            text = _static(value)
            args.append(f"{key}={text.strip('(,)') if key == 'index' else text}")
    return f"{node.op.name}({', '.join(args)})"


def _argument(scene: Scene, parent: Any) -> str:
    if not isinstance(parent, Node | Leaf):
        return number(parent)
    if scene.called(parent):
        return scene.called(parent).split(" = ")[0]
    return number(parent.data) if isinstance(parent, Leaf) and parent.shape == () else "·"


def _static(value: Any) -> str:
    """A static parameter, with indices as the user wrote them."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_static, value))}{',' * (len(value) == 1)})"
    if isinstance(value, slice):
        ends = ["" if end is None else str(end) for end in (value.start, value.stop, value.step)]
        return ":".join(ends if value.step is not None else ends[:2])
    if value is Ellipsis or value is SLOT:
        return "..." if value is Ellipsis else "array"
    return number(value) if isinstance(value, float) else str(value)


def _line(text: str, width: int) -> str:
    return f'<tr><td colspan="{width}" align="left">{text}</td></tr>'


def _font(text: str, color: str, size: int) -> str:
    return f'<font color="{color}" point-size="{size}">{text}</font>'


def _numbers(digests: list[tuple[str, Digest]], faint: str) -> tuple[int, list[str]]:
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
        cells = "".join(f'<td align="right">{_font(h, faint, 8)}</td>' for h in HEADINGS)
        rows.append(f"<tr><td></td>{cells}</tr>")
    for name, d in digests:
        fill, mark = _marked(name, d)
        if len(d.rows) > 1 and name == "grad":
            rows.append("<hr/>")
        for i, row in enumerate(d.rows):
            head = _font(f"{name}&nbsp;" if i == 0 else " ", mark or faint, 9)
            cells = "".join(_cell(text, fill, mark) for text in row)
            rows.append(f'<tr><td align="left"{fill}>{head}</td>{cells}</tr>')
        rows += _remark(d, fill, mark, 1 + columns)
    return 1 + columns, rows


def _beside(digests: list[tuple[str, Digest]], columns: int, faint: str) -> list[str]:
    marks = [_marked(name, d) for name, d in digests]
    heads = (
        f'<td align="right" colspan="{columns}"{fill}>{_font(name, mark or faint, 9)}</td>'
        for (name, _), (fill, mark) in zip(digests, marks, strict=True)
    )
    rows = [f"<tr>{''.join(heads)}</tr>"]
    for pair in zip(*(d.rows for _, d in digests), strict=True):
        cells = "".join(
            _cell(text, *look) for row, look in zip(pair, marks, strict=True) for text in row
        )
        rows.append(f"<tr>{cells}</tr>")
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

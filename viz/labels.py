"""The text in a box, as Graphviz's HTML-like labels."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.graph import Leaf, Node
from tinygrad_lesson.op import Op

from . import theme
from .collapse import Part
from .digits import Digest, digest, number
from .scene import Scene
from .tables import font, line, numbers_table
from .values import Place

LONGEST = 48
"""Letters of a name or a formula; what is longer ends in an ellipsis."""


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
    words = "".join(c if c.isprintable() else " " for c in text).split()
    return html.escape(" ".join(words)).replace("\\", r"\\")  # r"\N" would become the key


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
    several = len(part.members) > 1 or bool(part.module)
    if several:
        title, what = _of_several(scene, part)
    else:
        title, what = _of_one(scene, part.members[0])
    digests: list[tuple[str, Digest]] = []
    shown = part.members if len(part.members) == 1 else part.outputs
    for place in shown if len(shown) == 1 else ():
        digests.append(("value", digest(scene.values[place])))
        if place in scene.gradients and place not in scene.backward:
            digests.append(("grad", digest(scene.gradients[place])))
    width, numbers = numbers_table(digests, faint)
    rows = []
    if title:
        rows.append(line(f'<font point-size="13"><b>{safe(title)}</b></font>', width))
    rows += [line(font(safe(text), faint if title else ink, 10), width) for text in what[:1]]
    rows += [line(font(safe(text), faint, 9), width) for text in what[1:]]
    rows += numbers
    if several and (cause := _cause(scene, part)):
        rows.append(line(font(safe(f"NaN or inf, first {cause}"), theme.ALARM, 10), width))
    return of_rows(rows, ink, look.line)


def of_rows(rows: list[str], ink: str, border: str) -> str:
    """The label that rows of a table make."""
    return (
        f'<<font color="{ink}"><table border="0" cellborder="0" cellspacing="0" cellpadding="2"'
        f' color="{border}">'
        f"{''.join(rows)}</table></font>>"
    )


def heading(title: str, lines: list[str]) -> str:
    """The label of a frame: a title, and what is to be said below it."""
    rows = [f'<tr><td align="left"><b>{safe(title)}</b></td></tr>']
    rows += [line(font(safe(", ".join(lines)), theme.FAINT, 9), 1)] if lines else []
    return (
        f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1">{"".join(rows)}</table>'
    )


def plain(family: str, titles: list[str], lines: list[str]) -> str:
    """The label of a box without numbers: titles, and what is to be said below them."""
    ink, faint = theme.ON_DARK.get(family, (theme.INK, theme.FAINT))
    rows = [line(f'<font point-size="12"><b>{safe(title)}</b></font>', 1) for title in titles]
    rows += [
        line(font(safe(text), ink if not titles and i == 0 else faint, 10 if i == 0 else 9), 1)
        for i, text in enumerate(lines)
    ]
    return of_rows(rows, ink, theme.paint(family).line)


def broken(scene: Scene, place: Place) -> bool:
    """Whether NaN or inf is in its value or its gradient."""
    return not (_finite(scene.values[place]) and _finite(scene.gradients.get(place, 0.0)))


def _finite(array: Any) -> bool:
    return bool(np.isfinite(array).all())


def _cause(scene: Scene, part: Part) -> str:
    """Where, among the many members of a box, NaN or inf came up; empty if nowhere."""
    nodes: list[Place] = [p for p in part.members if isinstance(p, Node)]
    held: list[Place] = [p for p in part.members if isinstance(p, Leaf)]
    for place in (*held, *nodes):
        if not _finite(scene.values[place]):
            return f"from {place.op.name}" if isinstance(place, Node) else "in an input"
    for place in (*reversed(nodes), *held):  # the way that gradients go
        if broken(scene, place):
            what = place.op.name if isinstance(place, Node) else "parameter"
            return f"in the gradient of {scene.called(place) or what}"
    return ""


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
    return call(node.op, [_argument(scene, p) for p in scene.inputs[node]], node.params)


def call(op: Op[...], args: list[str], params: Mapping[str, Any]) -> str:
    """An op with its arguments, and those static parameters that are not what they usually are."""
    shown = list(args)
    for key, value in params.items():
        if key not in op.defaults or repr(value) != repr(op.defaults[key]):
            text = _static(value)
            shown.append(f"{key}={text.strip('(,)') if key == 'index' else text}")
    return f"{op.name}({', '.join(shown)})"


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

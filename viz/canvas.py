"""What all pictures have in common: paper, frames, arrows, and the legend below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import graphviz

from . import labels, theme
from .rendering import Picture

CHIPS = 4
"""So many colours are explained in a line."""


def canvas(direction: str, caption: str) -> Picture:
    """An empty picture; the direction is Graphviz's, ``"LR"`` or ``"TB"``."""
    return Picture(
        graph_attr={
            "rankdir": direction,
            "bgcolor": theme.PAPER,
            "fontname": theme.FONT,
            "pad": "0.25",
            "nodesep": "0.3",
            "ranksep": "0.45",
            "label": caption,
            "labelloc": "b",
            "labeljust": "l",
        },
        node_attr={"fontname": theme.FONT, "fontsize": "11", "shape": "box", "margin": "0.11,0.06"},
        edge_attr={"arrowsize": "0.7", "penwidth": "1.2", "color": theme.FORWARD},
        format="svg",
    )


def in_frame(frame: graphviz.Digraph, label: str, tooltip: str) -> None:
    """Give a subgraph the look of a frame."""
    frame.attr(
        label=f"<{label}>",
        fontname=theme.FONT,
        fontsize="12",
        fontcolor=theme.FAINT,
        style="filled,rounded",
        fillcolor=theme.MODULE_FILL,
        color=theme.MODULE_LINE,
        margin="12",
        labeljust="l",
        labelloc="t",
        tooltip=graphviz.escape(tooltip),
    )


def caption(lines: Iterable[str], families: Mapping[str, str]) -> str:
    """The text under a picture: how to read it, and what the colours of some families mean."""
    chips = [
        f'<td bgcolor="{look.fill}" border="1" color="{look.line}">'
        f'<font color="{theme.ON_DARK.get(name, (theme.INK,))[0]}">'
        f"&nbsp;{labels.safe(families[name])}&nbsp;&nbsp;</font></td>"
        for name, look in theme.PAINTS.items()
        if name in families
    ]
    rows = [f'<td align="left" colspan="{CHIPS}">{labels.escaped(line)}</td>' for line in lines]
    rows += ["".join(chips[i : i + CHIPS]) for i in range(0, len(chips), CHIPS)]
    table = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<<font color="{theme.FAINT}" point-size="10"><table border="0" cellborder="0"'
        f' cellspacing="4" cellpadding="2">{table}</table></font>>'
    )

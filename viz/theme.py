"""Colours and type.

The hues are those of Okabe and Ito, "Color Universal Design" (2008), which people with any of the
common colour deficiencies can tell apart, thinned to tints on which black text is easy to read.
Nothing is told by colour alone: each box also says what it is.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Paint(NamedTuple):
    """How the boxes of one family look."""

    fill: str
    line: str
    what: str
    style: str = "filled,rounded"


FONT: Final = "Helvetica,Arial,sans-serif"
INK, FAINT, PAPER = "#1a1a1a", "#5c6670", "white"
MODULE_FILL, MODULE_LINE = "#f7f8fa", "#b4bcc6"
FORWARD, BACKWARD, SAVED = "#4a5560", "#c24e00", "#c9a58c"
ALARM, ZERO = "#c00000", "#8a5a00"
ALARM_FILL, ZERO_FILL = "#ffd9d9", "#ffe9a8"

PAINTS: Final = {
    "parameter": Paint("#20456b", "#12283f", "parameter (gets a gradient)", "filled"),
    "input": Paint("#e6e9ed", "#7b8794", "input or constant", "filled"),
    "elementwise": Paint("#d3eafa", "#3d8fc4", "elementwise"),
    "linear": Paint("#ffe6a6", "#c48a00", "linear"),
    "reduction": Paint("#c8ecdf", "#00805c", "reduction"),
    "movement": Paint("#e5dff3", "#7a68b3", "movement"),
    "indexing": Paint("#f8d9e8", "#b5558a", "indexing"),
    "creation": Paint("#ece5d8", "#94825c", "creation"),
    "other": Paint("#ffffff", "#4a5560", "other op"),
    "collapsed": Paint("#dfe4ea", "#4a5560", "several ops in one box"),
    "backward": Paint("#fde0d0", BACKWARD, "op of the backward pass"),
}
"""One entry for each kind of op, and for what is no op, in the order of the legend."""

ON_DARK: Final = {"parameter": ("white", "#c3d3e6")}
"""Text and faint text of the families whose fill is dark."""


def paint(family: str) -> Paint:
    """The look of a family; a kind of op that somebody else declared looks like "other"."""
    return PAINTS.get(family, PAINTS["other"])

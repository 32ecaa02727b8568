"""Colours and type.

Fills and borders differ in lightness as well as in hue, so that they stay apart for people who see
no red or no green (the tests look through their eyes). Nothing is told by colour alone: each box
also says what it is.
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
INK, FAINT, PAPER = "#1a1a1a", "#4a545d", "white"
MODULE_FILL, MODULE_LINE = "#f7f8fa", "#b4bcc6"
FORWARD, BACKWARD, SAVED = "#4a5560", "#bf4f00", "#c9a58c"
ALARM, ZERO = "#c00000", "#8a5a00"
ALARM_FILL, ZERO_FILL = "#ffd9d9", "#ffe9a8"

PAINTS: Final = {
    "parameter": Paint("#20456b", "#12283f", "parameter (gets a gradient)", "filled"),
    "input": Paint("#f1f3f5", "#3a444c", "input or constant", "filled"),
    "elementwise": Paint("#b5dcfb", "#1b84bd", "elementwise"),
    "linear": Paint("#fbe192", "#b38a00", "linear"),
    "reduction": Paint("#a3e4bb", "#12452c", "reduction"),
    "scan": Paint("#c8e292", "#1c1c9c", "scan (cumulative)"),
    "movement": Paint("#e6ddf5", "#3a2f96", "movement"),
    "indexing": Paint("#edc9da", "#8a4a68", "indexing"),
    "creation": Paint("#fdf6e0", "#a19380", "creation"),
    "other": Paint("#ffffff", "#4a5560", "other op"),
    "collapsed": Paint("#dbe6f3", "#7f8fa5", "several ops in one box"),
    "backward": Paint("#fdd3b9", BACKWARD, "op of the backward pass"),
}
"""One entry for each kind of op, and for what is no op, in the order of the legend."""

ON_DARK: Final = {"parameter": ("white", "#c3d3e6")}
"""Text and faint text of the families whose fill is dark."""


def paint(family: str) -> Paint:
    """The look of a family; a kind of op that somebody else declared looks like "other"."""
    return PAINTS.get(family, PAINTS["other"])

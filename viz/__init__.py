"""The readers that show: a graph as a picture.

>>> import tinygrad_lesson as tl
>>> import viz
>>> w = tl.Tensor(2.0, requires_grad=True, name="w")
>>> picture = viz.graph(w * 3 + 1)

In a notebook the picture shows itself; ``picture.render("graph.svg")`` writes a file.
This package imports ``tinygrad_lesson`` and is never imported by it.
"""

from __future__ import annotations

from .picture import graph as graph
from .plots import health as health
from .plots import history as history
from .plots import pictures as pictures
from .rendering import Picture as Picture

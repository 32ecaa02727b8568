"""``viz.graph``: the graph of a tensor as a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import graphviz

from tinygrad_lesson import Tensor
from tinygrad_lesson.compiler import Compiled
from tinygrad_lesson.errors import ArgumentError, RangeError
from tinygrad_lesson.graph import Leaf

from . import labels, theme
from .arrows import arrows, longest
from .canvas import canvas, caption, in_frame
from .collapse import Part, partition
from .program import picture_of
from .rendering import Picture
from .scene import Scene, Scope, survey

WIDE = 7
"""A graph of at most so many boxes in a row is drawn from left to right, a longer one downwards."""


def graph(
    loss: Tensor | Compiled[..., Any],
    *,
    names: Mapping[str, Any] | None = None,
    depth: int | None = None,
    backward: bool = False,
) -> Picture:
    """Draw the ops that made `loss`, with their values and gradients.

    Each box is an op or a leaf: its name, the call, dtype and shape, its value, and the gradient
    of `loss` with respect to it. Small arrays are written out, of large ones minimum, mean and
    maximum. Ops are coloured by kind, modules are frames, NaN, inf and gradients that are all
    zero stand out. The numbers are those of the moment at which the graph was recorded, whatever
    ``backward()`` and the optimizer did since. Drawing fills no ``.grad`` and calls no hook.

    Parameters
    ----------
    loss
        The tensor whose graph is drawn. If it is not a single number, the gradients are those of
        its sum. Or a compiled step that has run: its kernels are drawn, as frames around the ops
        that they have fused, and the state that it reads and puts back.
    names
        What things are called, for instance ``locals()``. Besides, parameters are called by
        their dotted name, and tensors by the name that they were made with.
    depth
        How many levels of modules are drawn open; 0 makes each outermost module one box. By
        default all of them, unless that makes more than 300 boxes. Of a compiled step 0 makes
        each kernel one box; by default that is done if it has more than 60 ops.
    backward
        Draw the backward pass as well, op by op, down to the gradient of each parameter.

    Returns
    -------
    Picture
        A ``graphviz.Digraph``. It shows itself in a notebook;
        ``picture.render("graph.svg")`` writes an svg, png or pdf.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> import viz
    >>> w = tl.Tensor(2.0, requires_grad=True, name="w")
    >>> y = tl.tanh(w * 3)
    >>> picture = viz.graph(y, names=locals())
    >>> "tanh" in picture.source
    True
    >>> step = tl.compile(lambda x: tl.tanh(x * 3).sum())
    >>> _ = step(tl.ones(4))
    >>> "kernel 0: rows 4" in viz.graph(step).source
    True
    """
    if not isinstance(loss, Tensor | Compiled):
        raise ArgumentError(
            "viz.graph",
            f"loss is a {type(loss).__name__}, not a Tensor",
            "Pass the tensor whose graph you want to see, or a compiled step.",
        )
    if depth is not None and (not isinstance(depth, int) or depth < 0):
        raise RangeError("viz.graph", f"depth={depth!r} is no level", "Pass 0, 1, 2, ... or None.")
    if isinstance(loss, Compiled):
        if backward:
            raise ArgumentError(
                "viz.graph",
                "backward=True, but a compiled step has no backward pass apart from the rest",
                "Leave it out: whatever the step computes is drawn.",
            )
        return picture_of(loss, names, depth)
    scene = survey(loss.node or Leaf(loss.raw), names, backward)
    parts, notes = partition(scene, depth)
    return _draw(scene, parts, [*scene.notes, *notes])


def _draw(scene: Scene, parts: list[Part], notes: list[str]) -> Picture:
    keys = {place: f"n{i}" for i, part in enumerate(parts) for place in part.members}
    edges = arrows(scene, keys, parts)
    direction = "LR" if longest(scene, keys) <= WIDE else "TB"
    picture = canvas(direction, _caption(scene, parts, notes))
    inside: dict[Scope, list[tuple[str, Part]]] = defaultdict(list)
    for part in parts:
        inside[part.scope].append((keys[part.members[0]], part))
    scopes = sorted({scope[:n] for scope in inside for n in range(len(scope) + 1)} | {()})
    _write_module(picture, (), scopes, inside, scene)
    for (tail, head), look in edges.items():
        picture.edge(tail, head, **look)
    return picture


def _write_module(
    picture: graphviz.Digraph,
    scope: Scope,
    scopes: list[Scope],
    inside: Mapping[Scope, list[tuple[str, Part]]],
    scene: Scene,
) -> None:
    """Write the boxes of one module, and then, as frames in its frame, the modules in it."""
    for key, part in inside.get(scope, []):
        look = theme.paint(labels.family(scene, part))
        several = len(part.members) > 1 or bool(part.module)
        alarm = any(labels.broken(scene, place) for place in part.members)
        strong = alarm or scene.output in part.members
        picture.node(
            key,
            labels.box(scene, part),
            style=look.style,
            fillcolor=look.fill,
            color=theme.ALARM if alarm else look.line,
            penwidth="2.6" if strong else "1.2",
            peripheries="2" if several else "1",
            tooltip=graphviz.escape(_tooltip(part)),
        )
    for number, child in enumerate(scopes):
        if child[:-1] != scope or not child:
            continue
        with picture.subgraph(name=f"cluster_{number}") as frame:
            in_frame(
                frame,
                f"<b>{labels.safe(child[-1].replace(':', ': '))}</b>",
                "/".join(child),
            )
            _write_module(frame, child, scopes, inside, scene)


def _tooltip(part: Part) -> str:
    """What shows under the mouse: the op's own documentation, its module, the user's line."""
    place = part.members[0]
    if len(part.members) > 1:
        return f"{len(part.members):,} ops, parameters and constants"
    if isinstance(place, Leaf):
        return "parameter" if place.requires_grad else "input or constant"
    return "\n".join(filter(None, (place.op.doc, place.scope, place.where)))


def _caption(scene: Scene, parts: list[Part], notes: list[str]) -> str:
    """The line under the picture: how to read it, what was joined, and the colours."""
    top = scene.called(scene.output) or ("loss" if scene.output.requires_grad else "the output")
    total = f"the sum of {top}" if scene.values[scene.output].size != 1 else top
    lines = []
    if scene.gradients:
        lines.append(f"grad is the derivative of {total} with respect to the value above it.")
    if scene.backward:
        lines.append("Orange: the backward pass. Dashed: the forward values that it computes with.")
    present = {labels.family(scene, part) for part in parts}
    return caption(notes + lines, {name: theme.paint(name).what for name in present})

"""The picture of a compiled step: kernels as frames around the ops that they have fused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import graphviz

from tinygrad_lesson.compiler import Compiled
from tinygrad_lesson.tracing.numbers import Number
from tinygrad_lesson.tracing.program import Equation, Value

from . import labels, theme
from .canvas import canvas, caption, in_frame
from .digits import number
from .kernels import Block, Layout, Store, laid_out, number_name
from .rendering import Picture

SHOWN: Final = 4
"""So many names are in a box that several arrays share."""

FAMILIES: Final = {
    "state": "parameter", "input": "input", "constant": "input", "random": "input",
    "result": "input",
}  # fmt: skip
"""By which entry of the theme arrays are painted."""

TOLD: Final = {
    "parameter": "state: read, or put back at the end",
    "input": "input, constant or result",
}
"""What the colours mean here, where it is not what the theme says."""


def picture_of(
    step: Compiled[..., Any], names: Mapping[str, Any] | None, depth: int | None
) -> Picture:
    """Draw the latest call of a compiled step."""
    layout = laid_out(step, names, depth)
    return _Drawing(layout, step).picture


class _Drawing:
    """Writes the boxes, then the arrows between them."""

    def __init__(self, layout: Layout, step: Compiled[..., Any]) -> None:
        self.layout = layout
        self.families: set[str] = set()
        self.keys: dict[Value, str] = {}  # of the box in which a value is made
        self.picture = canvas("TB", "")
        for place, store in enumerate(layout.inputs):
            self._write_store(f"in{place}", store)
            self.keys |= dict.fromkeys(store.values, f"in{place}")
        for place, block in enumerate(layout.blocks):
            self._write_block(place, block)
        for place, store in enumerate(layout.outputs):
            self._write_store(f"out{place}", store, new=store.kind == "state")
        for (tail, head), look in self._arrows().items():
            self.picture.edge(tail, head, **look)
        told = {name: TOLD.get(name, theme.paint(name).what) for name in self.families}
        self.picture.graph_attr["label"] = caption([*layout.notes, *self._lines(step)], told)

    # ---- boxes ---------------------------------------------------------------------------

    def _box(self, at: graphviz.Digraph, key: str, family: str, label: str, **more: str) -> None:
        look = theme.paint(family)
        self.families.add(family)
        at.node(
            key, label, style=look.style, fillcolor=look.fill, color=look.line, penwidth="1.2",
            **more,
        )  # fmt: skip

    def _write_store(self, key: str, store: Store, new: bool = False) -> None:
        names, values = list(dict.fromkeys(store.names)), store.values
        titles = [*names[:SHOWN], *(["…"] if len(names) > SHOWN else [])]
        shapes = Counter(f"{value.dtype} {value.shape}" for value in values)
        facts = [f"{n} x {text}" if n > 1 else text for text, n in shapes.most_common(2)]
        more = ", …" * (len(shapes) > 2)
        what = {"random": "random numbers", "constant": "constant"}.get(store.kind, "")
        if store.kind == "constant" and len(values) == 1 and values[0].shape == ():
            facts = [number(values[0].source.array)]  # type: ignore[union-attr]
        lines = [*([what] if what else []), ", ".join(facts) + more]
        if new:
            lines.append("put back at the end")
        if store.kind == "result":
            lines.append("result")
        family = FAMILIES[store.kind]
        edge = "2" if new or store.kind == "result" else "1"
        self._box(self.picture, key, family, labels.plain(family, titles, lines), peripheries=edge)

    def _write_block(self, place: int, block: Block) -> None:
        single = len(block.equations) == 1
        if not self.layout.is_open or single:
            key = f"k{place}"
            self.keys |= dict.fromkeys((e.out for e in block.equations), key)
            label, family = self._closed(block)
            tooltip = graphviz.escape(_tooltip(block.equations))
            edge = "1" if len(block.ops) == 1 else "2"
            self._box(self.picture, key, family, label, tooltip=tooltip, peripheries=edge)
            return
        with self.picture.subgraph(name=f"cluster_{place}") as frame:
            head, *rest = _facts(block)
            in_frame(frame, labels.heading(head, rest), _tooltip(block.equations))
            for i, equation in enumerate(block.equations):
                key = self.keys[equation.out] = f"k{place}_{i}"
                label, family = self._op(equation, block)
                tooltip = graphviz.escape(_tooltip([equation]))
                self._box(frame, key, family, label, tooltip=tooltip)

    def _op(self, equation: Equation, block: Block) -> tuple[str, str]:
        """What an op in a frame is called, and its colour; its shape if it is not the frame's."""
        family = _family(equation)
        lines = [self._call(equation)]
        if equation.out.shape != block.shape:
            lines.append(f"{equation.out.dtype} {equation.out.shape}")
        name = self.layout.called(equation.out)
        return labels.plain(family, [name] if name else [], lines), family

    def _closed(self, block: Block) -> tuple[str, str]:
        names = block.ops
        if len(names) > 1:
            ops = Counter(names)
            named = ", ".join(f"{n} {op}" if n > 1 else op for op, n in ops.most_common(SHOWN))
            what = [f"{len(names):,} ops: {named}" + ", …" * (len(ops) > SHOWN)]
            family = "collapsed"
        else:
            (equation,) = block.equations
            what, family = [self._call(equation)], _family(equation)
        head, *rest = _facts(block)
        return labels.plain(family, [head], [*what, *rest]), family

    def _call(self, equation: Equation) -> str:
        args = []
        for x in equation.inputs:
            if type(x) is Value:
                args.append(self.layout.called(x) or "·")
            else:
                args.append(number_name(self.layout, x) if type(x) is Number else number(x))
        return labels.call(equation.op, args, equation.params)

    # ---- arrows --------------------------------------------------------------------------

    def _arrows(self) -> dict[tuple[str, str], dict[str, str]]:
        """Every arrow once; those from an array to its later users are faint."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        first: dict[str, str] = {}
        for tail, head in self._pairs():
            if tail == head:
                continue
            look = {"weight": "3"}
            if tail.startswith("in"):
                block = head.partition("_")[0]
                again = first.setdefault(tail, block) != block
                look = {"weight": "1", **({"color": theme.MODULE_LINE} if again else {})}
            found.setdefault((tail, head), look)
        return found

    def _pairs(self) -> Iterator[tuple[str, str]]:
        for block in self.layout.blocks:
            for equation in block.equations:
                for value in equation.values():
                    yield self.keys[self.layout.base(value)], self.keys[equation.out]
        for place, store in enumerate(self.layout.outputs):
            for value in store.values:
                yield self.keys[self.layout.base(value)], f"out{place}"

    def _lines(self, step: Compiled[..., Any]) -> list[str]:
        cost = step.cost()
        drawn = (
            "A frame, or a box outside frames, is a kernel: its ops run in one pass over the"
            " numbers, and what lies between them is not stored."
            if self.layout.is_open
            else "A kernel runs its ops in one pass over the numbers: what lies between them is not"
            " stored."
        )
        return [
            drawn,
            f"All in all {cost.flops:,} operations; {_amount(cost.bytes)} are read and written;"
            f" {_amount(cost.arena)} hold what lies between kernels.",
        ]


def _family(equation: Equation) -> str:
    kind = equation.op.kind.name
    return kind if kind in theme.PAINTS else "other"


def _facts(block: Block) -> list[str]:
    """Which kernel, or kernels, a block is, what it costs, and the module that it comes from."""
    costs = block.costs
    flops, moved = sum(cost.flops for cost in costs), sum(cost.bytes for cost in costs)
    scopes = list(dict.fromkeys(cost.scope for cost in costs if cost.scope))
    if len(costs) == 1:
        shape = "x".join(map(str, block.shape)) or "scalar"
        head = f"kernel {block.first}: {costs[0].kind} {shape}"
    else:
        head = f"{len(costs)} kernels, {block.first} to {block.last}"
    work = f"{flops:,} operations, {_amount(moved)}"
    return [head, work, *scopes[:1]]


def _amount(size: int) -> str:
    """Bytes with a unit."""
    for unit, factor in ("MB", 1e6), ("kB", 1e3):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size:,} bytes"


def _tooltip(equations: list[Equation]) -> str:
    """What shows under the mouse: the ops, their modules, and the user's lines."""
    if len(equations) == 1:
        (equation,) = equations
        return "\n".join(filter(None, (equation.op.doc, equation.scope, equation.line)))
    return "\n".join(dict.fromkeys(filter(None, (e.scope for e in equations)))) or "kernel"

"""The schedule: which equations run together in one pass over the numbers.

Groups are of several kinds. *Rows*: elementwise ops over one shape, in stages; a reduction over the
trailing axes ends a stage with a number for each row, which the next stage may use again on the
whole row (softmax, layer norm). Without a reduction there is one stage, and the row is everything.
*Columns*: a sum over leading axes. *Product*: of matrices. *Tape*: very many single numbers, and
*host*: what C has no code for, which the array library runs; Python calls these two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

from ...graph import Shape
from ...tracing.program import Equation, Program, Value
from ..tapes.tape import SCALAR_TAPE
from .lowering import axes_of
from .moves import can_move
from .operators import FLOATS, can_write, type_of
from .recurrent_calls import can_recur, on_the_way
from .views import View, contiguous
from .window_calls import LARGEST, can_slide, is_bias

REDUCTIONS = frozenset({"sum", "max", "min"})

MOST = 100
"""So many equations run in one pass: the stack of a thread has room for what they compute."""


class Group:
    """Equations that run together.

    Attributes
    ----------
    kind
        ``"rows"``, ``"columns"``, ``"product"``, ``"tape"`` or ``"host"``, to name a few.
    shape
        What rows iterate over.
    trailing
        How many of its axes make a row, once a reduction has settled that.
    members
        The equations, each after those that it needs.
    stage
        For each result, in which pass over the row it is known: a number of the row after it.
    per_row
        The results that have one number for each row.
    inner
        Results that one C function hands on inside: they are stored nowhere.
    """

    def __init__(self, number: int, kind: str, shape: Shape) -> None:
        self.number, self.kind, self.shape = number, kind, shape
        self.trailing: int | None = None
        self.members: list[Equation] = []
        self.stage: dict[Value, int] = {}
        self.per_row: set[Value] = set()
        self.inner: set[Value] = set()

    def add(self, equation: Equation, stage: int = 0, per_row: bool = False) -> None:
        """Let an equation run with the others."""
        self.members.append(equation)
        self.stage[equation.out] = stage
        if per_row:
            self.per_row.add(equation.out)

    @property
    def between(self) -> bool:
        """Whether Python runs it, between one C function and the next."""
        return self.kind in ("host", "tape")

    @property
    def row_axes(self) -> int:
        """How many leading axes number the rows."""
        return 0 if self.trailing is None else len(self.shape) - self.trailing

    def outputs(self) -> Iterator[Value]:
        """The results of its members."""
        return (equation.out for equation in self.members)


def schedule(program: Program, views: dict[Value, View]) -> list[Group]:
    """The groups of a program, in an order in which they can run."""
    return _Scheduler(program, views).groups


class _Scheduler:
    def __init__(self, program: Program, views: dict[Value, View]) -> None:
        self.views = views
        self.groups: list[Group] = []
        self.home: dict[Value, Group] = {}
        computed = [e for e in program.equations if views[e.out].base is e.out]
        self.given = {e.out: [views[v] for v in e.values()] for e in computed}  # to each of them
        self.readers: defaultdict[Value, list[Equation]] = defaultdict(list)
        for equation in computed:
            for base in {view.base for view in self.given[equation.out]}:
                self.readers[base].append(equation)
        self.results = {views[v].base for v in program.outputs()}
        for equation in computed:
            if equation.out not in self.home:
                self._place(equation)

    def _place(self, equation: Equation) -> None:
        out = equation.out
        if 0 in out.shape or any(0 in view.shape for view in self.given[out]):
            self._place_between(equation)
        elif self._place_bias(equation):
            return
        elif can_write(equation):
            self._place_map(equation)
        elif self._is_row_reduction(equation):
            self._place_reduction(equation)
        elif equation.op.name == "sum" and self._same_floats(equation):
            self._alone("columns", equation)
        elif self._is_product(equation):
            self._alone("product", equation)
        elif can_slide(equation, self.views):
            self._place_windows(equation)
        elif can_recur(equation, self.views):
            self._place_recurrent(equation)
        elif kind := can_move(equation, self.views):
            self._alone(kind, equation)
        else:
            self._place_between(equation)

    def _place_between(self, equation: Equation) -> None:
        self._alone("tape" if equation.op is SCALAR_TAPE else "host", equation)

    def _alone(self, kind: str, equation: Equation) -> None:
        self._join(self._new(kind, equation.out.shape), equation)

    def _new(self, kind: str, shape: Shape) -> Group:
        group = Group(len(self.groups), kind, shape)
        self.groups.append(group)
        return group

    def _producers(self, equation: Equation) -> list[Group]:
        bases = [view.base for view in self.given[equation.out]]
        return [self.home[base] for base in bases if base in self.home]

    def _candidates(self, equation: Equation) -> Iterator[Group]:
        """Groups that may take an equation: none before what it needs; the latest first."""
        latest = max((group.number for group in self._producers(equation)), default=0)
        later = (group for group in reversed(self.groups[latest:]) if group.kind == "rows")
        return (group for group in islice(later, 12) if len(group.members) < MOST)

    # ---- elementwise ---------------------------------------------------------------------

    def _place_map(self, equation: Equation) -> None:
        for group in self._candidates(equation):
            stage = self._stage_in(group, equation)
            if stage is not None:
                group.add(equation, stage)
                self.home[equation.out] = group
                return
            stage = self._row_stage_in(group, equation)
            if stage is not None:
                group.add(equation, stage, per_row=True)
                self.home[equation.out] = group
                return
        group = self._new("rows", equation.out.shape)
        group.add(equation)
        self.home[equation.out] = group

    def _stage_in(self, group: Group, equation: Equation) -> int | None:
        """The stage in which a group could compute an equation for each element; None if not."""
        if group.shape != equation.out.shape:
            return None
        stage = 0
        for view in self.given[equation.out]:
            if self.home.get(view.base) is not group:
                continue
            if view.base in group.per_row:
                if not self._is_per_row(view.broadcast(group.shape), group):
                    return None
                stage = max(stage, group.stage[view.base] + 1)
            elif view.whole and view.shape == group.shape:
                stage = max(stage, group.stage[view.base])
            else:
                return None
        return stage

    def _row_stage_in(self, group: Group, equation: Equation) -> int | None:
        """The stage after which a group could compute an equation once for each row."""
        if group.trailing is None:
            return None
        rows = group.shape[: group.row_axes]
        if equation.out.shape not in (rows, rows + (1,) * group.trailing):
            return None
        stage = None
        for view in self.given[equation.out]:
            if self.home.get(view.base) is not group:
                continue
            if view.base not in group.per_row or not view.whole:
                return None
            stage = max(stage or 0, group.stage[view.base])
        return stage

    def _is_per_row(self, view: View, group: Group) -> bool:
        """Whether a view gives each element of the group the number of its own row."""
        split = group.row_axes
        rows = group.shape[:split]
        return not any(
            s for n, s in zip(view.shape[split:], view.strides[split:], strict=True) if n > 1
        ) and all(
            n == 1 or s == t
            for n, s, t in zip(rows, view.strides[:split], contiguous(rows), strict=True)
        )

    # ---- what functions of the library compute -------------------------------------------

    def _place_windows(self, equation: Equation) -> None:
        """Largest numbers and their places are found together."""
        for group in self.groups if equation.op.name in LARGEST else ():
            first = group.members[0]
            same = group.kind == "windows" and first.op.name in LARGEST
            if same and first.inputs == equation.inputs and first.params == equation.params:
                self._join(group, equation)
                return
        self._alone("windows", equation)

    def _place_bias(self, equation: Equation) -> bool:
        """What is added to a convolution that nobody else needs is added on its way out."""
        if equation.op.name != "add" or len(values := equation.values()) != 2:
            return False
        for image, other in (values, reversed(values)):
            group = self.home.get(image)
            if group is None or group.kind != "windows":  # but for the array library's own
                continue
            if [e.op.name for e in group.members] != ["conv"]:
                continue
            before = self.home.get(self.views[other].base)
            known = before is None or before.number < group.number
            fits = self._is_inner(image) and equation.out.shape == image.shape
            if known and fits and is_bias(other, image, self.views):
                self._join(group, equation)
                group.inner.add(image)
                return True
        return False

    def _place_recurrent(self, equation: Equation) -> None:
        """A layer, with what it computes on its way."""
        self._alone("recurrent", equation)
        group = self.home[equation.out]
        others = on_the_way(equation, self.readers, self.views)
        if all(self._is_inner(e.out) for e in others[:-1]):
            group.inner.update(e.out for e in others[:-1])
            for other in others:
                self._join(group, other)

    def _join(self, group: Group, equation: Equation) -> None:
        group.add(equation)
        self.home[equation.out] = group

    def _is_inner(self, value: Value) -> bool:
        """Whether one other equation needs a value, and nobody else."""
        return len(self.readers[value]) == 1 and value not in self.results

    # ---- reductions ----------------------------------------------------------------------

    def _same_floats(self, equation: Equation) -> bool:
        (x,) = equation.values()
        return (
            x.dtype == equation.out.dtype
            and type_of(x.dtype) in FLOATS
            and equation.params.get("dtype") is None
        )

    def _is_row_reduction(self, equation: Equation) -> bool:
        if equation.op.name not in REDUCTIONS or not self._same_floats(equation):
            return False
        (x,) = equation.values()
        axes = axes_of(equation.params["axis"], x.ndim)
        return bool(axes) and axes == tuple(range(x.ndim - len(axes), x.ndim))

    def _place_reduction(self, equation: Equation) -> None:
        (x,) = equation.values()
        trailing = len(axes_of(equation.params["axis"], x.ndim))
        view = self.views[x]
        for group in self._candidates(equation):
            if group.shape != x.shape or group.trailing not in (None, trailing):
                continue
            inside = self.home.get(view.base) is group
            if inside and (
                view.base in group.per_row or not (view.whole and view.shape == x.shape)
            ):
                continue
            group.trailing = trailing
            group.add(equation, group.stage[view.base] if inside else 0, per_row=True)
            self.home[equation.out] = group
            return
        group = self._new("rows", x.shape)
        group.trailing = trailing
        group.add(equation, per_row=True)
        self.home[equation.out] = group

    # ---- products ------------------------------------------------------------------------

    def _is_product(self, equation: Equation) -> bool:
        if equation.op.name != "matmul":
            return False
        inputs = equation.values()
        kinds = {type_of(v.dtype) for v in (equation.out, *inputs)}
        if len(inputs) < 2 or len(kinds) != 1 or kinds.isdisjoint(FLOATS):
            return False
        return all(v.ndim >= 2 for v in inputs)

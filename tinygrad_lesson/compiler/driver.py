"""The driver: gathers what a program starts from, runs it, and puts in place what it leaves behind.

It is written as straight-line Python, too, because for a small network most of the time of a step
would otherwise go into asking what kind of thing to fetch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final

import numpy as np

from ..arrays import numpy as kernels
from ..changes import CHANGES
from ..explain import REFUSALS
from ..graph import Leaf
from ..mode import current
from ..random import default_generator
from ..tensor import Tensor
from ..tracing.environment import same
from ..tracing.numbers import OPERATORS, Act, Compute, Decide, Number, Read
from ..tracing.program import (
    COPIED,
    Argument,
    Attribute,
    Constant,
    Drawn,
    Flag,
    Gradient,
    Held,
    Lent,
    Program,
    Slot,
    Target,
    Value,
)
from ..tracing.writing import hold
from .call import Call, Form, TensorForm
from .turns import TRACING

OTHERWISE: Final[Any] = object()
"""What a driver returns where the program does not fit after all."""


class Checked:
    """When guards were last found to hold: the number of :data:`~..changes.CHANGES` then."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = -1


class Driver:
    """Runs a program, and is made for calls of one form.

    Parameters
    ----------
    program
        Says where arrays and numbers come from, and where results go.
    function
        Takes the arrays of `inputs`, then the Python `numbers`; returns the program's outputs.
    call
        The form of the calls that the program fits.
    rebuild
        Makes what the step returns of an iterator of results.
    checked
        When the guards that are not looked at in each call were last found to hold.
    lock
        For threads that run what changes something, one after the other.
    explain
        Takes what the function took and refused, and raises the error of the op that did.

    Attributes
    ----------
    run
        Takes the tensors among the arguments, and returns what the step returns, or OTHERWISE.
    quick
        The same for a tuple of arguments that were not looked at before; None where that would take
        more than a few questions.
    """

    def __init__(
        self,
        program: Program,
        function: Callable[..., Any],
        inputs: list[Value],
        numbers: list[int],
        call: Form,
        rebuild: Callable[[Iterator[Any]], Any],
        checked: Checked,
        lock: Any,
        explain: Callable[..., None],
    ) -> None:
        self.program, self.inputs, self.numbers, self.call = program, inputs, numbers, call
        self._names: dict[str, Any] = {
            "OTHERWISE": OTHERWISE, "Leaf": Leaf,
            "lift": Tensor.lift, "lifted": _lifted, "hold": hold, "array": np.array,
            "shares": np.may_share_memory, "default_generator": default_generator, "set": _set,
            "roll_back": roll_back, "Otherwise": Otherwise, "current": current, "same": same,
            "CHANGES": CHANGES, "checked": checked, "function": function, "rebuild": rebuild,
            "refusals": REFUSALS, "explain": explain, "lock": lock,
            "tracing": TRACING,
        }  # fmt: skip
        self._known: dict[tuple[str, int], str] = {}
        self._texts: dict[str, str] = {}
        self._acts = any(type(step) is Act for step in program.host.steps)
        self._reversible = self._acts or any(type(v.source) is Drawn for v in program.inputs)
        self._bare = rebuild(iter([OTHERWISE])) is OTHERWISE if len(program.results) == 1 else False
        self._used = {
            source.position
            for source in (v.source for v in inputs)
            if type(source) is Argument
        }  # fmt: skip
        self._build()

    def _build(self) -> None:
        """Write the functions, each of which is compiled when it is needed."""
        body = self._body()
        call = self.call
        tensors = [f"x{i}" for i in range(len(call.lent))]
        fetched = [f"a{i} = x{i}._data" for i in sorted(self._used)]
        self._write_function("run", ", ".join(tensors), [*fetched, *body])
        entrance = self._entrance()
        if entrance is not None:
            self._write_function("quick", "args", [*entrance, *body])

    def _write_function(self, name: str, parameters: str, body: list[str]) -> None:
        if self._reversible or self.program.writes:
            body = ["with lock:", *indented(body)]
        self._texts[name] = f"def {name}({parameters}):\n" + "\n".join(indented(body))

    def _compiled(self, name: str) -> Callable[..., Any]:
        exec(compile(self._texts[name], f"<{name} of a compiled step>", "exec"), self._names)
        function: Callable[..., Any] = self._names[name]
        return function

    @cached_property
    def run(self) -> Callable[..., Any]:
        """Takes the tensors among the arguments."""
        return self._compiled("run")

    @cached_property
    def quick(self) -> Callable[[tuple[Any, ...]], Any] | None:
        """Takes arguments that were not looked at."""
        return self._compiled("quick") if "quick" in self._texts else None

    def __call__(self, call: Call) -> Any:
        """What the step returns for a call that was looked at, or OTHERWISE.

        It will be followed by others that are not, for which there must be `quick` anyway.
        """
        result = self.quick(call.args) if self.quick is not None else OTHERWISE
        return self.run(*call.tensors) if result is OTHERWISE else result

    def _bound(self, kind: str, value: Any) -> str:
        """A name for an object that the code refers to."""
        name = self._known.get((kind, id(value)))
        if name is None:
            name = self._known[kind, id(value)] = f"{kind}_{len(self._known)}"
            self._names[name] = value
        return name

    # ---- is it the same call? ------------------------------------------------------------

    def _entrance(self) -> list[str] | None:
        """Lines that leave if the arguments, or anything else, are not what the program is for."""
        parts, otherwise = self.call.parts, "return OTHERWISE"
        if parts is None:
            return None
        grad = f"mode.grad is not {self.call.grad}"
        lines = [
            "mode = current()",
            f"if len(args) != {len(parts)} or CHANGES.number != checked.number or {grad}"
            f" or mode.tracer is not None or mode.watch: {otherwise}",
        ]
        known: list[int] = []
        for position, part in enumerate(parts):
            if not isinstance(part, TensorForm):
                value = self._bound("a", self.call.others[position])
                lines += [
                    f"x = args[{position}]",
                    f"if x is not {value} and not same(x, {value}): {otherwise}",
                ]
                continue
            x, a = f"x{part.place}", f"a{part.place}"
            if part.place in known:
                lines.append(f"if args[{position}] is not {x}: {otherwise}")
                continue
            others = "".join(f" or {x} is x{place}" for place in known)
            known.append(part.place)
            lines += [
                f"{x} = args[{position}]",
                f"if type({x}) is not {self._bound('k', part.kind)}{others}: {otherwise}",
                f"{a} = {x}" if part.kind is np.ndarray else f"{a} = {x}._data",
                f"if {a}.shape != {part.shape!r}"
                f" or {a}.dtype is not {self._bound('k', part.dtype)}: {otherwise}",
            ]
            if issubclass(part.kind, Tensor):
                test = "node is not None and node.requires_grad"
                if part.requires_grad:
                    test = "type(node) is not Leaf or not node.requires_grad"
                lines += [f"node = {x}._node", f"if {test}: {otherwise}"]
        return lines

    # ---- the step ------------------------------------------------------------------------

    def _body(self) -> list[str]:
        program = self.program
        fetched, held = self._fetched()
        given = fetched + [f"n{i}" for i in self.numbers]
        outputs = program.outputs()
        place = {value: f"o{i}" for i, value in enumerate(outputs)}
        names = "".join(f"{place[v]}, " for v in outputs)
        run = f"{names}= function({', '.join(given)})" if outputs else "function()"
        call = ["try:", f"    {run}", "except refusals:", f"    explain({', '.join(given)})",
                "    raise"]  # fmt: skip
        step = [*self._host(), *self._draws(), *held, *call, *self._own(outputs, place)]
        if self._reversible:
            step = ["undo = []", "try:", *indented(step), "except BaseException as error:",
                    "    roll_back(undo)", "    if type(error) is Otherwise: return OTHERWISE",
                    "    raise"]  # fmt: skip
        results = f"return {self._returned(place)}"
        return [*self._guarded(), *step, *self._surely(self._writes(place)), results]

    def _fetched(self) -> tuple[list[str], list[str]]:
        """The inputs, and lines that fetch them and leave if another thread may be tracing a step.

        Then what tensors hold may be no numbers. That a trace begins was told as a change.
        """
        found, lines = [self._fetch(v) for v in self.inputs], []
        for i, value in enumerate(self.inputs):
            if type(value.source) in (Held, Gradient, Attribute) and not self._acts:
                lines.append(f"v{value.number} = {found[i]}")
                found[i] = f"v{value.number}"
        if lines:
            lines.append(self._left("CHANGES.number != checked.number"))
        return found, lines

    def _guarded(self) -> list[str]:
        """A line that leaves if what may change without notice has changed."""
        guards = {
            guard.code.format(*(self._bound("u", x) for x in guard.objects)): None
            for guard in self.program.guards
            if guard.code
        }
        return [f"if not ({' and '.join(guards)}): return OTHERWISE"] if guards else []

    def _surely(self, writes: list[str]) -> list[str]:
        """The same to the end: an interruption leaves the state after the step.

        And while no other thread traces a step, which may read the same tensors.
        """
        if not writes:
            return []
        return ["try:", "    with tracing:", *indented(indented(writes)), "except BaseException:",
                *indented([*writes, "raise"])]  # fmt: skip

    def _returned(self, place: dict[Value, str]) -> str:
        results = ", ".join(self._result(x, place) for x in self.program.results)
        return results if self._bare else f"rebuild(iter(({results}{',' * bool(results)})))"

    # ---- Python numbers, and chance ------------------------------------------------------

    def _host(self) -> list[str]:
        lines: list[str] = []
        needed = self._needed()
        for step in self.program.host.steps:
            if type(step) is Read and step.out in needed:
                at = f"[{step.place}]" if step.place is not None else ""
                lines.append(f"n{step.out} = {self._bound('d', step.holder)}[{step.key!r}]{at}")
                lines.append(self._left(f"type(n{step.out}) is not {step.kind.__name__}"))
            elif type(step) is Compute and step.out in needed:
                lines.append(f"n{step.out} = {_operation(step)}")
            elif type(step) is Decide:
                number = f"n{step.number}"
                test = f"{number} != {step.value!r}"
                if step.truth:
                    test = f"not {number}" if step.value else number
                if self._left(test) not in lines:  # a number never changes
                    lines.append(self._left(test))
            elif type(step) is Act:
                for holder in step.holders:
                    name = self._bound("d", holder)
                    lines.append(f"undo.append(({name}, dict({name})))")
                lines.append(f"{self._bound('f', step.act)}()")
        return lines

    def _left(self, test: str) -> str:
        """A line that leaves if the step would go on otherwise than when it was traced."""
        return f"if {test}: {'raise Otherwise' if self._reversible else 'return OTHERWISE'}"

    def _needed(self) -> set[int]:
        """The numbers that something is made of or decided by."""
        program = self.program
        needed = {step.number for step in program.host.steps if type(step) is Decide}
        written = [write.value for write in program.writes]
        values = [*program.results, *written, *(v for x in written if type(x) is tuple for v in x)]
        needed.update(value.index for value in values if type(value) is Number)
        needed.update(self.numbers)
        for step in reversed(program.host.steps):
            if type(step) is Compute and step.out in needed:
                needed.update(x.index for x in step.operands if type(x) is Number)
        return needed

    def _draws(self) -> list[str]:
        return [*self._generators(), *self._drawn()]

    def _generators(self) -> list[str]:
        """Lines that fetch the generators, and remember where they stand."""
        lines = []
        for name, generator in self._random().values():
            found = self._bound("r", generator) if generator else "default_generator()"
            lines += [f"{name} = {found}", f"undo.append(({name}, {name}.bit_generator.state))"]
        return lines

    def _drawn(self) -> list[str]:
        """Lines that draw, in the order of the step."""
        lines = []
        for value in self.program.inputs:
            source = value.source
            if type(source) is Drawn:
                given = [self._bound("a", x) for x in source.args]
                given += [f"{k}={self._bound('a', x)}" for k, x in source.kwargs.items()]
                name = self._random()[id(source.generator)][0]
                lines.append(f"v{value.number} = {name}.{source.method}({', '.join(given)})")
        return lines

    def _random(self) -> dict[int, tuple[str, Any]]:
        """The generators that are drawn from, and what they are called."""
        sources = [v.source for v in self.program.inputs if type(v.source) is Drawn]
        known = {id(source.generator): source.generator for source in sources}
        return {key: (f"g{i}", generator) for i, (key, generator) in enumerate(known.items())}

    # ---- arrays --------------------------------------------------------------------------

    def _fetch(self, value: Value) -> str:
        source = value.source
        if type(source) is Argument:
            return f"a{source.position}"
        if type(source) is Held:
            return f"{self._bound('t', source.tensor)}._data"
        if type(source) is Gradient:
            return f"{self._box(source)}.grad._data"
        if type(source) is Attribute:
            return f"{self._bound('d', vars(source.module))}[{source.name!r}]._data"
        if type(source) is Slot:
            return f"{self._bound('d', source.holder)}[{source.key!r}]"
        if type(source) is Constant:
            return self._bound("c", source.array)
        return f"v{value.number}"

    def _box(self, gradient: Gradient) -> str:
        if gradient.position is not None:
            return f"x{gradient.position}._node.box"
        return self._bound("x", gradient.box)

    def _own(self, outputs: list[Value], place: dict[Value, str]) -> list[str]:
        """Copies of what might be a view of a user's array, into which the user may write."""
        lent = [
            self._fetch(v)
            for v in self.inputs
            if (type(v.source) is Argument and self._is_lent(v.source.position))
            or (type(v.source) is Held and type(v.source.tensor) is Lent)
        ]
        made_anew = {e.out for e in self.program.equations if _allocates(e.op.name)}
        return [
            f"if shares({place[v]}, {array}): {place[v]} = array({place[v]})"
            for v in outputs
            if v not in made_anew
            for array in lent
        ]

    def _is_lent(self, position: int) -> bool:
        return self.call.lent[position]

    def _writes(self, place: dict[Value, str]) -> list[str]:
        fresh = self._fresh()
        return [self._write(target, value, place, fresh) for target, value in self.program.writes]

    def _write(self, target: Target, value: Any, place: dict[Value, str], fresh: set[Value]) -> str:
        if type(target) is Argument:
            if self._is_lent(target.position):
                return "pass"  # the array itself stays as it is
            return f"hold(x{target.position}, {place[value]})"
        if type(target) is Held:
            return f"hold({self._bound('t', target.tensor)}, {place[value]})"
        if type(target) is Gradient:
            new = f"lift({place[value]})" if value is not None else "None"
            return f"{self._box(target)}.grad = {new}"
        if type(target) is Flag:
            argument = f"x{target.position}"
            tensor = argument if target.tensor is None else self._bound("t", target.tensor)
            return f"set({tensor}, 'requires_grad', {value})"
        if type(target) is Attribute:
            if type(value) is Value:
                kind = self._bound("k", type(vars(target.module)[target.name]))
                attributes = self._bound("d", vars(target.module))
                return f"{attributes}[{target.name!r}] = lifted({kind}, {place[value]})"
            new = self._kept(value, place, fresh)
            return f"set({self._bound('m', target.module)}, {target.name!r}, {new})"
        assert type(target) is Slot
        name = f"{self._bound('d', target.holder)}[{target.key!r}]"
        return f"{name} = {self._kept(value, place, fresh)}"

    def _kept(self, value: Any, place: dict[Value, str], fresh: set[Value]) -> str:
        if type(value) is Value:  # optimizers write into their arrays: nobody else may have it
            return place[value] if value in fresh else f"array({place[value]})"
        if type(value) is Number:
            return f"n{value.index}"
        if type(value) is tuple:
            return f"({''.join(f'{self._kept(x, place, fresh)}, ' for x in value)})"
        return self._bound("a", value)

    def _fresh(self) -> set[Value]:
        """Outputs that are arrays of their own, and go to one place only."""
        program = self.program
        left = (*program.results, *(write.value for write in program.writes))
        out = Counter(value for value in left if type(value) is Value)
        viewed = {
            value
            for equation in program.equations
            if equation.op.kind.name in ("movement", "indexing")
            for value in equation.values()
        }
        return {
            e.out
            for e in program.equations
            if e.op.kind.name == "elementwise"
            and e.out.shape  # NumPy makes a scalar of what has none
            and out[e.out] == 1
            and e.out not in viewed
        }

    def _result(self, value: Any, place: dict[Value, str]) -> str:
        if type(value) is Value:
            return f"lift({place[value]})"
        if type(value) is Number:
            return f"n{value.index}"
        constant = self._bound("a", value)
        return f"{constant}.copy()" if isinstance(value, COPIED) else constant


class Otherwise(Exception):  # noqa: N818  it is no error
    """A decision by a Python number is another than before."""


def roll_back(undo: list[tuple[Any, Any]]) -> None:
    """Put back what dicts held and where generators stood, the latest first."""
    for holder, before in reversed(undo):
        if isinstance(holder, dict):
            holder.clear()
            holder.update(before)
        else:
            holder.bit_generator.state = before


def _allocates(name: str) -> bool:
    """Whether the op of this name is a function of NumPy's that always makes a new array."""
    function = getattr(np, name, None)
    return isinstance(function, np.ufunc) and getattr(kernels, name, None) is function


def _set(holder: Any, name: str, value: Any) -> None:
    """Set an attribute, unless that changes nothing."""
    if not same(getattr(holder, name, OTHERWISE), value):
        setattr(holder, name, value)


def _lifted(kind: type[Tensor], array: Any) -> Tensor:
    tensor = object.__new__(kind)
    tensor._data, tensor._node = array, None
    return tensor


def _operation(step: Compute) -> str:
    operands = [f"n{x.index}" if type(x) is Number else repr(x) for x in step.operands]
    if step.symbol == "neg":
        return f"-{operands[0]}"
    if step.symbol == "abs":
        return f"abs({operands[0]})"
    assert step.symbol in OPERATORS
    return f"{operands[0]} {step.symbol} {operands[1]}"


def indented(lines: list[str]) -> list[str]:
    """The lines one step further to the right."""
    return [f"    {line}" for line in lines]

"""The driver: gathers what a program starts from, runs it, and puts in place what it leaves behind.

It is one Python function, made of the lines that ``state_code.py`` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ..changes import CHANGES
from ..explain import REFUSALS
from ..graph import Leaf
from ..mode import current
from ..tensor import Tensor
from ..tracing.environment import same
from ..tracing.program import Argument, Attribute, Gradient, Held, Program, Value
from .call import Call, Form, TensorForm
from .state_code import OTHERWISE, StateCode
from .turns import TRACING


class Checked:
    """When guards were last found to hold: the number of :data:`~..changes.CHANGES` then."""

    __slots__ = ("number",)

    def __init__(self) -> None:
        self.number = -1


class Driver(StateCode):
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
        super().__init__(program, inputs, numbers, call)
        self.names |= {
            "Leaf": Leaf, "current": current, "same": same, "CHANGES": CHANGES, "checked": checked,
            "function": function, "rebuild": rebuild, "refusals": REFUSALS, "explain": explain,
            "lock": lock, "tracing": TRACING,
        }  # fmt: skip
        self._texts: dict[str, str] = {}
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
        exec(compile(self._texts[name], f"<{name} of a compiled step>", "exec"), self.names)
        function: Callable[..., Any] = self.names[name]
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


def indented(lines: list[str]) -> list[str]:
    """The lines one step further to the right."""
    return [f"    {line}" for line in lines]

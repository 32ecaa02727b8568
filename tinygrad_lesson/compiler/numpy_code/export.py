"""Export: a compiled step as a module of its own, which needs NumPy and nothing else.

The module holds the source of the step, that of the kernels which it calls, and a function that
reads the state from a dict and puts back what the step leaves behind. The numbers of the state lie
beside it, in an ``.npz`` file.
"""

from __future__ import annotations

import builtins
import functools
import json
import keyword
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...arrays import Array
from ...arrays import numpy as kernels
from ...errors import ArgumentError
from ...random import default_generator
from ...tensor import Tensor
from ...tracing.numbers import Act, Compute, Decide, Number, Read
from ...tracing.program import (
    Argument,
    Attribute,
    Drawn,
    Gradient,
    Held,
    Program,
    Slot,
    Value,
)
from .gathering import Gathered, is_kernel
from .module_text import (
    CHANCE,
    LEAVING,
    LOADING,
    STATE,
    Code,
    imports_of,
    nest_of,
    rows,
    set_of,
    written,
)
from .naming import Hints, Names
from .writer import constant, write

OWN_ARRAYS = ("elementwise", "linear", "reduction", "creation")
"""Kinds of ops whose result is an array of its own, and not a view."""

RESERVED = (
    "np", "os", "json", "state", "save", "load", "seed", "file", "allow_pickle", "array",
    "given", "stored", "path", "results", "number", "name", "value", "generators", "standing",
)  # fmt: skip
"""What the module has for itself, or ``np.savez`` does."""


def export(
    program: Program,
    arguments: list[str],
    rebuild: Callable[[Iterator[Any]], Any],
    name: str,
    path: str | os.PathLike[str],
) -> None:
    """Write `program` as a module, and its state beside it.

    Parameters
    ----------
    program
        After the passes.
    arguments
        What the arguments of the step are called.
    rebuild
        Makes the nest that the step returns of its results.
    name
        Of the function in the module.
    path
        Of the module: ``"step.py"``.
    """
    target = Path(path)
    if target.suffix != ".py" or not target.stem.isidentifier():
        raise ArgumentError(
            "export", f"{str(path)!r} is no module", "Pass a path such as 'step.py'."
        )
    exported = _Exported(program, arguments, rebuild, name)
    source = exported.source(target.stem)
    target.write_text(source, encoding="utf-8")
    np.savez(target.with_suffix(".npz"), **exported.arrays())


class _Exported:
    def __init__(
        self,
        program: Program,
        arguments: list[str],
        rebuild: Callable[[Iterator[Any]], Any],
        name: str,
    ) -> None:
        self.program, self.arguments, self.rebuild = program, arguments, rebuild
        taken = {*RESERVED, *dir(kernels), *dir(builtins), *keyword.kwlist}
        self.name = name if name.isidentifier() and name not in taken else "step"
        self._refuse()
        self.written = write(program, arguments, f"_{self.name}", {*RESERVED, self.name})
        count = len(self.written.inputs)
        self.called: dict[Any, str] = dict(
            zip(self.written.inputs, self.written.parameters, strict=False)
        )
        names = Names({*RESERVED, *self.written.parameters, *self.written.constants})
        hints = Hints(program, arguments)
        self.state: dict[str, Array] = {}
        self.slots: dict[Any, str] = {}  # where a place of the state is in the dict
        for value in self.written.inputs:
            found = _place(value.source)
            if found is not None:
                self._slot(found, self.called[value], _held(value.source))
        numbers = dict(
            zip(self.written.numbers, self.written.parameters[count:], strict=True)
        )  # fmt: skip
        self.numbers: list[str] = []
        for step in program.host.steps:
            if type(step) is Read:
                key = id(step.holder), step.key, step.place
                if key not in self.slots:
                    hint = numbers.get(step.out) or names.new(hints.of_number(step))
                    held = step.holder[step.key]
                    self._slot(key, hint, held if step.place is None else held[step.place])
                    self.numbers.append(self.slots[key])
        self.generators: dict[int, str] = {}
        for value in self.program.inputs:
            if type(value.source) is Drawn:
                self._generator(value.source.generator, names)

    def _refuse(self) -> None:
        """What cannot be exported."""
        for step in self.program.host.steps:
            if type(step) is Act:
                raise ArgumentError(
                    "export",
                    "the step calls a schedule, which is Python code of this library",
                    "Take it out of the step before you compile it; in the module, set"
                    " state['lr'] between two steps.",
                )
        for target, _ in self.program.writes:
            if type(target) is Argument:
                raise ArgumentError(
                    "export",
                    f"the step changes its argument number {target.position}",
                    "Return the new numbers instead.",
                )

    def _slot(self, place: Any, name: str, held: Any) -> None:
        if place not in self.slots:
            self.slots[place] = name
            self.state[name] = np.array(held)

    def _generator(self, generator: Any, names: Names) -> None:
        if id(generator) not in self.generators:
            name = self.generators[id(generator)] = names.new("chance")
            now = (generator or default_generator()).bit_generator.state
            self.state[name] = np.array(json.dumps(now, default=_plain))

    def arrays(self) -> dict[str, Array]:
        """What lies in the file beside the module."""
        return {**self.state, **self._large()}

    def _large(self) -> dict[str, Array]:
        return {n: array for n, array in self.written.constants.items() if not constant(array)}

    # ---- the source ----------------------------------------------------------------------

    def source(self, module: str) -> str:
        """The module."""
        for called, function in self.written.kernels.items():
            if not is_kernel(called, function):
                raise ArgumentError(
                    "export",
                    f"the op {called!r} is not one of this library's, so that its source is not"
                    " known to need NumPy alone",
                    "Write it with ops of the library.",
                )
        own = {*self.written.parameters, *self.written.constants, *RESERVED, self.name}
        needed = [*self.written.kernels]
        gathered = Gathered(needed, own - set(needed))
        always = ["import os", "import numpy as np", "from typing import Any"]
        imports = imports_of([*always, *["import json"] * bool(self.generators), *gathered.imports])
        parts = [
            f'"""{self._doc(module)}"""\n\nfrom __future__ import annotations\n\n{imports}',
            *([CHANCE.format(generators=set_of(self.generators.values()))]
              if self.generators else []),
            STATE.format(
                numbers=set_of(self.numbers),
                loading=LOADING if self.generators else "",
                saved="**state, **standing()" if self.generators else "**state",
            ),
            *gathered.definitions,
            self._constants(),
            self.written.code,
            self._function(),
        ]  # fmt: skip
        return "\n\n\n".join(part.strip("\n") for part in parts) + "\n"

    def _constants(self) -> str:
        """The state, and those constants that lie in the file."""
        return "load()\n" + "".join(f'{name} = state["{name}"]\n' for name in self._large())

    @functools.cached_property
    def _given(self) -> dict[str, Value | None]:
        """The arguments by name; None for those that play no part."""
        used = {v.source.position: v for v in self.written.inputs if type(v.source) is Argument}
        names = Names({*RESERVED, *self.written.parameters})
        found: dict[str, Value | None] = {}
        for position, hint in enumerate(self.arguments):
            value = used.get(position)
            found[names.new(hint) if value is None else self.called[value]] = value
        return found

    def _doc(self, module: str) -> str:
        names = [*self._given]
        changed = any(name in self.state for name in self._changes())
        text = f"{self.name}: exported from tinygrad-lesson; it runs with NumPy alone.\n\n::\n\n"
        text += f"    import {module}\n\n"
        text += f"    {module}.{self.name}({', '.join(names)})\n"
        if changed:
            text += f"    {module}.save()  # put the state back into {module}.npz\n"
        if self.generators:
            text += f"    {module}.seed(0)  # the random numbers that follow\n"
        if names:
            width = max(map(len, names))
            text += "\nIts arguments:\n\n"
            for called, value in self._given.items():
                what = "plays no part" if value is None else f"{value.dtype}, shape {value.shape}"
                text += f"    {called.ljust(width)}  {what}\n"
        text += f"\nThe state (weights and the like) is read from {module}.npz, beside this file,"
        text += " into the dict\n``state``"
        text += ", which each call changes.\n" if changed else "; a call leaves it as it is.\n"
        return text

    def _changes(self) -> dict[str, str]:
        """By place in the state: the expression that is put there."""
        found: dict[str, str] = {}
        for target, value in self.program.writes:
            if type(target) is Slot and not isinstance(value, Value):
                items = value if type(value) is tuple else (value,)
                places = range(len(items)) if type(value) is tuple else (None,)
                for item, place in zip(items, places, strict=True):
                    name = self.slots.get((id(target.holder), target.key, place))
                    if name is not None and type(item) is Number:
                        found[name] = self._of_number(item)
                continue
            name = self.slots.get(_place(target))
            if name is None:
                continue
            if type(value) is not Value:
                raise ArgumentError(
                    "export",
                    f"the step reads {name!r} and then clears it, so that the next one would be"
                    " another",
                    "Clear gradients at the beginning of the step.",
                )
            found[name] = self._own(value, also=False)
        return found

    def _function(self) -> str:
        program = self.program
        lines = [
            f'{name} = given("{name}", {name}, {v.shape}, np.{v.dtype.name})'
            for name, v in self._given.items()
            if v is not None
        ]
        lines += [*self._host(), *self._draws()]
        passed = []
        for value in self.written.inputs:
            place = _place(value.source)
            name = self.called[value]
            passed.append(name if place is None else f'state["{self.slots[place]}"]')
        passed += [self._read_name(index) for index in self.written.numbers]
        lines.append(rows(f"results = _{self.name}(", passed, ")"))
        changes = [f"{name}={value}" for name, value in self._changes().items()]
        if changes:
            lines.append(rows("state.update(", changes, ")"))
        results = [self._result(x) for x in program.results]
        nest = self.rebuild(iter([Code(x) for x in results]))
        lines.append(f"return {nest_of(nest)}")
        head = f"def {self.name}({', '.join(self._given)}):"
        doc = '    """One step, by the state in `state`; see above."""'
        body = "\n".join(f"    {line}" for text in lines for line in text.split("\n"))
        return f"{head}\n{doc}\n{body}"

    # ---- Python numbers, and chance ------------------------------------------------------

    def _read_name(self, index: int) -> str:
        step = next(s for s in self.program.host.steps if type(s) is Read and s.out == index)
        return f'state["{self.slots[id(step.holder), step.key, step.place]}"]'

    def _of_number(self, number: Number) -> str:
        return f"_n{number.index}"

    def _host(self) -> list[str]:
        lines = []
        needed = self.program.numbers()
        for step in self.program.host.steps:
            if type(step) is Read and step.out in needed:
                lines.append(f"_n{step.out} = {self._read_name(step.out)}")
            elif type(step) is Compute and step.out in needed:
                lines.append(f"_n{step.out} = {step.code('_n')}")
            elif type(step) is Decide:
                lines.append(LEAVING.format(test=step.failed("_n")))
        return list(dict.fromkeys(lines))

    def _draws(self) -> list[str]:
        lines = []
        for value in self.program.inputs:
            source = value.source
            if type(source) is not Drawn:
                continue
            given = [written(x) for x in source.args]
            given += [f"{k}={written(x)}" for k, x in source.kwargs.items()]
            drawn = f'generators["{self.generators[id(source.generator)]}"].{source.method}'
            name = self.called.get(value)
            lines.append(f"{f'{name} = ' if name else ''}{drawn}({', '.join(given)})")
        return lines

    # ---- results -------------------------------------------------------------------------

    @functools.cached_property
    def _fresh(self) -> set[Value]:
        return {e.out for e in self.program.equations if e.op.kind.name in OWN_ARRAYS}

    @functools.cached_property
    def _places(self) -> dict[Value, int]:
        return {value: i for i, value in enumerate(self.program.outputs())}

    def _own(self, value: Value, also: bool) -> str:
        """An output, as an array that nobody else has."""
        name = f"results[{self._places[value]}]"
        return f"np.array({name})" if also or value not in self._fresh else name

    def _result(self, value: Any) -> str:
        if type(value) is Value:
            kept = any(value is x for _, x in self.program.writes)
            return self._own(value, also=kept)
        return self._of_number(value) if type(value) is Number else written(value)


def _place(source: Any) -> Any:
    """What tells a place of the state from others; None for what is not state."""
    if type(source) is Held:
        return "held", id(source.tensor)
    if type(source) is Gradient:
        return "gradient", id(source.box)
    if type(source) is Attribute:
        return "attribute", id(source.module), source.name
    if type(source) is Slot:
        return id(source.holder), source.key, None
    return None


def _held(source: Any) -> Any:
    """The array that is there now."""
    if type(source) is Held:
        return source.tensor._data
    if type(source) is Gradient:
        return source.box.grad._data
    if type(source) is Attribute:
        tensor: Tensor = getattr(source.module, source.name)
        return tensor._data
    return source.holder[source.key]


def _plain(value: Any) -> Any:
    """The state of a bit generator, in what JSON knows."""
    return value.tolist()

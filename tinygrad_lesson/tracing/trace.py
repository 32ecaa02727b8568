"""Trace: a step that runs, and puts down what it does.

It takes the place of the array namespace beneath autograd. The ops of the forward pass, the rules
of backward and the updates of optimizers all come by; each is computed as usual, and becomes an
equation. What a step reads from outside (parameters, moments, running statistics, gradients) is
told by the tensor or dict that holds it, so that it is read anew whenever the step runs; what it
leaves there is put down as a write.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakSet, ref

import numpy as np

from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..errors import TraceError
from ..graph import FREED, Box, Leaf, Node, leaves, next_number, topological
from ..mode import current
from ..op import Op
from ..random import default_generator
from ..recording import user_line
from ..tensor import Tensor
from ..tracer import Tracer
from .environment import Environment, same
from .modules import Modules
from .numbers import HostProgram, Number
from .program import (
    Argument,
    Attribute,
    Constant,
    Drawn,
    Equation,
    Flag,
    Gradient,
    Guard,
    Held,
    Kept,
    Lent,
    Program,
    Source,
    Value,
    Write,
    watched,
)
from .undo import Undo
from .variable import Variable

SHAPED_BY_VALUES = {
    "flatnonzero": 0, "argwhere": 0, "unique_places": 0, "repeat": 1,
}  # fmt: skip
"""Ops whose result has a shape that depends on numbers, and on those of which input."""


class NeedsHistory(Exception):  # noqa: N818  it is no error
    """What the step returns is to be differentiated outside."""


class _Touched:
    """A gradient that the step looks at or changes: what it was, and whether that mattered."""

    def __init__(self, box: Box, read: bool) -> None:
        self.box, self.grad, self.read = box, box.grad, read


class _Opened(NamedTuple):
    """A dict of an optimizer, what the step sees of it, and what that was at first."""

    held: dict[str, Any]
    view: dict[str, Any]
    seen: dict[str, Any]
    before: dict[str, Any]


class Trace(Tracer):
    """A namespace that runs ops on NumPy and writes down their equations.

    Parameters
    ----------
    arguments
        The tensors among the arguments of the step.

    Attributes
    ----------
    stand_ins
        What the step gets in their place: an argument may be a tensor that it knows otherwise, too,
        and will be another one in the next call.
    """

    def __init__(self, arguments: Sequence[Tensor] = ()) -> None:
        self.over = False
        self.equations: list[Equation] = []
        self.inputs: list[Value] = []
        self.host = HostProgram()
        self.guards: list[Guard] = []
        self.environment, self.modules, self.undo_log = Environment(), Modules(), Undo()
        self._start = next_number()
        self._count = 0
        self._variables: WeakSet[Variable] = WeakSet()
        self._originals = list(arguments)
        self.stand_ins = [_stand_in(tensor) for tensor in arguments]
        self._arguments = {id(tensor): i for i, tensor in enumerate(self.stand_ins)}
        self._argument_boxes = {
            id(tensor._box()): i for i, tensor in enumerate(arguments) if tensor._box() is not None
        }
        # By the id of a tensor or array, which is kept so that no other gets its id.
        self._read: dict[int, tuple[Tensor, Array, Variable]] = {}
        self._found: list[tuple[Tensor, Value, Array]] = []
        self._arrays: list[tuple[Array, Value]] = []
        self._copied: dict[int, tuple[Tensor, Array, Array]] = {}
        self._constants: dict[int, tuple[Array, Variable]] = {}
        self._changed: dict[int, tuple[Tensor, Array]] = {}
        self._flags: dict[int, tuple[Tensor, bool, bool]] = {}
        self._touched: dict[int, _Touched] = {}
        self._opened: dict[int, _Opened] = {}
        self._generators: dict[int, Any] = {}
        self._moved: set[Value] = set()
        self._names: dict[int, str] = {}
        self._shaped: list[Equation] = []

    # ---- ops -----------------------------------------------------------------------------

    def read(self, tensor: Tensor) -> Variable:
        """The variable that stands for what `tensor` holds."""
        data = tensor._data
        if type(data) is Variable and data.namespace is self:
            return data
        if getattr(data, "abstract", False):
            raise TraceError(
                "compile", "a tensor of another trace or mapping is used inside a compiled step",
                "Pass it as an argument.",
            )  # fmt: skip
        found = self._read.get(id(tensor))
        if found is None:
            variable = self._enter(tensor, data)
        elif found[1] is data:
            return found[2]
        else:  # since then it was given numbers that are always the same
            variable = self._constant(data)
        self._read[id(tensor)] = tensor, data, variable
        return variable

    def _enter(self, tensor: Tensor, data: Array) -> Variable:
        """A variable for what a tensor held before the step."""
        copied = self._copied.get(id(tensor))
        if copied is not None and copied[2] is data:
            return self._lent(copied[1], data)
        source = self._source(tensor)
        name = tensor.name or self._names.get(id(tensor), "")
        variable = self._input(source, data, name)
        if type(source) is Held:
            self._flags.setdefault(id(tensor), (tensor, tensor.requires_grad, True))
            self._found.append((tensor, variable.value, data))
        return variable

    def _lent(self, array: Array, data: Array) -> Variable:
        """A variable for an array of the user's, of which `data` is a copy."""
        known = next((value for found, value in self._arrays if found is array), None)
        if known is None:
            variable = self._input(Held(Lent.of(array)), np.array(array), "array")
            self._arrays.append((array, variable.value))
        else:
            variable = Variable(self, known, np.array(array))
            self._variables.add(variable)
        if array.dtype == data.dtype:
            return variable
        converted: Variable = self.astype(variable, dtype=data.dtype)
        return converted

    def leaf(self, leaf: Leaf) -> Variable:
        """The variable of the tensor that a leaf was made for."""
        for tensor, data, variable in self._read.values():
            if tensor._node is leaf or data is leaf.data:
                return variable
        return self._taken(leaf.data)  # type: ignore[no-any-return]

    def _source(self, tensor: Tensor) -> Source:
        """Where `tensor` will be found in the next step."""
        if id(tensor) in self._arguments:
            return Argument(self._arguments[id(tensor)])
        for touched in self._touched.values():
            if touched.box.grad is tensor:
                return self._gradient(touched.box)
        return Held(tensor)

    def _gradient(self, box: Box) -> Gradient:
        return Gradient(box, self._argument_boxes.get(id(box)))

    def run(self, op: Op[...], arrays: Sequence[Any], params: Mapping[str, Any]) -> Variable:
        """Run `op`, and put it down."""
        params = {k: v.fixed() if type(v) is Number else v for k, v in params.items()}
        inputs = [self._taken(array) for array in arrays]
        numbers = [
            x.array if type(x) is Variable else x.value if type(x) is Number else x for x in inputs
        ]
        array = op.forward(numpy_namespace, *numbers, **params)
        out = self._variable(array)
        places = tuple(x.value if type(x) is Variable else x for x in inputs)
        scope = current().scope
        equation = Equation(out.value, op, places, params, scope, user_line())
        self.equations.append(equation)
        if op.name in SHAPED_BY_VALUES:
            self._shaped.append(equation)
        return out

    def _taken(self, array: Any) -> Any:
        if type(array) is Variable:
            if array.namespace is not self:
                raise TraceError(*array._why())
            return array
        if type(array) in (bool, int, float, Number):
            return array
        return self._constant(np.asarray(array) if type(array) is float else array)

    def _constant(self, array: Array) -> Variable:
        found = self._constants.get(id(array))
        if found is None:
            found = self._constants[id(array)] = array, self._input(Constant(array), array)
        return found[1]

    def _input(self, source: Source, array: Array, name: str = "") -> Variable:
        variable = self._variable(array, source, name)
        self.inputs.append(variable.value)
        return variable

    def _variable(self, array: Array, source: Source | None = None, name: str = "") -> Variable:
        value = Value(self._count, array.shape, array.dtype, source, name)
        self._count += 1
        variable = Variable(self, value, array)
        self._variables.add(variable)
        return variable

    def described(self, value: Value) -> str:
        """A value in the user's words: the op that made it, and where."""
        for equation in self.equations:
            if equation.out is value:
                where = f" ({equation.line})" if equation.line else ""
                return f"the result of {equation.op.name}, of shape {value.shape}{where}"
        if type(value.source) is Argument:
            return f"an argument of shape {value.shape}"
        return f"{value.name or 'a tensor'} of shape {value.shape}"

    # ---- what else a step does -----------------------------------------------------------

    def changing(self, tensor: Tensor) -> None:
        """Remember what a tensor held."""
        self.undo_log.tensor(tensor)
        self._changed.setdefault(id(tensor), (tensor, tensor._data))

    def flagging(self, tensor: Tensor) -> None:
        """Remember whether it required a gradient, which plays no part if it was not yet read."""
        self.undo_log.tensor(tensor)
        self._flags.setdefault(id(tensor), (tensor, tensor.requires_grad, False))

    def copied(self, tensor: Tensor, array: Array) -> None:
        """Remember the array: in the next step it may have other numbers."""
        self._copied[id(tensor)] = tensor, array, tensor._data

    def deciding(self, array: Array) -> None:
        """Guard the numbers."""
        known = np.array_equal, array, array.copy()
        self.guards.append(watched("the numbers of an array", "{0}({1}, {2})", *known))

    def clearing(self, box: Box) -> None:
        """The gradient that was there plays no part."""
        self._touch(box, read=False)

    def adding(self, box: Box) -> None:
        """The gradient that was there plays a part."""
        self._touch(box, read=True)

    looking = adding

    def _touch(self, box: Box, read: bool) -> None:
        if id(box) not in self._touched:
            self.undo_log.gradient(box)
            self._touched[id(box)] = _Touched(box, read)

    def walking(self, cotangents: Iterable[Node | Leaf]) -> None:
        """Refuse to go back beyond the start of the step: what is there was recorded once."""
        for node in topological(cotangents):
            if node.number < self._start:
                raise TraceError(
                    "compile",
                    f"the gradient goes back to the result of {node.op.name}, of shape"
                    f" {node.shape}, which was computed before the step",
                    "Compute it inside the step, or detach() it.",
                )

    def named(self, array: Any, name: str) -> None:
        """Note what an array is called, if it has no name yet."""
        if type(array) is Variable and not array.value.name:
            array.value.name = name

    def entering(self, module: Any) -> None:
        """The attributes of a module decide what it does, and so do the names in its code."""
        found = self.modules.entering(module)
        if found:  # running statistics have no names but those within the model
            for name, buffer in module.named_buffers():
                self._names.setdefault(id(buffer), name)
        for new in found:
            self.environment.add(new)

    def attribute(self, module: Any, name: str) -> None:
        """Remember what it was."""
        self.modules.setting(module, name)

    def refuse(self, where: str, what: str, remedy: str) -> None:
        """Raise TraceError."""
        raise TraceError(where, what, remedy)

    def opened(self, held: dict[str, Any], owner: Any, name: str, key: int) -> dict[str, Any]:
        """A copy of a dict of settings or state whose numbers and arrays are those of the trace."""
        if id(held) not in self._opened:
            self.undo_log.dict(held)
            container = getattr(owner, name)
            if not held and isinstance(container, dict):
                self.undo_log.new(container, key)
            item = f".get({key})" if isinstance(container, dict) else f"[{key}]"
            self.guards += [
                watched("the state of an optimizer", f"{{0}}.{name}{item} is {{1}}", owner, held),
                watched("the state of an optimizer", f"len({{0}}) == {len(held)}", held),
            ]
            view = {key: self._seen(held, key, value) for key, value in held.items()}
            self._opened[id(held)] = _Opened(held, view, dict(view), dict(held))
        return self._opened[id(held)].view

    def _seen(self, holder: dict[str, Any], key: str, value: Any) -> Any:
        what = f"the setting {key!r}"
        if type(value) in (int, float):
            return self.host.read(holder, key)
        if type(value) is tuple and all(type(x) in (int, float) for x in value):
            return tuple(self.host.read(holder, key, place) for place in range(len(value)))
        if isinstance(value, np.ndarray | np.generic):
            code = f"{{0}}[{key!r}].dtype == {{1}} and {{0}}[{key!r}].shape == {{2}}"
            self.guards.append(watched(what, code, holder, value.dtype, value.shape))
            return self._input(Kept(holder, key), value, key)
        if type(value) in (bool, type(None)):
            self.guards.append(watched(what, f"{{0}}[{key!r}] is {value}", holder))
        elif type(value) is str:
            self.guards.append(watched(what, f"{{0}}[{key!r}] == {value!r}", holder))
        elif type(value) is list:  # of parameters
            code = f"[*map(id, {{0}}[{key!r}])] == {{1}}"
            self.guards.append(watched(what, code, holder, [*map(id, value)]))
        return value

    def acting(self, act: Callable[[], None], holders: Sequence[dict[str, Any]]) -> None:
        """Do it, and read the numbers in `holders` anew from now on."""
        for holder in holders:
            self.undo_log.dict(holder)
        self.host.act(act, holders)
        for holder in holders:
            if id(holder) in self._opened:
                _, view, seen, before = self._opened[id(holder)]
                for key, value in holder.items():
                    before[key] = value
                    if type(value) in (int, float, tuple):
                        view[key] = seen[key] = self._seen(holder, key, value)

    def draw(
        self, generator: Any, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Variable:
        """Random numbers, which will be others in the next step."""
        used = generator or default_generator()
        self.undo_log.generator(used)
        array = getattr(used, method)(*args, **kwargs)
        if generator is not None:
            self._generators[id(generator)] = generator
        return self._input(Drawn(generator, method, tuple(args), dict(kwargs)), array)

    # ---- the end -------------------------------------------------------------------------

    def undo(self) -> None:
        """The step failed: everything is as it was before."""
        self.over = True
        self.undo_log.all()
        self.modules.undo()
        self.environment.undo()

    def finish(self, results: list[Any], keep_gradients: bool) -> tuple[Program, list[Any]]:
        """The program, and the results of this first step; what it left behind is in its place.

        Parameters
        ----------
        results
            What the step returns. The list is emptied, so that what else is alive was hidden.
        keep_gradients
            Whether gradients that nobody reads before they are replaced are left behind, too.

        Raises
        ------
        NeedsHistory
            If a result depends on an argument that requires a gradient, and was not yet
            differentiated.
        """
        self._check_history(results)
        self.environment.check()
        found = [self.read(x) if isinstance(x, Tensor) else x for x in results]
        results.clear()
        writes: list[Write] = []
        attributes = self._attributes(writes)
        written = self._tensors()
        gradients = self._gradients(keep_gradients)
        self._settings(writes)
        values = [x.value if type(x) is Variable else x for x in found]
        returned = [
            Tensor.lift(x.array) if type(x) is Variable else x.value if type(x) is Number else x
            for x in found
        ]
        del found
        flags = [(ref(tensor), flag, read) for tensor, flag, read in self._flags.values()]
        boxes = self._leave()
        for reference, position, new in written:
            tensor = reference()
            if tensor is not None:
                target = Held(tensor) if position is None else Argument(position)
                writes.append(Write(target, new))
        for box, read, value in gradients:
            position = self._argument_boxes.get(id(box))
            if not read or id(box) in boxes or position is not None:
                writes.append(Write(Gradient(box, position), value))
        writes += self._flag_writes(flags)
        self._check_shapes()
        self.guards += [*self.modules.guards(attributes), *self.environment.guards()]
        program = Program(self.inputs, self.equations, values, writes, self.host, self.guards)
        return program, returned

    def _check_history(self, results: list[Any]) -> None:
        """Whether somebody will want to differentiate a result with respect to an argument."""
        nodes = [x._node for x in results if isinstance(x, Tensor) and type(x._node) is Node]
        if self._argument_boxes and nodes:
            order = topological(nodes)
            kept = any(node.saved is not FREED for node in order)
            if kept and any(id(leaf.box) in self._argument_boxes for leaf in leaves(order)):
                raise NeedsHistory

    def _check_shapes(self) -> None:
        """Refuse shapes that depend on numbers which are others in the next step."""
        if not self._shaped:
            return
        fixed = {v for v in self.inputs if type(v.source) is Constant}
        for equation in self.equations:
            if all(x in fixed for x in equation.values()) and not any(
                type(x) is Number for x in equation.inputs
            ):
                fixed.add(equation.out)
        for equation in self._shaped:
            x = equation.inputs[SHAPED_BY_VALUES[equation.op.name]]
            if type(x) is Value and x not in fixed:
                raise TraceError(
                    equation.op.name,
                    f"the shape of {self.described(equation.out)} depends on the numbers of"
                    f" {self.described(x)}, which are others in the next step",
                    "Keep the shape, as tl.where(mask, x, 0.0) does, or leave this part of the"
                    " step uncompiled.",
                )

    def _tensors(self) -> list[tuple[Any, int | None, Value]]:
        """Tensors that hold something else now, referred to weakly: some are the step's own."""
        written = []
        for tensor, before in self._changed.values():
            if type(before) is Variable or tensor._data is before:
                continue
            if type(tensor._node) is Node:
                raise TraceError(
                    "compile",
                    f"a tensor from outside, of shape {tensor.shape}, has become the result of"
                    f" {tensor._node.op.name}, with a history that leads into the step",
                    "Assign what is detach()ed.",
                )
            variable = self.read(tensor)
            position = self._arguments.get(id(tensor))
            written.append((ref(tensor), position, variable.value))
            hold(tensor, variable.array)
            if position is not None:
                original = self._originals[position]
                self.undo_log.tensor(original)
                hold(original, variable.array)
        return written

    def _attributes(self, writes: list[Write]) -> set[tuple[int, str]]:
        """Put down the attributes of modules that are tensors of the step now, or were set."""
        found = set()
        for module, name, old, new, guided in self.modules.changed():
            own = isinstance(new, Tensor) and type(new._data) is Variable
            if own and type(new._node) is Node:
                raise TraceError(
                    f"{type(module).__name__}.{name}",
                    f"the step leaves the result of {new._node.op.name} here, with a history that"
                    " leads into the step",
                    "Assign what is detach()ed.",
                )
            if own:
                found.add((id(module), name))
                self._move(module, name, old, type(new))
                variable = self.read(new)
                writes.append(Write(Attribute(module, name), variable.value))
                real = vars(module)[name] = object.__new__(type(new))
                real._data, real._node = variable.array, None
            elif not guided and not isinstance(new, Tensor):
                writes.append(Write(Attribute(module, name), new))
        return found

    def _move(self, module: Any, name: str, old: Any, kind: type) -> None:
        """If the step read the tensor that an attribute was, it will find the next one there."""
        known = self._read.get(id(old)) if isinstance(old, Tensor) else None
        if known is None or type(known[2].value.source) is not Held:
            return
        value = known[2].value
        value.source = Attribute(module, name)
        value.name = value.name or name
        self._moved.add(value)
        item = f"{{0}}[{name!r}]"
        code = (
            f"type({item}) is {{1}} and {item}._data.dtype == {{2}}"
            f" and {item}._data.shape == {{3}} and not {item}.requires_grad"
        )
        objects = vars(module), kind, value.dtype, value.shape
        self.guards.append(watched(f"{type(module).__name__}.{name}", code, *objects))

    def _gradients(self, keep: bool) -> list[tuple[Box, bool, Value | None]]:
        """The gradients that are others now: the box, whether the old one was read, and the new."""
        changed: list[tuple[Box, bool, Value | None]] = []
        for touched in self._touched.values():
            box, before = touched.box, touched.grad
            new = box.grad
            if touched.read:
                self._guard_gradient(box, before is None)
            if new is before:
                if not touched.read:
                    changed.append((box, False, None))  # cleared, in case that there is one
            elif new is not None and (touched.read or keep):
                variable = self.read(new)
                changed.append((box, touched.read, variable.value))
                box.grad = Tensor.lift(variable.array)
            else:
                changed.append((box, False, None))
                box.grad = None
        return changed

    def _guard_gradient(self, box: Box, none: bool) -> None:
        if id(box) not in self._argument_boxes:
            code = f"{{0}}.grad is {'' if none else 'not '}None"
            self.guards.append(watched("whether there is a gradient", code, box))

    def _settings(self, writes: list[Write]) -> None:
        for holder, view, seen, before in self._opened.values():
            for key, value in holder.items():
                if key not in before or not same(before[key], value):
                    raise TraceError(
                        "compile",
                        f"the step sets {key!r} of an optimizer by hand, which a program would not"
                        " repeat",
                        "Use a schedule, such as tl.optim.lr_scheduler.LambdaLR, or set it between"
                        " steps.",
                    )
            for key, value in view.items():
                if key in seen and seen[key] is value:
                    continue
                if type(value) is Variable:
                    writes.append(Write(Kept(holder, key), value.value))
                    holder[key] = np.array(value.array)
                else:
                    writes.append(Write(Kept(holder, key), value))
                    holder[key] = value.value if type(value) is Number else value

    def _flag_writes(self, flags: list[tuple[Any, bool, bool]]) -> list[Write]:
        """What the step did to ``requires_grad``; what it was is a guard if it mattered."""
        writes = []
        for reference, before, mattered in flags:
            tensor = reference()
            if tensor is None:
                continue
            if mattered:
                self.guards.append(_flag_guard(tensor, before))
            if not mattered or tensor.requires_grad != before:
                writes.append(Write(Flag(tensor), tensor.requires_grad))
        return writes

    def _leave(self) -> set[int]:
        """Let go of everything, and see whether somebody else holds a variable.

        Returns
        -------
        The ids of the boxes of tensors from outside.
        """
        found = [(ref(tensor), value, array) for tensor, value, array in self._found]
        arrays = [(ref(array), value) for array, value in self._arrays]
        for _, value, array in found:
            if value not in self._moved:
                value.source = Constant(array)
        for _, value in arrays:
            assert type(value.source) is Held
            value.source = Constant(np.array(value.source.tensor._data))
        self.undo_log.forget(lambda data: type(data) is Variable)
        for kept in (
            self._found, self._arrays, self._copied, self._read, self._constants, self._changed,
            self._flags, self._touched, self._opened, self.stand_ins,
        ):  # fmt: skip
            kept.clear()
        if self._variables:
            gc.collect()
        boxes = set()
        for reference, value, _ in found:
            tensor = reference()  # one that is gone will never hold anything else
            if tensor is not None:
                boxes.add(id(tensor._box()))
                self._guard_identity(tensor)
                if value not in self._moved:
                    value.source = Held(tensor)
                self._guard_tensor(tensor)
        for reference, value in arrays:
            array = reference()
            if array is not None:
                value.source = Held(Lent.of(array))
        for variable in self._variables:
            raise TraceError(
                "compile",
                f"{self.described(variable.value)} is still held somewhere after the step, where"
                " the next one would not put it",
                "Return it from the step instead.",
            )
        self._check_generators()
        self.over = True
        return boxes

    def _guard_tensor(self, tensor: Tensor) -> None:
        """Its shape, dtype and hooks."""
        shape, dtype, box = tensor.shape, tensor.dtype, tensor._box()
        hooks = tuple(box.hooks) if box is not None else ()

        def holds() -> bool:
            data, now = tensor._data, tensor._box()
            return (
                data.shape == shape
                and data.dtype == dtype
                and hooks == (tuple(now.hooks) if now is not None else ())
            )

        self.guards.append(Guard(holds, f"the dtype or a hook of {tensor.name or 'a tensor'}"))

    def _guard_identity(self, tensor: Tensor) -> None:
        """If a tensor that the step knows is an argument as well, that decides."""
        position = self._argument_boxes.get(id(tensor._box()))
        if position is not None:
            code = f"x{position} is {{0}}"
            self.guards.append(Guard(lambda: True, "the identity of a tensor", code, (tensor,)))

    def _check_generators(self) -> None:
        """Refuse a generator that the step made: it would begin anew each time."""
        for generator in list(self._generators.values()):
            sources = [v.source for v in self.inputs if type(v.source) is Drawn]
            uses = sum(source.generator is generator for source in sources)
            # Known are the two dicts of this trace, the list, this variable and the argument.
            if sys.getrefcount(generator) <= uses + 5:
                raise TraceError(
                    "compile",
                    "the step makes a random generator of its own, which would begin anew in each"
                    " step",
                    "Make it before the step.",
                )


def _stand_in(tensor: Tensor) -> Tensor:
    """Another tensor at the same place in the graph; the user may change an array at any time."""
    if type(tensor) is Lent:
        return Tensor.lift(np.array(tensor._data))
    made = object.__new__(type(tensor))
    made._data, made._node = tensor._data, tensor._node
    return made


def hold(tensor: Tensor, array: Array) -> None:
    """Let a leaf hold an array that nobody will write into any more."""
    leaf: Any = tensor._node
    if leaf is not None:
        tensor._node = Leaf(array, leaf.requires_grad, leaf.box, leaf.name)
    tensor._data = array


def _flag_guard(tensor: Tensor, flag: bool) -> Guard:
    return Guard(lambda: tensor.requires_grad == flag, "requires_grad")

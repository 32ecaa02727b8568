"""Trace: a step that runs, and puts down what it does.

It takes the place of the array namespace beneath autograd. The ops of the forward pass, the rules
of backward and the updates of optimizers all come by; each is computed as usual, and becomes an
equation. What a step reads from outside (parameters, moments, running statistics, gradients) is
told by the tensor or dict that holds it, so that it is read anew whenever the step runs; what it
leaves there is put down as a write.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakSet, ref

import numpy as np

from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..errors import TraceError
from ..graph import Box, Leaf, Node
from ..mode import current
from ..op import Op
from ..random import default_generator
from ..recording import user_line
from ..tensor import Tensor
from ..tracer import Tracer
from .numbers import HostProgram, Number
from .program import (
    Argument,
    Constant,
    Drawn,
    Equation,
    Gradient,
    Guard,
    Held,
    Kept,
    Program,
    Source,
    Value,
    Write,
)
from .variable import Variable


class _Touched:
    """A gradient that the step changes: what it was, and whether that mattered."""

    def __init__(self, box: Box, read: bool) -> None:
        self.box, self.grad, self.read = box, box.grad, read


class Trace(Tracer):
    """A namespace that runs ops on NumPy and writes down their equations.

    Parameters
    ----------
    arguments
        The tensors among the arguments of the step.
    """

    def __init__(self, arguments: Sequence[Tensor]) -> None:
        self.over = False
        self.equations: list[Equation] = []
        self.inputs: list[Value] = []
        self.host = HostProgram()
        self.guards: list[Guard] = []
        self._count = 0
        self._variables: WeakSet[Variable] = WeakSet()
        self._arguments = {id(tensor): i for i, tensor in enumerate(arguments)}
        # By the id of a tensor or array, which is kept so that no other gets its id.
        self._read: dict[int, tuple[Tensor, Array, Variable]] = {}
        self._found: list[tuple[Tensor, Value, Array]] = []
        self._constants: dict[int, tuple[Array, Variable]] = {}
        self._changed: dict[int, tuple[Tensor, Array, Node | Leaf | None]] = {}
        self._touched: dict[int, _Touched] = {}
        self._opened: dict[int, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {}
        self._entered: dict[int, Any] = {}
        self._before: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._generators: dict[int, tuple[Any, Any]] = {}

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
            source = self._source(tensor)
            variable = self._input(source, data, tensor.name)
            if type(source) is Held:
                self._found.append((tensor, variable.value, data))
        elif found[1] is data:
            return found[2]
        else:  # since then it was given numbers that are always the same
            variable = self._constant(data)
        self._read[id(tensor)] = tensor, data, variable
        return variable

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
        boxes = [known._box() for known, _, _ in self._read.values()]
        boxes += [touched.box for touched in self._touched.values()]
        for box in boxes:
            if box is not None and box.grad is tensor:
                self._touch(box, read=True)
                return Gradient(box)
        return Held(tensor)

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
        self.equations.append(Equation(out.value, op, places, params, scope, user_line()))
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
        return f"{value.name or 'an input'} of shape {value.shape}"

    # ---- what else a step does -----------------------------------------------------------

    def changing(self, tensor: Tensor) -> None:
        """Remember what a tensor held."""
        self._changed.setdefault(id(tensor), (tensor, tensor._data, tensor._node))

    def clearing(self, box: Box) -> None:
        """The gradient that was there plays no part."""
        self._touch(box, read=False)

    def adding(self, box: Box) -> None:
        """The gradient that was there plays a part."""
        self._touch(box, read=True)

    def _touch(self, box: Box, read: bool) -> None:
        if id(box) not in self._touched:
            self._touched[id(box)] = _Touched(box, read)

    def entering(self, module: Any) -> None:
        """The attributes of a module decide what it does."""
        if id(module) not in self._entered:
            self._entered[id(module)] = module
            self.guards.append(_module_guard(module))

    def opened(self, held: dict[str, Any]) -> dict[str, Any]:
        """A copy of a dict of settings or state whose numbers and arrays are those of the trace."""
        if id(held) not in self._opened:
            view = {key: self._seen(held, key, value) for key, value in held.items()}
            self._opened[id(held)] = held, view, dict(view)
            keys = tuple(held)
            self.guards.append(Guard(lambda: tuple(held) == keys, "the state of an optimizer"))
        return self._opened[id(held)][1]

    def _seen(self, holder: dict[str, Any], key: str, value: Any) -> Any:
        if type(value) in (int, float):
            return self.host.read(holder, key)
        if type(value) is tuple and all(type(x) in (int, float) for x in value):
            return tuple(self.host.read(holder, key, place) for place in range(len(value)))
        if isinstance(value, np.ndarray | np.generic):
            return self._input(Kept(holder, key), value, key)
        if type(value) in (bool, str, type(None)):
            self.guards.append(Guard(lambda: holder.get(key) == value, f"the setting {key!r}"))
        return value

    def acting(self, act: Callable[[], None], holders: Sequence[dict[str, Any]]) -> None:
        """Do it, and read the numbers in `holders` anew from now on."""
        self._before += [(holder, dict(holder)) for holder in holders]
        self.host.act(act, holders)
        for holder in holders:
            if id(holder) in self._opened:
                _, view, seen = self._opened[id(holder)]
                for key, value in holder.items():
                    view[key] = seen[key] = self._seen(holder, key, value)

    def draw(
        self, generator: Any, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Variable:
        """Random numbers, which will be others in the next step."""
        used = generator or default_generator()
        self._generators.setdefault(id(used), (used, used.bit_generator.state))
        array = getattr(used, method)(*args, **kwargs)
        return self._input(Drawn(generator, method, tuple(args), dict(kwargs)), array)

    # ---- the end -------------------------------------------------------------------------

    def undo(self) -> None:
        """The step failed: everything is as it was before."""
        self.over = True
        for tensor, data, node in self._changed.values():
            tensor._data, tensor._node = data, node
        for touched in self._touched.values():
            touched.box.grad = touched.grad
        for holder, before in reversed(self._before):
            holder.clear()
            holder.update(before)
        for generator, state in self._generators.values():
            generator.bit_generator.state = state

    def finish(self, results: list[Any], keep_gradients: bool) -> tuple[Program, list[Any]]:
        """The program, and the results of this first step; what it left behind is in its place.

        Parameters
        ----------
        results
            What the step returns. The list is emptied, so that what else is alive was hidden.
        keep_gradients
            Whether gradients that nobody reads before they are replaced are left behind, too.
        """
        found = [self.read(x) if isinstance(x, Tensor) else x for x in results]
        results.clear()
        written = self._tensors()
        writes = [*self._gradients(keep_gradients), *self._settings()]
        values = [x.value if type(x) is Variable else x for x in found]
        returned = [
            Tensor.lift(x.array) if type(x) is Variable else x.value if type(x) is Number else x
            for x in found
        ]
        del found
        self._leave()
        for reference, position, value in written:
            tensor = reference()
            if tensor is not None:
                target = Held(tensor) if position is None else Argument(position)
                writes.append(Write(target, value))
        program = Program(self.inputs, self.equations, values, writes, self.host, self.guards)
        return program, returned

    def _tensors(self) -> list[tuple[Any, int | None, Value]]:
        """Tensors that hold something else now, referred to weakly: some are the step's own."""
        written = []
        for tensor, before, _ in self._changed.values():
            if type(before) is Variable or tensor._data is before:
                continue
            variable = self.read(tensor)
            written.append((ref(tensor), self._arguments.get(id(tensor)), variable.value))
            hold(tensor, variable.array)
        return written

    def _gradients(self, keep: bool) -> list[Write]:
        writes = []
        for touched in self._touched.values():
            box, before = touched.box, touched.grad
            new = box.grad
            if touched.read:
                none = before is None
                self.guards.append(
                    Guard(lambda box=box, none=none: (box.grad is None) == none, "a gradient")  # type: ignore[misc]
                )
            if new is None:
                writes.append(Write(Gradient(box), None))
            elif touched.read or keep:
                variable = self.read(new)
                writes.append(Write(Gradient(box), variable.value))
                box.grad = Tensor.lift(variable.array)
            else:
                writes.append(Write(Gradient(box), None))
                box.grad = None
        return writes

    def _settings(self) -> list[Write]:
        writes = []
        for holder, view, seen in self._opened.values():
            for key, value in view.items():
                if key in seen and seen[key] is value:
                    continue
                if type(value) is Variable:
                    writes.append(Write(Kept(holder, key), value.value))
                    holder[key] = np.array(value.array)
                else:
                    writes.append(Write(Kept(holder, key), value))
                    holder[key] = value.value if type(value) is Number else value
        return writes

    def _leave(self) -> None:
        """Let go of everything, and see whether somebody else holds a variable."""
        found = [(ref(tensor), value, array) for tensor, value, array in self._found]
        for _, value, _ in found:
            value.source = None
        self._found.clear()
        for kept in (self._read, self._constants, self._changed, self._touched, self._opened):
            kept.clear()
        for reference, value, array in found:
            tensor = reference()  # one that is gone will never hold anything else
            value.source = Constant(array) if tensor is None else Held(tensor)
            if tensor is not None:
                self.guards.append(_flag_guard(tensor))
        if self._variables:
            gc.collect()
        for variable in self._variables:
            raise TraceError(
                "compile",
                f"{self.described(variable.value)} is still held somewhere after the step, where"
                " the next one would not put it",
                "Return it from the step instead.",
            )
        self.over = True


def hold(tensor: Tensor, array: Array) -> None:
    """Let a leaf hold an array that nobody will write into any more."""
    node = tensor._node
    if node is not None:
        tensor._node = Leaf(array, node.requires_grad, getattr(node, "box", None),
                            getattr(node, "name", ""))  # fmt: skip
    tensor._data = array


def _flag_guard(tensor: Tensor) -> Guard:
    flag = tensor.requires_grad
    return Guard(lambda: tensor.requires_grad == flag, "requires_grad")


def _module_guard(module: Any) -> Guard:
    """What a module decides by: its attributes, but for the numbers that tensors hold."""
    before = dict(vars(module))
    training = module.training

    def holds() -> bool:
        now = vars(module)
        return (
            module.training == training
            and now.keys() == before.keys()
            and all(_same(value, now[key]) for key, value in before.items())
        )

    return Guard(holds, f"an attribute of {type(module).__name__}")


def _same(old: Any, new: Any) -> bool:
    return old is new or (
        type(old) is type(new)
        and isinstance(old, bool | int | float | str | tuple)
        and bool(old == new)
    )

"""Trace: a step that runs, and puts down what it does.

It takes the place of the array namespace beneath autograd. The ops of the forward pass, the rules
of backward and the updates of optimizers all come by; each is computed as usual, and becomes an
equation. What a step reads from outside (parameters, moments, running statistics, gradients) is
told by the tensor or dict that holds it, so that it is read anew whenever the step runs; what it
leaves there is put down as a write.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any
from weakref import ref

import numpy as np

from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..dtypes import DType
from ..errors import TraceError
from ..graph import Box, Leaf, Node, Shape, next_number, topological
from ..mode import current
from ..op import Op
from ..random import default_generator
from ..recording import user_line
from ..tensor import Tensor
from ..tracer import Tracer
from . import settings
from .aliases import alias_guards, check_aliases
from .environment import Environment
from .leaving import guard_tensor, leave
from .modules import Modules
from .numbers import HostProgram, Number
from .program import (
    COPIED,
    Argument,
    Constant,
    Drawn,
    Equation,
    Gradient,
    Guard,
    Held,
    Lent,
    Program,
    Source,
    Value,
    Write,
    watched,
)
from .pullback import Pullback, way_back
from .shapes import SHAPED_BY_VALUES, check_shapes
from .undo import Undo
from .variable import Variable
from .writing import (
    guard_gradient,
    is_own,
    write_argument_flags,
    write_attributes,
    write_flags,
    write_gradients,
    write_tensors,
)


class _Touched:
    """A gradient that the step looks at or changes: what it was, and whether that mattered."""

    def __init__(self, box: Box, read: bool) -> None:
        self.box, self.grad, self.read = box, box.grad, read


class Trace(Tracer):
    """A namespace that runs ops on NumPy and writes down their equations.

    Parameters
    ----------
    arguments
        The tensors among the arguments of the step.
    known
        The positions of those that the step knows otherwise, too, and that it gets as they are.

    Attributes
    ----------
    stand_ins
        What the step gets in the place of the others, which will be others in the next call.
    given
        The arrays of the inputs.
    walked
        Whether gradients were carried back inside the step.
    pullback
        In the end: what carries gradients of the results back to where they come from.
    """

    def __init__(
        self, arguments: Sequence[Tensor] = (), known: frozenset[int] = frozenset()
    ) -> None:
        self.over = self.walked = False
        self.known = known
        self.equations: list[Equation] = []
        self.inputs: list[Value] = []
        self.host = HostProgram()
        self.guards: list[Guard] = []
        self.environment, self.modules, self.undo_log = Environment(), Modules(), Undo()
        self.start = next_number()
        self._count = 0
        self._variables: list[ref[Variable]] = []  # (a WeakSet takes ten times as long)
        self._originals = list(arguments)
        self.stand_ins = [
            tensor if i in known else _stand_in(tensor) for i, tensor in enumerate(arguments)
        ]
        self._arguments = {id(x): i for i, x in enumerate(self.stand_ins) if i not in known}
        self._boxes = [None if i in known else x._box() for i, x in enumerate(self.stand_ins)]
        self._argument_boxes = {id(box): i for i, box in enumerate(self._boxes) if box is not None}
        self.given: dict[Value, Array] = {}
        self.pullback: Pullback | None = None
        # By the id of a tensor or array, which is kept so that no other gets its id.
        self._read: dict[int, tuple[Tensor, Array, Variable]] = {}
        self._found: list[tuple[Tensor, Value, Array]] = []
        self._arrays: list[tuple[Array, Value]] = []
        self._copied: dict[int, tuple[Tensor, Array, Array]] = {}
        self._constants: dict[int, tuple[Array, Variable]] = {}
        self._changed: dict[int, tuple[Tensor, Array]] = {}
        self._flags: dict[int, tuple[Tensor, bool, bool]] = {}
        self._touched: dict[int, _Touched] = {}
        self._opened: dict[int, settings.Opened] = {}
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
            self._variables.append(ref(variable))
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
        if params:
            params = {k: v.fixed() if type(v) is Number else v for k, v in params.items()}
        numbers, inputs = [], []
        for array in arrays:
            own = type(array) is Variable and array.namespace is self
            x = array if own else self._taken(array)
            if type(x) is Variable:
                numbers.append(x.array)
                inputs.append(x.value)
            else:
                numbers.append(x.value if type(x) is Number else x)
                inputs.append(x)
        out = self._variable(op.forward(numpy_namespace, *numbers, **params))
        scope = current().scope
        equation = Equation(out.value, op, tuple(inputs), params, scope, user_line())
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
        self.given[variable.value] = array
        return variable

    def cotangent(self, shape: Shape, dtype: DType) -> Variable:
        """The gradient with respect to a result, which somebody will give from outside."""
        return self._variable(np.ones(shape, dtype))

    def _variable(self, array: Array, source: Source | None = None, name: str = "") -> Variable:
        value = Value(self._count, array.shape, array.dtype, source, name)
        self._count += 1
        variable = Variable(self, value, array)
        self._variables.append(ref(variable))
        return variable

    def _alive(self) -> Iterator[Variable]:
        """The variables that somebody refers to."""
        found = (reference() for reference in self._variables)
        return (variable for variable in found if variable is not None)

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
        self.walked = True
        for node in topological(cotangents):
            if node.number < self.start:
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
            for part in (new, *vars(new).values()):
                if part is new or isinstance(part, FunctionType):
                    self.environment.add(part)

    def attribute(self, module: Any, name: str) -> None:
        """Remember what it was."""
        self.modules.setting(module, name)

    def refuse(self, where: str, what: str, remedy: str) -> None:
        """Raise TraceError."""
        raise TraceError(where, what, remedy)

    def opened(self, held: dict[str, Any], owner: Any, name: str, key: int) -> dict[str, Any]:
        """A copy of a dict of settings or state whose numbers and arrays are those of the trace."""
        return settings.opened(self, held, owner, name, key)

    def acting(self, act: Callable[[], None], holders: Sequence[dict[str, Any]]) -> None:
        """Do it, and read the numbers in `holders` anew from now on."""
        settings.acting(self, act, holders)

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

    def close(self) -> None:
        """Let go of all arrays: ops that were asked for by name refer to the trace in a circle."""
        vars(self).clear()
        self.over = True

    def circumstances(self) -> list[Guard]:
        """What must be as it was before the step, once it is undone, for it to go as it did."""
        for tensor, _, _ in self._found:
            guard_tensor(self, tensor)
        return [*self.guards, *self.modules.guards(set()), *self.environment.guards()]

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
        KnownOtherwise
            If an argument should have been given as it is.
        NeedsHistory
            If only a graph of all ops can carry gradients of the results back.
        """
        _check_results(results)
        check_aliases(self)
        walked = self.walked
        self.pullback = way_back(self, results)
        self.walked = walked
        self.environment.check()
        found = [self.read(x) if isinstance(x, Tensor) else x for x in results]
        results.clear()
        writes: list[Write] = []
        attributes = write_attributes(self, writes)
        written = write_tensors(self)
        writes += write_argument_flags(self)
        gradients = write_gradients(self, keep_gradients)
        settings.write_settings(self, writes)
        values = [x.value if type(x) is Variable else x for x in found]
        returned = [
            Tensor.lift(x.array)
            if type(x) is Variable
            else x.value
            if type(x) is Number
            else x.copy()  # the user may write into it
            if isinstance(x, COPIED)
            else x
            for x in found
        ]
        del found
        flags = [
            (ref(tensor), flag, read)
            for tensor, flag, read in self._flags.values()
            if id(tensor) not in self._arguments
        ]
        outside = leave(self)
        for reference, position, new in written:
            tensor = reference()
            if tensor is not None:
                target = Held(tensor) if position is None else Argument(position)
                writes.append(Write(target, new))
        for (box, none, changed, value), own in zip(gradients, is_own(gradients), strict=True):
            if not own and none is not None:
                guard_gradient(self, box, none)
            if not own and changed:
                writes.append(Write(self._gradient(box), value))
        writes += write_flags(self, flags)
        self.guards += alias_guards(self, outside, writes)
        check_shapes(self)
        self.guards += [*self.modules.guards(attributes), *self.environment.guards()]
        if self.pullback is not None:
            self.pullback = self.pullback.settled()
        program = Program(self.inputs, self.equations, values, writes, self.host, self.guards)
        return program, returned


def _check_results(results: Iterable[Any]) -> None:
    """Refuse what could be given back in one call only."""
    for x in results:
        if isinstance(x, Iterator | Awaitable):
            raise TraceError(
                "compile",
                f"the step returns a {type(x).__name__}, which gives what it has only once",
                "Return a list or a tuple.",
            )


def _stand_in(tensor: Tensor) -> Tensor:
    """Another tensor at the same place in the graph; the user may change an array at any time."""
    if type(tensor) is Lent:
        return Tensor.lift(np.array(tensor._data))
    made = object.__new__(type(tensor))
    made._data, made._node = tensor._data, tensor._node
    if type(made._node) is Node:
        made._node = Leaf(made._data, True, Box())  # its history is another one in the next call
    return made

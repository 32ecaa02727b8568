"""What is checked: a function of named float64 arrays, with the gradient that autograd gives it.

A user's function, a module, one node of a graph and the gradient of any of these are all
subjects, so that one search serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from ..arrays import Array
from ..errors import ArgumentError, GradientError
from ..gradients import pull_back
from ..graph import Box, Leaf, Node
from ..mode import enable_grad, no_grad, remember_lines
from ..random import default_generator
from ..tensor import Tensor

T = TypeVar("T")


class Subject(Protocol):
    """A function of several arrays, and its analytic gradient.

    Attributes
    ----------
    names, points
        Its variables, and where it is checked.
    """

    names: list[str]
    points: list[Array]

    def value(self, points: Sequence[Array]) -> Array:
        """All outputs at `points`, flattened into one float64 vector."""
        ...

    def pull(self, cotangents: Sequence[Array]) -> list[list[Array]]:
        """For each cotangent, the gradient with respect to each variable, at the own points."""
        ...


class Variable(NamedTuple):
    """One array that is checked.

    Attributes
    ----------
    name, array
        What to call it, and its numbers, of its own dtype.
    place
        Its number among the arguments, or the Tensor (a parameter) that holds it.
    """

    name: str
    array: Array
    place: int | Tensor


class Function:
    """A user's function, as a subject.

    Parameters
    ----------
    function
        Called with `arguments`; it returns tensors, alone or nested in tuples, lists and dicts.
    arguments
        What to call it with; those that are variables are replaced by tensors.
    variables
        What to differentiate it with respect to.
    constants
        Tensors that it may use or change, such as running statistics; they are put back after
        each call, as is the default random generator, so that every call sees the same.
    dtype
        To compute in; None leaves to each variable, and to each constant, its own.

    Attributes
    ----------
    recorded
        Whether every call must be recorded, because the function itself takes a gradient.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Sequence[Any],
        variables: Sequence[Variable],
        constants: Sequence[Tensor] = (),
        dtype: Any = np.float64,
    ) -> None:
        self.function = function
        self.arguments = list(arguments)
        self.variables = list(variables)
        self.constants = tuple(constants)
        self.held = [
            np.array(t.raw, dtype) if dtype and t.dtype.kind == "f" else t.raw for t in constants
        ]
        self.recorded = False
        self.names = [v.name for v in variables]
        self.points = [np.array(v.array, dtype or v.array.dtype) for v in variables]

    def value(self, points: Sequence[Array]) -> Array:
        """All outputs at `points`, flat."""
        outputs = None
        if not self.recorded:
            try:
                with no_grad():
                    outputs, _ = self.run(points, requires_grad=False)
            except GradientError:
                self.recorded = True  # it takes a gradient itself; if it errs, it will err again
        if outputs is None:
            with enable_grad():
                outputs, _ = self.run(points, requires_grad=True)
        return flat([output.raw for output in outputs])

    def pull(self, cotangents: Sequence[Array]) -> list[list[Array]]:
        """For each cotangent, the gradients with respect to the variables."""
        outputs, inputs = self.record()
        return [differentiate(outputs, inputs, cotangent) for cotangent in cotangents]

    def restricted(self, number: int) -> Function:
        """The same function of its variable `number` alone; the others become constants."""
        arguments = list(self.arguments)
        for variable, point in zip(self.variables, self.points, strict=True):
            if isinstance(variable.place, int):
                arguments[variable.place] = Tensor.lift(point)
        return Function(self.function, arguments, [self.variables[number]], self.constants)

    def record(self) -> tuple[list[Tensor], list[Tensor]]:
        """Run it at its points and record the graph, with the user's lines in it."""
        with enable_grad(), remember_lines():
            return self.run(self.points, requires_grad=True)

    def run(
        self, points: Sequence[Array], requires_grad: bool
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Call the function at `points`; give its outputs and the tensors of the variables."""
        arguments = list(self.arguments)
        inputs = []
        parameters: list[tuple[Tensor, Tensor]] = []
        for (name, _, place), point in zip(self.variables, points, strict=True):
            box = Box() if requires_grad else None
            tensor = Tensor.lift(point, Leaf(point, requires_grad, box, name))
            inputs.append(tensor)
            if isinstance(place, int):
                arguments[place] = tensor
            else:
                parameters.append((place, tensor))
        with _Unchanged([*(p for p, _ in parameters), *self.constants]):
            for parameter, tensor in parameters:
                parameter._hold(tensor.raw, tensor.node)
            for constant, array in zip(self.constants, self.held, strict=True):
                if array is not constant.raw:
                    constant._hold(array, Leaf(array, name=constant.name))
            outputs = list(_tensors(self.function(*arguments)))
        floats = [t for t in outputs if t.dtype.kind == "f"]
        if not floats:
            raise ArgumentError(
                "gradcheck",
                "the function returned no tensor of a floating dtype",
                "Return what is to be differentiated.",
            )
        return floats, inputs


class Gradient:
    """The gradient of a function, projected on a fixed cotangent: for the second order.

    Parameters
    ----------
    function, cotangent
        What is differentiated, and the weights of its outputs.
    only
        The number of the variable whose gradient is meant; None: all of them.
    """

    def __init__(self, function: Function, cotangent: Array, only: int | None = None) -> None:
        self.function, self.cotangent, self.only = function, cotangent, only
        self.names = function.names
        self.points = function.points

    def value(self, points: Sequence[Array]) -> Array:
        """The first gradients at `points`, flat, from an ordinary walk."""
        with enable_grad():
            outputs, inputs = self.function.run(points, requires_grad=True)
        return flat(self._kept(differentiate(outputs, inputs, self.cotangent)))

    def pull(self, cotangents: Sequence[Array]) -> list[list[Array]]:
        """For each cotangent, the gradients of the recorded gradients."""
        outputs, inputs = self.record()
        return [differentiate(outputs, inputs, cotangent) for cotangent in cotangents]

    def record(self) -> tuple[list[Tensor], list[Tensor]]:
        """The gradients as recorded tensors, and the tensors of the variables."""
        outputs, inputs = self.function.record()
        gradients = _gradients(outputs, inputs, self.cotangent, create_graph=True)
        return self._kept(gradients), inputs

    def _kept(self, gradients: list[T]) -> list[T]:
        return gradients if self.only is None else [gradients[self.only]]


def alone(node: Node, arrays: Sequence[Any], joined: bool = False) -> Function:
    """One node as a function of its own: its op, at the arrays that entered it.

    Those inputs are variables for which the node has a rule to run.

    Parameters
    ----------
    node, arrays
        The node, and what each of its parents held.
    joined
        A parent that entered twice is one variable, as it was in the graph; else it is two, so
        that each rule is seen by itself.
    """
    source = list(range(len(arrays)))
    if joined:
        source = [node.parents.index(parent) for parent in node.parents]
    labels: dict[int, list[str]] = {}
    for i, _ in node.plan.rules:
        labels.setdefault(source[i], []).append(_input_name(node, i))
    variables = [Variable(" and ".join(names), arrays[i], i) for i, names in labels.items()]
    constants = [
        Tensor.lift(a) if isinstance(p, Node | Leaf) else p
        for p, a in zip(node.parents, arrays, strict=True)
    ]

    def run(*inputs: Any) -> Tensor:
        return node.op(*(inputs[i] for i in source), **node.params)

    return Function(run, constants, variables)


def together(node: Node, arrays: Sequence[Any]) -> Function | None:
    """One node as a function of what is added to all its inputs that have the output's shape.

    Where two inputs are equal, ``maximum`` has a kink in each, and a wrong rule may pass for
    another choice of subgradient; moved together, they have none. None if there are not two.
    """
    moved = [i for i, _ in node.plan.rules if np.shape(arrays[i]) == node.shape]
    if len(moved) < 2:
        return None
    constants = [
        Tensor.lift(a) if isinstance(p, Node | Leaf) else p
        for p, a in zip(node.parents, arrays, strict=True)
    ]

    def run(shift: Tensor) -> Tensor:
        inputs = [c + shift if i in moved else c for i, c in enumerate(constants)]
        return node.op(*inputs, **node.params)

    name = " and ".join(_input_name(node, i) for i in moved)
    return Function(run, [None], [Variable(name, np.zeros(node.shape), 0)])


def _input_name(node: Node, position: int) -> str:
    name, last = node.op.input_name(position), len(node.op.arrays) - 1
    several = node.op.variadic and position >= last
    return f"{name}[{position - last}]" if several else name


def differentiate(
    outputs: Sequence[Tensor], inputs: Sequence[Tensor], cotangent: Array
) -> list[Array]:
    """Gradients of the outputs, weighted by a flat `cotangent`."""
    return [np.asarray(g.raw) for g in _gradients(outputs, inputs, cotangent)]


def _gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    cotangent: Array,
    create_graph: bool = False,
) -> list[Tensor]:
    weights, start = [], 0
    for output in outputs:
        part = cotangent[start : start + output.size]
        start += output.size
        weights.append(Tensor.lift(part.reshape(output.shape).astype(output.dtype)))
    return pull_back(outputs, inputs, weights, create_graph)


def flat(arrays: Sequence[Array]) -> Array:
    """All numbers of `arrays`, one after the other, in float64."""
    if len(arrays) == 1:
        return np.asarray(arrays[0], np.float64).reshape(-1)
    return np.concatenate([np.zeros(0), *(np.ravel(a) for a in arrays)])


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif value is not None:
        raise ArgumentError(
            "gradcheck",
            f"the function returned a {type(value).__name__}, which has no gradient",
            "Return tensors, alone or in tuples, lists and dicts.",
        )


class _Unchanged:
    """Puts back what tensors held, to the very array and Leaf, and the default generator."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.before = [(t, t.raw, t.node) for t in tensors]
        self.generator = default_generator().bit_generator
        self.draws = self.generator.state

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None:
        for tensor, data, node in self.before:
            tensor._hold(data, node)
        self.generator.state = self.draws

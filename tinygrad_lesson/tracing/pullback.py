"""The way back: the equations that carry gradients of a function's results to where they come from.

A function that is compiled without its ``backward()`` returns results that somebody will
differentiate outside. So the trace goes on, once the function has returned: cotangents are carried
back to the leaves, which are arguments and tensors from outside, such as parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from .. import autograd
from ..arrays import Array
from ..errors import TinygradError
from ..graph import FREED, Leaf, Node, leaves, topological
from ..tensor import Tensor
from .program import Drawn, Equation, Guard, Value

if TYPE_CHECKING:
    from .trace import Trace


class NeedsHistory(Exception):  # noqa: N818  it is no error
    """What the step returns is to be differentiated outside, and it takes a graph of all ops.

    Attributes
    ----------
    why
        In the user's words.
    guards
        It is so for as long as these hold.
    """

    def __init__(self, why: str) -> None:
        self.why, self.guards = why, list[Guard]()


class Pullback(NamedTuple):
    """What leads from cotangents back to leaves.

    Attributes
    ----------
    results
        Which of the function's results have a gradient.
    cotangents
        The gradients with respect to these.
    leaves
        Where gradients go to: a tensor from outside, referred to weakly until the trace is over,
        or the position of an argument.
    gradients
        What goes there.
    equations
        They compute with values of the function, and with the cotangents.
    inputs
        Arrays that only these equations read.
    given
        The arrays that the function read in this first call.
    """

    results: list[int]
    cotangents: list[Value]
    leaves: list[Any]
    gradients: list[Value]
    equations: list[Equation]
    inputs: list[Value]
    given: dict[Value, Array]

    def settled(self) -> Pullback | None:
        """The same once the trace is over, without the step's own tensors; None if none is left."""
        homes = [x if type(x) is int else x() for x in self.leaves]
        kept = [i for i, home in enumerate(homes) if home is not None]
        if not kept:
            return None
        leaves, gradients = [homes[i] for i in kept], [self.gradients[i] for i in kept]
        return self._replace(leaves=leaves, gradients=gradients)


def way_back(trace: Trace, results: list[Any]) -> Pullback | None:
    """What carries gradients of the results back to leaves."""
    if trace._touched or trace._opened:  # the step trains: gradients are taken inside
        _check_history(trace, results)
        return None
    for result in results:
        if isinstance(result, Tensor):
            trace.read(result)  # it may be a parameter, which no op has read
    places: dict[int, Any] = {}
    for tensor, _, _ in trace._read.values():
        if type(tensor._node) is Leaf and tensor._node.requires_grad:
            places[id(tensor._node.box)] = ref(tensor)
    count = len(trace._shaped)
    try:
        return _pulled_back(trace, results, {**places, **trace._argument_boxes})
    finally:
        del trace._shaped[count:]


def _check_history(trace: Trace, results: list[Any]) -> None:
    """Whether somebody will want to differentiate a result with respect to an argument."""
    for tensor, box in zip(trace._originals, trace._boxes, strict=True):
        if type(tensor._node) is Node and id(box) in trace._touched:
            raise NeedsHistory("a gradient that the step takes goes on to what an argument is of")
    nodes = [x._node for x in results if isinstance(x, Tensor) and type(x._node) is Node]
    if trace._argument_boxes and nodes:
        order = topological(nodes)
        kept = any(node.saved is not FREED for node in order)
        if kept and any(id(leaf.box) in trace._argument_boxes for leaf in leaves(order)):
            raise NeedsHistory(
                "it takes gradients, and returns what can be differentiated with respect to an"
                " argument once more"
            )


def _pulled_back(trace: Trace, results: Sequence[Any], places: dict[int, Any]) -> Pullback | None:
    """Trace the way back; None if no result can be differentiated.

    Parameters
    ----------
    trace
        It has just seen the function.
    results
        What the function returned.
    places
        Where gradients may go to, as in :class:`Pullback`, by the id of the box of the leaf.

    Raises
    ------
    NeedsHistory
        If hooks want to see the gradients, something besides ops happens on the way, or it leads
        on to what was recorded before the step.
    """
    ends = [i for i, x in enumerate(results) if isinstance(x, Tensor) and _leads_back(x, places)]
    nodes = topological(results[i]._node for i in ends)
    if any(node.number < trace.start for node in nodes):
        raise NeedsHistory("the gradient goes on to what was computed before the step")
    homes: dict[int, Leaf] = {}
    for i in ends:
        for leaf in _leaves(results[i]._node):
            if leaf.requires_grad and id(leaf.box) in places:
                homes.setdefault(id(leaf.box), leaf)
    if not homes:
        return None
    if any(leaf.box.hooks for leaf in homes.values() if leaf.box is not None):
        raise NeedsHistory("a hook wants to see a gradient")
    count, known = len(trace.equations), list(trace.inputs)
    cotangents = [trace.cotangent(results[i].shape, results[i].dtype) for i in ends]
    try:
        found = autograd.grad(
            [results[i] for i in ends],
            [Tensor.lift(leaf.data, leaf) for leaf in homes.values()],
            [Tensor.lift(cotangent) for cotangent in cotangents],
            allow_unused=True,
        )
    except TinygradError as error:  # a rule that nobody wrote, or one that asks for numbers
        raise NeedsHistory(f"its gradient cannot be compiled. {error}".rstrip(".")) from error
    reached = [(b, trace.read(g).value) for b, g in zip(homes, found, strict=True) if g is not None]
    new = trace.inputs[len(known) :]
    if any(type(value.source) is Drawn for value in new):
        raise NeedsHistory("its gradient draws random numbers")
    equations = trace.equations[count:]
    del trace.equations[count:], trace.inputs[len(known) :]
    return Pullback(
        ends, [c.value for c in cotangents], [places[b] for b, _ in reached],
        [value for _, value in reached], equations, new, dict(trace.given),
    )  # fmt: skip


def _leads_back(result: Tensor, places: dict[int, Any]) -> bool:
    """Whether a gradient can go back from a result: nothing on the way was freed."""
    node = result._node
    if result.dtype.kind != "f":
        return False
    if type(node) is Leaf:  # an argument or a parameter itself
        return node.requires_grad and id(node.box) in places
    return type(node) is Node and all(n.saved is not FREED for n in topological([node]))


def _leaves(node: Any) -> list[Leaf]:
    return [node] if type(node) is Leaf else leaves(topological([node]))

"""The graph is a value: a record of which ops made a tensor.

A :class:`Node` is one op that ran; a :class:`Leaf` is an array that no op made. Both point only
backwards, at their inputs, and never at a Tensor: there are no reference cycles, and a graph is
freed the moment its last name goes. Backward, gradcheck, the picture and the compiler are readers
of this record.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, Protocol

from .arrays import Array, Namespace
from .dtypes import DType
from .op import Op, Plan

Shape = tuple[int, ...]

next_number = itertools.count().__next__
"""Numbers the nodes of the process in the order in which they are made."""

Hook = Callable[[Any], Any]


class Box:
    """Where the gradient of a leaf is kept.

    A Tensor shares it with every Leaf that it ever had: a graph that was recorded before an
    optimizer's step still fills the ``.grad`` that the user looks at.
    """

    __slots__ = ("grad", "hooks")

    def __init__(self) -> None:
        self.grad: Any = None
        self.hooks: list[Hook] = []


class Leaf:
    """An array that no op made: a parameter, an input, a constant.

    It holds the array of the moment at which it entered the graph, not the Tensor: assigning to
    the Tensor later makes a new Leaf and leaves old graphs right.

    Attributes
    ----------
    data, shape, dtype
        The array, and what is known of it without looking inside.
    requires_grad
        Whether the walk carries a gradient here.
    box
        Where that gradient goes; None for a constant.
    name
        What the user calls it, if known.
    """

    __slots__ = ("__weakref__", "box", "data", "dtype", "name", "requires_grad", "shape")

    def __init__(
        self, data: Array, requires_grad: bool = False, box: Box | None = None, name: str = ""
    ) -> None:
        self.data = data
        self.shape: Shape = data.shape
        self.dtype: DType = data.dtype
        self.requires_grad = requires_grad
        self.box = box
        self.name = name

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<leaf {self.name or 'constant'} {self.shape} {self.dtype}>"


class Meta:
    """What few nodes carry.

    Attributes
    ----------
    hooks
        Called with the gradient.
    box
        Where ``retain_grad`` keeps it.
    where
        In debug mode, the user's line.
    """

    __slots__ = ("box", "hooks", "where")

    def __init__(self, where: str = "") -> None:
        self.hooks: list[Hook] = []
        self.box: Box | None = None
        self.where = where


ONLY: Final[Any] = object()
"""In the place of a second input: there is but one."""

MANY: Final[Any] = object()
"""In the place of a second input: the first is a tuple of all of them."""


def packed(parents: tuple[Parent, ...]) -> tuple[Any, Any]:
    """The inputs of a node, as it holds them: without a tuple if they are one or two.

    That halves the objects that the garbage collector visits again and again in a large graph.
    """
    if len(parents) == 1:
        return parents[0], ONLY
    return parents if len(parents) == 2 else (parents, MANY)


class Node:
    """One op that ran, without its result.

    Attributes
    ----------
    op, params
        Which op, and its static parameters.
    first, second
        Its inputs, as :func:`packed` packs them; :attr:`parents` is the tuple of them.
    plan, saved
        Which rules its gradient takes, and the arrays that they compute with; FREED afterwards.
    shape, dtype
        Of the result.
    scope
        The path of the module that was running.
    meta
        None, or hooks and the user's line.
    number
        Counts the nodes of the process: it is larger than that of every parent.
    """

    __slots__ = (
        "__weakref__", "dtype", "first", "meta", "number", "op", "params", "plan", "saved",
        "scope", "second", "shape",
    )  # fmt: skip

    requires_grad: Final = True  # an op is recorded only if an input requires a gradient

    def __init__(
        self,
        op: Op[...],
        params: Mapping[str, Any],
        first: Any,
        second: Any,
        plan: Plan,
        saved: tuple[Array, ...],
        shape: Shape,
        dtype: DType,
        scope: str,
        meta: Meta | None,
    ) -> None:
        self.op = op
        self.params = params
        self.first = first
        self.second = second
        self.plan = plan
        self.saved = saved
        self.shape = shape
        self.dtype = dtype
        self.scope = scope
        self.meta = meta
        self.number = next_number()

    @property
    def parents(self) -> tuple[Parent, ...]:
        """Its inputs: Nodes, Leaves or Python numbers."""
        if self.second is ONLY:
            return (self.first,)
        parents: tuple[Parent, ...] = (
            self.first if self.second is MANY else (self.first, self.second)
        )
        return parents

    @property
    def ndim(self) -> int:
        """Number of axes of the result."""
        return len(self.shape)

    @property
    def where(self) -> str | None:
        """``file:line`` of the user's code, if it ran in debug mode."""
        return self.meta.where if self.meta is not None and self.meta.where else None

    def __repr__(self) -> str:
        return f"<node {self.op.name} {self.shape} {self.dtype}>"


Parent = Node | Leaf | bool | int | float
"""What an op was given: a result, an array from outside, or a Python number."""

FREED: Final[tuple[Array, ...]] = ("freed",)
"""In the place of a node's saved arrays after a backward pass has used them."""


class Carrier(Protocol):
    """What has an array and a place in the graph: a Tensor, for those who must not import it."""

    @property
    def raw(self) -> Array:
        """The array."""

    @property
    def shape(self) -> Shape:
        """Its shape."""

    @property
    def dtype(self) -> DType:
        """Its dtype."""

    @property
    def node(self) -> Node | Leaf | None:
        """Its place in the graph."""

    @staticmethod
    def lift(data: Array, node: Node | Leaf | None = None) -> Any:
        """A tensor of an array, at a place in the graph."""


def topological(outputs: Iterable[Node | Leaf | None]) -> list[Node]:
    """All nodes that `outputs` were made from, each after its parents."""
    stack = [node for node in outputs if type(node) is Node]
    found = set(stack)
    while stack:
        for parent in stack.pop().parents:
            if type(parent) is Node and parent not in found:
                found.add(parent)
                stack.append(parent)
    return sorted(found, key=attrgetter("number"))


def leaves(nodes: Iterable[Node]) -> list[Leaf]:
    """The leaves that `nodes` were made from, in order of first use."""
    found = {p: None for node in nodes for p in node.parents if type(p) is Leaf}
    return list(found)


def replay(
    order: Sequence[Node], xp: Namespace, values: Mapping[Node | Leaf, Array] | None = None
) -> dict[Node | Leaf, Array]:
    """Run the ops of a graph again from its leaves: exact, and without any side effect.

    Parameters
    ----------
    order
        The nodes, each after its parents (see :func:`topological`).
    xp
        The namespace to run them on.
    values
        Arrays to use for some nodes or leaves instead of their own.

    Returns
    -------
    The array of every node and leaf.
    """
    arrays: dict[Node | Leaf, Array] = {leaf: leaf.data for leaf in leaves(order)}
    arrays.update(values or {})
    for node in order:
        if node not in arrays:
            inputs = [arrays[p] if isinstance(p, Node | Leaf) else p for p in node.parents]
            arrays[node] = node.op.forward(xp, *inputs, **node.params)
    return arrays

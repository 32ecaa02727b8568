"""Writing back: what a step leaves behind in tensors, attributes of modules, gradients and flags.

Each function looks at what is others now than it was before the step, puts the numbers of this
first step in their place, and says what the program has to write.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from ..arrays import Array
from ..errors import TraceError
from ..graph import Box, Leaf, Node
from ..tensor import Tensor
from .program import Attribute, Flag, Guard, Held, Lent, Value, Write, watched
from .variable import Variable

if TYPE_CHECKING:
    from .trace import Trace


def write_tensors(trace: Trace) -> list[tuple[Any, int | None, Value]]:
    """Tensors that hold something else now, referred to weakly: some are the step's own."""
    written = []
    for tensor, before in trace._changed.values():
        if type(before) is Variable or tensor._data is before:
            continue
        if type(tensor._node) is Node:
            raise TraceError(
                "compile",
                f"a tensor from outside, of shape {tensor.shape}, has become the result of"
                f" {tensor._node.op.name}, with a history that leads into the step",
                "Assign what is detach()ed.",
            )
        variable = trace.read(tensor)
        position = trace._arguments.get(id(tensor))
        written.append((ref(tensor), position, variable.value))
        hold(tensor, variable.array)
        if position is not None:
            original = trace._originals[position]
            trace.undo_log.tensor(original)
            hold(original, variable.array)
    return written


def write_attributes(trace: Trace, writes: list[Write]) -> set[tuple[int, str]]:
    """Put down the attributes of modules that are tensors of the step now, or were set."""
    found = set()
    for module, name, old, new, guided in trace.modules.changed():
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
            _move(trace, module, name, old, type(new))
            variable = trace.read(new)
            writes.append(Write(Attribute(module, name), variable.value))
            real = vars(module)[name] = object.__new__(type(new))
            real._data, real._node = variable.array, None
        elif not guided and not isinstance(new, Tensor):
            writes.append(Write(Attribute(module, name), new))
    return found


def _move(trace: Trace, module: Any, name: str, old: Any, kind: type) -> None:
    """If the step read the tensor that an attribute was, it will find the next one there."""
    known = trace._read.get(id(old)) if isinstance(old, Tensor) else None
    if known is None or type(known[2].value.source) is not Held:
        return
    value = known[2].value
    value.source = Attribute(module, name)
    value.name = value.name or name
    trace._moved.add(value)
    item = f"{{0}}[{name!r}]"
    code = (
        f"type({item}) is {{1}} and {item}._data.dtype == {{2}}"
        f" and {item}._data.shape == {{3}} and not {item}.requires_grad"
    )
    objects = vars(module), kind, value.dtype, value.shape
    trace.guards.append(watched(f"{type(module).__name__}.{name}", code, *objects))


class Looked(NamedTuple):
    """A gradient that the step looked at or changed.

    Attributes
    ----------
    box
        It is here.
    none
        Whether there was none; None if that did not matter.
    changed, value
        Whether it is another one now, and which (None: none).
    """

    box: Box
    none: bool | None
    changed: bool
    value: Value | None


def write_gradients(trace: Trace, keep: bool) -> list[Looked]:
    """What became of gradients."""
    found: list[Looked] = []
    for touched in trace._touched.values():
        box, before = touched.box, touched.grad
        new, none = box.grad, before is None if touched.read else None
        if new is before:  # if it was cleared, there may be one in the next step
            found.append(Looked(box, none, not touched.read, None))
        elif new is not None and (touched.read or keep):
            variable = trace.read(new)
            found.append(Looked(box, none, True, variable.value))
            box.grad = Tensor.lift(variable.array)
        else:
            found.append(Looked(box, none, True, None))
            box.grad = None
    return found


def guard_gradient(trace: Trace, box: Box, none: bool) -> None:
    """Whether there is a gradient."""
    position = trace._argument_boxes.get(id(box))
    what, wanted = "whether there is a gradient", f"is {'' if none else 'not '}None"
    if position is None:
        trace.guards.append(watched(what, f"{{0}}.grad {wanted}", box))
    else:
        code = f"{{0}}(x{position}) {wanted}"
        trace.guards.append(Guard(lambda: True, what, code, (_gradient,)))


def _gradient(tensor: Tensor) -> Tensor | None:
    """What it is, whoever is looking."""
    box = tensor._box()
    return None if box is None else box.grad


def is_own(gradients: list[Looked]) -> list[bool]:
    """Of each gradient, whether nobody but the step has ever known the tensor that it is of.

    Once the trace has let go of everything, its box is referred to as often as a new one, and once
    more by what undoes the step.
    """
    all_of_them = [*gradients, Looked(Box(), None, False, None)]
    counts = [sys.getrefcount(looked.box) for looked in all_of_them]
    return [count <= counts[-1] + 1 for count in counts[:-1]]


def write_argument_flags(trace: Trace) -> list[Write]:
    """The same for arguments; what it was decides of the form of a call."""
    writes = []
    for tensor, before, _ in trace._flags.values():
        position, now = trace._arguments.get(id(tensor)), tensor.requires_grad
        if position is None or now == before or type(trace._originals[position]) is Lent:
            continue
        writes.append(Write(Flag(None, position), now))
        box, original = tensor._box(), trace._originals[position]
        trace._argument_boxes[id(box)] = position
        trace.undo_log.tensor(original)
        original._node = Leaf(original._data, now, box, original.name)
    return writes


def write_flags(trace: Trace, flags: list[tuple[Any, bool, bool]]) -> list[Write]:
    """What the step did to ``requires_grad``; what it was is a guard if it mattered."""
    writes = []
    for reference, before, mattered in flags:
        tensor = reference()
        if tensor is None:
            continue
        if mattered:
            trace.guards.append(_flag_guard(tensor, before))
        if not mattered or tensor.requires_grad != before:
            writes.append(Write(Flag(tensor), tensor.requires_grad))
    return writes


def hold(tensor: Tensor, array: Array) -> None:
    """Let a leaf hold an array that nobody will write into any more."""
    leaf: Any = tensor._node
    if leaf is not None:
        tensor._node = Leaf(array, leaf.requires_grad, leaf.box, leaf.name)
    tensor._data = array


def _flag_guard(tensor: Tensor, flag: bool) -> Guard:
    return Guard(lambda: tensor.requires_grad == flag, "requires_grad")

"""Writing back: what a step leaves behind in tensors, attributes of modules, gradients and flags.

Each function looks at what is others now than it was before the step, puts the numbers of this
first step in their place, and says what the program has to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from ..arrays import Array
from ..errors import TraceError
from ..graph import Box, Leaf, Node
from ..tensor import Tensor
from .program import Attribute, Flag, Guard, Held, Value, Write, watched
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


def write_gradients(trace: Trace, keep: bool) -> list[tuple[Box, bool, Value | None]]:
    """The gradients that are others now: the box, whether the old one was read, and the new."""
    changed: list[tuple[Box, bool, Value | None]] = []
    for touched in trace._touched.values():
        box, before = touched.box, touched.grad
        new = box.grad
        if touched.read:
            _guard_gradient(trace, box, before is None)
        if new is before:
            if not touched.read:
                changed.append((box, False, None))  # cleared, in case that there is one
        elif new is not None and (touched.read or keep):
            variable = trace.read(new)
            changed.append((box, touched.read, variable.value))
            box.grad = Tensor.lift(variable.array)
        else:
            changed.append((box, False, None))
            box.grad = None
    return changed


def _guard_gradient(trace: Trace, box: Box, none: bool) -> None:
    if id(box) not in trace._argument_boxes:
        code = f"{{0}}.grad is {'' if none else 'not '}None"
        trace.guards.append(watched("whether there is a gradient", code, box))


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

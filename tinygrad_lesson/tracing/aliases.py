"""Aliases: a tensor among the arguments that the step reaches in another way, too.

While a step is traced, a stand-in takes the place of each argument: the next call will come with
another one. Where the step knows the argument otherwise as well, as a parameter for instance, and
changes it, or carries gradients there, that would be two tensors in the place of one. Then the step
is traced once more with the tensor itself, and the program is for that tensor alone. All other
programs are for arguments that are none of the tensors which they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..tensor import Tensor
from .program import Argument, Flag, Gradient, Guard, Held, Lent, Write

if TYPE_CHECKING:
    from .trace import Trace

WHAT = "which tensor an argument is"


class KnownOtherwise(Exception):  # noqa: N818  it is no error
    """Arguments at some positions are tensors that the step reaches in other ways, too."""

    def __init__(self, positions: frozenset[int]) -> None:
        self.positions = positions


def check_aliases(trace: Trace) -> None:
    """Raise KnownOtherwise if stand-ins were in the place of tensors that the step knows."""
    found = {
        position
        for position, tensor in _strangers(trace)
        if _is_seen(trace, tensor)
        and (
            tensor._box() is not None
            or _is_changed(trace, tensor)
            or _is_changed(trace, trace.stand_ins[position])
        )
    }
    if found:
        raise KnownOtherwise(trace.known | found)


def alias_guards(trace: Trace, read: Iterable[Tensor], writes: Iterable[Write]) -> Iterator[Guard]:
    """That arguments are what they were, or none of the tensors that the step knows otherwise.

    Parameters
    ----------
    trace
        It is over.
    read
        Tensors from outside that the step reads.
    writes
        What it leaves behind.
    """
    for position in trace.known:
        yield _guard(f"x{position} is {{0}}", trace._originals[position])
    targets = [write.target for write in writes]
    written = [x.tensor for x in targets if isinstance(x, Held | Flag) and x.tensor is not None]
    positions = {x.position for x in targets if isinstance(x, Argument | Flag)}
    everything = [*read, *written]
    known = [*targets, *(value.source for value in trace.inputs)]
    boxes = {id(x.box): x.box for x in known if type(x) is Gradient and x.position is None}
    boxes.update((id(box), box) for box in (x._box() for x in everything) if box is not None)
    for position, tensor in _strangers(trace):
        others = [
            x
            for x in (everything if position in positions else written)
            if x.shape == tensor.shape and x.dtype == tensor.dtype
        ]
        if others:
            yield _guard(f"id(x{position}) not in {{0}}", frozenset(map(id, others)), others)
        if trace.walked and boxes and trace._boxes[position] is not None:
            yield _guard(f"id(x{position}._box()) not in {{0}}", frozenset(boxes), boxes)


def _strangers(trace: Trace) -> list[tuple[int, Tensor]]:
    """The tensors among the arguments for which there are stand-ins."""
    return [
        (position, tensor)
        for position, tensor in enumerate(trace._originals)
        if type(tensor) is not Lent and position not in trace.known
    ]


def _is_seen(trace: Trace, tensor: Tensor) -> bool:
    return any(id(tensor) in known for known in (trace._read, trace._changed, trace._flags))


def _is_changed(trace: Trace, tensor: Tensor) -> bool:
    _, flag, _ = trace._flags.get(id(tensor), (tensor, tensor.requires_grad, True))
    return id(tensor) in trace._changed or tensor.requires_grad != flag


def _guard(code: str, *objects: object) -> Guard:
    """What can be asked of a call only; it keeps the objects, so that no others get their ids."""
    return Guard(lambda: True, WHAT, code, objects)

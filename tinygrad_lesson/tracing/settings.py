"""Settings and state of optimizers: dicts of numbers and arrays, read anew in each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import TraceError
from .environment import same
from .numbers import Number
from .program import Slot, Write, watched
from .variable import Variable

if TYPE_CHECKING:
    from .trace import Trace


class Opened(NamedTuple):
    """A dict of an optimizer, what the step sees of it, and what that was at first."""

    held: dict[str, Any]
    view: dict[str, Any]
    seen: dict[str, Any]
    before: dict[str, Any]


def opened(trace: Trace, held: dict[str, Any], owner: Any, name: str, key: int) -> dict[str, Any]:
    """A copy of a dict of settings or state whose numbers and arrays are those of the trace."""
    if id(held) not in trace._opened:
        trace.undo_log.dict(held)
        container = getattr(owner, name)
        if not held and isinstance(container, dict):
            trace.undo_log.new(container, key)
        item = ".get({1})" if isinstance(container, dict) else "[{1}]"
        trace.guards += [
            watched("the state of an optimizer", f"{{0}}.{name}{item} is {{2}}", owner, key, held),
            watched("the state of an optimizer", f"len({{0}}) == {len(held)}", held),
        ]
        view = {key: _seen(trace, held, key, value) for key, value in held.items()}
        trace._opened[id(held)] = Opened(held, view, dict(view), dict(held))
    return trace._opened[id(held)].view


def _seen(trace: Trace, holder: dict[str, Any], key: str, value: Any) -> Any:
    what = f"the setting {key!r}"
    if type(value) in (int, float):
        return trace.host.read(holder, key)
    if type(value) is tuple and all(type(x) in (int, float) for x in value):
        return tuple(trace.host.read(holder, key, place) for place in range(len(value)))
    if isinstance(value, np.ndarray | np.generic):
        code = f"{{0}}[{key!r}].dtype == {{1}} and {{0}}[{key!r}].shape == {{2}}"
        trace.guards.append(watched(what, code, holder, value.dtype, value.shape))
        return trace._input(Slot(holder, key), value, key)
    if type(value) in (bool, type(None)):
        trace.guards.append(watched(what, f"{{0}}[{key!r}] is {value}", holder))
    elif type(value) is str:
        trace.guards.append(watched(what, f"{{0}}[{key!r}] == {value!r}", holder))
    elif type(value) is list:  # of parameters
        code = f"[*map(id, {{0}}[{key!r}])] == {{1}}"
        trace.guards.append(watched(what, code, holder, [*map(id, value)]))
    return value


def acting(trace: Trace, act: Callable[[], None], holders: Sequence[dict[str, Any]]) -> None:
    """Do it, and read the numbers in `holders` anew from now on."""
    for holder in holders:
        trace.undo_log.dict(holder)
    trace.host.act(act, holders)
    for holder in holders:
        if id(holder) in trace._opened:
            _, view, seen, before = trace._opened[id(holder)]
            for key, value in holder.items():
                before[key] = value
                if type(value) in (int, float, tuple):
                    view[key] = seen[key] = _seen(trace, holder, key, value)


def write_settings(trace: Trace, writes: list[Write]) -> None:
    """Put down what the step did to settings and state; those that it set by hand are refused."""
    for holder, view, seen, before in trace._opened.values():
        by_hand = [k for k, value in holder.items() if not same(before.get(k, trace), value)]
        if "params" in holder:  # these are settings, which an optimizer itself leaves alone
            by_hand += [k for k, value in view.items() if seen.get(k, trace) is not value]
        if by_hand:
            raise TraceError(
                "compile",
                f"the step sets {by_hand[0]!r} of an optimizer by hand, which a program would not"
                " repeat",
                "Use a schedule, such as tl.optim.lr_scheduler.LambdaLR, or set it between steps.",
            )
        for key, value in view.items():
            if key in seen and seen[key] is value:
                continue
            if type(value) is Variable:
                writes.append(Write(Slot(holder, key), value.value))
                holder[key] = np.array(value.array)
            else:
                writes.append(Write(Slot(holder, key), value))
                holder[key] = value.value if type(value) is Number else value

"""The programs of a step, by the form of the calls that they are for."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple

from ..errors import RetraceWarning
from ..tracing.program import Guard
from .call import Call
from .entry import Entry
from .notices import warn

STORM = 8
"""So many traces of one step are suspicious."""

MOST = 16
"""So many programs are kept for calls of one form, the latest ones."""

ALL = 64
"""So many are kept for all forms, those that were used last."""


class Uncompiled(NamedTuple):
    """In the place of a program: a step of which none can be made.

    Attributes
    ----------
    why
        In the user's words.
    guards
        It is so for as long as these hold.
    recorded
        And for calls of which some argument has a history, or none.
    """

    why: str
    guards: list[Guard]
    recorded: bool

    def holds(self) -> bool:
        """Whether everything is as it was when the step was traced."""
        return all(guard.holds() for guard in self.guards)


class Programs:
    """What came of the traces of a step.

    Parameters
    ----------
    function
        The step.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._kept: OrderedDict[Hashable, list[Entry | Uncompiled]] = OrderedDict()
        self._reasons: Counter[tuple[str, str]] = Counter()

    def of(self, call: Call) -> tuple[Entry | Uncompiled, ...]:
        """Those for calls of this form, which become those that were used last."""
        found = self._kept.get(call.key)
        if found is None:
            return ()
        self._kept.move_to_end(call.key)
        return tuple(found)

    def add(self, call: Call, new: Entry | Uncompiled) -> None:
        """Keep one more, and let go of what was not used for longest."""
        found = self._kept.setdefault(call.key, [])
        if type(new) is Uncompiled and len([x for x in found if type(x) is Uncompiled]) >= STORM:
            new = new._replace(guards=[])  # whatever changes: it does not get better
        found.append(new)
        del found[:-MOST]
        while len(self) > ALL:
            self._kept.popitem(last=False)

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def __contains__(self, entry: object) -> bool:
        return any(entry in found for found in self._kept.values())

    def warn(self, call: Call) -> None:
        """Say so if the step is traced again and again, and because of what."""
        others = self._kept.get(call.key, ())
        if others:
            broken = (guard.what for guard in others[-1].guards if not guard.holds())
            what = next(broken, "a number that the step decides by")
            reason = what, "Let that be the same in each call."
        elif self._kept:
            reason = call.difference(next(reversed(self._kept)), self.function)
        else:
            return
        self._reasons[reason] += 1
        if self._reasons.total() == STORM:
            (what, remedy), count = self._reasons.most_common(1)[0]
            name = getattr(self.function, "__name__", "the step")
            warn(
                f"[compile] {name} is traced for the {STORM + 1}th time, {count} times because of"
                f" {what}. {remedy}",
                RetraceWarning,
            )

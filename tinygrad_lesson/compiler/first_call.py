"""The first call of its form: the step itself runs, under a tracer, and leaves a program behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

from ..changes import happened
from ..mode import current, restore
from ..tracing.aliases import KnownOtherwise
from ..tracing.pullback import NeedsHistory
from ..tracing.trace import Trace
from ..trees import flatten
from .call import Call
from .differentiable import Differentiable
from .entry import Entry, Options
from .garbage import uncollected


def traced(call: Call, function: Callable[..., Any], options: Options) -> tuple[Any, Entry]:
    """What the function returns, and its program.

    Raises
    ------
    NeedsHistory
        If there can be none; it comes with the guards of that.
    """
    known: frozenset[int] = frozenset()
    while True:
        trace = Trace(call.tensors, known)
        try:
            return _under(trace, call, function, options)
        except KnownOtherwise as error:
            known = error.positions
        finally:
            trace.close()


def _under(
    trace: Trace, call: Call, function: Callable[..., Any], options: Options
) -> tuple[Any, Entry]:
    """The same, if the trace is one that the function agrees with."""
    trace.environment.add(function, call.objects(function))
    for given in (*call.args, *call.kwargs.values()):
        if isinstance(given, FunctionType | MethodType):
            trace.environment.add(given)
    happened()  # so that steps which other threads call look up, and wait
    try:
        with _running_on(trace):
            results, rebuild = flatten(call.pattern().of(function, trace.stand_ins))
            program, returned = trace.finish(results, options.keep_grads)
    except BaseException as error:
        trace.undo()
        if isinstance(error, NeedsHistory):
            error.guards = trace.circumstances()
        raise
    entry = Entry(program, rebuild, call, call.names(function), options)
    if trace.pullback is None:
        return rebuild(iter(returned)), entry
    entry.differentiable = Differentiable(entry, function, trace.pullback, call)
    return entry.differentiable.first(returned, call), entry


@contextmanager
def _running_on(trace: Trace) -> Iterator[None]:
    """All ops run on the trace."""
    mode = current()
    with uncollected():
        try:
            restore(mode.but(tracer=trace))
            yield
        finally:
            restore(mode)

"""compile: a step runs once under a tracer, and from then on as the code written for it."""

from __future__ import annotations

import functools
import gc
import warnings
from collections import Counter
from collections.abc import Callable, Hashable
from os import PathLike
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar, overload

from .. import arguments
from ..errors import ArgumentError
from ..mode import current, restore
from ..tracing.program import Program
from ..tracing.pullback import NeedsHistory
from ..tracing.trace import Trace
from ..trees import flatten
from .call import Call
from .cost import Cost
from .differentiable import Differentiable
from .driver import OTHERWISE
from .entry import Entry
from .looping import repeated, scanned
from .numpy_code.export import export

P = ParamSpec("P")
R = TypeVar("R")

STORM = 8
"""So many traces of one step are suspicious."""

MOST = 16
"""So many programs are kept for calls of one form, the latest ones."""


class RetraceWarning(UserWarning):
    """A step is traced again and again."""


@overload
def compile(function: Callable[P, R], /) -> Compiled[P, R]: ...
@overload
def compile(
    *, mode: str = ..., threads: int | None = ..., keep_grads: bool = ...
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...


def compile(
    function: Callable[P, R] | None = None,
    /,
    *,
    mode: str = "numpy",
    threads: int | None = None,
    keep_grads: bool = False,
) -> Any:
    """Make a step, or any function of tensors, run as straight-line code written for it.

    The first call runs the function under a tracer, which puts every operation down, those of
    ``backward()`` and of the optimizer included. Later calls run the program that came of it. A
    call with other shapes, dtypes or Python values is traced anew.

    Parameters
    ----------
    function
        What to compile. It may read and change tensors from outside, such as parameters, running
        statistics and an optimizer's moments; draw random numbers; and call schedules.
    mode
        ``"numpy"``: the code is NumPy source. ``"c"``: it is C, built by the compiler that is found
        (``$CC``, cc, gcc, clang, or the ziglang package); without one, NumPy takes over.
    threads
        How many threads run C code; None: one for each core, or as many as OPENBLAS_NUM_THREADS or
        OMP_NUM_THREADS allow. A small step runs on one.
    keep_grads
        Leave ``.grad`` of the parameters behind. Otherwise it is None after a call, unless the step
        adds to what was there before.

    Returns
    -------
    Compiled
        It is called like the function. What it returns can be differentiated: it is the result of
        one node, whose gradient is compiled, too. (Under :class:`no_grad` nothing is kept for that,
        and what a step returns that takes gradients itself has no history.)

    Raises
    ------
    TraceError
        If the step asks for a number that will be another in the next step, as ``if loss > 1`` and
        ``float(loss)`` do, or keeps a tensor where the next step would not put it.

    Notes
    -----
    Tensors and arrays are read anew in each call, wherever the step finds them, and so are the
    settings of optimizers and schedules. What else decides is compared, and if it changed the step
    is traced anew: attributes of modules, ``requires_grad``, hooks, and what the names in the
    step's own code stand for. Numbers in plain lists, dicts and objects are not looked at again.
    What else the Python code does, such as printing, happens when the step is traced, not in later
    calls.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> w = tl.Tensor([1.0, 2.0], requires_grad=True)
    >>> descent = tl.optim.SGD([w], lr=0.1)
    >>> @tl.compile
    ... def step(x):
    ...     loss = ((w * x) ** 2).sum()
    ...     descent.zero_grad()
    ...     loss.backward()
    ...     descent.step()
    ...     return loss
    >>> [round(float(step(tl.Tensor([1.0, 1.0]))), 3) for _ in range(3)]
    [5.0, 3.2, 2.048]

    A function that is differentiated outside:

    >>> energy = tl.compile(lambda x: ((w * x) ** 2).sum())
    >>> x = tl.Tensor([1.0, 0.0], requires_grad=True)
    >>> energy(x).backward()
    >>> round(float(x.grad[0]), 3) == round(float(2 * w[0] ** 2), 3)
    True
    """
    if mode not in ("numpy", "c"):
        raise ArgumentError("compile", f"mode={mode!r} is unknown", "Pass 'numpy' or 'c'.")
    if threads is not None:
        threads = arguments.count("compile", "threads", threads)
    if function is None:
        return functools.partial(Compiled, mode=mode, threads=threads, keep_grads=keep_grads)
    return Compiled(function, mode, threads, keep_grads)


class Compiled(Generic[P, R]):
    """A compiled step; see :func:`compile`.

    Attributes
    ----------
    function
        What was compiled.
    program
        The equations of the latest call.
    """

    def __init__(
        self, function: Callable[P, R], mode: str, threads: int | None, keep_grads: bool
    ) -> None:
        if not callable(function):
            raise ArgumentError(
                "compile", f"a {type(function).__name__} cannot be called", "Pass a function."
            )
        self.function, self.mode, self.threads = function, mode, threads
        self.keep_grads = keep_grads
        self._entries: dict[Hashable, list[Entry]] = {}
        self._plain: set[Hashable] = set()
        self._latest: Entry | None = None
        self._quick: Callable[[tuple[Any, ...]], Any] | None = None
        self._reasons: list[str] = []
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # noqa: D102
        if self._quick is not None and not kwargs:
            result = self._quick(args)
            if result is not OTHERWISE:
                return result  # type: ignore[no-any-return]
        return self._call(args, kwargs)  # type: ignore[no-any-return]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look for a program that fits the arguments, and run it; or trace one."""
        mode = current()
        if mode.tracer is not None or mode.watch:  # a part of another step; or to be looked at
            return self.function(*args, **kwargs)
        call = Call(args, kwargs)
        if call.key in self._plain:
            return self.function(*args, **kwargs)
        for entry in self._entries.get(call.key, ()):
            if entry.holds():
                quick = None
                if entry.differentiable is not None:
                    result = entry.differentiable(call)
                elif call.recorded():  # a gradient that is taken inside may have to go on
                    return self.function(*args, **kwargs)
                else:
                    result, quick = entry.driver.run(*call.tensors), entry.driver.quick
                if result is not OTHERWISE:
                    self._latest, self._quick = entry, quick
                    return result
        return self._trace(call)

    def _trace(self, call: Call) -> Any:
        """Run the function itself, and keep the program that comes of it."""
        self._warn(call)
        trace, mode = Trace(call.tensors), current()
        trace.environment.add(self.function)
        collecting = gc.isenabled()
        try:
            gc.disable()  # what a trace makes it keeps: to look through all of it doubles the time
            restore(mode._replace(tracer=trace))
            results, rebuild = flatten(call.of(self.function, trace.stand_ins))
            program, returned = trace.finish(results, self.keep_grads)
        except BaseException as error:
            trace.undo()
            if not isinstance(error, NeedsHistory):
                raise
            program = None
        finally:
            restore(mode)
            if collecting:
                gc.enable()
        if program is None:  # once more, with a graph that leads to the arguments
            self._plain.add(call.key)
            return self.function(*call.args, **call.kwargs)
        entry = Entry(program, rebuild, call, call.names(self.function), self.mode, self.threads)
        entries = self._entries.setdefault(call.key, [])
        entries.append(entry)
        del entries[:-MOST]
        self._latest, self._quick = entry, None
        if trace.pullback is not None:
            entry.differentiable = Differentiable(entry, self.function, trace.pullback, call)
            return entry.differentiable.first(returned, call)
        return rebuild(iter(returned))

    def _warn(self, call: Call) -> None:
        """Say so if the step is traced again and again, and because of what."""
        others = self._entries.get(call.key, ())
        if others:
            broken = (guard.what for guard in others[-1].program.guards if not guard.holds())
            self._reasons.append(next(broken, "a number that the step decides by"))
        elif self._entries:
            self._reasons.append(call.difference(next(reversed(self._entries)), self.function))
        else:
            return
        if len(self._reasons) == STORM:
            reason, count = Counter(self._reasons).most_common(1)[0]
            name = getattr(self.function, "__name__", "the step")
            warnings.warn(
                f"[compile] {name} is traced for the {STORM + 1}th time, {count} times because of"
                f" {reason}. Keep shapes the same, by padding for instance, and pass numbers that"
                " change as arrays.",
                RetraceWarning,
                stacklevel=5,
            )

    # ---- to look at ----------------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The equations of the latest call, as they run."""
        return self._entry().simple

    @property
    def arguments(self) -> list[str]:
        """What the tensors and arrays among the arguments of the latest call are called."""
        return list(self._entry().names)

    def source(self, kind: str = "numpy") -> str:
        """The code of the latest call.

        Parameters
        ----------
        kind
            ``"numpy"`` or ``"c"``.
        """
        if kind not in ("numpy", "c"):
            raise ArgumentError("source", f"kind={kind!r} is unknown", "Pass 'numpy' or 'c'.")
        entry = self._entry()
        return entry.written.code if kind == "numpy" else entry.in_c.source.code

    def cost(self) -> Cost:
        """Operations and bytes of each kernel of the latest call: print it."""
        return Cost(self.program)

    # ---- other ways to run ---------------------------------------------------------------

    def repeat(self, n: int, *args: Any) -> Any:
        """Call it `n` times with the same arguments.

        A step that is all C code goes round in C, without a word of Python in between. Ctrl-C
        leaves the state after a whole number of steps.

        Returns
        -------
        The result of the last call.
        """
        return repeated(self, self._again, n, args)

    def scan(self, *stacked: Any) -> Any:
        """Call it once for each index of the leading axis, that of all tensors in `stacked`.

        It runs as :meth:`repeat` does.

        Returns
        -------
        The results, stacked along a new leading axis.

        Examples
        --------
        >>> import tinygrad_lesson as tl
        >>> double = tl.compile(lambda x: (2 * x).sum())
        >>> double.scan(tl.Tensor([[1.0, 2.0], [3.0, 4.0]]))
        Tensor([ 6., 14.], dtype=float32)
        """
        return scanned(self, self._again, stacked)

    def _again(self, call: Call) -> Entry | None:
        """The program that ran last, if the next such call would run it again."""
        mode, entry = current(), self._latest
        if mode.tracer is not None or mode.watch or call.recorded() or call.key in self._plain:
            return None
        if entry is None or entry.differentiable is not None:
            return None
        return entry if entry in self._entries.get(call.key, ()) and entry.holds() else None

    def export(self, path: str | PathLike[str]) -> None:
        """Write the latest call's program as a Python module that needs NumPy alone.

        Beside ``step.py`` comes ``step.npz``, with the weights and whatever else is the state. The
        module has a function of the compiled one's name (``step`` if it has none), for arrays of
        the shapes of that call; ``state``, a dict; ``save``, ``load``; and ``seed`` where it draws
        random numbers. For other shapes, call the step with those, and export a second module.

        Parameters
        ----------
        path
            Of the module: ``"step.py"``.
        """
        entry = self._entry()
        if not all(guard.holds() for guard in entry.program.guards):
            raise ArgumentError(
                "export", "something has changed since the latest call", "Call the step once more."
            )
        name = getattr(self.function, "__name__", "step")
        export(entry.simple, entry.names, entry.rebuild, name, path)

    def _entry(self) -> Entry:
        if self._latest is None:
            raise ArgumentError(
                "compile", "the step has not run yet, so there is no program", "Call it once."
            )
        return self._latest

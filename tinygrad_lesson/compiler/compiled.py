"""compile: a step runs once under a tracer, and from then on as the code written for it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from os import PathLike
from types import MethodType
from typing import Any, Final, Generic, ParamSpec, TypeVar, overload

from .. import arguments
from ..errors import ArgumentError, RangeError
from ..mode import current
from ..tracing.program import Program
from ..tracing.pullback import NeedsHistory
from .call import Call
from .cost import Cost
from .entry import Entry, Options
from .first_call import traced
from .looping import repeated, scanned
from .numpy_code.export import export
from .programs import Programs, Uncompiled
from .state_code import OTHERWISE
from .turns import TRACING, lock

P = ParamSpec("P")
R = TypeVar("R")

MODE: Final = "TINYGRAD_LESSON_MODE"
"""The variable of the environment that says how steps are compiled for which nothing is said."""

PLAINLY: Final[Any] = object()
"""There is no program, and there will be none: the function itself is to run."""

GOES_ON = "an argument has a history, along which gradients that the step takes have to go on"


@overload
def compile(function: Callable[P, R], /) -> Compiled[P, R]: ...
@overload
def compile(
    *, mode: str | None = ..., threads: int | None = ..., keep_grads: bool = ...
) -> Callable[[Callable[P, R]], Compiled[P, R]]: ...


def compile(
    function: Callable[P, R] | None = None,
    /,
    *,
    mode: str | None = None,
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
        ``"c"``: the code is C, built when the step is called for the second time, by the compiler
        that is found (``$CC``, cc, gcc, clang, or the ziglang package); without one, NumPy takes
        over. ``"numpy"``: it is NumPy source, which is there at once. None: what the variable
        ``TINYGRAD_LESSON_MODE`` of the environment says, or C.
    threads
        How many threads run C code; None: one for each core, or as many as OPENBLAS_NUM_THREADS or
        OMP_NUM_THREADS allow, but one alone while that is faster, as when another program has the
        cores. A small step runs on one.
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
    is traced anew: attributes of modules, ``requires_grad``, hooks, and what the names stand for in
    the code of the step and of the user's functions that it calls; the attributes that this code
    asks of them, as in ``config.scale`` or ``self.beta``; and the items of lists and dicts of up to
    256. Numbers that only another way leads to are not looked at again: by the parameter of a
    helper that gets ``config`` passed, by ``super()``, by an index, as in ``configs[0].scale``, or
    by ``getattr``. What else the Python code does, such as printing, happens when the step is
    traced, not in later calls.

    There is a program for each shape, dtype and Python value among the arguments. The 64 that were
    used last are kept, and from the ninth on a :class:`RetraceWarning` names the argument. Lists,
    dicts, sets and dataclasses are compared by what is in them, other objects by their hash.

    Several threads may call a step. What changes something runs for one of them after the other;
    steps that change the same tensors are for one thread at a time, as eager ones are.

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
    said_by = "mode"
    if mode is None:
        said_by, mode = MODE, os.environ.get(MODE) or "c"
    if mode not in ("numpy", "c"):
        raise ArgumentError("compile", f"{said_by}={mode!r} is unknown", "It is 'numpy' or 'c'.")
    if threads is not None and arguments.count("compile", "threads", threads) < 1:
        raise RangeError("compile", "threads=0 can run nothing", "Pass 1 or more, or None.")
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
        self._lock = lock()
        self._options = Options(mode, threads, keep_grads, self._lock)
        self._programs = Programs(function)
        self._latest: Entry | Uncompiled | None = None
        self._quick: Callable[[tuple[Any, ...]], Any] | None = None
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:  # noqa: D102
        quick = self._quick  # another thread may set it
        if quick is not None and not kwargs:
            result = quick(args)
            if result is not OTHERWISE:
                return result  # type: ignore[no-any-return]
        return self._call(args, kwargs)  # type: ignore[no-any-return]

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> Any:  # a copy has no programs: theirs is the state of this one
        name = getattr(self.function, "__qualname__", "")
        found: Any = sys.modules.get(getattr(self.function, "__module__", None) or "")
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is self:  # decorated: another process finds it where it finds other functions
            return name
        return Compiled, (self.function, self.mode, self.threads, self.keep_grads)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Look for a program that fits the arguments, and run it; or trace one."""
        mode = current()
        if mode.tracer is not None or mode.watch:  # a part of another step; or to be looked at
            return self.function(*args, **kwargs)
        call = Call(args, kwargs)
        with TRACING:  # nobody is in the middle of it
            known = self._programs.of(call)
        result = self._found(call, known)
        if result is OTHERWISE:
            with self._lock, TRACING:
                result = self._found(call, self._programs.of(call))  # of other threads
                if result is OTHERWISE:
                    result = self._trace(call)
        return self.function(*args, **kwargs) if result is PLAINLY else result

    def _found(self, call: Call, known: Iterable[Entry | Uncompiled]) -> Any:
        """What the first of some programs returns that fits; or PLAINLY or OTHERWISE."""
        for entry in known:
            if isinstance(entry, Uncompiled):
                if entry.recorded == call.recorded() and entry.holds():
                    self._latest, self._quick = entry, None
                    return PLAINLY
            elif entry.holds():
                if entry.differentiable is None and call.recorded():
                    self._latest, self._quick = Uncompiled(GOES_ON, [], True), None
                    return PLAINLY
                result = entry.run(call)
                if result is not OTHERWISE:
                    self._latest, self._quick = entry, entry.quick
                    return result
        return OTHERWISE

    def _trace(self, call: Call) -> Any:
        """Run the function itself, and keep the program that comes of it."""
        self._programs.warn(call)
        found: Entry | Uncompiled
        try:
            result, found = traced(call, self.function, self._options)
        except NeedsHistory as error:
            result, found = PLAINLY, Uncompiled(error.why, error.guards, call.recorded())
        self._programs.add(call, found)
        self._latest, self._quick = found, None
        return result

    # ---- to look at ----------------------------------------------------------------------

    @property
    def program(self) -> Program:
        """The equations of the latest call, as they run.

        Examples
        --------
        >>> import tinygrad_lesson as tl
        >>> step = tl.compile(lambda x: tl.exp(x * 2))
        >>> _ = step(tl.ones(3))
        >>> print(step.program)
        v0: float32[3] from argument 0
        v1: float32[3] = multiply(v0, 2)
        v2: float32[3] = exp(v1)
        return v2
        """
        return self._shown().simple

    @property
    def arguments(self) -> list[str]:
        """What the tensors and arrays among the arguments of the latest call are called.

        Examples
        --------
        >>> import tinygrad_lesson as tl
        >>> step = tl.compile(lambda x, more: x * more["scale"])
        >>> _ = step(tl.ones(3), {"scale": tl.ones(3)})
        >>> step.arguments
        ['x', 'more_scale']
        """
        return list(self._shown().names)

    def source(self, kind: str = "numpy") -> str:
        """The code of the latest call.

        Parameters
        ----------
        kind
            ``"numpy"`` or ``"c"``, whichever of them runs. To look at C takes no compiler.

        Examples
        --------
        >>> import tinygrad_lesson as tl
        >>> step = tl.compile(lambda x: tl.exp(x) * 2)
        >>> _ = step(tl.ones(3))
        >>> print(step.source(), end="")
        def step(x):
            result = np.exp(x) * 2  # 3
            return result,
        >>> "for (" in step.source("c")
        True
        """
        if kind not in ("numpy", "c"):
            raise ArgumentError("source", f"kind={kind!r} is unknown", "Pass 'numpy' or 'c'.")
        entry = self._shown()
        return entry.written.code if kind == "numpy" else entry.c_source.code

    def cost(self) -> Cost:
        """Operations and bytes of each kernel of the latest call: print it.

        Examples
        --------
        >>> import tinygrad_lesson as tl
        >>> step = tl.compile(lambda x: tl.exp(x) * 2)
        >>> _ = step(tl.ones(1000))
        >>> cost = step.cost()
        >>> cost.flops, cost.bytes
        (11000, 8000)
        """
        return Cost(self.program)

    # ---- other ways to run ---------------------------------------------------------------

    def repeat(self, n: int, *args: Any) -> Any:
        """Call it `n` times with the same arguments.

        A step that is all C code goes round in C, without a word of Python in between. Ctrl-C
        leaves the state after a whole number of steps.

        Returns
        -------
        The result of the last call.

        Examples
        --------
        >>> import tinygrad_lesson as tl
        >>> total = tl.zeros(2)
        >>> add = tl.compile(lambda x: total.assign(total + x) * 1)
        >>> add.repeat(100, tl.Tensor([1.0, 2.0]))
        Tensor([100., 200.], dtype=float32)
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
        if mode.tracer is not None or mode.watch or call.recorded():
            return None
        if not isinstance(entry, Entry) or entry.differentiable is not None:
            return None
        return entry if entry in self._programs.of(call) and entry.holds() else None

    def export(self, path: str | PathLike[str]) -> None:
        """Write the latest call's program as a Python module that needs NumPy alone.

        Beside ``step.py`` comes ``step.npz``, with the weights and whatever else is the state. The
        module has a function of the compiled one's name (``step`` if it has none), for arrays of
        the shapes of that call; ``state``, a dict; ``save``, ``load``; and ``seed`` where it draws
        random numbers. For other shapes, call the step with those, and export a second module.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> import tinygrad_lesson as tl
        >>> step = tl.compile(lambda x: tl.exp(x) * 2)
        >>> _ = step(tl.ones(3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     step.export(f"{folder}/step.py")
        ...     "import numpy as np" in Path(folder, "step.py").read_text()
        True

        Parameters
        ----------
        path
            Of the module: ``"step.py"``.
        """
        entry = self._shown()
        if not all(guard.holds() for guard in entry.program.guards):
            raise ArgumentError(
                "export", "something has changed since the latest call", "Call the step once more."
            )
        name = getattr(self.function, "__name__", "step")
        export(entry.simple, entry.names, entry.rebuild, name, path)

    def _shown(self) -> Entry:
        """The program of the latest call."""
        if isinstance(self._latest, Uncompiled):
            raise ArgumentError(
                "compile",
                f"there is no program, for the latest call ran as it is: {self._latest.why}",
                "Compile a smaller part of it, or one that takes its gradients inside.",
            )
        if self._latest is None:
            raise ArgumentError(
                "compile", "the step has not run yet, so there is no program", "Call it once."
            )
        return self._latest

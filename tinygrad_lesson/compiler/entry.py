"""Entry: one program of a step, and the code for it once it is needed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from ..changes import CHANGES
from ..errors import CompilerWarning, MissingDependencyError
from ..tracing.program import Guard, Program
from .c_code import step
from .c_code.toolchain import CompilerError
from .c_code.writer import Source
from .call import Call
from .driver import Checked, Driver
from .failures import Failures
from .garbage import uncollected
from .loop_driver import LoopDriver, loop_driver
from .notices import warn
from .numpy_code.writer import Written, namespace_of, write
from .passes import simplified
from .taping import taped

if TYPE_CHECKING:
    from .differentiable import Differentiable

T = TypeVar("T")


class Options(NamedTuple):
    """How a step is compiled.

    Attributes
    ----------
    mode
        ``"numpy"`` or ``"c"``.
    threads
        How many run C code; None: as many as pay.
    keep_grads
        Whether gradients are left behind.
    lock
        Threads that change the same state with it take turns.
    """

    mode: str
    threads: int | None
    keep_grads: bool
    lock: Any


class _Once(Generic[T]):
    """An attribute that one thread makes when it is first asked for, while others wait."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self.make, self.__doc__ = make, make.__doc__

    def __get__(self, entry: Entry, owner: type) -> T:
        made, name = vars(entry), self.make.__name__
        with entry.options.lock:
            if name not in made:
                with uncollected():
                    made[name] = self.make(entry)
            found: T = made[name]
            return found


class Entry:
    """One program of a step.

    Parameters
    ----------
    program
        As it was traced.
    rebuild
        Makes the nest that the step returns of its results.
    call
        The call that was traced.
    names
        What its arguments are called.
    options
        How it is compiled.
    checked
        When the guards were last found to hold, if somebody else looks at them.

    Attributes
    ----------
    differentiable
        Runs the step in the place of the driver, if its results can be differentiated outside.
    """

    def __init__(
        self,
        program: Program,
        rebuild: Callable[..., Any],
        call: Call,
        names: list[str],
        options: Options,
        checked: Checked | None = None,
    ) -> None:
        self.program, self.rebuild, self.names = program, rebuild, names
        self.options, self.mode = options, options.mode
        self.differentiable: Differentiable | None = None
        self._call = call.form()
        self.checked = checked or Checked()
        self._quiet = [guard for guard in program.guards if not guard.code]

    @property
    def guards(self) -> list[Guard]:
        """What must be as it was when the step was traced."""
        return self.program.guards

    @property
    def quick(self) -> Callable[[tuple[Any, ...]], Any] | None:
        """Runs it for arguments that were not looked at, if there is such a way."""
        return None if self.differentiable is not None else self.driver.quick

    def run(self, call: Call) -> Any:
        """What the step returns, or OTHERWISE."""
        if self.differentiable is not None:
            return self.differentiable(call)
        return self.driver(call)

    def holds(self) -> bool:
        """Whether everything is as it was when the step was traced.

        What may change without notice is looked at by the driver.
        """
        now = CHANGES.number
        if self.checked.number != now:
            # All of them before there is a driver: code is not built for a program of the past.
            guards = self._quiet if "driver" in vars(self) else self.program.guards
            if not all(guard.holds() for guard in guards):
                return False
            self.checked.number = now
        return True

    @_Once
    def simple(self) -> Program:
        """The program after the passes."""
        return simplified(taped(self.program))

    @_Once
    def written(self) -> Written:
        """The NumPy source."""
        return write(self.simple, self.names)

    @_Once
    def c_source(self) -> Source:
        """The C source, which is not built to be looked at."""
        return step.source(self.simple)

    @_Once
    def in_c(self) -> step.CStep:
        """The C source, built."""
        return step.compiled(self.c_source, self.options.threads)

    @_Once
    def driver(self) -> Driver:
        """Runs the code."""
        if self.mode == "c":
            try:
                made = self.in_c
                return self._driver(made.program, made.function, made.inputs, made.numbers)
            except (MissingDependencyError, CompilerError) as error:
                self.mode = "numpy"
                _say_once(f"{error} NumPy takes over.")
        written = self.written
        names = {"np": np, **namespace_of(written)}
        exec(written.code, names)
        return self._driver(self.simple, names["step"], written.inputs, written.numbers)

    @_Once
    def repeating(self) -> LoopDriver | None:
        """Runs many steps on the same arguments; None if C cannot do so by itself."""
        return self._loop(scans=False)

    @_Once
    def scanning(self) -> LoopDriver | None:
        """Runs a step for each row of its arguments; None if C cannot do so by itself."""
        return self._loop(scans=True)

    def _loop(self, scans: bool) -> LoopDriver | None:
        self.driver  # noqa: B018  settles whether there is a compiler
        if self.mode != "c":
            return None
        call, rebuild, lock = self._call, self.rebuild, self.options.lock
        return loop_driver(self.in_c, call, rebuild, self.checked, lock, scans)

    def _driver(self, program: Program, function: Any, inputs: Any, numbers: Any) -> Driver:
        explain = Failures(self.program, inputs, numbers).explain
        return Driver(
            program, function, inputs, numbers, self._call, self.rebuild, self.checked,
            self.options.lock, explain,
        )  # fmt: skip


@functools.cache
def _say_once(message: str) -> None:
    warn(message, CompilerWarning)

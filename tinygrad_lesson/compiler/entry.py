"""Entry: one program of a step, and the code for it once it is needed."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..changes import CHANGES
from ..errors import MissingDependencyError
from ..tracing.program import Program
from .c_code import step
from .c_code.toolchain import CompilerError
from .call import Call
from .driver import Checked, Driver
from .failures import Failures
from .loop_driver import LoopDriver, loop_driver
from .numpy_code.writer import Written, namespace_of, write
from .passes import simplified
from .tapes.runs import taped


class CompilerWarning(UserWarning):
    """There is no C compiler, or it failed: a step runs as NumPy source."""


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
    mode
        ``"numpy"`` or ``"c"``.
    threads
        How many run C code; None: as many as pay.

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
        mode: str,
        threads: int | None,
    ) -> None:
        self.program, self.rebuild, self.names = program, rebuild, names
        self.mode, self.threads = mode, threads
        self.differentiable: Callable[[Call], Any] | None = None
        self._call = call.form()
        self._checked = Checked()
        self._quiet = [guard for guard in program.guards if not guard.code]

    def holds(self) -> bool:
        """Whether everything is as it was when the step was traced.

        What may change without notice is looked at by the driver.
        """
        now = CHANGES.number
        if self._checked.number != now:
            # All of them before there is a driver: code is not built for a program of the past.
            guards = self._quiet if "driver" in vars(self) else self.program.guards
            if not all(guard.holds() for guard in guards):
                return False
            self._checked.number = now
        return True

    @functools.cached_property
    def simple(self) -> Program:
        """The program after the passes."""
        return simplified(taped(self.program))

    @functools.cached_property
    def written(self) -> Written:
        """The NumPy source."""
        return write(self.simple, self.names)

    @functools.cached_property
    def in_c(self) -> step.CStep:
        """The C source, built."""
        return step.compiled(self.simple, self.threads)

    @functools.cached_property
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

    @functools.cached_property
    def repeating(self) -> LoopDriver | None:
        """Runs many steps on the same arguments; None if C cannot do so by itself."""
        return self._loop(scans=False)

    @functools.cached_property
    def scanning(self) -> LoopDriver | None:
        """Runs a step for each row of its arguments; None if C cannot do so by itself."""
        return self._loop(scans=True)

    def _loop(self, scans: bool) -> LoopDriver | None:
        self.driver  # noqa: B018  settles whether there is a compiler
        if self.mode != "c":
            return None
        return loop_driver(self.in_c, self._call, self.rebuild, self._checked, scans)

    def _driver(self, program: Program, function: Any, inputs: Any, numbers: Any) -> Driver:
        explain = Failures(self.program, inputs, numbers).explain
        return Driver(
            program, function, inputs, numbers, self._call, self.rebuild, self._checked, explain
        )


@functools.cache
def _say_once(message: str) -> None:
    """Warn at the line that calls the step, the first time that there is this to say."""
    warnings.warn(message, CompilerWarning, stacklevel=6)

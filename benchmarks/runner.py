"""A contender as compare.py sees it: a process that waits for orders."""

from __future__ import annotations

import contextlib
import json
import math
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

from contenders import CONTENDERS
from surroundings import cores, environment

HERE = pathlib.Path(__file__).parent
SCRIPT = HERE / "contender.py"


class Options(NamedTuple):
    """How it is measured."""

    rounds: int
    seconds: float
    patience: float
    keep_memory: bool


class Left(Exception):  # noqa: N818  it is no error
    """Why a contender takes no part, or no further part."""


class Runner:
    """One contender at one setting.

    Attributes
    ----------
    losses
        Of the first steps.
    first
        Seconds that its first calls took beyond others.
    times
        Of each turn, the median and the shortest time of a step.
    busy
        The same while another core was kept busy.
    lost
        What it was asked when its process failed, and why; empty while all is well.
    """

    def __init__(
        self, name: str, work: str, threads: int, settings: dict[str, Any], options: Options
    ) -> None:
        self.name = name
        self.title = CONTENDERS[name].title
        several = f"{threads} thread{'s' * (threads > 1)}"
        self.setting = ", ".join([several, *(f"{k}={v}" for k, v in settings.items())])
        self.losses: list[float] = []
        self.first = 0.0
        self.times: list[list[float]] = []
        self.busy: list[list[float]] = []
        self.memory: int | None = None
        self.lost = ""
        self._options = options
        command = [SCRIPT, name, work, str(threads), json.dumps(settings)]
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env=environment(threads, options.keep_memory),
            start_new_session=True,
        )  # fmt: skip
        self._complaints: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._complaints.extend(self._process.stderr)

    def ask(self, order: str) -> Any:
        """The answer to an order; the process ends that does not give one in time."""
        patience = self._options.patience
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        timer = threading.Timer(patience, self._kill)
        timer.start()
        try:
            self._process.stdin.write(f"{order}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            late = not timer.is_alive()
            timer.cancel()
        if not line:
            code = self._process.wait()
            raise Left(f"took more than {patience:g} s" if late else self._reason(code))
        try:
            return json.loads(line)
        except ValueError:
            self._kill()
            raise Left(f"answered {line.strip()[:60]!r}") from None

    def _reason(self, code: int) -> str:
        """The error, without the lines that lead to it."""
        self._listener.join(1)
        told = [line.strip() for line in self._complaints if ("Error" in line or "Exc" in line)]
        return told[-1][:200] if told else f"ended with status {code}"

    def build(self, gradients: pathlib.Path) -> None:
        found = self.ask(f"build {gradients}")
        self.losses, self.first = found["losses"], found["first"]

    def turn(self, times: list[list[float]]) -> None:
        """Run for a while, unless it is lost; what a lost one took before does not count."""
        found = self._try(f"turn {self._options.seconds}")
        if self.lost:
            times.clear()
        else:
            times.append(found)

    def measure_memory(self) -> None:
        self.memory = self._try("memory")

    def _try(self, order: str) -> Any:
        """The answer, or nothing from one that is lost."""
        if self.lost:
            return None
        try:
            return self.ask(order)
        except Left as reason:
            self.lost = f"{reason}, when asked for {order!r}"
            return None

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._kill()
        self._process.wait()
        self._listener.join(1)
        for pipe in self._process.stdout, self._process.stderr:
            assert pipe is not None
            pipe.close()

    def _kill(self) -> None:
        """End the process, and the compilers that it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def median(self) -> float:
        """Endless for one that was lost."""
        return statistics.median(median for median, _ in self.times) if self.times else math.inf

    def fastest(self) -> float:
        return min((fastest for _, fastest in self.times), default=math.inf)

    def beside_another(self) -> float:
        """The shortest median while another core was kept busy."""
        return min((median for median, _ in self.busy), default=math.inf)


@contextlib.contextmanager
def a_busy_core() -> Iterator[None]:
    """Something else runs on one of the cores."""
    code = (
        "import os\n"
        f"hasattr(os, 'sched_setaffinity') and os.sched_setaffinity(0, {{{cores()[-1]}}})\n"
        f"while os.getppid() == {os.getpid()}: pass"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()

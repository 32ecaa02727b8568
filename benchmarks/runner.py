"""A contender as compare.py sees it: a process that waits for orders."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

from contenders import CONTENDERS
from surroundings import cores, environment

HERE = pathlib.Path(__file__).parent


class Left(Exception):  # noqa: N818  it is no error
    """Why a contender takes no part."""


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
    """

    def __init__(
        self, name: str, work: str, threads: int, settings: dict[str, Any], keep_memory: bool
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
        command = [HERE / "contender.py", name, work, str(threads), json.dumps(settings)]
        self._process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment(threads, keep_memory),
            start_new_session=True,
        )  # fmt: skip
        self._complaints: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        self._complaints.extend(self._process.stderr)

    def ask(self, order: str, patience: float) -> Any:
        """The answer to an order; the process ends that does not give one in time."""
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
        return json.loads(line)

    def _reason(self, code: int) -> str:
        """The error, without the lines that lead to it."""
        told = [line.strip() for line in self._complaints if ("Error" in line or "Exc" in line)]
        return told[-1][:200] if told else f"ended with status {code}"

    def build(self, gradients: pathlib.Path, patience: float) -> None:
        found = self.ask(f"build {gradients}", patience)
        self.losses, self.first = found["losses"], found["first"]

    def turn(self, seconds: float, times: list[list[float]]) -> None:
        times.append(self.ask(f"turn {seconds}", 120))

    def measure_memory(self) -> None:
        self.memory = self.ask("memory", 120)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._kill()
        self._process.wait()

    def _kill(self) -> None:
        """End the process, and the compilers that it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def median(self) -> float:
        return statistics.median(median for median, _ in self.times)

    def fastest(self) -> float:
        return min(fastest for _, fastest in self.times)


@contextlib.contextmanager
def a_busy_core() -> Iterator[None]:
    """Something else runs on one of the cores."""
    code = (
        "import os\n"
        f"hasattr(os, 'sched_setaffinity') and os.sched_setaffinity(0, {{{cores()[-1]}}})\n"
        "while True: pass"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()

"""One contender at one work, in a process of its own, which compare.py starts.

It answers each line that it reads with one line of JSON: ``build`` with the losses of the first
steps, and how long the first call took beyond the others; ``turn`` with how long a step takes, the
median and the shortest; ``memory`` with the bytes that building the step and running it took.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import memory
import numpy as np
from contenders import CONTENDERS
from contenders.common import Step
from works import WORKS, made

CHECKED = 3  # steps whose losses are compared
CHUNK = 0.002  # seconds; shorter ones the clock and the call of it would show in


class Order(NamedTuple):
    """What the process is started with."""

    name: str
    work: str
    threads: int
    settings: dict[str, Any]


def number(result: Any) -> float:
    """The loss, with the gradient in it where there is no step that would show it."""
    if isinstance(result, tuple):
        loss, gradient = result
        return number(loss) + float(np.abs(np.asarray(gradient), dtype=np.float64).sum())
    if hasattr(result, "detach"):
        result = result.detach()
    if hasattr(result, "data") and not isinstance(result, np.ndarray | np.generic | memoryview):
        result = getattr(result, "item", lambda: result)()
    return float(result() if callable(result) else result)


class Runner:
    """A step, and what is asked about it."""

    def __init__(self, order: Order) -> None:
        contender = CONTENDERS[order.name]
        self.work, self.order = WORKS[order.work], order
        made(order.work)  # what it imports counts for nobody
        self.module = importlib.import_module(f"contenders.{contender.module}")
        if hasattr(self.module, "use"):
            self.module.use(contender.package, order.threads, contender.compiled)
        self.wait: Callable[[Any], Any] = getattr(self.module, "wait", lambda result: None)
        self.before = memory.resident()

    def _made(self) -> Step:
        return getattr(self.module, self.order.work)(*made(self.order.work), **self.order.settings)

    def build(self, where: str) -> dict[str, Any]:
        """Make the step, take the first ones, and write the gradients at the start into a file."""
        self.run = self._made().run
        losses, times = [], []
        for _ in range(CHECKED + 1):  # a compiler may take two calls to begin
            started = time.perf_counter()
            losses.append(number(self.run()))
            times.append(time.perf_counter() - started)
        if where:
            loss, gradients = self._made().gradients()
            arrays = {f"of {name}": np.asarray(g) for name, g in gradients.items()}
            np.savez(where, loss=number(loss), **arrays)
        return {"losses": losses[:CHECKED], "first": sum(times[:2]) - 2 * min(times)}

    def turn(self, seconds: str) -> list[float]:
        """Run for a while."""
        steps = max(1, int(CHUNK / max(self._chunk(1), 1e-9)))
        until = time.perf_counter() + float(seconds)
        times = [self._chunk(steps)]
        while time.perf_counter() < until:
            times.append(self._chunk(steps))
        return [statistics.median(times) / self.work.steps, min(times) / self.work.steps]

    def _chunk(self, steps: int) -> float:
        started = time.perf_counter()
        for _ in range(steps):
            result = self.run()
        self.wait(result)
        return (time.perf_counter() - started) / steps

    def memory(self, _: str) -> int | None:
        """The most memory while it runs, over what there was before the step was built."""
        memory.forget_peak()
        for _step in range(CHECKED):
            self.wait(self.run())
        peak = memory.peak()
        return None if peak is None or self.before is None else max(0, peak - self.before)


def orders() -> Iterator[tuple[str, str]]:
    for line in sys.stdin:
        what, _, rest = line.strip().partition(" ")
        yield what, rest


def main() -> None:
    name, work, threads, settings = sys.argv[1:]
    runner = Runner(Order(name, work, int(threads), json.loads(settings)))
    answers = {"build": runner.build, "turn": runner.turn, "memory": runner.memory}
    for what, rest in orders():
        print(json.dumps(answers[what](rest)), flush=True)


if __name__ == "__main__":
    main()

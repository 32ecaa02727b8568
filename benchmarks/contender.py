"""One contender at one work, in a process of its own, which compare.py starts.

It writes the losses of its first steps, a line of JSON. For each line that it then reads, the
seconds of a turn, it writes how long a step took: the median, and the shortest.
"""

from __future__ import annotations

import importlib
import json
import statistics
import sys
import time
from typing import Any

import numpy as np
from contenders import CONTENDERS
from works import made

CHECKED = 3  # steps whose losses are compared
CHUNK = 0.002  # seconds; shorter ones the clock and the call of it would show in


def number(result: Any) -> float:
    """The loss, with the gradient in it where there is no step that would show it."""
    if isinstance(result, tuple):
        loss, gradient = result
        return number(loss) + float(np.abs(np.asarray(gradient), dtype=np.float64).sum())
    if hasattr(result, "detach"):
        result = result.detach()
    return float(result() if callable(result) else result)


def main() -> None:
    name, work, threads, settings = sys.argv[1:]
    contender = CONTENDERS[name]
    module = importlib.import_module(f"contenders.{contender.module}")
    if hasattr(module, "use"):
        module.use(contender.package, int(threads))
    wait = getattr(module, "wait", lambda result: None)
    given = json.loads(settings)
    compiled = given.pop("compiled", None)
    step = getattr(module, work)(*made(work), **given)
    if compiled:
        package = importlib.import_module(contender.package)
        step = package.compile(step, mode=compiled, threads=int(threads))
    losses = [number(step()) for _ in range(CHECKED)]
    print(json.dumps(losses), flush=True)

    started = time.perf_counter()
    wait(step())
    steps = max(1, int(CHUNK / (time.perf_counter() - started)))

    def chunk() -> float:
        started = time.perf_counter()
        for _ in range(steps):
            result = step()
        wait(result)
        return (time.perf_counter() - started) / steps

    for seconds in sys.stdin:
        until = time.perf_counter() + float(seconds)
        times = [chunk()]
        while time.perf_counter() < until:
            times.append(chunk())
        print(json.dumps([statistics.median(times), min(times)]), flush=True)


if __name__ == "__main__":
    main()

"""What the first calls of a compiled step take: tracing, the passes, and building C.

Tracing takes a step in NumPy, and building is done by a call that takes one in C: what such steps
take by themselves is told, too.

    OPENBLAS_NUM_THREADS=2 python benchmarks/first_call.py mlp

Each is a process of its own. compare.py starts it with an empty cache for kernels, and then again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

from contenders import pytorch_style
from works import made

import tinygrad_lesson as tl

STEPS = 5  # of each kind, after the first calls: the fastest counts


def phases(work: str) -> dict[str, float]:
    """Seconds of each part, and of a step in NumPy and one in C."""
    pytorch_style.use("tinygrad_lesson", threads=1, compiled=False)  # that is for PyTorch
    name = "lesson" if work == "repeat" else work
    run = getattr(pytorch_style, name)(*made(work)).run
    run()  # what an eager step does once is no business of the compiler
    step = tl.compile(run, mode="c")
    parts: dict[str, Callable[[], object]] = {
        "trace": step,
        "passes": lambda: step.program,
        "writing C": lambda: step.source("c"),
        "building it": step,
    }
    taken = {part: _seconds(function) for part, function in parts.items()}
    for kind, function in {"NumPy": run, "C": step}.items():
        time.sleep(0.2)  # the threads of the one before are awake for a while
        taken[kind] = min(_seconds(function) for _ in range(STEPS))
    return taken


def _seconds(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(json.dumps(phases(sys.argv[1])))

"""What the first calls of a compiled step take: tracing, the passes, and building C.

    python benchmarks/first_call.py mlp 2

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


def phases(work: str, threads: int) -> dict[str, float]:
    """Seconds of each part."""
    pytorch_style.use("tinygrad_lesson", threads, compiled=False)
    name = "lesson" if work == "repeat" else work
    run = getattr(pytorch_style, name)(*made(work)).run
    run()  # what an eager step does once is no business of the compiler
    step = tl.compile(run, mode="c", threads=threads)
    parts: dict[str, Callable[[], object]] = {
        "trace": step,
        "passes": lambda: step.program,
        "writing C": lambda: step.source("c"),
        "building it": step,
    }
    taken = {}
    for part, function in parts.items():
        started = time.perf_counter()
        function()
        taken[part] = time.perf_counter() - started
    return taken


if __name__ == "__main__":
    print(json.dumps(phases(sys.argv[1], int(sys.argv[2]))))

"""Time functions against each other: in one process, in turn, by the median of many rounds."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def in_turn(
    functions: dict[str, Callable[[], object]], *, rounds: int = 15, seconds: float = 0.02
) -> dict[str, float]:
    """Microseconds per call of each function.

    In every round each function runs in turn, as often as fits into `seconds`, so that a change
    in the machine's speed meets all of them. The median over the rounds counts.
    """
    counts = {}
    for name, function in functions.items():
        function()  # warm up
        started = time.perf_counter()
        function()
        counts[name] = max(1, int(seconds / max(time.perf_counter() - started, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            for _ in range(counts[name]):
                function()
            times[name].append((time.perf_counter() - started) / counts[name] * 1e6)
    return {name: statistics.median(values) for name, values in times.items()}

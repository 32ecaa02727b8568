"""Whole training steps, in this library and in its peers, side by side.

    python benchmarks/compare.py
    python benchmarks/compare.py --works mlp lstm --contenders ours torch --rounds 20
    python benchmarks/compare.py --write

A step is forward, backward and the optimizer's update. Each contender runs in processes of its own,
one for each number of threads and each setting to be tried; they wait for their turn, round after
round, and the fastest by the median of the rounds stands for its library. Before that, the losses
of the first steps must agree with ours. Peers that are not installed are left out.

Times depend on the machine: the ratios are what to look at.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import importlib.metadata
import importlib.util
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from contenders import CONTENDERS, OURS
from tqdm import tqdm
from works import WORKS

HERE = pathlib.Path(__file__).parent
TOLERANCE = {"lesson": 1e-9, "moons": 1e-9}  # in double precision; of single precision:
SINGLE = 2e-5
PAUSE = 0.05  # seconds between turns, in which the threads of the one before fall asleep
SETTINGS_OF_OTHERS = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "XLA_", "MALLOC_", "GLIBC_")
KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}


class Result(NamedTuple):
    """What one library needed for a step, at its best."""

    median: float  # of the rounds' medians, in seconds
    fastest: float
    setting: str
    decisive: float  # that of the two which counts


def environment(threads: int, keep_memory: bool) -> dict[str, str]:
    """The same for all contenders: nothing but the number of threads is set for a library."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS_OF_OTHERS)}
    numbers = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    clean |= dict.fromkeys(numbers, str(threads))
    if threads == 1:
        clean["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return clean | (KEPT_MEMORY if keep_memory else {})


class Runner:
    """One contender in a process of its own, at one setting."""

    def __init__(
        self, name: str, work: str, threads: int, settings: dict[str, Any], keep_memory: bool
    ) -> None:
        self.name = name
        self.setting = ", ".join(
            [f"{threads} thread{'s' * (threads > 1)}", *(f"{k}={v}" for k, v in settings.items())]
        )
        self.times: list[list[float]] = []
        command = [HERE / "contender.py", name, work, str(threads), json.dumps(settings)]
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment(threads, keep_memory),
        )  # fmt: skip
        try:
            self.losses: list[float] = self._answer()
        except BaseException:
            self.close()
            raise

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{CONTENDERS[self.name].title} ({self.setting}) failed; see above.")
        return json.loads(line)

    def run(self, seconds: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        self.times.append(self._answer())

    def close(self) -> None:
        self.process.communicate()

    def result(self, by_fastest: bool) -> Result:
        medians, fastest = zip(*self.times, strict=True)
        middle, shortest = statistics.median(medians), min(fastest)
        return Result(middle, shortest, self.setting, shortest if by_fastest else middle)


@contextlib.contextmanager
def runners(work: str, names: list[str], keep_memory: bool) -> Iterator[list[Runner]]:
    """All contenders of a work, one process for each setting."""
    with contextlib.ExitStack() as stack:
        found = []
        for name in names:
            contender = CONTENDERS[name]
            for settings in contender.works.get(work, []):
                for threads in contender.threads:
                    runner = Runner(name, work, threads, settings, keep_memory)
                    stack.callback(runner.close)
                    found.append(runner)
        yield found


def check(work: str, found: list[Runner]) -> str:
    """Whether all losses are those of the first contender; how far they are from them."""
    first, worst = found[0], 0.0
    for runner in found[1:]:
        pairs = zip(first.losses, runner.losses, strict=True)
        error = max(abs(a - b) / abs(a) for a, b in pairs)
        if not error <= TOLERANCE.get(work, SINGLE):  # so that NaN is none
            raise SystemExit(
                f"{work}: {CONTENDERS[runner.name].title} ({runner.setting}) has the losses"
                f" {runner.losses}, {CONTENDERS[first.name].title} {first.losses}."
            )
        worst = max(worst, error)
    losses = ", ".join(f"{loss:.7g}" for loss in first.losses)
    return f"losses {losses} in all of them, to {worst:.0e}"


def measured(
    work: str, names: list[str], rounds: int, seconds: float, keep_memory: bool, by_fastest: bool
) -> tuple[dict[str, Result], str]:
    """For each contender its best result, and what the check of the losses said."""
    with runners(work, names, keep_memory) as found:
        agreement = check(work, found)
        for _ in tqdm(range(rounds), desc=work, unit="round", leave=False):
            for runner in found:
                time.sleep(PAUSE)
                runner.run(seconds)
    best: dict[str, Result] = {}
    for runner in found:
        result = runner.result(by_fastest)
        if runner.name not in best or result.decisive < best[runner.name].decisive:
            best[runner.name] = result
    return best, agreement


def readable(seconds: float) -> str:
    unit, factor = next(
        (u, f) for u, f in (("s", 1), ("ms", 1e3), ("us", 1e6)) if seconds * f >= 1 or f == 1e6
    )
    return f"{float(f'{seconds * factor:.3g}'):g} {unit}"


def table(results: dict[str, Result]) -> list[list[str]]:
    """Rows of cells, the fastest contender first."""
    ours = results["ours"].decisive if "ours" in results else math.nan
    peers = [r.decisive for name, r in results.items() if name not in OURS]
    peer = min(peers, default=math.nan)
    rows = [["library", "median", "fastest", "of ours", "of the best peer", "at its best with"]]
    for name, r in sorted(results.items(), key=lambda item: item[1].decisive):
        ratios = [
            "" if math.isnan(other) else f"{r.decisive / other:.2f}x" for other in (ours, peer)
        ]
        times = readable(r.median), readable(r.fastest)
        rows.append([CONTENDERS[name].title, *times, *ratios, r.setting])
    return rows


def as_markdown(rows: list[list[str]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "| --- |" + " ---: |" * 4 + " --- |")
    return "\n".join(lines)


def as_text(rows: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if 0 < i < 5 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def processor() -> str:
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def circumstances(
    names: list[str], rounds: int, seconds: float, keep_memory: bool, by_fastest: bool
) -> str:
    """What the results depend on."""
    packages = dict.fromkeys(["numpy", *(CONTENDERS[name].package for name in names)])
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in packages)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = (
        "keep the memory that a step frees (MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ at"
        " 1 GiB)"
        if keep_memory
        else "have the allocator's own settings"
    )
    return (
        f"{datetime.date.today()}, {cores} cores of {processor()}, {platform.system()},"
        f" Python {platform.python_version()}, {versions}.\n"
        f"{rounds} rounds of {seconds} s each; the ratios are those of the"
        f" {'fastest steps' if by_fastest else 'medians'}. All processes {memory}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn")
    parser.add_argument(
        "--default-malloc", action="store_true", help="let the allocator give memory back"
    )
    parser.add_argument(
        "--fastest", action="store_true", help="compare fastest steps: where other work disturbs"
    )
    parser.add_argument("--write", action="store_true", help="write RESULTS.md")
    options = parser.parse_args()

    keep_memory = not options.default_malloc
    missing = [
        name for name in options.contenders
        if importlib.util.find_spec(CONTENDERS[name].package) is None
    ]  # fmt: skip
    names = [name for name in options.contenders if name not in missing]
    notes = [f"{CONTENDERS[name].title} is not installed, and left out." for name in missing]
    about = circumstances(names, options.rounds, options.seconds, keep_memory, options.fastest)
    print("\n".join([about, *notes]))

    sections = []
    for work in options.works:
        results, agreement = measured(
            work, names, options.rounds, options.seconds, keep_memory, options.fastest
        )
        title, rows = WORKS[work].title, table(results)
        print(f"\n{title}\n{agreement}\n{as_text(rows)}")
        sections.append(
            f"## {title}\n\n{as_markdown(rows)}\n\n{agreement[0].upper()}{agreement[1:]}."
        )
    if options.write:
        text = "\n\n".join([HEAD, about, *notes, *sections])
        (HERE / "RESULTS.md").write_text(text + "\n")


HEAD = """# Training steps, side by side

Written by `python benchmarks/compare.py --write`, which says how it measures. Float32 unless said.
Times depend on the machine: the ratios are what to look at. PyTorch runs eagerly; JAX and
`tl.compile` compile the whole step."""


if __name__ == "__main__":
    main()

"""One row of the comparison: all contenders at one work, in turn."""

from __future__ import annotations

import contextlib
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import tables
from agreement import Answer
from contenders import CONTENDERS, OURS
from runner import HERE, Left, Options, Runner, a_busy_core
from surroundings import environment
from tqdm import tqdm
from works import WORKS

PAUSE = 0.12  # seconds between turns: OpenBLAS's threads are awake for 0.1 after their last work
AT_ONCE = 2  # contenders that get ready at the same time
HEADINGS = [
    "library", "median", "fastest", "of the best peer", "first call", "memory", "other core busy",
    "at its best with",
]  # fmt: skip


class Row:
    """What was measured at one work.

    Attributes
    ----------
    best
        The fastest setting of each contender.
    notes
        What is to be said below the table, line by line.
    disagreed
        Contenders that compute something else.
    """

    def __init__(self, work: str, names: list[str], options: Options) -> None:
        self.work, self.options = work, options
        self.best: dict[str, Runner] = {}
        self.notes: list[str] = []
        self.disagreed: list[str] = []
        with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
            found = self._started(names, pathlib.Path(folder), stack)
            self._measure(found)
        for runner in found:
            held = self.best.get(runner.name)
            if held is None or runner.median() < held.median():
                self.best[runner.name] = runner
        self.floor: dict[str, float] | None = None
        if "compiled" in self.best and not self.best["compiled"].lost:
            self._add_floor()
            self._add_first_calls()

    # ---- contenders ----------------------------------------------------------------------

    def _started(
        self, names: list[str], folder: pathlib.Path, stack: contextlib.ExitStack
    ) -> list[Runner]:
        """Those that could build the step, and agree on it with the first."""
        runners = []
        tried = sorted({threads for name in names for threads in CONTENDERS[name].threads})
        # All with one thread come first: what they compile the others find in the cache.
        for threads, name in product(tried, names):
            if threads not in CONTENDERS[name].threads:
                continue
            for settings in CONTENDERS[name].works.get(self.work, []):
                runner = Runner(name, self.work, threads, settings, self.options)
                stack.callback(runner.close)
                runners.append(runner)

        def build(runner: Runner) -> Answer | str:
            path = folder / f"{runners.index(runner)}.npz"
            try:
                runner.build(path)
            except Left as reason:
                return str(reason)
            answer = Answer(path, runner.losses)
            path.unlink()
            return answer

        with ThreadPoolExecutor(AT_ONCE) as pool:
            ready = tqdm(
                pool.map(build, runners), desc=f"{self.work}, getting ready", total=len(runners),
                leave=False, unit="process",
            )  # fmt: skip
            answers = list(ready)
        return self._agreeing(runners, answers)

    def _agreeing(self, runners: list[Runner], answers: list[Answer | str]) -> list[Runner]:
        work, worst, agreeing = WORKS[self.work], 0.0, []
        judge = next((answer for answer in answers if isinstance(answer, Answer)), None)
        for runner, answer in zip(runners, answers, strict=True):
            if isinstance(answer, str):
                self.notes.append(f"Left out: {runner.title} ({runner.setting}): {answer}")
                continue
            assert judge is not None
            error = judge.apart(answer, work)
            if error <= work.tolerance:
                worst = max(worst, error)
                agreeing.append(runner)
            else:
                self.disagreed.append(runner.title)
                self.notes.append(
                    f"WRONG, and left out: {runner.title} ({runner.setting}) is {error:.0e} off;"
                    f" its losses are {runner.losses}"
                )
        if judge is not None:
            losses = ", ".join(f"{loss:.7g}" for loss in judge.losses)
            what = "the loss and the gradients without dropout" if work.random else "the gradients"
            told = "" if work.random else f"losses {losses} and "
            self.notes.insert(0, f"The same in all: {told}{what}, to {worst:.0e}")
        return agreeing

    def _measure(self, runners: list[Runner]) -> None:
        """All in turn, round after round; some rounds again beside a busy core.

        One that is lost on the way is left alone from then on.
        """
        rounds = self.options.rounds
        busy = max(1, rounds // 4)
        with tqdm(total=rounds + busy, desc=self.work, unit="round", leave=False) as bar:
            for _ in range(rounds):
                for runner in runners:
                    time.sleep(PAUSE)
                    runner.turn(runner.times)
                bar.update()
            with a_busy_core():
                for _ in range(busy):
                    for runner in runners:
                        runner.turn(runner.busy)
                    bar.update()
        for runner in runners:
            runner.measure_memory()
            if runner.lost:
                self.notes.append(f"FAILED: {runner.title} ({runner.setting}) {runner.lost}")

    # ---- our own -------------------------------------------------------------------------

    def _alone(self, script: str, threads: int, more: dict[str, str]) -> dict[str, Any]:
        """What one of the scripts beside this says of the work."""
        try:
            done = subprocess.run(
                [sys.executable, HERE / script, self.work, str(threads)],
                env=environment(threads, self.options.keep_memory) | more,
                timeout=2 * self.options.patience,
                capture_output=True,
                text=True,
            )
        except subprocess.TimeoutExpired as error:
            raise Left(f"{script} took more than {error.timeout:g} s") from error
        if done.returncode:
            raise Left(done.stderr.strip().rpartition("\n")[2][:200])
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def _add_floor(self) -> None:
        try:
            found = [self._alone("floor.py", threads, {}) for threads in (1, 2)]
        except Left as reason:
            self.notes.append(f"No floor: {reason}")
            return
        self.floor = min(found, key=lambda f: f["products"] + f["moving"])
        products, moving = self.floor["products"], self.floor["moving"]
        median = self.best["compiled"].median()
        self.notes.append(
            f"Floor {tables.seconds(products + moving)}: products {tables.seconds(products)},"
            f" moving bytes {tables.seconds(moving)} ({self.floor['flops']:,} operations and"
            f" {self.floor['bytes']:,} bytes in {self.floor['kernels']} kernels); tl.compile takes"
            f" {tables.ratio(median, products + moving)} that"
        )

    def _add_first_calls(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for what in "Nothing cached", "Kernels cached, a new process":
                try:
                    found = self._alone("first_call.py", 2, {"XDG_CACHE_HOME": folder})
                except Left as reason:
                    self.notes.append(f"No first call: {reason}")
                    return
                steps = {kind: found.pop(kind) for kind in ("NumPy", "C")}
                total = sum(found.values())
                self.notes.append(
                    f"First calls of tl.compile. {what}: {tables.seconds(total)} ({_told(found)}),"
                    f" of which the steps themselves {tables.seconds(sum(steps.values()))}"
                    f" ({_told(steps)})"
                )

    # ---- to look at ----------------------------------------------------------------------

    @property
    def peer(self) -> float:
        """The median of the fastest peer; endless without any."""
        peers = (r.median() for name, r in self.best.items() if name not in OURS)
        return min(peers, default=math.inf)

    def table(self) -> list[list[str]]:
        """Rows of cells, the fastest contender first."""
        rows = [HEADINGS]
        for runner in sorted(self.best.values(), key=Runner.median):
            rows.append([
                runner.title, tables.seconds(runner.median()), tables.seconds(runner.fastest()),
                tables.ratio(runner.median(), self.peer), tables.seconds(max(runner.first, 0.0)),
                tables.FAILED if runner.lost else tables.mebibytes(runner.memory),
                tables.seconds(runner.beside_another()), runner.setting,
            ])  # fmt: skip
        return rows


def _told(parts: dict[str, float]) -> str:
    return ", ".join(f"{part} {tables.seconds(seconds)}" for part, seconds in parts.items())

"""Random programs that go round in C: many steps in one call are what single steps are, eagerly."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.compiler.c_code.arrangement import arranged
from tinygrad_lesson.compiler.c_code.lowering import RECIPES
from tinygrad_lesson.errors import TinygradError
from tinygrad_lesson.op import Op

from . import random_programs
from .random_pieces import PIECES, in_place, random
from .random_programs import Kept
from .support import hurry
from .test_c_operators import writes
from .test_compile_random import Trial, _quiet, arrays_of, tensors

__all__ = ["_quiet"]

pytestmark = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

STEPS = 4
SEEDS = range(20_000, 20_090)
TOGETHER = 25

MOVED = {"reshape", "permute_dims", "expand_dims", "squeeze", "flip", "broadcast_to", "getitem",
         "concat", "stack", "where", "conv"}  # fmt: skip


def has_code(op: Op[...]) -> bool:
    """Whether C has code for an elementwise op of floats."""
    x = np.linspace(0.1, 1, 6)
    with contextlib.suppress(TinygradError):
        return writes(op, [x] * len(op.arrays), dict(op.defaults))
    return False


@pytest.fixture(autouse=True)
def _only_what_c_has_code_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other programs go round in Python."""
    elementwise = [op for op in random_programs.ELEMENTWISE if has_code(op)]
    known = {op.name for op in elementwise} | RECIPES.keys() | MOVED
    few: dict[str, object] = {
        "ELEMENTWISE": elementwise, "DTYPES": ("f4", "f8"),
        "SHAPES": [s for s in random_programs.SHAPES if 0 not in s],
        "STRUCTURAL": [name for name in random_programs.STRUCTURAL if name in known],
        "SAMPLED": [(op, call) for op, call in random_programs.SAMPLED if op.name in known],
        "PIECES": [f for f in PIECES if f not in (in_place, random)],
    }  # fmt: skip
    for name, value in few.items():
        monkeypatch.setattr(random_programs, name, value)


class Rounds(Trial):
    """A program that runs with these inputs and with others in turn."""

    def __init__(self, seed: int, scans: bool) -> None:
        super().__init__(seed)
        entered = {place for place, number in self.program.grown if number is None}
        self.program.results = [i for i in self.program.results if i not in entered]
        others = self.calls[2]
        self.calls = [others if scans and i % 2 else self.calls[0] for i in range(STEPS)]
        self.changing = False
        self.expected = self.runs()

    @property
    def fits(self) -> bool:
        """Whether it is all C, and gives new arrays and nothing else."""
        kept = Kept(self.program)
        step = tl.compile(lambda *inputs: self.program.run(inputs, kept))
        step(*tensors(self.calls[0]))
        program, views, groups, _ = arranged(step.program)
        new = {views[v].base for v in program.outputs()}.isdisjoint(program.inputs)
        given = all(x is not None for call in self.expected for x in call)
        return new and given and not any(group.kind in ("host", "tape") for group in groups)


@pytest.mark.parametrize("scans", [False, True], ids=["repeat", "scan"])
def test_random_programs_that_go_round(scans: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, "-O0")
    trials = [trial for trial in (Rounds(seed, scans) for seed in SEEDS) if trial.fits]
    assert len(trials) > 10
    for start in range(0, len(trials), TOGETHER):
        check(trials[start : start + TOGETHER], scans)


def check(trials: list[Rounds], scans: bool) -> None:
    """Many steps of all programs together."""
    kept = [Kept(trial.program) for trial in trials]

    def all_of_them(*inputs: Tensor) -> list[list[Tensor]]:
        left = iter(inputs)
        return [
            trial.program.run([next(left) for _ in trial.program.arrays], own)
            for trial, own in zip(trials, kept, strict=True)
        ]

    step = tl.compile(mode="c")(all_of_them)
    places = range(sum(len(trial.program.arrays) for trial in trials))
    calls = [[x for trial in trials for x in trial.calls[k]] for k in range(STEPS)]
    if scans:
        stacked = step.scan(*(Tensor(np.stack([call[i] for call in calls])) for i in places))
        found = [[[x[k, ...] for x in some] for some in stacked] for k in range(STEPS)]
    else:
        found = [step.repeat(STEPS, *tensors(calls[0]))] * STEPS
    entry = step._shown()
    assert entry.mode == "c"
    assert entry.scanning if scans else entry.repeating
    for i, (trial, own) in enumerate(zip(trials, kept, strict=True)):
        runs = [[*arrays_of(results[i]), *arrays_of([*own.tensors()])] for results in found]
        count = len(found[-1][i])
        for k, expected in enumerate(trial.expected[:-1]):  # what was there in between is gone
            runs[k] = [*runs[k][:count], *expected[count:]] if scans else [*expected]
        assert not trial.wrong(runs, "c"), trial.wrong(runs, "c")

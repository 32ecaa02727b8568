"""Random programs: compiled, they give what they give eagerly, in both writers.

Many go into one C file, because the compiler takes longest to start; what fails there is compiled
again alone. ``pytest tests/test_compile_random.py --programs 100000`` tries more of them.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.compiler.c_code import operators, team, toolchain
from tinygrad_lesson.compiler.c_code.lowering import RECIPES
from tinygrad_lesson.compiler.numpy_code.notation import NOTATIONS
from tinygrad_lesson.errors import TinygradError
from tinygrad_lesson.op import REGISTRY

from . import rounding
from .random_pieces import LAYERS, MODULES, OF_GRADIENTS
from .random_programs import DTYPES, OPTIMIZERS, Kept, Program
from .rounding import Around, Arrays, Rounding, apart
from .support import hurry
from .test_c_operators import CANCELLING, ROUNDED

needs_compiler = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

CHUNKS = 10
"""The programs are spread over so many tests."""

IN_C = 4
"""One in so many is compiled to C, which takes longer, and the others to NumPy source."""

LEVELS = ("-O3", *("-O0",) * 4) * 2
"""How hard the compiler tries: for the first it takes eight times as long as for the last."""

TOGETHER = 50
"""So many are compiled to one C file."""

EXTREMES = (
    "maximum", "minimum", "fmax", "fmin", "max", "min", "relu", "relu6", "clip", "hardtanh",
    "hardsigmoid", "softshrink", "pool_max",
)  # fmt: skip
"""The larger of 0.0 and -0.0 is either, in NumPy too: it depends on how many there are."""

SUMS = frozenset({
    name for name, op in REGISTRY.items()
    if op.kind.name in ("linear", "scan", "reduction") or name in RECIPES
}) - {"max", "min", "any", "all", "argmax", "argmin", "count_nonzero", "pool_max", "pool_argmax",
      "cumulative_max", "cumulative_min", "cumulative_argmax", "cumulative_argmin"}  # fmt: skip
"""What adds up, or calls BLAS: the order of the terms, or how they lie in memory, decides."""

STATES = ("rnn_states", "lstm_states", "gru_states")
"""Their gradients are computed otherwise while a step is traced."""

PUTS = ("add_at", "pool_put")
"""Where nothing is added to a zero, -0.0 stays what it is."""

NUMPY = {**dict.fromkeys(SUMS, 4), **dict.fromkeys(PUTS, 0), **dict.fromkeys(STATES, 16),
         "sigmoid": 4}  # fmt: skip
"""In NumPy mode ops are what they are eagerly, but for the rewrites of ``passes/``: arrays may lie
otherwise in memory, a product with ones is a sum, ``s - s * s`` is ``s * (1 - s)``."""

UNITS: dict[str, Mapping[str, float]] = {
    "numpy": NUMPY,
    "c": {**NUMPY, **dict.fromkeys(EXTREMES, 0), **dict.fromkeys(SUMS, 16), **ROUNDED},
}
"""In units in the last place, by how much ops may be off; what is not named here is exact."""


CANCEL = CANCELLING | {"log_softmax", "logsumexp", "softmax_grad", "log_softmax_grad"}

ROUNDINGS = {mode: Rounding(units, SUMS, CANCEL) for mode, units in UNITS.items()}


class Trial:
    """A program with its inputs, and what comes of them eagerly.

    It runs three times: as it is traced, with the same inputs again, and with others.
    """

    changing = True
    """Whether the user changes something between two runs."""

    def __init__(self, seed: int) -> None:
        self.seed, self.program = seed, Program(seed)
        program = self.program
        others = program.others()
        self.calls = [program.arrays, program.arrays, others]
        try:
            program.run(tensors(others), Kept(program))
        except (TinygradError, ValueError):  # these numbers are refused, as by a solver
            self.calls[2] = program.arrays
        self.expected = self.runs()

    def reshape(self) -> None:
        """Run with inputs of other lengths in between, where the program lets them be."""
        arrays = self.program.arrays
        for length in sorted({n for array in arrays for n in array.shape}, reverse=True):
            others = [self.program.array(longer(x.shape, length), x.dtype)
                      if x.dtype.kind == "f" else np.resize(x, longer(x.shape, length))
                      for x in arrays]  # fmt: skip
            self.calls = [arrays, others, arrays, others]
            try:
                self.expected = self.runs()
                return
            except (TinygradError, ValueError):
                continue
        self.calls = [arrays] * 4
        self.expected = self.runs()

    def runs(self, around: Around = lambda function: function()) -> list[Arrays]:
        """What each run returns, and what it leaves behind."""
        kept = Kept(self.program)
        found: list[Arrays] = []
        for call, arrays in enumerate(self.calls):
            if self.changing:
                kept.between(call)
            inputs = tensors(arrays)
            results = around(functools.partial(self.program.run, inputs, kept))
            found.append(arrays_of([*results, *kept.tensors()]))
        return found

    def wrong(self, found: Sequence[Arrays], mode: str) -> str:
        """What is not as it should be."""
        told = self.differences(found, None)
        if told and "is missing" not in told:
            for bounds in ROUNDINGS[mode].distances(self.runs, self.expected):
                told = self.differences(found, bounds)
                if not told:
                    break
        return told and f"seed {self.seed}, {mode}:\n{told}{self.program}\n"

    def differences(
        self,
        found: Sequence[Arrays],
        bounds: Sequence[Arrays] | None,
    ) -> str:
        """What is farther from what it should be than a bound; None: at all."""
        told = ""
        for call, (results, expected) in enumerate(zip(found, self.expected, strict=True)):
            for place, (one, other) in enumerate(zip(results, expected, strict=True)):
                where = f"call {call}, result {place}"
                if kind_of(one) != kind_of(other):
                    told += f"{where} is missing: {one!r} is not {other!r}\n"
                elif one is not None and other is not None:
                    bound = bounds[call][place] if bounds is not None else None
                    told += said(where, one, other, np.zeros(one.shape) if bound is None else bound)
        return told


def said(where: str, one: np.ndarray, other: np.ndarray, bound: np.ndarray) -> str:
    """The first number that is farther from the other than a bound, if there is one."""
    wrong = np.argwhere(apart(one, other) > bound)
    if not len(wrong):
        return ""
    at = tuple(wrong[0])
    return (
        f"{where} of {one.dtype}{list(one.shape)} at {[*map(int, at)]}: {one[at]!r} is not"
        f" {other[at]!r}, but may be off by {bound[at]}; {len(wrong)} are wrong\n"
    )


def longer(shape: tuple[int, ...], length: int) -> tuple[int, ...]:
    """A shape in which all axes of a length are longer by one."""
    return tuple(n + (n == length) for n in shape)


def kind_of(x: np.ndarray | None) -> Any:
    return None if x is None else (x.shape, x.dtype)


def arrays_of(results: Sequence[Any]) -> list[np.ndarray | None]:
    return [None if x is None else np.array(x) for x in results]


def tensors(arrays: Sequence[np.ndarray]) -> list[Tensor]:
    """Tensors on the very arrays, strides and all, as slices of others are."""
    return [Tensor.lift(array) for array in arrays]


def outcomes(trials: Sequence[Trial], mode: str, threads: int | None = None) -> list[list[Any]]:
    """What the programs of all trials give in each run, compiled as one step.

    Results are looked at in the end: none may change when the step runs again.
    """
    kept, traces = [Kept(trial.program) for trial in trials], []

    def step(*inputs: Tensor) -> list[Any]:
        traces.append(tuple(x.shape for x in inputs))
        left = iter(inputs)
        return [
            trial.program.run([next(left) for _ in trial.program.arrays], own)
            for trial, own in zip(trials, kept, strict=True)
        ]

    compiled = tl.compile(mode=mode, threads=threads)(step)
    returned, left_behind = [], []
    for call in range(len(trials[0].calls)):
        for own in kept:
            own.between(call)
        returned.append(compiled(*(x for trial in trials for x in tensors(trial.calls[call]))))
        left_behind.append([arrays_of([*own.tensors()]) for own in kept])
    assert compiled._shown().mode == mode, "the C compiler failed"
    assert len(traces) == len(set(traces)), "it was traced again"
    runs = [*zip(returned, left_behind, strict=True)]
    return [
        [[*arrays_of(results[i]), *state[i]] for results, state in runs] for i in range(len(trials))
    ]


def check(trials: Sequence[Trial], mode: str) -> None:
    """Compare what programs give compiled, together and, where that fails, alone."""
    try:
        found = outcomes(trials, mode)
        wrong = [t for t, runs in zip(trials, found, strict=True) if t.wrong(runs, mode)]
        told = wrong[0].wrong(found[trials.index(wrong[0])], mode) if wrong else ""
    except Exception as error:
        wrong, told = list(trials), repr(error)
    if wrong and len(trials) > 1:
        for trial in wrong:
            check([trial], mode)
        told += f"Only together with {[t.seed for t in trials]}"
    assert not wrong, told


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs_in_numpy(chunk: int, request: pytest.FixtureRequest) -> None:
    for seed in range(request.config.getoption("--programs"))[chunk::CHUNKS]:
        if seed % IN_C:
            check([Trial(seed)], "numpy")


@needs_compiler
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs_in_c(
    chunk: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    hurry(monkeypatch, LEVELS[chunk])
    seeds = range(0, request.config.getoption("--programs"), IN_C)[chunk::CHUNKS]
    for start in range(0, len(seeds), TOGETHER):
        check([Trial(seed) for seed in seeds[start : start + TOGETHER]], "c")


@needs_compiler
def test_random_programs_on_other_shapes_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, "-O0")
    trials = [Trial(seed) for seed in range(11_000, 11_040)]
    for trial in trials:
        trial.reshape()
    assert sum(trial.calls[0] is not trial.calls[1] for trial in trials) > 20
    check(trials, "c")


@needs_compiler
def test_random_programs_do_not_depend_on_the_number_of_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurry(monkeypatch, "-O0")
    monkeypatch.setattr(team, "WORTHWHILE", 0)
    trials = [Trial(seed) for seed in range(10_000, 10_030)]
    alone = outcomes(trials, "c", threads=1)
    for threads in (2, 3):
        for trial, one, other in zip(trials, alone, outcomes(trials, "c", threads), strict=True):
            for x, y in zip(itertools.chain(*one), itertools.chain(*other), strict=True):
                assert same_bits(x, y), f"seed {trial.seed}, {threads} threads:\n{trial.program}"


def same_bits(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype and one.shape == other.shape and not apart(one, other).any()


# ---- the tests are tests -----------------------------------------------------------------------


def test_the_programs_are_of_all_kinds() -> None:
    programs = [Program(seed) for seed in range(500)]
    names = {step.name for program in programs for step in program.steps}
    assert len(names) > len(REGISTRY) / 2
    assert names >= {name for name, _, _ in LAYERS} | {x.__name__ for x in OF_GRADIENTS}
    modules = {number for program in programs for number, _ in program.modules}
    assert modules == {*range(len(MODULES))}
    assert {program.optimizer for program in programs} == {"", *OPTIMIZERS}
    assert {len(program.steps) for program in programs} >= set(range(3, 23))
    arrays = [array for program in programs for array in program.arrays]
    assert {array.dtype for array in arrays} >= {np.dtype(name) for name in DTYPES}
    assert {array.shape for array in arrays} >= {(), (0,), (0, 3), (17,), (4, 67)}
    assert sum(not array.flags.c_contiguous for array in arrays) > 100
    assert sum(bool(np.isnan(array).any()) for array in arrays if array.dtype.kind == "f") > 30
    orders = [program.order for program in programs]
    assert min(orders.count(1), 2 * orders.count(2)) > 100
    assert sum(bool(program.held) for program in programs) > 40


def test_a_wrong_number_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "RUNS", 1)
    monkeypatch.setitem(NOTATIONS, "add", NOTATIONS["subtract"])
    wrong = []
    for seed in range(12):
        with contextlib.suppress(AssertionError):
            check([Trial(seed)], "numpy")
            continue
        wrong.append(seed)
    assert wrong


@needs_compiler
def test_a_wrong_number_of_c_is_noticed_and_its_program_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hurry(monkeypatch, "-O0")
    monkeypatch.setattr(rounding, "RUNS", 1)
    monkeypatch.setitem(operators.ANY_OPERATORS, "add", operators.ANY_OPERATORS["subtract"])
    trials = [Trial(seed) for seed in range(12)]
    with pytest.raises(AssertionError, match=r"seed \d+, c:\s+call 1, result"):
        check(trials, "c")


def test_how_far_results_may_be_off() -> None:
    x = np.array([0.3, 1.0, 3.0, 1e9, np.nan, 0.0])

    def distances(function: Any) -> np.ndarray:
        def run(around: Any) -> list[Any]:
            return [arrays_of(around(lambda: [function(Tensor(x))]))]

        *_, ((found,),) = Rounding(UNITS["c"], SUMS).distances(run, run(lambda f: f()))
        assert found is not None
        return found

    assert not distances(lambda t: tl.floor(t * 0.1 + t)).any()  # all exact
    near = distances(lambda t: tl.exp(tl.log(t)))
    assert (near[:4] > 1e-16 * x[:4]).all()
    assert (near[:4] < 1e-11 * x[:4]).all()
    assert near[4] == 0
    assert np.isinf(distances(lambda t: tl.exp(tl.log(t)) > 3.0)[2])  # a digit decides
    assert not distances(lambda t: tl.exp(tl.log(t)) > 3.5).any()


def test_what_is_apart() -> None:
    def gap(one: Any, other: Any, dtype: Any = float) -> float:
        return float(apart(np.array(one, dtype), np.array(other, dtype)))

    assert gap(1.0, 1.5) == gap(1.5, 1.0) == 0.5
    assert gap(0.0, -0.0) > 0
    assert gap(math.nan, math.nan) == gap(math.inf, math.inf) == 0
    assert gap(math.nan, 1) == gap(math.inf, -math.inf) == gap(1, 2, int) == math.inf

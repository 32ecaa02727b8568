"""Random programs of the ops of the registry: compiled, they give what they give eagerly.

A program is a list of ops, each with the places of its inputs, grown from a seed by trying op after
op on what is there; what an op refuses is not taken. Inputs are of all dtypes, have no axes or
empty ones, and hold NaN, infinities, signed zeros and denormals. Half of the programs go on to
gradients, and some keep a tensor from one run to the next.
``pytest tests/test_compile_random.py --programs 100000`` tries more of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd
from tinygrad_lesson.compiler.numpy_code.notation import NOTATIONS
from tinygrad_lesson.errors import TinygradError
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample, calls

CHUNKS = 20
"""The programs are spread over so many tests."""

SHAPED = {
    "flatnonzero", "nonzero", "argwhere", "masked_select", "unique_places", "unique_all",
    "unique_counts", "unique_inverse", "unique_values", "repeat", "sum_repeated",
}  # fmt: skip
"""Their shapes depend on numbers: they cannot be compiled."""

UNWRITTEN = {"empty_like"}
"""Its numbers are anything."""

ROUNDED = {"sigmoid", "affine", "silu", "glu", "matmul", "gelu"}
"""In their gradients terms are added up in another order."""

DTYPES = ("f8", "f8", "f8", "f4", "f4", "f2", "i8", "i4", "i1", "u1", "?")
SHAPES = ((), (1,), (3,), (4,), (3, 4), (1, 4), (3, 1), (4, 3), (2, 3, 4), (0,), (0, 3), (2, 2))
SPECIAL = (np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e300, -1.0, 1.0, 0.5)
LARGEST = 600

ELEMENTWISE = [
    op for op in REGISTRY.values()
    if op.kind.name == "elementwise" and op.name not in SHAPED | UNWRITTEN and not op.required
]  # fmt: skip
SAMPLED = [
    (op, call)
    for op in REGISTRY.values()
    if op.name not in SHAPED | UNWRITTEN
    for call in calls(op.samples)
]


class Step(NamedTuple):
    """An op, the places of its inputs (or numbers of Python's), and its parameters."""

    op: Op[...]
    inputs: tuple[int | tuple[Any], ...]
    params: dict[str, Any]

    def __repr__(self) -> str:
        given = [f"v{x}" if isinstance(x, int) else repr(x[0]) for x in self.inputs]
        given += [f"{k}={v!r}" for k, v in self.params.items()]
        return f"{self.op.name}({', '.join(given)})"

    def run(self, values: list[Any]) -> list[Tensor]:
        args = [values[x] if isinstance(x, int) else x[0] for x in self.inputs]
        out = self.op.record(*args, **self.params)
        return [out] if isinstance(out, Tensor) else [x for x in out if isinstance(x, Tensor)]


class Program:
    """Inputs, the ops on them, and which results and gradients to give back.

    Parameters
    ----------
    seed
        Decides about everything.
    """

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.arrays: list[np.ndarray] = []
        self.steps: list[Step] = []
        self.grown: list[tuple[int, int | None]] = []
        self.values: list[Any] = []
        for _ in range(self.rng.integers(1, 4)):
            self.enter(self.array())
        for _ in range(self.rng.integers(3, 31)):
            self.grow()
        used = {x for step in self.steps for x in step.inputs if isinstance(x, int)}
        self.results = [i for i in range(len(self.values)) if i not in used]
        some = self.rng.integers(0, len(self.values), 2).tolist()
        self.results = sorted({*self.results, *some})
        self.held = self.keeps()
        self.differentiated = bool(self.rng.random() < 0.5) and self.has_gradients()

    # ---- growing -----------------------------------------------------------------------------

    def pick(self, items: Any) -> Any:
        return items[self.rng.integers(len(items))]

    def array(self, shape: Any = None, dtype: Any = None) -> np.ndarray:
        shape = self.pick(SHAPES) if shape is None else shape
        dtype = np.dtype(self.pick(DTYPES) if dtype is None else dtype)
        if dtype.kind == "b":
            return self.rng.random(shape) < 0.5
        if dtype.kind in "iu":
            low = 0 if dtype.kind == "u" else -5
            return self.rng.integers(low, 9, shape).astype(dtype)
        numbers = self.rng.normal(size=shape) * self.pick((0.5, 1.0, 3.0))
        if self.rng.random() < 0.3:
            mask = self.rng.random(shape) < 0.3
            numbers = np.where(mask, self.rng.choice(SPECIAL, shape), numbers)
        with np.errstate(all="ignore"):
            return np.asarray(numbers).astype(dtype)

    def enter(self, array: np.ndarray) -> int:
        """One more input."""
        place = len(self.values)
        self.arrays.append(array)
        self.grown.append((place, None))
        self.values.append(Tensor(array))
        return place

    def grow(self) -> None:
        """Add an op, if one of several tries is taken."""
        for _ in range(6):
            how = self.rng.random()
            before = len(self.values), len(self.arrays), len(self.grown)
            if how < 0.45:
                step = self.elementwise()
            elif how < 0.8:
                step = self.structural()
            else:
                step = self.sampled()
            try:
                results = step.run(self.values)
            except (TinygradError, ValueError, TypeError, IndexError, OverflowError):
                results = []
            if results and all(x.size <= LARGEST for x in results):
                self.steps.append(step)
                for x in results:
                    self.grown.append((len(self.values), len(self.steps) - 1))
                    self.values.append(x)
                return
            del self.values[before[0] :], self.arrays[before[1] :], self.grown[before[2] :]

    def some(self, kinds: str = "fiub") -> int:
        """A value, a late one rather than an early one."""
        places = [i for i, v in enumerate(self.values) if v.dtype.kind in kinds]
        if not places:
            return self.enter(self.array(dtype="f8" if "f" in kinds else "i8"))
        late = max(len(places) - 1 - int(self.rng.exponential(3.0)), 0)
        return places[late]

    def elementwise(self) -> Step:
        op = self.pick(ELEMENTWISE)
        inputs: list[Any] = []
        for i in range(len(op.arrays)):
            if i == len(op.arrays) - 1 and i and self.rng.random() < 0.4:
                inputs.append((self.pick((0.5, 2, -1.5, 0, 1, True, 1e-3, -0.0)),))
            else:
                inputs.append(self.some("f" if self.rng.random() < 0.6 else "fiub"))
        return Step(op, tuple(inputs), {})

    def sampled(self) -> Step:
        """A call as the registry has it, on new inputs and, where one fits, on what is there."""
        op, call = self.pick(SAMPLED)
        assert isinstance(call, Sample)
        dtype = self.pick(("f8", "f8", "f4"))
        inputs = []
        for domain, array in zip(call.inputs, call.draw(self.rng, np.dtype(dtype)), strict=True):
            fits = [
                i for i, v in enumerate(self.values)
                if v.shape == array.shape and v.dtype == array.dtype and domain.kind == "f"
            ]  # fmt: skip
            reuse = fits and not domain.dominant and self.rng.random() < 0.5
            inputs.append(self.pick(fits) if reuse else self.enter(array))
        return Step(op, tuple(inputs), dict(call.params))

    def structural(self) -> Step:
        """Reductions, views, indexing, joining and products, with parameters for what is there."""
        x = self.some()
        shape = self.values[x].shape
        ndim = len(shape)
        axis = int(self.rng.integers(-ndim, ndim)) if ndim else None
        name = self.pick(STRUCTURAL)
        op = REGISTRY[name]
        if name in REDUCTIONS:
            some = self.pick((None, axis, axis))
            return Step(op, (x,), {"axis": some, "keepdims": bool(self.rng.random() < 0.5)})
        if name in ("cumulative_sum", "flip", "sort", "argsort", "softmax", "log_softmax"):
            return Step(op, (x,), {"axis": axis})
        if name == "reshape":
            size = self.values[x].size
            cut = [n for n in (1, 2, 3, 4) if size % n == 0]
            first = self.pick(cut)
            return Step(
                op, (x,), {"shape": self.pick(((-1,), (first, size // first), shape[::-1]))}
            )
        if name == "permute_dims":
            return Step(op, (x,), {"axes": tuple(self.rng.permutation(ndim).tolist())})
        if name == "expand_dims":
            return Step(op, (x,), {"axis": int(self.rng.integers(-ndim - 1, ndim + 1))})
        if name == "squeeze":
            ones = [i for i, n in enumerate(shape) if n == 1]
            return Step(op, (x,), {"axis": self.pick(ones) if ones else axis})
        if name == "broadcast_to":
            return Step(op, (x,), {"shape": (*self.pick(((2,), (), (0,), (1, 3))), *shape)})
        if name == "roll":
            return Step(op, (x,), {"shift": int(self.rng.integers(-3, 4)), "axis": axis})
        if name == "astype":
            return Step(op, (x,), {"dtype": np.dtype(self.pick(DTYPES))})
        if name == "getitem":
            return self.indexed(x, shape)
        if name in ("concat", "stack"):
            return Step(op, (x, self.some(), x), {"axis": axis or 0})
        if name == "where":
            return Step(op, (self.some("b"), x, self.some()), {})
        if name == "take":
            index = self.enter(self.rng.integers(0, max(shape[axis], 1) if axis is not None else 1,
                                                 self.pick(((2,), (), (2, 2), (0,)))))  # fmt: skip
            return Step(op, (x, index), {"axis": axis})
        return Step(op, (x, self.some()), {})  # a product

    def indexed(self, x: int, shape: tuple[int, ...]) -> Step:
        index: list[Any] = []
        arrays: list[int] = []
        for n in shape[: int(self.rng.integers(0, len(shape) + 1))]:
            how = self.rng.random()
            if how < 0.3 and n:
                index.append(int(self.rng.integers(-n, n)))
            elif how < 0.8:
                ends = self.rng.integers(-n - 1, n + 2, 2).tolist()
                index.append(slice(self.pick((None, ends[0])), self.pick((None, ends[1])),
                                   self.pick((None, 1, 2, -1))))  # fmt: skip
            elif how < 0.9 or not n:
                index += [None, slice(None)]
            else:
                index.append(tl.arrays.SLOT)
                arrays.append(self.enter(self.rng.integers(-n, n, self.pick(((2,), (3,), ())))))
        return Step(
            REGISTRY["getitem"], (x, *arrays), {"index": (*index, *self.pick(((), (...,))))}
        )

    def keeps(self) -> list[tuple[int, np.ndarray]]:
        """Some results that are assigned to tensors from outside, and what those hold at first."""
        floats = [i for i in self.results if self.values[i].dtype.kind == "f"]
        if self.rng.random() < 0.7 or not floats:
            return []
        place = self.pick(floats)
        value = self.values[place]
        return [(place, self.array(value.shape, value.dtype))]

    def has_gradients(self) -> bool:
        try:
            self.run([Tensor(array) for array in self.arrays], [], gradients=True)
        except (TinygradError, ValueError):
            return False
        return True

    # ---- running -----------------------------------------------------------------------------

    def run(self, inputs: Any, held: list[Tensor], gradients: bool | None = None) -> list[Any]:
        """Results, and gradients of the sum of those that have some."""
        given = iter(inputs)
        values: list[Tensor] = []
        leaves: list[Tensor] = []
        differentiated = self.differentiated if gradients is None else gradients
        done = -1
        for _, number in self.grown:
            if number is None:
                values.append(self.entered(next(given), differentiated, leaves))
            elif number != done:
                values += self.steps[number].run(values)
                done = number
        results = [values[i] for i in self.results]
        for tensor, (place, _) in zip(held, self.held, strict=False):
            results.append(tensor * 2.0)
            tensor.assign(values[place].detach())
        if not differentiated:
            return results
        ends = [x for x in results if x.requires_grad]
        found: tuple[Any, ...] = ()
        if ends:
            ones = [tl.ones_like(x.detach()) for x in ends]
            found = autograd.grad(ends, leaves, ones, allow_unused=True)
        return [*(x.detach() for x in results), *found]

    def entered(self, x: Tensor, differentiated: bool, leaves: list[Tensor]) -> Tensor:
        if differentiated and x.dtype.kind == "f":
            x = x.detach()
            x.requires_grad = True
            leaves.append(x)
        return x

    def __str__(self) -> str:
        names = [f"{a.dtype}{list(a.shape)}" for a in self.arrays]
        lines = [f"inputs {', '.join(names)}; gradients {self.differentiated}"]
        for place, number in self.grown:
            lines.append(f"v{place} = {'input' if number is None else self.steps[number]}")
        return "\n".join([*lines, f"return {self.results}, keep {[p for p, _ in self.held]}"])


STRUCTURAL = [
    "sum", "mean", "max", "min", "prod", "any", "all", "argmax", "var", "cumulative_sum", "flip",
    "sort", "argsort", "softmax", "log_softmax", "reshape", "reshape", "permute_dims",
    "expand_dims", "squeeze", "broadcast_to", "roll", "astype", "getitem", "getitem", "getitem",
    "concat", "stack", "where", "take", "matmul", "matmul", "outer",
]  # fmt: skip
REDUCTIONS = ("sum", "mean", "max", "min", "prod", "any", "all", "argmax", "var")
STRUCTURAL = [name for name in STRUCTURAL if name in REGISTRY]


# ---- the comparison ----------------------------------------------------------------------------


def same_bits(one: np.ndarray, other: np.ndarray, signs: bool = True) -> bool:
    """Equal to the bit, but for what kind of NaN it is, and for `signs` of zero if need be."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind != "f":
        return bool(np.array_equal(one, other))
    nan = np.isnan(one)
    return bool(
        np.array_equal(nan, np.isnan(other))
        and np.array_equal(one[~nan], other[~nan])
        and (not signs or np.array_equal(np.signbit(one[~nan]), np.signbit(other[~nan])))
    )


def close(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal up to the rounding of sums, in terms of the largest number."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    finite = np.isfinite(one) & np.isfinite(other)
    largest = np.abs(np.where(finite, other, 0)).max(initial=0).astype(float)
    eps = float(np.finfo(one.dtype).eps) if one.dtype.kind == "f" else 0.0
    with np.errstate(all="ignore"):
        near = np.abs(one.astype(float) - other) <= 1e3 * eps * (largest + np.abs(other))
    return bool((near | (one == other) | (np.isnan(one) & np.isnan(other))).all())


def arrays_of(results: list[Any], held: list[Tensor]) -> list[Any]:
    return [None if x is None else np.array(x) for x in (*results, *held)]


def check(seed: int, mode: str) -> None:
    """Compare three runs: the traced one, the same inputs again, and others."""
    program = Program(seed)
    rounded = program.differentiated and any(s.op.name in ROUNDED for s in program.steps)
    rounded = rounded or mode != "numpy"
    kept = [[Tensor(start) for _, start in program.held] for _ in range(2)]
    compiled = tl.compile(mode=mode)(lambda *inputs: program.run(inputs, kept[1]))
    others = [
        a if a.dtype.kind in "iu" else program.array(a.shape, a.dtype) for a in program.arrays
    ]
    for arrays in (program.arrays, program.arrays, others):
        try:
            eager = arrays_of(program.run([Tensor(a) for a in arrays], kept[0]), kept[0])
        except (TinygradError, ValueError):  # these numbers are refused, as by a solver
            break
        fast = arrays_of(compiled(*(Tensor(a) for a in arrays)), kept[1])
        assert len(fast) == len(eager)
        for place, (one, other) in enumerate(zip(fast, eager, strict=True)):
            # A gradient may be put together without adding zeros, which lets -0.0 be, and BLAS
            # rounds a product by how its factors lie in memory, which passes may change.
            own = place < len(program.results) or place >= len(eager) - len(program.held)
            equal = one is other if other is None or one is None else same_bits(one, other, own)
            if not equal and (rounded or not own) and one is not None:
                equal = close(one, other)
            assert equal, f"seed {seed}, result {place}: {one} is not {other}\n{program}\n" + (
                compiled.source() if mode == "numpy" else ""
            )


def check_all(seeds: Iterable[int], mode: str) -> None:
    for seed in seeds:
        check(seed, mode)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("mode", ["numpy"])
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_programs(chunk: int, mode: str, request: pytest.FixtureRequest) -> None:
    check_all(range(chunk, request.config.getoption("--programs"), CHUNKS), mode)


def test_the_programs_are_of_all_kinds() -> None:
    programs = [Program(seed) for seed in range(300)]
    names = {step.op.name for program in programs for step in program.steps}
    assert len(names) > len(REGISTRY) / 2
    assert {len(program.steps) for program in programs} >= set(range(3, 28))
    dtypes = {a.dtype for program in programs for a in program.arrays}
    assert dtypes >= {np.dtype(name) for name in DTYPES}
    shapes = {a.shape for program in programs for a in program.arrays}
    assert shapes.issuperset([(), (0,), (0, 3)])
    assert 100 < sum(program.differentiated for program in programs) < 200
    assert sum(bool(program.held) for program in programs) > 30


def test_a_wrong_number_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not same_bits(np.array([0.0]), np.array([-0.0]))
    assert not same_bits(np.array([1.0]), np.array([1.0], np.float32))
    assert same_bits(np.array([np.nan, 1.0]), np.array([np.nan, 1.0]))
    assert not close(np.array([np.inf]), np.array([1.0]))
    assert not close(np.array([1.0]), np.array([1.0 + 1e-9]))
    monkeypatch.setitem(NOTATIONS, "add", NOTATIONS["subtract"])
    with pytest.raises(AssertionError, match="is not"):
        check_all(range(60), "numpy")

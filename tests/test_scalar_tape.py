"""Programs of very many 0-d equations: a tape gives the numbers that eager gives, in both modes."""

from __future__ import annotations

import gc
import math
import operator
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson.compiler import taping
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.compiler.tapes import kept
from tinygrad_lesson.compiler.tapes.tape import SCALAR_TAPE, Tape
from tinygrad_lesson.errors import TinygradError
from tinygrad_lesson.op import REGISTRY
from tinygrad_lesson.tracing.program import Equation, Value

from .support import filled
from .test_c_operators import CANCELLING, ROUNDED

C = pytest.param("c", marks=pytest.mark.skipif(not toolchain.find_compiler(), reason="no compiler"))
MODES = ["numpy", C]
SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -2.5, 7.25, -30.0, 100.0)

pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.usefixtures("quiet"),
]


@pytest.fixture
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def tapes(step: Any) -> list[Tape]:
    """The tapes of the latest call."""
    return [e.params["tape"] for e in step.program.equations if e.op is SCALAR_TAPE]


def numbers(values: Any, dtype: Any = np.float64) -> list[Tensor]:
    """A 0-d tensor of each."""
    return [Tensor(np.asarray(value, dtype)) for value in values]


def padded(x: Tensor, count: int = taping.MANY) -> Tensor:
    """A chain of so many equations, none of which a pass can leave out."""
    for i in range(count):
        x = x * 1.25 if i % 2 else x + 0.125
    return x


def both(function: Callable[..., Any], mode: str, *args: Any) -> tuple[Any, Any, Any]:
    """The compiled step, what its second call gives, and what eager gives."""
    step = tl.compile(function, mode=mode)
    step(*args)
    found = step(*args)
    assert step._shown().mode == mode
    return step, found, function(*args)


def assert_same(found: Any, expected: Any) -> None:
    for x, y in zip(found, expected, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_array_equal(x.numpy(), y.numpy())
        if x.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(x.numpy()), np.signbit(y.numpy()))


# ---- ops -----------------------------------------------------------------------------------


def calls(dtype: Any) -> Iterator[tuple[Any, list[int], dict[str, Any]]]:
    """Every elementwise op that fits on a tape, and at which special values to call it."""
    for op in REGISTRY.values():
        if op.kind.name != "elementwise" or not op.samples:
            continue
        count = len(op.arrays)
        params = filled(op, getattr(op.samples[0], "params", {}))
        given = tuple(Value(i, (), np.dtype(dtype)) for i in range(count))
        with np.errstate(all="ignore"):
            try:
                out = op(*numbers([0.5] * count, dtype), **params)
            except TinygradError:
                continue
        if taping.can_run(Equation(Value(9, (), out.dtype), op, given, params)):
            for first in range(len(SPECIAL)):
                others = [(first * (i + 2) + i) % len(SPECIAL) for i in range(1, count)]
                yield op, [first, *others], params


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("mode", MODES)
def test_every_op_gives_what_it_gives_eagerly(mode: str, dtype: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(taping, "MANY", 10)
    found = list(calls(dtype))
    assert len({op.name for op, _, _ in found}) > 90

    def step(*given: Tensor) -> list[Tensor]:
        return [op(*(given[i] for i in places), **params) for op, places, params in found]

    compiled, results, expected = both(step, mode, *numbers(SPECIAL, dtype))
    assert {tape.dtype for tape in tapes(compiled)} == {x.dtype.char for x in expected}
    wrong = []
    for (op, places, params), x, y in zip(found, results, expected, strict=True):
        values = [SPECIAL[i] for i in places]
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        a, b = float(x.item()), float(y.item())
        if mode == "c" and op.name in ROUNDED and math.isfinite(b):
            size = max([abs(b), *(abs(v) for v in values if math.isfinite(v))])
            unit = float(np.spacing(dtype(size if op.name in CANCELLING else abs(b))))
            same = abs(a - b) <= ROUNDED[op.name] * unit
        else:
            same = a == b or (a != a and b != b)
        if not same:
            wrong.append(f"{op.name}{values} {params} is {b!r}, on a tape {a!r}")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong)


@pytest.mark.parametrize("mode", MODES)
def test_integers_and_booleans(mode: str) -> None:
    values = [Tensor(np.array(v, np.int64)) for v in (3, -7, 0, 2**62)]

    def step(*given: Tensor) -> list[Tensor]:
        found: list[Tensor] = []
        for i in range(60):
            x, y = given[i % 4], given[(i * 3 + 1) % 4]
            found += [x * 3 + i, x // 5 - y, x % 7, x > y, (x > y) | (y == 0), x * 2.5,
                      tl.where(x < y, x, i), (x > i).astype(np.float32) * 0.1]  # fmt: skip
        return found

    compiled, found, expected = both(step, mode, *values)
    assert {tape.dtype for tape in tapes(compiled)} == {"l", "?", "d", "f"}
    assert_same(found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_parameters_and_python_numbers_of_ops(mode: str) -> None:
    values = numbers((-2.0, -0.0, 0.3, math.nan, math.inf, 5.0))

    def step(*given: Tensor) -> list[Tensor]:
        found = []
        for i in range(40):
            x = given[i % 6]
            found += [
                tl.leaky_relu(x, negative_slope=0.01 * (i % 3)), tl.clip(x, -1.0, 0.5 * (i % 4)),
                x**2, x**0.5, x**-1, 2.0 - x, 1 / x, tl.where(x > 0.1 * i, x, -1.0),
                tl.maximum(x, 0.7), -x, abs(x), x * i,
            ]  # fmt: skip
        return found

    compiled, found, expected = both(step, mode, *values)
    assert len(tapes(compiled)) == 1
    assert_same(found, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("mode", MODES)
def test_random_programs(mode: str, dtype: Any) -> None:
    """Operands of any age, so that places are used again; constants, and results anywhere."""
    random = np.random.default_rng(7)
    ops = (operator.add, operator.sub, operator.mul, tl.maximum, tl.minimum)
    rows = [(random.integers(5), *random.random(2)) for _ in range(1500)]
    wanted = set(random.integers(0, 1500, 20).tolist())

    def step(*given: Tensor) -> list[Tensor]:
        known, results = list(given), []
        for i, (op, a, b) in enumerate(rows):
            x = known[int(a * len(known))] if i % 3 else known[-1]
            y = known[-1 - int(b * min(len(known), 40))] if i % 7 else float(np.float32(b))
            known.append(ops[op](x, y))
            if op == 4:
                known[-1] = tl.where(known[-1] < 0.5, known[-1], tl.relu(x) * 0.5)
            if i in wanted:
                results.append(known[-1])
        return results

    compiled, found, expected = both(step, mode, *numbers(random.standard_normal(9), dtype))
    (tape,) = tapes(compiled)
    assert tape.sizes[np.dtype(dtype).char] < tape.count  # places were used again
    assert_same(found, expected)


# ---- what becomes a tape -------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_the_threshold(mode: str) -> None:
    for count in (taping.MANY - 1, taping.MANY):
        step, found, expected = both(lambda x, n=count: [padded(x, n)], mode, *numbers([0.1]))
        assert [tape.count for tape in tapes(step)] == [count] * (count == taping.MANY)
        assert_same(found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_step_may_end_in_what_it_began_with(mode: str) -> None:
    def step(x: Tensor, y: Tensor) -> list[Tensor]:
        one = padded(x)
        return [one * 1.0, x + 0.0 * y, one, tl.ones_like(y) * 2.0, one * 0.0 + 3.0]

    compiled, found, expected = both(step, mode, *numbers([0.1, 0.2]))
    assert len(tapes(compiled)) == 1
    assert_same(found, expected)


@pytest.mark.parametrize("mode", MODES)
def test_between_arrays(mode: str) -> None:
    """An array, its elements on a tape, an array of those, and its sum on another tape."""
    x = Tensor(np.linspace(-1, 1, 5))

    def step(x: Tensor) -> list[Tensor]:
        first = [padded(e, 200) for e in tl.tanh(x)]
        y = tl.stack(first) * x
        few = y.sum() * 2.0 + 1.0
        return [y, few, padded(y.max() * few), first[2]]

    compiled, found, expected = both(step, mode, x)
    assert [tape.count for tape in tapes(compiled)] == [1000, taping.MANY + 3]
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-14)


def moons(mode: str | None, dtype: Any) -> tuple[Any, list[Tensor], Any]:
    """Micrograd's demo on a few points: SGD with momentum, and a schedule."""
    random = np.random.default_rng(0)
    layers = [
        [numbers(random.uniform(-1, 1, size + 1), dtype) for _ in range(out)]
        for size, out in ((2, 4), (4, 1))
    ]
    weights = [w for layer in layers for neuron in layer for w in neuron]
    for w in weights:
        w.requires_grad = True
    points = random.standard_normal((6, 2)).tolist()
    descent = tl.optim.SGD(weights, lr=0.1, momentum=0.9)
    schedule = tl.optim.lr_scheduler.ExponentialLR(descent, gamma=0.9)

    def step() -> Tensor:
        losses = []
        for i, values in enumerate(points):
            for layer in layers:
                sums = [sum((w * v for w, v in zip(ws, values, strict=True)), b)
                        for *ws, b in layer]  # fmt: skip
                values = [tl.relu(s) for s in sums] if layer is layers[0] else sums
            losses.append(tl.relu(1 + values[0] * (1.0 if i % 2 else -1.0)))
        loss = sum(losses) * (1 / len(losses)) + sum(w * w for w in weights) * 1e-4
        descent.zero_grad()
        loss.backward()
        descent.step()
        schedule.step()
        return loss

    return (tl.compile(step, mode=mode) if mode else step), weights, descent


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("mode", MODES)
def test_training(mode: str, dtype: Any) -> None:
    step, weights, descent = moons(mode, dtype)
    eager, expected, other = moons(None, dtype)
    for _ in range(4):
        assert_same([step()], [eager()])
    assert_same([step.repeat(2)], [[eager(), eager()][1]])
    assert len(tapes(step)) == 1
    assert_same(weights, expected)
    assert descent.param_groups[0]["lr"] == other.param_groups[0]["lr"]
    with tl.no_grad():
        weights[0].assign(tl.ones_like(weights[0]))
        expected[0].assign(tl.ones_like(weights[0]))
    assert_same([step()], [eager()])


def test_the_source_says_what_the_table_is(tmp_path: Path, monkeypatch: Any) -> None:
    step = tl.compile(lambda x: padded(x) * x)
    step(*numbers([0.3]))
    source = step.source()
    assert "501 equations of single numbers" in source
    assert "tape" in f"{step.cost()}"
    assert step.cost().flops == 501
    assert not step.cost().host
    path = tmp_path / "exported_tape.py"
    step.export(path)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("exported_tape")
    del sys.modules["exported_tape"]
    (found,) = [value for name, value in vars(module).items() if name == "step"]
    assert found(np.array(0.3)) == step(*numbers([0.3])).item()


def test_garbage_is_collected_after_a_trace_again() -> None:
    def fails(x: Tensor) -> Tensor:
        raise KeyError

    step = tl.compile(lambda x: padded(x, 3))
    step(*numbers([1.0]))
    with pytest.raises(KeyError):
        tl.compile(fails)(*numbers([1.0]))
    assert gc.isenabled()


# ---- tapes that were kept ------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: Any) -> Path:
    """An empty cache, for tapes of any length."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept, "WORTHWHILE", taping.MANY)
    return tmp_path / "tinygrad_lesson" / "kernels"


def test_a_kept_tape_needs_no_passes(folder: Path, monkeypatch: Any) -> None:
    values = numbers([0.3, math.nan])

    def step(x: Tensor, y: Tensor) -> list[Tensor]:
        return [padded(tl.leaky_relu(x, 0.5).astype(np.float32)) ** 3, tl.where(x > 1, x, y)]

    _, found, expected = both(step, "numpy", *values)
    assert_same(found, expected)
    assert len(list(folder.glob("*.npz"))) == 2
    monkeypatch.setattr(taping, "planned", None)
    _, found, _ = both(step, "numpy", *values)
    assert_same(found, expected)


def test_other_programs_are_told_apart(folder: Path) -> None:
    for factor in (2.0, -0.0, 0.0, math.nan, 2):
        for last in (operator.add, operator.sub):
            _, found, expected = both(
                lambda x, y, f=factor, op=last: [op(padded(x) * f, y)], "numpy", *numbers([0.3, 4])
            )
            assert_same(found, expected)
    assert len(list(folder.glob("*.npz"))) == 10


def test_a_damaged_tape_is_made_again(folder: Path) -> None:
    both(lambda x: [padded(x)], "numpy", *numbers([0.3]))
    (path,) = folder.glob("*.npz")
    content = path.read_bytes()
    path.write_bytes(content[:-7] + b"damaged")
    _, found, expected = both(lambda x: [padded(x)], "numpy", *numbers([0.3]))
    assert_same(found, expected)
    assert path.read_bytes() == content

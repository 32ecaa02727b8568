"""Compiled to C: steps give the numbers that they give when run as they are."""

from __future__ import annotations

import gc
import itertools
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn, optim
from tinygrad_lesson.compiler.c_code import schedule, toolchain
from tinygrad_lesson.compiler.c_code import step as c_step
from tinygrad_lesson.compiler.c_code.arrangement import arranged
from tinygrad_lesson.compiler.garbage import uncollected
from tinygrad_lesson.nn import functional as F  # noqa: N812

pytestmark = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

Step = Callable[..., Any]
Maker = Callable[[], tuple[nn.Module, Step]]


@pytest.fixture(params=["float64", "float32"])
def dtype(request: pytest.FixtureRequest) -> Iterator[str]:
    before = tl.get_default_dtype()
    tl.set_default_dtype(request.param)
    yield request.param
    tl.set_default_dtype(before)


def c(function: Step) -> Any:
    return tl.compile(function, mode="c")


def arrays(result: Any) -> list[np.ndarray]:
    return [r.numpy() for r in result] if isinstance(result, tuple | list) else [result.numpy()]


def both(function: Step, *inputs: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """What a function gives in C, beside what it gives as it is."""
    step = c(function)
    tensors = [tl.Tensor(x) for x in inputs]
    with np.errstate(all="ignore"):
        step(*tensors)
        found, expected = step(*tensors), function(*tensors)
    assert step._shown().mode == "c"
    pairs = list(zip(arrays(found), arrays(expected), strict=True))
    for a, b in pairs:
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
    return pairs


def assert_close(function: Step, *inputs: np.ndarray, rtol: float = 1e-5) -> None:
    for number, (found, expected) in enumerate(both(function, *inputs)):
        size = np.abs(expected[np.isfinite(expected)]).max(initial=1e-30)
        np.testing.assert_allclose(
            found, expected, rtol=rtol, atol=rtol * float(size), err_msg=f"result {number}"
        )


# ---- training ------------------------------------------------------------------------------


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 3))


def descend(loss: tl.Tensor, optimizer: Any) -> tl.Tensor:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def optimizers() -> tuple[nn.Module, Step]:
    """One model for each optimizer."""
    kinds: list[Callable[[Any], Any]] = [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        *(lambda p, name=name: getattr(optim, name)(list(p), lr=0.01)
          for name in ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "RMSprop", "Adagrad", "Adadelta",
                       "Lion")),
    ]  # fmt: skip
    models = nn.ModuleList([mlp() for _ in kinds])
    made = [kind(model.parameters()) for kind, model in zip(kinds, models, strict=True)]

    def step(x: tl.Tensor, y: tl.Tensor) -> Any:
        pairs = zip(models, made, strict=True)
        return [descend(F.cross_entropy(model(x), y), optimizer) for model, optimizer in pairs]

    return models, step


def image_classifier() -> tuple[nn.Module, Step]:
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64, 3),
    )  # fmt: skip
    adam = optim.Adam(model.parameters())
    return model, lambda x, y: descend(F.cross_entropy(model(x), y), adam)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        self.embedding, self.out = nn.Embedding(7, 5), nn.Linear(6, 7)
        self.lstm = nn.LSTM(5, 6, batch_first=True)

    def forward(self, tokens: tl.Tensor) -> tl.Tensor:
        return self.out(self.lstm(self.embedding(tokens))[0])


class Attentive(nn.Module):
    def __init__(self) -> None:
        self.embedding, self.out = nn.Embedding(7, 8), nn.Linear(8, 7)
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation="gelu")

    def forward(self, tokens: tl.Tensor) -> tl.Tensor:
        return self.out(self.block(self.embedding(tokens)))


def language_model(kind: type[nn.Module]) -> Maker:
    def make() -> tuple[nn.Module, Step]:
        model = kind()
        sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def step(tokens: tl.Tensor) -> tl.Tensor:
            scores = model(tokens[:, :-1]).reshape(-1, 7)
            loss = F.cross_entropy(scores, tokens[:, 1:].reshape(-1))
            return descend(loss, sgd)

        return model, step

    return make


def adversaries() -> tuple[nn.Module, Step]:
    maker = nn.Linear(5, 5)
    judge = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 1))
    first, second = optim.Adam(maker.parameters()), optim.Adam(judge.parameters())

    def step(x: tl.Tensor, y: tl.Tensor) -> tl.Tensor:
        false = maker(tl.randn(8, 5))
        told = F.softplus(-judge(x)).mean() + F.softplus(judge(false.detach())).mean()
        descend(told, second)
        return told + descend(F.softplus(-judge(false)).mean(), first)

    return nn.ModuleList([maker, judge]), step


def schedule_clipping_and_checkpoint() -> tuple[nn.Module, Step]:
    model = mlp()
    sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    cycle = optim.lr_scheduler.OneCycleLR(sgd, 0.2, 20)
    inner = tl.checkpoint(lambda x: model(x))

    def step(x: tl.Tensor, y: tl.Tensor) -> tl.Tensor:
        loss = F.cross_entropy(inner(x), y)
        sgd.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.1)
        sgd.step()
        cycle.step()
        return loss

    return model, step


def accumulation_and_hessian() -> tuple[nn.Module, Step]:
    model = mlp()

    def step(x: tl.Tensor, y: tl.Tensor) -> Any:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss, tl.hessian(lambda v: (tl.tanh(v * x) ** 2).sum())(x[0])

    return model, step


TRAINED: dict[str, tuple[Maker, str]] = {
    "optimizers": (optimizers, "rows"), "images": (image_classifier, "images"),
    "lstm": (language_model(Recurrent), "tokens"),
    "transformer": (language_model(Attentive), "tokens"), "gan": (adversaries, "rows"),
    "schedule": (schedule_clipping_and_checkpoint, "rows"),
    "hessian": (accumulation_and_hessian, "rows"),
}  # fmt: skip


def data(kind: str) -> list[tl.Tensor]:
    rng = np.random.default_rng(0)
    dtype = tl.get_default_dtype()
    given: dict[str, list[np.ndarray]] = {
        "rows": [rng.normal(size=(8, 5)).astype(dtype), rng.integers(0, 3, 8)],
        "images": [rng.normal(size=(4, 1, 8, 8)).astype(dtype), rng.integers(0, 3, 4)],
        "tokens": [rng.integers(0, 7, (3, 9))],
    }
    return [tl.Tensor(x) for x in given[kind]]


SLOW_TO_BUILD = [(name, "float32") for name in ("optimizers", "images", "lstm")]
CASES = [
    pytest.param(name, dtype, marks=[pytest.mark.long] if (name, dtype) in SLOW_TO_BUILD else [])
    for name in TRAINED
    for dtype in ("float64", "float32")
]


@pytest.mark.parametrize(("name", "dtype"), CASES, indirect=["dtype"])
def test_training_gives_the_same_numbers(name: str, dtype: str) -> None:
    make, kind = TRAINED[name]
    steps, bound = (8, 1e-9) if dtype == "float64" else (3, 1e-5)  # the first ones are traced

    def trained(compiled: bool) -> list[np.ndarray]:
        tl.manual_seed(3)
        model, step = make()
        if compiled:
            step = c(step)
        tl.manual_seed(4)
        out = [x for _ in range(steps) for x in arrays(step(*data(kind)))]
        if compiled:
            assert step._shown().mode == "c"  # type: ignore[attr-defined]
        return out + [value.numpy().copy() for value in model.state_dict().values()]

    for expected, found in zip(trained(False), trained(True), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=bound, atol=bound)


def test_nothing_is_built_for_a_program_of_the_past(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step of an optimizer makes its state; its program fits no later one."""
    built = []
    compiled = c_step.compiled
    monkeypatch.setattr(c_step, "compiled", lambda *args: built.append(1) or compiled(*args))
    model = nn.Linear(2, 1)
    optimizer = optim.Adam(model.parameters())
    step = c(lambda x: descend(model(x).mean(), optimizer))
    for _ in range(4):
        step(tl.ones(3, 2))
    assert len(built) == 1


def test_what_was_looked_at_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    source = c_step.source
    monkeypatch.setattr(c_step, "source", lambda *args: written.append(1) or source(*args))
    step = c(lambda x: tl.exp(x) * 2)
    step(tl.ones(3))
    looked_at = step.source("c")
    step(tl.ones(3))
    assert step.source("c") is looked_at
    assert len(written) == 1


@pytest.mark.parametrize("before", [True, False])
def test_garbage_is_collected_as_before(before: bool) -> None:
    collecting, seen = gc.isenabled(), []

    def function(x: tl.Tensor) -> tl.Tensor:
        seen.append(gc.isenabled())
        return tl.exp(x) * 2

    (gc.enable if before else gc.disable)()
    try:
        step = c(function)
        for _ in range(2):
            step(tl.ones(3))
            seen.append(gc.isenabled())
    finally:
        (gc.enable if collecting else gc.disable)()
    assert seen == [False, before, before]


def test_garbage_is_collected_after_two_threads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, collecting = gc.isenabled, gc.isenabled()

    def meanwhile() -> bool:
        """Asked while another thread makes a program, which is through before the answer comes."""
        gc.enable()
        return False

    try:
        with monkeypatch.context() as patched:
            patched.setattr(gc, "isenabled", meanwhile)
            with uncollected():
                pass
        assert asked()
    finally:
        (gc.enable if collecting else gc.disable)()


def test_of_a_driver_only_what_is_called_is_compiled() -> None:
    step = c(lambda x: tl.exp(x) * 2)
    calls = {"quick": lambda: step(tl.ones(3)), "run": lambda: step(x=tl.ones(3))}
    for name, call in calls.items():
        for _ in range(3):
            call()
        made = vars(step._shown().driver)
        assert [x for x in calls if made.get(x) is not None] == [name]


# ---- reductions ----------------------------------------------------------------------------

X = np.random.default_rng(1).normal(size=(3, 4, 5))


@pytest.mark.parametrize("dtype", ["float32", "float64"], indirect=True)
def test_reductions_over_all_combinations_of_axes(dtype: str) -> None:
    combinations = [None, *(a for n in (1, 2, 3) for a in itertools.combinations(range(3), n))]

    def step(x: tl.Tensor) -> list[tl.Tensor]:
        turned = x.permute_dims((2, 0, 1)) * 2
        part = x[::-1, 1:, ::2] + 1
        return [
            reduction(y, axis=axis, keepdims=keepdims)
            for y in (x, turned, part, tl.exp(x))
            for reduction in (tl.sum, tl.max, tl.min, tl.mean)
            for axis in combinations
            for keepdims in (False, True)
        ]

    assert_close(step, X.astype(dtype), rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("mode", ["numpy", "c"])
def test_a_number_may_be_reduced_along_its_first_axis(mode: str) -> None:
    x, ops = tl.Tensor(3.0), (tl.sum, tl.max, tl.mean, tl.softmax, tl.logsumexp, tl.var)
    step = tl.compile(lambda x: [op(x, axis=-1) for op in ops], mode=mode)
    step(x)
    assert [float(out) for out in step(x)] == [float(op(x, axis=-1)) for op in ops]


@pytest.mark.parametrize("length", [1, 2, 7, 8, 17, 33, 100, 2047, 2049, 5001])
def test_rows_of_odd_lengths(length: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, length)).astype(np.float32) * 5

    def step(x: tl.Tensor) -> Any:
        shares = tl.softmax(x, axis=1)
        logs = tl.log_softmax(x, axis=1)
        return shares, logs, shares.sum(axis=1), x.max(axis=1), tl.var(x, axis=1)

    assert_close(step, x)


def test_convolution_and_pooling_along_one_axis() -> None:
    rng = np.random.default_rng(0)

    def step(x: tl.Tensor, w: tl.Tensor) -> Any:
        y, pull = tl.vjp(lambda u, v: F.max_pool1d(F.conv1d(u, v, stride=2, padding=1), 2), x, w)
        return y, *pull(tl.cos(y))

    assert_close(step, rng.normal(size=(3, 4, 30)), rng.normal(size=(5, 4, 3)), rtol=1e-13)


@pytest.mark.parametrize("threads", [1, 3])
def test_convolution_of_groups(threads: int) -> None:
    rng = np.random.default_rng(0)

    def step(x: tl.Tensor, w: tl.Tensor, bias: tl.Tensor) -> Any:
        y, pull = tl.vjp(lambda *given: F.conv2d(*given, padding=1, groups=4), x, w, bias)
        return y, *pull(tl.cos(y))

    given = [tl.Tensor(rng.normal(size=s)) for s in ((3, 4, 6, 5), (8, 1, 3, 3), (8,))]
    compiled = tl.compile(step, mode="c", threads=threads)
    compiled(*given)
    for found, expected in zip(compiled(*given), step(*given), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-12, atol=1e-13)
    assert not [kernel for kernel in compiled.cost().kernels if kernel.kind == "host"]


def kinds(function: Step, *inputs: np.ndarray) -> list[tuple[str, ...]]:
    """The ops of each kernel but those of rows."""
    step = tl.compile(function)
    step(*map(tl.Tensor, inputs))
    return [kernel.ops for kernel in step.cost().kernels if kernel.kind != "rows"]


def test_a_bias_is_added_by_the_convolution() -> None:
    rng = np.random.default_rng(0)
    x, w, bias = rng.normal(size=(2, 3, 9, 8)), rng.normal(size=(4, 3, 3, 3)), rng.normal(size=9)

    def usual(x: tl.Tensor, w: tl.Tensor, bias: tl.Tensor) -> Any:
        return tl.sin(F.conv2d(x, w, bias[2:6], padding=1))

    def also_without(x: tl.Tensor, w: tl.Tensor, bias: tl.Tensor) -> Any:
        y = F.conv2d(x, w, padding=1)
        return y + bias[2:6].reshape(4, 1, 1), y.sum()

    def later(x: tl.Tensor, w: tl.Tensor, bias: tl.Tensor) -> Any:
        y = F.conv2d(x, w, padding=1)
        return y + y[0, :, :1, :1]

    def along_rows(x: tl.Tensor, w: tl.Tensor, bias: tl.Tensor) -> Any:
        return F.conv2d(x, w, padding=1) + bias[:8]

    for step in (usual, also_without, later, along_rows):
        assert_close(step, x, w, bias, rtol=1e-13)
        assert (("conv", "add") in kinds(step, x, w, bias)) == (step is usual)


def test_a_bias_is_not_lost_where_the_array_library_convolves() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 1, 4, 4, 4)), rng.normal(size=(3, 1, 2, 2, 2))
    assert_close(F.conv3d, x, w, rng.normal(size=3))


def test_the_largest_numbers_and_their_places_are_found_together() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 8, 6))

    def step(x: tl.Tensor) -> Any:
        image = x.requires_grad_()
        most = F.max_pool2d(image, 2)
        return most.detach(), *tl.autograd.grad(tl.sin(most).sum(), [image])

    assert_close(step, x)
    assert kinds(step, x) == [("pool_max", "pool_argmax"), ("pool_put",)]


def test_numbers_of_rows_meet_arrays_with_fewer_axes() -> None:
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(4, 3, 5)), rng.normal(size=(3, 1))
    assert_close(lambda x, v: x.sum(axis=-1, keepdims=True) * v, x, v, rtol=1e-13)
    image, w = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 1, 1))

    def squeezed(x: tl.Tensor, w: tl.Tensor) -> tl.Tensor:
        return tl.sigmoid(x.mean(axis=(2, 3), keepdims=True) + w) * x

    assert_close(squeezed, image, w, rtol=1e-13)


def test_an_array_that_rows_and_their_elements_need() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 3, 3)), rng.normal(size=3)
    assert_close(lambda x, w: (x * w).sum(axis=-1) * w, x, w, rtol=1e-13)


def test_a_product_with_one_row_for_all() -> None:
    rng = np.random.default_rng(0)
    x, w = tl.Tensor(rng.normal(size=(512, 4))), tl.Tensor(rng.normal(size=(4, 512)))
    gradient = tl.grad(lambda w: ((x @ w).sum(axis=0) ** 2).sum())
    for threads in (1, 2):
        step = tl.compile(gradient, mode="c", threads=threads)
        step(w)
        np.testing.assert_allclose(step(w).numpy(), gradient(w).numpy(), rtol=1e-12)


def test_a_row_that_no_stack_could_hold() -> None:
    x = np.random.default_rng(0).normal(size=3_000_000).astype("float32")
    assert_close(lambda a: (tl.softmax(a), F.layer_norm(a, a.shape)), x)
    assert_close(lambda a: tl.exp(a) * 2 / tl.exp(a).sum(), x)


def test_a_large_sum_is_accurate() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 10_000_000).astype(np.float32)
    exact = math.fsum(x.tolist())

    def step(x: tl.Tensor) -> Any:
        return x.sum(), x.mean(), (x.reshape(1000, 10000).sum(axis=1)).sum()

    (total, _), (mean, _), (by_rows, _) = both(step, x)
    for found in (total, by_rows, mean * x.size):
        assert abs(float(found) - exact) / exact < 2e-7


@pytest.mark.parametrize("dtype", ["float32", "float64"], indirect=True)
def test_sums_of_long_columns_are_accurate(dtype: str) -> None:
    x = np.random.default_rng(0).uniform(0, 1, (100_000, 2)).astype(dtype)
    exact = np.array([math.fsum(column) for column in x.T.tolist()])

    def step(x: tl.Tensor) -> Any:
        cube = x.reshape(100, 1000, 2)
        turned = cube.permute_dims((1, 0, 2))[:, :, None]
        return (
            x.sum(axis=0), cube.sum(axis=(0, 1)), turned.sum(axis=(0, 1, 2)),
            cube.sum(axis=1).sum(axis=0), x[:, :1].sum(axis=0), x[:, 1:].T.sum(axis=1),
        )  # fmt: skip

    bound = 1e-7 if dtype == "float32" else 1e-15
    for place, (found, _) in enumerate(both(step, x)):
        expected = {4: exact[:1], 5: exact[1:]}.get(place, exact)
        assert (np.abs(found - expected) <= bound * expected * (1 + (place == 3))).all(), place


def test_columns_of_odd_sizes() -> None:
    rng = np.random.default_rng(0)
    sizes = [(1, 3), (3, 1), (31, 17), (32, 16), (33, 511), (34, 513), (100, 1100)]
    given = [rng.integers(-50, 50, (2, *size)).astype(np.float32) for size in sizes]

    def step(*matrices: tl.Tensor) -> Any:
        return [
            y for x in matrices
            for y in (x.sum(axis=1), x[:, ::-1, ::2].sum(axis=(0, 1)), x.mT.sum(axis=0))
        ]  # fmt: skip

    for found, expected in both(step, *given):
        assert np.array_equal(found, expected)


def test_reductions_over_no_axes() -> None:
    def step(x: tl.Tensor) -> Any:
        return [f(x * 2, axis=()) for f in (tl.max, tl.min, tl.sum, tl.mean)]

    for found, expected in both(step, X):
        assert np.array_equal(found, expected)


def test_a_sum_of_nan_and_infinities() -> None:
    x = np.ones((6, 40), np.float32)
    x[1, 3], x[2, 5], x[3, 7] = np.nan, np.inf, -np.inf
    x[4, :2] = np.inf, -np.inf

    def step(x: tl.Tensor) -> Any:
        return [f(x, axis=axis) for f in (tl.sum, tl.max, tl.min, tl.softmax) for axis in (0, 1)]

    for found, expected in both(step, x):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_extremes_of_infinities(compiler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler}")
    monkeypatch.setenv("CC", compiler)

    def step(x: tl.Tensor, y: tl.Tensor) -> Any:
        return [f(z, axis=1) for f in (tl.max, tl.min) for z in (x, -x, y, -y)]

    x = np.full((3, 40), np.inf)
    x[1, 0], x[2, -1] = np.nan, 2
    for found, expected in both(step, x, x.astype(np.float32)):
        np.testing.assert_array_equal(found, expected)


# ---- shapes --------------------------------------------------------------------------------


def test_views_and_broadcasting() -> None:
    def step(x: tl.Tensor, row: tl.Tensor, number: tl.Tensor) -> Any:
        turned = x.permute_dims((1, 0))
        return (
            x * row + number, turned[1:, ::2] * 3 - turned[:-1, ::2], (x + row)[:, None] * row,
            tl.exp(x).reshape(2, 10)[1] + row.sum(), number * number, tl.flip(x, axis=0) / row,
            tl.broadcast_to(number, (2, 3)) + 1, x[1, 2] * 2 + x[::-1, ::-1], turned,
        )  # fmt: skip

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(4, 5)), rng.normal(size=5) + 4, np.array(2.5)
    assert_close(step, *inputs, rtol=1e-12)


def test_inputs_that_are_views_themselves() -> None:
    base = np.random.default_rng(0).normal(size=(6, 8))
    for x in (base.T, base[::2, ::-1], base[:, 3], np.broadcast_to(base[0], (4, 8)), base[1:2, 1]):
        assert_close(lambda x: (x * 2 + 1, x.sum(), tl.exp(x).sum(axis=0)), x, rtol=1e-12)


def unusual(array: np.ndarray) -> dict[str, np.ndarray]:
    """Arrays that hold these numbers in ways in which no new array does."""
    size, (rows, columns) = array.itemsize, array.shape
    shifted = np.frombuffer(b"-" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)
    packed = np.zeros(array.shape, [("before", "i1"), ("number", array.dtype)])
    packed["number"] = array
    wide = np.zeros((2 * rows, 3 * columns), array.dtype)
    wide[::-2, ::3] = array
    found = {
        "shifted": shifted, "of packed records": packed["number"], "backwards": wide[::-2, ::3],
        "columns": np.asfortranarray(array), "swapped": array.astype(array.dtype.newbyteorder()),
        "one for all": np.broadcast_to(array[:1], array.shape), "empty": shifted[:, :0],
        "one": shifted[1:2, 1:2], "row": packed["number"][0], "number": shifted[0, :1].reshape(()),
    }  # fmt: skip
    assert not shifted.flags.aligned
    assert not packed["number"].flags.aligned
    assert not shifted.flags.writeable
    assert found["row"].strides == (size + 1,)
    return found


@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_arrays_that_lie_in_unusual_ways(dtype: str) -> None:
    def function(x: tl.Tensor) -> Any:
        flat = x.reshape(-1)
        return x * 2 + 1, x.sum(), flat[::-1], flat @ flat, x

    for name, array in unusual(np.arange(-6, 6).reshape(3, 4).astype(dtype)).items():
        step, before = c(function), array.copy()
        for given in (array, tl.Tensor(array)):
            expected = arrays(function(tl.Tensor(array)))
            for _ in range(3):
                found = arrays(step(given))
            for x, y in zip([*found, array], [*expected, before], strict=True):
                assert (x.shape, x.dtype) == (y.shape, y.dtype), name
                np.testing.assert_array_equal(x, y, name)
            made = step._shown().in_c.made
            if array.dtype.isnative and array.size:
                assert not (made.pointers % array.itemsize).any(), name
            last = step.repeat(3, given)[0].numpy()
            np.testing.assert_array_equal(last, expected[0], name)
        if array.ndim == 2 and array.size > 1:
            rows = step.scan(array)[0].numpy()
            np.testing.assert_array_equal(rows, expected[0], name)


def test_inputs_may_lie_otherwise_in_each_call() -> None:
    step = c(lambda x: x * 2 + 1)
    base = np.random.default_rng(0).normal(size=(4, 4))
    for x in (base, base.T, base[::-1], np.asfortranarray(base), base):
        assert np.array_equal(step(tl.Tensor(x)).numpy(), x * 2 + 1)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
def test_empty_arrays(shape: tuple[int, ...]) -> None:
    def step(x: tl.Tensor) -> Any:
        return x * 2, tl.exp(x).sum(), x.sum(axis=0), x.reshape(-1) + 1, x.mT if x.ndim > 1 else x

    both(step, np.zeros(shape))


def test_reshapes_of_what_c_cannot_copy() -> None:
    x = np.arange(6.0).reshape(2, 3)

    def step(x: tl.Tensor) -> Any:
        half = x.astype(tl.float16).mT
        return (x[:0] > 1).mT.reshape(0, 1), half.reshape(6), (x > 1).mT.reshape(6)

    for found, expected in both(step, x):
        assert np.array_equal(found, expected)


def test_a_copy_before_a_reshape_is_not_taken_for_an_argument() -> None:
    """The last to be read, which is given back as it is."""
    assert_close(lambda x, y: (x.mT.reshape(-1), y), np.arange(6.0).reshape(2, 3), np.ones(2))


def test_an_empty_product() -> None:
    pairs = both(lambda x, y: (x @ y, (x @ y).sum()), np.ones((3, 0)), np.ones((0, 4)))
    assert np.array_equal(pairs[0][0], np.zeros((3, 4)))


# ---- products ------------------------------------------------------------------------------


def test_products_of_all_layouts(dtype: str) -> None:
    rng = np.random.default_rng(0)

    def matrix(*shape: int) -> np.ndarray:
        return rng.normal(size=shape).astype(dtype)

    sizes = [(3, 4, 5), (1, 4, 5), (3, 4, 1), (3, 1, 5), (1, 1, 1), (1, 7, 1), (33, 20, 40)]
    given = [m for n, k, p in sizes for m in (matrix(n, k), matrix(k, p))]

    def step(*matrices: tl.Tensor) -> list[tl.Tensor]:
        out = []
        for a, b in zip(matrices[::2], matrices[1::2], strict=True):
            out += [a @ b, b.mT @ a.mT, (a + 1).mT.mT @ b, a.mT.mT[::-1] @ b, a[:, ::-1] @ b[::-1]]
            out += [a.mT @ a, a @ a.mT, a[0] @ b, a @ b[:, 0], a[0] @ b[:, 0]]
        return out

    assert_close(step, *given, rtol=1e-5 if dtype == "float32" else 1e-12)


def test_products_of_batches(dtype: str) -> None:
    rng = np.random.default_rng(0)
    x, y, z = (rng.normal(size=s).astype(dtype) for s in ((2, 3, 4, 5), (3, 5, 6), (5, 6)))

    def step(x: tl.Tensor, y: tl.Tensor, z: tl.Tensor) -> Any:
        return (
            x @ y, x @ z, x[0] @ y, x[:, :1] @ y, y.mT @ x.mT, x @ x.mT, z.mT @ x.mT,
            x.permute_dims((0, 2, 1, 3)) @ z, x[0, 0] @ y, (x * 2) @ (z + 1), x @ y[1, :, 2],
        )  # fmt: skip

    assert_close(step, x, y, z, rtol=1e-5 if dtype == "float32" else 1e-12)


# ---- state, threads and processes ----------------------------------------------------------


def test_state_that_is_written_and_returned() -> None:
    count = tl.Tensor(np.zeros(3))

    @tl.compile(mode="c")
    def step(x: tl.Tensor) -> tuple[tl.Tensor, tl.Tensor]:
        count.assign(count + x)
        return count * 1, x + 1

    x = tl.Tensor(np.ones(3))
    kept = [step(x)[0] for _ in range(5)]
    assert count.tolist() == [5.0] * 3
    assert [k.tolist()[0] for k in kept] == [1.0, 2.0, 3.0, 4.0, 5.0]  # none was written over


def test_results_do_not_share_memory_with_later_ones() -> None:
    step = c(lambda x: (x, x * 2, (x * 3)[::2], tl.exp(x).reshape(2, 2), x.mT if x.ndim > 1 else x))
    first = step(tl.Tensor(np.arange(4.0)))
    first = step(tl.Tensor(np.arange(4.0)))
    before = [r.numpy().copy() for r in first]
    step(tl.Tensor(np.full(4, 9.0)))
    for result, array in zip(first, before, strict=True):
        assert np.array_equal(result.numpy(), array)


def test_what_the_array_library_gives_back_as_it_was_is_kept() -> None:
    """Some of its functions return their input, which lies where the next call writes."""
    step = c(lambda x: (tl.roll(x + 1, 0, axis=0), tl.real(x > 1), (x * 2).sum()))
    step(tl.Tensor(np.ones(4)))
    first = step(tl.Tensor(np.ones(4)))
    step(tl.Tensor(np.full(4, 7.0)))
    assert first[0].tolist() == [2.0] * 4
    assert first[1].tolist() == [False] * 4


def test_numbers_that_are_infinite_reach_the_array_library() -> None:
    x = np.array([1.0, -2.0, 3.0]).astype(np.float16)

    def step(x: tl.Tensor) -> Any:
        return tl.minimum(x, math.inf), tl.maximum(x, -math.inf), tl.where(x > 0, x, math.nan)

    for found, expected in both(step, x):
        assert np.array_equal(found, expected, equal_nan=True)


def test_a_chain_that_is_longer_than_the_stack_is_large() -> None:
    """In one pass over the numbers it would need some megabytes of it."""

    def chain(x: tl.Tensor) -> tl.Tensor:
        for _ in range(1500):
            x = tl.sin(x) * 1.01 + x * 0.1
        return x.sum(axis=1)

    x = tl.Tensor(np.random.default_rng(0).normal(size=(10, 30)))
    step = c(chain)
    for _ in range(3):
        np.testing.assert_allclose(step(x), chain(x), rtol=1e-9)
    groups = arranged(step.program)[2]
    assert max(len(group.members) for group in groups) <= schedule.MOST


def test_threads() -> None:
    step = c(lambda x: tl.softmax(x * 2, axis=1) @ x.mT + x.sum())
    rng = np.random.default_rng(0)
    inputs = [tl.Tensor(rng.normal(size=(20, 30))) for _ in range(4)]
    expected = [step.function(x).numpy() for x in inputs]
    wrong: list[float] = []
    step(inputs[0])

    def work(place: int) -> None:
        for _ in range(300):
            error = np.abs(step(inputs[place]).numpy() - expected[place]).max()
            if error > 1e-12:
                wrong.append(float(error))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_can_run_the_step() -> None:
    code = """
import os
import numpy as np
import tinygrad_lesson as tl
step = tl.compile(lambda x: tl.softmax(x @ x.mT, axis=1), mode="c")
x = tl.Tensor(np.random.default_rng(0).normal(size=(100, 100)))
step(x)
expected = step(x).numpy()
child = os.fork()
same = all(np.array_equal(step(x).numpy(), expected) for _ in range(20))
other = step(tl.Tensor(np.eye(3))).shape == (3, 3) and step(tl.Tensor(np.eye(3))).shape == (3, 3)
if not child:
    os._exit(0 if same and other else 1)
assert same and other and os.wait()[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert not done.returncode, done.stderr


@pytest.mark.parametrize(("kind", "there", "back"), [
    ("RNN", ("rnn_states",), ("recurrent_flow", "multiply")),
    ("LSTM", ("lstm_states", "matmul", "add"), ("memory_flow", "multiply", "multiply", "concat")),
    ("GRU", ("gru_states", "matmul"), ("recurrent_flow", "multiply")),
])  # fmt: skip
def test_what_a_recurrent_layer_computes_is_kept_for_its_gradient(
    kind: str, there: tuple[str, ...], back: tuple[str, ...], dtype: str
) -> None:
    tl.manual_seed(0)
    layer = getattr(nn, kind)(5, 7)
    parameters = list(layer.parameters())

    def step(x: tl.Tensor) -> Any:
        out, _ = layer(x)
        return out, *tl.autograd.grad(tl.sin(out).sum(), parameters)

    x = np.random.default_rng(0).normal(size=(6, 3, 5)).astype(dtype)
    assert_close(step, x)
    assert {there, back} <= set(kinds(step, x))


def test_what_a_recurrent_layer_computes_may_be_needed_by_others_too() -> None:
    rng = np.random.default_rng(0)
    x, start, w = rng.normal(size=(4, 2, 12)), rng.normal(size=(2, 2, 3)), rng.normal(size=(12, 3))

    def step(x: tl.Tensor, start: tl.Tensor, w: tl.Tensor) -> Any:
        states = tl.ops.lstm_states(x, start, w)
        product = states[:-1, 0] @ w.mT
        return states, product + x, product * 2

    assert_close(step, x, start, w, rtol=1e-13)
    for size in (1, 3):  # with one sequence, or one number, axes have no steps
        given = [x[:, :size], start[:, :size], w]
        assert_close(lambda x, start, w: step(x, start, w)[:2], *given, rtol=1e-13)


@pytest.mark.parametrize("size", [100, 5000])
@pytest.mark.parametrize("threads", [1, 3])
def test_arrays_side_by_side(size: int, threads: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, size)), rng.normal(size=(3, 2 * size))

    def step(x: tl.Tensor, y: tl.Tensor) -> Any:
        joined = tl.concat([tl.sin(x), tl.sin(y)], axis=1)
        (into,) = tl.autograd.grad(tl.sin(y.requires_grad_()[1:, ::2]).sum(), [y])
        return joined, tl.stack([x, x + 1], axis=2), into.detach()

    compiled = tl.compile(step, mode="c", threads=threads)
    given = [tl.Tensor(a) for a in (x, y)]
    compiled(*given)
    for found, expected in zip(compiled(*given), step(*given), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-14)


def test_many_calls_are_built_in_stretches() -> None:
    weight = tl.Tensor(np.random.default_rng(0).normal(size=(4, 4)))

    def unrolled(x: tl.Tensor) -> tl.Tensor:
        for _ in range(40):
            x = tl.tanh(x @ weight)
        return x

    x = tl.Tensor(np.ones((2, 4)))
    step = tl.compile(unrolled, mode="c")
    for _ in range(2):
        np.testing.assert_allclose(step(x), unrolled(x), rtol=1e-10)
    assert step._shown().mode == "c"
    code = step.source("c")
    assert code.count("static __attribute__((noinline)) i32 stretch_0_") == 3
    assert code.count("meet(m);") == 80


def test_windows_of_ones() -> None:
    """Their twelve numbers are ones but for two zeros: gcc 12 may write twelve ones."""
    x = tl.Tensor(np.random.default_rng(0).normal(size=(2, 3, 1)))
    step = tl.compile(lambda x: F.max_pool1d(x, 1), mode="c")
    for _ in range(2):
        assert step(x).tolist() == x.tolist()

"""A step whose code fails says what the eager step would have said, and has changed nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.compiler.c_code import step as c_step
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.compiler.c_code.team import Team
from tinygrad_lesson.errors import IndexingError, OutOfMemoryError, RangeError

needs_compiler = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")
MODES = ["numpy", pytest.param("c", marks=needs_compiler)]


def training(mode: str) -> tuple[Any, Callable[[], list[Any]]]:
    """A step of a small language model with a schedule and noise; all that it can change."""
    tl.manual_seed(0)
    model = nn.Sequential(nn.Embedding(10, 4), nn.Dropout(0.3), nn.Linear(4, 10))
    adam = optim.Adam(model.parameters())
    schedule = optim.lr_scheduler.StepLR(adam, 1, 0.9)

    def step(x: Tensor) -> Tensor:
        loss = tl.take(tl.log_softmax(model(x), axis=-1), x, axis=1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
        return loss

    def everything() -> list[Any]:
        return [
            *(p.numpy().copy() for p in model.parameters()),
            {k: {n: np.array(v) for n, v in s.items()} for k, s in adam.state.items()},
            schedule.state_dict(),
            repr(tl.random.default_generator().bit_generator.state),
        ]

    return tl.compile(mode=mode)(step), everything


@pytest.mark.parametrize("mode", MODES)
def test_an_index_that_does_not_exist(mode: str) -> None:
    step, everything = training(mode)
    for _ in range(3):
        step(np.array([1, 2, 9]))
    before = everything()
    message = (
        r"\[Sequential/0:Embedding take\] index 12 does not exist in axis 0 of shape \(10, 4\)"
    )
    for wrong in ([1, 12, 3], [12, 2, -30]):
        with pytest.raises(IndexingError, match=message) as raised:
            step(np.array(wrong))
        assert re.search(r"called at .*test_failures\.py:\d+", raised.value.__notes__[0])
        np.testing.assert_equal(everything(), before)
    step(np.array([0, -10, 9]))
    assert everything()[0].shape == before[0].shape
    assert not np.array_equal(everything()[0], before[0])


@pytest.mark.parametrize("mode", MODES)
def test_a_matrix_that_has_no_factor(mode: str) -> None:
    def step(x: Tensor) -> Tensor:
        return tl.linalg.cholesky(x * 2.0).sum()

    compiled = tl.compile(mode=mode)(step)
    for _ in range(2):
        compiled(tl.eye(2))
    with pytest.raises(RangeError) as raised:
        compiled(-tl.eye(2))
    with pytest.raises(RangeError) as expected:
        step(-tl.eye(2))
    assert str(raised.value) == str(expected.value)
    assert compiled(tl.eye(2)).item() == step(tl.eye(2)).item()


@needs_compiler
def test_no_memory_in_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Team, "call", lambda *_, **__: lambda: 2)  # the routines say so
    tl.manual_seed(0)
    model = nn.RNN(3, 4)
    sgd = optim.SGD(model.parameters(), lr=0.1)

    def train(x: Tensor) -> Tensor:
        loss: Tensor = model(x + tl.randn(3))[0].sum()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss

    step = tl.compile(mode="c")(train)
    step(tl.ones(5, 2, 3))
    before = [p.numpy() for p in model.parameters()]
    drawn = repr(tl.random.default_generator().bit_generator.state)
    with pytest.raises(OutOfMemoryError, match=r"no memory left .* smaller batches") as raised:
        step(tl.ones(5, 2, 3))
    assert isinstance(raised.value, MemoryError)
    np.testing.assert_equal([p.numpy() for p in model.parameters()], before)
    assert repr(tl.random.default_generator().bit_generator.state) == drawn


@needs_compiler
def test_what_fails_in_any_of_the_threads_counts() -> None:
    library = toolchain.load(
        '#include "team.h"\n'
        '__attribute__((visibility("default"))) int32_t segment(void **p, char *arena,'
        " const double *n, int64_t me, meeting *m) {\n"
        "    meet(m);\n    return me == 0 ? 0 : me == 1 ? 2 : 1;\n}\n"
    )
    found = [Team(size).call(library.segment, 0, 0, 0)() for size in (1, 2, 3, 2, 5, 1)]
    assert found == [0, 2, 3, 2, 3, 0]
    kinds = [type(c_step.failure(bits)) for bits in (1, 2, 3)]
    assert kinds == [IndexingError, OutOfMemoryError, OutOfMemoryError]

"""C mode: results do not depend on the number of threads, to the bit.

(Products of matrices and what is made of them are shared out by another rule, and left out here.)
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson.compiler.c_code import team, toolchain
from tinygrad_lesson.compiler.c_code.team import Experience, Team
from tinygrad_lesson.nn import functional as F  # noqa: N812

from . import support  # noqa: F401  settings of hypothesis

pytestmark = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

Step = Callable[..., list[tl.Tensor]]

STATUS = Path("/proc/self/statm")


def maps(x: tl.Tensor, places: tl.Tensor) -> list[tl.Tensor]:
    turned = x.T.reshape(x.shape)
    return [tl.exp(x) * turned + tl.tanh(x), x.T[::-1] / 3, tl.gelu(x[:, ::2]), tl.sin(x) > 0.5]


def rows(x: tl.Tensor, places: tl.Tensor) -> list[tl.Tensor]:
    return [
        tl.softmax(x, axis=1), x.max(axis=1), tl.var(x, axis=-1), x.sum(axis=1),
        F.layer_norm(x, x.shape[1:]), tl.softmax(x, axis=0),
    ]  # fmt: skip


def one_row(x: tl.Tensor, places: tl.Tensor) -> list[tl.Tensor]:
    wide = tl.broadcast_to(x, (1 + 40_000 // x.size, *x.shape)).reshape(-1)  # it will be shared
    return [wide.sum(), tl.exp(wide).mean() * 2, tl.softmax(wide), tl.std(wide), wide.max()]


def columns(x: tl.Tensor, places: tl.Tensor) -> list[tl.Tensor]:
    cube = tl.stack([x, 2 * x, tl.exp(x)])
    return [
        x.sum(axis=0), x[::-1].sum(axis=0), x.T.sum(axis=0), cube.sum(axis=1),
        cube.sum(axis=(0, 1)), cube.sum(axis=(0, 2)), cube[:, :, :1].sum(axis=1),
    ]  # fmt: skip


def moves(x: tl.Tensor, places: tl.Tensor) -> list[tl.Tensor]:
    x = x.detach().requires_grad_()
    chosen = x[places]
    loss = (chosen * tl.sin(chosen)).sum() + (x[1:, ::2] ** 2).sum()
    return [
        chosen.detach(), tl.take(x.detach(), places, axis=0), tl.concat([x, x], axis=1).detach(),
        *tl.autograd.grad([loss], [x]),
    ]  # fmt: skip


def windows(x: tl.Tensor, places: tl.Tensor) -> list[tl.Tensor]:
    image = x.detach().reshape(1, 1, *x.shape).requires_grad_()
    pooled = F.max_pool2d(image, 2, stride=1, padding=1)
    return [pooled.detach(), *tl.autograd.grad([(pooled * pooled).sum()], [image])]


KINDS: list[Step] = [maps, rows, one_row, columns, moves, windows]


def outcomes(inputs: list[np.ndarray], threads: int) -> list[np.ndarray]:
    """What all steps give, compiled as one, the third time."""
    step = tl.compile(
        lambda *given: [out for kind in KINDS for out in kind(*given)], mode="c", threads=threads
    )  # fmt: skip
    for _ in range(3):
        results = step(*map(tl.Tensor, inputs))
    assert step._shown().mode == "c"
    return [result.numpy() for result in results]


@settings(max_examples=5)
@given(st.integers(1, 70), st.integers(1, 600), st.sampled_from(["float32", "float64"]))
def test_results_do_not_depend_on_the_number_of_threads(n: int, m: int, dtype: str) -> None:
    rng = np.random.default_rng(n * m)
    inputs: list[Any] = [rng.normal(size=(n, m)).astype(dtype), rng.integers(-n, n, 100)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(team, "WORTHWHILE", 0)
        alone, *others = (outcomes(inputs, threads) for threads in (1, 2, 3))
    for other in others:
        for place, (x, y) in enumerate(zip(alone, other, strict=True)):
            assert np.array_equal(x, y, equal_nan=True), place


def test_a_step_with_which_the_threads_lose_time_runs_alone_for_a_while() -> None:
    library = toolchain.load(
        '#include "team.h"\n'
        "static void take(double milliseconds) {\n"
        "    nanosleep(&(struct timespec){0, milliseconds * 1e6}, 0);\n}\n"
        '__attribute__((visibility("default"))) int32_t segment(void **p, char *arena,'
        " const double *n, int64_t me, meeting *m) {\n"
        "    if (!me) *(int64_t *)p = m->size;\n"
        "    take(m->size == 1 ? n[0] : me ? n[1] : 0);\n"
        "    return 0;\n}\n"
    )
    size, took = np.zeros(1, np.int64), np.zeros(2)
    known = Experience(trials=2)

    def threads(team: Team, alone: float, together: float) -> int:
        """On how many threads a step runs that would take so many milliseconds."""
        took[:] = alone, together
        call = team.call(library.segment, size.ctypes.data, 0, took.ctypes.data, known=known)
        assert not call()
        return int(size[0])

    adapting = Team(2, adapts=True)
    assert [threads(adapting, 20, 11) for _ in range(3)] == [1, 1, 2]
    assert threads(adapting, 20, 200) == 2
    assert threads(adapting, 20, 11) == 1
    assert threads(Team(2), 20, 11) == 2  # whoever asks for two gets two
    for _ in range(1000):  # and then they are tried again, and save some time
        time.sleep(0.01)
        if [threads(adapting, 20, 11) for _ in range(3)] == [2, 2, 2]:
            break
    else:
        pytest.fail("it never tries again")
    assert threads(adapting, 20, 21) == 2  # what they lose once counts against that
    assert threads(adapting, 20, 11) == 2
    assert threads(adapting, 20, 200) == 2
    assert threads(adapting, 20, 11) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux") or team.cores() < 2, reason="one core")
def test_a_thread_that_is_woken_leaves_the_core_of_the_one_that_it_helps() -> None:
    library = toolchain.load(
        '#include "team.h"\n'
        "int sched_getcpu(void);\n"
        '__attribute__((visibility("default"))) int32_t segment(void **p, char *arena,'
        " const double *n, int64_t me, meeting *m) {\n"
        "    ((int64_t *)p)[me] = sched_getcpu();\n"
        "    meet(m);\n"  # so that nobody begins when another one has gone
        "    return 0;\n}\n"
    )
    cores = np.zeros(2, np.int64)
    call = Team(2).call(library.segment, cores.ctypes.data, 0, 0)
    apart = 0
    for _ in range(40):
        time.sleep(0.02)  # it falls asleep meanwhile
        assert not call()
        apart += int(cores[0] != cores[1])
    assert apart >= 20, apart  # other programs may have the other core


@pytest.mark.skipif(not STATUS.exists(), reason="nothing says how much memory there is")
def test_the_working_memory_of_a_thread_goes_with_it() -> None:
    step = tl.compile(lambda x: x[:9] @ x, mode="c", threads=1)
    x = np.ones((384, 384), np.float32)  # each thread packs all of it
    step(x)

    def pages() -> int:
        for _ in range(50):
            thread = threading.Thread(target=step, args=(x,))
            thread.start()
            thread.join()
        gc.collect()
        return int(STATUS.read_text().split()[1])

    before = pages()
    assert (pages() - before) * 4096 < 10 * x.nbytes

"""Compiled steps among interruptions, threads, forked processes, and one another."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.testing  # now: an import that goes on in a thread is closed to a forked child
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.compiler.c_code import toolchain

needs_compiler = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
MODES = ["numpy", pytest.param("c", marks=needs_compiler)]


class Run:
    """A training with noise, running statistics, moments and a schedule."""

    def __init__(self, mode: str | None, **kwargs: Any) -> None:
        tl.manual_seed(0)
        self.model: Any = nn.Sequential(
            nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.2),
            nn.Linear(8, 1),
        ).double()  # fmt: skip
        self.adam = optim.Adam(self.model.parameters(), lr=0.01)
        self.schedule = optim.lr_scheduler.StepLR(self.adam, 3, 0.99)
        self.generator = tl.manual_seed(1)
        self.x = Tensor(np.random.default_rng(0).normal(size=(6, 3)))
        self.mode, self.kwargs = mode, kwargs
        self.compile()

    def compile(self) -> None:
        step = self.train
        self.step = step if self.mode is None else tl.compile(mode=self.mode, **self.kwargs)(step)

    def train(self) -> Tensor:
        loss: Tensor = ((self.model(self.x + tl.randn(6, 3, dtype=tl.float64)) - 1.0) ** 2).mean()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        self.schedule.step()
        return loss

    def go_on(self) -> None:
        tl.random._DEFAULT.set(self.generator)
        self.step()

    def everything(self) -> list[Any]:
        return [
            *map(np.array, self.model.state_dict().values()),
            *(np.array(v) for held in self.adam.state.values() for v in held.values()),
            [p.grad for p in self.model.parameters()],
            self.adam.param_groups[0]["lr"],
            self.schedule.last_epoch,
        ]

    def drawn(self) -> str:
        return repr(self.generator.bit_generator.state)


def equal(one: Run, other: Run) -> None:
    for a, b in zip(one.everything(), other.everything(), strict=True):
        if isinstance(a, np.ndarray):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
        else:
            assert a == b
    assert one.drawn() == other.drawn()


# ---- Ctrl-C ------------------------------------------------------------------------------------


def interrupted(mode: str, rounds: int, seed: int = 0) -> None:
    """Interrupt a training at random moments, and compare with one that goes on undisturbed."""
    fast, eager = Run(mode), Run(None)
    fast.go_on()
    fast.go_on()
    rng, caught = np.random.default_rng(seed), 0
    # A timer interrupts more evenly than another process could; the handler is that of Ctrl-C.
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    for n in range(rounds):
        if n % 3 == 0:
            fast.compile()  # so that some are interrupted while they are traced
        try:
            signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-4, 6e-3)))
            for _ in range(1000):
                fast.go_on()
            signal.setitimer(signal.ITIMER_REAL, 0)  # it came while Python cleaned up, and was lost
        except KeyboardInterrupt:
            caught += 1
        while eager.schedule.last_epoch < fast.schedule.last_epoch:
            eager.go_on()
            eager.adam.zero_grad()
        equal(fast, eager)
        assert tl.is_grad_enabled()
        assert tl.mode.current().tracer is None
    assert caught > rounds // 2, caught


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.parametrize("mode", MODES)
def test_ctrl_c_at_any_moment(mode: str) -> None:
    call = f"interrupted({mode!r}, 40)"
    code = f"from tests.test_compile_robust import interrupted\n{call}\nprint('done')\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    # Not the status: exec() of text that is interrupted gives it away for good (CPython).
    assert done.stdout == "done\n", done.stderr[-3000:]


# ---- threads -----------------------------------------------------------------------------------


def together(*works: Callable[[], None]) -> None:
    """Run functions at the same time, and raise the first error of any."""
    errors: list[BaseException] = []

    def caught(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=caught, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def mix(x: Tensor) -> Tensor:
    return tl.softmax(x @ x.mT, axis=1) @ x + x.mean(axis=0)


def squares(count: int, size: int = 120) -> list[Tensor]:
    rng = np.random.default_rng(0)
    return [Tensor(rng.normal(size=(size, size))) for _ in range(count)]


def same(result: Tensor, expected: Tensor) -> None:
    np.testing.assert_allclose(result.numpy(), expected.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
def test_threads_of_the_users_that_share_a_step(mode: str) -> None:
    """Also its first call, and calls with shapes that only one of them has."""
    step = tl.compile(mode=mode, threads=2)(mix)
    inputs = [*squares(2), *squares(2, 40)]
    expected = [mix(x) for x in inputs]

    def work(start: int) -> Callable[[], None]:
        def run() -> None:
            for n in range(30):
                place = (start + n * n) % len(inputs)
                same(step(inputs[place]), expected[place])

        return run

    together(*map(work, range(3)))


@needs_compiler
def test_threads_of_the_users_that_have_a_step_each() -> None:
    """The numbers of threads differ: no helper may take part in a step that is not its own."""
    steps = [tl.compile(mode="c", threads=n)(mix) for n in (1, 2, 4, 3)]
    inputs = squares(len(steps))
    expected = [mix(x) for x in inputs]

    def work(place: int) -> Callable[[], None]:
        def run() -> None:
            for _ in range(40):
                same(steps[place](inputs[place]), expected[place])

        return run

    together(*map(work, range(len(steps))))
    for _ in range(20):
        for place in range(len(steps)):
            same(steps[place](inputs[place]), expected[place])


@pytest.mark.parametrize("mode", MODES)
def test_results_do_not_depend_on_the_number_of_threads(mode: str) -> None:
    (x,) = squares(1, 150)
    results = []
    for threads in (1, 2, 3):
        step = tl.compile(mode=mode, threads=threads)(lambda x: (mix(x), mix(x).sum()))
        step(x)
        results.append([part.numpy() for part in step(x)])
    for others in results[1:]:
        np.testing.assert_equal(others, results[0])


# ---- other processes ---------------------------------------------------------------------------


def _child(step: Callable[[Tensor], Tensor], inputs: list[Tensor], expected: list[Tensor]) -> None:
    for x, y in zip(inputs, expected, strict=True):
        same(step(x), y)


def forked() -> None:
    """Fork again and again while another thread is inside the step; children run it, too.

    (In C only: a fork in the middle of a product of NumPy's leaves the locks of its BLAS closed.)
    """
    step = tl.compile(mode="c", threads=2)(mix)
    inputs = squares(3)
    expected = [mix(x) for x in inputs]
    over = threading.Event()

    def busy() -> None:
        while not over.wait(0.0005):  # more threads than cores are slow where they wait for others
            same(step(inputs[0]), expected[0])

    step(inputs[0]), step(inputs[0])
    thread = threading.Thread(target=busy)
    thread.start()
    context = multiprocessing.get_context("fork")
    try:
        for _ in range(4):
            child = context.Process(target=_child, args=(step, inputs, expected))
            child.start()
            child.join(30)
            assert child.exitcode == 0, child.exitcode
            same(step(inputs[1]), expected[1])
    finally:
        over.set()
        thread.join()


@needs_fork
@needs_compiler
def test_a_process_may_be_forked_in_the_middle() -> None:
    code = "from tests.test_compile_robust import forked\nforked()\nprint('done')\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "done\n", done.stderr[-3000:]


@needs_fork
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("mode", MODES)
def test_a_step_inside_a_worker_of_a_data_loader(mode: str) -> None:
    step = tl.compile(mode=mode, threads=2)(mix)
    inputs = squares(6)
    step(inputs[0]), step(inputs[0])
    _STEPS[:] = [step]
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = pool.map(_on_array, [x.numpy() for x in inputs])
    for x, result in zip(inputs, results, strict=True):
        np.testing.assert_equal(result, step(x).numpy())


_STEPS: list[Any] = []  # what the workers run: they have it from before they were forked


def _on_array(array: np.ndarray) -> np.ndarray:
    return np.array(_STEPS[0](Tensor(array)).numpy())


# ---- code of the user's inside a step, and steps inside steps ----------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_callback_that_raises(mode: str) -> None:
    """A hook runs when the step is traced; a schedule's function runs in every step."""
    failing = [False]

    def rate(n: int) -> float:
        if failing[0]:
            raise ValueError("no rate")
        return 0.9**n

    fast, eager = Run(mode), Run(None)
    for run in (fast, eager):
        run.schedule = optim.lr_scheduler.LambdaLR(run.adam, rate)  # type: ignore[assignment]
    for _ in range(3):
        fast.go_on()
        eager.go_on()
    before, drawn = fast.everything(), fast.drawn()
    failing[0] = True
    with pytest.raises(ValueError, match="no rate"):
        fast.go_on()
    np.testing.assert_equal(fast.everything(), before)
    assert fast.drawn() == drawn
    failing[0] = False

    def refuse(*_: Any) -> None:
        raise RuntimeError("no")

    hook = fast.model[0].register_forward_hook(refuse)
    with pytest.raises(RuntimeError):
        fast.go_on()
    np.testing.assert_equal(fast.everything(), before)
    hook.remove()
    fast.go_on()
    eager.go_on()
    eager.adam.zero_grad()
    equal(fast, eager)


@pytest.mark.parametrize("mode", MODES)
def test_a_training_step_inside_another_one(mode: str) -> None:
    found = []
    for compiled in (False, True):
        run = Run(mode if compiled else None)
        inner = run.step

        def twice(run: Run = run, inner: Any = inner) -> tuple[Tensor, Tensor]:
            first = inner()
            return first, inner() + run.model[4].bias.sum()

        inner()  # it has a program of its own before
        outer: Any = tl.compile(mode=mode)(twice) if compiled else twice
        numbers: list[Any] = [[float(x) for x in outer()] for _ in range(3)]
        found.append(numbers)
        numbers += [np.array(x) for x in run.model.state_dict().values()]
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


# ---- threads and state -------------------------------------------------------------------------


class Counting:
    """A step that adds one to a tensor, and makes a sum of what it was."""

    def __init__(self) -> None:
        self.count = Tensor(np.zeros(64))
        self.total = Tensor(np.zeros(64))

    def step(self, x: Tensor) -> Tensor:
        before = self.count * 1.0
        self.count.assign(before + x.mean())
        self.total.assign(self.total + before)
        return before[0]


@pytest.mark.parametrize("mode", MODES)
def test_threads_that_share_a_step_with_a_state_take_turns(mode: str) -> None:
    """Each call counts once, also the first ones, and those of another shape."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(3):
            counting, seen = Counting(), list[float]()
            step = tl.compile(mode=mode)(counting.step)

            def work(size: int, step: Any = step, seen: list[float] = seen) -> Callable[[], None]:
                def run() -> None:
                    seen.extend(float(step(tl.ones(size))) for _ in range(50))

                return run

            together(work(1), work(2), work(1), work(3))
            assert sorted(seen) == list(range(200))
            np.testing.assert_array_equal(counting.count.numpy(), 200.0)
            np.testing.assert_array_equal(counting.total.numpy(), sum(range(200)))
            assert len(step._programs) == 3
    finally:
        sys.setswitchinterval(switch)


@pytest.mark.parametrize("mode", MODES)
def test_threads_that_trace_steps_of_one_model(mode: str) -> None:
    """One trains, another looks: no number is ever asked of what is being traced."""
    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(5):
            run = Run(mode)
            look = tl.compile(mode=mode)(lambda x, run=run: run.model[0](x).sum())
            with tl.no_grad():
                look(run.x)

            def train(run: Run = run) -> None:
                for _ in range(3):
                    run.go_on()

            def watch(look: Any = look, run: Run = run) -> None:
                with tl.no_grad():
                    for _ in range(200):
                        assert np.isfinite(float(look(run.x)))

            together(train, watch, watch)
            assert run.schedule.last_epoch == 3
    finally:
        sys.setswitchinterval(switch)


@needs_fork
def test_a_fork_while_another_thread_is_in_a_step_with_a_state() -> None:
    code = "from tests.test_compile_robust import forked_with_state as f\nf()\nprint('done')\n"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=100
    )
    assert done.stdout == "done\n", done.stderr[-3000:]


def forked_with_state() -> None:
    """The child finds the lock of the step free, whoever has it."""
    counting = Counting()
    step = tl.compile(counting.step)
    x, over = tl.ones(3), threading.Event()

    def busy() -> None:
        while not over.is_set():
            step(x)

    thread = threading.Thread(target=busy)
    thread.start()
    context = multiprocessing.get_context("fork")
    try:
        for _ in range(10):
            child = context.Process(target=step, args=(x,))
            child.start()
            child.join(30)
            assert child.exitcode == 0, child.exitcode
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("mode", MODES)
def test_what_is_traced_while_another_thread_changes_what_it_reads(mode: str) -> None:
    """The other one waits with its changes, and the program reads the tensors anew."""
    counting, x = Counting(), tl.ones(1)
    count = tl.compile(mode=mode)(counting.step)
    count(x), count(x)
    names = count._latest.driver.names  # type: ignore[union-attr]
    run, running, looked = names["function"], threading.Event(), threading.Event()

    def slow(*args: Any) -> Any:
        running.set()
        assert looked.wait(10)
        return run(*args)

    def look(x: Tensor) -> Tensor:
        first = counting.count * x
        looked.set()
        time.sleep(0.1)  # for the other thread to come to its changes
        return tl.stack([first[0], (counting.count * x)[0]])

    names["function"] = slow
    thread = threading.Thread(target=count, args=(x,))
    thread.start()
    assert running.wait(10)
    compiled = tl.compile(mode=mode)(look)
    assert compiled(x).tolist() == [2.0, 2.0]
    thread.join()
    names["function"] = run
    assert compiled(x).tolist() == [3.0, 3.0]
    count(x)
    assert compiled(x).tolist() == [4.0, 4.0]

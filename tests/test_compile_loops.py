"""``repeat`` and ``scan`` in C: as many single steps would have it, to the bit."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.compiler import looping
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.compiler.c_code.loop import Loop
from tinygrad_lesson.nn import functional as F  # noqa: N812
from tinygrad_lesson.optim import lr_scheduler

from .support import seeded
from .test_compile_state import OPTIMIZERS, OTHERS, Run, go_through
from .test_compile_state import X as RUN_X
from .test_compile_state import Y as RUN_Y

pytestmark = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

X, Y = seeded("x").normal(size=(6, 3)), seeded("y").normal(size=(6, 2))


@pytest.fixture
def looped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many steps each call of C has run."""
    counts: list[int] = []
    run = Loop.__call__

    def counting(self: Loop, steps: int, given: Any, numbers: Any) -> Any:
        result = run(self, steps, given, numbers)
        counts.append(steps)
        return result

    monkeypatch.setattr(Loop, "__call__", counting)
    return counts


class Training:
    """A model, everything that has a state, and a step."""

    def __init__(self) -> None:
        tl.manual_seed(0)
        self.model: nn.Module = self.network().double()
        self.optimizer: optim.Optimizer = self.descent()
        self.compiled = tl.compile(self.step, mode="c")
        self.generator = tl.manual_seed(1)

    def network(self) -> nn.Module:
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))

    def descent(self) -> optim.Optimizer:
        return optim.SGD(self.model.parameters(), lr=0.1)

    def step(self, x: Tensor, y: Tensor) -> Any:
        loss = F.mse_loss(self.model(x), y)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss

    def use(self) -> Training:
        """The two that are compared take turns with the default generator."""
        tl.random._DEFAULT.set(self.generator)
        return self

    def everything(self) -> list[Any]:
        state = self.optimizer.state_dict()
        return [
            *map(np.array, self.model.state_dict().values()),
            *(np.array(v) for held in state["state"].values() for v in held.values()),
            *(None if p.grad is None else np.array(p.grad) for p in self.model.parameters()),
            [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]],
            repr(self.generator.bit_generator.state),
        ]


class Momentum(Training):
    def descent(self) -> optim.Optimizer:
        return optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)


class Adam(Training):
    def descent(self) -> optim.Optimizer:
        return optim.Adam(self.model.parameters(), lr=0.01, amsgrad=True)


class Chance(Training):
    """Dropout, and noise from a generator of its own."""

    def network(self) -> nn.Module:
        self.own = np.random.default_rng(5)
        return nn.Sequential(
            nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.Linear(4, 2)
        )  # fmt: skip

    def step(self, x: Tensor, y: Tensor) -> Any:
        return super().step(x + tl.randn(6, 3, dtype=tl.float64, generator=self.own), y)


class Schedule(Training):
    """A schedule, a rate that is returned, and a norm that is clipped."""

    def descent(self) -> optim.Optimizer:
        descent = optim.Adam(self.model.parameters(), lr=0.01)
        self.schedule = lr_scheduler.CosineAnnealingLR(descent, 7, eta_min=1e-4)
        return descent

    def step(self, x: Tensor, y: Tensor) -> Any:
        loss = F.mse_loss(self.model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.schedule.step()
        return {"loss": loss, "rate": self.schedule.get_last_lr()[0], "what": 3}

    def everything(self) -> list[Any]:
        return [*super().everything(), self.schedule.last_epoch, self.schedule.get_last_lr()]


class Gathered(Training):
    """Gradients that add up over the steps."""

    def step(self, x: Tensor, y: Tensor) -> Any:
        loss = F.mse_loss(self.model(x), y)
        loss.backward()
        return loss


class Frozen(Momentum):
    def network(self) -> nn.Module:
        model = super().network()
        model[0].requires_grad_(False)
        return model


class Averaged(Training):
    """A copy of a parameter goes along slowly, and is a part of the result."""

    def network(self) -> nn.Module:
        self.slow = Tensor(np.zeros((2, 4)))
        return super().network()

    def step(self, x: Tensor, y: Tensor) -> Any:
        loss = super().step(x, y)
        self.slow.assign(0.9 * self.slow + 0.1 * self.model[2].weight.detach())
        return loss, self.slow.sum(axis=0), self.slow.mT

    def everything(self) -> list[Any]:
        return [*super().everything(), np.array(self.slow)]


TRAININGS: list[type[Training]] = [
    Training, Momentum, Adam, Chance, Schedule, Gathered, Frozen, Averaged,
]  # fmt: skip


def equal(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list | tuple):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            equal(a, b)
    elif isinstance(one, Tensor | np.ndarray):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()
    else:
        assert one == other


@pytest.mark.parametrize("kind", TRAININGS)
def test_repeat_is_single_steps(kind: type[Training], looped: list[int]) -> None:
    single, many = kind(), kind()
    x, y = Tensor(X), Tensor(Y)
    total = 0
    for n in (1, 2, 1, 3, 8, 21):
        single.use()
        for _ in range(n):
            expected = single.compiled(x, y)
        equal(many.use().compiled.repeat(n, x, y), expected)
        equal(many.everything(), single.everything())
        total += n
    assert sum(looped) >= total - 12  # and most of them at once


@pytest.mark.parametrize("kind", TRAININGS)
def test_scan_is_single_steps(kind: type[Training], looped: list[int]) -> None:
    single, many = kind(), kind()
    xs, ys = seeded("xs").normal(size=(15, 6, 3)), seeded("ys").normal(size=(15, 6, 2))
    for n in (1, 2, 15):
        single.use()
        expected = [single.compiled(Tensor(x), y) for x, y in zip(xs[:n], ys[:n], strict=True)]
        found = many.use().compiled.scan(Tensor(xs[:n]), ys[:n])
        equal(many.everything(), single.everything())
        equal(found, _stacked(expected))
    assert sum(looped) >= 12


def _stacked(results: list[Any]) -> Any:
    first = results[0]
    if isinstance(first, dict):
        return {key: _stacked([r[key] for r in results]) for key in first}
    if isinstance(first, tuple):
        return tuple(_stacked(list(column)) for column in zip(*results, strict=True))
    return Tensor(np.stack([np.asarray(r) for r in results]))


def test_a_program_that_the_count_of_steps_decides(looped: list[int]) -> None:
    class Rectified(Training):
        def descent(self) -> optim.Optimizer:
            return optim.RAdam(self.model.parameters(), lr=0.01)

    single, many = Rectified(), Rectified()
    for _ in range(30):
        expected = single.compiled(Tensor(X), Tensor(Y))
    equal(many.compiled.repeat(30, Tensor(X), Tensor(Y)), expected)
    equal(many.everything(), single.everything())
    assert len(many.compiled._programs) > 1
    assert sum(looped) >= 15


def test_one_step_in_a_call_of_c(monkeypatch: pytest.MonkeyPatch, looped: list[int]) -> None:
    monkeypatch.setattr(looping, "PATIENCE", 1e-9)
    single, many = Schedule(), Schedule()
    for _ in range(12):
        expected = single.compiled(Tensor(X), Tensor(Y))
    equal(many.compiled.repeat(12, Tensor(X), Tensor(Y)), expected)
    equal(many.everything(), single.everything())
    assert looped == [1] * len(looped)
    assert len(looped) >= 9


# ---- who holds what ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Momentum, Adam, Averaged])
def test_what_others_hold_does_not_change(kind: type[Training], looped: list[int]) -> None:
    run = kind()
    x, y = Tensor(X), Tensor(Y)
    kept: list[tuple[Any, Any]] = []
    for n in (3, 4, 5, 6, 7):
        result = run.compiled.repeat(n, x, y)
        states = run.model.state_dict(), run.optimizer.state_dict()["state"]
        held = [
            *(result if isinstance(result, tuple) else [result]),
            *(p.detach() for p in run.model.parameters()), *states[0].values(),
            *(v for state in states[1].values() for v in state.values()),
            *(p.numpy() for p in run.model.parameters()),
        ]  # fmt: skip
        kept.append((held, [np.array(v) for v in held]))
        graph = F.mse_loss(run.model(x), y)
        gradients = tl.autograd.grad(graph, list(run.model.parameters()), retain_graph=True)
        run.compiled.repeat(n, x, y)
        equal(tl.autograd.grad(graph, list(run.model.parameters())), gradients)
    for held, before in kept:
        equal([np.array(v) for v in held], before)
    assert sum(looped) > 30


def test_arguments_that_the_step_changes(looped: list[int]) -> None:
    @tl.compile(mode="c")
    def step(x: Tensor, y: Any) -> Tensor:
        x.assign(x * 0.5 + y)
        return x.sum() * 1

    def run(step: Callable[..., Any], loop: bool) -> list[Any]:
        x, y = Tensor([1.0, 2.0]), np.array([1.0, 3.0], np.float32)
        results = [step.repeat(9, x, y) if loop else [step(x, y) for _ in range(9)][-1]]
        results += [step.repeat(9, y, x) if loop else [step(y, x) for _ in range(9)][-1]]
        return [*results, x, y]

    equal(run(step, loop=True), run(step, loop=False))
    assert len(looped) > 1


def test_an_argument_that_the_step_knows_otherwise(looped: list[int]) -> None:
    def made() -> tuple[Any, list[Tensor]]:
        a, b = Tensor([1.0, 2.0]), Tensor([3.0, 5.0])

        @tl.compile(mode="c")
        def step(x: Tensor) -> Tensor:
            a.assign(a + 0.5 * x)
            return (x * a).sum()

        return step, [a, b]

    (single, held), (many, others) = made(), made()
    for place in (1, 0, 1, 0):
        for _ in range(7):
            expected = single(held[place])
        equal(many.repeat(7, others[place]), expected)
        equal(others, held)


def test_state_that_is_read_while_it_is_written(looped: list[int]) -> None:
    def made() -> tuple[Any, Tensor]:
        turned, turn = Tensor(np.eye(3)), Tensor(np.roll(np.eye(3), 1, axis=0) * 0.75)

        def step() -> Tensor:
            turned.assign(turned @ turn + turned[::-1])
            return turned * 2

        return tl.compile(step, mode="c"), turned

    (single, held), (many, other) = made(), made()
    for _ in range(12):
        expected = single()
    equal(many.repeat(12), expected)
    equal(other, held)
    assert sum(looped) >= 10


@pytest.mark.parametrize("kind", ["swap", "delay", "transpose", "constant", "svd"])
def test_what_cannot_go_round_in_c(kind: str) -> None:
    def made() -> tuple[Any, list[Tensor]]:
        a, b = Tensor([[1.0, 2.0], [3.0, 5.0]]), Tensor([[0.5, 1.0], [1.0, 0.25]])

        def step(x: Tensor) -> Tensor:
            if kind == "swap":
                old = a * 1
                a.assign(b)
                b.assign(old)
            elif kind == "delay":
                old = a.detach()
                a.assign(b * x)
                b.assign(old)
            elif kind == "transpose":
                a.assign((a * x).mT)
            elif kind == "constant":
                a.assign(tl.ones(2, 2) * 2)
                b.assign(b + x * a)
            else:
                a.assign(a / tl.linalg.svdvals(a)[0] + x)
            return (a * b).sum() + x

        return tl.compile(step, mode="c"), [a, b]

    (single, held), (many, others) = made(), made()
    for _ in range(9):
        expected = single(Tensor(0.5))
    equal(many.repeat(9, Tensor(0.5)), expected)
    equal(others, held)
    xs = np.linspace(0, 1, 7, dtype=np.float32)
    equal(many.scan(xs), Tensor(np.stack([single(Tensor(x)).numpy() for x in xs])))
    equal(others, held)


# ---- scan ----------------------------------------------------------------------------------


def test_rows_of_numbers_are_arrays(looped: list[int]) -> None:
    traced = []

    @tl.compile(mode="c")
    def step(x: Any, scale: float, more: dict[str, Any]) -> Any:
        traced.append(x)
        return {"x": tl.exp(Tensor(x)) * scale, "more": (more["y"].mT + 1, 7)}

    x, y = np.arange(9.0), Tensor(np.arange(54.0).reshape(9, 2, 3)[:, ::-1])
    found = step.scan(x, 2.0, {"y": y})
    equal(found["more"][0], y.mT + 1)
    np.testing.assert_allclose(found["x"].numpy(), np.exp(x) * 2)
    assert found["more"][1].tolist() == [7] * 9
    assert len(traced) == 1
    assert sum(looped) == 8


def test_scan_keeps_the_history_of_its_results() -> None:
    x = Tensor(np.arange(4.0), requires_grad=True)
    step = tl.compile(lambda x: x * x, mode="c")
    step.scan(x).sum().backward()
    assert x.grad.tolist() == [0.0, 2.0, 4.0, 6.0]
    with tl.no_grad():
        assert step.scan(x).tolist() == [0.0, 1.0, 4.0, 9.0]


def test_results_of_a_scan_stay(looped: list[int]) -> None:
    run = Averaged()
    xs = Tensor(np.repeat(X[None], 8, axis=0))
    ys = Tensor(np.repeat(Y[None], 8, axis=0))
    run.compiled.scan(xs, ys)
    found = run.compiled.scan(xs, ys)
    before = [np.array(x) for x in found], np.array(run.slow)
    kept = run.slow.detach()
    run.compiled.scan(xs, ys)
    equal([[np.array(x) for x in found], np.array(kept)], list(before))
    equal(np.array(kept), found[2].numpy()[-1].T.copy())


# ---- errors and interruptions --------------------------------------------------------------


def test_an_index_out_of_range_stops_at_its_step(looped: list[int]) -> None:
    total = Tensor(np.zeros(3))
    table = Tensor(np.arange(12.0).reshape(4, 3))

    @tl.compile(mode="c")
    def step(i: Tensor) -> Tensor:
        total.assign(total + tl.take(table, i, axis=0).sum(axis=0))
        return total * 1

    rows = np.array([[0, 1], [1, 2], [3, 3], [2, 0], [1, 1], [0, 4], [1, 1]])
    with pytest.raises(tl.errors.IndexingError):
        step.scan(Tensor(rows))
    equal(np.array(total), np.arange(12.0).reshape(4, 3)[rows[:5].ravel()].sum(axis=0))
    step.scan(Tensor(rows[:5]))
    assert sum(looped) >= 3


def test_a_schedule_that_fails_stops_at_its_step() -> None:
    class Failing(Training):
        def descent(self) -> optim.Optimizer:
            descent = optim.Adam(self.model.parameters(), lr=0.01)
            self.schedule = lr_scheduler.LambdaLR(descent, self.rate)
            return descent

        def rate(self, epoch: int) -> float:
            if epoch == 11:
                raise ZeroDivisionError("no more")
            return 1 / (1 + epoch)

        def step(self, x: Tensor, y: Tensor) -> Any:
            loss = super().step(x, y)
            self.schedule.step()
            return loss

    single, many = Failing(), Failing()
    x, y = Tensor(X), Tensor(Y)
    for _ in range(10):
        single.compiled(x, y)
    with pytest.raises(ZeroDivisionError):
        many.compiled.repeat(20, x, y)
    equal(many.everything(), single.everything())
    assert many.schedule.last_epoch == single.schedule.last_epoch == 10


class Interrupted(BaseException):
    """In the place of KeyboardInterrupt, which pytest would take for the user's."""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", [Momentum, Schedule, Chance])
def test_an_interrupt_leaves_whole_steps(kind: type[Training]) -> None:
    class Counting(kind):
        def network(self) -> nn.Module:
            self.count = Tensor(0)
            return super().network()

        def step(self, x: Tensor, y: Tensor) -> Any:
            self.count.assign(self.count + 1)
            return super().step(x, y)

    single, many = Counting(), Counting()
    x, y = Tensor(X), Tensor(Y)

    def interrupt(number: int, frame: Any) -> None:
        raise Interrupted

    def interrupted(delay: float) -> None:
        # Once more if the first one comes within a callback, where Python drops it.
        signal.setitimer(signal.ITIMER_REAL, delay, 2.0)
        many.compiled.repeat(100_000_000, x, y)

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for delay in (0.008, 0.002, 0.005):
            many.use()
            many.compiled.repeat(5, x, y)
            with pytest.raises(Interrupted):
                interrupted(delay)
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    single.use()
    for _ in range(int(many.count)):
        single.compiled(x, y)
    equal(many.everything(), single.everything())
    assert int(many.count) == int(single.count)


# ---- threads, and everything else in between -------------------------------------------------


def test_many_threads(looped: list[int]) -> None:
    def trained(threads: int, loop: bool) -> list[np.ndarray]:
        tl.manual_seed(0)
        model = nn.Sequential(nn.Linear(40, 70), nn.ReLU(), nn.Linear(70, 5)).double()
        adam = optim.Adam(model.parameters())

        def step(x: Tensor, y: Tensor) -> Tensor:
            adam.zero_grad()
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            adam.step()
            return loss

        compiled = tl.compile(step, mode="c", threads=threads)
        x, y = Tensor(seeded("rows").normal(size=(60, 40))), Tensor(np.arange(60) % 5)
        for _ in range(1 if loop else 8):
            result = compiled.repeat(8, x, y) if loop else compiled(x, y)
        return [result.numpy(), *(p.numpy() for p in model.parameters())]

    single = trained(2, loop=False)
    for threads in (1, 2):
        equal(trained(threads, loop=True), single)
    assert sum(looped) == 2 * 6


class Mixed(Run):
    """A training in which some steps are taken many at once."""

    def do(self, action: str, compiled: bool) -> list[np.ndarray]:
        kind, _, name = action.partition(" ")
        if kind not in ("repeat", "scan"):
            return super().do(action, compiled)
        tl.random._DEFAULT.set(self.generator)
        step, n = (self.compiled if compiled else self.steps)[name], 5
        x, y = Tensor(RUN_X), Tensor(RUN_Y)
        if kind == "repeat":
            return [step.repeat(n, x, y) if compiled else [step(x, y) for _ in range(n)][-1]]
        xs = np.linspace(1, 2, n)[:, None, None] * RUN_X
        if compiled:
            found = step.scan(xs, tl.stack([y] * n))
        else:
            found = tl.stack([step(Tensor(x), y) for x in xs])
        return [np.array(found.detach())]


LOOPS = [f"{kind} {name}" for kind in ("repeat", "scan") for name in ("step", "scheduled", "look")]
ACTIONS = st.lists(
    st.tuples(st.sampled_from([*LOOPS, *LOOPS, "step", "scheduled"]), st.booleans())
    | st.tuples(st.sampled_from(OTHERS), st.just(False)),
    min_size=4,
    max_size=12,
)


@settings(max_examples=6)
@given(optimizer=st.sampled_from(sorted(OPTIMIZERS)), actions=ACTIONS)
def test_any_order(optimizer: str, actions: list[tuple[str, bool]]) -> None:
    go_through(Mixed(optimizer, None), Mixed(optimizer, "c"), actions)


@pytest.mark.long
@settings(max_examples=100)
@given(optimizer=st.sampled_from(sorted(OPTIMIZERS)), actions=ACTIONS)
def test_any_order_more_often(optimizer: str, actions: list[tuple[str, bool]]) -> None:
    go_through(Mixed(optimizer, None), Mixed(optimizer, "c"), actions)

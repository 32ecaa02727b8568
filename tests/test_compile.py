"""What a user of ``tl.compile`` gets: the numbers of the eager step, whatever happens between two.

Layers, losses, optimizers and schedules have a file of their own, and so have random programs.
"""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import math
import pickle
import re
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.compiler import Compiled, RetraceWarning
from tinygrad_lesson.compiler.programs import MOST
from tinygrad_lesson.errors import ArgumentError, TraceError
from tinygrad_lesson.op import REGISTRY
from tinygrad_lesson.samples import calls
from tinygrad_lesson.tracing.shapes import SHAPED_BY_VALUES

from .support import run as run_op

F = nn.functional


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    tl.set_default_dtype(tl.float64)
    yield
    tl.set_default_dtype(tl.float32)


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=1e-10, atol=1e-12)


def x_of(*shape: int, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).normal(size=shape))


def traces(step: Compiled[..., Any]) -> int:
    """How many programs a compiled step has."""
    return len(step._programs)


Step = Callable[..., Any]


class Training(NamedTuple):
    model: nn.Module
    optimizer: optim.Optimizer
    step: Step


def training(make_optimizer: Callable[..., optim.Optimizer] | None = None) -> Training:
    """A small network, always the same, and a step that trains it."""
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = (make_optimizer or functools.partial(optim.SGD, lr=0.1))(model.parameters())

    def step(x: Any, y: Any) -> Tensor:
        loss = F.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return Training(model, optimizer, step)


def both(make: Callable[[], tuple[Step, Any]], *args: Any, times: int = 4) -> Compiled[..., Any]:
    """Run a step eagerly and compiled; results, and tensors that it keeps, are equal.

    `make` returns the step and what to look at afterwards: tensors, or functions that give some.
    """
    found = []
    for compiled in (False, True):
        tl.manual_seed(1)
        step, kept = make()
        run = tl.compile(step) if compiled else step
        tl.manual_seed(2)
        results = [numbers(run(*args)) for _ in range(times)]
        found.append((results, numbers(kept)))
    for one, other in zip(*map(flat, found), strict=True):
        close(other, one)
    assert isinstance(run, Compiled)
    return run


def numbers(tree: Any) -> Any:
    if isinstance(tree, nn.Module):
        return [np.array(v) for v in tree.state_dict().values()]
    if isinstance(tree, tuple | list):
        return [numbers(part) for part in tree]
    return np.array(tree() if callable(tree) else tree)


def flat(tree: Any) -> list[np.ndarray]:
    return [x for part in tree for x in flat(part)] if isinstance(tree, tuple | list) else [tree]


X, Y = x_of(5, 3), x_of(5, 1, seed=1)


# ---- a step ------------------------------------------------------------------------------------


def test_a_step_is_run_once_in_python_and_trains_as_ever() -> None:
    eager, fast = training(), training()
    ran = []

    def watched(x: Tensor, y: Tensor) -> Tensor:
        ran.append(1)
        return fast.step(x, y)  # type: ignore[no-any-return]

    step = tl.compile(watched)
    for _ in range(100):
        close(step(X, Y), eager.step(X, Y))
    close(numbers(fast.model)[0], numbers(eager.model)[0])
    assert len(ran) == 1
    assert traces(step) == 1


def test_float32_stays_close() -> None:
    tl.set_default_dtype(tl.float32)
    eager, fast = training(optim.Adam), training(optim.Adam)
    step = tl.compile(fast.step)
    x, y = X.astype(tl.float32), Y.astype(tl.float32)
    for i in range(100):
        tolerance = 1e-5 if i < 2 else 1e-3
        np.testing.assert_allclose(float(step(x, y)), float(eager.step(x, y)), rtol=tolerance)
    assert all(p.dtype == tl.float32 for p in fast.model.parameters())


def test_gradients_are_none_after_a_step_unless_they_are_kept() -> None:
    for keep in (False, True):
        fast, eager = training(), training()
        step = tl.compile(keep_grads=keep)(fast.step)
        for _ in range(3):
            step(X, Y)
            eager.step(X, Y)
            for p, q in zip(fast.model.parameters(), eager.model.parameters(), strict=True):
                assert (p.grad is None) is not keep
                if keep:
                    close(p.grad, q.grad)


def test_gradients_that_are_added_up_stay() -> None:
    def make() -> tuple[Step, Any]:
        t = training()

        def step(x: Tensor, y: Tensor) -> Tensor:
            loss = F.mse_loss(t.model(x), y)
            loss.backward()
            return loss

        return step, [lambda p=p: p.grad for p in t.model.parameters()]

    both(make, X, Y)


def test_an_update_compiled_alone_finds_the_gradients_of_an_eager_backward() -> None:
    found = []
    for compiled in (False, True):
        t = training(functools.partial(optim.Adam, lr=0.1))

        def update(t: Training = t) -> Tensor:
            norm = nn.utils.clip_grad_norm_(t.model.parameters(), 0.01)
            t.optimizer.step()
            t.optimizer.zero_grad()
            return norm

        run = tl.compile(update) if compiled else update
        for i in range(4):
            F.mse_loss(t.model(X * float(i + 1)), Y).backward()
            found.append(run())
        found += numbers(t.model)
    for one, other in zip(found[: len(found) // 2], found[len(found) // 2 :], strict=True):
        close(one, other)


def test_zero_grad_with_zeros() -> None:
    def make() -> tuple[Step, Any]:
        t = training(functools.partial(optim.SGD, lr=0.1, momentum=0.9))

        def step(x: Tensor, y: Tensor) -> Tensor:
            t.optimizer.zero_grad(set_to_none=False)
            loss = F.mse_loss(t.model(x), y)
            loss.backward()
            t.optimizer.step()
            return loss

        return step, t.model

    both(make, X, Y)


def test_dropout_draws_what_it_would_have_drawn() -> None:
    def make() -> tuple[Step, Any]:
        drop = nn.Dropout(0.4)
        return lambda x: (drop(x), tl.randn(3), tl.randint(0, 9, (4,)), tl.randperm(5)), drop

    both(make, X)


def test_a_generator_of_the_users_goes_on() -> None:
    def make() -> tuple[Step, Any]:
        generator = np.random.default_rng(3)
        return (lambda: tl.rand(4, generator=generator)), lambda: generator.normal()

    both(make)


def test_a_gan_freezes_one_net_and_then_the_other() -> None:
    def make() -> tuple[Step, Any]:
        g, d = nn.Linear(3, 3), nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        one, two = optim.Adam(g.parameters()), optim.SGD(d.parameters(), lr=0.1)

        def step(x: Tensor) -> tuple[Tensor, Tensor]:
            fake = g(tl.randn(5, 3))
            d.requires_grad_(True)
            loss = F.softplus(-d(x)).mean() + F.softplus(d(fake.detach())).mean()
            two.zero_grad()
            loss.backward()
            two.step()
            d.requires_grad_(False)
            other = F.softplus(-d(fake)).mean()
            one.zero_grad()
            other.backward()
            one.step()
            return loss, other

        return step, [g, d, lambda: [p.requires_grad for p in d.parameters()]]

    assert traces(both(make, X)) == 2  # Adam's first step is another one


def test_train_and_eval_inside_a_step() -> None:
    def make() -> tuple[Step, Any]:
        model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))

        def step(x: Tensor) -> tuple[Tensor, Tensor]:
            model.train()
            noisy = model(x)
            model.eval()
            return noisy, model(x)

        return step, model

    step = both(make, X, times=6)
    assert traces(step) == 1


def test_grad_hessian_and_vmap_inside_a_step() -> None:
    def make() -> tuple[Step, Any]:
        w = Tensor([0.3, -0.2, 0.7], requires_grad=True)

        def f(v: Tensor) -> Tensor:
            return (tl.tanh(v * w) ** 3).sum()

        def step(x: Tensor) -> Any:
            slopes = tl.vmap(tl.grad(f))(x)
            return slopes, tl.hessian(f)(x[0]), tl.jvp(f, (x[1],), (x[2],))[1]

        return step, w

    both(make, X)


def test_double_backward_checkpoint_and_custom_vjp() -> None:
    @tl.custom_vjp
    def gently(x: Tensor) -> Tensor:
        return x * 1.0

    gently.defvjp(
        forward=lambda x: (gently(x), x),
        backward=lambda x, g: (tl.clip(g, -0.1, 0.1) * tl.cos(x),),
    )

    def make() -> tuple[Step, Any]:
        t = training()
        block = tl.checkpoint(lambda x: t.model[1](t.model[0](x)))

        def step(x: Tensor, y: Tensor) -> Tensor:
            x = x * 1.0
            x.requires_grad = True
            out = t.model[2](gently(block(x)))
            (slope,) = tl.autograd.grad(out.sum(), [x], create_graph=True)
            loss = F.mse_loss(out, y) + ((slope**2).sum() - 1.0) ** 2
            t.optimizer.zero_grad()
            loss.backward()
            t.optimizer.step()
            return loss

        return step, t.model

    both(make, X, Y)


def test_an_unrolled_recurrence_with_a_state_between_steps() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.cell = nn.GRUCell(3, 2)
            self.h = nn.Buffer(tl.zeros(5, 2))
            self.last = tl.zeros(5, 2)

        def forward(self, x: Tensor) -> Tensor:
            h: Tensor = self.h
            for _ in range(3):
                h = self.cell(x, h)
            self.h = h.detach()
            self.last = (self.last + h).detach()
            return h

    def make() -> tuple[Step, Any]:
        net = Net()
        sgd = optim.SGD(net.parameters(), lr=0.1)

        def step(x: Tensor) -> Tensor:
            loss = (net(x) ** 2).sum()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            return loss

        return step, [net, lambda: net.h, lambda: net.last]

    step = both(make, X)
    assert traces(step) == 1


def test_weights_that_each_call_makes_anew() -> None:
    def make() -> tuple[Step, Any]:
        model = nn.Sequential(
            nn.utils.weight_norm(nn.Linear(3, 4)), nn.utils.spectral_norm(nn.Linear(4, 1))
        )
        sgd = optim.SGD(model.parameters(), lr=0.1)

        def step(x: Tensor, y: Tensor) -> Tensor:
            loss = F.mse_loss(model(x), y)
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            return loss

        return step, [model, lambda: model[0].weight]

    assert traces(both(make, X, Y)) == 1


def test_exponential_moving_average_by_assign_and_in_place() -> None:
    def make() -> tuple[Step, Any]:
        average, total = tl.zeros(3), tl.zeros(3)

        def step(x: Tensor) -> Tensor:
            nonlocal total  # which stays the same object
            average.assign(average * 0.9 + x.mean(axis=0) * 0.1)
            with tl.no_grad():
                total += x[0]
                total[1] = x[1, 1]
            return average * 2

        return step, [average, total]

    both(make, X)


def test_an_argument_may_be_changed() -> None:
    for compiled in (False, True):

        def clear(x: Tensor) -> None:
            x.assign(x * 0.5)

        run = tl.compile(clear) if compiled else clear
        for start in (1.0, 2.0, 3.0):
            t = Tensor([start])
            run(t)
            assert t.tolist() == [start / 2]


def test_a_leaf_of_the_steps_own_gets_another_gradient_in_each_step() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    descent, traces = optim.SGD([w], lr=0.01), []

    @tl.compile
    def penalised(x: Tensor) -> Tensor:
        traces.append(x.shape)
        z = x.detach().requires_grad_()
        (slope,) = tl.autograd.grad(((w * z) ** 2).sum(), [z], create_graph=True)
        loss = (slope**2).sum()
        descent.zero_grad()
        loss.backward()  # into z.grad, too
        descent.step()
        return loss

    losses = [float(penalised(Tensor([1.0, 1.0]))) for _ in range(4)]
    assert len(traces) == 1
    assert losses == sorted(losses, reverse=True)


def test_what_is_changed_in_place_keeps_its_dtype() -> None:
    def step(x: Tensor, y: Tensor) -> Tensor:
        z = x + 1
        z += y
        return z

    x, y = Tensor([0.1, 2.0], dtype=tl.float32), Tensor([0.3, 4.0], dtype=tl.float64)
    compiled = tl.compile(step)
    for _ in range(2):
        assert compiled(x, y).dtype == tl.float32
        assert compiled(x, y).tolist() == step(x, y).tolist()


# ---- what is read anew -------------------------------------------------------------------------


def test_what_a_user_does_between_steps_counts() -> None:
    eager, fast = training(optim.AdamW), training(optim.AdamW)
    step = tl.compile(fast.step)

    def each(change: Callable[[Training], Any]) -> None:
        for t in (eager, fast):
            change(t)
        close(step(X, Y), eager.step(X, Y))
        for one, other in zip(numbers(fast.model), numbers(eager.model), strict=True):
            close(one, other)

    saved = [t.optimizer.state_dict() for t in (eager, fast)]
    first = eager.model.state_dict()
    for _ in range(3):
        each(lambda t: None)
    each(lambda t: t.model.load_state_dict(first))
    each(lambda t: t.optimizer.param_groups[0].update(lr=0.2, weight_decay=0.0))
    each(lambda t: t.optimizer.param_groups[0].update(betas=(0.5, 0.6)))
    each(lambda t: t.optimizer.load_state_dict(saved[t is fast]))
    each(lambda t: t.model[0].requires_grad_(False))
    each(lambda t: t.model[0].requires_grad_(True))
    each(lambda t: t.model[2].bias.assign([7.0]))
    each(lambda t: t.step(X, Y))
    each(lambda t: F.mse_loss(t.model(X), Y).backward())
    each(lambda t: t.model[1].register_forward_hook(lambda m, a, out: out * 0.5))
    each(lambda t: t.model[0].weight.register_hook(lambda g: g * 3.0))
    each(lambda t: t.model.append(nn.Softplus()))
    each(lambda t: setattr(t.model, "1", nn.Sigmoid()))
    each(lambda t: t.model.eval())


def test_a_new_state_dict_of_the_optimizer_is_found() -> None:
    found = []
    for compiled in (False, True):
        t = training(optim.Adam)
        step = tl.compile(t.step) if compiled else t.step
        for _ in range(3):
            step(X, Y)
        t.optimizer.state = {}
        step(X, Y)
        t.optimizer.state[0] = {k: v * 0.5 for k, v in t.optimizer.state[0].items() if k != "step"}
        t.optimizer.state[0]["step"] = 4
        step(X, Y)
        t.optimizer.param_groups[0]["params"].pop()
        step(X, Y)
        t.optimizer.param_groups[0]["lr"] = np.float64(0.25)
        found.append([step(X, Y), *numbers(t.model)])
    for one, other in zip(*found, strict=True):
        close(one, other)


def test_another_dtype_is_another_step() -> None:
    eager, fast = training(), training()
    step = tl.compile(fast.step)
    step(X, Y), eager.step(X, Y)
    for t in (eager, fast):
        t.model.float()
    x, y = X.astype(tl.float32), Y.astype(tl.float32)
    loss = step(x, y)
    assert loss.dtype == tl.float32
    np.testing.assert_allclose(float(loss), float(eager.step(x, y)), rtol=1e-6)
    tl.set_default_dtype(tl.float32)
    halves = tl.compile(lambda: tl.ones(2) * 0.5)
    assert halves().dtype == halves().dtype == tl.float32
    tl.set_default_dtype(tl.float64)
    assert halves().dtype == tl.float64


FACTOR: Any = 2.0


def test_names_in_the_code_are_looked_up_anew() -> None:
    global FACTOR
    scale = 3.0
    w = Tensor([1.0])

    def helper(x: Tensor) -> Tensor:
        return x * FACTOR

    @tl.compile
    def step(x: Tensor) -> Tensor:
        return helper(x) * scale * w

    try:
        assert [step(Tensor([1.0])).item() for _ in range(2)] == [6.0, 6.0]
        scale = 5.0
        assert step(Tensor([1.0])).item() == 10.0
        FACTOR = 7.0
        assert step(Tensor([1.0])).item() == 35.0
        FACTOR = Tensor([2.0])
        assert step(Tensor([1.0])).item() == 10.0
        w = Tensor([0.5])
        assert step(Tensor([1.0])).item() == 5.0
        w.assign([4.0])
        FACTOR = Tensor([1.0])
        assert step(Tensor([1.0])).item() == 20.0
    finally:
        FACTOR = 2.0


def test_arrays_of_the_users_are_read_anew() -> None:
    table, mask = np.array([1.0, 2.0]), np.array([True, False])
    held = Tensor([0.0, 0.0])

    @tl.compile
    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        held.assign(table)
        return x * table, F.relu(Tensor(table, dtype=tl.float32)) + tl.where(mask, x, 0.0)

    for factor in (1.0, 2.0, 3.0):
        table[:] = [factor, -factor]
        mask[:] = factor > 1.0
        a, b = step(Tensor([1.0, 1.0]))
        close(a, [factor, -factor])
        close(b, [factor + (factor > 1.0), float(factor > 1.0)])
        close(held, table)


def test_other_shapes_dtypes_and_values_are_other_programs() -> None:
    @tl.compile
    def step(x: Tensor, power: int = 2, scale: float = 1.0, **more: Any) -> Tensor:
        total: Tensor = (x**power * scale).max()
        return total + more["add"] if more else total

    for _ in range(2):
        assert step(Tensor([2.0])).item() == 4.0
        assert step(Tensor([2.0, 1.0])).item() == 4.0
        assert step(Tensor([2.0]), 3).item() == 8.0
        assert step(Tensor([2.0]), scale=0.5).item() == 2.0
        assert step(Tensor([2.0]), add=Tensor(1.0)).item() == 5.0
        assert step(Tensor([2], dtype=tl.int64)).dtype == tl.float64
    assert traces(step) == 6


def test_signs_of_zero_and_nan_among_the_arguments() -> None:
    step = tl.compile(lambda x, scale: x * scale)
    for _ in range(2):
        assert math.copysign(1, step(Tensor([0.0]), -0.0).item()) == -1
        assert math.copysign(1, step(Tensor([0.0]), 0.0).item()) == 1
        assert math.isnan(step(Tensor([2.0]), float("nan")).item())
    assert traces(step) == 3


def test_arguments_in_nests_and_the_same_one_twice() -> None:
    class Batch(NamedTuple):
        x: Tensor
        y: list[Any]

    @tl.compile
    def step(batch: Batch, more: dict[str, Any]) -> dict[str, Any]:
        return {"sum": batch.x + batch.y[0], "more": (more["z"] * 2, batch.y[1]), "none": None}

    for i in range(3):
        x, y, z = Tensor([1.0 + i]), Tensor([2.0]), np.array([3.0])
        out = step(Batch(x, [y, "label"]), {"z": z})
        assert (out["sum"].item(), out["more"][0].item()) == (3.0 + i, 6.0)
        assert out["more"][1] == "label"
        assert out["none"] is None

    @tl.compile
    def change(a: Tensor, b: Tensor) -> Tensor:
        a.assign(a * 2)
        return a + b

    t = Tensor([1.0])
    assert [change(t, t).item(), change(t, t).item(), change(t, Tensor([1.0])).item()] == [4, 8, 9]


def test_an_argument_is_not_taken_for_the_same_tensor_from_outside() -> None:
    w = Tensor([1.0])
    step = tl.compile(lambda x: x * 10 + w)
    assert [step(w).item(), step(w).item(), step(Tensor([2.0])).item()] == [11.0, 11.0, 21.0]


def test_an_argument_that_is_trained() -> None:
    found = []
    for compiled in (False, True):
        w, v = (Tensor([2.0], requires_grad=True) for _ in range(2))
        sgd = optim.SGD([w], lr=0.1)

        def step(a: Tensor, w: Tensor = w, sgd: optim.SGD = sgd) -> Tensor:
            loss = (a**3).sum()
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            return loss + w.detach()

        run = tl.compile(step) if compiled else step
        results = [run(w), run(w), run(v), run(v), run(w)]
        found.append([*results, w, v])
    for one, other in zip(*found, strict=True):
        close(one.detach(), other.detach())


def test_gradients_of_arguments_go_to_the_arguments_of_each_call() -> None:
    @tl.compile(keep_grads=True)
    def step(x: Tensor) -> Tensor:
        (x**2).sum().backward()
        return x.grad  # type: ignore[return-value]

    for value in (1.0, 2.0, 3.0):
        x = Tensor([value], requires_grad=True)
        assert step(x).item() == 2 * value
        assert x.grad is not None
        assert x.grad.item() == 2 * value


# ---- results, and tensors as values ------------------------------------------------------------


def test_whoever_holds_a_tensor_never_sees_it_change() -> None:
    t = training(functools.partial(optim.SGD, lr=0.1, momentum=0.9))
    step = tl.compile(t.step)
    for _ in range(2):
        step(X, Y)
    loss = F.mse_loss(t.model(X), Y)
    weight = t.model[0].weight
    kept = [weight.detach(), *t.model.state_dict().values(), weight.data, weight.numpy()]
    optimizer = t.optimizer.state_dict()
    arrays = [*(v["velocity"] for v in optimizer["state"].values())]
    before = [np.array(k) for k in (*kept, *arrays)]
    (expected,) = tl.autograd.grad(loss, [weight], retain_graph=True)
    result = step(X, Y)
    value = float(result)
    for _ in range(3):
        step(X, Y)
    for old, now in zip(before, (*kept, *arrays), strict=True):
        np.testing.assert_array_equal(np.asarray(now), old)
    assert float(result) == value
    loss.backward()  # the old graph has its old numbers, and still fills .grad
    close(weight.grad, expected)


def test_results_do_not_change_when_the_user_changes_an_array() -> None:
    held = Tensor(np.zeros((2, 2)))
    table = np.ones((2, 2))

    @tl.compile
    def step(x: Any) -> Any:
        held.assign(x)
        return x, x.mT, x[0], x * 1.0, Tensor(table)

    for _ in range(3):
        array = np.array([[1.0, 2.0], [3.0, 4.0]])
        results = step(array)
        array[:] = 9.0
        table[:] += 1.0
        kept = [np.array(r) for r in results]
        assert kept[0].tolist() == [[1.0, 2.0], [3.0, 4.0]]
        assert kept[1].tolist() == [[1.0, 3.0], [2.0, 4.0]]
        assert kept[2].tolist() == [1.0, 2.0]
        assert held.tolist() == [[1.0, 2.0], [3.0, 4.0]]
        table[:] += 1.0
        np.testing.assert_array_equal(results[4], kept[4])


def test_what_an_optimizer_writes_into_is_nobody_elses() -> None:
    t = training(functools.partial(optim.SGD, lr=0.1, momentum=0.9))
    velocity = t.optimizer.state

    def step(x: Tensor, y: Tensor) -> list[Tensor]:
        t.step(x, y)
        return [p.detach() for p in t.model.parameters()]

    compiled = tl.compile(step)
    for _ in range(3):
        results = compiled(X, Y)
    before = [np.array(r) for r in results]
    for _ in range(2):
        t.step(X, Y)  # eager steps write into the velocities
    for old, now in zip(before, results, strict=True):
        np.testing.assert_array_equal(np.asarray(now), old)
    assert velocity is t.optimizer.state


def test_results_can_be_differentiated() -> None:
    w = Tensor([2.0, 3.0], requires_grad=True)
    f = tl.compile(lambda x: (x * w).sum())
    assert f(Tensor([1.0, 1.0])).requires_grad
    assert tl.grad(f)(Tensor([1.0, 1.0])).tolist() == [2.0, 3.0]
    assert tl.hessian(tl.compile(lambda x: (x**3).sum()))(Tensor([1.0])).tolist() == [[6.0]]
    assert tl.vmap(f)(Tensor([[1.0, 0.0], [0.0, 1.0]])).tolist() == [2.0, 3.0]
    x = Tensor([1.0, 1.0], requires_grad=True)
    for _ in range(2):
        f(tl.exp(x)).backward()  # a recorded argument
        f(x).backward()  # a leaf
    close(x.grad, 2 * (np.e + 1) * np.array([2.0, 3.0]))
    with tl.no_grad():
        assert not f(x).requires_grad


def test_a_freed_step_is_freed() -> None:
    t = training()
    step = tl.compile(t.step)
    for _ in range(2):
        step(X, Y)
    gone = [weakref.ref(t.model), weakref.ref(t.model[0].weight)]
    del t, step
    gc.collect()
    assert [reference() for reference in gone] == [None, None]


# ---- other ways to call ------------------------------------------------------------------------


def test_methods() -> None:
    class Trainer:
        def __init__(self, lr: float) -> None:
            self.w = Tensor([1.0], requires_grad=True)
            self.sgd = optim.SGD([self.w], lr=lr)

        @tl.compile
        def step(self, x: Tensor) -> Tensor:
            """One step."""
            loss = ((self.w - x) ** 2).sum()
            self.sgd.zero_grad()
            loss.backward()
            self.sgd.step()
            return loss

    one, two = Trainer(0.1), Trainer(0.25)
    for _ in range(3):
        one.step(Tensor([3.0]))
        two.step(Tensor([3.0]))
    close(one.w.detach(), [3 - 2 * 0.8**3])
    close(two.w.detach(), [3 - 2 * 0.5**3])
    assert "def step" in one.step.source()
    assert Trainer.step.__doc__ == "One step."
    assert inspect.signature(Trainer.step).parameters.keys() == {"self", "x"}


def test_modules_partials_and_compiled_calls_inside_compiled_ones() -> None:
    t = training()
    model = tl.compile(t.model)
    for _ in range(2):
        close(model(X), t.model(X).detach())
    half = tl.compile(functools.partial(lambda a, x: a * x, 0.5))
    assert [half(Tensor([2.0])).item() for _ in range(2)] == [1.0, 1.0]
    outer = tl.compile(lambda x: half(x) + half(x * 3.0))
    assert [outer(Tensor([2.0])).item() for _ in range(2)] == [4.0, 4.0]
    compiled = tl.compile(t.step)
    twice = tl.compile(lambda x, y: (compiled(x, y), compiled(x, y)))
    eager = training()
    for _ in range(3):
        for one, other in zip(twice(X, Y), [eager.step(X, Y), eager.step(X, Y)], strict=True):
            close(one, other)
        close(compiled(X, Y), eager.step(X, Y))


def test_under_debug_the_function_itself_runs() -> None:
    step = tl.compile(lambda x: tl.log(x))
    step(Tensor([1.0]))
    with (
        np.errstate(all="ignore"),
        tl.debug(),
        pytest.warns(tl.errors.NonFiniteWarning, match="log"),
    ):
        step(Tensor([-0.0]))


def test_under_no_grad_nothing_is_recorded() -> None:
    w = Tensor([2.0], requires_grad=True)
    step = tl.compile(lambda x: (x * w, tl.is_grad_enabled()))
    for _ in range(2):
        assert step(Tensor([1.0]))[1] is True
        with tl.no_grad():
            assert step(Tensor([1.0]))[1] is False


def test_what_cannot_be_compiled_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"\[compile\] a int cannot be called"):
        tl.compile(3)  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="mode='rust' is unknown"):
        tl.compile(abs, mode="rust")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="has not run yet"):
        _ = tl.compile(lambda x: x).program


# ---- values that decide ------------------------------------------------------------------------


def raises(step: Step, *args: Any, match: str) -> str:
    """The step raises TraceError when it is compiled, and runs as it is."""
    with pytest.raises(TraceError, match=match) as info:
        tl.compile(step)(*args)
    step(*args)
    message = str(info.value)
    assert re.match(r"\[.+\] .+\. [A-Z].+\.$", message), message
    return message


def if_step(x: Tensor) -> Tensor:
    loss = (x * x).sum()
    if loss > 1:
        return loss
    return -loss


@pytest.mark.parametrize(
    ("ask", "op"),
    [
        (float, "sum"), (int, "sum"), (bool, "sum"), (np.asarray, "sum"),
        (Tensor.item, "sum"), (Tensor.tolist, "sum"), (Tensor.numpy, "sum"),
        (lambda t: f"{t:.3f}", "sum"), (lambda t: round(t, 2), "sum"),
        (lambda t: max(t, 0.5), "greater|less"), (lambda t: range(t.astype(int)), "astype"),
        (lambda t: [1, 2][t.astype(int) * 0], "multiply"),
        (lambda t: np.linalg.norm(t.data), "sum"),
    ],
)  # fmt: skip
def test_asking_for_a_number_says_which_and_where(ask: Callable[[Tensor], Any], op: str) -> None:
    def step(x: Tensor) -> Tensor:
        total = (x * x).sum()
        ask(total)
        return total

    message = raises(step, X, match=f"the step asks for a number of the result of ({op})")
    assert "tl.where" in message
    assert re.search(r"of shape \(\) \(.*test_compile\.py:\d+\)", message)


def test_if_says_where() -> None:
    message = raises(if_step, X, match="the result of greater, of shape")
    line = inspect.getsourcelines(if_step)[1] + 2
    assert f"test_compile.py:{line})" in message
    raises(lambda x: x if x[0, 0] else -x, X, match="getitem")
    raises(lambda x: float(x[0, 0]) and x, X, match="getitem")
    raises(lambda x: x if x.reshape(-1)[:1].item() else -x, X, match="getitem")
    assert "an argument of shape ()" in raises(lambda x: float(x), Tensor(1.0), match="argument")


@pytest.mark.parametrize("name", SHAPED_BY_VALUES)
def test_shapes_that_depend_on_values(name: str) -> None:
    op = REGISTRY[name]
    for call in calls(op.samples):
        arrays = [Tensor(a) for a in call.draw(np.random.default_rng(0), np.float64)]
        if name == "repeat" and arrays[1].shape == ():
            continue
        raises(lambda *a, c=call: run_op(op, a, c.params), *arrays, match=rf"\[{name}\] the shape")


@pytest.mark.parametrize(
    "step",
    [
        lambda x: tl.nonzero(x > 0)[0], lambda x: tl.argwhere(x), lambda x: tl.flatnonzero(x) * 2,
        lambda x: tl.unique_values(x), lambda x: tl.unique_all(x)[3],
        lambda x: tl.unique_counts(x).counts, lambda x: tl.masked_select(x, x > 0),
        lambda x: tl.repeat(x, (x[:, 0] > 0).astype(int), axis=0),
    ],
)  # fmt: skip
def test_functions_whose_shape_depends_on_values(step: Step) -> None:
    message = raises(step, X, match="the shape of .* depends on the numbers of")
    assert "tl.where" in message


def test_masks_that_select() -> None:
    assert "tl.where(mask" in raises(lambda x: x[x > 0], X, match=r"a mask of shape \(5, 3\)")

    def assign(x: Tensor) -> Tensor:
        y = x * 1.0
        y[y > 0] = 0.0
        return y

    raises(assign, X, match="a mask of shape")
    known = np.array([True, False, True, True, False])
    step = tl.compile(lambda x: (x[known], tl.repeat(x, (1, 2, 0, 1, 1), axis=0), x[[0, 2]]))
    for x in (X, X * 2.0, X * 3.0):
        for part, expected in zip(step(x), (known, [0, 1, 1, 3, 4], [0, 2]), strict=True):
            close(part, x.numpy()[expected])


def test_every_op_whose_shape_depends_on_values_is_known() -> None:
    """The registry is asked: with other numbers, an op gives another shape only if it is listed."""
    found = set()
    for op in REGISTRY.values():
        if op.kind.composite:
            continue
        for call in calls(op.samples):
            shapes = set()
            for seed in range(4):
                arrays = call.draw(np.random.default_rng(seed), np.float64)
                shapes.add(np.shape(run_op(op, [Tensor(a) for a in arrays], call.params)))
            if len(shapes) > 1:
                found.add(op.name)
    assert found == set(SHAPED_BY_VALUES)


def test_line_searches_and_plateaus_decide_by_numbers() -> None:
    w = Tensor([1.0, 2.0], requires_grad=True)
    newton, sgd = optim.LBFGS([w]), optim.SGD([w], lr=0.1)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(sgd)

    def closure() -> Tensor:
        newton.zero_grad()
        loss = (w**4).sum()
        loss.backward()
        return loss

    assert "Compile the closure" in raises(lambda: newton.step(closure), match=r"\[LBFGS\]")
    message = raises(lambda: plateau.step((w**2).sum()), match=r"\[ReduceLROnPlateau\]")
    assert "outside" in message
    w.assign([1.0, 2.0])
    newton = optim.LBFGS([w], line_search_fn="strong_wolfe")
    value = float(newton.step(tl.compile(closure, keep_grads=True)))
    w.assign([1.0, 2.0])
    newton = optim.LBFGS([w], line_search_fn="strong_wolfe")
    assert float(newton.step(closure)) == pytest.approx(value)


def test_seeds_and_generators_of_a_steps_own() -> None:
    assert "before the step" in raises(lambda: tl.manual_seed(0) and None, match=r"\[manual_seed\]")
    message = raises(
        lambda: tl.rand(2, generator=np.random.default_rng(0)),
        match="a random generator of its own",
    )
    assert "Make it before the step" in message


# ---- side effects that the trace cannot see ----------------------------------------------------


def test_a_tensor_that_stays_somewhere() -> None:
    kept: list[Any] = []

    def step(x: Tensor) -> Tensor:
        loss = (x * 2.0).sum()
        kept.append(loss)
        return loss

    message = raises(step, X, match="the result of sum, of shape .* is still held somewhere")
    assert "Return it from the step" in message
    with pytest.raises(TraceError, match="made inside a compiled step, and did not leave it"):
        float(kept[0])


def test_a_variable_that_the_step_rebinds() -> None:
    count = 0
    w = Tensor([1.0])

    def counting(x: Tensor) -> Tensor:
        nonlocal count
        count += 1
        return x * 2.0

    def functional(x: Tensor) -> Tensor:
        nonlocal w
        w = (w - x.sum() * 0.1).detach()
        return w

    assert "assign()" in raises(counting, X, match="the variable 'count' another value")
    assert count == 1  # of the eager call alone
    before = w
    with pytest.raises(TraceError, match="the variable 'w' another value"):
        tl.compile(functional)(X)
    assert w is before


def test_what_can_be_gone_through_only_once() -> None:
    def generator(x: Tensor) -> Any:
        yield x * 2.0

    def halves(x: Tensor) -> Any:
        return x, map(abs, [x])

    for step in (generator, halves):
        assert "Return a list" in raises(step, X, match=r"the step returns a (generator|map), ")


def test_settings_that_the_step_sets_by_hand() -> None:
    t = training()

    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = t.step(x, y)
        t.optimizer.param_groups[0]["lr"] *= 0.9
        return loss  # type: ignore[no-any-return]

    with pytest.raises(TraceError, match="sets 'lr' of an optimizer by hand"):
        tl.compile(step)(X, Y)
    assert t.optimizer.param_groups[0]["lr"] == 0.1


def test_history_that_leads_out_of_the_step_or_into_it() -> None:
    w = Tensor([1.0], requires_grad=True)
    h = w * 2.0

    def backwards(x: Tensor) -> Tensor:
        loss = (h * x).sum()
        loss.backward(retain_graph=True)
        return loss

    message = raises(backwards, X, match="the result of multiply, of shape .*before the step")
    assert "detach()" in message
    both(lambda: ((lambda x: x * h.detach()), w), X)
    total = Tensor([0.0])

    def forwards(x: Tensor) -> Tensor:
        nonlocal total
        total += w * x[0, 0]
        return total.detach()

    with pytest.raises(TraceError, match="has become the result of"):
        tl.compile(forwards)(X)

    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            self.out = w * x[0, 0]
            return self.out.detach()

    with pytest.raises(TraceError, match=r"\[Net.out\] the step leaves the result of multiply"):
        tl.compile(Net())(X)


def test_an_attribute_that_counts_is_repeated() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x * float(self.calls)

    net = Net()
    step = tl.compile(net)
    assert [step(Tensor([1.0])).item() for _ in range(4)] == [1.0, 2.0, 3.0, 4.0]


def test_a_storm_of_traces_is_told() -> None:
    step = tl.compile(lambda x, y: x.sum() * y)
    for n in range(1, 9):
        step(tl.ones(n), 2.0)
    with pytest.warns(RetraceWarning, match=r"9th time, 8 times because of the argument 'x'"):
        step(tl.ones(9), 2.0)
    step(tl.ones(10), 2.0)  # once is enough

    class Net(nn.Module):
        def __init__(self) -> None:
            self.calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x * float(self.calls)

    step = tl.compile(Net())
    for _ in range(8):
        step(Tensor([1.0]))
    with pytest.warns(RetraceWarning, match=r"because of an attribute of Net"):
        step(Tensor([1.0]))
    assert traces(step) <= MOST


# ---- what fails, or is interrupted -------------------------------------------------------------


class Stop(KeyboardInterrupt):
    """What Ctrl-C raises."""


def everything(t: Training, schedule: Any, generator: Any) -> list[Any]:
    """All that a step can change."""
    state = t.optimizer.state_dict()
    return [
        *map(np.array, t.model.state_dict().values()),
        *(None if p.grad is None else np.array(p.grad) for p in t.model.parameters()),
        *(p.requires_grad for p in t.model.parameters()),
        [m.training for m in t.model.modules()],
        {n: {k: np.array(v) for k, v in held.items()} for n, held in state["state"].items()},
        [{k: v for k, v in g.items() if k != "params"} for g in state["param_groups"]],
        schedule.state_dict(),
        repr(tl.random.default_generator().bit_generator.state),
        repr(generator.bit_generator.state),
    ]


def equal(one: Any, other: Any) -> None:
    np.testing.assert_equal(one, other)


@pytest.mark.parametrize("warm", [0, 1, 3])
@pytest.mark.parametrize("error", [ValueError, Stop])
@pytest.mark.parametrize("place", range(5))
def test_a_step_that_fails_while_it_is_traced_changes_nothing(
    warm: int, error: type[BaseException], place: int
) -> None:
    t = training(optim.Adam)
    t.model.insert(1, nn.BatchNorm1d(4))
    t.model.append(nn.Dropout(0.5))
    t = t._replace(optimizer=optim.Adam(t.model.parameters()))
    schedule = optim.lr_scheduler.OneCycleLR(t.optimizer, 0.1, 20)
    generator = np.random.default_rng(0)
    failing = [None]

    def fail(here: int) -> None:
        if failing[0] == here:
            raise error("no")

    def step(x: Tensor, y: Tensor, new: int) -> Tensor:
        t.model.train(False)
        t.model.train()
        loss = F.mse_loss(t.model(x), y) + tl.rand(1, generator=generator).sum()
        t.model[0].requires_grad_(False)
        fail(0)
        t.optimizer.zero_grad()
        loss.backward()
        fail(1)
        t.model[0].requires_grad_(True)
        t.optimizer.step()
        fail(2)
        schedule.step()
        fail(3)
        return loss

    compiled = tl.compile(step)
    for _ in range(warm):
        compiled(X, Y, 0)
    F.mse_loss(t.model(X), Y).backward()
    before = everything(t, schedule, generator)
    failing[0] = place
    kept: list[Any] = []
    if place == 4:  # it leaves a tensor somewhere, which is found at the very end
        with pytest.raises(TraceError, match="still held"):
            tl.compile(lambda x, y: kept.append(step(x, y, 1)))(X, Y)
    else:
        with pytest.raises(error):
            compiled(X, Y, 1)
    equal(everything(t, schedule, generator), before)
    assert tl.is_grad_enabled()
    failing[0] = None
    compiled(X, Y, 1)


@pytest.mark.parametrize("when", ["draws", "acts", "code", "writes"])
def test_an_interruption_leaves_the_state_before_or_after(when: str) -> None:
    twins = []
    for _ in range(2):
        t = training(functools.partial(optim.Adam, lr=0.01))
        t.model.insert(1, nn.BatchNorm1d(4))
        t = t._replace(optimizer=optim.Adam(t.model.parameters()))
        schedule = optim.lr_scheduler.StepLR(t.optimizer, 2)
        generator = np.random.default_rng(0)

        def step(
            x: Tensor, y: Tensor, t: Training = t, s: Any = schedule, g: Any = generator
        ) -> Tensor:
            loss = F.mse_loss(t.model(x), y + tl.rand(5, 1, generator=g) + tl.rand(5, 1))
            t.optimizer.zero_grad()
            loss.backward()
            t.optimizer.step()
            s.step()
            return loss

        twins.append((t, schedule, generator, tl.compile(step)))
    for t, schedule, generator, step in twins:
        tl.manual_seed(5)
        for _ in range(3):
            step(X, Y)
        before = everything(t, schedule, generator)
    t, schedule, generator, step = twins[0]
    equal(everything(t, schedule, generator), before)
    names = step._latest.driver.names  # type: ignore[union-attr]
    calls = [0]

    def interrupting(function: Callable[..., Any], after: int) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            calls[0] += 1
            if calls[0] == after:
                raise Stop
            return function(*args)

        return call

    name = {
        "draws": "default_generator", "code": "function", "writes": "hold",
        "acts": next(n for n in names if n.startswith("f_")),
    }[when]  # fmt: skip
    old = names[name]
    for after in (1, 2, 5) if when == "writes" else (1,):
        calls[0] = 0
        tl.manual_seed(7)
        if when == "writes":  # the step is done: its twin's state is what is to be left behind
            twins[1][3](X, Y)
        before = everything(*twins[1][:3])
        tl.manual_seed(7)
        names[name] = interrupting(old, after)
        with pytest.raises(Stop):
            step(X, Y)
        names[name] = old
        equal(everything(t, schedule, generator)[:-2], before[:-2])
        equal(repr(generator.bit_generator.state), before[-1])
    step(X, Y)


# ---- arguments of unusual classes ----------------------------------------------------------------


def test_arrays_of_other_classes(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", np.float64, "w+", shape=(3,))
    mapped[:] = [1, 2, 3]
    step = tl.compile(lambda x: x * x)
    for _ in range(4):
        np.testing.assert_array_equal(step(mapped).numpy(), [1, 4, 9])

    class Doubling(np.ndarray):
        def __mul__(self, other: Any) -> Any:
            return 2 * np.asarray(self) * np.asarray(other)

    special = np.array([1.0, 2.0]).view(Doubling)
    for _ in range(4):
        np.testing.assert_array_equal(step(special).numpy(), [1, 4])


def test_dictionaries_of_other_classes() -> None:
    step = tl.compile(lambda d: d["x"] * 2)
    given = OrderedDict(x=Tensor([1.0, 2.0]))
    for _ in range(3):
        assert step(given).tolist() == [2, 4]


def test_zeros_of_either_sign_are_two_arguments() -> None:
    step = tl.compile(lambda x, s: x / s)
    with np.errstate(divide="ignore"):
        signs = [float(step(Tensor([1.0]), np.float64(s))[0]) for s in (0.0, -0.0, 0.0)]
    assert signs == [np.inf, -np.inf, np.inf]


def test_a_function_without_a_module() -> None:
    space: dict[str, Any] = {}
    exec("def double(x): return x * 2", space)
    assert tl.compile(space["double"])(Tensor([1.0])).tolist() == [2]


def test_to_look_at_c_takes_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("it is built")

    monkeypatch.setattr("tinygrad_lesson.compiler.c_code.step.load", refuse)
    step = tl.compile(lambda x: tl.exp(x) * 2.0)
    step(tl.ones(5))
    shown = step.source("c")
    assert "exp" in shown
    monkeypatch.undo()
    built = tl.compile(mode="c")(step.function)
    assert built(tl.ones(5)).shape == (5,)
    assert built(tl.ones(5)).shape == (5,)
    assert built.source("c") == shown


@tl.compile
def decorated(x: Tensor) -> Tensor:
    return x * 2.0


class Holder:
    @tl.compile
    def decorated(self, x: Tensor) -> Tensor:
        return x * 2.0


def test_copies_of_a_step_have_programs_of_their_own() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter(tl.ones(2))
            self.step = tl.compile(self.scaled)

        def scaled(self, x: Tensor) -> Tensor:
            return x * self.w

    net = Net()
    net.step(tl.ones(2))
    twin = copy.deepcopy(net)
    with tl.no_grad():
        twin.w.assign([3.0, 4.0])
    for _ in range(3):
        assert net.step(tl.ones(2)).tolist() == [1, 1]
        assert twin.step(tl.ones(2)).tolist() == [3, 4]
    again = pickle.loads(pickle.dumps(tl.compile(math.sqrt, mode="c", keep_grads=True)))
    assert (again.function, again.mode, again.keep_grads) == (math.sqrt, "c", True)
    assert pickle.loads(pickle.dumps(decorated)) is decorated  # for a worker that is spawned
    assert pickle.loads(pickle.dumps(Holder.decorated)) is Holder.decorated


def test_how_a_step_is_compiled_if_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(x: Tensor) -> Tensor:
        return x * 2

    monkeypatch.setenv("TINYGRAD_LESSON_MODE", "numpy")
    assert tl.compile(plain).mode == "numpy"
    assert tl.compile(plain, mode="c").mode == "c"
    assert tl.compile(threads=1)(plain).mode == "numpy"
    monkeypatch.delenv("TINYGRAD_LESSON_MODE")
    assert tl.compile(plain).mode == "c"
    monkeypatch.setenv("TINYGRAD_LESSON_MODE", "fortran")
    with pytest.raises(tl.errors.ArgumentError, match="TINYGRAD_LESSON_MODE='fortran' is unknown"):
        tl.compile(plain)

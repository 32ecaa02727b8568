"""Compiled functions whose results are differentiated outside: forward and backward are compiled.

Gradients reach arguments, what those were made from, and whatever the function reads.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.compiler import Compiled
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.errors import ArgumentError, GradientError, GraphFreedError
from tinygrad_lesson.graph import FREED

F = nn.functional
needs_compiler = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")
MODES = ["numpy", pytest.param("c", marks=needs_compiler)]


def x_of(*shape: int, seed: int = 0, dtype: Any = np.float64) -> Tensor:
    return Tensor(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def close(actual: Any, expected: Any, dtype: Any = np.float64) -> None:
    rtol = 1e-9 if dtype == np.float64 else 1e-4
    np.testing.assert_allclose(np.asarray(actual), np.asarray(expected), rtol=rtol, atol=rtol / 100)


def model() -> nn.Module:
    tl.manual_seed(0)
    return nn.Sequential(
        nn.Linear(3, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, 2)
    )


def run_in_python(step: Compiled[..., Any]) -> Callable[[], int]:
    """How often the function behind a compiled one is run."""
    function, count = step.function, [0]

    def counted(*args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        return function(*args, **kwargs)

    step.function = counted
    return lambda: count[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_training_around_compiled_functions(mode: str, dtype: Any) -> None:
    """Two in a row: the gradient goes through the second into the first, and to the input."""
    found = []
    for compiled in (False, True):
        net = model().float() if dtype == np.float32 else model().double()
        sgd = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        forward: Any = net
        loss_of: Any = F.mse_loss
        if compiled:
            forward, loss_of = tl.compile(mode=mode)(net), tl.compile(mode=mode)(F.mse_loss)
            counts = [run_in_python(forward), run_in_python(loss_of)]
        tl.manual_seed(3)
        numbers: list[Any] = []
        for n in range(5):
            x = x_of(6, 3, seed=n, dtype=dtype)
            x.requires_grad = True
            out = forward(x)
            loss = loss_of(out, x_of(6, 2, seed=9, dtype=dtype))
            sgd.zero_grad()
            loss.backward()
            sgd.step()
            numbers += [loss.item(), x.grad, *(p.grad for p in net.parameters())]
        numbers += net.state_dict().values()  # running statistics were written once in each step
        numbers.append(tl.rand(3))  # and as much was drawn
        found.append([np.array(x) for x in numbers])
    assert [count() for count in counts] == [1, 1]
    assert loss.node is not None
    assert repr(loss.node) == f"<node compiled () {np.dtype(dtype)}>"
    for one, other in zip(*found, strict=True):
        close(other, one, dtype)


@pytest.mark.parametrize("mode", MODES)
def test_several_results_of_several_kinds(mode: str) -> None:
    w = Tensor([1.0, -2.0, 3.0], requires_grad=True, dtype=tl.float64)
    b = Tensor([0.5], requires_grad=True, dtype=tl.float32)

    def function(x: Tensor, *, scale: float) -> dict[str, Any]:
        y = tl.exp(x * w) * scale
        return {
            "y": y, "half": (b * 2).sum(), "who": tl.argmax(y), "name": "fine", "x": x,
            "same": [y], "apart": y.detach(),
        }  # fmt: skip

    compiled = tl.compile(mode=mode)(function)
    found = []
    for run in (function, compiled, compiled, compiled):
        w.grad = b.grad = None
        x = x_of(4, 3)
        x.requires_grad = True
        out = run(x, scale=2.0)
        assert not out["apart"].requires_grad
        assert not out["who"].requires_grad
        loss = (out["y"] ** 2).sum() + out["half"] * 3 + (out["x"] * out["same"][0]).sum()
        loss.backward()
        found.append([loss.item(), x.grad, w.grad, b.grad, out["who"], out["name"]])
    for others in found[1:]:
        for one, other in zip(found[0][:-1], others[:-1], strict=True):
            close(other, one, np.float32)
        assert others[-1] == "fine"
    assert b.grad is not None
    assert b.grad.dtype == tl.float32


@pytest.mark.parametrize("mode", MODES)
def test_the_graph_keeps_what_it_was_made_from(mode: str) -> None:
    """Between forward and backward parameters, arguments and results may become others."""
    w = Tensor([2.0, 3.0], requires_grad=True, dtype=tl.float64)
    square = tl.compile(mode=mode)(lambda x: (tl.exp(x * 0.1) * w * w * x).sum())
    data = np.array([1.0, 2.0])
    expected = 2 * np.exp([0.1, 0.2]) * [2.0, 3.0] * data
    for _ in range(3):
        w.assign([2.0, 3.0])
        w.grad = None
        loss = square(Tensor(data))
        others = [square(Tensor(data * n)) for n in range(5)]
        w.assign([7.0, 7.0])
        loss.backward(retain_graph=True)
        close(w.grad, expected)
        loss.backward()
        close(w.grad, 2 * expected)
        assert len(others) == 5


def test_changes_between_calls_are_seen() -> None:
    net: Any = nn.Linear(3, 1).double()
    forward = tl.compile(net)
    x = x_of(4, 3)

    def gradients() -> list[Any]:
        found = []
        for run in (net, forward):
            for p in net.parameters():
                p.grad = None
            out = run(x)
            if out.requires_grad:
                out.sum().backward()
            found.append([p.grad for p in net.parameters()])
        for one, other in zip(*found, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                close(other, one)
        return found[0]

    gradients(), gradients()
    net.weight.requires_grad = False
    assert gradients()[0] is None
    net.bias.requires_grad = False
    assert gradients() == [None, None]
    net.requires_grad_(True)
    hook = net.weight.register_hook(lambda g: g * 10.0)
    close(gradients()[0], 10 * x.numpy().sum(0, keepdims=True))
    hook.remove()
    close(gradients()[0], x.numpy().sum(0, keepdims=True))
    with tl.no_grad():
        assert not forward(x).requires_grad
    assert forward(x).requires_grad


def test_results_of_a_training_step_have_no_history() -> None:
    net = nn.Linear(3, 1)
    sgd = optim.SGD(net.parameters(), lr=0.1)

    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        out = net(x)
        loss = (out**2).mean()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        return loss, tl.tanh(out)

    compiled = tl.compile(step)
    for _ in range(3):
        assert not any(result.requires_grad for result in compiled(tl.ones(2, 3)))


def test_history_from_before() -> None:
    """What a function reads may have one; the graph then is recorded op by op."""
    w = Tensor([2.0], requires_grad=True)
    before = w * 3.0
    f = tl.compile(lambda x: (x * before).sum())
    for _ in range(2):
        w.grad = None
        f(Tensor([5.0])).backward(retain_graph=True)
        assert w.grad.tolist() == [15.0]


def test_a_gradient_that_is_taken_inside_goes_on() -> None:
    """The function calls ``backward()`` on what came from outside, along a longer path."""
    w = Tensor([2.0], requires_grad=True)

    inner = tl.compile(lambda x: (x * 5.0).sum().backward())
    for _ in range(3):
        w.grad = None
        inner(w * 3.0)
        assert w.grad.tolist() == [15.0]
    inner(Tensor([1.0], requires_grad=True))
    w.grad = None
    inner(w * 3.0)
    assert w.grad.tolist() == [15.0]


@pytest.mark.parametrize("mode", MODES)
def test_derivatives_of_derivatives(mode: str) -> None:
    """Of a function of its arguments alone: its ops are run again. Else the error says so."""

    def cubes(x: Tensor) -> Tensor:
        return (x**3 * tl.exp(x)).sum()

    x = x_of(3)
    f = tl.compile(mode=mode)(cubes)
    for _ in range(2):
        close(tl.hessian(f)(x), tl.hessian(cubes)(x))
        close(tl.grad(lambda x: (tl.grad(f)(x) ** 2).sum())(x),
              tl.grad(lambda x: (tl.grad(cubes)(x) ** 2).sum())(x))  # fmt: skip
    block = tl.checkpoint(lambda x: f(x * 2.0))
    x.requires_grad = True
    block(x).backward()
    close(x.grad, tl.grad(lambda x: cubes(x * 2.0))(x.detach()))

    w = Tensor([1.0, 2.0, 3.0], requires_grad=True, dtype=tl.float64)
    g = tl.compile(mode=mode)(lambda x: ((x * w) ** 3).sum())
    for _ in range(2):
        (slope,) = tl.autograd.grad(g(x), x)
        close(slope, 3 * x.numpy() ** 2 * w.numpy() ** 3)
        (again,) = tl.autograd.grad(g(x), x, create_graph=True)
        close(again, slope)
        assert again is not None
        total = again.sum()
        with pytest.raises(GradientError, match=r"\[compile\] .*again.* Take the first gradient"):
            total.backward()
        close(tl.grad(g)(x.detach()), slope)


@needs_compiler
def test_gradcheck_of_what_is_rounded_otherwise_in_c() -> None:
    x = Tensor(np.linspace(-2.0, 2.0, 50))
    for function in (lambda x: (tl.tanh(x) * tl.exp(x)).sum(), lambda x: tl.softmax(x) @ x):
        assert tl.gradcheck(tl.compile(function, mode="c"), (x,), order=2)


def test_gradcheck_and_vmap() -> None:
    w = Tensor([1.0, 2.0, 3.0], requires_grad=True, dtype=tl.float64)
    f = tl.compile(lambda x: tl.tanh(x * w).sum())
    x = x_of(2, 3)
    f(x[0])
    close(tl.vmap(f)(x), [f(x[0]).item(), f(x[1]).item()])
    assert tl.gradcheck(tl.compile(lambda x: tl.tanh(x) * x), (x_of(3),))


@pytest.mark.parametrize("mode", MODES)
def test_second_derivatives_are_those_of_the_call(mode: str) -> None:
    """Whatever becomes of arrays and tensors in between: a graph keeps what it was made of."""

    def cubes(x: Tensor, a: Any, more: dict[str, Any]) -> Tensor:
        return (x**3 * a + more["b"] * x**2).sum()  # type: ignore[no-any-return]

    compiled = tl.compile(mode=mode)(cubes)
    for rewritten in (False, True):
        for _ in range(3):
            found = []
            for f in (cubes, compiled):
                x = Tensor([1.0, 2.0], requires_grad=True)
                a, b = np.array([1.0, 2.0]), Tensor([3.0, 4.0])
                y = f(x, a, {"b": b})
                if rewritten:
                    a[:] = 100.0
                    b.assign([7.0, 7.0])
                    with tl.no_grad():
                        x.assign([50.0, 50.0])
                (slope,) = tl.autograd.grad(y, x, create_graph=True)
                (bend,) = tl.autograd.grad(slope.sum(), x)
                found.append([slope.detach(), bend])
            for one, other in zip(*found, strict=True):
                close(other, one)


@pytest.mark.parametrize("change", ["array", "tensor", "name", "module"])
def test_second_derivatives_where_what_the_function_reads_has_changed(change: str) -> None:
    """The function would have to run again as it was: rather an error than another gradient."""
    table, w, scale, drop = np.array([1.0, 2.0]), Tensor([3.0, 4.0]), 2.0, nn.Dropout(0.5)
    drop.eval()
    f = tl.compile(lambda x: (drop(x) ** 3 * table * scale + w * x**2).sum())
    x = x_of(2, dtype=np.float64)
    x.requires_grad = True
    for _ in range(2):
        (slope,) = tl.autograd.grad(f(x), x, create_graph=True)
        (bend,) = tl.autograd.grad(slope.sum(), x)
        close(bend, 6 * x.numpy() * table * scale + 2 * w.numpy())
        kept, y = [], f(x)
        if change == "array":
            table += 1.0
        elif change == "tensor":
            w.assign(w * 2.0)
        elif change == "name":
            scale += 1.0
        else:
            drop.train()
        (first,) = tl.autograd.grad(y, x, retain_graph=True)  # which is that of the call
        kept.append(first)
        with pytest.raises(GradientError, match=r"\[compile\] .* reads has changed since"):
            tl.autograd.grad(y, x, create_graph=True)
        drop.eval()


@pytest.mark.parametrize("mode", MODES)
def test_backward_releases_what_the_gradient_is_made_of(mode: str) -> None:
    w = Tensor(np.ones((3, 3)), requires_grad=True)
    function = lambda x: tl.tanh(tl.exp(x @ w) @ w).sum()  # noqa: E731
    f = tl.compile(mode=mode)(function)
    for n in range(3):  # the first one is traced
        loss = f(x_of(4, 3))
        node = loss.node
        kept = [weakref.ref(x) for x in node.saved if isinstance(x, np.ndarray) and x.ndim]
        loss.backward(retain_graph=True)
        assert len(kept) > 1
        loss.backward()
        assert node.saved is FREED
        alive = [array for array in (reference() for reference in kept) if array is not None]
        # (C puts its results into arrays that it has had before.)
        assert mode == "c" or all(array is w._data for array in alive), (n, alive)
        with pytest.raises(GraphFreedError, match="retain_graph=True"):
            loss.backward()
    assert w.grad is not None
    total = w.grad.numpy() / 6
    w.grad = None
    function(x_of(4, 3)).backward()
    close(total, w.grad)


@pytest.mark.parametrize("mode", MODES)
def test_parameters_among_the_results(mode: str) -> None:
    """A penalty on one that is computed outside counts, too."""
    w = Tensor([1.0, 2.0], requires_grad=True)
    both, alone = (lambda x: ((x * w).sum(), w)), (lambda: w)
    first, second = tl.compile(mode=mode)(both), tl.compile(mode=mode)(alone)
    for _ in range(3):
        out, weight = first(Tensor([1.0, 1.0]))
        w.grad = None
        (out + (weight**2).sum() + (second() * 3.0).sum()).backward()
        assert w.grad is not None
        assert w.grad.tolist() == [6.0, 8.0]  # type: ignore[unreachable]


def test_a_graph_is_freed_without_the_garbage_collector() -> None:
    w = Tensor(np.ones((3, 3)), requires_grad=True)
    f = tl.compile(lambda x: (x @ w).sum())
    gc.disable()
    try:
        for _ in range(3):
            loss = f(x_of(4, 3))
            node = weakref.ref(loss.node)
            del loss
            assert node() is None
    finally:
        gc.enable()


# ---- functions that stay in Python -------------------------------------------------------------


def test_what_keeps_a_function_from_being_compiled_may_go_away() -> None:
    w = Tensor([2.0], requires_grad=True)
    f = tl.compile(lambda x: (x * w).sum())
    ran = run_in_python(f)
    hook = w.register_hook(lambda g: g * 10.0)

    def slope() -> float:
        w.grad = None
        f(Tensor([3.0])).backward()
        return w.grad.item()  # type: ignore[union-attr, no-any-return]

    assert [slope() for _ in range(3)] == [30.0] * 3
    assert ran() == 4  # once under the tracer
    with pytest.raises(ArgumentError, match=r"latest call ran as it is: a hook wants to see"):
        _ = f.program
    hook.remove()
    assert [slope() for _ in range(3)] == [3.0] * 3
    assert ran() == 5
    assert "multiply" in str(f.program)
    hook = w.register_hook(lambda g: g * 10.0)
    assert slope() == 30.0
    hook.remove()
    assert slope() == 3.0


def test_history_that_is_gone() -> None:
    """A function that reads what was computed before is compiled once that has no history."""
    w = Tensor([2.0], requires_grad=True)
    before = w * 3.0
    f = tl.compile(lambda x: (x * before).sum())
    ran = run_in_python(f)
    for _ in range(2):
        f(Tensor([5.0])).backward(retain_graph=True)
    with pytest.raises(ArgumentError, match="computed before the step"):
        f.source()
    before = before.detach()
    count = ran()
    assert [f(Tensor([5.0])).item() for _ in range(3)] == [30.0] * 3
    assert ran() == count + 1
    assert "def step" in f.source()


def test_a_call_with_a_history_does_not_keep_others_from_a_program() -> None:
    inner = tl.compile(lambda x: (x * 5.0).sum().backward())
    w = Tensor([2.0], requires_grad=True)
    inner(w * 3.0)
    with pytest.raises(ArgumentError, match="ran as it is: a gradient that the step takes"):
        _ = inner.program
    ran = run_in_python(inner)
    x = Tensor([1.0], requires_grad=True)
    for _ in range(3):
        inner(x)
    assert ran() == 2  # without a gradient to add to, and with one
    assert x.grad is not None
    assert x.grad.tolist() == [15.0]
    inner(w * 3.0)
    with pytest.raises(ArgumentError, match="ran as it is"):
        _ = inner.program
    other = tl.compile(inner.function)
    other(x)
    other(w * 3.0)
    with pytest.raises(ArgumentError, match="ran as it is: an argument has a history"):
        _ = other.program
    assert x.grad.tolist() == [20.0]


def test_a_function_that_never_can_is_traced_a_few_times_only() -> None:
    w = Tensor([2.0], requires_grad=True)
    before = w * 3.0
    f = tl.compile(lambda x: (x * before).sum())
    ran = run_in_python(f)

    def go_on() -> None:
        nonlocal before
        for n in range(50):
            before = w * float(n)
            assert f(Tensor([5.0])).item() == 10.0 * n

    with pytest.warns(tl.RetraceWarning, match="the variable 'before'"):
        go_on()
    assert ran() < 65

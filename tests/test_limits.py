"""What the engine promises about size: depth, the collector, and bytes. Nothing here is timed."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, nn, optim
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.graph import replay, topological

from .support import scalar, seeded

DEPTHS = [100_000, pytest.param(1_000_000, marks=pytest.mark.long)]


def chain(depth: int, x: Tensor) -> Tensor:
    y = x
    for _ in range(depth):
        y = y + 1.0
    return y


# ---- depth -------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_long_chain_is_built_walked_and_freed(depth: int) -> None:
    x = scalar(1.0)
    y = chain(depth, x)
    assert y.item() == depth + 1
    y.backward()
    assert x.grad.item() == 1.0
    del y


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_long_chain_is_freed_without_a_walk(depth: int) -> None:
    del_me = chain(depth, scalar(1.0))
    assert del_me.requires_grad


def test_a_long_chain_is_freed_while_something_else_holds_its_middle() -> None:
    x = scalar(1.0)
    middle = chain(50_000, x)
    end = chain(50_000, middle)
    del end
    middle.backward()
    assert x.grad.item() == 1.0


def test_a_long_chain_is_ordered_and_replayed() -> None:
    y = chain(100_000, scalar(1.0))
    order = topological([y.node])
    assert len(order) == 100_000
    assert replay(order, numpy_namespace)[y.node] == 100_001


def test_a_long_chain_is_differentiated_twice() -> None:
    x = scalar(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0
    (first,) = autograd.grad(y * x, x, create_graph=True)
    (second,) = autograd.grad(first, x)
    assert (first.item(), second.item()) == (2.0, 2.0)


def test_a_long_running_sum_in_place() -> None:
    x = scalar(1.0)
    total = Tensor(0.0, dtype=tl.float64)
    for _ in range(50_000):
        total += x
    total.backward()
    assert x.grad.item() == 50_000


def test_a_wide_sum() -> None:
    x = scalar(1.0)
    tl.stack([x * float(i) for i in range(2_000)]).sum().backward()
    assert x.grad.item() == sum(range(2_000))


# ---- the garbage collector has nothing to do ---------------------------------------------


@contextmanager
def collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()


def train_by_hand() -> None:
    w = Tensor(np.ones((3, 2)), requires_grad=True)
    for _ in range(2):
        loss = (tl.tanh(np.ones((4, 3)) @ w) ** 2).mean()
        w.grad = None
        loss.backward()
        with tl.no_grad():
            w -= 0.1 * w.grad


def train_a_module() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    optimizer = optim.Adam(model.parameters())
    for _ in range(2):
        loss = nn.functional.cross_entropy(model(np.ones((5, 3), np.float32)), [0, 1, 0, 1, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def transform() -> None:
    tl.hessian(lambda x: (tl.tanh(x) ** 2).sum())([0.5, 1.0])


def differentiate_twice() -> None:
    x = scalar(0.5)
    (first,) = autograd.grad(tl.tanh(x * x), x, create_graph=True)
    autograd.grad(first, x)


def accumulate_with_history() -> None:
    x = scalar(0.5)
    y = tl.tanh(x) * Tensor(2.0)
    y.backward(create_graph=True)
    x.grad = None


def keep_an_inner_gradient() -> None:
    x = scalar(0.5)
    y = x * x
    y.retain_grad()
    (y * y).backward()
    assert y.grad is not None


def hook() -> None:
    x = scalar(0.5)
    x.register_hook(lambda g: g * 2)
    (x * x).backward()


def fail() -> None:
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    try:
        x * x + np.ones(2)
    except ValueError as error:
        assert "broadcast" in str(error)  # noqa: PT017  pytest.raises leaves a cycle of its own
    else:
        raise AssertionError


def abandon() -> None:
    x = Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    y = (x[[0, 1]].sum(axis=0) / x.std()).softmax()
    y[0] = 1.0
    with tl.debug():
        tl.concat([y, y * 2]).max()


@pytest.mark.parametrize(
    "work",
    [
        train_by_hand,
        train_a_module,
        transform,
        differentiate_twice,
        accumulate_with_history,
        keep_an_inner_gradient,
        hook,
        fail,
        abandon,
    ],
)
def test_nothing_is_left_to_the_collector(work: Callable[[], None]) -> None:
    work()  # what the first call sets up stays
    with collector_off():
        work()
        assert gc.collect() == 0


def test_the_collector_would_be_noticed() -> None:
    """The same test on a cycle: it is not blind."""
    with collector_off():
        cycle: list[Any] = []
        cycle.append(cycle)
        del cycle
        assert gc.collect() > 0


# ---- bytes -------------------------------------------------------------------------------


def bytes_after(work: Callable[[], Any]) -> tuple[int, Any]:
    """How many more bytes live after `work` than before, and its result."""
    work()  # caches, plans and interned numbers
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        result = work()
        return tracemalloc.get_traced_memory()[0] - before, result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("add a number", lambda y, x: y + 1.0),
        ("add", lambda y, x: y + x),
        ("multiply", lambda y, x: y * x),
        ("tanh", lambda y, x: tl.tanh(y)),
    ],
)
def test_bytes_of_a_node(name: str, step: Callable[[Tensor, Tensor], Tensor]) -> None:
    """At most 300 beyond its numbers: each a 0-d array or NumPy scalar, counted as it is."""
    x = scalar(1.0)
    count = 2_000

    def work() -> list[Tensor]:
        results = [x]
        for _ in range(count):
            results.append(step(results[-1], x))
        return results[-1:]

    total, (last,) = bytes_after(work)
    unique = {id(array): array for node in topological([last.node]) for array in node.saved}
    numbers = sum(array.__sizeof__() for array in unique.values())
    assert (total - numbers) / count <= 300


def declared_bytes(outputs: list[Tensor], own: list[Tensor]) -> int:
    """What the rules of a graph declare to keep, and the outputs: the arrays they live in."""
    arrays = [output.raw for output in outputs]
    for node in topological([output.node for output in outputs]):
        assert len(node.plan.slots) == len(node.saved)
        arrays.extend(node.saved)
    return sum(base.nbytes for base in unique_bases(arrays, own))


def unique_bases(arrays: list[Any], without: list[Tensor]) -> list[np.ndarray]:
    bases = {}
    for array in arrays:
        while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
            array = array.base
        if isinstance(array, np.ndarray):
            bases[id(array)] = array
    for tensor in without:
        bases.pop(id(tensor.raw), None)
    return list(bases.values())


def test_bytes_at_the_end_of_a_forward_pass() -> None:
    """What lives is what the rules declared, and 5 per cent for the graph itself."""
    rng = seeded("mlp")
    sizes = [64, 256, 128, 10]
    weights = [
        Tensor(rng.normal(0, 0.1, (a, b)), requires_grad=True, dtype=tl.float32)
        for a, b in itertools.pairwise(sizes)
    ]
    biases = [Tensor(np.zeros(b), requires_grad=True, dtype=tl.float32) for b in sizes[1:]]
    x = Tensor(rng.normal(0, 1, (512, 64)), dtype=tl.float32)

    def forward() -> Tensor:
        h = x
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = h @ w + b
            if i < 2:
                h = tl.relu(h)
        return tl.log_softmax(h).mean()

    live, loss = bytes_after(forward)
    declared = declared_bytes([loss], [x, *weights, *biases])
    assert declared > 512 * (256 + 128 + 10) * 4 * 0.99, "the activations are among them"
    assert live <= 1.05 * declared


def test_backward_releases_what_was_saved() -> None:
    x = Tensor(np.ones((512, 512)), requires_grad=True)
    size = x.raw.nbytes

    def work() -> Tensor:
        y = x
        for _ in range(5):
            y = tl.tanh(y)
        loss = y.sum()
        y = None
        loss.backward()
        x.grad = None
        return loss

    live, loss = bytes_after(work)
    assert loss.node is not None
    assert live < size / 10


def test_backward_frees_as_it_goes() -> None:
    """At the peak: the saved arrays, and no more than three gradients beside them."""
    x = Tensor(np.ones((256, 256)), requires_grad=True)
    size = x.raw.nbytes

    def forward() -> Tensor:
        y = x
        for _ in range(10):
            y = tl.tanh(y)
        return y.sum()

    forward().backward()
    x.grad = None
    loss = forward()
    gc.collect()
    tracemalloc.start()
    try:
        loss.backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 4 * size


def test_views_are_not_copied() -> None:
    x = Tensor(np.ones((512, 512)), requires_grad=True)
    live, _ = bytes_after(lambda: x.reshape(-1)[10:].reshape(2, -1).T[:, :1])
    assert live < 10_000


def test_a_gradient_through_views_is_one_array() -> None:
    x = Tensor(np.ones((512, 512)), requires_grad=True)

    def work() -> None:
        x.grad = None
        x.reshape(-1).sum().backward()

    live, _ = bytes_after(work)
    assert live <= 1.01 * x.raw.nbytes

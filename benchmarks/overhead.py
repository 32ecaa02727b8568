"""What a graph costs over bare NumPy: a training step, an op, an import, a byte.

    python benchmarks/overhead.py
    python benchmarks/overhead.py --quick

Everything is measured in this one process, things to be compared in turn. Times depend on the
machine: the ratios are what to look at. PyTorch's step is shown where it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
from timing import in_turn

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.graph import leaves, topological

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=float)
Y = np.array([[0], [1], [1], [0]], dtype=float)


def lesson_weights() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.RandomState(1)
    return 2 * random.random((3, 4)) - 1, 2 * random.random((4, 1)) - 1


def lesson_by_hand() -> Callable[[], None]:
    """Lesson 1's training step with its gradients derived by hand."""
    w0, w1 = lesson_weights()

    def step() -> None:
        nonlocal w0, w1
        hidden = 1 / (1 + np.exp(-np.dot(X, w0)))
        output = 1 / (1 + np.exp(-np.dot(hidden, w1)))
        output_delta = (Y - output) * (output * (1 - output))
        hidden_delta = output_delta.dot(w1.T) * (hidden * (1 - hidden))
        w1 = w1 + 0.1 * hidden.T.dot(output_delta)
        w0 = w0 + 0.1 * X.T.dot(hidden_delta)

    return step


def lesson_on_tensors() -> Callable[[], None]:
    """The same step, its gradients from the graph."""
    w0, w1 = (Tensor(w, requires_grad=True) for w in lesson_weights())
    x, y = Tensor(X), Tensor(Y)
    optimizer = tl.optim.SGD([w0, w1], lr=0.1)

    def step() -> None:
        output = tl.sigmoid(tl.sigmoid(x @ w0) @ w1)
        loss = ((y - output) ** 2).sum() * 0.5
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def lesson_in_c() -> Any:
    """The same step, compiled."""
    step = tl.compile(lesson_on_tensors(), mode="c")
    step.repeat(10)  # the first calls trace and build
    return step


def lesson_in_torch() -> Callable[[], None]:
    """The same step in PyTorch."""
    torch = importlib.import_module("torch")  # not before it is its turn: it slows down NumPy
    torch.set_num_threads(1)
    w0, w1 = (torch.tensor(w, requires_grad=True) for w in lesson_weights())
    x, y = torch.tensor(X), torch.tensor(Y)
    optimizer = torch.optim.SGD([w0, w1], lr=0.1)

    def step() -> None:
        output = torch.sigmoid(torch.sigmoid(x @ w0) @ w1)
        loss = ((y - output) ** 2).sum() * 0.5
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def training_step() -> None:
    print("Lesson 1's training step (3-4-1 network, 4 rows, float64)")
    compare({"NumPy, derived by hand": lesson_by_hand(), "Tensors": lesson_on_tensors()})
    if toolchain.find_compiler():
        compare({"NumPy, derived by hand": lesson_by_hand(), "compiled to C": lesson_in_c()})
        many, loop = 10_000, lesson_in_c()
        print(f"    {many:,} steps in one call of repeat:")
        by_hand = repeated(lesson_by_hand(), many)
        compare(
            {"NumPy, derived by hand": by_hand, "compiled to C": lambda: loop.repeat(many)}, many
        )
    if importlib.util.find_spec("torch") is not None:
        compare({"NumPy, derived by hand": lesson_by_hand(), "PyTorch, eager": lesson_in_torch()})


def repeated(step: Callable[[], None], count: int) -> Callable[[], None]:
    """What takes so many steps."""

    def run() -> None:
        for _ in range(count):
            step()

    return run


def compare(steps: dict[str, Callable[[], None]], count: int = 1) -> None:
    """Print the time of each step, or of each of `count` in a call, and its ratio to the first."""
    times = in_turn(steps)
    first = next(iter(times.values()))
    for name, us in times.items():
        print(f"  {name:24} {us / count:8.2f} us {us / first:6.3f}x")


def per_op(sizes: list[int]) -> None:
    print("\nOne op, us: NumPy alone | forward, recorded | forward and backward")
    print(f"  {'':10}" + "".join(f"{size:>28,}" for size in sizes))
    for name, on_tensors, on_arrays in (
        ("multiply", lambda t: t * t, lambda a: a * a),
        ("tanh", tl.tanh, np.tanh),
        ("sum", tl.sum, np.sum),
    ):
        cells = []
        for size in sizes:
            array = np.linspace(0.1, 1, size, dtype=np.float32)
            leaf = Tensor(array, requires_grad=True)
            ones = tl.ones_like(on_tensors(leaf))

            def both(leaf: Tensor = leaf, ones: Tensor = ones, op: Callable = on_tensors) -> None:
                op(leaf).backward(ones)
                leaf.grad = None

            times = in_turn(
                {
                    "bare": lambda a=array, f=on_arrays: f(a),
                    "forward": lambda t=leaf, f=on_tensors: f(t),
                    "both": both,
                },
                rounds=7,
            )
            cells.append(" | ".join(f"{us:7.2f}" for us in times.values()))
        print(f"  {name:10}" + "".join(f"{cell:>28}" for cell in cells))


def chain(lengths: list[int]) -> None:
    print("\nA chain of ops on one number: us per op to build, walk and free, collector on")
    x = Tensor(2.0, requires_grad=True)
    for length in lengths:
        times = []
        for _ in range(max(1, 30_000 // length) + 2):
            started = time.perf_counter()
            y = x
            for _ in range(length):
                y = y * 1.000001
            y.backward()
            del y
            times.append((time.perf_counter() - started) / length * 1e6)
        print(f"  {length:>9,} ops {statistics.median(times):7.2f}")


def bytes_per_node(length: int = 100_000) -> None:
    x = Tensor(2.0, requires_grad=True)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    y = x
    for _ in range(length):
        y = y * 1.000001
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"\nBytes per node on a chain of scalars: {used / length:.0f}")


def live_bytes() -> None:
    """What a forward pass of an MLP keeps, against what the ops' rules declare."""
    model = nn.Sequential(
        nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )
    x = Tensor(np.ones((512, 256), np.float32))
    y = Tensor(np.zeros(512, int))
    nn.functional.cross_entropy(model(x), y)  # warm up
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    loss = nn.functional.cross_entropy(model(x), y)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    nodes = topological([loss.node])
    old = {id(base(leaf.data)) for leaf in leaves(nodes)}
    kept = {id(a): a for n in nodes for s in n.saved if id(a := base(s)) not in old}
    declared = sum(getattr(array, "nbytes", 0) for array in kept.values())
    print(
        f"Live bytes after an MLP's forward: {used:,}, of which the rules declare {declared:,}"
        f" ({used / declared:.3f}x)"
    )


def base(array: np.ndarray) -> np.ndarray:
    """The array that owns the memory of a view."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


def import_time(rounds: int) -> None:
    """Milliseconds that ``import tinygrad_lesson`` takes over ``import numpy``, once compiled."""
    script = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
    times: dict[str, list[float]] = {"numpy": [], "tinygrad_lesson": []}
    with tempfile.TemporaryDirectory() as cache:  # for the bytecode of both
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(rounds + 1):
            for package, values in times.items():
                command = [sys.executable, "-c", script.format(package)]
                values.append(float(subprocess.check_output(command, env=environment)) * 1e3)
    alone, ours = (statistics.median(values[1:]) for values in times.values())
    print(f"Import: NumPy {alone:.0f} ms, tinygrad_lesson {ours - alone:.0f} ms more\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer sizes, shorter chains")
    args = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}\n")
    import_time(3 if args.quick else 11)
    training_step()
    per_op([1, 10_000] if args.quick else [1, 100, 10_000, 1_000_000])
    chain([1_000, 10_000] if args.quick else [1_000, 1_000_000])
    bytes_per_node()
    live_bytes()


if __name__ == "__main__":
    main()

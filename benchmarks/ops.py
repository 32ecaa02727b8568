"""What the ops cost that training spends its time in, beside PyTorch where it is installed.

    python benchmarks/ops.py
    OPENBLAS_NUM_THREADS=2 python benchmarks/ops.py

Both libraries run in this one process and in turn, on one thread unless said otherwise: the threads
of two libraries get into each other's way. Times depend on the machine: the ratios are what to
look at.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's BLAS looks when it is imported
os.environ.pop("OPENBLAS_CORETYPE", None)  # it knows this processor itself

import numpy as np
from timing import in_turn
from tqdm import tqdm

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor
from tinygrad_lesson import ops as vocabulary
from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.nn import functional

Case = tuple[str, Callable[[], object], Callable[[], object] | None]


def numbers(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32)


def there_and_back(function: Callable[[Any], Any], x: Any, g: Any) -> Callable[[], None]:
    """Forward and backward; Tensors and PyTorch's tensors are called alike."""

    def run() -> None:
        function(x).backward(g)
        x.grad = None

    return run


def both(torch: Any, name: str, shape: tuple[int, ...], ours: Any, theirs: Any) -> Case:
    """A function of one input, forward and backward."""
    array = numbers(*shape)
    g = numbers(*ours(Tensor(array)).shape)
    peer = None
    if torch is not None:
        peer = there_and_back(theirs, torch.tensor(array, requires_grad=True), torch.from_numpy(g))
    first = there_and_back(ours, Tensor(array, requires_grad=True), Tensor(g))
    return f"{name} {'x'.join(map(str, shape))}, both ways", first, peer


def convolutions(torch: Any, images: tuple[int, ...], kernels: tuple[int, ...]) -> list[Case]:
    x, w = numbers(*images), numbers(*kernels)
    g = numbers(images[0], kernels[0], *images[2:])
    window = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
    a, b, c = Tensor(x), Tensor(w), Tensor(g)
    ours = [
        lambda: functional.conv2d(a, b, padding=1),
        lambda: vocabulary.conv_input_grad(c, b, **window, shape=images[2:]),
        lambda: vocabulary.conv_weight_grad(c, a, **window, shape=kernels[2:]),
    ]
    theirs: list[Any] = [None] * 3
    if torch is not None:
        p, q, r = (torch.from_numpy(array) for array in (x, w, g))
        theirs = [
            lambda: torch.nn.functional.conv2d(p, q, padding=1),
            lambda: torch.nn.grad.conv2d_input(images, q, r, padding=1),
            lambda: torch.nn.grad.conv2d_weight(p, kernels, r, padding=1),
        ]
    size = f"{'x'.join(map(str, images))} to {kernels[0]}"
    names = ("conv", "conv, input gradient", "conv, weight gradient")
    return [
        (f"{name} {size}", *pair)
        for name, *pair in zip(names, ours, theirs, strict=True)  # type: ignore[misc]
    ]


def embedding(torch: Any) -> list[Case]:
    table, rows = numbers(10_000, 128), np.random.default_rng(0).integers(0, 10_000, (64, 32))
    g = numbers(64, 32, 128)
    a, i, c = Tensor(table), Tensor(rows), Tensor(g)
    forward = adjoint = None
    if torch is not None:
        p, q, r = (torch.from_numpy(array) for array in (table, rows, g))
        forward = lambda: torch.nn.functional.embedding(q, p)  # noqa: E731
        backward = torch.ops.aten.embedding_dense_backward
        adjoint = lambda: backward(r, q, len(table), -1, False)  # noqa: E731
    return [
        ("rows 64x32 of 10000x128", lambda: tl.take(a, i, axis=0), forward),
        (
            "rows, gradient",
            lambda: vocabulary.add_at(c, i, index=(SLOT,), shape=table.shape),
            adjoint,
        ),
    ]


def cases(torch: Any) -> list[Case]:
    peer = torch.nn.functional if torch is not None else None
    found = [
        *convolutions(torch, (64, 1, 28, 28), (16, 1, 3, 3)),
        *convolutions(torch, (64, 16, 14, 14), (32, 16, 3, 3)),
    ]
    for shape in (64, 16, 28, 28), (64, 32, 14, 14):
        for name in "max_pool2d", "avg_pool2d":
            pool, other = getattr(functional, name), getattr(peer, name, None)
            found.append(
                both(torch, name, shape, lambda x, f=pool: f(x, 2), lambda x, f=other: f(x, 2))
            )
    found += embedding(torch)
    for shape in (128, 1000), (32, 4, 64, 64):
        for name in "softmax", "log_softmax":
            ours, other = getattr(tl, name), getattr(peer, name, None)
            found.append(both(torch, name, shape, ours, lambda x, f=other: f(x, -1)))
    for shape in (16, 64, 128), (128, 512):
        found.append(
            both(
                torch, "layer_norm", shape,
                lambda x, n=shape[-1]: functional.layer_norm(x, n),
                lambda x, n=shape[-1]: peer.layer_norm(x, (n,)),
            )
        )  # fmt: skip
    return found


def main() -> None:
    tl.keep_freed_memory()
    threads = int(os.environ["OPENBLAS_NUM_THREADS"])
    torch: Any = None
    with contextlib.suppress(ImportError):
        torch = importlib.import_module("torch")
        torch.set_num_threads(threads)
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}, threads: {threads}\n")
    lines = [f"{'us per call, float32':44}{'ours':>10}{'PyTorch':>10}{'ratio':>8}"]
    for name, ours, theirs in tqdm(cases(torch), unit="op", leave=False):
        times = in_turn({"ours": ours} | ({} if theirs is None else {"theirs": theirs}))
        line = f"{name:44}{times['ours']:10.0f}"
        if theirs is not None:
            line += f"{times['theirs']:10.0f}{times['ours'] / times['theirs']:8.2f}"
        lines.append(line)
    print("\n".join(lines))


if __name__ == "__main__":
    main()

"""The floor of a step: what its products and its memory alone would take.

    python benchmarks/floor.py mlp 2

Every product of matrices runs at the speed that NumPy's BLAS has for it, and the bytes that the
other kernels read and write are copied at the speed of a copy that is as large as what the step
works on. ``step.cost()`` says which products and how many bytes there are. What is to be faster
needs other products than the BLAS's, or kernels that are fused further.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from contenders import pytorch_style
from works import WORKS, made

import tinygrad_lesson as tl
from tinygrad_lesson.compiler.operations import Product

SECONDS = 0.05  # for each measurement
ENOUGH = 2_000_000  # operations of one call: many small products are one stack
LEAST = 16_384  # bytes: of smaller copies most would be the call
WORTH_SHARING = 1_000_000  # bytes: smaller copies take one thread


def shortest(function: Callable[[], object]) -> float:
    """The shortest of the calls that fit into `SECONDS`, but of three at least."""
    times: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(times) < 3 or time.perf_counter() < until:
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def product_time(product: Product, dtype: np.dtype) -> float:
    """Seconds of one product; of small ones as a part of a stack, without Python's share."""
    stack = max(1, ENOUGH // product._replace(times=1).flops)
    ones = np.ones
    left, right = (
        ones((stack, product.m, product.k), dtype), ones((stack, product.k, product.n), dtype)
    )  # fmt: skip
    out = np.empty((stack, product.m, product.n), dtype)
    return shortest(lambda: np.matmul(left, right, out=out)) / stack


def copy_speed(size: int, threads: int) -> float:
    """Bytes read and written in a second, by copies of `size` bytes."""
    size = max(size, LEAST)
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    parts = threads if size >= WORTH_SHARING else 1
    edges = np.linspace(0, size, parts + 1).astype(int)
    several = max(1, 1_000_000 // size)

    def copy(i: int) -> None:
        mine = slice(edges[i], edges[i + 1])
        for _ in range(several):
            np.copyto(target[mine], source[mine])

    with ThreadPoolExecutor(parts) as pool:
        seconds = shortest(
            (lambda: list(pool.map(copy, range(parts)))) if parts > 1 else lambda: copy(0)
        )
    return 2 * size * several / seconds


def floor(work: str, threads: int) -> dict[str, float]:
    """Seconds of the products and of moving bytes; operations and bytes that they stand for."""
    pytorch_style.use("tinygrad_lesson", threads, compiled=False)
    name = "lesson" if work == "repeat" else work
    step = tl.compile(getattr(pytorch_style, name)(*made(work)).run, mode="numpy")
    step()
    cost = step.cost()
    dtype = np.dtype(np.float64 if WORKS[work].tolerance < 1e-8 else np.float32)
    counts = Counter[Product]()
    for product in cost.products:
        counts[product._replace(times=1)] += product.times
    products = sum(product_time(p, dtype) * times for p, times in counts.items())
    moved = sum(kernel.bytes for kernel in cost.kernels if not kernel.products)
    kernels = [kernel.bytes for kernel in cost.kernels if not kernel.products] or [64]
    works_on = max(cost.arena, *kernels) // 2
    return {
        "products": products,
        "moving": moved / copy_speed(works_on, threads),
        "flops": cost.flops,
        "bytes": cost.bytes,
        "kernels": len(cost.kernels),
    }


if __name__ == "__main__":
    print(json.dumps(floor(sys.argv[1], int(sys.argv[2]))))

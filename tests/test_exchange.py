"""Rows of a small table are multiplied before they are chosen, and added up before products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.compiler.c_code.exchange import exchanged
from tinygrad_lesson.compiler.passes import simplified
from tinygrad_lesson.tracing.program import Program

ROWS, FEATURES, OUT = 6, 5, 4


def traced(count: int, layer: Any) -> tuple[Program, Any, list[tl.Tensor]]:
    """The program of a layer on embedded numbers and of its gradients, and the compiled step."""
    tl.manual_seed(0)
    table = nn.Embedding(ROWS, FEATURES, dtype="float64")
    index = tl.Tensor(np.random.default_rng(0).integers(0, ROWS, size=(3, count)))

    def step(i: tl.Tensor) -> Any:
        out = layer(table(i))
        wanted = [table.weight, *layer.parameters()]
        return out, *tl.autograd.grad(tl.sin(out).sum(), wanted)

    compiled = tl.compile(step, mode="numpy")
    compiled(index)
    return compiled._shown().simple, compiled, [index]


def shapes(program: Program, name: str) -> list[tuple[int, ...]]:
    """The shapes that an op gives."""
    return sorted(e.out.shape for e in program.equations if e.op.name == name)


def test_a_layer_on_an_embedding() -> None:
    layer = nn.Linear(FEATURES, OUT, dtype="float64")
    program, _, _ = traced(20, layer)
    before, after = program, simplified(exchanged(program))
    assert (3, 20, OUT) in shapes(before, "affine")
    assert shapes(after, "affine") == [(ROWS, OUT)]
    assert (3, 20, OUT) in shapes(after, "take")
    assert (3, 20, FEATURES) in shapes(before, "matmul")
    assert (3, 20, FEATURES) not in shapes(after, "matmul")
    assert (ROWS, OUT) in shapes(after, "add_at")


def test_a_large_table_is_left_alone() -> None:
    layer = nn.Linear(FEATURES, OUT, dtype="float64")
    program, _, _ = traced(3, layer)  # nine numbers, of six rows
    assert exchanged(program) is program


@pytest.mark.parametrize("make", [
    lambda: nn.Linear(FEATURES, OUT, dtype="float64"),
    lambda: nn.Linear(FEATURES, OUT, bias=False, dtype="float64"),
])  # fmt: skip
def test_the_numbers_are_the_same(make: Any) -> None:
    _, compiled, (index,) = traced(20, make())
    in_c = tl.compile(compiled.function, mode="c")
    in_c(index)
    for found, expected in zip(in_c(index), compiled.function(index), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-13, atol=1e-13)

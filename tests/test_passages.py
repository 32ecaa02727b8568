"""A loop body with several slow functions becomes several loops over a few numbers at a time."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.compiler.c_code.passages import PASSAGE, Passages, Scope


def scope() -> Scope:
    made = Scope("x")
    x = made.loaded("x", "f32", "p0[j0]")
    made.define("v0", "f32", f"tanh_f32({x})", slow=True)
    made.define("v1", "f32", f"v0 + {x}")
    made.define("v2", "f32", "exp_f32(v1)", slow=True)
    made.lines.append("v3_ += v2;")
    return made


def test_one_loop_for_each_slow_function() -> None:
    passages = Passages(scope(), "j0", {"v3_ += v2;": "reduction(+:v3_)"}, apart=True)
    assert len(passages) == 3
    assert passages.arrays() == [f"f32 k0[{PASSAGE}];", f"f32 k1[{PASSAGE}];"]
    assert passages.loops("b", "e") == [
        "#pragma omp simd", "for (i64 j0 = b; j0 < e; j0++) {", "    const f32 x0 = p0[j0];",
        "    const f32 v0 = tanh_f32(x0);", "    k0[j0 - b] = v0;", "}",
        "#pragma omp simd", "for (i64 j0 = b; j0 < e; j0++) {", "    const f32 x0 = p0[j0];",
        "    const f32 v0 = k0[j0 - b];", "    const f32 v1 = v0 + x0;",
        "    const f32 v2 = exp_f32(v1);", "    k1[j0 - b] = v2;", "}",
        "#pragma omp simd reduction(+:v3_)", "for (i64 j0 = b; j0 < e; j0++) {",
        "    const f32 v2 = k1[j0 - b];", "    v3_ += v2;", "}",
    ]  # fmt: skip


def test_few_elements_stay_in_one_loop() -> None:
    passages = Passages(scope(), "j0", {}, apart=False)
    assert len(passages) == 1
    assert passages.arrays() == []
    assert passages.loops("0", "9")[2:-1] == [f"    {line}" for line in scope().lines]


def test_one_slow_function_needs_no_second_loop() -> None:
    made = Scope("x")
    made.define("v0", "f32", f"exp_f32({made.loaded('x', 'f32', 'p0[j0]')})", slow=True)
    made.define("v1", "f32", "v0 * v0")
    assert len(Passages(made, "j0", {}, apart=True)) == 1


@pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")
@pytest.mark.parametrize("count", [1, 63, 64, 511, 512, 513, 1025, 40_000])
def test_the_numbers_are_the_same(count: int) -> None:
    rng = np.random.default_rng(0)
    x, y = (tl.Tensor(rng.normal(size=(3, count))) for _ in range(2))

    def function(x: tl.Tensor, y: tl.Tensor) -> tuple[tl.Tensor, ...]:
        a = tl.tanh(x) * tl.sigmoid(y)
        b = tl.exp(a) + x
        c = tl.log1p(b * b)
        return c, c.sum(axis=1), (c - c.max(axis=1, keepdims=True)), a

    compiled = tl.compile(function, mode="c")
    compiled(x, y)
    for found, expected in zip(compiled(x, y), function(x, y), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-13, atol=1e-13)
    assert (f"[{PASSAGE}]" in compiled.source("c")) == (count >= 64)


@pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")
def test_several_such_loops_in_one_kernel() -> None:
    x = tl.Tensor(np.random.default_rng(0).normal(size=(3, 67)))

    def function(x: tl.Tensor) -> tl.Tensor:
        once = tl.softmax(tl.tanh(tl.exp(x)), axis=1)
        return tl.softmax(tl.tanh(tl.exp(once)), axis=1)

    compiled = tl.compile(function, mode="c")
    for _ in range(2):
        found = compiled(x)
    assert compiled.source("c").count("static i32 kernel") == 1
    np.testing.assert_allclose(found.numpy(), function(x).numpy(), rtol=1e-13)

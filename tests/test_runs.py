"""Many cotangents go back at once, and what comes out is what comes out one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, runs
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample, calls

from .support import draw, run, same, seeded, wanted_inputs

A = seeded("matrix").normal(size=(3, 3))
X = seeded("point").normal(size=3)


def one_by_one(function: Any, x: Any) -> np.ndarray:
    """The Jacobian by ``vjp`` of each unit vector."""
    out, pull = tl.vjp(function, x)
    units = np.eye(out.size, dtype=out.dtype).reshape(out.size, *out.shape)
    rows = [np.array(pull(unit)[0]) for unit in units]
    return np.reshape(rows, (*out.shape, *np.shape(x)))


FIRST = [
    pytest.param(op, next(iter(calls(op.samples))), id=name)
    for name, op in REGISTRY.items()
    if op.differentiable
]


@pytest.mark.parametrize(("op", "call"), FIRST)
def test_every_op_takes_many_cotangents_at_once(op: Op[...], call: Sample) -> None:
    arrays = draw(op, call)
    for i in wanted_inputs(op, arrays)[:2]:

        def function(x: Tensor, i: int = i) -> Tensor:
            return run(
                op, [*map(Tensor, arrays[:i]), x, *map(Tensor, arrays[i + 1 :])], call.params
            )

        same(tl.jacobian(function)(arrays[i]), one_by_one(function, arrays[i]))


def curve(x: Tensor) -> Tensor:
    return tl.tanh(A @ x) * x


def energy(x: Tensor) -> Tensor:
    return (curve(x) ** 2).sum()


def test_derivatives_of_higher_order_and_of_many_examples() -> None:
    third = tl.jacobian(tl.hessian(energy))(X)
    same(third, one_by_one(tl.hessian(energy), X), 1e-10, 1e-12)
    batch = seeded("batch").normal(size=(4, 3))
    same(tl.vmap(tl.hessian(energy))(batch), [tl.hessian(energy)(Tensor(x)) for x in batch])
    sharpness = tl.grad(lambda x: (tl.hessian(energy)(x) ** 2).sum())(X)
    same(sharpness, np.tensordot(2 * tl.hessian(energy)(X).numpy(), third, 2), 1e-10, 1e-12)


@pytest.mark.parametrize("mode", ["numpy", "c"])
def test_a_compiled_hessian_has_no_loop_over_its_rows(mode: str) -> None:
    lengths = set()
    for n in 3, 6:
        step = tl.compile(tl.hessian(lambda x: (tl.tanh(x) ** 3).sum()), mode=mode)
        x = seeded("x").normal(size=n)
        same(step(Tensor(x)), tl.hessian(lambda x: (tl.tanh(x) ** 3).sum())(x), 1e-10, 1e-12)
        lengths.add(len(step.program.equations))
    assert len(lengths) == 1


def test_a_compiled_step_refuses_a_graph_from_before_it_through_a_mapping() -> None:
    x = Tensor(X, requires_grad=True)
    before = tl.exp(x)
    step = tl.compile(lambda u: tl.vmap(lambda c: tl.autograd.grad(before, x, c, True)[0])(u))
    with pytest.raises(tl.errors.TraceError, match="computed before the step"):
        step(Tensor(np.eye(3)))


def test_rules_that_ask_for_numbers_are_run_one_by_one() -> None:
    @tl.custom_vjp
    def doubled(x: Any) -> Any:
        return 2 * x

    doubled.defvjp(lambda x: (2 * x, None), lambda _, g: (Tensor(2 * np.array(g)),))
    seen = []

    def hooked(x: Tensor) -> Tensor:
        out = doubled(x)
        out.register_hook(lambda g: seen.append(float(g.sum())))
        return out * X

    same(tl.jacobian(hooked)(X), 2 * np.diag(X))
    assert len(seen) == 3
    same(tl.jacobian(lambda x: doubled(x) * X)(X), 2 * np.diag(X))
    same(tl.jacobian(tl.checkpoint(curve))(X), tl.jacobian(curve)(X))
    same(tl.jacobian(tl.compile(curve))(X), tl.jacobian(curve)(X))


def test_in_portions_as_large_as_memory_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = tl.jacobian(curve)(X).numpy()
    for portion in 1, 2:
        monkeypatch.setattr(runs, "AT_ONCE", portion * 3)
        same(tl.jacobian(curve)(X), expected)


def test_a_search_for_nan_still_looks_at_each_gradient() -> None:
    with np.errstate(divide="ignore"), tl.debug(), pytest.raises(FloatingPointError, match="sqrt"):
        tl.jacobian(tl.sqrt)([0.0, 1.0])

"""What the tests share: calls of ops, and derivatives found without the library's help."""

from __future__ import annotations

import functools
import inspect
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.compiler.c_code import routines, step, toolchain
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample, calls

# The same examples in every run, and no time limit on any.
settings.register_profile("tests", deadline=None, derandomize=True, database=None)
settings.load_profile("tests")

# Central differences of sixth order: sum(weight * f(x + place * h)) / h.
STENCIL = ((1, 45 / 60), (2, -9 / 60), (3, 1 / 60), (-1, -45 / 60), (-2, 9 / 60), (-3, -1 / 60))


def seeded(*words: object) -> np.random.Generator:
    """A generator that depends on nothing but `words`."""
    return np.random.default_rng(zlib.crc32(" ".join(map(str, words)).encode()))


def registered_calls() -> Iterator[tuple[str, Op[...], Sample]]:
    """Every call that the registry's samples stand for, with a name for the test."""
    for op in REGISTRY.values():
        for number, call in enumerate(calls(op.samples)):
            yield f"{op.name}-{number}", op, call


TWO_MEET = ("maximum", "minimum", "fmax", "fmin")
"""Ops with a kink where their two inputs are equal."""


def draw(op: Op[...], call: Sample, dtype: Any = np.float64) -> list[np.ndarray]:
    """The inputs of one call, always the same ones, and away from the kink where two meet."""
    for attempt in itertools.count():
        arrays = call.draw(seeded(op.name, call.params, attempt), dtype)
        if op.name not in TWO_MEET or np.abs(np.subtract(*arrays)).min() > 0.05:
            return arrays
    raise AssertionError


def raw(op: Op[...], arrays: Sequence[Any], params: dict[str, Any]) -> Any:
    """The forward on plain arrays; several results are joined."""
    out = op.forward(numpy_namespace, *arrays, **filled(op, params))
    return (
        out if not isinstance(out, tuple | list) else np.concatenate([*map(np.ravel, reals(out))])
    )


def run(op: Op[...], tensors: Sequence[Tensor], params: dict[str, Any]) -> Tensor:
    """The op on tensors; several results are joined."""
    out = op(*tensors, **params)
    return tl.concat([*map(tl.flatten, reals(out))]) if isinstance(out, tuple | list) else out


def reals(results: Sequence[Any]) -> list[Any]:
    """Those of several results that can have a gradient, or all if none can."""
    return [result for result in results if result.dtype.kind == "f"] or list(results)


def parts(result: Any) -> list[Any]:
    """The results of an op, be it one or several."""
    return list(result) if isinstance(result, tuple | list) else [result]


def filled(op: Op[...], params: dict[str, Any]) -> dict[str, Any]:
    """`params`, and the op's defaults."""
    return {**op.defaults, **params}


def wanted_inputs(op: Op[...], arrays: Sequence[np.ndarray]) -> list[int]:
    """The places of the inputs that can have a gradient."""
    return [
        i
        for i, array in enumerate(arrays)
        if array.dtype.kind == "f" and op.input_name(i) not in op.without_gradient
    ]


def as_tensors(arrays: Sequence[np.ndarray], wanted: Sequence[int]) -> list[Tensor]:
    """Tensors on the very arrays, strides and all; those at `wanted` require a gradient."""
    tensors = [Tensor.lift(array) for array in arrays]
    for i in wanted:
        tensors[i].requires_grad_()
    return tensors


def gradients(
    op: Op[...],
    arrays: Sequence[np.ndarray],
    params: dict[str, Any],
    wanted: Sequence[int],
    cotangent: np.ndarray,
) -> list[np.ndarray]:
    """By the library: the gradient of ``sum(cotangent * op(arrays))`` for the `wanted` inputs."""
    tensors = as_tensors(arrays, wanted)
    out = run(op, tensors, params)
    found = autograd.grad(out, [tensors[i] for i in wanted], Tensor(cotangent, dtype=out.dtype))
    return [g.numpy() for g in found]


def along(
    function: Callable[[Sequence[np.ndarray]], Any],
    arrays: Sequence[np.ndarray],
    directions: Sequence[Any],
    step: float,
) -> Any:
    """By central differences: the derivative of ``function(arrays)`` along `directions`."""

    def moved(amount: float) -> list[np.ndarray]:
        return [a if d is None else a + amount * d for a, d in zip(arrays, directions, strict=True)]

    return sum(weight * function(moved(place * step)) for place, weight in STENCIL) / step


def numeric_gradients(
    function: Callable[[Sequence[np.ndarray]], float],
    arrays: Sequence[np.ndarray],
    wanted: Sequence[int],
    step: float = 5e-4,
) -> list[np.ndarray]:
    """By central differences: the gradient of a number for the `wanted` arrays."""
    found = []
    for i in wanted:
        gradient = np.empty(arrays[i].shape)
        for place in np.ndindex(gradient.shape):
            unit = np.zeros(gradient.shape)
            unit[place] = 1
            directions = [unit if j == i else None for j in range(len(arrays))]
            gradient[place] = along(function, arrays, directions, step)
        found.append(gradient)
    return found


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "transposed": lambda x: x.T.copy().T,
    "negative stride": lambda x: x[::-1].copy()[::-1] if x.ndim else x,
    "every second": lambda x: np.repeat(x, 2, axis=-1)[..., ::2] if x.ndim else x,
    "zero stride": lambda x: np.broadcast_to(x[:1], x.shape) if x.ndim else x,
}


OF_INDEPENDENT_ROWS = {
    "cholesky", "inv", "solve", "cofactors", "packed_slogdet", "slogdet", "logdet",
    "matrix_power", "packed_qr", "qr", "cond", "orthogonal_complement", "corrcoef",
}  # fmt: skip
"""With a stride of zero all rows are equal, and these have no value or no derivative there."""
"""The same numbers, laid out in memory in other ways."""


def each(name: str, values: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Like ``pytest.mark.parametrize``, but all in one test: for what is quicker than a test."""
    several = list(values)

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def looped(**given: Any) -> None:
            for value in several:
                try:
                    test(**given, **{name: value})
                except BaseException as error:
                    error.add_note(f"{name}: {value}")
                    raise

        signature = inspect.signature(test)
        others = [p for p in signature.parameters.values() if p.name != name]
        looped.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return looped

    return decorate


def same(actual: Any, expected: Any, rtol: float = 1e-12, atol: float = 1e-12) -> None:
    """Assert equal shapes, and equal numbers up to rounding (NaN equals NaN)."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol)


def subsets(places: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every choice of some of the places, but not of none."""
    for count in range(1, len(places) + 1):
        yield from itertools.combinations(places, count)


def scalar(value: float, **flags: Any) -> Tensor:
    """A float64 tensor of one number that requires a gradient."""
    return Tensor(value, requires_grad=True, dtype=tl.float64, **flags)


def derivatives(function: Callable[[Tensor], Tensor], x: Any) -> list[np.ndarray]:
    """The first derivative of a number, and that of the sum of the first."""
    t = Tensor(np.array(x, dtype=np.float64), requires_grad=True)
    (first,) = autograd.grad(function(t), [t], create_graph=True)
    second = autograd.grad(first.sum(), [t], allow_unused=True)[0] if first.requires_grad else None
    return [first.numpy(), np.zeros(t.shape) if second is None else second.numpy()]


def learning(net: tl.nn.Module) -> Any:
    """A compiled step of Adam towards nothing."""
    adam = tl.optim.Adam(net.parameters())

    @tl.compile
    def step(x: Tensor) -> Tensor:
        loss = (net(x) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss

    return step


def hurry(monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Let the C compiler try less hard."""
    flags = (*toolchain.FLAGS, level)
    monkeypatch.setattr(step, "load", functools.partial(routines.load, flags=flags))

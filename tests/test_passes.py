"""The passes: each does what its page says, to the bit where it says so, whatever the numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.compiler.numpy_code.writer import namespace_of, write
from tinygrad_lesson.compiler.passes import PASSES, simplified
from tinygrad_lesson.compiler.passes.algebra import use_algebra
from tinygrad_lesson.compiler.passes.common import merge_common
from tinygrad_lesson.compiler.passes.dead import drop_dead
from tinygrad_lesson.compiler.passes.folding import fold_constants
from tinygrad_lesson.compiler.passes.identities import drop_identities
from tinygrad_lesson.compiler.passes.pooling import pool_early
from tinygrad_lesson.compiler.passes.scalars import PLACES, use_scalars
from tinygrad_lesson.compiler.passes.sums import use_sums
from tinygrad_lesson.tracing.program import Argument, Constant, Program

SPECIAL = (0.0, -0.0, 1.0, -1.0, 2.5, -0.3, np.inf, -np.inf, np.nan, 1e300, -1e-300, 5e-324)
FLOATS = [np.float64, np.float32, np.float16]
NUMBERS = [*FLOATS, np.int64, np.int32, np.int8, np.uint8]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def special(dtype: Any, shift: int = 0) -> np.ndarray:
    """Numbers at which algebra may go wrong, of any dtype."""
    if np.dtype(dtype).kind != "f":
        limits = np.iinfo(dtype)
        return np.roll(np.array([0, 1, 2, 3, 7, limits.max, limits.min], dtype), shift)
    with np.errstate(over="ignore"):
        return np.roll(np.array(SPECIAL).astype(dtype), shift)


def filled(shape: tuple[int, ...], number: float, dtype: Any) -> Tensor:
    """A tensor that is made anew, and so is a constant of a step that asks for it."""
    return Tensor(np.full(shape, number, dtype))


def traced(function: Callable[..., Any], *arrays: Any) -> Program:
    """The program of a function, before any pass."""
    step = tl.compile(function)
    step(*map(Tensor, arrays))
    return step._shown().program


def evaluate(program: Program, arrays: Any) -> Any:
    """The only result of a program."""
    written = write(program, [f"x{i}" for i in range(len(arrays))])
    names = {"np": np, **namespace_of(written)}
    exec(written.code, names)
    sources: list[Any] = [value.source for value in written.inputs]
    assert all(type(source) is Argument for source in sources)
    (result,) = names["step"](*(arrays[source.position] for source in sources))
    return result


def names(program: Program) -> list[str]:
    return [equation.op.name for equation in program.equations]


def same_bits(got: Any, expected: Any) -> None:
    """Equal to the last bit and the sign of 0; NaN is NaN."""
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)
    if got.dtype.kind == "f":
        numbers = ~np.isnan(expected)
        np.testing.assert_array_equal(np.signbit(got[numbers]), np.signbit(expected[numbers]))


# ---- numbers instead of arrays -----------------------------------------------------------

NUMPY = {name: getattr(np, name) for name in PLACES}


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("name", [name for name in PLACES if name != "where"])
def test_a_constant_of_one_number_becomes_that_number(name: str, dtype: Any) -> None:
    op = getattr(tl, name)
    x = special(dtype)
    for number in (0, 1, 2, 3):
        constant = np.full(x.shape, number, dtype)
        made = functools.partial(filled, x.shape, number, dtype)
        for function, expected in (
            (lambda t, c=made: op(t, c()), NUMPY[name](x, constant)),
            (lambda t, c=made: op(c(), t), NUMPY[name](constant, x)),
        ):
            after = use_scalars(traced(function, x))
            assert not any(type(v.source) is Constant for v in after.inputs)
            same_bits(evaluate(after, [x]), expected)


@pytest.mark.parametrize("number", SPECIAL)
def test_special_constants(number: float) -> None:
    x = special(np.float64)
    made = functools.partial(filled, x.shape, number, np.float64)
    same_bits(evaluate(use_scalars(traced(lambda t: made() * t, x)), [x]), number * x)
    same_bits(evaluate(use_scalars(traced(lambda t: t - made(), x)), [x]), x - number)


def test_zeros_of_both_signs_are_no_number() -> None:
    x = np.array([1.0, 1.0])
    program = use_scalars(traced(lambda t: t * Tensor(np.array([0.0, -0.0])), x))
    assert any(type(v.source) is Constant for v in program.inputs)
    same_bits(evaluate(program, [x]), np.array([0.0, -0.0]))


def test_a_number_keeps_the_dtype_and_the_shape() -> None:
    x = np.ones(3, np.float32)
    for constant in (np.full(3, 2.0), np.full((2, 3), 2.0, np.float32), np.full(3, 2)):
        program = use_scalars(traced(lambda t, c=constant: t * Tensor(c.copy()), x))
        same_bits(evaluate(program, [x]), x * constant)


def test_where_takes_numbers() -> None:
    x = special(np.float64)
    zeros = functools.partial(filled, x.shape, 0.0, np.float64)
    program = use_scalars(traced(lambda t: tl.where(t > 0, t, zeros()), x))
    assert program.equations[-1].inputs[2] == 0.0
    same_bits(evaluate(program, [x]), np.where(x > 0, x, 0.0))


@pytest.mark.parametrize("dtype", NUMBERS)
def test_broadcasting_is_left_to_the_ops(dtype: Any) -> None:
    x, s = special(dtype), special(dtype)[3]
    function = lambda t, u: tl.broadcast_to(u, t.shape) * t  # noqa: E731
    program = drop_dead(use_scalars(traced(function, x, s)))
    assert names(program) == ["multiply"]
    same_bits(evaluate(program, [x, np.asarray(s)]), np.full(x.shape, s) * x)


def test_broadcasting_that_makes_the_shape_stays() -> None:
    x, y = np.ones((1, 3)), np.ones(3)
    program = drop_dead(use_scalars(traced(lambda t, u: tl.broadcast_to(t, (2, 3)) + u, x, y)))
    assert names(program) == ["broadcast_to", "add"]
    assert evaluate(program, [x, y]).shape == (2, 3)


# ---- sums --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products_with_ones_are_sums(dtype: Any) -> None:
    x = np.stack([special(dtype, shift) for shift in range(4)])
    program = drop_dead(use_sums(traced(lambda t: tl.ones_like(t[:, 0]) @ t, x)))
    assert names(program) == ["sum"]
    np.testing.assert_allclose(evaluate(program, [x]), x.sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(evaluate(program, [x]), np.ones(4, dtype) @ x, rtol=1e-6)


@pytest.mark.parametrize(
    ("x", "why"),
    [
        (np.ones((3, 2), np.float16), "half precision would be added up in half precision"),
        (np.ones((3, 2), np.int64), "integers"),
        (np.ones((200, 200)), "BLAS is faster"),
    ],
)
def test_products_with_ones_that_stay(x: np.ndarray, why: str) -> None:
    program = use_sums(traced(lambda t: tl.ones_like(t[:, 0]) @ t, x))
    assert "matmul" in names(program), why


def test_ones_of_nothing_sum_to_zero() -> None:
    x = np.ones((0, 3))
    same_bits(
        evaluate(simplified(traced(lambda t: tl.ones_like(t[:, 0]) @ t, x)), [x]), np.zeros(3)
    )


# ---- algebra -----------------------------------------------------------------------------

EXACT: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[str]]] = {
    "doubled": (lambda x, y: x + x, lambda x, y: x + x, ["multiply"]),
    "squared": (lambda x, y: x * x, lambda x, y: x * x, ["square"]),
    "plus negated": (lambda x, y: x + (-y), lambda x, y: x + (-y), ["subtract"]),
    "negated plus": (lambda x, y: (-x) + y, lambda x, y: (-x) + y, ["subtract"]),
    "less negated": (lambda x, y: x - (-y), lambda x, y: x - (-y), ["add"]),
    "both negated": (lambda x, y: (-x) * (-y), lambda x, y: (-x) * (-y), ["multiply"]),
}


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("name", EXACT)
def test_algebra_that_is_exact(name: str, dtype: Any) -> None:
    function, oracle, expected = EXACT[name]
    for shift in range(len(special(dtype))):
        x, y = special(dtype), special(dtype, shift)
        program = drop_dead(use_algebra(traced(function, x, y)))
        assert names(program) == expected
        same_bits(evaluate(program, [x, y]), oracle(x, y))
        x0, y0 = x[1], y[2]  # of no axes
        program = drop_dead(use_algebra(traced(function, x0, y0)))
        same_bits(evaluate(program, [x0, y0]), oracle(x0, y0))


def test_sums_of_booleans_are_left_alone() -> None:
    x = np.array([True, False])
    for function in (lambda t: t + t, lambda t: t * t):
        same_bits(evaluate(use_algebra(traced(function, x)), [x]), x)


def test_the_sign_of_a_difference_that_is_zero() -> None:
    """``-(x - y)`` is not ``y - x``: they differ in the sign of 0."""
    x = np.array([1.0, 0.0])
    program = use_algebra(traced(lambda t, u: -(t - u), x, x))
    same_bits(evaluate(program, [x, x]), -(x - x))


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_factor_of_two_joins_another(dtype: Any) -> None:
    x = special(dtype)
    x = x[~(np.abs(x) > 1e30) | ~np.isfinite(x)]
    program = drop_dead(use_algebra(traced(lambda t: 0.3 * (2 * t), x)))
    assert names(program) == ["multiply"]
    same_bits(evaluate(program, [x]), (0.3 * (2 * x)).astype(dtype))


def test_factors_that_would_round_otherwise_stay() -> None:
    x = np.array([0.1, 0.7])
    program = use_algebra(traced(lambda t: 0.3 * (0.7 * t), x))
    assert names(program) == ["multiply", "multiply"]
    same_bits(evaluate(program, [x]), 0.3 * (0.7 * x))


def test_factors_of_integers_stay() -> None:
    x = np.array([100, 7], np.int8)
    program = use_algebra(traced(lambda t: 3 * (2 * t), x))
    same_bits(evaluate(program, [x]), 3 * (2 * x))


def test_the_slope_of_the_sigmoid() -> None:
    x = np.concatenate([np.linspace(-800, 800, 33), special(np.float64)])
    function = lambda t: (s := tl.sigmoid(t)) - s * s  # noqa: E731
    program = drop_dead(use_algebra(traced(function, x)))
    assert names(program) == ["sigmoid", "subtract", "multiply"]
    s = scipy.special.expit(x)
    np.testing.assert_allclose(evaluate(program, [x]), s - s * s, rtol=0, atol=2e-16)


def test_a_difference_with_its_square_stays_where_it_could_be_infinite() -> None:
    x = np.array([np.inf])
    program = use_algebra(traced(lambda t: t - t * t, x))
    same_bits(evaluate(program, [x]), np.array([np.nan]))


# ---- movements ---------------------------------------------------------------------------

CHAINS: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "twice transposed": (lambda x: x.mT.mT, []),
    "transposed and permuted": (lambda x: x.mT.permute_dims((0, 2, 1)), []),
    "permuted twice": (lambda x: x.permute_dims((1, 2, 0)).permute_dims((1, 0, 2)),
                       ["permute_dims"]),
    "reshaped twice": (lambda x: x.reshape(6, 4).reshape(-1), ["reshape"]),
    "reshaped and back": (lambda x: x.reshape(24).reshape(2, 3, 4), []),
    "an axis more, and less": (lambda x: tl.squeeze(tl.expand_dims(x, 1), 1), []),
    "flipped twice": (lambda x: tl.flip(tl.flip(x, axis=1), axis=1), []),
    "flipped five times": (lambda x: functools.reduce(lambda y, _: tl.flip(y, axis=0), range(5), x),
                           ["flip"]),
    "flipped along two axes": (lambda x: tl.flip(tl.flip(x, axis=1), axis=0), ["flip", "flip"]),
    "widened and narrowed": (lambda x: x.astype(tl.float64).astype(tl.float32), []),
    "narrowed and widened": (lambda x: x.astype(tl.int64).astype(tl.float32),
                             ["astype", "astype"]),
    "stretched twice": (lambda x: tl.broadcast_to(tl.broadcast_to(x, (5, 2, 3, 4)),
                                                  (6, 5, 2, 3, 4)), ["broadcast_to"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_chains_of_movements(name: str) -> None:
    function, expected = CHAINS[name]
    x = (np.arange(24, dtype=np.float32).reshape(2, 3, 4) - 12) / 4
    program = simplified(traced(function, x))
    assert names(program) == expected
    same_bits(evaluate(program, [x]), function(Tensor(x)).numpy())


# ---- parts side by side ------------------------------------------------------------------


def cut(*places: tuple[slice, ...]) -> Callable[[Tensor], Tensor]:
    """The gradient of a function of parts: each part's, in its place."""

    def function(x: Tensor) -> Tensor:
        w = (x * 1.5).detach().requires_grad_()
        loss = sum((tl.sin(w[place]) * (k + 1)).sum() for k, place in enumerate(places))
        return tl.autograd.grad(loss, w)[0]

    return function


FILLING = [
    ((slice(0, 2),), (slice(2, 6),)),
    ((slice(4, 6),), (slice(0, 2),), (slice(2, 4),)),
    ((slice(None), slice(0, 1)), (slice(None), slice(1, 4))),
    ((slice(None, -3),), (slice(-3, None),)),
]


@pytest.mark.parametrize("places", FILLING)
def test_parts_that_fill_an_array_are_put_side_by_side(places: Any) -> None:
    x = np.arange(24.0).reshape(6, 4)
    program = simplified(traced(cut(*places), x))
    assert "concat" in names(program)
    assert "add_at" not in names(program)
    expected = np.zeros(x.shape)
    for k, place in enumerate(places):
        expected[place] = (k + 1) * np.cos(1.5 * x[place])
    np.testing.assert_allclose(evaluate(program, [x]), expected, rtol=1e-14)


@pytest.mark.parametrize(
    "places",
    [
        ((slice(0, 2),), (slice(3, 6),)),  # a gap
        ((slice(0, 3),), (slice(2, 6),)),  # an overlap
        ((slice(0, 2),), (slice(None), slice(0, 2))),  # two axes
        ((slice(0, 6, 2),), (slice(1, 6, 2),)),  # not side by side
        ((slice(0, 2), slice(0, 2)), (slice(2, 6), slice(2, 4))),
    ],
)
def test_other_parts_are_added_up(places: Any) -> None:
    x = np.arange(24.0).reshape(6, 4)
    program = simplified(traced(cut(*places), x))
    assert "concat" not in names(program)
    expected = np.zeros(x.shape)
    for k, place in enumerate(places):
        expected[place] += (k + 1) * np.cos(1.5 * x[place])
    np.testing.assert_allclose(evaluate(program, [x]), expected, rtol=1e-14)


# ---- what is always the same, or computed twice, or by nobody needed -----------------------


def test_constants_are_computed_once() -> None:
    function = lambda t: t + tl.exp(Tensor(np.array([1.0, 2.0])) * 3.0)  # noqa: E731
    program = fold_constants(traced(function, np.ones(2)))
    assert names(program) == ["add"]
    same_bits(evaluate(program, [np.ones(2)]), 1 + np.exp(np.array([1.0, 2.0]) * 3.0))


def test_what_is_filled_needs_no_input() -> None:
    program = drop_dead(fold_constants(traced(lambda t: tl.ones_like(t * t), np.ones(2))))
    assert names(program) == []


def test_identities() -> None:
    x = special(np.float64)
    for function in (lambda t: t * 1, lambda t: 1 * t, lambda t: t / 1, lambda t: t - 0,
                     lambda t: t.reshape(t.shape), lambda t: t.astype(tl.float64)):  # fmt: skip
        program = drop_identities(traced(function, x))
        assert names(program) == []
        same_bits(evaluate(program, [x]), x)


def test_what_is_no_identity() -> None:
    """``-0.0 + 0`` and ``-0.0 - -0.0`` are 0, and an integer times 1.0 is a float."""
    x = np.array([-0.0])
    same_bits(evaluate(drop_identities(traced(lambda t: t + 0, x)), [x]), np.array([0.0]))
    same_bits(evaluate(drop_identities(traced(lambda t: t - -0.0, x)), [x]), np.array([0.0]))
    i = np.array([3])
    same_bits(evaluate(drop_identities(traced(lambda t: t * 1.0, i)), [i]), np.array([3.0]))


def test_common_subexpressions() -> None:
    program = merge_common(traced(lambda t: tl.exp(t) + tl.exp(t), np.ones(2)))
    assert names(program) == ["exp", "add"]


def test_what_differs_in_a_parameter_is_not_common() -> None:
    x = np.arange(6.0).reshape(2, 3)
    function = lambda t: t.sum(axis=0).sum() * t.sum(axis=1)  # noqa: E731
    program = merge_common(traced(function, x))
    assert names(program).count("sum") == 3
    same_bits(evaluate(program, [x]), x.sum(axis=0).sum() * x.sum(axis=1))


# ---- all of them -------------------------------------------------------------------------


def test_programs_are_left_as_they_were() -> None:
    program = traced(lambda t: (t + t) * tl.ones_like(t) - (-t), np.ones(3))
    before = str(program)
    for improve in PASSES:
        improve(program)
    assert str(program) == before


def test_the_lesson_as_one_would_write_it() -> None:
    """Two layers and their gradient: no op too many."""
    tl.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    descent = tl.optim.SGD(net.parameters(), lr=0.5)

    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = nn.functional.mse_loss(net(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    found = names(
        simplified(traced(step, np.ones((4, 3), np.float32), np.ones((4, 1), np.float32)))
    )
    assert found == [
        "affine", "sigmoid", "affine", "sigmoid",
        "subtract", "square", "mean",
        "multiply", "subtract", "multiply", "multiply",
        "matmul", "matrix_transpose", "matmul", "sum", "subtract", "multiply", "multiply",
        "matrix_transpose", "matmul", "sum",
        *["multiply", "subtract"] * 4,
    ]  # fmt: skip


# ---- pooling -----------------------------------------------------------------------------


def pooled(windows: dict[str, Any]) -> Callable[[Tensor, Tensor], Any]:
    """The largest of what relu leaves, and its slopes, added up over each channel."""

    def step(x: Tensor, d: Tensor) -> Tensor:
        bias = tl.zeros((2, 1, 1), dtype=x.dtype).requires_grad_()
        image = x.requires_grad_()
        y = tl.relu(image + bias)
        most = nn.functional.max_pool2d(y, **windows)
        (slopes, total) = tl.autograd.grad((most * d).sum(), [image, bias])
        return tl.concat([t.reshape(-1).detach() for t in (most, slopes, total)])

    return step


@pytest.mark.parametrize("windows", [
    {"kernel_size": 2}, {"kernel_size": 3, "stride": 1}, {"kernel_size": 3, "padding": 1},
    {"kernel_size": 2, "stride": 1, "dilation": 2},
])  # fmt: skip
@pytest.mark.parametrize("numbers", [[-2.0, -1.0, -0.0, 0.0, 1.0, 2.0],
                                     [-1.0, -np.inf, 0.0, np.inf, 3.0, np.nan]])  # fmt: skip
def test_relu_after_pooling(windows: dict[str, Any], numbers: list[float]) -> None:
    rng = np.random.default_rng(0)
    x = rng.choice(numbers, size=(3, 2, 7, 8))
    shape = nn.functional.max_pool2d(Tensor(x), **windows).shape
    d = rng.integers(-3, 4, size=shape).astype(float)  # whole numbers: sums have no rounding
    d[0, 0, 0, :2] = np.inf, np.nan
    before = traced(pooled(windows), x, d)
    after = simplified(before)
    shapes = [e.out.shape for e in after.equations if e.op.name == "relu"]
    assert shapes == [shape]
    assert names(after).count("pool_max") == 1
    assert (3, 2, 7, 8) not in [e.inputs[0].shape for e in after.equations if e.op.name == "sum"]
    np.testing.assert_array_equal(evaluate(after, [x, d]), evaluate(before, [x, d]))


def test_pooling_of_something_else_than_relu_is_left_alone() -> None:
    def step(x: Tensor) -> Tensor:
        image = x.requires_grad_()
        most = nn.functional.max_pool2d(tl.abs(image), 2)
        return tl.autograd.grad(most.sum(), [image])[0].detach()

    program = traced(step, np.arange(-8.0, 8.0).reshape(1, 1, 4, 4))
    assert pool_early(program) is program


BINARY = [tl.add, tl.subtract, tl.multiply, tl.maximum, tl.where]
UNARY = [
    tl.negative, tl.sigmoid, tl.tanh, tl.square, tl.ones_like, tl.zeros_like, lambda x: x.mT,
    lambda x: x.reshape(-1).reshape(x.shape), lambda x: tl.broadcast_to(x.sum(), x.shape),
    lambda x: 2 * x, lambda x: 0.25 * x, lambda x: tl.ones_like(x[:, 0]) @ x + x,
]  # fmt: skip


@settings(max_examples=150)
@given(st.data())
def test_random_programs(data: st.DataObject) -> None:
    """Three to thirty ops on any numbers: the passes change nothing but the last digits."""
    dtype = data.draw(st.sampled_from([np.float64, np.float32]))
    numbers = st.sampled_from([0.0, -0.0, 1.0, -1.5, 0.3, 2.0, np.inf, -np.inf, np.nan])
    arrays = [np.array(data.draw(st.lists(numbers, min_size=9, max_size=9)), dtype).reshape(3, 3)
              for _ in range(2)]  # fmt: skip
    steps = [
        (data.draw(st.integers(0, len(BINARY) + len(UNARY) - 1)), data.draw(st.integers(0, 99)),
         data.draw(st.integers(0, 99)))
        for _ in range(data.draw(st.integers(3, 30)))
    ]  # fmt: skip

    def function(*given: Tensor) -> Tensor:
        values = list(given)
        for op, i, j in steps:
            x, y = values[i % len(values)], values[j % len(values)]
            if op >= len(BINARY):
                values.append(UNARY[op - len(BINARY)](x))
            elif BINARY[op] is tl.where:
                values.append(tl.where(x > y, x, y))
            else:
                values.append(BINARY[op](x, y))
        return tl.stack([tl.tanh(value) for value in values])

    program = traced(function, *arrays)
    before, after = evaluate(program, arrays), evaluate(simplified(program), arrays)
    assert before.dtype == after.dtype
    tolerance = 1e-9 if dtype is np.float64 else 1e-3
    np.testing.assert_allclose(after, before, rtol=tolerance, atol=tolerance)

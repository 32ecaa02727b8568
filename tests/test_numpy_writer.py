"""The NumPy writer: what the source looks like, and that it computes what the ops compute."""

from __future__ import annotations

import ast
import builtins
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.arrays import numpy as kernels
from tinygrad_lesson.compiler.numpy_code.naming import Names, tidy
from tinygrad_lesson.compiler.numpy_code.notation import literal
from tinygrad_lesson.compiler.numpy_code.writer import constant, namespace_of, write
from tinygrad_lesson.extend import elementwise, uniform
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample
from tinygrad_lesson.tracing.numbers import HostProgram
from tinygrad_lesson.tracing.program import Argument, Equation, Program, Value

from .support import draw, filled, raw, registered_calls, seeded

CALLS = [
    pytest.param(op, call, id=name)
    for name, op, call in registered_calls()
    if not op.kind.composite
]


def written(op: Op[...], arrays: list[Any], params: dict[str, Any]) -> tuple[str, Any]:
    """The source of a program of one op, and what it returns."""
    inputs = [Value(i, np.shape(x), np.asarray(x).dtype, Argument(i)) for i, x in enumerate(arrays)]
    expected = op.forward(kernels, *arrays, **params)
    out = Value(len(inputs), expected.shape, expected.dtype)
    equations = [Equation(out, op, tuple(inputs), params)]
    program = Program(inputs, equations, [out], [], HostProgram(), [])
    source = write(program, [f"x{i}" for i in range(len(arrays))])
    names = {"np": np, **namespace_of(source)}
    exec(source.code, names)
    return source.code, names["step"](*arrays)[0]


@pytest.mark.parametrize(("op", "call"), CALLS)
def test_every_op_can_be_written(op: Op[...], call: Sample) -> None:
    """As a program of one equation it is the op's forward, to the bit."""
    for dtype in (np.float64, np.float32):
        arrays = draw(op, call, dtype)
        params = filled(op, call.params)
        _, got = written(op, arrays, params)
        expected = raw(op, arrays, call.params)
        assert got.dtype == expected.dtype
        assert got.shape == expected.shape
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", ["where", "mean", "square", "matmul", "affine", "take", "sum"])
def test_large_arrays_and_numbers_without_axes(name: str) -> None:
    """Where the source depends on the size, it is still the op, to the bit."""
    rng = seeded("large", name)
    x = rng.normal(size=(60, 70))
    cases: dict[str, list[list[Any]]] = {
        "where": [[x > 0, x, -x], [x[0, 0] > 0, x[0, 0], x[0, 1]]],
        "mean": [[x], [x[0, 0]], [x[:0]], [x.astype(np.float16)], [np.arange(9)]],
        "square": [[x], [x[0, 0]], [np.arange(9)], [np.array(0.1, np.float32)]],
        "matmul": [[rng.normal(size=(5, 6, 70)), x.T], [rng.normal(size=(2, 0, 70)), x.T],
                   [x, x.T], [x[0], x.T], [x[:, None], x[..., None]],
                   [np.zeros((1, 1)), np.full((1, 5), np.nan)]],
        "affine": [[x, x, x[:, 0]], [rng.normal(size=(5, 6, 70)), x, x[:, 0]],
                   [x.astype(np.float32), x.astype(np.float32), x[:, 0]]],
        "take": [[x, np.array([3, 1, 3])], [x, np.array([3], np.uint64)]],
        "sum": [[x], [x > 0], [np.array([200, 100], np.uint8)]],
    }  # fmt: skip
    op = REGISTRY[name]
    for arrays in cases[name]:
        params = filled(op, {"axis": 0} if name == "take" else {})
        with np.errstate(invalid="ignore"):
            _, got = written(op, arrays, params)
            expected = op.forward(kernels, *arrays, **params)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_an_op_of_a_users_own_is_called() -> None:
    @elementwise(samples=[uniform(-1, 1)])
    def twisted(xp: Any, x: Any, /, by: int = 1) -> Any:
        return np.roll(x, by)  # no expression in xp

    code, got = written(twisted, [np.arange(3.0)], {"by": 2})
    assert "twisted(x0, by=2)" in code
    np.testing.assert_array_equal(got, [1.0, 2.0, 0.0])


def test_a_users_formula_is_an_expression() -> None:
    @elementwise(samples=[uniform(-1, 1)])
    def curve(xp: Any, x: Any, /) -> Any:
        return 2 / (1 - x) ** 2 - (x > 0) * xp.exp(-x)

    code, got = written(curve, [np.array([0.5, -0.5])], {})
    assert "2 / (1 - x0) ** 2 - (x0 > 0) * np.exp(-x0)" in code
    np.testing.assert_array_equal(got, raw(curve, [np.array([0.5, -0.5])], {}))


# ---- how it reads ------------------------------------------------------------------------


def source(step: Callable[..., Any], *args: Any) -> str:
    """The source of a compiled step, after two calls: optimizers have their state then."""
    compiled = tl.compile(step)
    for _ in range(2):
        compiled(*args)
    return compiled.source()


def trained(
    net: nn.Module, loss: Callable[..., Tensor], x: Tensor, y: Tensor, **settings: Any
) -> str:
    descent = tl.optim.SGD(net.parameters(), **{"lr": 0.5, **settings})

    def step(x: Tensor, y: Tensor) -> Tensor:
        value = loss(net(x), y)
        descent.zero_grad()
        value.backward()
        descent.step()
        return value

    return source(step, x, y)


X = Tensor(np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float64))
Y = Tensor(np.array([[0], [1], [1], [0]], np.float64))


def test_the_lesson() -> None:
    """The whole of it, as one would derive it by hand."""
    tl.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    code = trained(net.to(tl.float64), nn.functional.mse_loss, X, Y)
    assert code == textwrap.dedent(
        """\
        def step(x, weight0, bias0, weight2, bias2, y, lr):
            hidden = sigmoid(x @ weight0.T + bias0)  # 4x4, Sequential/1:Sigmoid
            output = sigmoid(hidden @ weight2.T + bias2)  # 4x1, Sequential/3:Sigmoid

            error = output - y                                    # 4x1
            loss = (error ** 2).mean()
            delta_output = 0.5 * error * (output * (1 - output))  # 4x1
            d_weight2 = delta_output.T @ hidden                   # 1x4
            d_bias2 = delta_output.sum(axis=0)                    # 1
            delta_hidden = delta_output @ weight2 * (hidden * (1 - hidden))  # 4x4
            d_weight0 = delta_hidden.T @ x                        # 4x3
            d_bias0 = delta_hidden.sum(axis=0)                    # 4

            new_weight0 = weight0 - lr * d_weight0                # 4x3
            new_bias0 = bias0 - lr * d_bias0                      # 4
            new_weight2 = weight2 - lr * d_weight2                # 1x4
            new_bias2 = bias2 - lr * d_bias2                      # 1
            return loss, new_weight0, new_bias0, new_weight2, new_bias2
        """
    )


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.output = nn.Linear(3, 4), nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(tl.tanh(self.hidden(x)))


def test_layers_give_their_names() -> None:
    code = trained(Net().to(tl.float64), nn.functional.mse_loss, X, Y, momentum=0.9)
    assert "hidden = np.tanh(x @ hidden_weight.T + hidden_bias)" in code
    assert "output = hidden @ output_weight.T + output_bias" in code
    assert "delta_hidden = d_output @ output_weight * (1 - hidden ** 2)" in code
    assert "d_hidden_bias = delta_hidden.sum(axis=0)" in code
    assert "new_hidden_weight = hidden_weight - lr * new_velocity_hidden_weight" in code
    assert "d_hidden_weight * (1 - dampening)" in code


def test_a_function_that_trains_nothing() -> None:
    code = source(lambda a, b: tl.exp(a) * b.sum(), X, Y)
    assert "result = np.exp(a) * b.sum()  # 4x3" in code


def test_names_of_arguments_in_a_nest() -> None:
    code = source(lambda batch: batch["x"] @ batch["pair"][0], {"x": X, "pair": [Y[:3], 3]})
    assert code.startswith("def step(batch_x, batch_pair_0):\n")


def test_running_statistics_are_named() -> None:
    net = nn.Sequential(nn.BatchNorm1d(3)).to(tl.float64)
    code = trained(net, nn.functional.mse_loss, X, Tensor(np.zeros((4, 3))))
    assert "new_running_mean0 = 0.9 * running_mean0 + 0.1 * x.mean(axis=(0,))" in code


@pytest.mark.parametrize("name", ["sum", "mean", "where", "np", "step", "SLOT", "print", "lambda_"])
def test_names_shadow_nothing(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(
        f"def function({name}):\n    return {name} * 2 + tl.mean({name})",
        {"tl": tl, "__name__": __name__},
        namespace,
    )
    code = source(namespace["function"], X)
    assigned = {
        node.id
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    } | {node.arg for node in ast.walk(ast.parse(code)) if isinstance(node, ast.arg)}
    assert not assigned & ({*dir(builtins), *dir(kernels), "np", "SLOT", "step"})
    assert len(assigned) == 2 or "x2" not in assigned


def test_names_that_python_does_not_allow() -> None:
    assert tidy("0.weight") == "weight0"
    assert tidy("d_0.weight") == "d_weight0"
    assert tidy("block.0.weight") == "block_0_weight"
    assert tidy("lambda") == "lambda_"
    assert tidy("1st") == "p1st"
    names = Names({"a"})
    assert [names.new("a"), names.new("a"), names.new("b"), names.new("c1"), names.new("c1")] == [
        "a2", "a3", "b", "c1", "c1_2",
    ]  # fmt: skip


def test_constants_stand_above() -> None:
    targets = Tensor(np.array([0, 2, 1, 0]))
    code = trained(nn.Linear(3, 3).to(tl.float64), nn.functional.cross_entropy, X, targets)
    assert code.startswith("places = np.arange(4)\n\n\ndef step(")


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.arange(5), "np.arange(5)"),
        (np.arange(5, dtype=np.int32), "np.array([0, 1, 2, 3, 4], np.int32)"),
        (np.zeros((2, 3)), "np.zeros((2, 3))"),
        (np.ones(4, np.float32), "np.ones(4, np.float32)"),
        (np.full((2, 2), -1.5), "np.array([[-1.5, -1.5], [-1.5, -1.5]])"),
        (np.full((2, 2), 1.5), "np.full((2, 2), 1.5)"),
        (np.array([0.0, -0.0]), "np.array([0.0, -0.0])"),
        (np.array([np.nan, np.inf]), "np.array([np.nan, np.inf])"),
        (np.linspace(0, 1, 100), ""),
        (np.array([True, False]), ""),
    ],
)
def test_constants(array: np.ndarray, expected: str) -> None:
    assert constant(array) == expected
    if expected:
        again = eval(expected, {"np": np})
        assert again.dtype == array.dtype
        assert again.tobytes() == array.tobytes()


@pytest.mark.parametrize(
    "value",
    [1, -2.5, True, None, "x", (1,), [1, (2, 3)], np.inf, -np.inf, np.float32(0.1), np.float64,
     np.dtype(np.int32), slice(1, None), (slice(None), 0), (..., None), {}],
)  # fmt: skip
def test_literals(value: Any) -> None:
    again = eval(literal(value), {"np": np})
    assert again == value or np.dtype(again) == np.dtype(value)


def test_a_step_of_many_numbers_is_written_in_no_time() -> None:
    """A long chain: each value is looked at a few times, not once for each other one."""

    def step(x: Tensor) -> Tensor:
        for _ in range(3000):
            x = x + tl.tanh(x)
        return x

    assert source(step, Tensor(0.5)).count("np.tanh") == 3000


def test_large_arrays_are_let_go_of() -> None:
    x = Tensor(np.ones((200, 200)))
    code = source(lambda x: ((y := tl.exp(x)) * tl.sin(y) - (z := y + 1) * z).sum(), x)
    assert code.index("del e") > code.rindex("e *")


def test_an_expression_keeps_what_it_stands_for() -> None:
    """What is written inside a later line is still there, wherever else it was used last."""
    x = Tensor(np.full((200, 200), 0.5))

    def step(x: Tensor) -> tuple[Tensor, Tensor]:
        y = tl.exp(x)
        inside = y + 1.0  # written where it is used
        other = tl.cumulative_sum(y, axis=0)
        return inside * other, other.sum()

    compiled = tl.compile(step)
    expected = [result.numpy() for result in step(x)]
    for _ in range(3):
        for got, numbers in zip(compiled(x), expected, strict=True):
            np.testing.assert_array_equal(got.numpy(), numbers)
    assert "del e" in compiled.source()


def huge(step: Callable[..., Any], x: np.ndarray) -> str:
    """The source of a step on large arrays, which gives what it gives uncompiled."""
    compiled = tl.compile(step)
    expected = step(Tensor(x)).numpy()
    given = Tensor(x)
    for _ in range(2):
        np.testing.assert_array_equal(compiled(given).numpy(), expected)
    np.testing.assert_array_equal(given.numpy(), x)
    return compiled.source()


def test_results_take_the_place_of_huge_arrays() -> None:
    x = np.linspace(-1, 1, 1 << 18)

    def step(x: Tensor) -> Tensor:
        y = tl.sin(x)
        z = y - y.sum()
        return tl.sqrt(z * z + 1.0).sum() + z.max()

    assert "out=" in huge(step, x)
    assert "out=" not in huge(step, x[: 1 << 17])


def test_what_is_still_needed_is_not_written_into() -> None:
    x = np.linspace(-1, 1, 1 << 18)

    def viewed(x: Tensor) -> Tensor:
        y = tl.sin(x)
        part = y.reshape(2, -1)  # a view
        z = tl.exp(y)
        z = z * z.sum()
        return part + z.reshape(2, -1)

    assert "np.exp(sin, out=" not in huge(viewed, x)
    assert "out=x" not in huge(lambda x: tl.exp(x) * 2.0, x)  # nor an argument

    def returned(x: Tensor) -> Tensor:
        y = tl.sin(x)
        return tl.stack([y, tl.exp(y)])

    assert "out=" not in huge(returned, x)

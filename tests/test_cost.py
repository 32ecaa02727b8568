"""The costs of a compiled step: kernel by kernel, and all together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.compiler.cost import Cost
from tinygrad_lesson.compiler.operations import Product

from .support import learning


def cost_of(function: Callable[..., Any], *shapes: tuple[int, ...], dtype: Any = float) -> Cost:
    """The cost of a function of arrays of ones."""
    step = tl.compile(function)
    step(*(Tensor(np.ones(shape, dtype)) for shape in shapes))
    return step.cost()


def ops(cost: Cost) -> list[str]:
    return [op for kernel in cost.kernels for op in kernel.ops]


def test_a_kernel_reads_what_others_made_and_writes_what_others_need() -> None:
    cost = cost_of(lambda x, w: tl.exp(x @ w + 1) * 2, (4, 5), (5, 6))
    product, rest = cost.kernels
    assert product.kind == "product"
    assert product.ops == ("matmul",)
    assert product.flops == 2 * 4 * 5 * 6
    assert product.products == (Product(4, 6, 5),)
    assert product.bytes == 8 * (4 * 5 + 5 * 6 + 4 * 6)
    assert rest.ops == ("add", "exp", "multiply")
    assert rest.flops == (1 + 10 + 1) * 4 * 6
    assert rest.bytes == 8 * (4 * 6 + 4 * 6)  # what lies between stays in registers
    assert cost.unfused == product.bytes + 3 * rest.bytes
    assert (cost.flops, cost.bytes) == (
        sum(k.flops for k in cost.kernels),
        sum(k.bytes for k in cost.kernels),
    )


def test_the_arena_holds_what_lies_between_kernels() -> None:
    assert cost_of(lambda x: tl.exp(x) * 2, (4, 5)).arena == 0
    assert cost_of(lambda x: tl.exp(x @ x) @ x, (8, 8)).arena == 2 * 8 * 8 * 8


def test_an_array_that_is_read_twice_counts_once_and_a_row_that_is_repeated_as_a_row() -> None:
    (kernel,) = cost_of(lambda x, b: (x * x + b) / x, (4, 5), (5,)).kernels
    assert kernel.bytes == 8 * (4 * 5 + 5 + 4 * 5)


def test_views_cost_nothing_and_an_index_only_what_comes_out() -> None:
    (kernel,) = cost_of(lambda x: x.reshape(2, 10).mT[::2] + 1, (4, 5)).kernels
    assert kernel.ops == ("add",)
    assert kernel.bytes == 8 * (10 + 10)
    places = Tensor(np.array([1, 2]))
    (gathering,) = cost_of(lambda x: tl.take(x, places, axis=0), (100, 3)).kernels
    assert gathering.bytes == 8 * (6 + 2 + 6)


def test_what_the_array_library_runs_is_named() -> None:
    cost = cost_of(lambda w: tl.linalg.svdvals(w).sum() + tl.rand(3).sum(), (5, 6))
    assert [kernel.what for kernel in cost.host] == ["random random", "svdvals"]
    assert str(cost).splitlines()[-1] == "left to the array library: random random, svdvals"
    assert not cost_of(lambda w: w + 1, (2,)).host


def test_convolutions_are_the_products_that_they_could_be_written_as() -> None:
    def loss(images: Tensor, weight: Tensor) -> Tensor:
        return (nn.functional.conv2d(images, weight, padding=1, groups=2) ** 2).sum()

    cost = cost_of(tl.grad(loss, argnums=(0, 1)), (4, 2, 8, 8), (6, 1, 3, 3))
    found = {k.ops[0]: k.products[0] for k in cost.kernels if k.ops[0].startswith("conv")}
    places, taps = 4 * 8 * 8, 1 * 3 * 3
    assert found == {
        "conv": Product(places, 3, taps, 2),
        "conv_input_grad": Product(places, taps, 3, 2),
        "conv_weight_grad": Product(3, taps, places, 2),
    }


@pytest.mark.parametrize(("layer", "gates"), [(nn.RNN, 1), (nn.GRU, 3), (nn.LSTM, 4)])
def test_recurrent_layers_are_a_product_for_each_step(layer: Any, gates: int) -> None:
    net = layer(3, 4)
    cost = cost_of(lambda x: net(x)[0], (7, 2, 3), dtype=np.float32)
    (states,) = (k for k in cost.kernels if k.ops[0].endswith("_states"))
    assert states.products == (Product(2, gates * 4, 4, 7),)
    assert states.flops > states.products[0].flops


def test_products_of_stacks_and_vectors() -> None:
    shapes = [((3, 4, 5), (3, 5, 6)), ((4, 5), (5,)), ((5,), (5, 6)), ((3, 4, 5), (5, 6))]
    for left, right in shapes:
        cost = cost_of(lambda x, y: x @ y, left, right)
        size = np.matmul(np.ones(left), np.ones(right)).size
        assert sum(product.flops for product in cost.products) == 2 * 5 * size, (left, right)


def test_a_training_step_says_where_its_kernels_come_from() -> None:
    tl.manual_seed(0)
    step = learning(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    step(tl.ones(4, 6))
    cost = step.cost()
    assert cost.kernels[0].scope == "Sequential/0:Linear"
    assert len(cost.kernels) < len(ops(cost)) / 3
    assert cost.bytes < cost.unfused


def test_a_tape_counts_for_all_that_is_on_it() -> None:
    def steps(x: Tensor) -> Tensor:
        for i in range(400):
            x = tl.exp(x * -0.5) if i % 2 else x + 0.125
        return x

    (kernel,) = (k for k in cost_of(steps, ()).kernels if k.kind == "tape")
    assert sorted(set(kernel.ops)) == ["add", "exp", "multiply"]
    assert len(kernel.ops) == 600
    assert kernel.flops == 200 + 200 * (1 + 10)
    assert kernel.bytes > 8 * 600


def test_the_table_has_a_line_for_each_kernel_in_columns() -> None:
    cost = cost_of(lambda x, w: tl.tanh(x @ w).mean(), (64, 32), (32, 16))
    lines = str(cost).splitlines()
    assert lines[0].split() == ["kernel", "ops", "shape", "flops", "bytes", "where"]
    assert len(lines) == len(cost.kernels) + 3
    assert lines[-2].split()[-2:] == [f"{cost.flops:,}", f"{cost.bytes:,}"]
    ends = {line.rstrip().rindex(line.split()[-1]) + len(line.split()[-1]) for line in lines[1:-1]}
    assert len(ends) == 1
    assert f"{cost.arena:,}" in lines[-1]
    assert repr(cost) == str(cost)


def test_there_is_no_cost_before_the_first_call() -> None:
    with pytest.raises(tl.errors.ArgumentError, match="has not run yet"):
        tl.compile(lambda x: x).cost()

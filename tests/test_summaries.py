"""summary, against numbers counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import ArgumentError, ShapeError
from tinygrad_lesson.nn import functional as F  # noqa: N812
from tinygrad_lesson.summaries import Row, Summary


def by_path(table: Summary) -> dict[str, Row]:
    return {row.path: row for row in table.rows}


def test_a_small_net_by_hand() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2, bias=False))
    table = tl.summary(model, tl.ones(5, 4))
    numbers = [
        (
            r.depth, r.kind, r.output, r.parameters, r.multiply_adds, r.parameter_bytes,
            r.output_bytes,
        )
        for r in table.rows
    ]  # fmt: skip
    assert numbers == [
        (0, "Sequential", (5, 2), 0, 0, 0, 0),
        (1, "Linear", (5, 3), 15, 5 * 12, 60, 60),
        (1, "ReLU", (5, 3), 0, 0, 0, 60),
        (1, "Linear", (5, 2), 6, 5 * 6, 24, 40),
    ]
    assert (table.parameters, table.multiply_adds) == (21, 90)
    assert (table.parameter_bytes, table.output_bytes, table.frozen) == (84, 160, 0)


def test_the_table() -> None:
    model = nn.Sequential(nn.Linear(400, 300), nn.Tanh())
    model[0].bias.requires_grad = False
    lines = str(tl.summary(model, (400,))).splitlines()
    assert lines[0].split() == [
        "layer", "class", "output", "shape", "parameters", "multiply-adds", "parameter", "bytes",
        "output", "bytes",
    ]  # fmt: skip
    assert lines[3].split() == [
        "0", "Linear", "(1,", "300)", "120,300", "120,000", "481,200", "1,200",
    ]  # fmt: skip
    assert lines[-2].split() == ["total", "120,300", "120,000", "481,200", "2,400"]
    assert lines[-1] == "300 of the parameters are frozen"
    assert max(map(len, lines)) <= 100


def test_a_module_called_twice_has_two_rows_and_one_set_of_parameters() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    table = tl.summary(Twice(), (3,))
    assert [(r.path, r.parameters, r.multiply_adds) for r in table.rows] == [
        ("", 0, 0), ("layer", 12, 9), ("layer", 0, 9),
    ]  # fmt: skip


def test_shared_parameters_count_once() -> None:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    table = tl.summary(model, (3,))
    assert (table.parameters, table.multiply_adds) == (9, 18)
    same = nn.Linear(3, 3)
    assert tl.summary(nn.Sequential(same, nn.ReLU(), same), (3,)).parameters == 12


class Free(nn.Module):
    """Computes with functions, not with layers."""

    def __init__(self, function: Any, *shapes: tuple[int, ...]) -> None:
        self.function = function
        for i, shape in enumerate(shapes):
            setattr(self, f"w{i}", nn.Parameter(np.ones(shape, np.float32)))

    def forward(self, x: Tensor) -> Any:
        return self.function(x, *self.parameters())


@pytest.mark.parametrize(
    ("function", "given", "weights", "expected"),
    [
        # 2 samples, 4 channels of 5 x 5 places, each the sum over 3 channels of 3 x 3
        (lambda x, w: F.conv2d(x, w), (2, 3, 7, 7), [(4, 3, 3, 3)], 2 * 4 * 25 * 27),
        (lambda x, w: F.conv2d(x, w, stride=2, padding=1), (1, 3, 7, 7), [(4, 3, 3, 3)],
         4 * 16 * 27),
        (lambda x, w: F.conv2d(x, w, groups=2), (1, 4, 5, 5), [(6, 2, 3, 3)], 6 * 9 * 18),
        # each of 3 x 7 x 7 numbers goes to 4 channels of 2 x 2
        (lambda x, w: F.conv_transpose2d(x, w), (1, 3, 7, 7), [(3, 4, 2, 2)], 147 * 16),
        (lambda x, w: tl.einsum("bij,jk->bik", x, w), (2, 3, 4), [(4, 5)], 2 * 3 * 4 * 5),
        (lambda x: tl.einsum("bij->b", x), (2, 3, 4), [], 0),
        (lambda x, w: x @ w, (2, 3, 4), [(4,)], 2 * 3 * 4),
        (lambda x, w: tl.vecdot(x, w, axis=-2), (2, 3, 4), [(3, 1)], 2 * 4 * 3),
        (lambda x, w: tl.tensordot(x, w, axes=2), (2, 3, 4), [(3, 4, 5)], 2 * 12 * 5),
        # scores 3 x 3 over 4, then 3 x 4 over 3
        (lambda x: F.scaled_dot_product_attention(x, x, x), (2, 3, 4), [], 2 * (36 + 36)),
    ],
)  # fmt: skip
def test_products_by_hand(function: Any, given: Any, weights: Any, expected: int) -> None:
    model = Free(function, *weights)
    table = tl.summary(model, tl.ones(*given))
    assert table.multiply_adds == table.rows[0].multiply_adds == expected
    assert table.parameters == sum(int(np.prod(w)) for w in weights)


def test_recurrent_layers_by_hand() -> None:
    for layer, gates in ((nn.RNN(3, 5), 1), (nn.GRU(3, 5), 3), (nn.LSTM(3, 5), 4)):
        steps = 7 * 2  # of two sequences; each gate sums over 3 inputs and 5 states
        assert tl.summary(layer, tl.ones(7, 2, 3)).multiply_adds == steps * gates * 5 * (3 + 5)


def test_frozen_models_are_counted_too() -> None:
    model = nn.Linear(3, 2).requires_grad_(False)
    table = tl.summary(model, (3,))
    assert (table.multiply_adds, table.frozen) == (6, 8)


def test_views_take_no_memory_and_several_outputs_add_up() -> None:
    model = Free(lambda x: (x.reshape(4, 3), {"twice": x * 2}))
    (row,) = tl.summary(model, tl.ones(3, 4)).rows
    assert row.output == [(4, 3), (3, 4)]
    assert row.output_bytes == 48


def test_parameters_of_what_is_not_called() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Linear(2, 2), nn.Linear(3, 3)

        def forward(self, x: Tensor) -> Tensor:
            return x @ self.used.weight

    table = tl.summary(Net(), (2,))
    assert [(r.path, r.output, r.parameters, r.multiply_adds) for r in table.rows] == [
        ("", (1, 2), 0, 4), ("used", None, 6, 0), ("spare", None, 12, 0),
    ]  # fmt: skip
    assert "not called" in str(table)


def test_the_model_is_as_it_was() -> None:
    seen = []

    class Watched(nn.Linear):
        def forward(self, x: Any) -> Tensor:
            seen.append((self.training, tl.is_grad_enabled(), x.dtype, x.shape))
            return super().forward(x)

    model = nn.Sequential(Watched(3, 2, dtype=tl.float64), nn.ReLU())
    model[1].eval()
    tl.summary(model, (3,))
    assert seen == [(False, False, tl.float64, (1, 3))]
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert not model[0]._forward_hooks
    assert not model[0]._forward_pre_hooks
    with pytest.raises(ShapeError):
        tl.summary(model, (4,))
    assert not model[0]._forward_pre_hooks
    assert model.training
    model(tl.ones(1, 3, dtype=tl.float64)).sum().backward()  # recorded as ever
    assert model[0].weight.grad is not None


def test_a_model_that_maps_over_examples() -> None:
    model = Free(lambda x, w: tl.vmap(lambda row: row @ w)(x), (3, 2))
    assert tl.summary(model, tl.ones(4, 3)).multiply_adds == 4 * 3 * 2


def test_refusals() -> None:
    with pytest.raises(ArgumentError, match=r"\[summary\] there is no input to run the model on"):
        tl.summary(nn.ReLU())
    with pytest.raises(ArgumentError, match=r"\[summary\] a function is no module"):
        tl.summary(lambda x: x, (3,))
    with pytest.raises(ArgumentError, match=r"\[summary\] shape \('a',\) has lengths"):
        tl.summary(nn.ReLU(), ("a",))

"""The picture of a compiled step: kernels as frames, state that is read and put back."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
import viz
from tinygrad_lesson import Tensor, errors, nn, optim
from viz import theme
from viz.kernels import MOST, OPEN

from .support import learning
from .test_viz import Parsed


def lesson() -> Any:
    """Lesson 1's network with its step, which has run once."""
    w0 = Tensor(np.ones((3, 4)), requires_grad=True, name="w0")
    w1 = Tensor(np.ones((4, 1)), requires_grad=True, name="w1")
    descent = optim.SGD([w0, w1], lr=0.1)

    @tl.compile
    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = ((y - tl.sigmoid(tl.sigmoid(x @ w0) @ w1)) ** 2).sum() / 2
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    step(tl.ones(4, 3, dtype=tl.float64), tl.ones(4, 1, dtype=tl.float64))
    return step


def mlp(layers: int) -> Any:
    """A net of so many layers with Adam, whose step has run twice."""
    tl.manual_seed(0)
    parts = [part for _ in range(layers) for part in (nn.Linear(8, 8), nn.ReLU())]
    step = learning(nn.Sequential(*parts))
    for _ in range(2):
        step(tl.ones(4, 8))
    return step


def ops_drawn(parsed: Parsed) -> int:
    """The boxes that are no arrays."""
    return sum(key.startswith("k") for key in parsed.boxes)


# ---- kernels -----------------------------------------------------------------------------


def test_kernels_are_frames_around_the_ops_that_they_have_fused() -> None:
    step = lesson()
    parsed = Parsed(viz.graph(step))
    kernels = step.cost().kernels
    frames = parsed.frames()
    assert len(frames) == sum(len(kernel.ops) > 1 for kernel in kernels)
    for title, boxes in frames.items():
        match = re.match(r"kernel (\d+): (\w+) ", title)
        assert match, title
        kernel = kernels[int(match[1])]
        assert match[2] == kernel.kind
        assert f"{kernel.flops:,} operations, {kernel.bytes:,} bytes" in title
        drawn = [parsed.boxes[key] for key in boxes]
        for op in kernel.ops:
            assert any(f"{op}(" in text for text in drawn), (title, op)
        assert len(drawn) == len(kernel.ops)
    assert ops_drawn(parsed) == sum(len(kernel.ops) for kernel in kernels)


def test_a_kernel_of_one_op_is_a_box_of_its_own() -> None:
    step = tl.compile(lambda x, y: x @ y)
    step(tl.ones(4, 5), tl.ones(5, 6))
    parsed = Parsed(viz.graph(step))
    assert not parsed.frames()
    assert parsed.box("kernel 0: product 4x6") == (
        "kernel 0: product 4x6 matmul(x, y) 240 operations, 296 bytes"
    )
    color = parsed.attribute("kernel 0: product 4x6", "fillcolor")
    assert color == theme.PAINTS["linear"].fill


def test_ops_say_their_shape_where_it_is_not_the_kernels() -> None:
    step = tl.compile(lambda x: tl.softmax(x * 2, axis=1))
    step(tl.ones(4, 5))
    parsed = Parsed(viz.graph(step))
    assert parsed.box("max(·,").endswith("float32 (4, 1)")
    assert parsed.box("multiply(x,") == "multiply(x, 2)"


def test_what_the_array_library_runs_is_a_kernel_too() -> None:
    step = tl.compile(lambda x: tl.linalg.svdvals(x) + 1)
    step(tl.ones(4, 5))
    assert "svdvals(x)" in Parsed(viz.graph(step)).box("kernel 0: host 4")


# ---- arrays ------------------------------------------------------------------------------


def test_state_is_read_and_put_back() -> None:
    parsed = Parsed(viz.graph(lesson()))
    state = theme.PAINTS["parameter"].fill
    for name in "w0", "w1":
        assert parsed.attribute(f"{name} float64", "fillcolor") == state
    outs = [text for key, text in parsed.boxes.items() if key.startswith("out")]
    assert sorted(outs) == [
        "loss float64 () result",
        "new_w0 float64 (3, 4) put back at the end",
        "new_w1 float64 (4, 1) put back at the end",
    ]
    arrows = parsed.arrows()
    for tail, head in arrows:
        assert not head.startswith("in")
        assert not tail.startswith("out")
    into = {parsed.boxes[tail] for tail, head in arrows if head == parsed.key("new_w0 float64")}
    assert into == {"new_w0 subtract(w0, ·)"}
    assert {tail for tail, _ in arrows} >= {key for key in parsed.boxes if key[:2] == "in"}


def test_an_array_is_faint_at_its_later_users() -> None:
    parsed = Parsed(viz.graph(lesson()))
    colors = [
        color for (tail, _), color in parsed.arrows().items() if tail == parsed.key("x float64")
    ]
    assert sorted(colors) == sorted([theme.FORWARD, theme.MODULE_LINE])


def test_moments_of_a_parameter_share_a_box() -> None:
    parsed = Parsed(viz.graph(mlp(1)))
    assert "2 x float32 (8, 8)" in parsed.box("mean_weight0 square_weight0")
    assert "3 x float32" in parsed.box("new_mean_weight0 new_square_weight0 new_weight0")


def test_random_numbers_and_constants_come_from_outside() -> None:
    noise = np.arange(3.0)
    step = tl.compile(lambda x: tl.rand(3) * x + Tensor(noise))
    step(tl.ones(3))
    texts = list(Parsed(viz.graph(step)).boxes.values())
    assert any("random numbers" in text for text in texts)
    assert any(text.startswith("x float32") for text in texts)


def test_names_are_those_that_the_user_gives() -> None:
    weight = Tensor([1.0, 2.0], requires_grad=True)
    step = tl.compile(lambda x: (weight * x).sum())
    step(tl.ones(2))
    assert "multiply(scale, x)" in " ".join(
        Parsed(viz.graph(step, names={"scale": weight})).boxes.values()
    )
    with pytest.raises(errors.ArgumentError, match="not a dictionary"):
        viz.graph(step, names=[weight])  # type: ignore[arg-type]


# ---- large steps -------------------------------------------------------------------------


def test_kernels_of_large_steps_are_closed() -> None:
    step = mlp(4)
    kernels = step.cost().kernels
    assert sum(len(kernel.ops) for kernel in kernels) > OPEN
    picture = viz.graph(step)
    parsed = Parsed(picture)
    assert not parsed.frames()
    assert ops_drawn(parsed) == len(kernels)
    assert "each kernel is one box" in parsed.caption
    adam = next(text for text in parsed.boxes.values() if "sqrt" in text)
    assert re.search(r"\d+ ops: \d+ multiply, ", adam)
    assert viz.graph(step, depth=0).source == picture.source
    assert ops_drawn(Parsed(viz.graph(step, depth=1))) > len(kernels)


def test_kernels_of_very_large_steps_are_joined() -> None:
    def function(x: Tensor) -> Tensor:
        for _ in range(MOST + 20):
            x = tl.sin(x @ x)
        return x

    step = tl.compile(function)
    step(tl.ones(3, 3))
    parsed = Parsed(viz.graph(step))
    assert 10 < ops_drawn(parsed) <= 30
    assert "of them in each box" in parsed.caption
    assert any(re.match(r"\d+ kernels, 0 to \d+ \d+ ops: ", t) for t in parsed.boxes.values())


def test_equal_kernels_at_the_end_are_joined() -> None:
    parsed = Parsed(viz.graph(mlp(12)))
    assert "equal ones at the end are one box" in parsed.caption
    assert any(re.match(r"\d+ kernels, \d+ to \d+ \d+ ops: ", t) for t in parsed.boxes.values())


def test_a_tape_of_very_many_ops_is_one_box() -> None:
    def steps(x: Tensor) -> Tensor:
        for i in range(400):
            x = tl.exp(x * -0.5) if i % 2 else x + 0.125
        return x

    step = tl.compile(steps)
    step(tl.ones(()))
    parsed = Parsed(viz.graph(step, depth=1))
    (text,) = (t for t in parsed.boxes.values() if t.startswith("kernel") and ": tape" in t)
    assert "600 ops: 200 " in text


# ---- what it looks like and refuses ------------------------------------------------------


def test_the_caption_sums_up() -> None:
    step = lesson()
    cost, parsed = step.cost(), Parsed(viz.graph(step))
    assert f"{cost.flops:,} operations" in parsed.caption
    assert f"{cost.arena} bytes hold what lies between kernels" in parsed.caption
    assert "state: read, or put back at the end" in parsed.caption


def test_it_renders() -> None:
    picture = viz.graph(lesson())
    assert isinstance(picture, viz.Picture)
    svg = picture.pipe("svg", encoding="utf-8")
    assert "kernel 0: product 4x4" in svg


def test_the_state_is_left_alone() -> None:
    step = lesson()
    x, y = tl.ones(4, 3, dtype=tl.float64), tl.ones(4, 1, dtype=tl.float64)
    other = lesson()
    viz.graph(step)
    assert float(step(x, y)) == float(other(x, y))


def test_what_it_refuses() -> None:
    step = lesson()
    with pytest.raises(errors.ArgumentError, match="no backward pass apart"):
        viz.graph(step, backward=True)
    with pytest.raises(errors.RangeError, match="is no level"):
        viz.graph(step, depth=-1)
    with pytest.raises(errors.ArgumentError, match="has not run yet"):
        viz.graph(tl.compile(lambda x: x))
    with pytest.raises(errors.ArgumentError, match="or a compiled step"):
        viz.graph(lambda x: x)  # type: ignore[arg-type]

"""The picture: what its boxes say, how they are arranged, and that it renders everywhere."""

from __future__ import annotations

import ast
import html
import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pygraphviz
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_lesson as tl
import viz
import viz.gallery
from tinygrad_lesson import Tensor, errors, nn, optim
from tinygrad_lesson.op import Kind
from viz import rendering, theme
from viz.collapse import LIMIT
from viz.digits import number

ROOT = Path(__file__).parent.parent


def text_of(label: str) -> str:
    """What a person reads in an HTML-like label."""
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", label)).split())


class Parsed:
    """A picture, read back from its DOT source."""

    def __init__(self, picture: viz.Picture) -> None:
        self.graph = pygraphviz.AGraph(string=picture.source)
        self.caption = text_of(self.graph.graph_attr["label"])
        self.boxes = {str(n): text_of(n.attr["label"]) for n in self.graph.nodes()}

    def key(self, start: str) -> str:
        (key,) = (k for k, text in self.boxes.items() if text.startswith(start + " "))
        return key

    def box(self, start: str) -> str:
        return self.boxes[self.key(start)]

    def attribute(self, start: str, name: str) -> str:
        return str(self.graph.get_node(self.key(start)).attr[name])

    def frames(self) -> dict[str, set[str]]:
        """The titles of all frames, with the boxes inside each."""
        found: dict[str, set[str]] = {}
        stack = list(self.graph.subgraphs())
        while stack:
            frame = stack.pop()
            stack.extend(frame.subgraphs())
            found[text_of(frame.graph_attr["label"])] = {str(node) for node in frame.nodes()}
        return found

    def arrows(self) -> dict[tuple[str, str], str]:
        """The visible arrows in the direction in which they point, and their colours."""
        return {
            (str(e[1]), str(e[0])) if e.attr["dir"] == "back" else (str(e[0]), str(e[1])): str(
                e.attr["color"]
            )
            for e in self.graph.edges()
            if e.attr["style"] != "invis"
        }


def neuron() -> dict[str, Tensor]:
    x = Tensor(2.0, name="x")
    w = Tensor(-3.0, requires_grad=True)
    b = Tensor(6.5, requires_grad=True)
    z = w * x + b
    out = tl.sigmoid(z)
    return {"x": x, "w": w, "b": b, "z": z, "out": out}


def network() -> tuple[nn.Module, Tensor, Tensor]:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.body = nn.Sequential(nn.Linear(3, 4), nn.Tanh())
            self.head = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.body(x))

    tl.manual_seed(0)
    net = Net()
    x = tl.randn(5, 3)
    return net, x, nn.functional.cross_entropy(net(x), Tensor([0, 1, 1, 0, 1]))


# ---- what a box says -------------------------------------------------------------------------


def test_boxes_show_name_call_dtype_shape_value_and_gradient() -> None:
    t = neuron()
    parsed = Parsed(viz.graph(t["out"], names=t))
    (dw, dz) = tl.autograd.grad(t["out"], [t["w"], t["z"]])
    assert parsed.box("w") == f"w float32 () value -3 grad {float(dw):.4g}"
    assert parsed.box("z") == f"z add(·, b) float32 () value 0.5 grad {float(dz):.4g}"
    assert parsed.box("x") == "x float32 () value 2"
    assert parsed.box("multiply(w, x)") == "multiply(w, x) float32 () value -6 grad 0.235"
    assert parsed.box("out") == "out sigmoid(z) float32 () value 0.6225 grad 1"
    assert "grad is the derivative of out" in parsed.caption


def test_every_gradient_is_that_of_autograd() -> None:
    net, x, loss = network()
    shown = Parsed(viz.graph(loss, names={"x": x, "loss": loss}))
    parameters = dict(net.named_parameters())
    gradients = tl.autograd.grad(loss, list(parameters.values()))
    for name, gradient in zip(parameters, gradients, strict=True):
        words = shown.box(name).split("grad")[-1].split()
        for value in gradient.flatten():
            assert number(float(value)) in words, name


def test_matrices_are_written_out_and_large_arrays_summed_up() -> None:
    w = Tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True, name="w")
    big = Tensor(np.arange(100.0), name="big")
    parsed = Parsed(viz.graph((w.sum() * big).sum() / 100))
    assert parsed.box("w") == (
        "w float32 (2, 3) value 1 2 3 4 5 6 grad 49.5 49.5 49.5 49.5 49.5 49.5"
    )
    assert parsed.box("big") == "big float64 (100,) min mean max value 0 49.5 99"


def test_static_parameters_and_numbers_are_part_of_the_call() -> None:
    x = Tensor(np.ones((3, 4)), requires_grad=True, name="x")
    boxes = Parsed(viz.graph((x[1:, 2] ** 3).sum(axis=0, keepdims=True))).boxes.values()
    calls = {text.split(" float64")[0] for text in boxes}
    assert calls == {"x", "getitem(x, index=1:, 2)", "pow(·, 3)", "sum(·, axis=0, keepdims=True)"}


@pytest.mark.parametrize(
    ("value", "mark"),
    [([1.0, -1.0, np.nan], "1 NaN"), ([np.inf, np.nan, 0.0], "1 NaN, 1 inf")],
)
def test_nan_and_inf_stand_out(value: list[float], mark: str) -> None:
    x = Tensor(value, requires_grad=True, name="x")
    picture = viz.graph((x * 2).sum())
    assert mark in Parsed(picture).box("x")
    assert theme.ALARM_FILL in picture.source
    assert Parsed(picture).attribute("x", "color") == theme.ALARM
    whole = viz.graph((Tensor([1.0], True, name="x") * 2).sum())
    assert theme.ALARM_FILL not in whole.source
    assert Parsed(whole).attribute("x", "color") == theme.PAINTS["parameter"].line


@pytest.mark.parametrize(
    ("start", "said"),
    [
        ([4.0, 0.0], "first in the gradient of x"),
        ([4.0, -1.0], "first from sqrt"),
        ([4.0, np.nan], "first in an input"),
        ([4.0, 1.0], ""),
    ],
)
def test_a_closed_box_says_where_nan_came_up(start: list[float], said: str) -> None:
    class Masked(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return tl.where(x > 0, tl.sqrt(x), 0.0 * x)

    x = Tensor(start, requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        parsed = Parsed(viz.graph(Masked()(x).sum(), depth=0))
    assert parsed.box("Masked").endswith(said)
    assert ("NaN" in parsed.box("Masked")) == bool(said)
    color = theme.ALARM if said else theme.PAINTS["collapsed"].line
    assert parsed.attribute("Masked", "color") == color


def test_a_gradient_that_is_all_zero_stands_out() -> None:
    x = Tensor([-1.0, -2.0], requires_grad=True, name="x")
    picture = viz.graph(tl.relu(x).sum())
    assert Parsed(picture).box("x").endswith("grad 0 0 all zero")
    assert theme.ZERO_FILL in picture.source
    alive = viz.graph(tl.relu(Tensor([-1.0, 2.0], requires_grad=True)).sum())
    assert theme.ZERO_FILL not in alive.source


def test_an_op_without_a_rule_is_drawn_without_gradients() -> None:
    def odd(xp: Any, x: Any, /) -> Any:
        """Nobody wrote its derivative."""
        return xp.exp(x)

    op = Kind("their own")(samples=[], register=False)(odd)
    parsed = Parsed(viz.graph(op(Tensor(0.0, requires_grad=True, name="x"))))
    assert parsed.box("odd(x)") == "odd(x) float32 () value 1"
    assert "nobody has written its derivative" in parsed.caption
    assert parsed.attribute("odd(x)", "fillcolor") == theme.PAINTS["other"].fill


def test_ops_are_coloured_by_kind_and_the_legend_tells() -> None:
    w = Tensor(np.ones((2, 2)), requires_grad=True, name="w")
    loss = tl.exp(tl.reshape(w @ w, (4,))[1:]).sum()
    parsed = Parsed(viz.graph(loss))
    for start, family in {
        "w": "parameter", "matmul(w, w)": "linear", "reshape(·, shape=(4,))": "movement",
        "getitem(·, index=1:)": "indexing", "exp(·)": "elementwise", "sum(·)": "reduction",
    }.items():  # fmt: skip
        assert parsed.attribute(start, "fillcolor") == theme.PAINTS[family].fill
        assert theme.PAINTS[family].what in parsed.caption
    assert theme.PAINTS["backward"].what not in parsed.caption


def linear_rgb(color: str) -> np.ndarray:
    values = np.array(
        [int({"white": "#ffffff"}.get(color, color)[i : i + 2], 16) for i in (1, 3, 5)]
    )
    values = values / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def test_text_is_legible_on_every_ground() -> None:
    """A contrast of at least 4.5, as WCAG 2 asks for."""
    pairs = [(theme.ALARM, theme.ALARM_FILL), (theme.ZERO, theme.ZERO_FILL)]
    for family, look in theme.PAINTS.items():
        inks = theme.ON_DARK.get(family, (theme.INK, theme.FAINT))
        pairs += [(ink, look.fill) for ink in inks]
    for pair in pairs:
        dark, light = sorted(linear_rgb(c) @ [0.2126, 0.7152, 0.0722] for c in pair)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, pair


# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
# deficiency" (2009), severity 1.
NO_RED = [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]]
NO_GREEN = [[0.3673, 0.8606, -0.2280], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]]


@pytest.mark.parametrize("eye", [np.eye(3), NO_RED, NO_GREEN], ids=["normal", "no red", "no green"])
def test_families_can_be_told_apart(eye: Any) -> None:
    def lab(color: str) -> np.ndarray:
        seen = np.clip(np.array(eye) @ linear_rgb(color), 0, 1)
        to_xyz = [[0.4339, 0.3763, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8730]]
        x, y, z = np.cbrt(np.array(to_xyz) @ seen)
        return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])

    looks = {name: look for name, look in theme.PAINTS.items() if name != "other"}
    for (a, one), (b, two) in itertools.combinations(looks.items(), 2):
        fills = np.linalg.norm(lab(one.fill) - lab(two.fill))
        lines = np.linalg.norm(lab(one.line) - lab(two.line))
        assert fills + lines / 3 > 13, (a, b)


# ---- when ------------------------------------------------------------------------------------


def test_it_shows_the_same_before_and_after_backward_and_the_step() -> None:
    net, x, loss = network()
    before = viz.graph(loss, names={"x": x, "loss": loss}).source
    loss.backward()
    assert viz.graph(loss, names={"x": x, "loss": loss}).source == before
    optim.SGD(net.parameters(), lr=0.5).step()
    assert viz.graph(loss, names={"x": x, "loss": loss}).source == before
    again = nn.functional.cross_entropy(net(x), Tensor([0, 1, 1, 0, 1]))
    assert viz.graph(again, names={"x": x, "loss": again}).source != before


@pytest.mark.parametrize("backward", [False, True])
def test_drawing_has_no_side_effect(backward: bool) -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    calls: list[Tensor] = []
    x.register_hook(calls.append)
    y = tl.exp(x)
    y.register_hook(calls.append)
    loss = y.sum()
    viz.graph(loss, backward=backward)
    assert x.grad is None
    assert not calls
    loss.backward()
    grad = x.grad.numpy().copy()
    viz.graph(loss, backward=backward)
    np.testing.assert_array_equal(x.grad.numpy(), grad)
    assert len(calls) == 2


def test_it_draws_inside_no_grad() -> None:
    t = neuron()
    with tl.no_grad():
        inside = viz.graph(t["out"], names=t, backward=True).source
    assert inside == viz.graph(t["out"], names=t, backward=True).source


# ---- names -----------------------------------------------------------------------------------


def test_two_models_of_one_kind_are_told_apart_by_their_names() -> None:
    encoder, decoder = nn.Sequential(nn.Linear(2, 1)), nn.Sequential(nn.Linear(1, 2))
    loss = decoder(encoder(Tensor([1.0, 2.0]))).sum()
    source = viz.graph(loss, names=locals()).source
    assert "encoder.0.weight" in source
    assert "decoder.0.weight" in source


def test_names_reach_leaves_results_and_lists() -> None:
    layers = [Tensor(2.0, requires_grad=True), Tensor(3.0, requires_grad=True)]
    table = {"bias": Tensor(1.0, requires_grad=True)}
    h = layers[0] * layers[1] + table["bias"]
    _ = loss = h * h
    parsed = Parsed(viz.graph(loss, names=locals()))
    for title in ("layers[0]", "layers[1]", "table['bias']", "h", "loss"):
        parsed.key(title)


def test_a_variable_wins_over_a_place_in_a_list() -> None:
    x = Tensor(2.0, requires_grad=True)
    notebook = {"Out": {1: x}, "_": x, "x": x}  # what a notebook's locals() look like
    Parsed(viz.graph(x * 2, names=notebook)).key("x")


def test_names_win_over_the_tensors_own_name() -> None:
    x = Tensor(2.0, requires_grad=True, name="own")
    y = x * 2
    Parsed(viz.graph(y)).key("own")
    Parsed(viz.graph(y, names={"given": x})).key("given")


def test_a_parameter_is_recognised_after_the_step() -> None:
    w = Tensor(2.0, requires_grad=True)
    y = w * 2
    w.assign(5.0)
    assert Parsed(viz.graph(y, names={"w": w})).box("w") == "w float32 () value 2 grad 2"


def test_parameters_go_by_their_dotted_name() -> None:
    _, _, loss = network()
    parsed = Parsed(viz.graph(loss))
    for name in ("body.0.weight", "body.0.bias", "head.weight", "head.bias"):
        parsed.key(name)


@settings(max_examples=40, deadline=None)
@given(st.text())
def test_any_name_is_escaped(name: str) -> None:
    y = Tensor(2.0, requires_grad=True, name=name) * 2
    svg = viz.graph(y, names={name: y}).pipe("svg", encoding="utf-8")
    shown = "".join(ElementTree.fromstring(svg).itertext())
    wanted = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if len(wanted) < 40 and not name.startswith("_"):
        assert shown.count(wanted) >= 2


@pytest.mark.parametrize(
    "name", ["<b>", "a & b", '"', "\\N", "<<i>>", "&amp;", "x\n\ty", "∂", "\0"]
)
def test_awkward_names(name: str) -> None:
    y = Tensor(2.0, requires_grad=True, name=name) * 2
    shown = ElementTree.fromstring(viz.graph(y).pipe("svg"))
    wanted = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    assert wanted in "".join(shown.itertext())


# ---- modules ---------------------------------------------------------------------------------


def test_each_module_is_a_frame_with_its_parameters_inside() -> None:
    _, x, loss = network()
    parsed = Parsed(viz.graph(loss, names={"x": x}))
    frames = parsed.frames()
    assert set(frames) == {"Net", "body: Sequential", "0: Linear", "1: Tanh", "head: Linear"}
    assert frames["0: Linear"] < frames["body: Sequential"] < frames["Net"]
    assert {parsed.key("body.0.weight"), parsed.key("body.0.bias")} < frames["0: Linear"]
    assert frames["1: Tanh"] == {parsed.key("tanh(·)")}
    assert parsed.key("x") not in frames["Net"]


@pytest.mark.parametrize("depth", [None, 0])
def test_an_input_that_gets_a_gradient_lies_outside_the_module(depth: int | None) -> None:
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True)
    parsed = Parsed(viz.graph(nn.Linear(3, 1)(x).sum(), names={"x": x}, depth=depth))
    assert parsed.key("x") not in parsed.frames().get("Linear", set())
    assert ("weight" in parsed.box("Linear")) if depth == 0 else parsed.key("weight")


@pytest.mark.parametrize("backward", [False, True])
def test_frames_are_stacked_in_the_order_in_which_the_modules_run(backward: bool) -> None:
    _, x, loss = network()
    parsed = Parsed(viz.graph(loss, names={"x": x}, backward=backward))
    parsed.graph.layout(prog="dot")
    heights = {
        title: [float(parsed.graph.get_node(key).attr["pos"].split(",")[1]) for key in keys]
        for title, keys in parsed.frames().items()
    }
    order = ["0: Linear", "1: Tanh", "head: Linear"]
    for upper, lower in itertools.pairwise(order):
        assert min(heights[upper]) > max(heights[lower])


def test_the_tooltip_has_the_documentation_the_module_and_the_line() -> None:
    with tl.debug():
        _, _, loss = network()
    tip = Parsed(viz.graph(loss)).attribute("tanh(·)", "tooltip")
    assert tl.tanh.__doc__.splitlines()[0] in tip
    assert "Net/body:Sequential/1:Tanh" in tip
    assert "test_viz.py:" in tip


def test_depth_closes_modules() -> None:
    _, x, loss = network()
    whole = Parsed(viz.graph(loss, names={"x": x}, depth=0))
    assert whole.frames() == {}
    assert "3 ops" in whole.box("Net")
    assert "4 parameters: body.0.weight, body.0.bias" in whole.box("Net")
    assert "float32 (5, 2)" in whole.box("Net")  # what comes out of it
    assert (whole.key("x"), whole.key("Net")) in whole.arrows()
    assert "modules below level 0 are closed" in whole.caption
    one = Parsed(viz.graph(loss, names={"x": x}, depth=1))
    assert set(one.frames()) == {"Net"}
    assert (one.key("body: Sequential"), one.key("head: Linear")) in one.arrows()
    everything = viz.graph(loss, names={"x": x})
    assert viz.graph(loss, names={"x": x}, depth=9).source == everything.source


def test_a_large_graph_closes_its_inner_modules_by_itself() -> None:
    def block() -> nn.Module:
        return nn.Sequential(nn.Linear(4, 4), nn.Tanh())

    model = nn.Sequential(*(block() for _ in range(120)))
    parsed = Parsed(viz.graph(model(tl.ones((2, 4))).sum()))
    assert "119: Sequential" in parsed.frames()
    assert not any("Linear" in title for title in parsed.frames())
    assert len(parsed.boxes) <= LIMIT
    assert "are drawn as" in parsed.caption


def chain() -> Tensor:
    y = Tensor(1.0, requires_grad=True, name="x")
    for _ in range(5000):
        y = tl.sin(y) * 1.01
    return y


def fan() -> Tensor:
    x = Tensor(1.0, requires_grad=True, name="x")
    return tl.stack([x * i for i in range(500)]).sum()


def woven() -> Tensor:
    row = [Tensor(float(i), requires_grad=True, name=f"w{i}") for i in range(100)]
    for _ in range(30):
        row = [a + b for a, b in zip(row, [*row[1:], row[0]], strict=True)]
    return tl.stack(row).sum()


@pytest.mark.parametrize("build", [chain, fan, woven])
@pytest.mark.parametrize("backward", [False, True])
def test_a_heap_of_ops_is_joined_and_stays_small(build: Any, backward: bool) -> None:
    y = build()
    picture = viz.graph(y, names={"y": y}, backward=backward)
    parsed = Parsed(picture)
    assert 3 <= len(parsed.boxes) <= 80
    assert "are drawn as" in parsed.caption
    parsed.key("y")
    assert picture.pipe("svg").startswith(b"<?xml")
    drawn = sum(int(n.replace(",", "")) for n in re.findall(r"([\d,]+) ops:", parsed.caption))
    assert drawn == 0  # the caption has sentences, the boxes have the counts
    counts = [re.search(r"([\d,]+) ops: ", text) for text in parsed.boxes.values()]
    total = sum(int(c[1].replace(",", "")) for c in counts if c)
    recorded = re.search(r"([\d,]+) ops are drawn", parsed.caption)
    assert recorded
    alone = sum(1 for text in parsed.boxes.values() if re.match(r"(\S+ )?\w+\(.*\) ", text))
    assert total + alone == int(recorded[1].replace(",", ""))


def test_a_graph_of_300_boxes_is_drawn_whole() -> None:
    y = Tensor(1.0, requires_grad=True)
    for _ in range(LIMIT - 1):
        y = tl.sin(y)
    assert len(Parsed(viz.graph(y)).boxes) == LIMIT
    assert len(Parsed(viz.graph(tl.sin(y))).boxes) < LIMIT


# ---- the backward pass -----------------------------------------------------------------------


def test_backward_draws_its_ops_down_to_each_gradient() -> None:
    t = neuron()
    parsed = Parsed(viz.graph(t["out"], names=t, backward=True))
    assert parsed.box("∂out/∂out") == "∂out/∂out the seed float32 () value 1"
    assert "value 0.235" in parsed.box("∂out/∂z = ∂out/∂b")
    assert parsed.box("∂out/∂w") == "∂out/∂w multiply(∂out/∂z, x) float32 () value 0.47"
    assert parsed.attribute("∂out/∂w", "fillcolor") == theme.PAINTS["backward"].fill
    assert parsed.attribute("z", "fillcolor") == theme.PAINTS["elementwise"].fill
    arrows = parsed.arrows()
    assert arrows[parsed.key("∂out/∂z"), parsed.key("∂out/∂w")] == theme.BACKWARD
    assert arrows[parsed.key("x"), parsed.key("∂out/∂w")] == theme.SAVED
    assert arrows[parsed.key("z"), parsed.key("out")] not in {theme.BACKWARD, theme.SAVED}


def test_backward_ops_lie_in_the_frame_of_the_module_that_they_came_from() -> None:
    net, x, loss = network()
    parsed = Parsed(viz.graph(loss, names={"x": x, "loss": loss}, backward=True))
    frames = parsed.frames()
    assert {parsed.key("∂loss/∂head.weight"), parsed.key("∂loss/∂head.bias")} < frames[
        "head: Linear"
    ]
    paint = theme.PAINTS["backward"].fill
    inside_tanh = [parsed.graph.get_node(key) for key in frames["1: Tanh"]]
    assert sorted(node.attr["fillcolor"] == paint for node in inside_tanh) == [
        False, True, True, True,
    ]  # fmt: skip
    for name, parameter in net.named_parameters():
        (gradient,) = tl.autograd.grad(loss, parameter, retain_graph=True)
        assert number(gradient.numpy().max()) in parsed.box(f"∂loss/∂{name}").split()


def test_backward_of_a_linear_loss_is_drawn_too() -> None:
    """No op of it depends on a parameter, and create_graph alone would record nothing."""
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    parsed = Parsed(viz.graph((w * 3).mean(), backward=True))
    assert parsed.box("∂loss/∂w").endswith("float32 (2,) value 1.5 1.5")
    assert parsed.box("divide(∂loss/∂loss, 2)")


# ---- rendering -------------------------------------------------------------------------------


def test_it_is_a_digraph_and_shows_itself_in_notebooks() -> None:
    picture = viz.graph(neuron()["out"])
    bundle = picture._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    svg = bundle["image/svg+xml"]
    assert svg == picture._repr_svg_()
    root = ElementTree.fromstring(svg)
    assert "max-width:100%" in root.attrib["style"]  # a narrow page shrinks it
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert float(root.attrib["width"].rstrip("pt")) == pytest.approx(width, abs=1)
    assert 'fill="white"' in svg  # dark pages too
    assert "style=" not in ElementTree.fromstring(picture.pipe("svg")).attrib  # files stay plain
    scale = re.search(r"translate\(([\d.]+) ([\d.]+)\)", svg)
    for found in re.finditer(r'<text[^>]* x="([-\d.]+)" y="([-\d.]+)"', svg):
        assert 0 <= float(found[1]) + float(scale[1]) <= width
        assert 0 <= float(found[2]) + float(scale[2]) <= height


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_formats(suffix: str, start: bytes, tmp_path: Path) -> None:
    if suffix != "svg" and not rendering._has_fonts():
        pytest.skip("this machine has no fonts")
    picture = viz.graph(neuron()["out"])
    path = Path(picture.render(tmp_path / "new" / f"picture.{suffix}"))
    assert path == tmp_path / "new" / f"picture.{suffix}"
    assert path.read_bytes().startswith(start)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_render_otherwise_works_as_in_graphviz(tmp_path: Path) -> None:
    picture = viz.graph(neuron()["out"])
    path = Path(picture.render("graph", tmp_path, format="dot"))
    assert path == tmp_path / "graph.dot"
    assert {p.name for p in tmp_path.iterdir()} == {"graph", "graph.dot"}
    assert (tmp_path / "graph").read_text() == picture.source
    picture.render("other", tmp_path, cleanup=True)
    assert not (tmp_path / "other").exists()
    assert (tmp_path / "other.svg").exists()
    with pytest.raises(errors.ArgumentError, match=r"does not tell the format\. Give it a suffix"):
        picture.render(outfile=tmp_path / "graph_without_suffix")


def test_dot_is_used_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dot = tmp_path / "dot"
    dot.write_text('#!/bin/sh\ncat > "$0.input"\necho "<svg drawn by dot/> $*"\n')
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    picture = viz.graph(neuron()["out"])
    assert picture.pipe("svg", encoding="utf-8").startswith("<svg drawn by dot/>")
    assert "-Tsvg" in picture.pipe(encoding="utf-8")
    assert (tmp_path / "dot.input").read_text() == picture.source


def test_with_neither_engine_the_message_has_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    picture = viz.graph(neuron()["out"])
    assert "digraph" in picture.source
    with pytest.raises(errors.MissingDependencyError, match=re.escape(
        'Run: pip install "tinygrad_lesson[render]"'
    )):  # fmt: skip
        picture.pipe("svg")


def test_without_fonts_svg_works_and_the_others_name_a_package(tmp_path: Path) -> None:
    config = tmp_path / "fonts.conf"
    config.write_text(
        f'<?xml version="1.0"?><fontconfig><dir>{tmp_path}</dir>'
        f"<cachedir>{tmp_path}</cachedir></fontconfig>"
    )
    code = """if True:
        import tinygrad_lesson as tl, viz
        from tinygrad_lesson.errors import MissingDependencyError
        picture = viz.graph(tl.Tensor(1.0, requires_grad=True) * 2)
        assert "multiply" in picture.pipe("svg", encoding="utf-8")
        for kind in ("png", "pdf"):
            try:
                picture.pipe(kind)
            except MissingDependencyError as error:
                print(error)
    """
    environment = {**os.environ, "FONTCONFIG_FILE": str(config), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("apt-get install fonts-dejavu-core") == 2


# ---- what is refused, and corners ------------------------------------------------------------


def test_refusals() -> None:
    x = Tensor(1.0, requires_grad=True)
    with pytest.raises(errors.ArgumentError, match=r"loss is a float, not a Tensor"):
        viz.graph(1.0)  # type: ignore[arg-type]
    with pytest.raises(errors.RangeError, match=r"depth=-1"):
        viz.graph(x * 2, depth=-1)
    with pytest.raises(errors.ArgumentError, match=r"names=locals\(\)"):
        viz.graph(x * 2, names=[x])  # type: ignore[arg-type]


def test_corners() -> None:
    constant = Parsed(viz.graph(Tensor([1.0, 2.0])))
    assert list(constant.boxes.values()) == ["constant float32 (2,) value 1 2"]
    assert "No op was recorded" in constant.caption
    leaf = Parsed(viz.graph(Tensor(3.0, requires_grad=True, name="w"), backward=True))
    assert leaf.box("w") == "w float32 () value 3 grad 1"
    vector = Parsed(viz.graph(Tensor([1.0, 2.0], requires_grad=True, name="w") * 3))
    assert vector.box("w") == "w float32 (2,) value 1 2 grad 3 3"
    assert "derivative of the sum of loss" in vector.caption
    empty = Parsed(viz.graph(Tensor(np.zeros((0, 3)), requires_grad=True, name="w").sum()))
    assert empty.box("w") == "w float64 (0, 3) value empty grad empty"
    twice = Tensor(2.0, requires_grad=True, name="x")
    parsed = Parsed(viz.graph(twice * twice))
    assert parsed.box("multiply(x, x)").endswith("value 4 grad 1")
    assert len(parsed.arrows()) == 1


# ---- the gallery and the files ---------------------------------------------------------------


def test_the_gallery_is_up_to_date_and_always_the_same(tmp_path: Path) -> None:
    """Fonts differ between machines, so the words are compared, not the places."""

    def words(path: Path) -> list[str]:
        texts = ElementTree.parse(path).getroot().iter("{http://www.w3.org/2000/svg}text")
        return sorted("".join(text.itertext()) for text in texts)

    first = viz.gallery.write(tmp_path)
    kept = [path.read_bytes() for path in first]
    assert kept == [path.read_bytes() for path in viz.gallery.write(tmp_path)]
    for path in first:
        assert words(path) == words(viz.gallery.FOLDER / path.name), "run: make gallery"
    assert {p.name for p in first} == {p.name for p in viz.gallery.FOLDER.glob("*.svg")}


@pytest.mark.parametrize("path", sorted((ROOT / "viz").rglob("*.py")), ids=str)
def test_files_are_short_and_only_what_is_optional_is_imported_late(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 350
    for function in ast.walk(ast.parse(text)):
        if isinstance(function, ast.FunctionDef):
            late = [n for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert [a.name for n in late for a in n.names] in ([], ["pygraphviz"], ["Figure"])

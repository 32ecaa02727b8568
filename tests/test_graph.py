"""The record of which ops made a tensor."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, ops
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.graph import Leaf, Node, leaves, replay, topological

from .support import same, scalar, seeded


def small_net():
    rng = seeded("net")
    x = Tensor(rng.uniform(-1, 1, (5, 3)), name="x")
    w = Tensor(rng.uniform(-1, 1, (3, 2)), requires_grad=True, name="w")
    b = Tensor(rng.uniform(-1, 1, 2), requires_grad=True, name="b")
    return x, w, b, (tl.tanh(x @ w + b) ** 3).mean()


def test_a_node_tells_what_ran():
    *_, loss = small_net()
    node = loss.node
    assert isinstance(node, Node)
    assert node.op is ops.mean
    assert (node.shape, node.ndim, node.dtype) == ((), 0, tl.float64)
    assert dict(node.params) == {"axis": None, "keepdims": False}
    assert repr(node) == "<node mean () float64>"
    (power,) = node.parents
    assert power.op is ops.pow
    assert power.parents[1] == 3, "a Python number enters as it is"


def test_a_leaf_holds_the_array_of_its_moment():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    leaf = (x * 1).node.parents[0]
    x.assign([5.0, 6.0])
    assert isinstance(leaf, Leaf)
    assert leaf.data.tolist() == [1.0, 2.0]
    assert x.node is not leaf
    assert x.node.box is leaf.box
    assert repr(leaf) == "<leaf x (2,) float32>"


def test_a_constant_is_a_leaf_without_a_box():
    x, w = Tensor([1.0]), Tensor([2.0], requires_grad=True)
    leaf = (x * w).node.parents[0]
    assert leaf is x.node
    assert leaf.box is None
    assert not leaf.requires_grad
    assert repr(leaf) == "<leaf constant (1,) float32>"


def test_an_op_without_a_wanted_input_is_not_recorded():
    x = Tensor([1.0])
    assert (x * 2).node is None
    assert tl.floor(Tensor([1.5], requires_grad=True)).node is None
    assert (Tensor([1.5], requires_grad=True) > 1).node is None


def test_parents_come_before_their_children():
    *_, loss = small_net()
    order = topological([loss.node])
    names = [node.op.name for node in order]
    assert names == ["matmul", "add", "tanh", "pow", "mean"]
    place = {node: i for i, node in enumerate(order)}
    assert all(place[p] < place[n] for n in order for p in n.parents if p in place)


def test_a_shared_node_is_listed_once():
    x = scalar(2.0)
    y = x * x
    z = y * y + y
    assert [n.op.name for n in topological([z.node, y.node])] == ["multiply", "multiply", "add"]


def test_leaves_come_in_order_of_use():
    x, w, b, loss = small_net()
    assert leaves(topological([loss.node])) == [x.node, w.node, b.node]


def test_what_a_node_saves_is_what_its_rules_declare():
    x, w = Tensor([2.0]), Tensor([3.0], requires_grad=True)
    (saved,) = (x * w).node.saved  # only w wants a gradient, which takes only x
    assert saved is x.raw
    assert (w + x).node.saved == ()
    (out,) = w.exp().node.saved
    assert out.tolist() == pytest.approx([np.exp(3.0)])


def test_a_mask_is_all_that_dropout_keeps():
    h = Tensor(seeded("h").uniform(-1, 1, 100), requires_grad=True)
    mask = Tensor(seeded("mask").random(100) < 0.5)
    (kept,) = (h * mask).node.saved
    assert kept is mask.raw
    assert kept.dtype == tl.bool


def test_replay_is_exact_and_without_side_effects():
    _, w, _, loss = small_net()
    order = topological([loss.node])
    with tl.no_grad():
        w -= 100.0
    arrays = replay(order, numpy_namespace)
    assert arrays[loss.node] == loss.raw
    assert w.grad is None
    loss.backward()
    assert replay(order, numpy_namespace)[loss.node] == loss.raw, "it needs no saved array"


def test_replay_with_other_values():
    x = scalar(3.0)
    y = x * x
    z = y + 1
    order = topological([z.node])
    assert replay(order, numpy_namespace, {x.node: np.float64(5.0)})[z.node] == 26.0
    assert replay(order, numpy_namespace, {y.node: np.float64(5.0)})[z.node] == 6.0


def test_replay_on_tensors_records_again():
    x = scalar(3.0)
    y = x * x
    again = replay(topological([y.node]), ops, {x.node: x})[y.node]
    again.backward()
    assert x.grad.item() == 6.0


def test_randomness_is_replayed_as_it_fell():
    x = Tensor(np.ones(50), requires_grad=True)
    y = (x * (tl.rand(50, dtype=tl.float64) < 0.5)).sum()
    same(replay(topological([y.node]), numpy_namespace)[y.node], y)

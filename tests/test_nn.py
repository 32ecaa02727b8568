"""Modules: parts found by attribute, names, modes, hooks, state, and what they print."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import ArgumentError, DTypeError, ShapeError, StateDictError


class Net(nn.Module):
    """Two layers, a buffer, and a list that is no module."""

    def __init__(self) -> None:
        self.body = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        self.head = nn.Linear(4, 2)
        self.seen = nn.Buffer([0.0])
        self.notes = ["nothing to learn"]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@pytest.fixture
def net() -> Net:
    tl.manual_seed(0)
    return Net()


def test_parameters_have_dotted_names_in_order_of_assignment(net: Net) -> None:
    names = ["body.0.weight", "body.0.bias", "head.weight", "head.bias"]
    assert [name for name, _ in net.named_parameters()] == names
    assert [p.name for p in net.parameters()] == names
    assert [name for name, _ in net.named_buffers()] == ["seen"]
    assert [name for name, _ in net.named_modules()] == ["", "body", "body.0", "body.1", "head"]


def test_shared_parameter_is_found_once_but_saved_under_both_names() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[1].weight = module[0].weight
    assert len(list(module.parameters())) == 3
    assert {"0.weight", "1.weight"} <= module.state_dict().keys()


def test_linear_is_the_affine_map(net: Net) -> None:
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    layer = net.body[0]
    expected = x @ layer.weight.numpy().T + layer.bias.numpy()
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-6)
    assert layer(x.reshape(1, 5, 3)).shape == (1, 5, 4)
    assert nn.Linear(3, 1, bias=False).bias is None


def test_layers_begin_within_the_bound_and_by_the_seed() -> None:
    tl.manual_seed(3)
    first = nn.Linear(100, 50)
    tl.manual_seed(3)
    second = nn.Linear(100, 50)
    assert bool(tl.all(first.weight == second.weight))
    assert 0.09 < float(first.weight.abs().max()) <= 0.1


def test_integers_are_cast_and_float64_is_refused(net: Net) -> None:
    assert net(np.ones((1, 3), int)).dtype == np.float32
    with pytest.raises(DTypeError, match=r"Net/body:Sequential/0:Linear.*x.astype\(tl.float32\)"):
        net(np.ones((1, 3)))


def test_a_wrong_shape_names_the_layer(net: Net) -> None:
    with pytest.raises(ShapeError) as caught:
        net(np.ones((1, 5), np.float32))
    assert str(caught.value) == (
        "[Net/body:Sequential/0:Linear] the input has shape (1, 5), but the weight (4, 3) takes 3"
        " features in the last axis. Reshape the input to (..., 3), or build the layer for the 5"
        " features that it gets."
    )


def test_ops_know_the_module_that_ran_them(net: Net) -> None:
    out = net(np.ones((1, 3), np.float32))
    scopes = {node.scope for node in tl.graph.topological([out.node])}
    assert "Net/body:Sequential/1:ReLU" in scopes
    assert (out + 1).node.scope == ""


def test_train_eval_freeze_and_zero_grad(net: Net) -> None:
    net.eval()
    assert not any(module.training for module in net.modules())
    net.train()
    assert all(module.training for module in net.modules())
    net.body.requires_grad_(False)
    net(np.ones((1, 3), np.float32)).sum().backward()
    assert net.body[0].weight.grad is None
    assert net.head.weight.grad is not None
    net.zero_grad()
    assert net.head.weight.grad is None


def test_hooks_see_and_replace(net: Net) -> None:
    seen = []
    remove = net.head.register_forward_hook(lambda module, args, out: seen.append(out.shape))
    double = net.register_forward_pre_hook(lambda module, args: args[0] * 2)
    x = Tensor(np.ones((1, 3), np.float32))
    doubled = net(x)
    double()
    assert not np.array_equal(doubled.numpy(), net(x).numpy())
    remove()
    net(x)
    assert seen == [(1, 2), (1, 2)]


def test_state_dict_is_a_value_and_comes_back(net: Net) -> None:
    state = net.state_dict()
    before = state["head.bias"].numpy().copy()
    net.head.bias.assign([5.0, 5.0])
    np.testing.assert_array_equal(state["head.bias"].numpy(), before)
    net.load_state_dict({name: tensor.numpy() for name, tensor in state.items()})
    np.testing.assert_array_equal(net.head.bias.numpy(), before)


def test_a_state_that_does_not_fit_changes_nothing(net: Net) -> None:
    state = net.state_dict()
    before = net.head.weight.numpy().copy()
    broken = {**state, "head.weight": np.zeros((2, 4)), "head.bias": np.zeros(3)}
    with pytest.raises(StateDictError, match=r"head.bias has shape \(2,\), the state \(3,\)"):
        net.load_state_dict(broken)
    np.testing.assert_array_equal(net.head.weight.numpy(), before)
    del broken["head.bias"], broken["seen"]
    with pytest.raises(RuntimeError, match=r"missing \['seen', 'head.bias'\]"):
        net.load_state_dict(broken)
    left = net.load_state_dict({**broken, "more": np.zeros(1)}, strict=False)
    assert left == (["seen", "head.bias"], ["more"])
    np.testing.assert_array_equal(net.head.weight.numpy(), np.zeros((2, 4)))


def test_a_parameter_cannot_be_lost_by_assignment(net: Net) -> None:
    with pytest.raises(ArgumentError, match="nothing would train"):
        net.head.weight = net.head.weight * 2
    net.head.bias = None
    assert net.head(np.ones((1, 4), np.float32)).shape == (1, 2)


def test_copies_are_independent(net: Net) -> None:
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        other.head.bias.assign([9.0, 9.0])
        assert float(net.head.bias[0]) != 9.0
        assert other.head.bias.requires_grad
        assert isinstance(other.seen, nn.Buffer)


def test_repr_shows_shapes_and_counts(net: Net) -> None:
    assert repr(net) == (
        "Net(  # 26 parameters\n"
        "  (body): Sequential(  # 16 parameters\n"
        "    (0): Linear(3, 4)  # weight (4, 3), bias (4,), 16 parameters\n"
        "    (1): ReLU()\n"
        "  )\n"
        "  (head): Linear(4, 2)  # weight (2, 4), bias (2,), 10 parameters\n"
        ")"
    )


def test_sequential_is_a_container() -> None:
    model = nn.Sequential(nn.Linear(2, 3)).append(nn.Tanh())
    assert len(model) == 2
    assert [type(m).__name__ for m in model] == ["Linear", "Tanh"]
    assert model[1]._name == "1"


def test_apply_reaches_children_first(net: Net) -> None:
    order = []
    net.apply(lambda module: order.append(type(module).__name__))
    assert order[-1] == "Net"
    assert order.index("ReLU") < order.index("Sequential")


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(ArgumentError, match="forward is not defined"):
        nn.Module()(1)

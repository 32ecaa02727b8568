"""Modules: parts found by attribute, names, modes, hooks, state, and what they print."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import (
    ArgumentError,
    DTypeError,
    IndexingError,
    RangeError,
    ShapeError,
    StateDictError,
)
from tinygrad_lesson.mode import current, restore


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


# ---- containers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (tl.relu, r"the function relu is no module. Pass a module such as nn.ReLU\(\)"),
        (nn.ReLU, r"ReLU is a class. Make a module of it: ReLU\(...\)."),
        ([nn.Tanh()], r"a list is no module. Pass the modules one by one"),
        (3, r"a int is no module. Pass modules"),
        (None, r"a NoneType is no module"),
    ],
)
def test_what_is_no_module_is_refused(given, message: str) -> None:
    with pytest.raises(ArgumentError, match=r"^\[Sequential\] " + message):
        nn.Sequential(nn.Linear(2, 2), given)
    model = nn.Sequential(nn.Linear(2, 2))
    with pytest.raises(ArgumentError, match=message):
        model.append(given)
    with pytest.raises(ArgumentError, match=message):
        model.extend([nn.Tanh(), given])
    assert len(model) == 1
    with pytest.raises(ArgumentError, match=r"^\[ModuleList\] " + message):
        nn.ModuleList([given])


@pytest.mark.parametrize("container", [lambda *m: nn.Sequential(*m), lambda *m: nn.ModuleList(m)])
def test_numbered_modules_are_a_list(container) -> None:
    a, b, c, d = (nn.Linear(2, 2) for _ in range(4))
    modules = container(a).append(c)
    assert modules.insert(1, b) is modules
    assert modules.extend([d]) is modules
    assert list(modules) == [a, b, c, d]
    assert len(modules) == 4
    assert (modules[0], modules[-1]) == (a, d)
    assert [m._name for m in modules] == ["0", "1", "2", "3"]
    assert [p.name for p in modules.parameters()] == [n for n, _ in modules.named_parameters()]
    modules[1] = d
    del modules[0]
    assert list(modules) == [d, c, d]
    part = modules[1:]
    assert type(part) is type(modules)
    assert list(part) == [c, d]
    assert c.weight.name == "1.weight"  # its name in the whole
    for use in (
        lambda: modules[3],
        lambda: modules.__setitem__(-4, a),
        lambda: modules.__delitem__(3),
    ):
        with pytest.raises(IndexingError, match="out of range: there are 3 modules"):
            use()


def test_a_list_of_modules_is_saved_and_not_called() -> None:
    layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(2))
    assert list(layers.state_dict()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert list(nn.ModuleList(layers)) == list(layers)
    assert len(nn.ModuleList()) == 0
    with pytest.raises(ArgumentError, match="for layer in layers"):
        layers(1)
    with pytest.raises(ArgumentError, match="a single Linear is no list"):
        nn.ModuleList(nn.Linear(2, 2))


def test_names_follow_modules_added_later() -> None:
    class Stack(nn.Module):
        def __init__(self) -> None:
            self.layers = nn.ModuleList()
            for _ in range(2):
                self.layers.append(nn.Linear(2, 2))

    stack = Stack()
    names = ["layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"]
    assert [p.name for p in stack.parameters()] == names
    outer = nn.Sequential(stack)
    stack.layers[1].weight = nn.Parameter(np.zeros((2, 2)))
    assert [p.name for p in outer.parameters()] == [name for name, _ in outer.named_parameters()]


def test_a_dict_of_modules() -> None:
    a, b = nn.Linear(2, 2), nn.Tanh()
    heads = nn.ModuleDict({"a": a})
    heads["b"] = b
    assert (list(heads), list(heads.keys()), list(heads.values())) == (
        ["a", "b"],
        ["a", "b"],
        [a, b],
    )
    assert dict(heads.items()) == {"a": a, "b": b}
    assert heads["b"] is b
    assert "a" in heads
    assert "training" not in heads
    assert a.weight.name == "a.weight"
    del heads["a"]
    assert len(heads) == 1
    assert list(nn.ModuleDict(heads)) == ["b"]
    heads["b"] = a
    assert heads["b"] is a


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (lambda d: d["x"], IndexingError, r"there is no module 'x' among \['a'\]"),
        (lambda d: d.__delitem__("x"), IndexingError, r"there is no module 'x'"),
        (lambda d: d.update({"b.c": nn.Tanh()}), ArgumentError, "cannot have the name 'b.c'"),
        (lambda d: d.update({"": nn.Tanh()}), ArgumentError, "cannot have the name ''"),
        (lambda d: d.update({"keys": nn.Tanh()}), ArgumentError, "cannot have the name 'keys'"),
        (lambda d: d.update({1: nn.Tanh()}), ArgumentError, "1 is not a string. Use '1'"),
        (lambda d: d.update({"ok": nn.Tanh(), "b": tl.tanh}), ArgumentError, "function tanh"),
        (lambda d: d.update([nn.Tanh()]), ArgumentError, "a list has no names"),
        (lambda d: d(1), ArgumentError, "not called itself"),
    ],
)
def test_mistakes_with_a_dict_of_modules(use, kind: type[Exception], message: str) -> None:
    heads = nn.ModuleDict({"a": nn.Linear(2, 2)})
    with pytest.raises(kind, match=message):
        use(heads)
    assert list(heads) == ["a"]


@pytest.mark.parametrize(
    ("hiding", "message"),
    [
        ([nn.Tanh()], r"a plain list hides a Tanh.*Wrap it: nn.ModuleList\(\[...\]\)."),
        ((1, nn.Tanh()), r"a plain tuple hides a Tanh.*nn.ModuleList"),
        ({"a": nn.Tanh()}, r"a plain dict hides a Tanh.*Wrap it: nn.ModuleDict\(\{...\}\)."),
        ([[nn.Tanh()]], "a plain list hides a Tanh"),
        ([nn.Parameter([1.0])], "a plain list hides a Parameter.*an attribute of its own"),
        ({"a": nn.Buffer([1.0])}, "a plain dict hides a Buffer.*an attribute of its own"),
    ],
)
def test_a_plain_list_of_parts_is_refused(hiding, message: str) -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            self.layers = hiding

    for use in (
        lambda m: list(m.parameters()),
        lambda m: list(m.named_children()),
        lambda m: m.state_dict(),
        lambda m: m.train(),
        lambda m: nn.Sequential(nn.Tanh(), m),
    ):
        with pytest.raises(ArgumentError, match=r"^\[Holder.layers\] " + message):
            use(Holder())


def test_a_module_may_be_a_hook(net: Net) -> None:
    net.register_forward_hook(lambda module, args, out: None)
    net.register_forward_pre_hook(nn.Buffer)
    assert len(list(net.parameters())) == 4


def test_a_module_held_twice_keeps_its_first_name() -> None:
    a = nn.Linear(2, 2)
    model = nn.Sequential(a, nn.Tanh(), a)
    assert (a._name, a.weight.name) == ("0", "0.weight")
    assert [name for name, _ in model.named_parameters()] == ["0.weight", "0.bias"]
    assert len(model) == 3
    outer = nn.ModuleDict({"body": model, "again": model})
    assert (model._name, a.weight.name) == ("body", "body.0.weight")
    assert [p.name for p in outer.parameters()] == [name for name, _ in outer.named_parameters()]
    model[0] = nn.Tanh()
    model[2] = a
    assert (a._name, a.weight.name) == ("2", "body.2.weight")


def test_a_parameter_held_twice_keeps_its_first_name() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            self.first = self.second = nn.Parameter([1.0])
            self.first = self.first

    tied = Tied()
    assert tied.second.name == "first"
    assert [p.name for p in nn.Sequential(tied).parameters()] == ["0.first"]


def test_parts_below_may_be_shared() -> None:
    shared = nn.Linear(2, 2)
    model = nn.Sequential(nn.Sequential(shared), nn.Sequential(shared))
    assert shared.weight.name == "0.0.weight"
    assert len(list(model.parameters())) == 2


# ---- more of modules ---------------------------------------------------------------------


def test_a_dtype_that_does_not_fit_changes_nothing(net: Net) -> None:
    state = net.state_dict()
    before = net.body[0].weight.numpy().copy()
    net.seen = nn.Buffer([0])
    broken = {**state, "body.0.weight": np.zeros((4, 3)), "seen": np.array([0.5])}
    with pytest.raises(StateDictError, match="seen is int64, the state float64"):
        net.load_state_dict(broken)
    for value, message in (("a", "head.bias is unfit"), ([[1], []], "head.bias is unfit")):
        with pytest.raises(StateDictError, match=message):
            net.load_state_dict({**broken, "seen": [0], "head.bias": value})
    with pytest.raises(StateDictError, match="the state is a list"):
        net.load_state_dict([1])
    np.testing.assert_array_equal(net.body[0].weight.numpy(), before)
    net.load_state_dict({**broken, "seen": [3]})
    assert int(net.seen[0]) == 3
    assert not net.body[0].weight.numpy().any()


def test_a_call_keeps_every_field_of_the_mode() -> None:
    class Look(nn.Module):
        def forward(self, x):
            return current()

    mode = current()
    restore(mode.but(debug=True, grad=False))
    try:
        assert Look()(1) == current().but(scope="Look")
    finally:
        restore(mode)


@pytest.mark.parametrize(
    ("sizes", "kind", "message"),
    [
        ((-2, 3), RangeError, "[Linear] in_features=-2 is negative. Pass in_features >= 0."),
        ((2, -3), RangeError, "[Linear] out_features=-3 is negative. Pass out_features >= 0."),
        ((2.0, 3), ArgumentError, "[Linear] in_features=2.0 is no integer but a float. Pass 2."),
        (
            (2, "3"),
            ArgumentError,
            "[Linear] out_features='3' is no integer but a str. Pass an integer.",
        ),
    ],
)
def test_sizes_of_a_layer(sizes, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        nn.Linear(*sizes)
    assert str(caught.value) == message
    assert nn.Linear(np.int64(2), 0).weight.shape == (0, 2)


def test_zero_grad_may_keep_zeros(net: Net) -> None:
    net(np.ones((1, 3), np.float32)).sum().backward()
    net.head.bias.grad = None
    net.zero_grad(set_to_none=False)
    assert net.head.bias.grad is None
    assert net.head.weight.grad.tolist() == np.zeros((2, 4)).tolist()
    net.zero_grad(set_to_none=True)
    assert net.head.weight.grad is None


def test_a_hook_registered_twice_is_removed_once(net: Net) -> None:
    seen = []

    def hook(module, args, out) -> None:
        seen.append(1)

    handles = [net.register_forward_hook(hook) for _ in range(2)]
    handles[0].remove()
    handles[0].remove()
    net(np.ones((1, 3), np.float32))
    assert seen == [1]


def test_modules_need_no_hash() -> None:
    class Equal(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([1.0])

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Equal)

    assert len(list(nn.Sequential(Equal(), Equal()).parameters())) == 2

"""Modules converted, asked for their parts, filled in PyTorch's way, and watched backwards."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError

X = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)


def net() -> nn.Sequential:
    tl.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


# ---- dtypes ------------------------------------------------------------------------------


def test_floats_are_converted_and_integers_stay() -> None:
    model = net()
    names = [p.name for p in model.parameters()]
    assert model.double() is model
    assert {p.dtype for p in model.parameters()} == {np.dtype(np.float64)}
    assert model[1].running_mean.dtype == np.float64
    assert model[1].num_batches_tracked.dtype == np.int64
    assert [p.name for p in model.parameters()] == names
    assert model(X.astype(float)).dtype == np.float64
    assert model.float()(X).dtype == np.float32
    assert model.half()(X.astype(np.float16)).dtype == np.float16
    assert model.to("float64")[0].weight.dtype == np.float64
    assert model.to("cpu").to(device="cpu", dtype=tl.float32)[0].weight.dtype == np.float32
    assert model.to()[0].weight.dtype == np.float32


def test_the_objects_and_their_flags_stay() -> None:
    model = net()
    model[0].requires_grad_(False)
    model[3].weight = model[3].weight
    before = list(model.parameters())
    optimizer = tl.optim.SGD(model.parameters(), lr=0.1)
    model.double()
    assert all(a is b for a, b in zip(model.parameters(), before, strict=True))
    assert not model[0].weight.requires_grad
    assert model[3].weight.requires_grad
    was = model[3].weight.numpy()
    model(X.astype(float)).sum().backward()
    optimizer.step()
    assert not np.array_equal(model[3].weight.numpy(), was)


def test_a_graph_of_before_keeps_its_numbers_and_fills_the_gradient() -> None:
    model = nn.Linear(3, 2)
    out = model(X)
    model.double()
    out.sum().backward()
    np.testing.assert_allclose(model.weight.grad.numpy(), [X.sum(0)] * 2, rtol=1e-6)
    model.double()
    model.zero_grad()
    model(X.astype(float)).sum().backward()
    assert model.weight.grad.dtype == np.float64


def test_gradients_are_converted_too() -> None:
    model = nn.Linear(3, 2)
    model(X).sum().backward()
    before = model.weight.grad.numpy()
    model.double()
    assert model.weight.grad.dtype == np.float64
    np.testing.assert_array_equal(model.weight.grad.numpy(), before)


def test_what_cannot_be_converted_to() -> None:
    with pytest.raises(DTypeError, match=r"\[Linear.to\] parameters cannot be int64"):
        nn.Linear(3, 2).to(tl.int64)
    with pytest.raises(RangeError, match=r"\[Linear.to\] there is no device 'cuda:0'"):
        nn.Linear(3, 2).to("cuda:0")
    with pytest.raises(DTypeError, match="is not a dtype"):
        nn.Linear(3, 2).to("float7")


# ---- parts -------------------------------------------------------------------------------


class Registered(nn.Module):
    """Built as PyTorch's modules often are."""

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("scale", nn.Parameter([2.0]))
        self.register_parameter("shift", None)
        self.register_buffer("mean", Tensor([1.0]))
        self.register_buffer("mask", np.array([0, 1]), persistent=False)
        self.register_buffer("nothing", None)
        self.add_module("inner", nn.Linear(1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.scale * x - self.mean)


def test_registered_parts_are_attributes() -> None:
    module = Registered()
    assert [n for n, _ in module.named_parameters()] == ["scale", "inner.weight", "inner.bias"]
    assert [n for n, _ in module.named_buffers()] == ["mean", "mask"]
    assert list(module.state_dict()) == ["scale", "mean", "inner.weight", "inner.bias"]
    assert isinstance(module.mask, nn.Buffer)
    assert module.shift is None
    assert module(Tensor([[1.0]])).shape == (1, 1)
    module.load_state_dict(module.state_dict())
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert list(other.state_dict()) == list(module.state_dict())
    module.register_buffer("mask", Tensor([1]))
    assert "mask" in module.state_dict()


def test_what_is_assigned_to_a_buffer_becomes_one() -> None:
    module = Registered()
    module.mean = module.mean * 0.5 + 1.0
    assert isinstance(module.mean, nn.Buffer)
    assert module.state_dict()["mean"].tolist() == [1.5]
    x = Tensor([1.0], requires_grad=True)
    module.mean = x * 3.0
    module.mean.backward()
    assert x.grad.tolist() == [3.0]


@pytest.mark.parametrize("name", ["forward", "training", "a.b", "", "inner"])
def test_names_that_are_taken(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"\[Registered\] a Buffer cannot have .*'{name}'"):
        Registered().register_buffer(name, Tensor([1.0]))


def test_parts_by_module_and_by_path() -> None:
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 2)), nn.BatchNorm1d(2))
    assert [n for n, _ in model.named_parameters(recurse=False)] == []
    grouped = {
        path: [n for n, _ in module.named_parameters(prefix=path, recurse=False)]
        for path, module in model.named_modules()
    }
    assert grouped == {
        "": [],
        "0": [],
        "0.0": ["0.0.weight", "0.0.bias"],
        "1": ["1.weight", "1.bias"],
    }
    assert len(list(model[1].parameters(recurse=False))) == 2
    assert len(list(model.buffers(recurse=False))) == 0
    assert next(n for n, _ in model[1].named_buffers("norm")) == "norm.running_mean"
    assert model.get_submodule("0.0") is model[0][0]
    assert model.get_submodule("") is model
    assert model.get_parameter("0.0.bias") is model[0][0].bias
    assert model.get_buffer("1.running_var") is model[1].running_var
    with pytest.raises(ArgumentError, match=r"no parameter '0.0.baas'. Perhaps '0.0.bias'\?"):
        model.get_parameter("0.0.baas")
    with pytest.raises(ArgumentError, match=r"no module '5.5'"):
        model.get_submodule("5.5")
    with pytest.raises(ArgumentError, match=r"no buffer '1.weight'"):
        model.get_buffer("1.weight")


# ---- where an error happened -------------------------------------------------------------


def test_every_error_names_the_layer() -> None:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return tl.pixel_shuffle(x, 2)

    model = nn.Sequential(nn.Identity(), nn.ModuleDict({"a": Picky()})["a"])
    with pytest.raises(ShapeError, match=r"^\[Sequential/1:Picky pixel_shuffle\] 3 channels") as e:
        model(tl.ones(3, 2, 2))
    assert str(pickle.loads(pickle.dumps(e.value))) == str(e.value)


def test_a_module_may_be_a_hook_and_is_no_part() -> None:
    class Watch(nn.Module):
        def forward(self, *given: Any) -> None:
            return None

    layer = nn.Linear(3, 2)
    layer.register_forward_hook(Watch())
    layer.register_full_backward_hook(Watch())
    layer(X).sum().backward()
    assert [n for n, _ in layer.named_modules()] == [""]


# ---- backward hooks ----------------------------------------------------------------------


def test_a_backward_hook_sees_the_gradients_and_may_change_them() -> None:
    layer = nn.Linear(3, 2)
    seen: list[Any] = []
    handle = layer.register_full_backward_hook(
        lambda m, inward, outward: seen.append((m, inward, outward))
    )
    x = Tensor(X, requires_grad=True)
    (layer(x) * 2.0).sum().backward()
    ((module, (inward,), (outward,)),) = seen
    assert module is layer
    np.testing.assert_array_equal(outward.numpy(), np.full((5, 2), 2.0))
    np.testing.assert_allclose(inward.numpy(), x.grad.numpy())
    np.testing.assert_allclose(x.grad.numpy(), 2.0 * layer.weight.numpy().sum(0) * np.ones((5, 3)))
    handle.remove()
    assert layer(x).node.op.name == "affine"  # nothing left around the call
    layer.register_full_backward_hook(lambda m, inward, outward: (inward[0] * 0.0,))
    x.grad = None
    layer(x).sum().backward()
    assert not x.grad.numpy().any()
    assert layer.weight.grad.numpy().any()


def test_without_gradients_to_go_in_the_hook_still_sees_those_out() -> None:
    layer = nn.Linear(3, 2)
    seen: list[Any] = []
    layer.register_full_backward_hook(lambda m, inward, outward: seen.append((inward, outward)))
    layer(X).sum().backward()
    ((inward, (outward,)),) = seen
    assert inward == (None,)
    assert outward.shape == (5, 2)
    with tl.no_grad():
        layer(X)
    assert len(seen) == 1


def test_hooks_of_many_inputs_and_outputs() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, label: str, y: Tensor) -> tuple[Tensor, Tensor]:
            return x * y, x + y

    module, seen = Two(), []
    module.register_full_backward_pre_hook(lambda m, outward: (outward[0] * 10.0, outward[1]))
    module.register_full_backward_hook(lambda m, inward, outward: seen.append((inward, outward)))
    x, y = Tensor([2.0, 3.0], requires_grad=True), Tensor([5.0, 7.0], requires_grad=True)
    product, total = module(x, "label", y)
    (product.sum() + 2 * total.sum()).backward()
    (((a, none, b), (first, second)),) = seen
    assert none is None
    assert (first.tolist(), second.tolist()) == ([10.0, 10.0], [2.0, 2.0])
    assert a.tolist() == x.grad.tolist() == [52.0, 72.0]
    assert b.tolist() == y.grad.tolist() == [22.0, 32.0]


def test_hooks_are_differentiated_too() -> None:
    model = nn.Sequential(nn.Linear(3, 2, dtype=tl.float64), nn.Tanh())
    model[0].register_full_backward_hook(lambda m, inward, outward: None)
    assert tl.gradcheck(model, X[:2].astype(float), order=2)


def test_a_hook_that_returns_too_many() -> None:
    layer = nn.Linear(3, 2)
    layer.register_full_backward_hook(lambda m, inward, outward: (1, 2))
    with pytest.raises(ArgumentError, match="returned 2 gradients in the place of 1"):
        layer(Tensor(X, requires_grad=True)).sum().backward()

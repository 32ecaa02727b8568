"""Parameters in lists and dicts."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.errors import ArgumentError, IndexingError


class Polynomial(nn.Module):
    def __init__(self) -> None:
        self.terms = nn.ParameterList(tl.Tensor(float(n)) for n in range(3))
        self.named = nn.ParameterDict({"shift": [0.5]})

    def forward(self, x: tl.Tensor) -> tl.Tensor:
        return sum(c * x**n for n, c in enumerate(self.terms)) + self.named["shift"]


def test_they_are_learnt_and_saved() -> None:
    model = Polynomial()
    names = ["terms.0", "terms.1", "terms.2", "named.shift"]
    assert [n for n, _ in model.named_parameters()] == names
    assert [p.name for p in model.parameters()] == names
    assert list(model.state_dict()) == names
    model(tl.Tensor([2.0])).sum().backward()
    assert [float(p.grad) for p in model.terms] == [1.0, 2.0, 4.0]
    assert model.named["shift"].grad.tolist() == [1.0]
    assert model.double().terms[0].dtype == np.float64


def test_a_list() -> None:
    first = nn.Parameter([1.0])
    held = nn.ParameterList([first]).append([2.0, 3.0]).extend([np.ones(2)])
    assert held[0] is first
    assert len(held) == 3
    assert [p.shape for p in held] == [(1,), (2,), (2,)]
    held[-1] = [4.0]
    assert held[2].tolist() == [4.0]
    with pytest.raises(IndexingError, match="index 3 is out of range: there are 3 parameters"):
        held[3]


def test_a_dict() -> None:
    held = nn.ParameterDict({"a": [1.0]})
    held["b"] = nn.Parameter([2.0])
    assert list(held) == list(held.keys()) == ["a", "b"]
    assert [p.tolist() for p in held.values()] == [[1.0], [2.0]]
    assert dict(held.items())["b"] is held["b"]
    del held["a"]
    assert ("a" in held, len(held)) == (False, 1)
    assert list(nn.ParameterDict(held)) == ["b"]
    for use in (lambda: held["x"], lambda: held.__delitem__("x")):
        with pytest.raises(IndexingError, match=r"there is no parameter 'x' among \['b'\]"):
            use()
    for name in ("keys", "a.b", ""):
        with pytest.raises(ArgumentError, match="a Parameter cannot have the name"):
            held[name] = [1.0]
    with pytest.raises(ArgumentError, match="a list has no names"):
        held.update([1.0])


def test_a_plain_list_names_the_remedy() -> None:
    class Holder(nn.Module):
        def __init__(self) -> None:
            self.parts = [nn.Parameter([1.0])]

    with pytest.raises(ArgumentError, match=r"of its own, or wrap it: nn.ParameterList\("):
        list(Holder().parameters())

"""Dtypes by name, and the one that Python floats become."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, dtypes


@pytest.fixture
def restored():
    yield
    tl.set_default_dtype(tl.float32)


@pytest.mark.parametrize(
    "name",
    ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
     "float16", "float32", "float64"],
)  # fmt: skip
def test_names(name):
    assert getattr(tl, name) == np.dtype(name)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("dtype", [tl.float64, "float64", np.float64, float])
def test_set_default_dtype_takes_what_numpy_takes(dtype):
    tl.set_default_dtype(dtype)
    assert tl.get_default_dtype() == tl.float64
    assert Tensor(1.0).dtype == Tensor([1.0]).dtype == tl.float64
    assert Tensor(np.float32(1.0)).dtype == tl.float32, "what has a dtype keeps it"


def test_the_default_is_a_floating_dtype():
    assert tl.get_default_dtype() == tl.float32
    with pytest.raises(TypeError, match="int64"):
        tl.set_default_dtype(tl.int64)


def test_is_floating():
    assert [d for d in (tl.bool, tl.int64, tl.float16, tl.float64) if dtypes.is_floating(d)] == [
        tl.float16,
        tl.float64,
    ]


@pytest.mark.parametrize("first", ["bool", "int8", "int64", "uint8", "float16", "float32"])
@pytest.mark.parametrize("second", ["bool", "int8", "int64", "uint8", "float16", "float64"])
def test_promotion_is_numpys(first, second):
    x, y = np.ones(2, first), np.ones(2, second)
    assert (Tensor(x) + Tensor(y)).dtype == (x + y).dtype
    assert (Tensor(x) * Tensor(y)).dtype == (x * y).dtype
    assert (Tensor(x) / Tensor(y)).dtype == (x / y).dtype


def test_astype_carries_the_gradient_back():
    x = Tensor([1.5, 2.5], dtype=tl.float64, requires_grad=True)
    x.astype(tl.float32).sum().backward()
    assert x.grad.dtype == tl.float64
    assert x.grad.tolist() == [1.0, 1.0]


def test_astype_to_integers_ends_the_history():
    assert not Tensor([1.5], requires_grad=True).astype(tl.int64).requires_grad


def test_a_dtype_for_the_constructor():
    assert Tensor([1, 2], dtype=tl.float16).dtype == tl.float16
    assert Tensor(np.ones(2), dtype="float32").dtype == tl.float32
    assert Tensor(Tensor([1.0]), dtype=tl.float64).dtype == tl.float64
    assert Tensor([1, 2], True, dtype=tl.float32).requires_grad

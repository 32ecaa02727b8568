"""Dtypes by name, and the one that Python floats become."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, dtypes, errors


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


# ---- questions about dtypes --------------------------------------------------------------


def test_limits_of_half_precision():
    """Which the standard, and so test_array_api.py, does not know."""
    found = tl.finfo(Tensor([1.0], dtype=tl.float16))
    assert found == (tl.float16, 16, 2.0**-10, 65504.0, -65504.0, 2.0**-14)
    assert all(type(limit) is float for limit in found[2:])


@pytest.mark.parametrize("dtype", [np.float32, "float32", Tensor(1.0), np.float32(1.0)])
def test_finfo_takes_what_has_or_is_a_dtype(dtype):
    assert tl.finfo(dtype).eps == 2.0**-23


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((1, 2.5), "float32"),
        ((2.5,), "float32"),
        ((1,), "int64"),
        ((True,), "bool"),
        ((True, 1), "int64"),
        ((np.float16, 2.5), "float16"),
        ((np.int64, 2.5), "float64"),
        ((np.int8, np.float16), "float16"),
        ((np.int64, np.float32), "float64"),
        ((Tensor([1.0]), np.ones(1)), "float64"),
        ((np.float64(1.0), np.float32), "float64"),
    ],
)
def test_result_type_is_that_of_a_sum(arguments, expected):
    assert tl.result_type(*arguments) == expected
    if len(arguments) == 2 and not isinstance(arguments[0], np.generic):
        one, other = (Tensor([1], dtype=a) if isinstance(a, type) else a for a in arguments)
        assert tl.add(one, other).dtype == expected


def test_result_type_follows_the_default(restored):
    tl.set_default_dtype(tl.float64)
    assert tl.result_type(1, 2.5) == tl.float64


@pytest.mark.parametrize("first", ["bool", "int8", "int64", "uint8", "float16", "float32"])
@pytest.mark.parametrize("second", ["bool", "int8", "int64", "uint8", "float16", "float64"])
def test_can_cast_is_numpys(first, second):
    assert tl.can_cast(first, second) == np.can_cast(first, second)
    assert tl.can_cast(Tensor(np.ones(1, first)), second) == np.can_cast(first, second)
    assert tl.isdtype(first, np.dtype(second)) == (first == second)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tl.finfo(tl.int8), errors.DTypeError, "[finfo] int8 is no floating dtype. Use"),
        (lambda: tl.iinfo(tl.float32), errors.DTypeError, "[iinfo] float32 is no integer dtype."),
        (lambda: tl.iinfo(tl.bool), errors.DTypeError, "[iinfo] bool is no integer dtype."),
        (lambda: tl.finfo("foo"), errors.DTypeError, "[finfo] 'foo' is not a dtype."),
        (lambda: tl.isdtype(tl.bool, "float"), errors.ArgumentError, "[isdtype] 'float' is no"),
        (lambda: tl.result_type(), errors.ArgumentError, "[result_type] there is nothing to"),
        (lambda: tl.result_type("foo"), errors.DTypeError, "[result_type] 'foo' is not a dtype."),
        (lambda: tl.can_cast(tl.bool, 3), errors.DTypeError, "[can_cast] 3 is not a dtype."),
        (lambda: Tensor(1.0, dtype=complex), errors.DTypeError, "[Tensor] numbers of type"),
        (lambda: tl.set_default_dtype("c8"), errors.DTypeError, "[set_default_dtype] numbers of"),
    ],
)
def test_mistakes(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)

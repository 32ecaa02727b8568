"""NumPy's functions on a Tensor are our ops; what has no op is refused with a remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors
from tinygrad_lesson.op import Op
from tinygrad_lesson.protocols import METHODS, UFUNCS, op_of
from tinygrad_lesson.samples import Domain

from .support import same, seeded


@pytest.fixture
def x():
    return Tensor(np.array([[0.25, 0.5], [0.75, 1.0]]), requires_grad=True)


# ---- ufuncs ------------------------------------------------------------------------------


def draw(ufunc: np.ufunc, op: Op[...]) -> list[np.ndarray]:
    """Inputs of an op that stands for `ufunc`, from its samples."""
    domains = [d for d in op.samples if isinstance(d, Domain)] or op.samples[0].inputs
    shapes = [None if d.shape else (2, 3) for d in domains]
    return [d.draw(seeded(op.name), s) for d, s in zip(domains, shapes, strict=True)][: ufunc.nin]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda f: f.__name__)
def test_every_ufunc_in_the_table(ufunc):
    inputs = draw(ufunc, UFUNCS[ufunc])
    result = ufunc(*(Tensor(a, requires_grad=a.dtype.kind == "f") for a in inputs))
    expected = ufunc(*inputs)
    assert isinstance(result, Tensor)
    assert result.dtype == expected.dtype
    assert result.requires_grad == (UFUNCS[ufunc].differentiable and expected.dtype.kind == "f")
    same(result, expected)


def test_the_table_of_ufuncs_holds_what_numpy_has():
    assert {"exp", "tanh", "matmul", "maximum", "negative", "greater", "rint", "absolute"} <= {
        f.__name__ for f in UFUNCS
    }


SCIPYS = {
    name: function
    for name, function in vars(scipy.special).items()
    if isinstance(function, np.ufunc) and function not in UFUNCS and op_of(function) is not None
}


@pytest.mark.parametrize("name", SCIPYS)
def test_every_ufunc_of_scipy_that_has_the_name_of_an_op(name):
    ufunc = SCIPYS[name]
    inputs = draw(ufunc, op_of(ufunc))
    result = ufunc(*(Tensor(a, requires_grad=a.dtype.kind == "f") for a in inputs))
    assert result.requires_grad == op_of(ufunc).differentiable
    same(result, ufunc(*inputs), rtol=1e-10)


def test_the_table_of_scipys_ufuncs_holds_what_it_has():
    assert {"erf", "expit", "gammaln", "psi", "xlogy"} <= set(SCIPYS)


def test_a_ufunc_of_the_same_name_is_not_taken_for_another(x):
    """Whatever it computes, it is not our op."""
    namesake = np.frompyfunc(lambda value: value, 1, 1)
    assert op_of(namesake) is None
    with pytest.raises(errors.ArgumentError, match="not available on a Tensor"):
        namesake(x)


def test_an_array_on_the_left_of_an_operator(x):
    for result in (np.ones(2) * x, np.ones(2) - x, np.ones((2, 2)) @ x, np.float64(2.0) / x):
        assert isinstance(result, Tensor)
        assert result.requires_grad
    assert isinstance(np.ones(2) < x, Tensor)


def test_an_array_in_place_with_a_tensor_is_refused(x):
    """``array += t`` would drop the history of `t`."""
    array = np.ones((2, 2))
    with pytest.raises(TypeError):
        array += x
    assert array.tolist() == [[1.0, 1.0], [1.0, 1.0]]


@pytest.mark.parametrize("ufunc", METHODS["reduce"], ids=lambda f: f.__name__)
@pytest.mark.parametrize("arguments", [{}, {"axis": 1}, {"axis": None}, {"keepdims": True}])
def test_reduce(x, ufunc, arguments):
    t = x > 0.5 if "logical" in ufunc.__name__ else x
    result = ufunc.reduce(t, **arguments)
    same(result, ufunc.reduce(t.numpy(), **arguments))
    assert result.requires_grad == t.requires_grad


@pytest.mark.parametrize("ufunc", METHODS["accumulate"], ids=lambda f: f.__name__)
@pytest.mark.parametrize("arguments", [(), (1,), (-2,)])
def test_accumulate(x, ufunc, arguments):
    result = ufunc.accumulate(x, *arguments)
    same(result, ufunc.accumulate(x.numpy(), *arguments))
    assert result.requires_grad


def test_reduce_with_arguments_by_position(x):
    same(np.add.reduce(x, 1), [0.75, 1.75])
    same(np.maximum.reduce(x, 1), [0.5, 1.0])
    assert np.add.reduce(x, 1, np.float32).dtype == tl.float32


def test_divmod(x):
    for ours, theirs in zip(np.divmod(x, 0.3), np.divmod(x.numpy(), 0.3), strict=True):
        same(ours, theirs)


@pytest.mark.parametrize("ufunc", [np.multiply, np.subtract, np.maximum, np.arctan2, np.less])
def test_outer(x, ufunc):
    y = np.array([0.3, 0.7, 0.9])
    same(ufunc.outer(x, y), ufunc.outer(x.numpy(), y))
    same(ufunc.outer(y, x), ufunc.outer(y, x.numpy()))
    assert ufunc.outer(y, x).requires_grad == (ufunc is not np.less)


# ---- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: np.linalg.eig(x), "np.linalg.eig"),
        (lambda x: np.spacing(x), "np.spacing"),
        (lambda x: np.add.reduceat(x, [0]), "np.add.reduceat"),
        (lambda x: np.subtract.reduce(x), "np.subtract.reduce"),
        (lambda x: np.hypot.accumulate(x), "np.hypot.accumulate"),
        (lambda x: np.add.reduce(x, where=[True, False]), "np.add.reduce"),
        (lambda x: np.exp(x, out=np.zeros((2, 2))), "np.exp"),
        (lambda x: np.sum(x, out=np.zeros(())), "np.sum"),
        (lambda x: np.sum(x, 0, None, np.zeros(2)), "np.sum"),
        (lambda x: np.add.reduce(x, out=np.zeros(2)), "np.add.reduce"),
        (lambda x: np.exp(x, where=np.array(True)), "np.exp"),
        (lambda x: np.sum(x, where=np.array(True)), "np.sum"),
        (lambda x: np.sum(x, initial=3.0), "np.sum"),
        (lambda x: np.var(x, mean=np.ones(1)), "np.var"),
        (lambda x: np.reshape(x, (4,), order="F"), "np.reshape"),
        (lambda x: np.take(x, [0], 0, mode="wrap"), "np.take"),
        (lambda x: np.concatenate([x, x], dtype=np.float32), "np.concatenate"),
        (lambda x: np.apply_along_axis(np.sum, 0, x), "np.apply_along_axis"),
        (lambda x: np.linspace(x, x + 1), "np.linspace"),
        (lambda x: np.unique(x), "np.unique"),
        (lambda x: np.copyto(np.zeros((2, 2)), x), "np.copyto"),
    ],
)
def test_what_has_no_op_is_refused_by_name(x, call, name):
    with pytest.raises(errors.ArgumentError, match=rf"\[{name}\]"):
        call(x)


@pytest.mark.parametrize("call", [lambda a, x: np.add.at(a, [0], x), lambda a, x: a.__iadd__(x)])
def test_writing_into_an_array_is_refused(call):
    array = np.zeros(2)
    with pytest.raises(TypeError):
        call(array, Tensor([1.0], requires_grad=True))
    assert array.tolist() == [0.0, 0.0]


# ---- the numbers as an array -------------------------------------------------------------


def test_asarray_does_not_copy_and_cannot_be_written(x):
    array = np.asarray(x)
    assert type(array) is np.ndarray
    assert np.shares_memory(array, x.raw)
    assert not array.flags.writeable


def test_asarray_with_copy_false():
    t = Tensor([1.0, 2.0])
    assert np.shares_memory(np.asarray(t, copy=False), t.raw)


def test_a_conversion_that_must_not_copy_is_refused():
    with pytest.raises(ValueError, match="copy"):
        np.asarray(Tensor([1.0, 2.0]), dtype=np.float64, copy=False)


def test_plotting_and_printing_see_an_array(x):
    assert np.array2string(np.asarray(x)).startswith("[[0.25")
    assert np.testing.assert_allclose(x.detach().numpy(), x.numpy()) is None


# ---- DLPack ------------------------------------------------------------------------------


class Recorded:
    """An array of another library, which notes how its memory is asked for."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __dlpack__(self, **asked: Any) -> Any:
        return self.array.__dlpack__(**asked)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()


def test_what_is_exported_is_a_copy():
    t = Tensor([1.0, 2.0])
    assert not np.shares_memory(np.from_dlpack(t), t.raw)


def test_shared_memory_is_exported_read_only_and_only_if_asked_for():
    t = Tensor([1.0, 2.0])
    array = np.from_dlpack(t, copy=False)
    assert np.shares_memory(array, t.raw)
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 5.0


def test_a_consumer_of_the_first_protocol_gets_a_copy():
    """It cannot be told that something is read-only."""
    t = Tensor([1.0, 2.0])
    assert t.__dlpack__()
    with pytest.raises(BufferError):
        t.__dlpack__(copy=False)
    assert t.__dlpack_device__() == (1, 0)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32", "float64"])
def test_every_dtype_both_ways(dtype):
    t = Tensor(np.array([[0, 1], [1, 0]], dtype))
    back = tl.from_dlpack(np.from_dlpack(t))
    assert back.dtype == dtype
    same(back, t)


def test_what_is_imported_is_a_copy_unless_sharing_is_asked_for():
    array = np.array([1.0, 2.0])
    copied, shared = tl.from_dlpack(Recorded(array)), tl.from_dlpack(Recorded(array), copy=False)
    assert np.shares_memory(shared.raw, array)
    array[0] = 5.0
    assert copied.tolist() == [1.0, 2.0]
    assert shared.tolist() == [5.0, 2.0]


def test_from_dlpack_of_a_tensor_is_the_tensor(x):
    assert tl.from_dlpack(x) is x


def test_what_has_no_dlpack_is_refused():
    with pytest.raises(errors.ArgumentError, match=r"\[from_dlpack\] a list does not have"):
        tl.from_dlpack([1.0])


@pytest.mark.oracle
def test_torch_cannot_write_into_a_tensor():
    """It ignores the mark that says read-only."""
    torch = pytest.importorskip("torch")
    t = Tensor([1.0, 2.0])
    for convert in (torch.from_dlpack, torch.asarray, torch.tensor, torch.as_tensor):
        array = convert(t)
        array[0] = 5.0
        assert t.tolist() == [1.0, 2.0]


@pytest.mark.oracle
def test_from_torch():
    torch = pytest.importorskip("torch")
    theirs = torch.tensor([1.0, 2.0])
    copied, shared = tl.from_dlpack(theirs), tl.from_dlpack(theirs, copy=False)
    theirs[0] = 5.0
    assert copied.tolist() == [1.0, 2.0]
    assert shared.tolist() == [5.0, 2.0]
    with pytest.raises(BufferError, match="detach"):
        tl.from_dlpack(torch.tensor([1.0], requires_grad=True))

"""NumPy's functions on tensors: the values, the gradients, and every argument where it belongs."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors
from tinygrad_lesson.translation import QUESTIONS, SIGNATURES, translated

from .numpy_calls import CALLS, X
from .support import numeric_gradients, parts, reals, same, seeded


@pytest.fixture
def x():
    return Tensor(np.array([[0.25, 0.5], [0.75, 1.0]]), requires_grad=True)


def functions() -> Iterator[tuple[str, Any]]:
    """Every function of NumPy that hands its work over to what it is given."""
    for module in (np, np.linalg):
        for name in dir(module):
            function = getattr(module, name)
            if isinstance(function, type(np.sum)):
                yield f"{module.__name__.replace('numpy', 'np')}.{name}", function


TRANSLATED = {
    name: function
    for name, function in functions()
    if function.__name__ not in QUESTIONS and translated(function) is not None
}


def test_every_translated_function_is_called() -> None:
    assert set(TRANSLATED) <= set(CALLS)


def test_most_of_numpy_is_there() -> None:
    """The floor is raised as the vocabulary grows."""
    assert len(TRANSLATED) > 120


@pytest.mark.filterwarnings("ignore:`trapz`|invalid value:DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "number"), [(name, i) for name in TRANSLATED for i in range(len(CALLS.get(name, ())))]
)
def test_numpys_function_on_a_tensor_is_recorded(name, number):
    """The value, the dtype, and the gradient of the sum with random weights."""
    function, call = TRANSLATED[name], CALLS[name][number]
    x = Tensor(X, requires_grad=True)
    found, expected = parts(call(function, x)), parts(call(function, X))
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, np.ndarray | np.generic):
            assert isinstance(one, Tensor)
            assert one.dtype == other.dtype
            same(one, other)
        else:
            assert one == other
    recorded = [one for one in found if isinstance(one, Tensor) and one.requires_grad]
    if not recorded:
        return
    weights = [seeded(name, i).uniform(-1, 1, one.shape) for i, one in enumerate(recorded)]
    where = [i for i, one in enumerate(found) if one.requires_grad]

    def loss(arrays: Any) -> Any:
        results = parts(call(function, arrays[0]))
        return sum(np.sum(w * results[i]) for w, i in zip(weights, where, strict=True))

    total = sum(
        (Tensor(w, dtype=one.dtype) * one).sum() for w, one in zip(weights, recorded, strict=True)
    )
    (gradient,) = autograd.grad(total, x)
    tolerance = 1e-8 if total.dtype == tl.float64 else 1e-2
    same(gradient, *numeric_gradients(loss, [X], [0]), tolerance, tolerance)


CONSTANT = {
    "all", "any", "argmax", "argmin", "argsort", "argwhere", "around", "can_cast", "count_nonzero",
    "empty_like", "fix", "flatnonzero", "full_like", "imag", "isin", "isneginf",
    "isposinf", "matrix_rank", "nanargmax", "nanargmin", "nonzero", "ones_like", "result_type",
    "round", "searchsorted", "zeros_like",
}  # fmt: skip


@pytest.mark.parametrize("name", [n for n in TRANSLATED if CALLS.get(n)])
def test_the_history_is_never_lost(name):
    results = parts(CALLS[name][0](TRANSLATED[name], Tensor(X, requires_grad=True)))
    recorded = [r for r in reals([r for r in results if isinstance(r, Tensor)]) if r.requires_grad]
    assert bool(recorded) == (name.split(".")[-1] not in CONSTANT)


def test_the_third_argument_of_sum_is_a_dtype():
    x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    total = np.sum(x, 0, np.float64)
    assert total.dtype == tl.float64
    assert total.tolist() == [4.0, 6.0]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signatures_that_are_written_down_are_numpys(name):
    try:
        theirs = inspect.signature(getattr(np, name)).parameters.values()
    except ValueError:
        pytest.skip("this NumPy does not tell")
    ours = inspect.signature(SIGNATURES[name]).parameters.values()
    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs
    ]


@pytest.mark.parametrize("question", sorted(q for q in QUESTIONS if not q.startswith("save")))
def test_questions_get_the_array(x, question):
    function = getattr(np, question)
    several = question.startswith(("array_eq", "allclose", "isclose", "may_share", "shares"))
    expected = function(x.numpy(), x.numpy()) if several else function(x.numpy())
    assert np.all((function(x, x) if several else function(x)) == expected)


def test_a_refused_argument_is_named(x):
    with pytest.raises(errors.ArgumentError) as caught:
        np.sum(x, where=np.array(True))
    assert str(caught.value) == (
        "[np.sum] not available on a Tensor with where=. Call it on t.numpy(), or write it with"
        " the functions of tinygrad_lesson."
    )


def test_saving(x, tmp_path):
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x, twice=2 * x)
    np.savetxt(tmp_path / "x.txt", x)
    same(np.load(tmp_path / "x.npy"), x)
    with np.load(tmp_path / "x.npz") as arrays:
        same(arrays["arr_0"], x)
        same(arrays["twice"], 2 * x)
    same(np.loadtxt(tmp_path / "x.txt"), x)

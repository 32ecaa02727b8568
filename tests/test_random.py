"""Random tensors: explicit generators, and one default for each context."""

from __future__ import annotations

import contextvars
import threading

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.errors import ArgumentError, DTypeError, RangeError, ShapeError


@pytest.mark.parametrize("function", [tl.rand, tl.randn])
def test_shape_dtype_and_flag(function):
    assert function(2, 3).shape == function((2, 3)).shape == function([2, 3]).shape == (2, 3)
    assert function().shape == ()
    assert function(2).dtype == tl.float32
    assert function(2, dtype=tl.float64).dtype == tl.float64
    assert function(2, requires_grad=True).requires_grad


def test_a_seed_repeats_the_numbers():
    tl.manual_seed(3)
    first = [tl.rand(3), tl.randn(3), tl.randint(0, 9, (3,)), tl.randperm(5)]
    tl.manual_seed(3)
    second = [tl.rand(3), tl.randn(3), tl.randint(0, 9, (3,)), tl.randperm(5)]
    assert [t.tolist() for t in first] == [t.tolist() for t in second]
    assert tl.rand(3).tolist() != tl.rand(3).tolist()


def test_an_explicit_generator_leaves_the_default_alone():
    generator = np.random.default_rng(0)
    tl.manual_seed(3)
    expected = tl.rand(3).tolist()
    tl.manual_seed(3)
    drawn = [
        tl.rand(3, generator=generator),
        tl.randn(3, generator=generator),
        tl.randint(0, 9, (3,), generator=generator),
        tl.randperm(5, generator=generator),
    ]
    assert tl.rand(3).tolist() == expected
    again = np.random.default_rng(0)
    assert drawn[0].tolist() == tl.rand(3, generator=again).tolist()


def test_manual_seed_returns_the_default():
    generator = tl.manual_seed(1)
    assert isinstance(generator, np.random.Generator)
    assert generator is tl.default_generator()


def test_a_seed_set_in_another_context_stays_there():
    tl.manual_seed(5)
    mine = tl.default_generator()
    contextvars.copy_context().run(tl.manual_seed, 7)
    thread = threading.Thread(target=tl.manual_seed, args=(7,))
    thread.start()
    thread.join()
    assert tl.default_generator() is mine


def test_ranges():
    tl.manual_seed(0)
    uniform = tl.rand(1000).numpy()
    assert 0 <= uniform.min() < uniform.max() < 1
    integers = tl.randint(-2, 3, (1000,))
    assert integers.dtype == tl.int64
    assert set(integers.tolist()) == {-2, -1, 0, 1, 2}
    assert sorted(tl.randperm(50).tolist()) == list(range(50))


def test_moments():
    tl.manual_seed(0)
    normal = tl.randn(20000).numpy()
    assert abs(normal.mean()) < 0.05
    assert abs(normal.std() - 1) < 0.05


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: tl.rand(-2), ShapeError, "[rand] shape (-2,) has a negative length."),
        (lambda: tl.randn(2, 1.5), ArgumentError, "[randn] shape (2, 1.5) has lengths that"),
        (
            lambda: tl.randn(2, dtype=tl.int32),
            DTypeError,
            "[randn] random floats need a floating dtype, not int32."
            " Pass one such as tl.float32, or draw integers with tl.randint.",
        ),
        (lambda: tl.rand(2, dtype=bool), DTypeError, "[rand] random floats need"),
        (lambda: tl.rand(2, dtype="foo"), DTypeError, "[rand] 'foo' is not a dtype."),
        (
            lambda: tl.rand(2, generator=7),
            ArgumentError,
            "[rand] generator is a int. Pass a generator: np.random.default_rng(7).",
        ),
        (
            lambda: tl.randint(3, 3, (2,)),
            RangeError,
            "[randint] there is no integer from 3 up to 3. Pass low < high.",
        ),
        (lambda: tl.randint(5, (2,), 1), ArgumentError, "[randint] high=(2,) is no integer"),
        (lambda: tl.randint(0.5, 2, (2,)), ArgumentError, "[randint] low=0.5 is no integer"),
        (lambda: tl.randint(0, 2**64, (2,)), RangeError, "[randint] from 0 up to 1844674407"),
        (lambda: tl.randint(0, 2, (-1,)), ShapeError, "[randint] shape (-1,) has a negative"),
        (lambda: tl.randperm(-1), RangeError, "[randperm] n=-1 is negative. Pass n >= 0."),
        (lambda: tl.randperm([1, 2]), ArgumentError, "[randperm] n=[1, 2] is no integer"),
        (lambda: tl.manual_seed(-1), RangeError, "[manual_seed] seed=-1 is negative."),
        (lambda: tl.manual_seed("a"), ArgumentError, "[manual_seed] seed='a' is no integer"),
    ],
)
def test_mistakes(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_integers_of_every_size():
    assert tl.randint(0, 2, 3).shape == (3,)
    assert tl.randint(-(2**63), 2**63, (3,)).dtype == tl.int64

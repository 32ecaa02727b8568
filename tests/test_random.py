"""Random tensors: explicit generators, and one default for each context."""

from __future__ import annotations

import contextvars
import threading

import numpy as np
import pytest

import tinygrad_lesson as tl


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

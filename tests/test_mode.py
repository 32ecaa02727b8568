"""The ambient mode: switches that restore what they found."""

from __future__ import annotations

import asyncio
import threading

import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors
from tinygrad_lesson.mode import Mode, current

from .support import scalar


def test_no_grad_records_nothing():
    x = scalar(2.0)
    with tl.no_grad():
        assert not tl.is_grad_enabled()
        y = x * x
    assert y.node is None
    assert y.item() == 4.0
    assert tl.is_grad_enabled()


def test_no_grad_as_a_decorator():
    @tl.no_grad()
    def square(x):
        """Its square."""
        return x * x

    assert not square(scalar(2.0)).requires_grad
    assert square.__doc__ == "Its square."
    assert tl.is_grad_enabled()


def test_decorated_functions_may_recurse():
    @tl.no_grad()
    def countdown(n):
        assert not tl.is_grad_enabled()
        return countdown(n - 1) if n else 0

    countdown(5)
    assert tl.is_grad_enabled()


def test_a_switch_restores_what_it_found_not_a_default():
    with tl.no_grad():
        with tl.enable_grad():
            assert tl.is_grad_enabled()
            with tl.no_grad():
                assert not tl.is_grad_enabled()
            assert tl.is_grad_enabled()
        assert not tl.is_grad_enabled()


def test_one_switch_may_be_entered_twice():
    switch = tl.no_grad()
    with switch, switch:
        assert not tl.is_grad_enabled()
    assert tl.is_grad_enabled()


def test_what_is_not_changed_stays():
    other = Mode(grad=False, tracer="t", scope="MLP", debug=True, watch=True)
    assert other.but() == other
    assert other.but(scope="CNN", grad=True) == Mode(True, "t", "CNN", True, True)


def test_an_exception_restores_the_mode():
    with pytest.raises(KeyError), tl.no_grad():
        raise KeyError
    assert tl.is_grad_enabled()


def test_every_thread_has_its_own_mode():
    seen = []
    with tl.no_grad():
        thread = threading.Thread(target=lambda: seen.append(tl.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not tl.is_grad_enabled()
    assert seen == [True]


def test_a_switch_may_be_shared_by_threads():
    """Each thread restores its own mode, whatever the order in which they leave."""
    switch = tl.no_grad()
    inside, leave = threading.Event(), threading.Event()
    after = []

    def work():
        with tl.enable_grad():
            with switch:
                inside.set()
                leave.wait(10)
            after.append(tl.is_grad_enabled())

    with switch:
        thread = threading.Thread(target=work)
        thread.start()
        inside.wait(10)
    leave.set()
    thread.join()
    assert tl.is_grad_enabled()
    assert after == [True]


def test_every_coroutine_has_its_own_mode():
    async def quiet():
        with tl.no_grad():
            await asyncio.sleep(0)
            return tl.is_grad_enabled()

    async def loud():
        await asyncio.sleep(0)
        return tl.is_grad_enabled()

    async def both():
        return await asyncio.gather(quiet(), loud())

    assert asyncio.run(both()) == [False, True]


def test_a_mode_is_never_written_into():
    before = current()
    with tl.no_grad(), tl.debug():
        assert current() is not before
        assert before == Mode()
    assert current() is before


def test_debug_notes_the_line_of_the_user():
    x = scalar(2.0)
    assert (x * x).node.where is None
    with tl.debug():
        y = x * x
        z = tl.sum(x, axis=None)
        v = x.std()
    for result in (y, z, v):
        assert __file__ in result.node.where
    assert int(y.node.where.rsplit(":", 1)[1]) + 1 == int(z.node.where.rsplit(":", 1)[1])


def test_backward_runs_under_no_grad():
    x = scalar(3.0)
    y = x * x
    with tl.no_grad():
        y.backward()
    assert x.grad.item() == 6.0


def test_no_grad_decorates_with_or_without_parentheses_but_not_generators():
    w = Tensor(1.0, requires_grad=True)

    @tl.no_grad
    def plain():
        return (w * 2).requires_grad

    @tl.no_grad()
    def called():
        return (w * 2).requires_grad

    assert plain() is called() is False
    with pytest.raises(errors.ArgumentError, match="is a generator"):

        @tl.no_grad()
        def generator():
            yield w

"""Arguments of compiled steps: tensors that the step knows otherwise, too, flags and gradients,
and Python values, for each of which there is a program."""

from __future__ import annotations

import gc
import weakref
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.compiler.programs import ALL
from tinygrad_lesson.errors import ArgumentError, RetraceWarning, TraceError

needs_compiler = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")
MODES = ["numpy", pytest.param("c", marks=needs_compiler)]

Step = Callable[..., Any]


def numbers(found: Any) -> Any:
    if isinstance(found, tuple | list):
        return [numbers(x) for x in found]
    return found.tolist() if isinstance(found, Tensor) else found


def as_eager(make: Callable[[], tuple[Step, list[tuple[Any, ...]]]], mode: str = "numpy") -> Any:
    """Make a step and the arguments of some calls; compiled, it does what it does eagerly.

    What counts are the results, and what the arguments are after each call.
    """
    found = []
    for compiled in (False, True):
        step, calls = make()
        run = tl.compile(mode=mode)(step) if compiled else step
        told = []
        for args in calls:
            result = numbers(run(*args))
            tensors = [x for x in args if isinstance(x, Tensor)]
            told.append([result, [(x.tolist(), x.requires_grad, numbers(x.grad)) for x in tensors]])
        found.append(told)
    np.testing.assert_equal(found[1], found[0])
    return run


# ---- an argument that the step knows otherwise, too --------------------------------------------


def assigned(w: Tensor) -> Step:
    return lambda x: (w.assign(w * 2.0), x.sum())[1]


def argument_assigned(w: Tensor) -> Step:
    return lambda x: (x.assign(x * 2.0), w.sum())[1]


def both_assigned(w: Tensor) -> Step:
    def step(x: Tensor) -> Tensor:
        w.assign(w * 2.0)
        x.assign(x + w)
        w.assign(x * 0.5 + w)
        return w.sum() * x.sum()

    return step


def in_place(w: Tensor) -> Step:
    def step(x: Tensor) -> Tensor:
        nonlocal w
        w[0] = 5.0
        w *= 0.5
        return x * 1.0

    return step


def never_read(w: Tensor) -> Step:
    return lambda x: (w.assign(x.mean() + tl.zeros(2)), None)[1]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "make", [assigned, argument_assigned, both_assigned, in_place, never_read],
    ids=lambda make: make.__name__,
)  # fmt: skip
def test_an_argument_that_the_step_changes_otherwise(mode: str, make: Any) -> None:
    """Whichever call is the first one."""
    for order in ("wwvwwvv", "vvwwvw", "avwva"):

        def calls(order: str = order) -> Any:
            known = {"w": Tensor([1.0, 2.0]), "v": Tensor([3.0, -1.0]), "a": np.ones(2, np.float32)}
            return make(known["w"]), [(known[name],) for name in order if name != "a" or make in (
                assigned, in_place, never_read
            )]  # fmt: skip

        as_eager(calls, mode)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_tensor_twice_and_one_of_them_changes(mode: str) -> None:
    def make() -> Any:
        w, v = Tensor([1.0, 2.0]), Tensor([3.0, -1.0])

        def step(x: Tensor, y: Tensor) -> Tensor:
            x.assign(x * 2.0 + y)
            y.assign(x - w)
            return x + y * w

        return step, [(w, w), (v, v), (w, v), (v, w), (w, w), (v, v)]

    as_eager(make, mode)


@pytest.mark.parametrize("mode", MODES)
def test_a_parameter_that_is_trained_and_is_an_argument_too(mode: str) -> None:
    for taken in (lambda x, w: x.detach() * w, lambda x, w: x * w, lambda x, w: x * 2.0):
        for order in ("wwvwvv", "vvwwvw"):

            def make(taken: Any = taken, order: str = order) -> Any:
                w, v = (Tensor([0.5, 2.0], requires_grad=True, dtype=tl.float64) for _ in range(2))
                sgd = optim.SGD([w], lr=0.01, momentum=0.9)

                def step(x: Tensor) -> tuple[Tensor, Tensor]:
                    loss = (taken(x, w) ** 2).sum()
                    sgd.zero_grad()
                    x.grad = None
                    loss.backward()
                    sgd.step()
                    sgd.zero_grad()
                    x.grad = None
                    return loss.detach(), x.detach() + 0.0

                return step, [({"w": w, "v": v}[name],) for name in order]

            as_eager(make, mode)


def test_gradients_inside_of_a_tensor_that_is_an_argument_too() -> None:
    """With respect to it: what the step does with it under the other name counts as well."""

    def make() -> Any:
        w, v = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))

        def step(x: Tensor) -> Any:
            return tl.autograd.grad((x**3 * w).sum(), x)[0] * 1.0

        return step, [(v,), (w,), (v,), (w,)]

    as_eager(make)


def test_gradients_outside_of_a_tensor_that_is_an_argument_too() -> None:
    w, v = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))

    def cubes(x: Tensor) -> Tensor:
        return (x**3 * w).sum()

    f = tl.compile(cubes)
    for x in (v, w, w, v, v):
        for create_graph in (False, True):
            slopes = [tl.autograd.grad(run(x), x, create_graph=create_graph) for run in (cubes, f)]
            np.testing.assert_allclose(slopes[1][0].detach(), slopes[0][0].detach(), rtol=1e-6)
    with pytest.raises(tl.errors.GradientError):  # rather than a part of it
        tl.autograd.grad(f(w), w, create_graph=True)[0].sum().backward()


def test_loops_with_a_tensor_that_is_an_argument_too() -> None:
    found = []
    for compiled in (False, True):
        w, v = Tensor([1.0, 2.0]), Tensor([1.0, 0.0])
        step = assigned(w)
        for x in (v, w, v):
            if compiled:
                f = tl.compile(mode="c")(step)
                found.append([f.repeat(5, x).item(), w.tolist()])
            else:
                found.append([[step(x).item() for _ in range(5)][-1], w.tolist()])
    assert found[:3] == found[3:]


# ---- flags and gradients of arguments ----------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_a_gradient_is_added_to_what_is_there(mode: str) -> None:
    for given in (False, True):

        def make(given: bool = given) -> Any:
            x, y = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
            if given:
                x.grad = Tensor([1.0, 1.0])
            return (lambda x: (x**2).sum().backward()), [(x,), (x,), (y,), (x,), (y,)]

        as_eager(make, mode)


def test_a_gradient_of_a_tensor_that_is_looked_at_for_nothing_else() -> None:
    """Not for its numbers."""

    def make() -> Any:
        w, v = (Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        (w * 300.0).sum().backward()

        def halve() -> Any:
            w.grad = w.grad * 0.5  # type: ignore[operator]
            if v.grad is None:
                v.grad = tl.ones(2)
            return nn.utils.clip_grad_norm_([w], 100.0), w.grad, v.grad

        return halve, [()] * 4

    as_eager(make)


def test_gradients_of_tensors_of_the_steps_own_go_with_them() -> None:
    def step(x: Tensor) -> Tensor:
        own = (x * 1.0).detach().requires_grad_()
        (own**3).sum().backward()
        return own.grad * 1.0  # type: ignore[operator]

    compiled = tl.compile(step)
    for n in range(3):
        assert compiled(Tensor([float(n)])).item() == 3.0 * n**2
    assert compiled.program.writes == []


@pytest.mark.parametrize("mode", MODES)
def test_an_argument_whose_flag_the_step_sets(mode: str) -> None:
    """Also where gradients go there then."""

    def make() -> Any:
        known = [Tensor([1.0, 2.0]), Tensor([3.0, 4.0]), Tensor([5.0, 6.0], requires_grad=True)]

        def step(x: Tensor, on: bool) -> Any:
            x.requires_grad = on
            if on:
                (x**3).sum().backward()
            return x * 1.0 if not on else x.grad * 2.0  # type: ignore[operator]

        order = (0, True), (0, True), (0, False), (1, True), (2, True), (2, False), (1, False)
        return step, [(known[i], on) for i, on in (*order, (1, True))]

    as_eager(make, mode)


# ---- Python values among the arguments ---------------------------------------------------------


class Options:
    """Compared by identity."""

    def __init__(self, n: int) -> None:
        self.n = n


@dataclass
class Config:
    """Compared by its fields."""

    n: int
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Batch:
    """Holds tensors."""

    x: Tensor
    scale: float = 1.0


def test_what_is_compared_by_its_content() -> None:
    """And changes without becoming another object."""

    def add(s: set[Any]) -> None:
        s.add(3)

    def deeper(c: Config) -> None:
        c.more["a"] = [c.more.get("a")]

    changes: list[tuple[Any, Callable[[Any], Any], Callable[[Any], Any]]] = [
        ({1, 2}, len, add),
        ([1, {2}], lambda v: len(v[1]), lambda v: v[1].add(5)),
        (Config(2), lambda c: c.n, lambda c: setattr(c, "n", 5)),
        (Config(2), lambda c: len(str(c.more)), deeper),
        (SimpleNamespace(n=2), lambda c: c.n, lambda c: setattr(c, "n", 5)),
        (OrderedDict(n=2), lambda c: c["n"], lambda c: c.update(n=5)),
        (Counter("aab"), lambda c: c["a"], lambda c: c.update("a")),
        (defaultdict(int, a=2), lambda c: c["a"], lambda c: c.update(a=5)),
        (bytearray(b"ab"), len, lambda v: v.append(1)),
        ({"a": {"b": [1.0]}}, lambda v: v["a"]["b"][0], lambda v: v["a"]["b"].insert(0, 7.0)),
    ]
    for value, number, change in changes:
        step = tl.compile(lambda x, v, number=number: x * float(number(v)))
        for _ in range(3):
            for _ in range(2):
                assert step(Tensor([1.0]), value).item() == number(value), value
                assert step(Tensor([1.0]), v=value).item() == number(value), value
            change(value)


def test_tensors_in_nests_of_all_kinds() -> None:
    def step(batch: Any) -> Tensor:
        x: Tensor = batch["x"] if isinstance(batch, dict) else batch.x
        return x * 2.0

    for make in (Batch, lambda x: SimpleNamespace(x=x), lambda x: OrderedDict(x=x)):
        compiled, batch = tl.compile(step), make(Tensor([1.0]))
        for n in range(4):
            assert compiled(make(Tensor([float(n)]))).tolist() == [2.0 * n]
            assert compiled(batch).tolist() == [2.0 * n + 2.0]
            if isinstance(batch, dict):
                batch["x"] = Tensor([n + 2.0])
            else:
                batch.x = Tensor([n + 2.0])
        assert len(compiled._programs) == 1
    assert tl.compile(step)(Batch(tl.ones(2))).tolist() == [2, 2]


def test_a_nest_that_the_step_changes() -> None:
    """The next step would not."""

    def put(batch: Any) -> None:
        batch.x = batch.x * 2.0

    cases: list[tuple[Callable[[Any], Any], Any]] = [
        (lambda v: v.append(1), [0]),
        (lambda v: v[0].append(tl.ones(2)), ([0],)),
        (lambda v: v.update(a=2), {"a": 1}),
        (lambda v: v["a"].pop(), {"a": [Tensor([1.0])]}),
        (lambda v: v.add(1), {0}),
        (put, Batch(Tensor([1.0]))),
    ]
    for change, value in cases:
        step = tl.compile(lambda x, v, change=change: (change(v), x * 2.0)[1])
        kind = "dict" if isinstance(value, dict) and value == {"a": 1} else "list|set|Batch"
        before = repr(value)
        with pytest.raises(TraceError, match=f"changes a ({kind}) among its arguments.*Return"):
            step(Tensor([1.0]), value)
        assert repr(value) == before


def test_a_value_without_a_hash_is_refused() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = None  # type: ignore[assignment]

    step = tl.compile(lambda x, v: x * 2.0)
    with pytest.raises(ArgumentError, match=r"an argument is a Odd, which has no hash.*Pass what"):
        step(Tensor([1.0]), Odd())
    with pytest.raises(ArgumentError, match=r"a set of tensors, which has no order\. Pass a list"):
        step(Tensor([1.0]), {Tensor([1.0])})


def test_programs_are_bounded_and_the_argument_is_named() -> None:
    step = tl.compile(lambda x, n: x * float(n))
    for n in range(8):
        assert step(Tensor([1.0]), n).item() == n
    with pytest.warns(RetraceWarning, match=r"9th time.*'n'.*tensors, tl\.Tensor\(n\)") as told:
        step(Tensor([1.0]), 8)
    assert [warning.filename for warning in told] == [__file__]
    for n in range(9, 150):
        assert step(Tensor([1.0]), n).item() == n
        assert step(Tensor([1.0]), 0).item() == 0  # is used all the time, and stays
    assert len(step._programs) == ALL
    ran: list[int] = []
    function = step.function
    step.function = lambda x, n: (ran.append(n), function(x, n))[1]
    for n in (0, 149, 140, 1, 0):
        assert step(Tensor([1.0]), n).item() == n
    assert ran == [1]

    step = tl.compile(lambda x, o: x * float(o.n))
    gone = []

    def go_on() -> None:
        for n in range(ALL + 10):
            options = Options(n)
            gone.append(weakref.ref(options))
            assert step(Tensor([1.0]), options).item() == n

    with pytest.warns(RetraceWarning, match=r"'o'.*pass the same one"):
        go_on()
    gc.collect()
    assert sum(reference() is not None for reference in gone) <= ALL

    step = tl.compile(lambda x: x * 2.0)
    with pytest.warns(RetraceWarning, match=r"'x'.*padding"):
        list(map(step, map(tl.ones, range(ALL + 10))))
    assert len(step._programs) == ALL


def test_threads_are_counted_from_one() -> None:
    for threads in (0, -1, 1.5, "2"):
        with pytest.raises(ValueError if threads in (0, -1) else (TypeError, ValueError)) as info:
            tl.compile(lambda x: x, threads=threads)  # type: ignore[call-overload]
        assert "threads" in str(info.value)

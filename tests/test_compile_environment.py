"""What a compiled step finds outside: names, and attributes of what they stand for, may change."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import TraceError

ONE = Tensor([1.0])


def file_of(text: str) -> Any:
    """A file of the user's, as it is when it is imported."""
    made = types.ModuleType("file_of_the_users")
    exec(text, vars(made))
    return made


class Settings:
    """Numbers in a class, and in an object of it."""

    scale = 2.0

    def __init__(self) -> None:
        self.offset = 1.0
        self.inner = types.SimpleNamespace(offset=1.0)
        self.count = 0


SETTINGS = Settings()


def follows(step: Callable[[Tensor], Tensor], *changes: Callable[[], None]) -> None:
    """Compiled, a step gives what it gives eagerly, after each change as well."""
    compiled = tl.compile(step)
    for change in (lambda: None, *changes):
        change()
        for _ in range(2):
            assert compiled(ONE).item() == step(ONE).item()
    assert len(compiled._programs) == 1 + len(changes)


def test_functions_and_numbers_of_other_files() -> None:
    one = file_of("SCALE = 2.0\ndef scaled(x): return x * SCALE\n")
    two = file_of("")
    two.one, two.factor, scaled = one, 3.0, one.scaled
    follows(lambda x: scaled(x), lambda: setattr(one, "SCALE", 5.0))
    follows(lambda x: one.scaled(x), lambda: setattr(one, "SCALE", 2.0))
    follows(
        lambda x: two.one.scaled(x) * two.factor + two.one.SCALE,
        lambda: setattr(one, "SCALE", 7.0),
        lambda: setattr(two, "factor", 4.0),
        lambda: setattr(one, "scaled", lambda x: x * 9.0),
    )


def test_numbers_of_classes_and_objects() -> None:
    settings = Settings()
    follows(
        lambda x: x * Settings.scale + settings.offset + SETTINGS.offset * settings.inner.offset,
        lambda: setattr(Settings, "scale", 5.0),
        lambda: setattr(settings, "offset", 6.0),
        lambda: setattr(SETTINGS, "offset", 7.0),
        lambda: setattr(settings.inner, "offset", 8.0),
    )
    follows(
        lambda x: x * settings.scale,  # first of the class, then of the object
        lambda: setattr(Settings, "scale", 2.0),
        lambda: setattr(settings, "scale", 3.0),
    )


def test_numbers_of_the_object_whose_method_is_the_step() -> None:
    class Trainer:
        rate = 3.0

        def __init__(self) -> None:
            self.beta = 2.0

        def step(self, x: Tensor) -> Tensor:
            return x * self.beta * self.rate

    trainer = Trainer()
    follows(
        trainer.step,
        lambda: setattr(trainer, "beta", 5.0),
        lambda: setattr(Trainer, "rate", 7.0),
        lambda: setattr(trainer, "rate", 11.0),
    )

    class Model(nn.Module):
        def __init__(self) -> None:
            self.beta = 2.0
            self.last: Tensor = nn.Buffer(tl.zeros(1))

        def loss(self, x: Tensor) -> Tensor:
            self.last = (self.last * 0.5 + x).detach()
            return x * self.beta

    model = Model()
    follows(model.loss, lambda: setattr(model, "beta", 5.0))


def test_functions_that_are_arguments_or_attributes() -> None:
    scale = 2.0

    def scaled(x: Tensor) -> Tensor:
        return x * scale

    class Block(nn.Module):
        def __init__(self) -> None:
            self.function = scaled

        def forward(self, x: Tensor) -> Tensor:
            return self.function(x)

    with_argument = tl.compile(lambda x, function: function(x))
    with_attribute = tl.compile(Block())
    for scale in (2.0, 3.0):
        for _ in range(2):
            assert with_argument(ONE, scaled).item() == scale
            assert with_attribute(ONE).item() == scale


class Trainer:
    """One method calls another, which computes with what the object has."""

    def __init__(self) -> None:
        self.beta, self.settings = 2.0, Settings()

    def loss(self, x: Tensor) -> Tensor:
        return self.part(x) * self.settings.offset

    def part(self, x: Tensor) -> Tensor:
        return x * self.beta * self.twice

    @property
    def twice(self) -> float:
        return 2.0 * self.settings.inner.offset

    @classmethod
    def scaled(cls, x: Tensor) -> Tensor:
        return x * cls.scale

    scale = 3.0

    def __call__(self, x: Tensor) -> Tensor:
        return self.loss(x) + self.scaled(x)

    @tl.compile
    def step(self, x: Tensor) -> Tensor:
        return self(x)


@pytest.mark.parametrize("way", ["call", "method", "itself", "partial", "default", "argument"])
def test_numbers_that_methods_read(way: str) -> None:
    trainer = Trainer()
    steps: dict[str, Callable[..., Tensor]] = {
        "call": lambda x: trainer(x),
        "method": lambda x: trainer.loss(x) + Trainer.scaled(x),
        "itself": trainer,
        "partial": functools.partial(lambda given, x: given(x) * given.beta, trainer),
        "default": lambda x, given=trainer: given(x) * given.beta,
        "argument": lambda x: Trainer.__call__(trainer, x),
    }
    follows(
        steps[way],
        lambda: setattr(trainer, "beta", 5.0),
        lambda: setattr(trainer.settings, "offset", 7.0),
        lambda: setattr(trainer.settings.inner, "offset", 11.0),
    )


def test_numbers_of_the_object_whose_method_is_compiled_in_its_class() -> None:
    trainer = Trainer()
    for beta in (2.0, 5.0):
        trainer.beta = beta
        for settings in (trainer.settings, Settings()):
            trainer.settings = settings
            settings.offset = beta + 1.0
            for _ in range(2):
                assert trainer.step(ONE).item() == trainer(ONE).item()


def test_numbers_of_an_object_with_slots() -> None:
    @dataclass(slots=True)
    class Slim:
        scale: float = 2.0

    slim = Slim()
    follows(lambda x: x * slim.scale, lambda: setattr(slim, "scale", 5.0))

    def step(x: Tensor) -> Tensor:
        slim.scale += 1.0
        return x * slim.scale

    with pytest.raises(TraceError, match="the variable 'scale' another value"):
        tl.compile(step)(ONE)
    assert slim.scale == 5.0


class Scale:
    """A number, which code inside of its methods reads."""

    def __init__(self, number: float = 2.0) -> None:
        self.number = number

    def __call__(self, x: Tensor) -> Tensor:
        return x * self.number

    def times(self, x: Tensor) -> Tensor:
        def inner(x: Tensor) -> Tensor:
            return x * self.number

        return inner(x)


class Descendant(Scale):
    pass


@pytest.mark.parametrize("way", ["inside", "inherited", "listed"])
def test_numbers_that_others_read_for_a_method(way: str) -> None:
    scale = Descendant()
    scales = [Scale(3.0), scale]
    steps: dict[str, Callable[..., Tensor]] = {
        "inside": lambda x: Scale.times(scale, x),
        "inherited": lambda x: scale(x),
        "listed": lambda x: functools.reduce(lambda x, scale: scale(x), scales, x),
    }
    follows(steps[way], lambda: setattr(scale, "number", 5.0))


def test_numbers_that_functions_in_a_dict_read() -> None:
    settings = Settings()
    ways = {"linear": lambda x: x * settings.offset}
    follows(lambda x: ways["linear"](x), lambda: setattr(settings, "offset", 5.0))


def test_numbers_of_an_argument_that_a_function_inside_reads() -> None:
    @tl.compile
    def step(scale: Scale, x: Tensor) -> Tensor:
        return functools.reduce(lambda x, _: x * scale.number, range(2), x)

    scale = Scale()
    for number in (2.0, 5.0):
        scale.number = number
        assert step(scale, ONE).item() == number**2


def test_slots_of_an_object_that_makes_up_its_attributes() -> None:
    class Table:
        __slots__ = ("empty", "scale")

        def __getattr__(self, name: str) -> float:
            return {"made_up": 3.0}[name]

    table = Table()
    table.scale = 2.0
    follows(lambda x: x * table.scale * table.made_up, lambda: setattr(table, "scale", 5.0))


def test_an_object_that_makes_up_its_attributes() -> None:
    class Table:
        def __init__(self, **numbers: float) -> None:
            self.numbers = numbers

        def __getattr__(self, name: str) -> float:
            return self.numbers[name]  # which raises another error than attributes do

    table = Table(scale=2.0)
    step = tl.compile(lambda x: x * table.scale)
    assert [step(ONE).item() for _ in range(3)] == [2.0] * 3


def test_what_the_librarys_own_objects_count() -> None:
    schedule = tl.optim.lr_scheduler.StepLR(tl.optim.SGD([nn.Parameter(1.0)], lr=1.0), 1)
    follows(lambda x: x * float(schedule.last_epoch + 1), schedule.step)


def test_a_helper_that_counts_its_calls() -> None:
    class Helper:
        calls = 0

        def double(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x * 2.0

    helper = Helper()
    helper.calls = 0
    with pytest.raises(TraceError, match="the variable 'calls' another value"):
        tl.compile(lambda x: helper.double(x))(ONE)
    assert helper.calls == 0


def test_names_that_are_local() -> None:
    """A variable of the function's own is not taken for the one outside that is called so."""
    space: dict[str, Any] = {"value": 1.0}
    exec("def step(x):\n    value = x * 2.0\n    return value.sum()\n", space)
    compiled = tl.compile(space["step"])
    for n in range(4):
        space["value"] = float(n)
        assert compiled(ONE).item() == 2.0
    assert len(compiled._programs) == 1


def test_an_object_that_counts_its_steps() -> None:
    class Trainer:
        def __init__(self) -> None:
            self.count = 0

        def step(self, x: Tensor) -> Tensor:
            self.count += 1
            return x * 2.0

    trainer = Trainer()
    with pytest.raises(TraceError, match=r"the variable 'count' another value.*Return the"):
        tl.compile(trainer.step)(ONE)
    assert trainer.count == 0

    def other(x: Tensor) -> Tensor:
        SETTINGS.count += 1
        return x * 2.0

    with pytest.raises(TraceError, match="the variable 'count' another value"):
        tl.compile(other)(ONE)
    assert SETTINGS.count == 0


def test_items_of_lists_and_dicts() -> None:
    """Tensors and numbers, also where lists are in lists; but not where the step itself changes."""
    a, b = Tensor([2.0]), Tensor([3.0])
    flat, nested, table, ran = [a, 1.0], ([a, [b]], {"scale": 1.0}), {"w": a, "n": 2.0}, [0]

    def step(x: Tensor) -> Tensor:
        ran.append(1)
        weight: Any = nested[0]
        return x * flat[0] * flat[1] * weight[1][0] * nested[1]["scale"] * table["w"] * table["n"]

    follows(
        step,
        lambda: flat.__setitem__(0, b),
        lambda: flat.__setitem__(1, 5.0),
        lambda: nested[0][1].__setitem__(0, Tensor([7.0])),  # type: ignore[index]
        lambda: nested[1].update(scale=11.0),  # type: ignore[union-attr]
        lambda: table.update(w=Tensor([13.0])),
        lambda: table.update(n=17.0),
    )
    a.assign([19.0])
    assert tl.compile(step)(ONE).item() == step(ONE).item()


def test_tuples_of_tensors_that_look_alike() -> None:
    one, other = tl.zeros(2000), tl.zeros(2000)
    other[1000] = 1.0
    assert repr(one) == repr(other)
    pair = (one, 2.0)
    step = tl.compile(lambda x: (x * pair[0] * pair[1]).sum())
    for found in (one, other, one):
        pair = (found, 2.0)
        assert [step(ONE).item() for _ in range(2)] == [found.sum().item() * 2.0] * 2


def test_arrays_among_the_results_are_new_ones() -> None:
    table = np.array([1.0, 2.0])
    step = tl.compile(lambda x: (x * 2.0, np.zeros(2), table))
    for n in range(4):
        table[0] = n
        _, zeros, shown = step(ONE)
        assert (zeros.tolist(), shown.tolist()) == ([0.0, 0.0], [n, 2.0])
        zeros += 1.0
        shown[1] = shown[1]


def test_sets_among_the_results_are_new_ones() -> None:
    step = tl.compile(lambda x: (x * 2.0, {1, 2}, bytearray(b"ab")))
    for _ in range(4):
        _, numbers, text = step(ONE)
        assert (numbers, text) == ({1, 2}, b"ab")
        numbers.add(3)
        text += b"c"


def test_slices_among_the_arguments() -> None:
    step = tl.compile(lambda x, s: x[s])
    x = tl.arange(5)
    for _ in range(2):
        assert step(x, slice(1, 3)).tolist() == [1, 2]
        assert step(x, slice(None, None, 2)).tolist() == [0, 2, 4]
        assert step(x, (slice(2),)).tolist() == [0, 1]
    assert len(step._programs) == 3

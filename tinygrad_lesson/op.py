"""Op: a forward function and one derivative rule for each input, declared in one place.

::

    @elementwise(samples=[uniform(-3, 3)])
    def tanh(xp, x, /):
        \"\"\"Hyperbolic tangent.\"\"\"
        return xp.tanh(x)

    @tanh.vjp("x", saves=("out",))
    def _(xp, g, out, x):
        return g * (1 - out * out)

The forward takes the namespace, then its arrays (positional-only, or ``*arrays``), then its
static parameters. A rule is always called ``rule(xp, g, out, *arrays, **params)``: `g` is the
gradient of the loss with respect to the output, and what comes back is the gradient with respect
to one input. A rule may compute with what it declares in `saves`; every other array is a
stand-in that knows only ``shape``, ``dtype`` and ``ndim``. It uses nothing but `xp`, operators
and Python numbers, so the same rule runs on NumPy arrays, on Tensors (which gives the second
derivative) and under a tracer. Broadcasting and dtypes are undone by the walk, not by the rule.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, NamedTuple, ParamSpec

from .arrays import Array, Namespace
from .errors import ArgumentError, NotDifferentiableError
from .samples import Domain, Sample

if TYPE_CHECKING:
    from .tensor import Tensor

P = ParamSpec("P")

RuleFunction = Callable[..., Array]


class Rule(NamedTuple):
    """The derivative with respect to one input, and the arrays that it computes with."""

    function: RuleFunction
    saves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a node keeps, and which rules it runs, when certain inputs want a gradient.

    Attributes
    ----------
    slots
        The places of the saved arrays: 0 is the output, i + 1 the input i.
    keep
        Picks those arrays out of ``(out, *inputs)``.
    rules
        ``(i, rule)`` for each wanted input i.
    """

    slots: tuple[int, ...]
    keep: Callable[[tuple[Array, ...]], tuple[Array, ...]]
    rules: tuple[tuple[int, RuleFunction], ...]


def _picker(slots: tuple[int, ...]) -> Callable[[tuple[Array, ...]], tuple[Array, ...]]:
    if not slots:
        return itemgetter(slice(0, 0))
    if len(slots) == 1:  # itemgetter of one index would not give a tuple
        return itemgetter(slice(slots[0], slots[0] + 1))
    return itemgetter(*slots)


REGISTRY: dict[str, Op[...]] = {}
"""Every op by name, in the order of declaration."""


class Op(Generic[P]):
    """A function of arrays that knows its derivative.

    Made by calling a :class:`Kind` as a decorator; called with Tensors, it records a node.

    Attributes
    ----------
    name, doc, kind
        What it is called, what its docstring says, and how it treats shapes.
    arrays
        The names of its array inputs, in order; if it is `variadic`, the last name stands for any
        number of them, as in ``getitem(x, *indices)``.
    defaults
        Its static parameters and their default values (`required` has those without).
    rules
        The derivative for each name in `arrays`; a name in `without_gradient` has none because the
        derivative is zero, and one in neither has none because nobody wrote it.
    samples
        The inputs on which the tests try it.
    """

    recorder: ClassVar[Callable[[Op[...]], Callable[..., Tensor]]]

    def __init__(
        self,
        kind: Kind,
        forward: Callable[Concatenate[Namespace, P], Array],
        samples: tuple[Domain | Sample, ...],
        register: bool,
    ) -> None:
        signature = inspect.signature(forward)
        _, *inputs = signature.parameters.values()
        self.name = forward.__name__
        self.doc = inspect.cleandoc(forward.__doc__ or "")
        self.kind = kind
        self.forward = forward
        self.samples = samples
        array_kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)
        self.arrays = tuple(p.name for p in inputs if p.kind in array_kinds)
        self.variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in inputs)
        static = {p.name: p.default for p in inputs if p.kind not in array_kinds}
        empty = inspect.Parameter.empty
        if not self.arrays:
            raise ArgumentError(
                self.name,
                "its forward has no array inputs",
                f"Put a slash after them: def {self.name}(xp, x, /, ...).",
            )
        self.parameters = tuple(static)
        self.required = tuple(name for name, value in static.items() if value is empty)
        self.defaults: Mapping[str, Any] = {
            name: value for name, value in static.items() if value is not empty
        }
        self.rules: dict[str, Rule] = {}
        self.without_gradient: frozenset[str] = frozenset()
        self.plans = _Plans(self)
        # What help(), inspect and editors show.
        self.__name__ = self.__qualname__ = self.name
        self.__module__ = forward.__module__
        self.__doc__ = forward.__doc__
        self.__signature__ = signature.replace(parameters=inputs)
        if register:
            REGISTRY[self.name] = self

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Tensor:  # noqa: D102
        try:
            return self.record(*args, **kwargs)
        except TypeError:
            count = len(self.arrays)
            if len(args) == count or self.parameters or self.variadic:
                raise
            given = f"{len(args)} argument{'s are' if len(args) != 1 else ' is'}"
            few = "few" if len(args) < count else "many"
            raise ArgumentError(self.name, f"{given} too {few}", f"Call {self.usage}.") from None

    @functools.cached_property
    def record(self) -> Callable[..., Tensor]:
        """The function that runs this op on Tensors and adds its node to the graph."""
        return Op.recorder(self)

    def vjp(
        self, *names: str, saves: tuple[str, ...] = ()
    ) -> Callable[[RuleFunction], RuleFunction]:
        """Declare the derivative rule for the inputs `names` (one rule may serve several).

        Parameters
        ----------
        names
            Inputs of the forward. For ``*arrays`` the rule also gets ``position=``, the number
            of the array whose gradient is asked for.
        saves
            The arrays that the rule computes with: ``"out"`` or names of inputs.
        """
        unknown = (set(names) - set(self.arrays)) | (set(saves) - {"out", *self.arrays})
        if unknown or not names:
            raise self._unknown("vjp", unknown)

        def declare(function: RuleFunction) -> RuleFunction:
            for name in names:
                self.rules[name] = Rule(function, saves)
            self.plans.clear()
            return function

        return declare

    def no_gradient(self, *names: str) -> None:
        """Declare that the derivative with respect to the inputs `names` is zero."""
        unknown = set(names) - set(self.arrays)
        if unknown:
            raise self._unknown("no_gradient", unknown)
        self.without_gradient |= set(names)
        self.plans.clear()

    def _unknown(self, method: str, names: set[str]) -> ArgumentError:
        return ArgumentError(
            f"{self.name}.{method}",
            f"{sorted(names)} are no inputs of this op" if names else "no input is named",
            f"Its inputs are {list(self.arrays)}, and saves= may also name 'out'.",
        )

    @property
    def differentiable(self) -> bool:
        """Whether some derivative of it is other than zero."""
        return not self.without_gradient.issuperset(self.arrays)

    def input_name(self, position: int) -> str:
        """The name of the input at `position`; all positions past the last share its name."""
        return self.arrays[min(position, len(self.arrays) - 1)]

    @property
    def usage(self) -> str:
        """How to call it: ``sum(x, /, axis=None, keepdims=False)``."""
        bare = [
            p.replace(annotation=inspect.Parameter.empty)
            for p in self.__signature__.parameters.values()
        ]
        return f"{self.name}{inspect.Signature(bare)}"

    def slots(self, saved: str, count: int) -> range:
        """The places that the name `saved` has in ``(out, *inputs)``, for `count` inputs."""
        if saved == "out":
            return range(1)
        first = self.arrays.index(saved) + 1
        several = self.variadic and first == len(self.arrays)
        return range(first, count + 1 if several else first + 1)

    def __repr__(self) -> str:
        return f"<op {self.usage}>"

    def __reduce__(self) -> str:
        return self.name  # in its module, as a function is pickled


class _Plans(dict[int, Plan]):
    """The op's table of plans, filled on first use.

    The key is a bit mask: bit i is set where input i wants a gradient, and one more bit is set
    above the last input, so that the key also tells how many inputs there are.
    """

    def __init__(self, op: Op[...]) -> None:
        self.op = op

    def __missing__(self, key: int) -> Plan:
        op, count = self.op, key.bit_length() - 1
        rules: list[tuple[int, RuleFunction]] = []
        slots: set[int] = set()
        for i in range(count):
            name = op.input_name(i)
            if not key >> i & 1 or name in op.without_gradient:
                continue
            rule = op.rules.get(name) or Rule(_unwritten(op.name, name), ())
            several = op.variadic and name == op.arrays[-1]
            function = functools.partial(rule.function, position=i) if several else rule.function
            rules.append((i, function))
            slots.update(*(op.slots(saved, count) for saved in rule.saves))
        ordered = tuple(sorted(slots))
        plan = self[key] = Plan(ordered, _picker(ordered), tuple(rules))
        return plan


def _unwritten(op: str, name: str) -> RuleFunction:
    def rule(*args: Any, **kwargs: Any) -> Array:
        raise NotDifferentiableError(
            op,
            f"nobody has written its derivative with respect to {name!r}",
            f'Declare it with @{op}.vjp("{name}"), or detach() that input.',
        )

    return rule


class Kind:
    """A family of ops; called with samples, it is the decorator that declares one.

    Parameters
    ----------
    name
        Decides the colour in the picture, and later how the compiler may fuse the op.
    composite
        The forward only calls other ops: run on Tensors it records their nodes, so that it
        needs no rules of its own.
    """

    def __init__(self, name: str, *, composite: bool = False) -> None:
        self.name, self.composite = name, composite

    def __call__(
        self, *, samples: Sequence[Domain | Sample], register: bool = True
    ) -> Callable[[Callable[Concatenate[Namespace, P], Array]], Op[P]]:
        """Decorate a forward function, giving its Op.

        Parameters
        ----------
        samples
            One domain for each input (elementwise ops), or whole calls.
        register
            Add it to the registry, under the name of the function.
        """

        def declare(forward: Callable[Concatenate[Namespace, P], Array]) -> Op[P]:
            return Op(self, forward, tuple(samples), register)

        return declare

    def __repr__(self) -> str:
        return f"<kind {self.name}>"


elementwise = Kind("elementwise")  # each output element from one element of each input
reduction = Kind("reduction")  # along axes, numbers are summed up or otherwise become one
movement = Kind("movement")  # the same numbers in another shape, order or dtype
linear = Kind("linear")  # sums of products of the inputs
indexing = Kind("indexing")  # elements chosen by number
creation = Kind("creation")  # new numbers in the shape of an old array
scan = Kind("scan")  # along an axis, each number from all those up to it
composite = Kind("composite", composite=True)  # a formula in other ops, differentiated through

"""A function with a gradient of the user's own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, ParamSpec, TypeVar
from weakref import ref

from .arrays import SLOT, Array
from .errors import ArgumentError, GradientError, NotDifferentiableError
from .mode import current, enable_grad, no_grad
from .segments import Segment, record, segment_op
from .tensor import Tensor
from .trees import flatten

P = ParamSpec("P")
R = TypeVar("R")


class custom_vjp(Generic[P, R]):  # noqa: N801  JAX's name
    """Give a function of tensors a derivative of your own; the signature is JAX's.

    The graph shows the function as one node, and ``tl.gradcheck`` checks the rule, and names it, as
    it does with those of the library. Higher derivatives are those of `forward` and `backward`.
    Under ``tl.vmap`` it has gradients inside, ``tl.vmap(tl.grad(f))``, and none from outside.

    Parameters
    ----------
    function
        Of tensors or nested tuples, lists and dicts of them, returning the same.
    nondiff_argnums
        Which positional arguments are no tensors to differentiate with respect to; `backward` gets
        them first.

    Examples
    --------
    Clip a gradient on its way back:

    >>> import tinygrad_lesson as tl
    >>> @tl.custom_vjp
    ... def gently(x):
    ...     return x * 1.0
    >>> gently.defvjp(
    ...     forward=lambda x: (gently(x), None),
    ...     backward=lambda residuals, g: (tl.clip(g, -1.0, 1.0),),
    ... )
    >>> x = tl.Tensor([1.0, 2.0], requires_grad=True)
    >>> (gently(x) * tl.Tensor([0.5, 30.0])).sum().backward()
    >>> x.grad.tolist()
    [0.5, 1.0]
    """

    def __init__(self, function: Callable[P, R], nondiff_argnums: Sequence[int] = ()) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.nondiff_argnums = frozenset(nondiff_argnums)
        self.name = getattr(function, "__name__", "custom")
        self.op = segment_op(self.name, function.__doc__ or "")
        self._rule: tuple[Callable[..., Any], Callable[..., Any]] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Say how the gradient is computed.

        Parameters
        ----------
        forward
            Of the function's arguments; returns its value, and whatever `backward` will need.
        backward
            Of that, and of a cotangent nested like the value. Returns a tuple with one gradient,
            nested like the argument, for each argument (None: zero).
        """
        self._rule = forward, backward

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function; if an argument requires a gradient, record one node."""
        if self._rule is None:
            raise NotDifferentiableError(
                self.name, "it has no rule yet", f"Call {self.name}.defvjp(forward, backward)."
            )
        forward, backward = self._rule
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.args
        fixed = [x for i, x in enumerate(given) if i in self.nondiff_argnums]
        trees = [x for i, x in enumerate(given) if i not in self.nondiff_argnums]
        values, build = flatten(trees)
        self._refuse_outer_graph(values)
        wanted = [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]
        if not wanted or not current().grad:
            return self.function(*args, **kwargs)
        inputs = [values[i] for i in wanted]
        others = [None if i in wanted else v for i, v in enumerate(values)]
        numbers, counts = range(len(given)), [len(flatten(tree)[0]) for tree in trees]

        def call(function: Callable[..., Any], tensors: Sequence[Tensor]) -> Any:
            changed = list(others)
            for i, tensor in zip(wanted, tensors, strict=True):
                changed[i] = tensor
            rest, first = iter(build(iter(changed))), iter(fixed)
            return function(*(next(first if i in self.nondiff_argnums else rest) for i in numbers))

        def run(tensors: list[Tensor]) -> list[Tensor]:
            return _floats(call(self.function, tensors))

        def pull(tensors: list[Tensor], cotangents: list[Tensor]) -> list[Tensor | None]:
            again = any(t.requires_grad for t in (*tensors, *cotangents))
            saved = getattr(home(), "saved", ())
            lost = len(saved) < count  # a checkpoint runs it once more, and saves nothing
            with enable_grad() if again else no_grad():
                kept = call(forward, tensors)[1] if again or lost else residuals(iter(saved))
                found = backward(*fixed, kept, nest(iter(cotangents)))
            gradients = self._like(counts, found)
            return [gradients[i] for i in wanted]

        with no_grad():
            result, kept = call(forward, inputs)
        saves, residuals = _apart(kept)
        count = len(saves)
        outputs, rebuild = flatten(result)
        floats, differentiable = _floats(result), [*map(_is_float, outputs)]

        def nest(cotangents: Any) -> Any:
            return rebuild(
                iter([next(cotangents) if is_float else None for is_float in differentiable])
            )

        segment = Segment(run, pull, floats)
        home = ref(segment)
        parents, arrays = [x.node for x in inputs if x.node is not None], [x.raw for x in inputs]
        recorded = iter(record(self.op, segment, parents, arrays, floats, saves))
        return rebuild(  # type: ignore[no-any-return]
            iter([next(recorded) if _is_float(v) else v for v in outputs])
        )

    def _refuse_outer_graph(self, values: Sequence[Any]) -> None:
        """Under vmap, the rule is for one example: a graph of all examples would not contain it."""
        outside = getattr(current().tracer, "recorded_outside", None)
        if outside is None or not current().grad:
            return
        if any(isinstance(v, Tensor) and outside(v) for v in values):
            raise GradientError(
                self.name,
                "its own rule does not reach through vmap from outside",
                "Take the gradients inside, tl.vmap(tl.grad(f)), and add them up.",
            )

    def _like(self, counts: Sequence[int], gradients: Any) -> list[Tensor | None]:
        """What `backward` returned, as one gradient for each value in the arguments."""
        if not isinstance(gradients, tuple | list) or len(gradients) != len(counts):
            given = len(gradients) if isinstance(gradients, tuple | list) else "no tuple of"
            raise ArgumentError(
                self.name,
                f"its backward returned {given} gradients for {len(counts)} arguments",
                "Return a tuple with one for each, None where it is zero.",
            )
        flat: list[Tensor | None] = []
        for count, gradient in zip(counts, gradients, strict=True):
            found = [None] * count if gradient is None else flatten(gradient)[0]
            if len(found) != count:
                raise ArgumentError(
                    self.name,
                    f"its backward returned {len(found)} gradients for an argument of {count}"
                    " tensors",
                    "Nest each gradient like its argument.",
                )
            flat += [g if g is None or isinstance(g, Tensor) else Tensor(g) for g in found]
        return flat

    def __repr__(self) -> str:
        return f"<custom_vjp {self.name}>"


def _apart(kept: Any) -> tuple[list[Array], Callable[[Iterator[Array]], Any]]:
    """The arrays in what a forward function keeps, for the node to save, and what nests them again.

    So they go when a backward pass releases what the node has saved. (Containers of a user's own
    stay as they are: nobody knows how to build them.)
    """
    if not _is_usual(kept):
        return [], lambda saved: kept
    values, build = flatten(kept)
    arrays = [v.raw for v in values if isinstance(v, Tensor)]
    others = [SLOT if isinstance(v, Tensor) else v for v in values]
    return arrays, lambda saved: build(
        iter([Tensor.lift(next(saved)) if v is SLOT else v for v in others])
    )


def _is_usual(tree: Any) -> bool:
    """Whether a nest is of Python's own containers."""
    if not isinstance(tree, dict | list | tuple):
        return True
    parts = tree.values() if isinstance(tree, dict) else tree
    known = type(tree) in (dict, list, tuple) or hasattr(type(tree), "_fields")
    return known and all(map(_is_usual, parts))


def _is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype.kind == "f"


def _floats(tree: Any) -> list[Tensor]:
    return [value for value in flatten(tree)[0] if _is_float(value)]

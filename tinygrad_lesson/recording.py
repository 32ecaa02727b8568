"""Recording: how a call of an op becomes a Tensor, and a node in the graph.

Every op gets a recorder, a closure that unwraps its arguments, runs the forward on raw arrays,
notes what the rules will need, and wraps the result. There are three: for one array, for two, and
for everything else. The first two are the general one with its loops unrolled, because they are
what a training step spends its time in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ops
from .arrays import Array
from .arrays import numpy as numpy_namespace
from .errors import ArgumentError, TinygradError
from .explain import REFUSALS, explain
from .graph import ONLY, Leaf, Meta, Node, packed
from .mode import Mode, current
from .nonfinite import warn
from .op import REGISTRY, Op

if TYPE_CHECKING:
    from .tensor import Tensor

NUMBERS = frozenset({bool, int, float})
"""Python numbers enter a graph as they are, and promote as NumPy has it."""

NO_PARAMS: Mapping[str, Any] = {}
_PACKAGE = os.path.dirname(__file__)
_new = object.__new__


def makes(cls: type[Tensor]) -> type[Tensor]:
    """Decorate the class that recorders make and unwrap.

    Its operators are recorders, so it cannot be defined before them.
    """
    global Tensor
    Tensor = cls  # type: ignore[misc]
    return cls


def _leaf(tensor: Tensor) -> Leaf:
    """The Leaf of a constant, made when it first enters a graph, and kept."""
    tensor._node = leaf = Leaf(tensor._data)
    return leaf


def _meta() -> Meta:
    return Meta(user_line())


class _Own(dict[str, bool]):
    """Whether a file is one of this library's."""

    def __missing__(self, file: str) -> bool:
        own = self[file] = file.startswith(_PACKAGE)
        return own


_OWN = _Own()


def user_line() -> str:
    """``file:line`` of the innermost frame that is not this library's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _OWN[frame.f_code.co_filename]:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _watch(
    op: Op[...], inputs: Sequence[Any], params: Mapping[str, Any], out: Array, mode: Mode
) -> None:
    """Where results are watched: warn of the first NaN or infinity."""
    if mode.tracer is None:
        warn(op, inputs, params, out, user_line(), mode.scope)


def recorder(op: Op[...]) -> Callable[..., Tensor]:
    """Build the function that runs `op` on Tensors."""
    if op.kind.composite:
        return _composite(op)
    if len(op.arrays) == 1 and not op.variadic:
        return _unary(op)
    if len(op.arrays) == 2 and not op.variadic and not op.parameters:
        return _binary(op)
    return _general(op)


Op.recorder = staticmethod(recorder)


def _unary(op: Op[...]) -> Callable[..., Tensor]:
    forward, plans, differentiable = op.forward, op.plans, op.differentiable
    defaults = None if op.required else op.defaults

    def call(x: Any, /, *args: Any, **given: Any) -> Tensor:
        params = defaults
        if args or given or params is None:
            params = bind(op, (x, *args), given)[1]
        if not isinstance(x, Tensor):
            x = Tensor.coerce(x, op)
        a, parent = x._data, x._node
        mode = current()
        try:
            if mode.tracer is None:
                out = forward(numpy_namespace, a, **params)
            else:
                a = mode.tracer.read(x)
                out = mode.tracer.run(op, (a,), params)
        except TinygradError:
            raise
        except REFUSALS as error:
            raise explain(op, (x,), params, error) from error
        if mode.watch:
            _watch(op, (x,), params, out, mode)
        tensor = _new(Tensor)
        tensor._data = out
        tensor._node = None
        if (
            parent is not None
            and parent.requires_grad
            and mode.grad
            and differentiable
            and out.dtype.kind == "f"  # astype may have made integers
        ):
            plan = plans[0b11]
            tensor._node = Node(
                op, params, parent, ONLY, plan, plan.keep((out, a)), out.shape, out.dtype,
                mode.scope, _meta() if mode.debug else None,
            )  # fmt: skip
        return tensor

    return _named(call, op)


def _binary(op: Op[...]) -> Callable[..., Tensor]:
    forward, plans, differentiable = op.forward, op.plans, op.differentiable

    def call(x: Any, y: Any, /) -> Tensor:
        wanted = 0b100
        if not isinstance(y, Tensor):
            if type(y) not in NUMBERS:
                y = _coerced(y, op)
            elif type(x) in NUMBERS:
                x = Tensor(x * type(y)(1))  # 1 and 2.5 are two floats
        if isinstance(y, Tensor):
            b, q = y._data, y._node
            if q is not None and q.requires_grad:
                wanted = 0b110
        else:
            b = q = y
        if not isinstance(x, Tensor) and type(x) not in NUMBERS:
            x = _coerced(x, op)
        if isinstance(x, Tensor):
            a, p = x._data, x._node
            if p is not None and p.requires_grad:
                wanted |= 0b001
        else:
            a = p = x
        mode = current()
        try:
            if mode.tracer is None:
                out = forward(numpy_namespace, a, b)
            else:
                a = mode.tracer.read(x) if isinstance(x, Tensor) else x
                b = mode.tracer.read(y) if isinstance(y, Tensor) else y
                out = mode.tracer.run(op, (a, b), NO_PARAMS)
        except TinygradError:
            raise
        except REFUSALS as error:
            raise explain(op, (x, y), NO_PARAMS, error) from error
        if mode.watch:
            _watch(op, (x, y), NO_PARAMS, out, mode)
        tensor = _new(Tensor)
        tensor._data = out
        tensor._node = None
        if wanted != 0b100 and mode.grad and differentiable:
            plan = plans[wanted]
            first = p if p is not None else _leaf(x)
            second = q if q is not None else _leaf(y)
            tensor._node = Node(
                op, NO_PARAMS, first, second, plan, plan.keep((out, a, b)), out.shape, out.dtype,
                mode.scope, _meta() if mode.debug else None,
            )  # fmt: skip
        return tensor

    return _named(call, op)


def _general(op: Op[...]) -> Callable[..., Tensor]:
    forward, plans, differentiable = op.forward, op.plans, op.differentiable

    def call(*args: Any, **given: Any) -> Tensor:
        inputs, params = bind(op, args, given)
        tensors: list[Any] = []
        wanted, bit, counts, bare = 0, 1, False, False
        for x in inputs:
            if not isinstance(x, Tensor) and type(x) not in NUMBERS:
                x = _coerced(x, op)
            if isinstance(x, Tensor):
                counts = counts or x._data.dtype.kind != "b"
                if x._node is not None and x._node.requires_grad:
                    wanted |= bit
            else:
                bare = bare or type(x) is float
            tensors.append(x)
            bit <<= 1
        if bare and not counts:
            # floats that meet no other number have the default dtype, not NumPy's
            tensors = [Tensor(x) if type(x) is float else x for x in tensors]
        elif type(tensors[0]) in NUMBERS and not any(isinstance(x, Tensor) for x in tensors):
            tensors[0] = Tensor(tensors[0])  # integers alone
        arrays = [x._data if isinstance(x, Tensor) else x for x in tensors]
        mode = current()
        try:
            if mode.tracer is None:
                out = forward(numpy_namespace, *arrays, **params)
            else:
                arrays = [mode.tracer.read(x) if isinstance(x, Tensor) else x for x in tensors]
                out = mode.tracer.run(op, arrays, params)
        except TinygradError:
            raise
        except REFUSALS as error:
            raise explain(op, tensors, params, error) from error
        if mode.watch:
            _watch(op, tensors, params, out, mode)
        tensor = _new(Tensor)
        tensor._data = out
        tensor._node = None
        if wanted and mode.grad and differentiable:
            plan = plans[wanted | bit]
            if plan.rules and out.dtype.kind == "f":
                parents = packed(
                    tuple(x._node or _leaf(x) if isinstance(x, Tensor) else x for x in tensors)
                )
                tensor._node = Node(
                    op, params, *parents, plan, plan.keep((out, *arrays)), out.shape, out.dtype,
                    mode.scope, _meta() if mode.debug else None,
                )  # fmt: skip
        return tensor

    return _named(call, op)


def _composite(op: Op[...]) -> Callable[..., Tensor]:
    forward = op.forward

    def call(*args: Any, **given: Any) -> Tensor:
        inputs, params = bind(op, args, given)
        tensors = [x if type(x) in NUMBERS or isinstance(x, Tensor) else _coerced(x, op)
                   for x in inputs]  # fmt: skip
        if any(type(x) in NUMBERS for x in tensors):
            tensors = _with_numbers(tensors)
        try:
            result: Tensor = forward(ops, *tensors, **params)
        except TinygradError as error:  # of an op inside: the user called this one
            *scope, inner = error.where.split(" ")
            if inner != op.name and inner in REGISTRY:
                error.where = " ".join((*scope, f"{op.name}: {inner}"))
                error.args = (error.where, error.what, error.remedy)
            raise
        except REFUSALS as error:
            raise explain(op, tensors, params, error) from error
        return result

    return _named(call, op)


def _coerced(value: Any, op: Op[...]) -> Any:
    """A constant; of a setting that a traced step reads, the Python number that it is now."""
    fixed = getattr(value, "fixed", None)
    return Tensor.coerce(value, op) if fixed is None else fixed()


def _with_numbers(inputs: Sequence[Any]) -> list[Tensor]:
    """Python numbers among tensors as tensors, which promote as the numbers would have."""
    dtypes = [x.dtype for x in inputs if isinstance(x, Tensor)]
    if not dtypes:
        return [Tensor(x) for x in inputs]
    return [
        x if isinstance(x, Tensor) else Tensor(x, dtype=np.result_type(*dtypes, x)) for x in inputs
    ]


def _named(call: Callable[..., Tensor], op: Op[...]) -> Callable[..., Tensor]:
    call.__name__ = op.name
    call.__qualname__ = f"Tensor.{op.name}"
    call.__doc__ = op.__doc__
    call.__signature__ = op.__signature__  # type: ignore[attr-defined]
    return call


ALIASES = {
    "dim": "axis", "keepdim": "keepdims", "start_dim": "start_axis", "end_dim": "end_axis",
}  # fmt: skip
"""PyTorch's keywords, accepted beside the standard's."""


def bind(
    op: Op[...], args: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Tell the arrays of a call from its static parameters, and fill in the defaults."""
    if not op.variadic:
        count = len(op.arrays)
        positional = args[count:]
        if len(positional) > len(op.parameters):
            raise ArgumentError(op.name, f"{len(args)} arguments are too many", f"Call {op.usage}.")
        inputs = args[:count]
        if positional:
            clash = given.keys() & op.parameters[: len(positional)]
            if clash:
                raise _bad_keyword(op, min(clash), "is given twice")
            given = {**dict(zip(op.parameters, positional, strict=False)), **given}
    else:  # a list of arrays is as good as the arrays
        if len(args) == 2 and not given and _list_and_axis(op, *args):
            listed, given = True, {"axis": args[1]}
        else:
            listed = len(op.arrays) == 1 == len(args) and isinstance(args[0], list | tuple)
        inputs = tuple(args[0]) if listed else args
        count = len(op.arrays) - 1
    if len(inputs) < max(count, 1):
        raise ArgumentError(
            op.name,
            f"{len(inputs)} arrays are too few",
            f"Call {op.usage}.",
        )
    params = dict(op.defaults)
    for name, value in given.items():
        if name not in op.parameters:
            alias, name = name, ALIASES.get(name, name)
            if name not in op.parameters:
                raise _bad_keyword(op, name, "is unknown")
            if name in given:
                raise _bad_keyword(op, name, f"is given twice, once as {alias!r}")
        if isinstance(value, Tensor):
            raise ArgumentError(
                op.name,
                f"the keyword {name!r} takes no Tensor, because no gradient would reach it",
                f"Pass a number, as in {name}=t.item().",
            )
        params[name] = tuple(value) if type(value) is list else value
    for name in op.required:
        if name not in params:
            raise _bad_keyword(op, name, "is missing")
    return inputs, params


def _list_and_axis(op: Op[...], arrays: Any, axis: Any) -> bool:
    """Whether the two can only be arrays and the axis to join them along: NumPy's stack([x], 1)."""
    listed = len(op.arrays) == 1 and "axis" in op.parameters and isinstance(arrays, list | tuple)
    return listed and (axis is None or isinstance(axis, int | np.integer))


def _bad_keyword(op: Op[...], name: str, complaint: str) -> ArgumentError:
    return ArgumentError(op.name, f"the keyword {name!r} {complaint}", f"Call {op.usage}.")

"""Recording: how a call of an op becomes a Tensor, and a node in the graph.

Every op gets a recorder, a closure that unwraps its arguments, runs the forward on raw arrays,
notes what the rules will need, and wraps the result. There are three: for one array, for two, and
for everything else. The first two are the general one with its loops unrolled, because they are
what a training step spends its time in.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ops
from .arrays import Array
from .arrays import numpy as numpy_namespace
from .errors import ArgumentError
from .explain import explain
from .graph import Leaf, Meta, Node
from .mode import current
from .op import Op

if TYPE_CHECKING:
    from .tensor import Tensor

NUMBERS = frozenset({bool, int, float})
"""Python numbers enter a graph as they are: they take the dtype of what they meet."""

_NO_PARAMS: Mapping[str, Any] = {}
_PACKAGE = str(Path(__file__).parent)
_new = object.__new__


def makes(cls: type[Tensor]) -> type[Tensor]:
    """Decorate the class that recorders make and unwrap.

    Its operators are recorders, so it cannot be defined before them.
    """
    globals()["Tensor"] = cls
    return cls


def _wrap(data: Array, node: Node | None) -> Tensor:
    tensor = _new(Tensor)
    tensor._data = data
    tensor._node = node
    return tensor


def _node_of(tensor: Tensor) -> Node | Leaf:
    """The tensor's place in the graph; a constant gets its Leaf now, and keeps it."""
    if tensor._node is None:
        tensor._node = Leaf(tensor._data)
    return tensor._node


def _meta(debug: bool) -> Meta | None:
    return Meta(user_line()) if debug else None


def user_line() -> str:
    """``file:line`` of the innermost frame that is not this library's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def recorder(op: Op[...]) -> Callable[..., Tensor]:
    """Build the function that runs `op` on Tensors."""
    if op.kind.composite:
        return _composite(op)
    if op.parameters or op.variadic or len(op.arrays) > 2:
        return _general(op)
    return _unary(op) if len(op.arrays) == 1 else _binary(op)


Op.recorder = staticmethod(recorder)


def _unary(op: Op[...]) -> Callable[..., Tensor]:
    forward, plans, differentiable = op.forward, op.plans, op.differentiable

    def call(x: Any, /) -> Tensor:
        if not isinstance(x, Tensor):
            x = Tensor.coerce(x, op)
        mode = current()
        try:
            out = forward(mode.tracer or numpy_namespace, x._data)
        except Exception as error:
            raise explain(op, (x,), _NO_PARAMS, error) from error
        parent = x._node
        if parent is None or not (differentiable and parent.requires_grad and mode.grad):
            return _wrap(out, None)
        plan = plans[0b11]
        return _wrap(
            out,
            Node(
                op, _NO_PARAMS, (parent,), plan, plan.keep((out, x._data)),
                out.shape, out.dtype, mode.scope, _meta(mode.debug) if mode.debug else None,
            ),
        )  # fmt: skip

    return _named(call, op)


def _binary(op: Op[...]) -> Callable[..., Tensor]:
    forward, plans, differentiable = op.forward, op.plans, op.differentiable

    def call(x: Any, y: Any, /) -> Tensor:
        if type(y) in NUMBERS:
            b = q = y
            wanted = 0b100
        else:
            if not isinstance(y, Tensor):
                y = Tensor.coerce(y, op)
            b, q = y._data, y._node
            wanted = 0b110 if q is not None and q.requires_grad else 0b100
        if type(x) in NUMBERS and b is not q:
            a = p = x
        else:
            if not isinstance(x, Tensor):
                x = Tensor.coerce(x, op)
            a, p = x._data, x._node
            if p is not None and p.requires_grad:
                wanted |= 0b001
        mode = current()
        try:
            out = forward(mode.tracer or numpy_namespace, a, b)
        except Exception as error:
            raise explain(op, (x, y), _NO_PARAMS, error) from error
        if wanted == 0b100 or not (differentiable and mode.grad):
            return _wrap(out, None)
        plan = plans[wanted]
        parents = (_node_of(x) if p is None else p, _node_of(y) if q is None else q)
        return _wrap(
            out,
            Node(
                op, _NO_PARAMS, parents, plan, plan.keep((out, a, b)),
                out.shape, out.dtype, mode.scope, _meta(mode.debug) if mode.debug else None,
            ),
        )  # fmt: skip

    return _named(call, op)


def _general(op: Op[...]) -> Callable[..., Tensor]:
    forward, plans, differentiable = op.forward, op.plans, op.differentiable
    defaults = None if op.required else op.defaults

    def call(*args: Any, **given: Any) -> Tensor:
        if given or defaults is None or len(args) != 1:
            inputs, params = bind(op, args, given)
        else:
            inputs, params = args, defaults
        mode = current()
        arrays: list[Array] = [None]
        wanted, bit = 0, 1
        tensors = tuple(
            x if isinstance(x, Tensor) or type(x) in NUMBERS else Tensor.coerce(x, op)
            for x in inputs
        )
        for x in tensors:
            if isinstance(x, Tensor):
                arrays.append(x._data)
                if x._node is not None and x._node.requires_grad:
                    wanted |= bit
            else:
                arrays.append(x)
            bit <<= 1
        try:
            out = arrays[0] = forward(mode.tracer or numpy_namespace, *arrays[1:], **params)
        except Exception as error:
            raise explain(op, tensors, params, error) from error
        if not (wanted and differentiable and mode.grad and out.dtype.kind == "f"):
            return _wrap(out, None)
        plan = plans[wanted | bit]
        if not plan.rules:
            return _wrap(out, None)
        parents = tuple(_node_of(x) if isinstance(x, Tensor) else x for x in tensors)
        return _wrap(
            out,
            Node(
                op, params, parents, plan, plan.keep(tuple(arrays)),
                out.shape, out.dtype, mode.scope, _meta(mode.debug) if mode.debug else None,
            ),
        )  # fmt: skip

    return _named(call, op)


def _composite(op: Op[...]) -> Callable[..., Tensor]:
    forward = op.forward

    def call(*args: Any, **given: Any) -> Tensor:
        inputs, params = bind(op, args, given)
        tensors = (x if isinstance(x, Tensor) else Tensor.coerce(x, op) for x in inputs)
        result: Tensor = forward(ops, *tensors, **params)
        return result

    return _named(call, op)


def _named(call: Callable[..., Tensor], op: Op[...]) -> Callable[..., Tensor]:
    call.__name__ = op.name
    call.__qualname__ = f"Tensor.{op.name}"
    call.__doc__ = op.__doc__
    call.__signature__ = op.__signature__  # type: ignore[attr-defined]
    return call


ALIASES = {"dim": "axis", "keepdim": "keepdims"}
"""PyTorch's keywords, accepted beside the standard's."""


def bind(
    op: Op[...], args: tuple[Any, ...], given: dict[str, Any]
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Tell the arrays of a call from its static parameters, and fill in the defaults."""
    if not op.variadic:
        count = len(op.arrays)
        positional = args[count:]
        if len(positional) > len(op.parameters):
            raise ArgumentError(
                op.name, f"{len(args)} arguments are too many", f"Call {op.name}{op.__signature__}."
            )
        inputs = args[:count]
        if positional:
            clash = given.keys() & op.parameters[: len(positional)]
            if clash:
                raise _bad_keyword(op, min(clash), "is given twice")
            given = {**dict(zip(op.parameters, positional, strict=False)), **given}
    else:  # a list of arrays is as good as the arrays
        listed = len(op.arrays) == 1 and len(args) == 1 and isinstance(args[0], list | tuple)
        inputs = tuple(args[0]) if listed else args
        count = len(op.arrays) - 1
    if len(inputs) < max(count, 1):
        raise ArgumentError(
            op.name,
            f"{len(inputs)} arrays are too few",
            f"Call {op.name}{op.__signature__}.",
        )
    params = dict(op.defaults)
    for name, value in given.items():
        if name not in op.parameters:
            name = ALIASES.get(name, name)
            if name not in op.parameters:
                raise _bad_keyword(op, name, "is unknown")
        params[name] = tuple(value) if type(value) is list else value
    for name in op.required:
        if name not in params:
            raise _bad_keyword(op, name, "is missing")
    return inputs, params


def _bad_keyword(op: Op[...], name: str, complaint: str) -> ArgumentError:
    return ArgumentError(
        op.name, f"the keyword {name!r} {complaint}", f"Call {op.name}{op.__signature__}."
    )

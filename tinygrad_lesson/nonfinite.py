"""The first NaN or infinity, and what made it: what :class:`~tinygrad_lesson.debug` looks for.

An op is the cause if NaN comes out though none went in, or infinity though all was finite. What
follows from it is not mentioned.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .arrays import Array
from .arrays import numpy as xp
from .errors import NonFiniteError, NonFiniteWarning
from .graph import Leaf, Node, leaves, replay, topological
from .op import Op

FORWARD = {
    "log": "log is finite above 0 only: add a small number, or use tl.xlogy or tl.log1p.",
    "sqrt": "sqrt is real from 0 on: clip its input, or use tl.vector_norm.",
    "divide": "The divisor is 0: add a small number to it.",
    "reciprocal": "The divisor is 0: add a small number to it.",
    "exp": "exp overflows: subtract the largest input first, as tl.softmax and tl.logsumexp do.",
    "pow": "A negative base has no real power, and 0 no negative one: use tl.abs, or shift it.",
}
AFTER = {
    ("log", "softmax"): "Use tl.log_softmax, which does not round to 0 on the way.",
    ("log", "sigmoid"): "Use tl.log_sigmoid, which does not round to 0 on the way.",
    ("divide", "sum"): "Add a small number to the sum, or use tl.softmax if it is one of exp.",
}
BACKWARD = {
    "sqrt": "The slope of sqrt at 0 is infinite: add a small number inside, or use tl.std or"
    " tl.vector_norm, whose gradient at 0 is 0.",
    "log": "The slope of log at 0 is infinite: add a small number inside.",
    "divide": "The divisor is 0: add a small number to it.",
    "reciprocal": "The divisor is 0: add a small number to it.",
    "pow": "A power below 1 has an infinite slope at 0: add a small number to the base.",
    **dict.fromkeys(
        ("acos", "asin", "atanh"),
        "The slope is infinite at 1 and -1: clip the input to stay between.",
    ),
}
"""What helps, by op: where the result is off, also after another op, and where the gradient is."""

OTHERWISE = "Keep its inputs where it is finite."


def warn(
    op: Op[...],
    inputs: Sequence[Any],
    params: Mapping[str, Any],
    out: Array,
    where: str,
    scope: str,
) -> None:
    """Warn if `op` made NaN or infinity of `inputs` that had none.

    Parameters
    ----------
    op, inputs, params, out
        What ran, on tensors or Python numbers, and the array that came out.
    where, scope
        The user's file and line, and the path of the module that was running.
    """
    arrays = [getattr(x, "raw", x) for x in inputs]
    element = _arisen(out, [*arrays, *params.values()])
    if element is not None:
        what = _of_result(op, arrays, out, element, where)
        remedy = _remedy(op, [getattr(x, "node", None) for x in inputs])
        file, _, line = where.rpartition(":")
        message = f"[{_path(scope, op)}] {what}. {remedy}"
        warnings.warn_explicit(message, NonFiniteWarning, file, int(line))


def check_output(node: Node | Leaf, out: Array) -> None:
    """Raise if what is to be differentiated is not finite: which op made it so, and of what."""
    if _finite(out):
        return
    order = topological([node])
    values = _replayed(order)
    for made in order:
        inputs = _inputs(made, values)
        element = _arisen(values[made], [*inputs, *made.params.values()])
        if element is not None:
            raise NonFiniteError(
                _path(made.scope, made.op),
                _of_result(made.op, inputs, values[made], element, made.where),
                _remedy(made.op, made.parents),
            )
    for leaf in leaves(order):
        if _is_real(leaf.data) and not _finite(leaf.data):
            bad = _first(~xp.isfinite(leaf.data))
            raise NonFiniteError(
                "backward",
                f"the input {leaf.name}".rstrip() + f" of shape {leaf.shape} holds"
                f" {_at(leaf.data, bad)} at {list(bad)}",
                "Clean the data first.",
            )


def check_gradient(
    node: Node, i: int, g: Array, part: Array, outputs: Iterable[Node | Leaf]
) -> None:
    """Raise if the rule of `node` for its input `i` made NaN or infinity of a gradient.

    Parameters
    ----------
    node, i
        Whose rule ran.
    g, part
        What it was given, and what it returned.
    outputs
        Where the backward pass started.
    """
    g, part = getattr(g, "raw", g), getattr(part, "raw", part)
    element = _arisen(part, [g])
    if element is None:
        return
    shape = part.shape
    values = _replayed(topological(outputs))
    what = (
        f"the gradient for {node.op.input_name(i)!r} is {_at(part, element)} at {list(element)}:"
        f" {_listed(node.op, _inputs(node, values), element, shape)}, and"
        f" {_seen(g, element, shape)} came in{_in_line(node.where)}"
    )
    remedy = BACKWARD.get(node.op.name, OTHERWISE)
    hiding = _hiding(node, element, shape, values)
    if hiding is not None:
        what += (
            f"; {hiding.op.name} hides this element{_in_line(hiding.where)}, but both its branches"
            " are differentiated, and 0 times infinity is nan"
        )
        name = node.op.input_name(i)
        remedy = (
            f"Make the hidden branch safe: where(condition, {name}, 1.0) in the place of {name!r}."
        )
    raise NonFiniteError(_path(node.scope, node.op), what, remedy)


def _hiding(
    node: Node, element: tuple[int, ...], shape: tuple[int, ...], values: Mapping[Any, Array]
) -> Node | None:
    """The ``where`` that chose its other branch at `element` of what came of `node`, if any."""
    came_of_it = {node}
    later = (n for n in values if isinstance(n, Node) and n.number > node.number)
    for user in sorted(later, key=lambda n: n.number):
        elementwise = user.op.kind.name == "elementwise" and user.shape == shape
        if not elementwise or came_of_it.isdisjoint(user.parents):
            continue
        came_of_it.add(user)
        if user.op.name == "where":
            condition = xp.broadcast_to(_inputs(user, values)[0], shape)
            chosen = user.parents[1 if condition[element] else 2]
            if chosen not in came_of_it:
                return user
    return None


def _replayed(order: Sequence[Node]) -> dict[Node | Leaf, Array]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the forward pass has said it
        return replay(order, xp)


def _inputs(node: Node, values: Mapping[Any, Array]) -> list[Any]:
    return [values[p] if isinstance(p, Node | Leaf) else p for p in node.parents]


# ---- arrays ------------------------------------------------------------------------------


def _is_real(array: Any) -> bool:
    return isinstance(array, float) or getattr(getattr(array, "dtype", None), "kind", "") == "f"


def _finite(array: Any) -> bool:
    return bool(xp.all(xp.isfinite(array)))


def _arisen(out: Array, inputs: Sequence[Any]) -> tuple[int, ...] | None:
    """The first element that is NaN, or infinite, though no number among `inputs` was."""
    if not _is_real(out) or _finite(out):
        return None
    reals = [array for array in inputs if _is_real(array)]
    nan = xp.isnan(out)
    if xp.any(nan) and not any(xp.any(xp.isnan(array)) for array in reals):
        return _first(nan)
    return _first(~xp.isfinite(out)) if all(map(_finite, reals)) else None


def _first(mask: Array) -> tuple[int, ...]:
    """The index of the first element that is true."""
    place = int(xp.argmax(xp.reshape(mask, (-1,))))
    index: list[int] = []
    for length in reversed(mask.shape):
        place, last = divmod(place, length)
        index.insert(0, last)
    return tuple(index)


def _at(array: Array, element: tuple[int, ...]) -> float:
    return float(array[element])


# ---- words -------------------------------------------------------------------------------


def _of_result(
    op: Op[...], arrays: Sequence[Any], out: Array, element: tuple[int, ...], where: str | None
) -> str:
    return (
        f"the result is {_at(out, element)} at {list(element)}:"
        f" {_listed(op, arrays, element, out.shape)}{_in_line(where)}"
    )


def _remedy(op: Op[...], parents: Iterable[Any]) -> str:
    made_by = [parent.op.name for parent in parents if isinstance(parent, Node)]
    after = [AFTER[op.name, name] for name in made_by if (op.name, name) in AFTER]
    return after[0] if after else FORWARD.get(op.name, OTHERWISE)


def _listed(
    op: Op[...], arrays: Sequence[Any], element: tuple[int, ...], shape: tuple[int, ...]
) -> str:
    return ", ".join(
        f"{op.input_name(i)} = {_seen(array, element, shape)}" for i, array in enumerate(arrays)
    )


def _seen(array: Any, element: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The number of `array` that goes with `element` of `shape`, or the range of its numbers."""
    if isinstance(array, bool | int | float):
        return f"{array:.6g}"
    padded = (1,) * (len(shape) - array.ndim) + array.shape
    if len(padded) == len(shape) and all(n in (1, m) for n, m in zip(padded, shape, strict=True)):
        return f"{_at(xp.broadcast_to(array, shape), element):.6g}"
    return f"{float(xp.min(array)):.6g} to {float(xp.max(array)):.6g}"


def _in_line(where: str | None) -> str:
    return f" ({where})" if where else ""


def _path(scope: str, op: Op[...]) -> str:
    return f"{scope} {op.name}" if scope else op.name

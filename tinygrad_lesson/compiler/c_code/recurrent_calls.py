"""Calls of the C functions for recurrent layers (``c/recurrent.h``)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence

from ...tracing.program import Equation, Value
from .operators import FLOATS, type_of
from .views import View, contiguous

STATES = frozenset({"rnn_states", "lstm_states", "gru_states"})
GATED = frozenset({"lstm_states", "gru_states"})
FLOWS = frozenset({"recurrent_flow", "memory_flow"})


def can_recur(equation: Equation, views: dict[Value, View]) -> bool:
    """Whether there is a C function for an op: arrays of one type, each in one piece."""
    if equation.op.name not in STATES | FLOWS:
        return False
    values = equation.values()
    kinds = {type_of(v.dtype) for v in (equation.out, *values)}
    return (
        len(kinds) == 1
        and kinds <= set(FLOATS)
        and all(views[v].whole for v in values)
        and (equation.op.name in STATES or bool(equation.params["reverse"]))
    )


def on_the_way(
    equation: Equation, readers: Mapping[Value, Sequence[Equation]], views: Mapping[Value, View]
) -> list[Equation]:
    """What a layer computes anyway, and the gradient needs again; the last is what it can store.

    Parameters
    ----------
    equation
        The layer.
    readers
        Of what is stored: the equations that use it.
    views
        Where the numbers of each value are.

    Returns
    -------
    Of ``lstm_states`` the sums before the gates, of ``gru_states`` the products with the weights,
    of the flows what each gate adds, each with the equations on the way to it.
    """
    name, out = equation.op.name, equation.out
    for reader in readers[out]:
        if name == "lstm_states" and _is_product(reader, equation, views):
            return _with_inputs(reader, equation, readers, views)
        if name == "gru_states" and _is_product(reader, equation, views):
            return [reader]
        if name == "recurrent_flow" and _is_share(reader, equation, views):
            return [reader]
    return _shares(equation, readers, views) if name == "memory_flow" else []


def _is_product(reader: Equation, equation: Equation, views: Mapping[Value, View]) -> bool:
    """Whether it multiplies all states but the last with the weights."""
    if reader.op.name != "matmul":
        return False
    out, w = equation.out, equation.inputs[2]
    size = out.shape[-1]
    apart = math.prod(out.shape[1:])
    left, right = (views[v] for v in reader.values())
    return (
        left == View(out, (out.shape[0] - 1, out.shape[-2], size), (apart, size, 1))
        and right.base is w
        and right.shape == (size, w.shape[0])
        and right.strides == (1, size)
        and right.offset == 0
    )


def _with_inputs(
    product: Equation, equation: Equation, readers: Mapping[Value, Sequence[Equation]],
    views: Mapping[Value, View],
) -> list[Equation]:  # fmt: skip
    """A product, and its sum with the inputs of an LSTM."""
    x = views[equation.inputs[0]].base
    for reader in readers[product.out]:
        terms = [views[v] for v in reader.values()]
        whole = all(term.whole and term.shape == reader.out.shape for term in terms)
        if reader.op.name == "add" and whole and {term.base for term in terms} == {product.out, x}:
            return [product, reader]
    return []


def _is_share(
    reader: Equation, flow: Equation, views: Mapping[Value, View], gates: slice = slice(None),
    which: int = 0,
) -> bool:  # fmt: skip
    """Whether it multiplies the factors of some gates with what flows into the states after."""
    if reader.op.name != "multiply" or len(list(reader.values())) != 2:
        return False
    mix, out = views[flow.inputs[1]], flow.out
    steps, count, number, size = mix.shape
    some = range(number)[gates]
    shape = (steps, count, len(some), size)
    if reader.out.shape not in (shape, (steps, count, size)) or math.prod(
        reader.out.shape
    ) != math.prod(shape):
        return False
    apart = math.prod(out.shape[1:])
    factors = View(mix.base, shape, contiguous(mix.shape), some.start * size)
    flowing = View(out, shape, (apart, size, 0, 1), apart + which * count * size)
    for one, other in itertools.permutations(reader.values()):
        given = [_in_four(views[v].broadcast(reader.out.shape)) for v in (one, other)]
        if [_steps(v) for v in given] == [_steps(factors), _steps(flowing)]:
            return True
    return False


def _in_four(view: View) -> View:
    """With an axis for gates."""
    if view.ndim == 4:
        return view
    (steps, count, size), (t, n, h) = view.shape, view.strides
    return view._replace(shape=(steps, count, 1, size), strides=(t, n, 0, h))


def _steps(view: View) -> View:
    """A view, without the steps along axes on which there is only one number."""
    pairs = zip(view.shape, view.strides, strict=True)
    return view._replace(strides=tuple(s if n > 1 else 0 for n, s in pairs))


def _shares(
    flow: Equation, readers: Mapping[Value, Sequence[Equation]], views: Mapping[Value, View]
) -> list[Equation]:
    """All gates but the last add to c, and the last to h: side by side."""
    into_c = [e for e in readers[flow.out] if _is_share(e, flow, views, slice(-1), 1)]
    into_h = [e for e in readers[flow.out] if _is_share(e, flow, views, slice(-1, None), 0)]
    for first, last in itertools.product(into_c, into_h):
        for joined in readers[first.out]:
            along = joined.op.name == "concat" and joined.params["axis"] in (2, -2)
            if along and list(joined.values()) == [first.out, last.out]:
                return [first, last, joined]
    return []


def call(members: Sequence[Equation], address: Callable[[Value], str]) -> str:
    """The call, which is 0 if all went well.

    Parameters
    ----------
    members
        A layer, and what is computed on the way (see :func:`on_the_way`).
    address
        C code of the address of the first number of a value.
    """
    equation, *others = members
    name, out = equation.op.name, equation.out
    addresses = [address(v) for v in (*equation.values(), out)]
    if name in GATED | FLOWS:
        addresses.append(address(others[-1].out) if others else "0")
    steps, count, size = out.shape[0] - 1, out.shape[-2], out.shape[-1]
    numbers = [steps, count, size]
    if name in FLOWS:
        numbers.append(equation.values()[1].shape[2])
    if name == "rnn_states":
        numbers.append(int(equation.params["nonlinearity"] == "relu"))
    given = ", ".join([*addresses, *map(str, numbers), "me", "m"])
    return f"tl_{name}_{type_of(out.dtype)}({given})"

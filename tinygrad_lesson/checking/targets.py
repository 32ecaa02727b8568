"""What a check is about: the arrays among the arguments, and the tensors that modules hold."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from ..arrays import Array
from ..errors import ArgumentError
from ..tensor import Tensor
from .subjects import Variable


@runtime_checkable
class HasParameters(Protocol):
    """What makes an object a module here."""

    def named_parameters(self) -> Iterable[tuple[str, Tensor]]:
        """Its parameters, and their names."""
        ...


class Held(NamedTuple):
    """A tensor that the function uses without getting it as an argument.

    Attributes
    ----------
    name, tensor
        What to call it, and the tensor itself.
    learns
        Whether it is checked if it requires a gradient; a buffer never is.
    """

    name: str
    tensor: Tensor
    learns: bool


def arguments_of(inputs: Any) -> list[Any]:
    """The arguments that `inputs` stands for: one, or those in a list or tuple."""
    several = isinstance(inputs, tuple | list) and not _plain(inputs)
    return list(inputs) if several else [inputs]


def variables_of(
    function: Callable[..., Any], arguments: list[Any], params: Any
) -> tuple[list[Variable], list[Tensor]]:
    """The arrays to check, and the other tensors that the function may use or change."""
    variables = []
    labels = _labels(function, len(arguments))
    for i, argument in enumerate(arguments):
        array = _floating(argument)
        if array is not None:
            name = argument.name if isinstance(argument, Tensor) else ""
            variables.append(Variable(name or labels[i], array, i))
    holders = [
        holder
        for holder in (function, getattr(function, "__self__", None))
        if isinstance(holder, HasParameters | Tensor)
    ]
    constants: list[Tensor] = []
    seen: set[int] = set()
    for name, tensor, learns in (h for holder in (*holders, params) for h in _held(holder)):
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if learns and tensor.requires_grad:
            variables.append(Variable(name, tensor.raw, tensor))
        else:
            constants.append(tensor)
    if not variables:
        raise ArgumentError(
            "gradcheck",
            "there is nothing to check: no input is of a floating dtype, and there are no params",
            "Pass float inputs, or params= that require a gradient.",
        )
    taken = [v.name for v in variables]
    return [
        v._replace(name=f"{v.name} #{i}") if taken.count(v.name) > 1 else v
        for i, v in enumerate(variables)
    ], constants


def _held(holder: Any, label: str = "params", prefix: str = "") -> Iterator[Held]:
    """All tensors in a module, a tensor, or a list or dict of any of these.

    Parameters
    ----------
    holder
        Where to look.
    label
        What a tensor without a name is called.
    prefix
        What stands before the paths in a module.
    """
    if holder is None:
        return
    if isinstance(holder, HasParameters):
        for name, tensor in holder.named_parameters():
            yield Held(prefix + name, tensor, True)
        for name, tensor in getattr(holder, "named_buffers", tuple)():
            if isinstance(tensor, Tensor):
                yield Held(prefix + name, tensor, False)
    elif isinstance(holder, Tensor):
        yield Held(prefix.rstrip(".") or holder.name or label, holder, True)
    elif isinstance(holder, dict):
        for key, item in holder.items():
            yield from _held(item, prefix=f"{prefix}{key}.")
    elif isinstance(holder, list | tuple | Iterator):
        items = list(holder)
        for i, item in enumerate(items):
            name = f"{prefix.rstrip('.') or label}[{i}]"
            # The paths in two modules may be the same; those in one need nothing before them.
            alone = isinstance(item, Tensor) or len(items) == 1
            yield from _held(item, name, "" if alone else f"{name}.")
    else:
        raise ArgumentError(
            "gradcheck",
            f"params has a {type(holder).__name__}, which is neither a module nor a tensor",
            "Pass modules and tensors, alone or in a list or dict.",
        )


def _labels(function: Callable[..., Any], count: int) -> list[str]:
    """The names of the function's parameters, as far as they can be known."""
    labels = [f"input {i}" for i in range(count)] if count > 1 else ["input"]
    if isinstance(function, HasParameters):
        function = getattr(function, "forward", function)
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return labels
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*named[:count], *labels[len(named) :]]


def _floating(value: Any) -> Array | None:
    """The numbers of an input that is to be checked; None for one to pass on as it is."""
    if isinstance(value, Tensor):
        return value.raw if value.dtype.kind == "f" else None
    if isinstance(value, np.ndarray | float) or _plain(value):
        array = np.asarray(value)
        return array if array.dtype.kind == "f" else None
    return None


def _plain(value: Any) -> bool:
    """Whether this is a nested list of floats: one array, rather than a list of inputs."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, float) or _plain(item) for item in value)
    )

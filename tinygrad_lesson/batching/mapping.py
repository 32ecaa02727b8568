"""vmap: write a function for one example, and run it on many at once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .. import ops
from ..errors import ArgumentError, AxisError, ShapeError
from ..gradients import whole_arrays
from ..mode import restore
from ..tensor import Tensor
from ..trees import flatten
from .batched import Batched
from .level import BatchingWarning as BatchingWarning
from .level import Level


def vmap(function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """The function that runs `function` on every example of a batch, in one go.

    Each op inside runs once, on all examples: ``tl.vmap(tl.grad(loss), in_axes=(None, 0))`` gives
    the gradient of each example without a loop. The signature is JAX's.

    Parameters
    ----------
    function
        Of tensors of one example, or of nested tuples, lists and dicts of them.
    in_axes
        Along which axis the examples of an argument lie; None if all have the same. One for all
        arguments or a tuple of one for each, which may be nested like the argument. Arguments by
        keyword have them along axis 0.
    out_axes
        Where the results get that axis: one for all, or nested like the value.

    Returns
    -------
    function
        Of the same arguments with one more axis.

    Raises
    ------
    TraceError
        If the function asks for a number, as ``if x > 0`` and ``float(x)`` do.

    Notes
    -----
    An op without a batching rule runs once for each example; under :class:`tl.debug` a warning
    says so. What the function draws at random is the same for all examples.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> def loss(w, x, y):
    ...     return (w @ x - y) ** 2
    >>> w, x, y = [1.0, 2.0], [[1.0, 0.0], [0.0, 1.0]], [0.0, 1.0]
    >>> tl.vmap(tl.grad(loss), in_axes=(None, 0, 0))(w, x, y).tolist()
    [[2.0, 0.0], [0.0, 2.0]]
    """

    @functools.wraps(function)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        named = {name: whole_arrays(value) for name, value in kwargs.items()}
        arguments = (tuple(map(whole_arrays, args)), named)
        values, build = flatten(arguments)
        per_argument = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        axes = _axes_of(arguments, (tuple(per_argument), 0))
        level = Level(_size(values, axes))
        inner = [_entered(v, axis, level) for v, axis in zip(values, axes, strict=True)]
        positional, keywords = build(iter(inner))
        restore(level.outside.but(tracer=level))
        try:
            results, rebuild = flatten(function(*positional, **keywords))
        finally:
            restore(level.outside)
            level.close()
        places = _axes_of(rebuild(iter(results)), out_axes)
        return rebuild(
            iter([_left(v, axis, level) for v, axis in zip(results, places, strict=True)])
        )

    return mapped


def _axes_of(tree: Any, axes: Any) -> list[Any]:
    """The axis for each value of a tree; one entry of `axes` stands for all values below it."""
    if not isinstance(axes, tuple | list | dict):
        return [axes] * len(flatten(tree)[0])
    if not isinstance(tree, tuple | list | dict) or len(tree) != len(axes):
        count = len(tree) if isinstance(tree, tuple | list | dict) else 1
        raise ArgumentError(
            "vmap",
            f"{len(axes)} axes are given for {count} arguments or values",
            "Nest in_axes like the arguments, and out_axes like the value, or give one for all.",
        )
    keys = tree if isinstance(tree, dict) else range(len(tree))
    return [axis for key in keys for axis in _axes_of(tree[key], axes[key])]


def _size(values: list[Any], axes: list[Any]) -> int:
    """How many examples there are."""
    shapes = {}
    for value, axis in zip(values, axes, strict=True):
        if axis is None:
            continue
        shape = tuple(getattr(value, "shape", ()))
        if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
            raise AxisError(
                "vmap",
                f"axis {axis} does not exist in an argument of shape {shape}",
                "Pass in_axes=None for what all examples share.",
            )
        shapes[shape[axis]] = shape
    if len(shapes) != 1:
        raise ShapeError(
            "vmap",
            f"{' and '.join(map(str, shapes)) or 'no'} examples in arguments of shapes"
            f" {list(shapes.values())}",
            "At least one argument has examples, and all that have some have as many.",
        )
    return next(iter(shapes))  # type: ignore[no-any-return]


def _entered(value: Any, axis: int | None, level: Level) -> Any:
    """An argument as the function sees it: one example."""
    if axis is None:
        return value
    tensor = value if isinstance(value, Tensor) else Tensor(value)
    return Tensor.lift(Batched(level, _moved(tensor, axis, 0), many=True))


def _left(value: Any, axis: int | None, level: Level) -> Any:
    """A result as the caller gets it: of all examples."""
    tensor = value if isinstance(value, Tensor) else Tensor(value)
    data = level.read(tensor)
    if axis is None:
        if data.many:
            raise ArgumentError(
                "vmap", "out_axes=None for a result that differs between examples",
                "Pass the axis that they are to lie along.",
            )  # fmt: skip
        return data.tensor
    out = data.tensor
    if not data.many:
        out = ops.broadcast_to(out, shape=(level.size, *data.shape))
    return _moved(out, 0, axis)


def _moved(tensor: Tensor, source: int, target: int) -> Tensor:
    """`tensor` with one axis somewhere else."""
    source, target = source % tensor.ndim, target % tensor.ndim
    if source == target:
        return tensor
    order = [a for a in range(tensor.ndim) if a != source]
    order.insert(target, source)
    return ops.permute_dims(tensor, axes=tuple(order))

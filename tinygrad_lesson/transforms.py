"""Functions into functions: ``grad``, ``jacobian``, ``hessian`` and their kin, as JAX names them.

They work on functions of tensors, or of nested tuples, lists and dicts of tensors, and can be
nested to any order. Each call runs the function on fresh variables, so that what it closes over
is a constant to the transform at hand (and not to an outer one). The results are recorded if
anything else that they were computed from requires a gradient: an outer transform's variable, a
parameter that the function closes over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import ops
from .errors import NonScalarError, ShapeError
from .gradients import pull_back, whole_arrays
from .graph import Box, Leaf
from .mode import enable_grad
from .runs import Run
from .tensor import Tensor
from .trees import flatten, map_tree

Tree = Any
"""A tensor (or numbers), or a tuple, list or dict of trees."""


def value_and_grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., tuple[Any, Tree]]:
    """The function that gives the value of `function` and its gradient.

    Parameters
    ----------
    function
        Returns a single number, or with `has_aux` a pair of it and anything else.
    argnums
        Which positional argument to differentiate with respect to, or which ones.
    has_aux
        Whether `function` returns such a pair.

    Returns
    -------
    function
        ``(value, gradient)``, the gradient nested as the argument is, a tuple of them for several
        arguments; with `has_aux` the value is the pair.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> def loss(params, x):
    ...     return ((params["w"] * x + params["b"]) ** 2).sum()
    >>> value, slope = tl.value_and_grad(loss)({"w": 3.0, "b": 1.0}, 2.0)
    >>> float(value), float(slope["w"]), float(slope["b"])
    (49.0, 28.0, 14.0)
    """

    def transformed(*args: Any, **kwargs: Any) -> tuple[Any, Tree]:
        run = Run(function, args, kwargs, argnums)
        value = run.output[0] if has_aux else run.output
        if not isinstance(value, Tensor) or value.size != 1:
            shown = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
            raise NonScalarError(
                "grad",
                f"the function returned {shown}, which is not a single number",
                "Return one, such as a sum; use tl.jacobian for several"
                " and has_aux=True to return more.",
            )
        gradients = run.pull([value], [ops.ones_like(value)])
        value = value if run.recorded([value]) else value.detach()
        return ((value, *run.output[1:]) if has_aux else value), run.nested(gradients)

    return transformed


def grad(
    function: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that gives the gradient of `function`; see :func:`value_and_grad`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> cube = lambda x: x**3
    >>> float(tl.grad(cube)(2.0)), float(tl.grad(tl.grad(cube))(2.0))
    (12.0, 12.0)
    """
    both = value_and_grad(function, argnums, has_aux)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, *value[1:]) if has_aux else gradient

    return transformed


def vjp(
    function: Callable[..., Tree], *primals: Tree
) -> tuple[Tree, Callable[[Tree], tuple[Tree, ...]]]:
    """The value of `function`, and the function that multiplies vectors with its Jacobian.

    Parameters
    ----------
    function
        Of as many arguments as there are `primals`.
    primals
        Where it is evaluated.

    Returns
    -------
    output, pull
        ``pull(cotangent)``, of a cotangent nested like the output, is a tuple of one gradient for
        each primal.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> output, pull = tl.vjp(lambda x, y: x * y, [1.0, 2.0], [3.0, 4.0])
    >>> [g.tolist() for g in pull([1.0, 10.0])]
    [[3.0, 40.0], [1.0, 20.0]]
    """
    run = Run(function, primals, {}, tuple(range(len(primals))))
    outputs, build = flatten(run.output)

    def pull(cotangent: Tree) -> tuple[Tree, ...]:
        given = _like("vjp", cotangent, outputs)
        gradients = run.pull(outputs, given)
        nested: tuple[Tree, ...] = run.nested(gradients)
        return nested

    recorded = run.recorded(outputs)
    return build(iter([o if recorded else o.detach() for o in outputs])), pull


def jvp(
    function: Callable[..., Tree], primals: Sequence[Tree], tangents: Sequence[Tree]
) -> tuple[Tree, Tree]:
    """The value of `function`, and its derivative in the direction of `tangents`.

    Two reverse passes: the first gives a function that is linear in its cotangent, and the
    derivative of that in any point is the product wanted (Townsend, "A new trick for calculating
    Jacobian vector products", 2017).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> value, slope = tl.jvp(lambda x: x**2, [3.0], [0.5])
    >>> float(value), float(slope)
    (9.0, 3.0)
    """
    primals = tuple(primals)
    if len(primals) != len(tangents):
        raise ShapeError(
            "jvp", f"{len(primals)} primals but {len(tangents)} tangents", "Give one for each."
        )
    run = Run(function, primals, {}, tuple(range(len(primals))))
    outputs, build = flatten(run.output)
    dummies = [Tensor.lift(d := np.zeros(o.shape, o.dtype), Leaf(d, True, Box())) for o in outputs]
    variables = run.variables
    with enable_grad():
        linear = pull_back(outputs, variables, dummies, create_graph=True)
    given = _like("jvp", tuple(tangents), variables)
    keep = run.recorded([*outputs, *given])
    slopes = pull_back(linear, dummies, given, create_graph=keep)
    return (
        build(iter([o if keep else o.detach() for o in outputs])),
        build(iter(slopes)),
    )


def jacobian(function: Callable[..., Tree], argnums: int = 0) -> Callable[..., Tree]:
    """The function that gives all partial derivatives of `function`.

    One reverse pass carries the cotangents of many numbers of an output back at once.

    Returns
    -------
    function
        For one tensor in and one out, a tensor of the output's axes followed by the input's. For
        nested ones, the output's nest, with the argument's nest in each place.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.jacobian(lambda x: x * x)([1.0, 2.0]).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """

    def transformed(*args: Any, **kwargs: Any) -> Tree:
        run = Run(function, args, kwargs, argnums)
        outputs, build = flatten(run.output)
        blocks = []
        for output in outputs:
            rows = run.rows(output)
            columns = [
                ops.reshape(part, shape=(*output.shape, *variable.shape))
                for variable, part in zip(run.variables, rows, strict=True)
            ]
            blocks.append(run.nested(columns))
        return build(iter(blocks))

    return transformed


def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Tree]:
    """The function that gives all second derivatives of a function that returns one number.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.hessian(lambda x: x[0] ** 2 * x[1])([2.0, 3.0]).tolist()
    [[6.0, 4.0], [4.0, 0.0]]
    """
    return jacobian(grad(function, argnums), argnums)


def hvp(function: Callable[..., Any], primals: Sequence[Tree], tangents: Sequence[Tree]) -> Tree:
    """The product of the Hessian of `function` with a vector, without the Hessian.

    Parameters
    ----------
    function
        Returns a single number.
    primals, tangents
        Where it is evaluated, and the vector: one tree for each argument.

    Returns
    -------
    tree
        Nested like the only primal, a tuple of them for several.

    References
    ----------
    Pearlmutter, "Fast exact multiplication by the Hessian" (1994), by two reverse passes.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.hvp(lambda x: (x**3).sum(), [[1.0, 2.0]], [[1.0, 10.0]]).tolist()
    [6.0, 120.0]
    """
    several = tuple(range(len(primals)))
    tangent = flatten(map_tree(_tensor, tuple(map(whole_arrays, tangents))))[0]

    def slope(*args: Tree) -> Tensor:
        gradients = flatten(grad(function, several)(*args))[0]
        if len(gradients) != len(tangent):
            raise ShapeError(
                "hvp",
                f"{len(gradients)} tensors in the primals but {len(tangent)} in the tangents",
                "Nest both alike.",
            )
        total: Any = 0.0
        for g, t in zip(gradients, tangent, strict=True):
            total = total + (g * t).sum()
        return total  # type: ignore[no-any-return]

    products = grad(slope, several)(*primals)
    return products if len(primals) > 1 else products[0]


# ---- what they share -----------------------------------------------------------------


def _tensor(value: Any) -> Tensor:
    return value if isinstance(value, Tensor) else Tensor(value)


def _like(where: str, given: Tree, tensors: Sequence[Tensor]) -> list[Tensor]:
    """The values of `given`, checked against the tensors that they belong to."""
    if isinstance(given, tuple):
        given = tuple(map(whole_arrays, given))
    values = [_tensor(value) for value in flatten(whole_arrays(given))[0]]
    shapes = [value.shape for value in values]
    if shapes != [tensor.shape for tensor in tensors]:
        raise ShapeError(
            where,
            f"the vector has shapes {shapes}, not {[tensor.shape for tensor in tensors]}",
            "Nest and shape it like what it is multiplied with.",
        )
    return [v.astype(t.dtype) for v, t in zip(values, tensors, strict=True)]

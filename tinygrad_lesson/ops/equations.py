"""Systems of linear equations, and inverse matrices.

Matrices are the last two axes, and the axes before them are a batch.
"""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..errors import ShapeError
from ..op import composite, linear
from ..samples import dominant, sample, uniform
from .matrices import matrix, square

INVERTIBLE = dominant(-1, 1, (3, 3))
INVERTIBLES = dominant(-1, 1, (2, 3, 3))
WIDE = uniform(-2, 2, (2, 3))
TALL = uniform(-2, 2, (2, 3, 2))


@linear(samples=[sample(INVERTIBLE), sample(INVERTIBLES)])
def inv(xp: Namespace, x: Array, /) -> Array:
    """Inverse matrix; to solve equations, :func:`solve` is faster and more accurate."""
    return xp.inv(x)


@inv.vjp("x", saves=("out",))
def _(xp, g, out, x):
    transposed = xp.matrix_transpose(out)
    return -xp.matmul(transposed, xp.matmul(g, transposed))


@linear(
    samples=[
        sample(INVERTIBLE, uniform(-2, 2, (3, 2))),
        sample(INVERTIBLE, uniform(-2, 2, (3,))),
        sample(INVERTIBLES, uniform(-2, 2, (3, 1))),
        sample(INVERTIBLES, uniform(-2, 2, (3,))),
        sample(INVERTIBLE, uniform(-2, 2, (2, 3, 1))),
    ]
)
def solve(xp: Namespace, x1: Array, x2: Array, /) -> Array:
    """The solution y of ``x1 @ y == x2``, where `x2` is one vector, or one or more matrices.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.solve(tl.Tensor([[2.0, 1.0], [0.0, 4.0]]), tl.Tensor([4.0, 8.0]))
    Tensor([1., 2.], dtype=float32)
    """
    return xp.solve(x1, x2)


@solve.vjp("x1", saves=("out", "x1"))
def _(xp, g, out, x1, x2):
    if x2.ndim == 1:
        g, out = xp.expand_dims(g, axis=-1), xp.expand_dims(out, axis=-1)
    return -xp.matmul(xp.solve(xp.matrix_transpose(x1), g), xp.matrix_transpose(out))


@solve.vjp("x2", saves=("x1",))
def _(xp, g, out, x1, x2):
    transposed = xp.matrix_transpose(x1)
    if x2.ndim == 1:
        return xp.solve(transposed, xp.expand_dims(g, axis=-1))[..., 0]
    return xp.solve(transposed, g)


def _triangle(xp, x, upper):
    return xp.triu(x) if upper else xp.tril(x)


@composite(
    samples=[
        sample(INVERTIBLE, uniform(-2, 2, (3, 2))),
        sample(INVERTIBLES, uniform(-2, 2, (3, 1)), upper=True),
    ]
)
def solve_triangular(xp: Namespace, x1: Array, x2: Array, /, upper: bool = False) -> Array:
    """The solution y of ``x1 @ y == x2`` where `x1` is a triangle; its other half is not read.

    NumPy has no solver of its own for triangles, so this takes as long as :func:`solve`.
    """
    square("solve_triangular", x1)
    return xp.solve(_triangle(xp, x1, upper), x2)


@composite(
    samples=[
        sample(uniform(-2, 2, (3, 2)), INVERTIBLE),
        sample(uniform(-2, 2, (3, 1)), INVERTIBLES, upper=True),
    ]
)
def cholesky_solve(xp: Namespace, x: Array, triangle: Array, /, upper: bool = False) -> Array:
    """The solution y of ``a @ y == x``, from ``triangle = cholesky(a, upper)``."""
    square("cholesky_solve", triangle)
    half = _triangle(xp, triangle, upper)
    lower, transposed = (xp.matrix_transpose(half), half) if upper else (
        half, xp.matrix_transpose(half),
    )  # fmt: skip
    return xp.solve(transposed, xp.solve(lower, x))


@linear(samples=[sample(uniform(-2, 2, (3, 3))), sample(WIDE), sample(TALL, rtol=1e-6)])
def pinv(xp: Namespace, x: Array, /, rtol: float | None = None) -> Array:
    """Pseudoinverse (Moore-Penrose), which solves equations in the least-squares sense.

    Singular values up to `rtol` times the largest are taken for 0; None stands for the larger
    side of `x` times the distance from 1 to the next float. The derivative is that among matrices
    of the same rank: Golub and Pereyra, "The differentiation of pseudo-inverses and nonlinear
    least squares problems whose variables separate" (1973).
    """
    return xp.pinv(x, rtol=rtol)


@pinv.vjp("x", saves=("out", "x"))
def _(xp, g, out, x, *, rtol):
    transposed, gt = xp.matrix_transpose(out), xp.matrix_transpose(g)
    part = -xp.matmul(transposed, xp.matmul(g, transposed))
    outside = xp.matmul(gt, xp.matmul(out, transposed))
    beside = xp.matmul(transposed, xp.matmul(out, gt))
    part = part + outside - xp.matmul(x, xp.matmul(out, outside))
    return part + beside - xp.matmul(beside, xp.matmul(out, x))


@composite(
    samples=[
        sample(uniform(-2, 2, (4, 2)), uniform(-2, 2, (4,))),
        sample(TALL, uniform(-2, 2, (3, 2))),
        sample(WIDE, uniform(-2, 2, (2, 1))),
    ]
)
def lstsq(xp: Namespace, x1: Array, x2: Array, /, rtol: float | None = None) -> Array:
    """The y that makes ``x1 @ y`` closest to `x2`; if there are several, the shortest.

    Returns the solution only, for one vector or for matrices, with batches; `rtol` is that of
    :func:`pinv`.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.linalg.lstsq(tl.ones(3, 1), tl.Tensor([1.0, 2.0, 6.0])).round()
    Tensor([3.], dtype=float32)
    """
    matrix("lstsq", x1)
    rows = x2.shape[0] if x2.ndim == 1 else x2.shape[-2] if x2.ndim else None
    if rows != x1.shape[-2]:
        raise ShapeError(
            "lstsq",
            f"shapes {x1.shape} and {x2.shape} do not have the same number of rows",
            "Each row of x1 is an equation, and x2 has its right side.",
        )
    return xp.matmul(xp.pinv(x1, rtol=rtol), x2)

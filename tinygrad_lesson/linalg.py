"""Linear algebra: the array API's ``linalg`` namespace, and a little more.

``tl.linalg.svd(x)``, ``tl.linalg.solve(a, b)``. Matrices are the last two axes; those before them
are a batch. Every function has derivatives of all orders.

Examples
--------
>>> import tinygrad_lesson as tl
>>> a = tl.Tensor([[2.0, 0.0], [1.0, 4.0]], requires_grad=True)
>>> tl.linalg.slogdet(a).logabsdet.backward()
>>> a.grad
Tensor([[ 0.5  , -0.125],
        [ 0.   ,  0.25 ]], dtype=float32)
"""

from __future__ import annotations

from typing import Any

from . import ops
from .arguments import shown
from .errors import ArgumentError
from .ops import cholesky as cholesky
from .ops import cholesky_solve as cholesky_solve
from .ops import cond as cond
from .ops import cross as cross
from .ops import det as det
from .ops import diagonal as diagonal
from .ops import eigh as eigh
from .ops import eigvalsh as eigvalsh
from .ops import inv as inv
from .ops import logdet as logdet
from .ops import lstsq as lstsq
from .ops import matmul as matmul
from .ops import matrix_exp as matrix_exp
from .ops import matrix_norm as matrix_norm
from .ops import matrix_power as matrix_power
from .ops import matrix_rank as matrix_rank
from .ops import matrix_transpose as matrix_transpose
from .ops import multi_dot as multi_dot
from .ops import outer as outer
from .ops import pinv as pinv
from .ops import qr as qr
from .ops import slogdet as slogdet
from .ops import solve as solve
from .ops import solve_triangular as solve_triangular
from .ops import svd as svd
from .ops import svdvals as svdvals
from .ops import tensordot as tensordot
from .ops import trace as trace
from .ops import vecdot as vecdot
from .ops import vector_norm as vector_norm
from .tensor import Tensor

expm = matrix_exp
"""SciPy's name."""


def einsum(subscripts: str, *operands: Any) -> Tensor:
    """Sum of products of the operands, with one letter for each axis.

    Parameters
    ----------
    subscripts
        The letters of each operand's axes, and after an arrow those of the result. Axes with the
        same letter run together; a letter that the result lacks is summed over. Without an arrow
        the result has the letters that occur once, in alphabetical order. ``...`` stands for any
        axes, which broadcast; a letter twice in one operand takes a diagonal.
    operands
        Arrays, or one list of them.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> x, y = tl.arange(3), tl.arange(6).reshape(3, 2)
    >>> tl.einsum("i,ij->j", x, y)
    Tensor([10, 13], dtype=int64)
    >>> tl.einsum("ij->", y).item()
    15
    """
    if not isinstance(subscripts, str):
        raise ArgumentError(
            "einsum",
            f"the subscripts are no text but {shown(subscripts)}",
            'The text comes first: einsum("ij,jk->ik", x, y).',
        )
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = tuple(operands[0])
    arrays = [Tensor(x) if isinstance(x, int | float) else x for x in operands]
    return ops.einsum(*arrays, subscripts=subscripts)

"""Values of linear algebra by NumPy and SciPy.

Of a matrix that ought to be symmetric they get the symmetric part, as the ops take it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

from tinygrad_lesson.samples import dominant, sample, uniform

from .shared import Calls, Oracles


def floats(x: Any) -> Any:
    return x if x.dtype.kind == "f" else x.astype(float)


def of_symmetric(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function of NumPy's for the symmetric part."""

    def call(x: Any, **params: Any) -> Any:
        x = floats(x)
        return function((x + x.mT) / 2, **params)

    return call


def cofactors(x: Any) -> Any:
    """Determinants of what is left without one row and one column, with alternating signs."""
    x = floats(x)
    out = np.empty(x.shape)
    for i, j in np.ndindex(x.shape[-2:]):
        rest = np.delete(np.delete(x, i, axis=-2), j, axis=-1)
        out[..., i, j] = (-1) ** (i + j) * np.linalg.det(rest)
    return out


def packed_svd(x: Any) -> Any:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([u, s[..., None, :], vh.mT], axis=-2)


def packed_eigh(x: Any) -> Any:
    values, vectors = np.linalg.eigh(x)
    return np.concatenate([values[..., None, :], vectors], axis=-2)


def each(function: Callable[..., Any], *arrays: Any) -> Any:
    """A function for single matrices, of stacks of them."""
    batch = np.broadcast_shapes(*(a.shape[:-2] for a in arrays))
    arrays = tuple(np.broadcast_to(a, (*batch, *a.shape[-2:])) for a in arrays)
    return np.stack([function(*(a[i] for a in arrays)) for i in np.ndindex(batch)]).reshape(
        *batch, *function(*(a[(0,) * len(batch)] for a in arrays)).shape
    )


def lstsq(x1: Any, x2: Any, rtol: Any) -> Any:
    if x2.ndim == 1:
        return np.linalg.lstsq(x1, x2)[0]
    return each(lambda a, b: np.linalg.lstsq(a, b)[0], x1, x2)


def solve_triangular(x1: Any, x2: Any, upper: bool) -> Any:
    return each(
        lambda a, b: scipy.linalg.solve_triangular(a, b, lower=not upper), floats(x1), floats(x2)
    )


def cholesky_solve(x: Any, triangle: Any, upper: bool) -> Any:
    return each(lambda b, c: scipy.linalg.cho_solve((c, not upper), b), floats(x), floats(triangle))


VALUES: Oracles = {
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "solve_triangular": solve_triangular,
    "cholesky_solve": cholesky_solve,
    "pinv": lambda x, rtol: np.linalg.pinv(floats(x), rtol=rtol),
    "lstsq": lstsq,
    "det": np.linalg.det,
    "cofactors": cofactors,
    "packed_slogdet": lambda x: np.stack(np.linalg.slogdet(x), axis=-1),
    "slogdet": np.linalg.slogdet,
    "logdet": lambda x: np.log(np.linalg.det(x)),
    "matrix_rank": lambda x, rtol: np.linalg.matrix_rank(x, rtol=rtol),
    "trace": np.linalg.trace,
    "matrix_norm": lambda x, keepdims, ord: np.linalg.matrix_norm(x, keepdims=keepdims, ord=ord),
    "cond": np.linalg.cond,
    "matrix_power": np.linalg.matrix_power,
    "matrix_exp": scipy.linalg.expm,
    "cholesky": of_symmetric(np.linalg.cholesky),
    "packed_eigh": of_symmetric(packed_eigh),
    "eigh": of_symmetric(np.linalg.eigh),
    "eigvalsh": of_symmetric(np.linalg.eigvalsh),
    "packed_qr": lambda x: np.concatenate(np.linalg.qr(x), axis=-2),
    "orthogonal_complement": lambda x: np.linalg.qr(x, mode="complete")[0][..., x.shape[-1] :],
    "qr": np.linalg.qr,
    "packed_svd": packed_svd,
    "svd": np.linalg.svd,
    "svdvals": np.linalg.svdvals,
}

LARGE: Calls = {
    "orthogonal_complement": [sample(uniform(-2, 2, (21, 20)))],
    "solve": [
        sample(dominant(-1, 1, (20, 20)), uniform(-2, 2, (20, 20))),
    ],
}

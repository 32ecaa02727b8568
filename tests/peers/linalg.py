"""PyTorch's linear algebra.

The signs of vectors are free: PyTorch's are made those of NumPy's LAPACK, which the ops use.
Of a matrix that ought to be symmetric PyTorch gets the symmetric part, as the ops take it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .shared import Peers


def symmetric(x: Any) -> Any:
    return (x + x.mT) / 2


def like_numpy(vectors: Any, expected: Any) -> Any:
    """Signs, one for each column, that make the vectors NumPy's."""
    return torch.sign(torch.sum(vectors.detach() * torch.tensor(expected), -2, keepdim=True))


def eigh(x: Any) -> tuple[Any, Any]:
    x = symmetric(x)
    values, vectors = torch.linalg.eigh(x)
    return values, vectors * like_numpy(vectors, np.linalg.eigh(x.detach().numpy())[1])


def svd(x: Any, full_matrices: bool) -> tuple[Any, Any, Any]:
    u, s, vh = torch.linalg.svd(x, full_matrices)
    signs = like_numpy(u, np.linalg.svd(x.detach().numpy(), full_matrices)[0])
    return u * signs, s, vh * signs.mT


def packed(*parts: Any) -> Any:
    return torch.cat([part if part.ndim == parts[-1].ndim else part[..., None, :]
                      for part in parts], -2)  # fmt: skip


def packed_svd(x: Any) -> Any:
    u, s, vh = svd(x, full_matrices=False)
    return packed(u, s, vh.mT)


def solve_triangular(x1: Any, x2: Any, upper: bool) -> Any:
    return torch.linalg.solve_triangular(x1, x2, upper=upper)


def cholesky_solve(x: Any, triangle: Any, upper: bool) -> Any:
    half = triangle.triu() if upper else triangle.tril()  # or the rest would get a gradient, too
    return torch.cholesky_solve(x, half, upper=upper)


def cond(x: Any, p: Any) -> Any:
    if p != 1:
        return torch.linalg.cond(x, p)
    norm = torch.linalg.matrix_norm  # PyTorch's own fails backward, having written into the inverse
    return norm(x, p) * norm(torch.linalg.inv(x), p)


def trace(x: Any, offset: int, dtype: Any) -> Any:
    elements = torch.diagonal(x, offset, -2, -1)
    return elements.sum(-1, dtype=None if dtype is None else getattr(torch, dtype))


def solve(x1: Any, x2: Any) -> Any:
    if x2.ndim == 1:  # PyTorch would take a vector for a batch of them
        return torch.linalg.solve(x1, x2[:, None])[..., 0]
    return torch.linalg.solve(x1, x2)


def lstsq(x1: Any, x2: Any, rtol: Any) -> Any:
    return torch.linalg.pinv(x1, rtol=rtol) @ x2


PEERS: Peers = {
    "inv": torch.linalg.inv,
    "solve": solve,
    "solve_triangular": solve_triangular,
    "cholesky_solve": cholesky_solve,
    "pinv": lambda x, rtol: torch.linalg.pinv(x, rtol=rtol),
    "lstsq": lstsq,
    "det": torch.linalg.det,
    "cofactors": None,
    "packed_slogdet": lambda x: torch.stack(torch.linalg.slogdet(x), -1),
    "slogdet": torch.linalg.slogdet,
    "logdet": torch.logdet,
    "matrix_rank": lambda x, rtol: torch.linalg.matrix_rank(x, rtol=rtol),
    "trace": trace,
    "matrix_norm": lambda x, keepdims, ord: torch.linalg.matrix_norm(x, ord, keepdim=keepdims),
    "cond": cond,
    "matrix_power": torch.linalg.matrix_power,
    "matrix_exp": torch.linalg.matrix_exp,
    "cholesky": lambda x, upper: torch.linalg.cholesky(symmetric(x), upper=upper),
    "packed_eigh": lambda x: packed(*eigh(x)),
    "eigh": eigh,
    "eigvalsh": lambda x: torch.linalg.eigvalsh(symmetric(x)),
    "packed_qr": lambda x: packed(*torch.linalg.qr(x)),
    "orthogonal_complement": None,
    "qr": torch.linalg.qr,
    "packed_svd": packed_svd,
    "svd": svd,
    "svdvals": torch.linalg.svdvals,
}

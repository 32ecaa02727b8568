"""Matrices that are not square, singular, or not positive definite."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import RangeError, ShapeError, TinygradError
from .call import Call, Explanations, broadcast

SQUARE = (
    "inv", "solve", "det", "cofactors", "packed_slogdet", "cholesky", "packed_eigh", "eigvalsh",
    "matrix_exp",
)  # fmt: skip
ANY = ("pinv", "matrix_rank", "packed_qr", "packed_svd", "svdvals", "orthogonal_complement")


def _matrix(call: Call) -> TinygradError | None:
    shape = call.shapes[0]
    where = call.where.replace("packed_", "")  # users call the function that cuts what was packed
    if len(shape) < 2:
        return ShapeError(
            where, f"shape {shape} is no matrix", "Pass at least two axes, rows and columns."
        )
    if call.op.name in SQUARE and shape[-1] != shape[-2]:
        return ShapeError(
            where,
            f"shape {shape} is no square matrix",
            "The last two axes must have the same length."
            if call.op.name not in ("inv", "solve")
            else "Use pinv or lstsq, which take any matrix.",
        )
    if "ingular" in call.reason:
        return RangeError(
            where,
            f"{_which(call)} singular",
            "Use pinv or lstsq, or add a small multiple of the identity.",
        )
    if "positive definite" in call.reason:
        return RangeError(
            where,
            f"{_which(call)} not positive definite",
            "All eigenvalues must be positive, see linalg.eigvalsh; a multiple of the identity"
            " added to the matrix lifts them.",
        )
    if "not finite" in call.reason:
        return _not_finite(where, call.inputs[0])
    if "converge" in call.reason:
        return RangeError(
            where, f"no convergence for shape {shape}", "Divide the matrix by its largest number."
        )
    return None


def _not_finite(where: str, x: Any) -> TinygradError:
    found = int(np.sum(~np.isfinite(x.raw)))
    numbers = "a number" if found == 1 else f"{found} numbers"
    return RangeError(
        where,
        f"{numbers} of shape {x.shape} {'is' if found == 1 else 'are'} not finite",
        "`with tl.debug():` names the op that made NaN or infinity.",
    )


def _which(call: Call) -> str:
    shape = call.shapes[0]
    return f"the matrix of shape {shape} is" if len(shape) == 2 else f"a matrix of {shape} is"


def _solve(call: Call) -> TinygradError | None:
    x, y = call.shapes
    wrong = _matrix(call)
    if wrong is not None:
        return wrong
    rows = y[-1] if len(y) == 1 else y[-2] if y else None
    if rows != x[-1]:
        return ShapeError(
            call.where,
            f"shapes {x} and {y} do not have the same number of rows",
            "The second has a right side for each row of the first: it is one vector, or has"
            " vectors as columns.",
        )
    if len(y) > 1 and not broadcast(x[:-2], y[:-2]):
        return ShapeError(
            call.where,
            f"shapes {x} and {y}: the axes before the last two do not broadcast",
            "They are lined up from the right; each pair must be equal, or one of them 1.",
        )
    return None


EXPLANATIONS: Explanations = {**dict.fromkeys((*SQUARE, *ANY), _matrix), "solve": _solve}

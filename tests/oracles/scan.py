"""Values of scans by NumPy and SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from tinygrad_lesson.samples import sample, uniform

from .shared import Calls, Oracles


def of_beginnings(function: Any) -> Any:
    """What `function` makes of the first number of each row, of the first two, and so on."""

    def call(x: Any, axis: int | None) -> Any:
        rows = np.moveaxis(x, axis or 0, -1)
        found = [function(rows[..., : i + 1], axis=-1) for i in range(rows.shape[-1])]
        return np.moveaxis(np.stack(found, -1), -1, axis or 0)

    return call


def linear_recurrence(x: Any, links: Any, axis: int, reverse: bool) -> Any:
    """The solution of ``(I - L) y = x``, where the links are next to the diagonal of L."""
    columns, factors = np.moveaxis(x, axis, -1), np.moveaxis(links, axis, -1)
    matrix = np.zeros((*columns.shape, columns.shape[-1])) + np.eye(columns.shape[-1])
    rows = np.arange(columns.shape[-1] - 1)
    matrix[..., rows + 1, rows] -= factors
    found = np.linalg.solve(matrix.swapaxes(-1, -2) if reverse else matrix, columns[..., None])
    return np.moveaxis(found[..., 0], -1, axis)


VALUES: Oracles = {
    "cumulative_sum": np.cumulative_sum,
    "cumulative_prod": np.cumulative_prod,
    "linear_recurrence": linear_recurrence,
    "cumulative_logsumexp": of_beginnings(
        lambda x, axis: scipy.special.logsumexp(x.astype(float), axis=axis)
    ),
    "cumulative_argmax": of_beginnings(np.argmax),
    "cumulative_argmin": of_beginnings(np.argmin),
    "cumulative_max": of_beginnings(np.max),
    "cumulative_min": of_beginnings(np.min),
    "diff": lambda x, axis, n: np.diff(x, n, axis),
}

LARGE: Calls = {
    "linear_recurrence": [
        sample(uniform(-1, 1, (21, 20)), uniform(-1, 1, (20, 20)), axis=0),
        sample(uniform(-1, 1, (21, 20)), uniform(-1, 1, (20, 20)), axis=0, reverse=True),
    ],
}

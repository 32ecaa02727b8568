"""A progress bar for checks that take longer than one cares to wait without a sign."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

PATIENCE = 2.0
"""Seconds before the bar appears."""


class Progress:
    """Counts directions; shows nothing unless the check is slow."""

    def __init__(self) -> None:
        self._count = 0
        self._start = time.perf_counter()
        self._bar: Any = None

    def __enter__(self) -> Self:
        return self

    def __call__(self) -> None:
        """Count one direction."""
        self._count += 1
        if self._bar is not None:
            self._bar.update()
        elif time.perf_counter() - self._start > PATIENCE:
            from tqdm import tqdm  # here, so that only a slow check pays for loading it

            self._bar = tqdm(desc="gradcheck", unit=" directions", initial=self._count, leave=False)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

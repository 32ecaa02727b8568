"""Notices: warnings of the compiler, at the line of the user's that calls a step."""

from __future__ import annotations

import warnings

from ..recording import user_line


def warn(message: str, kind: type[Warning]) -> None:
    """Warn at the innermost line that is not this library's own."""
    file, _, line = user_line().rpartition(":")
    warnings.warn_explicit(message, kind, file, int(line))

"""How much memory this process has, and the most that it had; None where only Linux tells."""

from __future__ import annotations

import contextlib
import ctypes
import pathlib

STATUS, RESET = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def resident() -> int | None:
    """Bytes at the moment."""
    return _entry("VmRSS:")


def peak() -> int | None:
    """The most bytes since :func:`forget_peak`."""
    return _entry("VmHWM:")


def forget_peak() -> None:
    """Give back what is free, and let the peak be what there is now."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        RESET.write_text("5")


def _entry(name: str) -> int | None:
    with contextlib.suppress(OSError):
        for line in STATUS.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None

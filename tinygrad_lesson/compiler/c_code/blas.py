"""The BLAS that NumPy has loaded: where its products of matrices are in memory."""

from __future__ import annotations

import ctypes
import functools
import glob
import os

import numpy as np

NAMES = ("scipy_cblas_{}gemm64_", "cblas_{}gemm64_", "cblas_{}gemm_64")
"""What the product is called where integers have 64 bits, as in NumPy's wheels."""


@functools.cache
def products() -> tuple[int, int] | None:
    """Addresses of the products in single and in double precision; None if there are none."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for name in NAMES:
            found = [getattr(library, name.format(letter), None) for letter in "sd"]
            if all(found):
                single, double = (ctypes.cast(f, ctypes.c_void_p).value or 0 for f in found)  # type: ignore[arg-type]
                return single, double
    return None


@functools.cache
def threads() -> tuple[int, int] | None:
    """Addresses of what sets and what tells its number of threads; None if there is no such."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for prefix, suffix in (("scipy_", "64_"), ("", "64_"), ("", "_64"), ("", "")):
            found = [
                getattr(library, f"{prefix}openblas_{verb}_num_threads{suffix}", None)
                for verb in ("set", "get")
            ]
            if all(found):
                first, second = (ctypes.cast(f, ctypes.c_void_p).value or 0 for f in found)  # type: ignore[arg-type]
                return first, second
    return None


def _libraries() -> list[str]:
    """The libraries of this process that may be a BLAS, and those that came with NumPy."""
    found: dict[str, None] = {}
    try:
        with open("/proc/self/maps") as maps:
            for line in maps:
                path = line.rstrip().rpartition(" ")[2]
                if "blas" in os.path.basename(path).lower():
                    found[path] = None
    except OSError:
        pass
    beside = os.path.join(os.path.dirname(np.__file__), os.pardir, "numpy.libs", "*blas*")
    return [*found, *glob.glob(beside)]

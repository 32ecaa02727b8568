"""What results depend on: the machine, the versions, and what the environment says of threads."""

from __future__ import annotations

import contextlib
import datetime
import importlib.metadata
import os
import pathlib
import platform
from collections.abc import Iterable

SETTINGS_OF_OTHERS = ("OPENBLAS_", "OMP_", "GOMP_", "KMP_", "MKL_", "XLA_", "MALLOC_", "GLIBC_")
KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1073741824", "MALLOC_MMAP_THRESHOLD_": "1073741824"}


def environment(threads: int, keep_memory: bool) -> dict[str, str]:
    """The same for all contenders: nothing but the number of threads is set for a library."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS_OF_OTHERS)}
    numbers = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")
    clean |= dict.fromkeys(numbers, str(threads))
    if threads == 1:
        clean["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    return clean | (KEPT_MEMORY if keep_memory else {})


def cores() -> list[int]:
    """The numbers of the cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def described(packages: Iterable[str], keep_memory: bool) -> str:
    """Date, processor, versions and settings, in two lines."""
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}" for p in dict.fromkeys(packages))
    memory = (
        "keep the memory that a step frees (MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ at"
        " 1 GiB)"
        if keep_memory
        else "have the allocator's own settings"
    )
    return (
        f"{datetime.date.today()}, {len(cores())} cores of {_processor()}, {platform.system()},"
        f" Python {platform.python_version()}, {versions}.\n"
        "OPENBLAS_NUM_THREADS, OMP_NUM_THREADS and MKL_NUM_THREADS are 1 or 2, whichever is faster;"
        f" all processes {memory}."
    )


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()

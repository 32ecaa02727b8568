"""Tapes that were planned before, by this process or another: kept beside the built libraries.

The name of a file has two parts: a digest of the equations as they were traced, and of the code
that makes a tape of them; and a digest of the file, so that a damaged one is found out.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...op import REGISTRY
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Value
from ..c_code.pruning import BUILDING, prune, used
from ..c_code.toolchain import cache_folder, processor
from .tape import Given, Tape

WORTHWHILE = 10_000
"""Tapes of fewer equations are planned again as quickly."""

PLAIN = (bool, int, float, str, type(None))


# ---- what a tape is made of ----------------------------------------------------------------


def begin(equations: Sequence[Equation], results: Sequence[Value]) -> tuple[list[Any], str]:
    """What equations start from, in the order of its first use; and a digest of it all.

    It decides which tape becomes of them: equations whose digests are the same are the same, with
    other Values.
    """
    given: list[Any] = []
    numbers: dict[Any, int] = {}
    kinds: dict[Any, int] = {}
    rows: list[int] = []
    for equation in equations:
        params = repr(sorted(equation.params.items())) if equation.params else ""
        key = equation.op.name, equation.out.dtype.char, params
        rows.append(kinds.setdefault(key, len(kinds)))
        for x in equation.inputs:
            if type(x) is Value:
                name: Any = x
            elif type(x) is Number:
                name = "number", x.index
            else:
                rows.append(~kinds.setdefault((type(x).__name__, repr(x)), len(kinds)))
                continue
            if name not in numbers:
                numbers[name] = len(numbers)
                given.append(x)
            rows.append(numbers[name])
        numbers[equation.out] = len(numbers)
    parts = (_maker(), [*kinds], [*map(_kind, given)], [numbers[x] for x in results])
    whole = hashlib.sha256(repr(parts).encode())
    whole.update(np.array(rows, np.int64).tobytes())
    return given, whole.hexdigest()[:32]


def _kind(x: Any) -> tuple[str, str]:
    """What matters of a Value or Number from outside."""
    if type(x) is Number:
        return type(x.value).__name__, ""
    constant = x.source.array.tobytes().hex() if type(x.source) is Constant else ""
    return x.dtype.char, constant


@functools.cache
def _maker() -> str:
    """The code that makes tapes, and where it runs."""
    here = Path(__file__).parent
    files = [*here.glob("*.py"), *here.parent.glob("passes/*.py"),
             *here.parent.glob("c_code/operators.py")]  # fmt: skip
    content = b"".join(path.read_bytes() for path in sorted(files))
    return hashlib.sha256(content).hexdigest() + np.__version__ + processor()


# ---- files ---------------------------------------------------------------------------------


def found(name: str) -> Tape | None:
    """The tape of this digest, if it was kept and is whole."""
    for path in cache_folder().glob(f"{name}-*.npz"):
        with contextlib.suppress(OSError):
            used(path)
            content = path.read_bytes()
            if path.name == _file_name(name, content):
                with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                    return _read(dict(arrays))
            path.unlink()
    return None


def keep(name: str, tape: Tape) -> None:
    """Keep a tape, if its kinds of equations can be told in a file."""
    arrays = _written(tape)
    if arrays is None:
        return
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    folder = cache_folder()
    with (
        contextlib.suppress(OSError),  # the disk may be full
        tempfile.TemporaryDirectory(dir=folder, prefix=BUILDING) as place,
    ):
        path = Path(place) / "tape.npz"
        path.write_bytes(content)
        os.replace(path, folder / _file_name(name, content))
    prune(folder)


def _file_name(name: str, content: bytes) -> str:
    return f"{name}-{hashlib.sha256(content).hexdigest()[:32]}.npz"


def _written(tape: Tape) -> dict[str, Any] | None:
    cases = [_told(case) for case in tape.cases]
    if None in cases:
        return None
    told = {
        "cases": cases, "sizes": tape.sizes, "takes": tape.takes, "given": tape.given,
        "dtype": tape.dtype,
    }  # fmt: skip
    arrays = {f"constants {dtype}": array for dtype, array in tape.constants.items()}
    return {
        "told": np.array(json.dumps(told)), "runs": tape.runs.astype(np.int32),
        "places": tape.places.astype(np.int32), "results": tape.results, **arrays,
    }  # fmt: skip


def _told(case: Equation) -> Any:
    """A kind of equations in plain words; None if there are none."""
    params = {k: [np.dtype(v).name] if _is_dtype(v) else v for k, v in case.params.items()}
    inputs = [[x.dtype.char] if type(x) is Value else x for x in case.inputs]
    plain = all(type(x) in PLAIN or type(x) is list for x in (*params.values(), *inputs))
    return [case.op.name, case.out.dtype.char, inputs, params] if plain else None


def _is_dtype(x: Any) -> bool:
    return isinstance(x, np.dtype) or (isinstance(x, type) and issubclass(x, np.generic))


def _read(arrays: dict[str, Any]) -> Tape:
    told = json.loads(arrays["told"].item())
    cases = [_case(*case) for case in told["cases"]]
    constants = {
        name.removeprefix("constants "): array
        for name, array in arrays.items()
        if name.startswith("constants ")
    }
    given = [Given(*x) for x in told["given"]]
    return Tape(
        cases, arrays["runs"].astype(np.int64), arrays["places"].astype(np.int64), told["sizes"],
        constants, told["takes"], given, told["dtype"], arrays["results"],
    )  # fmt: skip


def _case(op: str, dtype: str, inputs: list[Any], params: dict[str, Any]) -> Equation:
    values = tuple(
        Value(i, (), np.dtype(x[0])) if type(x) is list else x for i, x in enumerate(inputs)
    )
    found = {k: np.dtype(v[0]) if type(v) is list else v for k, v in params.items()}
    return Equation(Value(len(values), (), np.dtype(dtype)), REGISTRY[op], values, found)

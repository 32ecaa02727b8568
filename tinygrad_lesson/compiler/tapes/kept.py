"""Tapes that were planned before, by this process or another: kept beside the built libraries.

They are found by a digest of the equations as they were traced, and of the code that makes a tape
of them.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...op import REGISTRY
from ...tracing.numbers import Number
from ...tracing.program import Constant, Equation, Value
from .. import cache
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
    files = sorted(Path(__file__).parent.parent.rglob("*.py"))
    content = b"".join(path.read_bytes() for path in files)
    return cache.digest(content) + np.__version__ + cache.processor()


# ---- files ---------------------------------------------------------------------------------


def found(name: str) -> Tape | None:
    """The tape of this digest, if it was kept and is whole."""
    path = cache.kept(name, ".npz")
    if path is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return _read(dict(arrays))
    except OSError:  # somebody has emptied the cache
        return None


def keep(name: str, tape: Tape) -> None:
    """Keep a tape, if its kinds of equations can be told in a file."""
    arrays = _written(tape)
    if arrays is not None:
        with contextlib.suppress(OSError), cache.workplace() as place:  # the disk may be full
            path = Path(place) / "tape.npz"
            np.savez(path, **arrays)
            cache.keep(path, name)


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

"""What exported modules are made of: parts that are the same in all, and how to write others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...errors import ArgumentError
from .notation import literal


class Code(str):
    """An expression, in the place of its value."""


def nest_of(nest: Any) -> str:
    """The expression of a nest of expressions."""
    if type(nest) is Code:
        return str(nest)
    if isinstance(nest, dict):
        return f"{{{', '.join(f'{key!r}: {nest_of(x)}' for key, x in nest.items())}}}"
    inner = ", ".join(map(nest_of, nest))
    return f"[{inner}]" if isinstance(nest, list) else f"({inner}{',' * (len(nest) == 1)})"


def written(value: Any) -> str:
    """Source of something that is always the same."""
    if isinstance(value, bool | int | float | str | tuple | np.dtype | type | np.generic | None):
        return literal(value)
    if isinstance(value, np.ndarray) and value.size < 1000:
        return f"np.array({literal(value.tolist())}, np.{value.dtype.name})"
    raise ArgumentError(
        "export",
        f"the step returns or draws by a {type(value).__name__}, which has no source",
        "Return tensors and numbers.",
    )


def set_of(names: Iterable[str]) -> str:
    """Source of a set of words."""
    inner = ", ".join(f'"{name}"' for name in names)
    if len(inner) > 60:
        inner = f"\n    {inner.replace(', ', f',{chr(10)}    ')},\n"
    return f"{{{inner}}}" if inner else "set()"


def imports_of(lines: Sequence[str]) -> str:
    """Import statements in order, one for each module: Python's own, then NumPy's."""
    plain = sorted({line for line in lines if line.startswith("import")})
    parts: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("from"):
            _, module, _, name = line.split(" ", 3)
            parts.setdefault(module, set()).add(name)
    written = [f"from {m} import {', '.join(sorted(parts[m]))}" for m in sorted(parts)]
    both = [*plain, *written]
    first = [line for line in both if "numpy" not in line]
    return "\n".join([*first, "", *(line for line in both if "numpy" in line)])


LEAVING = """\
if {test}:
    raise RuntimeError(
        "from here on the step is another one: export it again at this point"
    )"""

STATE = """
PATH = os.path.splitext(os.path.abspath(__file__))[0] + ".npz"

# What of the state are Python numbers, such as learning rates, and no arrays.
NUMBERS = {numbers}

state: dict[str, Any] = {{}}


def load(path: str = PATH) -> None:
    \"\"\"Read the state from a file.\"\"\"
    with np.load(path) as stored:
        for name in stored.files:
            state[name] = stored[name].item() if name in NUMBERS else stored[name]{loading}


def save(path: str = PATH) -> None:
    \"\"\"Write the state into a file.\"\"\"
    np.savez(path, {saved})


def given(name: str, value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    \"\"\"An argument as an array; ValueError if its shape is another, TypeError if its dtype.\"\"\"
    array = np.asarray(value)
    if array.shape != shape:
        raise ValueError(
            f"{{name}} has shape {{array.shape}}. This module was made for {{shape}}:"
            " export another one for other shapes."
        )
    return array.astype(dtype, casting="same_kind", copy=False)
"""

LOADING = """
    for name in GENERATORS:
        stands = json.loads(state.pop(name).item())
        bits = getattr(np.random, stands["bit_generator"])()
        bits.state = stands
        generators[name] = np.random.Generator(bits)"""

CHANCE = """
GENERATORS = {generators}
generators: dict[str, np.random.Generator] = {{}}


def seed(number: int) -> None:
    \"\"\"Begin anew with the random numbers that belong to a seed.\"\"\"
    for name in GENERATORS:
        generators[name] = np.random.default_rng(number)


def standing() -> dict[str, str]:
    \"\"\"Where the generators stand.\"\"\"
    return {{
        name: json.dumps(generator.bit_generator.state, default=lambda x: x.tolist())
        for name, generator in generators.items()
    }}
"""


def rows(before: str, items: Sequence[str], after: str) -> str:
    """Items between brackets, in one line if they are few."""
    line = f"{before}{', '.join(items)}{after}"
    if len(line) <= 90:
        return line
    inner = "".join(f"    {item},\n" for item in items)
    return f"{before}\n{inner}{after}"

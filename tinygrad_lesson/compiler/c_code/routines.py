"""The routines: what is the same in all programs is built once, and apart from them.

It comes in parts: the team of threads; and products of matrices, windows and recurrent layers, each
for numbers of one type. A program gets the parts that it calls, and those that are missing are
built while it is built itself.

A program calls what is called ``tl_conv_f32`` in the headers by that name with a digest of the part
behind it. So it finds the part that it was built for, whatever else is loaded: another version of
this package, for instance.
"""

from __future__ import annotations

import ctypes
import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from .. import cache
from . import toolchain
from .toolchain import FLAGS, HEADERS, Code, with_headers

HOMES = ("products", "windows", "recurrent")
"""The headers with what programs call; the others need what is in the first."""

BEFORE = ("elementary", "routines", "scratch", "lanes")
"""The headers that they need themselves."""

FUSING = tuple(flag.replace("contract=off", "contract=fast") for flag in FLAGS)
"""In sums ``x * y + z`` may have one rounding: the array library's products have, too."""

NAME = re.compile(r"(tl_\w+)_(f32|f64)\b")


class Part(NamedTuple):
    """A header, and the type of its numbers."""

    header: str
    kind: str


TEAM = Part("pool", "")
"""The threads."""

_LOADED: dict[Part, ctypes.CDLL] = {}


def load(source: str, flags: tuple[str, ...] = FLAGS) -> ctypes.CDLL:
    """The library that a program is compiled to, after the parts that it calls."""
    names = sorted(set(NAME.findall(source)))
    parts = [Part(_homes()[stem], kind) for stem, kind in names]
    renamed = [
        _renamed(f"{stem}_{kind}", part) for (stem, kind), part in zip(names, parts, strict=True)
    ]
    program = Code("".join(renamed) + with_headers(source), flags)
    (built,) = _load([TEAM, *parts], program)
    return toolchain.opened(built)


def library(part: Part) -> ctypes.CDLL:
    """A part."""
    _load([part])
    return _LOADED[part]


def function(name: str) -> Any:
    """A routine by its name in the headers, for who calls it without a program."""
    ((stem, kind),) = NAME.findall(name)
    part = Part(_homes()[stem], kind)
    return library(part)[f"{name}_{_digest(part)}"]


def _load(parts: Iterable[Part], *others: Code) -> list[Path]:
    """Load parts, and build other code at the same time as those that are missing."""
    missing = [part for part in dict.fromkeys(parts) if part not in _LOADED]
    if not (missing or others):
        return []
    built = toolchain.build([*map(_code, missing), *others])
    for part in missing:
        _LOADED[part] = toolchain.opened(built.pop(0), ctypes.RTLD_GLOBAL)
    return built


# ---- the parts -----------------------------------------------------------------------------


@functools.cache
def _homes() -> dict[str, str]:
    """The headers of all that programs call."""
    texts = {header: (HEADERS / f"{header}.h").read_text() for header in HOMES}
    return {
        stem: header for header in HOMES for stem in re.findall(r"N\((tl_\w+)\)\(", texts[header])
    }


def _code(part: Part) -> Code:
    """What a part is built from."""
    names = [f"{stem}_{part.kind}" for stem in _homes()] if part.kind else []
    return Code("".join(_renamed(name, part) for name in names) + _text(part), FUSING)


def _renamed(name: str, part: Part) -> str:
    """A line that gives what is called so the name that it has in the library of a part."""
    return f"#define {name} {name}_{_digest(part)}\n"


@functools.cache
def _digest(part: Part) -> str:
    return cache.digest("\0".join((_text(part), *FUSING)).encode())[:16]


@functools.cache
def _text(part: Part) -> str:
    """The text of a part, with names as they are in the headers."""
    header, kind = part
    if part == TEAM:
        return with_headers(f'#include "{header}.c"')
    lines = [f'#include "{name}.h"' for name in BEFORE]
    lines += [f"#define T {kind}", f"#define I i{kind[1:]}", f"#define LANES LANES_{kind}"]
    lines += [f'#include "{name}.h"' for name in dict.fromkeys((HOMES[0], header))]
    return with_headers("\n".join(lines))

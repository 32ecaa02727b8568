"""Cost: how many operations a step takes, and how many bytes it reads and writes.

They are counted from shapes. An elementwise op counts one operation for each number of its result,
or as many as `HEAVY` says; a product two for each multiplication and addition.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..tracing.program import Drawn, Equation, Program, Value

FUNCTIONS = (
    "exp", "log", "sigmoid", "tanh", "softplus", "silu", "gelu", "sin", "cos", "pow", "erf",
    "softmax", "log_softmax", "logsumexp", "safe_softmax", "log_softmax_grad", "expm1", "log1p",
)  # fmt: skip

HEAVY = dict.fromkeys(FUNCTIONS, 10)
"""Ops that take about so many operations for each number."""

HOST = frozenset({
    "packed_svd", "svdvals", "packed_eigh", "eigvalsh", "packed_qr", "orthogonal_complement",
    "inv", "solve", "pinv", "cholesky", "det", "cofactors", "packed_slogdet", "matrix_rank",
    "matrix_exp", "sort", "argsort", "argtopk", "ranked", "searchsorted", "argwhere",
    "flatnonzero", "unique_places", "isin",
})  # fmt: skip
"""Ops for which the array library runs a routine of its own (LAPACK, sorting), in any mode."""

FREE = frozenset({
    "reshape", "expand_dims", "squeeze", "permute_dims", "matrix_transpose", "broadcast_to",
    "diagonal",
})  # fmt: skip
"""Ops that move nothing: their result is a view."""


class Row(NamedTuple):
    """What one equation costs; `host` if the array library runs it, whatever the mode is."""

    op: str
    shape: tuple[int, ...]
    flops: int
    bytes: int
    scope: str
    host: bool


class Cost:
    """The costs of a step; it prints as a table.

    Attributes
    ----------
    rows
        One for each equation, and one for each draw of random numbers.
    flops, bytes
        Of them all.
    """

    def __init__(self, program: Program) -> None:
        self.rows = [*_draws(program), *map(_row, program.equations)]
        self.flops = sum(row.flops for row in self.rows)
        self.bytes = sum(row.bytes for row in self.rows)

    @property
    def host(self) -> list[Row]:
        """The equations that the array library runs, whatever the mode is."""
        return [row for row in self.rows if row.host]

    def __str__(self) -> str:
        table = [("op", "shape", "flops", "bytes", "where")]
        for row in self.rows:
            where = ", ".join(filter(None, (row.scope, "host" if row.host else "")))
            shape = "x".join(map(str, row.shape)) or "scalar"
            table.append((row.op, shape, f"{row.flops:,}", f"{row.bytes:,}", where))
        table.append(("all", "", f"{self.flops:,}", f"{self.bytes:,}", ""))
        widths = [max(len(line[i]) for line in table) for i in range(4)]
        return "\n".join(
            f"{op:<{widths[0]}}  {shape:<{widths[1]}}  {flops:>{widths[2]}}  {size:>{widths[3]}}"
            f"  {where}".rstrip()
            for op, shape, flops, size, where in table
        )

    __repr__ = __str__


def _size(x: Any) -> int:
    return math.prod(x.shape) if type(x) is Value else 1


def _bytes(x: Any) -> int:
    return _size(x) * x.dtype.itemsize if type(x) is Value else 0


def _draws(program: Program) -> Iterator[Row]:
    for value in program.inputs:
        if type(value.source) is Drawn:
            yield Row(f"random {value.source.method}", value.shape, 0, _bytes(value), "", True)


def _row(equation: Equation) -> Row:
    name, out = equation.op.name, equation.out
    moved = 0 if name in FREE else _bytes(out) + sum(map(_bytes, _touched(equation)))
    return Row(name, out.shape, _flops(equation), moved, equation.scope, name in HOST)


def _touched(equation: Equation) -> list[Value]:
    """The inputs that are read; of an array that is indexed, as much as comes out."""
    inputs = list(equation.values())
    if equation.op.name in ("getitem", "take", "take_along_axis"):
        return [equation.out, *inputs[1:]]
    return inputs


def _taps(weight: Value) -> int:
    """How many products go into one number of a convolution."""
    return math.prod(weight.shape[1:])


def _flops(equation: Equation) -> int:
    name, out = equation.op.name, equation.out
    inputs: Any = equation.inputs
    size, kind = _size(out), equation.op.kind.name
    if name in ("matmul", "affine"):
        return size * (2 * int(inputs[0].shape[-1]) + (name == "affine"))
    if name == "conv":
        return 2 * size * _taps(inputs[1])
    if name == "conv_input_grad":
        return 2 * _size(inputs[0]) * _taps(inputs[1])
    if name == "conv_weight_grad":
        return 2 * _size(inputs[0]) * _taps(out)
    if name in HEAVY:
        return HEAVY[name] * size
    if kind in ("movement", "indexing", "creation"):
        return 0
    if kind in ("reduction", "scan", "linear"):
        return max([size, *map(_size, equation.values())])
    return size

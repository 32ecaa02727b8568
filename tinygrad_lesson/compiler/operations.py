"""Operations: how many an equation takes, counted from shapes, and the products it consists of.

An elementwise op counts one operation for each number of its result, or as many as `HEAVY` says; a
product two for each multiplication and addition.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from ..tracing.program import Equation, Value
from .tapes.tape import SCALAR_TAPE, Tape

FUNCTIONS = (
    "exp", "log", "sigmoid", "tanh", "softplus", "silu", "gelu", "gelu_slope", "sin", "cos", "pow",
    "erf", "softmax", "log_softmax", "logsumexp", "safe_softmax", "log_softmax_grad", "expm1",
    "log1p",
)  # fmt: skip

HEAVY = dict.fromkeys(FUNCTIONS, 10)
"""Ops that take about so many operations for each number."""

STATES = {"rnn_states": 10, "lstm_states": 25, "gru_states": 20}
"""Recurrent layers: operations for each number of a new state, besides products."""

FLOWS = {"recurrent_flow": 4, "memory_flow": 8}
"""The same of their adjoints."""


class Product(NamedTuple):
    """Products of matrices (m, k) and (k, n), so many `times`."""

    m: int
    n: int
    k: int
    times: int = 1

    @property
    def flops(self) -> int:
        """Multiplications and additions."""
        return 2 * self.m * self.n * self.k * self.times


def size_of(x: Any) -> int:
    """How many numbers there are in an input or output."""
    return math.prod(x.shape) if type(x) is Value else 1


def table_bytes(equation: Equation) -> int:
    """What is read and written besides arrays: the table of a tape, and the numbers on it."""
    tape = tape_of(equation)
    if tape is None:
        return 0
    return int(tape.places.nbytes + sum(array.nbytes for array in tape.memory().values()))


def bytes_of(x: Any) -> int:
    """How many bytes they take; a Python number takes none."""
    return size_of(x) * x.dtype.itemsize if type(x) is Value else 0


def tape_of(equation: Equation) -> Tape | None:
    """The table of an equation that stands for very many, each of single numbers."""
    tape: Tape | None = equation.params["tape"] if equation.op is SCALAR_TAPE else None
    return tape


def ops_of(equation: Equation) -> list[str]:
    """The name of its op; the names of all on a tape."""
    tape = tape_of(equation)
    if tape is None:
        return [equation.op.name]
    return [run.case.op.name for run in tape for _ in range(run.length)]


def products(equation: Equation) -> tuple[Product, ...]:
    """The products of matrices that an equation computes.

    Those of a convolution are what it would be if the pixels under each position of the kernel
    were written out as a row.
    """
    name, out = equation.op.name, equation.out
    inputs: Any = equation.inputs
    if name in ("matmul", "affine"):
        k = inputs[0].shape[-1]
        n = 1 if name == "matmul" and inputs[1].ndim == 1 else out.shape[-1]
        rows = math.prod(out.shape) // max(n, 1)
        if name == "affine" or inputs[1].ndim <= 2:
            return (Product(rows, n, k),)
        m = 1 if inputs[0].ndim == 1 else inputs[0].shape[-2]
        return (Product(m, n, k, rows // max(m, 1)),)
    if name.startswith("conv"):
        return (_convolution(equation),)
    if name in STATES or name in FLOWS:
        across, size = inputs[2 if name in STATES else -1].shape
        n, k = (across, size) if name in STATES else (size, across)
        steps, count = out.shape[0] - 1, out.shape[-2]
        return (Product(count, n, k, steps),)
    return ()


def _convolution(equation: Equation) -> Product:
    """Positions of the kernel, kernels and numbers under each are the three sizes."""
    name, groups = equation.op.name, equation.params.get("groups", 1)
    small, kernel = equation.out, equation.inputs[1]
    if name != "conv":
        small = equation.inputs[0]
    if name == "conv_weight_grad":
        kernel = equation.out
    taps = math.prod(kernel.shape[1:])
    kernels = small.shape[1] // groups
    places = small.shape[0] * math.prod(small.shape[2:])
    sizes = {
        "conv": (places, kernels, taps),
        "conv_input_grad": (places, taps, kernels),
        "conv_weight_grad": (kernels, taps, places),
    }[name]
    return Product(*sizes, groups)


def flops(equation: Equation) -> int:
    """How many operations an equation takes."""
    if tape := tape_of(equation):
        return sum(run.length * flops(run.case) for run in tape)
    name, out = equation.op.name, equation.out
    size, kind = size_of(out), equation.op.kind.name
    inside = sum(product.flops for product in products(equation))
    if inside:
        more = STATES.get(name, 0) + FLOWS.get(name, 0) + (name == "affine")
        return inside + more * size
    if name in HEAVY:
        return HEAVY[name] * size
    if kind in ("movement", "indexing", "creation"):
        return 0
    if kind in ("reduction", "scan", "linear"):
        return max([size, *map(size_of, equation.values())])
    return size

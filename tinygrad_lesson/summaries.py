"""summary: the layers of a model as they are called, with their sizes and what they compute.

The model runs once, on a namespace that counts: it sees every op, whichever module or function
calls it, so that a layer of one's own is counted like those of the library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arguments import lengths
from .arrays import Array
from .arrays import numpy as numpy_namespace
from .arrays import subscripts as einsum
from .creation import ones
from .errors import ArgumentError
from .hooks import Handle
from .mode import current, no_grad, restore
from .nn import Module, Parameter
from .op import Op
from .tensor import Tensor
from .tracer import Tracer
from .trees import flatten


@dataclass(slots=True)
class Row:
    """One call of a module, without the modules that it calls in turn.

    Attributes
    ----------
    path, kind, depth
        Where it is in the model, its class, and how many modules are around it.
    output
        The shape of what it returns, or the shapes of several; None if it was not called.
    parameters, parameter_bytes
        Its own that no row above has.
    multiply_adds
        In the matrix products and the like that it runs itself.
    output_bytes
        Of what it returns, unless that is in the memory of an earlier output.
    """

    path: str
    kind: str
    depth: int
    output: Any = None
    parameters: int = 0
    parameter_bytes: int = 0
    multiply_adds: int = 0
    output_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Summary:
    """The rows, and the totals of all of them.

    Attributes
    ----------
    rows
        In the order of the calls; modules that were not called, but have parameters, come last.
    frozen
        How many of the parameters do not require a gradient.
    """

    rows: tuple[Row, ...]
    frozen: int

    @property
    def parameters(self) -> int:
        """How many numbers the model has, shared ones counted once."""
        return sum(row.parameters for row in self.rows)

    @property
    def multiply_adds(self) -> int:
        """How many products it adds up in a call."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def parameter_bytes(self) -> int:
        """Memory of the parameters."""
        return sum(row.parameter_bytes for row in self.rows)

    @property
    def output_bytes(self) -> int:
        """Memory of what the modules return."""
        return sum(row.output_bytes for row in self.rows)

    def __str__(self) -> str:
        head = (
            "layer", "class", "output shape", "parameters", "multiply-adds", "parameter bytes",
            "output bytes",
        )  # fmt: skip
        rows = [head, *(_cells(row) for row in self.rows)]
        numbers = (self.parameters, self.multiply_adds, self.parameter_bytes, self.output_bytes)
        rows.append(("total", "", "", *(f"{n:,}" for n in numbers)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        lines = [
            "  ".join(
                cell.ljust(w) if i < 3 else cell.rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        rule = "  ".join("-" * w for w in widths)
        notes = [f"{self.frozen:,} of the parameters are frozen"] if self.frozen else []
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], *notes])

    def __repr__(self) -> str:
        return f"<Summary of {len(self.rows)} layers: {self.parameters:,} parameters>"


def summary(model: Module, *inputs: Any) -> Summary:
    """The layers of a model in the order in which they are called.

    Parameters
    ----------
    model
        Runs once, in ``eval()`` mode and without gradients; afterwards it is as it was.
    inputs
        What it is called with: tensors or arrays as they are, and for a tuple such as
        ``(3, 32, 32)`` one sample of ones with that shape, as a batch.

    Returns
    -------
    Summary
        A table, to print; its rows and totals are attributes. What a module's own forward computes
        is in its own row, not in that of the modules around it, so the totals are sums.

    Notes
    -----
    Multiply-adds are those of matrix products, einsum (term by term, whatever the order),
    convolutions (places in the padding included) and recurrences; the rest, elementwise, is not
    counted.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> from tinygrad_lesson import nn
    >>> model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> table = tl.summary(model, (4,))
    >>> table.parameters, table.multiply_adds
    (23, 18)
    >>> [(row.path, row.output) for row in table.rows]
    [('', (1, 2)), ('0', (1, 3)), ('1', (1, 3)), ('2', (1, 2))]
    """
    if not isinstance(model, Module):
        raise ArgumentError("summary", f"a {type(model).__name__} is no module", "Pass a model.")
    if not inputs:
        raise ArgumentError(
            "summary", "there is no input to run the model on",
            "Pass its tensors, or the shape of one sample: tl.summary(model, (784,)).",
        )  # fmt: skip
    dtype = next((p.dtype for p in model.parameters()), None)
    tensors = [_tensor(given, dtype) for given in inputs]
    counter = _Counter(model, tensors)
    modes = [(module, module.training) for module in model.modules()]
    mode = current()
    try:
        model.eval()
        counter.watch()
        restore(mode.but(tracer=counter))
        with no_grad():
            model(*tensors)
    finally:
        restore(mode)
        counter.leave()
        for module, training in modes:
            module.training = training
    counter.add_uncalled()
    frozen = sum(p.size for p in model.parameters() if not p.requires_grad)
    return Summary(tuple(counter.rows), frozen)


class _Counter(Tracer):
    """A namespace that computes as usual, and puts down what for."""

    def __init__(self, model: Module, inputs: Sequence[Tensor]) -> None:
        self.rows: list[Row] = []
        self._modules = {module: path for path, module in model.named_modules()}
        self._running: list[Row] = []
        self._counted: set[Parameter] = set()
        self._memory = {id(_owner(x.raw)): x.raw for x in inputs}  # held, so that no id comes back
        self._handles: list[Handle] = []

    # ---- as a namespace ------------------------------------------------------------------

    def read(self, tensor: Tensor) -> Array:
        """What the tensor holds."""
        return tensor._data

    def run(self, op: Op[...], arrays: Sequence[Any], params: Mapping[str, Any]) -> Array:
        """The op, counted for the innermost module."""
        out = op.forward(numpy_namespace, *arrays, **params)
        if op.name in PRODUCTS:
            self._running[-1].multiply_adds += PRODUCTS[op.name](out, arrays, params)
        return out

    # ---- as hooks ------------------------------------------------------------------------

    def watch(self) -> None:
        for module in self._modules:
            self._handles.append(module.register_forward_pre_hook(self._enter))
            self._handles.append(module.register_forward_hook(self._exit))

    def leave(self) -> None:
        for handle in self._handles:
            handle.remove()

    def _enter(self, module: Module, args: Any) -> None:
        self._running.append(self._row(module, len(self._running)))

    def _exit(self, module: Module, args: Any, output: Any) -> None:
        row = self._running.pop()
        tensors = [value for value in flatten(output)[0] if isinstance(value, Tensor)]
        row.output = output.shape if isinstance(output, Tensor) else [t.shape for t in tensors]
        for tensor in tensors:
            owner = _owner(tensor.raw)
            if id(owner) not in self._memory:
                self._memory[id(owner)] = owner
                row.output_bytes += tensor.raw.nbytes

    def _row(self, module: Module, depth: int) -> Row:
        row = Row(self._modules[module], type(module).__name__, depth)
        own = {value for value in vars(module).values() if isinstance(value, Parameter)}
        for parameter in own - self._counted:
            row.parameters += parameter.size
            row.parameter_bytes += parameter.raw.nbytes
        self._counted |= own
        self.rows.append(row)
        return row

    def add_uncalled(self) -> None:
        """Rows for those whose parameters are nowhere yet."""
        for module in self._modules:
            own = {value for value in vars(module).values() if isinstance(value, Parameter)}
            if own - self._counted:
                self._row(module, 1)


# ---- multiply-adds -----------------------------------------------------------------------


def _matmul(out: Array, arrays: Sequence[Array], params: Mapping[str, Any]) -> int:
    return int(out.size) * int(arrays[0].shape[-1])


def _vecdot(out: Array, arrays: Sequence[Array], params: Mapping[str, Any]) -> int:
    return int(out.size) * int(arrays[0].shape[params["axis"]])


def _einsum(out: Array, arrays: Sequence[Array], params: Mapping[str, Any]) -> int:
    written = einsum.parse(params["subscripts"], tuple(a.ndim for a in arrays))
    found = einsum.lengths(written, [a.shape for a in arrays])
    return math.prod(found.values()) * (len(arrays) - 1)


def _conv(out: Array, arrays: Sequence[Array], params: Mapping[str, Any]) -> int:
    weight = arrays[1]
    return int(out.size) * int(math.prod(weight.shape[1:]))


def _transposed_conv(out: Array, arrays: Sequence[Array], params: Mapping[str, Any]) -> int:
    given, weight = arrays
    return int(given.size) * int(math.prod(weight.shape[1:]))


def _recurrence(out: Array, arrays: Sequence[Array], params: Mapping[str, Any]) -> int:
    x, _, w, *_ = arrays
    return int(x.shape[0]) * int(x.shape[1]) * int(w.size)


PRODUCTS: dict[str, Callable[[Array, Sequence[Array], Mapping[str, Any]], int]] = {
    "matmul": _matmul, "affine": _matmul, "vecdot": _vecdot, "einsum": _einsum, "conv": _conv,
    "conv_input_grad": _transposed_conv, "rnn_states": _recurrence, "lstm_states": _recurrence,
    "gru_states": _recurrence,
}  # fmt: skip
"""How many products each of these ops adds up."""


# ---- the rest ----------------------------------------------------------------------------


def _tensor(given: Any, dtype: Any) -> Tensor:
    if isinstance(given, Tensor):
        return given
    if isinstance(given, tuple):
        return ones(1, *lengths("summary", given), dtype=dtype)
    return Tensor(given)


def _owner(array: Array) -> Array:
    """The array whose memory it shows."""
    while isinstance(getattr(array, "base", None), np.ndarray):
        array = array.base
    return array


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (row.parameters, row.multiply_adds, row.parameter_bytes, row.output_bytes)
    shape = "not called" if row.output is None else str(row.output)
    name = "  " * row.depth + (row.path or "(model)")
    return (name, row.kind, shape, *(f"{n:,}" if n else "-" for n in numbers))

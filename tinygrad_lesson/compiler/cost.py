"""Cost: what the kernels of a step compute, read and write.

A kernel is a group of the C schedule: ops that run together, and store only what others need. So
the bytes are those that fusing leaves over; in NumPy each op has a result of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ..graph import Shape
from ..tracing.program import Drawn, Equation, Program, Value
from .c_code.arrangement import Arrangement, arranged
from .c_code.schedule import Group
from .operations import Product, bytes_of, flops, ops_of, products, table_bytes

NAMED = 3
"""So many ops of a kernel are named, those that it has most of."""

FEWER = frozenset({"getitem", "take", "take_along_axis"})
"""Ops that read of their first input no more than comes out."""


class Kernel(NamedTuple):
    """What one kernel costs.

    Attributes
    ----------
    kind
        ``"rows"``, ``"columns"``, ``"product"``, ... (see ``c_code/schedule.py``); ``"host"`` if
        the array library runs it.
    ops
        The names of the ops that it has fused, in order.
    shape
        What it iterates over.
    flops
        Operations.
    bytes
        Of the arrays that it reads, and of those that it leaves to others.
    products
        The products of matrices in it.
    scope
        The modules that its ops come from, the first of them if there are several.
    """

    kind: str
    ops: tuple[str, ...]
    shape: Shape
    flops: int
    bytes: int
    products: tuple[Product, ...]
    scope: str

    @property
    def what(self) -> str:
        """The ops in a few words."""
        counts = Counter(self.ops)
        words = [f"{n} {op}" if n > 1 else op for op, n in counts.most_common(NAMED)]
        return ", ".join([*words, *(["..."] if len(counts) > NAMED else [])])


class Cost:
    """The costs of a step; it prints as a table.

    Attributes
    ----------
    kernels
        In the order in which they run; draws of random numbers come first.
    flops, bytes
        Of them all.
    unfused
        The bytes if every op ran alone, as in NumPy.
    arena
        Bytes of the memory that the kernels' own results share.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> step = tl.compile(lambda x, w: tl.tanh(x @ w + 1).sum())
    >>> _ = step(tl.ones(64, 32), tl.ones(32, 16))
    >>> print(step.cost())
    kernel   ops             shape   flops   bytes  where
    product  matmul          64x16  65,536  14,336
    rows     add, tanh, sum  64x16  12,288   4,100
    all      4 ops, 2 kernels       77,824  18,436
    one by one the ops would move 34,820 bytes; the arena takes 4,096
    """

    def __init__(self, program: Program) -> None:
        arrangement = arranged(program)
        self.kernels = [*_draws(program), *(kernel_of(g, arrangement) for g in arrangement.groups)]
        self.flops = sum(kernel.flops for kernel in self.kernels)
        self.bytes = sum(kernel.bytes for kernel in self.kernels)
        self.arena = arrangement.plan.size
        self.unfused = sum(
            bytes_of(equation.out)
            + sum(size for _, size in _read(equation))
            + table_bytes(equation)
            for group in arrangement.groups
            for equation in group.members
        )

    @property
    def host(self) -> list[Kernel]:
        """What the array library runs in C mode, too: ops without C code, and random draws."""
        return [kernel for kernel in self.kernels if kernel.kind == "host"]

    @property
    def products(self) -> list[Product]:
        """All products of matrices."""
        return [product for kernel in self.kernels for product in kernel.products]

    def __str__(self) -> str:
        lines = [("kernel", "ops", "shape", "flops", "bytes", "where")]
        for kernel in self.kernels:
            shape = "x".join(map(str, kernel.shape)) or "scalar"
            numbers = f"{kernel.flops:,}", f"{kernel.bytes:,}"
            lines.append((kernel.kind, kernel.what, shape, *numbers, kernel.scope))
        widths = [max(len(line[i]) for line in lines) for i in range(5)]
        count = f"{sum(len(k.ops) for k in self.kernels):,} ops, {len(self.kernels):,} kernels"
        total = f"{self.flops:,}", f"{self.bytes:,}"
        widths[3], widths[4] = (max(w, len(t)) for w, t in zip(widths[3:], total, strict=True))
        widths[1] = max(widths[1], len(count) - widths[2] - 2)
        table = [
            f"{kind:<{widths[0]}}  {what:<{widths[1]}}  {shape:<{widths[2]}}"
            f"  {operations:>{widths[3]}}  {size:>{widths[4]}}  {where}".rstrip()
            for kind, what, shape, operations, size, where in lines
        ]
        table.append(
            f"{'all':<{widths[0]}}  {count:<{widths[1] + widths[2] + 2}}"
            f"  {total[0]:>{widths[3]}}  {total[1]:>{widths[4]}}"
        )
        table.append(
            f"one by one the ops would move {self.unfused:,} bytes; the arena takes {self.arena:,}"
        )
        if self.host:
            names = ", ".join(dict.fromkeys(kernel.what for kernel in self.host))
            table.append(f"left to the array library: {names}")
        return "\n".join(table)

    __repr__ = __str__


def _draws(program: Program) -> Iterator[Kernel]:
    for value in program.inputs:
        if type(value.source) is Drawn:
            name = f"random {value.source.method}"
            yield Kernel("host", (name,), value.shape, 0, bytes_of(value), (), "")


def kernel_of(group: Group, arrangement: Arrangement) -> Kernel:
    """What a group of the C schedule costs."""
    members = group.members
    stored = [v for v in group.outputs() if v in arrangement.plan.stored]
    scopes = [e.scope for e in members if e.scope]
    return Kernel(
        group.kind,
        tuple(name for equation in members for name in ops_of(equation)),
        group.shape,
        sum(map(flops, members)),
        sum(map(bytes_of, stored)) + _taken(group, arrangement) + sum(map(table_bytes, members)),
        tuple(product for equation in members for product in products(equation)),
        scopes[0] if scopes else "",
    )


def _taken(group: Group, arrangement: Arrangement) -> int:
    """The bytes that a group reads of what others have stored, each array once."""
    inside = set(group.outputs())
    largest: dict[Value, int] = {}
    for equation in group.members:
        for value, size in _read(equation):
            base = arrangement.views[value].base
            if base not in inside:
                largest[base] = min(max(largest.get(base, 0), size), bytes_of(base))
    return sum(largest.values())


def _read(equation: Equation) -> Iterator[tuple[Value, int]]:
    """The inputs, and the bytes that are read of each."""
    for place, value in enumerate(equation.values()):
        chosen = equation.op.name in FEWER and place == 0
        yield value, bytes_of(equation.out if chosen else value)

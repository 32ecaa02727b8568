"""How an op is written as NumPy source code.

The forward of each op calls one function of its namespace. Here that namespace writes the call
down: operators and methods where NumPy has them, ``np.name(...)`` where NumPy has the function, and
a kernel of this library's by its name otherwise.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ...arrays import SLOT
from ...arrays import numpy as kernels
from ...dtypes import DType
from ...graph import Shape
from ...op import Op

ATOM, POWER, UNARY, PRODUCT, SUM, AND, XOR, OR, COMPARISON = range(9, 0, -1)
"""How strongly the parts of an expression hold together, as Python has it."""

LARGE = 2048
"""From so many elements on, a kernel of this library's is taken where NumPy's is slower."""


class Text:
    """The source code of an array: what a forward gets in the place of arrays."""

    __slots__ = ("code", "dtype", "shape", "strength")

    def __init__(
        self, code: str, strength: int = ATOM, shape: Shape = (), dtype: DType | None = None
    ) -> None:
        self.code, self.strength = code, strength
        self.shape, self.dtype = shape, dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def within(self, strength: int) -> str:
        """The code, in brackets if it would fall apart beside an operator of that strength."""
        return self.code if self.strength >= strength else f"({self.code})"

    def __str__(self) -> str:
        return self.code


def _operator(name: str, swapped: bool) -> Callable[..., Text]:
    """An operator of Python's, in the forward of an op."""

    def call(self: Text, *others: Any) -> Text:
        written: Text = NOTATIONS[name](*((*others, self) if swapped else (self, *others)))
        return written

    return call


for _python, _name in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow",
    "floordiv": "floor_divide", "mod": "remainder", "matmul": "matmul", "and": "bitwise_and",
    "or": "bitwise_or", "xor": "bitwise_xor",
}.items():  # fmt: skip
    setattr(Text, f"__{_python}__", _operator(_name, swapped=False))
    setattr(Text, f"__r{_python}__", _operator(_name, swapped=True))
for _python, _name in {
    "neg": "negative", "invert": "bitwise_invert", "abs": "abs", "lt": "less", "le": "less_equal",
    "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(Text, f"__{_python}__", _operator(_name, swapped=False))


BINARY = {
    "add": ("+", SUM), "subtract": ("-", SUM), "multiply": ("*", PRODUCT), "divide": ("/", PRODUCT),
    "matmul": ("@", PRODUCT), "floor_divide": ("//", PRODUCT), "remainder": ("%", PRODUCT),
    "pow": ("**", POWER), "bitwise_and": ("&", AND), "bitwise_xor": ("^", XOR),
    "bitwise_or": ("|", OR), "equal": ("==", COMPARISON), "not_equal": ("!=", COMPARISON),
    "less": ("<", COMPARISON), "less_equal": ("<=", COMPARISON), "greater": (">", COMPARISON),
    "greater_equal": (">=", COMPARISON),
}  # fmt: skip
UNARY_SIGNS = {"negative": "-", "bitwise_invert": "~"}
REDUCTIONS = ("sum", "prod", "max", "min", "any", "all")


def _binary(symbol: str, strength: int) -> Callable[..., Text]:
    def write(x: Any, y: Any) -> Text:
        x, y = text(x), text(y)
        # Powers group from the right and comparisons do not group at all.
        first = strength + 1 if symbol == "**" or strength == COMPARISON else strength
        return Text(f"{x.within(first)} {symbol} {y.within(strength + 1)}", strength)

    return write


def _sign(symbol: str) -> Callable[..., Text]:
    return lambda x: Text(f"{symbol}{text(x).within(UNARY)}", UNARY)


def _reduction(name: str) -> Callable[..., Text]:
    def write(x: Any, **params: Any) -> Text:
        given = {k: v for k, v in params.items() if v is not None and v is not False}
        return Text(f"{text(x).within(ATOM)}.{name}({_arguments((), given)})")

    return write


def _getitem(x: Text, *indices: Any, index: tuple[Any, ...]) -> Text:
    arrays = iter(indices)
    items = [text(next(arrays)).code if i is SLOT else _item(i) for i in index]
    written = ", ".join(items) + ("," if len(items) == 1 and items[0] == "" else "")
    return Text(f"{x.within(ATOM)}[{written or '()'}]")


def _item(item: Any) -> str:
    if not isinstance(item, slice):
        return "..." if item is Ellipsis else literal(item)
    ends = [literal(end) if end is not None else "" for end in (item.start, item.stop)]
    return ":".join([*ends, literal(item.step)] if item.step is not None else ends)


def _matmul(x: Text, y: Text) -> Text:
    if x.ndim > 2 and y.ndim == 2:  # one large product, where `@` would take many small ones
        rows = f"{x.within(ATOM)}.reshape(-1, {x.shape[-1]}) @ {y.within(PRODUCT + 1)}"
        if x.shape[-1] and math.prod(x.shape) and y.shape[-1]:
            return Text(f"({rows}).reshape({', '.join(map(str, (*x.shape[:-1], y.shape[-1])))})")
    if x.ndim == y.ndim == 2 and 1 in (x.size, y.size):  # BLAS: 0 * NaN is 0 here, and not in `@`
        return Text(f"{x.within(ATOM)}.dot({y})")
    return _binary("@", PRODUCT)(x, y)


def _mean(x: Text, axis: Any = None, keepdims: bool = False) -> Text | None:
    """NumPy's own where it does the same: not for integers, halves, a number and nothing at all."""
    if x.dtype is None or x.dtype.char not in "fd" or not x.size or not x.ndim:
        return None
    return _reduction("mean")(x, axis=axis, keepdims=keepdims)


def _square(x: Text) -> Text | None:
    """``x ** 2``, which NumPy computes as a product if `x` is an array, and not a number."""
    if not x.shape or x.dtype is None or x.dtype.kind not in "iuf":
        return None
    return _binary("**", POWER)(x, 2)


def _take(x: Text, indices: Any, axis: Any = None) -> Text | None:
    if not isinstance(indices, Text) or indices.dtype == np.uint64 or axis is None:
        return None
    return Text(f"{x.within(ATOM)}.take({indices}, axis={axis})")


def _affine(x: Text, weight: Text, bias: Text) -> Text | None:
    plain = {x.dtype, weight.dtype, bias.dtype} == {x.dtype} and 1 not in (x.size, weight.size)
    if x.ndim > 2 or not plain:
        return None
    return Text(f"{x.within(PRODUCT)} @ {weight.within(ATOM)}.T + {bias.within(PRODUCT)}", SUM)


def _reshape(x: Text, shape: Any, copy: Any = None) -> Text:
    sizes = shape if isinstance(shape, tuple) else (shape,)
    return Text(f"{x.within(ATOM)}.reshape({', '.join(map(literal, sizes)) or '()'})")


def _permuted(x: Text, axes: Any = None) -> Text:
    turned = axes is None or tuple(axes) == tuple(range(x.ndim))[::-1]
    written = "T" if turned else f"transpose({', '.join(map(literal, axes))})"
    return Text(f"{x.within(ATOM)}.{written}")


def _transposed(x: Text) -> Text:
    return Text(f"{x.within(ATOM)}.{'T' if x.ndim == 2 else 'mT'}")


def _converted(x: Text, dtype: Any) -> Text:
    return Text(f"{x.within(ATOM)}.astype({literal(np.dtype(dtype))})")


def _where(condition: Any, x: Any, y: Any) -> Text:
    large = isinstance(condition, Text) and condition.size >= LARGE
    return Text(f"{'where' if large else 'np.where'}({_arguments((condition, x, y), {})})")


def _squeezed(x: Text, axis: Any) -> Text:
    return Text(f"{x.within(ATOM)}.squeeze({literal(axis)})")


def _joined(name: str) -> Callable[..., Text]:
    def write(arrays: Sequence[Any], axis: Any = 0) -> Text:
        return Text(f"np.{name}([{', '.join(text(x).code for x in arrays)}], axis={axis})")

    return write


NOTATIONS: dict[str, Callable[..., Any]] = {
    **{name: _binary(*how) for name, how in BINARY.items()},
    **{name: _sign(symbol) for name, symbol in UNARY_SIGNS.items()},
    **{name: _reduction(name) for name in REDUCTIONS},
    "abs": lambda x: Text(f"np.abs({text(x)})"),
    "getitem": _getitem, "affine": _affine, "reshape": _reshape, "permute_dims": _permuted,
    "matrix_transpose": _transposed, "astype": _converted, "where": _where, "squeeze": _squeezed,
    "concat": _joined("concatenate"), "stack": _joined("stack"), "matmul": _matmul, "mean": _mean,
    "square": _square, "take": _take,
}  # fmt: skip
"""By kernel: how it is written, or None where it has to be called as it is."""


class Notation:
    """The namespace that writes calls down, and notes which kernels they need."""

    def __init__(self) -> None:
        self.kernels: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Callable[..., Text]:
        def write(*args: Any, **params: Any) -> Text:
            written: Text | None = NOTATIONS[name](*args, **params) if name in NOTATIONS else None
            return written or self._called(name, args, params)

        return write

    def _called(self, name: str, args: Sequence[Any], params: Mapping[str, Any]) -> Text:
        """A call of a kernel, by its name in NumPy or in this library."""
        function = getattr(kernels, name)
        if getattr(np, name, None) is function:
            called = f"np.{name}"
        else:
            called = name
            self.kernels[name] = function
            params = {k: v for k, v in params.items() if not _is_default(function, k, v)}
        return Text(f"{called}({_arguments(args, params)})")

    def write(self, op: Op[...], inputs: Sequence[Text], params: Mapping[str, Any]) -> Text:
        """The expression of an op."""
        try:
            written = op.forward(self, *inputs, **params)
        except (TypeError, AttributeError, ValueError):
            written = None
        if not isinstance(written, Text):  # an op of a user's own, which is no expression
            self.kernels[op.name] = functools.partial(op.forward, kernels)
            written = Text(f"{op.name}({_arguments(inputs, params)})")
        if "where(" in written.code:
            self.kernels["where"] = kernels.where
        return written


@functools.cache
def _defaults(function: Callable[..., Any]) -> Mapping[str, Any]:
    try:
        found = inspect.signature(function).parameters
    except ValueError:
        return {}
    return {name: p.default for name, p in found.items()}


def _is_default(function: Callable[..., Any], name: str, value: Any) -> bool:
    """Whether a parameter need not be said."""
    default = _defaults(function).get(name, inspect.Parameter.empty)
    return type(default) is type(value) and bool(default == value)


def text(value: Any) -> Text:
    """Code of an array, or of something static."""
    if isinstance(value, Text):
        return value
    code = literal(value)
    return Text(code, UNARY if code.startswith("-") else ATOM)


def _arguments(args: Sequence[Any], params: Mapping[str, Any]) -> str:
    return ", ".join([*map(literal, args), *(f"{k}={literal(v)}" for k, v in params.items())])


def literal(value: Any) -> str:
    """Python source of a static value, or of what holds arrays."""
    if isinstance(value, Text):
        return value.code
    if isinstance(value, tuple) and any(isinstance(x, slice) for x in value):
        items = ", ".join("SLOT" if x is SLOT else _item(x) for x in value)
        return f"np.s_[{items}{',' * (len(value) == 1)}]"
    if isinstance(value, tuple | list):
        inner = ", ".join(map(literal, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, np.dtype):
        return f"np.{value.name if value.kind != 'b' else 'bool'}"
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        return f"np.{value.dtype.name}({literal(value.item())})"
    if isinstance(value, float) and not math.isfinite(value):
        return "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    if isinstance(value, slice):
        return f"slice({literal(value.start)}, {literal(value.stop)}, {literal(value.step)})"
    if value is Ellipsis or value is SLOT:
        return "..." if value is Ellipsis else "SLOT"
    if isinstance(value, ModuleType):
        raise TypeError(f"{value} is no value")
    return repr(value)

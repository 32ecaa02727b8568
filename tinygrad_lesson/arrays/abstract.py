"""What stands in the place of an array whose numbers cannot be looked at.

While a function is mapped over examples, or traced, its tensors hold such stand-ins. They know
their shape and dtype; every operator goes to the namespace that they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NoReturn

from ..dtypes import DType
from ..errors import TraceError


class AbstractArray:
    """Base class of stand-ins: a subclass gives ``namespace``, ``shape`` and ``dtype``."""

    __slots__ = ()

    abstract = True  # there are no numbers to look at
    __array_ufunc__ = None  # NumPy's arrays leave operators to us

    namespace: Any
    shape: tuple[int, ...]
    dtype: DType

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    def __getitem__(self, index: Any) -> Any:
        items = index if isinstance(index, tuple) else (index,)
        return self.namespace.getitem(self, index=items)

    def _unknown(self, *_: Any, **__: Any) -> NoReturn:
        """A number is asked for."""
        raise TraceError(*self._why())

    def _why(self) -> tuple[str, str, str]:
        """Why there are no numbers: the place, what is wrong, and the remedy."""
        raise NotImplementedError

    __bool__ = __int__ = __float__ = __index__ = __complex__ = _unknown
    __array__ = __iter__ = __len__ = _unknown
    item = tolist = __dlpack__ = _unknown


def _operator(name: str, swapped: bool = False) -> Callable[..., Any]:
    def call(self: AbstractArray, *others: Any) -> Any:
        operands = (*others, self) if swapped else (self, *others)
        return getattr(self.namespace, name)(*operands)

    return call


for _python, _op in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow",
    "floordiv": "floor_divide", "mod": "remainder", "matmul": "matmul",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}.items():  # fmt: skip
    setattr(AbstractArray, f"__{_python}__", _operator(_op))
    setattr(AbstractArray, f"__r{_python}__", _operator(_op, swapped=True))
for _python, _op in {
    "neg": "negative", "abs": "abs", "invert": "bitwise_invert", "eq": "equal", "ne": "not_equal",
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(AbstractArray, f"__{_python}__", _operator(_op))

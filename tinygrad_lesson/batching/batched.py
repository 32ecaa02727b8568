"""Batched: what a tensor holds while a function is being mapped over examples."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import TraceError
from ..graph import Shape
from ..tensor import Tensor

if TYPE_CHECKING:
    from .level import Level


class Batched:
    """The array of one example, which is not known: it stands for those of all examples.

    Attributes
    ----------
    level
        The mapping that it belongs to.
    tensor
        The arrays of all examples, as a tensor outside the mapping.
    many
        Whether the first axis of `tensor` numbers the examples; if not, all have the same.
    """

    __slots__ = ("dtype", "level", "many", "shape", "tensor")

    abstract = True  # there are no numbers to look at
    __array_ufunc__ = None  # NumPy's arrays leave operators to us

    def __init__(self, level: Level, tensor: Tensor, many: bool) -> None:
        self.level = level
        self.tensor = tensor
        self.many = many
        self.shape: Shape = tensor.shape[1:] if many else tensor.shape
        self.dtype = tensor.dtype

    @property
    def ndim(self) -> int:
        """Number of axes of one example."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements of one example."""
        return self.tensor.size // (self.tensor.shape[0] or 1) if self.many else self.tensor.size

    def __getitem__(self, index: Any) -> Batched:
        items = index if isinstance(index, tuple) else (index,)
        return self.level.getitem(self, index=items)

    def __repr__(self) -> str:
        return f"<{self.shape} {self.dtype} of {self.level.size} examples>"

    def _unknown(self, *_: Any, **__: Any) -> NoReturn:
        raise TraceError(
            "vmap",
            f"a number of one example is asked for, but there are {self.level.size} at once",
            "Choose with tl.where instead of if, and read numbers outside the mapped function.",
        )

    __bool__ = __int__ = __float__ = __index__ = __array__ = __iter__ = __len__ = _unknown
    item = tolist = __dlpack__ = _unknown


def _operator(name: str, swapped: bool = False) -> Callable[..., Batched]:
    def call(self: Batched, *others: Any) -> Batched:
        operands = (*others, self) if swapped else (self, *others)
        return getattr(self.level, name)(*operands)  # type: ignore[no-any-return]

    return call


for _python, _op in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "pow",
    "floordiv": "floor_divide", "mod": "remainder", "matmul": "matmul",
    "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}.items():  # fmt: skip
    setattr(Batched, f"__{_python}__", _operator(_op))
    setattr(Batched, f"__r{_python}__", _operator(_op, swapped=True))
for _python, _op in {
    "neg": "negative", "abs": "abs", "invert": "bitwise_invert", "eq": "equal", "ne": "not_equal",
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal",
}.items():  # fmt: skip
    setattr(Batched, f"__{_python}__", _operator(_op))

"""An input as a tensor, in the dtype of the parameters that it meets."""

from __future__ import annotations

from ...arrays import Array
from ...dtypes import DType
from ...errors import DTypeError
from ...tensor import Tensor


def as_tensor(x: Array) -> Tensor:
    """A tensor as it is, and anything else as a constant."""
    return x if isinstance(x, Tensor) else Tensor(x)


def to_dtype(where: str, input: Array, dtype: DType, owner: str = "weight") -> Tensor:
    """`input` as a tensor of `dtype`, which is that of `owner`.

    Integers are converted; floats of another width are refused, because one of the two is a
    mistake, and the slower of them would win.
    """
    x = as_tensor(input)
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "f":
        raise DTypeError(
            where,
            f"the input is {x.dtype}, the {owner} {dtype}",
            f"Convert the input: x.astype(tl.{dtype}).",
        )
    converted: Tensor = x.astype(dtype)
    return converted

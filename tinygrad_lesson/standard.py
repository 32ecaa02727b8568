"""What makes the package a namespace of the array API standard, and Tensor one of its arrays.

The standard (https://data-apis.org/array-api/2024.12) is followed for booleans, integers and
floats; there are no complex numbers yet. Where it leaves a choice: promotion between integers
and floats is NumPy's, the default dtypes are float32 and int64, and the one device is the CPU.
"""

from __future__ import annotations

import math
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from . import dtypes
from .arguments import check_device, lengths, shown
from .dtypes import DType, get_default_dtype, isdtype
from .errors import RangeError, ShapeError

if TYPE_CHECKING:
    from .tensor import Tensor

__array_api_version__ = "2024.12"

VERSIONS = ("2021.12", "2022.12", "2023.12", "2024.12")
"""The editions of the standard; each holds the ones before."""

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
newaxis = None


class Info:
    """What ``tl.__array_namespace_info__()`` tells about this namespace."""

    def capabilities(self) -> dict[str, Any]:
        """What not every library can do."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> str:
        """Where tensors are made."""
        return "cpu"

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes of numbers that come without one; there is no complex one."""
        check_device("default_dtypes", device)
        return {
            "real floating": get_default_dtype(),
            "integral": dtypes.int64,
            "indexing": dtypes.int64,
        }

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, DType]:
        """The standard's dtypes, all or those of a kind as :func:`isdtype` has it."""
        check_device("dtypes", device)
        names = (
            "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
            "float32", "float64",
        )  # fmt: skip
        found = {name: getattr(dtypes, name) for name in names}
        return {n: dtype for n, dtype in found.items() if kind is None or isdtype(dtype, kind)}

    def devices(self) -> list[str]:
        """Where tensors can be."""
        return ["cpu"]


def __array_namespace_info__() -> Info:  # noqa: N807  the standard's name
    """Dtypes, devices and capabilities of this namespace.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.__array_namespace_info__().default_dtypes()["real floating"]
    dtype('float32')
    """
    return Info()


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that arrays of `shapes` are stretched to in an elementwise op.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> tl.broadcast_shapes((2, 1), (3,))
    (2, 3)
    """
    checked = [lengths("broadcast_shapes", (shape,)) for shape in shapes]
    try:
        return np.broadcast_shapes(*checked)
    except ValueError as error:
        raise ShapeError(
            "broadcast_shapes",
            f"shapes {' and '.join(map(str, checked))} do not broadcast",
            "Axes are lined up from the right; each pair must be equal, or one of them 1.",
        ) from error


class StandardProtocols:
    """What other libraries look for in an array of any library."""

    __slots__ = ()

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        if api_version is not None and api_version not in VERSIONS:
            raise RangeError(
                "__array_namespace__",
                f"the array API {shown(api_version)} is not one of {', '.join(VERSIONS)}",
                "Leave out api_version for the latest one.",
            )
        return sys.modules[__package__]

    @property
    def device(self) -> str:
        """Where the numbers are: always ``"cpu"``."""
        return "cpu"

    def to_device(self, device: Any, /, stream: None = None) -> Tensor:
        """The tensor itself: there is no device but ``"cpu"``."""
        check_device("to_device", device)
        if stream is not None:
            raise RangeError("to_device", f"the CPU has no stream {shown(stream)}", "Leave it out.")
        return cast("Tensor", self)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """Hand over a copy, or what the tensor holds, read-only, if `copy` is False.

        A copy because some (PyTorch 2.13 among them) write into what is marked as read-only.
        """
        array = cast("Tensor", self).numpy()
        return array.__dlpack__(
            stream=stream, max_version=max_version, dl_device=dl_device, copy=copy is not False
        )

    def __dlpack_device__(self) -> tuple[int, int]:
        return cast("tuple[int, int]", np.empty(0).__dlpack_device__())

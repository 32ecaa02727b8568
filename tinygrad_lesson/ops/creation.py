"""Arrays of constants in the shape of another, for use in rules and models.

They have its dtype, too, unless `dtype` is given. `device` is part of the standard's signature:
the only one is ``"cpu"``.
"""

from __future__ import annotations

from typing import Any

from ..arguments import check_device
from ..arrays import Array, Namespace
from ..dtypes import as_dtype
from ..errors import DTypeError
from ..op import creation
from ..samples import sample, uniform

REALS = uniform(-3, 3, (3, 4))


def _dtype(where: str, x: Array, dtype: Any, device: Any) -> Any:
    """The dtype of the result, and a check of the device."""
    check_device(where, device)
    return x.dtype if dtype is None else as_dtype(dtype, where)


@creation(samples=[sample(REALS), sample(REALS, dtype="int64")])
def zeros_like(xp: Namespace, x: Array, /, dtype: Any = None, device: str | None = None) -> Array:
    """Zeros."""
    return xp.zeros_like(x, dtype=_dtype("zeros_like", x, dtype, device))


@creation(samples=[sample(REALS), sample(REALS, dtype="int64")])
def ones_like(xp: Namespace, x: Array, /, dtype: Any = None, device: str | None = None) -> Array:
    """Ones."""
    return xp.ones_like(x, dtype=_dtype("ones_like", x, dtype, device))


@creation(samples=[sample(REALS), sample(REALS, dtype="int64")])
def empty_like(xp: Namespace, x: Array, /, dtype: Any = None, device: str | None = None) -> Array:
    """Zeros; the standard leaves the numbers open."""
    return xp.zeros_like(x, dtype=_dtype("empty_like", x, dtype, device))


@creation(samples=[sample(REALS, fill_value=2.5), sample(REALS, fill_value=3, dtype="int64")])
def full_like(
    xp: Namespace,
    x: Array,
    /,
    fill_value: float,
    dtype: Any = None,
    device: str | None = None,
) -> Array:
    """One value everywhere; a float does not fit where `x` has integers."""
    into = _dtype("full_like", x, dtype, device)
    if dtype is None and _rank(fill_value) > "biuf".index(into.kind):
        raise DTypeError(
            "full_like",
            f"{fill_value!r} does not fit into the {into} of the other tensor",
            "Say which dtype it shall be, as in dtype=tl.float32.",
        )
    return xp.full_like(x, fill_value, dtype=into)


def _rank(number: Any) -> int:
    """0 for a boolean, 1 for an integer, 3 for all else: the place in "biuf"."""
    return 0 if isinstance(number, bool) else 1 if hasattr(number, "__index__") else 3


for _op in (zeros_like, ones_like, empty_like, full_like):
    _op.no_gradient("x")

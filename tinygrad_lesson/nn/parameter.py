"""Tensors that belong to a module."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module learns: it requires a gradient, and takes its attribute's name.

    Parameters
    ----------
    data
        What :class:`Tensor` takes.
    requires_grad
        False freezes it.
    dtype, name
        As for :class:`Tensor`.
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = True, *, dtype: Any = None, name: str | None = None
    ) -> None:
        super().__init__(data, requires_grad, dtype=dtype, name=name)


class Buffer(Tensor):
    """A tensor that a module keeps but does not learn, such as a running mean."""

    __slots__ = ()

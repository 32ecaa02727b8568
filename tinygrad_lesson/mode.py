"""The ambient mode: whether ops are recorded, where they run, and what each node notes.

A Mode is never written into: another one takes its place. It sits in one ContextVar, so threads and
coroutines each have their own; every op reads it once.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, ParamSpec, Self, TypeVar

from .errors import ArgumentError

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Mode:
    """What an op looks up before it runs.

    In slots, because every op reads them, and those of a tuple take three times as long.

    Attributes
    ----------
    grad
        Record ops for differentiation.
    tracer
        An array namespace that takes the place of the real one, or None.
    scope
        The path of the module that is running, such as ``"MLP/hidden:Linear"``.
    debug
        Let each node keep the user's file and line.
    watch
        Look for NaN and infinity in every result.
    """

    grad: bool = True
    tracer: Any = None
    scope: str = ""
    debug: bool = False
    watch: bool = False

    def but(self, **changes: Any) -> Mode:
        """Another mode, which differs in these fields."""
        fields = {
            "grad": self.grad, "tracer": self.tracer, "scope": self.scope,
            "debug": self.debug, "watch": self.watch,
        }  # fmt: skip
        return Mode(**{**fields, **changes})


_MODE: ContextVar[Mode] = ContextVar("tinygrad_lesson.mode", default=Mode())  # noqa: B039
current = _MODE.get
restore = _MODE.set


class _Switch:
    """A context manager, and a decorator, that changes fields of the mode."""

    _changes: ClassVar[dict[str, Any]]
    _previous: list[Mode]

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        switch = super().__new__(cls)
        switch._previous = []
        return switch if function is None else switch(function)  # @no_grad without parentheses

    def __enter__(self) -> Self:
        mode = current()
        self._previous.append(mode)
        restore(mode.but(**self._changes))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        restore(self._previous.pop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        if inspect.isgeneratorfunction(function):
            raise ArgumentError(
                type(self).__name__,
                f"{function.__name__} is a generator, whose body runs after the call",
                f"Write `with {type(self).__name__}():` inside it.",
            )

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            with type(self)():
                return function(*args, **kwargs)

        return wrapper


class no_grad(_Switch):  # noqa: N801  PyTorch's name
    """Record nothing inside the block (or inside the decorated function).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> w = tl.Tensor([1.0, 2.0], requires_grad=True)
    >>> with tl.no_grad():
    ...     (w * 2).requires_grad
    False
    """

    _changes: ClassVar[dict[str, Any]] = {"grad": False}


class enable_grad(_Switch):  # noqa: N801  PyTorch's name
    """Record again inside a ``no_grad`` block."""

    _changes: ClassVar[dict[str, Any]] = {"grad": True}


class debug(_Switch):  # noqa: N801  reads like no_grad
    """Find the first NaN or infinity, and the line of the user's code that made it.

    Every op is watched, forward and backward. One that makes NaN or infinity of numbers that were
    neither is named in a :class:`~tinygrad_lesson.errors.NonFiniteWarning`; if it reaches the
    gradient, ``backward()`` raises :class:`~tinygrad_lesson.errors.NonFiniteError` with the op, the
    element, the numbers that went in, the line, and the ``where`` that was to hide them. Each
    recorded op remembers the file and line that called it, for gradcheck and pictures as well.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> x = tl.Tensor([1.0, 2.0], requires_grad=True)
    >>> with tl.debug():
    ...     y = tl.exp(x)
    >>> y.node.where is not None
    True
    """

    _changes: ClassVar[dict[str, Any]] = {"debug": True, "watch": True}


class remember_lines(_Switch):  # noqa: N801
    """Let each node keep the user's file and line, as under :class:`debug`, and no more."""

    _changes: ClassVar[dict[str, Any]] = {"debug": True}


def is_grad_enabled() -> bool:
    """Whether ops on tensors that require gradients are being recorded."""
    return current().grad

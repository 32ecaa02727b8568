"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .module import Module


class Sequential(Module):
    """Modules called one after the other, each with the output of the one before.

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())
    Sequential(  # 9 parameters
      (0): Linear(2, 3)  # weight (3, 2), bias (3,), 9 parameters
      (1): Tanh()
    )
    """

    def __init__(self, *modules: Module) -> None:
        for i, module in enumerate(modules):
            setattr(self, str(i), module)

    def forward(self, x: Any) -> Any:
        """Pass `x` through all of them."""
        for module in self.children():
            x = module(x)
        return x

    def __len__(self) -> int:
        return sum(1 for _ in self.children())

    def __iter__(self) -> Iterator[Module]:
        return self.children()

    def __getitem__(self, index: int) -> Module:
        return list(self.children())[index]

    def append(self, module: Module) -> Sequential:
        """Add one more at the end."""
        setattr(self, str(len(self)), module)
        return self

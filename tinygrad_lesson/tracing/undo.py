"""Undo: what a step changed while it was traced, so that a step that fails changes nothing."""

from __future__ import annotations

from typing import Any

from ..arrays import Array
from ..graph import Box, Leaf, Node
from ..tensor import Tensor


class Undo:
    """What things were before, each as it was when it was first told."""

    def __init__(self) -> None:
        self._tensors: dict[int, tuple[Tensor, Array, Node | Leaf | None]] = {}
        self._gradients: dict[int, tuple[Box, Any]] = {}
        self._dicts: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._generators: dict[int, tuple[Any, Any]] = {}
        self._new: list[tuple[Any, Any]] = []

    def tensor(self, tensor: Tensor) -> None:
        """What a tensor holds is about to change."""
        if id(tensor) not in self._tensors:
            self._tensors[id(tensor)] = tensor, tensor._data, tensor._node

    def gradient(self, box: Box) -> None:
        """A gradient is."""
        if id(box) not in self._gradients:
            self._gradients[id(box)] = box, box.grad

    def dict(self, held: dict[str, Any]) -> None:
        """The items of a dict are."""
        if id(held) not in self._dicts:
            self._dicts[id(held)] = held, dict(held)

    def generator(self, generator: Any) -> None:
        """Numbers are about to be drawn."""
        if id(generator) not in self._generators:
            self._generators[id(generator)] = generator, generator.bit_generator.state

    def new(self, container: Any, key: Any) -> None:
        """A container has just got a new item."""
        self._new.append((container, key))

    def forget(self, own: Any) -> None:
        """Let go of the tensors that the step itself made, for which `own` holds."""
        self._tensors = {k: v for k, v in self._tensors.items() if not own(v[1])}
        self._gradients = {
            k: v for k, v in self._gradients.items() if v[1] is None or not own(v[1]._data)
        }

    def all(self) -> None:
        """Put everything back."""
        for tensor, data, node in self._tensors.values():
            tensor._data, tensor._node = data, node
        for box, gradient in self._gradients.values():
            box.grad = gradient
        for held, before in self._dicts.values():
            held.clear()
            held.update(before)
        for generator, state in self._generators.values():
            generator.bit_generator.state = state
        for container, key in self._new:
            container.pop(key, None)

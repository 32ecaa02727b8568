"""Tracer: what may take the place of the array namespace, beneath the ops and beneath autograd.

While one is at work (``mode.tracer``), recorders read what tensors hold through it and run their
ops on it, and the rules of backward compute with it. So whoever maps, traces or counts sees every
operation, those of the gradient and of the optimizer included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .arrays import Array
from .op import REGISTRY, Op
from .random import drawn
from .recording import NO_PARAMS, bind

if TYPE_CHECKING:
    from .graph import Box, Leaf
    from .tensor import Tensor


class Tracer:
    """Base class: a subclass says how a tensor is read and how an op runs.

    The methods below those two tell of what a step does besides running ops. Most tracers only
    look at ops, and leave them as they are: everything is done as it would be without a tracer.
    """

    def read(self, tensor: Tensor) -> Array:
        """What `tensor` holds, as seen by the ops."""
        raise NotImplementedError

    def run(self, op: Op[...], arrays: Sequence[Array], params: Mapping[str, Any]) -> Array:
        """Run an op."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> Callable[..., Array]:
        """The vocabulary, for rules and optimizers."""
        op = REGISTRY.get(name)
        if op is None:
            raise AttributeError(name)

        plain = len(op.arrays) if not (op.variadic or op.parameters) else None

        def call(*args: Any, **params: Any) -> Array:
            if len(args) == plain and not params:
                return self.run(op, args, NO_PARAMS)
            arrays, static = bind(op, args, params)
            return self.run(op, arrays, static)

        self.__dict__[name] = call
        return call

    def close(self) -> None:
        """Let go of the vocabulary: its functions hold this tracer, and it holds them."""
        for name in self.__dict__.keys() & REGISTRY.keys():
            del self.__dict__[name]

    def copy(self, array: Array) -> Array:
        """The same array: nobody writes into one of these."""
        return array

    def leaf(self, leaf: Leaf) -> Array:
        """The array of a leaf that entered a graph, as seen by the ops."""
        return leaf.data

    def recorded_outside(self, tensor: Tensor) -> bool:
        """Whether a graph that this tracer does not see leads to what `tensor` holds."""
        return False

    # ---- what a step does besides running ops --------------------------------------------

    def changing(self, tensor: Tensor) -> None:
        """A tensor is about to hold something else."""

    def clearing(self, box: Box) -> None:
        """A gradient is about to be replaced, whatever it was."""

    def adding(self, box: Box) -> None:
        """Something is about to be added to a gradient."""

    def named(self, array: Array, name: str) -> None:
        """What an array is called: ``d_`` and the name of the leaf that it is the gradient of."""

    def entering(self, module: Any) -> None:
        """A module is about to run."""

    def attribute(self, module: Any, name: str) -> None:
        """An attribute of a module is about to be set or deleted."""

    def flagging(self, tensor: Tensor) -> None:
        """Whether a tensor requires a gradient is about to be set."""

    def copied(self, tensor: Tensor, array: Array) -> None:
        """A tensor was made of the numbers of a user's array."""

    def looking(self, box: Box) -> None:
        """Somebody asks for a gradient, and whether there is one."""

    def walking(self, cotangents: Iterable[Any]) -> None:
        """Gradients are about to be carried from these nodes backwards."""

    def deciding(self, array: Array) -> None:
        """Python code decides by the numbers of a user's array."""

    def opened(self, held: dict[str, Any], owner: Any, name: str, key: int) -> dict[str, Any]:
        """The settings, or the private arrays and counters, of an optimizer: to read and to change.

        Parameters
        ----------
        held
            They are here.
        owner, name, key
            And the next step will look for them in ``owner.name[key]``.
        """
        return held

    def refuse(self, where: str, what: str, remedy: str) -> None:
        """Something is about to happen that no program could repeat."""

    def acting(self, act: Callable[[], None], holders: Sequence[Any]) -> None:
        """Python code that changes numbers in `holders`, and nothing else."""
        act()

    def draw(self, generator: Any, method: str, args: Sequence[Any], kwargs: Any) -> Array:
        """Random numbers, from a method of a generator (None: the default one)."""
        return drawn(generator, method, args, kwargs)

"""Backward hooks of modules: the gradients of one call, on their way out of it and into it.

Around a call stand two steps that change no number: one behind, which sees the gradients of the
outputs, and one in front, which has those of all inputs at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..custom import custom_vjp
from ..errors import ArgumentError
from ..mode import current
from ..tensor import Tensor
from ..trees import flatten

Gradients = tuple[Any, ...]  # a Tensor or None for each argument


class BackwardHooks:
    """The hooks of `module` for one call of it.

    Parameters
    ----------
    module
        The first argument of each hook.
    pre_hooks, hooks
        Called as ``hook(module, grad_output)`` and ``hook(module, grad_input, grad_output)``; what
        they return takes the place of `grad_output` and of `grad_input`.
    """

    def __init__(
        self,
        module: Any,
        pre_hooks: Sequence[Callable[..., Any]],
        hooks: Sequence[Callable[..., Any]],
    ) -> None:
        self.module, self.pre_hooks, self.hooks = module, pre_hooks, hooks
        self.inputs: Gradients = ()
        self.outputs: Gradients = ()
        self.in_front = False

    def enter(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The positional arguments of the call, with the step in front."""
        places = _recorded(args)
        self.inputs, self.in_front = (None,) * len(args), bool(places)
        return self._step(args, places, self._with_inputs) if places else args

    def leave(self, output: Any) -> Any:
        """The output of the call, with the step behind."""
        values, build = flatten(output)
        places = _recorded(values)
        self.outputs = (None,) * len(values)
        return build(iter(self._step(values, places, self._with_outputs))) if places else output

    def _step(
        self, values: Sequence[Any], places: list[int], pull: Callable[[Gradients], Gradients]
    ) -> tuple[Any, ...]:
        def gradients(_: None, found: tuple[Tensor, ...]) -> Gradients:
            pulled = pull(_put(values, places, found, empty=True))
            return tuple(pulled[i] for i in places)

        same = custom_vjp(_same)
        same.defvjp(forward=lambda *tensors: (tensors, None), backward=gradients)
        return _put(values, places, same(*(values[i] for i in places)))

    def _with_outputs(self, gradients: Gradients) -> Gradients:
        for hook in self.pre_hooks:
            gradients = self._replaced(gradients, hook(self.module, gradients), "grad_output")
        self.outputs = gradients
        if not self.in_front:
            self._with_inputs(self.inputs)
        return gradients

    def _with_inputs(self, gradients: Gradients) -> Gradients:
        for hook in self.hooks:
            changed = hook(self.module, gradients, self.outputs)
            gradients = self._replaced(gradients, changed, "grad_input")
        return gradients

    def _replaced(self, gradients: Gradients, changed: Any, what: str) -> Gradients:
        if changed is None:
            return gradients
        new: Gradients = tuple(changed) if isinstance(changed, tuple | list) else (changed,)
        if len(new) != len(gradients):
            raise ArgumentError(
                f"{type(self.module).__name__} backward hook",
                f"it returned {len(new)} gradients in the place of {len(gradients)}",
                f"Return a tuple like {what}, or None.",
            )
        return new


def _same(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The same tensors; their gradients are shown to the backward hooks of a module."""
    return tensors


def _recorded(values: Sequence[Any]) -> list[int]:
    if not current().grad:
        return []
    return [i for i, v in enumerate(values) if isinstance(v, Tensor) and v.requires_grad]


def _put(
    values: Sequence[Any], places: list[int], new: Sequence[Any], empty: bool = False
) -> tuple[Any, ...]:
    """`values`, or Nones in their place, with those at `places` replaced."""
    found = [None] * len(values) if empty else list(values)
    for place, value in zip(places, new, strict=True):
        found[place] = value
    return tuple(found)

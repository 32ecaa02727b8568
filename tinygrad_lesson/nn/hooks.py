"""The hooks of a module: functions that look at its calls, and may change what goes in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..hooks import Handle
from .backward_hooks import BackwardHooks

Hook = Callable[..., Any]


class Hooks:
    """Registers hooks, and runs ``forward`` between them."""

    _forward_pre_hooks: tuple[Hook, ...] = ()
    _forward_hooks: tuple[Hook, ...] = ()
    _backward_pre_hooks: tuple[Hook, ...] = ()
    _backward_hooks: tuple[Hook, ...] = ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass has its own."""
        raise NotImplementedError

    def _run(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        for hook in self._forward_pre_hooks:
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        backward = None
        if self._backward_hooks or self._backward_pre_hooks:
            backward = BackwardHooks(self, self._backward_pre_hooks, self._backward_hooks)
            args = backward.enter(args)
        output = self.forward(*args, **kwargs)
        for hook in self._forward_hooks:
            changed = hook(self, args, output)
            output = output if changed is None else changed
        return output if backward is None else backward.leave(output)

    def register_forward_pre_hook(self, hook: Hook) -> Handle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces `args`.

        Returns
        -------
        A handle whose ``remove()`` ends it.
        """
        return self._register_hook("_forward_pre_hooks", hook)

    def register_forward_hook(self, hook: Hook) -> Handle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces `output`.

        Returns
        -------
        A handle whose ``remove()`` ends it.
        """
        return self._register_hook("_forward_hooks", hook)

    def register_full_backward_hook(self, hook: Hook) -> Handle:
        """Call ``hook(module, grad_input, grad_output)`` when all gradients of a call are known.

        Parameters
        ----------
        hook
            Gets a tuple with the gradient of each positional argument (None for one that requires
            none) and a tuple with that of each output. What it returns, unless None, replaces
            `grad_input`.

        Returns
        -------
        A handle whose ``remove()`` ends it.
        """
        return self._register_hook("_backward_hooks", hook)

    def register_full_backward_pre_hook(self, hook: Hook) -> Handle:
        """Call ``hook(module, grad_output)`` first; what it returns replaces `grad_output`.

        Returns
        -------
        A handle whose ``remove()`` ends it.
        """
        return self._register_hook("_backward_pre_hooks", hook)

    def _register_hook(self, hooks: str, hook: Hook) -> Handle:
        setattr(self, hooks, (*getattr(self, hooks), hook))
        return Handle(lambda: self._remove(hooks, hook))

    def _remove(self, hooks: str, hook: Hook) -> None:
        left = list(getattr(self, hooks))
        left.remove(hook)
        setattr(self, hooks, tuple(left))

"""Module: parameters and the function that uses them, as an object that may hold others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar

from .. import ops
from ..errors import ArgumentError, StateDictError
from ..hooks import Handle
from ..mode import current, restore
from ..tensor import Tensor
from .parameter import Buffer, Parameter
from .state import Mismatch, fitting

V = TypeVar("V")

_PLAIN = (list, tuple, dict, set)
"""Where modules and parameters would not be found."""


class Module:
    """Base class of layers and models.

    A subclass assigns :class:`Parameter`, :class:`Buffer` and other modules to attributes and
    defines ``forward``. Nothing is registered: a module's parts are its attributes, and there is
    no ``super().__init__()`` to forget.

    Examples
    --------
    >>> from tinygrad_lesson import Tensor, nn
    >>> class Neuron(nn.Module):
    ...     def __init__(self):
    ...         self.w = nn.Parameter([1.0, -2.0])
    ...
    ...     def forward(self, x):
    ...         return (self.w * x).sum().tanh()
    >>> neuron = Neuron()
    >>> neuron(Tensor([0.5, 0.25]))
    Tensor(0., dtype=float32, op=tanh)
    >>> [name for name, _ in neuron.named_parameters()]
    ['w']
    """

    training: bool = True
    _name: str = ""  # the attribute, or index, under which its parent holds it
    _path: str = ""  # and the dotted path from the outermost one
    _forward_pre_hooks: tuple[Callable[..., Any], ...] = ()
    _forward_hooks: tuple[Callable[..., Any], ...] = ()

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the output; every subclass has its own."""
        raise ArgumentError(
            type(self).__name__, "forward is not defined", "Define it: def forward(self, x)."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: D102
        mode = current()
        name = type(self).__name__
        segment = f"{self._name}:{name}" if self._name else name
        scope = sys.intern(f"{mode.scope}/{segment}" if mode.scope else segment)
        restore(mode._replace(scope=scope))
        try:
            for hook in self._forward_pre_hooks:
                changed = hook(self, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
            output = self.forward(*args, **kwargs)
            for hook in self._forward_hooks:
                changed = hook(self, args, output)
                output = output if changed is None else changed
        finally:
            restore(mode)
        return output

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._name_parameter(name, value)
        elif isinstance(value, Module):
            if vars(self).get(value._name) is not value:  # else it keeps its first place's name
                value._name, value._path = name, _join(self._path, name)
                for path, module in value.named_modules():
                    module._path = _join(value._path, path)
            for path, parameter in value.named_parameters():
                self._name_parameter(f"{name}.{path}", parameter)
        elif isinstance(vars(self).get(name), Parameter) and value is not None:
            raise ArgumentError(
                f"{type(self).__name__}.{name}",
                f"a parameter cannot become a {type(value).__name__}, which nothing would train",
                f"Change its numbers with .{name}.assign(...), or assign an nn.Parameter.",
            )
        object.__setattr__(self, name, value)

    def _name_parameter(self, path: str, parameter: Parameter) -> None:
        """Name it after its place in the outermost module, unless it has another one here."""
        named = parameter.name.removeprefix(f"{self._path}.")
        holder: Any = self
        for part in named.split("."):
            holder = vars(holder).get(part) if isinstance(holder, Module) else None
        if holder is not parameter:
            parameter.name = _join(self._path, path)

    # ---- its parts -----------------------------------------------------------------------

    def _parts(self) -> Iterator[tuple[str, Any]]:
        """Its attributes, none of which hides modules or parameters in a list or a dict."""
        for name, value in vars(self).items():
            if isinstance(value, _PLAIN) and name not in vars(Module):
                hidden = _held_by(value)
                if hidden is not None:
                    wrapped = (
                        "ModuleDict({...})" if isinstance(value, dict) else "ModuleList([...])"
                    )
                    raise ArgumentError(
                        f"{type(self).__name__}.{name}",
                        f"a plain {type(value).__name__} hides a {type(hidden).__name__}, which"
                        " nothing would train or save",
                        f"Wrap it: nn.{wrapped}."
                        if isinstance(hidden, Module)
                        else "Give each an attribute of its own.",
                    )
            yield name, value

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules that it holds itself."""
        for name, value in self._parts():
            if isinstance(value, Module):
                yield name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """Itself, as "", and all modules below, each once, by dotted path."""
        seen: set[int] = set()
        stack: list[tuple[str, Module]] = [(prefix, self)]
        while stack:
            path, module = stack.pop()
            if id(module) in seen:
                continue
            seen.add(id(module))
            yield path, module
            below = [(_join(path, n), m) for n, m in module.named_children()]
            stack.extend(reversed(below))

    def _named(self, kind: type[V]) -> Iterator[tuple[str, V]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, kind) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters by dotted path, each once."""
        return self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """All buffers by dotted path, each once."""
        return self._named(Buffer)

    def children(self) -> Iterator[Module]:
        """The modules that it holds itself."""
        return (module for _, module in self.named_children())

    def modules(self) -> Iterator[Module]:
        """Itself and all modules below."""
        return (module for _, module in self.named_modules())

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once: what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters())

    def buffers(self) -> Iterator[Buffer]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers())

    # ---- modes and gradients -------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Let it, and all modules below, behave as in training."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Let it, and all modules below, behave as in use: no dropout, fixed statistics."""
        return self.train(False)

    def requires_grad_(self, flag: bool = True) -> Self:
        """Train all its parameters, or freeze them."""
        for parameter in self.parameters():
            parameter.requires_grad = flag
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients of all parameters, or make them zeros."""
        for parameter in self.parameters():
            zeros = not set_to_none and parameter.grad is not None
            parameter.grad = ops.zeros_like(parameter.detach()) if zeros else None

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on all modules below, then on itself."""
        for module in reversed(list(self.modules())):
            function(module)
        return self

    # ---- hooks ---------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook: Callable[[Module, tuple[Any, ...]], Any]) -> Handle:
        """Call ``hook(module, args)`` before ``forward``; what it returns replaces `args`.

        Returns
        -------
        A handle whose ``remove()`` ends it.
        """
        self._forward_pre_hooks += (hook,)
        return Handle(lambda: self._remove("_forward_pre_hooks", hook))

    def register_forward_hook(self, hook: Callable[[Module, tuple[Any, ...], Any], Any]) -> Handle:
        """Call ``hook(module, args, output)`` after ``forward``; what it returns replaces `output`.

        Returns
        -------
        A handle whose ``remove()`` ends it.
        """
        self._forward_hooks += (hook,)
        return Handle(lambda: self._remove("_forward_hooks", hook))

    def _remove(self, hooks: str, hook: Callable[..., Any]) -> None:
        left = list(getattr(self, hooks))
        left.remove(hook)
        setattr(self, hooks, tuple(left))

    # ---- state ---------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Tensor]:
        """All parameters and buffers by dotted path.

        Tensors are values: later training does not change what is returned.
        """
        return {path: tensor.detach() for path, tensor in self._state().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Mismatch:
        """Take over the numbers of a state dict; if it does not fit, change nothing.

        Parameters
        ----------
        state
            What :meth:`state_dict` returned, or arrays by the same names.
        strict
            Refuse names that are missing or unknown; otherwise they are returned.
        """
        where = f"{type(self).__name__}.load_state_dict"
        if not isinstance(state, Mapping):
            raise StateDictError(
                where,
                f"the state is a {type(state).__name__}",
                "Pass what state_dict() returned.",
            )
        own = self._state()
        missing = [name for name in own if name not in state]
        unexpected = [name for name in state if name not in own]
        if strict and (missing or unexpected):
            lists = [f"missing {missing}"] * bool(missing) + [f"unexpected {unexpected}"] * bool(
                unexpected
            )
            raise StateDictError(
                where, " and ".join(lists), "Build the same architecture, or pass strict=False."
            )
        new = {
            name: fitting(where, name, state[name], tensor)
            for name, tensor in own.items()
            if name in state
        }
        for name, numbers in new.items():
            own[name].assign(numbers)
        return Mismatch(missing, unexpected)

    def _state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter | Buffer):
                    state[_join(path, name)] = value
        return state

    # ---- for people ----------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands in parentheses behind the class name."""
        return ""

    def __repr__(self) -> str:
        return "\n".join(self._lines(type(self).__name__))

    def _lines(self, title: str) -> list[str]:
        """One line for each module, with the shapes of its own parameters and their number."""
        children = list(self.named_children())
        own = [(n, v.shape) for n, v in vars(self).items() if isinstance(v, Parameter)]
        count = sum(p.size for p in self.parameters())
        head = f"{title}({self.extra_repr()}" + ("" if children else ")")
        notes = [f"{name} {shape}" for name, shape in own]
        notes += [f"{count:,} parameters"] if count else []
        lines = [head + (f"  # {', '.join(notes)}" if notes else "")]
        for name, child in children:
            lines += ["  " + line for line in child._lines(f"({name}): {type(child).__name__}")]
        return [*lines, ")"] if children else lines


def _held_by(value: Any, depth: int = 3) -> Module | Parameter | Buffer | None:
    """The first part of a module in a list, a dict, or lists in lists."""
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, Module | Parameter | Buffer):
            return item
        if isinstance(item, _PLAIN) and depth:
            found = _held_by(item, depth - 1)
            if found is not None:
                return found
    return None


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name

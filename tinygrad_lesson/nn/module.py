"""Module: parameters and the function that uses them, as an object that may hold others."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar

from .. import dtypes, ops
from ..arguments import shown
from ..changes import happened
from ..errors import ArgumentError, TinygradError
from ..mode import current, restore
from ..tensor import Tensor
from .hidden import PLAIN, refuse_hidden
from .hooks import Hooks
from .parameter import Buffer, Kept, Parameter, convert
from .state import Mismatch, load

V = TypeVar("V")


class Module(Hooks):
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
    _unsaved: frozenset[str] = frozenset()  # the names of buffers that are not saved

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
        if mode.tracer is not None:
            mode.tracer.entering(self)
        restore(mode.but(scope=scope))
        try:
            return self._run(args, kwargs)
        except TinygradError as error:
            if not error.where.startswith(scope):
                error.where = f"{scope} {error.where}"
            raise
        finally:
            restore(mode)

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
        elif isinstance(vars(self).get(name), Buffer) and isinstance(value, Tensor):
            value = value if isinstance(value, Buffer) else Buffer.of(value)
        elif isinstance(vars(self).get(name), Parameter) and value is not None:
            raise ArgumentError(
                f"{type(self).__name__}.{name}",
                f"a parameter cannot become a {type(value).__name__}, which nothing would train",
                f"Change its numbers with .{name}.assign(...), or assign an nn.Parameter.",
            )
        tracer = current().tracer
        if tracer is not None:
            tracer.attribute(self, name)
        object.__setattr__(self, name, value)
        happened()

    def __delattr__(self, name: str) -> None:
        tracer = current().tracer
        if tracer is not None:
            tracer.attribute(self, name)
        object.__delattr__(self, name)
        happened()

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
            if isinstance(value, PLAIN) and not hasattr(Module, name):
                refuse_hidden(f"{type(self).__name__}.{name}", value)
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

    def _named(self, kind: type[V], prefix: str, recurse: bool) -> Iterator[tuple[str, V]]:
        seen: set[int] = set()
        for path, module in self.named_modules(prefix) if recurse else [(prefix, self)]:
            for name, value in vars(module).items():
                if isinstance(value, kind) and id(value) not in seen:
                    seen.add(id(value))
                    yield _join(path, name), value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """All parameters by dotted path, each once.

        Parameters
        ----------
        prefix
            The path of this module.
        recurse
            False leaves out those of the modules below.
        """
        return self._named(Parameter, prefix, recurse)

    def named_buffers(self, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Buffer]]:
        """All buffers by dotted path, each once; see :meth:`named_parameters`."""
        return self._named(Buffer, prefix, recurse)

    def children(self) -> Iterator[Module]:
        """The modules that it holds itself."""
        return (module for _, module in self.named_children())

    def modules(self) -> Iterator[Module]:
        """Itself and all modules below."""
        return (module for _, module in self.named_modules())

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once: what an optimizer takes."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Buffer]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def get_submodule(self, path: str) -> Module:
        """The module below that has this dotted path; "" is the module itself."""
        found = self._at(path)
        if not isinstance(found, Module):
            raise self._nothing_at(path, "module", [name for name, _ in self.named_modules()])
        return found

    def get_parameter(self, path: str) -> Parameter:
        """The parameter that has this dotted path."""
        found = self._at(path)
        if not isinstance(found, Parameter):
            raise self._nothing_at(path, "parameter", [name for name, _ in self.named_parameters()])
        return found

    def get_buffer(self, path: str) -> Buffer:
        """The buffer that has this dotted path."""
        found = self._at(path)
        if not isinstance(found, Buffer):
            raise self._nothing_at(path, "buffer", [name for name, _ in self.named_buffers()])
        return found

    def _at(self, path: str) -> Any:
        found: Any = self
        for name in path.split(".") if path else ():
            found = vars(found).get(name) if isinstance(found, Module) else None
        return found

    def _nothing_at(self, path: str, kind: str, names: list[str]) -> ArgumentError:
        near = difflib.get_close_matches(path, names, 1)
        return ArgumentError(
            type(self).__name__,
            f"there is no {kind} {path!r}",
            f"Perhaps {near[0]!r}?" if near else f"Choose from {shown(names)}.",
        )

    # ---- parts, as PyTorch's users add them ----------------------------------------------

    def register_parameter(self, name: str, param: Any) -> None:
        """The same as ``self.name = nn.Parameter(param)``; None is left as it is."""
        self._register(name, Parameter, param)

    def register_buffer(self, name: str, tensor: Any, persistent: bool = True) -> None:
        """The same as ``self.name = nn.Buffer(tensor)``; None is left as it is.

        Parameters
        ----------
        name
            Of the attribute.
        tensor
            Its numbers.
        persistent
            False leaves it out of :meth:`state_dict`.
        """
        self._register(name, Buffer, tensor)
        self._unsaved = self._unsaved - {name} if persistent else self._unsaved | {name}

    def add_module(self, name: str, module: Module | None) -> None:
        """The same as ``self.name = module``."""
        self._register(name, Module, module)

    register_module = add_module

    def _register(self, name: str, kind: type[Any], part: Any) -> None:
        taken = hasattr(self, name) and not isinstance(vars(self).get(name, name), kind | None)
        if taken or not name or "." in name:
            raise ArgumentError(
                type(self).__name__,
                f"a {kind.__name__} cannot have the name {name!r}",
                "Take another, without a dot, that is no method's or attribute's.",
            )
        setattr(self, name, part if part is None or isinstance(part, kind) else kind(part))

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

    def to(self, dtype: Any = None, device: Any = None) -> Self:
        """Convert all floating parameters, gradients and buffers; integers stay.

        Graphs that were recorded before keep the old numbers.

        Parameters
        ----------
        dtype
            A floating dtype.
        device
            ``"cpu"``, or None.
        """
        convert(f"{type(self).__name__}.to", self._named(Kept, "", True), dtype, device)
        return self

    def double(self) -> Self:
        """Convert to float64, see :meth:`to`."""
        return self.to(dtypes.float64)

    def float(self) -> Self:
        """Convert to float32, see :meth:`to`."""
        return self.to(dtypes.float32)

    def half(self) -> Self:
        """Convert to float16, see :meth:`to`."""
        return self.to(dtypes.float16)

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
        return load(f"{type(self).__name__}.load_state_dict", self._state(), state, strict)

    def _state(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Kept) and name not in module._unsaved:
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


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name

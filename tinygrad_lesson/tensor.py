"""Tensor: an array, and where it came from.

A Tensor is a value. No array that it holds is ever written into: the one door through which what
it holds can change is :meth:`Tensor.assign`, which puts a new array in the place of the old one.
So a graph recorded earlier still has the numbers that it was recorded with. There is no
mathematics here: operators and methods are the ops (see ``methods.py``).
"""

from __future__ import annotations

from typing import Any, Self, cast

import numpy as np

from . import autograd, dtypes, ops
from .arrays import Array
from .changes import happened
from .conversion import array_of, split_index
from .dtypes import DType
from .errors import (
    ArgumentError,
    DTypeError,
    GradientError,
    RangeError,
    ReadOnlyError,
    ShapeError,
)
from .graph import Box, Hook, Leaf, Meta, Node, Shape
from .hooks import Handle
from .methods import Methods
from .mode import current
from .op import Op
from .protocols import NumpyProtocols
from .readonly import read_only
from .recording import makes
from .standard import StandardProtocols
from .values import PythonProtocols


@makes
class Tensor(Methods, NumpyProtocols, StandardProtocols, PythonProtocols):
    """A multi-dimensional array that remembers the ops that made it.

    Parameters
    ----------
    data
        A number, a nested list, a NumPy array or a Tensor. The numbers are copied. Floats on their
        own or in lists become the default dtype (float32), arrays keep theirs.
    requires_grad
        Record every op on it, so that ``backward()`` can fill ``.grad``.
    dtype
        Convert to this dtype.
    name
        What to call it in pictures and messages.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> w = tl.Tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (w * w).sum()
    >>> loss.backward()
    >>> w.grad
    Tensor([2., 4.], dtype=float32)
    """

    __slots__ = ("__weakref__", "_data", "_node")

    _data: Array
    _node: Node | Leaf | None

    def __init__(
        self, data: Any, requires_grad: bool = False, *, dtype: Any = None, name: str | None = None
    ) -> None:
        self._data = array_of(data, dtype)
        self._node = None
        tracer = current().tracer
        if tracer is not None and isinstance(data, np.ndarray):
            tracer.copied(self, data)
        if requires_grad:
            self._require(True)
        if name is not None:
            self.name = name

    @staticmethod
    def lift(data: Array, node: Node | Leaf | None = None) -> Tensor:
        """Make a Tensor of a raw array, without a copy, at a place in the graph."""
        tensor = object.__new__(Tensor)
        tensor._data = data
        tensor._node = node
        return tensor

    @staticmethod
    def coerce(value: Any, op: Op[...]) -> Tensor:
        """Make a constant of something that is given to `op` beside tensors."""
        if isinstance(value, list | tuple):
            return Tensor(value)
        try:
            return Tensor(value)
        except (DTypeError, ArgumentError) as error:
            raise ArgumentError(
                op.name,
                f"an input of type {type(value).__name__} is neither a tensor nor numbers",
                "Pass a Tensor, a NumPy array, a number or a nested list of numbers.",
            ) from error

    # ---- what it is ----------------------------------------------------------------------

    @property
    def raw(self) -> Array:
        """The array itself, for readers of the graph; it must not be written into.

        While a tracer is at work, what it lets ops see in its place.
        """
        tracer = current().tracer
        return self._data if tracer is None else tracer.read(self)

    @property
    def data(self) -> Array:
        """A read-only view of the array; assigning to it is :meth:`assign`."""
        return read_only(self.raw)

    @data.setter
    def data(self, value: Any) -> None:
        self.assign(value)

    @property
    def node(self) -> Node | Leaf | None:
        """The op that made it, or its Leaf if it entered a graph from outside, or None."""
        return self._node

    @property
    def shape(self) -> Shape:
        """The length of each axis."""
        shape: Shape = self._data.shape
        return shape

    @property
    def dtype(self) -> DType:
        """The type of its numbers."""
        dtype: DType = self._data.dtype
        return dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        ndim: int = self._data.ndim
        return ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        size: int = self._data.size
        return size

    @property
    def mT(self) -> Tensor:  # noqa: N802  the array API's name
        """The last two axes swapped."""
        return ops.matrix_transpose(self)

    @property
    def T(self) -> Tensor:  # noqa: N802  NumPy's name
        """The axes in reverse order."""
        return ops.permute_dims(self)

    @property
    def name(self) -> str:
        """What it is called in pictures and messages; empty if nobody named it."""
        return self._node.name if isinstance(self._node, Leaf) else ""

    @name.setter
    def name(self, name: str) -> None:
        if isinstance(self._node, Node):
            raise GradientError(
                "name",
                f"the result of {self._node.op.name} has no name of its own",
                "Name it in the picture: viz.graph(loss, names=locals()).",
            )
        if self._node is None:
            self._node = Leaf(self._data)
        self._node.name = name

    # ---- gradients -----------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        """Whether ops on it are recorded."""
        return self._node is not None and self._node.requires_grad

    @requires_grad.setter
    def requires_grad(self, flag: bool) -> None:
        tracer = current().tracer
        if tracer is not None:
            tracer.flagging(self)
        self._require(flag)
        happened()

    def _require(self, flag: bool) -> None:
        node = self._node
        if isinstance(node, Node):
            if not flag:
                raise GradientError(
                    "requires_grad",
                    f"the result of {node.op.name} requires a gradient because its inputs do",
                    "Use detach() for a tensor with the same numbers and no history.",
                )
            return
        if flag and not dtypes.is_floating(self.dtype):
            raise DTypeError(
                "requires_grad",
                f"only floating dtypes have gradients, not {self.dtype}",
                "Write the numbers as floats (1.0, not 1), or pass dtype=tl.float32.",
            )
        if flag == self.requires_grad:
            return  # a new Leaf would be a stranger to the graphs of the old one
        name, box = (node.name, node.box) if node is not None else ("", None)
        self._node = Leaf(self._data, flag, box or Box() if flag else box, name)

    def requires_grad_(self, flag: bool = True) -> Self:
        """Set ``requires_grad`` and return the tensor itself."""
        self.requires_grad = flag
        return self

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made it."""
        return not isinstance(self._node, Node)

    @property
    def grad(self) -> Tensor | None:
        """What ``backward()`` added up so far, or None."""
        box = self._box()
        if box is None:
            return None
        tracer = current().tracer
        if tracer is not None:
            tracer.looking(box)
        gradient: Tensor | None = box.grad
        return gradient

    @grad.setter
    def grad(self, gradient: Any) -> None:
        box = self._box()
        if box is None and gradient is None:
            return
        if box is None:
            raise GradientError(
                "grad", "only a tensor that requires a gradient has one",
                "Set requires_grad=True first.",
            )  # fmt: skip
        if gradient is not None:
            gradient = gradient if isinstance(gradient, Tensor) else Tensor(gradient)
            if gradient.shape != self.shape:
                raise ShapeError(
                    "grad",
                    f"a gradient of shape {gradient.shape} for a tensor of shape {self.shape}",
                    "Both have the same shape.",
                )
            if gradient.dtype != self.dtype:
                gradient = gradient.astype(self.dtype)
        tracer = current().tracer
        if tracer is not None:
            tracer.clearing(box)
        box.grad = gradient

    def _box(self) -> Box | None:
        if isinstance(self._node, Node):
            return self._node.meta.box if self._node.meta is not None else None
        return self._node.box if self._node is not None else None

    def backward(
        self,
        gradient: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
    ) -> None:
        """Add to ``.grad`` of every leaf the gradient of this tensor with respect to it.

        Parameters
        ----------
        gradient
            The gradient of the loss with respect to this tensor; needed unless it is one number.
        retain_graph
            Keep what the rules need, so that ``backward()`` can run again; the same as
            `create_graph` unless given.
        create_graph
            Record the gradients as well, so that they can be differentiated.
        """
        given = None if gradient is None else [gradient]
        autograd.backward(self, given, retain_graph, create_graph)

    def detach(self) -> Tensor:
        """The same numbers as a constant, without history."""
        return Tensor.lift(self.raw)

    def retain_grad(self) -> None:
        """Let ``backward()`` fill ``.grad`` here although this is the result of an op."""
        if not self.requires_grad:
            raise GradientError(
                "retain_grad",
                "this tensor does not require a gradient",
                "Set requires_grad=True on what it is made from.",
            )
        if isinstance(self._node, Node) and self._box() is None:
            box = Box()

            def keep(gradient: Tensor) -> None:
                box.grad = gradient if box.grad is None else box.grad + gradient

            self.register_hook(keep)
            cast(Meta, self._node.meta).box = box

    def register_hook(self, hook: Hook) -> Handle:
        """Call ``hook(gradient)`` when the gradient of this tensor is known.

        Parameters
        ----------
        hook
            Gets the gradient as a Tensor; what it returns, unless None, takes its place.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.
        """
        node = self._node
        if node is None or not node.requires_grad:
            raise GradientError(
                "register_hook", "this tensor does not require a gradient",
                "Set requires_grad=True first.",
            )  # fmt: skip
        if isinstance(node, Node):
            node.meta = node.meta or Meta()
            hooks = node.meta.hooks
        else:
            hooks = cast(Box, node.box).hooks
        hooks.append(hook)
        happened()
        return Handle(lambda: hooks.remove(hook))

    # ---- the one door --------------------------------------------------------------------

    def assign(self, value: Any, *, copy: bool = True) -> Self:
        """Hold other numbers from now on, of the same shape and dtype.

        Graphs that were recorded before keep the old ones, and still fill ``.grad``.

        Parameters
        ----------
        value
            What the constructor takes; cast to this tensor's dtype.
        copy
            False hands over an array that nobody will write into any more.
        """
        node = self._node
        if isinstance(node, Node):
            raise ReadOnlyError(
                "assign",
                f"this tensor is the result of {node.op.name}, and its graph needs the numbers",
                "Assign to a leaf, or to a detach()ed copy.",
            )
        array, held = value, self._data
        if copy:
            if isinstance(value, np.ndarray) and current().tracer is not None:
                value = Tensor(value)  # the tracer takes note of it
            array = array_of(value)
        if array.shape != held.shape:
            raise ShapeError(
                "assign",
                f"numbers of shape {array.shape} for a tensor of shape {self.shape}",
                "Make a new Tensor to change the shape.",
            )
        if array.dtype != held.dtype:
            if not np.can_cast(array.dtype, self.dtype, "same_kind"):
                raise DTypeError(
                    "assign",
                    f"{array.dtype} numbers do not fit into a tensor of {self.dtype}",
                    "Convert one of them with astype().",
                )
            array = array_of(array, self.dtype)
        new = None if node is None else Leaf(array, node.requires_grad, node.box, node.name)
        return self._hold(array, new)

    def _hold(self, data: Array, node: Node | Leaf | None) -> Self:
        """Change what it holds, and its place in the graph: nothing else does."""
        tracer = current().tracer
        if tracer is not None:
            tracer.changing(self)
        self._data, self._node = data, node
        return self

    def rebind(self, result: Tensor) -> Self:
        """Become `result`, as an in-place operator asks for; `self` stays the same object.

        A recorded result takes its place in the graph along. A leaf that requires a gradient
        cannot become one: its ``.grad`` would be cut off.
        """
        if result.shape != self.shape:
            raise ShapeError(
                "in-place",
                f"the result has shape {result.shape}, the tensor {self.shape}",
                "Write t = t + x rather than t += x where the shape grows.",
            )
        if not isinstance(result._node, Node):
            return self.assign(result._data, copy=False)
        if self.requires_grad and self.is_leaf:
            raise GradientError(
                "in-place",
                f"{self.name or 'this tensor'} is a leaf that requires a gradient, and changing"
                " it in place would be recorded",
                "Update parameters under `with tl.no_grad():`, or write w = w + x.",
            )
        if result.dtype != self.dtype:
            result = result.astype(self.dtype)
        self._hold(result._data, result._node)
        happened()
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.dtype.kind != "f" and isinstance(value, Tensor) and value.requires_grad:
            raise DTypeError(
                "setitem",
                f"a {self.dtype} tensor cannot hold what requires a gradient",
                "Convert it first: t = t.astype(tl.float32).",
            )
        skeleton, arrays = split_index(index, self.shape)
        self.rebind(ops.setitem(self, value, *arrays, index=skeleton))

    def __getitem__(self, index: Any) -> Tensor:
        skeleton, arrays = split_index(index, self.shape)
        return ops.getitem(self, *arrays, index=skeleton)

    # ---- out of here ---------------------------------------------------------------------

    def numpy(self) -> Array:
        """The numbers as a read-only NumPy array, not copied."""
        array = np.asarray(self.raw).view()
        array.flags.writeable = False
        return array

    def tolist(self) -> Any:
        """The numbers as nested Python lists."""
        return self.raw.tolist()

    def item(self) -> Any:
        """The one number that it holds, as a Python number."""
        if self.size != 1:
            raise RangeError(
                "item", f"shape {self.shape} has {self.size} elements, not one",
                "Reduce it first (sum, mean, max), or use tolist().",
            )  # fmt: skip
        return self.raw.item()

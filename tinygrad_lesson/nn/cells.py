"""Recurrent cells: what kinds there are, and each as a module for one step.

All steps of a layer are one op (see :mod:`~tinygrad_lesson.ops.recurrent`), which gets the inputs
of all steps already multiplied by their weight, in one product; a cell is a layer with one step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..arrays.numpy import recurrent as numpy
from ..creation import zeros
from ..custom import custom_vjp
from ..errors import ArgumentError, DTypeError, ShapeError
from ..mode import current
from ..op import Op
from ..ops.recurrent import gru_gradients, lstm_gradients, rnn_gradients
from ..tensor import Tensor
from .functional import linear
from .functional.place import layer_or
from .init import uniform_fan_in
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.random import Generator

Pair = tuple[Tensor, Tensor]


def _with_shared_gradients(
    op: Op[...],
    gradients: Callable[..., Any],
    nondiff_argnums: Sequence[int] = (),
    kernels: tuple[Callable[..., Any], Callable[..., Any]] | None = None,
) -> Callable[..., Tensor]:
    """`op`, whose gradients for all inputs are found in a single pass back through time.

    The walk would ask one rule for each, and each would make that pass.

    Parameters
    ----------
    op, gradients
        An op, and a function of what its rules get that finds all gradients.
    nondiff_argnums
        Its static parameters.
    kernels
        For gradients that are not differentiated again, something faster: what gives the result
        and arrays to keep, and what finds the gradients with these.
    """
    function: custom_vjp[..., Tensor] = custom_vjp(op, nondiff_argnums)

    def forward(*args: Any) -> tuple[Tensor, Any]:
        mode = current()
        if kernels is None or mode.grad or mode.debug or not _alike(args):
            out = op(*args)
            return out, (out, *args)
        array, kept = kernels[0](*(t.raw for t in args))
        return Tensor.lift(array), _Kept(array, kept, args[-1].raw)

    def backward(*args: Any) -> Any:
        *_, kept, g = args
        if kernels is not None and isinstance(kept, _Kept):
            return tuple(Tensor.lift(array) for array in kernels[1](g.raw, *kept))
        return gradients(ops, g, *kept)

    def call(*args: Any) -> Tensor:
        if current().tracer is not None:  # it shall see an op that it knows
            return op(*args)
        return function(*args)

    function.defvjp(forward, backward)
    return call


def _alike(tensors: Sequence[Tensor]) -> bool:
    """Whether all have one dtype, in which to compute; half precision is too narrow for that."""
    dtypes = {t.dtype for t in tensors}
    return len(dtypes) == 1 and dtypes.pop().itemsize >= 4


class _Kept(NamedTuple):
    """The arrays that a kernel needs for the gradients."""

    out: Array
    gates: Array
    w: Array


_rnn_states = _with_shared_gradients(ops.rnn_states, rnn_gradients, (3,))
_lstm_states = _with_shared_gradients(
    ops.lstm_states,
    lstm_gradients,
    kernels=(numpy.lstm_states_and_gates, numpy.lstm_gradients),
)
_gru_states = _with_shared_gradients(ops.gru_states, gru_gradients)


# ---- what kinds of cells there are -------------------------------------------------------


class Recurrent(Module):
    """What a cell for one step and a layer for all steps have in common."""

    _gates: ClassVar[int]
    _names: ClassVar[tuple[str, ...]] = ("h",)

    input_size: int
    hidden_size: int
    bias: bool

    def _states(self, x: Tensor, start: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """The states at the start and after each of the steps in `x`, of shape (T, N, I)."""
        raise NotImplementedError

    def _parameters(
        self, inputs: int, dtype: Any, generator: Generator | None
    ) -> Iterator[tuple[str, Parameter]]:
        """The parameters of one direction of one layer, by name."""
        rows, size = self._gates * self.hidden_size, self.hidden_size
        shapes: dict[str, tuple[int, ...]]
        shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, size)}
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        for name, shape in shapes.items():
            yield name, Parameter(uniform_fan_in(shape, size, dtype=dtype, generator=generator))

    def _input(self, x: Array, ndims: str, axes: tuple[int, int]) -> Tensor:
        """The input as a tensor, with one of two numbers of axes, the last of the right length."""
        given: Tensor = x if isinstance(x, Tensor) else Tensor(x)
        if given.ndim not in axes:
            raise ShapeError(self._place(), f"the input has shape {given.shape}", f"Pass {ndims}.")
        if given.shape[-1] != self.input_size:
            raise ShapeError(
                self._place(),
                f"the input has shape {given.shape}, but the layer takes {self.input_size} features"
                " in the last axis",
                f"Reshape the input to (..., {self.input_size}), or build the layer with"
                f" input_size={given.shape[-1]}.",
            )
        return given

    def _start(self, given: Any, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """The states at first, which are h or (h, c), as one tensor of `shape`; zeros unless given.

        The axis of h and c is the first of `shape`, if there are both.
        """
        if given is None:
            return zeros(shape, dtype=dtype)
        if len(self._names) == 1:
            return self._one_state("h", given, shape, dtype)
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise ArgumentError(
                self._place(), f"the state is a {type(given).__name__}", "Pass the pair (h, c)."
            )
        parts = (
            self._one_state(name, part, shape[1:], dtype)
            for name, part in zip(self._names, given, strict=True)
        )
        stacked: Tensor = ops.stack(list(parts))
        return stacked

    def _one_state(self, name: str, given: Any, shape: tuple[int, ...], dtype: Any) -> Tensor:
        state = given if isinstance(given, Tensor) else Tensor(given)
        if state.shape != shape:
            raise ShapeError(
                self._place(),
                f"the state {name} has shape {state.shape} for an input that takes {shape}",
                f"Pass shape {shape}, or leave it out for zeros.",
            )
        if state.dtype == dtype:
            return state
        if state.dtype.kind == "f":
            raise DTypeError(
                self._place(),
                f"the state {name} is {state.dtype}, the weights {dtype}",
                f"Convert it: {name}.astype(tl.{dtype}).",
            )
        return ops.astype(state, dtype)

    def _place(self) -> str:
        return layer_or(type(self).__name__)


def _sum(bias: Sequence[Tensor]) -> Tensor | None:
    return bias[0] + bias[1] if bias else None


class Elman(Recurrent):
    """``h = tanh(x @ w_ih.mT + b_ih + h @ w_hh.mT + b_hh)``, or relu for tanh."""

    _gates = 1
    nonlinearity: str

    def _states(self, x: Tensor, start: Tensor, weights: Sequence[Tensor]) -> Tensor:
        w_ih, w_hh, *bias = weights
        return _rnn_states(linear(x, w_ih, _sum(bias)), start, w_hh, self.nonlinearity)

    def _known(self, nonlinearity: str) -> str:
        if nonlinearity not in ("tanh", "relu"):
            raise ArgumentError(
                type(self).__name__,
                f"nonlinearity={nonlinearity!r} is unknown",
                "Pass 'tanh' or 'relu'.",
            )
        return nonlinearity


class LongShortTerm(Recurrent):
    """Two states, of which c remembers and h shows; the formula is that of the LSTM."""

    _gates = 4
    _names = ("h", "c")

    def _states(self, x: Tensor, start: Tensor, weights: Sequence[Tensor]) -> Tensor:
        w_ih, w_hh, *bias = weights
        return _lstm_states(linear(x, w_ih, _sum(bias)), start, w_hh)


class Gated(Recurrent):
    """One state, which gates keep or replace; the formula is that of the GRU."""

    _gates = 3

    def _states(self, x: Tensor, start: Tensor, weights: Sequence[Tensor]) -> Tensor:
        w_ih, w_hh, *bias = weights
        b_ih, b_hh = bias or (None, zeros(w_hh.shape[0], dtype=w_hh.dtype))
        return _gru_states(linear(x, w_ih, b_ih), start, w_hh, b_hh)


# ---- one step ----------------------------------------------------------------------------


class _Cell(Recurrent):
    """A recurrent layer that goes one step at a time."""

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where = type(self).__name__
        self.input_size = count(where, "input_size", input_size)
        self.hidden_size = count(where, "hidden_size", hidden_size)
        self.bias = bias
        for name, parameter in self._parameters(self.input_size, dtype, generator):
            setattr(self, name, parameter)
        if not bias:
            self.bias_ih = self.bias_hh = None

    def _step(self, input: Array, hx: Any) -> Tensor:
        """The state after one step, h or h and c, of shape (..., H) or (2, ..., H)."""
        x = self._input(input, f"(N, {self.input_size}) or ({self.input_size},)", (1, 2))
        kinds = (2,) * (len(self._names) - 1)
        lead = x.shape[:-1]
        start = self._start(hx, (*kinds, *lead, self.hidden_size), self.weight_hh.dtype)
        if not lead:
            start = ops.expand_dims(start, axis=-2)
        weights = [self.weight_ih, self.weight_hh]
        if self.bias_ih is not None and self.bias_hh is not None:
            weights += [self.bias_ih, self.bias_hh]
        after = self._states(x.reshape(1, -1, self.input_size), start, weights)[1]
        return after if lead else ops.squeeze(after, axis=-2)

    def extra_repr(self) -> str:
        """The two sizes, and what else is not as usual."""
        return f"{self.input_size}, {self.hidden_size}" + ", bias=False" * (not self.bias)


class RNNCell(_Cell, Elman):
    """One step of Elman's network: ``tanh(x @ w_ih.mT + b_ih + h @ w_hh.mT + b_hh)``.

    Parameters
    ----------
    input_size, hidden_size
        Numbers of features of the input, and of the state.
    bias
        Whether there are biases.
    nonlinearity
        ``"tanh"``, or ``"relu"`` in its place.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial numbers.

    Attributes
    ----------
    weight_ih, weight_hh
        Shapes (hidden_size, input_size) and (hidden_size, hidden_size).
    bias_ih, bias_hh
        Shape (hidden_size,), or None.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, dtype=dtype, generator=generator)
        self.nonlinearity = self._known(nonlinearity)

    def forward(self, input: Array, hx: Array | None = None) -> Tensor:
        """The state after `input`, (N, I) or (I,), from the state `hx`, zeros unless given."""
        return self._step(input, hx)


class LSTMCell(_Cell, LongShortTerm):
    """One step of an LSTM; the formula is that of :class:`LSTM`.

    Parameters
    ----------
    input_size, hidden_size, bias, dtype, generator
        As for :class:`RNNCell`.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh
        As in :class:`RNNCell`, for four gates: (4 * hidden_size, input_size) and so on.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> cell = tl.nn.LSTMCell(3, 4)
    >>> h, c = cell(tl.ones(2, 3))
    >>> h, c = cell(tl.ones(2, 3), (h, c))
    >>> h.shape, c.shape
    ((2, 4), (2, 4))
    """

    def forward(self, input: Array, hx: tuple[Array, Array] | None = None) -> Pair:
        """The states (h, c) after `input`, (N, I) or (I,), from `hx`, zeros unless given."""
        after = self._step(input, hx)
        return after[0], after[1]


class GRUCell(_Cell, Gated):
    """One step of gated recurrent units; the formula is that of :class:`GRU`.

    Parameters
    ----------
    input_size, hidden_size, bias, dtype, generator
        As for :class:`RNNCell`.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh
        As in :class:`RNNCell`, for three gates: (3 * hidden_size, input_size) and so on.
    """

    def forward(self, input: Array, hx: Array | None = None) -> Tensor:
        """The state after `input`, (N, I) or (I,), from the state `hx`, zeros unless given."""
        return self._step(input, hx)

"""Recurrent layers: Elman's, LSTM and GRU; as cells for one step, and for whole sequences.

All steps of a layer are one op (see :mod:`~tinygrad_lesson.ops.recurrent`), which gets the inputs
of all steps already multiplied by their weight, in one product. Names, order and layouts of the
parameters are PyTorch's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..arrays.numpy import recurrent as numpy
from ..creation import zeros
from ..custom import custom_vjp
from ..errors import ArgumentError, DTypeError, RangeError, ShapeError
from ..mode import current
from ..op import Op
from ..ops.recurrent import gru_gradients, lstm_gradients, rnn_gradients
from ..tensor import Tensor
from .functional import dropout as drop
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


class _Kind(Module):
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


class _Elman(_Kind):
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


class _LongShortTerm(_Kind):
    _gates = 4
    _names = ("h", "c")

    def _states(self, x: Tensor, start: Tensor, weights: Sequence[Tensor]) -> Tensor:
        w_ih, w_hh, *bias = weights
        return _lstm_states(linear(x, w_ih, _sum(bias)), start, w_hh)


class _Gated(_Kind):
    _gates = 3

    def _states(self, x: Tensor, start: Tensor, weights: Sequence[Tensor]) -> Tensor:
        w_ih, w_hh, *bias = weights
        b_ih, b_hh = bias or (None, zeros(w_hh.shape[0], dtype=w_hh.dtype))
        return _gru_states(linear(x, w_ih, b_ih), start, w_hh, b_hh)


# ---- one step ----------------------------------------------------------------------------


class _Cell(_Kind):
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


class RNNCell(_Cell, _Elman):
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


class LSTMCell(_Cell, _LongShortTerm):
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


class GRUCell(_Cell, _Gated):
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


# ---- whole sequences ---------------------------------------------------------------------


class _Layers(_Kind):
    """Layers one upon the other, each of which reads the whole sequence."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        where = type(self).__name__
        self.input_size = count(where, "input_size", input_size)
        self.hidden_size = count(where, "hidden_size", hidden_size)
        self.num_layers = count(where, "num_layers", num_layers)
        if not num_layers:
            raise RangeError(where, "there are no layers", "Pass num_layers >= 1.")
        if not 0 <= dropout <= 1:
            raise RangeError(where, f"dropout={dropout} is no share", "Pass 0 <= dropout <= 1.")
        if dropout and num_layers == 1:
            warnings.warn(
                f"{where}: dropout={dropout} does nothing, because it acts between layers, and"
                " there is one. Put an nn.Dropout behind it.",
                stacklevel=3,
            )
        self.bias, self.batch_first = bias, batch_first
        self.dropout, self.bidirectional = dropout, bidirectional
        inputs = self.input_size
        for layer in range(num_layers):
            for end in self._ends(layer):
                for name, parameter in self._parameters(inputs, dtype, generator):
                    setattr(self, name + end, parameter)
            inputs = self.hidden_size * (1 + bidirectional)

    def _ends(self, layer: int) -> list[str]:
        """What the names of the parameters end in, for each direction of a layer."""
        return [f"_l{layer}"] + [f"_l{layer}_reverse"] * self.bidirectional

    def _weights(self, end: str) -> list[Tensor]:
        names = ["weight_ih", "weight_hh"] + ["bias_ih", "bias_hh"] * self.bias
        return [getattr(self, name + end) for name in names]

    def _sequence(self, input: Array, hx: Any, lengths: Any) -> tuple[Tensor, Tensor]:
        """The output, and the last states: of shape (L * D, N, H), with a first axis of h and c."""
        size = self.input_size
        batch = f"(N, T, {size})" if self.batch_first else f"(T, N, {size})"
        x = self._input(input, f"{batch}, or (T, {size}) for one sequence", (2, 3))
        batched = x.ndim == 3
        if not batched:
            x = ops.expand_dims(x, axis=1)
        elif self.batch_first:
            x = _swapped(x)
        ends = [self._ends(layer) for layer in range(self.num_layers)]
        number = len(ends) * len(ends[0])
        kinds = (2,) * (len(self._names) - 1)
        batch_shape = x.shape[1:2] if batched else ()
        shape = (*kinds, number, *batch_shape, self.hidden_size)
        start = self._start(hx, shape, self._weights("_l0")[0].dtype)
        if not batched:
            start = ops.expand_dims(start, axis=-2)
        ragged = None if lengths is None else _Ragged(self._place(), lengths, x.shape[:2], batched)
        last: list[Tensor] = []
        for layer, directions in enumerate(ends):
            if layer and self.dropout:
                x = drop(x, self.dropout, self.training)
            if ragged:
                x = ragged.blank(x)
            outputs = []
            for end in directions:
                backwards = end.endswith("_reverse")
                begin = start[len(last)] if not kinds else start[:, len(last)]
                states = self._states(
                    _turned(x, ragged) if backwards else x, begin, self._weights(end)
                )
                h = states[1:, 0] if kinds else states[1:]
                outputs.append(_turned(h, ragged) if backwards else h)
                last.append(ragged.ends(states) if ragged else states[-1])
            x = outputs[0] if len(outputs) == 1 else ops.concat(outputs, axis=-1)
        if ragged:
            x = ragged.blank(x)
        found = ops.stack(last, axis=len(kinds))
        if not batched:
            return ops.squeeze(x, axis=1), ops.squeeze(found, axis=-2)
        return _swapped(x) if self.batch_first else x, found

    def extra_repr(self) -> str:
        """The sizes, and what else is not as usual."""
        usual = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0}
        usual["bidirectional"] = False
        values = ((name, getattr(self, name), value) for name, value in usual.items())
        rest = [f"{name}={value!r}" for name, value, normal in values if value != normal]
        return ", ".join([str(self.input_size), str(self.hidden_size), *rest])


class _Ragged:
    """Sequences of different lengths, which all begin at step 0."""

    def __init__(self, where: str, lengths: Any, shape: tuple[int, ...], batched: bool) -> None:
        steps, number = shape
        ends = np.asarray(lengths.raw if isinstance(lengths, Tensor) else lengths)
        if ends.shape != ((number,) if batched else ()) or ends.dtype.kind not in "iu":
            raise ArgumentError(
                where,
                f"lengths of shape {ends.shape} and dtype {ends.dtype} for {number} sequences",
                f"Pass {number} integers." if batched else "Pass one integer.",
            )
        if ends.size and not 0 <= ends.min() <= ends.max() <= steps:
            raise RangeError(
                where,
                f"lengths go from {ends.min()} to {ends.max()}, but there are {steps} steps",
                f"Pass lengths from 0 to {steps}.",
            )
        self.lengths = ends.reshape(number)
        self.rows = np.arange(number)
        step = np.arange(steps)[:, None]
        self.alive = step < self.lengths
        self.order = np.where(self.alive, self.lengths - 1 - step, step)

    def blank(self, x: Tensor) -> Tensor:
        """Zeros behind the ends."""
        return ops.where(self.alive[:, :, None], x, 0.0)

    def turned(self, x: Tensor) -> Tensor:
        """Each sequence from its own end to its start."""
        return x[self.order, self.rows]

    def ends(self, states: Tensor) -> Tensor:
        """The states after the last step of each sequence."""
        if states.ndim == 3:
            return states[self.lengths, self.rows]
        return _swapped(states[self.lengths, :, self.rows])


def _turned(x: Tensor, ragged: _Ragged | None) -> Tensor:
    return x[::-1] if ragged is None else ragged.turned(x)


def _swapped(x: Tensor) -> Tensor:
    return ops.permute_dims(x, (1, 0, 2))


class RNN(_Layers, _Elman):
    """Elman's network: ``h = tanh(x @ w_ih.mT + b_ih + h @ w_hh.mT + b_hh)`` at each step.

    Parameters
    ----------
    input_size, hidden_size
        Numbers of features of the input, and of the states.
    num_layers
        How many there are; each reads the output of the one below.
    nonlinearity
        ``"tanh"``, or ``"relu"`` in its place.
    bias
        Whether there are biases.
    batch_first
        Whether the input and output, but not the states, have the axis of sequences before that
        of steps.
    dropout
        The share of numbers that is dropped between layers, in training.
    bidirectional
        Let a second network read each sequence from its end, and put both outputs side by side.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial numbers.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0
        Shapes (G, I), (G, H), (G,) and (G,), with the gates side by side in the first axis, of
        length H; ``_l1`` and so on are the layers above, for which I is the number of outputs of
        the one below, and ``_l0_reverse`` and so on the other direction.

    References
    ----------
    Elman, "Finding structure in time" (1990).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(
            input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
            dtype=dtype, generator=generator,
        )  # fmt: skip
        self.nonlinearity = self._known(nonlinearity)

    def forward(self, input: Array, hx: Array | None = None, *, lengths: Any = None) -> Pair:
        """Read sequences.

        Parameters
        ----------
        input
            Shape (T, N, I): T steps of N sequences; (N, T, I) if `batch_first`; or (T, I).
        hx
            The states at first, of shape (L * D, N, H) for L layers and D directions, or (L * D,
            H); zeros unless given. A layer's two directions follow each other.
        lengths
            How many of the T steps each sequence has, N integers, for sequences that were padded at
            their ends; what is behind does not matter. It is what PyTorch packs sequences for.

        Returns
        -------
        output, h_n
            The states of the top layer after each step, (T, N, D * H) and so on like `input`,
            zeros behind the end of a sequence; and the last states of all, of the shape of `hx`:
            those after the last step of each sequence, which for the reverse direction is step 0.
        """
        return self._sequence(input, hx, lengths)


class LSTM(_Layers, _LongShortTerm):
    """Long short-term memory: a state c that gates write to, forget, and show as h.

    At each step, of ``i, f, g, o = x @ w_ih.mT + b_ih + h @ w_hh.mT + b_hh``::

        c = sigmoid(f) * c + sigmoid(i) * tanh(g)
        h = sigmoid(o) * tanh(c)

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        As for :class:`RNN`.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0
        As in :class:`RNN`, for four gates.

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> layer = tl.nn.LSTM(3, 4, num_layers=2, bidirectional=True)
    >>> output, (h, c) = layer(tl.ones(5, 2, 3), lengths=[5, 3])
    >>> output.shape, h.shape, c.shape
    ((5, 2, 8), (4, 2, 4), (4, 2, 4))

    References
    ----------
    Hochreiter and Schmidhuber, "Long short-term memory" (1997); Gers, Schmidhuber and Cummins,
    "Learning to forget" (2000).
    """

    def forward(
        self, input: Array, hx: tuple[Array, Array] | None = None, *, lengths: Any = None
    ) -> tuple[Tensor, Pair]:
        """Read sequences, as :meth:`RNN.forward`, but `hx` and the last states are (h, c)."""
        output, last = self._sequence(input, hx, lengths)
        return output, (last[0], last[1])


class GRU(_Layers, _Gated):
    """Gated recurrent units: a state that is kept or replaced, as gates say.

    At each step, of ``r, z, n = x @ w_ih.mT + b_ih`` and ``R, Z, N = h @ w_hh.mT + b_hh``::

        new = tanh(n + sigmoid(r + R) * N)
        keep = sigmoid(z + Z)
        h = (1 - keep) * new + keep * h

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, dtype, generator
        As for :class:`RNN`.

    Attributes
    ----------
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0
        As in :class:`RNN`, for three gates.

    References
    ----------
    Cho et al., "Learning phrase representations using RNN encoder-decoder" (2014).
    """

    def forward(self, input: Array, hx: Array | None = None, *, lengths: Any = None) -> Pair:
        """Read sequences, as :meth:`RNN.forward`."""
        return self._sequence(input, hx, lengths)

"""Recurrent layers for whole sequences: Elman's, LSTM and GRU.

Names, order and layouts of the parameters are PyTorch's.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..conversion import known_numbers
from ..errors import ArgumentError, RangeError
from ..tensor import Tensor
from .cells import Elman, Gated, LongShortTerm, Pair, Recurrent
from .functional import dropout as drop

if TYPE_CHECKING:
    from numpy.random import Generator


class _Layers(Recurrent):
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
        ends = known_numbers(where, "lengths", lengths)
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


class RNN(_Layers, Elman):
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


class LSTM(_Layers, LongShortTerm):
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


class GRU(_Layers, Gated):
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

"""Restricted Boltzmann machines, and deep belief networks made of them.

An RBM gives every pair of visible and hidden units, all 0 or 1, the energy
``E(v, h) = -v @ a - h @ b - h @ W @ v``, and the probability ``exp(-E) / Z``. Summed over the
hidden units that leaves the free energy ``F(v)``, with ``p(v) = exp(-F(v)) / Z``, so that

    gradient of -log p(v)  =  gradient of F(v)  -  mean of the gradient of F over the model's own v.

The loss here is just that, with samples for the second mean, and the gradient comes from the graph:
no update rule is derived by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .. import ops
from ..arguments import count
from ..arrays import Array
from ..creation import full, zeros
from ..errors import ArgumentError, RangeError, ShapeError
from ..mode import no_grad
from ..random import rand, randn
from ..tensor import Tensor
from .activations import Sigmoid
from .containers import ModuleList, Sequential
from .functional import linear
from .layers import Linear
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from numpy.random import Generator


class _Optimizer(Protocol):
    """What training needs of an optimizer; ``optim`` is not needed for an RBM as such."""

    def zero_grad(self) -> None: ...
    def step(self) -> Any: ...


class RBM(Module):
    """A restricted Boltzmann machine of units that are 0 or 1.

    Called, it gives the probabilities of its hidden units, as a layer would.

    Parameters
    ----------
    n_visible, n_hidden
        How many units there are.
    dtype
        Of the parameters; the default dtype unless given.
    generator
        Draws the initial weights, and later all samples; the default one unless given.

    Attributes
    ----------
    weight
        Shape (n_hidden, n_visible), as that of a Linear; normal with standard deviation 0.01.
    visible_bias, hidden_bias
        Shapes (n_visible,) and (n_hidden,); zeros.

    References
    ----------
    Smolensky, "Information processing in dynamical systems: foundations of harmony theory" (1986);
    Hinton, "Training products of experts by minimizing contrastive divergence" (2002), and for the
    initial numbers "A practical guide to training restricted Boltzmann machines" (2010).

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lesson as tl
    >>> rbm = tl.nn.RBM(4, 3, generator=np.random.default_rng(0))
    >>> data = tl.Tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]])
    >>> sgd = tl.optim.SGD(rbm.parameters(), lr=0.5)
    >>> for _ in range(300):
    ...     sgd.zero_grad()
    ...     rbm.contrastive_divergence(data).backward()
    ...     sgd.step()
    >>> inverted = 1.0 - tl.Tensor([[1.0, 0.0, 1.0, 0.0]])
    >>> bool(rbm.free_energy(data).max() < rbm.free_energy(inverted).min())
    True
    """

    def __init__(
        self,
        n_visible: int,
        n_hidden: int,
        *,
        dtype: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.n_visible = count("RBM", "n_visible", n_visible)
        self.n_hidden = count("RBM", "n_hidden", n_hidden)
        self.generator = generator
        shape = (self.n_hidden, self.n_visible)
        self.weight = Parameter(randn(shape, generator=generator, dtype=dtype) * 0.01)
        self.visible_bias = Parameter(zeros(self.n_visible, dtype=self.weight.dtype))
        self.hidden_bias = Parameter(zeros(self.n_hidden, dtype=self.weight.dtype))

    def forward(self, v: Array) -> Tensor:
        """The probability of each hidden unit: shape (..., n_visible) becomes (..., n_hidden)."""
        return ops.sigmoid(linear(self._units(v), self.weight, self.hidden_bias))

    def visible_probability(self, h: Array) -> Tensor:
        """The probability of each visible unit, given the hidden ones."""
        return ops.sigmoid(linear(self._units(h), self.weight.mT, self.visible_bias))

    def free_energy(self, v: Array) -> Tensor:
        """``-log sum over h of exp(-E(v, h))``, one number for each sample.

        That is ``-v @ a - sum of softplus(W @ v + b)``, because each hidden unit is summed over
        apart from the others.
        """
        units = self._units(v)
        hidden = linear(units, self.weight, self.hidden_bias)
        return -(units @ self.visible_bias) - ops.softplus(hidden).sum(axis=-1)

    def sample_h(self, v: Array) -> Tensor:
        """Hidden units drawn with their probabilities, each 0.0 or 1.0."""
        with no_grad():
            return self._drawn(self(v))

    def sample_v(self, h: Array) -> Tensor:
        """Visible units drawn with their probabilities, given the hidden ones."""
        with no_grad():
            return self._drawn(self.visible_probability(h))

    def gibbs(self, v: Array, k: int = 1) -> Tensor:
        """The visible units after `k` times drawing the hidden and then the visible ones."""
        if not count("RBM.gibbs", "k", k):
            raise RangeError("RBM.gibbs", "k=0 draws nothing", "Pass 1 or more.")
        units = self._units(v)
        for _ in range(k):
            units = self.sample_v(self.sample_h(units))
        return units

    def contrastive_divergence(self, v: Array, k: int = 1, model: Array | None = None) -> Tensor:
        """The loss ``mean of F(v) - mean of F(samples of the model)``, to be minimised.

        Its value says little, and may be negative; its gradient is that of the negative
        log-likelihood, as far as the samples are the model's.

        Parameters
        ----------
        v
            Data of shape (N, n_visible).
        k
            How many steps of Gibbs sampling lead from the data to the samples (CD-k).
        model
            Samples to use instead. Those of chains that are never started afresh give persistent
            contrastive divergence: ``chain = rbm.gibbs(chain)`` before each step of training
            (Tieleman, "Training restricted Boltzmann machines using approximations to the
            likelihood gradient", 2008).
        """
        samples = self.gibbs(v, k) if model is None else self._units(model).detach()
        difference: Tensor = self.free_energy(v).mean() - self.free_energy(samples).mean()
        return difference

    def reconstruction_error(self, v: Array) -> float:
        """Mean squared difference to the data after one step there and back, without sampling."""
        with no_grad():
            difference = self.visible_probability(self(v)) - self._units(v)
            return float((difference * difference).mean())

    def _units(self, given: Array) -> Tensor:
        """Zeros and ones of any dtype, in that of the weights."""
        units = given if isinstance(given, Tensor) else Tensor(given)
        return units if units.dtype == self.weight.dtype else units.astype(self.weight.dtype)

    def _drawn(self, probability: Tensor) -> Tensor:
        uniform = rand(probability.shape, generator=self.generator, dtype=probability.dtype)
        return (uniform < probability).astype(probability.dtype)

    def extra_repr(self) -> str:
        """The two sizes."""
        return f"{self.n_visible}, {self.n_hidden}"


class DBN(Module):
    """A deep belief network: RBMs whose hidden units are the next one's visible ones.

    Called, it gives the probabilities of the units at the top.

    Parameters
    ----------
    sizes
        How many units each layer has, the visible one first.
    dtype, generator
        As for :class:`RBM`.

    References
    ----------
    Hinton, Osindero and Teh, "A fast learning algorithm for deep belief nets" (2006).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> dbn = tl.nn.DBN([6, 4, 3])
    >>> loader = tl.data.DataLoader(tl.data.TensorDataset(tl.ones(8, 6).numpy()), 4)
    >>> dbn.pretrain(loader, lambda parameters: tl.optim.SGD(parameters, lr=0.1), epochs=2)
    >>> dbn.as_sequential()
    Sequential(  # 43 parameters
      (0): Linear(6, 4)  # weight (4, 6), bias (4,), 28 parameters
      (1): Sigmoid()
      (2): Linear(4, 3)  # weight (3, 4), bias (3,), 15 parameters
      (3): Sigmoid()
    )
    """

    def __init__(
        self, sizes: Sequence[int], *, dtype: Any = None, generator: Generator | None = None
    ) -> None:
        if not isinstance(sizes, Sequence) or len(sizes) < 2:
            raise ArgumentError(
                "DBN", f"sizes={sizes} are not two layers or more", "Pass a list: [784, 500, 250]."
            )
        self.rbms = ModuleList(
            RBM(below, above, dtype=dtype, generator=generator) for below, above in pairwise(sizes)
        )

    @property
    def stack(self) -> list[RBM]:
        """The RBMs, from the visible units up."""
        return [rbm for rbm in self.rbms if isinstance(rbm, RBM)]

    def forward(self, v: Array) -> Tensor:
        """The probabilities of the units at the top, each layer's from those below."""
        units: Tensor = v
        for rbm in self.stack:
            units = rbm(units)
        return units

    def pretrain(
        self,
        loader: Iterable[Any],
        optimizer: Callable[[Iterable[Parameter]], _Optimizer],
        epochs: int = 1,
        k: int = 1,
        progress: bool = True,
    ) -> None:
        """Train one RBM after the other, from below, each on samples of the units under it.

        Parameters
        ----------
        loader
            Batches of visible units, or tuples that begin with them; gone through again and again.
        optimizer
            Makes one for the parameters of an RBM, such as ``lambda p: optim.SGD(p, lr=0.1)``.
        epochs
            For each RBM.
        k
            Steps of Gibbs sampling.
        progress
            Show a bar, if it takes more than two seconds.
        """
        from tqdm import tqdm  # here, so that only training pays for loading it

        total = epochs * len(self.stack)
        with tqdm(
            desc="pretrain", unit=" epochs", total=total, delay=2.0, leave=False,
            disable=not progress,
        ) as bar:  # fmt: skip
            for depth, rbm in enumerate(self.stack):
                stepper = optimizer(rbm.parameters())
                for _ in range(count("DBN.pretrain", "epochs", epochs)):
                    for batch in loader:
                        v = batch[0] if isinstance(batch, tuple | list) else batch
                        for below in self.stack[:depth]:
                            v = below.sample_h(v)
                        stepper.zero_grad()
                        rbm.contrastive_divergence(v, k).backward()
                        stepper.step()
                    bar.update()

    def as_sequential(self) -> Sequential:
        """Linear and Sigmoid layers with a copy of the numbers, to put a classifier on top of."""
        layers: list[Module] = []
        spare = np.random.default_rng(0)  # for numbers that are replaced at once
        for rbm in self.stack:
            layer = Linear(rbm.n_visible, rbm.n_hidden, dtype=rbm.weight.dtype, generator=spare)
            layer.load_state_dict({"weight": rbm.weight, "bias": rbm.hidden_bias})
            layers += [layer, Sigmoid()]
        return Sequential(*layers)

    def sample(
        self, n: int, k: int = 1000, start: Array | None = None, *, probabilities: bool = False
    ) -> Tensor:
        """Visible units: `k` Gibbs steps in the RBM at the top, then down, layer by layer.

        Parameters
        ----------
        n
            How many samples, each from a chain of its own.
        k
            Enough for the chain to forget where it began.
        start
            Its beginning: units of shape (n, n_visible of the RBM at the top); else coin tosses.
        probabilities
            Return those of the visible units, smoother to look at, rather than zeros and ones
            drawn with them.
        """
        top = self.stack[-1]
        shape = (count("DBN.sample", "n", n), top.n_visible)
        if start is None:
            start = top._drawn(full(shape, 0.5, dtype=top.weight.dtype))
        if start.shape != shape:
            raise ShapeError(
                "DBN.sample", f"start has shape {start.shape}, the samples {shape}",
                "Pass units of the layer below the top.",
            )  # fmt: skip
        if not count("DBN.sample", "k", k):
            raise RangeError("DBN.sample", "k=0 draws nothing", "Pass 1 or more.")
        h = top.sample_h(top.gibbs(start, k - 1) if k > 1 else start)
        for rbm in reversed(self.stack[1:]):
            h = rbm.sample_v(h)
        bottom = self.stack[0]
        with no_grad():
            return bottom.visible_probability(h) if probabilities else bottom.sample_v(h)

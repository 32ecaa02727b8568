"""Connectionist temporal classification: sequences against shorter ones, alignment unknown.

A target such as "aab" is read along a lattice of states, its labels with blanks between and
around them: ``- a - a - b -``. At each time step a path stays, steps to the next state, or leaps
over a blank between two different labels. The likelihood of the target is the sum over all paths
(Graves, Fernández, Gomez, Schmidhuber, "Connectionist temporal classification", ICML 2006).

Two recurrences over the lattice are all it takes, and they are closed under differentiation:
:func:`lattice_logsums` sums paths up in logarithms, its derivative is a :func:`lattice_flow` of
cotangents through probabilities, and that one is linear, its adjoint the flow the other way. So
the backward recursion of the paper is not written here: it is the derivative of the forward one.
"""

from __future__ import annotations

import math

from ..arrays import Array, Namespace
from ..op import composite, scan
from ..samples import booleans, integers, sample, uniform

STATES = uniform(-3, 0, (2, 4))
TIMES = uniform(-3, 0, (3, 2, 4))


def _shifted(xp: Namespace, x: Array, by: int, filler: float) -> Array:
    """`x` moved along its last axis towards its end."""
    if not by:
        return x
    return xp.concat([xp.zeros_like(x[..., :by]) + filler, x[..., :-by]], axis=-1)


@scan(
    samples=[
        sample(STATES, TIMES, booleans((2, 4))),
        sample(uniform(-3, 0, (1, 1)), uniform(-3, 0, (2, 1, 1)), booleans((1, 1))),
    ]
)
def lattice_logsums(xp: Namespace, start: Array, emissions: Array, skip: Array, /) -> Array:
    """Logarithms of the sums over all paths that end in each state, at each time.

    ``a[t+1, s] = emissions[t, s] + log(exp(a[t, s]) + exp(a[t, s-1]) + skip[s] * exp(a[t, s-2]))``
    with ``a[0] = start``, for N lattices at once; -inf means "never here".

    Parameters
    ----------
    start
        Shape (N, S): the states before time 0.
    emissions
        Shape (T, N, S): what being in a state at a time adds to the logarithm.
    skip
        Shape (N, S), booleans: whether a state can be reached from the one before the last.

    Returns
    -------
    Shape (T + 1, N, S).
    """
    return xp.lattice_logsums(start, emissions, skip)


def _cotangents(xp: Namespace, g: Array, out: Array, skip: Array) -> Array:
    """For each state at each time, the gradient with respect to the logarithm of its sum.

    It flows back to where each path came from, in proportion to their probabilities.
    """
    stay, step, leap = (_shifted(xp, out[:-1], by, -math.inf) for by in range(3))
    leap = xp.where(skip, leap, -math.inf)
    weights = xp.safe_softmax(xp.stack([stay, step, leap]), axis=0)
    return xp.lattice_flow(g, weights, reverse=True)


@lattice_logsums.vjp("start", saves=("out", "skip"))
def _(xp, g, out, start, emissions, skip):
    return _cotangents(xp, g, out, skip)[0]


@lattice_logsums.vjp("emissions", saves=("out", "skip"))
def _(xp, g, out, start, emissions, skip):
    return _cotangents(xp, g, out, skip)[1:]


lattice_logsums.no_gradient("skip")

SOURCES, WEIGHTS = uniform(-3, 3, (3, 2, 3)), uniform(0, 1, (3, 2, 2, 3))


@scan(samples=[sample(SOURCES, WEIGHTS), sample(SOURCES, WEIGHTS, reverse=True)])
def lattice_flow(xp: Namespace, x: Array, weights: Array, /, reverse: bool = False) -> Array:
    """What has flowed into each state of a lattice from sources everywhere before it.

    ``b[t+1, s] = x[t+1, s] + sum(weights[j, t, s] * b[t, s-j] for j)``, with ``b[0] = x[0]``;
    or its adjoint, ``b[t, s] = x[t, s] + sum(weights[j, t, s+j] * b[t+1, s+j] for j)``.

    Parameters
    ----------
    x
        Shape (T + 1, N, S): the sources.
    weights
        Shape (J, T, N, S): how much comes from j states before.
    reverse
        Flow backwards in time.
    """
    return xp.lattice_flow(x, weights, reverse=reverse)


@lattice_flow.vjp("x", saves=("weights",))
def _(xp, g, out, x, weights, *, reverse):
    return xp.lattice_flow(g, weights, reverse=not reverse)


@lattice_flow.vjp("weights", saves=("out", "weights"))
def _(xp, g, out, x, weights, *, reverse):
    other = xp.lattice_flow(g, weights, reverse=not reverse)
    there, back = (other, out) if reverse else (out, other)
    moved = (_shifted(xp, there[:-1], by, 0.0) for by in range(weights.shape[0]))
    return xp.stack([back[1:] * part for part in moved])


@composite(
    samples=[
        sample(
            uniform(-3, -0.1, (5, 2, 3)),
            integers(1, 3, (2, 2)),
            integers(3, 6, (2,)),
            integers(0, 3, (2,)),
        ),
        sample(
            uniform(-3, -0.1, (3, 1, 3)),
            integers(0, 2, (1, 1)),
            integers(2, 4, (1,)),
            integers(1, 2, (1,)),
            blank=2,
        ),
    ]
)
def ctc_loss(
    xp: Namespace,
    log_probs: Array,
    targets: Array,
    input_lengths: Array,
    target_lengths: Array,
    /,
    blank: int = 0,
    zero_infinity: bool = False,
) -> Array:
    """Negative log-likelihood of each target, summed over all alignments with its inputs.

    Parameters
    ----------
    log_probs
        Shape (T, N, C): logarithms of the probabilities of C classes.
    targets
        Shape (N, L): classes other than `blank`, and anything after the end.
    input_lengths, target_lengths
        Shape (N,): how many of the T time steps, and of the L classes, there are.
    blank
        The class that stands for no label.
    zero_infinity
        Give 0, not inf, where a target is too long for its inputs. The gradient is 0 either way.

    Returns
    -------
    Shape (N,).
    """
    dtype = log_probs.dtype
    if dtype.kind != "f" or dtype.itemsize < 4:  # halves have not the range for long sequences
        log_probs = xp.astype(log_probs, "float32" if dtype.kind == "f" else "float64")
    count = xp.reshape(target_lengths, (target_lengths.shape[0], 1))
    blanks = xp.full_like(targets, blank)
    pairs = xp.stack([blanks, targets], axis=-1)
    labels = xp.reshape(pairs, (targets.shape[0], 2 * targets.shape[1]))
    labels = xp.concat([labels, xp.full_like(count, blank)], axis=1)
    emissions = xp.take_along_axis(log_probs, xp.expand_dims(labels, 0), axis=-1)

    other = xp.logical_and(labels[:, 2:] != labels[:, :-2], labels[:, 2:] != blank)
    skip = xp.concat([labels[:, :2] != labels[:, :2], other], axis=1)
    certain = xp.zeros_like(log_probs[0, :, :1])
    start = xp.concat([certain] + [certain - math.inf] * (labels.shape[1] - 1), axis=1)
    sums = xp.lattice_logsums(start, emissions, skip)

    times = xp.reshape(input_lengths, (1, input_lengths.shape[0], 1))
    ends = xp.take_along_axis(sums, times, axis=0)[0]
    in_blank = xp.take_along_axis(ends, 2 * count, axis=1)
    in_label = xp.take_along_axis(ends, xp.maximum(2 * count - 1, 0), axis=1)
    in_label = xp.where(count > 0, in_label, -math.inf)
    ends = xp.concat([in_blank, in_label], axis=1)
    possible = xp.any(ends > -math.inf, axis=1)
    total = xp.logsumexp(xp.where(xp.expand_dims(possible, 1), ends, 0.0), axis=1)
    losses = xp.where(possible, -total, 0.0 if zero_infinity else math.inf)
    return xp.astype(losses, dtype) if dtype.kind == "f" else losses

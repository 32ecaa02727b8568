"""From what was seen to what is wrong: thresholds, likely causes, remedies."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from .report import ActivationHealth, Finding, LayerHealth, ParameterHealth

DEAD = 0.25
"""From this share of dead units on, a layer is ill; a few are found in every rectifier net."""

ENOUGH = 200
"""With fewer samples, a unit that did not happen to be active is no dead one."""

SATURATED = 0.5
"""From this share of flat values on; a trained net has some."""

FADES = 1e3
"""By how much the norms of the gradients at the first and at the last layer may differ (Glorot and
Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010)."""

FAST, SLOW = 0.1, 1e-7
"""Between these a step changes weights by a sensible share; about 1e-3 is usual (Karpathy, CS231n:
Convolutional neural networks for visual recognition, 2015)."""

ROW, GROWN = 10.0, 20.0
"""A weight that is larger than any initial one, and that many times as large as it was."""

SPIKE = 100.0
"""How much the norm of all gradients may exceed the usual one of the steps before."""

_BOUNDED = ("sigmoid", "tanh", "hardtanh", "hardsigmoid", "softsign")
"""Those that saturate; a rectifier has a flat half by design."""


def diagnose(
    activations: Sequence[ActivationHealth],
    layers: Sequence[LayerHealth],
    parameters: Sequence[ParameterHealth],
    norms: Sequence[float],
) -> tuple[Finding, ...]:
    """Everything that is wrong, the worst first.

    Parameters
    ----------
    activations, layers, parameters
        In the order of their use.
    norms
        The norm of all gradients together, step by step.
    """
    rate = next((p.lr for p in parameters if p.lr), 0.0)
    return (
        *_not_finite(parameters, rate),
        *_dead(activations, rate),
        *_saturated(activations, rate),
        *_across_depth(layers),
        *_spike(norms),
        *_unused(parameters),
        *_too_fast_or_slow(parameters),
    )


def _not_finite(parameters: Sequence[ParameterHealth], rate: float) -> Iterator[Finding]:
    bad = [p for p in parameters if p.bad]
    if bad:
        more = f", and of {len(bad) - 1} more parameters" if len(bad) > 1 else ""
        yield Finding(
            "not finite",
            bad[0].path,
            f"its gradient or its numbers{more} were NaN or infinite in {bad[0].bad} steps",
            f"`with tl.debug():` names the op that began it; try a learning rate below {rate:g},"
            " or clip_norm.",
        )


def _dead(activations: Sequence[ActivationHealth], rate: float) -> Iterator[Finding]:
    for a in activations:
        if a.dead < DEAD or a.samples < ENOUGH or a.activation in _BOUNDED:
            continue
        what = f"{a.dead:.0%} of the {a.units} {a.activation} units "
        if a.died > a.dead / 2:
            yield Finding(
                "dead",
                f"layer {a.layer}",
                what + "stopped being active for any sample, and get no gradient: the learning"
                f" rate {rate:g} is probably too high",
                f"Try {rate / 10:g}, or LeakyReLU.",
            )
        else:
            yield Finding(
                "dead",
                f"layer {a.layer}",
                what + "were never active for any sample, and get no gradient: the numbers that"
                " the layer began with are the likely cause, or inputs that are not centred",
                "Begin with nn.init.kaiming_normal_ and biases of 0, normalise the inputs, or"
                " take LeakyReLU.",
            )


def _saturated(activations: Sequence[ActivationHealth], rate: float) -> Iterator[Finding]:
    for a in activations:
        if a.flat < SATURATED or a.activation not in _BOUNDED:
            continue
        what = (
            f"{a.flat:.0%} of the values of its {a.units} {a.activation} units are at an end, where"
            " the derivative is almost 0"
        )
        if a.began < a.flat / 2:
            yield Finding(
                "saturated",
                f"layer {a.layer}",
                f"{what}, and at first only {a.began:.0%} were: the learning rate {rate:g} is"
                " probably too high",
                f"Try {rate / 10:g}, or a normalization layer.",
            )
        else:
            yield Finding(
                "saturated",
                f"layer {a.layer}",
                f"{what}: its weights or inputs are too large",
                "Begin with nn.init.xavier_uniform_, normalise the inputs, or add a normalization"
                " layer.",
            )


def _across_depth(layers: Sequence[LayerHealth]) -> Iterator[Finding]:
    """Compare the first and the last layer; one where nothing arrives is another matter.

    The gradients of the weights would not do: what a layer's are too large by, because those
    behind it amplify, they are too small by, because those before it do not.
    """
    reached = [layer for layer in layers if layer.signal]
    if len(reached) < 3:
        return
    first, last = reached[0], reached[-1]
    factor = first.signal / last.signal
    span = (
        f"the gradient at its output is {first.signal:.1e}, and {last.signal:.1e} at the other"
        f" end, layer {last.layer}: it"
    )
    if factor < 1 / FADES:
        yield Finding(
            "vanishing",
            f"layer {first.layer}",
            f"{span} vanishes on its way through {len(reached)} layers",
            "Take ReLU instead of sigmoid or tanh, begin with larger weights (nn.init), or add"
            " normalization or residual connections.",
        )
    elif factor > FADES:
        yield Finding(
            "exploding",
            f"layer {first.layer}",
            f"{span} grows on its way through {len(reached)} layers",
            "Begin with smaller weights (nn.init), add normalization, or clip the gradients"
            " (clip_norm).",
        )


def _spike(norms: Sequence[float]) -> Iterator[Finding]:
    """A step whose gradient is far beyond those before it."""
    for step in range(10, len(norms)):
        usual = statistics.median(norms[max(0, step - 50) : step])
        if norms[step] > 1 and norms[step] > SPIKE * usual:
            yield Finding(
                "exploding",
                f"step {step + 1}",
                f"the norm of all gradients was {norms[step]:.1e}, before that about {usual:.1e}",
                f"Clip it: nn.utils.clip_grad_norm_(model.parameters(), {2 * usual:.1g}), or"
                " clip_norm= in fit().",
            )
            return


def _unused(parameters: Sequence[ParameterHealth]) -> Iterator[Finding]:
    cases = (
        (
            [p for p in parameters if p.lr is None],
            "the optimizer does not have it, so nothing changes it",
            "Pass model.parameters(), or freeze it: requires_grad = False.",
        ),
        (
            [p for p in parameters if p.lr is not None and p.gradient is None],
            "it had no gradient: the loss does not depend on it",
            "Use its layer in forward, or remove it; detach() or .numpy() on the way cut it off,"
            " too.",
        ),
        (
            [p for p in parameters if p.lr is not None and p.gradient == 0],
            "its gradient was exactly 0 in most steps: nothing that it does matters",
            "Look for dead or saturated units behind it, and for a product with 0.",
        ),
    )
    for found, what, remedy in cases:
        if found:
            others = ", ".join(p.path for p in found[1:5]) + ", ..." * (len(found) > 5)
            also = f" (and so with {others})" if others else ""
            yield Finding("unused", found[0].path, what + also, remedy)


def _too_fast_or_slow(parameters: Sequence[ParameterHealth]) -> Iterator[Finding]:
    """By the weights only: a bias that begins at 0 is changed by any share of itself."""
    moved = [p for p in parameters if len(p.shape) > 1 and p.lr]
    grown = [p for p in moved if p.row > ROW and p.grown > GROWN]
    if grown:
        worst = max(grown, key=lambda p: p.grown)
        yield Finding(
            "learning rate",
            worst.path,
            f"it has grown {worst.grown:.0f}-fold: the learning rate {worst.lr:g} is probably too"
            " high",
            f"Try {(worst.lr or 0.0) / 10:g}, or clip the gradients (clip_norm).",
        )
        return
    weights = [
        (p.ratio, p.lr, p.path) for p in moved if p.lr and p.gradient and p.ratio is not None
    ]
    if not weights:
        return
    ratio, rate, path = max(weights)
    if ratio > FAST:
        yield Finding(
            "learning rate",
            path,
            f"each step changes it by {ratio:.0%} of its size: the learning rate {rate:g} is"
            " probably too high",
            f"Try {rate * FAST / 10 / ratio:.0e}.",
        )
    elif ratio < SLOW:
        yield Finding(
            "learning rate",
            path,
            f"no weight changes by more than {ratio:.0e} of its size in a step: the learning rate"
            f" {rate:g} is probably too low, or training is over",
            "Try ten times as much.",
        )

"""The report of a model's health: what was seen as tables, and what is wrong in words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActivationHealth:
    """What the units of one activation function did.

    Attributes
    ----------
    layer, activation
        The path of the layer whose output it takes, and the name of its op.
    units
        How many there are: channels of images, else the length of the last axis.
    samples
        How many values of each were looked at lately.
    dead
        The share of units whose derivative was practically 0 for every sample lately.
    died
        The share of units that are dead and were not always so.
    flat
        The share of all values at which the derivative was below a fiftieth of its peak: about a
        half for rectifiers, and for those with two ends, such as tanh, how far it is saturated.
    began
        The same in the first call that was seen.
    """

    layer: str
    activation: str
    units: int
    samples: int
    dead: float
    died: float
    flat: float
    began: float


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """What arrived at one layer on the way back.

    Attributes
    ----------
    layer
        Its path.
    signal
        The norm of the gradient with respect to its output: the median over the steps.
    """

    layer: str
    signal: float


@dataclass(frozen=True, slots=True)
class ParameterHealth:
    """How one parameter was moved.

    Attributes
    ----------
    path, shape, lr
        Which one, and the learning rate of its group; None if the optimizer does not have it.
    gradient
        The root mean square of its gradient: the median over the steps, None if it had none.
    ratio
        The norm of its change in a step over its own norm, likewise.
    row, grown
        The norm of one of its rows now, and by what factor it has grown since the beginning.
    bad
        In how many steps the gradient or the parameter was not finite.
    """

    path: str
    shape: tuple[int, ...]
    lr: float | None
    gradient: float | None
    ratio: float | None
    row: float
    grown: float
    bad: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes
    ----------
    kind
        ``"not finite"``, ``"dead"``, ``"saturated"``, ``"vanishing"``, ``"exploding"``,
        ``"unused"`` or ``"learning rate"``.
    where
        The layer or the parameter.
    what, remedy
        The fact and its likely cause, and what to try.
    """

    kind: str
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What :class:`Health` saw: true if nothing is wrong.

    Attributes
    ----------
    steps
        How many steps of the optimizer it is about.
    activations, layers, parameters
        In the order in which the model uses them.
    findings
        What is wrong, the worst first.
    """

    steps: int
    activations: tuple[ActivationHealth, ...]
    layers: tuple[LayerHealth, ...]
    parameters: tuple[ParameterHealth, ...]
    findings: tuple[Finding, ...]

    def __bool__(self) -> bool:
        return not self.findings

    def __str__(self) -> str:
        count = len(self.findings)
        found = "nothing is wrong" if not count else f"{count} finding" + "s" * (count > 1)
        parts = [f"health over {self.steps} steps: {found}"]
        parts += [_wrapped(str(finding)) for finding in self.findings]
        if self.activations:
            parts.append(_activations(self.activations))
        if self.layers:
            parts.append(_layers(self.layers))
        parts.append(_parameters(self.parameters))
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        kinds = ", ".join(dict.fromkeys(finding.kind for finding in self.findings))
        return f"<HealthReport over {self.steps} steps: {kinds or 'nothing is wrong'}>"


def _activations(rows: Sequence[ActivationHealth]) -> str:
    head = ("layer", "activation", "units", "dead", "flat")
    return _table(
        [head]
        + [(r.layer, r.activation, str(r.units), f"{r.dead:.0%}", f"{r.flat:.0%}") for r in rows],
        left=2,
    )


def _layers(rows: Sequence[LayerHealth]) -> str:
    head = ("layer", "gradient at its output (norm)")
    return _table([head, *((row.layer, _number(row.signal)) for row in rows)], left=1)


def _parameters(rows: Sequence[ParameterHealth]) -> str:
    head = ("parameter", "shape", "gradient (rms)", "update / weight")
    return _table(
        [head, *((r.path, str(r.shape), _number(r.gradient), _number(r.ratio)) for r in rows)],
        left=2,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"


def _table(rows: Sequence[tuple[str, ...]], left: int) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  "
        + "  ".join(
            cell.ljust(w) if i < left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([lines[0], "  " + "  ".join("-" * w for w in widths), *lines[1:]])


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 92, initial_indent="* ", subsequent_indent="  ")

"""Health: looks on while a model learns, through hooks and the graph."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..arrays import numpy as numpy_namespace
from ..errors import ArgumentError, RangeError
from ..graph import FREED, Leaf, Meta, Node, topological
from ..hooks import Handle
from ..nn import Module, Parameter
from ..optim import Optimizer
from ..summaries import PRODUCTS
from ..tensor import Tensor
from ..trees import flatten
from .diagnosis import diagnose
from .report import ActivationHealth, HealthReport, LayerHealth, ParameterHealth

PEAKS = {"sigmoid": 1 / 4, "hardsigmoid": 1 / 6} | dict.fromkeys(
    (
        "relu", "leaky_relu", "prelu", "relu6", "elu", "celu", "selu", "silu", "gelu", "mish",
        "softplus", "hardswish", "tanh", "hardtanh", "softsign", "softshrink", "hardshrink",
    ), 1.0,
)  # fmt: skip
"""The activations, and about how large their derivatives get."""

DEAD, FLAT = 1e-3, 0.02
"""Below these shares of its peak a derivative is practically 0, or flat."""


class Health:
    """Watches a model learn: units, gradients and steps.

    Within the block, each recorded call of the model and each step of the optimizer is looked at;
    neither is changed. An activation is found in the graph, be it a module or a function, and a
    unit is dead where its derivative is practically 0 for all samples, which says the same for
    every activation. A step takes about a third longer.

    Parameters
    ----------
    model, optimizer
        What is trained, and by what.
    window
        The report is about the last so many steps, such as ``len(loader)`` for an epoch; unless
        given, about the later half of what was seen, so that what died on the way is found.

    Examples
    --------
    >>> import numpy as np
    >>> import tinygrad_lesson as tl
    >>> from tinygrad_lesson import nn
    >>> _ = tl.manual_seed(0)
    >>> model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
    >>> model[0].bias.assign(np.full(8, -20.0)).shape
    (8,)
    >>> sgd = tl.optim.SGD(model.parameters(), lr=0.01)
    >>> with tl.Health(model, sgd) as health:
    ...     for _ in range(10):
    ...         sgd.zero_grad()
    ...         ((model(tl.randn(64, 2)) - 1) ** 2).mean().backward()
    ...         sgd.step()
    >>> print(health.report().findings[0].what.split(",")[0])
    100% of the 8 relu units were never active for any sample
    """

    def __init__(self, model: Module, optimizer: Optimizer, *, window: int | None = None) -> None:
        if not isinstance(model, Module) or not isinstance(optimizer, Optimizer):
            raise ArgumentError(
                "Health",
                f"a {type(model).__name__} and a {type(optimizer).__name__} are no model and its"
                " optimizer",
                "Write Health(model, optimizer).",
            )
        if window is not None and not count("Health", "window", window):
            raise RangeError("Health", "window=0 is no step at all", "Pass 1 or more.")
        self.model, self.optimizer, self.window = model, optimizer, window
        self._calls = 0
        self._latest = -1  # the number of the last node that was looked at
        self._activations: dict[tuple[str, str, str, int], _Units] = {}
        self._parameters: dict[str, _Moves] = {}
        self._norms: list[float] = []
        self._arriving: dict[str, float] = {}  # squares of the gradients in this step, by layer
        self._signals: dict[str, list[float]] = {}
        self._handle: Handle | None = None

    def __enter__(self) -> Self:
        self._handle = self.model.register_forward_hook(self._look)
        self._step = self.optimizer.step
        vars(self.optimizer)["step"] = self._stepped
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            self._handle.remove()
        del vars(self.optimizer)["step"]
        if self.optimizer.step != self._step:  # another Health is around this one
            vars(self.optimizer)["step"] = self._step

    def report(self) -> HealthReport:
        """What was seen so far, and what is wrong."""
        steps = len(self._norms)
        lately = self.window or max(1, (steps + 1) // 2)
        rates = {id(p): g["lr"] for g in self.optimizer.param_groups for p in g["params"]}
        calls = math.ceil(self._calls * min(1.0, lately / steps)) if steps else self._calls
        known = dict(self.model.named_parameters())
        used = [*self._parameters, *(path for path in known if path not in self._parameters)]
        activations = tuple(
            units.report(layer, name, self._calls - calls)
            for (layer, name, _, _), units in self._activations.items()
        )
        parameters = tuple(
            self._parameters.get(path, _Moves()).report(
                path, known[path], rates.get(id(known[path])), lately
            )
            for path in used
            if known[path].requires_grad
        )
        layers = tuple(
            LayerHealth(layer, statistics.median(self._signals[layer][-lately:]))
            for layer in self._arriving
            if layer in self._signals
        )
        findings = diagnose(activations, layers, parameters, self._norms) if steps else ()
        return HealthReport(min(lately, steps), activations, layers, parameters, findings)

    def __str__(self) -> str:
        return str(self.report())

    # ---- looking on ----------------------------------------------------------------------

    def _look(self, module: Module, args: Any, output: Any) -> None:
        """At the graph that the model has just made."""
        made = [x.node for x in flatten(output)[0] if isinstance(x, Tensor)]
        order = [node for node in topological(made) if node.number > self._latest]
        if not order:
            return  # nothing is recorded: this is no training
        self._calls, self._latest = self._calls + 1, order[-1].number
        boxes = {
            id(p.node.box): path
            for path, p in self.model.named_parameters()
            if isinstance(p.node, Leaf) and p.node.box is not None
        }
        for node in order:
            for parent in node.parents:
                path = boxes.get(id(parent.box)) if isinstance(parent, Leaf) else None
                if path is not None:
                    self._parameters.setdefault(path, _Moves())
            layer = _layer(node, boxes)
            if layer is not None:
                self._listen(node, layer)
            if node.op.name in PEAKS and (slope := _slope(node)) is not None:
                layer, axis = _source(node, boxes)
                units = slope.shape[axis]
                key = (layer, node.op.name, node.scope, units)
                seen = self._activations.setdefault(key, _Units(units))
                seen.add(np.abs(slope) / PEAKS[node.op.name], axis, self._calls)

    def _listen(self, node: Node, layer: str) -> None:
        """Have the gradient noted that arrives at a layer's output."""
        self._arriving.setdefault(layer, 0.0)

        def note(gradient: Tensor) -> None:
            self._arriving[layer] += _squares(gradient.raw)

        node.meta = node.meta or Meta()
        node.meta.hooks.append(note)

    def _stepped(self, closure: Callable[[], Any] | None = None) -> Any:
        """The optimizer's step, with a look at what it did."""
        parameters = list(self.model.named_parameters())
        before = [parameter.raw for _, parameter in parameters]
        result = self._step(closure)
        squares = 0.0
        for (path, parameter), old in zip(parameters, before, strict=True):
            moves = self._parameters.setdefault(path, _Moves())
            squares += moves.add(parameter, old)
        self._norms.append(math.sqrt(squares))
        for layer, arrived in self._arriving.items():
            self._signals.setdefault(layer, []).append(math.sqrt(arrived))
            self._arriving[layer] = 0.0
        return result


class _Units:
    """When each unit was active, and how many values were flat."""

    def __init__(self, units: int) -> None:
        self.active = np.zeros(units, dtype=np.int64)  # the call in which it last was; 0: never
        self.flat: list[tuple[int, int, float]] = []  # call, values of each unit, share

    def add(self, slopes: Array, axis: int, call: int) -> None:
        others = tuple(a for a in range(slopes.ndim) if a != axis % slopes.ndim)
        self.active[(slopes > DEAD).any(axis=others)] = call
        if slopes.size:
            flat = float((slopes < FLAT).mean())
            self.flat.append((call, slopes.size // len(self.active), flat))

    def report(self, layer: str, name: str, since: int) -> ActivationHealth:
        dead = self.active <= since
        late = [(values, share) for call, values, share in self.flat if call > since]
        samples, flat = sum(values for values, _ in late), _mean(share for _, share in late)
        died = dead & (self.active > 0)
        began = self.flat[0][2] if self.flat else 0.0
        return ActivationHealth(
            layer, name, len(dead), samples, _mean(dead), _mean(died), flat, began
        )


class _Moves:
    """The gradient and the relative change of a parameter, step by step."""

    def __init__(self) -> None:
        self.gradients: list[float | None] = []
        self.ratios: list[float | None] = []
        self.bad = 0
        self.first = 0.0  # its norm before the first step

    def add(self, parameter: Parameter, old: Array) -> float:
        """Note a step; returns the sum of the squares of the gradient."""
        size = _squares(old)
        if not self.ratios:
            self.first = math.sqrt(size)
        with np.errstate(all="ignore"):
            change = _squares(parameter.raw - old)
        self.ratios.append(math.sqrt(change / size) if size and math.isfinite(change) else None)
        if parameter.grad is None:
            self.gradients.append(None)
            return 0.0
        squares = _squares(parameter.grad.raw)
        finite = math.isfinite(squares)
        self.gradients.append(math.sqrt(squares / max(parameter.size, 1)) if finite else None)
        self.bad += not (finite and math.isfinite(change))
        return squares if finite else 0.0

    def report(
        self, path: str, parameter: Parameter, lr: float | None, lately: int
    ) -> ParameterHealth:
        gradient = _median(self.gradients[-lately:])
        if gradient is None and self.bad:
            gradient = math.nan  # it had one, but no number
        norm = math.sqrt(_squares(parameter.raw))
        return ParameterHealth(
            path, parameter.shape, lr, gradient, _median(self.ratios[-lately:]),
            norm / math.sqrt(max(parameter.shape[0], 1)) if parameter.shape else norm,
            norm / self.first if self.first else 1.0, self.bad,
        )  # fmt: skip


# ---- reading the graph -------------------------------------------------------------------


def _slope(node: Node) -> Array | None:
    """The derivative of an elementwise op at each of its inputs, by its own rule."""
    if node.saved is FREED or not node.plan.rules or node.plan.rules[0][0] != 0:
        return None
    args: list[Any] = [node, *node.parents]
    for slot, array in zip(node.plan.slots, node.saved, strict=True):
        args[slot] = array
    rule = node.plan.rules[0][1]
    with np.errstate(all="ignore"):
        slope = rule(numpy_namespace, np.ones(node.shape, node.dtype), *args, **node.params)
    return np.atleast_1d(slope)


def _layer(node: Node, boxes: dict[int, str]) -> str | None:
    """The layer whose product this is: the one whose parameter it takes, be it transposed or so."""
    if node.op.name not in PRODUCTS:
        return None
    for parent in reversed(node.parents):  # the weight comes last, and x may be an embedding
        at: Any = parent
        while isinstance(at, Node) and at.op.kind.name in ("movement", "indexing"):
            at = at.parents[0]
        path = boxes.get(id(at.box)) if isinstance(at, Leaf) else None
        if path is not None:
            return path.rpartition(".")[0] or "(model)"
    return None


def _source(node: Node, boxes: dict[int, str]) -> tuple[str, int]:
    """The layer whose product a node is made from, and the axis of its units."""
    at: Any = node
    while isinstance(at, Node):
        layer = _layer(at, boxes)
        if layer is not None:
            images = at.op.name.startswith("conv") and len(node.shape) > 2
            return layer, 1 if images else -1
        at = next((parent for parent in at.parents if isinstance(parent, Node)), None)
    return node.scope, 1 if len(node.shape) > 3 else -1


def _squares(array: Array) -> float:
    """The sum of the squares; in double precision only where it would not fit into single."""
    numbers = np.asarray(array, dtype=np.result_type(array, np.float32)).ravel()
    with np.errstate(all="ignore"):  # what is not finite is what is looked for
        total = float(numbers @ numbers)
        if not 1e-30 < total < 1e30:
            numbers = numbers.astype(np.float64)
            total = float(numbers @ numbers)
    return total


def _mean(values: Iterable[float]) -> float:
    listed = [float(value) for value in values]
    return statistics.fmean(listed) if listed else 0.0


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None

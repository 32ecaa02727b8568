"""A run of training: all its parts, and how it went, to be saved and taken up again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import StateDictError
from ..nn import Module
from ..optim import Optimizer
from ..random import default_generator
from ..tensor import Tensor
from .measures import History, Record

if TYPE_CHECKING:
    from numpy.random import Generator


class Run:
    """Everything that a run is made of, and how it went: what a checkpoint saves."""

    def __init__(
        self, model: Module, optimizer: Optimizer, schedule: Any, loader: Any, drawn_from: list[Any]
    ) -> None:
        parts = {"model": model, "optimizer": optimizer, "schedule": schedule, "loader": loader}
        self.parts = {name: part for name, part in parts.items() if hasattr(part, "state_dict")}
        self.drawn_from = drawn_from
        self.history = History()
        self.best, self.waited = math.inf, 0
        self.best_state: dict[str, Tensor] | None = None

    def note(self, record: Record, figure: float, keep: bool) -> None:
        """Add an epoch, and `keep` the model if it is the best so far."""
        self.history.append(record)
        self.waited += 1
        if figure < self.best:
            self.best, self.waited = figure, 0
            self.best_state = self.parts["model"].state_dict() if keep else None

    def state_dict(self) -> dict[str, Any]:
        """All that the next epoch depends on."""
        return {
            "parts": {name: part.state_dict() for name, part in self.parts.items()},
            "generators": [generator.bit_generator.state for generator in self.drawn_from],
            "history": list(self.history),
            "best": self.best, "waited": self.waited, "best_state": self.best_state,
        }  # fmt: skip

    def load_state_dict(self, state: Any) -> None:
        """Take over what :meth:`state_dict` returned."""
        if not isinstance(state, Mapping) or "generators" not in state:
            raise StateDictError("fit", "the file holds no run of fit()", "Give another path.")
        saved = (list(state["parts"]), len(state["generators"]))
        if saved != (list(self.parts), len(self.drawn_from)):
            raise StateDictError(
                "fit",
                f"the checkpoint has {', '.join(saved[0])} and {saved[1]} generators, this run"
                f" {', '.join(self.parts)} and {len(self.drawn_from)}",
                "Call fit() with the same arguments, or give another path.",
            )
        for name, part in self.parts.items():
            part.load_state_dict(state["parts"][name])
        for generator, drawn in zip(self.drawn_from, state["generators"], strict=True):
            generator.bit_generator.state = drawn
        self.history = History(state["history"])
        self.best, self.waited = state["best"], state["waited"]
        self.best_state = state["best_state"]


def generators_of(
    model: Module, loader: Any, validation: Any, others: Iterable[Generator]
) -> list[Generator]:
    """All that a run may draw from, each once."""
    held = [value for module in model.modules() for value in vars(module).values()]
    held += [getattr(part, "generator", None) for part in (loader, validation)]
    found = [default_generator(), *held, *others]
    return list({id(g): g for g in found if isinstance(g, np.random.Generator)}.values())

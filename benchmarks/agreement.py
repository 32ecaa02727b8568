"""Whether contenders compute the same: their losses, and the gradients at the start."""

from __future__ import annotations

import pathlib

import numpy as np
from works import Work


class Answer:
    """The loss of a contender and its gradients by name, read from the file that it wrote."""

    def __init__(self, path: pathlib.Path, losses: list[float]) -> None:
        with np.load(path) as file:
            self.gradients = {name: file[name] for name in file.files if name != "loss"}
            self.loss = float(file["loss"])
        self.losses = losses

    def apart(self, other: Answer, work: Work) -> float:
        """The largest difference of losses, and of gradients relative to the largest of all."""
        if self._shapes() != other._shapes():
            return float("nan")
        pairs = [(self.loss, other.loss)]
        if not work.random:
            pairs += zip(self.losses, other.losses, strict=True)
        errors = [abs(a - b) / max(abs(a), 1e-30) for a, b in pairs]
        largest = max(float(np.abs(g).max()) for g in self.gradients.values())
        for name, mine in self.gradients.items():
            error = np.abs(mine.astype(np.float64) - other.gradients[name]).max()
            errors.append(float(error) / largest)
        return float(np.max(errors))  # NaN if one of them is, which max would pass over

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        return {name: gradient.shape for name, gradient in self.gradients.items()}

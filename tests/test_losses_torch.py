"""Losses beside PyTorch's: values and gradients, for every setting."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tinygrad_lesson import Tensor, nn

from .support import same, seeded

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning"),
]

RNG = seeded("losses")
X, Y = RNG.normal(size=(2, 6, 5))
P, Q = RNG.uniform(0.05, 0.95, (2, 6, 5))
CLASSES = np.array([0, 3, -100, 4, 1, 3])
IMAGE_CLASSES = RNG.integers(0, 5, (6, 2, 3))
WEIGHTS = RNG.uniform(0.5, 2.0, 5)
LOG_P = np.log(P / P.sum(axis=1, keepdims=True))


def settings(**choices: list[Any]) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*choices.values()):
        yield dict(zip(choices, values, strict=True))


REDUCTIONS = ["mean", "sum", "none"]
CASES: list[tuple[str, dict[str, Any], tuple[Any, ...]]] = [
    *[("MSELoss", s, (X, Y)) for s in settings(reduction=REDUCTIONS)],
    *[("L1Loss", s, (X, Y)) for s in settings(reduction=REDUCTIONS)],
    *[("HuberLoss", s, (X, Y)) for s in settings(reduction=REDUCTIONS, delta=[1.0, 0.3])],
    *[("SmoothL1Loss", s, (X, Y)) for s in settings(reduction=REDUCTIONS, beta=[1.0, 0.3, 0.0])],
    *[
        ("PoissonNLLLoss", s, (P, np.round(4 * Q)))
        for s in settings(log_input=[True, False], full=[True, False], reduction=REDUCTIONS)
    ],
    *[("GaussianNLLLoss", s, (X, Y, P)) for s in settings(full=[True, False])],
    ("GaussianNLLLoss", {"reduction": "none"}, (X, Y, P[:, :1])),
    ("GaussianNLLLoss", {}, (X, Y, P[:, 0])),
    *[
        ("CrossEntropyLoss", s, (X, target))
        for target in (CLASSES, P)
        for s in settings(weight=[None, WEIGHTS], reduction=REDUCTIONS, label_smoothing=[0.0, 0.2])
    ],
    *[
        ("CrossEntropyLoss", s, (RNG.normal(size=(6, 5, 2, 3)), IMAGE_CLASSES))
        for s in settings(weight=[None, WEIGHTS], reduction=REDUCTIONS, label_smoothing=[0.0, 0.2])
    ],
    ("CrossEntropyLoss", {"ignore_index": 3}, (X, np.array([0, 3, 2, 4, 1, 3]))),
    ("CrossEntropyLoss", {"label_smoothing": 0.1}, (X[0], np.array(2))),
    *[
        ("NLLLoss", s, (LOG_P, CLASSES))
        for s in settings(weight=[None, WEIGHTS], reduction=REDUCTIONS)
    ],
    *[("BCELoss", s, (P, Q)) for s in settings(weight=[None, WEIGHTS], reduction=REDUCTIONS)],
    *[
        ("BCEWithLogitsLoss", s, (20 * X, Q))
        for s in settings(weight=[None, WEIGHTS], reduction=REDUCTIONS, pos_weight=[None, WEIGHTS])
    ],
    *[("KLDivLoss", s, (LOG_P, P)) for s in settings(reduction=[*REDUCTIONS, "batchmean"])],
    ("KLDivLoss", {"log_target": True, "reduction": "batchmean"}, (LOG_P, LOG_P[::-1].copy())),
    *[
        ("CosineEmbeddingLoss", s, (X, Y, np.array([1, -1, -1, 1, 1, -1])))
        for s in settings(margin=[0.0, 0.3], reduction=REDUCTIONS)
    ],
    *[
        ("TripletMarginLoss", s, (X, Y, P))
        for s in settings(margin=[1.0, 3.0], p=[2.0, 1.0], swap=[False, True], reduction=REDUCTIONS)
    ],
]


@pytest.mark.parametrize(("name", "kept", "arrays"), CASES)
def test_loss(name: str, kept: dict[str, Any], arrays: tuple[Any, ...]) -> None:
    def converted(make: Any) -> dict[str, Any]:
        return {k: make(v) if isinstance(v, np.ndarray) else v for k, v in kept.items()}

    real = [a.dtype.kind == "f" for a in arrays]
    if name == "PoissonNLLLoss":  # PyTorch's gradient for a count of 0 is NaN
        real[1] = False
    ours = [Tensor(a, requires_grad=f) for a, f in zip(arrays, real, strict=True)]
    theirs = [torch.tensor(a, requires_grad=f) for a, f in zip(arrays, real, strict=True)]
    out = getattr(nn, name)(**converted(lambda a: a))(*ours)
    expected = getattr(torch.nn, name)(**converted(torch.tensor))(*theirs)
    same(out, expected.detach().numpy(), 1e-10, 1e-10)
    weights = seeded("cotangent").uniform(0.5, 1.5, out.shape)
    out.backward(weights)
    expected.backward(torch.tensor(weights))
    for a, b in zip(ours, theirs, strict=True):
        if a.requires_grad:
            same(a.grad, b.grad.numpy(), 1e-9, 1e-10)

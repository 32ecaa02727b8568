"""Losses as modules: the functions of ``functional``, with their settings kept.

Each takes what the function of its name takes after the data, in PyTorch's order.
"""

from __future__ import annotations

from typing import Any, ClassVar

from ..arrays import Array
from ..tensor import Tensor
from . import functional as F  # noqa: N812  PyTorch's name for it
from .module import Module
from .parameter import Buffer


class _Loss(Module):
    """A loss with settings, which are those of its function."""

    _settings: ClassVar[tuple[str, ...]] = ("reduction",)

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = reduction

    def extra_repr(self) -> str:
        """The settings."""
        shown = ((name, getattr(self, name)) for name in self._settings)
        return ", ".join(f"{name}={value!r}" for name, value in shown)


def _buffer(weight: Any) -> Buffer | None:
    """Weights that are saved and converted with the model, but not learnt."""
    return None if weight is None else Buffer(weight)


# ---- regression --------------------------------------------------------------------------


class MSELoss(_Loss):
    """Squared error, see :func:`~tinygrad_lesson.nn.functional.mse_loss`."""

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare `input` with `target`, of the same shape."""
        return F.mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """Absolute error, see :func:`~tinygrad_lesson.nn.functional.l1_loss`."""

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare `input` with `target`, of the same shape."""
        return F.l1_loss(input, target, self.reduction)


class HuberLoss(_Loss):
    """Squared up to `delta`, then linear; see :func:`~tinygrad_lesson.nn.functional.huber_loss`."""

    _settings = ("reduction", "delta")

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare `input` with `target`, of the same shape."""
        return F.huber_loss(input, target, self.reduction, self.delta)


class SmoothL1Loss(_Loss):
    """Huber's over `beta`, see :func:`~tinygrad_lesson.nn.functional.smooth_l1_loss`."""

    _settings = ("reduction", "beta")

    def __init__(self, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare `input` with `target`, of the same shape."""
        return F.smooth_l1_loss(input, target, self.reduction, self.beta)


class PoissonNLLLoss(_Loss):
    """Counts, see :func:`~tinygrad_lesson.nn.functional.poisson_nll_loss`."""

    _settings = ("log_input", "full", "eps", "reduction")

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: float = 1e-8,
        reduction: str = "mean",
    ) -> None:  # fmt: skip
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps

    def forward(self, log_input: Array, target: Array) -> Tensor:
        """Compare expected counts with `target`."""
        return F.poisson_nll_loss(
            log_input, target, self.log_input, self.full, self.eps, self.reduction
        )


class GaussianNLLLoss(_Loss):
    """Mean and variance, see :func:`~tinygrad_lesson.nn.functional.gaussian_nll_loss`."""

    _settings = ("full", "eps", "reduction")

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps

    def forward(self, input: Array, target: Array, var: Array) -> Tensor:
        """Compare means `input` and variances `var` with `target`."""
        return F.gaussian_nll_loss(input, target, var, self.full, self.eps, self.reduction)


# ---- classification ----------------------------------------------------------------------


class CrossEntropyLoss(_Loss):
    """Scores against classes, see :func:`~tinygrad_lesson.nn.functional.cross_entropy`."""

    _settings = ("ignore_index", "reduction", "label_smoothing")

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.weight = _buffer(weight)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare scores (N, C) with class numbers (N,), or with probabilities (N, C)."""
        return F.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


class NLLLoss(_Loss):
    """Log-probabilities against classes, see :func:`~tinygrad_lesson.nn.functional.nll_loss`."""

    _settings = ("ignore_index", "reduction")

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        super().__init__(reduction)
        self.weight, self.ignore_index = _buffer(weight), ignore_index

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare log-probabilities (N, C) with class numbers (N,)."""
        return F.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class BCELoss(_Loss):
    """Probabilities against 0 and 1.

    See :func:`~tinygrad_lesson.nn.functional.binary_cross_entropy`.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = _buffer(weight)

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare probabilities with `target`, of the same shape."""
        return F.binary_cross_entropy(input, target, self.weight, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Scores against 0 and 1, through a sigmoid.

    See :func:`~tinygrad_lesson.nn.functional.binary_cross_entropy_with_logits`.
    """

    def __init__(self, weight: Any = None, reduction: str = "mean", pos_weight: Any = None) -> None:
        super().__init__(reduction)
        self.weight, self.pos_weight = _buffer(weight), _buffer(pos_weight)

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare scores with `target`, of the same shape."""
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, self.reduction, self.pos_weight
        )


class KLDivLoss(_Loss):
    """Divergence of distributions, see :func:`~tinygrad_lesson.nn.functional.kl_div`."""

    _settings = ("reduction", "log_target")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = log_target

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare log-probabilities with `target`, of the same shape."""
        return F.kl_div(input, target, self.reduction, self.log_target)


class HingeLoss(_Loss):
    """Scores against -1 and 1, see :func:`~tinygrad_lesson.nn.functional.hinge_loss`."""

    _settings = ("reduction", "margin")

    def __init__(self, reduction: str = "mean", margin: float = 1.0) -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input: Array, target: Array) -> Tensor:
        """Compare scores with `target`, of the same shape."""
        return F.hinge_loss(input, target, self.reduction, self.margin)


class CTCLoss(_Loss):
    """Sequences without an alignment, see :func:`~tinygrad_lesson.nn.functional.ctc_loss`."""

    _settings = ("blank", "reduction", "zero_infinity")

    def __init__(
        self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False
    ) -> None:
        super().__init__(reduction)
        self.blank, self.zero_infinity = blank, zero_infinity

    def forward(
        self, log_probs: Array, targets: Array, input_lengths: Array, target_lengths: Array
    ) -> Tensor:
        """Compare log-probabilities (T, N, C) with label sequences."""
        return F.ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction,
            self.zero_infinity,
        )  # fmt: skip


# ---- samples against one another ---------------------------------------------------------


class CosineEmbeddingLoss(_Loss):
    """Pairs by angle, see :func:`~tinygrad_lesson.nn.functional.cosine_embedding_loss`."""

    _settings = ("margin", "reduction")

    def __init__(self, margin: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(self, input1: Array, input2: Array, target: Array) -> Tensor:
        """Compare the pairs, alike where `target` is 1."""
        return F.cosine_embedding_loss(input1, input2, target, self.margin, self.reduction)


class TripletMarginLoss(_Loss):
    """Triplets by distance, see :func:`~tinygrad_lesson.nn.functional.triplet_margin_loss`."""

    _settings = ("margin", "p", "eps", "swap", "reduction")

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap

    def forward(self, anchor: Array, positive: Array, negative: Array) -> Tensor:
        """Compare the distances of `positive` and `negative` from `anchor`."""
        return F.triplet_margin_loss(
            anchor, positive, negative, self.margin, self.p, self.eps, self.swap, self.reduction
        )

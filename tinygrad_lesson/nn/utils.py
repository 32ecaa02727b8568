"""What is done to the gradients and parameters of a model as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..arrays import numpy as xp
from ..errors import NonFiniteError, RangeError
from ..tensor import Tensor
from .reparametrization import remove_spectral_norm as remove_spectral_norm
from .reparametrization import remove_weight_norm as remove_weight_norm
from .reparametrization import spectral_norm as spectral_norm
from .reparametrization import weight_norm as weight_norm


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> Tensor:
    """Scale all gradients down together, so that their common norm is `max_norm` at most.

    Parameters
    ----------
    parameters
        Whose ``.grad`` is scaled.
    max_norm
        The largest norm allowed.
    norm_type
        Of the p-norm; ``inf`` for the largest number.
    error_if_nonfinite
        Raise NonFiniteError if the norm is not finite.

    Returns
    -------
    Tensor
        The norm before.

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
    """
    held = _with_gradients(parameters)
    arrays = [p.grad.raw for p in held if p.grad is not None]
    if norm_type == math.inf:
        total = max((float(xp.max(xp.abs(g))) for g in arrays if g.size), default=0.0)
    else:
        sums = (float(xp.sum(xp.abs(g) ** norm_type)) for g in arrays)
        total = sum(sums) ** (1 / norm_type)
    if error_if_nonfinite and not math.isfinite(total):
        raise NonFiniteError(
            "clip_grad_norm_", f"the norm of the gradients is {total}", "See tl.debug()."
        )
    scale = max_norm / (total + 1e-6)
    if scale < 1 or math.isnan(scale):
        for p in held:
            if p.grad is not None:
                p.grad = p.grad.detach() * scale
    return Tensor(total, dtype=arrays[0].dtype if arrays else None)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every number of every gradient between ``-clip_value`` and ``clip_value``."""
    if clip_value < 0:
        raise RangeError(
            "clip_grad_value_", f"clip_value={clip_value} is negative", "Pass 0 or more."
        )
    for p in _with_gradients(parameters):
        if p.grad is not None:
            p.grad = Tensor.lift(xp.clip(p.grad.raw, -clip_value, clip_value))


def _with_gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p for p in listed if p.grad is not None]

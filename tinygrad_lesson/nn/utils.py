"""What is done to the gradients and parameters of a model as a whole."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import cast

from .. import ops
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
    gradients = [p.grad.detach() for p in held if p.grad is not None and p.grad.size]
    if not gradients:
        return Tensor(0.0)
    norms = ops.stack(
        [ops.vector_norm(g, ord=norm_type).astype(gradients[0].dtype) for g in gradients]
    )
    total: Tensor = ops.vector_norm(norms, ord=norm_type)
    if error_if_nonfinite and not math.isfinite(total.item()):
        raise NonFiniteError(
            "clip_grad_norm_", f"the norm of the gradients is {total.item()}", "See tl.debug()."
        )
    scale = ops.minimum(max_norm / (total + 1e-6), 1.0)
    for p in held:
        p.grad = cast(Tensor, p.grad).detach() * scale
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Bring every number of every gradient between ``-clip_value`` and ``clip_value``."""
    if clip_value < 0:
        raise RangeError(
            "clip_grad_value_", f"clip_value={clip_value} is negative", "Pass 0 or more."
        )
    for p in _with_gradients(parameters):
        if p.grad is not None:
            p.grad = ops.clip(p.grad.detach(), -clip_value, clip_value)


def _with_gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    listed = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [p for p in listed if p.grad is not None]

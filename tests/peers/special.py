"""PyTorch's special functions."""

from __future__ import annotations

import math
from typing import Any

import torch

from .shared import Peers, of_torch


class Digamma(torch.autograd.Function):
    """PyTorch's, but for the derivative: its trigamma is right to ten digits only."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return torch.digamma(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * torch.special.zeta(2, x)


def polygamma(x: Any, n: int) -> Any:
    """By Hurwitz's zeta, which PyTorch has in full precision."""
    if n == 0:
        return Digamma.apply(x)
    return (-1) ** (n + 1) * math.factorial(n) * torch.special.zeta(n + 1, x)


NAMES = ("erfcx", "ndtr", "log_ndtr", "ndtri", "entr", "i0", "i1", "i0e", "i1e")

PEERS: Peers = {
    **of_torch("erf", "erfc", "erfinv", "lgamma"),
    **{name: getattr(torch.special, name) for name in NAMES},
    "digamma": Digamma.apply,
    "polygamma": polygamma,
    "multigammaln": torch.mvlgamma,
    **dict.fromkeys(("erfcinv", "gamma", "beta", "betaln", "factorial", "binom", "iv", "ive")),
}

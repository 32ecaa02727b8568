"""Weights made of other numbers: each call of the module computes them anew.

A hook before ``forward`` puts the weight into the module, and one after it takes the graph off it
again, so that a module can be copied and saved between calls. Names in the state dict are PyTorch's
(of ``torch.nn.utils.weight_norm`` and ``spectral_norm``).
"""

from __future__ import annotations

import math
from typing import Any, TypeVar

from .. import ops
from ..arguments import axis, count
from ..errors import ArgumentError
from ..mode import no_grad
from ..random import randn
from ..tensor import Tensor
from .convolution import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .module import Module
from .parameter import Buffer, Kept, Parameter

M = TypeVar("M", bound=Module)

TRANSPOSED = ConvTranspose1d | ConvTranspose2d | ConvTranspose3d


class _Made:
    """A weight that is computed before each call of its module.

    Parameters
    ----------
    name
        The attribute.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def compute(self, module: Module) -> Tensor:
        """The weight, recorded as made from the module's parameters."""
        raise NotImplementedError

    def parts(self) -> tuple[str, ...]:
        """The attributes that took the weight's place."""
        raise NotImplementedError

    def install(self, module: Module, **parts: Kept) -> None:
        """Put `parts` into the place of the weight."""
        delattr(module, self.name)
        for name, part in parts.items():
            setattr(module, name, part)
        setattr(module, self.name, self.compute(module).detach())
        module.register_forward_pre_hook(self)
        module.register_forward_hook(_Detach(self.name))

    def remove(self, module: Module) -> None:
        """Make the weight a parameter again."""
        weight = self.compute(module)
        for name in (self.name, *self.parts()):
            delattr(module, name)
        setattr(module, self.name, Parameter(weight.detach()))
        module._forward_pre_hooks = tuple(h for h in module._forward_pre_hooks if h is not self)
        module._forward_hooks = tuple(
            h for h in module._forward_hooks if not (isinstance(h, _Detach) and h.name == self.name)
        )

    def __call__(self, module: Module, args: tuple[Any, ...]) -> None:
        setattr(module, self.name, self.compute(module))


class _Detach:
    """Leaves the numbers of a weight, but not the graph that made it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, module: Module, args: tuple[Any, ...], output: Any) -> None:
        setattr(module, self.name, getattr(module, self.name).detach())


# ---- weight normalisation ----------------------------------------------------------------


class _WeightNorm(_Made):
    def __init__(self, name: str, dim: int | None) -> None:
        super().__init__(name)
        self.dim = dim

    def parts(self) -> tuple[str, ...]:
        return f"{self.name}_g", f"{self.name}_v"

    def norm(self, v: Tensor) -> Tensor:
        """The length of each vector, in a shape that broadcasts with `v`."""
        if self.dim is None:
            return ops.vector_norm(v)
        others = tuple(a for a in range(v.ndim) if a != self.dim)
        return ops.vector_norm(v, axis=others, keepdims=True)

    def compute(self, module: Module) -> Tensor:
        g, v = (getattr(module, name) for name in self.parts())
        weight: Tensor = v * (g / self.norm(v))
        return weight


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learn the lengths of a weight's vectors apart from their directions.

    The parameter `name` becomes two, ``weight_g`` and ``weight_v``, with
    ``weight = weight_g * weight_v / norm(weight_v)``.

    Parameters
    ----------
    module
        Whose weight it is.
    name
        Of the parameter.
    dim
        The axis along which there is a length for each place; None: one length in all.

    Returns
    -------
    The module itself.

    References
    ----------
    Salimans and Kingma, "Weight normalization" (2016).

    Examples
    --------
    >>> from tinygrad_lesson import nn
    >>> layer = nn.utils.weight_norm(nn.Linear(3, 2))
    >>> list(layer.state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    weight = _weight("weight_norm", module, name)
    if dim == -1:  # PyTorch's second word for None
        dim = None
    if dim is not None:
        dim = axis("weight_norm", dim, weight.ndim, "dim")
    made = _WeightNorm(name, dim)
    lengths = made.norm(weight.detach())
    made.install(
        module,
        **{f"{name}_g": Parameter(lengths), f"{name}_v": Parameter(weight.detach())},
    )
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Make the weight an ordinary parameter again."""
    _made("remove_weight_norm", module, name, _WeightNorm).remove(module)
    return module


# ---- spectral normalisation --------------------------------------------------------------


class _SpectralNorm(_Made):
    def __init__(self, name: str, iterations: int, eps: float, dim: int) -> None:
        super().__init__(name)
        self.iterations, self.eps, self.dim = iterations, eps, dim

    def parts(self) -> tuple[str, ...]:
        return f"{self.name}_orig", f"{self.name}_u", f"{self.name}_v"

    def matrix(self, weight: Tensor) -> Tensor:
        """The weight as a matrix, with the axis `dim` for rows."""
        rows = ops.moveaxis(weight, self.dim, 0)
        return rows.reshape(rows.shape[0], math.prod(rows.shape[1:]))

    def compute(self, module: Module) -> Tensor:
        weight, u, v = (getattr(module, name) for name in self.parts())
        matrix = self.matrix(weight)
        if module.training:
            self.improve(matrix.detach(), u, v)
        sigma = (u.detach() * (matrix @ v.detach())).sum()
        made: Tensor = weight / sigma
        return made

    def improve(self, matrix: Tensor, u: Buffer, v: Buffer) -> None:
        """Some power iterations, towards the singular vectors of the largest singular value."""
        with no_grad():
            for _ in range(self.iterations):
                v.assign(self.unit(matrix.mT @ u))
                u.assign(self.unit(matrix @ v))

    def unit(self, vector: Tensor) -> Tensor:
        """The vector at length 1."""
        return ops.normalize(vector, axis=0, eps=self.eps)


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divide a weight by its largest singular value, as estimated by power iteration.

    The parameter `name` becomes ``weight_orig``; the estimates of the singular vectors are the
    buffers ``weight_u`` and ``weight_v``, and each call in training improves them.

    Parameters
    ----------
    module
        Whose weight it is.
    name
        Of the parameter.
    n_power_iterations
        How many steps each call in training takes.
    eps
        The least length that a vector is divided by.
    dim
        The axis that is the matrix's rows; 1 for transposed convolutions, else 0, unless given.

    Returns
    -------
    The module itself.

    References
    ----------
    Miyato, Kataoka, Koyama and Yoshida, "Spectral normalization for generative adversarial
    networks" (2018).
    """
    weight = _weight("spectral_norm", module, name)
    if count("spectral_norm", "n_power_iterations", n_power_iterations) < 1:
        raise ArgumentError(
            "spectral_norm", f"n_power_iterations={n_power_iterations}", "Pass 1 or more."
        )
    if dim is None:
        dim = int(isinstance(module, TRANSPOSED))
    dim = axis("spectral_norm", dim, weight.ndim, "dim")
    made = _SpectralNorm(name, n_power_iterations, eps, dim)
    rows, columns = made.matrix(weight.detach()).shape
    training = module.training
    module.training = False  # no step yet
    made.install(
        module,
        **{
            f"{name}_orig": weight,
            f"{name}_u": Buffer(made.unit(randn(rows, dtype=weight.dtype))),
            f"{name}_v": Buffer(made.unit(randn(columns, dtype=weight.dtype))),
        },
    )
    module.training = training
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Make the weight, as it is now, an ordinary parameter again."""
    made = _made("remove_spectral_norm", module, name, _SpectralNorm)
    training = module.training
    module.training = False
    made.remove(module)
    module.training = training
    return module


# ---- what both of them check -------------------------------------------------------------


def _weight(where: str, module: Module, name: str) -> Parameter:
    weight = vars(module).get(name)
    if not isinstance(weight, Parameter):
        own = [n for n, _ in module.named_parameters(recurse=False)]
        raise ArgumentError(
            where,
            f"{type(module).__name__} has no parameter {name!r}",
            f"Its own are {own}." if own else "Pass the layer that holds it.",
        )
    return weight


def _made(where: str, module: Module, name: str, kind: type[_Made]) -> _Made:
    for hook in module._forward_pre_hooks:
        if isinstance(hook, kind) and hook.name == name:
            return hook
    raise ArgumentError(
        where, f"{name!r} of this {type(module).__name__} is not normalised", "There is no need."
    )

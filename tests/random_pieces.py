"""Pieces of random programs that are more than one op of the registry: what users write.

Layers and losses, operators of Python's, tensors that are changed in place, random numbers,
gradients inside the step, modules with parameters. A piece draws its inputs and parameters for a
program that grows, and is refused, like any op, where they do not fit.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, nn
from tinygrad_lesson.nn import functional as F  # noqa: N812
from tinygrad_lesson.op import REGISTRY

if TYPE_CHECKING:
    from .random_programs import Program


class Step(NamedTuple):
    """A function, the places of its inputs (or numbers of Python's), and its parameters.

    Attributes
    ----------
    kept
        Whether it is given, before all else, what the program keeps from one run to the next.
    """

    name: str
    function: Callable[..., Any]
    inputs: tuple[int | tuple[Any, ...], ...]
    params: dict[str, Any]
    kept: bool = False

    def __repr__(self) -> str:
        given = [f"v{x}" if isinstance(x, int) else repr(x[0]) for x in self.inputs]
        given += [f"{k}={v!r}" for k, v in self.params.items()]
        return f"{self.name}({', '.join(given)})"

    def run(self, values: list[Any], kept: Any) -> list[Tensor]:
        args = [values[x] if isinstance(x, int) else x[0] for x in self.inputs]
        out = self.function(*((kept,) if self.kept else ()), *args, **self.params)
        return [out] if isinstance(out, Tensor) else [x for x in out if isinstance(x, Tensor)]


def layer(p: Program) -> Step:
    """A convolution, a pooling, a normalization or an attention, on images or sequences."""
    name, ndim, draw = p.pick(LAYERS)
    return Step(name, getattr(F, name), *draw(p, ndim))


def _some(p: Program, few: bool = True, **choices: Any) -> dict[str, Any]:
    """Parameters, each but seldom another than usual."""
    return {k: p.pick(v) for k, v in choices.items() if not few or p.rng.random() < 0.4}


def _convolved(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    x = p.of_axes(axes + 2)
    groups = p.pick((1, 1, 1, 2))
    channels, size = p.values[x].shape[1], (p.pick((1, 2, 3)),) * axes
    out, dtype = p.pick((1, 2, 4)), p.values[x].dtype
    w = p.enter(p.array((out, max(channels // groups, 1), *size), dtype))
    bias = (p.enter(p.array((out,), dtype)),) if p.rng.random() < 0.5 else ()
    params = _some(p, stride=(1, 2), padding=(0, 1, 2), dilation=(1, 2))
    return (x, w, *bias), {**params, "groups": groups}


def _back(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    x = p.of_axes(axes + 2)
    size = (p.pick((1, 2, 3)),) * axes
    w = p.array((p.values[x].shape[1], p.pick((1, 3)), *size), p.values[x].dtype)
    return (x, p.enter(w)), _some(p, stride=(1, 2), padding=(0, 1), dilation=(1, 2))


def _pooled(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    params = _some(p, stride=(1, 2, 3), padding=(0, 1), ceil_mode=(True,))
    return (p.of_axes(axes + 2),), {"kernel_size": p.pick((1, 2, 3)), **params}


def _adapted(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    return (p.of_axes(axes + 2),), {"output_size": p.pick((1, 2, 3))}


def _of_rows(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    x = p.of_axes(axes)
    shape, dtype = p.values[x].shape[-1:], p.values[x].dtype
    return (x, (shape,), p.enter(p.array(shape, dtype))), {}  # type: ignore[return-value]


def _of_channels(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    return (p.of_axes(axes),), {"num_groups": p.pick((1, 2))}


def _plain(p: Program, axes: int, **params: Any) -> tuple[tuple[int, ...], dict[str, Any]]:
    return (p.of_axes(axes),), params


def _attended(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    q = p.of_axes(axes)
    shape, dtype = p.values[q].shape, p.values[q].dtype
    k = p.enter(p.array((*shape[:-2], 5, shape[-1]), dtype))
    v = p.enter(p.array((*shape[:-2], 5, 3), dtype))
    return (q, k, p.pick((v, k))), _some(p, is_causal=(True,))


def _compared(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    x = p.of_axes(axes)
    y = p.enter(p.array(p.values[x].shape, p.values[x].dtype))
    return (x, y), _some(p, reduction=("mean", "sum", "none"))


def _classified(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    x = p.of_axes(axes)
    shape = p.values[x].shape
    labels = p.enter(p.rng.integers(0, max(shape[1], 1), (shape[0], *shape[2:])))
    return (x, labels), _some(p, reduction=("mean", "sum", "none"), ignore_index=(0, 1))


def _looked_up(p: Program, axes: int) -> tuple[tuple[int, ...], dict[str, Any]]:
    table = p.of_axes(2)
    words = p.rng.integers(0, max(len(p.values[table]), 1), p.pick(((3,), (2, 2), ())))
    return (p.enter(words), table), {}


LAYERS: list[tuple[str, int, Callable[..., tuple[tuple[int, ...], dict[str, Any]]]]] = [
    *((f"conv{n}d", n, _convolved) for n in (1, 1, 2, 2, 3)),
    *((f"conv_transpose{n}d", n, _back) for n in (1, 2)),
    *((f"{kind}_pool{n}d", n, _pooled) for kind in ("max", "max", "avg") for n in (1, 2, 3)),
    *((f"adaptive_{kind}_pool{n}d", n, _adapted) for kind in ("max", "avg") for n in (1, 2)),
    *((name, n, _of_rows) for name in ("layer_norm", "rms_norm") for n in (2, 3)),
    *(("group_norm", n, _of_channels) for n in (3, 4)),
    *((name, n, functools.partial(_plain, **given)) for name, n, given in (
        ("instance_norm", 3, {}), ("instance_norm", 4, {}), ("local_response_norm", 4, {"size": 2}),
        ("batch_norm", 2, {"training": True}), ("batch_norm", 3, {"training": True}),
        ("lp_pool1d", 3, {"norm_type": 2, "kernel_size": 2}), ("unfold", 4, {"kernel_size": 2}),
    )),
    *(("scaled_dot_product_attention", n, _attended) for n in (2, 3, 4)),
    *((name, n, _compared) for name in (
        "mse_loss", "l1_loss", "huber_loss", "smooth_l1_loss", "hinge_loss", "poisson_nll_loss",
        "binary_cross_entropy_with_logits", "kl_div",
    ) for n in (1, 2)),
    *((name, n, _classified) for name in ("cross_entropy", "nll_loss") for n in (2, 2, 3)),
    *(("embedding", 2, _looked_up),) * 2,
]  # fmt: skip


# ---- Python's operators, and changes in place --------------------------------------------------

ONES = np.array([1.0])
"""An array of the user's, which is read anew in each run."""

BINARY = {
    symbol: getattr(operator, name) for symbol, name in {
        "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod",
        "**": "pow", "@": "matmul", "<": "lt", ">=": "ge", "==": "eq", "&": "and_", "|": "or_",
        "<<": "lshift",
    }.items()
}  # fmt: skip
UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "-x": operator.neg, "abs": abs, ".T": lambda x: x.T, ".mT": lambda x: x.mT,
    "[::-1]": lambda x: x[::-1], "[..., ::-2]": lambda x: x[..., ::-2], "[None]": lambda x: x[None],
    "[-1]": lambda x: x[-1], "~": operator.invert, ".mean(0)": lambda x: x.mean(0),
    ".sum()": lambda x: x.sum(), "x / x.sum(-1)": lambda x: x / x.sum(-1, keepdims=True),
    "x - x.mean()": lambda x: x - x.mean(), "x + arange": lambda x: x + tl.arange(x.shape[-1]),
    "x @ eye": lambda x: x @ tl.eye(x.shape[-1], dtype=x.dtype), "x * ones": lambda x: x * ONES,
    "where x > 0": lambda x: tl.where(x > 0, x, tl.zeros(x.shape)),
 "one_hot": lambda x: F.one_hot(x % 3, 3),
}  # fmt: skip


def operation(p: Program) -> Step:
    """One of Python's operators, or a method."""
    if p.rng.random() < 0.5:
        name = p.pick(tuple(UNARY))
        return Step(name, UNARY[name], (p.some(),), {})
    name = p.pick(tuple(BINARY))
    return Step(name, BINARY[name], (p.some(), p.some()), {})


def in_place(p: Program) -> Step:
    """A tensor that is changed again and again, and looked at in between."""
    x = p.some("f")
    shape = p.values[x].shape
    at = p.pick((0, slice(1, None, 2), slice(None, None, -1), (..., 0), ...))
    other = p.pick((p.some("f"), p.enter(p.array(shape[-1:], p.values[x].dtype))))
    return Step("in_place", changed_in_place, (x, other), {"at": at, "by": p.pick((2, 0.5, -1))})


def changed_in_place(x: Tensor, y: Tensor, *, at: Any, by: float) -> list[Tensor]:
    z = x * 1
    z += y
    before = z + 0
    z[at] = by
    between = tl.exp(z)
    z[at] = z[at] * by
    z *= 0.5
    return [z, before, between]


# ---- gradients inside the step -----------------------------------------------------------------

SMOOTH = ("tanh", "sin", "exp", "sigmoid", "square", "relu", "softplus", "cos", "gelu", "abs")


def chain(x: Tensor, names: Sequence[str]) -> Tensor:
    """Some ops, one after the other."""
    for name in names:
        x = REGISTRY[name].record(x)
    return x


def slope(x: Tensor, *, names: Sequence[str]) -> Tensor:
    """The gradient of a sum, through which other gradients may go."""
    leaf = x if x.requires_grad else x.detach().requires_grad_()
    (out,) = autograd.grad(tl.sum(chain(leaf, names)), [leaf], create_graph=True)
    assert out is not None
    return out


def curvature(x: Tensor, y: Tensor, *, names: Sequence[str]) -> Tensor:
    """The product of a Hessian with a vector."""
    out: Tensor = tl.hvp(lambda t: tl.sum(chain(t * t[::-1], names)), (x,), (y,))
    return out


def forwards(x: Tensor, y: Tensor, *, names: Sequence[str]) -> list[Tensor]:
    """A value and its derivative along a vector."""
    return list(tl.jvp(lambda t: tl.cumsum(chain(t, names), axis=0), (x,), (y,)))


def mapped(x: Tensor, y: Tensor, *, names: Sequence[str]) -> Tensor:
    """A function of rows."""
    out: Tensor = tl.vmap(lambda a, b: tl.softmax(chain(a, names)) * tl.sum(a * b))(x, y)
    return out


def forgotten(x: Tensor, *, names: Sequence[str]) -> Tensor:
    """What is computed again on the way back."""
    return tl.checkpoint(lambda t: chain(t * 2, names))(x)


def recurrence(x: Tensor, w: Tensor, *, names: Sequence[str]) -> list[Tensor]:
    """A loop over time; with large weights it would be chaotic, and any digit decide."""
    h, seen, gain = x[0] * 0, [], 1 / max(len(w), 1)
    for row in x:
        h = chain(tl.tanh(gain * (h @ w) + row), names[:1])
        seen.append(h)
    return [tl.stack(seen), h]


OF_GRADIENTS = (slope, curvature, forwards, mapped, forgotten, recurrence)


def of_gradients(p: Program) -> Step:
    """A gradient or a transformation of a chain of ops."""
    function = p.pick(OF_GRADIENTS)
    names = tuple(p.pick(SMOOTH) for _ in range(p.rng.integers(1, 4)))
    x = p.of_axes(p.pick((1, 2))) if function is not mapped else p.of_axes(2)
    shape, dtype = p.values[x].shape, p.values[x].dtype
    inputs: tuple[int, ...] = (x,)
    if function is recurrence:
        inputs = x, p.enter(p.array(shape[-1:] * 2, dtype))
    elif function not in (slope, forgotten):
        inputs = x, p.enter(p.array(shape, dtype))
    return Step(function.__name__, function, inputs, {"names": names})


# ---- what is kept from one run to the next -----------------------------------------------------

DRAWS: dict[str, Callable[..., Tensor]] = {
    "rand": tl.rand, "randn": tl.randn, "randperm": lambda n, **kw: tl.randperm(n[0], **kw),
    "randint": lambda shape, **kw: tl.randint(0, 5, shape, **kw),
}  # fmt: skip


def noise(kept: Any, x: Tensor, *, name: str, rate: float) -> Tensor:
    """Random numbers added, or some left out."""
    drawn = DRAWS[name](x.shape, generator=kept.generator)
    return tl.where(drawn < rate, 0.0, x / (1 - rate)) if name == "rand" else x + drawn


def random(p: Program) -> Step:
    """Noise of the program's own generator."""
    params = {"name": p.pick(tuple(DRAWS)), "rate": p.pick((0.1, 0.5))}
    return Step("noise", noise, (p.some("f"),), params, kept=True)


MODULES: list[tuple[int, Callable[[int], nn.Module]]] = [
    (2, lambda n: nn.Linear(n, 3)), (3, lambda n: nn.Linear(n, 4)),
    (2, lambda n: nn.Sequential(nn.Linear(n, 5), nn.ReLU(), nn.BatchNorm1d(5))),
    (2, nn.BatchNorm1d), (2, nn.LayerNorm),
    (2, lambda n: nn.Sequential(nn.Linear(n, 2), nn.Tanh())),
    (3, lambda n: nn.LSTM(n, 3)), (3, lambda n: nn.GRU(n, 2)), (3, lambda n: nn.RNN(n, 3)),
    (3, lambda n: nn.MultiheadAttention(n, 1)), (2, nn.PReLU),
    (3, lambda n: nn.TransformerEncoderLayer(n, 1, 5, dropout=0.0)),
]  # fmt: skip


def module(p: Program) -> Step:
    """A module with parameters, which may be trained, and running statistics."""
    number = int(p.rng.integers(len(MODULES)))
    x = p.of_axes(MODULES[number][0], "f4")
    place = p.keep(number, p.values[x].shape[-1])
    attended = number == 9
    return Step("module", applied, (x,), {"place": place, "thrice": attended}, kept=True)


def applied(kept: Any, x: Tensor, *, place: int, thrice: bool) -> list[Tensor]:
    out = kept.modules[place](*(x, x, x) if thrice else (x,))
    return [t for t in tl.trees.flatten(out)[0] if isinstance(t, Tensor)]


PIECES = (*(layer,) * 4, operation, operation, in_place, of_gradients, of_gradients, random, module)


def made(number: int, size: int, seed: int) -> nn.Module:
    """A module of the table, the numbers of its parameters from a seed."""
    module, rng = MODULES[number][1](size), np.random.default_rng(seed)
    for parameter in module.parameters():
        parameter.assign(rng.normal(size=parameter.shape).astype("f4") * 0.5)
    return module

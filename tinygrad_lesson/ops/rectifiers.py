"""Activation functions made of straight lines, elementwise.

Names and defaults are PyTorch's, and so is the derivative at each kink.
"""

from __future__ import annotations

from ..arrays import Array, Namespace
from ..errors import RangeError
from ..op import elementwise
from ..samples import sample, uniform

NONZERO = uniform(-3, 3, avoid=(0.0,))


@elementwise(samples=[NONZERO])
def relu(xp: Namespace, x: Array, /) -> Array:
    """Rectifier ``max(x, 0)``; at the kink ``x = 0`` the derivative is 0."""
    return xp.relu(x)


@relu.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return xp.where(out <= 0, 0.0, g)


@elementwise(samples=[NONZERO, sample(NONZERO._replace(shape=(3, 4)), negative_slope=0.3)])
def leaky_relu(xp: Namespace, x: Array, /, negative_slope: float = 0.01) -> Array:
    """`x` where it is positive, else `negative_slope` times `x`; at 0 that is the derivative.

    Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models" (2013).
    """
    return xp.leaky_relu(x, negative_slope=negative_slope)


@leaky_relu.vjp("x", saves=("x",))
def _(xp, g, out, x, *, negative_slope):
    return xp.where(x > 0, g, g * negative_slope)


@elementwise(samples=[NONZERO, uniform(0.1, 1)])
def prelu(xp: Namespace, x: Array, weight: Array, /) -> Array:
    """`x` where it is positive, else ``weight * x``; at 0 the derivatives are `weight` and 0.

    The weights broadcast as anywhere: for one each along an axis before the last, give them axes
    of length 1 after it. He, Zhang, Ren and Sun, "Delving deep into rectifiers" (2015).
    """
    return xp.where(x > 0, x, x * weight)


@prelu.vjp("x", saves=("x", "weight"))
def _(xp, g, out, x, weight):
    return xp.where(x > 0, g, g * weight)


@prelu.vjp("weight", saves=("x",))
def _(xp, g, out, x, weight):
    return xp.where(x > 0, 0.0, g * x)


@elementwise(
    samples=[
        uniform(-3, 3, avoid=(-1.0, 1.0)),
        sample(uniform(-3, 3, (3, 4), avoid=(-0.5, 2.0)), min_val=-0.5, max_val=2.0),
    ]
)
def hardtanh(xp: Namespace, x: Array, /, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """`x`, but no lower than `min_val` and no higher than `max_val`; there the derivative is 0."""
    if min_val > max_val:
        raise RangeError(
            "hardtanh", f"min_val={min_val} is above max_val={max_val}", "Exchange them."
        )
    return xp.clip(x, min_val, max_val)


@hardtanh.vjp("x", saves=("out",))
def _(xp, g, out, x, *, min_val, max_val):
    return xp.where((out <= min_val) | (out >= max_val), 0.0, g)


@elementwise(samples=[uniform(-3, 9, avoid=(0.0, 6.0))])
def relu6(xp: Namespace, x: Array, /) -> Array:
    """``min(max(x, 0), 6)``; at 0 and 6 the derivative is 0."""
    return xp.clip(x, 0, 6)


@relu6.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return xp.where((out <= 0) | (out >= 6), 0.0, g)


@elementwise(samples=[uniform(-5, 5, avoid=(-3.0, 3.0))])
def hardsigmoid(xp: Namespace, x: Array, /) -> Array:
    """``min(max(x / 6 + 1/2, 0), 1)``; at -3 and 3 the derivative is 0."""
    return xp.clip(x * (1 / 6) + 0.5, 0.0, 1.0)


@hardsigmoid.vjp("x", saves=("out",))
def _(xp, g, out, x):
    return xp.where((out <= 0) | (out >= 1), 0.0, g / 6)


@elementwise(samples=[uniform(-5, 5, avoid=(-3.0, 3.0))])
def hardswish(xp: Namespace, x: Array, /) -> Array:
    """``x * hardsigmoid(x)``; at -3 the derivative is 0, at 3 it is 1.

    Howard and others, "Searching for MobileNetV3" (2019).
    """
    return xp.hardswish(x)


@hardswish.vjp("x", saves=("x",))
def _(xp, g, out, x):
    inner = xp.where(x >= 3, 1.0, x / 3 + 0.5)
    return g * xp.where(x <= -3, 0.0, inner)


@elementwise(samples=[uniform(-3, 3, avoid=(-0.5, 0.5)),
                      sample(uniform(-3, 3, (3, 4), avoid=(-1.0, 1.0)), lambd=1.0)])  # fmt: skip
def softshrink(xp: Namespace, x: Array, /, lambd: float = 0.5) -> Array:
    """`x` moved towards 0 by `lambd`, and 0 where it is nearer than that."""
    _check_width("softshrink", lambd)
    return xp.softshrink(x, lambd=lambd)


@elementwise(samples=[uniform(-3, 3, avoid=(-0.5, 0.5)),
                      sample(uniform(-3, 3, (3, 4), avoid=(-1.0, 1.0)), lambd=1.0)])  # fmt: skip
def hardshrink(xp: Namespace, x: Array, /, lambd: float = 0.5) -> Array:
    """`x` where it is further than `lambd` from 0, else 0."""
    _check_width("hardshrink", lambd)
    return xp.where((x >= -lambd) & (x <= lambd), 0, x)


@softshrink.vjp("x", saves=("out",))
@hardshrink.vjp("x", saves=("out",))
def _(xp, g, out, x, *, lambd):
    return xp.where(out == 0, 0.0, g)


def _check_width(where, lambd):
    if lambd < 0:
        raise RangeError(where, f"lambd={lambd} is negative", "Pass lambd >= 0.")

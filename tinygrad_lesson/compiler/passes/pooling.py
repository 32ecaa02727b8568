"""What comes before a choice of the largest numbers is done after it, where numbers are fewer.

With `x` an image, `d` the slopes of what comes out, and ``put`` the adjoint of the choice:

==========================================  ===============================================
``pool_max(relu(x))``                       ``relu(pool_max(x))``
``where(relu(x) <= 0, 0, put(d))``          ``put(where(pool_max(x) <= 0, 0, d))``
``put(d).sum()`` over each image            ``d.sum()``
==========================================  ===============================================

The first two are exact to the bit (but for the sign of 0): relu keeps the order of numbers, and
where windows chose one and the same number, all of them have it as their largest. Where the largest
is no more than 0, relu makes more numbers of the window equal, and another place may be the first
of them; nothing is put there. In the third the same terms are added up in another order: to
rounding.
"""

from __future__ import annotations

from ...tracing.program import Equation, Program
from .rewriting import Workshop, become, improved

WINDOWS = ("kernel", "stride", "padding", "dilation")


def pool_early(program: Program) -> Program:
    """Apply the rules above, each where it fits."""
    return improved(program, {"pool_max": _relu_after, "where": _mask_before, "sum": _sum_before})


def _relu_after(equation: Equation, workshop: Workshop) -> Equation | None:
    relu = workshop.made(equation.inputs[0], "relu")
    if relu is None:
        return None
    out = equation.out
    most = workshop.compute("pool_max", relu.inputs, out.shape, out.dtype, equation.params)
    return become(equation, "relu", most)


def _mask_before(equation: Equation, workshop: Workshop) -> Equation | None:
    mask, zero, spread = equation.inputs
    lower, put = workshop.made(mask, "less_equal"), workshop.made(spread, "pool_put")
    if lower is None or put is None or not _is_zero(zero) or not _is_zero(lower.inputs[1]):
        return None
    relu, chosen = workshop.made(lower.inputs[0], "relu"), workshop.made(put.inputs[1])
    if relu is None or chosen is None or chosen.op.name != "pool_argmax":
        return None
    windows = {name: put.params[name] for name in WINDOWS}
    if chosen.inputs[0] not in (relu.out, *relu.inputs) or dict(chosen.params) != windows:
        return None
    slopes, taps = put.inputs
    most = workshop.compute("pool_max", relu.inputs, slopes.shape, relu.out.dtype, windows)
    mask = workshop.compute("less_equal", (most, 0), slopes.shape, lower.out.dtype)
    slopes = workshop.compute("where", (mask, 0.0, slopes), slopes.shape, slopes.dtype)
    taps = workshop.compute("pool_argmax", relu.inputs, taps.shape, taps.dtype, windows)
    return become(equation, "pool_put", slopes, taps, **put.params)


def _is_zero(x: object) -> bool:
    return type(x) in (int, float) and x == 0


def _sum_before(equation: Equation, workshop: Workshop) -> Equation | None:
    (x,) = equation.inputs
    put, axis = workshop.made(x, "pool_put"), equation.params["axis"]
    if put is None or not isinstance(axis, tuple):
        return None
    images = set(range(2, x.ndim))
    if not images <= {a % x.ndim for a in axis}:
        return None
    return become(equation, "sum", put.inputs[0], **equation.params)

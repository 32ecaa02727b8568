"""Ops of your own: a forward function and one derivative rule for each input.

::

    from tinygrad_lesson.extend import check, elementwise, uniform

    @elementwise(samples=[uniform(-3, 3)])
    def cube(xp, x, /):
        return x * x * x

    @cube.vjp("x", saves=("x",))
    def _(xp, g, out, x):
        return 3 * g * x * x

    check(cube)

``cube`` then takes tensors, is recorded, drawn, checked and differentiated to any order like the
ops of the library. See :mod:`tinygrad_lesson.op` for what a forward and a rule are given, and
:func:`tinygrad_lesson.custom_vjp` for a function that is written with tensors.
"""

from __future__ import annotations

import functools

import numpy as np

from . import op as _op
from .checking import Report, gradcheck
from .op import Kind as Kind
from .op import Op as Op
from .samples import booleans as booleans
from .samples import calls
from .samples import integers as integers
from .samples import sample as sample
from .samples import uniform as uniform

elementwise = functools.partial(_op.elementwise, register=False)
reduction = functools.partial(_op.reduction, register=False)
movement = functools.partial(_op.movement, register=False)
linear = functools.partial(_op.linear, register=False)
indexing = functools.partial(_op.indexing, register=False)
composite = functools.partial(_op.composite, register=False)


def check(op: Op[...], order: int = 2, seed: int = 0) -> list[Report]:
    """Check the rules of an op on its samples, by finite differences.

    Parameters
    ----------
    op
        Declared with samples.
    order
        2 checks also the derivatives of the rules, which needs them to use `xp` alone.
    seed
        Of the inputs that are drawn.

    Returns
    -------
    list of Report
        One for each call that the samples stand for.

    Raises
    ------
    GradcheckError
        If a rule is wrong: which one, where, and what the mistake may be.

    Examples
    --------
    >>> from tinygrad_lesson.extend import check, elementwise, uniform
    >>> @elementwise(samples=[uniform(0.5, 3)])
    ... def root(xp, x, /):
    ...     return xp.sqrt(x)
    >>> @root.vjp("x", saves=("out",))
    ... def rule(xp, g, out, x):
    ...     return g / (2 * out)
    >>> len(check(root))
    3
    """
    rng = np.random.default_rng(seed)
    return [
        gradcheck(
            functools.partial(op, **call.params), call.draw(rng),
            order=order, seed=seed, raise_on_failure=True,
        )
        for call in calls(op.samples)
    ]  # fmt: skip

"""Passes: a program becomes a shorter one that computes the same numbers.

====================  ========================================================================
``folding.py``        what is always the same is computed once
``identities.py``     ops that change nothing
``scalars.py``        a number instead of an array of that number
``sums.py``           a sum instead of a product with ones
``algebra.py``        ``x + x`` is ``2 * x``, and the like
``joins.py``          parts side by side
``pooling.py``        first the largest numbers, then what is done with each
``views.py``          chains of reshapes and transposes
``common.py``         what is computed twice is computed once
``dead.py``           what nobody needs is not computed
``rewriting.py``      what they share
====================  ========================================================================

Each page says which of its rewrites are exact to the bit, and which to rounding. A program is
gone through until nothing changes any more.
"""

from __future__ import annotations

from ...tracing.program import Program
from .algebra import use_algebra
from .common import merge_common
from .dead import drop_dead
from .folding import fold_constants
from .identities import drop_identities
from .joins import join_parts
from .pooling import pool_early
from .scalars import use_scalars
from .sums import use_sums
from .views import join_views

PASSES = (
    fold_constants, drop_identities, use_scalars, use_sums, use_algebra, pool_early, join_parts,
    join_views, merge_common, drop_dead,
)  # fmt: skip

ROUNDS = 8
"""Each round works on what the one before has left; two or three are usual."""


def simplified(program: Program) -> Program:
    """The program after all passes."""
    program = program.with_equations(program.equations, {})  # without inputs that nobody needs
    idle = 0  # how many passes in a row had nothing to do
    for improve in PASSES * ROUNDS:
        before, program = program, improve(program)
        idle = idle + 1 if program is before else 0
        if idle == len(PASSES):
            break
    return program

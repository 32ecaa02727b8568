"""Passes: a program becomes a shorter one that computes the same numbers.

====================  ========================================================================
``folding.py``        what is always the same is computed once
``identities.py``     ops that change nothing
``common.py``         what is computed twice is computed once
``dead.py``           what nobody needs is not computed
====================  ========================================================================
"""

from __future__ import annotations

from ...tracing.program import Program
from .common import merge_common
from .dead import drop_dead
from .folding import fold_constants
from .identities import drop_identities


def simplified(program: Program) -> Program:
    """The program after all passes."""
    for improve in (fold_constants, drop_identities, merge_common, drop_dead):
        program = improve(program)
    return program

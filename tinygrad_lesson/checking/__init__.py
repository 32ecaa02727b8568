"""Gradcheck that convicts: finite differences with a verdict, and the rule that is to blame.

====================  ========================================================================
``differences.py``    slopes by finite differences, each with an estimate of its error
``verdicts.py``       what to say of two derivatives: pass, kink, outside, inconclusive, fail
``subjects.py``       what can be checked: a function, a module, a node alone, a gradient
``targets.py``        the arrays among the arguments and in the modules
``search.py``         every element, or random directions and bisection
``culprit.py``        which rule of a graph is wrong, and ``guess.py``, how
``recorded.py``       what a function does that its recorded graph does not have
``report.py``         the outcome, as fields and as a table
``check.py``          :func:`gradcheck`
====================  ========================================================================
"""

from __future__ import annotations

from .check import gradcheck as gradcheck
from .culprit import Culprit as Culprit
from .report import Report as Report
from .report import Result as Result
from .verdicts import Verdict as Verdict

"""The compiler: a step becomes a program, and the program straight-line code.

=====================  =======================================================================
``compiled.py``        :func:`compile`, and what it returns
``first_call.py``      a call for which there is no program: one is traced
``programs.py``        those that there are, and how many are kept
``call.py``            the arguments of a call, and what decides which program fits; ``nests.py``
``entry.py``           one program of a step, and the code for it once it is needed
``driver.py``          what a program starts from is gathered, what it leaves behind put in place
``state_code.py``      the lines of Python in which the driver does so
``differentiable.py``  a function that is differentiated outside: one node of the graph
``parting.py``         such a function and its way back become two programs
``turns.py``           threads take turns
``garbage.py``         nobody looks for any while a program is made
``notices.py``         warnings
``failures.py``        when the code fails: which op it was, as the eager step says it
``looping.py``         a step many times; ``loop_driver.py``: without returning to Python in between
``cost.py``            operations and bytes of each kernel, counted by ``operations.py``
``passes/``            a program becomes a shorter one
``taping.py``          very many equations of single numbers become one table: ``tapes/``
``numpy_code/``        a program as NumPy source, to read, to run, to take away
``c_code/``            a program as C
``cache.py``           what was built, or took long to plan, is kept for later processes
=====================  =======================================================================

How a step becomes a program is the business of ``tracing/``.
"""

from __future__ import annotations

from ..errors import CompilerWarning as CompilerWarning
from ..errors import RetraceWarning as RetraceWarning
from .compiled import Compiled as Compiled
from .compiled import compile as compile

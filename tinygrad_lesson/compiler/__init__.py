"""The compiler: a step becomes a program, and the program straight-line code.

=====================  =======================================================================
``compiled.py``        :func:`compile`, and what it returns
``call.py``            the arguments of a call, and what decides which program fits
``entry.py``           one program of a step, and the code for it once it is needed
``driver.py``          what a program starts from is gathered, what it leaves behind put in place
``differentiable.py``  a function that is differentiated outside: one node of the graph
``parting.py``         such a function and its way back become two programs
``failures.py``        when the code fails: which op it was, as the eager step says it
``looping.py``         a step many times; ``loop_driver.py``: without returning to Python in between
``cost.py``            operations and bytes of each kernel, counted by ``operations.py``
``passes/``            a program becomes a shorter one
``tapes/``             very many equations of single numbers become one table
``numpy_code/``        a program as NumPy source, to read, to run, to take away
``c_code/``            a program as C
=====================  =======================================================================

How a step becomes a program is the business of ``tracing/``.
"""

from __future__ import annotations

from .compiled import Compiled as Compiled
from .compiled import RetraceWarning as RetraceWarning
from .compiled import compile as compile

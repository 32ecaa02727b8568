"""The compiler: a step becomes a program, and the program straight-line code.

====================  ========================================================================
``compiled.py``       :func:`compile`, and what it returns
``call.py``           the arguments of a call, and what decides which program fits
``entry.py``          one program of a step, and the code for it once it is needed
``driver.py``         what a program starts from is gathered, what it leaves behind put in place
``looping.py``        a step many times
``cost.py``           operations and bytes of a program
``passes/``           a program becomes a shorter one
``numpy_code/``       a program as NumPy source, to read, to run, to take away
``c_code/``           a program as C
====================  ========================================================================

How a step becomes a program is the business of ``tracing/``.
"""

from __future__ import annotations

from .compiled import Compiled as Compiled
from .compiled import RetraceWarning as RetraceWarning
from .compiled import compile as compile

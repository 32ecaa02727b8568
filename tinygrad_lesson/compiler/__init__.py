"""The compiler: a step becomes a program, and the program straight-line code.

====================  ========================================================================
``compiled.py``       :func:`compile`, and what it returns
``call.py``           which program fits the arguments of a call
``passes/``           a program becomes a shorter one
``notation.py``       how an op is written as NumPy source
``numpy_writer.py``   a program as a function of NumPy arrays
``driver.py``         what a program starts from is gathered, what it leaves behind put in place
====================  ========================================================================

How a step becomes a program is the business of ``tracing/``.
"""

from __future__ import annotations

from .compiled import Compiled as Compiled
from .compiled import RetraceWarning as RetraceWarning
from .compiled import compile as compile

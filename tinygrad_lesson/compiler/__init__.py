"""The compiler: a step becomes a program, and the program straight-line code.

====================  ========================================================================
``compiled.py``       :func:`compile`, and what it returns
``call.py``           which program fits the arguments of a call
``passes/``           a program becomes a shorter one
``notation.py``       how an op is written as NumPy source
``naming.py``         what to call the values of a program
``layout.py``         how the lines of a source are laid out
``lifetimes.py``      large arrays that nobody needs any more
``numpy_writer.py``   a program as a function of NumPy arrays
``export.py``         a compiled step as a module that needs NumPy alone
``module_text.py``    what such a module is made of
``gathering.py``      the source of kernels, for such a module
``looping.py``        a step many times
``cost.py``           operations and bytes of a program
``driver.py``         what a program starts from is gathered, what it leaves behind put in place
====================  ========================================================================

How a step becomes a program is the business of ``tracing/``.
"""

from __future__ import annotations

from .compiled import Compiled as Compiled
from .compiled import RetraceWarning as RetraceWarning
from .compiled import compile as compile

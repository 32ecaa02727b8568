"""A program as C, and what it takes to build it and to run it.

=======================  ====================================================================
``lowering.py``          ops that C has no expression for become several that it has
``views.py``             values that are the numbers of another value, seen in another order
``schedule.py``          which equations run together in one pass over the numbers
``memory_plan.py``       where the numbers between such groups are kept
``operators.py``         how an elementwise op is written as a C expression
``kernel.py``            what the functions for groups have in common
``rows_kernel.py``       elementwise ops in stages, with reductions between them
``moving_kernels.py``    columns added up, gathers, scatters, joins
``moves.py``             which ops only move numbers, and where to
``window_calls.py``      convolution and pooling; ``recurrent_calls.py``: recurrent layers
``writer.py``            the whole file
``step.py``              the Python function that calls it; ``buffers.py``: arrays for its results
``toolchain.py``         source becomes a loaded library, once
``team.py``              the threads that run a step; ``blas.py``: the BLAS that NumPy has loaded
``c/``                   what is the same in all programs
=======================  ====================================================================
"""

"""A program as C, and what it takes to build it and to run it.

=======================  ====================================================================
``arrangement.py``       the steps from here to the memory plan, in order
``exchange.py``          rows of a small table are multiplied before they are chosen
``lowering.py``          ops that C has no expression for become several that it has
``views.py``             values that are the numbers of another value, seen in another order
``schedule.py``          which equations run together in one pass over the numbers
``memory_plan.py``       where the numbers between such groups are kept
``operators.py``         how an elementwise op is written as a C expression
``kernel.py``            what the functions for groups have in common
``rows_kernel.py``       elementwise ops in stages, with reductions between them
``passages.py``          a long loop body, run through in several loops
``moving_kernels.py``    columns added up, gathers, scatters, joins
``moves.py``             which ops only move numbers, and where to
``window_calls.py``      convolution and pooling; ``recurrent_calls.py``: recurrent layers
``scalar_tape.py``       very many single numbers, from a table
``writer.py``            the whole file
``step.py``              the Python function that calls it; ``buffers.py``: arrays for its results
``loop.py``              many steps in one call
``toolchain.py``         source becomes a loaded library, once
``routines.py``          what is the same in all programs, built apart from them, by parts
``team.py``              the threads that run a step
``c/``                   what is the same in all programs
=======================  ====================================================================

What C computes is what the array library computes,

* to the bit: arithmetic on numbers of all dtypes, roots, comparisons, choices, conversions, what
  only moves numbers, and ops that are left to the array library. NaN, infinities and denormals are
  no exception. (Of 0.0 and -0.0 either is the larger one; NumPy takes now this one, now that.)
* to 8 units in the last place: elementary functions, by polynomials of ``c/elementary.h``, which
  states their errors, or by the C library; to 32, what is made of several of them (gelu, mish).
  Where digits cancel, units in the last place of what goes in.
* to the rounding of sums: sums, products of matrices, and what is made of them. Terms are added up
  in another order, and floats in blocks, so that errors do not grow with the number of terms. Sums
  of numbers whose squares are infinite may be so earlier or later. In the gradient of a convolution
  for its images, infinite weights meet the zeros around the slopes, which is NaN.

A digit more or less may decide: ``floor``, comparisons and ``argmax`` pass the difference on.
"""

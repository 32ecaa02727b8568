"""The vocabulary: every op, under the array API's name where the standard has the function.

This package is itself a namespace: where a rule gets it as ``xp``, the gradient is recorded as a
graph, which can be differentiated again.
"""

# ruff: noqa: A004  (the standard's names shadow built-ins)

from __future__ import annotations

from .creation import full_like as full_like
from .creation import ones_like as ones_like
from .creation import zeros_like as zeros_like
from .elementwise import abs as abs
from .elementwise import add as add
from .elementwise import ceil as ceil
from .elementwise import clip as clip
from .elementwise import cos as cos
from .elementwise import divide as divide
from .elementwise import equal as equal
from .elementwise import exp as exp
from .elementwise import expm1 as expm1
from .elementwise import floor as floor
from .elementwise import floor_divide as floor_divide
from .elementwise import greater as greater
from .elementwise import greater_equal as greater_equal
from .elementwise import isfinite as isfinite
from .elementwise import isinf as isinf
from .elementwise import isnan as isnan
from .elementwise import less as less
from .elementwise import less_equal as less_equal
from .elementwise import log as log
from .elementwise import log1p as log1p
from .elementwise import logical_and as logical_and
from .elementwise import logical_not as logical_not
from .elementwise import logical_or as logical_or
from .elementwise import logical_xor as logical_xor
from .elementwise import maximum as maximum
from .elementwise import minimum as minimum
from .elementwise import multiply as multiply
from .elementwise import negative as negative
from .elementwise import not_equal as not_equal
from .elementwise import pow as pow
from .elementwise import reciprocal as reciprocal
from .elementwise import relu as relu
from .elementwise import remainder as remainder
from .elementwise import round as round
from .elementwise import sigmoid as sigmoid
from .elementwise import sign as sign
from .elementwise import sin as sin
from .elementwise import sqrt as sqrt
from .elementwise import square as square
from .elementwise import subtract as subtract
from .elementwise import tan as tan
from .elementwise import tanh as tanh
from .elementwise import trunc as trunc
from .elementwise import where as where
from .indexing import getitem as getitem
from .indexing import last_written as last_written
from .indexing import one_hot as one_hot
from .indexing import scatter_add as scatter_add
from .indexing import setitem as setitem
from .indexing import take as take
from .linear import matmul as matmul
from .movement import astype as astype
from .movement import broadcast_to as broadcast_to
from .movement import concat as concat
from .movement import expand_dims as expand_dims
from .movement import flatten as flatten
from .movement import flip as flip
from .movement import matrix_transpose as matrix_transpose
from .movement import permute_dims as permute_dims
from .movement import reshape as reshape
from .movement import squeeze as squeeze
from .movement import stack as stack
from .reduction import all as all
from .reduction import any as any
from .reduction import argmax as argmax
from .reduction import argmin as argmin
from .reduction import log_softmax as log_softmax
from .reduction import logsumexp as logsumexp
from .reduction import max as max
from .reduction import mean as mean
from .reduction import min as min
from .reduction import prod as prod
from .reduction import softmax as softmax
from .reduction import std as std
from .reduction import sum as sum
from .reduction import var as var

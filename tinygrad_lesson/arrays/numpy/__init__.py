"""The vocabulary on NumPy: the namespace that ops run on unless a tracer is at work.

Functions that NumPy has under the standard's name are NumPy's own. The rest are here, by family as
in ``ops/``, most of them to skip a Python-level wrapper of NumPy's that costs more than a small
kernel.
"""

from __future__ import annotations

from numpy import add as add
from numpy import bitwise_and as bitwise_and
from numpy import bitwise_invert as bitwise_invert
from numpy import bitwise_or as bitwise_or
from numpy import bitwise_xor as bitwise_xor
from numpy import ceil as ceil
from numpy import clip as clip
from numpy import copy as copy
from numpy import cos as cos
from numpy import divide as divide
from numpy import equal as equal
from numpy import exp as exp
from numpy import expand_dims as expand_dims
from numpy import expm1 as expm1
from numpy import flip as flip
from numpy import floor as floor
from numpy import floor_divide as floor_divide
from numpy import full_like as full_like
from numpy import greater as greater
from numpy import greater_equal as greater_equal
from numpy import isfinite as isfinite
from numpy import isinf as isinf
from numpy import isnan as isnan
from numpy import less as less
from numpy import less_equal as less_equal
from numpy import log as log
from numpy import log1p as log1p
from numpy import logical_and as logical_and
from numpy import logical_not as logical_not
from numpy import logical_or as logical_or
from numpy import logical_xor as logical_xor
from numpy import maximum as maximum
from numpy import minimum as minimum
from numpy import multiply as multiply
from numpy import negative as negative
from numpy import not_equal as not_equal
from numpy import ones_like as ones_like
from numpy import remainder as remainder
from numpy import round as round
from numpy import sign as sign
from numpy import sin as sin
from numpy import sqrt as sqrt
from numpy import square as square
from numpy import subtract as subtract
from numpy import tan as tan
from numpy import tanh as tanh
from numpy import trunc as trunc
from numpy import where as where
from numpy import zeros_like as zeros_like

from .elementwise import abs as abs
from .elementwise import pow as pow
from .elementwise import reciprocal as reciprocal
from .elementwise import relu as relu
from .elementwise import sigmoid as sigmoid
from .indexing import add_at as add_at
from .indexing import getitem as getitem
from .indexing import last_written as last_written
from .indexing import one_hot as one_hot
from .indexing import setitem as setitem
from .indexing import take as take
from .linear import matmul as matmul
from .movement import astype as astype
from .movement import broadcast_to as broadcast_to
from .movement import concat as concat
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
from .reduction import sum as sum
from .reduction import var as var

"""An autograd engine that reads like a lesson: tensors, their graph, and its readers.

>>> import tinygrad_lesson as tl
>>> x = tl.Tensor(3.0, requires_grad=True, name="x")
>>> y = x**2 + 2 * x
>>> y.backward()
>>> float(x.grad)
8.0
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import autograd as autograd
from . import errors as errors
from . import nn as nn
from . import optim as optim
from .creation import arange as arange
from .creation import eye as eye
from .creation import full as full
from .creation import linspace as linspace
from .creation import ones as ones
from .creation import zeros as zeros
from .dtypes import bool as bool
from .dtypes import float16 as float16
from .dtypes import float32 as float32
from .dtypes import float64 as float64
from .dtypes import get_default_dtype as get_default_dtype
from .dtypes import int8 as int8
from .dtypes import int16 as int16
from .dtypes import int32 as int32
from .dtypes import int64 as int64
from .dtypes import set_default_dtype as set_default_dtype
from .dtypes import uint8 as uint8
from .dtypes import uint16 as uint16
from .dtypes import uint32 as uint32
from .dtypes import uint64 as uint64
from .mode import debug as debug
from .mode import enable_grad as enable_grad
from .mode import is_grad_enabled as is_grad_enabled
from .mode import no_grad as no_grad
from .ops import abs as abs
from .ops import add as add
from .ops import add_at as add_at
from .ops import all as all
from .ops import any as any
from .ops import argmax as argmax
from .ops import argmin as argmin
from .ops import astype as astype
from .ops import bitwise_and as bitwise_and
from .ops import bitwise_invert as bitwise_invert
from .ops import bitwise_or as bitwise_or
from .ops import bitwise_xor as bitwise_xor
from .ops import broadcast_to as broadcast_to
from .ops import ceil as ceil
from .ops import clip as clip
from .ops import concat as concat
from .ops import cos as cos
from .ops import divide as divide
from .ops import equal as equal
from .ops import exp as exp
from .ops import expand_dims as expand_dims
from .ops import expm1 as expm1
from .ops import flatten as flatten
from .ops import flip as flip
from .ops import floor as floor
from .ops import floor_divide as floor_divide
from .ops import full_like as full_like
from .ops import getitem as getitem
from .ops import greater as greater
from .ops import greater_equal as greater_equal
from .ops import isfinite as isfinite
from .ops import isinf as isinf
from .ops import isnan as isnan
from .ops import last_written as last_written
from .ops import less as less
from .ops import less_equal as less_equal
from .ops import log as log
from .ops import log1p as log1p
from .ops import log_softmax as log_softmax
from .ops import logical_and as logical_and
from .ops import logical_not as logical_not
from .ops import logical_or as logical_or
from .ops import logical_xor as logical_xor
from .ops import logsumexp as logsumexp
from .ops import matmul as matmul
from .ops import matrix_transpose as matrix_transpose
from .ops import max as max
from .ops import maximum as maximum
from .ops import mean as mean
from .ops import min as min
from .ops import minimum as minimum
from .ops import multiply as multiply
from .ops import negative as negative
from .ops import not_equal as not_equal
from .ops import one_hot as one_hot
from .ops import ones_like as ones_like
from .ops import permute_dims as permute_dims
from .ops import pow as pow
from .ops import prod as prod
from .ops import reciprocal as reciprocal
from .ops import relu as relu
from .ops import remainder as remainder
from .ops import reshape as reshape
from .ops import round as round
from .ops import setitem as setitem
from .ops import sigmoid as sigmoid
from .ops import sign as sign
from .ops import sin as sin
from .ops import softmax as softmax
from .ops import sqrt as sqrt
from .ops import square as square
from .ops import squeeze as squeeze
from .ops import stack as stack
from .ops import std as std
from .ops import subtract as subtract
from .ops import sum as sum
from .ops import take as take
from .ops import tan as tan
from .ops import tanh as tanh
from .ops import trunc as trunc
from .ops import var as var
from .ops import where as where
from .ops import zeros_like as zeros_like
from .random import default_generator as default_generator
from .random import manual_seed as manual_seed
from .random import rand as rand
from .random import randint as randint
from .random import randn as randn
from .random import randperm as randperm
from .tensor import Tensor as Tensor
from .transforms import grad as grad
from .transforms import hessian as hessian
from .transforms import hvp as hvp
from .transforms import jacobian as jacobian
from .transforms import jvp as jvp
from .transforms import value_and_grad as value_and_grad
from .transforms import vjp as vjp

if TYPE_CHECKING:
    from .checking import gradcheck as gradcheck

__version__ = "0.1.0"

_ON_FIRST_USE = {"gradcheck": ".checking"}
"""What not every program needs, and where it is."""


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(_ON_FIRST_USE[name], __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})

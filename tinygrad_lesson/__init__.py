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
from . import linalg as linalg
from .creation import arange as arange
from .creation import asarray as asarray
from .creation import empty as empty
from .creation import eye as eye
from .creation import from_dlpack as from_dlpack
from .creation import full as full
from .creation import geomspace as geomspace
from .creation import linspace as linspace
from .creation import logspace as logspace
from .creation import ones as ones
from .creation import zeros as zeros
from .custom import custom_vjp as custom_vjp
from .dtypes import bool as bool
from .dtypes import can_cast as can_cast
from .dtypes import finfo as finfo
from .dtypes import float16 as float16
from .dtypes import float32 as float32
from .dtypes import float64 as float64
from .dtypes import get_default_dtype as get_default_dtype
from .dtypes import iinfo as iinfo
from .dtypes import int8 as int8
from .dtypes import int16 as int16
from .dtypes import int32 as int32
from .dtypes import int64 as int64
from .dtypes import isdtype as isdtype
from .dtypes import result_type as result_type
from .dtypes import set_default_dtype as set_default_dtype
from .dtypes import uint8 as uint8
from .dtypes import uint16 as uint16
from .dtypes import uint32 as uint32
from .dtypes import uint64 as uint64
from .linalg import einsum as einsum
from .mode import debug as debug
from .mode import enable_grad as enable_grad
from .mode import is_grad_enabled as is_grad_enabled
from .mode import no_grad as no_grad
from .ops import abs as abs
from .ops import acos as acos
from .ops import acosh as acosh
from .ops import add as add
from .ops import add_at as add_at
from .ops import addcdiv as addcdiv
from .ops import addcmul as addcmul
from .ops import all as all
from .ops import aminmax as aminmax
from .ops import any as any
from .ops import argmax as argmax
from .ops import argmin as argmin
from .ops import argsort as argsort
from .ops import argtopk as argtopk
from .ops import argwhere as argwhere
from .ops import asin as asin
from .ops import asinh as asinh
from .ops import astype as astype
from .ops import atan as atan
from .ops import atan2 as atan2
from .ops import atanh as atanh
from .ops import atleast_1d as atleast_1d
from .ops import atleast_2d as atleast_2d
from .ops import atleast_3d as atleast_3d
from .ops import beta as beta
from .ops import betaln as betaln
from .ops import binom as binom
from .ops import bitwise_and as bitwise_and
from .ops import bitwise_invert as bitwise_invert
from .ops import bitwise_left_shift as bitwise_left_shift
from .ops import bitwise_or as bitwise_or
from .ops import bitwise_right_shift as bitwise_right_shift
from .ops import bitwise_xor as bitwise_xor
from .ops import block_diag as block_diag
from .ops import broadcast_arrays as broadcast_arrays
from .ops import broadcast_to as broadcast_to
from .ops import cbrt as cbrt
from .ops import cdist as cdist
from .ops import ceil as ceil
from .ops import celu as celu
from .ops import channel_shuffle as channel_shuffle
from .ops import chunk as chunk
from .ops import column_stack as column_stack
from .ops import concat as concat
from .ops import conj as conj
from .ops import copysign as copysign
from .ops import corrcoef as corrcoef
from .ops import cos as cos
from .ops import cosh as cosh
from .ops import cosine_similarity as cosine_similarity
from .ops import count_nonzero as count_nonzero
from .ops import cov as cov
from .ops import cross as cross
from .ops import cumprod as cumprod
from .ops import cumsum as cumsum
from .ops import cumulative_argmax as cumulative_argmax
from .ops import cumulative_argmin as cumulative_argmin
from .ops import cumulative_logsumexp as cumulative_logsumexp
from .ops import cumulative_max as cumulative_max
from .ops import cumulative_min as cumulative_min
from .ops import cumulative_prod as cumulative_prod
from .ops import cumulative_sum as cumulative_sum
from .ops import deg2rad as deg2rad
from .ops import diag as diag
from .ops import diag_embed as diag_embed
from .ops import diagonal as diagonal
from .ops import digamma as digamma
from .ops import divide as divide
from .ops import dot as dot
from .ops import dstack as dstack
from .ops import elu as elu
from .ops import empty_like as empty_like
from .ops import entr as entr
from .ops import equal as equal
from .ops import erf as erf
from .ops import erfc as erfc
from .ops import erfcinv as erfcinv
from .ops import erfcx as erfcx
from .ops import erfinv as erfinv
from .ops import exp as exp
from .ops import exp2 as exp2
from .ops import expand_dims as expand_dims
from .ops import expm1 as expm1
from .ops import factorial as factorial
from .ops import flatnonzero as flatnonzero
from .ops import flatten as flatten
from .ops import flip as flip
from .ops import float_power as float_power
from .ops import floor as floor
from .ops import floor_divide as floor_divide
from .ops import fmax as fmax
from .ops import fmin as fmin
from .ops import fmod as fmod
from .ops import frac as frac
from .ops import full_like as full_like
from .ops import gamma as gamma
from .ops import gather as gather
from .ops import gelu as gelu
from .ops import getitem as getitem
from .ops import glu as glu
from .ops import greater as greater
from .ops import greater_equal as greater_equal
from .ops import grid_sample as grid_sample
from .ops import hardshrink as hardshrink
from .ops import hardsigmoid as hardsigmoid
from .ops import hardswish as hardswish
from .ops import hardtanh as hardtanh
from .ops import heaviside as heaviside
from .ops import hstack as hstack
from .ops import hypot as hypot
from .ops import i0 as i0
from .ops import i0e as i0e
from .ops import i1 as i1
from .ops import i1e as i1e
from .ops import imag as imag
from .ops import index_add as index_add
from .ops import index_copy as index_copy
from .ops import index_put as index_put
from .ops import index_select as index_select
from .ops import inner as inner
from .ops import interpolate as interpolate
from .ops import isfinite as isfinite
from .ops import isin as isin
from .ops import isinf as isinf
from .ops import isnan as isnan
from .ops import iv as iv
from .ops import ive as ive
from .ops import kron as kron
from .ops import kthvalue as kthvalue
from .ops import last_written as last_written
from .ops import ldexp as ldexp
from .ops import leaky_relu as leaky_relu
from .ops import lerp as lerp
from .ops import less as less
from .ops import less_equal as less_equal
from .ops import lgamma as lgamma
from .ops import log as log
from .ops import log1p as log1p
from .ops import log2 as log2
from .ops import log10 as log10
from .ops import log_ndtr as log_ndtr
from .ops import log_sigmoid as log_sigmoid
from .ops import log_softmax as log_softmax
from .ops import logaddexp as logaddexp
from .ops import logaddexp2 as logaddexp2
from .ops import logcumsumexp as logcumsumexp
from .ops import logical_and as logical_and
from .ops import logical_not as logical_not
from .ops import logical_or as logical_or
from .ops import logical_xor as logical_xor
from .ops import logit as logit
from .ops import logsumexp as logsumexp
from .ops import masked_fill as masked_fill
from .ops import masked_select as masked_select
from .ops import matmul as matmul
from .ops import matrix_transpose as matrix_transpose
from .ops import max as max
from .ops import maximum as maximum
from .ops import mean as mean
from .ops import median as median
from .ops import meshgrid as meshgrid
from .ops import min as min
from .ops import minimum as minimum
from .ops import mish as mish
from .ops import moveaxis as moveaxis
from .ops import multigammaln as multigammaln
from .ops import multiply as multiply
from .ops import nan_to_num as nan_to_num
from .ops import nanmax as nanmax
from .ops import nanmean as nanmean
from .ops import nanmin as nanmin
from .ops import nanprod as nanprod
from .ops import nansum as nansum
from .ops import narrow as narrow
from .ops import ndtr as ndtr
from .ops import ndtri as ndtri
from .ops import negative as negative
from .ops import nextafter as nextafter
from .ops import nonzero as nonzero
from .ops import norm as norm
from .ops import normalize as normalize
from .ops import not_equal as not_equal
from .ops import one_hot as one_hot
from .ops import ones_like as ones_like
from .ops import outer as outer
from .ops import overlap_add as overlap_add
from .ops import pad as pad
from .ops import pairwise_distance as pairwise_distance
from .ops import percentile as percentile
from .ops import permute_dims as permute_dims
from .ops import pixel_shuffle as pixel_shuffle
from .ops import pixel_unshuffle as pixel_unshuffle
from .ops import polygamma as polygamma
from .ops import positive as positive
from .ops import pow as pow
from .ops import prelu as prelu
from .ops import prod as prod
from .ops import ptp as ptp
from .ops import quantile as quantile
from .ops import rad2deg as rad2deg
from .ops import ravel as ravel
from .ops import real as real
from .ops import reciprocal as reciprocal
from .ops import relu as relu
from .ops import relu6 as relu6
from .ops import remainder as remainder
from .ops import repeat as repeat
from .ops import reshape as reshape
from .ops import roll as roll
from .ops import rot90 as rot90
from .ops import round as round
from .ops import rsqrt as rsqrt
from .ops import safe_softmax as safe_softmax
from .ops import scaled_dot_product_attention as scaled_dot_product_attention
from .ops import scatter as scatter
from .ops import scatter_add as scatter_add
from .ops import scatter_reduce as scatter_reduce
from .ops import selu as selu
from .ops import setitem as setitem
from .ops import sigmoid as sigmoid
from .ops import sign as sign
from .ops import signbit as signbit
from .ops import silu as silu
from .ops import sin as sin
from .ops import sinc as sinc
from .ops import sinh as sinh
from .ops import softmax as softmax
from .ops import softmin as softmin
from .ops import softplus as softplus
from .ops import softshrink as softshrink
from .ops import softsign as softsign
from .ops import sort as sort
from .ops import sort_with_indices as sort_with_indices
from .ops import split as split
from .ops import sqrt as sqrt
from .ops import square as square
from .ops import squeeze as squeeze
from .ops import stack as stack
from .ops import standardize as standardize
from .ops import std as std
from .ops import std_mean as std_mean
from .ops import subtract as subtract
from .ops import sum as sum
from .ops import swapaxes as swapaxes
from .ops import take as take
from .ops import take_along_axis as take_along_axis
from .ops import tan as tan
from .ops import tanh as tanh
from .ops import tanhshrink as tanhshrink
from .ops import tensordot as tensordot
from .ops import threshold as threshold
from .ops import tile as tile
from .ops import topk as topk
from .ops import trace as trace
from .ops import transpose as transpose
from .ops import tril as tril
from .ops import triu as triu
from .ops import trunc as trunc
from .ops import unflatten as unflatten
from .ops import unique_all as unique_all
from .ops import unique_counts as unique_counts
from .ops import unique_inverse as unique_inverse
from .ops import unique_values as unique_values
from .ops import unstack as unstack
from .ops import var as var
from .ops import var_mean as var_mean
from .ops import vecdot as vecdot
from .ops import vector_norm as vector_norm
from .ops import vstack as vstack
from .ops import where as where
from .ops import windows as windows
from .ops import xlog1py as xlog1py
from .ops import xlogy as xlogy
from .ops import zeros_like as zeros_like
from .optional_arrays import average as average
from .optional_arrays import clip as clip
from .optional_arrays import diff as diff
from .optional_arrays import searchsorted as searchsorted
from .optional_arrays import trapezoid as trapezoid
from .random import default_generator as default_generator
from .random import manual_seed as manual_seed
from .random import rand as rand
from .random import randint as randint
from .random import randn as randn
from .random import randperm as randperm
from .rematerialization import checkpoint as checkpoint
from .standard import __array_api_version__ as __array_api_version__
from .standard import __array_namespace_info__ as __array_namespace_info__
from .standard import broadcast_shapes as broadcast_shapes
from .standard import e as e
from .standard import inf as inf
from .standard import nan as nan
from .standard import newaxis as newaxis
from .standard import pi as pi
from .tensor import Tensor as Tensor
from .transforms import grad as grad
from .transforms import hessian as hessian
from .transforms import hvp as hvp
from .transforms import jacobian as jacobian
from .transforms import jvp as jvp
from .transforms import value_and_grad as value_and_grad
from .transforms import vjp as vjp

if TYPE_CHECKING:
    from . import data as data
    from . import health as health
    from . import nn as nn
    from . import optim as optim
    from . import training as training
    from .batching import vmap as vmap
    from .checking import gradcheck as gradcheck
    from .health import Health as Health
    from .memory import keep_freed_memory as keep_freed_memory
    from .serialize import load as load
    from .serialize import save as save
    from .summaries import summary as summary
    from .training import fit as fit

__version__ = "0.1.0"

_ON_FIRST_USE = {
    "nn": ".nn", "optim": ".optim", "data": ".data", "gradcheck": ".checking",
    "load": ".serialize", "save": ".serialize",
    "keep_freed_memory": ".memory", "vmap": ".batching", "fit": ".training",
    "training": ".training", "health": ".health", "Health": ".health", "summary": ".summaries",
    "compile": ".compiler", "RetraceWarning": ".compiler",
    "CompilerWarning": ".compiler",
}  # fmt: skip
"""What not every program needs, and where it is."""


def __getattr__(name: str) -> Any:
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_ON_FIRST_USE[name], __name__)
    found = getattr(module, name, module)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})

"""Calls of the array API's functions, written once for every library.

An array among the arguments is NumPy's, a dtype is its name in a :class:`DType`.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np


class Call(NamedTuple):
    """The arguments of a call."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class DType(str):
    """The name of a dtype among the arguments of a call."""


INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float32", "float64")
DTYPES = ("bool", *INTEGERS, *FLOATS)

UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "cos",
    "cosh", "exp", "expm1", "floor", "isfinite", "isinf", "isnan", "log", "log10", "log1p",
    "log2", "logical_not", "negative", "positive", "reciprocal", "round", "sign", "signbit",
    "sin", "sinh", "sqrt", "square", "tan", "tanh", "trunc",
)  # fmt: skip
BINARY = (
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "copysign", "divide", "equal", "floor_divide", "greater", "greater_equal",
    "hypot", "less", "less_equal", "logaddexp", "logical_and", "logical_or", "logical_xor",
    "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow", "remainder", "subtract",
)  # fmt: skip


OF_COMPLEX = ("conj", "imag", "real")
"""Functions that the standard has for complex numbers alone."""


def small(dtype: str) -> np.ndarray:
    """Six numbers of a dtype, negative ones and zero among them where it has them."""
    numbers = {"b": [True, False, True], "u": [3, 0, 5], "i": [3, 0, -5], "f": [0.75, 0.0, -2.5]}
    return np.array([numbers[np.dtype(dtype).kind], [1, 2, 4]], dtype)


def call(*args: Any, **kwargs: Any) -> Call:
    return Call(args, kwargs)


I, F, B = small("int64"), small("float64"), small("bool")  # noqa: E741
F32, U8 = small("float32"), small("uint8")
V = np.array([2.0, -1.0, 0.5])
W = np.array([1.0, 3.0, -2.0])
BLOCK = np.arange(24.0).reshape(2, 3, 4) - 7.5
SQUARE = np.array([[4.0, 1.0, 0.5], [1.0, 3.0, -1.0], [0.5, -1.0, 5.0]])
TIES = np.array([[3, 1, 3], [2, 1, 0]])


def over_axes(*arrays: np.ndarray, **more: Any) -> list[Call]:
    """The calls of a reduction."""
    return [
        call(x, **kwargs, **more)
        for x in arrays
        for kwargs in ({}, {"axis": 0}, {"axis": -1, "keepdims": True}, {"axis": (0, 1)})
    ]


EVERY = [small(dtype) for dtype in DTYPES]
NUMERIC = EVERY[1:]

CASES: dict[str, list[Call]] = {
    # creation
    "arange": [call(3), call(1, 7), call(7, step=2), call(5.0, 1.0, -1.5),
               call(3, dtype=DType("float32")),
               call(0, stop=4, device=None)],
    "asarray": [call([[1, 2]]), call(2.5), call(True), call(F32), call(F32, dtype=DType("float64")),
                call(I, copy=True), call(1, dtype=DType("uint8")), call(I, copy=None)],
    "empty": [],
    "empty_like": [],
    "eye": [call(3), call(2, 3), call(3, 2, k=-1), call(3, k=1, dtype=DType("int16"))],
    "from_dlpack": [],
    "full": [call((2,), 2.5), call(3, 2), call((), True), call(shape=(2, 1), fill_value=1),
             call((2,), 1, dtype=DType("float32"))],
    "full_like": [call(F32, 2.5), call(I, fill_value=3), call(I, 2.5, dtype=DType("float64"))],
    "linspace": [call(0, 1, 5), call(0.0, 1.0, num=4, endpoint=False),
                 call(-1, 2, 3, dtype=DType("float32"))],
    "meshgrid": [call(V, W), call(V, np.array([1.0, 2.0]), indexing="ij"), call(V)],
    "ones": [call((2, 3)), call(3), call(shape=(2,), dtype=DType("int8"))],
    "ones_like": [call(F32), call(B), call(I, dtype=DType("float32"))],
    "tril": [call(F), call(BLOCK, k=1), call(I, k=-1)],
    "triu": [call(F), call(BLOCK, k=1), call(I, k=-1)],
    "zeros": [call((2, 3)), call(3), call(shape=(2,), dtype=DType("bool"))],
    "zeros_like": [call(F32), call(U8), call(I, dtype=DType("float64"), device=None)],
    # dtypes
    "astype": [call(F, DType(d)) for d in ("float32", "float64")] +
              [call(I, DType(d), copy=False) for d in ("int64", "float32")] +
              [call(B, DType(d)) for d in DTYPES],
    "broadcast_arrays": [call(V, F), call(V[:, None], W)],
    "broadcast_shapes": [],
    "broadcast_to": [call(V, (2, 3)), call(V[:, None], shape=(3, 2))],
    "can_cast": [call(DType(a), DType(b)) for a, b in itertools.product(INTEGERS, repeat=2)] +
                [call(DType(a), DType(b)) for a, b in itertools.product(FLOATS, repeat=2)] +
                [call(F32, DType("float64"))],
    "finfo": [],
    "iinfo": [],
    "isdtype": [call(DType(d), k) for d in DTYPES for k in
                ("bool", "signed integer", "unsigned integer", "integral", "real floating",
                 "complex floating", "numeric", ("bool", "integral"), DType("int8"),
                 (DType("float32"), "bool"))],
    "result_type": [call(DType(a), DType(b)) for a, b in
                    itertools.product(("int8", "int64", "uint8", "uint32"), repeat=2)] +
                   [call(F32, DType("float64")), call(F32, 1.5), call(I, 3), call(U8, I, 2)],
    # elementwise with more than arrays
    "clip": [call(F, -1.0, 0.5), call(F, min=0.0), call(F, max=0.0), call(I, 0, 2),
             call(F32, 0.0, 1.0), call(F, V - 3.0, 1.0), call(F, max=V)],
    "where": [call(B, F, V), call(B, F32, F), call(B, F, 1.0), call(B, 2, I)],
    # indexing and searching
    "take": [call(V, np.array([2, 0])), call(F, np.array([1, 1]), axis=0),
             call(F, np.array([-1]), axis=1)],
    "take_along_axis": [call(F, np.array([[0, 2], [1, 1]])),
                        call(F, np.array([[1, 0, 1]]), axis=0)],
    "argmax": [call(F), call(F, axis=1), call(I, axis=0, keepdims=True)],
    "argmin": [call(F), call(F, axis=1), call(I, axis=0, keepdims=True)],
    "count_nonzero": over_axes(F, I, B),
    "nonzero": [call(F), call(B), call(V)],
    "searchsorted": [call(np.array([1.0, 2.0, 3.0]), np.array([0.5, 2.0, 9.0])),
                     call(np.array([1.0, 2.0, 3.0]), np.array([2.0]), side="right"),
                     call(np.array([3.0, 1.0, 2.0]), np.array([2.5]), sorter=np.array([1, 2, 0]))],
    "isin": [],
    # sets
    "unique_all": [call(TIES), call(F)],
    "unique_counts": [call(TIES), call(F)],
    "unique_inverse": [call(TIES), call(F)],
    "unique_values": [call(TIES), call(F)],
    # sorting
    "sort": [call(TIES), call(F, axis=0), call(F, descending=True), call(F, stable=False)],
    "argsort": [call(TIES), call(F, axis=0), call(TIES, descending=True), call(F, stable=False)],
    # reductions
    "all": over_axes(B, I, F),
    "any": over_axes(B, I, F),
    "max": over_axes(*NUMERIC),
    "min": over_axes(*NUMERIC),
    "mean": over_axes(F, F32),
    "std": over_axes(F, F32) + over_axes(F, correction=1.0),
    "var": over_axes(F, F32) + over_axes(F, correction=1.0),
    "sum": [*over_axes(*NUMERIC), call(F32, dtype=DType("float64")), call(I, dtype=DType("int8"))],
    "prod": [*over_axes(*NUMERIC), call(F32, dtype=DType("float64")), call(I, dtype=DType("int8"))],
    "cumulative_sum": [call(V)] + [call(x, axis=1) for x in NUMERIC] +
                      [call(F, axis=0, include_initial=True),
                      call(F32, axis=0, dtype=DType("float64"))],
    "cumulative_prod": [call(V)] + [call(x, axis=1) for x in NUMERIC] +
                       [call(F, axis=0, include_initial=True),
                       call(F32, axis=0, dtype=DType("float64"))],
    "diff": [call(F), call(F, axis=0), call(F, n=2), call(F, prepend=F[:, :1], append=F[:, :2])],
    # movement
    "concat": [call([F, F]), call((F, F32), axis=1), call([F, V], axis=None), call([I, U8])],
    "expand_dims": [call(F, axis=0), call(F, axis=-1), call(F, axis=1)],
    "flip": [call(F), call(F, axis=0), call(BLOCK, axis=(0, -1))],
    "moveaxis": [call(BLOCK, 0, -1), call(BLOCK, (0, 1), (2, 0))],
    "permute_dims": [call(BLOCK, (2, 0, 1)), call(F, axes=(1, 0))],
    "repeat": [call(V, 2), call(F, 2, axis=0), call(V, np.array([1, 0, 2])), call(F, 2)],
    "reshape": [call(F, (3, 2)), call(F, shape=(-1,)), call(F, (6,), copy=True),
                call(F, (6,), copy=None)],
    "roll": [call(V, 1), call(F, 1, axis=1), call(F, (1, -1), axis=(0, 1)), call(F, shift=2)],
    "squeeze": [call(F[:, None], 1), call(F[None, :, None], axis=(0, 2))],
    "stack": [call([F, F]), call((V, W), axis=-1), call([I, U8], axis=1)],
    "tile": [call(V, (2,)), call(F, (2, 1)), call(V, (2, 2))],
    "unstack": [call(F), call(F, axis=1)],
    # products
    "matmul": [call(F, F.T.copy()), call(V, W), call(BLOCK, BLOCK.mT.copy()),
               call(F32, F.T.copy()), call(I, I.T.copy())],
    "matrix_transpose": [call(F), call(BLOCK)],
    "tensordot": [call(BLOCK, BLOCK, axes=3), call(F, F, axes=((0,), (0,))), call(V, W, axes=1),
                  call(V, W, axes=0), call(BLOCK, F.T.copy(), axes=([1], [0]))],
    "vecdot": [call(V, W), call(F, V), call(F, F, axis=-2), call(I, I)],
    # linear algebra
    "linalg.cholesky": [call(SQUARE), call(SQUARE, upper=True)],
    "linalg.cross": [call(V, W), call(F, V), call(F.T.copy(), V[:, None], axis=-2)],
    "linalg.det": [call(SQUARE), call(np.stack([SQUARE, 2 * SQUARE]))],
    "linalg.diagonal": [call(F), call(BLOCK, offset=1)],
    "linalg.eigh": [],
    "linalg.eigvalsh": [call(SQUARE)],
    "linalg.inv": [call(SQUARE)],
    "linalg.matmul": [call(F, F.T.copy())],
    "linalg.matrix_norm": [call(F), call(BLOCK, keepdims=True), call(F, ord=1), call(F, ord="nuc"),
                           call(F, ord=2), call(F, ord=-2), call(F, ord=float("inf"))],
    "linalg.matrix_power": [call(SQUARE, 3), call(SQUARE, 0), call(SQUARE, -1)],
    "linalg.matrix_rank": [call(SQUARE), call(np.ones((3, 3))), call(SQUARE, rtol=0.5)],
    "linalg.matrix_transpose": [call(BLOCK)],
    "linalg.outer": [call(V, W)],
    "linalg.pinv": [call(F), call(F, rtol=0.1)],
    "linalg.qr": [],
    "linalg.slogdet": [call(SQUARE), call(-SQUARE)],
    "linalg.solve": [call(SQUARE, V), call(SQUARE, F.T.copy())],
    "linalg.svd": [],
    "linalg.svdvals": [call(F)],
    "linalg.tensordot": [call(F, F, axes=2)],
    "linalg.trace": [call(F), call(BLOCK, offset=1), call(F32, dtype=DType("float64")), call(I)],
    "linalg.vecdot": [call(V, W)],
    "linalg.vector_norm": [*over_axes(F), call(F, ord=1), call(V, ord=float("inf")),
                           call(V, ord=3), call(F, axis=0, ord=0)],
}  # fmt: skip

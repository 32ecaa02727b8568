"""Elementwise ops in C: each against its NumPy kernel, on samples and on special values."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import math
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.compiler.c_code import operators, toolchain
from tinygrad_lesson.compiler.c_code.lowering import RECIPES
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Sample
from tinygrad_lesson.tracing.program import Equation, Value

from .support import draw, filled, hurry, registered_calls

pytestmark = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

Case = tuple[Op[...], list[Any], dict[str, Any]]

# Ops that do more than one operation or call a function of their own, and how many units in the
# last place they may differ from the kernel; all others agree to the bit.
ROUNDED = {
    **dict.fromkeys((
        "exp", "log", "log1p", "expm1", "sigmoid", "tanh", "erf", "erfc", "sin", "cos", "tan",
        "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh", "log2", "log10", "exp2",
        "cbrt", "hypot", "atan2", "pow", "float_power", "rsqrt", "log_sigmoid", "softplus", "elu",
        "celu", "selu", "silu", "softsign", "hardswish", "lerp", "deg2rad", "rad2deg", "addcdiv",
    ), 8),
    **dict.fromkeys(("gelu", "gelu_slope", "mish", "xlogy", "xlog1py", "entr", "logit", "sinc",
                     "logaddexp", "logaddexp2", "tanhshrink"), 32),
}  # fmt: skip

# Where digits cancel or an argument is large, what counts is the size of what goes in.
CANCELLING = {
    "sin", "cos", "tan", "sinc", "tanhshrink", "logit", "entr", "lerp", "xlogy", "log", "log2",
    "log10", "xlog1py", "logaddexp", "logaddexp2", "gelu", "gelu_slope", "acosh", "mish",
}  # fmt: skip


def specials(dtype: Any) -> np.ndarray:
    limits = np.finfo(dtype)
    least = limits.smallest_subnormal
    return np.array([
        math.nan, math.inf, -math.inf, 0.0, -0.0, least, -least, 1e3 * least, limits.tiny,
        limits.max, limits.min, 1, -1, 0.5, 2, -2, 3, -2.5, 7.25, 1e-3, -30, 100, -100, 1e9,
    ]).astype(dtype)  # fmt: skip


def cases(dtype: Any, sampled: bool) -> Iterator[Case]:
    """Calls of all ops that C has code for, at the registry's samples or special values."""
    for _, op, call in registered_calls():
        if op.kind.name != "elementwise":
            continue
        arrays = draw(op, call, dtype) if sampled else list(_special(op, call, dtype))
        params = filled(op, call.params)
        if writes(op, arrays, params):
            yield op, arrays, params


def _special(op: Op[...], call: Sample, dtype: Any) -> Iterator[np.ndarray]:
    """All pairs of special values; of three, some."""
    values = specials(dtype)
    shape = (values.size,) * min(len(call.inputs), 2)
    for place, domain in enumerate(call.inputs):
        if domain.kind == "f":
            turned = np.moveaxis(np.broadcast_to(values, shape), -1, min(place, len(shape) - 1))
            yield np.roll(turned, place // 2 * 5, 0)
        else:
            yield domain._replace(shape=shape).draw(np.random.default_rng(place), shape)


def writes(op: Op[...], inputs: list[Any], params: dict[str, Any]) -> bool:
    """Whether there is an expression in C for a call."""
    out = forward(op, inputs, params)
    given = [
        Value(i, x.shape, x.dtype) if isinstance(x, np.ndarray) else x for i, x in enumerate(inputs)
    ]
    return operators.can_write(Equation(Value(99, out.shape, out.dtype), op, tuple(given), params))


def forward(op: Op[...], inputs: list[Any], params: dict[str, Any]) -> np.ndarray:
    """The result of the eager op."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = (tl.Tensor(x) if isinstance(x, np.ndarray) else x for x in inputs)
        return op(*given, **params).numpy()


def in_c(calls: list[Case], all_of_it: bool = True) -> list[np.ndarray]:
    """The results of all calls, from one program; nothing of it is left to the array library."""

    def step(*tensors: tl.Tensor) -> list[tl.Tensor]:
        left = iter(tensors)
        return [
            op(*(next(left) if isinstance(x, np.ndarray) else x for x in inputs), **params)
            for op, inputs, params in calls
        ]

    compiled = tl.compile(step, mode="c")
    arrays = [tl.Tensor(x) for _, inputs, _ in calls for x in inputs if isinstance(x, np.ndarray)]
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        compiled(*arrays)
        results = compiled(*arrays)
    entry = compiled._shown()
    assert entry.mode == "c"
    host = all_of_it and [str(s) for s in entry.in_c.source.segments if not isinstance(s, str)]
    assert not host, "not in C: " + "; ".join(host)
    return [result.numpy() for result in results]


def check(calls: list[Case]) -> None:
    """Compare C with the kernels, to the bit or to the bounds above."""
    wrong = []
    for (op, inputs, params), found in zip(calls, in_c(calls), strict=True):
        expected = forward(op, inputs, params)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), (op, inputs)
        close = agree(op, inputs, found, expected)
        if not close.all():
            at = tuple(np.argwhere(~close)[0])
            given = [np.broadcast_to(x, close.shape)[at] for x in inputs]
            wrong.append(f"{op.name}{given} {params} is {expected[at]!r}, in C {found[at]!r}")
    assert not wrong, f"{len(wrong)}: " + "\n".join(wrong)


def agree(
    op: Op[...], inputs: list[Any], found: np.ndarray, expected: np.ndarray
) -> np.ndarray[Any, Any]:
    same = (found == expected) | ((found != found) & (expected != expected))
    if op.name in ROUNDED and expected.dtype.kind == "f":
        limits = np.finfo(expected.dtype)
        with np.errstate(all="ignore"):
            size = np.abs(expected)
            if op.name in CANCELLING:
                size = np.maximum(size, 1)
                for x in inputs:
                    size = np.maximum(size, np.abs(np.where(np.isfinite(x), x, 0)))
            bound = ROUNDED[op.name] * (size * limits.eps + 2 * limits.smallest_subnormal)
            same |= np.abs(found.astype(np.float64) - expected) <= bound
    return same


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sampled", [True, False], ids=["samples", "specials"])
def test_ops_on_floats_are_numpys(dtype: Any, sampled: bool) -> None:
    calls = list(cases(dtype, sampled))
    assert len({op.name for op, _, _ in calls}) > 95
    check(calls)


# ---- integers, booleans and mixtures -------------------------------------------------------

INTEGERS = (np.int64, np.int32, np.int16, np.int8, np.uint8)


def whole(dtype: Any) -> np.ndarray:
    if dtype is np.bool_:
        return np.array([True, False])
    limits = np.iinfo(dtype)
    return np.array([limits.min, limits.max, 0, 1, 2, 3, 7, 100,
                     *(() if limits.min == 0 else (-1, -2, -7, -100))], dtype)  # fmt: skip


def integer_cases(dtype: Any) -> Iterator[Case]:
    """All elementwise ops, on all pairs of numbers."""
    values = whole(dtype)
    shape = (values.size, values.size)
    for op in REGISTRY.values():
        if op.kind.name != "elementwise" or op.required:
            continue
        given = [np.broadcast_to(values, shape), np.broadcast_to(values[:, None], shape),
                 np.broadcast_to(values[::-1], shape)][: len(op.arrays)]  # fmt: skip
        params = filled(op, {"min": 0, "max": 3} if op.name == "clip" else {})
        try:
            if writes(op, given, params):
                yield op, given, params
        except (TypeError, ValueError):  # not for such numbers, or not for negative ones
            continue


def test_ops_on_integers_and_booleans_are_numpys(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, "-O1")
    calls = [case for dtype in (*INTEGERS, np.bool_) for case in integer_cases(dtype)]
    names = [op.name for op, _, _ in calls]
    for name in ("floor_divide", "remainder", "fmod", "add", "maximum", "bitwise_left_shift",
                 "sign", "abs", "clip", "where", "masked_fill", "equal"):  # fmt: skip
        assert names.count(name) >= len(INTEGERS), name
    assert len(calls) > 250
    check(calls)


NUMBERS = (2, 2.5, True, math.inf, 1e300, -0.0)


def test_mixed_dtypes_and_python_numbers_promote_as_in_numpy() -> None:
    dtypes = (np.float32, np.float64, np.int64, np.int32, np.int8, np.uint8, np.bool_)
    names = ("add", "maximum", "divide", "less", "where")
    arrays = [np.array([2.5, -0.5], d) if d in dtypes[:2] else whole(d)[:2] for d in dtypes]
    mask = np.array([True, False])
    calls: list[Case] = []
    for name, x, other in itertools.product(names, arrays, [*arrays, *NUMBERS]):
        op = REGISTRY[name]
        pair = (x, other) if len(calls) % 2 else (other, x)
        inputs = [mask, *pair] if name == "where" else list(pair)
        with np.errstate(all="ignore"), contextlib.suppress(TypeError, OverflowError):
            if writes(op, inputs, {}):
                calls.append((op, inputs, {}))
    assert len(calls) > 250
    check(calls)


@pytest.mark.parametrize("dtype", [np.float16, np.uint16, np.uint64])
def test_other_dtypes_are_left_to_the_array_library(dtype: Any) -> None:
    x = np.ones(3, dtype)
    assert not writes(REGISTRY["add"], [x, x], {})
    assert not writes(REGISTRY["less"], [x, x], {})
    assert not writes(REGISTRY["where"], [x > 0, x, x], {})


def test_comparisons_that_numpy_makes_beyond_a_dtype_are_left_to_it() -> None:
    assert not writes(REGISTRY["less"], [np.ones(3, np.int8), 300], {})
    assert not writes(REGISTRY["equal"], [np.ones(3, np.uint8), -1], {})
    assert writes(REGISTRY["less"], [np.ones(3, np.int8), 100], {})


def test_a_product_and_a_sum_are_rounded_twice() -> None:
    rng = np.random.default_rng(0)
    x, y, z = (tl.Tensor(a) for a in rng.normal(size=(3, 1000)).astype(np.float32))

    @tl.compile(mode="c")
    def step(x: tl.Tensor, y: tl.Tensor, z: tl.Tensor) -> tuple[tl.Tensor, tl.Tensor]:
        return x * y + z, tl.sqrt(x * y - y * x + 0.0 * (x * x - z))

    for _ in range(2):
        sums, roots = step(x, y, z)
    assert np.array_equal(sums.numpy(), (x * y + z).numpy())
    assert np.array_equal(np.abs(roots.numpy()), np.zeros(1000))


def test_literals() -> None:
    assert operators.literal(1e300, "f32") == "((f32)INFINITY)"
    assert operators.literal(-math.inf, "f64") == "(-(f64)INFINITY)"
    assert operators.literal(-0.0, "f32") == "(-0.0f)"
    assert operators.literal(0.1, "f32") == f"{float(np.float32(0.1))!r}f"
    assert operators.literal(-3, "i64") == "(i64)-3"


# ---- elementary functions ------------------------------------------------------------------

SWEEPS = {
    "exp": ((-104, 88.8), (-745, 709.8)), "log": ((-87, 88), (-708, 709)),
    "log1p": ((-1, 50), (-1, 50)), "expm1": ((-20, 88.8), (-40, 709.8)),
    "tanh": ((-12, 12), (-22, 22)), "sigmoid": ((-86, 40), (-707, 40)), "erf": ((-6, 6), (-7, 7)),
}  # fmt: skip


def sweep(name: str, dtype: Any, count: int) -> np.ndarray:
    """Numbers over the whole range, and many near 0 (for the logarithm, 1)."""
    rng = np.random.default_rng(0)
    low, high = SWEEPS[name][dtype is np.float64]
    near = rng.normal(size=count) * 10.0 ** rng.uniform(-6, 0, count)
    wide = rng.uniform(low, high, count)
    if name == "log":
        return np.concatenate([np.exp(wide), 1 + np.clip(near, -0.9, 9)]).astype(dtype)
    return np.concatenate([wide, np.clip(near, low, high)]).astype(dtype)


def reference(name: str, x: np.ndarray) -> np.ndarray:
    """In at least 11 bits more than `x` has; the error function of doubles is the C library's."""
    if name == "erf":
        return np.array([math.erf(v) for v in x.tolist()])
    wide = x.astype(np.longdouble if x.dtype == np.float64 else np.float64)
    out: np.ndarray = 1 / (1 + np.exp(-wide)) if name == "sigmoid" else getattr(np, name)(wide)
    return out


@pytest.fixture(scope="module")
def elementary() -> ctypes.CDLL:
    """A library with a loop for each elementary function."""
    parts = ['#include "elementary.h"']
    for name, t in itertools.product(SWEEPS, ("f32", "f64")):
        parts.append(
            f'__attribute__((visibility("default")))\n'
            f"void loop_{name}_{t}(const {t} *restrict x, {t} *restrict out, i64 n) {{\n"
            f"#pragma omp simd\n"
            f"for (i64 i = 0; i < n; i++) out[i] = {name}_{t}(x[i]);\n}}"
        )
    return toolchain.load("\n".join(parts))


def looped(library: ctypes.CDLL, name: str, x: np.ndarray) -> np.ndarray:
    out = np.empty_like(x)
    loop = getattr(library, f"loop_{name}_{'f32' if x.dtype == np.float32 else 'f64'}")
    loop(ctypes.c_void_p(x.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(x.size))
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", SWEEPS)
def test_elementary_functions_keep_the_bounds_that_their_page_states(
    elementary: ctypes.CDLL, name: str, dtype: Any
) -> None:
    page = (toolchain.HEADERS / "elementary.h").read_text()
    kind = "single" if dtype is np.float32 else "double"
    found = re.search(rf"{kind}((?: +[\d.]+)+)", page)
    assert found is not None
    bounds = dict(zip(SWEEPS, map(float, found.group(1).split()), strict=True))
    if dtype is np.float64 and np.finfo(np.longdouble).eps >= np.finfo(np.float64).eps:
        pytest.skip("nothing is more precise here")
    x = sweep(name, dtype, 100_000 if name != "erf" else 20_000)
    with np.errstate(all="ignore"):
        out, expected = looped(elementary, name, x), reference(name, x)
        unit = np.spacing(np.abs(expected).astype(dtype)).astype(expected.dtype)
        error = np.abs(out.astype(expected.dtype) - expected) / unit
        error[out == expected.astype(dtype)] = 0  # infinities
    assert error.max() <= bounds[name], (x[error.argmax()], error.max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_elementary_functions_at_the_ends(elementary: ctypes.CDLL, dtype: Any) -> None:
    inf, nan = math.inf, math.nan
    least = float(np.finfo(dtype).smallest_subnormal)
    ends = {
        "exp": {-inf: 0, inf: inf, nan: nan, 0.0: 1, 1e4: inf, -1e4: 0},
        "log": {0.0: -inf, inf: inf, -1.0: nan, nan: nan, 1.0: 0},
        "log1p": {-1.0: -inf, -2.0: nan, inf: inf, nan: nan, least: least, -0.0: -0.0},
        "expm1": {-inf: -1, inf: inf, nan: nan, least: least, -0.0: -0.0, 1e4: inf},
        "tanh": {-inf: -1, inf: 1, nan: nan, least: least, -0.0: -0.0, 30.0: 1},
        "erf": {-inf: -1, inf: 1, nan: nan, -0.0: -0.0, 9.0: 1},
    }
    for name, values in ends.items():
        out = looped(elementary, name, np.array(list(values), dtype))
        expected = np.array(list(values.values()), dtype)
        assert np.array_equal(out, expected, equal_nan=True), name
        assert np.array_equal(np.signbit(out[out == 0]), np.signbit(expected[expected == 0])), name


# ---- recipes -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recipes_compute_what_the_kernels_do(dtype: Any) -> None:
    calls = [
        (op, draw(op, call, dtype), filled(op, call.params))
        for _, op, call in registered_calls()
        if op.name in RECIPES
    ]
    assert {op.name for op, _, _ in calls} == RECIPES.keys()
    for (op, inputs, params), found in zip(calls, in_c(calls, all_of_it=False), strict=True):
        expected = forward(op, inputs, params)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), (op, inputs)
        tolerance = 50 * np.finfo(dtype).eps
        assert np.allclose(found, expected, rtol=tolerance, atol=tolerance), (op, params)


ROWS = np.array([
    [1, 2, 3, 4], [math.nan, 1, 2, 3], [math.inf, 1, 2, 3], [-math.inf, 1, 2, 3],
    [-math.inf] * 4, [math.inf, -math.inf, 0, 0], [1000, 1000, 0, -1000], [0.1] * 4,
    [0, -0.0, 0, 0],
])  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recipes_on_special_values(dtype: Any) -> None:
    rows = ROWS.astype(dtype)
    rows = np.concatenate([rows, np.full((1, 4), np.finfo(dtype).max / 8),
                           np.full((1, 4), np.finfo(dtype).tiny * 8)]).astype(dtype)  # fmt: skip
    calls: list[Case] = []
    for name in ("softmax", "log_softmax", "safe_softmax", "logsumexp", "max", "min", "mean", "var",
                 "std", "vector_norm"):  # fmt: skip
        op = REGISTRY[name]
        for x, axis in ((rows, 1), (np.ascontiguousarray(rows.T), 0)):
            calls.append((op, [x], filled(op, {"axis": axis})))
    for name, given in (("vector_norm", {"ord": 1}), ("vector_norm", {"ord": math.inf}),
                        ("var", {"correction": 3.0}), ("var", {"correction": 4.0})):  # fmt: skip
        calls.append((REGISTRY[name], [rows], filled(REGISTRY[name], {"axis": 1, **given})))
    wrong = []
    for (op, inputs, params), found in zip(calls, in_c(calls, all_of_it=False), strict=True):
        expected = forward(op, inputs, params)
        tolerance = 50 * np.finfo(dtype).eps
        if not np.allclose(found, expected, rtol=tolerance, atol=0, equal_nan=True):
            wrong.append(f"{op.name} {params}:\n{expected}\n{found}")
    assert not wrong, "\n".join(wrong)

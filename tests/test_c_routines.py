"""What all C programs call: products of matrices, windows over images; against the array library.

The functions are called as they are, without a program around them: each example costs no build.
"""

from __future__ import annotations

import ctypes
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.compiler.c_code import routines, toolchain

pytestmark = pytest.mark.skipif(not toolchain.find_compiler(), reason="no C compiler")

DTYPES = {"f32": np.float32, "f64": np.float64}
BOUND = {"f32": 2e-6, "f64": 4e-15}


class Meeting(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in ("arrived", "round", "size")]


SIZES = ("h", "w", "kh", "kw", "sh", "sw", "ph", "pw", "dh", "dw", "oh", "ow")


class Window(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int64) for name in SIZES]


def call(name: str, *arguments: Any, threads: int = 1) -> None:
    """Call a function as a team of threads does: each with its own number."""
    function = routines.function(name)
    function.restype = ctypes.c_int32
    meeting = Meeting(0, 0, threads)
    made = [
        ctypes.c_void_p(x.ctypes.data) if isinstance(x, np.ndarray)
        else ctypes.c_int64(x) if isinstance(x, int) else x
        for x in arguments
    ]  # fmt: skip
    results = [99] * threads

    def run(me: int) -> None:
        results[me] = function(*made, ctypes.c_int64(me), ctypes.byref(meeting))

    team = [threading.Thread(target=run, args=(me,)) for me in range(threads)]
    for thread in team:
        thread.start()
    for thread in team:
        thread.join()
    assert results == [0] * threads


def steps(x: np.ndarray) -> tuple[int, int]:
    return x.strides[-2] // x.itemsize, x.strides[-1] // x.itemsize


def guarded(shape: tuple[int, ...], dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """An array within a larger one, whose other numbers nobody may touch."""
    size = int(np.prod(shape))
    whole = np.full(size + 128, 7, dtype)
    return whole[64 : 64 + size].reshape(shape), whole


def untouched(whole: np.ndarray) -> bool:
    return bool((whole[:64] == 7).all() and (whole[-64:] == 7).all())


def near(found: np.ndarray, expected: np.ndarray, kind: str, terms: int = 1) -> None:
    size = np.abs(expected).max(initial=1)
    error = np.abs(found - expected).max(initial=0)
    assert error <= BOUND[kind] * size * max(1, terms) ** 0.5


sizes = st.one_of(st.integers(1, 40), st.integers(41, 150))


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["f32", "f64"]), m=sizes, n=sizes, k=st.one_of(sizes, st.just(800)),
    count=st.integers(1, 4), across=st.sampled_from(["both", "left", "right", "none"]),
    same=st.booleans(), threads=st.integers(1, 3), seed=st.integers(0, 9),
)  # fmt: skip
def test_products(
    kind: str, m: int, n: int, k: int, count: int, across: str, same: bool, threads: int, seed: int
) -> None:
    rng, dtype = np.random.default_rng(seed), DTYPES[kind]
    a = rng.normal(size=(count, k, m) if across in ("both", "left") else (count, m, k))
    b = rng.normal(size=(count, n, k) if across in ("both", "right") else (count, k, n))
    a, b = a.astype(dtype), b.astype(dtype)
    left = a.swapaxes(1, 2) if across in ("both", "left") else a
    right = b.swapaxes(1, 2) if across in ("both", "right") else b
    right = right[:1] if same else right
    out, whole = guarded((count, m, n), dtype)
    call(f"tl_products_{kind}", count, m, n, k, left, m * k, *steps(left),
         right, 0 if same else k * n, *steps(right), out, m * n, threads=threads)  # fmt: skip
    expected = left.astype(np.float64) @ right.astype(np.float64)
    near(out, expected, kind, terms=k)
    assert untouched(whole)
    alone = np.empty_like(out)
    call(f"tl_products_{kind}", count, m, n, k, left, m * k, *steps(left),
         right, 0 if same else k * n, *steps(right), alone, m * n)  # fmt: skip
    np.testing.assert_array_equal(out, alone)  # whoever computes a number: it is the same


@pytest.mark.parametrize(("m", "n", "k"), [(3, 5000, 20), (300, 17, 1000), (2, 4096, 400)])
def test_products_of_more_than_one_block(m: int, n: int, k: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    out = np.empty((m, n))
    call("tl_products_f64", 1, m, n, k, a, 0, k, 1, b, 0, n, 1, out, 0)
    near(out, a @ b, "f64", terms=k)


def test_a_product_with_steps_of_any_length() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(14, 40))[::2, ::2], rng.normal(size=(60, 66))[::3, 1::3]
    out = np.empty((7, 22))
    call("tl_products_f64", 1, 7, 22, 20, a, 0, *steps(a), b, 0, *steps(b), out, 0)
    near(out, a @ b, "f64", terms=20)


def test_nan_and_infinity_stay_where_they_are() -> None:
    a, b = np.ones((9, 5)), np.ones((5, 50))
    a[2, 3], b[1, 7] = np.nan, np.inf
    out = np.empty((9, 50))
    call("tl_products_f64", 1, 9, 50, 5, a, 0, 5, 1, b, 0, 50, 1, out, 0)
    np.testing.assert_array_equal(out, a @ b)


# ---- windows -------------------------------------------------------------------------------


@st.composite
def windows(draw: st.DrawFn, stride: int = 4) -> dict[str, tuple[int, int]]:
    """Sizes along both axes: image, kernel, stride, padding in front and behind, dilation."""
    found: dict[str, list[int]] = {}
    for _ in range(2):
        kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 2))
        front, behind = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        least = max(1, (kernel - 1) * dilation + 1 - front - behind)
        image = draw(st.integers(least, least + 20))
        step = draw(st.integers(1, stride))
        values = {"image": image, "kernel": kernel, "stride": step, "front": front,
                  "behind": behind, "dilation": dilation,
                  "out": (image + front + behind - (kernel - 1) * dilation - 1) // step + 1,
                  }  # fmt: skip
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return {name: (first, second) for name, (first, second) in found.items()}


@st.composite
def pairs(draw: st.DrawFn) -> dict[str, tuple[int, int]]:
    """Windows side by side, two numbers broad, as most networks have them."""
    kernel, out = draw(st.integers(1, 3)), (draw(st.integers(1, 9)), draw(st.integers(1, 40)))
    height = out[0] * kernel + draw(st.integers(0, kernel - 1))
    none = {"front": (0, 0), "behind": (0, 0), "dilation": (1, 1)}
    image = (height, 2 * out[1])
    return {"image": image, "kernel": (kernel, 2), "stride": (kernel, 2), "out": out, **none}


def window(sizes: dict[str, tuple[int, int]]) -> Window:
    order = ("image", "kernel", "stride", "front", "dilation", "out")
    return Window(*(n for name in order for n in sizes[name]))


def params(sizes: dict[str, tuple[int, int]]) -> dict[str, Any]:
    padding = tuple(zip(sizes["front"], sizes["behind"], strict=True))
    return {"stride": sizes["stride"], "padding": padding, "dilation": sizes["dilation"]}


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(["f32", "f64"]), sizes=windows(), n=st.integers(1, 3),
    c=st.integers(1, 5), o=st.sampled_from([1, 3, 8, 17, 50]), groups=st.sampled_from([1, 1, 2, 5]),
    threads=st.integers(1, 3),
)  # fmt: skip
def test_convolution_and_its_gradients(
    kind: str, sizes: dict[str, tuple[int, int]], n: int, c: int, o: int, groups: int, threads: int
) -> None:
    rng, dtype = np.random.default_rng(0), DTYPES[kind]
    x = rng.normal(size=(n, c * groups, *sizes["image"])).astype(dtype)
    w = rng.normal(size=(o * groups, c, *sizes["kernel"])).astype(dtype)
    channels = (n, c * groups, o * groups, groups)
    d = rng.normal(size=(n, o * groups, *sizes["out"])).astype(dtype)
    taps = int(np.prod(sizes["kernel"]))
    given = {**params(sizes), "groups": groups}
    wide = [a.astype(np.float64) for a in (x, w, d)]
    cases = {
        "conv": (x, w, xp.conv(wide[0], wide[1], **given), c * taps),
        "conv_input_grad": (
            d, w, xp.conv_input_grad(wide[2], wide[1], shape=sizes["image"], **given), o * taps,
        ),
        "conv_weight_grad": (
            d, x, xp.conv_weight_grad(wide[2], wide[0], shape=sizes["kernel"], **given),
            n * d[0, 0].size,
        ),
    }  # fmt: skip
    for name, (first, second, expected, terms) in cases.items():
        out, whole = guarded(expected.shape, dtype)
        bias = (rng.normal(size=o * groups).astype(dtype),) if name == "conv" else ()
        arrays = (first, second, *bias, out)
        call(f"tl_{name}_{kind}", *arrays, *channels, window(sizes), threads=threads)
        plus = bias[0][:, None, None] if bias else 0.0
        near(out, expected + plus, kind, terms)
        assert untouched(whole), name
    out = np.empty_like(d)
    call(f"tl_conv_{kind}", x, w, 0, out, *channels, window(sizes), threads=threads)
    near(out, cases["conv"][2], kind, c * taps)


@settings(max_examples=120, deadline=None)
@given(
    kind=st.sampled_from(["f32", "f64"]), sizes=st.one_of(windows(), pairs()),
    planes=st.integers(1, 5),
    threads=st.integers(1, 3), special=st.booleans(),
)  # fmt: skip
def test_pooling_and_its_adjoint(
    kind: str, sizes: dict[str, tuple[int, int]], planes: int, threads: int, special: bool
) -> None:
    kernel, front, behind = sizes["kernel"], sizes["front"], sizes["behind"]
    if any(max(f, b) > k // 2 for f, b, k in zip(front, behind, kernel, strict=True)):
        return  # a window might lie outside of the image
    rng, dtype = np.random.default_rng(0), DTYPES[kind]
    x = rng.integers(-3, 4, size=(planes, 1, *sizes["image"])).astype(dtype)
    if special:
        x[rng.random(x.shape) < 0.3] = -np.inf
        x[rng.random(x.shape) < 0.02] = np.nan
    given = {**params(sizes), "kernel": kernel}
    most, places = xp.pool_max(x, **given), xp.pool_argmax(x, **given)
    for both in (True, False):
        out, whole = guarded(most.shape, dtype)
        where, around = guarded(most.shape, np.uint8)
        for wanted in [(out, where)] if both else [(out, 0), (0, where)]:
            call(f"tl_pool_max_{kind}", x, *wanted, planes, window(sizes), threads=threads)
        np.testing.assert_array_equal(out, most)
        np.testing.assert_array_equal(where, places)
        assert untouched(whole)
        assert untouched(around)
    d = rng.normal(size=most.shape).astype(dtype)
    expected = xp.pool_put(d, places, shape=sizes["image"], **given)
    out, whole = guarded(x.shape, dtype)
    call(f"tl_pool_put_{kind}", d, where, out, planes, window(sizes), threads=threads)
    near(out, expected, kind, terms=16)
    assert untouched(whole)


# ---- other processors ----------------------------------------------------------------------

TRAINING = """
import numpy as np
import tinygrad_lesson as tl
from tinygrad_lesson import nn

def losses(mode):
    tl.manual_seed(0)
    rng = np.random.default_rng(0)
    images = nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(80, 20), nn.GELU(), nn.LayerNorm(20),
    )
    lstm, gru = nn.LSTM(20, 7, batch_first=True), nn.GRU(7, 6, batch_first=True)
    model = nn.ModuleList([images, lstm, gru])
    adam = tl.optim.Adam(model.parameters())

    @tl.compile(mode=mode, threads=2)
    def step(x, y):
        found = gru(lstm(images(x).reshape(4, 3, 20))[0])[0].reshape(12, 6)
        loss = nn.functional.cross_entropy(found, y)
        adam.zero_grad()
        loss.backward()
        adam.step()
        return loss

    x = rng.normal(size=(12, 3, 8, 8)).astype(np.float32)
    y = rng.integers(0, 6, 12)
    found = [float(step(x, y)) for _ in range(5)]
    assert mode == "numpy" or not step.cost().host
    return found

np.testing.assert_allclose(losses("c"), losses("numpy"), rtol=1e-6)
"""

COMPILER = """#!/bin/sh
told=
for word; do
    shift
    [ "$word" = -march=native ] && word=-march={processor} && told=yes
    set -- "$@" "$word"
done
[ "$told" ] || exit 1
exec {compiler} "$@"
"""


@pytest.mark.long
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="another processor")
@pytest.mark.parametrize("processor", ["haswell", "x86-64"])
def test_code_for_processors_with_fewer_instructions(processor: str, tmp_path: Path) -> None:
    if "avx2" not in toolchain.cache.processor():
        pytest.skip("no AVX2")
    compiler = tmp_path / "cc"
    found = toolchain.find_compiler()
    assert found is not None
    compiler.write_text(COMPILER.format(processor=processor, compiler=" ".join(found)))
    compiler.chmod(0o755)
    environment = {**os.environ, "CC": str(compiler), "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", TRAINING], env=environment, capture_output=True,
        text=True,
    )  # fmt: skip
    assert not done.returncode, done.stderr[-3000:]
    assert [*tmp_path.rglob("*.so")]

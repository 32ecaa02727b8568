"""The package as a namespace of the array API standard, beside array_api_strict.

Every function of the strict implementation exists here, takes every call that its signature
allows, and gives the same numbers in the same dtype; so do the attributes of its arrays.
"""

from __future__ import annotations

import inspect
import itertools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, errors

from .array_api_calls import (
    BINARY,
    CASES,
    DTYPES,
    F32,
    FLOATS,
    INTEGERS,
    OF_COMPLEX,
    SQUARE,
    U8,
    UNARY,
    B,
    Call,
    DType,
    F,
    I,
    V,
    call,
    small,
)

strict = pytest.importorskip("array_api_strict")
strict.set_array_api_strict_flags(api_version="2024.12")
StrictArray = type(strict.asarray(0))

NOT_HERE = {
    "complex64": "there are no complex numbers yet",
    "complex128": "there are no complex numbers yet",
    "fft": "its results are complex",
    "get_array_api_strict_flags": "its own, not the standard's",
    "set_array_api_strict_flags": "its own, not the standard's",
    "reset_array_api_strict_flags": "its own, not the standard's",
    "ArrayAPIStrictFlags": "its own, not the standard's",
    "Device": "its own, not the standard's",
}


@pytest.fixture
def double_precision():
    """The strict implementation's default dtype."""
    tl.set_default_dtype(tl.float64)
    yield
    tl.set_default_dtype(tl.float32)


def named(library: Any, name: str) -> Any:
    """``linalg.qr`` of a library."""
    return operator.attrgetter(name)(library)


# ---- names and signatures ----------------------------------------------------------------

NAMES = [name for name in strict.__all__ if name not in NOT_HERE and name != "linalg"]
NAMES += [f"linalg.{name}" for name in strict.linalg.__all__ if f"linalg.{name}" not in NOT_HERE]
FUNCTIONS = [
    name for name in NAMES if inspect.isfunction(named(strict, name)) and not name.startswith("__")
]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_exists(name: str) -> None:
    assert named(tl, name) is not None or name == "newaxis"


@pytest.mark.parametrize("name", sorted(NOT_HERE))
def test_what_is_not_here_is_not_here(name: str) -> None:
    """So that the list of exceptions does not outlive its reasons."""
    with pytest.raises(AttributeError):
        named(tl, name)


def calls_allowed(signature: inspect.Signature) -> Iterator[Call]:
    """Every way to divide the parameters into those by position and those by name."""
    parameters = list(signature.parameters.values())
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        names = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
        yield from (Call((0, 0), dict.fromkeys(some, 0)) for some in ((), names))
        return
    placed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    for count in range(len(placed) + 1):
        rest = [p for p in parameters if p not in placed[:count]]
        if any(p.kind is p.POSITIONAL_ONLY and p.default is p.empty for p in rest):
            continue
        rest = [p for p in rest if p.kind is not p.POSITIONAL_ONLY]
        needed = [p.name for p in rest if p.default is p.empty]
        for some in (needed, [p.name for p in rest]):
            yield Call((0,) * count, dict.fromkeys(some, 0))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_call_that_the_standard_allows_is_allowed(name: str) -> None:
    theirs, ours = inspect.signature(named(strict, name)), inspect.signature(named(tl, name))
    for args, kwargs in calls_allowed(theirs):
        ours.bind(*args, **kwargs)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_defaults_are_the_standards(name: str) -> None:
    theirs, ours = inspect.signature(named(strict, name)), inspect.signature(named(tl, name))
    for parameter in theirs.parameters.values():
        default = parameter.default
        if default is not parameter.empty and parameter.name in ours.parameters:
            default = None if "Undef" in repr(default) else default
            assert ours.parameters[parameter.name].default == default, parameter.name


PYTHONS_OWN = {
    "__annotations__", "__doc__", "__module__", "__new__", "__reduce__", "__slots__",
    "__weakref__", "__buffer__", "__firstlineno__", "__static_attributes__",
}  # fmt: skip
ATTRIBUTES = [
    name
    for name in vars(StrictArray)
    if (name.startswith("__") or not name.startswith("_")) and name not in PYTHONS_OWN
]


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_every_attribute_of_an_array_exists(name: str) -> None:
    theirs, ours = getattr(StrictArray, name), getattr(Tensor, name)
    if inspect.isfunction(theirs):
        for args, kwargs in calls_allowed(without_self(theirs)):
            without_self(ours).bind(*args, **kwargs)


def without_self(method: Any) -> inspect.Signature:
    signature = inspect.signature(method)
    return signature.replace(parameters=list(signature.parameters.values())[1:])


# ---- values ------------------------------------------------------------------------------


def given(library: Any, value: Any) -> Any:
    """An argument for `library`: its arrays and dtypes."""
    if isinstance(value, DType):
        return getattr(library, value)
    if isinstance(value, np.ndarray):
        return library.asarray(value)
    if type(value) in (list, tuple):
        return type(value)(given(library, item) for item in value)
    return value


def run(library: Any, name: str, call: Call) -> Any:
    """The result of a call, through the namespace that the first array names."""
    args = [given(library, value) for value in call.args]
    kwargs = {key: given(library, value) for key, value in call.kwargs.items()}
    namespace = library.asarray(0).__array_namespace__()
    assert namespace is library
    return named(namespace, name)(*args, **kwargs)


def agree(ours: Any, theirs: Any) -> None:
    """Assert equal structure, dtypes and numbers."""
    if isinstance(theirs, tuple | list):
        assert getattr(ours, "_fields", ()) == getattr(theirs, "_fields", ())
        for one, other in zip(ours, theirs, strict=True):
            agree(one, other)
    elif isinstance(theirs, StrictArray):
        expected = theirs._array
        assert isinstance(ours, Tensor)
        assert ours.dtype == expected.dtype
        assert ours.shape == expected.shape
        tolerance = 1e-5 if ours.dtype == tl.float32 else 1e-12
        np.testing.assert_allclose(ours.numpy(), expected, rtol=tolerance, atol=tolerance)
    elif hasattr(theirs, "_np_dtype"):
        assert ours == theirs._np_dtype
    else:
        assert ours == theirs


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", UNARY)
def test_elementwise_functions_of_one_array(name: str) -> None:
    tried = 0
    for dtype in DTYPES:
        call = Call((small(dtype),), {})
        try:
            expected = run(strict, name, call)
        except TypeError:
            continue  # a dtype that the standard does not ask for
        agree(run(tl, name, call), expected)
        tried += 1
    assert tried


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BINARY)
def test_elementwise_functions_of_two_arrays_and_promotion(name: str) -> None:
    tried = 0
    for first, second in itertools.product(DTYPES, repeat=2):
        y = np.abs(small(second)[::-1]) if "shift" in name or name == "pow" else small(second)[::-1]
        call = Call((small(first), y), {})
        try:
            expected = run(strict, name, call)
        except TypeError:
            continue  # a promotion that the standard does not define
        agree(run(tl, name, call), expected)
        tried += 1
    assert tried


def test_every_function_is_compared() -> None:
    assert {*UNARY, *BINARY, *CASES, *OF_COMPLEX} >= set(FUNCTIONS)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", [name for name, calls in CASES.items() if calls])
def test_value_and_dtype(name: str) -> None:
    for one in CASES[name]:
        agree(run(tl, name, one), run(strict, name, one))


def test_broadcast_shapes() -> None:
    """It came with the edition after the one that is compared here."""
    for shapes in (((2, 1), (3,)), ((1,), ()), ((2, 3),), ()):
        assert tl.broadcast_shapes(*shapes) == np.broadcast_shapes(*shapes)
    with pytest.raises(errors.ShapeError, match=r"\(2,\) and \(3,\) do not broadcast"):
        tl.broadcast_shapes((2,), (3,))


@pytest.mark.parametrize("name", OF_COMPLEX)
def test_functions_of_complex_numbers_take_reals(name: str) -> None:
    agree(getattr(tl, name)(tl.asarray(F)), strict.asarray(getattr(np, name)(F)))


def test_empty_has_a_shape_and_a_dtype() -> None:
    assert (tl.empty((2, 3)).shape, tl.empty(2, dtype=tl.int8).dtype) == ((2, 3), tl.int8)
    assert tl.empty_like(Tensor([1, 2])).dtype == tl.int64


@pytest.mark.parametrize("name", FLOATS)
def test_finfo(name: str) -> None:
    for argument in (DType(name), small(name)):
        ours, theirs = run(tl, "finfo", call(argument)), run(strict, "finfo", call(argument))
        for field in ("bits", "eps", "max", "min", "smallest_normal"):
            assert getattr(ours, field) == getattr(theirs, field)
            assert type(getattr(ours, field)) is type(getattr(theirs, field))
        assert ours.dtype == name


@pytest.mark.parametrize("name", INTEGERS)
def test_iinfo(name: str) -> None:
    for argument in (DType(name), small(name)):
        ours, theirs = run(tl, "iinfo", call(argument)), run(strict, "iinfo", call(argument))
        for field in ("bits", "max", "min"):
            assert getattr(ours, field) == getattr(theirs, field)
        assert ours.dtype == name


@pytest.mark.parametrize("name", ["linalg.eigh", "linalg.qr", "linalg.svd"])
def test_decompositions_up_to_signs(name: str) -> None:
    """Their factors have signs that the standard leaves open; the products have not."""
    ours, theirs = run(tl, name, call(SQUARE)), run(strict, name, call(SQUARE))
    assert ours._fields == theirs._fields
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(np.abs(one.numpy()), np.abs(other._array), atol=1e-10)


# ---- the array object --------------------------------------------------------------------

OPERATORS = {
    "bif": ("eq", "ne"),
    "if": ("add", "sub", "mul", "floordiv", "mod", "pow", "lt", "le", "gt", "ge"),
    "f": ("truediv",),
    "bi": ("and_", "or_", "xor"),
    "i": ("lshift", "rshift"),
}
BY_KIND = {
    "b": (B, np.array([True, True, False]), True),
    "i": (small("int32"), np.array([1, 2, 1]), 2),
    "f": (F32, V, 2.0),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, kind) for kinds, names in OPERATORS.items() for n in names for kind in kinds],
)
def test_operators_of_arrays_and_numbers(name: str, kind: str) -> None:
    """Of two arrays, of an array and a Python number, and the other way round."""
    apply = getattr(operator, name)
    x, y, number = BY_KIND[kind]
    for first, second in ((x, y), (x, number), (number, np.abs(y))):
        if name == "pow" and second is y:
            second = np.abs(y)
        results = [apply(given(lib, first), given(lib, second)) for lib in (tl, strict)]
        agree(*results)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (n, kind)
        for kinds, names in OPERATORS.items()
        for n in names
        for kind in kinds
        if n not in ("eq", "ne", "lt", "le", "gt", "ge")
    ],
)
def test_operators_in_place(name: str, kind: str) -> None:
    apply = getattr(operator, f"i{name.strip('_')}")
    x, _, number = BY_KIND[kind]
    results = []
    for library in (tl, strict):
        array = library.asarray(x)
        assert apply(array, number) is array
        results.append(array)
    agree(*results)


def test_products_as_operators() -> None:
    x, y = (strict.asarray(array) for array in (F, SQUARE))
    agree(tl.asarray(F) @ tl.asarray(SQUARE), x @ y)
    agree(tl.asarray(F).__rmatmul__(tl.asarray(SQUARE[:, :2])), strict.asarray(SQUARE[:, :2]) @ x)
    t = tl.asarray(F)
    t @= tl.asarray(SQUARE)
    agree(t, x @ y)


@pytest.mark.parametrize("name", ["neg", "pos", "abs"])
def test_signs(name: str) -> None:
    apply = getattr(operator, name)
    for x in (I, F, F32):
        agree(apply(tl.asarray(x)), apply(strict.asarray(x)))


def test_inversion() -> None:
    for x in (B, I, U8):
        agree(~tl.asarray(x), ~strict.asarray(x))


@pytest.mark.parametrize("name", ["shape", "size", "ndim", "T", "mT", "dtype"])
def test_properties(name: str) -> None:
    agree(getattr(tl.asarray(F), name), getattr(strict.asarray(F), name))


@pytest.mark.parametrize(
    "index",
    [0, -1, slice(None, None, -1), (0, 1), (slice(0, 1), 2), (..., 0), (None, 0), B,
     (slice(None), np.array([2, 0]))],
    ids=repr,
)  # fmt: skip
def test_indexing(index: Any) -> None:
    """The standard asks for less than NumPy gives."""
    items = index if isinstance(index, tuple) else (index,)
    ours = tl.asarray(F)[tuple(given(tl, item) for item in items)]
    agree(ours, strict.asarray(F[index]))


def test_python_numbers_from_single_ones() -> None:
    for value in (np.array(2), np.array(2.5), np.array(True)):
        ours, theirs = tl.asarray(value), strict.asarray(value)
        for convert in (bool, int, float, complex):
            assert convert(ours) == convert(theirs)
    assert operator.index(tl.asarray(3)) == 3
    assert [10, 20][tl.asarray(1)] == 20


@pytest.mark.parametrize("value", [2.0, True, [3], [1, 2]])
def test_only_a_single_integer_is_an_index(value: Any) -> None:
    with pytest.raises(TypeError, match=r"\[index\]"):
        operator.index(tl.asarray(value))


# ---- the namespace -----------------------------------------------------------------------


def test_array_namespace_is_the_package() -> None:
    for version in (None, "2021.12", "2022.12", "2023.12", "2024.12"):
        assert Tensor(1.0).__array_namespace__(api_version=version) is tl
    assert tl.__array_api_version__ == "2024.12"


def test_an_unknown_edition_is_refused() -> None:
    with pytest.raises(errors.RangeError, match=r"\[__array_namespace__\] the array API '2099.12'"):
        Tensor(1.0).__array_namespace__(api_version="2099.12")


def test_constants() -> None:
    for name in ("e", "inf", "pi", "newaxis"):
        assert getattr(tl, name) == getattr(strict, name)
    assert tl.nan != tl.nan


def test_info() -> None:
    ours, theirs = tl.__array_namespace_info__(), strict.__array_namespace_info__()
    assert ours.capabilities() == theirs.capabilities()
    assert ours.default_device() in ours.devices()
    assert ours.default_dtypes() == {
        "real floating": tl.float32, "integral": tl.int64, "indexing": tl.int64,
    }  # fmt: skip
    for kind in (None, "bool", "signed integer", "unsigned integer", "integral", "real floating"):
        expected = {n: d for n, d in theirs.dtypes(kind=kind).items() if "complex" not in n}
        found = ours.dtypes(kind=kind, device="cpu")
        assert found.keys() == expected.keys()
        for name, dtype in found.items():
            agree(dtype, expected[name])
    assert ours.dtypes(kind="complex floating") == {}


def test_python_floats_are_single_precision_by_default() -> None:
    """Unlike in NumPy, and as the standard leaves open."""
    made = [tl.zeros(2), tl.ones(2), tl.eye(2), tl.linspace(0, 1, 2), tl.asarray([1.0]),
            tl.arange(0.0, 1.0), tl.full(2, 1.0)]  # fmt: skip
    assert {t.dtype for t in made} == {tl.float32}
    assert tl.asarray([1, 2]).dtype == tl.arange(2).dtype == tl.int64


def test_the_one_device() -> None:
    t = Tensor([1.0], requires_grad=True)
    assert t.device == "cpu"
    assert t.to_device("cpu") is t
    assert tl.zeros(2, device=t.device).shape == (2,)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("to_device", lambda: Tensor(1.0).to_device("cuda")),
        ("zeros", lambda: tl.zeros(2, device="cuda")),
        ("ones", lambda: tl.ones(2, device="cuda")),
        ("empty", lambda: tl.empty(2, device="cuda")),
        ("full", lambda: tl.full(2, 1, device="cuda")),
        ("eye", lambda: tl.eye(2, device="cuda")),
        ("arange", lambda: tl.arange(2, device="cuda")),
        ("linspace", lambda: tl.linspace(0, 1, 2, device="cuda")),
        ("asarray", lambda: tl.asarray(2, device="cuda")),
        ("from_dlpack", lambda: tl.from_dlpack(np.ones(2), device="cuda")),
        ("zeros_like", lambda: tl.zeros_like(Tensor(1.0), device="cuda")),
        ("ones_like", lambda: tl.ones_like(Tensor(1.0), device="cuda")),
        ("empty_like", lambda: tl.empty_like(Tensor(1.0), device="cuda")),
        ("full_like", lambda: tl.full_like(Tensor(1.0), 2.0, device="cuda")),
        ("default_dtypes", lambda: tl.__array_namespace_info__().default_dtypes(device="cuda")),
        ("dtypes", lambda: tl.__array_namespace_info__().dtypes(device="cuda")),
    ],
)
def test_any_other_device_is_refused(name: str, made: Any) -> None:
    with pytest.raises(errors.RangeError, match=rf"\[{name}\] there is no device 'cuda'"):
        made()


def test_a_stream_is_refused() -> None:
    with pytest.raises(errors.RangeError, match=r"\[to_device\] the CPU has no stream 3"):
        Tensor(1.0).to_device("cpu", stream=3)

"""Every op of the registry: its value, its derivatives, and how its rules are written."""

from __future__ import annotations

import doctest
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, ops
from tinygrad_lesson.arrays import SLOT
from tinygrad_lesson.arrays import numpy as numpy_namespace
from tinygrad_lesson.op import REGISTRY, Op
from tinygrad_lesson.samples import Domain, Sample

from .oracles import VALUES
from .support import (
    LAYOUTS,
    OF_INDEPENDENT_ROWS,
    along,
    as_tensors,
    draw,
    each,
    filled,
    gradients,
    numeric_gradients,
    parts,
    raw,
    registered_calls,
    run,
    same,
    seeded,
    subsets,
    wanted_inputs,
)

OPS = [pytest.param(op, id=name) for name, op in REGISTRY.items()]
CALLS = [pytest.param(op, call, id=name) for name, op, call in registered_calls()]
DIFFERENTIABLE = [
    pytest.param(op, call, id=name)
    for name, op, call in registered_calls()
    if wanted_inputs(op, draw(op, call))
]
RULES = [
    pytest.param(op, name, id=f"{op.name}-{name}") for op in REGISTRY.values() for name in op.rules
]

# ---- the values ------------------------------------------------------------------------


def oracle(op: Op[...], arrays: list[Any], params: dict[str, Any]) -> Any:
    return VALUES[op.name](*arrays, **filled(op, params))


def test_every_op_has_an_oracle() -> None:
    assert set(VALUES) == set(REGISTRY)


@pytest.mark.parametrize(("op", "call"), CALLS)
def test_value(op: Op[...], call: Sample) -> None:
    arrays = draw(op, call)
    found = op(*map(Tensor, arrays), **call.params)
    expected = oracle(op, arrays, call.params)
    for out, numbers in zip(parts(found), parts(expected), strict=True):
        assert out.dtype == np.asarray(numbers).dtype
        same(out, numbers)


@pytest.mark.parametrize(("op", "call"), CALLS)
def test_inputs_are_never_written_into(op: Op[...], call: Sample) -> None:
    arrays = draw(op, call)
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    wanted = wanted_inputs(op, arrays)
    out = run(op, as_tensors(arrays, wanted), call.params)
    if out.requires_grad:
        out.backward(np.ones(out.shape))
    for array, copy in zip(arrays, before, strict=True):
        same(array, copy)


# ---- the derivatives ---------------------------------------------------------------------


@pytest.mark.parametrize(("op", "call"), DIFFERENTIABLE)
def test_first_derivative(op: Op[...], call: Sample) -> None:
    arrays = draw(op, call)
    wanted = wanted_inputs(op, arrays)
    c = seeded("cotangent").uniform(-1, 1, raw(op, arrays, call.params).shape)
    expected = numeric_gradients(lambda xs: np.sum(c * raw(op, xs, call.params)), arrays, wanted)
    for i, got, numbers in zip(
        wanted, gradients(op, arrays, call.params, wanted, c), expected, strict=True
    ):
        assert got.dtype == arrays[i].dtype
        same(got, numbers, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize(("op", "call"), DIFFERENTIABLE)
def test_second_derivative(op: Op[...], call: Sample) -> None:
    """Differentiate ``<u, gradient>``; the gradient is a function of the inputs and of c."""
    arrays = draw(op, call)
    wanted = wanted_inputs(op, arrays)
    rng = seeded("second")
    c = rng.uniform(-1, 1, raw(op, arrays, call.params).shape)
    u = [rng.uniform(-1, 1, a.shape) if i in wanted else None for i, a in enumerate(arrays)]

    tensors = as_tensors(arrays, wanted)
    inputs = [tensors[i] for i in wanted]
    cotangent = Tensor(c, requires_grad=True)
    first = autograd.grad(run(op, tensors, call.params), inputs, cotangent, create_graph=True)
    slope = sum((g * u[i]).sum() for i, g in zip(wanted, first, strict=True))
    *second, pushed = autograd.grad(slope, [*inputs, cotangent], allow_unused=True)

    same(pushed, along(lambda xs: raw(op, xs, call.params), arrays, u, 5e-4), 1e-8, 1e-9)
    expected = numeric_gradients(
        lambda xs: along(lambda ys: np.sum(c * raw(op, ys, call.params)), xs, u, 1e-3),
        arrays,
        wanted,
        step=1e-3,
    )
    for got, numbers in zip(second, expected, strict=True):
        same(np.zeros_like(numbers) if got is None else got, numbers, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("op", "call"), DIFFERENTIABLE)
def test_only_the_wanted_gradients(op: Op[...], call: Sample) -> None:
    """Whichever inputs want one: what is saved for them is enough, and changes nothing."""
    arrays = draw(op, call)
    wanted = wanted_inputs(op, arrays)
    c = np.ones(raw(op, arrays, call.params).shape)
    every = dict(zip(wanted, gradients(op, arrays, call.params, wanted, c), strict=True))
    for some in subsets(wanted):
        for i, got in zip(some, gradients(op, arrays, call.params, some, c), strict=True):
            same(got, every[i])


@pytest.mark.parametrize("name", [n for n, op in REGISTRY.items() if not op.differentiable])
def test_no_gradient_records_nothing(name: str) -> None:
    op = REGISTRY[name]
    call = next(call for _, found, call in registered_calls() if found is op)
    tensors = [Tensor(a, requires_grad=a.dtype.kind == "f") for a in draw(op, call)]
    assert not any(out.requires_grad for out in parts(op(*tensors, **call.params)))


# ---- dtypes, shapes and layouts ----------------------------------------------------------


@pytest.mark.parametrize(("op", "call"), CALLS)
@each("dtype", [np.float32, np.float16])
def test_narrow_floats_stay_narrow(op: Op[...], call: Sample, dtype: Any) -> None:
    arrays = draw(op, call, dtype)
    if not any(a.dtype == dtype for a in arrays):
        return  # an op on integers
    wanted = wanted_inputs(op, arrays)
    found = op(*as_tensors(arrays, wanted), **call.params)
    wide = [a.astype(float) if a.dtype == dtype else a for a in arrays]
    for out, expected in zip(parts(found), parts(oracle(op, wide, call.params)), strict=True):
        if np.asarray(expected).dtype == np.float64 and op not in (ops.astype, ops.float_power):
            assert out.dtype == dtype
        if op not in (ops.floor_divide, ops.floor, ops.ceil, ops.trunc, ops.round):  # they jump
            tolerance = 40 * float(np.finfo(dtype).eps)
            same(out, expected, rtol=tolerance, atol=tolerance)
    if wanted:
        ones = np.ones(np.shape(raw(op, arrays, call.params)))
        for i, got in zip(wanted, gradients(op, arrays, call.params, wanted, ones), strict=True):
            assert got.dtype == arrays[i].dtype


@pytest.mark.parametrize(("op", "call"), CALLS)
@each("dtype", [np.int64, np.int8, np.uint8, np.bool_])
def test_integers_and_booleans_are_promoted_as_by_numpy(
    op: Op[...], call: Sample, dtype: Any
) -> None:
    arrays = [
        a if a.dtype.kind != "f" else a > 0 if dtype is np.bool_ else (1 + np.abs(a)).astype(dtype)
        for a in draw(op, call)
    ]
    try:
        with np.errstate(all="ignore"):
            expected = oracle(op, arrays, call.params)
    except (TypeError, np.linalg.LinAlgError):
        with pytest.raises((TypeError, ValueError)):
            op(*map(Tensor, arrays), **call.params)
        return
    with np.errstate(all="ignore"):
        found = op(*map(Tensor, arrays), **call.params)
    for out, numbers in zip(parts(found), parts(expected), strict=True):
        assert out.dtype == np.asarray(numbers).dtype
        same(out, numbers, rtol=1e-12 if out.dtype in (np.float64, np.int64) else 1e-2)


@pytest.mark.parametrize(("op", "call"), CALLS)
@each("layout", LAYOUTS)
def test_layout_of_the_inputs_does_not_matter(op: Op[...], call: Sample, layout: str) -> None:
    if layout == "zero stride" and op.name in OF_INDEPENDENT_ROWS:
        return
    strided = [LAYOUTS[layout](array) for array in draw(op, call)]
    plain = [np.array(array, order="C") for array in strided]
    expected = raw(op, plain, call.params)
    same(run(op, as_tensors(strided, []), call.params), expected)
    wanted = wanted_inputs(op, plain)
    if wanted:
        c = seeded("layout").uniform(-1, 1, np.shape(expected))
        for got, numbers in zip(
            gradients(op, strided, call.params, wanted, LAYOUTS[layout](c)),
            gradients(op, plain, call.params, wanted, LAYOUTS[layout](c).copy()),
            strict=True,
        ):
            same(got, numbers)


ELEMENTWISE = [op for op in REGISTRY.values() if op.kind.name == "elementwise"]


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in ELEMENTWISE])
@each("shape", [(), (0,), (0, 3), (1,), (2, 0, 3)])
def test_elementwise_of_numbers_and_of_nothing(op: Op[...], shape: tuple[int, ...]) -> None:
    domains, params = op.samples, {}
    if isinstance(domains[0], Sample):
        domains, params = domains[0].inputs, domains[0].params
    arrays = [d.draw(seeded(op.name), shape) for d in domains if isinstance(d, Domain)]
    wanted = wanted_inputs(op, arrays)
    out = op(*as_tensors(arrays, wanted), **params)
    same(out, oracle(op, arrays, params))
    if wanted:
        for g in gradients(op, arrays, params, wanted, np.ones(shape)):
            assert g.shape == shape


ALONG_AN_AXIS = [
    op
    for op in REGISTRY.values()
    if op.kind.name in ("reduction", "composite", "scan")
    and (len(op.arrays) == 1 or (op.arrays[1:] == op.arrays[-1:] and op.variadic))
    and "axis" in op.defaults
    and not op.required
    and op.name != "glu"  # the axis must have an even length
]
"""What can be called as ``op(x, axis=1)``."""


@pytest.mark.parametrize("op", [pytest.param(op, id=op.name) for op in ALONG_AN_AXIS])
def test_reduction_of_no_rows(op: Op[...]) -> None:
    """Along an axis that has a length, nothing is reduced to nothing."""
    x = np.zeros((0, 3), bool if op.name in ("any", "all") else float)
    found = op(Tensor(x), axis=1)
    for out, numbers in zip(parts(found), parts(oracle(op, [x], {"axis": 1})), strict=True):
        same(out, numbers)
    if wanted_inputs(op, [x]):
        (g,) = gradients(op, [x], {"axis": 1}, [0], np.ones(np.shape(raw(op, [x], {"axis": 1}))))
        assert g.shape == (0, 3)


@pytest.mark.parametrize("op", [ops.sum, ops.prod, ops.any, ops.all], ids=lambda op: op.name)
def test_reduction_of_nothing_is_the_neutral_element(op: Op[...]) -> None:
    x = np.zeros((0, 3), bool if op in (ops.any, ops.all) else float)
    same(op(Tensor(x), axis=0), oracle(op, [x], {"axis": 0}))
    if op.differentiable:
        (g,) = gradients(op, [x], {"axis": 0}, [0], np.ones(3))
        assert g.shape == (0, 3)


@pytest.mark.parametrize(
    ("op", "shapes", "params"),
    [
        (ops.reshape, [()], {"shape": (1, 1)}),
        (ops.reshape, [(0, 3)], {"shape": (3, 0)}),
        (ops.expand_dims, [()], {"axis": 0}),
        (ops.squeeze, [(1, 1)], {}),
        (ops.broadcast_to, [()], {"shape": (2, 3)}),
        (ops.broadcast_to, [(1, 0)], {"shape": (2, 0)}),
        (ops.permute_dims, [()], {"axes": ()}),
        (ops.flatten, [()], {}),
        (ops.flip, [(0, 2)], {}),
        (ops.concat, [(0, 2), (3, 2)], {}),
        (ops.concat, [(0, 2), (0, 2)], {"axis": 1}),
        (ops.stack, [(), ()], {}),
        (ops.stack, [(0,), (0,)], {"axis": -1}),
        (ops.matmul, [(0, 3), (3, 2)], {}),
        (ops.matmul, [(2, 0), (0, 3)], {}),
        (ops.matmul, [(2, 0, 3), (3, 4)], {}),
        (ops.matmul, [(0, 2, 3), (3, 4)], {}),
        (ops.matmul, [(0,), (0,)], {}),
        (ops.getitem, [()], {"index": (None, Ellipsis)}),
        (ops.getitem, [(3, 2)], {"index": (slice(3, 3),)}),
        (ops.add_at, [(0, 2)], {"index": (slice(0, 0),), "shape": (3, 2)}),
        (ops.setitem, [(3,), ()], {"index": (slice(0, 0),)}),
    ],
    ids=lambda value: value.name if isinstance(value, Op) else str(value),
)
def test_single_numbers_and_empty_arrays(op: Op[...], shapes: Any, params: Any) -> None:
    arrays = [seeded(op.name, i).uniform(-1, 1, shape) for i, shape in enumerate(shapes)]
    expected = oracle(op, arrays, params)
    same(op(*map(Tensor, arrays), **params), expected)
    wanted = wanted_inputs(op, arrays)
    c = np.ones(np.shape(expected))
    numeric = numeric_gradients(lambda xs: np.sum(raw(op, xs, params)), arrays, wanted)
    for got, numbers in zip(gradients(op, arrays, params, wanted, c), numeric, strict=True):
        same(got, numbers, 1e-9, 1e-9)


SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5, 1e300, -1e300, 1e-310])


@pytest.mark.parametrize(
    "op",
    [
        pytest.param(op, id=op.name)
        for op in ELEMENTWISE
        if not op.name.startswith(("logical", "bitwise"))
    ],
)
def test_elementwise_nan_and_inf(op: Op[...]) -> None:
    """The value is the oracle's, sign of zero included; the gradient exists, whatever it is."""
    domains, params = op.samples, {}
    if isinstance(domains[0], Sample):
        domains, params = domains[0].inputs, domains[0].params
    values = {"b": [True, False], "i": [-3, 0, 2], "f": SPECIAL}
    grid = np.meshgrid(*(values[d.kind] for d in domains if isinstance(d, Domain)))
    arrays = [g.ravel() for g in grid]
    with np.errstate(all="ignore"):
        out = op(*map(Tensor, arrays), **params)
        expected = oracle(op, arrays, params)
        same(out, expected)
        if expected.dtype.kind == "f":
            signed = ~np.isnan(expected)
            same(np.signbit(out.numpy())[signed], np.signbit(expected)[signed])
        wanted = wanted_inputs(op, arrays)
        if wanted:
            assert gradients(op, arrays, params, wanted, np.ones(out.shape))


@pytest.mark.parametrize(
    "op",
    [pytest.param(op, id=op.name) for op in ALONG_AN_AXIS if op.name not in ("any", "all")],
)
@each("column", range(6))
def test_reductions_of_nan_and_inf(op: Op[...], column: int) -> None:
    table = np.array(
        [
            [1.0, np.nan, np.inf, -np.inf, np.inf, -np.inf],
            [2.0, 1.0, 1.0, 2.0, -np.inf, -np.inf],
            [3.0, -np.inf, np.inf, -np.inf, 0.0, -np.inf],
        ]
    )
    x = table[:, column]
    with np.errstate(all="ignore"):
        if op is ops.log_softmax:  # SciPy's own gives -inf where its softmax gives NaN
            expected = np.log(scipy.special.softmax(x))
        else:
            expected = oracle(op, [x], {"axis": 0})
        for out, numbers in zip(parts(op(Tensor(x), axis=0)), parts(expected), strict=True):
            same(out, numbers)
        if op.differentiable:
            ones = np.ones(np.shape(raw(op, [x], {"axis": 0})))
            assert gradients(op, [x], {"axis": 0}, [0], ones)


# ---- how the ops are declared ------------------------------------------------------------


@pytest.mark.parametrize("op", OPS)
def test_declaration_is_complete(op: Op[...]) -> None:
    assert op.samples
    assert op.doc.endswith(".") or "\n" in op.doc
    assert op is getattr(ops, op.name), "the vocabulary has it under its own name"
    for name in op.arrays:
        if op.kind.composite:  # it has no rule, but may say that nothing of it has a gradient
            assert name not in op.rules, name
        else:
            assert (name in op.rules) + (name in op.without_gradient) == 1, name


@pytest.mark.parametrize("op", [p for p in OPS if ">>>" in REGISTRY[str(p.id)].doc])
def test_the_examples_in_its_docstring(op: Op[...]) -> None:
    """pytest's own collection of doctests sees functions and classes, and an op is neither."""
    test = doctest.DocTestParser().get_doctest(op.doc, {}, op.name, None, None)
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("op", OPS)
def test_the_signature_that_help_shows(op: Op[...]) -> None:
    parameters = inspect.signature(op).parameters.values()
    positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.VAR_POSITIONAL)]
    assert tuple(positional) == op.arrays


# ---- how the rules are written: nothing but the vocabulary -------------------------------


class StandIn:
    """What a rule sees of an array that it did not save: any use of the numbers fails."""

    def __init__(self, array: np.ndarray) -> None:
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def refuse(self, *others: Any) -> Any:
        raise TypeError("this array was not saved")

    __bool__ = __eq__ = __ne__ = refuse  # object's would answer
    __hash__ = None  # type: ignore[assignment]


class Strict:
    """An array that has nothing but operators, shape, dtype, ndim and static indexing."""

    def __init__(self, array: Any) -> None:
        self._array = np.asarray(array)
        self.shape, self.dtype, self.ndim = self._array.shape, self._array.dtype, self._array.ndim

    def __getitem__(self, index: Any) -> Strict:
        items = index if isinstance(index, tuple) else (index,)
        assert all(i is None or i is Ellipsis or type(i) in (int, slice) for i in items)
        return Strict(self._array[index])

    def __bool__(self) -> bool:
        raise TypeError("a rule must not branch on values")

    def __iter__(self) -> Any:
        raise TypeError("a rule must not iterate over an array")

    def __setitem__(self, *_: Any) -> None:
        raise TypeError("a rule must not write into an array")

    __hash__ = None  # type: ignore[assignment]


def unwrap(value: Any) -> Any:
    """The plain array; anything but strict arrays and Python numbers is refused."""
    if isinstance(value, Strict):
        return value._array
    if type(value) in (bool, int, float):
        return value
    raise TypeError(f"{type(value).__name__} among a rule's arrays")


def _operator(name: str) -> Callable[..., Strict]:
    def call(self: Strict, *others: Any) -> Strict:
        return Strict(getattr(self._array, name)(*map(unwrap, others)))

    return call


for _sign in ("neg", "abs", "invert", "add", "sub", "mul", "truediv", "floordiv", "mod", "pow",
              "matmul", "radd", "rsub", "rmul", "rtruediv", "rpow",
              "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "xor"):  # fmt: skip
    setattr(Strict, f"__{_sign}__", _operator(f"__{_sign}__"))
for _sign in ("add", "sub", "mul", "truediv", "pow"):
    setattr(Strict, f"__i{_sign}__", StandIn.refuse)


class StrictNamespace:
    """The names that the vocabulary and the backend share, and nothing else."""

    def __getattr__(self, name: str) -> Callable[..., Strict]:
        op = REGISTRY[name]  # KeyError: not in the vocabulary

        def call(*args: Any, **static: Any) -> Strict:
            if op.variadic and isinstance(args[0], list | tuple):  # concat([x, y]), stack
                arrays, rest = [list(map(unwrap, args[0]))], args[1:]
            elif op.variadic:
                arrays, rest = list(map(unwrap, args)), ()
            else:
                arrays, rest = list(map(unwrap, args[: len(op.arrays)])), args[len(op.arrays) :]
            assert set(static) <= set(op.parameters), f"{name} has no parameter {set(static)}"
            assert not any(isinstance(v, np.ndarray | Strict) for v in [*rest, *static.values()])
            return Strict(getattr(numpy_namespace, name)(*arrays, *rest, **static))

        return call


@pytest.mark.parametrize(("op", "call"), CALLS)
def test_forward_uses_only_the_vocabulary(op: Op[...], call: Sample) -> None:
    arrays = draw(op, call)
    found = op.forward(StrictNamespace(), *map(Strict, arrays), **filled(op, call.params))
    expected = op.forward(numpy_namespace, *arrays, **filled(op, call.params))
    for out, numbers in zip(parts(found), parts(expected), strict=True):
        same(out._array, numbers)


def run_rule(
    op: Op[...], name: str, call: Sample, saves: tuple[str, ...], xp: Any
) -> list[tuple[Any, np.ndarray]]:
    """The rule's results for each input called `name`, computing with `saves` alone."""
    arrays = draw(op, call)
    everything = [np.asarray(raw(op, arrays, call.params)), *arrays]
    saved = {slot for word in saves for slot in op.slots(word, len(arrays))}
    results = []
    for i, array in enumerate(arrays):
        if op.input_name(i) == name:
            several = op.variadic and name == op.arrays[-1]
            extra = {"position": i} if several else {}
            g = Strict(np.ones(everything[0].shape))
            args = [Strict(a) if s in saved else StandIn(a) for s, a in enumerate(everything)]
            part = op.rules[name].function(xp, g, *args, **filled(op, call.params), **extra)
            results.append((part, array))
    return results


@pytest.mark.parametrize(("op", "name"), RULES)
def test_rule_uses_only_the_vocabulary_and_what_it_saves(op: Op[...], name: str) -> None:
    """Python numbers for constants, no NumPy, no branch on values, no write, nothing unsaved."""
    for _, found, call in registered_calls():
        if found is op:
            for part, array in run_rule(op, name, call, op.rules[name].saves, StrictNamespace()):
                assert isinstance(part, Strict)
                assert np.broadcast_shapes(part.shape, array.shape) == part.shape


@pytest.mark.parametrize(
    ("op", "name", "spared"),
    [
        pytest.param(op, name, spared, id=f"{op.name}-{name}-{spared}")
        for op in REGISTRY.values()
        for name, rule in op.rules.items()
        for spared in rule.saves
    ],
)
def test_rule_needs_what_it_saves(op: Op[...], name: str, spared: str) -> None:
    """Without it the rule must fail on some sample, or memory is kept in vain."""
    saves = tuple(word for word in op.rules[name].saves if word != spared)

    def fails(call: Sample) -> bool:
        try:
            run_rule(op, name, call, saves, StrictNamespace())
        except (TypeError, AttributeError):
            return True
        return False

    assert any(fails(call) for _, found, call in registered_calls() if found is op)


# ---- adjoint pairs: <A x, y> == <x, A^T y> -----------------------------------------------

SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, max_side=4)


@given(st.data())
def test_add_at_is_the_adjoint_of_getitem(data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    index = data.draw(
        hnp.basic_indices(shape, allow_newaxis=True)
        | hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=5))
    )
    items = index if isinstance(index, tuple) else (index,)
    arrays = [item for item in items if isinstance(item, np.ndarray)]
    skeleton = tuple(SLOT if isinstance(item, np.ndarray) else item for item in items)
    x = seeded(shape).uniform(-1, 1, shape)
    ax = numpy_namespace.getitem(x, *arrays, index=skeleton)
    y = seeded("y", np.shape(ax)).uniform(-1, 1, np.shape(ax))
    aty = numpy_namespace.add_at(y, *arrays, index=skeleton, shape=shape)
    same(np.sum(ax * y), np.sum(x * aty))


@given(hnp.mutually_broadcastable_shapes(num_shapes=1, base_shape=(2, 3, 4), max_dims=3))
def test_sum_is_the_adjoint_of_broadcast_to(shapes: Any) -> None:
    (shape,), target = shapes.input_shapes, shapes.result_shape
    x = Tensor(seeded(shape).uniform(-1, 1, shape), requires_grad=True)
    y = Tensor(seeded("y", target).uniform(-1, 1, target))
    ax = ops.broadcast_to(x, shape=target)
    (aty,) = autograd.grad(ax, x, y)
    same((ax * y).sum(), (x * aty).sum())


def test_concat_takes_a_list_or_arrays() -> None:
    x, y = Tensor([1.0]), Tensor([2.0])
    assert tl.concat([x, y]).tolist() == tl.concat(x, y).tolist() == [1.0, 2.0]

"""A Tensor is a value: what goes in, what comes out, and what changes it."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors
from tinygrad_lesson.graph import Leaf, Node, topological

from .support import same, scalar, seeded

# ---- copies in, read-only views out ------------------------------------------------------


def test_the_constructor_copies():
    array = np.array([1.0, 2.0])
    t = Tensor(array)
    array[0] = 100
    assert t.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "view",
    [
        lambda t: t.data,
        lambda t: t.numpy(),
        lambda t: np.asarray(t),
        lambda t: t.data[0:1],
        lambda t: t.numpy().reshape(-1)[:1],
    ],
)
def test_views_that_are_handed_out_are_read_only(view):
    t = Tensor([1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        view(t)[0] = 100
    assert t.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "write",
    [
        lambda array: array.fill(7),
        lambda array: array.sort(),
        lambda array: array.put([0], [7]),
        lambda array: array.__setitem__(0, 7),
        lambda array: np.copyto(array, 7),
        lambda array: np.add(array, 1, out=array),
    ],
)
def test_no_function_writes_into_data(write):
    t = Tensor([2.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        write(t.data)
    assert t.tolist() == [2.0, 1.0]


def test_asarray_with_a_dtype_or_copy_is_a_private_array():
    t = Tensor([1.0, 2.0])
    for array in (np.asarray(t, dtype=np.float64), np.array(t), np.array(t, copy=True)):
        array[0] = 100
    assert t.tolist() == [1.0, 2.0]


def test_an_operand_may_be_overwritten_after_its_use():
    """The trap of libraries that wrap the array of the user: a wrong gradient in silence."""
    x = Tensor([1.0, 2.0], requires_grad=True)
    operand = np.array([3.0, 4.0])
    loss = (x * operand).sum()
    operand[:] = 0
    loss.backward()
    assert x.grad.tolist() == [3.0, 4.0]


def test_an_index_may_be_overwritten_after_its_use():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = np.array([0, 2])
    picked = x[index]
    index[:] = 1
    picked.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


def test_a_mask_may_be_overwritten_after_its_use():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    mask = np.array([True, False, True])
    picked = x[mask]
    mask[:] = True
    picked.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 1.0]


def test_a_list_parameter_may_be_changed_after_its_use():
    x = Tensor(np.ones((2, 3)), requires_grad=True)
    axes = [1, 0]
    y = tl.permute_dims(x, axes=axes)
    axes.reverse()
    (y * Tensor(np.arange(6.0).reshape(3, 2))).sum().backward()
    same(x.grad, np.arange(6.0).reshape(3, 2).T)


def test_what_was_assigned_may_be_overwritten():
    w = Tensor([1.0, 2.0], requires_grad=True)
    value = np.array([3.0, 4.0], np.float32)
    w.assign(value)
    value[:] = 0
    assert w.tolist() == [3.0, 4.0]


def test_a_gradient_given_as_an_array_may_be_overwritten():
    x = Tensor([1.0, 2.0], requires_grad=True)
    x.grad = (g := np.array([1.0, 1.0], np.float32))
    g[:] = 0
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_tensor_given_to_the_constructor_is_copied_without_history():
    x = scalar(3.0)
    t = Tensor(x * x)
    assert t.item() == 9.0
    assert t.is_leaf
    assert not t.requires_grad


# ---- dtypes of what goes in --------------------------------------------------------------


def test_a_python_number_takes_the_dtype_of_what_it_meets():
    for dtype in (tl.float16, tl.float32, tl.float64):
        x = Tensor([1.0, 2.0], dtype=dtype)
        for result in (x + 1.5, 1.5 * x, x**2, 2**x, x / 3, x - True):
            assert result.dtype == dtype


def test_a_python_float_beyond_the_narrow_range_does_not_widen():
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert (Tensor([1.0], dtype=tl.float16) * 1e5).dtype == tl.float16


@pytest.mark.parametrize("data", [[1, 2], [True], np.arange(3)])
def test_integers_have_no_gradient(data):
    with pytest.raises(TypeError, match=r"Write the numbers as floats"):
        Tensor(data, requires_grad=True)


# ---- assignment --------------------------------------------------------------------------


def test_old_graphs_keep_old_values_and_still_fill_grad():
    w = Tensor([3.0], requires_grad=True)
    loss = (w * w).sum()
    w.assign([100.0])
    loss.backward()
    assert w.tolist() == [100.0]
    assert w.grad.tolist() == [6.0]


def test_assign_keeps_dtype_flag_and_name():
    w = Tensor([3.0], requires_grad=True, name="w")
    w.assign(np.array([4.0]))
    assert (w.dtype, w.requires_grad, w.name) == (tl.float32, True, "w")


def test_assign_refuses_another_shape():
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        Tensor([1.0, 2.0]).assign([1.0, 2.0, 3.0])


def test_assign_refuses_what_does_not_fit_the_dtype():
    with pytest.raises(TypeError, match="float64"):
        Tensor([1, 2]).assign(np.array([1.5, 2.5]))


def test_assign_refuses_the_result_of_an_op():
    with pytest.raises(errors.ReadOnlyError):
        (scalar(1.0) * 2).assign(5.0)


LR = 0.5


def rebinding_data(w):
    w.data = w.data - LR * w.grad.data


def in_place_under_no_grad(w):
    with tl.no_grad():
        w -= LR * w.grad


def in_place_on_data(w):
    w.data -= LR * w.grad.data


def in_place_on_data_with_a_tensor(w):
    w.data -= (LR * w.grad).numpy()


def item_by_item(w):
    with tl.no_grad():
        w[:] = w - LR * w.grad


def assigning(w):
    with tl.no_grad():
        w.assign(w - LR * w.grad)


STEPS = [
    rebinding_data,
    in_place_under_no_grad,
    in_place_on_data,
    in_place_on_data_with_a_tensor,
    item_by_item,
    assigning,
]


@pytest.mark.parametrize("step", STEPS)
def test_spellings_of_a_training_step(step):
    w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    identity, old = w, w.detach()
    older_graph = (w * w * w).sum()
    (w * w).sum().backward()
    step(w)
    assert w is identity
    assert w.is_leaf
    assert (w.requires_grad, w.name, w.dtype) == (True, "w", tl.float32)
    assert w.tolist() == [0.0, 0.0]
    assert old.tolist() == [1.0, 2.0], "what detach() gave is a value"
    w.grad = None
    older_graph.backward()
    assert w.grad.tolist() == [3.0, 12.0], "a graph from before the step is right"
    w.grad = None
    (w * 3).sum().backward()
    assert w.grad.tolist() == [3.0, 3.0], "and one from after it, too"


@pytest.mark.parametrize("step", STEPS)
def test_gradient_descent_converges(step):
    target = np.array([3.0, -1.0])
    w = Tensor(np.zeros(2), requires_grad=True)
    for _ in range(5):
        loss = ((w - target) ** 2).sum()
        w.grad = None
        loss.backward()
        step(w)
    same(w, target)


def test_in_place_on_a_recorded_leaf_is_refused():
    w = Tensor([1.0], requires_grad=True)
    with pytest.raises(errors.GradientError, match="no_grad"):
        w += 1.0
    with pytest.raises(errors.GradientError, match="no_grad"):
        w[0] = 1.0
    assert w.tolist() == [1.0]
    assert w.is_leaf


# ---- in-place operators differentiate by rebinding ---------------------------------------


@pytest.mark.parametrize(
    ("operate", "expected"),
    [
        (lambda t, x: t.__iadd__(x), 1.0),
        (lambda t, x: t.__isub__(x), -1.0),
        (lambda t, x: t.__imul__(x), 6.0),
        (lambda t, x: t.__itruediv__(x), -6.0 / 4.0),
        (lambda t, x: t.__ipow__(x), 36.0 * np.log(6.0)),
    ],
)
def test_in_place_operators_record(operate, expected):
    x = scalar(2.0)
    t = Tensor(6.0, dtype=tl.float64)
    alias = t
    operate(t, x)
    assert alias is t
    t.backward()
    assert x.grad.item() == pytest.approx(expected)


def test_a_running_sum():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    total = Tensor(0.0)
    for element in x:
        total += element * element
    total.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_in_place_leaves_graphs_of_the_old_value_alone():
    x = scalar(2.0)
    t = x * 3
    before = t * t
    t += 100
    before.backward()
    assert x.grad.item() == 36.0


def test_setitem_records_both_the_value_and_what_was_there():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    v = Tensor(10.0, requires_grad=True)
    t = x * 2
    t[1] = v * v
    assert t.tolist() == [2.0, 100.0, 6.0]
    (t * t).sum().backward()
    assert x.grad.tolist() == [8.0, 0.0, 24.0]
    assert v.grad.item() == 4000.0


def test_setitem_on_a_constant_makes_it_depend_on_the_value():
    v = Tensor([1.0, 2.0], requires_grad=True)
    t = tl.zeros((2, 2))
    t[0] = v
    t[1] = v * 2
    t.sum().backward()
    assert v.grad.tolist() == [3.0, 3.0]


def test_in_place_that_would_change_the_shape_is_refused():
    t = Tensor([1.0])
    with pytest.raises(ValueError, match=r"\(3,\).*\(1,\)"):
        t += np.ones(3)
    assert t.tolist() == [1.0]


def test_in_place_keeps_the_dtype():
    t = Tensor([1.0, 2.0])
    t += np.ones(2)
    assert t.dtype == tl.float32
    y = Tensor([1.0, 2.0], requires_grad=True) * 1
    y *= np.ones(2)
    assert y.dtype == tl.float32


def test_in_place_on_integers_with_floats_is_refused():
    t = Tensor([1, 2])
    with pytest.raises(TypeError):
        t += 0.5
    assert t.tolist() == [1, 2]


def test_integers_that_would_become_part_of_a_graph_are_refused():
    t = Tensor([1, 2])
    with pytest.raises(TypeError):
        t[0] = scalar(5.5)


# ---- indexing as NumPy has it ------------------------------------------------------------


def index_items(length):
    return st.one_of(
        st.integers(-length, length - 1),
        st.slices(length),
        st.lists(st.integers(-length, length - 1), max_size=4).map(
            lambda numbers: np.array(numbers, int)
        ),
        st.lists(st.booleans(), min_size=length, max_size=length).map(np.array),
    )


@st.composite
def indices(draw, shape):
    items = [draw(index_items(n)) for n in shape[: draw(st.integers(0, len(shape)))]]
    for _ in range(draw(st.integers(0, 2))):
        items.insert(draw(st.integers(0, len(items))), None)
    if draw(st.booleans()):
        items.insert(draw(st.integers(0, len(items))), Ellipsis)
        consumed = sum(item is not None and item is not Ellipsis for item in items)
        place = next(i for i, item in enumerate(items) if item is Ellipsis)
        before = sum(item is not None for item in items[:place])
        after = consumed - before
        items = items[: place + 1] + [
            draw(index_items(n)) if old is not None else None
            for n, old in zip(
                _lengths_after(shape, items[place + 1 :], after), items[place + 1 :], strict=True
            )
        ]
    return tuple(items)


def _lengths_after(shape, items, after):
    lengths = iter(shape[len(shape) - after :] if after else ())
    return [1 if item is None else next(lengths) for item in items]


def legal(x, index):
    try:
        return x[index]
    except IndexError:
        return None


@given(st.data())
def test_getitem_is_numpys(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    index = data.draw(indices(shape))
    expected = legal(x, index)
    t = Tensor(x, requires_grad=True)
    if expected is None:
        with pytest.raises(IndexError):
            t[index]
        return
    out = t[index]
    same(out, expected)
    c = seeded("index", expected.shape).uniform(-1, 1, expected.shape)
    (g,) = autograd.grad(out, t, Tensor(c))
    adjoint = np.zeros(shape)
    np.add.at(adjoint, index, c)
    same(g, adjoint)


@given(st.data())
def test_setitem_is_numpys(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    x = np.arange(float(np.prod(shape))).reshape(shape)
    index = data.draw(indices(shape))
    chosen = legal(x, index)
    if chosen is None:
        return
    v = seeded("values", chosen.shape).uniform(-1, 1, chosen.shape)
    expected = x.copy()
    expected[index] = v
    old, values = Tensor(x, requires_grad=True), Tensor(v, requires_grad=True)
    t = old * 1
    t[index] = values
    same(t, expected)
    c = seeded("c", shape).uniform(-1, 1, shape)
    g_old, g_values = autograd.grad(t, [old, values], Tensor(c), allow_unused=True)
    untouched = c.copy()
    untouched[index] = 0
    same(g_old, untouched)
    # A value counts where it is the one that stayed: write numbers, and see which are left.
    numbers = np.full(shape, -1)
    numbers[index] = np.arange(chosen.size).reshape(chosen.shape)
    stayed = np.isin(np.arange(chosen.size), numbers).reshape(chosen.shape)
    same(g_values, np.where(stayed, c[index], 0.0))


def test_indexing_with_tensors():
    x = Tensor([10.0, 20.0, 30.0], requires_grad=True)
    assert x[Tensor([2, 0])].tolist() == [30.0, 10.0]
    assert x[x > 15].tolist() == [20.0, 30.0]
    assert x[Tensor(1)].tolist() == 20.0
    assert x[np.int64(1)].tolist() == 20.0


# ---- a scalar is like a float ------------------------------------------------------------


def test_a_scalar_acts_like_a_float():
    t = Tensor(2.5)
    assert float(t) == 2.5
    assert int(t) == 2
    assert t == 2.5
    assert 2 < t < 3
    assert t >= 2.5
    assert f"{t:.2f}" == "2.50"
    assert f"{t:>8.3f}" == "   2.500"
    assert round(float(t)) == 2
    assert max(Tensor(1.0), t) is t
    assert sorted([t, Tensor(1.0)])[0].item() == 1.0
    assert bool(t)
    assert not Tensor(0.0)
    assert abs(-t).item() == 2.5
    assert divmod(7, 2) == (7 // Tensor(2), 7 % Tensor(2))


@pytest.mark.parametrize(
    ("operate", "expected"),
    [
        (lambda t: +t, 2.5),
        (lambda t: round(t), 2),
        (lambda t: round(t, 1), 2.5),
        (lambda t: divmod(t, 2), (1.0, 0.5)),
        (lambda t: divmod(5, t), (2.0, 0.0)),
    ],
)
def test_more_that_floats_do(operate, expected):
    assert operate(Tensor(2.5)) == expected


def test_format_of_one_element_and_of_many():
    assert f"{Tensor([[1.5]]):.1f}" == "1.5"
    assert f"{Tensor([1.0, 2.0])}" == str(Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="2 elements"):
        f"{Tensor([1.0, 2.0]):.1f}"


def test_an_integer_scalar_is_an_index():
    assert [10, 20, 30][Tensor(1)] == 20
    assert list(range(Tensor(3))) == [0, 1, 2]
    with pytest.raises(TypeError):
        [10, 20][Tensor(1.0)]


def test_the_truth_of_many_is_ambiguous():
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([]))
    with pytest.raises(ValueError, match="2 elements"):
        float(Tensor([1.0, 2.0]))


def test_length_and_iteration():
    t = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    assert len(t) == 2
    first, second = t
    assert first.tolist() == [1.0, 2.0]
    (second * second).sum().backward()
    assert t.grad.tolist() == [[0.0, 0.0], [6.0, 8.0]]
    with pytest.raises(TypeError):
        len(Tensor(1.0))
    with pytest.raises(TypeError):
        iter(Tensor(1.0))
    assert list(Tensor(np.zeros((0, 2)))) == []


def test_equality_is_elementwise_and_hash_is_identity():
    t = Tensor([1.0, 2.0])
    assert (t == Tensor([1.0, 3.0])).tolist() == [True, False]
    assert (t != [1.0, 3.0]).tolist() == [False, True]
    assert (t == 1).tolist() == [True, False]
    assert t != "text"
    assert (t == None) is False  # noqa: E711
    other = Tensor([1.0, 2.0])
    assert len({t, t, other}) == 2
    assert {t: "a"}[t] == "a"


def test_membership_asks_for_an_element():
    assert 2.0 in Tensor([1.0, 2.0])
    assert 3.0 not in Tensor([1.0, 2.0])


def test_bitwise_operators_on_booleans():
    a, b = Tensor([True, True, False]), Tensor([True, False, False])
    assert (a & b).tolist() == [True, False, False]
    assert (a | b).tolist() == [True, True, False]
    assert (a ^ b).tolist() == [False, True, False]
    assert (~a).tolist() == [False, False, True]


# ---- operators ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "operate",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a * b,
        lambda a, b: a / b,
        lambda a, b: a // b,
        lambda a, b: a % b,
        lambda a, b: a**b,
        lambda a, b: a < b,
        lambda a, b: a >= b,
        lambda a, b: a == b,
    ],
)
@pytest.mark.parametrize("other", [2, 2.0, [2.0, 3.0], np.array([2.0, 3.0]), np.float64(2.0)])
def test_operators_on_both_sides(operate, other):
    x = np.array([3.0, 4.0])
    same(operate(Tensor(x), other), operate(x, other))
    same(operate(other, Tensor(x)), operate(np.asarray(other), x))


def test_matmul_with_an_array_on_the_left():
    w = Tensor(np.eye(2), requires_grad=True)
    y = np.array([[1.0, 2.0]]) @ w
    assert isinstance(y, Tensor)
    y.sum().backward()
    same(w.grad, [[1.0, 1.0], [2.0, 2.0]])


def test_bitwise_operators_on_integers_are_numpys_or_refused():
    try:
        result = Tensor([1]) & Tensor([2])
    except TypeError:
        return
    assert result.tolist() == [0]


def test_an_operand_of_no_use_raises_a_type_error():
    for operate in (lambda a, b: a + b, lambda a, b: b * a, lambda a, b: a @ b):
        with pytest.raises(TypeError):
            operate(Tensor([1.0]), "text")
        with pytest.raises(TypeError):
            operate(Tensor([1.0]), None)


# ---- copies, pickles, text ---------------------------------------------------------------


@pytest.mark.parametrize(
    "clone", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))]
)
def test_copies_keep_values_and_flags_but_share_nothing(clone):
    t = Tensor([1.0, 2.0], requires_grad=True, name="w")
    t.sum().backward()
    other = clone(t)
    assert type(other) is Tensor
    assert other.tolist() == t.tolist()
    assert (other.requires_grad, other.name, other.dtype) == (True, "w", tl.float32)
    assert not np.shares_memory(other.numpy(), t.numpy())
    (other * 5).sum().backward()
    assert t.grad.tolist() == [1.0, 1.0]


def test_deepcopy_of_a_structure_keeps_what_is_shared_shared():
    w = Tensor([1.0], requires_grad=True)
    first, second = copy.deepcopy([w, w])
    assert first is second
    assert first is not w


@pytest.mark.parametrize("clone", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_graph_is_not_copied(clone):
    with pytest.raises(TypeError, match=r"detach\(\)"):
        clone(scalar(1.0) * 2)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor(1.0), "Tensor(1., dtype=float32)"),
        (Tensor([1, 2]), "Tensor([1, 2], dtype=int64)"),
        (Tensor([]), "Tensor([], dtype=float32)"),
        (
            Tensor([1.5], requires_grad=True, name="w"),
            "Tensor([1.5], dtype=float32, requires_grad=True, name='w')",
        ),
        (scalar(2.0) * 3, "Tensor(6., dtype=float64, op=multiply)"),
        (
            Tensor([[1.0, 2.0], [3.0, 4.0]]),
            "Tensor([[1., 2.],\n        [3., 4.]], dtype=float32)",
        ),
    ],
)
def test_repr(tensor, text):
    assert repr(tensor) == text


# ---- what it is --------------------------------------------------------------------------


def test_properties():
    t = Tensor(np.zeros((2, 3, 4)))
    assert (t.shape, t.ndim, t.size, t.dtype) == ((2, 3, 4), 3, 24, tl.float64)
    assert t.T.shape == (4, 3, 2)
    assert t.mT.shape == (2, 4, 3)


def test_reshape_takes_lengths_or_a_tuple():
    t = Tensor(np.arange(6.0))
    assert t.reshape(2, 3).shape == t.reshape((2, 3)).shape == t.reshape([2, 3]).shape == (2, 3)
    assert t.reshape(-1).shape == (6,)
    assert t.reshape(2, -1).shape == (2, 3)


def test_torch_keywords_are_aliases():
    t = Tensor(np.ones((2, 3)))
    assert t.sum(dim=1, keepdim=True).shape == (2, 1)
    assert tl.softmax(t, dim=0).shape == (2, 3)


def test_unknown_attributes_are_refused():
    with pytest.raises(AttributeError):
        Tensor(1.0).requires_gard = True


def test_requires_grad_can_be_switched():
    t = Tensor([1.0])
    assert t.requires_grad_() is t
    assert t.requires_grad
    t.requires_grad = False
    assert not (t * 2).requires_grad
    y = scalar(1.0) * 2
    y.requires_grad = True
    with pytest.raises(errors.GradientError, match="detach"):
        y.requires_grad = False


def test_in_place_on_an_element():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    t = x * 1
    t[0] += t[1] * t[2]
    t.sum().backward()
    assert x.grad.tolist() == [1.0, 4.0, 3.0]


def test_a_slice_written_over_one_that_it_overlaps():
    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    t = x * 1
    t[1:] = t[:-1]
    assert t.tolist() == [1.0, 1.0, 2.0]
    (t * Tensor([1.0, 10.0, 100.0])).sum().backward()
    assert x.grad.tolist() == [11.0, 100.0, 0.0]


def test_elements_of_a_parameter_under_no_grad():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with tl.no_grad():
        x[0] = 9.0
        x[1] += 1.0
    (x * x).sum().backward()
    assert x.is_leaf
    assert x.grad.tolist() == [18.0, 6.0]


def test_scaling_a_gradient_in_place():
    """As clipping does; the number of a leaf's gradient, not of another's."""
    x, y = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    (x + y).sum().backward()
    x.grad *= 0.5
    assert x.grad.tolist() == [0.5, 0.5]
    assert y.grad.tolist() == [1.0, 1.0]


def test_switching_requires_grad_off_and_on_keeps_grad_and_old_graphs():
    w = Tensor([2.0], requires_grad=True)
    y = w * w
    w.requires_grad = False
    w.requires_grad = True
    y.backward()
    assert w.grad.tolist() == [4.0]


def test_setting_requires_grad_again_changes_nothing():
    w = Tensor([2.0], requires_grad=True)
    y = w * w
    leaf = w.node
    w.requires_grad_()
    assert w.node is leaf
    assert autograd.grad(y, w)[0].tolist() == [4.0]


def test_a_leaf_that_used_to_be_a_constant():
    x = Tensor([2.0])
    w = Tensor([3.0], requires_grad=True)
    y = x * w
    x.requires_grad = True
    y.backward()
    assert x.grad is None, "the graph was recorded while x was a constant"
    (x * w).backward()
    assert x.grad.tolist() == [3.0]


def test_one_tensor_is_one_leaf():
    x, w = Tensor([2.0]), Tensor([3.0], requires_grad=True)
    y = x * w + x * w.exp()
    leaves = {p for node in topological([y.node]) for p in node.parents if isinstance(p, Leaf)}
    assert len(leaves) == 2


def test_names_belong_to_leaves():
    t = Tensor([1.0], name="first")
    t.name = "second"
    assert t.name == "second"
    y = scalar(1.0) * 2
    assert y.name == ""
    with pytest.raises(errors.GradientError, match="names="):
        y.name = "y"


def test_detach_shares_no_history():
    x = scalar(3.0)
    y = x * x
    assert not y.detach().requires_grad
    (y.detach() * x).backward()
    assert x.grad.item() == 9.0


def test_detached_values_do_not_follow_the_tensor():
    w = Tensor([1.0], requires_grad=True)
    kept = w.detach()
    w.assign([5.0])
    assert kept.tolist() == [1.0]


# ---- grad, hooks -------------------------------------------------------------------------


def test_grad_can_be_set_and_is_checked():
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.grad = [3.0, 4.0]
    assert w.grad.tolist() == [3.0, 4.0]
    assert w.grad.dtype == w.dtype
    with pytest.raises(ValueError, match="shape"):
        w.grad = [1.0]
    with pytest.raises(errors.GradientError):
        Tensor([1.0]).grad = [1.0]


def test_retain_grad():
    x = scalar(3.0)
    y = x * x
    y.retain_grad()
    y.retain_grad()
    (y * y).backward()
    assert y.grad.item() == 18.0
    assert (x * x).grad is None


def test_retain_grad_adds_up_like_a_leaf():
    x = scalar(3.0)
    y = x * x
    y.retain_grad()
    y.backward(retain_graph=True)
    y.backward()
    assert y.grad.item() == 2.0


@pytest.mark.parametrize("recorded", [False, True])
def test_a_hook_sees_the_gradient_and_can_change_it(recorded):
    x = scalar(3.0)
    y = x * x if recorded else x
    seen = []

    def double(g):
        seen.append(g.item())
        return g * 2

    remove = y.register_hook(double)
    (y * 5).backward()
    assert seen == [5.0]
    assert x.grad.item() == (60.0 if recorded else 10.0)
    remove()
    (y * 5 if not recorded else x * 1).backward()
    assert seen == [5.0]


def test_a_hook_gets_the_whole_gradient_once():
    x = scalar(3.0)
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    (x * 2 + x * 3 + x).backward()
    assert seen == [6.0]


def test_hooks_run_in_order():
    x = scalar(1.0)
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    (x * 1).backward()
    assert x.grad.item() == 20.0


def test_a_hook_on_an_intermediate_input_of_grad():
    x = scalar(3.0)
    y = x * x
    y.register_hook(lambda g: g * 2)
    dy, dx = autograd.grad(y * 1, [y, x])
    assert (dy.item(), dx.item()) == (2.0, 12.0)


def test_a_hook_of_the_wrong_shape_is_refused():
    x = scalar(3.0)
    x.register_hook(lambda g: tl.zeros(3))
    with pytest.raises(errors.ShapeError, match="register_hook"):
        (x * x).backward()


@pytest.mark.parametrize("result", [1.0, np.ones(()), "text"])
def test_a_hook_that_returns_no_tensor_is_refused(result):
    x = scalar(3.0)
    x.register_hook(lambda g: result)
    with pytest.raises(errors.ArgumentError, match=r"\[register_hook\].*Tensor"):
        (x * x).backward()


def test_a_hook_needs_a_gradient():
    with pytest.raises(errors.GradientError):
        Tensor(1.0).register_hook(print)


def test_hooks_under_create_graph_are_differentiated():
    x = scalar(3.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (first,) = autograd.grad(y, x, create_graph=True)  # x * 2x
    assert autograd.grad(first, x)[0].item() == 12.0


# ---- memory ------------------------------------------------------------------------------


def test_a_result_dies_with_its_name():
    gc.disable()
    try:
        x = scalar(3.0)
        y = (x * x).exp()
        watched = [weakref.ref(y), weakref.ref(y.node), weakref.ref(y.node.parents[0])]
        del y
        assert [ref() for ref in watched] == [None] * 3
    finally:
        gc.enable()


def test_the_graph_does_not_hold_the_tensor():
    w = Tensor([1.0], requires_grad=True)
    y = w * 2
    watched = weakref.ref(w)
    del w
    assert watched() is None
    assert isinstance(y.node, Node)


def test_a_hook_is_removed_once_by_its_handle():
    x, seen = scalar(1.0), []
    handle = x.register_hook(seen.append)
    (x * 2).backward()
    handle.remove()
    handle.remove()
    (x * 2).backward()
    assert len(seen) == 1


def test_a_hook_sees_the_whole_gradient_of_a_leaf_that_was_assigned_to():
    w = Tensor([1.0], requires_grad=True)
    w.register_hook(lambda g: g.clip(-1, 1))
    a = (w * 2).sum()
    with tl.no_grad():
        w -= 0.5
    (a + (w * 3).sum()).backward()
    assert w.grad.tolist() == [1.0]


@pytest.mark.parametrize("gradient", [np.ones(2), Tensor([1, 1]), Tensor([True, True]), [1, 1]])
def test_a_gradient_has_the_dtype_of_its_leaf(gradient):
    w = Tensor([1.0, 2.0], requires_grad=True)
    w.register_hook(lambda g: g.astype(tl.float64))
    (w * 2).backward(gradient)
    assert w.grad.dtype == tl.float32
    assert w.grad.tolist() == [2.0, 2.0]


def test_the_gradient_of_one_element_may_be_a_list_of_one():
    w = Tensor([3.0], requires_grad=True)
    (w * 2).backward([5.0])
    assert w.grad.tolist() == [10.0]


def test_no_gradient_can_always_be_set():
    t = Tensor([1, 2])
    t.grad = None
    assert t.grad is None
    with pytest.raises(errors.GradientError):
        Tensor(1.0).retain_grad()


def test_all_in_place_operators_keep_the_object():
    t = alias = Tensor([7.0])
    t //= 2
    t %= 2
    t **= 2
    assert alias is t
    assert t.tolist() == [1.0]


def test_slices_take_tensors_and_refuse_fractions():
    t = Tensor([1.0, 2.0, 3.0])
    assert t[Tensor(1) :].tolist() == [2.0, 3.0]
    with pytest.raises(errors.IndexingError, match="not integers"):
        t[0:2.0]


def test_numbers_too_large_and_lists_of_tensors_are_refused():
    with pytest.raises(errors.RangeError, match="does not fit into int64"):
        Tensor(10**20)
    with pytest.raises(errors.ArgumentError, match=r"tl\.stack"):
        tl.sum([scalar(1.0), scalar(2.0)])
    with pytest.raises(errors.RangeError, match="negative power"):
        Tensor([1, 2]) ** -1

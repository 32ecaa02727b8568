"""Every mistake that a user can make, and the message that mends it, word for word.

The form is ``[op or layer path] what is wrong: the shapes or values. The remedy.``
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors
from tinygrad_lesson.mode import current, restore

from .support import scalar

MISTAKES: list[Any] = []


def mistake(
    kind: type[errors.TinygradError], built_in: type[Exception], message: str
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declare what a call raises, the exception that users catch, and the whole message."""

    def declare(call: Callable[[], Any]) -> Callable[[], Any]:
        MISTAKES.append(pytest.param(call, kind, built_in, message, id=call.__name__))
        return call

    return declare


def table(*shape: int) -> Tensor:
    return Tensor(np.ones(shape), requires_grad=True)


def pair() -> Tensor:
    return Tensor([1.0, 2.0], requires_grad=True)


# ---- shapes ------------------------------------------------------------------------------


@mistake(
    errors.ShapeError,
    ValueError,
    "[add] shapes (2, 3) and (4,) do not broadcast."
    " Axes are lined up from the right; each pair must be equal, or one of them 1.",
)
def add_other_lengths():
    return table(2, 3) + np.ones(4)


@mistake(
    errors.ShapeError,
    ValueError,
    "[multiply] shapes (4, 3) and (4,) do not broadcast."
    " Give the second a new axis: expand_dims(..., axis=1) makes it (4, 1).",
)
def multiply_rows_by_a_column():
    return table(4, 3) * np.ones(4)


@mistake(
    errors.ShapeError,
    ValueError,
    "[subtract] shapes (4,) and (4, 3) do not broadcast."
    " Give the first a new axis: expand_dims(..., axis=1) makes it (4, 1).",
)
def subtract_rows_from_a_column():
    return np.ones(4) - table(4, 3)


@mistake(
    errors.ShapeError,
    ValueError,
    "[matmul] (5, 3) @ (4, 3): the last axis of the first, 3, must equal the second last axis of"
    " the second, 4. Transpose the second: x @ y.mT.",
)
def matmul_not_transposed():
    return table(5, 3) @ table(4, 3)


@mistake(
    errors.ShapeError,
    ValueError,
    "[matmul] (5, 3) @ (4, 2): the last axis of the first, 3, must equal the second last axis of"
    " the second, 4. Check the layer sizes.",
)
def matmul_other_sizes():
    return table(5, 3) @ table(4, 2)


@mistake(
    errors.ShapeError,
    ValueError,
    "[matmul] (2, 3, 4) @ (3, 4, 2): the axes before the last two do not broadcast."
    " They are lined up from the right; each pair must be equal, or one of them 1.",
)
def matmul_other_batches():
    return table(2, 3, 4) @ table(3, 4, 2)


@mistake(
    errors.ShapeError,
    ValueError,
    "[matmul] a single number has no matrix product: (2, 3) @ (). Use * to scale by it.",
)
def matmul_with_a_number():
    return table(2, 3) @ 2.0


@mistake(
    errors.ShapeError,
    ValueError,
    "[reshape] shape (2, 3) has 6 elements, shape=(4, 2) asks for 8."
    " The product of the new lengths must be the number of elements; one may be -1.",
)
def reshape_to_another_size():
    return table(2, 3).reshape(4, 2)


@mistake(
    errors.ShapeError,
    ValueError,
    "[reshape] shape=(-1, -1) leaves two lengths open."
    " The product of the new lengths must be the number of elements; one may be -1.",
)
def reshape_with_two_unknowns():
    return table(2, 3).reshape(-1, -1)


@mistake(
    errors.ShapeError,
    ValueError,
    "[permute_dims] axes=(0,) do not name every axis of shape (2, 3) once."
    " Use a permutation of (0, 1).",
)
def permute_too_few():
    return tl.permute_dims(table(2, 3), axes=(0,))


@mistake(
    errors.ShapeError,
    ValueError,
    "[permute_dims] axes=(0, 0) do not name every axis of shape (2, 3) once."
    " Use a permutation of (0, 1).",
)
def permute_twice_the_same():
    return tl.permute_dims(table(2, 3), axes=(0, 0))


@mistake(
    errors.ShapeError,
    ValueError,
    "[broadcast_to] shape (2, 3) cannot become (3, 3)."
    " Only axes of length 1, and new ones in front, can be stretched.",
)
def broadcast_to_another_length():
    return tl.broadcast_to(table(2, 3), (3, 3))


@mistake(
    errors.ShapeError,
    ValueError,
    "[squeeze] axis 0 of shape (2, 3) has length 2. Only axes of length 1 can be removed.",
)
def squeeze_a_long_axis():
    return tl.squeeze(table(2, 3), axis=0)


@mistake(
    errors.ShapeError,
    ValueError,
    "[concat] shapes (2, 3) and (2, 2) differ in axis 1."
    " All arrays must have the same shape but for the length along axis 0.",
)
def concat_other_columns():
    return tl.concat([table(2, 3), table(2, 2)])


@mistake(
    errors.ShapeError,
    ValueError,
    "[stack] shapes (2, 3) and (2, 2) differ. All arrays must have the same shape.",
)
def stack_other_shapes():
    return tl.stack([table(2, 3), table(2, 2)])


@mistake(
    errors.ShapeError,
    ValueError,
    "[max] shape (0,) has no elements. A maximum of nothing does not exist; check the shape.",
)
def maximum_of_nothing():
    return tl.max(Tensor([]))


@mistake(
    errors.ShapeError,
    ValueError,
    "[setitem] values of shape (2,) do not fit into t[0], of shape (3,)."
    " The values must broadcast to the shape of what the index selects.",
)
def write_a_row_of_another_length():
    t = tl.zeros((2, 3))
    t[0] = np.ones(2)


@mistake(
    errors.ArgumentError,
    TypeError,
    "[take] shape (2, 3) has more than one axis. Pass axis=.",
)
def take_without_an_axis():
    return tl.take(table(2, 3), Tensor([0]))


# ---- axes --------------------------------------------------------------------------------


@mistake(
    errors.AxisError,
    IndexError,
    "[sum] axis 2 does not exist in shape (2, 3). Use an axis from -2 to 1.",
)
def sum_over_a_missing_axis():
    return table(2, 3).sum(axis=2)


@mistake(
    errors.AxisError,
    ValueError,
    "[concat] axis 3 does not exist in shape (2, 3). Use an axis from -2 to 1.",
)
def concat_along_a_missing_axis():
    return tl.concat([table(2, 3), table(2, 3)], axis=3)


@mistake(
    errors.AxisError,
    ValueError,
    "[sum] axis 5 does not exist in shape (2, 3). Use an axis from -2 to 1.",
)
def sum_over_two_axes_one_of_them_missing():
    return table(2, 3).sum(axis=(0, 5))


@mistake(
    errors.AxisError,
    ValueError,
    "[expand_dims] axis 7 does not exist in the result, which has 3 axes."
    " Use an axis from -3 to 2.",
)
def expand_at_a_missing_axis():
    return tl.expand_dims(table(2, 3), axis=7)


@mistake(
    errors.AxisError,
    ValueError,
    "[sum] axis (0, 0) names one axis twice. Name each axis once.",
)
def sum_over_one_axis_twice():
    return table(2, 3).sum(axis=(0, 0))


# ---- arguments ---------------------------------------------------------------------------


@mistake(
    errors.ArgumentError,
    TypeError,
    "[sum] the keyword 'axs' is unknown. Call sum(x, /, axis=None, keepdims=False, dtype=None).",
)
def misspelt_keyword():
    return tl.sum(pair(), axs=1)


@mistake(
    errors.ArgumentError,
    TypeError,
    "[reshape] the keyword 'shape' is missing. Call reshape(x, /, shape, copy=None).",
)
def missing_keyword():
    return tl.reshape(pair())


@mistake(errors.ArgumentError, TypeError, "[exp] 2 arguments are too many. Call exp(x, /).")
def too_many_arguments():
    return tl.exp(pair(), pair())


@mistake(errors.ArgumentError, TypeError, "[add] 1 argument is too few. Call add(x, y, /).")
def too_few_arguments():
    return tl.add(pair())


@mistake(
    errors.ArgumentError, TypeError, "[concat] 0 arrays are too few. Call concat(*arrays, axis=0)."
)
def concat_nothing():
    return tl.concat([])


@mistake(
    errors.ArgumentError,
    TypeError,
    "[sum] axis='rows' is not an integer. Call sum(x, /, axis=None, keepdims=False, dtype=None).",
)
def an_axis_by_name():
    return pair().sum(axis="rows")


@mistake(
    errors.ArgumentError,
    TypeError,
    "[add] an input of type str is neither a tensor nor numbers."
    " Pass a Tensor, a NumPy array, a number or a nested list of numbers.",
)
def add_a_word():
    return pair() + "word"


@mistake(
    errors.ArgumentError,
    TypeError,
    "[exp] an input of type NoneType is neither a tensor nor numbers."
    " Pass a Tensor, a NumPy array, a number or a nested list of numbers.",
)
def exp_of_none():
    return tl.exp(None)


@mistake(
    errors.ArgumentError,
    TypeError,
    "[np.linalg.eig] not available on a Tensor."
    " Call it on t.numpy(), or write it with the functions of tinygrad_lesson.",
)
def numpy_function_without_an_op():
    return np.linalg.eig(pair())


@mistake(
    errors.ArgumentError,
    TypeError,
    "[np.exp] out= would write into an array that a graph may still need."
    " Use the value that the function returns.",
)
def numpy_function_with_out():
    return np.exp(pair(), out=np.ones(2))


@mistake(
    errors.ArgumentError,
    TypeError,
    "[Tensor] a list of tensors would lose their history."
    " Join them with tl.stack(list) or tl.concat(list).",
)
def tensor_of_tensors():
    return Tensor([scalar(1.0), scalar(2.0)])


@mistake(errors.ArgumentError, TypeError, "[len] a single number has no length. Use t.size.")
def length_of_a_number():
    return len(Tensor(1.0))


@mistake(
    errors.ArgumentError,
    TypeError,
    "[iter] a single number cannot be iterated over. Use t.item().",
)
def iterate_over_a_number():
    return iter(Tensor(1.0))


# ---- dtypes ------------------------------------------------------------------------------


@mistake(
    errors.DTypeError,
    TypeError,
    "[requires_grad] only floating dtypes have gradients, not int64."
    " Write the numbers as floats (1.0, not 1), or pass dtype=tl.float32.",
)
def gradient_of_integers():
    return Tensor([1, 2], requires_grad=True)


@mistake(
    errors.DTypeError,
    TypeError,
    "[Tensor] numbers of type complex128 are not supported. Use booleans, integers or floats.",
)
def complex_numbers():
    return Tensor([1j])


@mistake(
    errors.ArgumentError,
    TypeError,
    "[Tensor] a value of type NoneType is not a number."
    " Pass a number, a nested list of numbers, a NumPy array or a Tensor.",
)
def tensor_of_none():
    return Tensor(None)


@mistake(
    errors.ShapeError,
    ValueError,
    "[Tensor] the nested lists have different lengths. Pad them, or make one tensor of each.",
)
def ragged_lists():
    return Tensor([[1.0], [1.0, 2.0]])


@mistake(
    errors.DTypeError,
    TypeError,
    "[subtract] not defined for bool and bool. Use ^ for booleans, or convert one of them:"
    " x.astype(tl.float32).",
)
def subtract_booleans():
    return Tensor([True]) - Tensor([False])


@mistake(
    errors.DTypeError,
    TypeError,
    "[take] indices of float32 cannot index. Convert them: indices.astype(tl.int64).",
)
def take_at_floats():
    return tl.take(pair(), Tensor([0.5]), axis=0)


@mistake(
    errors.DTypeError,
    TypeError,
    "[set_default_dtype] the default must be a floating dtype, not int32."
    " Pass tl.float16, tl.float32 or tl.float64.",
)
def integers_by_default():
    tl.set_default_dtype(tl.int32)


@mistake(
    errors.DTypeError,
    TypeError,
    "[astype] 'float31' is not a dtype. Pass one such as tl.float32.",
)
def convert_to_an_unknown_dtype():
    return pair().astype("float31")


@mistake(
    errors.DTypeError,
    TypeError,
    "[Tensor] 'float31' is not a dtype. Pass one such as tl.float32.",
)
def tensor_of_an_unknown_dtype():
    return Tensor([1.0], dtype="float31")


@mistake(
    errors.DTypeError,
    TypeError,
    "[assign] float64 numbers do not fit into a tensor of int64."
    " Convert one of them with astype().",
)
def assign_floats_to_integers():
    Tensor([1, 2]).assign(np.array([1.5, 2.5]))


@mistake(errors.DTypeError, TypeError, "[index] a float32 cannot count. Convert it: int(t).")
def count_with_a_float():
    return range(Tensor(2.0))


@mistake(
    errors.RangeError,
    ValueError,
    "[add] the number 300 does not fit into int8. Convert the tensor: x.astype(tl.int64).",
)
def add_a_number_out_of_range():
    return Tensor([1], dtype=tl.int8) + 300


# ---- indices -----------------------------------------------------------------------------


@mistake(
    errors.IndexingError,
    IndexError,
    "[getitem] index 5 does not exist in axis 0 of shape (2, 3). Use an index from -2 to 1.",
)
def an_index_out_of_range():
    return table(2, 3)[5]


@mistake(
    errors.IndexingError,
    IndexError,
    "[getitem] 3 indices for shape (2, 3), which has 2 axes. Leave some out.",
)
def too_many_indices():
    return table(2, 3)[0, 0, 0]


@mistake(
    errors.IndexingError,
    IndexError,
    "[getitem] a float cannot index."
    " Use integers, slices, None, ..., booleans, or tensors of integers or booleans.",
)
def a_float_as_an_index():
    return table(2, 3)[1.0]


@mistake(
    errors.IndexingError,
    IndexError,
    "[getitem] a mask of shape (3,) for axis 0 of shape (2, 3)."
    " A mask has the lengths of the axes that it selects from.",
)
def a_mask_of_another_length():
    return table(2, 3)[np.array([True, False, True])]


@mistake(
    errors.IndexingError,
    IndexError,
    "[getitem] index arrays of shapes (2,) and (3,) do not broadcast."
    " Index arrays must broadcast with one another.",
)
def index_arrays_of_other_shapes():
    return table(2, 3)[[0, 1], [0, 1, 2]]


@mistake(
    errors.RangeError,
    ValueError,
    "[one_hot] class 5 does not exist among num_classes=3. Classes are numbered from 0 to 2.",
)
def a_class_out_of_range():
    return tl.one_hot(Tensor([5]), num_classes=3)


# ---- gradients ---------------------------------------------------------------------------


@mistake(
    errors.NonScalarError,
    RuntimeError,
    "[backward] the output has shape (2,), which is not a single number."
    " Reduce it first, as in loss.sum(), or pass the gradient with respect to it.",
)
def backward_of_many_numbers():
    (pair() * 2).backward()


@mistake(
    errors.GraphFreedError,
    RuntimeError,
    "[multiply] the saved arrays of this graph were released by an earlier backward pass."
    " Pass retain_graph=True to the first one, or run the forward pass again.",
)
def backward_twice():
    x = scalar(2.0)
    y = x * x
    y.backward()
    y.backward()


@mistake(
    errors.DisconnectedError,
    RuntimeError,
    "[backward] the output of shape () was not made by ops that were recorded from a tensor that"
    " requires a gradient."
    " Set requires_grad=True on what is to be differentiated, and leave no_grad().",
)
def backward_of_a_constant():
    Tensor(1.0).backward()


@mistake(
    errors.DisconnectedError,
    RuntimeError,
    "[autograd.grad] no output depends on input 1, of shape (2,)."
    " Pass allow_unused=True to get None for it.",
)
def gradient_for_an_unused_input():
    x = scalar(2.0)
    autograd.grad(x * x, [x, pair()])


@mistake(
    errors.DisconnectedError,
    RuntimeError,
    "[autograd.grad] input 0, of shape (), does not require a gradient."
    " Make it with requires_grad=True before the forward pass.",
)
def gradient_for_a_constant():
    autograd.grad(scalar(2.0) * 2, Tensor(1.0))


@mistake(
    errors.ShapeError,
    ValueError,
    "[backward] the gradient has shape (3,), the output (2,)."
    " Pass one number for each element of the output.",
)
def backward_with_another_shape():
    (pair() * 2).backward(np.ones(3))


@mistake(
    errors.ShapeError,
    ValueError,
    "[autograd.grad] 2 outputs but 1 grad_outputs."
    " Give one for each output, None where the output is a single number.",
)
def too_few_grad_outputs():
    x = scalar(2.0)
    autograd.grad([x * x, x + x], x, [Tensor(1.0)])


@mistake(
    errors.GradientError,
    RuntimeError,
    "[requires_grad] the result of multiply requires a gradient because its inputs do."
    " Use detach() for a tensor with the same numbers and no history.",
)
def switch_off_the_gradient_of_a_result():
    (pair() * 2).requires_grad = False


@mistake(
    errors.GradientError,
    RuntimeError,
    "[register_hook] this tensor does not require a gradient. Set requires_grad=True first.",
)
def a_hook_on_a_constant():
    Tensor(1.0).register_hook(print)


@mistake(
    errors.GradientError,
    RuntimeError,
    "[grad] only a tensor that requires a gradient has one. Set requires_grad=True first.",
)
def set_the_gradient_of_a_constant():
    Tensor(1.0).grad = 1.0


@mistake(
    errors.ShapeError,
    ValueError,
    "[grad] a gradient of shape (1,) for a tensor of shape (2,). Both have the same shape.",
)
def set_a_gradient_of_another_shape():
    pair().grad = [1.0]


# ---- values ------------------------------------------------------------------------------


@mistake(
    errors.GradientError,
    RuntimeError,
    "[in-place] this tensor is a leaf that requires a gradient, and changing it in place would be"
    " recorded. Update parameters under `with tl.no_grad():`, or write w = w + x.",
)
def change_a_leaf_in_place():
    w = pair()
    w += 1.0


@mistake(
    errors.ShapeError,
    ValueError,
    "[in-place] the result has shape (3,), the tensor (1,)."
    " Write t = t + x rather than t += x where the shape grows.",
)
def grow_in_place():
    t = Tensor([1.0])
    t += np.ones(3)


@mistake(
    errors.ShapeError,
    ValueError,
    "[assign] numbers of shape (3,) for a tensor of shape (2,)."
    " Make a new Tensor to change the shape.",
)
def assign_another_shape():
    pair().assign([1.0, 2.0, 3.0])


@mistake(
    errors.ReadOnlyError,
    ValueError,
    "[assign] this tensor is the result of multiply, and its graph needs the numbers."
    " Assign to a leaf, or to a detach()ed copy.",
)
def assign_to_a_result():
    (pair() * 2).assign([1.0, 2.0])


@mistake(
    errors.ReadOnlyError,
    ValueError,
    "[data] t.data is a read-only view, because graphs may still need the array."
    " Write to the tensor: with tl.no_grad(): t[index] = value.",
)
def write_into_data():
    pair().data[0] = 1.0


@mistake(
    errors.RangeError,
    ValueError,
    "[item] shape (2,) has 2 elements, not one. Reduce it first (sum, mean, max), or use tolist().",
)
def one_number_of_two():
    return float(pair())


@mistake(
    errors.RangeError,
    ValueError,
    "[bool] the truth of 2 elements, of shape (2,), is ambiguous. Use tl.any(t) or tl.all(t).",
)
def truth_of_two():
    return bool(pair() > 1)


@mistake(
    errors.SerializationError,
    TypeError,
    "[copy or pickle] this tensor is the result of multiply, and its graph is not copied."
    " Copy t.detach() instead.",
)
def pickle_a_graph():
    return pickle.dumps(pair() * 2)


@mistake(
    errors.GradientError,
    RuntimeError,
    "[name] the result of multiply has no name of its own."
    " Name it in the picture: viz.graph(loss, names=locals()).",
)
def name_a_result():
    (pair() * 2).name = "y"


@mistake(
    errors.ShapeError,
    ValueError,
    "[zeros] shape (-1,) has a negative length. Lengths are 0 or more.",
)
def a_negative_length():
    return tl.zeros((-1,))


# ---- the test ----------------------------------------------------------------------------


@pytest.mark.parametrize(("call", "kind", "built_in", "message"), MISTAKES)
def test_message(
    call: Callable[[], Any], kind: type[Exception], built_in: type[Exception], message: str
) -> None:
    with pytest.raises(built_in) as caught:
        call()
    assert str(caught.value) == message
    assert type(caught.value) is kind


@pytest.mark.parametrize("message", [case.values[3] for case in MISTAKES])
def test_form_of_the_messages(message: str) -> None:
    """In brackets who refuses; what is wrong; the remedy, which is a sentence of its own."""
    assert re.fullmatch(r"\[[\w .:/-]+\] [^.\n].*[^. ]\. [A-Z][^\n]*\.", message)
    assert "annotation" not in message
    assert "'Array'" not in message


def test_the_module_that_ran_is_named() -> None:
    mode = current()
    restore(mode.but(scope="MLP/hidden:Linear"))
    try:
        with pytest.raises(errors.ShapeError, match=r"^\[MLP/hidden:Linear matmul\]"):
            table(2, 3) @ table(2, 3)
    finally:
        restore(mode)


def test_the_cause_is_chained() -> None:
    with pytest.raises(errors.ShapeError) as caught:
        table(2, 3) + np.ones(4)
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize(
    "kind",
    [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, Exception)
     and not issubclass(k, Warning)],
)  # fmt: skip
def test_the_tree(kind: type[errors.TinygradError]) -> None:
    error = kind("op", "this is wrong: 3", "Do that.")
    assert str(error) == "[op] this is wrong: 3. Do that."
    assert (error.where, error.what, error.remedy) == ("op", "this is wrong: 3", "Do that.")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    built_in = {ValueError, TypeError, LookupError, RuntimeError, ImportError, OSError, MemoryError}
    assert kind is errors.TinygradError or built_in & set(kind.__mro__)

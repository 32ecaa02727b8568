"""Rows of a table by number, and numbers as rows."""

from __future__ import annotations

from ... import ops
from ...arguments import axis
from ...arrays import Array
from ...errors import DTypeError, IndexingError, ShapeError
from ...mode import current
from ...tensor import Tensor
from .place import layer_or


def embedding(input: Array, weight: Tensor, padding_idx: int | None = None) -> Tensor:
    """For each number in `input`, that row of `weight`.

    Parameters
    ----------
    input
        Integers from 0 on, of any shape.
    weight
        Shape (V, E).
    padding_idx
        The number of a row that gets no gradient.

    Returns
    -------
    Tensor
        Shape (*input.shape, E).

    Examples
    --------
    >>> import tinygrad_lesson as tl
    >>> table = tl.Tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> tl.nn.functional.embedding([1, 0, 1], table).tolist()
    [[1.0, 2.0], [0.0, 0.0], [1.0, 2.0]]
    """
    where = layer_or("embedding")
    numbers = input if isinstance(input, Tensor) else Tensor(input)
    if numbers.dtype.kind not in "iu":
        if numbers.size or numbers.dtype.kind == "b":
            raise DTypeError(
                where,
                f"the numbers of rows are {numbers.dtype}, not integers",
                "Convert them: x.astype(tl.int64).",
            )
        numbers = numbers.astype("int64")  # of an empty list nothing tells the dtype
    if weight.ndim != 2:
        raise ShapeError(where, f"the weight has shape {weight.shape}", "Pass one of shape (V, E).")
    rows = weight.shape[0]
    if current().tracer is None and numbers.size:
        lowest, highest = int(numbers.raw.min()), int(numbers.raw.max())
        if lowest < 0 or highest >= rows:
            raise IndexingError(
                where,
                f"the index {lowest if lowest < 0 else highest} is none of the {rows} rows of the"
                f" weight {weight.shape}",
                f"Use indices from 0 to {rows - 1}, or build the layer with"
                f" num_embeddings={highest + 1}."
                if highest >= rows
                else f"Use indices from 0 to {rows - 1}.",
            )
    found = ops.take(weight, numbers, axis=0)
    if padding_idx is None:
        return found
    padding = ops.equal(numbers, axis(where, padding_idx, rows, "padding_idx")).expand_dims(-1)
    return ops.where(padding, found.detach(), found)


def one_hot(input: Array, num_classes: int = -1) -> Tensor:
    """Integers as rows of zeros with a single 1: :func:`tinygrad_lesson.one_hot` as in PyTorch.

    Parameters
    ----------
    input
        Integers from 0 on, of any shape.
    num_classes
        The length of a row; -1: the largest integer and one.

    Returns
    -------
    Tensor
        Integers of shape (*input.shape, num_classes).
    """
    numbers = input if isinstance(input, Tensor) else Tensor(input)
    if num_classes == -1:
        num_classes = int(numbers.max()) + 1
    return ops.one_hot(numbers, num_classes, dtype="int64")

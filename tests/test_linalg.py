"""Linear algebra beyond the registry: identities, degenerate matrices, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, autograd, errors, linalg, ops

from .oracles import VALUES
from .support import numeric_gradients, same, seeded

BATCHES = st.sampled_from([(), (1,), (2,), (0,), (2, 1)])
SIDES = st.integers(1, 5)


def normal(*shape: int, seed: object = 0) -> np.ndarray:
    return seeded("linalg", shape, seed).standard_normal(shape)


def orthogonal(n: int, seed: object = 0) -> np.ndarray:
    return np.linalg.qr(normal(n, n, seed=seed))[0]


def with_values(*values: float) -> np.ndarray:
    """A symmetric matrix with these eigenvalues."""
    v = orthogonal(len(values))
    return (v * values) @ v.T


def gradient(function: Callable[[Tensor], Tensor], x: np.ndarray) -> np.ndarray:
    tensor = Tensor(x, requires_grad=True)
    function(tensor).backward()
    assert tensor.grad is not None
    return tensor.grad.numpy()


def check(function: Callable[[Tensor], Tensor], x: np.ndarray, accuracy: float = 1e-8) -> None:
    """The gradient of a number is that of central differences."""
    (numeric,) = numeric_gradients(lambda xs: function(Tensor(xs[0])).item(), [x], [0])
    same(gradient(function, x), numeric, accuracy, accuracy)


# ---- identities --------------------------------------------------------------------------


@given(BATCHES, SIDES, SIDES)
def test_solve_leaves_no_residual(batch: Any, n: int, k: int) -> None:
    a, b = normal(*batch, n, n) + 3 * n * np.eye(n), normal(*batch, n, k, seed=1)
    same(a @ linalg.solve(a, b).numpy(), b, 1e-10, 1e-10)
    same(linalg.inv(a).numpy() @ a, np.broadcast_to(np.eye(n), a.shape), 1e-10, 1e-10)


@given(BATCHES, SIDES, SIDES, st.sampled_from(["reduced", "complete"]))
def test_qr_is_a_decomposition(batch: Any, m: int, n: int, mode: str) -> None:
    x = normal(*batch, m, n)
    q, r = linalg.qr(x, mode)
    assert q.shape == (*batch, m, m if mode == "complete" else min(m, n))
    same(q @ r, x, 1e-10, 1e-10)
    same(q.mT @ q, np.broadcast_to(np.eye(q.shape[-1]), (q.mT @ q).shape), 1e-10, 1e-10)
    same(tl.tril(r, k=-1), np.zeros(r.shape), 1e-10, 1e-10)


@given(BATCHES, SIDES, SIDES, st.booleans())
def test_svd_is_a_decomposition(batch: Any, m: int, n: int, full: bool) -> None:
    x, k = normal(*batch, m, n), min(m, n)
    u, s, vh = linalg.svd(x, full_matrices=full)
    assert u.shape == (*batch, m, m if full else k)
    assert vh.shape == (*batch, n if full else k, n)
    same(u[..., :k] * s[..., None, :] @ vh[..., :k, :], x, 1e-10, 1e-10)
    for vectors in (u, vh.mT):
        product = vectors.mT @ vectors
        same(product, np.broadcast_to(np.eye(vectors.shape[-1]), product.shape), 1e-10, 1e-10)
    same(linalg.svdvals(x), s, 1e-10, 1e-10)
    same(linalg.pinv(linalg.pinv(x)), x, 1e-7, 1e-7)


@given(BATCHES, SIDES)
def test_symmetric_decompositions(batch: Any, n: int) -> None:
    x = normal(*batch, n, n)
    x = x @ x.mT + n * np.eye(n)
    values, vectors = linalg.eigh(x)
    same(vectors * values[..., None, :] @ vectors.mT, x, 1e-10, 1e-10)
    same(linalg.eigvalsh(x), values, 1e-10, 1e-10)
    lower, upper = linalg.cholesky(x), linalg.cholesky(x, upper=True)
    same(lower @ lower.mT, x, 1e-10, 1e-10)
    same(upper, lower.mT)
    same(linalg.cholesky_solve(x, lower), np.broadcast_to(np.eye(n), x.shape), 1e-9, 1e-9)
    sign, logabsdet = linalg.slogdet(x)
    same(sign * tl.exp(logabsdet), linalg.det(x), 1e-9)
    same(linalg.logdet(x), logabsdet)


@pytest.mark.parametrize("name", ["eigh", "cholesky", "eigvalsh"])
def test_of_a_symmetric_matrix_the_symmetric_part_is_itself(name: str) -> None:
    """Bit for bit NumPy's result: halves of equal numbers are added without rounding."""
    x = normal(6, 6) / 3
    x = x @ x.T + np.eye(6)
    x = (x + x.T) / 2
    found, expected = getattr(linalg, name)(x), getattr(np.linalg, name)(x)
    for out, numbers in zip(found, expected, strict=True):
        assert np.array_equal(out.numpy(), numbers)


def test_results_have_the_standards_names() -> None:
    x = np.eye(2)
    assert linalg.eigh(x)._fields == ("eigenvalues", "eigenvectors")
    assert linalg.qr(x)._fields == ("Q", "R")
    assert linalg.slogdet(x)._fields == ("sign", "logabsdet")
    assert linalg.svd(x)._fields == ("U", "S", "Vh")


def test_trace_and_diagonal() -> None:
    x = normal(2, 3, 4)
    for offset in range(-4, 6):
        same(linalg.trace(x, offset), np.linalg.trace(x, offset=offset))
        same(linalg.diagonal(x, offset), np.linalg.diagonal(x, offset=offset))
    counts = np.arange(6, dtype=np.int8).reshape(2, 3)
    assert linalg.trace(counts).dtype == np.linalg.trace(counts).dtype
    assert linalg.trace(counts, dtype="float32").dtype == np.float32


def test_matrix_power_of_all_kinds() -> None:
    x = normal(2, 3, 3)
    for n in range(-4, 10):
        same(linalg.matrix_power(x, n), np.linalg.matrix_power(x, n), 1e-9, 1e-9)


@pytest.mark.parametrize("size", [0.0, 1e-8, 0.1, 1.0, 5.0, 30.0, 200.0])
def test_matrix_exp_of_any_size(size: float) -> None:
    x = size * normal(4, 4) / 4
    expected = scipy.linalg.expm(x)
    same(linalg.matrix_exp(x), expected, 1e-10, 1e-12 * np.abs(expected).max())


def test_matrix_exp_scales_each_matrix_by_itself() -> None:
    x = np.stack([normal(3, 3), 100 * np.eye(3), np.zeros((3, 3))])
    same(linalg.matrix_exp(x), scipy.linalg.expm(x), 1e-11)
    assert linalg.expm is linalg.matrix_exp


def test_multi_dot_saves_work() -> None:
    """(a b) c takes ten times the products of a (b c) here; both are right."""
    a, b, c = normal(2, 50), normal(50, 40), normal(40, 1)
    same(linalg.multi_dot(a, b, c), a @ b @ c, 1e-10, 1e-10)
    out = linalg.multi_dot(Tensor(a, requires_grad=True), b, c)
    assert out.node.parents[1].shape == (50, 1)


# ---- degenerate points -------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-12, 1e-6, 1e-3])
def test_functions_of_equal_and_close_eigenvalues(gap: float) -> None:
    """sum(w**2), sum(exp(w)): their derivatives are 2 x and exp(x), whatever the gap."""
    x = with_values(1.0, 1.0 + gap, 2.0)
    for values in (linalg.eigvalsh, lambda x: linalg.eigh(x).eigenvalues):
        same(gradient(lambda x, v=values: (v(x) ** 2).sum(), x), 2 * x, 1e-12, 1e-12)
        exp = scipy.linalg.expm(x)
        same(gradient(lambda x, v=values: v(x).exp().sum(), x), exp, 1e-12, 1e-12)


@pytest.mark.parametrize("gap", [0.0, 1e-15, 1e-12, 1e-6, 1e-3])
def test_functions_of_equal_and_close_singular_values(gap: float) -> None:
    """The sum of squares has the derivative 2 x, the sum (the nuclear norm) U Vh."""
    u, v = orthogonal(4, seed=1)[:, :3], orthogonal(3, seed=2)
    x = u * (1.0, 1.0 + gap, 2.0) @ v.T
    for values in (linalg.svdvals, lambda x: linalg.svd(x, full_matrices=False).S):
        same(gradient(lambda x, f=values: (f(x) ** 2).sum(), x), 2 * x, 1e-12, 1e-12)
        same(gradient(lambda x, f=values: f(x).sum(), x), u @ v.T, 1e-12, 1e-12)
    same(gradient(lambda x: linalg.matrix_norm(x, ord="nuc"), x), u @ v.T, 1e-12, 1e-12)


@pytest.mark.parametrize("gap", [0.0, 1e-15])
def test_vectors_of_equal_values_where_the_choice_does_not_matter(gap: float) -> None:
    """The projector on both eigenvectors of a pair is as smooth as if it were apart."""
    x, c = with_values(1.0, 1.0 + gap, 3.0), normal(3, 3)

    def projector(x: Tensor) -> Tensor:
        pair = linalg.eigh(x).eigenvectors[:, :2]
        return (pair @ pair.mT * c).sum()

    check(projector, x, 1e-7)


def test_singular_values_of_a_matrix_without_full_rank() -> None:
    x = normal(4, 2) @ normal(2, 3, seed=1)
    same(gradient(lambda x: (linalg.svd(x).S ** 2).sum(), x), 2 * x, 1e-10, 1e-10)
    assert np.isfinite(gradient(lambda x: linalg.svd(x).U.sum(), x)).all()


def test_zero_matrices() -> None:
    x = np.zeros((3, 3))
    for name in ("eigvalsh", "svdvals", "det", "matrix_norm", "pinv"):
        found = gradient(lambda x, name=name: getattr(linalg, name)(x).sum(), x)
        assert np.isfinite(found).all()


@pytest.mark.parametrize(("name", "shape"), [("qr", (5, 2)), ("svd", (5, 2)), ("svd", (2, 5))])
def test_square_factors_of_other_matrices(name: str, shape: tuple[int, int]) -> None:
    """The further columns have derivatives where their choice does not matter: in a projector."""
    x, c = normal(*shape), normal(5, 5)

    def function(x: Tensor) -> Tensor:
        if name == "qr":
            further = linalg.qr(x, "complete").Q[:, 2:]
        else:
            u, _, vh = linalg.svd(x)
            further = u[:, 2:] if shape == (5, 2) else vh.mT[:, 2:]
        return (further @ further.mT * c).sum()

    check(function, x, 1e-7)
    assert tl.gradcheck(function, x, order=2)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_derivative_of_a_determinant_that_is_zero(rank: int) -> None:
    x = normal(3, rank) @ normal(rank, 3, seed=1)
    check(linalg.det, x)


@pytest.mark.parametrize("noise", [0.0, 1e-14, 1e-10, 1e-4, 1.0])
def test_cofactors_of_matrices_that_are_nearly_singular(noise: float) -> None:
    """Determinants of what is left without one row and one column, with alternating signs."""
    x = normal(4, 2) @ normal(2, 4, seed=1) + noise * normal(4, 4, seed=2)
    expected = VALUES["cofactors"](x)
    same(ops.cofactors(x), expected, 1e-9, 1e-9 * np.abs(expected).max() + 1e-14)


def test_norm_of_tall_batches_in_all_orders() -> None:
    x = normal(2, 4, 3)
    for ord in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf):
        for keepdims in (False, True):
            expected = np.linalg.matrix_norm(x, ord=ord, keepdims=keepdims)
            same(linalg.matrix_norm(x, keepdims, ord), expected)


@pytest.mark.parametrize("p", [None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf])
def test_condition_number_in_all_norms(p: Any) -> None:
    x = normal(2, 3, 3)
    same(linalg.cond(x, p), np.linalg.cond(x, p), 1e-9)


ITERATED = {
    "svd": linalg.svd, "svdvals": linalg.svdvals, "pinv": linalg.pinv, "cond": linalg.cond,
    "matrix_rank": linalg.matrix_rank, "eigh": linalg.eigh, "eigvalsh": linalg.eigvalsh,
    "lstsq": lambda x: linalg.lstsq(x, x),
    "matrix_norm": lambda x: linalg.matrix_norm(x, ord="nuc"),
}  # fmt: skip


@pytest.mark.parametrize("name", ITERATED)
@pytest.mark.parametrize("size", [2, 30])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_lapack_never_iterates_over_what_is_not_finite(name: str, size: int, value: float) -> None:
    """It need not come to an end: of some such matrices it gives NaN, for others it goes on."""
    x = normal(2, size, size)
    x[1, 0, 1] = value
    for matrices in (x, x.astype(np.float16)):
        with pytest.raises(errors.RangeError, match=rf"^\[{name}.*\] a number of .* not finite"):
            ITERATED[name](matrices)


def test_large_symmetric_matrices_do_not_overflow() -> None:
    same(linalg.eigvalsh(np.diag([1e308, 1.7e308])), [1e308, 1.7e308])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_cofactors_of_what_is_not_finite_are_nan(value: float) -> None:
    x = normal(3, 2, 2)
    expected = ops.cofactors(x).numpy().copy()
    x[1, 0, 1], expected[1] = value, np.nan
    same(ops.cofactors(x), expected)


def test_condition_number_of_singular_matrices_is_infinite() -> None:
    x = np.stack([np.zeros((2, 2)), np.diag([1.0, 0.0])])
    same(linalg.cond(x), np.linalg.cond(x))


def test_determinants_that_overflow_have_a_logarithm() -> None:
    x = np.eye(200) * 1e10
    same(linalg.logdet(x), 2000 * math.log(10), 1e-12)
    sign, logabsdet = linalg.slogdet(-x[:3, :3])
    assert (sign.item(), round(logabsdet.item(), 6)) == (-1.0, round(30 * math.log(10), 6))
    assert np.isnan(linalg.logdet(-np.eye(3)).item())
    assert linalg.logdet(np.zeros((2, 2))).item() == -math.inf


def test_least_squares_of_every_shape() -> None:
    for shape in ((5, 2), (3, 3), (2, 5)):
        x, y = normal(*shape), normal(shape[0], seed=1)
        same(linalg.lstsq(x, y), np.linalg.lstsq(x, y)[0], 1e-9)
    a, b = (Tensor(v, requires_grad=True) for v in (normal(5, 2), normal(5)))
    found = autograd.grad((linalg.lstsq(a, b) ** 2).sum(), [a, b])
    numeric = numeric_gradients(
        lambda xs: np.sum(np.linalg.lstsq(*xs)[0] ** 2), [normal(5, 2), normal(5)], [0, 1]
    )
    for got, numbers in zip(found, numeric, strict=True):
        same(got, numbers, 1e-8, 1e-8)


def test_half_precision_is_computed_in_single() -> None:
    x = (normal(3, 3) + 3 * np.eye(3)).astype(np.float16)
    for name in ("inv", "det", "matrix_exp", "svdvals", "pinv"):
        out = getattr(linalg, name)(Tensor(x))
        assert out.dtype == np.float16
        wide = getattr(linalg, name)(Tensor(x.astype(np.float64)))
        same(out, wide, 2e-3, 2e-3)


@pytest.mark.parametrize("side", [0, 1])
def test_the_smallest_matrices(side: int) -> None:
    x = np.full((2, side, side), 4.0)
    for name in ("inv", "det", "cholesky", "eigvalsh", "svdvals", "pinv", "matrix_exp"):
        tensor = Tensor(x, requires_grad=True)
        out = getattr(linalg, name)(tensor)
        same(out, scipy.linalg.expm(x) if name == "matrix_exp" else getattr(np.linalg, name)(x))
        (g,) = autograd.grad(out.sum(), tensor)
        assert g.shape == x.shape
    for name in ("eigh", "svd", "qr"):
        tensor = Tensor(x, requires_grad=True)
        total = sum(part.sum() for part in getattr(linalg, name)(tensor))
        (g,) = autograd.grad(total, tensor)
        assert g.shape == x.shape


# ---- products ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0), (2, 3, 3)])
def test_the_power_zero_is_the_identity(shape: tuple[int, ...]) -> None:
    x = np.ones(shape)
    same(linalg.matrix_power(x, 0), np.linalg.matrix_power(x, 0))


def test_outer_products_of_the_cross_product_are_a_turn() -> None:
    x, y = normal(3), normal(3, seed=1)
    z = linalg.cross(x, y)
    same(linalg.vecdot(x, z), 0.0, 1e-12, 1e-12)
    same(linalg.vecdot(z, z), linalg.det(np.stack([x, y, z.numpy()])), 1e-10)


def test_methods() -> None:
    x = normal(3, 3)
    same(Tensor(x).dot(x), x @ x)
    same(Tensor(x).trace(), np.trace(x))
    same(Tensor(x).diagonal(), np.diagonal(x))


# ---- what is refused ---------------------------------------------------------------------

ROW, FLAT = np.ones(3), np.ones((2, 3))
NOT_SQUARE = [
    "inv", "det", "slogdet", "logdet", "cholesky", "eigh", "eigvalsh", "matrix_exp",
]  # fmt: skip
NEEDS_MATRIX = [*NOT_SQUARE, "pinv", "matrix_rank", "qr", "svd", "svdvals", "trace", "matrix_norm"]


@pytest.mark.parametrize("name", NOT_SQUARE)
@pytest.mark.parametrize("shape", [(2, 3), (1, 3), (3, 1)])
def test_not_square(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(errors.ShapeError, match=rf"^\[{name}\] shape .* is no square matrix"):
        getattr(linalg, name)(np.ones(shape))


@pytest.mark.parametrize("name", NEEDS_MATRIX)
@pytest.mark.parametrize("x", [ROW, np.float64(2.0)], ids=["vector", "number"])
def test_not_a_matrix(name: str, x: Any) -> None:
    with pytest.raises(errors.ShapeError, match=rf"^\[{name}\] shape .* is no matrix"):
        getattr(linalg, name)(Tensor(x))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: linalg.inv(np.ones((2, 2))), errors.RangeError,
         r"\[inv\] the matrix of shape \(2, 2\) is singular. Use pinv or lstsq"),
        (lambda: linalg.solve(np.ones((4, 2, 2)), np.ones(2)), errors.RangeError,
         r"\[solve\] a matrix of \(4, 2, 2\) is singular"),
        (lambda: linalg.cholesky(-np.eye(2)), errors.RangeError,
         r"\[cholesky\] the matrix of shape \(2, 2\) is not positive definite. All eigenvalues"),
        (lambda: linalg.svd(np.full((2, 2), np.nan)), errors.RangeError,
         r"\[svd\] 4 numbers of shape \(2, 2\) are not finite. `with tl.debug\(\):` names"),
        (lambda: linalg.svd(np.diag([1.0, np.inf])), errors.RangeError,
         r"\[svd\] a number of shape \(2, 2\) is not finite. "),
        (lambda: linalg.solve(np.eye(2), np.ones(3)), errors.ShapeError,
         r"\[solve\] shapes \(2, 2\) and \(3,\) do not have the same number of rows"),
        (lambda: linalg.solve(np.eye(2), 2.0), errors.ShapeError,
         r"\[solve\] shapes \(2, 2\) and \(\) do not have the same number of rows"),
        (lambda: linalg.solve(np.ones((2, 2, 2)) + np.eye(2), np.ones((3, 2, 1))),
         errors.ShapeError, "axes before the last two do not broadcast"),
        (lambda: linalg.lstsq(FLAT, ROW), errors.ShapeError,
         r"\[lstsq\] shapes \(2, 3\) and \(3,\) do not have the same number of rows"),
        (lambda: linalg.qr(FLAT, mode="raw"), errors.RangeError, r"\[qr\] mode='raw' does not"),
        (lambda: linalg.matrix_norm(FLAT, ord=3), errors.RangeError,
         r"\[matrix_norm\] ord=3 is no norm of matrices"),
        (lambda: linalg.matrix_norm(FLAT, ord="two"), errors.RangeError, "ord='two' is no norm"),
        (lambda: linalg.matrix_power(np.eye(2), 0.5), errors.ArgumentError,
         r"\[matrix_power\] n=0.5 is no integer"),
        (lambda: linalg.cond(FLAT, 1), errors.ShapeError, r"\[cond\] shape .* no square matrix"),
        (lambda: linalg.outer(FLAT, ROW), errors.ShapeError, r"\[outer\] .* not two vectors"),
        (lambda: linalg.cross(np.ones(2), np.ones(2)), errors.ShapeError,
         r"\[cross\] shapes .* do not have length 3 along axis -1"),
        (lambda: linalg.cross(np.ones(3), np.ones(3), axis=-2), errors.AxisError,
         r"\[cross\] axis -2 does not exist in both"),
        (lambda: linalg.vecdot(ROW, np.ones(2)), errors.ShapeError,
         r"\[vecdot\] shapes .* do not fit along axis -1"),
        (lambda: linalg.vecdot(FLAT, ROW, axis=0), errors.AxisError, "Use a negative axis"),
        (lambda: linalg.tensordot(FLAT, FLAT, 1), errors.ShapeError,
         r"\[tensordot\] shapes .* differ in length along axes \[1\] and \[0\]"),
        (lambda: linalg.tensordot(FLAT, FLAT, 3), errors.AxisError, "axes=3 axes to sum over"),
        (lambda: linalg.tensordot(FLAT, FLAT, ((0, 1), (0,))), errors.ArgumentError,
         "not as many for each"),
        (lambda: linalg.tensordot(FLAT, FLAT, ((0,), (2,))), errors.AxisError,
         "axis 2 does not exist"),
        (lambda: linalg.tensordot(FLAT, FLAT, ((0, 0), (0, 1))), errors.AxisError,
         "name one axis twice"),
        (lambda: tl.dot(FLAT, FLAT), errors.ShapeError, r"\[dot\] shapes"),
        (lambda: tl.inner(FLAT, np.ones(2)), errors.ShapeError, r"\[inner\] shapes"),
        (lambda: linalg.multi_dot(FLAT), errors.ArgumentError, "only one array"),
        (lambda: linalg.multi_dot(FLAT, FLAT), errors.ShapeError, "are no chain"),
        (lambda: linalg.multi_dot(FLAT, ROW, ROW), errors.ShapeError, "are not all matrices"),
    ],
)  # fmt: skip
def test_what_is_refused(call: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        call()


@pytest.mark.parametrize("name", ["inv", "cholesky", "svd"])
def test_refusals_are_value_errors(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        getattr(linalg, name)(np.ones(3))


def test_what_the_module_has_is_public() -> None:
    for name in ("packed_svd", "packed_eigh", "packed_qr", "cofactors", "orthogonal_complement"):
        assert not hasattr(linalg, name)
        assert hasattr(ops, name)

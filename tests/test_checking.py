"""gradcheck: its verdicts, its search, its report, and that it leaves everything as it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn
from tinygrad_lesson.checking import Report, Verdict, gradcheck
from tinygrad_lesson.checking.differences import slope
from tinygrad_lesson.errors import ArgumentError, DTypeError, GradcheckError
from tinygrad_lesson.op import REGISTRY, Rule

RNG = np.random.default_rng(0)


@contextmanager
def rule(op: str, name: str, change: Callable[..., Any]) -> Iterator[None]:
    """Change what a rule returns: ``change(xp, gradient)``."""
    target = REGISTRY[op]
    right = target.rules[name]

    def wrong(xp: Any, *args: Any, **params: Any) -> Any:
        return change(xp, right.function(xp, *args, **params))

    target.rules[name] = right._replace(function=wrong)
    target.plans.clear()
    try:
        yield
    finally:
        target.rules[name] = right
        target.plans.clear()


@contextmanager
def written(op: str, **functions: Callable[..., Any]) -> Iterator[None]:
    """Give an op other rules, which may compute with everything."""
    target = REGISTRY[op]
    right = dict(target.rules)
    for name, function in functions.items():
        target.rules[name] = Rule(function, ("out", *target.arrays))
    target.plans.clear()
    try:
        yield
    finally:
        target.rules.update(right)
        target.plans.clear()


def only(report: Report) -> Any:
    (result,) = report.results
    return result


# ---- finite differences ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "derivative", "bound"),
    [
        (np.exp, 1.0, 1e-9),
        (np.sin, 1.0, 1e-9),
        (lambda t: np.tanh(3 * t), 3.0, 1e-8),
        (lambda t: 1e6 + t, 1.0, 1e-6),
        (lambda t: np.sin(1000 * t), 1000.0, 1e-4),
        (lambda t: np.abs(t - 1e-5), -1.0, 1e-8),  # a kink nearby, not here
    ],
)
def test_the_true_derivative_is_within_the_error_estimate(
    function: Any, derivative: float, bound: float
) -> None:
    def vector(t: float) -> Any:
        return np.array([function(np.float64(t))])

    magnitude = np.maximum(np.abs(vector(0.0)), 1.0)
    found = slope(vector, magnitude, lambda value, error: error < 1e-12 * np.abs(value))
    assert abs(found.value[0] - derivative) <= found.error[0]
    assert found.error[0] < bound
    assert not found.kink[0]


def test_noise_shows_in_the_error_estimate() -> None:
    def noisy(t: float) -> Any:
        return np.array([np.sin(1.0 + t)], np.float32).astype(np.float64)

    found = slope(noisy, np.ones(1), lambda value, error: error < 1e-9)
    assert abs(found.value[0] - np.cos(1.0)) <= found.error[0]
    assert found.error[0] > 1e-7


# ---- verdicts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize(
    ("function", "point", "kinks"),
    [
        (tl.relu, [0.0, 1.0, -1.0, 2.0, 0.0], 2),
        (tl.abs, [0.0, 1.0, -1.0, 2.0], 1),
        (tl.max, [1.0, 3.0, 3.0, 0.0], 2),
        (lambda x: tl.maximum(x, 1.0), [1.0, 2.0, 0.0, 3.0], 1),
    ],
)
def test_a_subgradient_passes_at_a_kink(
    function: Any, point: list[float], kinks: int, mode: str
) -> None:
    report = gradcheck(function, np.array(point), mode=mode)
    assert report
    assert report.verdict is Verdict.KINK
    assert only(report).kinks == kinks
    assert "left | right" in str(report)


def test_what_is_no_subgradient_fails_at_a_kink() -> None:
    with rule("relu", "x", lambda xp, g: g - 0.5):
        report = gradcheck(tl.relu, np.array([0.0]))
    assert report.verdict is Verdict.FAIL


def test_hundreds_of_kinks_in_one_direction_are_taken_apart() -> None:
    report = gradcheck(tl.relu, np.zeros(300), mode="fast")
    assert report.verdict is Verdict.KINK
    assert only(report).kinks == 300


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize(
    ("function", "point"),
    [(tl.sqrt, [0.0, 2.0]), (tl.log, [-1.0, 2.0]), (lambda x: x * tl.sqrt(x), [0.0, 1.0])],
)
def test_outside_the_domain_and_at_its_edge_there_is_no_verdict(
    function: Any, point: list[float], mode: str
) -> None:
    report = gradcheck(function, np.array(point), mode=mode)
    assert report.verdict is Verdict.OUTSIDE
    assert not report


def test_noise_is_inconclusive_rather_than_wrong() -> None:
    def rounded(x: Any) -> Any:
        return tl.sin(x.astype(tl.float32)).astype(tl.float64)

    report = gradcheck(rounded, np.array([1.0, 2.0]))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert not report
    assert "noisier" in str(report)
    assert gradcheck(rounded, np.array([1.0, 2.0]), rtol=1e-3)


def test_a_jump_is_inconclusive() -> None:
    assert gradcheck(lambda x: tl.floor(x) + x, np.array([1.0])).verdict is Verdict.INCONCLUSIVE


def test_a_rule_of_another_shape_fails_with_its_name() -> None:
    with rule("tanh", "x", lambda xp, g: g.T):
        report = gradcheck(lambda x: tl.tanh(x) * 2, RNG.normal(size=(2, 3)))
    assert report.verdict is Verdict.FAIL
    assert report.culprit is not None
    assert report.culprit.op == "tanh"
    assert "(3, 2)" in report.culprit.guess


# ---- the search --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_fast_mode_finds_one_element_of_400_that_is_off_by_a_hundredth(seed: int) -> None:
    def spoil(xp: Any, g: Any) -> Any:
        g = np.array(g)
        g[7, 11] *= 1.01
        return g

    x = np.random.default_rng(seed).normal(size=(20, 20))
    with rule("tanh", "x", spoil):
        report = gradcheck(lambda x: tl.sum(tl.tanh(x)), x, mode="fast", seed=seed)
    assert report.verdict is Verdict.FAIL
    assert only(report).index == (7, 11)
    assert report.culprit is not None
    assert report.culprit.element == (7, 11)
    assert report.culprit.ratio == pytest.approx(1.01)


def test_fast_mode_states_its_detection_power_and_is_quick_on_large_inputs() -> None:
    calls = 0

    def function(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return tl.mean(tl.tanh(x) ** 2)

    report = gradcheck(function, RNG.normal(size=(300, 300)), mode="fast")
    assert report
    assert only(report).detects < 0.01
    assert "Detection power" in str(report)
    assert calls < 50


def test_a_masked_branch_is_named() -> None:
    report = gradcheck(lambda x: tl.where(x > 0, tl.sqrt(x), 0.0), np.array([-1.0, 2.0]))
    assert report.verdict is Verdict.FAIL
    assert report.culprit is not None
    assert report.culprit.op == "sqrt"
    assert report.culprit.element == (0,)
    assert "where" in report.culprit.guess


def test_a_path_that_the_graph_does_not_have_is_named() -> None:
    report = gradcheck(lambda x: x * tl.exp(x.detach()), np.array([1.0, 2.0]))
    assert report.verdict is Verdict.FAIL
    assert not report.culprits
    assert "detach()" in str(report)


def test_two_wrong_rules_are_both_named() -> None:
    with rule("tanh", "x", lambda xp, g: -g), rule("exp", "x", lambda xp, g: 2 * g):
        report = gradcheck(lambda x: tl.exp(tl.tanh(x)), RNG.normal(size=3))
    assert [c.op for c in report.culprits] == ["tanh", "exp"]


def test_a_wrong_rule_that_looks_like_a_subgradient_is_found_where_inputs_are_tied() -> None:
    def spoil(xp: Any, g: Any) -> Any:
        return g * 1.01

    with rule("maximum", "y", spoil):  # 0.505 is between the slopes 0 and 1, but the sum is not 1
        same = gradcheck(lambda x: tl.maximum(x, x), RNG.normal(size=4))
        equal = gradcheck(lambda x: tl.maximum(x * 2, x + x), RNG.normal(size=4))
    for report in (same, equal):
        assert report.verdict is Verdict.FAIL
        assert report.culprit is not None
        assert (report.culprit.op, report.culprit.input) == ("maximum", "x and y")


@pytest.mark.parametrize(
    ("change", "guess"),
    [
        (lambda xp, g: -g, "the sign is wrong"),
        (lambda xp, g: 2 * g, "a constant factor: 2 times"),
        (lambda xp, g: g / 3, "axis 0 of the input has length 3"),
        (lambda xp, g: xp.matrix_transpose(g), "it is transposed"),
        (lambda xp, g: 0 * g, "it is zero"),
        (lambda xp, g: xp.flip(g), "in another order"),
        (lambda xp, g: g + 1, "a term is missing or wrong"),
    ],
)
def test_guesses(change: Any, guess: str) -> None:
    with rule("matmul", "x", change):
        report = gradcheck(tl.matmul, (RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))))
    assert report.culprit is not None
    assert report.culprit.input == "x"
    assert guess in report.culprit.guess


def test_a_missing_sum_over_a_broadcast_axis_is_guessed() -> None:
    def first_row(xp: Any, g: Any) -> Any:
        return g * (np.arange(3) == 0)[:, None]

    with rule("multiply", "y", first_row):
        report = gradcheck(tl.multiply, (RNG.normal(size=(3, 4)), RNG.normal(size=4)))
    assert report.culprit is not None
    assert report.culprit.guess == "the sum over the broadcast axis 0 is missing"


def test_a_missing_term_is_guessed() -> None:
    with written("softmax", x=lambda xp, g, out, x, *, axis: g * out):
        report = gradcheck(tl.softmax, RNG.normal(size=(2, 4)))
    assert report.culprit is not None
    assert report.culprit.guess == "a term is missing or wrong (8 of 8 elements)"


# ---- second order ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_second_order(mode: str) -> None:
    arrays = (RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2)))
    report = gradcheck(lambda x, w: tl.tanh(x @ w), arrays, order=2, mode=mode)
    assert report.verdict is Verdict.PASS
    assert [(r.name, r.order) for r in report.results] == [("x", 1), ("w", 1), ("x", 2), ("w", 2)]
    assert "d2 w" in str(report)


def test_a_rule_that_records_no_gradient_fails_at_second_order() -> None:
    def constant(xp: Any, g: Any) -> Any:
        return g.detach() if isinstance(g, tl.Tensor) else g

    with rule("tanh", "x", constant):
        report = gradcheck(lambda x: tl.sum(tl.tanh(x)), RNG.normal(size=3), order=2)
    assert report.verdict is Verdict.FAIL
    assert [r.verdict for r in report.results] == [Verdict.PASS, Verdict.FAIL]
    assert report.culprit is not None
    assert report.culprit.op == "tanh"
    assert "not all of the rule is written with xp" in report.culprit.guess


def test_a_rule_that_is_another_on_tensors_fails_at_second_order() -> None:
    with rule("tanh", "x", lambda xp, g: 2 * g if isinstance(g, tl.Tensor) else g):
        report = gradcheck(tl.tanh, RNG.normal(size=3), order=2)
    assert report.culprit is not None
    assert "on tensors" in report.culprit.guess


def plain_pow(xp: Any, g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * (y * x ** (y - 1))


def pow_with_a_case_for_zero(xp: Any, g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * xp.where(y == 0, 0.0, y * x ** (y - 1))


def log_pow(xp: Any, g: Any, out: Any, x: Any, y: Any) -> Any:
    return g * (out * xp.log(x))


@pytest.mark.parametrize("mode", ["full", "fast"])
@pytest.mark.parametrize(
    ("x", "y"), [(2.0, 0.0), (np.array([2.0, 0.5, 3.0, 1.5]), np.array([0.0, 0.0, 2.0, 0.0]))]
)
def test_the_second_derivative_of_a_power_at_exponent_0(x: Any, y: Any, mode: str) -> None:
    with written("pow", x=plain_pow, y=log_pow):
        report = gradcheck(tl.pow, (x, y), order=2, mode=mode)
    assert report.verdict is Verdict.PASS, str(report)
    with written("pow", x=pow_with_a_case_for_zero, y=log_pow):
        report = gradcheck(tl.pow, (x, y), order=2, mode=mode)
    assert report.verdict is Verdict.FAIL
    assert {r.verdict for r in report.results if r.order == 1} == {Verdict.PASS}
    assert report.culprit is not None
    assert (report.culprit.op, report.culprit.input) == ("pow", "x")
    assert "not all of the rule" not in report.culprit.guess
    assert "a case for this point alone" in report.culprit.guess
    # d2/dxdy x**y is x**(y-1) * (1 + y * log x), which is 1/x at y = 0.
    element = report.culprit.element or ()
    expected = 1 / np.asarray(x)[element]
    weight = abs(report.culprit.numeric / expected)
    assert 0.5 - 1e-6 <= weight <= 1.5 + 1e-6
    assert report.culprit.analytic == 0


def test_the_power_of_the_library_at_exponent_0() -> None:
    report = gradcheck(tl.pow, (np.array([2.0, 0.5]), np.array([0.0, 0.0])), order=2)
    assert report.verdict is Verdict.PASS, str(report)


def test_a_linear_function_has_the_second_derivative_zero() -> None:
    assert gradcheck(lambda x: 3 * x, [1.0, 2.0], order=2)


# ---- functions that take gradients -------------------------------------------------------------


def penalty(x: Any) -> Any:
    (slope,) = tl.autograd.grad(tl.sum(tl.tanh(x) * x), x, create_graph=True)
    return tl.sum(slope * slope)


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_function_may_take_a_gradient(mode: str) -> None:
    def hessian_times_vector(x: Any, v: Any) -> Any:
        (slope,) = tl.autograd.grad(tl.sum(tl.tanh(x) * tl.exp(x)), x, create_graph=True)
        (product,) = tl.autograd.grad(tl.sum(slope * v), x, create_graph=True)
        return product

    x, v = RNG.normal(size=5), RNG.normal(size=5)
    assert gradcheck(penalty, x, mode=mode, order=2).verdict is Verdict.PASS
    report = gradcheck(hessian_times_vector, (x, v), mode=mode)
    assert report.verdict is Verdict.PASS
    assert [r.name for r in report.results] == ["x", "v"]


def test_a_gradient_penalty_on_a_module() -> None:
    model = network()

    def loss(x: Any) -> Any:
        (slope,) = tl.autograd.grad(tl.sum(model(x)), x, create_graph=True)
        return tl.mean(slope * slope)

    report = gradcheck(loss, tl.Tensor(RNG.normal(size=(3, 4)).astype(np.float32)), params=model)
    assert report.verdict is Verdict.PASS
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_rule_that_spoils_a_gradient_inside_is_named() -> None:
    def constant(xp: Any, g: Any) -> Any:
        return g.detach() if isinstance(g, tl.Tensor) else g

    with rule("tanh", "x", constant):
        report = gradcheck(penalty, RNG.normal(size=3))
    assert report.verdict is Verdict.FAIL
    assert report.culprit is not None
    assert report.culprit.op == "tanh"


def test_a_gradient_taken_inside_without_a_graph_is_named() -> None:
    def function(x: Any) -> Any:
        (slope,) = tl.autograd.grad(tl.sum(x**3), x)
        return slope * x

    report = gradcheck(function, np.array([1.0, 2.0]))
    assert report.verdict is Verdict.FAIL
    assert "create_graph=True" in str(report)


# ---- inputs and outputs ------------------------------------------------------------------------


def test_several_outputs_and_integer_inputs() -> None:
    def function(x: Any, i: Any, scale: float) -> Any:
        return {"picked": tl.take(x, i), "pair": [x * scale, tl.argmax(x)]}

    report = gradcheck(function, (np.array([1.0, 2.0, 3.0]), tl.Tensor([0, 2, 2]), 2.0))
    assert report
    assert [r.name for r in report.results] == ["x", "scale"]


def test_large_jacobians_are_projected() -> None:
    report = gradcheck(lambda x: tl.tanh(x) @ tl.ones((20, 20)), RNG.normal(size=(10, 20)))
    assert report.verdict is Verdict.PASS


def test_empty_inputs_and_single_numbers() -> None:
    assert gradcheck(lambda x: tl.sum(x), np.zeros((0, 3)))
    assert gradcheck(lambda x, y: x * y, (2.0, 3.0))
    assert gradcheck(lambda x: x * x, tl.Tensor(2.0))


def test_names_come_from_the_tensor_the_signature_or_the_position() -> None:
    report = gradcheck(lambda x, *rest: x * rest[0] * rest[1], (tl.Tensor(1.0), 2.0, 3.0))
    assert [r.name for r in report.results] == ["x", "input 1", "input 2"]
    named = gradcheck(lambda x: x * x, tl.Tensor(1.0, name="weight"))
    assert only(named).name == "weight"


def test_messages() -> None:
    with pytest.raises(ArgumentError, match="nothing to check"):
        gradcheck(lambda x: x, tl.Tensor([1, 2]))
    with pytest.raises(ArgumentError, match="no tensor of a floating dtype"):
        gradcheck(tl.argmax, [1.0, 2.0])
    with pytest.raises(ArgumentError, match="mode="):
        gradcheck(tl.exp, 1.0, mode="slow")
    with pytest.raises(ArgumentError, match="returned a str"):
        gradcheck(lambda x: "x", 1.0)
    model = network()
    with pytest.raises(DTypeError, match="params="):
        gradcheck(lambda x: model(x), np.ones((2, 4)))
    count = iter(range(1000))
    with pytest.raises(GradcheckError, match="another value each time"):
        gradcheck(lambda x: x * next(count), 1.0)
    with pytest.raises(GradcheckError, match="Draw random numbers once, outside of the function"):
        gradcheck(lambda x: x * np.random.rand(3), np.ones(3))
    with pytest.raises(ArgumentError, match="ndarray, which is neither a module nor a tensor"):
        gradcheck(lambda x: x, 1.0, params=[np.ones(3)])
    with (
        rule("exp", "x", lambda xp, g: -g),
        pytest.raises(AssertionError, match="the sign is wrong"),
    ):
        gradcheck(tl.exp, 1.0, raise_on_failure=True)


def test_the_default_generator_draws_the_same_each_time() -> None:
    tl.manual_seed(0)
    report = gradcheck(lambda x: x * tl.rand(3), np.ones(3), order=2)
    assert report
    drawn = tl.rand(3)
    tl.manual_seed(0)
    assert bool(tl.all(drawn == tl.rand(3)))


# ---- modules -----------------------------------------------------------------------------------


def network() -> Any:
    return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2))


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_module_is_checked_with_its_parameters_and_left_as_it_was(mode: str) -> None:
    model, x = network(), tl.Tensor(RNG.normal(size=(3, 4)).astype(np.float32))
    model(x).sum().backward()
    before = [(p, p.raw, p.node, p.grad) for p in model.parameters()]
    report = gradcheck(model, x, mode=mode, order=2)
    assert report.verdict is Verdict.PASS
    names = [name for name, _ in model.named_parameters()]
    assert [r.name for r in report.results if r.order == 1][1:] == names
    for parameter, raw, node, grad in before:
        assert parameter.raw is raw
        assert parameter.node is node
        assert parameter.grad is grad
        assert parameter.dtype == tl.float32


def test_a_module_is_whatever_has_named_parameters_and_its_buffers_are_put_back() -> None:
    class Scale:
        def __init__(self) -> None:
            self.weight = tl.Tensor([2.0, 3.0], requires_grad=True)
            self.frozen = tl.Tensor([1.0, 1.0])
            self.seen = tl.Tensor(0.0)

        def named_parameters(self) -> list[tuple[str, Any]]:
            return [("weight", self.weight), ("frozen", self.frozen)]

        def named_buffers(self) -> list[tuple[str, Any]]:
            return [("seen", self.seen)]

        def __call__(self, x: Any) -> Any:
            self.seen.assign(self.seen + 1)
            return x * self.weight * self.frozen

    module = Scale()
    report = gradcheck(module, np.array([1.0, 4.0]))
    assert report
    assert [r.name for r in report.results] == ["x", "weight"]
    assert float(module.seen) == 0.0


def test_a_module_is_left_as_it_was_when_the_check_raises() -> None:
    model = network()
    before = [p.raw for p in model.parameters()]
    with pytest.raises(ArgumentError):
        gradcheck(lambda x: str(model(x)), tl.ones((1, 4)), params=model)
    assert all(a is p.raw for a, p in zip(before, model.parameters(), strict=True))


def test_a_float32_module_is_compared_with_float64() -> None:
    report = gradcheck(network(), tl.Tensor(RNG.normal(size=(3, 4)).astype(np.float32)))
    assert all(r.rounding is not None and r.rounding < 1e-5 for r in report.results)
    assert any(r.rounding for r in report.results)
    assert "float32 error" in str(report)

    report = gradcheck(lambda x: (x + 1e4 - 1e4) ** 2, tl.Tensor([1.2345]))
    assert only(report).rounding > 1e-5


def test_a_float64_input_to_a_float32_module() -> None:
    report = gradcheck(network(), RNG.normal(size=(3, 4)))
    assert report.verdict is Verdict.PASS
    assert [r.dtype for r in report.results] == ["", *["float32"] * 4]


def test_the_error_in_low_precision_has_the_name_of_the_dtype() -> None:
    half = np.array([1.5, 2.25], np.float16)
    report = gradcheck(lambda x: x * x * x, half)
    assert only(report).dtype == "float16"
    assert "float16 error" in str(report)
    assert "float32" not in str(report)

    mixed = gradcheck(lambda x, y, z: x * y * z, (half, half.astype(np.float32), [1.0, 2.0]))
    assert "error in its dtype" in str(mixed)
    assert re.search(r"e-\d\d float16$|0e\+00 float16$", str(mixed), re.MULTILINE)
    assert [r.dtype for r in mixed.results] == ["float16", "float32", ""]


def test_what_a_function_closes_over_is_checked_as_params() -> None:
    model, scale = network(), tl.Tensor(2.0, requires_grad=True, name="scale")

    def loss(x: Any) -> Any:
        return (model(x) ** 2).mean()

    x = tl.Tensor(RNG.normal(size=(3, 4)).astype(np.float32))
    assert [r.name for r in gradcheck(loss, x, params=model).results][1] == "0.weight"
    assert [r.name for r in gradcheck(model.forward, x).results][1] == "0.weight"
    report = gradcheck(lambda x: x * scale, 3.0, params=[scale])
    assert report
    assert [r.name for r in report.results] == ["x", "scale"]
    assert gradcheck(lambda x: x * scale, 3.0, params={"s": scale}).results[1].name == "s"


class Normalize(nn.Module):
    """Keeps a running mean, a count and a table of float32, and scales by a frozen parameter."""

    def __init__(self) -> None:
        self.scale = nn.Parameter([2.0, 3.0], requires_grad=False)
        self.shift = nn.Parameter([0.5, -1.0])
        self.mean = nn.Buffer([0.25, 0.5])
        self.count = nn.Buffer([3, 4])

    def forward(self, x: Any) -> Any:
        if x.dtype == tl.float64:  # else it is the run in the tensors' own precision
            assert {t.dtype for t in (self.scale, self.shift, self.mean)} == {tl.float64}
        assert self.count.dtype.kind == "i"
        assert not self.scale.requires_grad
        result = (x - self.mean) * self.scale / self.count + self.shift
        self.mean.assign(self.mean * 0.9 + tl.mean(x, axis=0).detach() * 0.1)
        return result


@pytest.mark.parametrize("holder", ["function", "params", "list", "dict", "method"])
@pytest.mark.parametrize("mode", ["full", "fast"])
def test_what_does_not_learn_is_a_constant_in_float64(holder: str, mode: str) -> None:
    module = Normalize()
    held = [module.scale, module.shift, module.mean, module.count]
    before = [(t.raw, t.node, t.dtype) for t in held]
    x = tl.Tensor(RNG.normal(size=(5, 2)).astype(np.float32))
    functions: dict[str, Any] = {"function": module, "method": module.forward}
    params = {"params": module, "list": [module], "dict": {"m": module}}
    report = gradcheck(
        functions.get(holder, lambda x: module(x)), x, params=params.get(holder), mode=mode, order=2
    )
    assert report.verdict is Verdict.PASS
    name = "m.shift" if holder == "dict" else "shift"
    assert [r.name for r in report.results if r.order == 1] == ["x", name]
    for tensor, (raw, node, dtype) in zip(held, before, strict=True):
        assert tensor.raw is raw
        assert tensor.node is node
        assert tensor.dtype == dtype


def test_a_module_with_a_frozen_layer() -> None:
    model = network()
    model[0].requires_grad_(False)
    report = gradcheck(model, tl.Tensor(RNG.normal(size=(3, 4)).astype(np.float32)))
    assert report.verdict is Verdict.PASS
    assert [r.name for r in report.results] == ["x", "2.weight", "2.bias"]
    assert {p.dtype for p in model.parameters()} == {tl.float32}


def test_several_modules_and_tensors_as_params() -> None:
    one, two = nn.Linear(2, 2), nn.Linear(2, 2, bias=False)
    scale, loose = tl.Tensor(2.0, requires_grad=True, name="scale"), tl.Tensor(3.0)
    loose.requires_grad = True

    def function(x: Any) -> Any:
        return two(one(x)) * scale * loose

    x = np.ones((1, 2))

    def names(params: Any) -> list[str]:
        report = gradcheck(function, x, params=params)
        assert report.verdict is Verdict.PASS
        return [r.name for r in report.results][1:]

    assert names([one, two, scale, loose]) == [
        "params[0].weight", "params[0].bias", "params[1].weight", "scale", "params[3]",
    ]  # fmt: skip
    assert names({"a": one, "b": [two, scale], "c": loose}) == [
        "a.weight", "a.bias", "b[0].weight", "scale", "c",
    ]  # fmt: skip
    every = (p for m in (one, two) for p in m.parameters())
    assert len(names([every, scale, loose])) == 5


def test_the_culprit_in_a_module_has_its_path() -> None:
    model = network()
    with rule("tanh", "x", lambda xp, g: -g):
        report = gradcheck(model, tl.Tensor(RNG.normal(size=(3, 4)).astype(np.float32)))
    assert report.culprit is not None
    assert report.culprit.scope == "Sequential/1:Tanh"


# ---- the report --------------------------------------------------------------------------------

PASSED = """\
gradcheck passed: 2 gradients (full mode, float64)

  input  shape  verdict  worst at  analytic  numeric     +-   ratio
  -----  -----  -------  --------  --------  -------  -----  ------
  x      (2,)   pass     [1]              3        3  #e-##  1.0000
  y      (2,)   pass     [1]              1        1  #e-##  1.0000"""

FAILED = """\
gradcheck failed: of 1 gradient, 1 wrong (full mode, float64)

  input  shape   verdict  worst at     analytic     numeric     +-    ratio
  -----  ------  -------  --------  -----------  ----------  -----  -------
  x      (2, 2)  FAIL     [0, 0]    -0.78644773  0.78644773  #e-##  -1.0000

  culprit: the rule of tanh for its input 'x'
    line      HERE
    element   [0, 0] of shape (2, 2)
    analytic  1.0675275
    numeric   -1.0675275
    ratio     -1.0000
    guess     the sign is wrong"""


def masked(report: Report) -> str:
    """The report without error estimates, which depend on rounding, and without the line."""
    text = re.sub(r"\b\de-\d\d\b", "#e-##", str(report))
    return re.sub(r"(line +)\S+test_checking.py:\d+", r"\1HERE", text)


def test_the_report_of_a_wrong_rule() -> None:
    with rule("tanh", "x", lambda xp, g: -g):
        report = gradcheck(lambda x: tl.tanh(x), np.array([[0.5, -1.0], [1.5, 2.0]]))
    assert masked(report) == FAILED


def test_the_report_of_right_rules() -> None:
    report = gradcheck(lambda x, y: x * y, ([0.5, 1.0], [2.0, 3.0]))
    assert masked(report) == PASSED


def test_a_slow_check_shows_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinygrad_lesson.checking.progress.PATIENCE", 0.0)
    assert gradcheck(tl.exp, np.zeros(5))
    assert "gradcheck" in capsys.readouterr().err


def test_reports_are_true_or_false_and_short_in_repr() -> None:
    report = gradcheck(lambda x: x * x, 1.0)
    assert report
    assert report.culprit is None
    assert repr(report) == "<Report pass: 1 gradients, full mode>"

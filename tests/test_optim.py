"""Optimizers against the published algorithms, written here in plain NumPy."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.errors import ArgumentError, RangeError, StateDictError

TARGET = np.array([1.0, -2.0, 3.0])


def descend(optimizer: optim.Optimizer, w: Tensor, steps: int) -> None:
    """Minimise a quartic bowl around TARGET."""
    for _ in range(steps):
        optimizer.zero_grad()
        ((w - TARGET) ** 4).sum().backward()
        optimizer.step()


def gradient(w: np.ndarray) -> np.ndarray:
    return 4 * (w - TARGET) ** 3


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_sgd(momentum: float, decay: float) -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    descend(optim.SGD([w], lr=1e-3, momentum=momentum, weight_decay=decay), w, 50)
    expected, velocity = np.zeros(3), np.zeros(3)
    for _ in range(50):
        velocity = momentum * velocity + gradient(expected) + decay * expected
        expected = expected - 1e-3 * velocity
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adam(decay: float) -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    descend(optim.Adam([w], lr=0.1, betas=(0.8, 0.99), weight_decay=decay), w, 50)
    expected, m, v = np.zeros(3), np.zeros(3), np.zeros(3)
    for t in range(1, 51):  # algorithm 1 of the paper
        g = gradient(expected) + decay * expected
        m = 0.8 * m + 0.2 * g
        v = 0.99 * v + 0.01 * g * g
        m_hat, v_hat = m / (1 - 0.8**t), v / (1 - 0.99**t)
        expected = expected - 0.1 * m_hat / (np.sqrt(v_hat) + 1e-8)
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-10)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1), lambda p: optim.Adam(p, lr=0.1)])
def test_float32_stays_float32_also_for_single_numbers(make) -> None:
    w = Tensor(1.0, requires_grad=True)
    optimizer = make([w])
    for _ in range(2):
        optimizer.zero_grad()
        (w * w).backward()
        optimizer.step()
    assert w.dtype == np.float32
    assert w.shape == ()
    assert 0.6 < float(w) < 0.85


def test_older_graphs_keep_their_numbers_and_still_fill_grad() -> None:
    w = Tensor(2.0, requires_grad=True)
    older = w**2
    optimizer = optim.SGD([w], lr=0.1)
    (3 * w).backward()
    optimizer.step()
    optimizer.zero_grad()
    older.backward()
    assert float(w.grad) == 4.0  # from w = 2, before the step


def test_groups_have_settings_of_their_own_and_unused_parameters_stay() -> None:
    a, b, unused = (Tensor(1.0, requires_grad=True) for _ in range(3))
    groups = [{"params": [a, unused]}, {"params": [b], "lr": 0.5}]
    optimizer = optim.SGD(groups, lr=0.1)
    (a + b).backward()
    optimizer.step()
    assert [round(float(t), 6) for t in (a, b, unused)] == [0.9, 0.5, 1.0]
    optimizer.param_groups[1]["lr"] = 0.0
    optimizer.step()
    assert round(float(b), 6) == 0.5


def test_resuming_from_a_state_dict_equals_going_on() -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    optimizer = optim.Adam([w], lr=0.1)
    descend(optimizer, w, 5)
    resumed = copy.deepcopy(w)
    other = optim.Adam([resumed], lr=0.9)
    other.load_state_dict(optimizer.state_dict())
    descend(optimizer, w, 5)
    descend(other, resumed, 5)
    np.testing.assert_array_equal(w.numpy(), resumed.numpy())


def test_a_state_that_does_not_fit_is_refused() -> None:
    a, b = (Tensor(1.0, requires_grad=True) for _ in range(2))
    state = optim.Adam([a, b]).state_dict()
    with pytest.raises(StateDictError, match=r"\[1\] parameters, the state \[2\]"):
        optim.Adam([a]).load_state_dict(state)


def test_what_cannot_be_optimized_is_refused() -> None:
    w = Tensor(1.0, requires_grad=True)
    with pytest.raises(ArgumentError, match="the result of multiply"):
        optim.SGD([w * 2])
    with pytest.raises(ArgumentError, match="there are no parameters"):
        optim.SGD([])
    with pytest.raises(ArgumentError, match=r"Pass a list: \[w\]"):
        optim.SGD(w)
    with pytest.raises(RangeError, match="lr=-1 is negative"):
        optim.SGD([w], lr=-1)


def tensor(*numbers: float) -> Tensor:
    return Tensor(list(numbers), requires_grad=True)


W = tensor(1.0, 2.0)
MODEL = nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: optim.SGD([W, W]), ArgumentError, "a tensor of shape (2,) is given twice."),
        (
            lambda: optim.SGD([{"params": MODEL.parameters()}, {"params": MODEL.weight}]),
            ArgumentError,
            "the tensor 'weight' of shape (2, 2) is given twice. Give each once, in one group.",
        ),
        (
            lambda: optim.SGD([{"params": [W], "learning_rate": 1}]),
            ArgumentError,
            "a group has unknown settings: learning_rate. Known ones are lr, momentum,",
        ),
        (lambda: optim.SGD([{"lr": 1.0}]), ArgumentError, "a group has no parameters."),
        (lambda: optim.SGD([W], lr="0.1"), ArgumentError, "lr='0.1' is a str. Pass a Python"),
        (
            lambda: optim.SGD([W], lr=nn.Parameter([0.1], name="rate")),
            ArgumentError,
            "lr=Parameter([0...., name='rate') is a Parameter. Pass a Python number.",
        ),
        (lambda: optim.SGD([W], lr=None), ArgumentError, "lr=None is a NoneType."),
        (lambda: optim.SGD([W], lr=float("nan")), RangeError, "lr=nan is not finite."),
        (lambda: optim.SGD([{"params": W, "lr": -1}]), RangeError, "lr=-1 is negative."),
        (lambda: optim.SGD([{"params": W, "lr": "1"}]), ArgumentError, "lr='1' is a str."),
        (lambda: optim.SGD([W], momentum=-0.5), RangeError, "momentum=-0.5 is negative."),
        (lambda: optim.SGD([{"params": W}, W]), ArgumentError, "params has both tensors"),
        (lambda: optim.SGD([W, {"params": W}]), ArgumentError, "params has both tensors"),
        (lambda: optim.SGD({"params": W}), ArgumentError, "params is a dict."),
        (lambda: optim.SGD({W}), ArgumentError, "params is a set, which has no order."),
        (lambda: optim.SGD([{"params": {W}}]), ArgumentError, "a group's params is a set"),
        (lambda: optim.SGD(MODEL), ArgumentError, "params is the module Linear itself."),
        (lambda: optim.SGD(3), ArgumentError, "params is a int."),
        (
            lambda: optim.SGD(MODEL.named_parameters()),
            ArgumentError,
            "a parameter must be a leaf Tensor, not a pair of a name and one: 'weight'."
            " Pass model.parameters(), without the names.",
        ),
    ],
)
def test_mistakes(make, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        make()
    assert str(caught.value).startswith(f"[SGD] {message}")


@pytest.mark.parametrize(
    ("betas", "kind"),
    [
        ((0.9, 1.0), RangeError),
        ((-0.1, 0.9), RangeError),
        ((0.9,), ArgumentError),
        (0.9, ArgumentError),
        (("a", 0.9), ArgumentError),
    ],
)
def test_betas(betas, kind: type[Exception]) -> None:
    for make in (
        lambda: optim.Adam([W], betas=betas),
        lambda: optim.Adam([{"params": W, "betas": betas}]),
    ):
        with pytest.raises(kind, match="betas="):
            make()


def test_a_group_may_hold_a_bare_tensor() -> None:
    optimizer = optim.SGD([{"params": W}, {"params": MODEL.parameters()}])
    assert [len(group["params"]) for group in optimizer.param_groups] == [1, 2]
    assert optimizer.param_groups[0]["params"][0] is W


def test_numpy_numbers_are_settings() -> None:
    optimizer = optim.Adam([W], lr=np.float32(0.5), betas=[np.float64(0.5), 0.0])
    assert type(optimizer.param_groups[0]["lr"]) is float
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.0)


def test_zero_grad_may_keep_zeros() -> None:
    w, unused = tensor(1.0, 2.0), tensor(1.0)
    optimizer = optim.SGD([w, unused])
    (w * w).sum().backward()
    optimizer.zero_grad(set_to_none=False)
    assert w.grad.tolist() == [0.0, 0.0]
    assert unused.grad is None
    optimizer.zero_grad(set_to_none=True)
    assert w.grad is None


def saved(**changes) -> dict:
    """The state of an Adam over a tensor of two numbers, after a step."""
    w = tensor(1.0, 2.0)
    optimizer = optim.Adam([w], lr=0.5)
    w.sum().backward()
    optimizer.step()
    return {**optimizer.state_dict(), **changes}


def in_group(**changes) -> dict:
    return saved(param_groups=[{**saved()["param_groups"][0], **changes}])


def in_state(**changes) -> dict:
    return saved(state={0: {**saved()["state"][0], **changes}})


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "the state has no 'state' and 'param_groups'."),
        (None, "the state has no 'state' and 'param_groups'."),
        (saved(param_groups=3), "the param_groups are no list of groups."),
        (saved(param_groups=[{}]), "the param_groups are no list of groups."),
        (optim.SGD([W]).state_dict(), "this is the state of SGD. Build the optimizer of"),
        (
            {k: v for k, v in optim.SGD([W]).state_dict().items() if k != "optimizer"},
            "the settings are lr, betas, eps, weight_decay, amsgrad; the state has lr,",
        ),
        (in_group(nesterov=True), "the settings are lr, betas"),
        (in_group(lr="a"), "lr='a' is a str."),
        (in_group(betas=(0, 1)), "betas=(0, 1) are not in [0, 1)."),
        (saved(state=[]), "the state is no dict by numbers of parameters."),
        (saved(state={1: {}}), "there is state for parameter 1 of 1."),
        (saved(state={"0": {}}), "there is state for parameter '0' of 1."),
        (saved(state={0: None}), "the state of parameter 0 is no dict."),
        (saved(state={0: {"step": 1}}), "the state of parameter 0 has no mean, square."),
        (in_state(mean=np.zeros(3)), "mean of parameter 0 has shape (3,), the parameter (2,)."),
        (in_state(mean=np.zeros(2, complex)), "mean of parameter 0 is complex128"),
        (in_state(mean="a"), "mean of parameter 0 is a str."),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(state, message: str) -> None:
    w = tensor(3.0, 4.0)
    optimizer = optim.Adam([w], lr=0.1)
    w.sum().backward()
    optimizer.step()
    before = repr(optimizer.state_dict())
    with pytest.raises(StateDictError) as caught:
        optimizer.load_state_dict(state)
    assert str(caught.value).startswith(f"[Adam.load_state_dict] {message}")
    assert repr(optimizer.state_dict()) == before


def test_a_state_may_hold_tensors_and_lists() -> None:
    optimizer = optim.Adam([tensor(3.0, 4.0)])
    state = in_state(mean=Tensor([1.0, 2.0]))
    state["param_groups"][0]["betas"] = [0.5, 0.5]
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["betas"] == (0.5, 0.5)
    assert type(optimizer.state[0]["mean"]) is np.ndarray


def test_repr_shows_the_settings() -> None:
    w = Tensor(1.0, requires_grad=True)
    assert repr(tl.optim.RAdam([w], lr=0.5)) == (
        "RAdam(lr=0.5, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.0)"
    )

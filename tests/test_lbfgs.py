"""L-BFGS: finds minima, keeps its history, and says what it cannot do."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize

from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.errors import ArgumentError, StateDictError


def rosenbrock(w: Tensor) -> Tensor:
    return (100 * (w[1:] - w[:-1] ** 2) ** 2 + (1 - w[:-1]) ** 2).sum()


def minimise(w: Tensor, steps: int, optimizer: optim.LBFGS) -> list[float]:
    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = rosenbrock(w)
        loss.backward()
        return loss

    return [float(optimizer.step(closure)) for _ in range(steps)]


def test_it_finds_the_minimum_that_scipy_finds() -> None:
    start = np.linspace(-1.5, 2.0, 6)
    w = Tensor(start, requires_grad=True)
    losses = minimise(w, 8, optim.LBFGS([w], line_search_fn="strong_wolfe"))
    assert losses == sorted(losses, reverse=True)
    expected = scipy.optimize.minimize(scipy.optimize.rosen, start, method="L-BFGS-B", tol=1e-14)
    np.testing.assert_allclose(w.numpy(), expected.x, atol=1e-4)


def test_a_quadratic_takes_few_iterations() -> None:
    matrix = Tensor(np.diag([1.0, 4.0, 9.0]))
    w = Tensor(np.ones(3), requires_grad=True)
    optimizer = optim.LBFGS([w], line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = w @ matrix @ w
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(w.numpy(), 0, atol=1e-6)


def test_parameters_of_several_shapes_and_without_gradient() -> None:
    model = nn.Linear(2, 1)
    unused = nn.Parameter(np.zeros(3, np.float32))
    x, y = np.eye(2, dtype="f4"), np.array([[3.0], [5.0]], "f4")
    optimizer = optim.LBFGS([*model.parameters(), unused], line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        return loss

    optimizer.step(closure)
    np.testing.assert_allclose(model(x).numpy(), y, atol=1e-3)
    assert unused.tolist() == [0.0] * 3


def test_a_saved_state_goes_on_as_if_nothing_had_happened() -> None:
    w = Tensor(np.linspace(-1.5, 2.0, 4), requires_grad=True)
    optimizer = optim.LBFGS([w], max_iter=4, line_search_fn="strong_wolfe")
    minimise(w, 2, optimizer)
    other = Tensor(w.numpy(), requires_grad=True)
    resumed = optim.LBFGS([other], max_iter=4, line_search_fn="strong_wolfe")
    resumed.load_state_dict(optimizer.state_dict())
    assert minimise(w, 2, optimizer) == minimise(other, 2, resumed)
    np.testing.assert_array_equal(w.numpy(), other.numpy())


def test_mistakes() -> None:
    w = Tensor(np.zeros(3), requires_grad=True)
    optimizer = optim.LBFGS([w])
    with pytest.raises(ArgumentError, match=r"\[LBFGS\] step\(\) needs the loss more than once"):
        optimizer.step()
    with pytest.raises(ArgumentError, match="line_search_fn='armijo' is unknown"):
        optim.LBFGS([w], line_search_fn="armijo")
    with pytest.raises(ArgumentError, match="there are 2 groups"):
        optim.LBFGS([{"params": [w]}, {"params": [Tensor(1.0, requires_grad=True)]}])
    minimise(w, 1, optimizer)
    with pytest.raises(StateDictError, match="the state is of 3 numbers, the parameters have 4"):
        optim.LBFGS([Tensor(np.zeros(4), requires_grad=True)]).load_state_dict(
            optimizer.state_dict()
        )

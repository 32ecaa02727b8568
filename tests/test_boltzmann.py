"""RBM and DBN: the gradient against the textbook and against all states, one by one."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.errors import ArgumentError, RangeError, ShapeError

from .support import same


def small(seed: int = 0, scale: float = 1.0) -> nn.RBM:
    """Four visible and three hidden units, with weights that matter."""
    rng = np.random.default_rng(seed)
    rbm = nn.RBM(4, 3, dtype=tl.float64, generator=rng)
    for parameter in rbm.parameters():
        parameter.assign(rng.normal(size=parameter.shape) * scale)
    return rbm


def states(n: int) -> np.ndarray:
    """All vectors of `n` zeros and ones."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def energy(rbm: nn.RBM, v: np.ndarray, h: np.ndarray) -> float:
    w, a, b = (p.numpy() for p in (rbm.weight, rbm.visible_bias, rbm.hidden_bias))
    return float(-v @ a - h @ b - h @ w @ v)


def bars(n: int, seed: int = 0) -> Tensor:
    """3 x 3 pictures with one full row."""
    rows = np.random.default_rng(seed).integers(0, 3, n)
    return Tensor(np.repeat(np.eye(3), 3, axis=1)[rows], dtype=tl.float32)


# ---- energies and probabilities ----------------------------------------------------------


def test_the_free_energy_sums_over_all_hidden_states() -> None:
    rbm = small()
    for v in states(4):
        summed = sum(np.exp(-energy(rbm, v, h)) for h in states(3))
        same(rbm.free_energy(Tensor(v)).item(), -np.log(summed))
    assert rbm.free_energy(Tensor(states(4).reshape(4, 4, 4))).shape == (4, 4)


def test_the_probabilities_are_those_of_the_energies() -> None:
    rbm = small()
    table = np.array([[np.exp(-energy(rbm, v, h)) for h in states(3)] for v in states(4)])
    given_v = table / table.sum(axis=1, keepdims=True) @ states(3)
    given_h = (table / table.sum(axis=0)).T @ states(4)
    same(rbm(Tensor(states(4))).numpy(), given_v)
    same(rbm.visible_probability(Tensor(states(3))).numpy(), given_h)


def test_samples_are_zeros_and_ones_with_these_probabilities() -> None:
    rbm = small()
    v = np.tile(states(4)[5], (20_000, 1))
    h = rbm.sample_h(v)
    assert set(np.unique(h.numpy())) == {0.0, 1.0}
    assert not h.requires_grad
    np.testing.assert_allclose(h.numpy().mean(axis=0), rbm(v[0]).numpy(), atol=0.015)
    back = rbm.sample_v(h[:1, :])
    assert back.shape == (1, 4)


def test_gibbs_sampling_arrives_at_the_model() -> None:
    rbm = small()
    weight = np.exp(-rbm.free_energy(Tensor(states(4))).numpy())
    found = rbm.gibbs(np.zeros((20_000, 4)), k=60).numpy() @ [8, 4, 2, 1]
    frequency = np.bincount(found.astype(int), minlength=16) / 20_000
    np.testing.assert_allclose(frequency, weight / weight.sum(), atol=0.015)


# ---- the gradient ------------------------------------------------------------------------


def test_the_gradient_is_the_textbook_update() -> None:
    rbm = small()
    rng = np.random.default_rng(1)
    v, model = rng.integers(0, 2, (2, 7, 4)).astype(float)
    rbm.contrastive_divergence(Tensor(v), model=Tensor(model)).backward()
    h, h_model = rbm(v).numpy(), rbm(model).numpy()
    outer = (h.T @ v - h_model.T @ model) / 7
    same(-rbm.weight.grad.numpy(), outer)
    same(-rbm.visible_bias.grad.numpy(), (v - model).mean(axis=0))
    same(-rbm.hidden_bias.grad.numpy(), (h - h_model).mean(axis=0))


def test_no_gradient_goes_through_the_samples() -> None:
    rbm = small()
    v = Tensor(states(4), requires_grad=True)
    loss = rbm.contrastive_divergence(v, k=2)
    (gradient,) = tl.autograd.grad(loss, [v])
    (alone,) = tl.autograd.grad(rbm.free_energy(v).mean(), [v])
    same(gradient.numpy(), alone.numpy())


def test_many_steps_give_the_gradient_of_the_likelihood() -> None:
    rbm = small(seed=3)
    data = Tensor(states(4)[[1, 2, 2, 7]])
    partition = tl.logsumexp(-rbm.free_energy(Tensor(states(4))), axis=0)  # log Z, exactly
    exact = tl.autograd.grad(rbm.free_energy(data).mean() + partition, list(rbm.parameters()))
    many = Tensor(np.tile(data.numpy(), (10_000, 1)))
    rbm.contrastive_divergence(many, k=40).backward()
    for parameter, expected in zip(rbm.parameters(), exact, strict=True):
        # a mean of 40 000 numbers from 0 to 1 has a standard error below 0.0025
        np.testing.assert_allclose(parameter.grad.numpy(), expected.numpy(), atol=0.0125)


def test_finite_differences_agree() -> None:
    rbm = small()
    v, model = Tensor(states(4)[3:9]), Tensor(states(4)[8:14])
    report = tl.gradcheck(
        lambda *numbers: rbm.contrastive_divergence(v, model=model), [], params=rbm
    )
    assert report, report
    assert len(report.results) == 3


# ---- learning ----------------------------------------------------------------------------


@pytest.mark.parametrize("persistent", [False, True])
def test_it_learns_bars(persistent: bool) -> None:
    rbm = nn.RBM(9, 6, generator=np.random.default_rng(0))
    sgd = optim.SGD(rbm.parameters(), lr=0.2)
    data = bars(60)
    before = rbm.reconstruction_error(data)
    chain = data
    for _ in range(300):
        chain = rbm.gibbs(chain) if persistent else None
        sgd.zero_grad()
        rbm.contrastive_divergence(data, model=chain).backward()
        sgd.step()
    assert rbm.reconstruction_error(data) < before / 3
    others = 1.0 - data
    assert rbm.free_energy(data).max().item() < rbm.free_energy(others).min().item()


def trained_dbn(seed: int) -> nn.DBN:
    rng = np.random.default_rng(seed)
    dbn = nn.DBN([9, 6, 4], generator=rng)
    loader = tl.data.DataLoader(
        tl.data.TensorDataset(bars(40).numpy()), 10, shuffle=True, generator=rng
    )
    dbn.pretrain(loader, lambda p: optim.SGD(p, lr=0.5, momentum=0.5), epochs=60, progress=False)
    return dbn


def test_a_seed_makes_it_repeatable() -> None:
    first, again, other = (trained_dbn(seed) for seed in (5, 5, 6))
    for a, b in zip(first.parameters(), again.parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert (first.rbms[0].weight != other.rbms[0].weight).any()
    np.testing.assert_array_equal(first.sample(5, k=20).numpy(), again.sample(5, k=20).numpy())


@pytest.mark.parametrize("sizes", [[4, 3], [4, 3, 2]])
def test_probabilities_are_those_that_samples_are_drawn_with(sizes: list[int]) -> None:
    dbn = nn.DBN(sizes, generator=np.random.default_rng(1))
    for rbm in dbn.stack:
        rbm.weight.assign(rbm.weight.numpy() * 100)
    start = np.ones((1, dbn.stack[-1].n_visible))
    means = dbn.sample(4000, 2, np.repeat(start, 4000, 0), probabilities=True)
    assert not means.requires_grad
    assert 0 < means.min() < means.max() < 1
    drawn = dbn.sample(4000, 2, np.repeat(start, 4000, 0))
    assert set(np.unique(drawn.numpy())) == {0.0, 1.0}
    np.testing.assert_allclose(means.numpy().mean(0), drawn.numpy().mean(0), atol=0.04)
    with pytest.raises(RangeError, match=r"\[DBN\.sample\] k=0 draws nothing"):
        dbn.sample(1, 0)


def test_a_stack_dreams_of_what_it_saw() -> None:
    dbn = trained_dbn(0)
    dreams = dbn.sample(300, k=100).numpy()
    assert dreams.shape == (300, 9)
    known = {tuple(row) for row in bars(60).numpy()}
    share = np.mean([tuple(row) in known for row in dreams])
    assert share > 0.3  # of 512 pictures, 3 are bars: at random it would be 0.006


def test_each_rbm_is_trained_and_the_ones_below_are_left_alone() -> None:
    dbn = nn.DBN([9, 6, 4], generator=np.random.default_rng(0))
    seen = []

    def optimizer(parameters):
        parameters = list(parameters)
        seen.append([p.name for p in parameters])
        return optim.SGD(parameters, lr=0.1)

    dbn.pretrain([bars(5), (bars(5), "label")], optimizer, epochs=2)
    assert [names[0] for names in seen] == ["rbms.0.weight", "rbms.1.weight"]


def test_the_net_to_be_tuned_computes_the_same_and_is_a_copy() -> None:
    dbn = trained_dbn(1)
    state = tl.default_generator().bit_generator.state
    net = dbn.as_sequential()
    assert tl.default_generator().bit_generator.state == state
    same(net(bars(4)).numpy(), dbn(bars(4)).numpy(), rtol=1e-6)
    assert [type(layer).__name__ for layer in net] == ["Linear", "Sigmoid"] * 2
    before = dbn.rbms[0].weight.numpy()
    sgd = optim.SGD(net.parameters(), lr=1.0)
    net(bars(4)).sum().backward()
    sgd.step()
    np.testing.assert_array_equal(dbn.rbms[0].weight.numpy(), before)
    assert all(p.grad is None for p in nn.DBN([2, 2]).parameters())


def test_it_saves_and_loads() -> None:
    first, second = small(1), small(2)
    second.load_state_dict(first.state_dict())
    v = states(4)
    same(first.free_energy(v).numpy(), second.free_energy(v).numpy())
    assert repr(nn.RBM(4, 3)).startswith("RBM(4, 3)  # weight (3, 4), visible_bias (4,)")


def test_units_of_any_dtype_are_taken() -> None:
    rbm = nn.RBM(4, 3)
    for dtype in (np.int64, np.uint8, np.bool_, np.float64):
        v = states(4).astype(dtype)
        assert rbm.free_energy(v).dtype == tl.float32
        assert rbm.gibbs(v).dtype == tl.float32


def test_refusals() -> None:
    rbm = nn.RBM(4, 3)
    with pytest.raises(RangeError, match=r"\[RBM\.gibbs\] k=0 draws nothing"):
        rbm.gibbs(states(4), k=0)
    with pytest.raises(RangeError, match=r"\[RBM\] n_visible=-1 is negative"):
        nn.RBM(-1, 3)
    with pytest.raises(ShapeError, match="takes 4 features"):
        rbm(tl.ones(2, 5))
    with pytest.raises(ArgumentError, match=r"\[DBN\] sizes=\[4\] are not two layers or more"):
        nn.DBN([4])
    with pytest.raises(ShapeError, match=r"\[DBN\.sample\] start has shape \(3, 4\), the samples"):
        nn.DBN([4, 3]).sample(2, start=tl.ones(3, 4))

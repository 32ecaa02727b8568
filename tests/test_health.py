"""Health: nets made sick on purpose, and healthy ones, about which it is silent."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.errors import ArgumentError, RangeError
from tinygrad_lesson.health import Health, HealthReport


@pytest.fixture(autouse=True)
def seeded() -> None:
    tl.manual_seed(0)


def batches(steps: int, features: int = 4) -> Iterator[tuple[Tensor, Tensor]]:
    """Numbers, and which of the first two is larger."""
    rng = np.random.default_rng(1)
    for _ in range(steps):
        x = rng.normal(size=(32, features))
        yield Tensor(x, dtype=tl.float32), Tensor((x[:, 0] > x[:, 1]).astype(np.int64))


def watched(model: nn.Module, optimizer: Any = 0.05, steps: int = 20, **options: Any) -> Any:
    """The report of some steps of training, by an optimizer or by SGD with some rate."""
    if isinstance(optimizer, float):
        optimizer = optim.SGD(model.parameters(), lr=optimizer)
    with Health(model, optimizer, **options) as health:
        for x, y in batches(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    return health.report()


def kinds(report: HealthReport) -> list[str]:
    return list(dict.fromkeys(finding.kind for finding in report.findings))


def mlp(activation: type[nn.Module] = nn.ReLU, width: int = 16, depth: int = 2) -> nn.Sequential:
    sizes = [4, *[width] * depth]
    layers: list[nn.Module] = []
    for below, above in pairwise(sizes):
        layers += [nn.Linear(below, above), activation()]
    return nn.Sequential(*layers, nn.Linear(width, 2))


class Last(nn.Module):
    """The output of a recurrent layer after the last step."""

    def forward(self, output: tuple[Tensor, Tensor]) -> Tensor:
        return output[0][:, -1]


class Columns(nn.Module):
    """Reads the numbers of a sample one after the other."""

    def __init__(self, inner: nn.Module) -> None:
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.expand_dims(-1))


# ---- healthy -----------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.LeakyReLU])
@pytest.mark.parametrize("make", [
    lambda p: optim.SGD(p, lr=0.05, momentum=0.9), lambda p: optim.Adam(p, lr=1e-3),
])  # fmt: skip
def test_it_is_silent_about_a_healthy_net(activation: type[nn.Module], make: Any) -> None:
    model = mlp(activation)
    report = watched(model, make(model.parameters()), steps=60)
    assert report, report
    assert report.findings == ()
    assert "health over 30 steps: nothing is wrong" in str(report)


def test_nothing_is_changed_by_looking_on() -> None:
    def run(look: bool) -> list[np.ndarray]:
        tl.manual_seed(3)
        model = mlp()
        sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        if look:
            watched(model, sgd)
        else:
            for x, y in batches(20):
                sgd.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                sgd.step()
        assert "step" not in vars(sgd)
        assert not model._forward_hooks
        return [p.numpy() for p in model.parameters()]

    for plain, seen in zip(run(False), run(True), strict=True):
        np.testing.assert_array_equal(plain, seen)


def test_the_numbers_are_those_of_the_loop() -> None:
    model = mlp()
    sgd = optim.SGD(model.parameters(), lr=0.05)
    gradients, ratios, signals, active = [], [], [], []
    with Health(model, sgd, window=10) as health:
        for x, y in batches(10):
            sgd.zero_grad()
            hidden = model[0](x)
            active.append((hidden.numpy() > 0).any(axis=0))
            out = model(x)
            out.retain_grad()
            nn.functional.cross_entropy(out, y).backward()
            signals.append(np.linalg.norm(out.grad.numpy()))
            g, old = model[0].weight.grad.numpy(), model[0].weight.numpy()
            gradients.append(np.sqrt(np.mean(g.astype(float) ** 2)))
            sgd.step()
            new = model[0].weight.numpy()
            ratios.append(np.linalg.norm(new - old) / np.linalg.norm(old))
    report = health.report()
    (first,) = (p for p in report.parameters if p.path == "0.weight")
    assert first.gradient == pytest.approx(np.median(gradients), rel=1e-5)
    assert first.ratio == pytest.approx(np.median(ratios), rel=1e-5)
    assert [layer.layer for layer in report.layers] == ["0", "2", "4"]
    assert report.layers[-1].signal == pytest.approx(np.median(signals), rel=1e-5)
    assert report.activations[0].dead == 1 - np.any(active, axis=0).mean()
    assert [(a.layer, a.activation, a.units) for a in report.activations] == [
        ("0", "relu", 16), ("2", "relu", 16),
    ]  # fmt: skip


# ---- sick --------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", [nn.ReLU, nn.ELU, nn.SiLU, nn.GELU, nn.Softplus])
def test_units_dead_from_the_start(activation: type[nn.Module]) -> None:
    model = mlp(activation)
    bias = model[0].bias.numpy().copy()
    bias[:8] = -40
    model[0].bias.assign(bias)
    report = watched(model)
    finding = report.findings[0]
    assert finding.kind == "dead"
    assert str(finding).startswith(
        f"layer 0: 50% of the 16 {report.activations[0].activation} units were never active"
    )
    assert "nn.init" in finding.remedy
    assert report.activations[0].dead == 0.5
    assert report.activations[0].died == 0


def test_few_samples_prove_nothing() -> None:
    model = mlp()
    model[0].bias.assign(np.full(16, -40.0))
    report = watched(model, steps=8)
    assert report.activations[0].samples == 4 * 32
    assert "dead" not in kinds(report)


def test_a_leaky_rectifier_does_not_die() -> None:
    model = mlp(nn.LeakyReLU)
    model[0].bias.assign(np.full(16, -40.0))
    assert "dead" not in kinds(watched(model))


def test_units_that_a_high_rate_kills() -> None:
    model = mlp()
    sgd = optim.SGD(model.parameters(), lr=20.0)
    report = watched(model, sgd)
    dead = next(finding for finding in report.findings if finding.kind == "dead")
    assert "stopped being active" in dead.what
    assert "the learning rate 20 is probably too high" in dead.what
    assert dead.remedy == "Try 2, or LeakyReLU."


def test_dead_channels_of_images() -> None:
    class Images(nn.Module):
        def __init__(self) -> None:
            self.kernel = nn.Parameter(np.random.default_rng(0).normal(size=(5, 1, 3, 3)) * 0.3)
            self.bias = nn.Parameter(np.array([0.0, -90, 0, -90, 0])[:, None, None])
            self.out = nn.Linear(5, 2, dtype=tl.float64)

        def forward(self, x: Tensor) -> Tensor:
            images = x.astype(tl.float64)[:, None, :, None] * np.ones((1, 1, 1, 4))
            maps = tl.relu(nn.functional.conv2d(images, self.kernel) + self.bias)
            return self.out(maps.mean(axis=(2, 3)))

    (units,) = watched(Images()).activations
    assert (units.layer, units.units, units.dead) == ("(model)", 5, 0.4)


def test_functions_are_seen_as_modules_are() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            self.one, self.two = nn.Linear(4, 6), nn.Linear(6, 2)
            self.one.bias.assign(np.full(6, -30.0))

        def forward(self, x: Tensor) -> Tensor:
            return self.two(tl.relu(self.one(x)))

    report = watched(Functional())
    assert str(report.findings[0]).startswith("layer one: 100% of the 6 relu units")


def test_a_layer_called_again_and_again_is_one_layer() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            self.inner, self.out = nn.Linear(5, 5), nn.Linear(5, 2)

        def forward(self, x: Tensor) -> Tensor:
            h = tl.zeros(len(x), 5)
            for t in range(4):
                h = tl.tanh(self.inner(h) + x[:, t : t + 1])
            return self.out(h)

    report = watched(Recurrent())
    assert [(a.layer, a.units) for a in report.activations] == [("inner", 5)]
    assert [layer.layer for layer in report.layers] == ["inner", "out"]


def test_a_model_called_on_its_own_output() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    sgd = optim.SGD(model.parameters(), lr=0.05)
    with Health(model, sgd) as health:
        x, _ = next(batches(1))
        middle = model(x)
        out = model(middle)
        sums = [t.node.parents[0] for t in (middle, out)]
        hooked = [len(node.meta.hooks) for node in sums]
        out.sum().backward()
        sgd.step()
    assert hooked == [1, 1]
    assert health.report().activations[0].samples == 2 * 32


def test_a_single_number() -> None:
    class Neuron(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter([1.0, -2.0])

        def forward(self, x: Tensor) -> Tensor:
            return tl.tanh(self.w @ x)

    model = Neuron()
    sgd = optim.SGD(model.parameters(), lr=0.01)
    with Health(model, sgd) as health:
        model(Tensor([0.5, 0.25])).backward()
        sgd.step()
    (unit,) = health.report().activations
    assert (unit.layer, unit.units, unit.samples) == ("(model)", 1, 1)


def test_layers_between_are_not_taken_for_the_layer() -> None:
    report = watched(
        nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 6), nn.LayerNorm(6), nn.ReLU(), nn.Linear(6, 2))
    )
    assert [a.layer for a in report.activations] == ["1"]
    assert [layer.layer for layer in report.layers] == ["1", "4"]
    assert report, report


@pytest.mark.parametrize("activation", [nn.Sigmoid, nn.Tanh])
def test_saturated_units(activation: type[nn.Module]) -> None:
    model = mlp(activation)
    model[2].weight.assign(model[2].weight * 100)
    report = watched(model, 1e-3)
    finding = next(f for f in report.findings if f.kind == "saturated")
    assert finding.where == "layer 2"
    assert "weights or inputs are too large" in finding.what
    assert report.activations[0].flat < 0.1
    assert report.activations[1].flat > 0.5


def test_units_that_a_high_rate_drives_to_an_end() -> None:
    report = watched(mlp(nn.Tanh), rate := 60.0)
    finding = next(f for f in report.findings if f.kind == "saturated")
    assert f"the learning rate {rate:g} is probably too high" in finding.what
    assert finding.remedy.startswith("Try 6, or")


def test_weights_that_grow_and_grow() -> None:
    model = nn.Sequential(nn.GRU(1, 6, batch_first=True), Last(), nn.Linear(6, 2))
    report = watched(Columns(model), 20.0, steps=40)
    finding = next(f for f in report.findings if f.kind == "learning rate")
    assert "-fold: the learning rate 20 is probably too high" in finding.what


def test_a_deep_sigmoid_net_vanishes() -> None:
    report = watched(mlp(nn.Sigmoid, depth=8))
    finding = next(f for f in report.findings if f.kind == "vanishing")
    assert finding.where == "layer 0"
    assert "through 9 layers" in finding.what
    assert "ReLU" in finding.remedy


def test_a_deep_net_with_large_weights_explodes() -> None:
    model = mlp(nn.ReLU, depth=8)
    for parameter in model.parameters():
        if parameter.ndim == 2:
            parameter.assign(parameter * 8)
    report = watched(model, 1e-12)
    assert "exploding" in kinds(report)
    assert next(f for f in report.findings if f.kind == "exploding").where == "layer 0"


def test_a_gradient_that_jumps() -> None:
    model = nn.Linear(4, 2)
    sgd = optim.SGD(model.parameters(), lr=1e-6)
    with Health(model, sgd) as health:
        for i, (x, y) in enumerate(batches(20)):
            sgd.zero_grad()
            scale = 1e4 if i == 14 else 1.0
            (scale * nn.functional.cross_entropy(model(x), y)).backward()
            sgd.step()
    finding = next(f for f in health.report().findings if f.kind == "exploding")
    assert finding.where == "step 15"
    assert "clip_grad_norm_" in finding.remedy


def test_unused_parameters() -> None:
    class Spare(nn.Module):
        def __init__(self) -> None:
            self.used, self.spare = nn.Linear(4, 2), nn.Linear(4, 2)
            self.gate, self.missed = nn.Parameter(1.0), nn.Parameter(1.0)
            self.frozen = nn.Parameter(1.0, requires_grad=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.used(x) * self.missed * self.frozen + 0.0 * self.gate

    model = Spare()
    given = [p for name, p in model.named_parameters() if name != "missed"]
    report = watched(model, optim.SGD(given, lr=0.05))
    assert [(f.kind, f.where) for f in report.findings] == [
        ("unused", "missed"), ("unused", "spare.weight"), ("unused", "gate"),
    ]  # fmt: skip
    missed, spare, gate = report.findings
    assert "the optimizer does not have it" in missed.what
    assert "it had no gradient: the loss does not depend on it (and so with spare.bias)" in (
        spare.what
    )
    assert "exactly 0" in gate.what
    assert "frozen" not in [p.path for p in report.parameters]


def test_nan() -> None:
    model = nn.Linear(4, 2)
    sgd = optim.SGD(model.parameters(), lr=0.1)
    with Health(model, sgd) as health:
        for i, (x, y) in enumerate(batches(6)):
            sgd.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            (loss * float("nan") if i == 3 else loss).backward()
            sgd.step()
    finding = health.report().findings[0]
    assert finding.kind == "not finite"
    assert finding.where == "weight"
    assert "and of 1 more parameters were NaN or infinite in 3 steps" in finding.what
    assert "tl.debug()" in finding.remedy


@pytest.mark.parametrize(("rate", "said"), [(3.0, "too high"), (1e-9, "too low")])
def test_learning_rates(rate: float, said: str) -> None:
    model = mlp(nn.Tanh)
    report = watched(model, rate, steps=6)
    assert "learning rate" in kinds(report)
    assert f"the learning rate {rate:g} is probably {said}" in report.findings[-1].what


# ---- as a tool ---------------------------------------------------------------------------


def test_the_report_reads_well() -> None:
    model = mlp()
    model[0].bias.assign(np.full(16, -40.0))
    report = watched(model)
    text = str(report)
    assert text.startswith("health over 10 steps: 3 findings\n\n* layer 0: 100% of the 16 relu")
    assert max(map(len, text.splitlines())) <= 92
    for head in ("activation", "gradient at its output (norm)", "update / weight"):
        assert head in text
    assert not report
    assert repr(report) == "<HealthReport over 10 steps: dead, unused>"


def test_it_works_around_fit_and_for_an_optimizer_that_calls_a_closure() -> None:
    data = tl.data.TensorDataset(*(t.numpy() for t in next(batches(1))))
    for optimizer in (lambda p: optim.SGD(p, lr=0.05), lambda p: optim.LBFGS(p, lr=0.1)):
        model = mlp()
        made = optimizer(model.parameters())
        loader = tl.data.DataLoader(data, 16)
        with tl.Health(model, made, window=len(loader)) as health:
            tl.fit(
                model, loader, nn.CrossEntropyLoss(), made, epochs=3, validation=loader,
                progress=False,
            )  # fmt: skip
        report = health.report()
        assert report.steps == 2
        assert report.activations[0].units == 16
        assert all(p.gradient for p in report.parameters)


def test_one_inside_another_and_an_error_inside() -> None:
    model = mlp()
    sgd = optim.SGD(model.parameters(), lr=0.05)

    def fail() -> None:
        with Health(model, sgd) as outer, Health(model, sgd) as inner:
            for x, y in batches(2):
                sgd.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                sgd.step()
            assert outer.report().steps == inner.report().steps == 1
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert "step" not in vars(sgd)
    assert not model._forward_hooks


def test_it_leaves_no_garbage() -> None:
    while gc.collect():  # that of other tests, some of which appears as other garbage goes
        pass
    gc.disable()
    try:
        watched(mlp(), steps=3)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_before_the_first_step_there_is_nothing_to_say() -> None:
    model = mlp()
    health = Health(model, optim.SGD(model.parameters()))
    assert health.report()
    assert str(health).startswith("health over 0 steps: nothing is wrong")


def test_refusals() -> None:
    model = mlp()
    with pytest.raises(ArgumentError, match=r"\[Health\] a Sequential and a list are no model"):
        Health(model, list(model.parameters()))  # type: ignore[arg-type]
    with pytest.raises(RangeError, match=r"\[Health\] window=0 is no step"):
        Health(model, optim.SGD(model.parameters()), window=0)

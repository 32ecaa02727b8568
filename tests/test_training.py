"""fit: it learns, stops, saves, and goes on as if it had never been interrupted."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, data, nn, optim
from tinygrad_lesson.compiler.c_code import toolchain
from tinygrad_lesson.errors import (
    ArgumentError,
    NonFiniteError,
    RangeError,
    ShapeError,
    StateDictError,
)
from tinygrad_lesson.optim import lr_scheduler
from tinygrad_lesson.training import History, Record, accuracy, evaluate, fit

CE = nn.functional.cross_entropy


def points(n: int = 60, seed: int = 0) -> data.TensorDataset:
    """Two clouds in the plane, and which one."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = rng.normal(size=(n, 2)) + 3.0 * y[:, None]
    return data.TensorDataset(x.astype(np.float32), y)


class Noisy(nn.Module):
    """A net that draws from two generators while it trains, and from none in use."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.generator = generator
        first = np.random.default_rng(5)
        self.inner = nn.Linear(2, 8, generator=first)
        self.outer = nn.Linear(8, 2, generator=first)
        self.count = nn.Buffer(0.0)

    def forward(self, x: Tensor) -> Tensor:
        h = tl.tanh(self.inner(x))
        if self.training:
            self.count.assign(self.count + 1.0)
            h = h * (tl.rand(h.shape, generator=self.generator) < 0.8) * 1.25
            h = h + 0.01 * tl.randn(h.shape)
        return self.outer(h)


Built = tuple[nn.Module, data.DataLoader, optim.Optimizer, lr_scheduler.LRScheduler]


def built() -> Built:
    tl.manual_seed(1)
    model = Noisy(np.random.default_rng(2))
    shuffled = np.random.default_rng(3)
    loader = data.DataLoader(points(), 16, shuffle=True, generator=shuffled)
    sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    return model, loader, sgd, lr_scheduler.StepLR(sgd, 2, 0.5)


def trained(parts: Built, **options: Any) -> History:
    model, loader, optimizer, schedule = parts
    options.setdefault("schedule", schedule)
    return fit(model, loader, CE, optimizer, progress=False, **options)


def assert_same(a: Built, b: Built) -> None:
    for first, second in zip(a[0].state_dict().values(), b[0].state_dict().values(), strict=True):
        np.testing.assert_array_equal(first.numpy(), second.numpy())


# ---- learning ----------------------------------------------------------------------------


def test_it_learns_and_says_how() -> None:
    parts = built()
    history = trained(
        parts,
        epochs=5,
        validation=data.DataLoader(points(20, seed=9), 7),
        metrics=[accuracy],
        clip_norm=5.0,
    )
    assert len(history) == 5
    assert list(history[0]) == ["epoch", "lr", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert [record["epoch"] for record in history] == [1, 2, 3, 4, 5]
    assert [record["lr"] for record in history] == [0.1, 0.1, 0.05, 0.05, 0.025]
    assert history[-1]["val_accuracy"] > 0.9
    assert history[-1]["loss"] < history[0]["loss"]
    assert parts[0].training


def test_it_is_the_loop_written_out() -> None:
    model, loader, optimizer, _ = built()
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            CE(model(x), y).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.3)
            optimizer.step()
    parts = built()
    trained(parts, epochs=3, schedule=None, clip_norm=0.3)
    for a, b in zip(model.parameters(), parts[0].parameters(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, lr=0.1), lambda p: optim.LBFGS(p)])
def test_several_batches_make_the_step_of_a_large_one(make: Callable[..., Any]) -> None:
    found: list[list[Any]] = []
    x, y = points().arrays
    wide = data.TensorDataset(x.astype(float), y)
    for size, accumulate in ((16, 1), (4, 4), (8, 2)):
        tl.manual_seed(1)
        model = nn.Linear(2, 3, dtype=tl.float64)
        optimizer = make(model.parameters())
        schedule = lr_scheduler.ExponentialLR(optimizer, 0.9)
        history = fit(
            model, data.DataLoader(wide, size), CE, optimizer, epochs=2, schedule=schedule,
            schedule_per="batch", clip_norm=0.3, accumulate=accumulate, progress=False,
        )  # fmt: skip
        found.append([*model.parameters(), [record["loss"] for record in history],
                      [record["lr"] for record in history]])  # fmt: skip
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9)


def test_the_last_batches_of_an_epoch_may_be_fewer() -> None:
    model = nn.Linear(2, 3)
    seen: list[int] = []

    class Counted(optim.SGD):
        def step(self, closure: Any = None) -> Any:
            seen.append(1)
            return super().step(closure)

    sgd = Counted(model.parameters(), lr=0.1)
    fit(model, data.DataLoader(points(20), 4), CE, sgd, epochs=1, accumulate=2, progress=False)
    assert len(seen) == 3


def test_means_weigh_every_sample_alike() -> None:
    model = nn.Linear(2, 2)
    dataset = points(11)
    x, y = dataset.batch(range(11))
    seen = evaluate(model, data.DataLoader(dataset, 4), CE, {"right": accuracy})
    assert seen["loss"] == pytest.approx(CE(model(x), y).item(), rel=1e-6)
    assert seen["right"] == pytest.approx(accuracy(model(x), y))


def test_evaluation_leaves_every_mode_alone_and_records_nothing() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model[1].eval()
    seen = []

    def loss(output: Tensor, target: Tensor) -> Tensor:
        seen.append((output.requires_grad, model.training))
        return CE(output, target)

    evaluate(model, data.DataLoader(points(4), 4), loss)
    assert seen == [(False, False)]
    assert (model.training, model[0].training, model[1].training) == (True, True, False)


def test_a_frozen_part_stays_in_its_mode() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    model[1].eval()
    sgd = optim.SGD(model.parameters())
    fit(model, data.DataLoader(points(4), 4), CE, sgd, epochs=1, progress=False)
    assert not model[1].training
    model.eval()
    fit(model, data.DataLoader(points(4), 4), CE, sgd, epochs=1, progress=False)
    assert model[1].training


def test_several_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            self.w = nn.Parameter(0.0)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.w * (a + b)

    a, b = np.arange(6.0), np.ones(6)
    model = Sum()
    loader = data.DataLoader(data.TensorDataset(a, b, 2 * (a + b)), 3)
    sgd = optim.SGD(model.parameters(), lr=0.02)
    fit(model, loader, nn.MSELoss(), sgd, epochs=50, progress=False)
    assert model.w.item() == pytest.approx(2.0, rel=1e-3)


def test_an_optimizer_that_searches_along_lines() -> None:
    x = np.linspace(-1, 1, 20)[:, None]
    model = nn.Linear(1, 1, dtype=tl.float64, generator=np.random.default_rng(0))
    lbfgs = optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    loader = data.DataLoader(data.TensorDataset(x, 3 * x - 1), 20)
    history = fit(model, loader, nn.MSELoss(), lbfgs, epochs=3, progress=False)
    assert history[-1]["loss"] < 1e-8


@pytest.mark.parametrize("mode", [True, "numpy", "c"])
def test_a_compiled_model_learns_the_same(mode: bool | str) -> None:
    """With dropout, which draws the same numbers, and batches of which the last is smaller."""
    if mode == "c" and not toolchain.find_compiler():
        pytest.skip("no C compiler")
    found = []
    for compile_with in (False, mode):
        tl.manual_seed(1)
        model = nn.Sequential(
            nn.Linear(2, 8, dtype=tl.float64), nn.Tanh(), nn.Dropout(0.2),
            nn.Linear(8, 3, dtype=tl.float64),
        )  # fmt: skip
        x, y = points(20).arrays
        loader = data.DataLoader(data.TensorDataset(x.astype(float), y), 8)
        adam = optim.Adam(model.parameters(), lr=0.1)
        history = fit(
            model, loader, CE, adam, epochs=3, validation=loader, metrics=[accuracy],
            clip_norm=1.0, compile=compile_with, progress=False,
        )  # fmt: skip
        found.append([*model.parameters(), *(list(record.values()) for record in history)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-9)
    lbfgs = optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    first = fit(model, loader, CE, lbfgs, epochs=1, compile=mode, progress=False)
    assert np.isfinite(first[-1]["loss"])
    with pytest.raises(ArgumentError, match="mode='rust' is unknown"):
        fit(model, loader, CE, lbfgs, epochs=1, compile="rust", progress=False)


# ---- schedules, callbacks, stopping ------------------------------------------------------


def test_a_schedule_for_each_batch() -> None:
    model, loader, sgd, _ = built()
    cycle = lr_scheduler.OneCycleLR(sgd, 0.2, total_steps=2 * len(loader))
    fit(model, loader, CE, sgd, epochs=2, schedule=cycle, schedule_per="batch", progress=False)
    assert cycle.last_epoch == 2 * len(loader)


def test_a_schedule_that_looks_at_the_loss() -> None:
    model, loader, sgd, _ = built()
    plateau = lr_scheduler.ReduceLROnPlateau(sgd, patience=0, threshold=0.9)
    history = fit(model, loader, CE, sgd, epochs=4, schedule=plateau, progress=False)
    assert plateau.best in [record["loss"] for record in history]
    assert history[-1]["lr"] < 0.1


def test_a_callback_sees_each_record_and_may_end_it() -> None:
    seen: list[Record] = []

    def callback(record: Record) -> bool:
        seen.append(record)
        return len(seen) == 2

    history = trained(built(), epochs=9, callbacks=[callback, lambda record: "True"])
    assert list(history) == seen
    assert len(seen) == 2


def validation_losses(values: list[float]) -> Callable[[Any, Any], Tensor]:
    """A loss that is the next of `values` on validation data, and else the real one."""
    left = iter(values)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        return CE(output, target) if output.requires_grad else Tensor(next(left))

    return loss


def test_early_stopping_gives_the_best_weights_back(tmp_path: Path) -> None:
    model, loader, sgd, _ = built()
    weights = []
    options: dict[str, Any] = {
        "epochs": 9, "patience": 2, "validation": data.DataLoader(points(4), 4),
        "callbacks": [lambda record: weights.append(model.inner.weight.numpy())],
        "checkpoint": tmp_path / "run.npz", "progress": False,
    }  # fmt: skip
    history = fit(model, loader, validation_losses([3, 1, 2, 1, 0]), sgd, **options)
    assert len(history) == 4
    np.testing.assert_array_equal(model.inner.weight.numpy(), weights[1])

    model, loader, sgd, _ = built()  # the run had ended, and is not taken up
    assert fit(model, loader, validation_losses([]), sgd, **options) == history
    np.testing.assert_array_equal(model.inner.weight.numpy(), weights[1])


def test_without_validation_the_training_loss_decides() -> None:
    model = nn.Linear(2, 2)
    sgd = optim.SGD(model.parameters(), lr=0.0)
    history = fit(
        model, data.DataLoader(points(), 60), CE, sgd, epochs=9, patience=3, progress=False
    )
    assert len(history) == 4


# ---- going on ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", [1, 3])
def test_a_resumed_run_equals_an_uninterrupted_one(first: int, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole = built()
    expected = trained(whole, epochs=6, metrics=[accuracy])
    trained(built(), epochs=first, metrics=[accuracy], checkpoint=path)
    resumed = built()
    tl.manual_seed(99)  # the checkpoint knows better
    history = trained(resumed, epochs=6, metrics=[accuracy], checkpoint=path)
    assert history == expected
    assert_same(whole, resumed)
    assert tl.default_generator().random() == trained_default(whole)


def trained_default(parts: Built) -> float:
    """The number that the default generator gives after six epochs in one go."""
    trained(built(), epochs=6)
    return float(tl.default_generator().random())


@pytest.mark.parametrize("make", [
    lambda p: optim.Adam(p, lr=0.02), lambda p: optim.LBFGS(p, max_iter=2), lambda p: optim.Lion(p),
])  # fmt: skip
def test_any_optimizer_and_layers_with_noise_and_statistics_resume(
    make: Any, tmp_path: Path
) -> None:
    def run(epochs: int, name: str) -> tuple[History, list[np.ndarray]]:
        tl.manual_seed(6)
        model = nn.Sequential(
            nn.Linear(2, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2)
        )
        history = fit(
            model, data.DataLoader(points(), 20, shuffle=True), CE, make(model.parameters()),
            epochs=epochs, validation=data.DataLoader(points(10), 10, shuffle=True),
            checkpoint=tmp_path / name, patience=9, progress=False,
        )  # fmt: skip
        return history, [value.numpy() for value in model.state_dict().values()]

    expected, numbers = run(5, "whole.npz")
    run(2, "parts.npz")
    history, resumed = run(5, "parts.npz")
    assert history == expected
    for a, b in zip(numbers, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_that_was_cut_off_is_run_again(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    whole = built()
    expected = trained(whole, epochs=4)
    calls = 0

    def loss(output: Tensor, target: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 11:  # in the third epoch
            raise KeyboardInterrupt
        return CE(output, target)

    model, loader, sgd, schedule = built()
    with pytest.raises(KeyboardInterrupt):
        fit(model, loader, loss, sgd, epochs=4, schedule=schedule, checkpoint=path, progress=False)
    resumed = built()
    assert trained(resumed, epochs=4, checkpoint=path) == expected
    assert_same(whole, resumed)


def test_a_finished_run_is_only_loaded(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    first, second = built(), built()
    history = trained(first, epochs=2, checkpoint=path)
    written = path.read_bytes()
    assert trained(second, epochs=2, checkpoint=path) == history
    assert_same(first, second)
    assert path.read_bytes() == written


def test_generators_that_nobody_holds_are_given(tmp_path: Path) -> None:
    def run(epochs: int, name: str) -> float:
        mine = np.random.default_rng(4)
        model, loader, sgd, _ = built()

        def loss(output: Tensor, target: Tensor) -> Tensor:
            return CE(output + 0.1 * tl.randn(output.shape, generator=mine), target)

        path = tmp_path / name
        return fit(
            model, loader, loss, sgd, epochs=epochs, generators=[mine], checkpoint=path,
            progress=False,
        )[-1]["loss"]  # fmt: skip

    whole = run(4, "whole.npz")
    run(2, "parts.npz")
    assert run(4, "parts.npz") == whole


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    trained(built(), epochs=1, checkpoint=path)
    with pytest.raises(StateDictError, match=r"\[fit\] the checkpoint has model, optimizer, sch"):
        trained(built(), epochs=2, checkpoint=path, schedule=None)
    tl.save({"epoch": 3}, path)
    with pytest.raises(StateDictError, match=r"\[fit\] the file holds no run of fit\(\)"):
        trained(built(), epochs=2, checkpoint=path)


# ---- refusals ----------------------------------------------------------------------------


def test_a_loss_that_is_nan_stops_before_anything_changes() -> None:
    model, loader, sgd, _ = built()
    before = model.state_dict()
    with pytest.raises(NonFiniteError, match=r"\[fit\] the loss is nan\. Find out"):
        fit(model, loader, lambda o, t: CE(o, t) * math.nan, sgd, epochs=1, progress=False)
    for name in ("inner.weight", "outer.bias"):
        np.testing.assert_array_equal(model.state_dict()[name].numpy(), before[name].numpy())


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"epochs": -1}, RangeError, "epochs=-1 is negative"),
        ({"epochs": 1, "patience": 0}, RangeError, "patience=0 stops before it begins"),
        ({"epochs": 1, "accumulate": 0}, RangeError, "accumulate=0 makes no step"),
        ({"epochs": 1, "schedule_per": "step"}, ArgumentError, "schedule_per='step' is unknown"),
        ({"epochs": 1, "checkpoint": "a.pt"}, ArgumentError, "checkpoint='a.pt' is no .npz file"),
        ({"epochs": 1, "checkpoint": "no/a.npz"}, ArgumentError, "there is no folder 'no'"),
    ],
)
def test_bad_arguments(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=rf"\[fit\] {said}"):
        trained(built(), **options)


def test_metrics_need_names() -> None:
    first, second = (lambda o, t: 0.0), (lambda o, t: 1.0)
    with pytest.raises(ArgumentError, match=r"two figures with the name '<lambda>'\. Name"):
        trained(built(), epochs=1, metrics=[first, second])
    with pytest.raises(ArgumentError, match="two figures with the name 'loss'"):
        trained(built(), epochs=1, metrics={"loss": first})
    history = trained(built(), epochs=2, metrics=(m for m in [accuracy]))
    assert "accuracy" in history[1]


def test_batches_without_a_target_and_loaders_without_batches() -> None:
    model = nn.Linear(2, 2)
    sgd = optim.SGD(model.parameters())
    with pytest.raises(ArgumentError, match="a batch is no pair of input and target"):
        fit(model, [(tl.ones(3, 2),)], CE, sgd, epochs=1, progress=False)
    with pytest.raises(RangeError, match="the loader gave no batches"):
        fit(model, [], CE, sgd, epochs=1, progress=False)


# ---- what is shown -----------------------------------------------------------------------


def test_accuracy() -> None:
    scores = Tensor(np.moveaxis(np.eye(3)[[[0, 1], [2, 2]]], -1, 1))  # (2, 3, 2)
    assert accuracy(scores, Tensor([[0, 1], [2, 0]])) == 0.75
    with pytest.raises(ShapeError, match=r"\[accuracy\] scores of shape \(2, 3, 2\) for classes"):
        accuracy(scores, Tensor([0, 1]))


def test_the_history_as_a_table() -> None:
    history = History([{"epoch": 1, "loss": 0.123456}, {"epoch": 2, "loss": 12.0, "val_loss": 1.0}])
    lines = str(history).splitlines()
    assert lines[0].split() == ["epoch", "loss", "val_loss"]
    assert lines[1].split() == ["1", "0.1235", "-"]
    assert {len(line) for line in lines} == {len(lines[0])}
    assert repr(history) == "<History of 2 epochs>"


def test_a_quick_run_shows_no_bar() -> None:
    shown = io.StringIO()
    with redirect_stderr(shown):
        model, loader, sgd, _ = built()
        fit(model, loader, CE, sgd, epochs=2)
    assert shown.getvalue() == ""


def test_the_package_has_it_on_first_use() -> None:
    assert tl.fit is fit
    assert tl.training.accuracy is accuracy

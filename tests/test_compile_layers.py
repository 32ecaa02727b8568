"""Every layer, loss, optimizer and schedule: a compiled step trains as the eager one does.

The lists are those of the library: what is new there, and in no case here, fails a test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim
from tinygrad_lesson.optim import lr_scheduler

from .support import hurry

F = nn.functional

MODES = ["numpy", pytest.param("c", marks=pytest.mark.long)]

Forward = Callable[..., Any]
RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch, "-O1")


def x_of(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    return RNG.uniform(0.1, 0.9, size=shape)


def classes(count: int, *shape: int) -> np.ndarray:
    return RNG.integers(0, count, shape)


def signs(*shape: int) -> np.ndarray:
    return RNG.integers(0, 2, shape) * 2.0 - 1.0


# ---- layers ------------------------------------------------------------------------------------

LAYERS: dict[str, tuple[Callable[[], nn.Module], list[Any]]] = {
    # activations
    **{
        name: (getattr(nn, name), [x_of(4, 6)])
        for name in (
            "CELU", "ELU", "GELU", "GLU", "SELU", "Hardshrink", "Hardsigmoid", "Hardswish",
            "Hardtanh", "LeakyReLU", "LogSigmoid", "LogSoftmax", "Mish", "PReLU", "ReLU", "ReLU6",
            "RReLU", "Sigmoid", "SiLU", "Softmax", "Softmin", "Softplus", "Softshrink", "Softsign",
            "Swish", "Tanh", "Tanhshrink", "Identity", "Flatten", "Dropout", "AlphaDropout",
        )
    },
    "Softmax2d": (nn.Softmax2d, [x_of(2, 3, 2, 2)]),
    "Threshold": (lambda: nn.Threshold(0.1, -1.0), [x_of(4, 6)]),
    # dropout of channels
    "Dropout1d": (nn.Dropout1d, [x_of(4, 6, 2)]),
    "Dropout2d": (nn.Dropout2d, [x_of(4, 6, 2, 2)]),
    "Dropout3d": (nn.Dropout3d, [x_of(4, 6, 2, 2, 1)]),
    # linear
    "Linear": (lambda: nn.Linear(6, 3), [x_of(4, 6)]),
    "Bilinear": (lambda: nn.Bilinear(6, 3, 2), [x_of(4, 6), x_of(4, 3)]),
    "Embedding": (lambda: nn.Embedding(7, 3, padding_idx=1), [classes(7, 4, 5)]),
    "CosineSimilarity": (nn.CosineSimilarity, [x_of(4, 6), x_of(4, 6)]),
    "PairwiseDistance": (nn.PairwiseDistance, [x_of(4, 6), x_of(4, 6)]),
    "Unflatten": (lambda: nn.Unflatten(1, (2, 3)), [x_of(4, 6)]),
    "PositionalEncoding": (lambda: nn.PositionalEncoding(6, dropout=0.1), [x_of(2, 4, 6)]),
    # convolution
    "Conv1d": (lambda: nn.Conv1d(4, 6, 3, padding=1, groups=2), [x_of(2, 4, 7)]),
    "Conv2d": (lambda: nn.Conv2d(2, 3, 3, stride=2, padding=1), [x_of(2, 2, 5, 5)]),
    "Conv3d": (lambda: nn.Conv3d(2, 3, 2, dilation=2), [x_of(2, 2, 4, 4, 3)]),
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(2, 3, 3, stride=2), [x_of(2, 2, 4)]),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 3, padding=1), [x_of(2, 2, 4, 4)]),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(2, 3, 2, bias=False), [x_of(2, 2, 2, 3, 2)]),
    # normalisation
    "BatchNorm1d": (lambda: nn.BatchNorm1d(6), [x_of(4, 6)]),
    "BatchNorm2d": (lambda: nn.BatchNorm2d(3, momentum=None), [x_of(4, 3, 2, 2)]),
    "BatchNorm3d": (lambda: nn.BatchNorm3d(3, affine=False), [x_of(4, 3, 2, 2, 1)]),
    "InstanceNorm1d": (lambda: nn.InstanceNorm1d(3, affine=True), [x_of(4, 3, 6)]),
    "InstanceNorm2d": (
        lambda: nn.InstanceNorm2d(3, track_running_stats=True), [x_of(4, 3, 2, 3)]
    ),
    "InstanceNorm3d": (lambda: nn.InstanceNorm3d(3), [x_of(4, 3, 2, 2, 2)]),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), [x_of(3, 4, 5)]),
    "LayerNorm": (lambda: nn.LayerNorm((3, 4)), [x_of(5, 3, 4)]),
    "RMSNorm": (lambda: nn.RMSNorm(4), [x_of(5, 3, 4)]),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(2), [x_of(2, 4, 3)]),
    # padding
    **{
        f"{kind}Pad{n}d": (
            lambda name=f"{kind}Pad{n}d", more=(0.5,) * (kind == "Constant"): (
                getattr(nn, name)(1, *more)
            ),
            [x_of(2, 2, *(3,) * n)],
        )
        for kind in ("Circular", "Constant", "Reflection", "Replication", "Zero")
        for n in (1, 2, 3)
    },
    # pooling
    **{
        f"{kind}Pool{n}d": (
            lambda name=f"{kind}Pool{n}d", more=(2.0,) * (kind == "LP"): (
                getattr(nn, name)(*more, 2)
            ),
            [positive(2, 2, *(5,) * n)],
        )
        for kind in ("AdaptiveAvg", "AdaptiveMax", "Avg", "LP", "Max")
        for n in (1, 2, 3)
    },
    **{
        f"MaxUnpool{n}d": (
            lambda name=f"MaxUnpool{n}d": getattr(nn, name)(2),
            [x_of(1, 1, *(2,) * n), np.arange(2**n).reshape(1, 1, *(2,) * n) * 2],
        )
        for n in (1, 2, 3)
    },
    # images
    "ChannelShuffle": (lambda: nn.ChannelShuffle(2), [x_of(2, 4, 3, 3)]),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), [x_of(2, 4, 3, 3)]),
    "PixelUnshuffle": (lambda: nn.PixelUnshuffle(2), [x_of(2, 2, 4, 4)]),
    "Unfold": (lambda: nn.Unfold(2, padding=1), [x_of(2, 2, 4, 4)]),
    "Fold": (lambda: nn.Fold((3, 3), 2), [x_of(2, 8, 4)]),
    "Upsample": (lambda: nn.Upsample(scale_factor=2, mode="bicubic"), [x_of(2, 2, 3, 3)]),
    "UpsamplingBilinear2d": (lambda: nn.UpsamplingBilinear2d(size=(5, 4)), [x_of(2, 2, 3, 3)]),
    "UpsamplingNearest2d": (lambda: nn.UpsamplingNearest2d(scale_factor=2), [x_of(2, 2, 3, 3)]),
    # recurrent
    "RNNCell": (lambda: nn.RNNCell(3, 4), [x_of(2, 3), x_of(2, 4)]),
    "GRUCell": (lambda: nn.GRUCell(3, 4), [x_of(2, 3), x_of(2, 4)]),
    "LSTMCell": (lambda: nn.LSTMCell(3, 4), [x_of(2, 3), (x_of(2, 4), x_of(2, 4))]),
    "RNN": (lambda: nn.RNN(3, 4, nonlinearity="relu"), [x_of(5, 2, 3)]),
    "GRU": (lambda: nn.GRU(3, 4, bidirectional=True), [x_of(5, 2, 3)]),
    "LSTM": (lambda: nn.LSTM(3, 4, 2, dropout=0.2, batch_first=True), [x_of(2, 5, 3)]),
    # attention
    "MultiheadAttention": (lambda: nn.MultiheadAttention(4, 2, dropout=0.1), [x_of(3, 2, 4)] * 3),
    "TransformerEncoderLayer": (
        lambda: nn.TransformerEncoderLayer(4, 2, 6, batch_first=True), [x_of(2, 3, 4)]
    ),
    "TransformerDecoderLayer": (
        lambda: nn.TransformerDecoderLayer(4, 2, 6, activation="gelu"), [x_of(3, 2, 4)] * 2
    ),
    "TransformerEncoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 6), 2), [x_of(3, 2, 4)]
    ),
    "TransformerDecoder": (
        lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, 6), 2), [x_of(3, 2, 4)] * 2
    ),
    "Transformer": (lambda: nn.Transformer(4, 2, 1, 1, 6), [x_of(3, 2, 4), x_of(2, 2, 4)]),
    # containers, and models of their own
    "Sequential": (lambda: nn.Sequential(nn.Linear(3, 2), nn.Tanh()), [x_of(4, 3)]),
    "RBM": (lambda: nn.RBM(4, 3), [classes(2, 5, 4).astype(float)]),
    "DBN": (lambda: nn.DBN([4, 3, 2]), [classes(2, 5, 4).astype(float)]),
}  # fmt: skip

NOT_CALLED = {
    "Module": "the base class of all",
    "ModuleList": "it is not called, what it holds is",
    "ModuleDict": "it is not called, what it holds is",
    "ParameterList": "it is not called, its parameters are used",
    "ParameterDict": "it is not called, its parameters are used",
}
"""Modules without a step of their own, and why."""

LOSSES: dict[str, tuple[Callable[[], nn.Module], list[Any]]] = {
    "BCELoss": (nn.BCELoss, [positive(4, 3), classes(2, 4, 3).astype(float)]),
    "BCEWithLogitsLoss": (nn.BCEWithLogitsLoss, [x_of(4, 3), classes(2, 4, 3).astype(float)]),
    "CosineEmbeddingLoss": (
        lambda: nn.CosineEmbeddingLoss(margin=0.1), [x_of(4, 3), x_of(4, 3), signs(4)]
    ),
    "CrossEntropyLoss": (
        lambda: nn.CrossEntropyLoss(label_smoothing=0.1, ignore_index=1),
        [x_of(6, 3), np.array([0, 1, 2, 2, 1, 0])],
    ),
    "CTCLoss": (
        lambda: Known(nn.CTCLoss(), [[1, 2], [2, 1]], [5, 4], [2, 1]), [x_of(5, 2, 3)]
    ),
    "GaussianNLLLoss": (nn.GaussianNLLLoss, [x_of(4, 3), x_of(4, 3), positive(4, 3)]),
    "HingeLoss": (nn.HingeLoss, [x_of(4, 3), signs(4, 3)]),
    "HuberLoss": (nn.HuberLoss, [x_of(4, 3), x_of(4, 3)]),
    "KLDivLoss": (lambda: nn.KLDivLoss(reduction="batchmean"), [x_of(4, 3), positive(4, 3)]),
    "L1Loss": (nn.L1Loss, [x_of(4, 3), x_of(4, 3)]),
    "MSELoss": (lambda: nn.MSELoss(reduction="sum"), [x_of(4, 3), x_of(4, 3)]),
    "NLLLoss": (
        lambda: nn.NLLLoss(Tensor([0.5, 1.0, 2.0])), [np.log(positive(6, 3)), classes(3, 6)]
    ),
    "PoissonNLLLoss": (lambda: nn.PoissonNLLLoss(full=True), [x_of(4, 3), positive(4, 3) * 5]),
    "SmoothL1Loss": (nn.SmoothL1Loss, [x_of(4, 3), x_of(4, 3)]),
    "TripletMarginLoss": (nn.TripletMarginLoss, [x_of(4, 3), x_of(4, 3), x_of(4, 3)]),
}  # fmt: skip


class Known(nn.Module):
    """A loss whose other arguments are known beforehand."""

    def __init__(self, loss: nn.Module, *rest: Any) -> None:
        self.loss, self.rest = loss, rest

    def forward(self, x: Tensor) -> Any:
        return self.loss(tl.log_softmax(x, axis=-1), *self.rest)


# ---- the two ways to run -----------------------------------------------------------------------


def converted(value: Any, dtype: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(converted(part, dtype) for part in value)
    return Tensor(value) if value.dtype.kind == "i" else Tensor(value, dtype=dtype)


def floats(result: Any) -> Iterator[Tensor]:
    parts = result if isinstance(result, tuple | list) else [result]
    for part in parts:
        if isinstance(part, tuple | list):
            yield from floats(part)
        elif isinstance(part, Tensor) and part.dtype.kind == "f":
            yield part


def losses(
    make: Callable[[], nn.Module], data: list[Any], mode: str | None, dtype: Any, steps: int
) -> list[Any]:
    """Loss after loss, then what the model is; the first input is learnt as well if it can be."""
    tl.manual_seed(0)
    tl.set_default_dtype(dtype)
    try:
        model = make()
        given = [converted(x, dtype) for x in data]
        shift = nn.Parameter(tl.zeros(given[0].shape, dtype=dtype))
        learns = given[0].dtype.kind == "f"
        lr = 0.02 if steps < 10 else 0.002  # or a probability would leave its range
        sgd = optim.SGD([shift, *model.parameters()], lr=lr, momentum=0.5)

        def step(*inputs: Any) -> Tensor:
            first = inputs[0] * (1.0 + shift) if learns else inputs[0]
            parts = [*floats(model(first, *inputs[1:]))]
            loss = sum((part * part).mean() * (i + 1.0) for i, part in enumerate(parts))
            sgd.zero_grad()
            assert isinstance(loss, Tensor)
            if loss.requires_grad:
                loss.backward()
                nn.utils.clip_grad_norm_([shift, *model.parameters()], 1.0)
                sgd.step()
            return loss

        run = step if mode is None else tl.compile(mode=mode)(step)
        found = [np.array(run(*given)) for _ in range(steps)]
        return [*found, *map(np.array, model.state_dict().values()), np.array(shift.detach())]
    finally:
        tl.set_default_dtype(tl.float32)


def compare(make: Callable[[], nn.Module], data: list[Any], mode: str, steps: int = 4) -> None:
    eager = losses(make, data, None, tl.float64, steps)
    fast = losses(make, data, mode, tl.float64, steps)
    for one, other in zip(fast, eager, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)
    eager = losses(make, data, None, tl.float32, 2)
    fast = losses(make, data, mode, tl.float32, 2)
    for one, other in zip(fast, eager, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    compare(*LAYERS[name], "numpy")  # C takes the hundred steps below


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name: str) -> None:
    compare(*LOSSES[name], "numpy")


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [*LAYERS, *LOSSES])
def test_a_hundred_steps(name: str, mode: str) -> None:
    compare(*{**LAYERS, **LOSSES}[name], mode, 100)


def test_every_layer_and_loss_is_tried() -> None:
    found = {
        name
        for name, value in vars(nn).items()
        if inspect.isclass(value) and issubclass(value, nn.Module)
    }
    assert found == {*LAYERS, *LOSSES, *NOT_CALLED}


# ---- what looks at lengths ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
def test_lengths_of_sequences(name: str) -> None:
    """They decide about indices in Python: known ones are fine, those of each step are not."""

    class Reader(nn.Module):
        def __init__(self, lengths: Any) -> None:
            self.inner = getattr(nn, name)(3, 4, bidirectional=True)
            self.lengths = lengths

        def forward(self, x: Tensor) -> Any:
            return self.inner(x, lengths=self.lengths)

    for lengths in ([5, 3], np.array([2, 4]), (0, 5)):
        compare(lambda lengths=lengths: Reader(lengths), [x_of(5, 2, 3)], "numpy")
    layer = getattr(nn, name)(3, 4)
    step = tl.compile(lambda x, lengths: layer(x, lengths=lengths))
    x = Tensor(x_of(5, 2, 3), dtype=tl.float32)
    for given in (Tensor([5, 3]), np.array([5, 3])):
        with pytest.raises(tl.errors.TraceError, match=rf"\[{name}.* the lengths.* Pass .*list"):
            step(x, given)
    for _ in range(2):
        np.testing.assert_allclose(
            step(x, [5, 3])[0].numpy(), layer(x, lengths=[5, 3])[0].numpy(), rtol=1e-5, atol=1e-6
        )


def test_lengths_of_ctc() -> None:
    x = Tensor(np.log(positive(5, 2, 3)))
    step = tl.compile(lambda x, *rest: F.ctc_loss(x, *rest))
    known: list[Any] = [[[1, 2], [2, 1]], [5, 4], [2, 1]]
    for _ in range(2):
        assert float(step(x, *known)) == pytest.approx(float(F.ctc_loss(x, *known)))
    for place in range(3):
        given = [*known]
        given[place] = np.array(given[place])
        with pytest.raises(tl.errors.TraceError, match=r"\[ctc_loss.* Pass .*list"):
            step(x, *given)


def test_lengths_in_an_array_that_changes() -> None:
    lengths = np.array([5, 3])
    layer = nn.GRU(3, 4)
    step = tl.compile(lambda x: layer(x, lengths=lengths)[1])
    x = Tensor(x_of(5, 2, 3), dtype=tl.float32)
    for ends in ([5, 3], [5, 3], [1, 2], [5, 3]):
        lengths[:] = ends
        expected = layer(x, lengths=ends)[1].detach()
        np.testing.assert_allclose(step(x).numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


# ---- optimizers --------------------------------------------------------------------------------

OPTIMIZERS: dict[str, list[dict[str, Any]]] = {
    "SGD": [
        {"lr": 0.1}, {"lr": 0.1, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ],
    "Adam": [{}, {"weight_decay": 0.1}, {"amsgrad": True, "betas": (0.5, 0.7)}],
    "AdamW": [{}, {"amsgrad": True}],
    "NAdam": [{}, {"weight_decay": 0.1}],
    "RAdam": [{}, {"betas": (0.5, 0.999)}, {"weight_decay": 0.1}],
    "RMSprop": [{}, {"momentum": 0.5, "centered": True}, {"weight_decay": 0.1}],
    "Adagrad": [{}, {"lr_decay": 0.1, "initial_accumulator_value": 0.1}],
    "Adadelta": [{}, {"weight_decay": 0.1}],
    "Lion": [{}, {"weight_decay": 0.1}],
}  # fmt: skip

NO_OPTIMIZER = {
    "Optimizer": "the base class of all",
    "LBFGS": "its line search decides by numbers: see tests/test_compile.py",
}


def run_optimizer(
    name: str, settings: dict[str, Any], mode: str | None, schedule: Any = None, steps: int = 12
) -> list[Any]:
    tl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 0.01}]
    optimizer = getattr(optim, name)(groups, **settings)
    scheduler = schedule(optimizer) if schedule is not None else None
    data = np.random.default_rng(0)
    x, y = Tensor(data.normal(size=(6, 3)), dtype=tl.float32), Tensor(data.integers(0, 2, 6))

    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        return loss

    model.double()
    x = x.astype(tl.float64)
    run = step if mode is None else tl.compile(mode=mode)(step)
    found = [np.array(run(x, y)) for _ in range(steps)]
    state = optimizer.state_dict()
    arrays = [np.array(v) for held in state["state"].values() for v in held.values()]
    rates = [np.array([g["lr"] for g in state["param_groups"]])]
    return [*found, *map(np.array, model.state_dict().values()), *arrays, *rates]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("name", "settings"), [(name, s) for name, several in OPTIMIZERS.items() for s in several]
)
def test_optimizers(name: str, settings: dict[str, Any], mode: str) -> None:
    eager, fast = (run_optimizer(name, settings, m) for m in (None, mode))
    for one, other in zip(fast, eager, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_after_a_hundred_steps(name: str, mode: str) -> None:
    eager, fast = (run_optimizer(name, {}, m, steps=100) for m in (None, mode))
    for one, other in zip(fast, eager, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_every_optimizer_is_tried() -> None:
    found = {
        name
        for name, value in vars(optim).items()
        if inspect.isclass(value) and issubclass(value, optim.Optimizer)
    }
    assert found == {*OPTIMIZERS, *NO_OPTIMIZER}


# ---- schedules ---------------------------------------------------------------------------------

SCHEDULES: dict[str, Callable[[Any], Any]] = {
    "LambdaLR": lambda o: lr_scheduler.LambdaLR(o, [lambda e: 1 / (e + 1), lambda e: 0.9**e]),
    "StepLR": lambda o: lr_scheduler.StepLR(o, 3, 0.5),
    "MultiStepLR": lambda o: lr_scheduler.MultiStepLR(o, [2, 5], 0.5),
    "ExponentialLR": lambda o: lr_scheduler.ExponentialLR(o, 0.9),
    "LinearLR": lambda o: lr_scheduler.LinearLR(o, total_iters=6),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 8),
    "CosineAnnealingWarmRestarts": lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 2),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, 0.2, 15),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o), lr_scheduler.ExponentialLR(o, 0.9)], [4]
    ),
}

NO_SCHEDULE = {
    "LRScheduler": "the base class of all",
    "ReduceLROnPlateau": "its figure decides: see tests/test_compile.py",
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_schedules(name: str, optimizer: str, mode: str) -> None:
    settings = {"momentum": 0.9, "lr": 0.1} if optimizer == "SGD" else {}
    eager, fast = (run_optimizer(optimizer, settings, m, SCHEDULES[name]) for m in (None, mode))
    for one, other in zip(fast, eager, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_a_schedule_that_ends_changes_nothing() -> None:
    w = nn.Parameter([1.0])
    sgd = optim.SGD([w], lr=0.1, momentum=0.9)
    schedule = lr_scheduler.OneCycleLR(sgd, 0.2, 3)

    @tl.compile
    def step() -> Tensor:
        loss = (w * w).sum()
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        schedule.step()
        return loss

    for _ in range(3):
        step()
    before = w.item(), schedule.state_dict(), sgd.param_groups[0]["lr"]
    with pytest.raises(tl.errors.RangeError, match=r"\[OneCycleLR\] step 4 of 3"):
        step()
    assert (w.item(), schedule.state_dict(), sgd.param_groups[0]["lr"]) == before


def test_the_rate_that_a_step_returns_is_that_of_each_step() -> None:
    w = nn.Parameter([1.0])
    sgd = optim.SGD([w], lr=0.5)
    schedule = lr_scheduler.ExponentialLR(sgd, 0.5)

    @tl.compile
    def step() -> Any:
        w.grad = w.detach()
        sgd.step()
        schedule.step()
        return schedule.get_last_lr()

    assert [step() for _ in range(3)] == [[0.25], [0.125], [0.0625]]


@pytest.mark.parametrize("stepping", ["inside", "outside", "by hand"])
def test_the_settings_that_a_step_reads_are_those_of_each_step(stepping: str) -> None:
    found = []
    for compiled in (False, True):
        w = nn.Parameter([1.0, 2.0])
        adam = optim.Adam([w], lr=0.5)
        schedule = lr_scheduler.ExponentialLR(adam, 0.5)

        def step(w: Any = w, adam: Any = adam, schedule: Any = schedule) -> Any:
            (w**2).sum().backward()
            adam.step()
            adam.zero_grad()
            if stepping == "inside":
                schedule.step()
            group = adam.param_groups[0]
            norm = w.detach().sum() * group["lr"] + group["betas"][0]
            norm = tl.stack([norm, Tensor(group["lr"]), tl.exp(group["lr"]), tl.clip(norm, 0, 1)])
            return group["lr"], norm, f"{group['lr']:.3f}", round(group["lr"], 1)

        run, told = tl.compile(step) if compiled else step, []
        for _ in range(4):
            rate, norm, *rest = run()
            told.append([rate, norm.tolist(), *rest])
            if stepping == "outside":
                schedule.step()
            elif stepping == "by hand":
                adam.param_groups[0]["lr"] *= 0.75
                adam.param_groups[0]["betas"] = (0.5, 0.5)
        found.append([*told, w.tolist()])
    assert found[0] == found[1]


def test_every_schedule_is_tried() -> None:
    found = {
        name
        for name, value in vars(lr_scheduler).items()
        if inspect.isclass(value) and issubclass(value, lr_scheduler.LRScheduler)
    }
    assert found == {*SCHEDULES, *NO_SCHEDULE}

"""Layers against PyTorch's: keys, values, gradients, statistics and whole trainings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


class Case(NamedTuple):
    """A layer of ours and theirs, built by the same call, and the shapes of its inputs."""

    build: Callable[[Any], Any]
    shapes: tuple[tuple[int, ...], ...]
    below: int = 0  # the inputs are integers below it, if it is not 0


IMAGE = (2, 4, 6, 5)
SIGNAL = (3, 4, 7)
VOLUME = (2, 2, 4, 3, 5)

CASES = {
    "linear": Case(lambda m: m.Linear(4, 3), ((5, 4),)),
    "linear_without_bias": Case(lambda m: m.Linear(4, 3, False), ((2, 5, 4),)),
    "bilinear": Case(lambda m: m.Bilinear(4, 3, 2), ((5, 4), (5, 3))),
    "bilinear_of_many_axes": Case(lambda m: m.Bilinear(4, 3, 2, False), ((2, 5, 4), (2, 5, 3))),
    "identity": Case(lambda m: m.Identity(54, unused=1), ((5, 4),)),
    "flatten": Case(lambda m: m.Flatten(), (IMAGE,)),
    "flatten_some": Case(lambda m: m.Flatten(1, 2), (IMAGE,)),
    "unflatten": Case(lambda m: m.Unflatten(1, (2, 2)), (IMAGE,)),
    "cosine": Case(lambda m: m.CosineSimilarity(dim=1), (SIGNAL, SIGNAL)),
    "distance": Case(lambda m: m.PairwiseDistance(p=2.0, keepdim=True), ((5, 4), (5, 4))),
    "embedding": Case(lambda m: m.Embedding(6, 3), ((2, 5),), 6),
    "embedding_with_padding": Case(lambda m: m.Embedding(6, 3, padding_idx=-2), ((4, 5),), 6),
    "conv1d": Case(lambda m: m.Conv1d(4, 6, 3, stride=2, padding=1), (SIGNAL,)),
    "conv1d_of_one": Case(lambda m: m.Conv1d(4, 2, 3), ((4, 7),)),
    "conv2d": Case(lambda m: m.Conv2d(4, 6, (3, 2), 2, (1, 0), bias=False), (IMAGE,)),
    "conv2d_same": Case(
        lambda m: m.Conv2d(4, 6, (4, 3), padding="same", dilation=(1, 2)), (IMAGE,)
    ),
    "conv2d_valid": Case(lambda m: m.Conv2d(4, 6, 3, padding="valid", groups=2), (IMAGE,)),
    "conv2d_reflect": Case(
        lambda m: m.Conv2d(4, 2, 3, 1, (1, 2), padding_mode="reflect"), (IMAGE,)
    ),
    "conv2d_replicate": Case(
        lambda m: m.Conv2d(4, 2, 4, padding="same", padding_mode="replicate"), (IMAGE,)
    ),
    "conv2d_circular": Case(lambda m: m.Conv2d(4, 2, 3, 2, 2, padding_mode="circular"), (IMAGE,)),
    "conv3d": Case(lambda m: m.Conv3d(2, 4, 2, groups=2, dilation=(1, 2, 1)), (VOLUME,)),
    "transpose1d": Case(lambda m: m.ConvTranspose1d(4, 6, 3, 2, 1, 1), (SIGNAL,)),
    "transpose2d": Case(lambda m: m.ConvTranspose2d(4, 6, 3, (2, 1), 1, groups=2), (IMAGE,)),
    "transpose2d_dilated": Case(lambda m: m.ConvTranspose2d(4, 2, 2, bias=False, dilation=2),
                                (IMAGE,)),
    "transpose3d": Case(lambda m: m.ConvTranspose3d(2, 3, 2, stride=2), (VOLUME,)),
    "max1d": Case(lambda m: m.MaxPool1d(3, 2, 1), (SIGNAL,)),
    "max2d": Case(lambda m: m.MaxPool2d(2, 1, 1, 2, ceil_mode=True), (IMAGE,)),
    "max3d": Case(lambda m: m.MaxPool3d(2), (VOLUME,)),
    "avg1d": Case(lambda m: m.AvgPool1d(3, 2, 1, True), (SIGNAL,)),
    "avg2d": Case(lambda m: m.AvgPool2d(2, 2, 1, False, False), (IMAGE,)),
    "avg2d_by": Case(lambda m: m.AvgPool2d(2, divisor_override=3), (IMAGE,)),
    "avg3d": Case(lambda m: m.AvgPool3d((2, 1, 2)), (VOLUME,)),
    "lp1d": Case(lambda m: m.LPPool1d(2, 3), (SIGNAL,)),
    "lp2d": Case(lambda m: m.LPPool2d(2, 2, 1), (IMAGE,)),
    "adaptive_avg1d": Case(lambda m: m.AdaptiveAvgPool1d(3), (SIGNAL,)),
    "adaptive_avg2d": Case(lambda m: m.AdaptiveAvgPool2d((4, None)), (IMAGE,)),
    "adaptive_avg3d": Case(lambda m: m.AdaptiveAvgPool3d(2), (VOLUME,)),
    "adaptive_max1d": Case(lambda m: m.AdaptiveMaxPool1d(3), (SIGNAL,)),
    "adaptive_max2d": Case(lambda m: m.AdaptiveMaxPool2d((4, 3)), (IMAGE,)),
    "layer_norm": Case(lambda m: m.LayerNorm(4), ((3, 4),)),
    "layer_norm_of_two": Case(lambda m: m.LayerNorm((6, 5), 1e-3, bias=False), (IMAGE,)),
    "layer_norm_plain": Case(lambda m: m.LayerNorm(5, elementwise_affine=False), (IMAGE,)),
    "rms_norm": Case(lambda m: m.RMSNorm(4), ((3, 4),)),
    "rms_norm_eps": Case(lambda m: m.RMSNorm([6, 5], 0.1), (IMAGE,)),
    "group_norm": Case(lambda m: m.GroupNorm(2, 4), (IMAGE,)),
    "group_norm_plain": Case(lambda m: m.GroupNorm(1, 4, 0.1, False), (SIGNAL,)),
    "batch_norm": Case(lambda m: m.BatchNorm1d(4), ((6, 4),)),
    "batch_norm1d": Case(lambda m: m.BatchNorm1d(4, 1e-3, 0.3), (SIGNAL,)),
    "batch_norm2d": Case(lambda m: m.BatchNorm2d(4, momentum=None), (IMAGE,)),
    "batch_norm2d_plain": Case(lambda m: m.BatchNorm2d(4, affine=False), (IMAGE,)),
    "batch_norm3d": Case(lambda m: m.BatchNorm3d(2, track_running_stats=False), (VOLUME,)),
    "instance_norm1d": Case(lambda m: m.InstanceNorm1d(4), (SIGNAL,)),
    "instance_norm1d_of_one": Case(lambda m: m.InstanceNorm1d(4, affine=True), ((4, 7),)),
    "instance_norm2d": Case(
        lambda m: m.InstanceNorm2d(4, affine=True, track_running_stats=True), (IMAGE,)
    ),
    "instance_norm3d": Case(lambda m: m.InstanceNorm3d(2), (VOLUME,)),
    "response_norm": Case(lambda m: m.LocalResponseNorm(3, 0.5, 0.6, 1.5), (IMAGE,)),
    "dropout": Case(lambda m: m.Dropout(0.0), (SIGNAL,)),
    "upsample": Case(lambda m: m.Upsample(scale_factor=2), (IMAGE,)),
    "upsample_to": Case(lambda m: m.Upsample((9, 4), mode="bicubic", align_corners=True), (IMAGE,)),
    "nearest2d": Case(lambda m: m.UpsamplingNearest2d(scale_factor=2), (IMAGE,)),
    "bilinear2d": Case(lambda m: m.UpsamplingBilinear2d(scale_factor=2), (IMAGE,)),
    "pixel_shuffle": Case(lambda m: m.PixelShuffle(2), (IMAGE,)),
    "pixel_unshuffle": Case(lambda m: m.PixelUnshuffle(2), ((2, 3, 4, 6),)),
    "channel_shuffle": Case(lambda m: m.ChannelShuffle(2), (IMAGE,)),
    "unfold": Case(lambda m: m.Unfold((2, 3), 1, 1, 2), (IMAGE,)),
    "fold": Case(lambda m: m.Fold((4, 5), (2, 2)), ((2, 8, 12),)),
    "zero_pad1d": Case(lambda m: m.ZeroPad1d(2), (SIGNAL,)),
    "zero_pad2d": Case(lambda m: m.ZeroPad2d((1, 2, 3, -1)), (IMAGE,)),
    "constant_pad": Case(lambda m: m.ConstantPad2d(1, 2.5), (IMAGE,)),
    "reflection_pad1d": Case(lambda m: m.ReflectionPad1d((2, 3)), (SIGNAL,)),
    "reflection_pad": Case(lambda m: m.ReflectionPad2d((1, 2, 3, 0)), (IMAGE,)),
    "replication_pad": Case(lambda m: m.ReplicationPad2d((1, 2, 3, 0)), (IMAGE,)),
    "replication_pad3d": Case(lambda m: m.ReplicationPad3d(1), (VOLUME,)),
    "circular_pad": Case(lambda m: m.CircularPad2d((1, 2, 3, 0)), (IMAGE,)),
    **{
        name: Case(lambda m, name=name: getattr(m, name)(), (IMAGE,))
        for name in (
            "Sigmoid", "LogSigmoid", "Tanh", "Tanhshrink", "Softsign", "SiLU", "Mish", "GELU",
            "Softplus", "ELU", "SELU", "CELU", "ReLU", "ReLU6", "LeakyReLU", "Hardtanh",
            "Hardsigmoid", "Hardswish", "Hardshrink", "Softshrink", "Softmax2d", "PReLU",
        )
    },
    "gelu_tanh": Case(lambda m: m.GELU("tanh"), (SIGNAL,)),
    "glu": Case(lambda m: m.GLU(1), (IMAGE,)),
    "softplus": Case(lambda m: m.Softplus(2.0, 1.0), (SIGNAL,)),
    "elu": Case(lambda m: m.ELU(0.5), (SIGNAL,)),
    "leaky": Case(lambda m: m.LeakyReLU(0.3), (SIGNAL,)),
    "threshold": Case(lambda m: m.Threshold(0.5, 2.0), (SIGNAL,)),
    "hardtanh": Case(lambda m: m.Hardtanh(-0.5, 0.2), (SIGNAL,)),
    "softmax": Case(lambda m: m.Softmax(dim=1), (SIGNAL,)),
    "softmin": Case(lambda m: m.Softmin(dim=0), (SIGNAL,)),
    "log_softmax": Case(lambda m: m.LogSoftmax(dim=-1), (SIGNAL,)),
    "prelu": Case(lambda m: m.PReLU(4, 0.1), (IMAGE,)),
    "weight_norm": Case(lambda m: m.utils.weight_norm(m.Linear(4, 3)), ((5, 4),)),
    "weight_norm_of_all": Case(lambda m: m.utils.weight_norm(m.Linear(4, 3), dim=None), ((5, 4),)),
    "weight_norm_of_conv": Case(lambda m: m.utils.weight_norm(m.Conv2d(4, 3, 2), dim=1), (IMAGE,)),
    "spectral_norm": Case(lambda m: m.utils.spectral_norm(m.Linear(4, 3)), ((5, 4),)),
    "spectral_norm_of_conv": Case(
        lambda m: m.utils.spectral_norm(m.ConvTranspose2d(4, 3, 2), n_power_iterations=2), (IMAGE,)
    ),
}  # fmt: skip

LEARNING = (
    "linear", "bilinear", "embedding_with_padding", "conv1d", "conv2d_reflect", "transpose2d",
    "layer_norm", "rms_norm", "group_norm", "batch_norm2d", "instance_norm2d", "prelu",
    "weight_norm", "spectral_norm_of_conv",
)  # fmt: skip


def twins(case: Case) -> tuple[nn.Module, Any]:
    """The layer of both, in double precision, with our numbers in both."""
    ours, theirs = case.build(nn).double(), case.build(torch.nn).double()
    theirs.load_state_dict({n: torch.tensor(v.numpy()) for n, v in ours.state_dict().items()})
    return ours, theirs


def data(case: Case, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    if case.below:
        return [rng.integers(0, case.below, shape) for shape in case.shapes]
    return [rng.normal(size=shape) for shape in case.shapes]


def same(a: tl.Tensor, b: Any, tolerance: float = 1e-9) -> None:
    expected = b.detach().numpy()
    assert a.shape == expected.shape
    assert a.dtype == expected.dtype
    np.testing.assert_allclose(a.numpy(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.filterwarnings("ignore")  # theirs are about to move
@pytest.mark.parametrize("name", CASES)
def test_a_layer_has_their_keys_values_and_gradients(name: str) -> None:
    case = CASES[name]
    tolerance = 1e-7 if name == "Hardsigmoid" else 1e-9  # theirs divides in single precision
    tl.manual_seed(1)
    ours, theirs = twins(case)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert {n: v.shape for n, v in ours.state_dict().items()} == {
        n: tuple(v.shape) for n, v in state.items()
    }
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        arrays = data(case, 7)
        mine = [tl.Tensor(a, requires_grad=not case.below) for a in arrays]
        yours = [torch.tensor(a, requires_grad=not case.below) for a in arrays]
        out, expected = ours(*mine), theirs(*yours)
        same(out, expected, tolerance)
        if not expected.requires_grad:
            continue
        direction = np.random.default_rng(3).normal(size=out.shape)
        (out * direction).sum().backward()
        (expected * torch.tensor(direction)).sum().backward()
        for a, b in zip(mine, yours, strict=True):
            if not case.below:
                same(a.grad, b.grad, tolerance)
        for (path, a), b in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            assert (a.grad is None) == (b.grad is None), path
            if a.grad is not None:
                same(a.grad, b.grad)
    for path, tensor in ours.state_dict().items():
        same(tensor, theirs.state_dict()[path])


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", LEARNING)
def test_a_hundred_steps_stay_together(name: str) -> None:
    case = CASES[name]
    tl.manual_seed(2)
    ours, theirs = twins(case)
    a = tl.optim.Adam(ours.parameters(), lr=1e-2)
    b = torch.optim.Adam(theirs.parameters(), lr=1e-2)
    for step in range(100):
        arrays = data(case, step)
        mine = ours(*arrays)
        yours = theirs(*map(torch.tensor, arrays))
        loss, expected = ((mine - 1) ** 2).mean(), ((yours - 1) ** 2).mean()
        for optimizer, value in ((a, loss), (b, expected)):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
    for path, tensor in ours.state_dict().items():
        same(tensor, theirs.state_dict()[path], 1e-6)
    ours.load_state_dict({n: v.numpy() for n, v in theirs.state_dict().items()})


def both(build: Callable[[Any], Any]) -> tuple[nn.Module, Any]:
    tl.manual_seed(3)
    return twins(Case(build, ()))


@pytest.mark.parametrize(
    ("build", "size"),
    [
        (lambda m: m.Sequential(
            m.Conv2d(1, 4, 3, padding=1), m.BatchNorm2d(4), m.ReLU(), m.MaxPool2d(2),
            m.Conv2d(4, 8, 3), m.GroupNorm(2, 8), m.SiLU(), m.AdaptiveAvgPool2d(1), m.Flatten(),
            m.Linear(8, 3)), (1, 8, 8)),
        (lambda m: m.Sequential(
            m.Linear(5, 8), m.LayerNorm(8), m.GELU(), m.Linear(8, 8), m.BatchNorm1d(8), m.PReLU(),
            m.Linear(8, 3), m.LogSoftmax(dim=1)), (5,)),
    ],
)  # fmt: skip
def test_a_model_learns_as_theirs(build: Callable[[Any], Any], size: tuple[int, ...]) -> None:
    ours, theirs = both(build)
    a = tl.optim.SGD(ours.parameters(), lr=0.05, momentum=0.9)
    b = torch.optim.SGD(theirs.parameters(), lr=0.05, momentum=0.9)
    rng = np.random.default_rng(0)
    for _ in range(100):
        x, y = rng.normal(size=(4, *size)), rng.integers(0, 3, 4)
        loss = nn.CrossEntropyLoss()(ours(x), y)
        expected = torch.nn.CrossEntropyLoss()(theirs(torch.tensor(x)), torch.tensor(y))
        for optimizer, value in ((a, loss), (b, expected)):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
        assert float(loss) == pytest.approx(expected.item(), rel=1e-6)
    x = rng.normal(size=(4, *size))
    same(ours.eval()(x), theirs.eval()(torch.tensor(x)), 1e-6)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_unpooling(axes: int) -> None:
    x = np.random.default_rng(axes).normal(size=(2, 3) + (7,) * axes)
    found = []
    for where, data in ((nn, tl.Tensor(x)), (torch.nn, torch.tensor(x))):
        pool = getattr(where, f"MaxPool{axes}d")(3, 3, 1, return_indices=True)
        unpool = getattr(where, f"MaxUnpool{axes}d")(3, 3, 1)
        largest, places = pool(data)
        found += [unpool(largest, places), unpool(largest, places, output_size=(8,) * axes)]
    same(found[0], found[2])
    same(found[1], found[3])


def test_backward_hooks_see_what_theirs_see() -> None:
    ours, theirs = both(lambda m: m.Sequential(m.Linear(4, 3), m.Tanh(), m.Linear(3, 2)))
    seen: dict[str, list[Any]] = {"ours": [], "theirs": []}
    x = np.random.default_rng(0).normal(size=(5, 4))
    mine, yours = tl.Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    for who, model in (("ours", ours), ("theirs", theirs)):
        for module in (model, *model):
            module.register_full_backward_hook(
                lambda module, inward, outward, who=who: seen[who].append((inward, outward))
            )
            module.register_full_backward_pre_hook(lambda module, outward: (outward[0] * 2,))
        model[1].register_full_backward_hook(lambda module, inward, outward: (inward[0] * 0.5,))
    ours(mine).sum().backward()
    theirs(yours).sum().backward()
    assert len(seen["ours"]) == len(seen["theirs"]) == 4
    for a, b in zip(seen["ours"], seen["theirs"], strict=True):
        same(a[0][0], b[0][0])
        same(a[1][0], b[1][0])
    same(mine.grad, yours.grad)

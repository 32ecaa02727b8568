"""Recurrent and attention layers beside PyTorch's: values, gradients, training, state dicts."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import tinygrad_lesson as tl
from tinygrad_lesson import Tensor, nn, optim

from .support import same, seeded

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle

KINDS = pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])


def pair(name: str, *args: Any, **settings: Any) -> tuple[Any, Any]:
    """Our module and PyTorch's, with its numbers, and with the same names both ways."""
    theirs = getattr(torch.nn, name)(*args, dtype=torch.float64, **settings)
    for key, parameter in theirs.named_parameters():
        parameter.data = torch.tensor(seeded(name, key).uniform(-0.6, 0.6, parameter.shape))
    ours = getattr(nn, name)(*args, dtype=tl.float64, **settings)
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    assert list(ours.state_dict()) == list(theirs.state_dict())
    back = {key: torch.tensor(value.numpy()) for key, value in ours.state_dict().items()}
    theirs.load_state_dict(back)
    return ours, theirs


def numbers(*shape: int) -> np.ndarray:
    return seeded("input", shape).normal(size=shape)


def flat(results: Any) -> list[Any]:
    """Results nested in tuples, one after the other."""
    if isinstance(results, tuple | list):
        return [leaf for result in results for leaf in flat(result)]
    return [] if results is None else [results]


def compare(ours: Any, theirs: Any, found: Any, expected: Any, inputs: Any, peers: Any) -> None:
    """All results, and the gradients of a weighted sum of all in inputs and parameters."""
    total: Any = 0
    other: Any = 0
    for one, peer in zip(flat(found), flat(expected), strict=True):
        same(one, peer.detach().numpy(), 1e-10, 1e-11)
        c = seeded("cotangent", one.shape).normal(size=one.shape)
        total = total + (one * Tensor(c)).sum()
        other = other + (peer * torch.tensor(c)).sum()
    total.backward()
    other.backward()
    for x, y in zip(inputs, peers, strict=True):
        same(x.grad, y.grad.numpy(), 1e-9, 1e-10)
    for (name, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert p.grad is not None, name
        same(p.grad, q.grad.numpy(), 1e-9, 1e-10)


def both(*arrays: np.ndarray) -> tuple[list[Any], list[Any]]:
    ours = [Tensor(a, requires_grad=True) for a in arrays]
    return ours, [torch.tensor(a, requires_grad=True) for a in arrays]


# ---- recurrent layers --------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("lengths", [None, [3, 5, 1]])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"bias": False, "batch_first": True},
        {"num_layers": 2},
        {"num_layers": 3, "bidirectional": True, "batch_first": True},
    ],
    ids=str,
)
def test_layers(kind: str, settings: dict[str, Any], lengths: Any) -> None:
    ours, theirs = pair(kind, 3, 4, **settings)
    first = settings.get("batch_first", False)
    number = settings.get("num_layers", 1) * (1 + settings.get("bidirectional", False))
    states = [numbers(number, 3, 4) + k for k in range(1 + (kind == "LSTM"))]
    (x, *hx), (peer, *peer_hx) = both(numbers(3, 5, 3) if first else numbers(5, 3, 3), *states)
    state, peer_state = (tuple(hx), tuple(peer_hx)) if kind == "LSTM" else (hx[0], peer_hx[0])
    found = ours(x, state, lengths=lengths)
    if lengths is None:
        expected = theirs(peer, peer_state)
    else:
        rnn = torch.nn.utils.rnn
        packed = rnn.pack_padded_sequence(peer, lengths, first, enforce_sorted=False)
        out, last = theirs(packed, peer_state)
        expected = rnn.pad_packed_sequence(out, first, total_length=5)[0], last
    compare(ours, theirs, found, expected, [x, *hx], [peer, *peer_hx])


@KINDS
def test_without_a_batch(kind: str) -> None:
    ours, theirs = pair(kind, 3, 4, 2)
    (x,), (peer,) = both(numbers(5, 3))
    compare(ours, theirs, ours(x), theirs(peer), [x], [peer])


def test_relu_in_the_place_of_tanh() -> None:
    ours, theirs = pair("RNN", 3, 4, nonlinearity="relu")
    (x,), (peer,) = both(numbers(5, 2, 3))
    compare(ours, theirs, ours(x), theirs(peer), [x], [peer])


@KINDS
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(3,), (2, 3)], ids=str)
def test_cells(kind: str, bias: bool, shape: tuple[int, ...]) -> None:
    ours, theirs = pair(f"{kind}Cell", 3, 4, bias=bias)
    (x, y), (peer, peer_y) = both(numbers(*shape), numbers(*shape) - 1)
    found, expected = ours(y, ours(x)), theirs(peer_y, theirs(peer))
    compare(ours, theirs, found, expected, [x, y], [peer, peer_y])


# ---- attention and transformers ----------------------------------------------------------


@pytest.mark.parametrize("sizes", [{}, {"kdim": 3, "vdim": 5}, {"bias": False}], ids=str)
@pytest.mark.parametrize("average", [False, True])
@pytest.mark.parametrize("masks", ["none", "booleans", "floats", "heads"])
@pytest.mark.parametrize("first", [False, True])
def test_attention(sizes: dict[str, Any], average: bool, masks: str, first: bool) -> None:
    ours, theirs = pair("MultiheadAttention", 4, 2, batch_first=first, **sizes)
    arrays = [numbers(3, 5, 4), numbers(3, 6, ours.kdim), numbers(3, 6, ours.vdim)]
    if not first:
        arrays = [a.swapaxes(0, 1) for a in arrays]
    given: dict[str, Any] = {}
    if masks != "none":
        gone = np.zeros((3, 6), bool)
        gone[0, 4:] = gone[1, 2] = True
        given = {"key_padding_mask": gone, "attn_mask": np.triu(np.ones((5, 6), bool), 3)}
        if masks == "floats":
            given = {name: np.where(mask, -np.inf, 0.25) for name, mask in given.items()}
        elif masks == "heads":
            given["attn_mask"] = seeded("heads").random((6, 5, 6)) < 0.3
            given["attn_mask"][..., 0] = False
    inputs, peers = both(*arrays)
    found = ours(*inputs, average_attn_weights=average, **given)
    tensors = {name: torch.tensor(mask) for name, mask in given.items()}
    expected = theirs(*peers, average_attn_weights=average, **tensors)
    compare(ours, theirs, found, expected, inputs, peers)


SETTINGS = [
    {"norm_first": norm_first, "activation": activation, "batch_first": norm_first}
    for norm_first, activation in itertools.product([False, True], ["relu", "gelu"])
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_encoder_layer(settings: dict[str, Any]) -> None:
    ours, theirs = pair("TransformerEncoderLayer", 4, 2, 6, 0.0, layer_norm_eps=1e-3, **settings)
    (x,), (peer,) = both(numbers(5, 5, 4))
    gone = np.zeros((5, 5), bool)
    gone[1, 3:] = True
    mask = np.triu(np.ones((5, 5), bool), 1)
    found = ours(x, mask, gone)
    expected = theirs(peer, torch.tensor(mask), torch.tensor(gone))
    compare(ours, theirs, found, expected, [x], [peer])


@pytest.mark.parametrize("settings", [*SETTINGS, {"bias": False}], ids=str)
def test_decoder_layer(settings: dict[str, Any]) -> None:
    ours, theirs = pair("TransformerDecoderLayer", 4, 2, 6, 0.0, **settings)
    inputs, peers = both(numbers(5, 5, 4), numbers(5, 5, 4) + 1)
    mask = nn.Transformer.generate_square_subsequent_mask(5, dtype=tl.float64)
    found = ours(*inputs, tgt_is_causal=True, memory_mask=mask)
    same(mask, torch.nn.Transformer.generate_square_subsequent_mask(5).numpy())
    peer_mask = torch.tensor(mask.numpy())
    expected = theirs(*peers, tgt_mask=peer_mask, memory_mask=peer_mask)
    compare(ours, theirs, found, expected, inputs, peers)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor:UserWarning")
@pytest.mark.parametrize("norm_first", [False, True])
def test_transformer(norm_first: bool) -> None:
    ours, theirs = pair("Transformer", 4, 2, 2, 2, 6, 0.0, norm_first=norm_first)
    inputs, peers = both(numbers(5, 3, 4), numbers(6, 3, 4))
    compare(ours, theirs, ours(*inputs), theirs(*peers), inputs, peers)


# ---- training ----------------------------------------------------------------------------


def trained(module: Any, head: Any, optimizer: Any, call: Any, x: Any, y: Any) -> list[float]:
    losses = []
    for _ in range(100):
        optimizer.zero_grad()
        error = head(call(module, x)) - y
        loss = (error * error).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("name", "args", "settings", "call"),
    [
        ("RNN", (3, 4), {}, lambda module, x: module(x)[0]),
        ("LSTM", (3, 4, 2), {"bidirectional": True}, lambda module, x: module(x)[0]),
        ("GRU", (3, 4), {"batch_first": True}, lambda module, x: module(x)[0]),
        ("MultiheadAttention", (4, 2), {}, lambda module, x: module(x, x, x)[0]),
        ("TransformerEncoderLayer", (4, 2, 6, 0.0), {}, lambda module, x: module(x)),
        ("TransformerDecoderLayer", (4, 2, 6, 0.0), {}, lambda module, x: module(x, x)),
    ],
)
def test_a_hundred_steps_of_training(name: str, args: Any, settings: Any, call: Any) -> None:
    ours, theirs = pair(name, *args, **settings)
    x = numbers(5, 3, args[0])
    outputs = call(ours, Tensor(x)).shape[-1]
    head, peer_head = pair("Linear", outputs, 2)
    y = numbers(5, 3, 2)
    found = trained(
        ours, head, optim.Adam([*ours.parameters(), *head.parameters()], lr=0.01), call,
        Tensor(x), Tensor(y),
    )  # fmt: skip
    expected = trained(
        theirs, peer_head,
        torch.optim.Adam([*theirs.parameters(), *peer_head.parameters()], lr=0.01), call,
        torch.tensor(x), torch.tensor(y),
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[-1] < 0.9 * found[0]
    for (key, p), q in zip(ours.state_dict().items(), theirs.state_dict().values(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), 1e-6, 1e-6, err_msg=key)

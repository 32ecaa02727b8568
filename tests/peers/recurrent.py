"""PyTorch's cells, step by step, on inputs that come multiplied by their weight already."""

from __future__ import annotations

from typing import Any

import torch

from .shared import Peers


def rnn_states(x: Any, start: Any, w: Any, nonlinearity: str) -> Any:
    cell = torch.rnn_tanh_cell if nonlinearity == "tanh" else torch.rnn_relu_cell
    one = torch.eye(len(w), dtype=x.dtype)
    states = [start]
    for drive in x:
        states.append(cell(drive, states[-1], one, w))
    return torch.stack(states)


def lstm_states(x: Any, start: Any, w: Any) -> Any:
    one = torch.eye(len(w), dtype=x.dtype)
    states = [start]
    for drive in x:
        states.append(torch.stack(torch.lstm_cell(drive, tuple(states[-1]), one, w)))
    return torch.stack(states)


def gru_states(x: Any, start: Any, w: Any, bias: Any) -> Any:
    one = torch.eye(len(w), dtype=x.dtype)
    states = [start]
    for drive in x:
        states.append(torch.gru_cell(drive, states[-1], one, w, torch.zeros_like(bias), bias))
    return torch.stack(states)


PEERS: Peers = {
    "rnn_states": rnn_states,
    "lstm_states": lstm_states,
    "gru_states": gru_states,
    "recurrent_flow": None,
    "memory_flow": None,
}

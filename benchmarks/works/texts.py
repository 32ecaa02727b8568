"""The networks of examples/text_rnn.py and examples/gpt.py."""

from __future__ import annotations

import importlib
import pathlib
import sys
from typing import Any

import numpy as np

from .drawing import Arrays

CHARACTERS, PIECES, LENGTH = 65, 16, 128


def example(name: str) -> Any:
    """A module of the examples' folder."""
    folder = str(pathlib.Path(__file__).parent.parent.parent / "examples")
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def model(name: str, nn: Any) -> Any:
    """The network of an example, by this library or by PyTorch."""
    module = example(name)
    mixer, width, blocks = {
        "text_rnn": lambda: (module.memory, 192, 2),
        "gpt": lambda: (module.attention, 128, 4),
    }[name]()
    return example("texts").build(nn, mixer, CHARACTERS, width, blocks, dropout=0.1)


def text_rnn(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    return _made("text_rnn", random)


def gpt(random: np.random.Generator) -> tuple[Arrays, Arrays]:
    return _made("gpt", random)


def _made(name: str, random: np.random.Generator) -> tuple[Arrays, Arrays]:
    library = importlib.import_module("tinygrad_lesson")
    library.manual_seed(0)
    weights = {key: np.asarray(t) for key, t in model(name, library.nn).state_dict().items()}
    text = random.integers(0, CHARACTERS, (PIECES, LENGTH + 1))
    return weights, {"x": text[:, :-1], "y": text[:, 1:]}

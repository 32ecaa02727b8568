"""The examples that learn to write, each run as a user would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_examples import run


@pytest.mark.parametrize(
    ("example", "pictures"),
    [("text_rnn.py", ["text_rnn.png"]), ("gpt.py", ["gpt.png", "gpt_attention.png"])],
)
def test_a_text_is_learnt_quickly_and_goes_on(
    example: str, pictures: list[str], tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    printed = run(example, "--quick", "--save", "net.npz", folder=tmp_path)
    chance, frequency, untrained, trained = (
        float(re.search(pattern, printed)[1])
        for pattern in (
            r"chance: (\S+)", r"each occurs: (\S+)", r"untrained: (\S+)", r"trained: (\S+) .*never",
        )
    )  # fmt: skip
    assert untrained > chance - 0.5
    assert trained < frequency - 0.6
    for name in pictures:
        assert (tmp_path / "out" / name).stat().st_size > 10_000
    told = run(example, "--load", "net.npz", "--predict", "The gradient ", folder=tmp_path)
    assert told.startswith("The gradient ")
    assert len(told) > 400

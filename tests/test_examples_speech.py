"""Listening to digits, run as a user would run it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .test_data_sources import wav
from .test_examples import run

KEYS = {"1": (697, 1209), "5": (770, 1336), "8": (852, 1336), "0": (941, 1336)}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of BLAS that wait for each other on a busy machine take ten times as long."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # PyTorch's
    pytest.importorskip("matplotlib")


def dialled(number: str, path: Path, rate: int = 22050) -> None:
    """A telephone's keys pressed one after the other, in stereo, quietly, with silence around."""
    seconds = np.arange(int(0.2 * rate)) / rate
    silence = np.zeros(int(0.25 * rate))
    parts: list[Any] = [silence]
    for digit in number:
        low, high = KEYS[digit]
        parts += [np.sin(2 * np.pi * low * seconds) + np.sin(2 * np.pi * high * seconds), silence]
    sound = np.concatenate(parts)
    sound += np.random.default_rng(0).normal(0, 0.03, len(sound))
    path.write_bytes(wav(np.round(3000 * np.stack([sound, 0.5 * sound])).astype(int), 2, rate))


def test_speech_digits_quickly_learns_a_telephones_keys(tmp_path: Path) -> None:
    printed = run("speech_digits.py", "--quick", "--save", "net.npz", folder=tmp_path)
    figures = r"never heard: (\S+)% \(untrained (\S+)%, guessed (\S+)%\)"
    trained, untrained, guessed = map(float, re.search(figures, printed).groups())
    assert trained > max(untrained, guessed) + 60
    assert (tmp_path / "out" / "speech_digits.png").stat().st_size > 20_000
    assert (tmp_path / "out" / "speech_digits_read.png").stat().st_size > 20_000
    dialled("8", tmp_path / "mine.wav")
    told = run("speech_digits.py", "--load", "net.npz", "--predict", "mine.wav", folder=tmp_path)
    assert told == "mine.wav: 8\n"


def test_speech_digits_quickly_learns_to_read_sequences(tmp_path: Path) -> None:
    options = ("--quick", "--sequence", "--save", "net.npz")
    printed = run("speech_digits.py", *options, folder=tmp_path)
    figures = r"never heard: (\S+)% \(untrained (\S+)%, guessed (\S+)%\)"
    trained, untrained, guessed = map(float, re.search(figures, printed).groups())
    assert printed.split("% (")[0].count("digit error rate") == 1
    assert trained < min(untrained, guessed) - 60
    assert (tmp_path / "out" / "speech_sequence_read.png").stat().st_size > 20_000
    dialled("5180", tmp_path / "mine.wav")
    told = run("speech_digits.py", "--load", "net.npz", "--predict", "mine.wav", folder=tmp_path)
    assert told == "mine.wav: 5 1 8 0\n"


@pytest.mark.oracle
def test_speech_digits_beside_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    printed = run("speech_digits.py", "--quick", "--sequence", "--compare-torch", folder=tmp_path)
    assert "ratio" in printed

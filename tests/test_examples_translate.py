"""Translating, run as a user would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .test_examples import run


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, two threads of BLAS wait for each other, and take many times as long."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.mark.parametrize("model", ["gru", pytest.param("transformer", marks=pytest.mark.long)])
def test_translate_quickly_learns_number_words(model: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    options = ("--quick", "--model", model, "--save", "net.npz")
    printed = run("translate.py", *options, folder=tmp_path)
    figures = re.findall(r"(chance|untrained|trained): .*?([\d.]+)% word for word", printed)
    right = {name: float(figure) for name, figure in figures}
    assert right["trained"] > max(right["chance"], right["untrained"]) + 60
    for name in ("attention", "losses"):
        assert (tmp_path / "out" / f"translate_{name}.png").stat().st_size > 10_000
    told = run(
        "translate.py", "--load", "net.npz", "--say", "siebenhundertneunzehn", folder=tmp_path
    )
    assert told.startswith("seven hundred ")
    assert (tmp_path / "out" / "translate_said.png").stat().st_size > 5_000


@pytest.mark.oracle
def test_translate_beside_pytorch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    assert "ratio" in run("translate.py", "--quick", "--compare-torch", folder=tmp_path)

"""The example about activations: every one of the library's, and what its printed numbers say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tinygrad_lesson as tl
from tinygrad_lesson.nn import activations

from .test_examples import run


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small matrices on several threads, beside other tests: the threads would only wait."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_activations_quickly_compares_all_and_sees_units_die(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    printed = run("activations.py", "--quick", "--save", "numbers.npz", folder=tmp_path)
    rows = re.findall(r"^(\w+) +(\de-\d+) *([-\d]*) *([\d.]*)%?$", printed, re.MULTILINE)
    known = {name for name, found in vars(activations).items() if isinstance(found, type)}
    ours = {name for name in known if getattr(activations, name).__module__ == activations.__name__}
    # One is another's second name, and one is Softmax along another axis.
    assert {name for name, *_ in rows} == {n for n in ours if n[0] != "_"} - {"SiLU", "Softmax2d"}
    assert all(float(difference) < 1e-9 for _, difference, _, _ in rows)

    untrained = float(re.search(r"untrained (\S+)%", printed)[1])
    assert untrained < 35
    accuracies = {name: float(accuracy) for name, _, _, accuracy in rows if accuracy}
    for name in ("Tanh", "ReLU", "LeakyReLU", "ELU", "Swish", "GELU"):
        assert accuracies[name] > 80

    dead = dict(re.findall(r"^(\w+) +(?:\d+%) +(\d+)%$", printed, re.MULTILINE))
    assert int(dead["ReLU"]) > 60
    assert int(dead["LeakyReLU"]) == 0
    assert "relu units stopped being active for any sample" in printed
    plots = sorted((tmp_path / "out").glob("activations*.png"))
    assert [plot.stat().st_size > 10_000 for plot in plots] == [True] * 4
    assert tl.load(tmp_path / "numbers.npz")["losses"]["ReLU"].shape[0] == 1

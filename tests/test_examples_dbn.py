"""The example about deep belief networks, and the step of several examples beside PyTorch's."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from .test_examples import run


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small matrices on several threads, beside other tests: the threads would only wait."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_dbn_quickly_gains_from_pictures_without_labels(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    image = pytest.importorskip("matplotlib.image")
    printed = run("dbn.py", "--quick", "--save", "dbn.npz", folder=tmp_path)
    pattern = r"pretrained (\S+)%, .* Xavier's (\S+)%; ReLU (\S+)%; before the labels (\S+)%"
    ours, xavier, relu, untrained = map(float, re.search(pattern, printed).groups())
    assert ours < 30  # of 90 by chance
    assert ours < untrained - 40
    assert ours < xavier
    assert relu < 40
    plots = sorted((tmp_path / "out").glob("dbn*.png"))
    assert [plot.stat().st_size > 10_000 for plot in plots] == [True] * 4
    paper = 1 - np.kron(datasets.load_digits().images[0] / 16, np.ones((9, 9)))
    image.imsave(tmp_path / "mine.png", paper, cmap="gray", vmin=0, vmax=1)
    told = run("dbn.py", "--load", "dbn.npz", "--predict", "mine.png", folder=tmp_path)
    assert re.fullmatch(r"mine\.png: \d\n", told)  # so small a net is often wrong


@pytest.mark.long
@pytest.mark.oracle
@pytest.mark.parametrize("example", ["activations", "dbn", "diagnose", "drive", "images_cnn"])
def test_a_step_is_timed_beside_pytorchs(example: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    printed = run(f"{example}.py", "--quick", "--compare-torch", folder=tmp_path)
    assert re.search(r"a step: \S+ ms, PyTorch \S+ ms, ratio \d", printed)

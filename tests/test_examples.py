"""The examples, each run as a user would run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


def run(example: str, *options: str, folder: Path) -> str:
    """What an example prints when it is run from an empty folder."""
    command = [sys.executable, str(ROOT / "examples" / example), *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lesson1_equals_the_derivation_by_hand(tmp_path: Path) -> None:
    printed = run("lesson1.py", folder=tmp_path)
    difference = float(re.search(r"derived by hand: (\S+)", printed)[1])
    assert difference < 1e-12
    assert "0.0350 0.9548 0.9620 0.0534" in printed
    assert "prediction for [1,0,0]: 0.69751395" in printed
    assert "gradcheck passed" in printed
    assert (tmp_path / "out" / "lesson1.svg").read_text().count("<svg") == 1


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_lesson1_with_other_activations(activation: str, tmp_path: Path) -> None:
    options = ("--activation", activation, "--epochs", "300", "--seed", "2", "--test", "0,1,1")
    printed = run("lesson1.py", *options, folder=tmp_path)
    assert float(re.search(r"derived by hand: (\S+)", printed)[1]) < 1e-12
    assert "prediction for [0,1,1]" in printed


def test_neuron_prints_the_chain_rule_and_draws(tmp_path: Path) -> None:
    printed = run("neuron.py", folder=tmp_path)
    assert "sigmoid" in printed
    assert len(list((tmp_path / "out").glob("neuron*.svg"))) == 2


@pytest.mark.long
def test_digits_reaches_97_percent(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    printed = run("digits.py", folder=tmp_path)
    assert float(re.search(r"mean (\S+)%", printed)[1]) >= 97
    assert (tmp_path / "out" / "digits_loss.png").stat().st_size > 10_000
    assert (tmp_path / "out" / "digits_wrong.png").stat().st_size > 10_000


@pytest.mark.long
def test_overhead_benchmark_runs(tmp_path: Path) -> None:
    benchmark = str(ROOT / "benchmarks" / "overhead.py")
    printed = run(benchmark, "--quick", folder=tmp_path)
    assert "derived by hand" in printed
    assert "Bytes per node" in printed


def test_diagnose_quickly_beats_chance_and_predicts(tmp_path: Path) -> None:
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    printed = run("diagnose.py", "--quick", "--save", "net.npz", folder=tmp_path)
    ours, chance = (
        float(re.search(pattern, printed)[1])
        for pattern in (r"accuracy (\S+)%", r"always 'benign' (\S+)%")
    )
    assert ours > chance + 25
    assert (tmp_path / "out" / "diagnose.png").stat().st_size > 10_000
    np.savetxt(tmp_path / "rows.csv", sklearn_datasets.load_breast_cancer().data[:1], delimiter=",")
    answer = run("diagnose.py", "--load", "net.npz", "--predict", "rows.csv", folder=tmp_path)
    assert answer.startswith("row 1: malignant, probability 0.9") or "1.000" in answer


@pytest.mark.long
def test_diagnose_reaches_97_percent_and_logistic_regression(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    printed = run("diagnose.py", folder=tmp_path)
    ours, theirs = map(float, re.search(r"accuracy (\S+)% \(.*regression (\S+)%", printed).groups())
    assert ours >= 97
    assert ours >= theirs - 0.5


def test_drive_quickly_learns_to_stay_in_lane(tmp_path: Path) -> None:
    printed = run("drive.py", "--quick", "--save", "driver.npz", folder=tmp_path)
    before, after = map(float, re.findall(r"average, (\d+)% stayed", printed))
    assert before < 20
    assert after > 90
    assert (tmp_path / "out" / "drive.png").stat().st_size > 20_000
    assert (tmp_path / "driver.npz").stat().st_size > 500


def test_images_cnn_quickly_reads_digits_and_a_picture_of_ones_own(tmp_path: Path) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    image = pytest.importorskip("matplotlib.image")
    printed = run("images_cnn.py", "--quick", "--save", "net.npz", folder=tmp_path)
    assert float(re.search(r"never seen: (\S+)%", printed)[1]) > 80
    assert len(list((tmp_path / "out").glob("images_cnn*.png"))) == 3
    digits = datasets.load_digits()
    for i in range(6):  # dark on light, and larger than what it learnt from
        paper = 1 - np.kron(digits.images[i] / 16, np.ones((9, 9)))
        image.imsave(tmp_path / f"{i}.png", paper, cmap="gray", vmin=0, vmax=1)
    mine = [f"{i}.png" for i in range(6)]
    told = run("images_cnn.py", "--load", "net.npz", "--predict", *mine, folder=tmp_path)
    lines = [f"{name}: {digit}" for name, digit in zip(mine, digits.target[:6], strict=True)]
    assert sum(a == b for a, b in zip(told.splitlines(), lines, strict=True)) >= 4

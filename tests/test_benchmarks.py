"""The comparison with other libraries: it runs without them, and sees who computes otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "benchmarks"


@pytest.fixture(autouse=True)
def _in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts find the modules beside them."""
    monkeypatch.syspath_prepend(str(FOLDER))


def run(script: str, *options: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, FOLDER / script, *options]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, timeout=200
    ).stdout


def test_a_row_of_what_needs_no_peers(tmp_path: Path) -> None:
    results = tmp_path / "results.md"
    quick = ["--works", "lesson", "--rounds", "1", "--seconds", "0.01", "--write", str(results)]
    said = run("compare.py", *quick, "--contenders", "ours", "hand")
    first = said.split()
    assert first[1].isdigit()
    assert first[2] == "cores"
    assert "The same in all: losses 0.4951865, 0.495153, 0.49512 and the gradients" in said
    text = results.read_text()
    for heading in "# Training steps", "## All of them", "## Lesson 1's net", "| NumPy by hand |":
        assert heading in text


def test_who_computes_something_else_is_found(tmp_path: Path) -> None:
    from agreement import Answer
    from works import WORKS

    def answer(scale: float, losses: list[float], name: str = "w") -> Answer:
        path = tmp_path / "gradients.npz"
        np.savez(path, loss=2.0, **{f"of {name}": np.array([1.0, 1e-8]) * scale})
        return Answer(path, losses)

    work, right = WORKS["mlp"], answer(1, [2.0, 1.0])
    assert right.apart(answer(1, [2.0, 1.0]), work) == 0
    assert right.apart(answer(2, [2.0, 1.0]), work) == 1  # Adam would hide that
    assert right.apart(answer(1, [2.0, 1.5]), work) == 0.5
    assert right.apart(answer(1, [2.0, 1.5]), WORKS["gpt"]) == 0  # it draws numbers
    for wrong in answer(float("nan"), [2.0, 1.0]), answer(1, [2.0, 1.0], "v"):
        assert not right.apart(wrong, work) <= work.tolerance


def test_everybody_has_a_function_for_each_work_and_every_work_is_ours() -> None:
    from contenders import CONTENDERS
    from works import WORKS

    for name, contender in CONTENDERS.items():
        source = (FOLDER / "contenders" / f"{contender.module}.py").read_text()
        assert contender.works.keys() <= WORKS.keys()
        for work in contender.works:  # not imported: a peer may not be installed
            assert f"def {work}(" in source or f"{work}," in source or f" {work} =" in source, name
    assert CONTENDERS["ours"].works.keys() == WORKS.keys() == CONTENDERS["compiled"].works.keys()


def test_weights_and_data_are_the_same_at_each_call() -> None:
    from works import made

    for name in "lesson", "resnet", "dbn", "moons":
        for one, other in zip(made(name), made(name), strict=True):
            assert one.keys() == other.keys()
            for key, array in one.items():
                np.testing.assert_array_equal(array, other[key])


def test_the_floor_of_a_step() -> None:
    import json

    found = json.loads(run("floor.py", "lesson", "1"))
    assert found["flops"] > 2 * 4 * 3 * 4
    assert 0 < found["products"] < 1
    assert 0 < found["moving"] < 1

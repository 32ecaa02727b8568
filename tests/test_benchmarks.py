"""The comparison with other libraries: it runs without them, and sees who computes otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

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

    def answer(scale: Any, losses: list[float], name: str = "w") -> Answer:
        path = tmp_path / "gradients.npz"
        np.savez(path, loss=2.0, **{f"of {name}": np.array([1.0, 1e-8]) * scale})
        return Answer(path, losses)

    work, right = WORKS["mlp"], answer(1, [2.0, 1.0])
    assert right.apart(answer(1, [2.0, 1.0]), work) == 0
    assert right.apart(answer(2, [2.0, 1.0]), work) == 1  # Adam would hide that
    assert right.apart(answer(1, [2.0, 1.5]), work) == 0.5
    assert right.apart(answer(1, [2.0, 1.5]), WORKS["gpt"]) == 0  # it draws numbers
    other_name, nan_loss = answer(1, [2.0, 1.0], "v"), answer(1, [2.0, float("nan")])
    for wrong in (
        answer(float("nan"), [2.0, 1.0]),
        other_name,
        nan_loss,
        answer([[1.0]], [2.0, 1.0]),
    ):
        assert not right.apart(wrong, work) <= work.tolerance


CONTENDER = """
import shutil, sys, time
name, failing = sys.argv[1], {"dies": "turn", "hangs": "turn", "babbles": "memory"}
for line in sys.stdin:
    what, _, rest = line.strip().partition(" ")
    if what == "build":
        shutil.copy("gradients.npz", rest)
        answer = '{"losses": [1.0], "first": 0.5}'
    elif what != failing.get(name):
        answer = "[0.25, 0.125]" if what == "turn" else "1048576"
    elif name == "dies":
        raise RuntimeError("no more memory")
    elif name == "hangs":
        time.sleep(100)
    else:
        answer = "Hello"
    print(answer, flush=True)
"""


def test_who_dies_hangs_or_babbles_on_the_way_is_noted_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import runner
    from comparison import Row
    from contenders import CONTENDERS, Contender

    names = ["well", "dies", "hangs", "babbles"]
    for name in names:
        monkeypatch.setitem(
            CONTENDERS, name, Contender(name, "", "", {"lesson": [{}]}, threads=(1,))
        )
    (tmp_path / "contender.py").write_text(CONTENDER)
    monkeypatch.setattr(runner, "SCRIPT", tmp_path / "contender.py")
    monkeypatch.chdir(tmp_path)
    np.savez("gradients.npz", loss=1.0, w=np.ones(2))

    row = Row("lesson", names, runner.Options(2, 0.0, patience=2, keep_memory=True))
    cells = {title: rest for title, *rest in row.table()}
    good, lost, end = ["250 ms", "125 ms"], ["failed", "failed"], ["1 thread"]
    assert cells["well"] == [*good, "1.00x", "500 ms", "1 MiB", "250 ms", *end]
    assert cells["babbles"] == [*good, "1.00x", "500 ms", "failed", "250 ms", *end]
    for name in "dies", "hangs":
        assert cells[name] == [*lost, "", "500 ms", "failed", "failed", *end]
    assert row.notes[1:] == [
        "FAILED: dies (1 thread) RuntimeError: no more memory, when asked for 'turn 0.0'",
        "FAILED: hangs (1 thread) took more than 2 s, when asked for 'turn 0.0'",
        "FAILED: babbles (1 thread) answered 'Hello', when asked for 'memory'",
    ]


def test_what_was_measured_is_written_after_each_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import compare
    from comparison import Row

    class Interrupted(Row):
        def __init__(self, work: str, *_: Any) -> None:
            self.best, self.notes, self.disagreed, self.floor = {}, ["A note"], [], None
            if work == "mlp":
                raise KeyboardInterrupt

    results = tmp_path / "results.md"
    monkeypatch.setattr(compare, "Row", Interrupted)
    words = f"compare.py --contenders ours --works lesson mlp --write {results}"
    monkeypatch.setattr(sys, "argv", words.split())
    with pytest.raises(KeyboardInterrupt):
        compare.main()
    assert "## Lesson 1's net" in results.read_text()
    assert "* A note." in results.read_text()


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

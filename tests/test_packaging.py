"""The project's files: the wheel, the typing marker, the make targets, the version."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import tinygrad_lesson as tl

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_version_stands_in_two_places_and_the_changelog() -> None:
    assert tl.__version__ == PROJECT["version"]
    assert f"## {tl.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_required_dependencies_are_three() -> None:
    names = [re.split(r"[<>=]", d)[0] for d in PROJECT["dependencies"]]
    assert sorted(names) == ["graphviz", "numpy", "tqdm"]


def test_make_alone_lists_every_documented_target() -> None:
    listed = subprocess.check_output(["make"], cwd=ROOT, text=True)
    for target in ("lesson", "test", "test-all", "gallery", "inventory"):
        assert re.search(rf"^{target} ", listed, re.M)


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("no-such-python", "Install Python 3.11 or later"),
        ("old", "is too old"),
        ("bare", "apt-get install python3-venv"),
    ],
)
def test_make_says_what_to_install(python: str, said: str, tmp_path: Path) -> None:
    refused = {"old": "version_info", "bare": "ensurepip"}.get(python)
    if refused is not None:  # an interpreter that fails at what the Makefile asks of it
        interpreter = tmp_path / python
        interpreter.write_text(
            f'#!/bin/sh\ncase "$*" in\n*{refused}*) exit 1 ;;\n'
            '*--version*) echo "Python 3.9" ;;\nesac\n'
        )
        interpreter.chmod(0o755)
        python = str(interpreter)
    run = subprocess.run(
        ["make", "check-python", f"PYTHON={python}"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode != 0
    assert said in " ".join(run.stdout.split())


@pytest.mark.long
def test_wheel_is_pure_python_and_holds_both_packages(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a copy, because building leaves files behind
    for name in ("tinygrad_lesson", "viz"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path)]
    subprocess.check_call([*build, str(source)])
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in ("tinygrad_lesson/py.typed", "viz/py.typed", "tinygrad_lesson/ops/linear.py",
                   "tinygrad_lesson/compiler/c_code/c/elementary.h",
                   "tinygrad_lesson/compiler/c_code/c/pool.c"):  # fmt: skip
        assert needed in names
    assert not [name for name in names if name.startswith(("tests", "examples", "benchmarks"))]

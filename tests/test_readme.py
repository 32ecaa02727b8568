"""README does what it says: its snippets run, its names exist, its tables are current."""

from __future__ import annotations

import contextlib
import importlib
import io
import re
from pathlib import Path

import pytest

from tinygrad_lesson.__main__ import inventory

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", README, re.S)
WORDS = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| `([^`]+)` \|$", README, re.M)


def without_noise(report: str) -> str:
    """Rounding decides the error estimates, and which element is the worst of those that pass."""
    return re.sub(r"\b\d+e-\d+", "tiny", re.sub(r" pass .*", " pass", report))


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")  # of the NaN that it shows
@pytest.mark.parametrize(
    ("code", "printed"), SNIPPETS, ids=[code.splitlines()[0] for code, _ in SNIPPETS]
)
def test_snippet_runs_as_pasted_and_prints_what_stands_below_it(
    code: str, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a picture that it renders goes here
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "example.py", "exec"), {"__name__": "__main__"})
    assert without_noise(output.getvalue()) == without_noise(printed)


def test_there_are_snippets_and_words() -> None:
    assert len(SNIPPETS) >= 4
    assert len(WORDS) >= 20


@pytest.mark.parametrize(("word", "name", "file"), WORDS, ids=[word for word, _, _ in WORDS])
def test_word_of_the_lesson_names_what_exists(word: str, name: str, file: str) -> None:
    path = ROOT / file
    assert path.is_file()
    if name == file:
        return
    parts = name.split(".")
    module, rest = importlib.import_module(parts[0]), parts[1:]
    found = module
    for part in rest:
        found = getattr(found, part)
    assert re.search(rf"\b(def|class) {parts[-1]}\b", path.read_text()), f"{name} is not in {file}"


def test_links_and_pictures_exist() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r'src="([^"]+)"', README)
    assert len(targets) >= 6
    for target in targets:
        assert (ROOT / target).exists(), target


def test_box_table_is_current() -> None:
    box = README.split("<!-- inventory -->")[1].split("<!-- /inventory -->")[0]
    assert box.strip() == inventory(), "run `make inventory` and paste what it prints"

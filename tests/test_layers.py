"""Imports only go down: read from the source of every module, so that none can hide."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import tinygrad_lesson

ROOT = Path(tinygrad_lesson.__file__).parent.parent
LIBRARY = "tinygrad_lesson"

LAYERS = (
    {
        "errors", "mode", "dtypes", "arrays", "samples", "conversion", "hooks", "trees",
        "arguments", "memory", "changes",
    },
    {"op"},
    {"ops"},
    {"graph", "nonfinite", "backpropagation", "autograd"},
    {
        "explanations", "explain", "readonly", "recording", "methods", "protocols", "tensor",
        "creation", "random", "linalg", "standard", "translation", "tracer", "values",
    },
    {
        "gradients", "runs", "transforms", "segments", "rematerialization", "custom", "batching",
        "extend", "checking", "tracing", "compiler", "optional_arrays",
    },
    {"nn", "optim", "data", "serialize", "distributed"},
    {"training", "health", "summaries"},
    {"", "__main__"},
)  # fmt: skip
"""From the bottom up; "" is the package itself, its list of exports."""

OPTIONAL = {"scipy", "safetensors", "cupy", "mpi4py", "threadpoolctl", "matplotlib", "IPython"}
"""May be imported in a function: they need not be installed."""

DEFERRED = {"tqdm"}
"""Required, but imported by the one function that needs it, because it is slow to load."""


class Import(NamedTuple):
    module: str
    imported: str
    line: int
    in_function: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def imports_of(path: Path) -> list[Import]:
    """Every import of a module, except those for the type checker alone."""
    name = module_name(path)
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]

    def visit(node: ast.AST, in_function: bool) -> Iterator[Import]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                yield from visit(child, in_function)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno, in_function)
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield Import(name, inner if is_module(inner) else source, node.lineno, in_function)
        inside = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return list(visit(ast.parse(path.read_text()), False))


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def layer(module: str) -> int:
    """The number of a module's layer; everything in a folder belongs to the folder's."""
    part = module.split(".")[1] if "." in module else ""
    return next(i for i, names in enumerate(LAYERS) if part in names)


MODULES = [pytest.param(path, id=module_name(path)) for path in sources(LIBRARY)]


@pytest.mark.parametrize("path", MODULES)
def test_every_module_has_a_layer(path: Path) -> None:
    assert isinstance(layer(module_name(path)), int)


@pytest.mark.parametrize("path", MODULES)
def test_imports_go_down(path: Path) -> None:
    for found in imports_of(path):
        if found.imported.split(".")[0] == LIBRARY:
            assert layer(found.imported) <= layer(found.module), found


@pytest.mark.parametrize("path", MODULES)
def test_no_import_hides_in_a_function(path: Path) -> None:
    for found in imports_of(path):
        if found.in_function:
            assert found.imported.split(".")[0] in OPTIONAL | DEFERRED, found


@pytest.mark.parametrize("path", MODULES)
def test_the_library_never_imports_the_readers_that_show(path: Path) -> None:
    for found in imports_of(path):
        assert found.imported.split(".")[0] not in {"viz", "tests", "examples", "benchmarks"}, found


@pytest.mark.parametrize("path", MODULES)
def test_only_the_array_layer_and_its_neighbours_name_numpy(path: Path) -> None:
    """Rules and the walk must run on any namespace."""
    if layer(module_name(path)) in (2, 3):
        for found in imports_of(path):
            assert found.imported.split(".")[0] not in {"numpy", "cupy"}, found


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        module_name(path): {
            found.imported
            for found in imports_of(path)
            if found.imported.split(".")[0] == LIBRARY
            and not module_name(path).startswith(found.imported + ".")  # a package's own parts
        }
        for path in sources(LIBRARY)
    }
    TopologicalSorter(graph).prepare()  # raises CycleError


def test_no_parts_of_the_compiler_import_one_another() -> None:
    """Its folders, and the modules beside them."""

    def part(module: str) -> str:
        return ".".join(module.split(".")[:3])

    package = f"{LIBRARY}.compiler"
    graph: dict[str, set[str]] = {}
    for path in sources(package.replace(".", "/")):
        for found in imports_of(path):
            pair = part(found.module), part(found.imported)
            if found.imported.startswith(package) and package not in pair and len({*pair}) == 2:
                graph.setdefault(pair[0], set()).add(pair[1])
    assert len(graph) > 5
    TopologicalSorter(graph).prepare()  # raises CycleError


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}; import sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return {name.split(".")[0] for name in result.stdout.split()}


def test_import_loads_nothing_slow() -> None:
    loaded = loaded_by("import tinygrad_lesson")
    assert not loaded & {
        "tqdm", "graphviz", "pygraphviz", "scipy", "matplotlib", "torch", "viz", "IPython",
        "sklearn", "mpi4py", "cupy", "threadpoolctl",
    }  # fmt: skip


def test_import_loads_no_layer_above_the_tensors() -> None:
    code = "import sys, tinygrad_lesson as tl; print(*sys.modules); assert tl.nn and tl.optim"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = {
        name.split(".")[1] for name in result.stdout.split() if name.startswith(f"{LIBRARY}.")
    }
    higher = {"nn", "optim", "data", "training", "health", "checking", "tracing", "compiler"}
    assert not loaded & higher


def test_import_loads_nothing_third_party_but_numpy() -> None:
    new = loaded_by("import tinygrad_lesson") - loaded_by("import numpy.random")
    third_party = {name for name in new if name not in sys.stdlib_module_names}
    assert third_party == {"tinygrad_lesson"}


def test_a_new_module_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of imports itself sees relative, absolute, nested and guarded ones."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    package = tmp_path / LIBRARY
    (package / "ops").mkdir(parents=True)
    for name in ("__init__", "tensor", "ops/__init__"):
        (package / f"{name}.py").touch()
    path = package / "ops" / "linear.py"
    path.write_text(
        "from typing import TYPE_CHECKING\n"
        "from ..tensor import Tensor\n"
        "from .. import tensor\n"
        "if TYPE_CHECKING:\n    from ..nn import Module\n"
        "def f():\n    import tinygrad_lesson.tensor\n"
    )
    assert [(i.imported, i.in_function) for i in imports_of(path)] == [
        ("typing", False),
        ("tinygrad_lesson.tensor", False),
        ("tinygrad_lesson.tensor", False),
        ("tinygrad_lesson.tensor", True),
    ]

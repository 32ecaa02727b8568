"""Gathering: the source of kernels and of all that they use, to stand in one module of its own.

Names are followed through the modules of this library by their syntax trees; what comes from NumPy
and from Python is imported. A name that two modules give to different things, or that Python has
for something else, is changed everywhere.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib.util import resolve_name
from types import ModuleType
from typing import NamedTuple

from ...arrays import numpy as kernels

Definition = ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class _Module(NamedTuple):
    """What stands in a module: its lines, and the statement that defines each name."""

    name: str
    package: str
    lines: list[str]
    statements: dict[str, ast.stmt]


@cache
def _module(name: str) -> _Module:
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    statements: dict[str, ast.stmt] = {}
    for statement in ast.parse(source).body:
        statements.update(dict.fromkeys(_defined(statement), statement))
    package = name if hasattr(module, "__path__") else name.rpartition(".")[0]
    return _Module(name, package, source.split("\n"), statements)


def _defined(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement at the top of a module gives a meaning."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Assign):
        yield from (x.id for y in statement.targets for x in ast.walk(y) if isinstance(x, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in statement.names)


class Gathered:
    """Statements, each after those that it needs.

    Parameters
    ----------
    names
        Of kernels.
    taken
        Names that stand for something else in the module to be.

    Attributes
    ----------
    imports, definitions
        Source.
    """

    def __init__(self, names: Iterable[str], taken: Iterable[str]) -> None:
        names = list(names)
        self.imports: list[str] = []
        self.definitions: list[str] = []
        self._taken = {*taken, *names, *dir(builtins), "np"}
        self._called: dict[tuple[str, str], str] = {}
        self._done: set[tuple[str, int]] = set()
        for name in names:
            home, original = _origin(kernels.__name__, name)
            self._called[home, original] = name
        for name in names:
            self._need(kernels.__name__, name)

    def _need(self, where: str, name: str) -> str:
        """Gather what `name` means in a module; returns what it is called here."""
        where, name = _origin(where, name)
        module = _module(where)
        statement = module.statements[name]
        if isinstance(statement, ast.Import | ast.ImportFrom):
            alias = next(x for x in statement.names if (x.asname or x.name) == name)
            renamed = f" as {alias.asname}" if alias.asname and alias.asname != alias.name else ""
            line = f"import {alias.name}{renamed}"
            if isinstance(statement, ast.ImportFrom):
                line = f"from {statement.module} {line}"
            if line not in self.imports:
                self.imports.append(line)
            return name
        called = self._name(where, name)
        if (where, id(statement)) not in self._done:
            self._done.add((where, id(statement)))
            self.definitions.append(self._rewritten(module, statement))
        return called

    def _name(self, where: str, name: str) -> str:
        if (where, name) not in self._called:
            new = name
            if new in self._taken:
                new = f"{name}_{where.rpartition('.')[2]}"
                while new in self._taken:
                    new += "_"
            self._taken.add(new)
            self._called[where, name] = new
        return self._called[where, name]

    def _rewritten(self, module: _Module, statement: ast.stmt) -> str:
        """Source of a statement by the names that things have here."""
        first, last = _extent(module, statement)
        lines = [line.encode() for line in module.lines[first:last]]
        own = {name: self._name(module.name, name) for name in _defined(statement)}
        changes = []
        for node in global_names(statement):
            if node.id in module.statements:
                new = own.get(node.id) or self._need(module.name, node.id)
                if new != node.id:
                    changes.append((node.lineno - 1 - first, node.col_offset, node.id, new))
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            row = statement.lineno - 1 - first
            old, new = statement.name, own[statement.name]
            if new != old:
                column = lines[row].index(old.encode(), lines[row].index(b" "))
                changes.append((row, column, old, new))
        for row, column, old, new in sorted(changes, reverse=True):
            line = lines[row]
            assert line[column : column + len(old)] == old.encode()
            lines[row] = line[:column] + new.encode() + line[column + len(old) :]
        return "\n".join(line.decode() for line in lines)


def _origin(where: str, name: str) -> tuple[str, str]:
    """The module that defines `name`, and what it is called there."""
    module = _module(where)
    statement = module.statements[name]
    if not isinstance(statement, ast.ImportFrom) or not statement.level:
        return where, name
    alias = next(x for x in statement.names if (x.asname or x.name) == name)
    home = resolve_name("." * statement.level + (statement.module or ""), module.package)
    return _origin(home, alias.name)


def _extent(module: _Module, statement: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, with the comment above it and the docstring below it."""
    decorators = getattr(statement, "decorator_list", [])
    first = min([statement.lineno, *(x.lineno for x in decorators)]) - 1
    last = statement.end_lineno or statement.lineno
    while first and re.match(r"#(?! ---)", module.lines[first - 1]):
        first -= 1
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        following = module.lines[last] if last < len(module.lines) else ""
        if following.startswith('"""') and following.count('"""') == 2:
            last += 1
    return first, last


def global_names(statement: ast.stmt) -> list[ast.Name]:
    """The names in a statement that mean something outside of it, those of annotations included."""
    found: list[ast.Name] = []
    _visit(statement, frozenset(), found)
    return found


def _visit(node: ast.AST, local: frozenset[str], found: list[ast.Name]) -> None:
    if isinstance(node, ast.Name):
        if node.id not in local:
            found.append(node)
        return
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        outside = [*getattr(node, "decorator_list", []), *_defaults(node.args)]
        outside += [x.annotation for x in _parameters(node.args) if x.annotation is not None]
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            outside.append(node.returns)
        for part in outside:
            _visit(part, local, found)
        inner = local | _bound(node)
        for part in node.body if isinstance(node.body, list) else [node.body]:
            _visit(part, inner, found)
        return
    if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
        local |= {x.id for g in node.generators for x in ast.walk(g.target)
                  if isinstance(x, ast.Name)}  # fmt: skip
    for part in ast.iter_child_nodes(node):
        _visit(part, local, found)


def _parameters(a: ast.arguments) -> list[ast.arg]:
    return [x for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if x]


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(x for x in arguments.kw_defaults if x is not None)]


def _bound(function: ast.FunctionDef | ast.Lambda) -> frozenset[str]:
    """The names that a function gives a meaning itself."""
    names = {x.arg for x in _parameters(function.args)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.FunctionDef) and node is not function:
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return frozenset(names)


def is_kernel(name: str, function: Callable[..., object]) -> bool:
    """Whether a function is a kernel of this library's, whose source is known."""
    module: ModuleType = kernels
    return getattr(module, name, None) is function

"""The command line: ``python -m tinygrad_lesson inventory``."""

from __future__ import annotations

import argparse
import inspect
from types import ModuleType

import tinygrad_lesson as package

from . import linalg, nn, optim
from .op import REGISTRY

NOT_YET = (
    "complex numbers and Fourier transforms",
    "sparse arrays",
    "derivatives of the incomplete gamma functions",
)
"""What users of the field's libraries will look for in vain."""


def inventory() -> str:
    """What is in the box, as a table in Markdown, read from the registries.

    The ops stand by the file of ``ops/`` that declares them.
    """
    families: dict[str, list[str]] = {}
    for op in REGISTRY.values():
        public = any(hasattr(place, op.name) for place in (package, linalg, nn.functional))
        family = op.__module__.rpartition(".")[2] if public else "for rules only"
        families.setdefault(family.replace("_", " "), []).append(op.name)
    rules = families.pop("for rules only", [])
    rows = [*sorted(families.items()), ("for rules only", rules)]
    classes = _classes(nn, nn.Module)
    rows.append(("nn: losses", [name for name in classes if name.endswith("Loss")]))
    rows.append(("nn: modules", [name for name in classes if not name.endswith("Loss")]))
    rows.append(("optim", _classes(optim, optim.Optimizer)))
    schedules = _classes(optim.lr_scheduler, optim.lr_scheduler.LRScheduler)
    rows.append(("optim.lr_scheduler", schedules))
    lines = ["| family | in the box |", "| --- | --- |"]
    lines += [f"| {family} ({len(names)}) | {', '.join(sorted(names))} |" for family, names in rows]
    differentiable = sum(op.differentiable for op in REGISTRY.values())
    return "\n".join(
        [
            *lines, "", f"{len(REGISTRY)} ops, {differentiable} of them differentiable.",
            f"Not in the box: {'; '.join(NOT_YET)}.",
        ]
    )  # fmt: skip


def _classes(module: ModuleType, base: type) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, base) and value is not base
    ]


def main(arguments: list[str] | None = None) -> None:
    """Run the command that `arguments`, or the command line, names."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_lesson")
    commands = parser.add_subparsers(required=True)
    commands.add_parser("inventory", help="print what is in the box").set_defaults(run=inventory)
    print(parser.parse_args(arguments).run())


if __name__ == "__main__":
    main()

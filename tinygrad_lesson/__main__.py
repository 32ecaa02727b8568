"""The command line: ``python -m tinygrad_lesson inventory``."""

from __future__ import annotations

import argparse
import inspect
from types import ModuleType

from . import nn, optim
from .op import REGISTRY

NOT_YET = {
    "elementwise": "complex numbers; erf, gamma and other special functions; hyperbolic inverses",
    "reduction": "",
    "scan": "",
    "movement": "pad, roll, tile, repeat, tril and triu, einsum",
    "linear": "convolution, tensordot, decompositions (svd, qr, eigh, cholesky), solve",
    "indexing": "scatter with other reductions, unique",
    "creation": "meshgrid",
    "composite": "",
    "modules": "convolution, pooling, recurrent and attention layers, normalisation, dropout,"
    " embedding",
    "losses": "all others",
    "optimizers": "all others, and learning-rate schedules",
}
"""By family, what users of the field's libraries will look for in vain."""


def inventory() -> str:
    """What is in the box, as a table in Markdown, read from the registries."""
    families: dict[str, list[str]] = {}
    for op in REGISTRY.values():
        families.setdefault(op.kind.name, []).append(op.name)
    classes = _classes(nn, nn.Module)
    families["losses"] = [name for name in classes if name.endswith("Loss")]
    families["modules"] = [name for name in classes if not name.endswith("Loss")]
    families["optimizers"] = _classes(optim, optim.Optimizer)
    lines = ["| family | in the box | not yet |", "| --- | --- | --- |"]
    for family, missing in NOT_YET.items():
        names = families.pop(family)
        lines.append(f"| {family} ({len(names)}) | {', '.join(sorted(names))} | {missing} |")
    if families:
        raise LookupError(f"NOT_YET lacks {sorted(families)}")
    differentiable = sum(op.differentiable for op in REGISTRY.values())
    return "\n".join([*lines, "", f"{len(REGISTRY)} ops, {differentiable} of them differentiable."])


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

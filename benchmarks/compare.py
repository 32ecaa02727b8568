"""Whole training steps, in this library and in its peers, side by side.

    python benchmarks/compare.py
    python benchmarks/compare.py --works mlp lstm --contenders ours torch --rounds 20
    python benchmarks/compare.py --write benchmarks/RESULTS.md

A step is forward, backward and the optimizer's update. Each contender runs in processes of its own,
one for each number of threads and each setting to be tried; they wait for their turn, round after
round, and the fastest by the median of the rounds stands for its library. Before that, the losses
of the first steps must agree with ours, and so must the gradients at the start. Peers that are not
installed are left out; one that fails or hangs on the way is told of, and the others go on. What is
there already is written after each work.

Times depend on the machine: the ratios are what to look at.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import pathlib
import sys

import tables
from comparison import Options, Row
from contenders import CONTENDERS, OURS
from surroundings import described
from works import WORKS

HEAD = """# Training steps, side by side

Written by `python benchmarks/compare.py --write benchmarks/RESULTS.md`. Float32 unless said.
Times depend on the machine: the ratios are what to look at.

* PyTorch runs eagerly, with its fused Adam; `torch.compile` compiles the loss and its gradient, and
  is tried on two threads alone. JAX and `tl.compile` compile the whole step.
* *First call*: what the first two calls took beyond two others, while another contender began.
* *Memory*: the most that the process had while it took steps, over what it had after importing.
* *Other core busy*: the median while another program kept one core busy.
* *Floor*: the products of the step at the speed that OpenBLAS has for each of them, and the bytes
  that the other kernels read and write at the speed of a copy."""


def summary(rows: dict[str, Row]) -> list[list[str]]:
    """A line for each work."""
    heads = "work, tl.compile, eager, best peer, tl.compile of it, of the floor, peer"
    lines = [heads.split(", ")]
    for work, row in rows.items():
        peers = {name: r for name, r in row.best.items() if name not in OURS}
        best = min(peers.values(), key=lambda r: r.median(), default=None)
        ours, eager = row.best.get("compiled"), row.best.get("ours")
        floor = row.floor["products"] + row.floor["moving"] if row.floor else math.inf
        lines.append([
            work, *("" if r is None else tables.seconds(r.median()) for r in (ours, eager, best)),
            "" if ours is None else tables.ratio(ours.median(), row.peer),
            "" if ours is None else tables.ratio(ours.median(), floor),
            "" if best is None else best.title,
        ])  # fmt: skip
    return lines


def document(about: str, rows: dict[str, Row]) -> str:
    """All that was measured, in Markdown."""
    parts = [HEAD, about, "## All of them", tables.markdown(summary(rows))]
    for work, row in rows.items():
        notes = "\n".join(f"* {note}." for note in row.notes)
        parts += [f"## {WORKS[work].title}", tables.markdown(row.table()), notes]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.1, help="of a turn")
    parser.add_argument(
        "--patience", type=float, default=60, help="seconds to wait for a contender"
    )
    parser.add_argument(
        "--default-malloc", action="store_true", help="let the allocator give memory back"
    )
    parser.add_argument("--write", type=pathlib.Path, help="a file for the results, in Markdown")
    given = parser.parse_args()

    options = Options(given.rounds, given.seconds, given.patience, not given.default_malloc)
    names = [n for n in given.contenders if importlib.util.find_spec(CONTENDERS[n].package)]
    missing = [CONTENDERS[name].title for name in given.contenders if name not in names]
    packages = ["numpy", *(CONTENDERS[name].package for name in names)]
    about = described(packages, options.keep_memory)
    about += f"\n{options.rounds} rounds of {options.seconds} s each; medians of the rounds."
    if missing:
        about += f"\nNot installed, and left out: {', '.join(missing)}."
    print(about)

    rows: dict[str, Row] = {}
    for work in given.works:
        row = rows[work] = Row(work, names, options)
        notes = "".join(f"  {note}.\n" for note in row.notes)
        print(f"\n{WORKS[work].title}\n{tables.text(row.table())}\n{notes}", end="", flush=True)
        if given.write:
            given.write.write_text(document(about, rows))
    print(f"\n{tables.text(summary(rows))}")
    if wrong := [f"{title} ({work})" for work, row in rows.items() for title in row.disagreed]:
        sys.exit(f"Other numbers than ours: {', '.join(wrong)}.")


if __name__ == "__main__":
    main()

"""One neuron, and its chain rule number by number.

A neuron multiplies, adds and squashes: out = sigmoid(w * x + b). How much does the output change
when w changes a little? The chain rule answers: multiply the derivatives of all steps on the way
from the output down to w. Every number printed here is read from the graph that running the
neuron left behind.

    python examples/neuron.py
    python examples/neuron.py --w 0.5 --x -1 --b 2
"""

from __future__ import annotations

import argparse
from pathlib import Path

import tinygrad_lesson as tl
import viz
from tinygrad_lesson.arrays import numpy as xp
from tinygrad_lesson.graph import Leaf, Node, replay, topological

STEP = 1e-5


def neuron(w: tl.Tensor, x: tl.Tensor, b: tl.Tensor) -> dict[str, tl.Tensor]:
    """Run it, and give every number that occurs on the way a name."""
    u = w * x
    z = u + b
    out = tl.sigmoid(z)
    return {"w": w, "x": x, "b": b, "u": u, "z": z, "out": out}


def local_derivatives(node: Node, values: dict[Node | Leaf, float]) -> list[tuple[Leaf, float]]:
    """How much the result of one op changes with each of its inputs, the others held fixed.

    An op comes with one rule for each input, which turns d out/d result into d out/d input. Where
    the first is 1, the second is the derivative of the op alone.
    """
    inputs = [values[parent] for parent in node.parents]
    return [
        (node.parents[i], float(rule(xp, 1.0, values[node], *inputs, **node.params)))
        for i, rule in node.plan.rules
    ]


def main() -> None:
    """Print the lesson, check it, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--w", type=float, default=-3.0, help="the weight")
    parser.add_argument("--x", type=float, default=2.0, help="the input")
    parser.add_argument("--b", type=float, default=6.5, help="the bias")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the pictures go")
    args = parser.parse_args()
    start = {"w": args.w, "x": args.x, "b": args.b}

    def run(numbers: dict[str, float]) -> dict[str, tl.Tensor]:
        return neuron(*(tl.Tensor(numbers[k], True, dtype=tl.float64) for k in ("w", "x", "b")))

    tensors = run(start)
    out = tensors["out"]
    names = {tensor.node: name for name, tensor in tensors.items()}

    order = topological([out.node])  # every op, each after its inputs
    values = replay(order, xp)
    print("Forward, from the leaves up:\n")
    for name in start:
        print(f"  {name} = {start[name]:g}")
    for node in order:
        call = f"{node.op.name}({', '.join(names[p] for p in node.parents)})"
        print(f"  {names[node]:3} = {call:14} = {values[node]:.6g}")

    print("\nEach step alone: its result changes by so much for each unit of its input.\n")
    for node in reversed(order):
        for parent, slope in local_derivatives(node, values):
            print(f"  d {names[node]}/d {names[parent]} = {slope:.6g}")

    print("\nThe chain rule, from the output down: multiply on the way.\n")
    gradient: dict[Node | Leaf, float] = {out.node: 1.0}
    for node in reversed(order):
        for parent, slope in local_derivatives(node, values):
            part = gradient[node] * slope
            # Of several ways from the output to one place, the products add up.
            gradient[parent] = gradient.get(parent, 0.0) + part
            top, bottom = names[node], names[parent]
            chain = f"d out/d {top} * d {top}/d {bottom}"
            print(
                f"  d out/d {bottom} = {chain:23} = {gradient[node]:.6g} * {slope:.6g} = {part:.6g}"
            )

    out.backward()
    print("\nThe same, by out.backward(), and by moving each number a little and running again:\n")
    print("              chain rule    backward()    (out(+h) - out(-h)) / 2h")
    for name in start:
        more, less = (float(run({**start, name: start[name] + h})["out"]) for h in (STEP, -STEP))
        by_hand, difference = gradient[tensors[name].node], (more - less) / (2 * STEP)
        print(f"  d out/d {name}  {by_hand:12.9f}  {tensors[name].grad:12.9f}  {difference:12.9f}")

    forward = viz.graph(out, names=tensors).render(args.out / "neuron.svg")
    both = viz.graph(out, names=tensors, backward=True).render(args.out / "neuron_backward.svg")
    print(f"\nThe graph: {forward}\nand with the graph of its gradient: {both}")


if __name__ == "__main__":
    main()

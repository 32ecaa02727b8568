"""What there is to draw: the ops and leaves of a graph, their names, numbers and modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, cast

from tinygrad_lesson.arrays import Array
from tinygrad_lesson.errors import GradientError
from tinygrad_lesson.graph import Leaf, Node, leaves, topological

from .names import find_names
from .values import Place, forward_values, gradients, record_backward

Scope = tuple[str, ...]


class Scene(NamedTuple):
    """A graph, ready to be drawn.

    Attributes
    ----------
    output
        What the gradients are the derivatives of.
    order
        Every op, each after its inputs.
    leaves
        Every leaf, in order of first use.
    inputs
        For each op, the nodes, leaves and Python numbers that it ran on.
    scopes
        For each op, the modules that were running, outermost first.
    names
        What the user calls a place; on the backward pass, which gradient it is.
    values, gradients
        The arrays, as far as they are known.
    backward
        The ops and leaves of the backward pass.
    gradient_places
        Where on the backward pass the gradient of a place is.
    notes
        What the reader of the picture should know.
    """

    output: Place
    order: list[Node]
    leaves: list[Leaf]
    inputs: dict[Node, list[Any]]
    scopes: dict[Node, Scope]
    names: dict[Place, str]
    values: dict[Place, Array]
    gradients: dict[Place, Array]
    backward: set[Place]
    gradient_places: dict[Place, Place]
    notes: list[str]

    def places(self, node: Node) -> list[Place]:
        """The inputs of `node` that have a box of their own, without repetition."""
        return list(dict.fromkeys(p for p in self.inputs[node] if isinstance(p, Node | Leaf)))

    def called(self, place: Place) -> str:
        """Its name, or an empty string."""
        return self.names.get(place, "")


def survey(output: Place, given: Mapping[str, Any] | None, backward: bool) -> Scene:
    """Collect what there is to draw of the graph that ends in `output`."""
    order = topological([output])
    found = leaves(order) or [cast(Leaf, output)]
    names = find_names([*found, *order], given)
    values = forward_values(order, output)
    scene = Scene(
        output,
        order,
        found,
        {node: list(node.parents) for node in order},
        {node: tuple(node.scope.split("/")) if node.scope else () for node in order},
        names,
        values,
        {},
        set(),
        {},
        [],
    )
    if output.requires_grad and backward and order:
        return _with_backward(scene)
    if output.requires_grad:
        try:
            scene.gradients.update(gradients(order, output, values))
        except GradientError as error:  # the rest of the picture is still worth having
            scene.notes.append(f"No gradients: {error}")
    if not order:
        scene.notes.append("No op was recorded: nothing that it was made from needs a gradient.")
    return scene


def _with_backward(scene: Scene) -> Scene:
    """Add the ops of the backward pass, and name each gradient after what it belongs to."""
    tape, arrays = record_backward(scene.order, scene.output, scene.values)
    inputs = {
        node: [tape.twins.get(p, p) if isinstance(p, Node | Leaf) else p for p in node.parents]
        for node in tape.order
    }
    known = set(scene.leaves)
    constants = [leaf for leaf in leaves(tape.order) if leaf not in tape.twins]
    fresh = list(dict.fromkeys([tape.seed, *constants]))
    whole = scene._replace(
        order=[*scene.order, *tape.order],
        leaves=[*scene.leaves, *(leaf for leaf in fresh if leaf not in known)],
        inputs={**scene.inputs, **inputs},
        scopes={**scene.scopes, **{node: scene.scopes[tape.origin[node]] for node in tape.order}},
        names=dict(scene.names),
        values={**arrays, **scene.values},
        backward={*tape.order, *fresh},
        gradient_places=tape.results,
    )
    whole.gradients.update({place: arrays[g] for place, g in tape.results.items()})
    whole.names.update(_gradient_names(scene, tape.results))
    return whole


def _gradient_names(scene: Scene, results: Mapping[Place, Place]) -> dict[Place, str]:
    """``∂loss/∂w`` for the places where the gradients of named things are."""
    top = scene.called(scene.output) or "loss"
    titles: dict[Place, list[str]] = {}
    for place, where in results.items():
        bottom = top if place is scene.output else scene.called(place)
        if bottom:
            titles.setdefault(where, []).append(f"∂{top}/∂{bottom}")
    return {where: " = ".join(_first(titles[where], 3)) for where in titles}


def _first(texts: list[str], count: int) -> Iterable[str]:
    return texts if len(texts) <= count else [*texts[:count], "…"]

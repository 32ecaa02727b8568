"""The arrows between boxes: those that are seen, and those that only hold the layout together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from tinygrad_lesson.graph import Leaf

from . import theme
from .collapse import Part, shared
from .scene import Scene, Scope
from .values import Place

Keys: TypeAlias = Mapping[Place, str]
Pair: TypeAlias = tuple[str, str]
Look: TypeAlias = dict[str, str]


def arrows(scene: Scene, keys: Keys, parts: list[Part]) -> dict[Pair, Look]:
    """Every arrow once, by the keys of the two boxes.

    The backward pass runs against the forward one: its arrows are declared the wrong way round
    and drawn with the head at the tail, so that each gradient lies next to what it belongs to.
    """
    crowds = {keys[part.members[0]] for part in parts if len(part.members) > 1 and not part.outputs}
    found: dict[Pair, Look] = {}
    for node in scene.order:
        for place in scene.places(node):
            tail, head = keys[place], keys[node]
            if tail == head:
                continue
            if node in scene.backward and place in scene.backward:
                tail, head = head, tail
                look = {"dir": "back", "color": theme.BACKWARD}
            elif node in scene.backward:
                look = {"style": "dashed", "color": theme.SAVED, "constraint": "false"}
            elif tail in crowds:  # hundreds of leaves go everywhere
                look = {"color": theme.MODULE_LINE, "penwidth": "0.8"}
            else:  # the way of the data is straight, and parameters come in from the side
                look = {"weight": "1" if isinstance(place, Leaf) else "3"}
            found.setdefault((tail, head), look)
    scopes = {keys[part.members[0]]: part.scope for part in parts}
    for pair in list(_stacked(scene, keys, scopes, list(found))):
        found.setdefault(pair, {"style": "invis"})
    for place, gradient in scene.gradient_places.items():
        if scopes[keys[place]] == scopes[keys[gradient]]:
            level = {"style": "invis", "minlen": "0", "weight": "4"}
            found.setdefault((keys[gradient], keys[place]), level)
    return found


def longest(scene: Scene, keys: Keys) -> int:
    """The number of boxes on the longest way through the forward pass."""
    length: dict[str, int] = defaultdict(lambda: 1)
    for node in scene.order:
        for place in scene.places(node):
            tail, head = keys[place], keys[node]
            if tail != head and node not in scene.backward:
                length[head] = max(length[head], length[tail] + 1)
    return max(length.values(), default=1)


def _stacked(
    scene: Scene, keys: Keys, scopes: Mapping[str, Scope], pairs: list[Pair]
) -> Iterator[Pair]:
    """Invisible arrows from the last boxes of each module to the first ones of the next.

    Without them the parameters of every layer stand level with those of the first, and the frames
    form a staircase.
    """
    boxes: dict[Scope, set[str]] = defaultdict(set)
    for key, scope in scopes.items():
        for n in range(1, len(scope) + 1):
            boxes[scope[:n]].add(key)
    inside = {
        module: [(tail, head) for tail, head in pairs if tail in within and head in within]
        for module, within in boxes.items()
    }
    flows = _flows(scene, keys, scopes)
    fed = {module for source, module in flows if isinstance(source, tuple)}
    leaves = {keys[leaf] for leaf in scene.leaves}
    for source, module in flows:
        if (module, source) in flows:  # each feeds the other, as in a loop
            continue
        if source in leaves and module in fed:  # it may come in anywhere
            continue
        if isinstance(source, tuple):
            last = boxes[source] - {tail for tail, _ in inside[source]}
        else:
            last = {source}
        first = boxes[module] - {head for _, head in inside[module]}
        yield from ((tail, head) for tail in sorted(last) for head in sorted(first))


def _flows(
    scene: Scene, keys: Keys, scopes: Mapping[str, Scope]
) -> dict[tuple[Scope | str, Scope], None]:
    """Which module, or which box outside all modules, feeds which module beside it."""
    flows: dict[tuple[Scope | str, Scope], None] = {}
    for node in scene.order:
        if node in scene.backward:
            continue
        for place in scene.places(node):
            if isinstance(place, Leaf) and place.requires_grad:
                continue
            source, target = scopes[keys[place]], scopes[keys[node]]
            n = len(shared([source, target])) + 1
            if len(target) >= n:
                flows[source[:n] if len(source) >= n else keys[place], target[:n]] = None
    return flows

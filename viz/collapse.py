"""Fewer boxes than ops: closed modules, runs of ops, and, for what is left, stretches.

A picture of thousands of boxes teaches nothing and takes minutes to lay out. So a graph of more
than ``LIMIT`` boxes is drawn with its inner modules closed, from the innermost outwards. What no
module holds is joined into runs: an op whose result only one other op uses joins that op, unless
it has a name. If there are still too many, the ops are cut, in the order in which they ran, into
a few long stretches.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from typing import Final, NamedTuple

from tinygrad_lesson.graph import Node

from .scene import Scene, Scope
from .values import Place

LIMIT: Final = 300
STRETCHES: Final = 24
LEAVES: Final = 60

Keys = Mapping[Node, Hashable]


class Part(NamedTuple):
    """What one box shows.

    Attributes
    ----------
    members
        Ops and leaves; a single one is drawn as itself.
    outputs
        Those whose results are used outside.
    scope
        The modules inside which the box lies.
    module
        The closed module that it stands for, as in ``"hidden:Linear"``; empty for a run.
    """

    members: list[Place]
    outputs: list[Place]
    scope: Scope
    module: str = ""


def partition(scene: Scene, depth: int | None) -> tuple[list[Part], list[str]]:
    """Share out the graph among boxes; and say in words what was joined."""
    deepest = max(map(len, scene.scopes.values()), default=0)
    levels = [depth] if depth is not None else list(range(deepest, -1, -1))
    if depth is None and len(scene.order) + len(scene.leaves) > LIMIT:
        levels = levels[1:] or levels
    for level in levels:
        keys: Keys = {node: _module_key(scene, node, level) for node in scene.order}
        parts = _parts(scene, keys)
        if len(parts) <= LIMIT:
            break
    notes = [f"modules below level {level} are closed"] if level < deepest else []
    if len(parts) > LIMIT:
        keys = _runs(scene, keys)
        parts = _parts(scene, keys)
        notes.append("an op whose result is used once is joined with its user")
    if len(parts) > LIMIT:
        parts = _parts(scene, _stretches(scene, keys), crowded=True)
        notes[-1:] = ["ops are joined, in the order in which they ran, into long stretches"]
    if notes:
        boxes = f"{len(parts):,} box{'es' * (len(parts) > 1)}"
        notes = [f"{len(scene.order):,} ops are drawn as {boxes}: {'; '.join(notes)}."]
    return parts, notes


def _module_key(scene: Scene, node: Node, level: int) -> Hashable:
    """Nodes with the same key share a box: one closed module, forwards or backwards."""
    scope = scene.scopes[node]
    return (scope[: level + 1], node in scene.backward) if len(scope) > level else node


def _runs(scene: Scene, keys: Keys) -> Keys:
    """Let each op join its only user, from the output back to the leaves."""
    users: dict[Node, set[Node]] = defaultdict(set)
    for node in scene.order:
        for place in scene.places(node):
            if isinstance(place, Node):
                users[place].add(node)
    joined = dict(keys)
    length: Counter[Hashable] = Counter()
    longest = -(-len(scene.order) // STRETCHES)
    for node in reversed(scene.order):
        if keys[node] is not node or scene.called(node) or len(users[node]) != 1:
            continue
        (user,) = users[node]
        fits = length[joined[user]] < longest and scene.scopes[user] == scene.scopes[node]
        if isinstance(keys[user], Node) and fits:
            joined[node] = joined[user]
            length[joined[node]] += 1
    return joined


def _stretches(scene: Scene, keys: Keys) -> Keys:
    """Cut what is not a closed module into `STRETCHES` of equal length."""
    loose = [node for node in scene.order if isinstance(keys[node], Node)]
    length = -(-len(loose) // STRETCHES)
    stretch = {node: i // length for i, node in enumerate(loose)}
    return {
        node: (stretch[node], scene.scopes[node][:1], node in scene.backward)
        if node in stretch
        else keys[node]
        for node in scene.order
    }


def _parts(scene: Scene, keys: Keys, *, crowded: bool = False) -> list[Part]:
    """Make the boxes, and put leaves beside their users or into them."""
    members: dict[Hashable, list[Place]] = {}
    users: dict[Place, dict[Hashable, None]] = defaultdict(dict)  # boxes, in order
    for node in scene.order:
        members.setdefault(keys[node], []).append(node)
        for place in scene.places(node):
            users[place][keys[node]] = None
    backward = {key for key, inside in members.items() if inside[0] in scene.backward}
    homes = {key: _home(scene, key, inside) for key, inside in members.items()}
    several = {key for key, inside in members.items() if len(inside) > 1 or homes[key][1]}
    together = crowded and len(scene.leaves) > LEAVES
    for leaf in scene.leaves:
        forward = [key for key in users[leaf] if key not in backward] or list(users[leaf])
        private = len(forward) == 1 and forward[0] in several and leaf is not scene.output
        owned = leaf.requires_grad and bool(leaf.name)  # a module's parameters know their names
        in_module = private and owned and homes[forward[0]][1]
        if in_module or (private and not scene.called(leaf)):
            members[forward[0]].append(leaf)
            continue
        key: Hashable = ("leaves", leaf.requires_grad, leaf in scene.backward) if together else leaf
        members.setdefault(key, []).append(leaf)
        # An input lies outside the modules that use it.
        inner = (owned or leaf in scene.backward) and not together
        homes[key] = shared([homes[k][0] for k in forward]) if inner else (), ""

    def leaves_box(key: Hashable, place: Place) -> bool:
        """Whether others use `place`; what only the backward pass takes does not count."""
        outside = [k for k in users[place] if k != key and (k not in backward or key in backward)]
        return place is scene.output or (isinstance(place, Node) and bool(outside))

    return [
        Part(
            inside,
            [p for p in inside if leaves_box(key, p)]
            or [p for p in inside if isinstance(p, Node) and not users[p]],
            *homes[key],
        )
        for key, inside in members.items()
    ]


def _home(scene: Scene, key: Hashable, inside: list[Place]) -> tuple[Scope, str]:
    """The open modules around a box, and the closed one that it is."""
    if isinstance(key, tuple) and isinstance(key[0], tuple):
        *outside, module = key[0]
        return tuple(outside), module
    return shared([scene.scopes[node] for node in inside if isinstance(node, Node)]), ""


def shared(scopes: list[Scope]) -> Scope:
    """The modules that all of `scopes` begin with."""
    if not scopes:
        return ()
    first, last = min(scopes), max(scopes)
    same = 0
    while same < len(first) and same < len(last) and first[same] == last[same]:
        same += 1
    return first[:same]

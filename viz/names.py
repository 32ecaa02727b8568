"""What the user calls things: ``names=locals()``, and the names that leaves have themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tinygrad_lesson import Tensor, nn
from tinygrad_lesson.errors import ArgumentError
from tinygrad_lesson.graph import Box, Leaf

from .values import Place


def find_names(places: Iterable[Place], given: Mapping[str, Any] | None) -> dict[Place, str]:
    """The name of every node and leaf that has one; what `given` says comes first.

    A parameter is recognised after an optimizer's step too: its new Leaf shares the Box of the
    old one.
    """
    called: dict[Place | Box, str] = {}
    for name, tensor in given_tensors(given):
        if tensor.node is not None:
            called.setdefault(tensor.node, name)
            if isinstance(tensor.node, Leaf) and tensor.node.box is not None:
                called.setdefault(tensor.node.box, name)
    names: dict[Place, str] = {}
    for place in places:
        own, box = (place.name, place.box) if isinstance(place, Leaf) else ("", None)
        name = called.get(place) or (called.get(box) if box is not None else "") or own
        if name and name.strip():
            names[place] = name.strip()
    return names


def given_tensors(given: Mapping[str, Any] | None) -> Iterator[tuple[str, Tensor]]:
    """The tensors in a namespace, then those in its lists, tuples, dictionaries and modules."""
    if given is None:
        return
    if not isinstance(given, Mapping):
        raise ArgumentError(
            "viz.graph",
            f"names= is a {type(given).__name__}, not a dictionary of tensors by name",
            "Pass names=locals(), or names={'h': h}.",
        )
    # _, __ and _1 are how a notebook calls its results.
    public = [(str(key), value) for key, value in given.items() if not str(key).startswith("_")]
    yield from ((name, value) for name, value in public if isinstance(value, Tensor))
    for name, value in public:
        if type(value) in (list, tuple):
            yield from ((f"{name}[{i}]", t) for i, t in enumerate(value) if isinstance(t, Tensor))
        elif type(value) is dict:
            yield from ((f"{name}[{k!r}]", t) for k, t in value.items() if isinstance(t, Tensor))
        elif isinstance(value, nn.Module):  # two models each have a "0.weight"
            yield from ((f"{name}.{path}", p) for path, p in value.named_parameters())

"""Nested tuples, lists and dicts of tensors, taken apart and put together again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def flatten(tree: Any) -> tuple[list[Any], Callable[[Iterator[Any]], Any]]:
    """The values in a nest of tuples, lists and dicts, and what builds the same nest of others.

    Examples
    --------
    >>> values, build = flatten({"w": 1, "more": (2, [3])})
    >>> values
    [1, 2, 3]
    >>> build(iter("abc"))
    {'w': 'a', 'more': ('b', ['c'])}
    """
    if isinstance(tree, dict):
        parts = [flatten(value) for value in tree.values()]
        builders = [(key, build) for key, (_, build) in zip(tree, parts, strict=True)]

        def build_dict(values: Iterator[Any]) -> Any:
            return {key: build(values) for key, build in builders}

        return [v for found, _ in parts for v in found], build_dict
    if isinstance(tree, tuple | list):
        parts = [flatten(value) for value in tree]
        kind, named = type(tree), hasattr(tree, "_fields")
        inner = [build for _, build in parts]

        def build_sequence(values: Iterator[Any]) -> Any:
            items = [build(values) for build in inner]
            return kind(*items) if named else kind(items)

        return [v for found, _ in parts for v in found], build_sequence
    return [tree], next


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same nest, with `function` applied to each value."""
    values, build = flatten(tree)
    return build(iter([function(value) for value in values]))

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
        keys = list(tree)

        def build_dict(values: Iterator[Any]) -> Any:
            return {key: build(values) for key, (_, build) in zip(keys, parts, strict=True)}

        return [v for found, _ in parts for v in found], build_dict
    if isinstance(tree, tuple | list):
        parts = [flatten(value) for value in tree]
        named = hasattr(tree, "_fields")

        def build_sequence(values: Iterator[Any]) -> Any:
            items = [build(values) for _, build in parts]
            return type(tree)(*items) if named else type(tree)(items)

        return [v for found, _ in parts for v in found], build_sequence
    return [tree], next


def map_tree(function: Callable[[Any], Any], tree: Any) -> Any:
    """The same nest, with `function` applied to each value."""
    values, build = flatten(tree)
    return build(iter([function(value) for value in values]))

"""From DOT to a picture: with ``dot`` where it is installed, else with pygraphviz.

pygraphviz's wheels carry Graphviz itself, so ``pip install`` is all that a picture needs.
"""

from __future__ import annotations

import functools
import os
import shutil
from pathlib import Path
from typing import Any

import graphviz

from tinygrad_lesson.errors import ArgumentError, MissingDependencyError

TEXTLESS = frozenset({"svg", "dot", "gv", "xdot", "json", "plain", "canon"})
"""Formats in which text stays text, so that this machine needs no fonts."""

PICTURES = frozenset({".svg", ".png", ".pdf"})
"""Suffixes by which ``render`` tells the file of a picture from one of DOT source."""


class Picture(graphviz.Digraph):  # type: ignore[misc]  # graphviz has no types
    """A ``graphviz.Digraph`` that renders without ``dot`` too, and shows itself in notebooks.

    Everything that a Digraph has works here: ``source``, ``pipe``, ``render``, ``save``,
    ``view``, ``graph_attr``.

    Examples
    --------
    >>> picture = Picture()
    >>> picture.edge("x", "y")
    >>> "<svg" in picture.pipe(format="svg", encoding="utf-8")
    True
    """

    def pipe(
        self,
        format: str | None = None,
        *args: Any,
        encoding: str | None = None,
        **options: Any,
    ) -> Any:
        """Render, and return the bytes, or with an `encoding` the text, of the file.

        Parameters
        ----------
        format
            ``"svg"``, ``"png"``, ``"pdf"`` or whatever else Graphviz writes.
        args, options
            What ``Digraph.pipe`` takes besides; pygraphviz knows nothing but ``engine=``.
        encoding
            Decode the result.
        """
        kind = format or self.format
        if kind not in TEXTLESS and not _has_fonts():
            raise MissingDependencyError(
                "viz.graph",
                f"this machine has no fonts, and a {kind} without fonts has no letters",
                "Install some, for instance: apt-get install fonts-dejavu-core; or draw an svg.",
            )
        if shutil.which("dot"):
            data: bytes = super().pipe(kind, *args, **options)
        else:
            data = _draw(self.source, kind, options.get("engine") or self.engine)
        return data.decode(encoding) if encoding else data

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        *,
        outfile: str | os.PathLike[str] | None = None,
        **options: Any,
    ) -> str:
        """Write the picture, and return its path.

        Parameters
        ----------
        filename, directory
            The picture itself, if it ends in ``.svg``, ``.png`` or ``.pdf``. Else, as always with
            graphviz, where the DOT source goes; the picture gets the format as one more suffix.
        view
            Open it with the program for such files.
        cleanup
            Remove the DOT source afterwards.
        format
            What ``pipe`` takes; `outfile` tells it by its suffix.
        outfile
            The path of the picture, whatever its suffix; no DOT source is left behind.
        options
            Passed on to ``pipe``.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> picture = Picture()
        >>> picture.edge("x", "y")
        >>> with TemporaryDirectory() as folder:
        ...     Path(picture.render(f"{folder}/xy.svg")).name
        'xy.svg'
        """
        suffix = Path(filename or "").suffix.lower()
        if outfile is None and suffix in PICTURES and format in (None, suffix[1:]):
            outfile = filename
        if outfile is not None:
            target = Path(directory or "", outfile)
            kind = format or target.suffix.lstrip(".").lower()
            if not kind:
                raise ArgumentError(
                    "viz.graph", f"outfile={str(outfile)!r} does not tell the format",
                    "Give it a suffix, such as .svg, .png or .pdf.",
                )  # fmt: skip
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.pipe(kind, **options))
        else:
            kind = format or self.format
            data = self.pipe(kind, **options)
            source = Path(self.save(filename, directory=directory))
            target = Path(f"{source}.{kind}")
            target.write_bytes(data)
            if cleanup:
                source.unlink()
        if view:
            graphviz.view(str(target))
        return str(target)

    def _repr_svg_(self) -> str:
        """What a notebook shows: a page narrower than the picture shrinks it, not cuts it off."""
        text: str = self.pipe("svg", encoding="utf-8")
        return text.replace("<svg ", '<svg style="max-width:100%;height:auto" ', 1)

    _repr_image_svg_xml = _repr_svg_  # the part of Digraph's own bundle


def _draw(source: str, kind: str, engine: str) -> bytes:
    """Render with pygraphviz."""
    try:
        import pygraphviz  # the one optional dependency, wanted only where there is no dot
    except ImportError as error:
        raise MissingDependencyError(
            "viz.graph",
            "neither the program dot nor the package pygraphviz is installed, and one of them"
            " draws the picture",
            'Run: pip install "tinygrad_lesson[render]"',
        ) from error
    graph = pygraphviz.AGraph(string=source)
    try:
        data: bytes = graph.draw(prog=engine, format=kind)
    finally:
        graph.close()
    return data


@functools.cache
def _has_fonts() -> bool:
    """Whether two letters look different: without fonts both are the same empty frame."""
    frame = "graph {{ node [shape=box fixedsize=true label={}] only }}"
    pictures = []
    for letter in "WI":
        if shutil.which("dot"):
            pictures.append(graphviz.Source(frame.format(letter)).pipe(format="png"))
        else:
            pictures.append(_draw(frame.format(letter), "png", "dot"))
    return bool(pictures[0] != pictures[1])

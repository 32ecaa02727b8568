"""Saving and loading: state dicts, and the whole state of a training run.

A ``.npz`` file is a zip of NumPy arrays, each under its path in the nest, and one text in JSON that
says how they are nested. There is no pickle in it: loading executes nothing. A ``.safetensors``
file holds named arrays only, and is what PyTorch's users exchange.

A file is written beside its place and moved there when it is complete, so that a crash leaves the
old one.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .arrays import Array
from .errors import FileFormatError, MissingDependencyError, SerializationError
from .tensor import Tensor

STRUCTURE = "structure.json"
VERSION = 1
_PLAIN = (bool, int, float, str, type(None))
_DAMAGED = (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError, TypeError,
            NotImplementedError, RuntimeError)  # fmt: skip


def save(state: Any, path: str | os.PathLike[str]) -> None:
    """Write a state to a file.

    Parameters
    ----------
    state
        Tensors, arrays, numbers, strings and None, in nested dicts, lists and tuples: what any
        ``state_dict()`` returns, or a dict of several.
    path
        Ends in ``.npz``, or in ``.safetensors`` for a flat dict of tensors (which needs the `io`
        extra).

    Examples
    --------
    >>> import tempfile, tinygrad_lesson as tl
    >>> model = tl.nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tl.save({"model": model.state_dict(), "epoch": 7}, f"{folder}/run.npz")
    ...     loaded = tl.load(f"{folder}/run.npz")
    >>> loaded["epoch"], model.load_state_dict(loaded["model"])
    (7, Mismatch(missing_keys=[], unexpected_keys=[]))
    """
    target = Path(path)
    if target.suffix == ".safetensors":
        _save_safetensors(state, target)
        return
    if target.suffix != ".npz":
        raise SerializationError(
            "save", f"the name {target.name!r} does not say how", "End it in .npz or .safetensors."
        )
    arrays: dict[str, Array] = {}
    structure = {"tinygrad_lesson": VERSION, "state": _described(state, "", arrays)}
    with _replacing(target) as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr(STRUCTURE, json.dumps(structure))
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)


def load(path: str | os.PathLike[str]) -> Any:
    """Read what :func:`save` wrote; of a foreign ``.npz`` or ``.safetensors``, its arrays by name.

    Parameters
    ----------
    path
        Ends in ``.npz`` or ``.safetensors``.

    Raises
    ------
    FileFormatError
        If the file is damaged, cut off or something else. Nothing in it is executed.
    """
    source = Path(path)
    if source.suffix == ".safetensors":
        return _load_safetensors(source)
    if not source.exists():
        raise FileNotFoundError(f"[load] {source} does not exist. Check the path.")
    try:
        with zipfile.ZipFile(source) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise ValueError(f"{damaged} is damaged")
            arrays = {
                name.removesuffix(".npy"): _read(archive, name)
                for name in archive.namelist()
                if name.endswith(".npy")
            }
            if STRUCTURE not in archive.namelist():
                return {name: Tensor.lift(array) for name, array in arrays.items()}
            structure = json.loads(archive.read(STRUCTURE))
            if structure["tinygrad_lesson"] > VERSION:
                raise FileFormatError(
                    "load",
                    f"{source} was written by a later version",
                    "Update tinygrad_lesson.",
                )
            return _built(structure["state"], arrays)
    except FileFormatError:
        raise
    except _DAMAGED as error:
        raise FileFormatError(
            "load",
            f"{source} is damaged, or no such file: {str(error).rstrip('.')}",
            "Save it again, or use an older copy.",
        ) from error


def _read(archive: zipfile.ZipFile, name: str) -> Array:
    with archive.open(name) as entry:
        array = np.lib.format.read_array(entry, allow_pickle=False)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} holds {array.dtype}")
    return array


# ---- the nest ----------------------------------------------------------------------------


def _described(value: Any, path: str, arrays: dict[str, Array]) -> Any:
    """`value` in JSON, its arrays put into `arrays` under their paths."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Tensor | np.ndarray):
        array = value.raw if isinstance(value, Tensor) else value
        if np.asarray(array).dtype.kind not in "biuf":
            raise SerializationError(
                "save", f"{path or 'the state'} holds {array.dtype}", "Convert it to numbers."
            )
        name = path or "array"
        while name in arrays:
            name += "_"
        arrays[name] = array
        return {"tensor" if isinstance(value, Tensor) else "array": name}
    if isinstance(value, Mapping):
        keys = [key for key in value if not isinstance(key, str | int)]
        if keys:
            raise SerializationError(
                "save", f"{path or 'the state'} has the key {keys[0]!r}", "Use strings or integers."
            )
        return {"dict": [[k, _described(v, _join(path, k), arrays)] for k, v in value.items()]}
    if isinstance(value, list | tuple):
        items = [_described(item, _join(path, i), arrays) for i, item in enumerate(value)]
        return {"list" if isinstance(value, list) else "tuple": items}
    raise SerializationError(
        "save",
        f"{path or 'the state'} is a {type(value).__name__}",
        "Save its state_dict(), or numbers, strings, arrays and nests of them.",
    )


def _join(path: str, key: Any) -> str:
    text = re.sub(r"[^A-Za-z0-9_.-]", "_", str(key))  # what every zip program can read
    return f"{path}.{text}" if path else text


def _built(described: Any, arrays: Mapping[str, Array]) -> Any:
    """The nest again."""
    if not isinstance(described, dict):
        return described
    ((kind, content),) = described.items()
    if kind == "tensor":
        return Tensor.lift(arrays[content])
    if kind == "array":
        return arrays[content]
    if kind == "dict":
        return {key: _built(value, arrays) for key, value in content}
    items = [_built(item, arrays) for item in content]
    return tuple(items) if kind == "tuple" else items


@contextmanager
def _replacing(target: Path) -> Iterator[Any]:
    """A file beside `target` that takes its place once it is complete."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise SerializationError(
            "save", f"the folder {target.parent} cannot be written to: {error.strerror}",
            "Make it first.",
        ) from error  # fmt: skip
    try:
        with open(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            os.chmod(name, target.stat().st_mode & 0o777)
        else:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(name, 0o666 & ~mask)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


# ---- safetensors -------------------------------------------------------------------------


def _save_safetensors(state: Any, target: Path) -> None:
    if not isinstance(state, Mapping) or not all(
        isinstance(k, str) and isinstance(v, Tensor | np.ndarray) for k, v in state.items()
    ):
        raise SerializationError(
            "save", "a .safetensors file holds a flat dict of tensors and nothing else",
            "Save model.state_dict(), or use .npz.",
        )  # fmt: skip
    module = _safetensors()
    arrays = {
        name: np.ascontiguousarray(v.raw if isinstance(v, Tensor) else v)
        for name, v in state.items()
    }
    with _replacing(target) as file:
        file.write(module.numpy.save(arrays))


def _load_safetensors(source: Path) -> dict[str, Tensor]:
    module = _safetensors()
    if not source.exists():
        raise FileNotFoundError(f"[load] {source} does not exist. Check the path.")
    try:
        return {k: Tensor.lift(v) for k, v in module.numpy.load_file(source).items()}
    except (module.SafetensorError, *_DAMAGED) as error:
        raise FileFormatError(
            "load",
            f"{source} is damaged, or no such file: {error}",
            "Download or save it again; types that NumPy lacks, as bfloat16, are not read.",
        ) from error


def _safetensors() -> Any:
    try:
        import safetensors
        import safetensors.numpy
    except ImportError as error:
        raise MissingDependencyError(
            "safetensors", "the package safetensors is not installed",
            'Install it: pip install "tinygrad_lesson[io]".',
        ) from error  # fmt: skip
    return safetensors

"""The IDX format of MNIST: one array in a file.

Two zero bytes, the type of the numbers, how many axes there are, each axis' length in four bytes,
and the numbers; all of them with the highest byte first. See http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
import os
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..arrays import Array
from .files import damaged, is_gzip, opened

_CHUNK = 1 << 20
_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | os.PathLike[str]) -> Array:
    """The array in an IDX file, plain or packed by gzip; not to be written into.

    Bytes that are not packed stay on disk, and are read where the array is.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from tinygrad_lesson.data import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "labels")
    ...     _ = path.write_bytes(bytes([0, 0, 0x08, 1, 0, 0, 0, 3, 7, 2, 1]))
    ...     read_idx(path).tolist()
    [7, 2, 1]
    """
    source = Path(path)
    with opened("read_idx", source) as file:
        dtype, shape, start = _header(source, file)
        size = math.prod(shape) * dtype.itemsize
        if not is_gzip(source):
            _check_size(source, os.path.getsize(source) - start, size, shape)
            if dtype.itemsize == 1 and size:
                return np.memmap(source, dtype, "r", start, shape)
        content = bytearray()  # grows with what is there, whatever the header says
        while len(content) <= size and (chunk := file.read(_CHUNK)):  # to the end, for gzip's sum
            content += chunk
    _check_size(source, len(content), size, shape)
    array = np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
    array.flags.writeable = False
    return array


def _header(source: Path, file: BinaryIO) -> tuple[np.dtype[np.generic], tuple[int, ...], int]:
    """The dtype, the shape, and the place of the first number."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _TYPES or not magic[3]:
        raise damaged("read_idx", source, f"is no IDX file: it begins with {magic!r}")
    lengths = file.read(4 * magic[3])
    if len(lengths) < 4 * magic[3]:
        raise damaged("read_idx", source, "is cut off in its header")
    shape = struct.unpack(f">{magic[3]}I", lengths)
    return np.dtype(_TYPES[magic[2]]), shape, 4 + len(lengths)


def _check_size(source: Path, found: int, expected: int, shape: tuple[int, ...]) -> None:
    if found != expected:
        what = f"is cut off: {found} of {expected} bytes" if found < expected else "goes on after"
        raise damaged("read_idx", source, f"{what} for the shape {shape}")

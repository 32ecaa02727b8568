"""Sound: the WAV format, as far as it holds plain samples (PCM)."""

from __future__ import annotations

import os
import sys
import wave
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from .files import damaged


class Sound(NamedTuple):
    """What a WAV file holds."""

    samples: Array
    """float32 in [-1, 1], of shape (channels, samples), as ``conv1d`` takes it."""
    rate: int
    """Samples per second."""


def read_wav(path: str | os.PathLike[str] | zipfile.Path) -> Sound:
    """The sound in a WAV file whose samples have 8, 16, 24 or 32 bits.

    `path` may also be a :class:`zipfile.Path`, a file inside a zip.
    The smallest integer becomes -1 and 0 stays 0, so that the largest is a little less than 1.
    (With 8 bits, the integers have no sign, and 128 stands for 0.) Files in the form "extensible",
    as some programs write with 24 bits, need Python 3.12 or later.

    Raises
    ------
    FileFormatError
        If the file is damaged, cut off, compressed, in floating point, or no WAV.
    """
    source = path if isinstance(path, zipfile.Path) else Path(path)
    with source.open("rb") as file:
        try:
            with wave.open(file) as sound:
                channels, width, rate, length = sound.getparams()[:4]
                content = sound.readframes(length)
        except (wave.Error, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            why = str(error) or "its parts do not fit into it"
            what = f"is no WAV file of plain samples: {why}"
            raise damaged("read_wav", source, what) from error
    expected = length * channels * width
    if len(content) != expected:
        raise damaged("read_wav", source, f"is cut off: {len(content)} of {expected} bytes")
    if width not in (1, 2, 3, 4) or not rate:
        raise damaged("read_wav", source, f"has samples of {8 * width} bits, {rate} a second")
    samples = _numbers(content, width).reshape(length, channels).T
    return Sound(np.ascontiguousarray(samples), rate)


def _numbers(content: bytes, width: int) -> Array:
    """Samples in float32; `wave` gives their bytes in the machine's own order."""
    if width == 1:
        return (np.frombuffer(content, np.uint8).astype(np.float32) - 128) / 128
    if width == 3:  # three bytes become the upper ones of four, which keeps the sign
        wider = np.zeros((len(content) // 3, 4), np.uint8)
        upper = slice(1, 4) if sys.byteorder == "little" else slice(0, 3)
        wider[:, upper] = np.frombuffer(content, np.uint8).reshape(-1, 3)
        content, width = wider.tobytes(), 4
    integers = np.frombuffer(content, f"=i{width}")
    return integers.astype(np.float32) / np.float32(2 ** (8 * width - 1))

"""What speech_digits.py hears: recordings, tones in their place, and a sound of one's own."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinygrad_lesson import data

RATE = 8000  # samples per second
SPEEDS = (0.9, 1.0, 1.1)
KEYS = ((697, 770, 852, 941), (1209, 1336, 1477))  # hertz: rows and columns of a telephone's keys


class Recording(NamedTuple):
    """One digit, spoken once."""

    frames: list[np.ndarray]
    """What is heard at each of the `SPEEDS`, see :func:`hear`."""
    digit: int


class Parts(NamedTuple):
    """To learn from; for the curve; and for the test."""

    train: list[Recording]
    valid: list[Recording]
    test: list[Recording]


def hear(samples: np.ndarray) -> np.ndarray:
    """How loud each of 40 bands is every 10 ms, (40, frames): 2 is the loudest, 0 is 60 dB less.

    So it does not matter how near the microphone was, and silence is 0, as padding is.
    """
    decibels = data.log_mel(samples, RATE)
    return np.maximum((decibels - decibels.max()) / 30 + 2, 0)


def recording(samples: np.ndarray, digit: int) -> Recording:
    """Played faster or slower, as a tape is: what is spoken is still the same digit."""
    played = (data.resample(samples, round(RATE * speed), RATE) for speed in SPEEDS)
    return Recording([hear(sound) for sound in played], int(digit))


def options(description: str) -> argparse.ArgumentParser:
    """The options of the example."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, help="folder of the recordings, or of their zip")
    parser.add_argument("--quick", action="store_true", help="seconds with a telephone's tones")
    parser.add_argument("--sequence", action="store_true", help="read several digits in a row")
    parser.add_argument("--most", type=int, default=6, help="digits in a sequence, at most")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch-size", type=int, default=64, help="recordings heard for a step")
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-3, help="the highest")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="keep the trained network")
    parser.add_argument("--load", type=Path, help="a saved network, for --predict")
    parser.add_argument("--predict", type=Path, metavar="WAV", help="a recording of your own")
    parser.add_argument("--compare-torch", action="store_true", help="time a step of each")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the plots go")
    return parser


def load(folder: Path | None) -> Parts:
    """The Free Spoken Digit Dataset, or, without a folder, the tones of a telephone's keys."""
    if folder is None:
        rng = np.random.default_rng(0)
        # Played faster or slower, a key's tones would be those of another key.
        made = [Recording([hear(tone(i % 10, rng))] * 3, i % 10) for i in range(600)]
        return Parts(made[:400], made[400:500], made[500:])
    sets = [data.SpeechDigits(folder, train=train) for train in (True, False)]
    learnt, test = (
        [recording(*pair) for pair in zip(part.recordings, part.labels, strict=True)]
        for part in sets
    )
    numbers = [int(file.stem.rsplit("_")[-1]) for file in sets[0].files]
    held_out = [5 <= number < 10 for number in numbers]  # as the test set has 0 to 4
    valid = [r for r, out in zip(learnt, held_out, strict=True) if out]
    train = [r for r, out in zip(learnt, held_out, strict=True) if not out]
    return Parts(train, shuffled(valid, 1), test)


def shuffled(recordings: list[Recording], times: int) -> list[Recording]:
    """All of them in a random order that is always the same, and again in another one."""
    rng = np.random.default_rng(0)
    return [recordings[i] for _ in range(times) for i in rng.permutation(len(recordings))]


def tone(digit: int, rng: np.random.Generator) -> np.ndarray:
    """The two tones of a key, and a little hiss."""
    row, column = divmod(digit - 1, 3) if digit else (3, 1)
    seconds = np.arange(int(RATE * rng.uniform(0.1, 0.3))) / RATE
    turns = np.outer((KEYS[0][row], KEYS[1][column]), seconds)
    return np.sin(2 * np.pi * turns).sum(axis=0) + rng.normal(0, 0.1, len(seconds))


def line_up(
    recordings: Sequence[Recording], rng: np.random.Generator, most: int = 1, vary: bool = False
) -> tuple[np.ndarray, np.ndarray, list[list[int]]]:
    """Recordings side by side: frames (N, 40, T), how many of them each has, and the digits.

    The numbers of frames are multiples of 4, for the network makes one of four.

    Parameters
    ----------
    recordings
        Those of a batch.
    rng
        Draws what is to be drawn.
    most
        Up to so many of them are joined, with pauses of up to 0.3 seconds.
    vary
        For training: let each have a speed of its own, pauses around it, and noise.
    """
    rows, digits = [], []
    while recordings:
        count = int(rng.integers(1, most + 1))
        group, recordings = recordings[:count], recordings[count:]
        longest = 31 if vary or most > 1 else 1
        pauses = [np.zeros((40, n), np.float32) for n in rng.integers(0, longest, len(group) + 1)]
        parts = [pauses[-1]]
        for pause, spoken in zip(pauses, group, strict=False):
            parts += [pause, spoken.frames[int(rng.integers(len(SPEEDS))) if vary else 1]]
        parts.append(np.zeros((40, -sum(part.shape[1] for part in parts) % 4), np.float32))
        row = np.concatenate(parts, axis=1)
        if vary:  # of two sounds, decibels are about those of the louder one
            row = np.maximum(row, rng.normal(rng.uniform(-0.5, 0.7), 0.15, row.shape))
        rows.append(np.maximum(row, 0).T.astype(np.float32))
        digits.append([spoken.digit for spoken in group])
    frames = data.pad_sequence(rows, batch_first=True).numpy().swapaxes(1, 2)
    return np.ascontiguousarray(frames), np.array([len(row) for row in rows]), digits


def read_sound(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A WAV file of any rate, as :func:`line_up` has it, without the silence at its ends."""
    channels, rate = data.read_wav(path)
    frames = hear(data.resample(channels.mean(axis=0), rate, RATE))
    loud = np.flatnonzero(frames.max(axis=0) > 0.8)  # no more than 36 dB below the loudest
    spoken = frames[:, max(0, loud[0] - 10) : loud[-1] + 10]
    spoken = np.pad(spoken, ((0, 0), (0, -spoken.shape[1] % 4)))
    return spoken[None], np.array([spoken.shape[1]])


def edits(given: Sequence[int], truth: Sequence[int]) -> int:
    """How many digits must be put in, left out or changed (Levenshtein, 1965)."""
    row = list(range(len(truth) + 1))
    for i, digit in enumerate(given, 1):
        before, row = row, [i]
        for j, wanted in enumerate(truth, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (digit != wanted)))
    return row[-1]


def error_rate(said: Sequence[Sequence[int]], understood: Sequence[Sequence[int]]) -> float:
    """Digits missed, put in or taken for others, per digit that was said."""
    wrong = sum(edits(u, s) for s, u in zip(said, understood, strict=True))
    return wrong / sum(map(len, said))

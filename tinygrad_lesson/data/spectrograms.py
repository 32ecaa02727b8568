"""Sound as a picture: which frequencies it has at which time, spaced as the ear hears them."""

from __future__ import annotations

import numpy as np

from ..arguments import count
from ..arrays import Array
from ..errors import RangeError, ShapeError

_FLOOR = 1e-10  # below all that is heard: silence has -100 decibels, not minus infinity


def resample(samples: Array, rate: int, new_rate: int) -> Array:
    """The same sound with another number of samples per second.

    The spectrum of the whole sound is cut off, or filled up with zeros, at the higher frequencies,
    so that nothing is folded back into those that can be heard. It takes the sound for periodic:
    if its end does not fit its start, a few samples there ring.

    Parameters
    ----------
    samples
        Of shape (..., samples), as :func:`read_wav` has them.
    rate, new_rate
        Samples per second that it has, and shall have.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lesson import data
    >>> wave = np.cos(2 * np.pi * np.arange(8) / 8)
    >>> np.allclose(data.resample(wave, 8, 4), [1, 0, -1, 0])
    True
    """
    length = samples.shape[-1]
    for name, given in (("rate", rate), ("new_rate", new_rate), ("the number of samples", length)):
        if given <= 0:
            raise RangeError("resample", f"{name} is {given}", "Pass more than 0.")
    new_length = max(1, round(length * new_rate / rate))
    if new_length == length:
        return samples
    spectrum = np.fft.rfft(samples)[..., : new_length // 2 + 1]
    shorter = min(length, new_length)
    if shorter % 2 == 0:  # a wave of two samples, up and down: half of it at either frequency
        spectrum[..., shorter // 2] *= 2 if new_length < length else 0.5
    found: Array = np.fft.irfft(spectrum, new_length) * (new_length / length)
    return found.astype(samples.dtype)


def mel_bands(
    rate: float, size: int, bands: int, lowest: float = 0.0, highest: float | None = None
) -> Array:
    """Weights that sum a spectrum up in bands, narrow below and wide above, as the ear does.

    Their edges are evenly spaced in mel, ``2595 * log10(1 + hertz / 700)``. Band k is a triangle:
    0 at edge k, 1 at edge k + 1, and 0 again at edge k + 2.

    Parameters
    ----------
    rate
        Samples per second.
    size
        Length of the Fourier transform; the spectrum has ``size // 2 + 1`` frequencies.
    bands
        How many bands there are.
    lowest, highest
        The first and the last edge, in hertz; half of `rate` unless given.

    Returns
    -------
    Array
        float64 of shape (bands, size // 2 + 1).

    References
    ----------
    O'Shaughnessy, "Speech communication: human and machine" (1987), for the formula of the mel;
    Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word
    recognition" (1980), for the triangles.
    """
    highest = rate / 2 if highest is None else highest
    if not 0 <= lowest < highest <= rate / 2:
        raise RangeError(
            "mel_bands",
            f"bands from {lowest:g} to {highest:g} Hz of a sound of {rate:g} samples per second",
            f"Pass 0 <= lowest < highest <= {rate / 2:g}.",
        )
    first, last = (2595 * np.log10(1 + hertz / 700) for hertz in (lowest, highest))
    edges = 700 * (10 ** (np.linspace(first, last, bands + 2) / 2595) - 1)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    hertz = np.fft.rfftfreq(size, 1 / rate)
    rising, falling = (hertz - left) / (middle - left), (right - hertz) / (right - middle)
    weights: Array = np.maximum(0, np.minimum(rising, falling))
    return weights


def log_mel(
    samples: Array,
    rate: int,
    *,
    bands: int = 40,
    window: float = 0.025,
    hop: float = 0.01,
    lowest: float = 60.0,
    highest: float | None = None,
) -> Array:
    """How loud each band of frequencies is from moment to moment: a log mel spectrogram.

    A window (Hann's) moves along the sound; the power of the Fourier transform of what is seen
    through it is summed up in :func:`mel_bands`, and its logarithm taken, for the ear hears ratios.

    Parameters
    ----------
    samples
        Of shape (samples,).
    rate
        Samples per second.
    bands
        How many bands there are.
    window
        How long the window is, in seconds: the longer, the finer are frequencies told apart, and
        the coarser times.
    hop
        By how much it moves on, in seconds.
    lowest, highest
        Where the bands begin and end, in hertz: 60, and half of `rate`.

    Returns
    -------
    Array
        float32 of shape (bands, frames), decibels: ten times the decimal logarithm of the power.
        The middle of frame t is at ``t * hop`` seconds, and beyond both ends there is silence: a
        sound of n samples has ``1 + n // (hop * rate)`` frames. Nothing is below -100.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_lesson import data
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)  # 1,000 Hz for a second
    >>> frames = data.log_mel(tone, 8000)
    >>> frames.shape
    (40, 101)
    >>> int(frames[:, 50].argmax())  # which is in this band
    17
    """
    if samples.ndim != 1:
        raise ShapeError(
            "log_mel", f"the sound has shape {samples.shape}",
            "Pass one channel, of shape (samples,); the mean of several is samples.mean(axis=0).",
        )  # fmt: skip
    count("log_mel", "bands", bands)
    seen, step = round(window * rate), round(hop * rate)
    if seen < 2 or step < 1:
        raise RangeError(
            "log_mel",
            f"a window of {seen} samples that moves by {step}",
            "Pass window and hop in seconds, and rate in samples per second.",
        )
    size = 1 << (2 * seen - 1).bit_length()  # twice as long at least: low bands are narrow
    padded = np.pad(samples, (seen // 2, seen - seen // 2))
    views = np.lib.stride_tricks.sliding_window_view(padded, seen)[::step]
    hann = np.sin(np.pi * (np.arange(seen) + 0.5) / seen) ** 2
    spectrum = np.fft.rfft(views * hann, size)
    power = spectrum.real**2 + spectrum.imag**2
    loudness = power @ mel_bands(rate, size, bands, lowest, highest).T
    return (10 * np.log10(np.maximum(loudness, _FLOOR))).T.astype(np.float32)

"""Sound as a picture of its frequencies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lesson import data
from tinygrad_lesson.errors import RangeError, ShapeError


def sine(hertz: float, rate: int, seconds: float = 1.0) -> Any:
    return np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)


# ---- resampling --------------------------------------------------------------------------


@given(st.integers(1, 40), st.integers(1, 40))
def test_resample_is_scipys(old: int, new: int) -> None:
    samples = np.random.default_rng(0).normal(size=(2, old))
    expected = scipy.signal.resample(samples, new, axis=-1)
    np.testing.assert_allclose(data.resample(samples, old, new), expected, atol=1e-12)


@pytest.mark.parametrize("rate", [4000, 11025, 44100])
def test_resample_keeps_a_tone_and_drops_what_is_too_high(rate: int) -> None:
    sound = sine(440, rate) + (sine(5000, rate) if rate > 10000 else 0)
    np.testing.assert_allclose(data.resample(sound, rate, 8000), sine(440, 8000), atol=1e-9)


def test_resample_keeps_dtype_and_length() -> None:
    samples = np.ones((2, 441), np.float32)
    found = data.resample(samples, 44100, 8000)
    assert (found.shape, found.dtype) == ((2, 80), np.float32)
    assert data.resample(samples, 8000, 8000) is samples


@pytest.mark.parametrize(("length", "rate", "new_rate"), [(0, 8, 8), (3, 0, 8), (3, 8, -1)])
def test_resample_refuses(length: int, rate: int, new_rate: int) -> None:
    with pytest.raises(RangeError, match="Pass more than 0"):
        data.resample(np.zeros(length), rate, new_rate)


# ---- bands -------------------------------------------------------------------------------


def test_mel_bands_are_triangles_that_overlap_by_half() -> None:
    weights = data.mel_bands(8000, 4096, 20, 100, 3500)
    hertz = np.fft.rfftfreq(4096, 1 / 8000)
    peaks = hertz[weights.argmax(axis=1)]
    mel = 2595 * np.log10(1 + peaks / 700)
    assert weights.shape == (20, 2049)
    assert np.ptp(np.diff(mel)) < 4  # as far as 2 Hz apart can tell
    assert weights.max() <= 1
    within = (hertz >= peaks[0]) & (hertz <= peaks[-1])
    np.testing.assert_allclose(weights[:, within].sum(axis=0), 1, atol=0.03)
    assert not weights[:, (hertz <= 100) | (hertz >= 3500)].any()


@pytest.mark.parametrize(("lowest", "highest"), [(-1, 100), (200, 100), (0, 4001)])
def test_mel_bands_refuses(lowest: float, highest: float) -> None:
    with pytest.raises(RangeError, match="Pass 0 <= lowest < highest <= 4000"):
        data.mel_bands(8000, 512, 40, lowest, highest)


# ---- spectrograms ------------------------------------------------------------------------


def test_log_mel_is_its_formula() -> None:
    sound = np.random.default_rng(0).normal(size=1000)
    found = data.log_mel(sound, 8000, bands=10)
    assert (found.shape, found.dtype) == ((10, 13), np.float32)
    middle = 400  # frame 5, at 50 ms: 200 samples around it, through Hann's window
    seen = sound[middle - 100 : middle + 100]
    seen = seen * np.sin(np.pi * (np.arange(200) + 0.5) / 200) ** 2
    times = np.arange(200)[:, None]
    power = np.abs(seen @ np.exp(-2j * np.pi * times * np.arange(257) / 512)) ** 2
    expected = 10 * np.log10(data.mel_bands(8000, 512, 10, 60) @ power)
    np.testing.assert_allclose(found[:, 5], expected, rtol=1e-5)


def test_log_mel_hears_how_high_and_how_loud() -> None:
    heard = [data.log_mel(sine(hertz, 16000), 16000)[:, 50] for hertz in (200, 800, 3000)]
    assert sorted(heard_at := [int(band.argmax()) for band in heard]) == heard_at
    louder = data.log_mel(10 * sine(800, 16000), 16000)[:, 50]
    np.testing.assert_allclose(louder - heard[1], 20, atol=1e-3)


@pytest.mark.parametrize("length", [1, 79, 80, 200, 1001])
def test_log_mel_has_a_frame_for_each_hop(length: int) -> None:
    silence = data.log_mel(np.zeros(length), 8000)
    assert silence.shape == (40, 1 + length // 80)
    assert (silence == -100).all()


def test_log_mel_refuses() -> None:
    with pytest.raises(ShapeError, match=r"the sound has shape \(2, 100\)"):
        data.log_mel(np.zeros((2, 100)), 8000)
    with pytest.raises(RangeError, match="a window of 200 samples that moves by 0"):
        data.log_mel(np.zeros(100), 8000, hop=1e-5)

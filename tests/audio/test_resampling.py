import math

import numpy as np
import pytest
import scipy.signal
import soxr
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vocalise.audio.resampling import Resampler, resample, resampled_length

RATES = [1000, 8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000, 768_000]


def noise(samples: int) -> torch.Tensor:
    return torch.rand(samples, generator=torch.Generator().manual_seed(0)) - 0.5


def tone(hertz: float, rate: int, seconds: float = 1.0) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(round(rate * seconds), dtype=torch.float64) / rate).float()


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(0, 70_000), old=st.sampled_from(RATES), new=st.sampled_from(RATES))
@example(samples=1, old=96_000, new=16_000)
@example(samples=3, old=32_000, new=16_000)
def test_the_length_is_exact(samples, old, new):
    samples = min(samples, 70_000 * old // new + 1)
    assert resample(noise(samples), old, new).shape == (round(samples * new / old),)


def test_halves_are_rounded_to_even_without_the_error_of_floats():
    assert [resampled_length(samples, 32_000, 16_000) for samples in (1, 3, 5, 7)] == [0, 2, 2, 4]
    assert resampled_length(3 * 10**18, 3, 1) == 10**18


@settings(max_examples=20, deadline=None)
@given(borders=st.lists(st.integers(0, 20_000), max_size=6), new=st.sampled_from([8000, 16_000, 96_000]))
def test_blocks_of_any_size_give_the_same_wave(borders, new):
    wave = noise(20_000)[:, None].numpy()
    stream = Resampler(44_100, new)
    parts = [stream.push(part) for part in np.split(wave, sorted(borders))]
    streamed = np.concatenate([*parts, stream.finish()])[:, 0]
    assert np.array_equal(streamed, resample(noise(20_000), 44_100, new).numpy())


def test_streaming_agrees_with_one_call_of_soxr():
    wave = noise(200_000).numpy()
    whole = soxr.resample(wave, 44_100, 16_000)
    ours = resample(torch.from_numpy(wave), 44_100, 16_000).numpy()
    assert np.allclose(ours[: len(whole)], whole[: len(ours)], atol=1e-5)


def test_it_agrees_with_an_independent_resampler_in_the_band_they_share():
    low = scipy.signal.firwin(511, 5000, fs=48_000)
    wave = np.convolve(noise(48_000).numpy(), low, mode="same")
    other = scipy.signal.resample_poly(wave, 1, 3)
    ours = resample(torch.from_numpy(wave).float(), 48_000, 16_000).numpy()
    error = (ours - other)[200:-200]
    assert 10 * np.log10(np.mean(error**2) / np.mean(other**2)) < -60.0


@pytest.mark.parametrize(("old", "new"), [(48_000, 16_000), (16_000, 44_100), (22_050, 16_000)])
def test_a_tone_keeps_its_phase_and_amplitude(old, new):
    ours, ideal = resample(tone(440.0, old), old, new), tone(440.0, new)
    assert (ours - ideal)[200:-200].abs().max() < 1e-4


def test_what_the_new_rate_cannot_hold_is_gone():
    assert resample(tone(9000.0, 48_000), 48_000, 16_000)[200:-200].abs().max() < 1e-4


def test_leading_dimensions_stay_and_the_same_rate_changes_nothing():
    wave = noise(600).reshape(2, 3, 100)
    assert resample(wave, 16_000, 8000).shape == (2, 3, 50)
    assert torch.equal(resample(wave, 16_000, 8000)[1, 2], resample(wave[1, 2], 16_000, 8000))
    assert torch.equal(resample(wave, 8000, 8000), wave)
    assert resample(torch.zeros(2, 0), 16_000, 8000).shape == (2, 0)

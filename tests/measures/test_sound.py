import math

import pytest
import torch

from vocalise.measures.sound import (
    bits_per_sample,
    loudness_correlation,
    mcd_logmel,
    mel_distance,
    real_time_factor,
)

RATE = 16_000


@pytest.fixture(scope="module")
def sung() -> torch.Tensor:
    """Three seconds of harmonics that swell three times, over a little noise."""
    time = torch.arange(3 * RATE, dtype=torch.float64) / RATE
    tone = sum(torch.sin(2 * math.pi * 200 * k * time) / k for k in range(1, 30))
    noise = 1e-3 * torch.randn(len(time), generator=torch.Generator().manual_seed(0))
    return (0.2 * tone * (0.05 + torch.sin(math.pi * time).square()) + noise).float()


def test_a_sound_agrees_with_itself(sung):
    assert loudness_correlation(sung, sung, RATE) == pytest.approx(1.0)
    assert mel_distance(sung, sung, RATE) == 0.0
    assert mcd_logmel(sung, sung, RATE) == 0.0


def test_half_the_amplitude_is_six_decibels_and_no_change_of_timbre(sung):
    assert loudness_correlation(sung, 0.5 * sung, RATE) == pytest.approx(1.0, abs=1e-3)
    assert mel_distance(sung, 0.5 * sung, RATE) == pytest.approx(20 * math.log10(2), abs=0.01)
    assert mcd_logmel(sung, 0.5 * sung, RATE) == pytest.approx(0.0, abs=1e-6)


def test_a_tilt_of_timbre_is_measured_alike_by_both(sung):
    # y[n] = x[n] - 0.9 x[n-1]: a smooth tilt, nearly all of which lies in the first 24 cosines.
    tilted = sung - 0.9 * torch.cat([sung.new_zeros(1), sung[:-1]])
    distance, cepstral = mel_distance(sung, tilted, RATE), mcd_logmel(sung, tilted, RATE)
    assert 5.0 < distance < 15.0
    level = distance**2 - cepstral**2  # Parseval: what the cepstrum leaves out is the mean level, squared
    assert 0.0 < level < distance**2
    assert cepstral > 4.0


def test_loudness_that_goes_the_other_way_is_anticorrelated():
    time = torch.arange(2 * RATE) / RATE
    carrier = torch.sin(2 * math.pi * 300 * time)
    swell = torch.exp(torch.sin(2 * math.pi * time))
    assert loudness_correlation(carrier * swell / 4, carrier / swell / 4, RATE) < -0.99


def test_only_active_frames_of_the_reference_count(sung):
    pause = torch.zeros(RATE)
    heard = torch.cat([sung, pause])
    noisy = torch.cat([sung, 1e-3 * torch.randn(RATE, generator=torch.Generator().manual_seed(1))])
    # The frames that look into the pause within a window of the border may differ.
    assert mel_distance(heard, noisy, RATE) < 0.5
    assert mel_distance(noisy, heard, RATE) < 0.5
    assert mel_distance(heard, torch.cat([0.5 * sung, pause]), RATE) == pytest.approx(6.02, abs=0.05)


@pytest.mark.parametrize("samples", [0, 1, 100, RATE])
def test_silence_defines_nothing_and_raises_nothing(samples):
    silence = torch.zeros(samples)
    for measure in (loudness_correlation, mel_distance, mcd_logmel):
        assert math.isnan(measure(silence, silence, RATE)), measure


def test_the_longer_wave_is_cut_to_the_shorter(sung):
    assert mel_distance(sung, sung[: 2 * RATE], RATE) == 0.0


def test_units():
    assert bits_per_sample(math.log(256)) == pytest.approx(8.0)
    assert real_time_factor(2.0, 8.0) == 0.25
    assert math.isnan(real_time_factor(1.0, 0.0))

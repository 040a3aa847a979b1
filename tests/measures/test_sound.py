import math

import pytest
import torch

from vocalise.measures.sound import loudness_correlation, real_time_factor

RATE = 16_000


def swelling() -> torch.Tensor:
    """Three seconds of harmonics that swell three times."""
    time = torch.arange(3 * RATE, dtype=torch.float64) / RATE
    tone = sum(torch.sin(2 * math.pi * 200 * k * time) / k for k in range(1, 30))
    return (0.2 * tone * (0.05 + torch.sin(math.pi * time).square())).float()


def test_a_sound_is_as_loud_as_itself_and_as_its_softer_copy():
    sung = swelling()
    assert loudness_correlation(sung, sung, RATE) == pytest.approx(1.0)
    assert loudness_correlation(sung, 0.5 * sung, RATE) == pytest.approx(1.0, abs=1e-3)


def test_loudness_that_goes_the_other_way_is_anticorrelated():
    time = torch.arange(2 * RATE) / RATE
    carrier = torch.sin(2 * math.pi * 300 * time)
    swell = torch.exp(torch.sin(2 * math.pi * time))
    assert loudness_correlation(carrier * swell / 4, carrier / swell / 4, RATE) < -0.99


def test_steady_noise_follows_nothing():
    noise = 0.1 * torch.randn(3 * RATE, generator=torch.Generator().manual_seed(0))
    assert abs(loudness_correlation(swelling(), noise, RATE)) < 0.3


@pytest.mark.parametrize("samples", [0, 1, 100, RATE])
def test_silence_defines_nothing_and_raises_nothing(samples):
    silence = torch.zeros(samples)
    assert math.isnan(loudness_correlation(silence, silence, RATE))
    assert math.isnan(loudness_correlation(swelling(), silence, RATE))


def test_the_longer_wave_is_cut_to_the_shorter():
    sung = swelling()
    assert loudness_correlation(sung, sung[: 2 * RATE], RATE) == pytest.approx(1.0)


def test_a_real_time_factor_is_work_for_each_second_of_sound():
    assert real_time_factor(2.0, 8.0) == 0.25
    assert math.isnan(real_time_factor(1.0, 0.0))

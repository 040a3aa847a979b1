import math

import pyloudnorm
import pytest
import torch

from vocalise.audio.loudness import frame_levels, integrated_loudness, level, match_loudness, true_peak


def tone(hertz: float, decibels: float, rate: int = 48_000, seconds: float = 2.0, phase: float = 0.0) -> torch.Tensor:
    time = torch.arange(round(rate * seconds), dtype=torch.float64) / rate
    return (10 ** (decibels / 20) * torch.sin(2 * math.pi * hertz * time + phase)).float()


def noise(samples: int) -> torch.Tensor:
    return torch.rand(samples, generator=torch.Generator().manual_seed(0)) - 0.5


def test_levels_of_known_waves():
    assert level(torch.ones(1000)) == pytest.approx(0.0)
    assert level(tone(1000.0, -20.0)) == pytest.approx(-23.01, abs=0.01)
    assert level(torch.zeros(5)) == -math.inf
    assert level(torch.zeros(0)) == -math.inf


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_997_hertz_tone_reads_its_rms_level(rate):
    # BS.1770-4, annex 1: a full-scale 997 Hz sine in one front channel reads -3.01 LKFS, so -20 dBFS reads -23.01
    assert integrated_loudness(tone(997.0, -20.0, rate), rate) == pytest.approx(-23.01, abs=0.1)


def test_low_notes_count_less_than_high_ones():
    low, middle, high = (integrated_loudness(tone(hertz, -20.0), 48_000) for hertz in (40.0, 997.0, 6000.0))
    assert low < middle - 3.0
    assert high > middle + 2.0


def test_pauses_are_gated_out():
    sung = tone(997.0, -20.0, seconds=6.0)
    paused = torch.cat([sung, torch.zeros(10 * 48_000), sung])
    assert integrated_loudness(paused, 48_000) == pytest.approx(integrated_loudness(sung, 48_000), abs=0.3)


@pytest.mark.parametrize("rate", [11_025, 16_000])
def test_loudness_agrees_with_pyloudnorm_across_its_pieces(rate):
    wave = noise(620 * rate) * torch.linspace(0.01, 1.0, 620 * rate)
    whole = pyloudnorm.Meter(rate).integrated_loudness(wave.double().numpy())
    assert integrated_loudness(wave, rate) == pytest.approx(whole, abs=0.01)


def test_silent_short_and_faint_waves_have_a_loudness():
    assert integrated_loudness(torch.zeros(48_000), 48_000) == -math.inf
    assert integrated_loudness(torch.zeros(1), 48_000) == -math.inf
    assert integrated_loudness(torch.ones(1), 48_000) == pytest.approx(0.0)
    assert integrated_loudness(tone(997.0, -20.0, seconds=0.4), 48_000) == pytest.approx(-23.01, abs=0.1)
    assert integrated_loudness(tone(997.0, -90.0), 48_000) == pytest.approx(-93.01, abs=0.1)
    assert integrated_loudness(tone(100.0, -20.0, rate=1000), 1000) == pytest.approx(-23.01, abs=0.1)


def test_the_true_peak_lies_between_the_samples():
    wave = tone(12_000.0, 0.0, phase=math.pi / 4)  # a quarter of the rate: every sample is at ±0.707
    assert 20 * math.log10(float(wave.abs().max())) == pytest.approx(-3.01, abs=0.01)
    assert true_peak(wave[4800:-4800], 48_000) == pytest.approx(0.0, abs=0.4)
    assert true_peak(torch.zeros(100), 48_000) == true_peak(torch.zeros(0), 48_000) == -math.inf


def test_matching_brings_a_wave_to_the_loudness_wanted():
    quiet = tone(997.0, -40.0)
    matched = match_loudness(quiet, 48_000, like=-20.0)
    assert integrated_loudness(matched, 48_000) == pytest.approx(-20.0, abs=0.05)


def test_matching_keeps_the_true_peak_under_its_ceiling():
    matched = match_loudness(tone(997.0, -40.0), 48_000, like=6.0, ceiling=-1.0)
    assert true_peak(matched, 48_000) == pytest.approx(-1.0, abs=0.05)


def test_matching_leaves_silence_silent_and_follows_it():
    assert torch.equal(match_loudness(torch.zeros(100), 48_000, like=-20.0), torch.zeros(100))
    assert torch.equal(match_loudness(noise(48_000), 48_000, like=-math.inf), torch.zeros(48_000))


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 161, 1600])
def test_frame_levels_have_a_frame_each_hop_and_one_more(samples):
    levels = frame_levels(torch.full((2, samples), 0.1), window=401, hop=160)
    assert levels.shape == (2, samples // 160 + 1)
    if samples > 200:  # the mean at the ends is over what there is
        assert torch.allclose(levels, torch.tensor(-20.0), atol=1e-3)


def test_frame_levels_follow_the_wave():
    wave = torch.cat([torch.full((1600,), 0.1), torch.zeros(1600), torch.full((1600,), 1.0)])
    levels = frame_levels(wave, window=160, hop=160)
    assert levels[5] == pytest.approx(-20.0, abs=1e-3)
    assert levels[15] == -100.0
    assert levels[25] == pytest.approx(0.0, abs=1e-3)

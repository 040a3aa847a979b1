"""Local pitch perturbation: how far it moves the pitch, what it leaves alone, and whether its ends can be heard."""

import math

import pytest
import torch

from vocalise.audio.perturbing import perturb, shift_pitch

RATE = 16_000


def tone(hz: float, samples: int = 8000, rate: int = RATE) -> torch.Tensor:
    return 0.3 * torch.sin(2 * math.pi * hz * torch.arange(samples) / rate)


def pitch_of(wave: torch.Tensor, rate: int = RATE) -> float:
    spectrum = torch.fft.rfft(wave * torch.hann_window(len(wave)), n=1 << 20).abs()
    return float(spectrum.argmax()) * rate / (1 << 20)


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize("hz", [110.0, 440.0, 1500.0])
@pytest.mark.parametrize("semitones", [-2.0, -0.5, 0.1, 0.5])
def test_the_pitch_moves_by_just_so_many_semitones_and_the_length_not_at_all(hz, semitones, rate):
    moved = shift_pitch(tone(hz, rate // 2, rate), rate, semitones)
    assert len(moved) == rate // 2
    middle = moved[rate // 10 : -rate // 10]
    assert 1200 * math.log2(pitch_of(middle, rate) / hz) == pytest.approx(100 * semitones, abs=0.5)
    assert float(middle.std()) == pytest.approx(0.3 / math.sqrt(2), rel=0.02)


def test_no_semitones_leave_the_wave_as_it_is():
    chance = torch.randn(8000)
    moved = shift_pitch(chance, RATE, 0.0)
    assert torch.allclose(moved[:6000], chance[:6000], atol=1e-4)  # the last frame is followed by none


def test_a_quarter_to_a_half_is_moved_and_the_rest_is_left_to_the_last_bit():
    waves = torch.stack([tone(220.0 + n, 16_000) for n in range(40)])
    moved = perturb(waves, RATE, 0.5, torch.Generator().manual_seed(0))
    lengths, starts = [], []
    for before, after in zip(waves, moved, strict=True):
        places = (before != after).nonzero()[:, 0]
        lengths.append(int(places[-1] - places[0]) / 16_000)
        starts.append(int(places[0]))
    assert 0.24 < min(lengths) < 0.3 and 0.45 < max(lengths) <= 0.5
    assert len(set(starts)) > 30


def test_pitch_within_the_stretch_stays_within_half_a_semitone_and_differs_from_wave_to_wave():
    waves = tone(440.0, 16_000).expand(30, -1)
    moved = perturb(waves, RATE, 0.5, torch.Generator().manual_seed(1))
    cents = []
    for after in moved:
        places = (waves[0] != after).nonzero()[:, 0]
        middle = after[int(places[0]) + 500 : int(places[-1]) - 500]
        cents.append(1200 * math.log2(pitch_of(middle) / 440.0))
    assert max(map(abs, cents)) < 51.0
    assert min(cents) < -30.0 and max(cents) > 30.0


def test_the_ends_of_the_stretch_do_not_click():
    waves = tone(220.0, 16_000).expand(20, -1)
    moved = perturb(waves, RATE, 0.5, torch.Generator().manual_seed(2))
    steepest = float(waves.diff(n=2, dim=1).abs().max())
    assert float(moved.diff(n=2, dim=1).abs().max()) < 2.0 * steepest


def test_the_same_luck_gives_the_same_waves_and_short_ones_are_left_alone():
    waves = torch.randn(3, 4000)
    twice = [perturb(waves, RATE, 0.5, torch.Generator().manual_seed(3)) for _ in range(2)]
    assert torch.equal(*twice)
    assert torch.equal(perturb(waves[:, :100], RATE, 0.5, torch.Generator()), waves[:, :100])

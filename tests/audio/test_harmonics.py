"""The pulse train: every harmonic, each as strong as the others, none above half the rate, and no seam anywhere."""

import math

import pytest
import torch

from vocalise.audio.harmonics import between_columns, pulses


def spectrum_of(pitch, rate, seconds=1.0):
    tone, _ = pulses(torch.full((1, round(seconds * rate)), pitch), rate, torch.zeros(1))
    return torch.fft.rfft(tone[0].double()).abs() / (tone.shape[1] / 2)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("pitch", [41.0, 70.0, 220.0, 1000.0, 3000.0])
def test_pulses_hold_every_harmonic_equally_and_nothing_else(rate, pitch):
    lines = spectrum_of(pitch, rate)
    there = [n for n in range(1, rate) if n * pitch < rate / 2]
    whole = torch.stack([lines[round(n * pitch)] for n in there[:-1]])
    assert torch.allclose(whole, whole[0].expand_as(whole), rtol=0.02)
    rest = lines.clone()
    rest[[round(n * pitch) for n in there]] = 0.0
    assert rest.max() < 0.01 * whole[0]


@pytest.mark.parametrize("pitch", [50.0, 147.3, 880.0])
def test_pulses_have_unit_power_whatever_the_pitch(pitch):
    tone, _ = pulses(torch.full((1, 48_000), pitch), 16_000, torch.zeros(1))
    assert float(tone.square().mean()) == pytest.approx(1.0, rel=0.1)


def test_pulses_in_two_pieces_are_pulses_in_one():
    pitch = torch.linspace(100.0, 400.0, 9_000)[None]
    whole, end = pulses(pitch, 16_000, torch.tensor([0.3]))
    first, phase = pulses(pitch[:, :4_001], 16_000, torch.tensor([0.3]))
    second, last = pulses(pitch[:, 4_001:], 16_000, phase)
    assert torch.allclose(torch.cat([first, second], dim=1), whole, atol=1e-4)
    assert torch.allclose(last, end)


def test_a_harmonic_that_comes_below_half_the_rate_comes_without_a_step():
    pitch = torch.linspace(1010.0, 990.0, 16_000)[None]  # the eighth harmonic crosses 8 kHz on the way
    tone, _ = pulses(pitch, 16_000, torch.zeros(1))
    steady, _ = pulses(torch.full_like(pitch, 1010.0), 16_000, torch.zeros(1))
    assert tone.diff().abs().max() < 1.3 * steady.diff().abs().max()


def test_pitch_between_columns_is_a_straight_line_in_octaves():
    pitch = torch.tensor([[100.0, 100.0, 200.0, 200.0]])
    line = between_columns(torch.ones_like(pitch), 10, pitch=pitch).flatten()
    assert line.shape == (20,)
    assert float(line[9].log2() + line[10].log2()) / 2 == pytest.approx(math.log2(math.sqrt(2.0) * 100.0), abs=1e-4)
    assert (line.diff() >= -1e-4).all()


def test_pitch_does_not_glide_to_or_from_where_nothing_is_sung():
    pitch, voicing = torch.tensor([[0.0, 0.0, 300.0, 0.0, 0.0]]), torch.tensor([[0.0, 0.0, 1.0, 0.0, 0.0]])
    line = between_columns(voicing, 8, pitch=pitch)[0]
    amount = between_columns(voicing, 8)[0]
    assert torch.allclose(line[amount > 0.0], torch.tensor(300.0))
    assert amount.max() <= 1.0 and amount.flatten().diff().abs().max() <= 1.01 / 8

import math

import pytest
import torch

from vocalise.audio import world
from vocalise.audio.pitch import Contour, contour_at, contour_from, pitch_contour
from vocalise.audio.spectrum import log_mel

RATE = 16_000


def voice(seconds: float = 1.0, hertz: float = 220.0, rate: int = RATE) -> torch.Tensor:
    """All harmonics up to half the rate, with vibrato and a little breath."""
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    phase = 2 * math.pi * torch.cumsum(hertz * 2.0 ** (0.04 * torch.sin(2 * math.pi * 5.5 * time)), 0) / rate
    harmonics = [torch.sin(n * phase) / n for n in range(1, int(rate / 2 / hertz / 1.05))]
    noise = torch.randn(len(time), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return (0.2 * torch.stack(harmonics).sum(0) + 0.002 * noise).float()


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_voice_taken_apart_and_put_together_sounds_the_same(rate):
    hop = round(rate / 200)
    wave = voice(1.0, rate=rate)[: rate // hop * hop]
    contour = pitch_contour(wave, rate)
    again = world.synthesise(world.analyse(wave, rate, hop=hop, contour=contour), rate, hop=hop)
    assert again.shape == wave.shape
    inner = slice(20, -20)
    assert (log_mel(again, rate) - log_mel(wave, rate))[:, inner].abs().mean() < 1.5
    found, true = pitch_contour(again, rate), contour
    both = (found.voicing * true.voicing > 0)[inner]
    cents = 1200 * (found.pitch[inner][both] / true.pitch[inner][both]).log2()
    assert both.float().mean() > 0.95 and cents.abs().median() < 3.0


def test_level_is_in_the_energy_alone():
    wave = voice(0.5)
    contour = pitch_contour(wave, RATE)
    loud, soft = (world.analyse(gain * wave, RATE, hop=80, contour=contour) for gain in (1.0, 0.1))
    inner = slice(10, -10)
    assert torch.allclose(loud.energy[inner] - 2.0, soft.energy[inner], atol=1e-3)
    assert torch.allclose(loud.shape[:, inner], soft.shape[:, inner], atol=1e-2)
    assert torch.allclose((10.0**loud.shape).sum(0), torch.ones(100), atol=1e-3)


def test_frames_lie_at_the_centres_of_their_samples():
    silence, contour = torch.zeros(8000), Contour(torch.zeros(101), torch.zeros(101), 0.005)
    for frame in (20, 63):
        click = silence.clone()
        click[frame * 80 + 40] = 1.0
        energy = world.analyse(click, RATE, hop=80, contour=contour).energy
        assert energy.argmax() == frame
        assert energy[frame - 1] == pytest.approx(float(energy[frame + 1]), abs=0.05)
        again = world.synthesise(world.analyse(click, RATE, hop=80, contour=contour), RATE, hop=80)
        centre = (again.square() * torch.arange(8000)).sum() / again.square().sum()
        assert abs(float(centre) - (frame * 80 + 40)) < 80


@pytest.mark.parametrize("samples", [0, 79, 80, 161])
def test_the_shortest_sounds_and_silence_have_frames(samples):
    frames = world.analyse(torch.zeros(samples), RATE, hop=80)
    assert frames.shape.shape == (world.bins(RATE), samples // 80) and torch.isfinite(frames.shape).all()
    again = world.synthesise(frames, RATE, hop=80)
    assert again.shape == (samples // 80 * 80,) and not (again.abs() > 1e-6).any()


def test_the_same_frames_give_the_same_samples():
    frames = world.analyse(voice(0.3), RATE, hop=80)
    assert torch.equal(world.synthesise(frames, RATE, hop=80), world.synthesise(frames, RATE, hop=80))


def test_a_part_of_a_contour_says_the_same_as_the_whole():
    pitch = 200.0 + torch.arange(101.0)
    whole = Contour(pitch, (pitch < 280).float(), 0.005)
    from_there = torch.linspace(0.0, 0.2, 30)
    part = contour_from(whole, 0.1, 0.2)
    for one, other in zip(contour_at(part, from_there), contour_at(whole, from_there + 0.1), strict=True):
        assert torch.allclose(one, other, atol=0.01)

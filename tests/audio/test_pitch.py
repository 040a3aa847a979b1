import math

import numpy as np
import pytest
import pyworld
import torch

from vocalise.audio import pitch
from vocalise.audio.phrases import cut
from vocalise.audio.pitch import Contour, contour_at, pitch_contour

RATE = 16_000


def vibrato(seconds: float, hertz: float = 220.0, rate: int = RATE) -> tuple[torch.Tensor, torch.Tensor]:
    """A sung note, 5.5 Hz and ±60 cents, of ten harmonics; the wave and its true pitch at each sample."""
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    true = hertz * 2.0 ** (0.05 * torch.sin(2 * math.pi * 5.5 * time))
    phase = 2 * math.pi * torch.cumsum(true, 0) / rate
    harmonics = [torch.sin(n * phase) / n for n in range(1, 11) if n * hertz * 1.05 < rate / 2]
    return (0.2 * torch.stack(harmonics).sum(0)).float(), true


def cents(found: torch.Tensor, true: torch.Tensor) -> torch.Tensor:
    return 1200.0 * torch.log2(found.double() / true)


@pytest.mark.parametrize(
    ("hertz", "rate"), [(70.0, 16_000), (220.0, 44_100), (220.0, 8000), (880.0, 16_000), (950.0, 8000)]
)
def test_a_vibrato_is_tracked_within_a_few_cents(hertz, rate):
    wave, true = vibrato(1.5, hertz, rate)
    contour = pitch_contour(wave, rate)
    inner = torch.arange(20, len(contour.pitch) - 20)
    assert contour.voicing[inner].mean() > 0.99
    error = cents(contour.pitch[inner], true[(inner * contour.hop * rate).long()])
    assert error.abs().median() < 5.0
    assert error.abs().max() < 50.0


@pytest.mark.parametrize("samples", [0, 1, 2, 79, 80, 81, 159, 160, 1000])
@pytest.mark.parametrize("rate", [1000, 16_000, 44_100])
def test_short_and_silent_waves_have_an_unvoiced_contour_of_the_right_length(samples, rate):
    contour = pitch_contour(torch.zeros(samples), rate)
    assert contour.pitch.shape == contour.voicing.shape == (int(samples / rate / 0.005 + 1e-9) + 1,)
    assert not contour.pitch.any()
    assert not contour.voicing.any()


def test_one_sample_of_sound_is_unvoiced():
    assert pitch_contour(torch.ones(1), RATE).pitch.tolist() == [0.0]
    assert not pitch_contour(torch.ones(RATE), RATE).voicing.any()  # an offset is no pitch


def test_noise_far_under_the_singing_is_unvoiced():
    sung, _ = vibrato(1.0)
    hum, _ = vibrato(1.0, 100.0)
    contour = pitch_contour(torch.cat([sung, hum * 1e-4]), RATE)
    assert contour.voicing[10:190].mean() > 0.99
    assert contour.voicing[210:].mean() == 0.0


@pytest.fixture
def melody(monkeypatch) -> torch.Tensor:
    """Four notes with pauses, tracked in phrases of two seconds at most."""
    monkeypatch.setattr(pitch, "_LONGEST", 2.0)
    notes = []
    for hertz in (150.0, 220.0, 330.0, 180.0):
        note, _ = vibrato(0.9, hertz)
        notes += [note * torch.hann_window(len(note)).sqrt(), torch.zeros(2000)]
    wave = torch.cat(notes)
    assert len(cut(wave, RATE, longest=2.0)) >= 3
    return wave


def test_phrases_are_tracked_as_the_whole_would_be(melody, monkeypatch):
    found = pitch_contour(melody, RATE).pitch
    monkeypatch.setattr(pitch, "_LONGEST", 100.0)
    whole = pitch_contour(melody, RATE).pitch
    assert found.shape == whole.shape
    both = (found > 0) & (whole > 0)
    assert ((found > 0) != (whole > 0)).double().mean() < 0.005
    assert both.double().mean() > 0.7
    assert (cents(found[both], whole[both]).abs() < 1.0).double().mean() > 0.99


def test_the_pitch_is_that_of_world():
    wave, _ = vibrato(1.0)
    rough, times = pyworld.harvest(wave.double().numpy(), RATE, f0_floor=50.0, f0_ceil=1100.0, frame_period=5.0)
    world = torch.from_numpy(pyworld.stonemask(wave.double().numpy(), rough, times, RATE))
    found = pitch_contour(wave, RATE).pitch
    assert found.shape == world.shape
    assert cents(found[10:-10], world[10:-10]).abs().max() < 0.1


def test_noise_and_breath_are_unvoiced():
    generator = torch.Generator().manual_seed(0)
    breath = 0.02 * torch.randn(RATE, generator=generator)
    assert pitch_contour(breath, RATE).voicing.mean() < 0.05
    sung = vibrato(1.0)[0] + breath  # some 20 dB above it
    voicing = pitch_contour(torch.cat([breath, sung, breath]), RATE).voicing
    assert voicing[:190].mean() < 0.05
    assert voicing[210:390].mean() > 0.97
    assert voicing[410:].mean() < 0.05


def test_the_number_of_workers_changes_nothing_but_the_time(melody):
    shares: list[float] = []
    one = pitch_contour(melody, RATE, workers=1, progress=shares.append)
    two = pitch_contour(melody, RATE, workers=2)
    assert torch.equal(one.pitch, two.pitch)
    assert shares == sorted(shares)
    assert len(shares) >= 3
    assert shares[-1] == 1.0


def test_a_reversed_wave_has_the_mirrored_contour():
    wave, _ = vibrato(1.0)
    glide = wave[: 80 * 190 + 1]  # frames fall on the same samples both ways
    forwards, backwards = pitch_contour(glide, RATE).pitch, pitch_contour(glide.flip(0), RATE).pitch.flip(0)
    inner = slice(10, -10)
    assert cents(forwards[inner], backwards[inner]).abs().median() < 1.0
    assert cents(forwards[inner], backwards[inner]).abs().max() < 10.0


def test_a_hop_that_is_no_whole_number_of_samples_keeps_its_clock():
    wave, true = vibrato(2.0)
    contour = pitch_contour(wave, RATE, hop=0.0058)
    assert len(contour.pitch) == math.floor(2.0 / 0.0058) + 1
    inner = torch.arange(20, len(contour.pitch) - 20)
    assert cents(contour.pitch[inner], true[(inner * 0.0058 * RATE).long()]).abs().max() < 30.0


def test_bad_requests_are_refused():
    with pytest.raises(ValueError, match="40 to 1333 Hz"):
        pitch_contour(torch.zeros(100), RATE, high=2000.0)
    with pytest.raises(ValueError, match="not finite"):
        pitch_contour(torch.tensor([0.0, math.nan]), RATE)


def test_between_frames_pitch_lies_on_a_logarithmic_line():
    contour = Contour(torch.tensor([100.0, 200.0, 0.0, 300.0]), torch.tensor([1.0, 1.0, 0.0, 1.0]), 0.005)
    times = torch.tensor([[-1.0, 0.0, 0.0025, 0.005], [0.007, 0.008, 0.013, 9.0]])
    found, voicing = contour_at(contour, times)
    assert torch.allclose(found, torch.tensor([[100.0, 100.0, 100 * math.sqrt(2), 200.0], [200.0, 0.0, 300.0, 300.0]]))
    assert voicing.tolist() == [[1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0]]


def test_the_frames_of_a_contour_are_found_at_their_times():
    generator = np.random.default_rng(0)
    true = torch.from_numpy(generator.uniform(80, 800, 500) * (generator.random(500) < 0.7)).float()
    contour = Contour(true, (true > 0).float(), 0.005)
    found, voicing = contour_at(contour, torch.arange(500, dtype=torch.float64) * 0.005)
    assert torch.allclose(found, true, rtol=1e-5)
    assert torch.equal(voicing, contour.voicing)


def test_a_glance_at_where_somebody_sings_changes_next_to_nothing():
    from vocalise.data.choir import compose, perform, singers

    song = compose(minutes=0.3, seed=3)[0]
    wave = perform(song, singers(2)[1]).wave[: 6 * 16_000]
    whole, quick = (pitch_contour(wave, 16_000, glance=glance) for glance in (False, True))
    both = (whole.voicing > 0) & (quick.voicing > 0)
    assert (whole.voicing == quick.voicing).float().mean() > 0.97
    cents = 1200 * torch.log2(whole.pitch[both] / quick.pitch[both]).abs()
    assert (cents < 10).float().mean() > 0.98
    assert len(quick.pitch) == len(whole.pitch)


def test_a_glance_at_silence_sees_nothing():
    assert not pitch_contour(torch.zeros(16_000), 16_000, glance=True).voicing.any()

import math

import pytest
import torch

from vocalise.audio.pitch import Contour
from vocalise.data.choir import compose, perform, singers
from vocalise.measures.alignment import Alignment, align, realigned
from vocalise.measures.pitch import compare_contours
from vocalise.measures.tracker import track_pitch

RATE = 16_000


@pytest.fixture(scope="module")
def choir() -> dict[str, torch.Tensor]:
    """One song by four singers, 16 s each, together sample by sample."""
    song = compose(1.0, 3)[0]
    return {singer.name: perform(song, singer).wave[: 16 * RATE] for singer in singers(4)}


@pytest.fixture(scope="module")
def wave(choir) -> torch.Tensor:
    return choir["Ada"]


def late(wave: torch.Tensor, seconds: float) -> torch.Tensor:
    return torch.cat([torch.zeros(round(seconds * RATE)), wave])


def jumped(wave: torch.Tensor, place: float, seconds: float) -> torch.Tensor:
    """Holds its breath at a place, and goes on later."""
    cut = round(place * RATE)
    return torch.cat([wave[:cut], torch.zeros(round(seconds * RATE)), wave[cut:]])


def hissing(wave: torch.Tensor, decibels: float) -> torch.Tensor:
    hiss = torch.randn(len(wave), generator=torch.Generator().manual_seed(1))
    return wave + hiss * wave.std() * 10 ** (decibels / 20)


def test_a_copy_does_not_drift_at_all(wave):
    alignment = align(wave, wave.clone(), RATE)
    assert alignment.drift == 0.0
    assert alignment.usable > 0.9
    assert not alignment.lag_at(torch.linspace(-5.0, 30.0, 100)).any()
    contour = track_pitch(wave, RATE)
    put = realigned(contour, alignment)
    assert torch.allclose(put.pitch, contour.pitch, rtol=1e-6)
    assert torch.equal(put.voicing, contour.voicing)


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100])
@pytest.mark.parametrize("lag", [0.3, 0.03, -0.35, 0.65])
def test_a_delay_is_read_within_ten_milliseconds(wave, lag, rate):
    held = torch.nn.functional.interpolate(wave[None, None], scale_factor=rate / RATE, mode="linear")[0, 0]
    samples = round(abs(lag) * rate)
    moved = torch.cat([torch.zeros(samples), held]) if lag > 0 else held[samples:]
    alignment = align(held, moved, rate)
    assert alignment.drift == pytest.approx(abs(lag), abs=0.010)
    assert alignment.usable > 0.8
    assert alignment.lag_at(torch.linspace(0.0, 16.0, 50)).tolist() == pytest.approx([lag] * 50, abs=0.010)


def test_a_delayed_wave_is_put_right(wave):
    truth, moved = track_pitch(wave, RATE), late(wave, 0.3)
    contour = track_pitch(moved, RATE)
    before = compare_contours(truth, contour)
    put = realigned(contour, align(wave, moved, RATE))
    after = compare_contours(truth, put)
    assert len(put.pitch) == len(truth.pitch)
    assert before.rpa50 < 0.7
    assert after.rpa50 > 0.995
    assert after.median_cents < 0.5
    assert after.voicing_error < 0.01


def test_a_wave_that_jumps_in_the_middle_is_put_right(wave):
    truth, moved = track_pitch(wave, RATE), jumped(wave, 8.0, 0.4)
    alignment = align(wave, moved, RATE)
    assert alignment.drift == pytest.approx(0.4, abs=0.010)
    assert alignment.usable > 0.8
    lags = alignment.lag_at(torch.tensor([1.0, 4.0, 7.0, 9.0, 12.0, 15.0]))
    assert lags.tolist() == pytest.approx([0.0, 0.0, 0.0, 0.4, 0.4, 0.4], abs=0.010)
    contour = track_pitch(moved, RATE)
    assert compare_contours(truth, contour).rpa50 < 0.75
    assert compare_contours(truth, realigned(contour, alignment)).rpa50 > 0.95


def test_a_tape_that_runs_two_percent_slow_is_followed(wave):
    slow = torch.nn.functional.interpolate(wave[None, None], scale_factor=1.02, mode="linear")[0, 0]
    alignment = align(wave, slow, RATE)
    times = torch.linspace(1.0, 15.0, 29)
    assert (alignment.lag_at(times) - 0.02 * times).abs().max() < 0.03
    figures = compare_contours(track_pitch(wave, RATE), realigned(track_pitch(slow, RATE), alignment))
    assert figures.rpa50 > 0.9
    assert figures.offset == pytest.approx(-1200 * math.log2(1.02), abs=2.0)


def test_singers_of_one_song_do_not_drift_whatever_their_timbre(choir):
    for one in choir:
        for other in choir:
            alignment = align(choir[one], choir[other], RATE)
            assert alignment.drift < 0.030, (one, other)
            assert alignment.usable > 0.9, (one, other)


def test_a_delay_is_found_through_another_singer_hiss_and_another_level(choir):
    estimate = late(hissing(0.05 * choir["Dario"], -15.0), 0.25)
    alignment = align(choir["Clara"], estimate, RATE)
    assert alignment.lags.tolist() == pytest.approx([0.25] * len(alignment.lags), abs=0.030)
    assert alignment.usable > 0.6


@pytest.mark.parametrize("which", ["both", "reference", "estimate"])
@pytest.mark.parametrize("samples", [0, 1, 100, RATE, 5 * RATE])
def test_silence_is_not_aligned_with_anything(which, samples):
    sung = torch.sin(torch.arange(samples) * 0.1) * torch.linspace(0, 1, samples)
    silent = torch.zeros(samples)
    reference, estimate = {"both": (silent, silent), "reference": (silent, sung), "estimate": (sung, silent)}[which]
    alignment = align(reference, estimate, RATE)
    assert alignment.usable == 0.0
    assert math.isnan(alignment.drift)
    assert not alignment.lag_at(torch.tensor([0.0, 1.0])).any()


def test_noise_is_not_aligned_with_a_song(wave):
    for seed in range(3):
        noise = torch.randn(len(wave), generator=torch.Generator().manual_seed(seed))
        for pair in ((wave, noise), (noise, wave), (noise, noise)):
            alignment = align(*pair, RATE)
            assert alignment.usable == 0.0
            assert math.isnan(alignment.drift)


def test_a_held_tone_has_no_shape_that_could_be_found_again():
    tone = torch.sin(torch.arange(6 * RATE) * 0.2)
    assert align(tone, tone, RATE).usable == 0.0


def test_a_rhythm_that_repeats_itself_is_not_said_to_be_late():
    time = torch.arange(10 * RATE) / RATE
    beats = torch.sin(2 * math.pi * 200 * time) * (time % 0.5 < 0.25)
    assert align(beats, beats.roll(RATE // 4), RATE).usable == 0.0


def test_what_is_shorter_than_a_chunk_is_aligned_as_one(wave):
    short = wave[RATE : RATE + 20_000]
    alignment = align(short, late(short, 0.2), RATE)
    assert alignment.drift == pytest.approx(0.2, abs=0.010)
    assert alignment.usable == 1.0


def test_what_a_song_lacks_at_its_end_is_unvoiced():
    contour = Contour(torch.full((101,), 200.0), torch.ones(101), 0.010)
    lags = torch.tensor([0.5, 0.5], dtype=torch.float64)
    put = realigned(contour, Alignment(torch.tensor([0.2, 0.8], dtype=torch.float64), lags, 1.0, 1.2))
    assert len(put.pitch) == 121
    assert put.voicing[:51].all()
    assert not put.voicing[51:].any()
    early = realigned(contour, Alignment(torch.tensor([0.2, 0.8], dtype=torch.float64), -lags, 1.0, 1.2))
    assert not early.voicing[:49].any()
    assert early.voicing[51:].all()
    nothing = realigned(Contour(torch.zeros(0), torch.zeros(0), 0.010), Alignment(torch.zeros(0), lags[:0], 0.0, 1.2))
    assert len(nothing.pitch) == 121
    assert not nothing.voicing.any()


def test_a_drift_is_gradual_and_a_jump_is_not():
    times = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    alignment = Alignment(times, torch.tensor([0.0, 0.08, 0.5], dtype=torch.float64), 1.0, 4.0)
    asked = torch.tensor([[0.0, 1.0, 1.5], [2.4, 2.6, 9.0]])
    assert alignment.lag_at(asked).flatten().tolist() == pytest.approx([0.0, 0.0, 0.04, 0.08, 0.5, 0.5])
    assert alignment.drift == 0.5

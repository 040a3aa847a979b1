"""The live pitch tracker: exact where the truth is known, the same however the sound comes in, and never too late."""

import math

import numpy as np
import pytest
import torch

from vocalise.audio.live_pitch import AHEAD, LivePitch
from vocalise.audio.pitch import Contour, contour_at
from vocalise.data.choir import compose, perform, singers

RATES = (16_000, 24_000, 44_100, 48_000)


def tone(hertz, rate, seconds=1.0, *, vibrato=0.0, decay=1.0):
    """Twelve harmonics, the n-th n^-decay as strong as the first; the wave, and the truth at the centres of columns."""
    time = np.arange(round(seconds * rate)) / rate
    true = hertz * 2.0 ** (vibrato / 1200.0 * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(true) / rate
    wave = sum(np.sin(n * phase) / n**decay for n in range(1, 13) if n * hertz * 1.1 < rate / 2)
    return (0.2 * wave).astype(np.float32), true[rate // 200 :: rate // 100]


def tracked(wave, rate, sizes=(1000,), **bounds):
    tracker, hop = LivePitch(rate, hop=rate // 100, **bounds), rate // 100
    parts, place, number = [], 0, 0
    wave = wave[: len(wave) // hop * hop]
    while place < len(wave):
        size = sizes[number % len(sizes)] * hop
        parts.append(tracker.push(wave[place : place + size])[0])
        place, number = place + size, number + 1
    return np.concatenate([*parts, tracker.finish()[0]])


def cents(found, true):
    return 1200.0 * np.log2(found / true)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [66.0, 82.4, 147.0, 220.0, 440.0, 784.0, 1000.0])
def test_a_steady_tone_is_found_to_two_cents_at_every_rate(hertz, rate):
    wave, true = tone(hertz, rate)
    inner = slice(4, -4)
    found = tracked(wave, rate)
    assert len(found) == len(true) == 100
    assert (found[inner] > 0).all()
    assert np.abs(cents(found[inner], true[inner])).max() < 2.0


@pytest.mark.parametrize("hertz", [90.0, 220.0, 700.0])
def test_a_vibrato_is_followed_without_delay(hertz):
    wave, true = tone(hertz, 16_000, 2.0, vibrato=70.0)
    error = cents(tracked(wave, 16_000)[5:-5], true[5:-5])
    assert np.median(np.abs(error)) < 3.0 and np.abs(error).max() < 15.0


@pytest.mark.parametrize("strong", [2, 3, 4])
def test_a_strong_harmonic_is_not_taken_for_the_pitch(strong):
    time = np.arange(16_000) / 16_000
    wave = sum((8.0 if n == strong else 1.0) * np.sin(2 * np.pi * 150 * n * time) for n in range(1, 13))
    found = tracked((0.02 * wave).astype(np.float32), 16_000)[4:-4]
    assert np.abs(cents(found, 150.0)).max() < 5.0


@pytest.mark.parametrize("sizes", [(1,), (2, 7, 1)])
def test_it_does_not_matter_how_the_sound_comes_in(sizes):
    wave, _ = tone(300.0, 24_000, 0.7, vibrato=50.0)
    wave += 0.02 * np.random.default_rng(0).standard_normal(len(wave)).astype(np.float32)
    wave[4000:6000] = 0.0
    assert np.array_equal(tracked(wave, 24_000, sizes), tracked(wave, 24_000))


def test_a_column_is_known_one_column_later_and_nothing_after_that_changes_it():
    rate, hop = 16_000, 160
    wave, _ = tone(300.0, rate, 0.5)
    other = wave.copy()
    other[30 * hop :] = 0.3 * np.random.default_rng(1).standard_normal(20 * hop)
    one, two = LivePitch(rate, hop=hop), LivePitch(rate, hop=hop)
    first, voicing = one.push(wave[: 30 * hop])
    assert len(first) == len(voicing) == 30 - AHEAD
    assert np.array_equal(two.push(other[: 30 * hop])[0], first)
    assert not np.array_equal(one.push(wave[30 * hop :])[0], two.push(other[30 * hop :])[0])


def test_silence_noise_an_offset_and_what_is_far_below_the_singing_have_no_pitch():
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(32_000).astype(np.float32)
    assert not tracked(np.zeros(8000, np.float32), 16_000).any()
    assert not tracked(np.full(8000, 0.5, np.float32), 16_000)[3:-3].any()
    assert (tracked(noise, 16_000) > 0).mean() < 0.02
    loud, _ = tone(220.0, 16_000)
    faint, _ = tone(110.0, 16_000)
    found = tracked(np.concatenate([loud, 1e-3 * faint]), 16_000)
    assert (found[5:95] > 0).all() and not found[105:].any()


def test_a_whistling_breath_is_no_voice():
    rng = np.random.default_rng(0)
    noise, ringing = rng.standard_normal(32_000), np.zeros(32_000)
    radius, angle = math.exp(-math.pi * 120 / 16_000), 2 * math.pi * 750 / 16_000  # a resonance 120 Hz wide
    for n in range(2, len(noise)):
        ringing[n] = noise[n] + 2 * radius * math.cos(angle) * ringing[n - 1] - radius**2 * ringing[n - 2]
    found = tracked((0.01 * ringing).astype(np.float32), 16_000)
    assert (found > 0).mean() < 0.3  # nearly all of it, by one period alone


def test_the_choir_is_tracked_as_a_tracker_that_hears_whole_songs_tracks_it():
    song = compose(1.0, 3)[0]
    for singer in (singers(6)[0], singers(6)[3]):
        sung = perform(song, singer, 16_000)
        found = tracked(sung.wave.numpy(), 16_000)
        times = (torch.arange(len(found)) + 0.5) * 0.01
        true = contour_at(Contour(sung.pitch, sung.voicing, 0.005), times)[0].numpy()
        voiced, both = true > 0, (true > 0) & (found > 0)
        near = np.abs(cents(found[both], true[both])) < 50.0
        assert near.sum() / voiced.sum() > 0.93
        assert np.median(np.abs(cents(found[both], true[both]))) < 2.0
        assert (np.abs(cents(found[both], true[both])) > 300.0).mean() < 0.01
        assert (found[~voiced] > 0).mean() < 0.1


@pytest.mark.parametrize("bounds", [{"low": 30.0}, {"high": 9000.0}, {"low": 500.0, "high": 400.0}])
def test_bounds_that_a_frame_cannot_hold_are_refused(bounds):
    with pytest.raises(ValueError, match="tracked from"):
        LivePitch(16_000, hop=160, **bounds)


def test_a_broken_block_is_refused_and_an_empty_one_is_not():
    tracker = LivePitch(16_000, hop=160)
    with pytest.raises(ValueError, match="160"):
        tracker.push(np.zeros(100, np.float32))
    assert len(tracker.push(np.zeros(0, np.float32))[0]) == 0 == len(tracker.finish()[0])

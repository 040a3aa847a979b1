"""The taught listener: words are kept or lost, whoever sings; and what was learnt is kept, too.

One small listener is taught for all these tests, so that bounds here are wider than those of the real one, which is
taught by 80 lessons.
"""

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import pyworld
import torch
from torch.nn import functional as F

from tests.evaluation.conftest import LESSONS
from vocalise.audio.files import resample
from vocalise.audio.spectrum import mfcc
from vocalise.data.choir import PRESETS, perform
from vocalise.data.choir.score import arrange
from vocalise.data.choir.tunes import TUNES
from vocalise.evaluation.content import listener as listener_module
from vocalise.evaluation.content import phone_listener, teaching
from vocalise.evaluation.content.sounds import SOUNDS

RATE = 16_000
ADA, BRUNO, CLARA, FELIX = (PRESETS[place] for place in (0, 1, 2, 5))


def song(number, seconds=12.0):
    """A song of words that nobody has ever sung."""
    tune = TUNES[number % len(TUNES)]
    return arrange(tune, seconds, np.random.default_rng([2024, number]), name=f"unheard-{number}", worded=False)


@cache
def sung(number, singer, seconds=12.0):
    return perform(song(number, seconds), singer, RATE)


def world(performance, *, envelope=None, whispered=False):
    """A performance taken apart and put together by WORLD, with another envelope or without a voice."""
    wave = performance.wave.double().numpy()
    pitch = performance.pitch.double().numpy()
    times = np.arange(len(pitch)) * 0.005
    spectra = pyworld.cheaptrick(wave, pitch, times, RATE)
    noise = np.ones_like(spectra) if whispered else pyworld.d4c(wave, pitch, times, RATE)
    if envelope is not None:
        spectra = np.ascontiguousarray(envelope(spectra))
    made = pyworld.synthesize(np.zeros_like(pitch) if whispered else pitch, spectra, noise, RATE, 5.0)
    return torch.from_numpy(made[: len(wave)]).float()


def test_a_copy_keeps_everything_at_any_level_and_upside_down(listener):
    wave = sung(0, ADA).wave
    for copy in (wave, 0.05 * wave, -wave):
        found = listener.compare(wave, copy, RATE)
        assert found.distance == pytest.approx(0.0, abs=0.01) and found.kept == 1.0
        assert found.same == listener.same < 0.3 < found.unrelated - 0.2


def test_another_singer_of_the_song_keeps_nearly_all_and_another_song_nothing(listener):
    waves = [sung(0, singer).wave for singer in (ADA, BRUNO, CLARA, FELIX)]
    kept = [listener.compare(one, other, RATE).kept for one, other in itertools.permutations(waves, 2)]
    assert sum(kept) / len(kept) > 0.85 and min(kept) > 0.6
    for singer, wave in zip((ADA, BRUNO), waves, strict=False):
        assert listener.compare(wave, sung(1, singer).wave, RATE).kept < 0.15


def test_pieces_of_three_seconds_tell_the_same_words_from_others(listener):
    waves = [sung(2, singer, 15.0).wave.split(3 * RATE) for singer in (ADA, BRUNO, CLARA)]
    same, others = [], []
    for one, other in itertools.permutations(waves, 2):
        for place, piece in enumerate(one):
            same.append(listener.distance(piece, other[place], RATE))
            others.append(listener.distance(piece, other[(place + 2) % len(other)], RATE))
    better = np.mean(np.array(same)[:, None] < np.array(others)[None])
    assert better >= 0.98


def test_a_whisper_keeps_the_words(listener):
    performance = sung(0, BRUNO)
    assert listener.compare(performance.wave, world(performance, whispered=True), RATE).kept > 0.75


def test_one_vowel_held_throughout_keeps_little(listener):
    performance = sung(0, ADA)

    def held(spectra):
        loudest = spectra[spectra.sum(axis=1).argmax()]
        return loudest / loudest.sum() * spectra.sum(axis=1, keepdims=True)

    assert listener.compare(performance.wave, world(performance), RATE).kept > 0.9
    assert listener.compare(performance.wave, world(performance, envelope=held), RATE).kept < 0.3


def test_noise_silence_and_a_hum_of_the_right_pitch_and_loudness_keep_nothing(listener):
    performance = sung(0, FELIX)
    wave = performance.wave
    loudness = F.avg_pool1d(wave.square()[None, None], 801, 1, 400)[0, 0].sqrt()
    noise = torch.randn(len(wave), generator=torch.Generator().manual_seed(1))
    pitch = torch.from_numpy(
        np.interp(np.arange(len(wave)) / RATE, np.arange(len(performance.pitch)) * 0.005, performance.pitch)
    )
    hum = torch.sin(2.0 * math.pi * torch.cumsum(pitch, 0) / RATE).float() * loudness
    for cheat in (0.1 * noise, noise * loudness, torch.zeros_like(wave), hum, wave[:0]):
        assert listener.compare(wave, cheat, RATE).kept < 0.3


def test_what_is_late_by_twenty_milliseconds_is_forgiven(listener):
    wave = sung(0, CLARA).wave
    assert listener.compare(wave, wave.roll(RATE // 50), RATE).kept == 1.0
    assert listener.compare(wave, wave.roll(RATE // 3), RATE).kept < 0.5


def test_a_slower_performance_is_near_once_it_is_warped(listener):
    quick, slow = (perform(slowed(song(0, 6.0), factor), ADA, RATE).wave for factor in (1.0, 1.25))
    assert listener.distance(quick, slow, RATE, warped=True) < 0.5 * listener.distance(quick, slow, RATE)
    assert listener.distance(quick, slow, RATE, warped=True) < listener.distance(
        quick, sung(1, ADA, 6.0).wave, RATE, warped=True
    )


def slowed(one, factor):
    notes = tuple(replace(note, start=factor * note.start, stop=factor * note.stop) for note in one.notes)
    return replace(one, notes=notes, seconds=factor * one.seconds)


def test_nothing_is_said_of_what_is_silent_too_short_or_one_vowel(listener):
    wave = sung(0, ADA).wave
    silent = listener.compare(torch.zeros(2 * RATE), wave, RATE)
    assert math.isnan(silent.distance) and math.isnan(silent.kept)
    for short in (wave[:0], wave[:80], wave[RATE // 2 : RATE]):
        assert math.isnan(listener.compare(short, short, RATE).kept)
    times = torch.arange(4 * RATE) / RATE
    vowel = sum(torch.sin(2.0 * math.pi * 150.0 * k * times) / k for k in range(1, 30)) * 0.1
    assert math.isnan(listener.compare(vowel, vowel, RATE).kept)


def test_hearing_is_a_distribution_at_every_hundredth_and_the_same_at_every_rate(listener):
    wave = sung(3, ADA, 4.0).wave
    heard = listener.hear(wave, RATE)
    assert heard.shape == (len(SOUNDS), 401)
    assert torch.allclose(heard.exp().sum(dim=0), torch.ones(401), atol=1e-5)
    assert listener.distance(wave, wave, RATE) == pytest.approx(0.0, abs=1e-3)
    at_44 = listener.hear(resample(wave, RATE, 44_100), 44_100)
    assert float((at_44.exp() - heard.exp()).abs().mean()) < 0.01


def test_a_long_song_is_heard_in_pieces_as_it_is_in_one(listener, monkeypatch):
    wave = sung(3, BRUNO, 4.0).wave
    whole = listener.hear(wave, RATE)
    monkeypatch.setattr(listener_module, "_PIECE", 90)
    assert torch.allclose(listener.hear(wave, RATE), whole, atol=1e-4)


def test_syllables_are_told_far_above_chance_and_by_chance_in_noise(listener):
    performances = [sung(number, singer, 15.0) for number, singer in ((4, ADA), (5, BRUNO))]
    told = [listener.recognise(one.wave, RATE, one.syllables) for one in performances]
    assert sum(one.share for one in told) / len(told) > 0.3
    assert all(one.chance < 0.1 and one.count > 10 for one in told)
    noise = 0.1 * torch.randn(len(performances[0].wave), generator=torch.Generator().manual_seed(0))
    deaf = listener.recognise(noise, RATE, performances[0].syllables)
    assert abs(deaf.share - deaf.chance) < 0.1


def singers_found(seen, cast, learnt, tested, seconds=9.0):
    """How often the nearest mean of three-second averages tells who sings, in songs that it was not made from."""

    def averages(number, singer):
        wave = sung(number, singer, seconds).wave
        return torch.stack([seen(piece).mean(dim=1) for piece in wave.split(3 * RATE)])

    points = [torch.cat([averages(number, one) for number in learnt]) for one in cast]
    means = torch.stack([one.mean(dim=0) for one in points])
    spread = torch.cat([one - one.mean(dim=0) for one in points]).square().mean(dim=0).sqrt() + 1e-3
    right = [
        float((((point - means) / spread).square().sum(dim=1).argmin() == place).item())
        for place, one in enumerate(cast)
        for number in tested
        for point in averages(number, one)
    ]
    return sum(right) / len(right)


def cepstra(wave):
    return mfcc(wave, RATE)[1:]


def test_the_singer_is_hardly_found_in_what_is_heard(listener):
    by_cepstra = singers_found(cepstra, PRESETS[:4], (6, 7), (9,))
    by_listener = singers_found(lambda wave: listener.hear(wave, RATE).exp(), PRESETS[:4], (6, 7), (9,))
    assert by_cepstra > 0.8
    assert by_listener < 0.6 * by_cepstra


@pytest.mark.slow
def test_the_listener_that_users_get_does_what_is_promised_of_it():
    listener = phone_listener()
    asked = told = 0
    for number, singer in itertools.product((11, 12, 13, 14), PRESETS):
        one = sung(number, singer, 20.0)
        found = listener.recognise(one.wave, RATE, one.syllables)
        assert found.chance < 0.1
        asked, told = asked + found.count, told + found.share * found.count
    assert told / asked > 0.75

    pieces = [sung(15, singer, 15.0).wave.split(3 * RATE) for singer in PRESETS]
    same = [
        listener.distance(a, b, RATE) for x, y in itertools.permutations(pieces, 2) for a, b in zip(x, y, strict=True)
    ]
    others = [
        listener.distance(a, b, RATE)
        for x, y in itertools.permutations(pieces, 2)
        for a, b in zip(x, y[2:], strict=False)
    ]
    assert np.mean(np.array(same)[:, None] < np.array(others)[None]) > 0.98

    by_cepstra = singers_found(cepstra, PRESETS, (16, 17, 18), (19, 20))
    by_listener = singers_found(lambda wave: listener.hear(wave, RATE).exp(), PRESETS, (16, 17, 18), (19, 20))
    assert by_cepstra > 0.6 and by_listener < 0.35


def test_what_was_learnt_is_kept_and_a_damaged_entry_is_learnt_again(listener, kept_in, monkeypatch):
    wave = sung(3, ADA, 3.0).wave
    taught = []
    monkeypatch.setattr(teaching, "_teach", lambda takes, seed, progress: taught.append(takes) or untaught())

    def untaught():
        return listener, torch.zeros(3)

    again = phone_listener(kept_in, takes=LESSONS)
    assert not taught and again.same == listener.same
    assert torch.equal(again.hear(wave, RATE), listener.hear(wave, RATE))
    assert phone_listener(kept_in, takes=LESSONS, seed=1) is listener and taught == [LESSONS]
    entry = next(path for path in kept_in.folder.rglob("*.npy") if path.stat().st_size > 10_000)
    entry.write_bytes(entry.read_bytes()[:-8] + b"\1" * 8)
    phone_listener(kept_in, takes=LESSONS)
    assert taught == [LESSONS, LESSONS]
    phone_listener(None, takes=LESSONS)
    assert len(taught) == 3

"""The choir: physics of the voice, the truth beside each file, and singers who differ while keeping together."""

import csv
from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import soundfile
import torch
from scipy.linalg import solve_toeplitz

from vocalise.data.choir import PRESETS, Performance, compose, perform, render_choir, singers
from vocalise.data.choir.diction import articulate
from vocalise.data.choir.gestures import Gestures
from vocalise.data.choir.glottis import pulse_series, pulse_shape
from vocalise.data.choir.phonemes import GROUP_TRACTS, HILLENBRAND, PETERSON_BARNEY, VOWELS, spell
from vocalise.data.choir.score import draw_syllable
from vocalise.data.choir.singers import Singer
from vocalise.data.choir.tract import bandwidths
from vocalise.data.choir.tunes import TUNES
from vocalise.data.choir.voice import Clock, Voice
from vocalise.errors import CorpusError

RATE = 16_000
ADA, BRUNO = PRESETS[:2]


@cache
def short(name: str) -> Performance:
    """A song of six seconds, by a preset."""
    return perform(compose(0.2)[1], next(singer for singer in PRESETS if singer.name == name), RATE)


def held(singer: Singer, formants: np.ndarray, pitch: float, rate: int, seconds: float = 0.5) -> np.ndarray:
    """A vowel on one note without jitter, breath or movement."""
    step = rate // 400
    frames = round(400 * seconds) + 1

    def still(value):
        return np.full(frames, float(value))

    gestures = Gestures(
        pitch=still(pitch),
        voice=still(1),
        breath=still(0),
        hisses={},
        formants=np.tile(formants, (frames, 1)),
        widths=np.tile(bandwidths(formants), (frames, 1)),
        zero=still(1000 * singer.scale),
        rd=still(singer.rd),
    )
    clock = Clock(rate, step, frames, (frames - 1) * step)
    return Voice(replace(singer, roughness=0.0), rate).sing(gestures, clock, np.random.default_rng(0))


def resonances(wave: np.ndarray, rate: int) -> np.ndarray:
    """Formants by linear prediction, Hz, rising: an analysis that knows nothing of the synthesis."""
    wave = np.append(0, np.diff(wave)) * np.hanning(len(wave))
    lags = np.correlate(wave, wave, "full")[len(wave) - 1 :]
    poles = np.roots([1, *-solve_toeplitz(lags[:18], lags[1:19])])
    poles = poles[(poles.imag > 0) & (abs(poles) > 0.9)]
    found = np.sort(np.angle(poles) * rate / (2 * np.pi))
    return found[found > 180]


@pytest.mark.parametrize("rd", [0.35, 1.0, 2.6])
def test_pulse_series_is_the_spectrum_of_the_lf_pulse(rd):
    te, ta, wg, alpha, epsilon = pulse_shape(rd)
    t = np.arange(1 << 14) / (1 << 14)
    opened = -np.exp(alpha * (t - te)) * np.sin(wg * t) / np.sin(wg * te)
    closed = -(np.exp(-epsilon * (t - te)) - np.exp(-epsilon * (1 - te))) / (epsilon * ta)
    flow_derivative = np.where(t < te, opened, closed)
    k = np.arange(1, 65)
    wanted = (np.fft.fft(flow_derivative) / len(t))[1:65] * np.exp(2j * np.pi * k * te)
    assert abs(flow_derivative.mean()) < 1e-6  # the folds close: no net flow derivative
    assert np.allclose(pulse_series(rd, 64), wanted, atol=1e-6)


@pytest.mark.parametrize("singer", singers(48), ids=lambda singer: singer.name)
def test_vowel_formants_lie_within_the_published_range(singer):
    for vowel in VOWELS:
        published = np.array([table[vowel] for table in (PETERSON_BARNEY, HILLENBRAND) if vowel in table], dtype=float)
        # The studies' group means, scaled from each group's tract to this one; a person may leave their range by 5 %.
        scaled = published * (GROUP_TRACTS / singer.tract)[None, :, None]
        low, high = scaled.min((0, 1)), scaled.max((0, 1))
        formants = singer.vowel(vowel)
        assert (formants[:3] > 0.95 * low).all()
        assert (formants[:3] < 1.05 * high).all()
        assert (np.diff(formants) > 0).all()


@pytest.mark.parametrize("singer", PRESETS[:6], ids=lambda singer: singer.name)
def test_sung_vowels_are_recognised_by_their_published_formants(singer):
    group = int(np.argmin(abs(GROUP_TRACTS - singer.tract)))
    tables = {name: np.log(VOWELS[name][group]) for name in VOWELS}
    right = 0
    for vowel in tables:
        measured = resonances(held(singer, singer.vowel(vowel), 90.0, RATE, 0.2)[800:], RATE)[:3]
        measured = np.log(measured * singer.tract / GROUP_TRACTS[group])
        right += vowel == min(tables, key=lambda name: float(np.sum((tables[name] - measured) ** 2)))
    assert right >= 11  # of twelve


def test_no_harmonic_folds_back_at_the_nyquist_rate():
    pitch = 437.5  # 0.4 s hold a whole number of cycles and of bins of 2.5 Hz
    wave = held(ADA, ADA.vowel("AA"), pitch, RATE)[800:7200]
    power = abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / RATE)
    between = abs((hertz + pitch / 2) % pitch - pitch / 2) > 20
    assert 10 * np.log10(power[between].max() / power.max()) < -75
    assert power[~between].sum() > 0.999 * power.sum()


def test_a_vowel_is_the_same_at_every_rate():
    low, high = (held(BRUNO, BRUNO.vowel("EH"), 125.0, rate) for rate in (16_000, 48_000))
    low, high = (abs(np.fft.rfft(wave[len(wave) // 5 :])) / len(wave) for wave in (low, high))
    lines = slice(50, 2401, 50)  # 125 Hz apart in bins of 2.5 Hz, up to 6 kHz
    assert np.allclose(low[lines], high[lines], rtol=0.02)


def test_singers_keep_together_and_high_ones_sing_an_octave_above():
    low, high = short("Bruno"), short("Ada")
    assert low.syllables == high.syllables
    assert low.wave.shape == high.wave.shape == (6 * RATE,)
    both = (low.voicing * high.voicing).bool()
    assert both.float().mean() > 0.6
    assert (low.voicing == high.voicing).float().mean() > 0.99
    cents = 1200 * torch.log2(high.pitch[both] / low.pitch[both]) - 1200
    assert abs(float(cents.median())) < 15
    assert float(cents.abs().median()) > 1  # each with a vibrato of its own


@pytest.mark.parametrize("name", ["Ada", "Bruno", "Felix"])
def test_true_contour_is_the_pitch_that_is_heard(name):
    sung = short(name)
    wave, pitch = sung.wave.numpy(), sung.pitch.numpy()
    errors = []
    for frame in range(20, len(pitch) - 20, 4):
        if (
            not sung.voicing[frame - 10 : frame + 11].all()
            or np.ptp(pitch[frame - 10 : frame + 11]) > 0.02 * pitch[frame]
        ):
            continue
        piece = wave[frame * 80 - 640 : frame * 80 + 640]  # 80 ms, its autocorrelation near the true period
        lags = np.arange(int(0.9 * RATE / pitch[frame]), int(1.1 * RATE / pitch[frame]) + 2)
        match = np.array([np.dot(piece[:-lag], piece[lag:]) / (len(piece) - lag) for lag in lags])
        best = int(np.clip(match.argmax(), 1, len(lags) - 2))
        left, top, right = match[best - 1 : best + 2]
        period = lags[best] + 0.5 * (left - right) / (left - 2 * top + right)
        errors.append(1200 * np.log2(RATE / period / pitch[frame]))
    assert len(errors) > 60
    assert np.median(np.abs(errors)) < 12
    assert np.mean(np.abs(errors) < 50) > 0.95  # consonants blur a window of 80 ms here and there


@pytest.mark.parametrize("name", ["Ada", "Bruno", "Elin"])
def test_wave_is_finite_unclipped_and_free_of_offset_and_clicks(name):
    wave = short(name).wave
    assert wave.dtype == torch.float32
    assert bool(torch.isfinite(wave).all())
    assert 0.69 < float(wave.abs().max()) < 0.71
    assert abs(float(wave.mean())) < 1e-3
    assert float(wave[: RATE // 100].abs().max()) < 0.01
    assert float(wave[-RATE // 20 :].abs().max()) < 0.01
    assert float(wave.diff(2).abs().max()) < 0.7  # a click would jump by its own size


def test_pauses_are_quiet_and_vowels_are_not():
    sung = short("Bruno")
    levels = 10 * torch.log10(sung.wave[: 1199 * 80].reshape(-1, 80).square().mean(1) + 1e-12)
    assert float(levels[sung.voicing[:1199].bool()].median()) > -25
    assert float(levels.quantile(0.02)) < -65


@pytest.mark.parametrize(("rate", "seconds"), [(16_000, 6), (22_050, 6), (44_100, 6), (48_000, 6)])
def test_every_rate_gives_the_whole_song_and_its_contour(rate, seconds):
    sung = perform(compose(0.2)[0], ADA, rate)
    assert len(sung.wave) == seconds * rate
    assert len(sung.pitch) == len(sung.voicing) == seconds * 200 + 1
    assert bool(((sung.pitch > 0) == sung.voicing.bool()).all())
    assert float(sung.wave.abs().max()) < 0.72


def test_same_seed_same_samples_and_another_seed_other_ones():
    song = compose(0.1, 3)[0]
    assert torch.equal(perform(song, BRUNO, RATE, 5).wave, perform(song, BRUNO, RATE, 5).wave)
    assert not torch.equal(perform(song, BRUNO, RATE, 5).wave, perform(song, BRUNO, RATE, 6).wave)
    assert compose(0.5, 1) == compose(0.5, 1) != compose(0.5, 2)


@pytest.mark.parametrize(("minutes", "least"), [(0.1, 2), (0.9, 2), (1.0, 4), (3.0, 4), (12.0, 16)])
def test_songs_share_out_the_minutes_and_no_two_are_equal(minutes, least):
    songs = compose(minutes)
    assert len(songs) >= least
    assert sum(song.seconds for song in songs) == pytest.approx(60 * minutes)
    assert len({song.name for song in songs}) == len({song.notes for song in songs}) == len(songs)
    for song in songs:
        assert song.notes[0].start > 0.2
        assert song.notes[-1].stop < song.seconds
        assert all(before.stop <= after.start + 1e-9 for before, after in pairwise(song.notes))
        pitches = [note.pitch for note in song.notes]
        assert min(pitches) >= 40
        assert max(pitches) <= 65


def test_segments_tile_the_song_and_syllables_follow_each_other():
    for song in compose(3.0, 4):
        segments, syllables = articulate(song)
        assert segments[0].start == 0
        assert segments[-1].stop == song.seconds
        assert all(before.stop == pytest.approx(after.start, abs=1e-9) for before, after in pairwise(segments))
        assert all(before.stop <= after.start + 1e-9 for before, after in pairwise(syllables))
        assert [s.text for s in syllables] == [note.text for note in song.notes if note.sounds]


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.slug)
def test_every_tune_says_where_it_comes_from_and_fits_its_words(tune):
    assert any(character.isdigit() for character in tune.origin)
    for notes, words, sounds in tune.phrases:
        assert len(words.split()) == len(sounds.split())
        assert len(words.split()) in (0, len(notes.split()))
        for syllable in sounds.split():
            assert syllable == "_" or spell(syllable)[1]


def test_drawn_syllables_can_be_spelled():
    rng = np.random.default_rng(0)
    for text, sounds in (draw_syllable(rng) for _ in range(300)):
        assert text.isalpha()
        assert spell(sounds)[0]


def test_choir_lies_in_folders_with_the_truth_beside_each_file(tmp_path):
    shares = []
    render_choir(tmp_path / "a", singers=2, minutes=0.15, seed=7, progress=shares.append)
    render_choir(tmp_path / "b", singers=2, minutes=0.15, seed=7)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*"))
    assert len(files) == 2 * 2 * 3
    assert {file.parts[0] for file in files} == {"Ada", "Bruno"}
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    song = compose(0.15, 7)[0]
    facts = soundfile.info(tmp_path / "a" / "Ada" / f"{song.name}.wav")
    assert (facts.samplerate, facts.channels, facts.frames, facts.subtype) == (16_000, 1, 72_000, "PCM_16")
    with (tmp_path / "a" / "Ada" / f"{song.name}.pitch.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    truth = perform(song, ADA, RATE, 7)
    assert [float(row["time_s"]) for row in rows] == pytest.approx(np.arange(901) * 0.005)
    assert [float(row["pitch_hz"]) for row in rows] == pytest.approx(truth.pitch.numpy(), abs=1e-3)
    assert [float(row["voiced"]) for row in rows] == truth.voicing.tolist()
    with (tmp_path / "a" / "Ada" / f"{song.name}.syllables.csv").open(encoding="utf-8") as table:
        assert [row["syllable"] for row in csv.DictReader(table)] == [s.text for s in truth.syllables]


def test_singers_beyond_the_presets_have_names_of_their_own():
    cast = singers(30, seed=1)
    assert len({singer.name for singer in cast}) == 30
    assert cast[:12] == PRESETS
    assert cast == singers(30, seed=1) != singers(30, seed=2)


@pytest.mark.parametrize(
    ("numbers", "named"), [({"singers": 0}, "1 to"), ({"minutes": 0.0}, "0.1 to"), ({"rate": 8000}, "16000 to")]
)
def test_numbers_out_of_range_are_refused_with_the_range(tmp_path, numbers, named):
    with pytest.raises(CorpusError, match=named):
        render_choir(tmp_path, **{"singers": 1, "minutes": 0.1, **numbers})


@pytest.mark.parametrize("syllable", ["L.QQ", "S.T", "AA.IY"])
def test_a_syllable_that_cannot_be_sung_is_refused(syllable):
    with pytest.raises(CorpusError):
        spell(syllable)

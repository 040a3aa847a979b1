"""Judges: what they learn, from what, and what they make of silence, of scraps and of other microphones."""

import json
import math
from dataclasses import replace

import pytest
import torch

from vocalise.audio.files import write_wave
from vocalise.audio.spectrum import stft
from vocalise.data.choir import compose, perform, singers
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.errors import ConfigError
from vocalise.evaluation.judge import KINDS, examine, train_judges
from vocalise.evaluation.judge.hearing import BAND, FULL
from vocalise.evaluation.judge.network import Classifier
from vocalise.evaluation.judge.rooms import NOISE, elsewhere

RATE = 16_000
CAST = singers(4)
SONGS = compose(1.5, 7)
GAUSSIANS = ("gaussian", "gaussian-band")
MICROPHONES = ((4500.0, -45.0), (7600.0, -70.0), (5400.0, -58.0), (6400.0, -50.0))  # Hz, dB below the loudest frames


def microphone(wave, number: int):
    """A recording with a bandwidth and a noise floor of the microphone's own, and a tilt beyond 4 kHz."""
    cut, floor = MICROPHONES[number]
    rng = torch.Generator().manual_seed(number)
    loud = float(stft(wave, size=512, hop=160).abs().square().sum(0).quantile(0.95))
    noise = torch.randn(wave.shape[-1], generator=rng) * math.sqrt(loud / 2) * 10 ** (floor / 20)
    spectrum = torch.fft.rfft(wave + noise)
    hertz = torch.linspace(0, RATE / 2, len(spectrum))
    gain = 10 ** (-3.0 * (number - 1.5) * (hertz / 4000).clamp(min=1).log2() / 20)
    return torch.fft.irfft(spectrum * gain * (hertz < cut), wave.shape[-1])


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    """Four singers, some songs each, as waves."""
    return {one.name: {song.name: perform(song, one).wave for song in SONGS} for one in CAST}


def corpus_of(folder, waves):
    for name, songs in waves.items():
        for song, wave in songs.items():
            path = folder / name / f"{song}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wave(path, wave, RATE, subtype="PCM_16")
    prepared = prepare(Corpus.open(folder))
    return prepared, prepared.corpus.split(0.25)


@pytest.fixture(scope="module")
def lesson(choir, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOCALISE_CACHE", str(tmp_path_factory.mktemp("judging")))
        yield corpus_of(tmp_path_factory.mktemp("choir"), choir)


@pytest.fixture(scope="module")
def gaussians(lesson):
    return train_judges(*lesson, kinds=GAUSSIANS)


def test_singers_are_told_apart_on_songs_never_heard(lesson, gaussians):
    prepared, split = lesson
    for judge in gaussians:
        found = examine(judge, prepared, split.held_out)
        assert found.disjoint and found.judge == judge.name and found.persons == prepared.singers
        assert found.accuracy >= 0.95, found
        assert found.pieces == sum(map(sum, found.confusion)) > 10


def test_songs_that_were_learnt_from_are_not_called_disjoint(lesson, gaussians):
    prepared, split = lesson
    assert not examine(gaussians[0], prepared, split.train).disjoint


def test_probabilities_of_every_piece_add_up_to_one(gaussians, choir):
    wave = choir["Ada"][SONGS[0].name][: 9 * RATE]
    for judge in gaussians:
        heard = judge.hear(wave, RATE)
        assert heard.shape == (5, 4)  # pieces of 3 s, every 1.5 s, of 9 s
        assert torch.allclose(heard.sum(1), torch.ones(5), atol=1e-5)


def test_a_wave_at_another_rate_or_level_is_heard_alike(gaussians, choir):
    from vocalise.audio.resampling import resample

    wave = choir["Bruno"][SONGS[0].name][: 6 * RATE]
    for judge in gaussians:
        heard = judge.hear(wave, RATE)
        assert torch.allclose(judge.hear(0.05 * wave, RATE), heard, atol=1e-3)
        assert torch.equal(judge.hear(resample(wave, RATE, 44_100), 44_100).argmax(1), heard.argmax(1))


@pytest.mark.parametrize("samples", [0, 1, 160, 5 * RATE])
def test_silence_is_nobody(gaussians, samples):
    for judge in gaussians:
        assert judge.hear(torch.zeros(samples), RATE).shape == (0, 4)


def test_what_is_shorter_than_a_piece_is_one_piece_and_no_number_is_no_sound(gaussians, choir):
    wave = choir["Ada"][SONGS[0].name]
    loud = int(wave.abs().argmax())
    short = wave[max(0, loud - RATE // 2) : loud + RATE // 2]
    assert gaussians[0].hear(short, RATE).shape == (1, 4)
    assert gaussians[0].hear(torch.full((RATE,), math.nan), RATE).shape == (0, 4)


def test_a_judge_that_was_made_before_is_read_and_a_damaged_one_made_again(lesson, gaussians, choir):
    prepared, split = lesson
    wave = choir["Clara"][SONGS[0].name][: 5 * RATE]
    said = []
    again = train_judges(prepared, split, kinds=GAUSSIANS, progress=lambda *told: said.append(told))
    assert [judge.persons for judge in again] == [judge.persons for judge in gaussians]
    assert said[0][1:3] == (0, 2) and said[-1][1:3] == (2, 2)
    for path in (prepared.cache.folder / "judge").rglob("*.npy"):
        path.write_bytes(path.read_bytes()[:-4] + b"junk")
    mended = train_judges(prepared, split, kinds=GAUSSIANS)
    for old, read, new in zip(gaussians, again, mended, strict=True):
        assert torch.equal(old.hear(wave, RATE), read.hear(wave, RATE))
        assert torch.equal(old.hear(wave, RATE), new.hear(wave, RATE))
        assert old.learnt == read.learnt == new.learnt


def test_a_kept_judge_of_another_shape_is_made_again(lesson, gaussians, choir):
    prepared, split = lesson
    for note in (prepared.cache.folder / "judge").rglob("*.json"):
        key = note.stem
        prepared.cache.store("judge", key, prepared.cache.array("judge", key)[:-1].copy(), {"persons": ["a"]})
        assert json.loads(note.read_text().partition("\n")[2])["facts"] == {"persons": ["a"]}
    wave = choir["Dario"][SONGS[0].name][: 5 * RATE]
    for old, new in zip(gaussians, train_judges(prepared, split, kinds=GAUSSIANS), strict=True):
        assert torch.equal(old.hear(wave, RATE), new.hear(wave, RATE))


def test_two_names_of_one_person_are_one(lesson):
    prepared, split = lesson
    same = {"Clara": "Ada"}
    (judge,) = train_judges(prepared, split, same=same, kinds=("gaussian",))
    assert judge.persons == ("Ada", "Bruno", "Dario")
    assert examine(judge, prepared, split.held_out, same=same).accuracy >= 0.95


def test_nothing_but_what_is_to_be_learnt_from_is_learnt(lesson, gaussians):
    _, split = lesson
    trained = {(piece.recording.singer, piece.recording.song.casefold()) for piece in split.train}
    assert all(judge.learnt == trained for judge in gaussians)


def test_unknown_names_are_refused(lesson):
    prepared, split = lesson
    with pytest.raises(ConfigError, match="no judge 'oracle'"):
        train_judges(prepared, split, kinds=("oracle",))
    with pytest.raises(ConfigError, match="Zoe"):
        train_judges(prepared, split, same={"Zoe": "Ada"})


def test_one_person_has_no_judge(choir, tmp_path):
    prepared, split = corpus_of(tmp_path, {"Ada": choir["Ada"]})
    assert train_judges(prepared, split) == ()


def test_a_singer_of_seconds_is_left_out(choir, tmp_path):
    scrap = {"scrap": choir["Dario"][SONGS[0].name][: 4 * RATE]}
    prepared, split = corpus_of(tmp_path, {"Ada": choir["Ada"], "Bruno": choir["Bruno"], "Dario": scrap})
    judges = train_judges(prepared, split, kinds=GAUSSIANS)
    assert [judge.persons for judge in judges] == [("Ada", "Bruno")] * 2
    assert math.isnan(examine(judges[0], prepared, ()).accuracy)
    prepared, split = corpus_of(tmp_path / "two", {"Ada": choir["Ada"], "Dario": scrap})
    assert train_judges(prepared, split, kinds=GAUSSIANS) == ()


def test_syllables_are_learnt_from_though_none_lasts_a_piece(choir, tmp_path):
    syllables = {
        name: {f"{song}-{n}": part for song, wave in songs.items() for n, part in enumerate(wave.split(2 * RATE))}
        for name, songs in choir.items()
        if name in ("Ada", "Bruno")
    }
    prepared, split = corpus_of(tmp_path, syllables)
    (judge,) = train_judges(prepared, split, kinds=("gaussian",))
    assert judge.persons == ("Ada", "Bruno") and examine(judge, prepared, split.held_out).accuracy > 0.9


@pytest.fixture(scope="module")
def miked(choir, tmp_path_factory):
    """Judges who heard each singer through one microphone."""
    waves = {
        name: {song: microphone(wave, n) for song, wave in songs.items()}
        for n, (name, songs) in enumerate(choir.items())
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOCALISE_CACHE", str(tmp_path_factory.mktemp("miked-cache")))
        yield train_judges(*corpus_of(tmp_path_factory.mktemp("miked"), waves), kinds=GAUSSIANS)


def test_the_band_judge_hears_singers_where_the_full_one_hears_microphones(miked, lesson, choir):
    _, split = lesson
    held = {piece.recording.song for piece in split.held_out}
    right, followed = {}, {}
    for judge in miked:
        verdicts, truth, other = [], [], []
        for n, (name, songs) in enumerate(choir.items()):
            swapped = (n + 1) % len(CAST)
            for song in held:
                heard = judge.hear(microphone(songs[song], swapped), RATE).argmax(1)
                verdicts.append(heard)
                truth.append(torch.full_like(heard, judge.persons.index(name)))
                other.append(torch.full_like(heard, judge.persons.index(CAST[swapped].name)))
        said = torch.cat(verdicts)
        right[judge.name] = float((said == torch.cat(truth)).double().mean())
        followed[judge.name] = float((said == torch.cat(other)).double().mean())
    assert right["gaussian-band"] > 0.8 and followed["gaussian-band"] < 0.1
    assert right["gaussian"] < right["gaussian-band"] - 0.2


def test_the_band_judge_does_not_mind_a_narrow_noisy_microphone(lesson, gaussians, choir):
    _, split = lesson
    band = gaussians[1]
    held = {piece.recording.song for piece in split.held_out}
    waves = [songs[song] for songs in choir.values() for song in held]
    clean, miked = (torch.cat([band.hear(change(wave), RATE).argmax(1) for wave in waves]) for change in (
        lambda wave: wave, lambda wave: microphone(wave, 0),
    ))  # fmt: skip
    assert float((clean == miked).double().mean()) > 0.9


def noisy(wave, level: float = -30.0):
    """With white noise, in dB relative to the peak."""
    rng = torch.Generator().manual_seed(0)
    return wave + torch.randn(wave.shape[-1], generator=rng) * float(wave.abs().max()) * 10 ** (level / 20)


@pytest.mark.parametrize(("rooms", "right"), [(0, False), (BAND.rooms, True)])
def test_who_learnt_from_many_rooms_does_not_take_whoever_is_noisy_for_the_noisy_one(
    choir, tmp_path, monkeypatch, rooms, right
):
    monkeypatch.setenv("VOCALISE_CACHE", str(tmp_path / "cache"))
    hearings = {"": FULL, "-band": replace(BAND, rooms=rooms)}
    monkeypatch.setattr("vocalise.evaluation.judge.training._HEARINGS", hearings)
    first = CAST[0].name
    waves = {
        name: {song: noisy(wave) if name == first else wave for song, wave in songs.items()}
        for name, songs in choir.items()
    }
    prepared, split = corpus_of(tmp_path / "data", waves)
    (band,) = train_judges(prepared, split, kinds=("gaussian-band",))
    assert examine(band, prepared, split.held_out).accuracy > 0.95
    held = {piece.recording.song for piece in split.held_out}
    verdicts = {
        name: torch.cat([band.hear(noisy(songs[song]), RATE).argmax(1) for song in held])
        for name, songs in choir.items()
        if name != first
    }
    taken = torch.cat([heard == band.persons.index(first) for heard in verdicts.values()]).double().mean()
    known = torch.cat([heard == band.persons.index(name) for name, heard in verdicts.items()]).double().mean()
    assert (float(taken) < 0.05 and float(known) > 0.9) is right, (taken, known)


def test_another_room_leaves_the_loud_frames_and_fills_the_pauses():
    power = torch.cat([torch.full((24, 300), 2.0), torch.zeros(24, 300)], dim=1)
    for seed in range(20):
        there = elsewhere(power, torch.Generator().manual_seed(seed))
        assert there.shape == power.shape and torch.isfinite(there).all() and (there > 0).all()
        level = 10 * math.log10(float(there[:, 300:].sum(0).mean()) / float(power.sum(0).max()))
        assert NOISE[0] - 1.0 < level < NOISE[1] + 1.0
        moved = 10 * torch.log10(there[:, :300] / power[:, :300]).mean(dim=1)
        assert float(moved.abs().max()) < 8.0  # four deviations of the colour
    assert torch.equal(there, elsewhere(power, torch.Generator().manual_seed(seed)))
    assert not elsewhere(torch.zeros(24, 9), torch.Generator().manual_seed(0)).any()


def test_what_lies_outside_of_the_band_is_not_heard():
    time = torch.arange(4 * RATE) / RATE
    voice = sum(torch.sin(2 * math.pi * 220 * n * time) / n for n in range(1, 16))
    beyond = 0.3 * torch.sin(2 * math.pi * 6000 * time) + 0.3 * torch.sin(2 * math.pi * 60 * time)
    within = slice(10, -10)  # where they begin and end, sines have every frequency
    apart = {}
    for hearing in (BAND, FULL):
        changed, plain = (hearing.pieces(wave, RATE).cepstra[..., within] for wave in (voice + beyond, voice))
        apart[hearing] = float((changed - plain).abs().max())
    assert apart[BAND] < 0.5 and apart[FULL] > 10  # dB


def test_the_network_learns_and_leaves_chance_as_it_was(lesson, monkeypatch):
    prepared, split = lesson
    monkeypatch.setattr("vocalise.evaluation.judge.network.MOST", 100)
    monkeypatch.setattr("vocalise.evaluation.judge.network.MEMBERS", 2)
    monkeypatch.setattr("vocalise.evaluation.judge.network.CROP", 32)
    before, said = torch.random.get_rng_state(), []
    with torch.no_grad():
        (judge,) = train_judges(prepared, split, kinds=("network",), progress=lambda *told: said.append(told))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert any("validation" in told[3] for told in said if len(told) > 3)
    assert examine(judge, prepared, split.held_out).accuracy > 0.7
    (read,) = train_judges(prepared, split, kinds=("network",))
    wave = prepared.excerpt(split.held_out[0], 0, 6 * RATE)
    assert torch.allclose(read.hear(wave, RATE), judge.hear(wave, RATE), atol=1e-6)
    assert torch.equal(torch.random.get_rng_state(), before)
    one, other = (replace(judge, networks=(member,)).hear(wave, RATE) for member in judge.networks)
    assert not torch.equal(one, other)  # no two of a committee are one
    assert torch.allclose(judge.hear(wave, RATE), (one + other) / 2, atol=1e-6)
    shares = [told[1] for told in said if told[0] == "Teaching the judges"]
    assert shares == sorted(shares) and shares[-1] == 1


def test_the_net_has_the_published_shape_behind_its_convolutions():
    net = Classifier(20, 7)
    assert net.verdict[0].in_features == 320 and net(torch.randn(2, 20, 300)).shape == (2, 7)


def test_every_kind_is_made_unless_fewer_are_asked_for():
    assert KINDS == ("network", "network-band", "gaussian", "gaussian-band")

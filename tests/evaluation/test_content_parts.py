"""The parts of the listener: spelling, features, distance, forced syllables, the cache. None of it is taught here."""

import math

import numpy as np
import pytest
import torch

from vocalise.audio.files import resample
from vocalise.data.choir import PRESETS, Syllable, compose, perform, render_choir
from vocalise.data.choir.diction import articulate
from vocalise.errors import CorpusError
from vocalise.evaluation.content import read_syllables
from vocalise.evaluation.content.distance import mean_apart, mean_of_others
from vocalise.evaluation.content.features import features_of, power_of, sounding, spectrum_of
from vocalise.evaluation.content.lessons import spoiled, takes
from vocalise.evaluation.content.network import Network, train
from vocalise.evaluation.content.sounds import SILENCE, SOUNDS, lexicon, sounds_at, spelling
from vocalise.evaluation.content.syllables import told

RATE = 16_000
USUAL = torch.zeros(13)


def posteriors(places, *, sure=0.99):
    """Log posteriors (sounds, frames) of a listener who is rather sure of these sounds."""
    rest = (1.0 - sure) / (len(SOUNDS) - 1)
    return torch.full((len(SOUNDS), len(places)), rest).scatter(0, torch.tensor(places)[None], sure).log()


def named(*names):
    return tuple(SOUNDS.index(name) for name in names)


def test_a_star_is_a_hiss_a_closure_a_breath_a_vowel_and_an_r():
    assert spelling("S.T.AA.R") == named("S", "silence", "HH", "AA", "ER")
    assert spelling("M.AY") == named("N", "AA", "IH")


def test_every_syllable_that_the_choir_sings_can_be_spelled():
    known = lexicon()
    for song in compose(6.0, seed=4):
        for syllable in articulate(song)[1]:
            assert syllable.text in known, syllable.text


def test_the_sounds_of_a_song_are_those_of_its_segments():
    song = compose(0.2, seed=0)[0]
    segments, syllables = articulate(song)
    sung = sounds_at(song, round(song.seconds * 100) + 1)
    assert sung[0] == SILENCE and sung[-1] == SILENCE
    for one in syllables:
        inside = sung[math.ceil(one.start * 100) : math.floor(one.stop * 100)].tolist()
        heard = tuple(sound for place, sound in enumerate(inside) if place == 0 or inside[place - 1] != sound)
        assert any(set(heard) <= set(way) for way in lexicon()[one.text])
    assert len(segments) > len(syllables)


def test_features_do_not_depend_on_the_level_nor_on_a_steady_colour():
    wave = perform(compose(0.2, seed=1)[0], PRESETS[0], RATE).wave
    plain = features_of(power_of(wave, RATE), USUAL)
    assert torch.allclose(plain, features_of(power_of(0.05 * wave, RATE), USUAL), atol=1e-3)
    filtered = torch.nn.functional.conv1d(wave[None, None], torch.tensor([[[-0.5, 1.0]]]), padding=1)[0, 0, :-1]
    coloured = features_of(power_of(filtered, RATE), USUAL)
    here = sounding(power_of(wave, RATE))
    moved = (coloured - plain)[1:, here].abs().mean() / plain[1:, here].abs().mean()
    slope = features_of(power_of(filtered, RATE), USUAL)[1:, here].mean(dim=1) - plain[1:, here].mean(dim=1)
    assert moved < 0.3
    assert float(slope.abs().max()) < 0.1


def test_features_are_the_same_at_every_rate():
    song = compose(0.2, seed=1)[0]
    at_16 = features_of(power_of(perform(song, PRESETS[2], RATE).wave, RATE), USUAL)
    at_44 = features_of(power_of(resample(perform(song, PRESETS[2], RATE).wave, RATE, 44_100), 44_100), USUAL)
    assert at_44.shape == at_16.shape
    assert float((at_44 - at_16).abs().mean()) < 0.03


def test_silence_does_not_sound():
    for wave in (torch.zeros(RATE), torch.zeros(0), torch.zeros(100), 1e-6 * torch.randn(RATE)):
        assert not bool(sounding(power_of(wave, RATE)).any())
        assert bool(torch.isfinite(features_of(power_of(wave, RATE), USUAL)).all())


def test_lessons_are_alike_for_one_seed_and_spoiled_in_their_own_way():
    first, again = (list(takes(2, seed=3)) for _ in range(2))
    assert all(torch.equal(a[0], b[0]) and torch.equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    spectrum, sung = first[0]
    assert spectrum.shape[1] == len(sung) and len(torch.unique(sung)) > 5
    rng = np.random.default_rng(0)
    one, other = spoiled(spectrum, rng), spoiled(spectrum, rng)
    assert one.shape == spectrum.shape and bool((one >= 0.0).all()) and bool(torch.isfinite(one).all())
    assert not torch.allclose(one, other)


def test_a_spectrum_is_as_a_stft_is():
    wave = torch.randn(5 * RATE // 3)
    assert spectrum_of(wave, RATE).shape == (257, len(wave) // 160 + 1)


EVERYWHERE = torch.ones(100, dtype=torch.bool)


EVERYWHERE = torch.ones(100, dtype=torch.bool)


def test_hearings_that_agree_are_at_no_distance_and_those_that_share_nothing_at_one():
    heard = posteriors([1, 2, 3, 4, 5] * 20)
    assert mean_apart(heard, heard, EVERYWHERE) == pytest.approx(0.0, abs=1e-5)
    elsewhere = posteriors([1] * 20 + [2] * 20 + [3] * 20 + [4] * 20 + [5] * 20)
    assert mean_apart(elsewhere, elsewhere.roll(20, dims=1), EVERYWHERE) > 0.8
    assert mean_apart(elsewhere, posteriors([7] * 100), EVERYWHERE) > 0.8


def test_a_hearing_that_is_never_sure_gets_no_credit():
    heard = posteriors([1] * 20 + [2] * 20 + [3] * 20 + [4] * 20 + [5] * 20)
    unsure = heard.exp().mean(dim=1, keepdim=True).log().expand(-1, 100)
    assert mean_apart(heard, unsure, EVERYWHERE) > 0.7
    nothing = torch.full_like(heard, 1.0 / len(SOUNDS)).log()
    assert mean_apart(heard, nothing, EVERYWHERE) > 0.7


def test_thirty_milliseconds_are_forgiven_and_more_are_not():
    heard = posteriors(([1] * 10 + [6] * 10) * 5)
    inside = (torch.arange(100) >= 10) & (torch.arange(100) < 90)
    assert mean_apart(heard, heard.roll(3, dims=1), inside) < 1e-5
    assert mean_apart(heard, heard.roll(5, dims=1), inside) > 0.15


def test_what_is_missing_at_the_end_is_as_far_as_can_be():
    heard = posteriors([1] * 25 + [6] * 25 + [1] * 25 + [6] * 25)
    later = torch.arange(100) >= 60
    assert mean_apart(heard, heard[:, :50], later) == 1.0
    assert mean_apart(heard, heard[:, :0], EVERYWHERE) == 1.0


def test_other_words_are_no_nearer_than_one_sound_held_throughout():
    """Of a song that is mostly one vowel, that vowel alone is much."""
    even = posteriors([place for place in (1, 3, 5, 7, 9) for _ in range(40)])
    uneven = posteriors([1] * 130 + [place for place in (3, 5, 7, 9, 11, 13, 14) for _ in range(10)])
    here = torch.ones(200, dtype=torch.bool)
    assert mean_of_others(uneven, here) < mean_of_others(even, here)
    held = mean_apart(uneven, posteriors([1] * 200), here)
    assert held >= mean_of_others(uneven, here) - 0.02


def test_nothing_is_said_of_silence_nor_of_less_than_a_second_nor_of_one_vowel():
    heard = posteriors([1] * 50 + [6] * 50)
    assert math.isnan(mean_apart(heard, heard, ~EVERYWHERE))
    assert not math.isnan(mean_of_others(heard, EVERYWHERE))
    assert math.isnan(mean_of_others(heard[:, 10:], EVERYWHERE[10:]))
    assert math.isnan(mean_of_others(posteriors([6] * 100), EVERYWHERE))


def spoken(text, frames):
    """Frames that say a syllable evenly."""
    way = lexicon()[text][0]
    return [way[place * len(way) // frames] for place in range(frames)]


def test_syllables_that_are_clearly_said_are_all_told_right_and_others_by_chance():
    texts = ("twin", "kle", "star", "how", "loo", "shing")
    heard = posteriors([sound for text in texts for sound in spoken(text, 40)])
    asked = [Syllable(0.4 * place, 0.4 * (place + 1), text) for place, text in enumerate(texts)]
    found = told(heard, asked)
    assert (found.share, found.count) == (1.0, 6)
    assert found.chance == pytest.approx(1 / 6)
    wrong = [Syllable(one.start, one.stop, text) for one, text in zip(asked, (*texts[1:], texts[0]), strict=True)]
    assert told(heard, wrong).share == 0.0


def test_syllables_that_nobody_knows_or_that_come_after_the_end_are_passed_over():
    heard = posteriors(spoken("star", 40))
    asked = [Syllable(0.0, 0.4, "star"), Syllable(0.0, 0.4, "qwrtz"), Syllable(3.0, 3.4, "star")]
    assert told(heard, asked).count == 1
    nothing = told(heard, asked[1:])
    assert nothing.count == 0 and math.isnan(nothing.share) and math.isnan(nothing.chance)


def test_the_tables_of_the_choir_are_read_as_they_were_written(tmp_path):
    render_choir(tmp_path, singers=1, minutes=0.1)
    song = compose(0.1)[0]
    read = read_syllables(tmp_path / PRESETS[0].name / f"{song.name}.syllables.csv")
    sung = articulate(song)[1]
    assert [one.text for one in read] == [one.text for one in sung]
    assert all(abs(one.start - other.start) < 1e-4 for one, other in zip(read, sung, strict=True))


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "start_s,stop_s,syllable\n1,x,la\n", "start_s,stop_s,syllable\n1\n", "\xff"]
)
def test_what_is_no_table_of_syllables_is_refused_by_name(tmp_path, text):
    path = tmp_path / "song.syllables.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CorpusError, match=r"song\.syllables\.csv"):
        read_syllables(path)
    with pytest.raises(CorpusError, match="gone"):
        read_syllables(tmp_path / "gone.csv")


def test_weights_are_packed_and_unpacked_and_others_refused():
    network = Network().eval()
    again = Network.unpacked(network.packed())
    features = torch.randn(1, 13, 50)
    assert torch.equal(network(features), again(features))
    with pytest.raises(ValueError, match="weights"):
        Network.unpacked(network.packed()[1:])


def test_teaching_leaves_the_dice_of_others_alone_and_falls_alike_for_one_seed():
    features = [torch.randn(13, 450) for _ in range(2)]
    sounds = [(one[1] > 0).long() for one in features]
    state, drawn = torch.get_rng_state(), np.random.get_state()[1].copy()
    first, second, other = (train(features, sounds, rounds=2, seed=seed).packed() for seed in (1, 1, 2))
    assert torch.equal(first, second) and not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state) and (np.random.get_state()[1] == drawn).all()

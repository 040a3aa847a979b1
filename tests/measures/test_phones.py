"""Phones from codes: on made-up codes with known answers, and on a choir whose codes are the truth itself."""

import math

import pytest
import torch

from vocalise.data.choir import Syllable, compose, render_choir
from vocalise.data.choir.diction import PAUSE, articulate
from vocalise.data.choir.labels import PHONES, UNKNOWN, phones_at, ways
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.measures.phones import phones_from_codes, probe_phones
from vocalise.parts.contracts import Latent


def figures(taught, tested):
    """Of (code, phone) pairs."""
    return phones_from_codes(*(torch.tensor(line) for side in (taught, tested) for line in zip(*side, strict=True)))


def test_codes_that_are_phones_tell_all_of_them():
    pairs = [(code, code % 3) for code in range(6)] * 2
    found = figures(pairs, pairs)
    assert found.accuracy == 1.0 and found.chance == pytest.approx(1 / 3) and (found.codes, found.frames) == (6, 12)


def test_codes_that_know_nothing_tell_no_more_than_a_guess():
    generator = torch.Generator().manual_seed(0)
    phones = torch.multinomial(torch.tensor([0.5, 0.3, 0.2]), 8000, replacement=True, generator=generator)
    codes = torch.randint(8, (8000,), generator=generator)
    found = phones_from_codes(codes[:4000], phones[:4000], codes[4000:], phones[4000:])
    assert found.accuracy == pytest.approx(0.5, abs=0.03) and found.chance == pytest.approx(0.5, abs=0.03)


def test_a_code_answers_what_it_meant_most_often_and_a_stranger_what_is_usual():
    taught = [(0, 2), (0, 2), (0, 1), (1, 1), (1, 1), (1, 1)]
    found = figures(taught, [(0, 2), (0, 1), (1, 1), (7, 1), (7, 2)])
    assert found.accuracy == pytest.approx(3 / 5) and found.chance == pytest.approx(3 / 5)


def test_frames_of_which_nobody_knows_the_phone_do_not_count():
    assert figures([(0, 1), (0, UNKNOWN), (0, UNKNOWN)], [(0, 1), (0, UNKNOWN)]).frames == 1
    assert figures([(0, UNKNOWN)], [(0, 1)]) is None and figures([(0, 1)], [(0, UNKNOWN)]) is None


def test_labels_alone_tell_which_sound_is_sung():
    """Against the choir's own timing, on which the labels are silent."""
    song = compose(1.0, seed=3)[0]
    segments, syllables = articulate(song)
    times = torch.arange(round(250 * song.seconds)) / 250
    guessed = phones_at(syllables, times)
    place = torch.searchsorted(torch.tensor([one.start for one in segments]), times, right=True) - 1
    true = torch.tensor([UNKNOWN if one.phase is PAUSE else PHONES.index(one.sound) for one in segments])[place]
    known = (guessed != UNKNOWN) & (true != UNKNOWN)
    assert (guessed == true)[known].float().mean() > 0.97
    assert known.sum() > 0.6 * (true != UNKNOWN).sum()  # the others are written as another syllable is too
    assert not (guessed[true == UNKNOWN] != UNKNOWN).float().mean() > 0.02


def test_what_is_sung_begins_and_ends_with_its_label():
    assert ways()["star"] == ("S.T.AA.R",)
    times = torch.tensor([0.99, 1.0, 1.05, 1.6, 1.99, 2.0])
    named = [PHONES[n] if n >= 0 else "" for n in phones_at([Syllable(1.0, 2.0, "star")], times).tolist()]
    assert named == ["", "S", "S", "AA", "R", ""]
    assert phones_at([Syllable(0.0, 1.0, "gibberish")], times).eq(UNKNOWN).all()
    assert phones_at([], times).eq(UNKNOWN).all()


class Truthful:
    """Its latent is the phone that the labels tell, as a vector: one of them is wrong if `doubt` says so."""

    rate, hop, device = 16_000, 160, torch.device("cpu")

    def __init__(self, songs, channels=4):
        torch.manual_seed(0)
        self.songs, self.vectors = songs, torch.randn(len(PHONES) + 1, channels)

    def encode(self, wave):
        frames = wave.shape[1] // self.hop
        best = None
        for heard, phones in self.songs:
            for start in range(0, len(heard) - 1, 4 * self.rate):
                stretch = heard[start : start + wave.shape[1]]
                if torch.equal(wave[0, : len(stretch)], stretch):
                    best = phones[start // self.hop :][:frames]
        z = self.vectors[torch.cat([best, best.new_full((frames - len(best),), UNKNOWN)])]
        return Latent(z=z.T[None], terms={}, facts={})


def test_a_model_whose_codes_are_the_truth_is_told_so_by_the_files_beside_its_songs(tmp_path):
    render_choir(tmp_path, singers=1, minutes=0.3)
    prepared = prepare(Corpus.open(tmp_path), rate=16_000)
    split = prepared.corpus.split(0.5)
    songs = {song.name: song for song in compose(0.3)}
    known = []
    for piece in (*split.train, *split.held_out):
        first, last = prepared.span(piece)
        times = (first + (torch.arange(math.ceil((last - first) / 160)) + 0.5) * 160) / 16_000
        labels = articulate(songs[piece.recording.song])[1]
        known.append((prepared.excerpt(piece, 0, last - first), phones_at(labels, times)))
    model, taught, tested = Truthful(known), known[0][1], known[-1][1]
    assert len(known) == 2 and probe_phones(model, prepared, split.train, split.train).accuracy == 1.0
    found = probe_phones(model, prepared, split.train, split.held_out)
    asked = tested[tested != UNKNOWN]
    assert found.frames == len(asked) > 300
    assert found.accuracy == pytest.approx(torch.isin(asked, taught).float().mean().item())  # all that was ever taught
    for path in tmp_path.rglob("*.syllables.csv"):
        path.unlink()
    assert probe_phones(model, prepared, split.train, split.held_out) is None

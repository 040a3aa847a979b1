"""A signal's slow analysis: made once for each recording, kept, and cut out where an excerpt is."""

from dataclasses import dataclass, field

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from tests.data.conftest import RATE
from vocalise.data.batches import Batches, windows
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import estimate_bytes, prepare
from vocalise.data.records import Piece
from vocalise.errors import CorpusError

HOP = 80


@dataclass
class Counter:
    """Writes down the number of each frame, and its level; in silence, -1."""

    analysis: str = "counter 1"
    hop: int = HOP
    seen: list[int] = field(default_factory=list)

    def prepare(self, wave: Tensor, contour=None) -> Tensor:
        frames = wave[: len(wave) // HOP * HOP].view(-1, HOP)
        if contour is not None:
            self.seen.append(len(wave))
            assert contour.pitch.shape[0] > len(frames) * HOP / RATE / contour.hop
        numbers = torch.arange(1.0, len(frames) + 1.0)
        return torch.stack([torch.where(frames.any(1), numbers, -1.0), frames.square().mean(1)])


def pieces_of(prepared):
    return [Piece(recording) for recording in prepared.corpus.recordings]


def test_an_excerpt_has_the_frames_that_lie_where_it_does(data, sing):
    (data / "Ada").mkdir()
    rising = np.linspace(0.0, 1.0, 12_000)  # 150 frames, so that the level says which one it is
    tone = sum(np.sin(2 * np.pi * 200 * k * np.arange(12_000) / RATE) / k for k in range(1, 7))  # two periods a frame
    soundfile.write(data / "Ada/long.wav", 0.4 * rising * tone, RATE)
    sing("Bob/short.wav", 0.05, hz=200)
    prepared = prepare(Corpus.open(data, rate=RATE), analyst=Counter())
    assert prepared.has_contours
    batch = Batches(prepared, pieces_of(prepared), samples=1600, hop=HOP).draw(12)
    assert batch.analysis.shape == (12, 2, 20) and batch.analysis.dtype == torch.float32
    levels = batch.wave.view(12, 20, HOP).square().mean(2)
    for wave, singer, (numbers, level), true in zip(batch.wave, batch.singer, batch.analysis, levels, strict=True):
        sounding = numbers > 0
        assert (numbers[sounding].diff() == 1.0).all()
        if singer == 0:
            away = (level.sqrt() - true.sqrt()).abs() / true.sqrt() * numbers  # in frames
            assert sounding.all() and away.max() < 0.7  # the nearest: at most half a frame, and what 16 bits round
        else:
            assert int(sounding.sum()) == 5 and (level[~sounding] == 0.0).all()
            edges = wave.ne(0).nonzero()[[0, -1], 0] / HOP
            assert abs(float(sounding.nonzero()[0]) - float(edges[0])) <= 1.0


def test_a_piece_never_shows_what_its_neighbour_holds(data, sing):
    sing("Ada/long.wav", 2.0)
    prepared = prepare(Corpus.open(data, rate=RATE), analyst=Counter())
    piece = Piece(prepared.corpus.recordings[0], 0.5, 1.0)
    numbers = prepared.analysis_of(piece, -400, 70)[0]
    assert (numbers[:5] == -1).all() and (numbers[55:] == -1).all()
    assert torch.equal(numbers[5:55], torch.arange(51.0, 101.0))
    fixed = windows(prepared, [piece], samples=1600, hop=HOP, most=2)
    assert fixed.analysis is not None and fixed.analysis[0, 0].min() > 50 and fixed.analysis[0, 0].max() <= 100


def test_it_is_made_once_and_known_by_its_name(data, sing):
    sing("Ada/one.wav")
    corpus = Corpus.open(data, rate=RATE)
    first, again, other = Counter(), Counter(), Counter(analysis="counter 2")
    for analyst in (first, again, other):
        prepare(corpus, analyst=analyst)
    assert (first.seen, again.seen, other.seen) == ([RATE], [], [RATE])
    plain = prepare(corpus, analyst=Counter(analysis=""))
    assert plain.analyst is None and not plain.has_contours
    assert Batches(plain, pieces_of(plain), samples=800, hop=HOP).draw(1).analysis is None
    with pytest.raises(CorpusError, match="without analyses"):
        plain.analysis_of(pieces_of(plain)[0], 0, 4)


def test_its_room_is_reckoned_with(data, sing):
    sing("Ada/one.wav", 2.0)
    corpus = Corpus.open(data, rate=RATE)
    plain, analysed = (estimate_bytes(corpus, contours=True, analyst=one) for one in (None, Counter()))
    assert analysed - plain == pytest.approx(2 * 2 * 2.0 * RATE / HOP, abs=8)


def test_excerpts_move_and_are_divided_with_their_analyses(data, sing):
    sing("Ada/one.wav", 2.0)
    prepared = prepare(Corpus.open(data, rate=RATE), analyst=Counter())
    batch = Batches(prepared, pieces_of(prepared), samples=800, hop=HOP).draw(4)
    part = batch.rows(slice(1, 3)).to("cpu")
    assert len(part) == 2 and torch.equal(part.analysis, batch.analysis[1:3])
    assert torch.equal(part.bandwidth, batch.bandwidth[1:3])

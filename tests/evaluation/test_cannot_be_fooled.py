"""Outputs that are no conversions must each fail on a headline; the true answer must fail on none."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vocalise.audio.files import read_wave
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.evaluation import anchors
from vocalise.evaluation.catalogue import HEADLINES
from vocalise.evaluation.content import PhoneListener
from vocalise.evaluation.judge import Judge, examine, train_judges
from vocalise.evaluation.records import Examination
from vocalise.evaluation.scene import Scene, Take
from vocalise.evaluation.scoring import score

SOURCE, TARGET = "Ada", "Clara"  # two high voices, so that the truth is in the source's key


@dataclass(frozen=True)
class Court:
    """Everything that an evaluation of one song needs, taught by the other songs of a rendered choir."""

    take: Take
    truth: Tensor
    targets_other: Tensor  # the target's voice, in a song that the judges know
    judges: tuple[Judge, ...]
    examinations: tuple[Examination, ...]
    listener: PhoneListener

    @property
    def source(self) -> Tensor:
        return self.take.wave

    def verdicts(self, converted: Tensor) -> dict[str, str]:
        scene = Scene(
            source=self.take,
            converted=Take(converted, 16_000),
            source_singer=SOURCE,
            target=TARGET,
        )
        figures = score(scene, self.judges, self.examinations, self.listener)
        return {one.name: one.verdict(figures[one.name]) for one in HEADLINES if one.name in figures}


@pytest.fixture(scope="module")
def court(tmp_path_factory: pytest.TempPathFactory, listener: PhoneListener) -> Court:
    folder = tmp_path_factory.mktemp("choir")
    render_choir(folder, singers=4, minutes=2.0, seed=5)
    corpus = Corpus.open(folder)
    split = corpus.split(0.3)
    prepared = prepare(corpus)
    judges = train_judges(prepared, split, kinds=("gaussian", "gaussian-band"))
    examinations = tuple(examine(judge, prepared, split.held_out) for judge in judges)

    def take(side: tuple, singer: str) -> Path:
        return min(piece.recording.path for piece in side if piece.recording.singer == singer)

    def heard(path: Path) -> Tensor:
        return read_wave(path, rate=16_000)[0][: 8 * 16_000]

    return Court(
        take=Take(heard(take(split.held_out, SOURCE)), 16_000),
        truth=heard(take(split.held_out, TARGET)),
        targets_other=heard(take(split.train, TARGET)),
        judges=judges,
        examinations=examinations,
        listener=listener,
    )


def test_the_judges_of_this_court_tell_real_recordings_apart(court: Court) -> None:
    assert all(one.disjoint and one.accuracy >= 0.9 for one in court.examinations)


def test_the_targets_own_rendering_fails_nowhere(court: Court) -> None:
    found = court.verdicts(court.truth)
    assert set(found) == {one.name for one in HEADLINES}
    assert "poor" not in found.values(), found


CHEATS: tuple[tuple[str, Callable[[Court], Tensor], tuple[str, ...]], ...] = (
    ("the source unchanged", lambda c: anchors.unchanged(c.source), ("target_heard", "source_heard")),
    ("the target in another song", lambda c: anchors.another_song(c.targets_other, len(c.source)),
     ("melody_kept", "content_kept")),
    ("the source, its pitch shifted up", lambda c: anchors.shifted(c.source, 4.0), ("melody_kept",)),
    ("the source, its pitch shifted down", lambda c: anchors.shifted(c.source, -4.0), ("melody_kept",)),
    ("the source an octave up", lambda c: anchors.octave_up(c.source), ("melody_kept",)),
    ("the source as a faster tape", lambda c: anchors.taped(c.source, 3.0), ("melody_kept", "length_error")),
    ("the source whispered", lambda c: anchors.whispered(c.source), ("melody_kept", "frame_error")),
    ("the truth whispered", lambda c: anchors.whispered(c.truth), ("melody_kept",)),
    ("one vowel of the target's, looped", lambda c: anchors.looped_vowel(c.source, c.targets_other, start=1.0),
     ("content_kept",)),
    ("silence", lambda c: torch.zeros_like(c.source), ("melody_kept", "target_heard", "silence", "content_kept")),
    ("noise", lambda c: 0.1 * torch.randn(len(c.source), generator=torch.Generator().manual_seed(0)),
     ("melody_kept", "content_kept")),
    ("the truth, cut short", lambda c: c.truth[: len(c.truth) // 2], ("length_error", "silence")),
)  # fmt: skip


@pytest.mark.parametrize(("cheat", "fails_on"), [pytest.param(*one[1:], id=one[0]) for one in CHEATS])
def test_no_cheat_passes(court: Court, cheat: Callable[[Court], Tensor], fails_on: tuple[str, ...]) -> None:
    found = court.verdicts(cheat(court))
    assert all(found.get(name) == "poor" for name in fails_on), found

"""Stand-ins for evaluations: voices that sing at once, ears that need no teaching, and folders of choir singing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from tests.conversion.stand_ins import Averager, Hold, Unchanged, voice_of, with_parts
from vocalise.audio.files import write_wave
from vocalise.audio.pitch import Contour
from vocalise.checkpoint import Voice, load_voice, save_voice
from vocalise.data.choir import compose, perform, singers
from vocalise.data.corpus import Corpus
from vocalise.evaluation import ears, scene, scoring, systems
from vocalise.evaluation.records import Examination
from vocalise.parts.contracts import BITS, Controls, Decoded
from vocalise.training.settings import Routine

RATE = 16000
sung = cache(perform)  # the same few songs by the same few singers, in many folders


class Teacher(Hold):
    """A decoder that sings at once, and whose loss is the number of who sings."""

    unit = BITS

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        who = controls.identity.mean(dim=2).argmax(dim=1)
        return Decoded(loss=who.to(target.dtype), estimate=target)


def quick(path: Path, *, device: torch.device) -> Voice:
    """What `load_voice` gives, with an encoder and a decoder that cost nothing: it hums what it hears."""
    voice = load_voice(path, device=device)
    hop = voice.model.hop
    parts = {"encoder": Averager(hop), "bottleneck": Unchanged(), "decoder": Teacher(hop)}
    return replace(voice, model=with_parts(voice.model, **parts))


def write_voice(path: Path, names: Sequence[str], data: str = "", *, recipe: str = "usvc") -> Path:
    """A voice file of these singers, untrained, that says it learnt from `data`."""
    voice = voice_of(recipe, singers=tuple(names))
    path.parent.mkdir(parents=True, exist_ok=True)
    save_voice(path, replace(voice, pitch_ranges={}, card=replace(voice.card, data=data, steps=7)))
    return path


def write_choir(folder: Path, names: Sequence[str], songs: int = 2, *, seconds: float = 4.0) -> Corpus:
    """The first seconds of some songs by so many of the choir, under these names, with labels beside them."""
    pieces = compose(0.25 * songs, 0)[:songs]
    for name, singer in zip(names, singers(len(names)), strict=True):
        for song in pieces:
            performance = sung(song, singer)
            path = folder / name / f"{song.name}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wave(path, performance.wave[: round(seconds * RATE)], RATE)
            rows = [f"{one.start:.4f},{one.stop:.4f},{one.text}\n" for one in performance.syllables]
            path.with_suffix(".syllables.csv").write_text("start_s,stop_s,syllable\n" + "".join(rows))
    return Corpus.open(folder)


def hummed(wave: Tensor, rate: int, *, hop: float = 0.010, **rest: object) -> Contour:
    """A quick tracker: the highest peak of each frame's autocorrelation."""
    frames = F.pad(wave.double(), (320, 320)).unfold(0, 640, round(hop * rate))
    likeness = torch.fft.irfft(torch.fft.rfft(frames, n=2048).abs().square())[:, :320]
    best = likeness[:, 16:].max(dim=1)
    voiced = best.values > 0.3 * likeness[:, 0].clamp(min=1e-6)
    return Contour((rate / (best.indices + 16)).float() * voiced, voiced.float(), hop)


@dataclass(frozen=True)
class Guesser:
    """A judge that hears the first person in everything."""

    name: str
    persons: tuple[str, ...]

    def hear(self, wave: Tensor, rate: int) -> Tensor:
        pieces = max(1, round(len(wave) / rate / 1.5)) if bool((wave.abs() > 1e-3).any()) else 0
        return torch.eye(len(self.persons))[:1].expand(pieces, -1)

    def examination(self) -> Examination:
        count = len(self.persons)
        table = tuple(tuple(9 if one == other else 0 for other in range(count)) for one in range(count))
        return Examination(
            judge=self.name, persons=self.persons, accuracy=1.0, confusion=table, pieces=9 * count, disjoint=True
        )


def make_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Takes out of an evaluation what takes long and is tested elsewhere: teaching, trackers, WORLD, the sampler."""

    def taught(prepared, split, *, same=None, **rest):
        persons = tuple(sorted({(same or {}).get(name, name) for name in prepared.singers}))
        return (Guesser("network", persons),) if len(persons) > 1 else ()

    monkeypatch.setattr(ears, "phone_listener", lambda *rest, **more: None)
    monkeypatch.setattr(ears, "train_judges", taught)
    monkeypatch.setattr(ears, "examine", lambda judge, *rest, **more: judge.examination())
    monkeypatch.setattr(systems, "load_voice", quick)
    monkeypatch.setattr(systems, "Routine", lambda: Routine(probe=4))
    monkeypatch.setattr(scene, "track_pitch", hummed)
    monkeypatch.setattr(scene, "pitch_contour", hummed)
    monkeypatch.setattr(scoring, "mcd_world", lambda *rest, **more: 1.0)

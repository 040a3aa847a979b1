"""The design of a listening test: which songs are heard, what is asked about them, and what is hidden among them.

material ──cells, balanced──▶ subjects ──▶ questions ──ids, one level──▶ test
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from torch import Tensor

from vocalise.config import to_json
from vocalise.data.records import legible
from vocalise.errors import ConfigError
from vocalise.evaluation.listening.excerpts import common_level, degraded, level_out
from vocalise.evaluation.listening.key import Key, Question, Role, Sound, Trial
from vocalise.evaluation.listening.material import Cell, Material
from vocalise.evaluation.listening.trials import Asked, Played, Portraits, Subject, questions_about, subject
from vocalise.progress import Progress, silent

POINTS = (4, 5)  # of the similarity scale
MOST_CLIPS = 60
SECONDS = (1.0, 30.0)
THINKING = 5.0  # seconds that a listener needs beside listening
PRACTICE: Mapping[Question, tuple[Role, ...]] = MappingProxyType(
    {"quality": ("natural", "anchor"), "similarity": ("target", "source"), "voice": ("target",), "systems": ("system",)}
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What is asked for."""

    questions: tuple[Question, ...]
    clips: int = 6  # phrases of each system
    seconds: float = 6.0  # of each, at most
    rate: int | None = None  # Hz; None is the lowest of all recordings, so that bandwidth is no cue
    points: int = 5  # of the similarity scale
    seed: int = 0
    title: str = ""
    command: str = ""
    software: str = ""

    def __post_init__(self) -> None:
        if not self.questions:
            raise ConfigError("A listening test asks something: quality, similarity, voice or systems.")
        if not 1 <= self.clips <= MOST_CLIPS:
            raise ConfigError(f"--clips {self.clips}: choose 1 to {MOST_CLIPS}.")
        if not SECONDS[0] <= self.seconds <= SECONDS[1]:
            raise ConfigError(f"--seconds {self.seconds:g}: choose {SECONDS[0]:g} to {SECONDS[1]:g}.")
        if self.points not in POINTS:
            raise ConfigError(f"--points {self.points}: similarity is judged on 4 or 5 points.")

    @property
    def checks(self) -> int:
        """Phrases of which real recordings and anchors are hidden among the conversions."""
        return min(self.clips, max(2, round(self.clips / 3)))


@dataclass(frozen=True)
class Listening:
    """A test that is ready: its key, and its sounds by id (samples,) at `key.rate`."""

    key: Key
    waves: Mapping[str, Tensor]

    @property
    def minutes(self) -> float:
        """About how long a listener needs: everything once, and some seconds to think."""
        return sum(self._seconds(trial) for trial in self.key.trials) / 60.0

    def _seconds(self, trial: Trial) -> float:
        clips = (*trial.clips, trial.clips[0]) if trial.question == "systems" else trial.clips  # X is one of the two
        return THINKING + sum(len(self.waves[clip]) for clip in clips) / self.key.rate


def obstacles(material: Material) -> dict[Question, str]:
    """The questions that this material cannot answer, and what is missing."""
    found: dict[Question, str] = {}
    if not any(material.takes_of(cell.target) for cell in material.cells):
        found["similarity"] = found["voice"] = "there is no real recording of the target (give --target)"
    elif not any(material.takes_of(cell.source) for cell in material.cells):
        found["voice"] = "there is no real recording of the source singer (give --source)"
    if len(material.systems) < 2:
        found["systems"] = "there is only one system"
    return found


def design(material: Material, setting: Setting, *, progress: Progress = silent) -> Listening:
    """Makes a test; the same material, setting and seed make the same one.

    Raises:
        ConfigError: a question that this material cannot answer.
        AudioError: a recording that cannot be read.
    """
    for question, why in obstacles(material).items():
        if question in setting.questions:
            raise ConfigError(f"The question {question!r} cannot be asked: {why}.")
    lot = np.random.default_rng(setting.seed)
    portraits = Portraits(material, setting.seconds, setting.rate or material.rate, lot)
    subjects, practised = chosen_subjects(material.cells, setting.clips, portraits, progress)
    asked = [
        one
        for number, each in enumerate(subjects)
        for one in questions_about(each, hidden=number < setting.checks)
        if one.question in setting.questions
    ]
    missing = [name for name in setting.questions if not any(one.question == name for one in asked)]
    if missing:
        raise ConfigError(f"The question {missing[0]!r} cannot be asked: no recording is long enough to choose from.")
    practice = list(_practice(practised, setting.questions))
    return _assembled(material, setting, portraits.rate, asked, practice, lot)


def chosen_subjects(
    cells: Sequence[Cell], count: int, portraits: Portraits, progress: Progress = silent
) -> tuple[tuple[Subject, ...], Subject]:
    """So many phrases, of as many songs as there are, and one more to practise on.

    Where songs are few, they are gone through again for other phrases, until there are none; practice then uses the
    last phrase once more, if it must.
    """
    left = list(chosen_cells(cells, len(cells), portraits.lot))
    found: list[Subject] = []
    while left and len(found) <= count:
        for cell in tuple(left):
            progress("choosing phrases", len(found), count + 1)
            one = subject(cell, portraits, found)
            if one is None:
                left.remove(cell)
            else:
                found.append(one)
            if len(found) > count:
                break
    progress("choosing phrases", count + 1, count + 1)
    return (tuple(found[:count]), found[count]) if len(found) > count else (tuple(found), found[-1])


def chosen_cells(cells: Sequence[Cell], count: int, generator: np.random.Generator) -> tuple[Cell, ...]:
    """So many cells by lot, with targets, songs and sources among them as evenly as can be."""
    left = [cells[place] for place in generator.permutation(len(cells))]
    seen: Counter[tuple[str, str]] = Counter()
    chosen: list[Cell] = []

    def crowd(cell: Cell) -> tuple[int, int]:
        return seen["target", cell.target], seen["song", cell.song] + seen["source", cell.source]

    while left and len(chosen) < count:
        cell = min(left, key=crowd)
        left.remove(cell)
        chosen.append(cell)
        seen.update([("target", cell.target), ("song", cell.song), ("source", cell.source)])
    return tuple(chosen)


def _practice(one: Subject, questions: Sequence[Question]) -> Iterator[Asked]:
    """Of each question what shows its range: the best and the worst there is, or whatever there is."""
    asked = list(questions_about(one, hidden=True))
    for question in questions:
        about = [each for each in asked if each.question == question]
        plain = [each for role in PRACTICE[question] for each in about if each.role == role]
        yield from plain[: len(PRACTICE[question])] or about[:1]


def _assembled(
    material: Material,
    setting: Setting,
    rate: int,
    asked: Sequence[Asked],
    practice: Sequence[Asked],
    generator: np.random.Generator,
) -> Listening:
    """Gives everything an id by lot, and one level."""
    played = tuple(dict.fromkeys(clip for one in (*asked, *practice) for clip in one.clips))
    names = _ids(len(played) + len(asked) + len(practice), generator)
    sounds = dict(zip(played, names, strict=False))
    trials = [
        _trial(one, name, sounds, practice=number >= len(asked), flipped=bool(generator.integers(2)))
        for number, (one, name) in enumerate(zip((*asked, *practice), names[len(played) :], strict=True))
    ]
    raw = {sounds[clip]: _wave(clip, rate, generator) for clip in played}
    level = common_level(list(raw.values()), rate)
    waves = {name: level_out(raw[name], rate, level) for name in sorted(raw)}
    trials.sort(key=lambda trial: trial.id)
    by_id = {name: _sound(clip) for clip, name in sounds.items()}
    key = Key(
        test=_fingerprint(trials, waves),
        title=setting.title,
        systems=material.systems,
        points=setting.points,
        rate=rate,
        level=level,
        seed=setting.seed,
        trials=tuple(trials),
        sounds={name: by_id[name] for name in waves},
        software=setting.software,
        command=setting.command,
    )
    return Listening(key, waves)


def _ids(count: int, generator: np.random.Generator) -> list[str]:
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{int(generator.integers(1 << 32)):08x}"] = None
    return list(found)


def _wave(clip: Played, rate: int, generator: np.random.Generator) -> Tensor:
    wave = clip.excerpt.read(rate)
    return degraded(wave, rate, generator) if clip.role == "anchor" else wave


def _sound(clip: Played) -> Sound:
    where = clip.excerpt
    return Sound(
        role=clip.role,
        singer=clip.singer,
        song=clip.song,
        path=legible(where.path),
        start=where.start,
        stop=where.stop,
        system=clip.system,
    )


def _trial(one: Asked, name: str, sounds: Mapping[Played, str], *, practice: bool, flipped: bool) -> Trial:
    """The question with ids; which of two comes first is left to the lot."""
    clips = [sounds[clip] for clip in one.clips]
    if one.question in ("voice", "systems") and flipped:
        clips[-2:] = reversed(clips[-2:])
    turned = one.question == "systems" and flipped
    return Trial(
        id=name,
        question=one.question,
        clips=tuple(clips),
        role=one.role,
        song=one.cell.song,
        source=one.cell.source,
        target=one.cell.target,
        phrase=one.phrase,
        system=one.second if turned else one.system,
        second=one.system if turned else one.second,
        right="" if one.right is None else sounds[one.right],
        practice=practice,
    )


def _fingerprint(trials: Sequence[Trial], waves: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256(json.dumps(to_json(list(trials)), sort_keys=True).encode())
    for wave in waves.values():
        digest.update(wave.numpy().tobytes())
    return digest.hexdigest()[:12]

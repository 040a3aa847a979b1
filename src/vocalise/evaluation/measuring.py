"""Measuring clips, several at a time: takes of one song are heard once and shared by all that is compared with them.

subjects ──by song──▶ takes (heard once) ──▶ scenes ──score──▶ clips with figures
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from vocalise.audio.files import read_wave, shown
from vocalise.data.choir import Syllable
from vocalise.errors import VocaliseError
from vocalise.evaluation.ears import RATE, Ears
from vocalise.evaluation.plan import SHORTEST
from vocalise.evaluation.recognition import heard
from vocalise.evaluation.records import Clip
from vocalise.evaluation.scene import Scene, Take
from vocalise.evaluation.scoring import score
from vocalise.measures.pitch import compare_contours
from vocalise.progress import Progress, silent

WORKERS = max(2, min(8, os.cpu_count() or 1))  # threads; most of the work releases Python's lock
OCTAVE = 1200.0  # cents
NEARLY = 60.0  # cents off a whole octave that are still taken for one

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A clip that is to be measured, and the files that belong to it."""

    clip: Clip  # all but its figures
    source: Path
    converted: Path
    truth: Path | None = None
    simultaneous: bool = False
    others: tuple[Path, ...] = ()
    section: tuple[Path, ...] = ()  # among the others
    source_singer: str | None = None  # a person that judges know
    target: str | None = None
    transposition: float | None = 0.0  # cents; None: found by comparing, and then a whole octave where it is near one
    syllables: tuple[Syllable, ...] | None = None
    took: float | None = None  # seconds of work

    @property
    def shared(self) -> tuple[Path, ...]:
        """What other subjects of the song may have in common with this one."""
        return tuple(path for path in (self.source, self.truth, *self.others) if path is not None)


def measure(
    subjects: Sequence[Subject],
    ears: Ears,
    *,
    progress: Progress = silent,
    workers: int = WORKERS,
) -> tuple[Clip, ...]:
    """Every subject's clip with its figures, in their order; one that cannot be measured says why.

    Args:
        subjects: what is to be measured.
        ears: who listens.
        progress: told the seconds of song that are done.
        workers: threads.
    """
    total, done = sum(one.clip.seconds for one in subjects), 0.0
    found: dict[int, Clip] = {}
    groups: dict[str, list[int]] = {}
    for place, subject in enumerate(subjects):
        groups.setdefault(subject.clip.song, []).append(place)
    pool = ThreadPoolExecutor(workers)
    try:
        for song, places in groups.items():
            progress("measuring", done, total, song)
            shelf = _shelf(pool, [subjects[place] for place in places])
            clips = pool.map(partial(_measured, shelf=shelf, ears=ears), [subjects[place] for place in places])
            for place, clip in zip(places, clips, strict=True):
                found[place] = clip
                done += clip.seconds
                progress("measuring", done, total, song)
    finally:
        pool.shutdown(cancel_futures=True)
    return tuple(found[place] for place in range(len(subjects)))


def _shelf(pool: ThreadPoolExecutor, subjects: Iterable[Subject]) -> dict[Path, Take | str]:
    """The takes that subjects share, their pitch tracked, or why one cannot be had."""
    sources = {one.source for one in subjects}
    paths = list(dict.fromkeys(path for one in subjects for path in one.shared))
    takes = pool.map(lambda path: _tried(lambda: _heard(path, ceiling=path in sources)), paths)
    return dict(zip(paths, takes, strict=True))


def _heard(path: Path, *, ceiling: bool) -> Take:
    """A take with what several threads will ask it for, which they would else each work out."""
    take = Take(read_wave(path, rate=RATE)[0], RATE)
    _ = take.contour
    if ceiling:
        _ = take.conditioning_contour
    return take


def _measured(subject: Subject, shelf: dict[Path, Take | str], ears: Ears) -> Clip:
    missing = shelf[subject.source]
    scene = missing if isinstance(missing, str) else _tried(lambda: _scene(subject, shelf))
    if isinstance(scene, str):
        return replace(subject.clip, state="failed", why=scene)
    if scene.source.seconds < SHORTEST:
        return replace(subject.clip, state="skipped", why=f"it is {scene.source.seconds:.2f} s short")
    if not scene.source.sounds:
        return replace(subject.clip, state="skipped", why="it is silent")
    figures = _tried(lambda: score(scene, ears.judges, ears.examinations, ears.listener, speakers=ears.speakers))
    if isinstance(figures, str):
        return replace(subject.clip, state="failed", why=figures)
    return replace(subject.clip, figures=figures, heard=heard(scene.converted, ears.judges))


def _scene(subject: Subject, shelf: dict[Path, Take | str]) -> Scene:
    def takes(paths: Iterable[Path]) -> tuple[Take, ...]:
        return tuple(take for path in paths if isinstance(take := shelf[path], Take))

    source, *_ = takes([subject.source])
    truth = takes([subject.truth]) if subject.truth else ()
    scene = Scene(
        source=source,
        converted=Take(read_wave(subject.converted, rate=RATE)[0], RATE),
        truth=truth[0] if truth else None,
        simultaneous=subject.simultaneous,
        others=takes(subject.others),
        section=takes(subject.section),
        source_singer=subject.source_singer,
        target=subject.target,
        transposition=subject.transposition,
        syllables=subject.syllables,
        took=subject.took,
    )
    if subject.transposition is None:
        scene.transposition = found_transposition(scene)
    return scene


def found_transposition(scene: Scene) -> float | None:
    """Cents by which a conversion lies higher than its source: whole octaves where it is near them; None of silence."""
    offset = compare_contours(scene.source.contour, scene.contour, transposition=None).offset
    if offset != offset:  # nothing is voiced in both
        return None
    octaves = OCTAVE * round(offset / OCTAVE)
    return octaves if abs(offset - octaves) <= NEARLY else offset


def _tried(work: Callable[[], T]) -> T | str:
    """What the work gives, or in one line why it cannot be done: one bad clip must not cost all others."""
    try:
        return work()
    except VocaliseError as error:
        return str(error)
    except OSError as error:
        return f"{shown(error.filename or 'a file')}: {error.strerror or error}"
    except MemoryError:
        return "there is not enough memory to measure it; take --seconds"
    except (ValueError, RuntimeError, ArithmeticError, LookupError) as error:
        return f"it could not be measured ({type(error).__name__}: {' '.join(str(error).split())[:200]})"

"""The sound of an evaluation on disk: excerpts of songs, and their conversions, each made once and never again.

song ──▶ sources/<singer>/<song>.wav ──converter──▶ converted/<system>/<singer>/<song>--as-<target>.wav, and a note
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vocalise.audio.files import describe, shown, write_aside, write_wave
from vocalise.conversion import Wishes
from vocalise.conversion.together import Request, convert_together
from vocalise.data.cache import file_digest, key_of
from vocalise.data.prepared import Prepared
from vocalise.errors import AudioError, RunError, VocaliseError
from vocalise.evaluation.plan import Job, Song
from vocalise.evaluation.systems import Manner, Performer
from vocalise.progress import Progress, silent

VERSION = 1  # of what the notes stand for


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """What became of a job."""

    job: Job
    took: float = 0.0  # seconds of work, whenever that was
    why: str = ""  # it failed
    remark: str = ""


def source_path(out: Path, song: Song) -> Path:
    """Where a song's excerpt lies."""
    return out / "sources" / song.place.parent / f"{song.place.name}.wav"


def write_sources(prepared: Prepared, songs: Sequence[Song], out: Path) -> None:
    """Writes the excerpts that are not there yet, at the rate they were prepared at.

    Raises:
        RunError: the disk will not take them.
    """
    for song in songs:
        path = source_path(out, song)
        first, last = prepared.span(song.piece)
        if song.why or samples_in(path) == last - first:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wave(path, prepared.excerpt(song.piece, 0, last - first), prepared.rate)
        except (OSError, AudioError) as error:
            raise RunError(f"{error}: make room, or choose another folder.") from None


def render(
    jobs: Sequence[Job],
    performers: Mapping[str, Performer],
    out: Path,
    manner: Manner,
    *,
    progress: Progress = silent,
) -> tuple[Rendering, ...]:
    """Has every job sung that was not sung before, in the same manner, by the same voice; goes on after a failure.

    Songs of one voice are sung side by side where its decoder sings sample by sample.
    """
    found = {job: _known(job, performers[job.system], manner) for job in jobs}
    total, done, reached = sum(job.song.piece.seconds for job, before in found.items() if before is None), 0.0, 0.0

    def tell(seconds: float, some: Sequence[Job]) -> None:
        nonlocal reached
        reached = max(reached, min(total, seconds))
        progress("converting", reached, total, _called(some))

    def within(some: Sequence[Job]) -> Progress:
        return _within(tell, done, some)

    for name in dict.fromkeys(job.system for job, before in found.items() if before is None):
        mine = [job for job, before in found.items() if before is None and job.system == name]
        for rendering in _sung(mine, performers[name], out, manner, within):
            found[rendering.job] = rendering
            done += rendering.job.song.piece.seconds
            tell(done, [rendering.job])
    return tuple(found[job] or Rendering(job=job) for job in jobs)


def _sung(
    jobs: Sequence[Job],
    performer: Performer,
    out: Path,
    manner: Manner,
    progress: Callable[[Sequence[Job]], Progress],
) -> Iterator[Rendering]:
    """The jobs of one voice."""
    requests = (_request(number, job, performer, out, manner) for number, job in enumerate(jobs))
    for result in convert_together(performer.converter, requests, lambda some: progress([jobs[one] for one in some])):
        job = jobs[result.number]
        remark = "the result is silent" if result.outcome is not None and result.outcome.silent else ""
        try:
            if result.error is not None:
                raise result.error
            _keep(job, performer, manner, {"took": result.took, "remark": remark})
        except VocaliseError as error:
            yield Rendering(job=job, why=str(error))
        except OSError as error:
            yield Rendering(job=job, why=f"{shown(error.filename or job.path)}: {error.strerror or error}")
        except (MemoryError, torch.OutOfMemoryError):
            yield Rendering(job=job, why="there is not enough memory; take --seconds, or --device cpu")
        else:
            yield Rendering(job=job, took=result.took, remark=remark)


def _request(number: int, job: Job, performer: Performer, out: Path, manner: Manner) -> Request:
    wishes: Wishes = {
        "to": job.target if performer.told else None,
        "temperature": manner.temperature,
        "seed": manner.seed,
        "transpose": manner.transpose,
    }
    return Request(number, source_path(out, job.song), job.path, wishes, makes_folder=True)


def _called(jobs: Sequence[Job]) -> str:
    more = f" and {len(jobs) - 1} more" if len(jobs) > 1 else ""
    return f"{jobs[0].song.name} of {jobs[0].song.singer} as {jobs[0].target}{more}"


def _within(tell: Callable[[float, Sequence[Job]], None], before: float, jobs: Sequence[Job]) -> Progress:
    """The progress of some jobs within all of them, in seconds of song."""
    seconds = sum(job.song.piece.seconds for job in jobs)

    def told(what: str, done: float, total: float, note: str = "") -> None:  # noqa: ARG001 - as its contract has it
        tell(before + (seconds * min(1.0, done / total) if what == "singing" and total > 0 else 0.0), jobs)

    return told


def _key(job: Job, performer: Performer, manner: Manner) -> str:
    piece = job.song.piece
    song = (piece.recording.digest, piece.start, piece.stop or piece.recording.seconds)
    usual = performer.voice.model.signal.transpose
    how = (manner.temperature, manner.seed, usual if manner.transpose is None else str(manner.transpose))
    return key_of("conversion", VERSION, performer.digest, job.target, *song, *how)


def _note_path(job: Job) -> Path:
    return job.path.with_suffix(".json")


def _keep(job: Job, performer: Performer, manner: Manner, facts: Mapping[str, Any]) -> None:
    note = {"made_from": _key(job, performer, manner), "digest": file_digest(job.path), **facts}
    with write_aside(_note_path(job)) as aside:
        aside.write_text(json.dumps(note, indent=2) + "\n", encoding="utf-8", newline="\n")


def _known(job: Job, performer: Performer, manner: Manner) -> Rendering | None:
    """What was sung before, if the sound is still as it was left."""
    try:
        note = json.loads(_note_path(job).read_text(encoding="utf-8"))
        if note["made_from"] == _key(job, performer, manner) and note["digest"] == file_digest(job.path):
            return Rendering(job=job, took=float(note["took"]), remark=str(note["remark"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def samples_in(path: Path) -> int:
    """How long a sound file is; -1 if there is none."""
    try:
        return describe(path).samples
    except (AudioError, OSError):
        return -1

"""An evaluation of voice files: every held-out song as every singer, measured, judged, and told in a report.

voices, DATA ──held-out songs──▶ jobs ──convert──▶ sound ──measure, judge──▶ clips ──▶ rows, differences, findings
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypedDict, Unpack

from vocalise.conversion.curves import parse_transpose
from vocalise.data.prepare import prepare
from vocalise.devices import choose_device
from vocalise.errors import ConfigError
from vocalise.evaluation.ears import RATE, Ears, parse_judges, teach
from vocalise.evaluation.folder import claim
from vocalise.evaluation.material import Material, gather
from vocalise.evaluation.measuring import Subject, measure
from vocalise.evaluation.plan import Cast, Job, Pairs, among, person, plan, whole_songs
from vocalise.evaluation.records import Clip, Report, System
from vocalise.evaluation.rendering import Rendering, render, source_path, write_sources
from vocalise.evaluation.reporting import Making, place_of, report_of
from vocalise.evaluation.speaker import SpeakerNetwork
from vocalise.evaluation.systems import Manner, Performer, figures_of, performers
from vocalise.evaluation.takes import Takes, syllables_of
from vocalise.progress import Progress, silent
from vocalise.sampling.choice import announce


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How an evaluation is done; each choice is an option of `vocalise evaluate`."""

    pairs: Pairs | None = None  # (source, target); every song as every singer by default
    seconds: float | None = None  # of sounding time of each song; whole songs by default
    singers: Sequence[str] | None = None
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    same: Mapping[str, str] | None = None  # singers who are the person of another name
    temperature: float = 1.0
    transpose: float | str | None = None  # semitones, auto, range, mean; None: as each voice's recipe has it
    seed: int = 0
    device: str = "auto"
    sampler: str | None = None  # who sings sample by sample; None reads VOCALISE_SAMPLER
    speaker: Path | None = None  # a speaker network, as ONNX
    judges: str | None = None  # kinds, separated by commas; all by default
    title: str = ""
    command: str = ""  # for the report

    def __post_init__(self) -> None:
        """Refuses what makes no sense."""
        if self.seconds is not None and not 0.0 < self.seconds < 1e6:
            raise ConfigError(f"--seconds cannot be {self.seconds}: give more than 0.")
        parse_transpose(self.transpose or 0)


class Wishes(TypedDict, total=False):
    """The choices as arguments."""

    pairs: Pairs | None
    seconds: float | None
    singers: Sequence[str] | None
    include: Sequence[str]
    exclude: Sequence[str]
    same: Mapping[str, str] | None
    temperature: float
    transpose: float | str | None
    seed: int
    device: str
    sampler: str | None
    speaker: Path | None
    judges: str | None
    title: str
    command: str


def evaluate(
    voices: Sequence[tuple[str, Path]],
    data: Path,
    out: Path,
    *,
    progress: Progress = silent,
    **wishes: Unpack[Wishes],
) -> Report:
    """Evaluates one voice file, or several side by side, and writes sound, tables and report into a folder.

    What is there already is not made again: the same call goes on where an earlier one ended.

    Args:
        voices: name and path of each voice file; an empty name is found from the path.
        data: folder of recordings, as for training.
        out: folder to write into: new, empty, or that of the same evaluation.
        progress: told what is being done, in seconds of song where songs are concerned.
        wishes: how it is done; see `Choices`.

    Raises:
        VocaliseError: wrong inputs. What concerns one song is in the report.
    """
    begun, choices = time.perf_counter(), Choices(**wishes)
    kinds, manner = parse_judges(choices.judges), _manner(choices)
    network = None if choices.speaker is None else SpeakerNetwork.load(choices.speaker)
    device = choose_device(choices.device)
    cast = performers(voices, device, sampler=choices.sampler)
    for one in cast:
        announce(one.voice.model, progress, choices.sampler)
    meant = {one.name: one.transposition(manner) for one in cast}  # refuses before any work
    material = _gathered(data, cast, choices, progress)
    same = _persons(choices.same, material, cast)
    songs = whole_songs(material.prepared, material.sung, choices.seconds)
    jobs = plan(songs, [Cast(one.name, one.voice.names, one.told) for one in cast], out, pairs=choices.pairs, same=same)
    claim(out, _facts(material, choices), {one.name: one.digest for one in cast})
    takes = Takes(material.prepared, material.sung, tuple(dict.fromkeys(job.song for job in jobs)), out)
    write_sources(material.prepared, takes.songs, out)
    ears = _taught(material, same, kinds, network, choices.seed, progress)
    systems = tuple(one.system(_figures(one, material, choices, progress)) for one in cast)
    ready = time.perf_counter()
    renderings = render(jobs, {one.name: one for one in cast}, out, manner, progress=progress)
    sung = time.perf_counter() - ready
    clips = _clips(renderings, takes, ears, meant, same, progress)
    making = Making(
        title=choices.title or _title(systems, data),
        command=choices.command,
        device=device,
        seed=choices.seed,
        data=material.corpus.fingerprint,
        converting=sum(one.took for one in renderings),
        took=time.perf_counter() - begun - sung,
    )
    return report_of(out, making, systems, clips, ears, material.sayings)


def _gathered(data: Path, cast: Sequence[Performer], choices: Choices, progress: Progress) -> Material:
    return gather(
        data,
        cast,
        singers=choices.singers,
        guests=[source for source, _ in choices.pairs or ()],
        include=choices.include,
        exclude=choices.exclude,
        progress=progress,
    )


def _clips(
    renderings: Sequence[Rendering],
    takes: Takes,
    ears: Ears,
    meant: Mapping[str, float | None],
    same: Mapping[str, str],
    progress: Progress,
) -> list[Clip]:
    """All clips in the order of the jobs; those that were sung are measured."""
    clips = [_clip(one, takes.out) for one in renderings]
    places = [place for place, clip in enumerate(clips) if clip.state == "scored"]
    subjects = [_subject(renderings[place], clips[place], takes, meant, same) for place in places]
    for place, clip in zip(places, measure(subjects, ears, progress=progress), strict=True):
        clips[place] = clip
    return clips


def _manner(choices: Choices) -> Manner:
    return Manner(temperature=choices.temperature, seed=choices.seed, transpose=choices.transpose)


def _persons(same: Mapping[str, str] | None, material: Material, cast: Sequence[Performer]) -> dict[str, str]:
    """Who stands for whom.

    Raises:
        ConfigError: a name that is nobody's.
    """
    known = sorted({*material.corpus.singers, *(name for one in cast for name in one.voice.names)})
    for name in (name for pair in (same or {}).items() for name in pair):
        if name not in known:
            raise ConfigError(f"--same: there is no singer {name!r:.60}; the singers are {', '.join(known)}.")
    return among(same or {}, material.prepared.singers)


def _facts(material: Material, choices: Choices) -> dict[str, object]:
    """What decides every sound of the evaluation, beside the voices."""
    return {
        "kind": "evaluate",
        "data": material.corpus.fingerprint,
        "held_out": material.share,
        "seconds": choices.seconds,
        "temperature": choices.temperature,
        "transpose": "0" if choices.transpose is None else str(choices.transpose),
        "seed": choices.seed,
    }


def _taught(
    material: Material,
    same: Mapping[str, str],
    kinds: Sequence[str],
    network: SpeakerNetwork | None,
    seed: int,
    progress: Progress,
) -> Ears:
    prepared = material.prepared if material.prepared.rate == RATE else prepare(material.prepared.corpus, rate=RATE)
    return teach(prepared, material.split, same=same, kinds=kinds, network=network, seed=seed, progress=progress)


def _figures(performer: Performer, material: Material, choices: Choices, progress: Progress) -> dict[str, float]:
    return figures_of(performer, material.prepared.corpus, material.split, seed=choices.seed, progress=progress)


def _clip(rendering: Rendering, out: Path) -> Clip:
    """What is known of a clip before it is measured."""
    job: Job = rendering.job
    song = job.song
    clip = Clip(
        system=job.system,
        song=song.name,
        source=song.singer,
        target=job.target,
        kind=job.kind,
        seconds=song.piece.seconds,
        why=rendering.remark,
    )
    if song.why:
        return replace(clip, state="skipped", why=song.why)
    clip = replace(clip, source_path=place_of(source_path(out, song), out))
    if rendering.why:
        return replace(clip, state="failed", why=rendering.why)
    return replace(clip, path=place_of(job.path, out))


def _subject(
    rendering: Rendering, clip: Clip, takes: Takes, meant: Mapping[str, float | None], same: Mapping[str, str]
) -> Subject:
    job = rendering.job
    parallel = takes.of(job.song, job.target)
    return Subject(
        clip=replace(clip, truth_path=place_of(parallel.truth, takes.out)),
        source=source_path(takes.out, job.song),
        converted=job.path,
        truth=parallel.truth,
        simultaneous=parallel.simultaneous,
        others=parallel.others,
        section=parallel.section,
        source_singer=person(job.song.singer, same),
        target=person(job.target, same),
        transposition=meant[job.system],
        syllables=syllables_of(job.song),
        took=rendering.took,
    )


def _title(systems: Sequence[System], data: Path) -> str:
    return f"{' and '.join(system.name for system in systems)} on {data.absolute().name}"

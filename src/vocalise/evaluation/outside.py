"""Scoring what other tools made: folders of songs and of their conversions, and recordings of the target, if any.

source, converted ──names──▶ pairs ──measure──▶ clips          source, target ──▶ judges ──▶ who is heard
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vocalise.audio.files import describe
from vocalise.conversion.curves import MOST_SEMITONES
from vocalise.data.cache import key_of
from vocalise.data.choir.labels import LABELS, read_syllables
from vocalise.data.records import legible
from vocalise.errors import AudioError, ConfigError
from vocalise.evaluation.ears import parse_judges, teach
from vocalise.evaluation.folder import claim
from vocalise.evaluation.genuine import Genuine, genuine
from vocalise.evaluation.matching import Found, Match, match, sounds_in, target_of
from vocalise.evaluation.measuring import Subject, measure
from vocalise.evaluation.plan import among, person
from vocalise.evaluation.records import Clip, Report, Saying, System
from vocalise.evaluation.reporting import Making, place_of, report_of
from vocalise.evaluation.speaker import SpeakerNetwork
from vocalise.evaluation.takes import MOST_OTHERS, labelled_alike
from vocalise.progress import Progress, silent


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A converted file in its place."""

    system: str
    match: Match
    target: str


def parse_cents(text: str) -> float | None:
    """A transposition in cents: `12` and `-12` are semitones, `700c` is cents, and None is `auto`.

    Raises:
        ConfigError: neither.
    """
    plain = text.strip().casefold()
    if plain == "auto":
        return None
    number, cents = plain.removesuffix("cents").removesuffix("c").strip(), plain.endswith(("c", "cents"))
    try:
        found = float(number) * (1.0 if cents else 100.0)
    except ValueError:
        found = float("nan")
    if not abs(found) <= 100.0 * MOST_SEMITONES:
        raise ConfigError(
            f"--transpose cannot be {text!r:.40}: give semitones from {-MOST_SEMITONES:g} to {MOST_SEMITONES:g}, "
            "cents as in 700c, or auto."
        )
    return found


def score_folders(
    source: Path,
    converted: Path,
    out: Path,
    *,
    target: Path | None = None,
    against: Path | None = None,
    transpose: float | None = 0.0,
    same: Mapping[str, str] | None = None,
    speaker: Path | None = None,
    judges: str | None = None,
    seed: int = 0,
    title: str = "",
    command: str = "",
    progress: Progress = silent,
) -> Report:
    """Scores converted songs, whoever made them, and writes tables and report into a folder.

    Args:
        source: the songs; a folder in it for each singer, or one singer's files, or one file.
        converted: the results; see `matching` for how they find their songs.
        out: folder to write into: new, empty, or that of the same kind of work.
        target: genuine recordings of the target, a folder in it for each of several; without them nobody is judged.
        against: the results of another tool, which are compared with `converted`.
        transpose: cents by which results are meant to be higher; None finds it for each of them.
        same: singers who are the person of another name.
        speaker: a speaker network, as ONNX.
        judges: kinds of judges, separated by commas; all by default.
        seed: of all that is drawn by chance.
        title: of the report.
        command: for the report.
        progress: told what is being done.

    Raises:
        VocaliseError: wrong inputs. What concerns one file is in the report.
    """
    begun, kinds = time.perf_counter(), parse_judges(judges)
    network = None if speaker is None else SpeakerNetwork.load(speaker)
    sources = sounds_in(source, "--source")
    targets = sounds_in(target, "--target") if target else ()
    sources, targets = _told_apart(source, sources, target, targets)
    systems = _systems([converted, *([against] if against else [])])
    cases = [case for system in systems for case in _cases(system, source, sources, targets)]
    scored = {case.match.source for case in cases if case.match.source is not None}
    known = genuine(source, sources, targets, scored, progress=progress)
    persons = _persons(same, known)
    claim(out, {"kind": "score"}, {})
    ears = teach(known.prepared, known.split, same=persons, kinds=kinds, network=network, seed=seed, progress=progress)
    clips = [_clip(case, out) for case in cases]
    places = [place for place, clip in enumerate(clips) if clip.state == "scored"]
    subjects = [_subject(cases[place], clips[place], targets, transpose, persons, out) for place in places]
    for place, clip in zip(places, measure(subjects, ears, progress=progress), strict=True):
        clips[place] = clip
    making = Making(
        title=title or f"{' and '.join(one.name for one in systems)} on {source.absolute().name}",
        command=command,
        seed=seed,
        data=key_of("sources", *sorted(known.digests)),
        took=time.perf_counter() - begun,
    )
    said = [
        *known.sayings,
        *(known.on_judges if ears.judges else ()),
        *_on_transposition(clips, transpose),
        *_on_sources(cases, sources),
    ]
    return report_of(out, making, systems, clips, ears, said)


def _told_apart(
    source: Path, sources: tuple[Found, ...], target: Path | None, targets: tuple[Found, ...]
) -> tuple[tuple[Found, ...], tuple[Found, ...]]:
    """Two lone folders or files of one name are two singers; singers' folders of one name are one singer."""
    alone = {one.singer for one in sources} == {one.singer for one in targets} and len({x.singer for x in sources}) == 1
    if target is None or not alone or _has_singers(source) or _has_singers(target) or source.samefile(target):
        return sources, targets
    return (
        tuple(replace(one, singer=f"{one.singer} (source)") for one in sources),
        tuple(replace(one, singer=f"{one.singer} (target)") for one in targets),
    )


def _has_singers(place: Path) -> bool:
    return place.is_dir() and any(one.is_dir() and not one.name.startswith(".") for one in place.iterdir())


def _systems(folders: Sequence[Path]) -> tuple[System, ...]:
    """The tools, by the names of their folders."""
    names = [folder.absolute().stem if folder.is_file() else folder.absolute().name for folder in folders]
    if len(set(names)) < len(names):
        names = [f"{folder.absolute().parent.name} {name}" for folder, name in zip(folders, names, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{name} {number}" for number, name in enumerate(names, start=1)]
    return tuple(System(name=legible(name), path=str(folder)) for folder, name in zip(folders, names, strict=True))


def _cases(system: System, source: Path, sources: Sequence[Found], targets: Sequence[Found]) -> list[_Case]:
    folder = Path(system.path)
    results = [one.path for one in sounds_in(folder, "--converted")]
    if folder.samefile(source):
        raise AudioError(
            f"--converted and --source are the same place, {legible(folder)}: keep songs and results apart."
        )
    names = list(dict.fromkeys(one.singer for one in targets))
    matches = match(results, folder, sources, source)
    return [_Case(system=system.name, match=one, target=target_of(one, folder, names)) for one in matches]


def _persons(same: Mapping[str, str] | None, known: Genuine) -> dict[str, str]:
    for name in (name for pair in (same or {}).items() for name in pair):
        if name not in known.singers:
            raise ConfigError(
                f"--same: there is no singer {name!r:.60}; the singers are {', '.join(known.singers) or 'unknown'}."
            )
    return among(same or {}, known.prepared.singers if known.prepared else ())


def _clip(case: _Case, out: Path) -> Clip:
    found, path = case.match.source, case.match.converted
    clip = Clip(
        system=case.system,
        song=found.song if found else path.stem,
        source=found.singer if found else "",
        target=case.target,
        path=place_of(path, out),
    )
    if found is None:
        return replace(clip, state="skipped", why=case.match.why)
    clip = replace(clip, source_path=place_of(found.path, out))
    try:
        return replace(clip, seconds=describe(found.path).seconds)
    except AudioError as error:
        return replace(clip, state="failed", why=str(error))


def _subject(
    case: _Case, clip: Clip, targets: Sequence[Found], transpose: float | None, same: Mapping[str, str], out: Path
) -> Subject:
    assert case.match.source is not None  # or it would have been skipped
    source = case.match.source
    stem = source.path.stem.casefold()
    parallel = [one for one in targets if one.path.stem.casefold() == stem and one.path != source.path]
    truth = next((one.path for one in parallel if one.singer == case.target and one.singer != source.singer), None)
    others = [one.path for one in parallel if one.singer not in (case.target, source.singer)] if truth else []
    labels = source.path.with_suffix(LABELS)
    return Subject(
        clip=replace(clip, truth_path=place_of(truth, out)),
        source=source.path,
        converted=case.match.converted,
        truth=truth,
        simultaneous=truth is not None and labelled_alike(source.path, truth),
        others=tuple(others[:MOST_OTHERS]),
        source_singer=person(source.singer, same) or None,
        target=person(case.target, same) or None,
        transposition=transpose,
        syllables=read_syllables(labels) if labels.is_file() else None,
    )


def _on_transposition(clips: Sequence[Clip], transpose: float | None) -> list[Saying]:
    """What was found, where it was to be found."""
    if transpose is not None:
        return []
    said = []
    for system in dict.fromkeys(clip.system for clip in clips):
        own = [
            clip.figures["transposition"] for clip in clips if clip.system == system and "transposition" in clip.figures
        ]
        counts = Counter(round(cents) for cents in own).most_common(5)
        if counts:
            words = ", ".join(f"{cents:+d} cents in {count}" for cents, count in counts)
            said.append(Saying(level="note", system=system, words=f"Transposition found and taken off: {words}."))
    return said


def _on_sources(cases: Sequence[_Case], sources: Sequence[Found]) -> list[Saying]:
    """Songs that a tool left out would otherwise be missed by nobody."""
    said = []
    for system in dict.fromkeys(case.system for case in cases):
        done = {case.match.source for case in cases if case.system == system}
        missing = [one.song for one in sources if one not in done]
        if missing:
            words = f"{len(missing)} of {len(sources)} songs have no result: {', '.join(missing[:5])}"
            said.append(Saying(level="note", system=system, words=words + (", …" if len(missing) > 5 else "") + "."))
    return said

"""The plan of an evaluation: which held-out songs are sung by whom, and where their sound will lie.

held-out pieces ──excerpt──▶ songs ──× singers of each voice──▶ jobs
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor

from vocalise.audio.phrases import silent_stretches
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece
from vocalise.data.scan import composed
from vocalise.errors import ConfigError
from vocalise.evaluation.records import Kind

SHORTEST = 0.1  # seconds: in less there is nothing to judge
GRID = 0.5  # seconds, on which an excerpt begins and ends: takes that were sung together are then cut alike
MOST_NAMED = 24  # names in an error message
UNFIT = frozenset('/\\:*?"<>|')  # what one file system or another does not take in a name

Pairs = Sequence[tuple[str, str]]  # (who sang it, who is to sing it)


@dataclass(frozen=True, kw_only=True)
class Song:
    """A stretch of a recording that is to be converted, or why it is not."""

    name: str
    singer: str
    piece: Piece  # the stretch
    place: PurePosixPath  # of its files, without suffix, below the folders of an evaluation
    why: str = ""  # it is passed over


@dataclass(frozen=True, kw_only=True)
class Job:
    """A song that one system is to sing as somebody."""

    system: str
    song: Song
    target: str
    kind: Kind
    path: Path  # of the result


@dataclass(frozen=True)
class Cast:
    """Who can be asked of a system; `told` is false where it sings as it likes."""

    system: str
    singers: tuple[str, ...]
    told: bool = True


def parse_pairs(text: str | None) -> tuple[tuple[str, str], ...] | None:
    """`a>b,c>d` as pairs of source and target; None stays None.

    Raises:
        ConfigError: a part is no pair.
    """
    if text is None:
        return None
    pairs = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        source, sign, target = (name.strip() for name in part.partition(">"))
        if not (source and sign and target):
            raise ConfigError(f"--pairs: {part!r:.60} is no pair; write for instance 'ada>bob,bob>ada', in quotes.")
        pairs.append((composed(source), composed(target)))
    if not pairs:
        raise ConfigError("--pairs names nobody; write for instance 'ada>bob,bob>ada', in quotes.")
    return tuple(dict.fromkeys(pairs))


def parse_same(texts: Iterable[str]) -> dict[str, str]:
    """`a=b` for each two names of one person, as a mapping of all names but the first to the first one.

    Raises:
        ConfigError: a part is no such pair.
    """
    person: dict[str, str] = {}
    for part in (part.strip() for text in texts for part in text.split(",")):
        one, sign, other = (composed(name.strip()) for name in part.partition("="))
        if not (one and sign and other) or one == other:
            raise ConfigError(f"--same: {part!r:.60} is not two names of one person; write for instance ada=ada-live.")
        first, second = person.get(one, one), person.get(other, other)
        if first != second:
            person = {name: first if whose == second else whose for name, whose in person.items()}
            person[second] = first
    return person


def whole_songs(prepared: Prepared, pieces: Sequence[Piece], seconds: float | None) -> tuple[Song, ...]:
    """The songs that pieces are, or their first sounding `seconds`, in the order of singers and songs.

    Two recordings of one singer with one name get two names. A song that is silent or too short says so.
    """
    there = [piece for piece in pieces if piece.recording.digest in prepared.lengths]
    there.sort(key=lambda piece: (piece.recording.singer, piece.recording.song, piece.start, piece.recording.path))
    songs: list[Song] = []
    taken: dict[tuple[str, str], int] = {}
    folders = safe_names(sorted({piece.recording.singer for piece in there}))
    for piece in there:
        singer, name = piece.recording.singer, piece.recording.song
        count = taken[singer, name.casefold()] = taken.get((singer, name.casefold()), 0) + 1
        name = name if count == 1 else f"{name} ({count})"
        place = PurePosixPath(folders[singer]) / safe_name(name)
        songs.append(_cut(prepared, Song(name=name, singer=singer, piece=piece, place=place), seconds))
    return _apart(songs)


def _apart(songs: Sequence[Song]) -> tuple[Song, ...]:
    """The songs with places that no file system takes for one another."""
    names = safe_names([str(song.place) for song in songs], slashes=True)
    return tuple(replace(song, place=PurePosixPath(names[str(song.place)])) for song in songs)


def _cut(prepared: Prepared, song: Song, seconds: float | None) -> Song:
    """The song from its first sound to the end, or until it has sounded for so many seconds; all of it by default."""
    first, last = prepared.span(song.piece)
    if last - first < SHORTEST * prepared.rate:
        return replace(song, why=f"it is {(last - first) / prepared.rate:.2f} s short")
    sounds = _sounding(prepared.excerpt(song.piece, 0, last - first), prepared.rate)
    if not bool(sounds.any()):
        return replace(song, why="it is silent: it never rises above -60 dBFS")
    if seconds is None:
        return song
    heard = sounds.cumsum(0)
    grid = round(GRID * prepared.rate)
    start = int((heard > 0).int().argmax()) // grid * grid
    enough = torch.searchsorted(heard, min(round(seconds * prepared.rate), int(heard[-1])))
    stop = min(last - first, max(1, round((int(enough) + 1 - start) / grid)) * grid + start)
    here = replace(song.piece, start=(first + start) / prepared.rate, stop=(first + stop) / prepared.rate)
    return replace(song, piece=here)


def _sounding(wave: Tensor, rate: int) -> Tensor:
    """Which samples of a wave (samples,) are not in a silence of 0.2 s or more: (samples,) of bool."""
    sounds = torch.ones(len(wave), dtype=torch.bool)
    for silence in silent_stretches(wave, rate):
        sounds[silence.start : silence.stop] = False
    return sounds


def plan(
    songs: Sequence[Song],
    casts: Sequence[Cast],
    out: Path,
    *,
    pairs: Pairs | None = None,
    same: Mapping[str, str] | None = None,
) -> tuple[Job, ...]:
    """Every song as every singer of each system, or as `pairs` say; a song as its own singer is a reconstruction.

    Raises:
        ConfigError: a pair names somebody who has no song, or whom no system can sing as, or nothing is left to do.
    """
    if pairs is not None:
        _require_known(pairs, songs, casts)
    folders = safe_names([cast.system for cast in casts])
    jobs = []
    for cast in casts:
        targets = safe_names(cast.singers)
        for song in songs:
            for target in cast.singers if cast.told else (song.singer,):
                if pairs is not None and (song.singer, target) not in pairs:
                    continue
                kind: Kind = "reconstruction" if person(song.singer, same) == person(target, same) else "conversion"
                name = f"{song.place.name}--as-{targets.get(target, 'itself')}.wav"
                path = out / "converted" / folders[cast.system] / song.place.parent / name
                jobs.append(Job(system=cast.system, song=song, target=target, kind=kind, path=path))
    if not jobs:
        raise ConfigError("There is nothing to convert: none of the voices can sing what --pairs asks for.")
    return tuple(jobs)


def _require_known(pairs: Pairs, songs: Sequence[Song], casts: Sequence[Cast]) -> None:
    sources = list(dict.fromkeys(song.singer for song in songs))
    targets = list(dict.fromkeys(name for cast in casts for name in (cast.singers if cast.told else sources)))
    for which, names, what in (
        (0, sources, "has no held-out song; those who have are"),
        (1, targets, "is nobody's voice; the voices are"),
    ):
        for name in dict.fromkeys(pair[which] for pair in pairs):
            if name not in names:
                shown = ", ".join(names[:MOST_NAMED]) + (
                    f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
                )
                raise ConfigError(f"--pairs: {name!r:.60} {what} {shown or 'none'}.")


def person(singer: str, same: Mapping[str, str] | None) -> str:
    """Whom a singer's name stands for."""
    return (same or {}).get(singer, singer)


def among(same: Mapping[str, str], singers: Collection[str]) -> dict[str, str]:
    """Every name but one of each person, to a name under which there are recordings, if there is one."""
    groups: dict[str, list[str]] = {}
    for name, whose in same.items():
        groups.setdefault(whose, [whose]).append(name)
    found: dict[str, str] = {}
    for names in groups.values():
        chosen = next((name for name in names if name in singers), names[0])
        found |= {name: chosen for name in names if name != chosen}
    return found


def section(singer: str, singers: Iterable[str]) -> str:
    """The group whose names differ in their trailing digits only (`alto1`, `alto2`: `alto`); empty where there is none.

    Takes of one song by singers of different sections are different parts of it.
    """
    stem = singer.rstrip("0123456789")
    fellows = {name for name in singers if name != stem and name.rstrip("0123456789") == stem}
    return stem if stem != singer and len(fellows) > 1 else ""


def safe_name(name: str) -> str:
    """A name that every file system takes for a file."""
    kept = "".join("_" if letter in UNFIT or unicodedata.category(letter)[0] == "C" else letter for letter in name)
    return kept.strip(" .")[:120] or "_"


def safe_names(names: Sequence[str], *, slashes: bool = False) -> dict[str, str]:
    """Such a name for each, no two of which differ in upper and lower case or in how accents are encoded alone."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        if name in found:
            continue
        plain = name if slashes else safe_name(name)
        fit, number = plain, 1
        while _key(fit) in taken:
            number += 1
            fit = f"{plain} ({number})"
        taken.add(_key(fit))
        found[name] = fit
    return found


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

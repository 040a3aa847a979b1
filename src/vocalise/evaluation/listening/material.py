"""What a listening test can draw from: conversions that all systems made, the songs they came from, and real takes.

reports of `vocalise evaluate`, or folders of sound files ──▶ cells (a song, by system) and takes (a real recording)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vocalise.audio.files import AUDIO_SUFFIXES, describe
from vocalise.data.records import legible
from vocalise.data.scan import composed
from vocalise.errors import ConfigError
from vocalise.evaluation.records import Report

REPORT = "report.json"
SOURCE, TARGET = "source", "target"  # what singers are called where nobody names them
MOST_NAMED = 12  # names in an error message


@dataclass(frozen=True, kw_only=True)
class Take:
    """A real recording of a singer, never a converted one."""

    singer: str
    song: str
    path: Path


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A song that was to be sung by somebody else, and what each system made of it."""

    song: str
    source: str  # who sang it
    target: str  # who should be heard
    original: Path | None  # the song as it was sung
    versions: Mapping[str, Path]  # by system

    @property
    def name(self) -> tuple[str, str, str]:
        """What it is known by: song, source and target."""
        return self.song, self.source, self.target


@dataclass(frozen=True, kw_only=True)
class Material:
    """All there is to choose from; every cell holds every system."""

    systems: tuple[str, ...]
    cells: tuple[Cell, ...]
    takes: tuple[Take, ...]

    def takes_of(self, singer: str) -> tuple[Take, ...]:
        """The real recordings of a singer."""
        return tuple(take for take in self.takes if take.singer == singer)

    @property
    def rate(self) -> int:
        """The lowest rate in Hz among all recordings that can occur: what they must share to be compared blindly."""
        paths = {path for cell in self.cells for path in (cell.original, *cell.versions.values()) if path is not None}
        return min(describe(path).rate for path in paths | {take.path for take in self.takes})


def gather(folders: Sequence[Path], *, source: Path | None = None, target: Path | None = None) -> Material:
    """What lies in some folders, each the result of an evaluation or a system's sound files.

    Args:
        folders: with a `report.json`, or with sound files whose names below the folder are the songs'; the folder's
            name is then the system's.
        source: the songs as they were sung, under the same names; only for folders without a report.
        target: real recordings of who should be heard, in `target/<singer>/` where there are several.

    Raises:
        ConfigError: a folder holds nothing of use, two systems have one name, or no song was sung by all of them.
    """
    systems: dict[str, dict[tuple[str, str, str], Cell]] = {}
    takes: list[Take] = []
    for folder in folders:
        if not folder.is_dir():
            raise ConfigError(
                f"{legible(folder)} is no folder: give the output of `vocalise evaluate`, or sound files."
            )
        reported = (folder / REPORT).is_file()
        found, real = _from_report(folder) if reported else _from_files(folder, source)
        for name, cells in found.items():
            taken = name in systems
            own = f"{legible(folder.resolve().name)}/{name}" if taken and reported else name
            if own in systems:
                raise ConfigError(f"Two systems are called {own!r}: rename one of the folders.")
            systems[own] = {key: replace(cell, versions={own: cell.versions[name]}) for key, cell in cells.items()}
        takes += real
    shared = _shared(systems)
    takes += _takes_in(target, {cell.target for cell in shared}) if target is not None else ()
    unique = {(take.singer, take.path.resolve()): take for take in takes}
    return Material(systems=tuple(systems), cells=shared, takes=tuple(unique.values()))


def _shared(systems: Mapping[str, Mapping[tuple[str, str, str], Cell]]) -> tuple[Cell, ...]:
    """The cells that every system has, with all their versions."""
    if not any(systems.values()):
        raise ConfigError("There is no conversion to listen to: none of the folders holds any.")
    first = next(iter(systems.values()))
    names = [name for name in first if all(name in cells for cells in systems.values())]
    if not names:
        counts = ", ".join(f"{system} ({len(cells)})" for system, cells in systems.items())
        raise ConfigError(
            f"No song was sung by all of {counts}: convert the same songs with each, under the same names."
        )
    cells = []
    for name in names:
        versions = {system: cells[name].versions[system] for system, cells in systems.items()}
        originals = (cells[name].original for cells in systems.values())
        cells.append(replace(first[name], versions=versions, original=next(filter(None, originals), None)))
    return tuple(cells)


def _from_report(folder: Path) -> tuple[dict[str, dict[tuple[str, str, str], Cell]], list[Take]]:
    """The conversions of a report by system, and the real recordings that it names."""
    from vocalise.evaluation.tables import read_report

    report = read_report(folder / REPORT)
    systems: dict[str, dict[tuple[str, str, str], Cell]] = {}
    for clip in report.clips:
        path = folder / clip.path
        if clip.state != "scored" or clip.kind != "conversion" or not clip.path or not path.is_file():
            continue
        original = folder / clip.source_path
        cell = Cell(
            song=clip.song,
            source=clip.source or SOURCE,
            target=clip.target or TARGET,
            original=original if clip.source_path and original.is_file() else None,
            versions={clip.system: path},
        )
        systems.setdefault(clip.system, {})[cell.name] = cell
    if not systems:
        raise ConfigError(f"{legible(folder)} holds a report without a conversion that is still there.")
    return systems, list(_real(report, folder))


def _real(report: Report, folder: Path) -> Iterator[Take]:
    """What was really sung, as far as a report says where it lies."""
    for clip in report.clips:
        for singer, path in ((clip.source or SOURCE, clip.source_path), (clip.target or TARGET, clip.truth_path)):
            if path and (folder / path).is_file():
                yield Take(singer=singer, song=clip.song, path=folder / path)


def _from_files(folder: Path, source: Path | None) -> tuple[dict[str, dict[tuple[str, str, str], Cell]], list[Take]]:
    """The files of a system by song, and the songs as they were sung."""
    files = _sounds(folder)
    if not files:
        raise ConfigError(f"{legible(folder)} holds neither a {REPORT} nor any sound file.")
    originals = _sounds(source) if source is not None else {}
    if source is not None and not files.keys() & originals.keys():
        raise ConfigError(f"{legible(source)} holds no file of a name that {legible(folder)} holds too.")
    system = composed(folder.resolve().name)
    cells = [
        Cell(song=song, source=SOURCE, target=TARGET, original=originals.get(song), versions={system: path})
        for song, path in files.items()
    ]
    takes = [Take(singer=SOURCE, song=song, path=path) for song, path in originals.items()]
    return {system: {cell.name: cell for cell in cells}}, takes


def _takes_in(folder: Path, targets: Iterable[str]) -> Iterator[Take]:
    """Real recordings of the targets: in a folder of their name each, or of the only one there is."""
    names = sorted(targets)
    files = _sounds(folder)
    if not files:
        raise ConfigError(f"{legible(folder)} holds no sound file: give real recordings of {_named(names)}.")
    for name, path in files.items():
        singer, below, song = name.partition("/")
        if below and singer in names:
            yield Take(singer=singer, song=song, path=path)
        elif len(names) == 1:
            yield Take(singer=names[0], song=name, path=path)
    if len(names) > 1 and not any(name.partition("/")[0] in names for name in files):
        raise ConfigError(f"{legible(folder)} has no folder for any of {_named(names)}: make one for each singer.")


def _sounds(folder: Path | None) -> dict[str, Path]:
    """Sound files below a folder by their name there, without suffix, in order."""
    if folder is None or not folder.is_dir():
        raise ConfigError(f"{legible(folder or '')} is no folder of sound files.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    visible = (path for path in paths if not path.name.startswith("."))
    return {composed(path.relative_to(folder).with_suffix("").as_posix()): path for path in visible}


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more

"""Many songs at once: what is to become what, and a ledger of how it went."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Unpack

from vocalise.audio.files import AUDIO_SUFFIXES, WRITABLE, check_writable, shown
from vocalise.conversion.converter import Converter
from vocalise.conversion.separators import Separator
from vocalise.conversion.together import Request, Result, convert_together
from vocalise.conversion.whole_songs import convert_mixes
from vocalise.conversion.wishes import Wishes
from vocalise.errors import AudioError, VocaliseError
from vocalise.progress import Progress, silent

State = Literal["planned", "converted", "skipped", "failed"]


@dataclass(frozen=True)
class Entry:
    """A file, what is to become of it, and how it went."""

    source: Path
    target: Path | None = None
    state: State = "planned"
    why: str = ""  # one line, where it was not converted, or not as one would expect
    pitch_out: Path | None = None
    seconds: float = 0.0  # of audio
    took: float = 0.0  # seconds of work


@dataclass(frozen=True)
class Ledger:
    """How it went with all of them, in the order of work."""

    entries: tuple[Entry, ...]

    def of(self, state: State) -> tuple[Entry, ...]:
        """The entries in that state."""
        return tuple(entry for entry in self.entries if entry.state == state)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return not self.of("failed")


def convert_files(
    converter: Converter,
    sources: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    pitch_out: str | os.PathLike[str] | None = None,
    separator: Separator | None = None,
    progress: Progress = silent,
    **wishes: Unpack[Wishes],
) -> Ledger:
    """Converts files and folders, and goes on after a failure. A broken run leaves no half-written file.

    Args:
        converter: the voice.
        sources: sound files and folders (searched to any depth; hidden files are passed over).
        target: for one file, the file to write or a folder; else a folder, in which theirs are mirrored as .wav, or as
            another kind when it is given as `folder/*.flac`.
        overwrite: whether files that are already there are replaced; a source never is.
        pitch_out: where the measured pitch goes: a CSV file if `target` is a file, else a folder.
        separator: who takes the voice out of songs with accompaniment, as `load_separator` reads one; the songs keep
            their rate and their channels then. None for voices alone.
        progress: told the seconds of audio done of the song at hand.
        wishes: as for `Converter.convert`.

    Raises:
        VocaliseError: wishes that no file could fulfil; what concerns one file is in the ledger.
    """
    plan = converter.plan(**wishes)
    contours = None if pitch_out is None else Path(pitch_out)
    entries = plan_files([Path(source) for source in sources], Path(target), contours)
    for written in {entry.target.suffix: entry.target for entry in entries if entry.target}.values():
        there = _is_single(sources, target) and written.parent.is_dir()  # a folder that is missing will be made
        check_writable(written if there else f"song{written.suffix}", plan.out_rate)
    kept = _identities(entry.source for entry in entries)

    def requests() -> Iterator[Request]:
        for number, entry in enumerate(entries):
            entries[number] = judged = _judged(entry, kept, overwrite=overwrite)
            if judged.state == "planned" and judged.target is not None:
                yield Request(number, judged.source, judged.target, wishes, judged.pitch_out, makes_folder=True)

    def tell(some: Sequence[int]) -> Progress:
        return _told(progress, _which(entries, some))

    if separator is None:
        results = convert_together(converter, requests(), tell)
    else:
        results = convert_mixes(converter, separator, requests(), tell)
    for result in results:
        entries[result.number] = _closed(entries[result.number], result)
    return Ledger(tuple(entries))


def plan_files(sources: Sequence[Path], target: Path, pitch_out: Path | None = None) -> list[Entry]:
    """What is to become what; nothing is written yet. Different files never get the same target.

    Raises:
        AudioError: there is nothing to convert, or `target` cannot hold it all.
    """
    if not sources:
        raise AudioError("There is nothing to convert: give sound files or folders.")
    if _is_single(sources, target):
        return [Entry(sources[0], target, pitch_out=pitch_out)]
    folder, suffix = (target.parent, target.suffix) if target.name.startswith("*.") else (target, ".wav")
    if folder.is_file() or (folder.suffix.lower() in WRITABLE and not folder.is_dir()):
        raise AudioError(f"{shown(folder)} is one file, for {len(sources)} sources: give a folder.")
    found = [entry for source in sources for entry in _found(source, folder, alone=len(sources) == 1)]
    if not any(state == "planned" for _, _, state, _ in found):
        raise AudioError(f"There is no sound file in {', '.join(map(shown, sources))}.")
    names = iter(_names([place for _, place, state, _ in found if state == "planned"], suffix))
    entries = []
    for source, _, state, why in found:
        name = next(names) if state == "planned" else None
        csv = pitch_out / name.with_name(name.name + ".csv") if name and pitch_out else None
        entries.append(Entry(source, folder / name if name else None, state, why, csv))
    return entries


def _is_single(sources: Sequence[str | os.PathLike[str]], target: str | os.PathLike[str]) -> bool:
    """Whether one file becomes one file of a given name."""
    target = Path(target)
    named = bool(target.suffix) and not target.name.startswith("*.") and not target.is_dir()
    return len(sources) == 1 and named and not Path(sources[0]).is_dir()


Found = tuple[Path, Path, State, str]  # the file, its place in a mirrored folder, and what speaks against it


def _found(source: Path, results: Path, *, alone: bool) -> Iterator[Found]:
    """What a source holds; files that were named are always tried."""
    if not source.is_dir():
        yield source, Path(source.name), "planned", ""
        return
    if results.exists() and results.samefile(source):
        raise AudioError(f"{shown(results)} is the folder of the songs: give another for the results.")
    above = Path() if alone else Path(source.resolve().name)
    lost: list[OSError] = []
    for here, folders, files in os.walk(source, onerror=lost.append):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not _same(Path(here, name), results)
        )
        for name in sorted(name for name in files if not name.startswith(".")):
            place = above / Path(here, name).relative_to(source)
            known = place.suffix.lower() in AUDIO_SUFFIXES
            yield Path(here, name), place, *(("planned", "") if known else ("skipped", "it is no sound file"))
    for error in lost:
        yield Path(error.filename), above, "failed", f"it cannot be opened: {error.strerror}"


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _names(places: Sequence[Path], suffix: str) -> list[Path]:
    """A name for each place; where two would differ only in suffix or case, they keep the old suffix before the new."""
    plain = [place.with_name(place.stem + suffix) for place in places]
    count = Counter(map(_key, plain))
    taken: set[str] = {_key(name) for name in plain if count[_key(name)] == 1}
    names = []
    for place, name in zip(places, plain, strict=True):
        if count[_key(name)] > 1:
            name, number = place.with_name(place.name + suffix), 1
            while _key(name) in taken:
                number += 1
                name = place.with_name(f"{place.name} ({number}){suffix}")
            taken.add(_key(name))
        names.append(name)
    return names


def _key(path: Path) -> str:
    """The same for names that some file system takes for one."""
    return unicodedata.normalize("NFC", str(path)).casefold()


def _identities(paths: Iterator[Path]) -> frozenset[tuple[int, int]]:
    """What the files are, whatever they are called."""
    found = []
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            continue
        found.append((facts.st_dev, facts.st_ino))
    return frozenset(found)


def _judged(entry: Entry, kept: frozenset[tuple[int, int]], *, overwrite: bool) -> Entry:
    """The entry, refused or passed over where its target is already there."""
    if entry.state != "planned" or entry.target is None:
        return entry
    for written in (entry.target, entry.pitch_out):
        if written is not None and _identities(iter([written])) & kept:
            return replace(
                entry, state="failed", why=f"{shown(written)} is a song to be converted: choose another name"
            )
    if entry.target.exists() and not overwrite:
        return replace(entry, state="skipped", why=f"{shown(entry.target)} is already there; --overwrite replaces it")
    return entry


def _closed(entry: Entry, result: Result) -> Entry:
    """The entry with what became of it."""
    error, outcome = result.error, result.outcome
    if isinstance(error, VocaliseError):
        return replace(entry, state="failed", why=str(error))
    if isinstance(error, OSError):
        return replace(
            entry,
            state="failed",
            why=f"{shown(error.filename or entry.target or entry.source)}: {error.strerror or error}",
        )
    if outcome is None:
        return replace(entry, state="failed", why="there is not enough memory; cut it into pieces, or use --device cpu")
    why = "its result is silent: it stays below -60 dBFS; make it louder, if there is a voice in it"
    why = result.why or why * outcome.silent
    return replace(entry, state="converted", why=why, seconds=outcome.seconds, took=result.took)


def _which(entries: Sequence[Entry], some: Sequence[int]) -> str:
    """Which songs of many are meant."""
    if len(entries) == 1:
        return ""
    others = f" and {len(some) - 1} more" if len(some) > 1 else ""
    return f"{shown(entries[some[0]].source.name)}{others} ({some[0] + 1} of {len(entries)})"


def _told(progress: Progress, which: str) -> Progress:
    """The progress of one song of many."""

    def tell(what: str, done: float, total: float, note: str = "") -> None:
        progress(f"{what} {which}".strip(), done, total, note)

    return tell

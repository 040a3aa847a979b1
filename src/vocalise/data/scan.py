"""From a folder to a list of sound files, each with its singer and its song; nothing is opened but `singers.csv`."""

import csv
import fnmatch
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalise.audio.files import AUDIO_SUFFIXES
from vocalise.data.records import Finding, legible
from vocalise.errors import CorpusError

TABLE = "singers.csv"
LAYOUT = f"make one folder for each singer (DATA/<singer>/song.wav), or list the files in DATA/{TABLE} (path,singer)"


@dataclass(frozen=True)
class Candidate:
    """A file that should be a recording of this singer."""

    path: Path
    singer: str
    song: str
    relative: str  # below the corpus folder, with forward slashes


def scan(folder: Path) -> tuple[list[Candidate], list[Finding]]:
    """Every sound file below `folder`, by `singers.csv` where there is one, else by the first folder below it.

    Raises:
        CorpusError: there is no such folder, it cannot be listed, or its table cannot be read.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.is_file() else "does not exist"
        raise CorpusError(f"{legible(folder)} {what}: {LAYOUT}.")
    findings: list[Finding] = []
    table = folder / TABLE
    found = _from_table(folder, table, findings) if table.is_file() else _from_folders(folder, findings)
    unique = {(candidate.singer, candidate.relative): candidate for candidate in found}
    ordered = sorted(unique.values(), key=lambda one: (one.singer, one.song, one.relative))
    return ordered, findings


def choose(candidates: Iterable[Candidate], include: Sequence[str], exclude: Sequence[str]) -> list[Candidate]:
    """Those that match a pattern of `include` (all, if there is none) and none of `exclude`.

    A pattern is matched against the path below the corpus folder, where `*` also stands for slashes (`*/sing/*`); one
    without a slash is matched against the file's own name as well.
    """
    wanted = [one for one in candidates if not include or _matches(one.relative, include)]
    return [one for one in wanted if not _matches(one.relative, exclude)]


def _matches(relative: str, patterns: Iterable[str]) -> bool:
    for pattern in patterns:
        wanted = composed(pattern.replace("\\", "/"))
        if fnmatch.fnmatchcase(relative, wanted):
            return True
        if "/" not in wanted and fnmatch.fnmatchcase(relative.rpartition("/")[2], wanted):
            return True
    return False


def composed(name: str) -> str:
    """A name in Unicode's composed form: macOS takes names apart that other systems keep whole."""
    return unicodedata.normalize("NFC", legible(name))


def _from_folders(folder: Path, findings: list[Finding]) -> Iterator[Candidate]:
    strays = []
    for path in _listed(folder, None, findings):
        status = _status(path)
        if status is None or not stat.S_ISDIR(status.st_mode):
            strays.append(path)
            continue
        singer = composed(path.name)
        sounds = list(_sounds(path, folder, singer, findings))
        if not sounds:
            remedy = "put recordings into it, or take it away"
            findings.append(Finding("warning", singer, path, f"{legible(path.name)} holds no sound file.", remedy))
        for sound in sounds:
            song = sound.relative_to(path).with_suffix("").as_posix()
            yield Candidate(sound, singer, composed(song), composed(sound.relative_to(folder).as_posix()))
    findings.extend(_stray(path) for path in strays)


def _stray(path: Path) -> Finding:
    message = f"{legible(path.name)} lies beside the singers' folders and is passed over."
    if path.suffix.lower() in AUDIO_SUFFIXES:
        return Finding("warning", None, path, message, "move it into the folder of the one who sings")
    return Finding("note", None, path, message)


def _sounds(top: Path, root: Path, singer: str, findings: list[Finding]) -> Iterator[Path]:
    """Sound files below `top`; a folder that a link reaches a second time is not entered again."""
    seen = {_identity(root.stat())}
    waiting = [top]
    while waiting:
        here = waiting.pop()
        status = _status(here)
        if status is None or _identity(status) in seen:
            findings.append(
                Finding("note", singer, here, f"{legible(here)} was reached before and is not entered again.")
            )
            continue
        seen.add(_identity(status))
        for path in _listed(here, singer, findings):
            found = _status(path)
            if found is not None and stat.S_ISDIR(found.st_mode):
                waiting.append(path)
            elif path.suffix.lower() in AUDIO_SUFFIXES:
                if found is not None and stat.S_ISREG(found.st_mode):
                    yield path
                else:
                    message = f"{legible(path)} is not a file: a link that leads nowhere, or a device."
                    findings.append(Finding("warning", singer, path, message, "take it away"))


def _listed(folder: Path, singer: str | None, findings: list[Finding]) -> list[Path]:
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        message = f"{legible(folder)} cannot be listed: {error.strerror}."
        if singer is None:
            raise CorpusError(f"{message} Look at its permissions.") from None
        findings.append(Finding("warning", singer, folder, message, "look at its permissions"))
        return []
    return [path for path in paths if path.name != "__MACOSX"]


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):  # gone meanwhile, a link to itself, a name the system cannot look up
        return None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _from_table(folder: Path, table: Path, findings: list[Finding]) -> Iterator[Candidate]:
    owners: dict[Path, str] = {}
    for number, row in _rows(table):
        where = f"{TABLE}, line {number}"
        name, singer = (row.get("path") or "").strip(), composed((row.get("singer") or "").strip())
        if not name or not singer:
            findings.append(
                Finding("warning", singer or None, table, f"{where}: path or singer is missing.", "fill it in")
            )
            continue
        path = _located(folder, name)
        if path is None:
            message = f"{where}: {legible(name)} does not exist."
            findings.append(Finding("warning", singer, folder / legible(name), message, "correct the path"))
            continue
        sounds = list(_sounds(path, folder.parent, singer, findings)) if path.is_dir() else [path]
        for sound in sounds:
            owner = owners.setdefault(sound, singer)
            if owner != singer:
                message = f"{where}: {legible(name)} already belongs to {owner}; {singer} does not get it."
                findings.append(Finding("warning", singer, sound, message, "give each file to one singer"))
                continue
            relative = sound.relative_to(folder).as_posix() if sound.is_relative_to(folder) else sound.as_posix()
            song = (row.get("song") or "").strip() or relative[: -len(sound.suffix) or None]
            yield Candidate(sound, singer, composed(song), composed(relative))


def _located(folder: Path, name: str) -> Path | None:
    for spelling in dict.fromkeys((name, name.replace("\\", "/"), unicodedata.normalize("NFD", name), composed(name))):
        path = folder / spelling
        status = _status(path)
        if status is not None and (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
            return path
    return None


def _rows(table: Path) -> list[tuple[int, dict[str, str | None]]]:
    remedy = "its first line should be path,singer and it should be saved as CSV in UTF-8"
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = max(",;\t", key=first.count)
            names = [word.strip().lower() for word in next(csv.reader([first], delimiter=delimiter), [])]
            if not {"path", "singer"} <= set(names):
                found = legible(", ".join(names)) or "nothing"
                raise CorpusError(f"{legible(table)} needs the columns path and singer and has {found}: {remedy}.")
            reader = csv.reader(file, delimiter=delimiter)
            return [(reader.line_num + 1, dict(zip(names, row, strict=False))) for row in reader if any(row)]
    except (OSError, UnicodeError, csv.Error) as error:
        raise CorpusError(f"{legible(table)} cannot be read ({error}): {remedy}.") from None

"""What the headers of many files say, and what their contents hash to; remembered until a file changes."""

import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vocalise.audio.files import describe
from vocalise.data.cache import cache_folder, digest_of, file_digest, read_json, write_json
from vocalise.data.records import legible
from vocalise.errors import AudioError

VERSION = 1  # of the notes below
SETTLED = 3.0  # seconds; a file changed more recently could change again within one tick of its clock


@dataclass(frozen=True)
class Header:
    """What is known of a file without decoding it."""

    digest: str
    seconds: float
    rate: int  # Hz
    channels: int


def read_headers(folder: Path, paths: Sequence[Path]) -> dict[Path, Header | str]:
    """The header of each file, or in one line why it has none; `folder` names the notes that are kept."""
    store = _store(folder)
    notes = read_json(store) if store else None
    known: dict[str, object] = notes if isinstance(notes, dict) else {}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        answers = list(pool.map(lambda path: _header(path, known.get(str(path.absolute()))), paths))
    fresh = {str(path.absolute()): note for path, (_, note) in zip(paths, answers, strict=True) if note}
    if store and any(known.get(name) != note for name, note in fresh.items()):
        _keep(store, {**known, **fresh})
    return {path: header for path, (header, _) in zip(paths, answers, strict=True)}


def _store(folder: Path) -> Path | None:
    try:
        name = digest_of(os.fsencode(folder.absolute()))
        return cache_folder() / "headers" / f"{name}-{VERSION}.json"
    except OSError:
        return None


def _keep(store: Path, notes: dict[str, object]) -> None:
    try:
        write_json(store, notes)
    except OSError:
        return  # a cache that cannot be written is said when audio is prepared; here it costs a second


def _header(path: Path, note: object) -> tuple[Header | str, list[object] | None]:
    """A file's header, and the note to keep of it (None while the file is too young to be trusted)."""
    try:
        stamp = _stamp(path)
        known = _read_note(note, stamp)
        if known is not None:
            return known, [*stamp, known.digest, known.seconds, known.rate, known.channels]
        facts = describe(path)
        header = Header(file_digest(path), facts.seconds, facts.rate, facts.channels)
        if facts.samples < 1:
            return f"{legible(path)} holds no sound: record or export it again.", None
        settled = stamp == _stamp(path) and time.time() - path.stat().st_mtime > SETTLED
    except AudioError as error:
        return str(error), None
    except OSError as error:
        return f"{legible(path)} cannot be read: {error.strerror or error}.", None
    return header, [*stamp, header.digest, header.seconds, header.rate, header.channels] if settled else None


def _stamp(path: Path) -> list[object]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _read_note(note: object, stamp: Iterable[object]) -> Header | None:
    match note:
        case [size, modified, changed, str(digest), float(seconds), int(rate), int(channels)]:
            if [size, modified, changed] == stamp:
                return Header(digest, seconds, rate, channels)
    return None

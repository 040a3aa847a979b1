"""The cache folder: what is slow to make and easy to make again, checked whenever it is opened.

An entry is an array (`.npy`) and, written after it, a small JSON with its size and checksum. Whatever does not fit
together (a crash between the two, a damaged disk) counts as absent, and is made again.
"""

import functools
import hashlib
import itertools
import json
import os
import shutil
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vocalise.audio.files import write_aside
from vocalise.data.records import Finding, legible

FOLDER_VARIABLE = "VOCALISE_CACHE"
ABANDONED = 86400.0  # seconds after which a hidden temporary belongs to a program that was killed


def cache_folder() -> Path:
    """Where the cache lies: `VOCALISE_CACHE`, or the place that the system keeps for such files.

    Raises:
        OSError: nobody says where this user's files are.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    try:
        if named:
            return Path(named).expanduser()
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "vocalise" / "Cache"
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "vocalise"
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vocalise"
    except RuntimeError as error:  # pathlib's word for a user without a home
        raise OSError(str(error)) from None


def key_of(*parts: str | float) -> str:
    """A file name that stands for these settings."""
    return digest_of(json.dumps(parts).encode())


def digest_of(data: bytes) -> str:
    """The hash that this project uses wherever contents are compared."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def file_digest(path: Path) -> str:
    """The same of a whole file, read in blocks.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def read_json(path: Path) -> Any:
    """What `write_json` wrote, or None if that is not there whole."""
    try:
        text = path.read_text(encoding="utf-8")
        checksum, _, body = text.partition("\n")
        return json.loads(body) if checksum == digest_of(body.encode()) else None
    except (OSError, ValueError, RecursionError):
        return None


def write_json(path: Path, value: object) -> None:
    """Writes plain values under their checksum.

    Raises:
        OSError: it cannot be written.
    """
    body = json.dumps(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    with write_aside(path) as temporary:
        temporary.write_text(f"{digest_of(body.encode())}\n{body}", encoding="utf-8", newline="\n")


class Cache:
    """A folder of arrays, each named by what it was made from."""

    def __init__(self, folder: Path, *, temporary: bool = False) -> None:
        self.folder = folder
        self.temporary = temporary
        self._mapped = functools.lru_cache(maxsize=128)(_mapped)  # each mapping keeps a file open: not thousands
        if temporary:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    @classmethod
    def open(cls) -> tuple["Cache", tuple[Finding, ...]]:
        """The user's cache; a temporary one, with a finding, where that cannot be written.

        Raises:
            OSError: not even a temporary folder can be made.
        """
        folder: Path | None = None
        try:
            folder = cache_folder()
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            where = "the cache folder" if folder is None else legible(folder)
            message = f"{where} cannot be written ({error.strerror or error}): prepared audio will be lost at the end."
            remedy = f"set {FOLDER_VARIABLE} to a folder of yours"
            aside = cls(Path(tempfile.mkdtemp(prefix="vocalise-")), temporary=True)
            return aside, (Finding("warning", None, folder, message, remedy),)
        cache = cls(folder)
        cache.sweep()
        return cache, ()

    def sweep(self) -> None:
        """Takes away what killed programs left half written."""
        for path in itertools.chain(self.folder.glob("*/.*"), self.folder.glob("*/*/.*")):
            try:
                if path.is_file() and time.time() - path.stat().st_mtime > ABANDONED:
                    path.unlink()
            except OSError:
                continue  # another program was quicker, or holds it

    def path(self, kind: str, key: str) -> Path:
        """Where an array lies."""
        return self.folder / kind / key[:2] / f"{key}.npy"

    def exists(self, kind: str, key: str) -> bool:
        """Whether something lies there, sound or not."""
        path = self.path(kind, key)
        return path.is_file() and path.with_suffix(".json").is_file()

    def facts(self, kind: str, key: str) -> Mapping[str, Any] | None:
        """What was noted about an array, or None unless it is there whole, byte for byte."""
        path = self.path(kind, key)
        note = read_json(path.with_suffix(".json"))
        try:
            if path.stat().st_size == note["bytes"] and file_digest(path) == note["checksum"]:
                facts: Mapping[str, Any] = note["facts"]
                return facts
        except (OSError, TypeError, KeyError):
            pass
        return None

    def array(self, kind: str, key: str) -> NDArray[Any]:
        """The array, mapped into memory and read-only; `facts` has vouched for it.

        Raises:
            OSError: it has been taken away meanwhile.
        """
        return self._mapped(self.path(kind, key))

    def store(self, kind: str, key: str, array: NDArray[Any], facts: Mapping[str, Any]) -> None:
        """Keeps an array with some plain facts about it.

        Raises:
            OSError: it cannot be written.
        """
        path = self.path(kind, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._mapped.cache_clear()
        with write_aside(path) as temporary:
            with temporary.open("wb") as file:
                np.save(file, array, allow_pickle=False)
            size = temporary.stat().st_size
            note = {"bytes": size, "checksum": file_digest(temporary), "facts": dict(facts)}
        layout = {"dtype": array.dtype.str, "shape": array.shape, "offset": size - array.nbytes}
        write_json(path.with_suffix(".json"), note | layout)


def _mapped(path: Path) -> NDArray[Any]:
    """Maps an array as its note describes it; NumPy's own parsing of the file's header takes milliseconds."""
    note = read_json(path.with_suffix(".json"))
    try:
        shape = tuple(note["shape"])
        return np.memmap(path, dtype=note["dtype"], mode="r", offset=note["offset"], shape=shape)
    except (KeyError, TypeError, ValueError):
        raise OSError("its note is gone, or does not fit it") from None

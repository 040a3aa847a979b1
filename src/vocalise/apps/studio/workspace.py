"""The workspace: the one folder in which the studio reads and writes, and the names that may be used in it.

name from outside ──checked──▶ WORKSPACE/<room>/<name>, and nowhere else
"""

import re
import shutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vocalise.audio.files import AUDIO_SUFFIXES, describe
from vocalise.errors import AudioError, ConfigError, VocaliseError

ROOMS = (
    *("songs", "takes", "results", "melodies", "singers", "voices", "runs", "checks", "reports", "tests"),
    *("jobs", "uploads", "separators"),
)
SOUNDING = ("songs", "takes")  # rooms whose files may be sung by somebody else
PUBLIC = frozenset(ROOMS) - {"jobs", "uploads", "separators"}  # rooms that the page may fetch files from
VOICE = ".safetensors"
LONGEST = 80  # characters of a name
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # what Windows keeps for itself


@dataclass(frozen=True)
class Refused:
    """A file that was not taken in, and why."""

    name: str
    why: str


class Workspace:
    """A folder with a room for each kind of thing."""

    def __init__(self, folder: Path) -> None:
        """Makes the folder where there is none.

        Raises:
            ConfigError: it cannot be made, or is a file.
        """
        try:
            for room in ROOMS:
                (folder / room).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{folder} cannot be the workspace ({error.strerror or error}): choose another folder with --workspace."
            ) from None
        self.folder = folder.resolve()

    def room(self, name: str) -> Path:
        """One of `ROOMS`."""
        return self.folder / name

    def place(self, room: str, name: str) -> Path:
        """Where something of that name lies, or may come to lie, in a room.

        Raises:
            ConfigError: a name that leads elsewhere, or that some system cannot keep.
        """
        return self._inside(self.room(room) / checked(name))

    def found(self, address: str) -> Path:
        """The file behind an address `room/…/name`, as the page gives it.

        Raises:
            ConfigError: it leads out of the public rooms, or is hidden, or there is no such file.
        """
        parts = address.split("/")
        wrong = any(part in ("", "..") or part.startswith(".") or set(part) & set("\\:\0") for part in parts)
        if wrong or len(parts) < 2 or parts[0] not in PUBLIC:
            raise ConfigError(f"{address!r:.80} is no file of the workspace.")
        path = self._inside(self.folder.joinpath(*parts))
        try:
            there = path.is_file()
        except OSError:  # a name that is too long
            there = False
        if not there:
            raise ConfigError(f"{address!r:.80} is no file of the workspace.")
        return path

    def address(self, path: Path) -> str:
        """The other way round: `room/…/name` of a file inside."""
        return path.resolve().relative_to(self.folder).as_posix()

    def sounds(self) -> list[str]:
        """Addresses of all songs and takes, the newest first."""
        found = [
            path for room in SOUNDING for path in self.room(room).iterdir() if path.suffix.lower() in AUDIO_SUFFIXES
        ]
        return [self.address(path) for path in sorted(found, key=_newest)]

    def sound(self, address: str) -> Path:
        """A song or take by its address.

        Raises:
            ConfigError: there is none.
        """
        if address.split("/")[0] not in SOUNDING:
            raise ConfigError(f"{address!r:.80} is neither a song nor a take of the workspace.")
        return self.found(address)

    def singers(self) -> dict[str, list[Path]]:
        """Whose recordings there are, and which."""
        return {
            folder.name: [one for one in sorted(folder.iterdir()) if one.suffix.lower() in AUDIO_SUFFIXES]
            for folder in sorted(self.room("singers").iterdir())
            if folder.is_dir() and not folder.name.startswith(".")
        }

    def voices(self) -> dict[str, Path]:
        """Voice files by the name that they are shown under, the newest first; the default voice is not among them."""
        own = self.room("voices").glob(f"*{VOICE}")
        runs = self.room("runs").glob(f"*/voice{VOICE}")
        found = [(path, path.stem) for path in own] + [(path, f"run: {path.parent.name}") for path in runs]
        return {name: path for path, name in sorted(found, key=lambda one: _newest(one[0]))}

    def separators(self) -> dict[str, Path]:
        """Networks that take a voice out of a mix, as somebody laid them there, by name."""
        return {path.stem: path for path in sorted(self.room("separators").glob(f"*{VOICE}"))}

    def take_in(self, room: str, given: Iterable[Path], *, folder: str = "") -> tuple[list[Path], list[Refused]]:
        """Moves sound files that were uploaded into a room, under names of their own; what is no sound is thrown away.

        Args:
            room: `songs`, `takes` or `singers`.
            given: files in `uploads`; others are refused.
            folder: below the room, as the singer's name.

        Raises:
            ConfigError: a folder's name that cannot be.
        """
        target = self.place(room, folder) if folder else self.room(room)
        taken: list[Path] = []
        refused: list[Refused] = []
        for path in given:
            try:
                self.require_uploaded(path)
                require_sound(path)
                target.mkdir(exist_ok=True)
                place = free_place(target / tidy(path.name))
                shutil.move(path, place)
                taken.append(place)
            except (VocaliseError, OSError) as error:
                refused.append(Refused(tidy(path.name), str(AudioError(error)).replace(str(path), tidy(path.name))))
                self._thrown_away(path)
        return taken, refused

    def take_voice(self, path: Path) -> Path:
        """Moves a voice file that was uploaded among the voices, once it has been read whole.

        Raises:
            VocaliseError: it is no voice, or damaged, or hostile; it is thrown away then.
        """
        from vocalise.checkpoint import load_voice

        self.require_uploaded(path)
        try:
            load_voice(path)
        except VocaliseError as error:
            self._thrown_away(path)
            raise type(error)(str(error).replace(str(path), tidy(path.name))) from None
        place = free_place(self.room("voices") / (tidy(Path(path.name).stem) + VOICE))
        shutil.move(path, place)
        return place

    def sweep(self) -> None:
        """Throws away what was uploaded and never taken in."""
        for one in self.room("uploads").iterdir():
            if one.is_dir() and not one.is_symlink():
                shutil.rmtree(one, ignore_errors=True)
            else:
                one.unlink(missing_ok=True)

    def require_uploaded(self, path: Path) -> None:
        """Refuses a file that did not come by an upload.

        Raises:
            ConfigError: it lies elsewhere, or is none.
        """
        if not path.resolve().is_relative_to(self.room("uploads")) or not path.is_file():
            raise ConfigError(f"{path.name!r:.80} was not uploaded here.")

    def _thrown_away(self, path: Path) -> None:
        if path.resolve().is_relative_to(self.room("uploads")):
            path.unlink(missing_ok=True)

    def _inside(self, path: Path) -> Path:
        """The path, if it leads nowhere else, symbolic links included."""
        try:
            real = path.resolve()
        except (OSError, ValueError, RuntimeError):
            raise ConfigError(f"{path.name!r:.80} is no name for a file.") from None
        if not real.is_relative_to(self.folder):
            raise ConfigError(f"{path.name!r:.80} leads out of the workspace.")
        return real


def checked(name: str) -> str:
    """A name that somebody chose, for a singer, a run, a voice: letters of any script, digits, spaces, `-_.()'`.

    Raises:
        ConfigError: a name that some system cannot keep, or that could lead elsewhere.
    """
    name = unicodedata.normalize("NFC", name).strip()
    fine = all(
        letter.isalnum() or unicodedata.category(letter) in ("Mn", "Mc") or letter in " -_.()'" for letter in name
    )
    if not name or len(name) > LONGEST or not fine or name[0] == "." or name[-1] == "." or _DEVICES.fullmatch(name):
        raise ConfigError(
            f"{name!r:.60} cannot be a name: choose 1 to {LONGEST} letters, digits, spaces and - _ . ( ) ', "
            "not a dot at either end."
        )
    return name


def tidy(name: str) -> str:
    """The same for a file's name, made to fit instead of refused."""
    stem, suffix = Path(unicodedata.normalize("NFC", name).replace("\\", "/")).stem, Path(name).suffix.lower()
    kept = "".join(letter if letter.isalnum() or letter in " -_()'" else "_" for letter in stem).strip()
    kept = kept[:LONGEST].strip() or "unnamed"
    suffix = "".join(letter for letter in suffix if letter.isascii() and letter.isalnum())[:12]
    kept = f"_{kept}" if _DEVICES.fullmatch(kept) else kept
    return f"{kept}.{suffix}" if suffix else kept


def free_place(path: Path) -> Path:
    """The path, or one with a number where something lies there."""
    number, place = 1, path
    while place.exists():
        number += 1
        place = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return place


def require_sound(path: Path) -> None:
    """Refuses what is not a sound file, whatever it is called.

    Raises:
        AudioError: by its header, or for its name.
    """
    if path.suffix.lower() not in AUDIO_SUFFIXES:
        raise AudioError(f"{tidy(path.name)} is no sound file by its name: give wav, flac, ogg, opus, mp3 or the like.")
    describe(path)


def _newest(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0

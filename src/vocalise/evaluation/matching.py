"""Which result of another tool belongs to which song, and whom it should sound like: told from names alone.

"song--as-ada.wav", "ada/song.wav", "song (converted).wav" ──stem, longest prefix, folders──▶ song.wav, ada
"""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalise.audio.files import AUDIO_SUFFIXES
from vocalise.data.records import legible
from vocalise.data.scan import composed
from vocalise.errors import AudioError


@dataclass(frozen=True)
class Found:
    """A sound file below a folder."""

    path: Path
    singer: str  # the first folder below, or the folder itself
    song: str  # the path below the singer's folder without its suffix


@dataclass(frozen=True)
class Match:
    """A converted file with its source, or why it has none."""

    converted: Path
    source: Found | None
    why: str = ""


def sounds_in(place: Path, what: str) -> tuple[Found, ...]:
    """All sound files in a folder, a singer for each folder in it; files beside such folders belong to `place` itself.

    A single file is a song of a singer of its own name.

    Raises:
        AudioError: there is no such place, or no sound in it; `what` names the option.
    """
    if place.is_file():
        return (Found(place, composed(place.stem), composed(place.stem)),)
    if not place.is_dir():
        raise AudioError(f"{what}: {legible(place)} does not exist; give a sound file or a folder of them.")
    found = []
    for here, folders, files in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(here, name)
            if path.suffix.lower() in AUDIO_SUFFIXES and not name.startswith("."):
                below = path.relative_to(place)
                singer = below.parts[0] if len(below.parts) > 1 else place.absolute().name
                song = Path(*below.parts[1:]) if len(below.parts) > 1 else below
                found.append(Found(path, composed(singer), composed(song.with_suffix("").as_posix())))
    if not found:
        raise AudioError(f"{what}: {legible(place)} holds no sound file.")
    return tuple(found)


def match(converted: Iterable[Path], folder: Path, sources: Sequence[Found], source_folder: Path) -> tuple[Match, ...]:
    """The source of each converted file: of those whose name it begins with, the longest; folders decide among equals.

    A name must end where the other goes on with no letter or digit: `song10-ada` does not belong to `song1`. Where
    there is one source only, given as a file, everything belongs to it.
    """
    matches = []
    for path in converted:
        if len(sources) == 1 and source_folder.is_file():
            matches.append(Match(path, sources[0]))
            continue
        names = [_plain(part) for part in (path.relative_to(folder) if folder.is_dir() else Path(path.name)).parts]
        stem = _plain(path.stem)
        fit = [one for one in sources if begins(stem, _plain(one.path.stem))]
        longest = max((len(_plain(one.path.stem)) for one in fit), default=0)
        fit = [one for one in fit if len(_plain(one.path.stem)) == longest]
        shared = {one: _shared(one.path.relative_to(source_folder).parts[:-1], names) for one in fit}
        best = [one for one in fit if shared[one] == max(shared.values())]
        matches.append(_decided(path, best))
    return tuple(matches)


def _decided(path: Path, best: Sequence[Found]) -> Match:
    if not best:
        return Match(path, None, "no source has a name that it begins with")
    if len(best) > 1:
        return Match(
            path, None, f"{len(best)} sources are called {best[0].path.stem!r:.60}: keep them in folders alike"
        )
    return Match(path, best[0])


def _shared(folders: Sequence[str], names: Sequence[str]) -> tuple[int, int]:
    """How many folders of a source are folders of a converted file, and of how many its name speaks.

    Folders come first: in `Ada/song--as-Bruno` the name speaks of the target.
    """
    return sum(_plain(folder) in names[:-1] for folder in folders), sum(says(names[-1], one) for one in folders)


def target_of(match: Match, folder: Path, targets: Sequence[str]) -> str:
    """Whom a converted file should sound like: the only target, or the one that its folders or name tell; or empty."""
    if len(targets) == 1:
        return targets[0]
    parts = (
        (match.converted.relative_to(folder) if folder.is_dir() else Path(match.converted.name)).with_suffix("").parts
    )
    rest = _plain(parts[-1])
    if match.source is not None:
        rest = rest.removeprefix(_plain(match.source.path.stem))
    named = [name for name in targets if says(rest, name)]
    named = named or [name for name in targets if _plain(name) in map(_plain, parts[:-1])]
    longest = [name for name in named if not any(name != other and says(other, name) for other in named)]
    return longest[0] if len(longest) == 1 else ""


def begins(name: str, stem: str) -> bool:
    """Whether a name is a stem, or goes on after it with something else than a letter or digit."""
    rest = name.removeprefix(stem)
    return name.startswith(stem) and not rest[:1].isalnum()


def says(name: str, word: str) -> bool:
    """Whether a name holds a word, with no letter or digit on either side."""
    name, word = _plain(name), _plain(word)
    place = name.find(word)
    while place >= 0 and word:
        before, after = name[:place], name[place + len(word) :]
        if not before[-1:].isalnum() and not after[:1].isalnum():
            return True
        place = name.find(word, place + 1)
    return False


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()

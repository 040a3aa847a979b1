"""Takes of one song by several singers: the target's own, which is the truth, and others' beside it.

a held-out song ──same name, same part──▶ takes of it, cut to the same stretch ──▶ truth | others
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from vocalise.audio.files import write_wave
from vocalise.data.choir import Syllable
from vocalise.data.choir.labels import LABELS, read_syllables
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece
from vocalise.errors import AudioError, RunError
from vocalise.evaluation.plan import Song, safe_names, section
from vocalise.evaluation.rendering import samples_in, source_path

ENOUGH = 0.8  # of the stretch must be there
MOST_OTHERS = 3


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """What belongs to one song as one target would sing it."""

    truth: Path | None = None
    simultaneous: bool = False
    others: tuple[Path, ...] = ()
    section: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Takes:
    """All takes of held-out songs, written beside the sources where they are needed.

    Singers whose names differ in trailing digits only are a section, and other sections sing other parts of a song.
    Takes are simultaneous where the same syllables are written beside both.
    """

    prepared: Prepared
    pieces: Sequence[Piece]  # held out
    songs: Sequence[Song]
    out: Path
    _folders: dict[str, str] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._folders.update(safe_names(self.prepared.singers))

    def of(self, song: Song, target: str) -> Parallel:
        """The truth for a song as sung by somebody, and takes by others; empty where there is no truth.

        Raises:
            RunError: the disk will not take a cut take.
        """
        own = self._take(song, target) if target != song.singer else None
        if own is None:
            return Parallel()
        others: list[Path] = []
        for singer in self.prepared.singers:
            if singer not in (song.singer, target) and len(others) < MOST_OTHERS:
                other = self._take(song, singer)
                if other is not None:
                    others.append(self._written(song, other))
        mates = bool(section(target, self.prepared.singers))
        return Parallel(
            truth=self._written(song, own),
            simultaneous=labelled_alike(song.piece.recording.path, own.recording.path),
            others=tuple(others),
            section=tuple(others) if mates else (),
        )

    def _take(self, song: Song, singer: str) -> Piece | None:
        """A singer's take of the same stretch of the same part; None if there is none, or it was not held out."""
        names = self.prepared.singers
        if section(singer, names) != section(song.singer, names):
            return None
        mine = song.piece.recording
        for piece in self.pieces:
            one = piece.recording
            if one.singer == singer and one.song.casefold() == mine.song.casefold() and one.digest != mine.digest:
                stretch = _stretched(song.piece, piece)
                if stretch is not None:
                    return stretch
        return None

    def _written(self, song: Song, take: Piece) -> Path:
        for other in self.songs:
            if _moment(other.piece) == _moment(take) and not other.why:
                return source_path(self.out, other)
        name = f"{song.place.name}--by-{self._folders[take.recording.singer]}.wav"
        path = self.out / "takes" / song.place.parent / name
        first, last = self.prepared.span(take)
        if samples_in(path) != last - first:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_wave(path, self.prepared.excerpt(take, 0, last - first), self.prepared.rate)
            except (OSError, AudioError) as error:
                raise RunError(f"{error}: make room, or choose another folder.") from None
        return path


def _stretched(piece: Piece, held: Piece) -> Piece | None:
    """The stretch of `held` that is sung while `piece` is, at the tempo that makes both recordings equally long."""
    tempo = held.recording.seconds / piece.recording.seconds
    start, stop = (moment * tempo for moment in _moment(piece)[1:])
    first, last = max(start, held.start), min(stop, _moment(held)[2])
    if last - first < ENOUGH * (stop - start):
        return None
    return replace(held, start=round(first, 6), stop=round(last, 6))


def _moment(piece: Piece) -> tuple[str, float, float]:
    stop = piece.recording.seconds if piece.stop is None else piece.stop
    return piece.recording.digest, round(piece.start, 6), round(stop, 6)


def labelled_alike(one: Path, other: Path) -> bool:
    """Whether two recordings were sung in time with each other: their labels are the same, to the last digit."""
    try:
        first, second = (path.with_suffix(LABELS).read_bytes() for path in (one, other))
    except OSError:
        return False
    return first == second


def syllables_of(song: Song) -> tuple[Syllable, ...] | None:
    """The syllables of a stretch, on its own clock, from the labels beside its recording; None if there are none."""
    path = song.piece.recording.path.with_suffix(LABELS)
    if not path.is_file():
        return None
    _, start, stop = _moment(song.piece)
    inside = [one for one in read_syllables(path) if start <= one.start and one.stop <= stop]
    return tuple(replace(one, start=one.start - start, stop=one.stop - start) for one in inside) or None

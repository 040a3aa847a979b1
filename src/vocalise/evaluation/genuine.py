"""Genuine recordings from which judges learn the voices in somebody else's folders: of the sources and of the targets.

sources, targets ──headers──▶ corpus ──songs that are scored kept apart──▶ split
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vocalise.data.corpus import Corpus
from vocalise.data.headers import read_headers
from vocalise.data.prepare import prepare
from vocalise.data.prepared import Prepared
from vocalise.data.records import Piece, Recording, Split, legible
from vocalise.data.split import split
from vocalise.errors import CorpusError
from vocalise.evaluation.ears import RATE
from vocalise.evaluation.matching import Found
from vocalise.evaluation.records import Saying
from vocalise.progress import Progress, silent

LEAST = 30.0  # seconds of other songs, from which a voice can be learnt without those that are scored
SHARE = 0.25  # of a singer's time on which judges are examined


@dataclass(frozen=True, kw_only=True)
class Genuine:
    """What is known of the singers."""

    prepared: Prepared | None  # None: there is nothing to learn from
    split: Split
    singers: tuple[str, ...]
    digests: tuple[str, ...]  # of all files that could be opened
    sayings: tuple[Saying, ...]
    on_judges: tuple[Saying, ...] = ()  # what is to be said if there are any


def genuine(
    folder: Path,
    sources: Sequence[Found],
    targets: Sequence[Found],
    scored: Collection[Found],
    *,
    progress: Progress = silent,
) -> Genuine:
    """Recordings of all singers, and what judges learn from: other songs than those scored, where there are enough.

    Args:
        folder: of the songs; their headers are remembered under its name.
        sources: the songs.
        targets: recordings of the targets; without them there is nobody to judge.
        scored: the songs that have a conversion.
        progress: told seconds of audio prepared.
    """
    every = list(dict.fromkeys([*sources, *targets]))
    singers = tuple(sorted({one.singer for one in every}))
    headers = read_headers(folder, [one.path for one in every])
    said = [Saying(level="note", system="", words=header) for header in headers.values() if isinstance(header, str)]
    recordings = {
        (one.singer, header.digest): Recording(
            one.path, one.singer, one.song, header.seconds, header.rate, header.channels, header.digest
        )
        for one in every
        if not isinstance(header := headers[one.path], str)
    }
    digests = tuple(digest for _, digest in recordings)
    if not targets or not recordings:
        return Genuine(prepared=None, split=Split((), ()), singers=singers, digests=digests, sayings=tuple(said))
    corpus = Corpus(folder, singers, tuple(recordings.values()), (), RATE)
    total = sum(corpus.seconds.values())
    try:
        prepared = prepare(
            corpus, rate=RATE, progress=lambda share: progress("preparing", share * total, total, "seconds of audio")
        )
    except CorpusError as error:  # nothing in it can be heard
        said.append(Saying(level="poor", system="", words=str(error)))
        return Genuine(prepared=None, split=Split((), ()), singers=singers, digests=digests, sayings=tuple(said))
    said += [Saying(level="note", system="", words=legible(one.message)) for one in prepared.findings if one.path]
    tested = {one.path for one in scored}
    names = {one.song.rpartition("/")[2].casefold() for one in scored}
    sides = _divided(prepared.corpus.recordings, tested, names)
    return Genuine(
        prepared=prepared,
        split=sides,
        singers=singers,
        digests=digests,
        sayings=tuple(said),
        on_judges=tuple(_on_hearing(sides, tested, names, {one.singer for one in sources})),
    )


def _divided(recordings: Iterable[Recording], tested: Collection[Path], names: Collection[str]) -> Split:
    """Judges learn from songs that are not scored and not takes of these; if those are too few, from some that are."""
    train: list[Piece] = []
    held: list[Piece] = []
    own: dict[str, list[Recording]] = {}
    for one in recordings:
        own.setdefault(one.singer, []).append(one)
    for singer in sorted(own):
        apart = [one for one in own[singer] if one.path not in tested and _name(one) not in names]
        if sum(one.seconds for one in apart) < LEAST:
            side = split(own[singer], SHARE)
            train, held = [*train, *side.train], [*held, *side.held_out]
        elif len(apart) == len(own[singer]):
            side = split(apart, SHARE)
            train, held = [*train, *side.train], [*held, *side.held_out]
        else:
            train += [Piece(one) for one in apart]
            held += [Piece(one) for one in own[singer] if one not in apart]
    return Split(tuple(train), tuple(held))


def _name(recording: Recording) -> str:
    return recording.song.rpartition("/")[2].casefold()


def _on_hearing(
    sides: Split, tested: Collection[Path], names: Collection[str], sources: Collection[str]
) -> list[Saying]:
    """Whom judges learnt from songs that they then judge."""
    learnt = [piece.recording for piece in sides.train]
    voices = sorted({one.singer for one in learnt if one.path in tested})
    takes = sorted({one.singer for one in learnt if _name(one) in names and one.singer not in sources})
    said = []
    if voices:
        words = (
            f"The judges learnt the voice of {', '.join(voices)} from songs that they then judge, for want of others; "
            "that speaks against conversions rather than for them."
        )
        said.append(Saying(level="note", system="", words=words))
    if takes:
        words = (
            f"The judges learnt the voice of {', '.join(takes)} from takes of the songs that they judge, for want of "
            "others, which may flatter conversions."
        )
        said.append(Saying(level="fair", system="", words=words))
    return said

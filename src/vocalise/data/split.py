"""What is held out: whole songs, the same ones in every voice where voices share songs; a part of a lone recording."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from vocalise.data.records import Finding, Piece, Recording, Split
from vocalise.errors import ConfigError

GUARD = 5.0  # seconds between the two sides of a recording cut by time
SHORTEST = 3.0  # seconds held out of a recording cut by time, at the least
GENEROUS = 3 / 2  # of the wanted share: more is not held out while shorter songs do
ENOUGH = 3 / 4  # of the wanted share: no further song is looked for
SCANT = 1 / 2  # of the wanted share: less than this, and songs beyond `GENEROUS` are taken, or a recording is cut
HALF = 0.5  # of a singer's time is never held out

Lengths = Mapping[str, Mapping[str, float]]  # singer -> song -> seconds


def split(recordings: Sequence[Recording], held_out: float) -> Split:
    """Holds out about `held_out` of each singer's time, the same way each time and on every machine.

    Songs are taken in an order that only their names decide, those sung by most singers first, and held out in every
    voice at once; where none is as short as wanted, the shortest that is not more than half. A singer whose songs
    cannot be divided so gives the end of the longest recording, with a guard.

    Raises:
        ConfigError: `held_out` is not within 0 and 0.5.
    """
    if not 0.0 <= held_out <= HALF:
        raise ConfigError(f"held_out cannot be {held_out}: it is a share of each singer's time within 0 and 0.5.")
    lengths: dict[str, dict[str, float]] = {}
    for one in recordings:
        songs = lengths.setdefault(one.singer, {})
        songs[one.song.casefold()] = songs.get(one.song.casefold(), 0.0) + one.seconds
    chosen = _whole_songs(lengths, held_out)
    sides = [_divide(singer, recordings, chosen[singer], held_out) for singer in sorted(lengths)]
    held = tuple(piece for side in sides for piece in side.held_out)
    train = tuple(piece for side in sides for piece in _unheard(side.train, held))
    return Split(train, held, tuple(finding for side in sides for finding in side.findings))


def _whole_songs(lengths: Lengths, held_out: float) -> dict[str, set[str]]:
    """The songs to hold out for each singer; empty where no song fits."""
    total = {singer: sum(songs.values()) for singer, songs in lengths.items()}
    held = dict.fromkeys(lengths, 0.0)
    chosen: dict[str, set[str]] = {singer: set() for singer in lengths}
    singers_of: dict[str, list[str]] = {}
    for singer in sorted(lengths):
        for song in lengths[singer]:
            singers_of.setdefault(song, []).append(singer)

    def share(song: str) -> float:
        return max(lengths[singer][song] / total[singer] for singer in singers_of[song])

    def hold(least: int, enough: float, limit: float, order: Callable[[str], float]) -> None:
        """Holds out songs of `least` singers or more where one lacks `enough` and all who sing them stay in `limit`."""
        songs = [song for song, those in singers_of.items() if len(those) >= least]
        for song in sorted(songs, key=lambda song: (-len(singers_of[song]), order(song), _rank(song))):
            sung_by = [singer for singer in singers_of[song] if song not in chosen[singer]]
            wanted = any(held[singer] < enough * held_out * total[singer] for singer in sung_by)
            if wanted and all(held[singer] + lengths[singer][song] <= limit * total[singer] for singer in sung_by):
                for singer in sung_by:
                    held[singer] += lengths[singer][song]
                    chosen[singer].add(song)

    for least in (2, 1):
        hold(least, ENOUGH, GENEROUS * held_out, lambda _: 0.0)
        hold(least, SCANT, HALF, share)
    return chosen


def _rank(song: str) -> bytes:
    return hashlib.blake2b(song.encode(), digest_size=8).digest()


def _divide(singer: str, recordings: Sequence[Recording], songs: set[str], held_out: float) -> Split:
    """One singer's two sides."""
    own = [one for one in recordings if one.singer == singer]
    held = [Piece(one) for one in own if one.song.casefold() in songs]
    train = [Piece(one) for one in own if one.song.casefold() not in songs]
    total = sum(one.seconds for one in own)
    missing = held_out * total - sum(piece.seconds for piece in held)
    findings: list[Finding] = []
    if missing > (1 - SCANT) * held_out * total:
        longest = max(train, key=lambda piece: piece.recording.seconds)
        pair = _cut(longest.recording, missing)
        if pair is not None:
            train[train.index(longest)] = pair[0]
            held.append(pair[1])
        elif not held:
            message = f"{singer} has {total:.1f} s in all: too little to hold anything out, so all of it is trained on."
            findings.append(Finding("note", singer, None, message, f"{2 * (GUARD + SHORTEST):.0f} s would do"))
    return Split(tuple(train), tuple(held), tuple(findings))


def _cut(recording: Recording, seconds: float) -> tuple[Piece, Piece] | None:
    """A recording's beginning to train on and its end to hold out, or None if it is too short for both."""
    stop = recording.seconds - max(seconds, SHORTEST)
    if stop - GUARD < HALF * recording.seconds:
        return None
    return Piece(recording, 0.0, stop - GUARD, guarded=True), Piece(recording, stop, None, guarded=True)


def _unheard(train: Sequence[Piece], held: Sequence[Piece]) -> Sequence[Piece]:
    """Without copies of what is held out under another name, unless nothing else would be left."""
    secret = {piece.recording.digest for piece in held if not piece.guarded}
    kept = [piece for piece in train if piece.recording.digest not in secret]
    return kept or train

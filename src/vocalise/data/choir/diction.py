"""Diction: which sound is made when. The vowel falls on the beat, consonants take their time from the note before.

The timing depends on the song alone, so that all singers stay together sample by sample.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vocalise.data.choir.phonemes import CONSONANTS, GLIDES, Phase, spell
from vocalise.data.choir.score import Note, Song

VOWEL_SHARE = 0.5  # of the time between two beats that consonants leave to the vowel, at least
OFF_GLIDE = 0.14  # seconds that the second half of a diphthong takes at most
SUNG = Phase(0, voice=0)
PAUSE = Phase(0)


@dataclass(frozen=True)
class Segment:
    """A stretch with one articulation, s; `sound` is a vowel or consonant, `vowel` the vowel it leans towards."""

    start: float
    stop: float
    sound: str
    vowel: str
    phase: Phase


@dataclass(frozen=True)
class Syllable:
    """A label: from its first consonant to its last, s."""

    start: float
    stop: float
    text: str


@dataclass(frozen=True)
class _Group:
    """A syllable with all the notes it is sung on, and where its consonants begin and end."""

    notes: tuple[Note, ...]
    onset: tuple[str, ...]
    nucleus: str
    coda: tuple[str, ...]

    @property
    def beat(self) -> float:
        return self.notes[0].start

    @property
    def stop(self) -> float:
        return self.notes[-1].stop

    @property
    def final(self) -> bool:
        return self.notes[-1].final


def articulate(song: Song) -> tuple[tuple[Segment, ...], tuple[Syllable, ...]]:
    """The segments of a song, which tile [0, seconds) without a gap, and the syllables they make up."""
    groups = list(_groups(song.notes))
    segments: list[Segment] = []
    syllables: list[Syllable] = []
    clock, coda_stop = 0.0, 0.0
    for place, group in enumerate(groups):
        after = groups[place + 1] if place + 1 < len(groups) and not group.final else None
        fresh = place == 0 or groups[place - 1].final
        if fresh:  # after a rest: the consonants sound before the beat, in the rest
            onset = _squeeze(_length(group.onset), 0.7 * (group.beat - coda_stop))
            segments.append(Segment(clock, group.beat - onset, _first(group.nucleus), _first(group.nucleus), PAUSE))
            clock = group.beat - onset
        began = clock
        segments += _consonants(group.onset, clock, group.beat, _first(group.nucleus))
        coda, following = _shares(group, after)
        vowel_stop = group.stop - following - coda
        segments += _vowel(group.nucleus, group.beat, vowel_stop)
        segments += _consonants(group.coda, vowel_stop, vowel_stop + coda, _last(group.nucleus))
        clock = coda_stop = vowel_stop + coda
        syllables.append(Syllable(began, clock, group.notes[0].text))
    segments.append(Segment(clock, song.seconds, segments[-1].vowel, segments[-1].vowel, PAUSE))
    return tuple(segment for segment in segments if segment.stop > segment.start), tuple(syllables)


def spread(syllable: Syllable, sounds: str) -> tuple[Segment, ...]:
    """The segments of a syllable such as `S.T.AA.R`, of which a label tells the ends: an estimate of its timing.

    Consonants take as long as they do where nothing presses, together half of the syllable at most.
    """
    onset, nucleus, coda = spell(sounds)
    wanted, room = _length(onset) + _length(coda), syllable.stop - syllable.start
    fit = _squeeze(wanted, (1 - VOWEL_SHARE) * room) / max(wanted, 1e-9)
    beat, end = syllable.start + fit * _length(onset), syllable.stop - fit * _length(coda)
    return (
        *_consonants(onset, syllable.start, beat, _first(nucleus)),
        *_vowel(nucleus, beat, end),
        *_consonants(coda, end, syllable.stop, _last(nucleus)),
    )


def _groups(notes: Sequence[Note]) -> Iterator[_Group]:
    held: list[Note] = []
    for note in notes:
        if note.sounds and held:
            yield _Group(tuple(held), *spell(held[0].sounds))
            held = []
        held.append(note)
    yield _Group(tuple(held), *spell(held[0].sounds))


def _shares(group: _Group, after: _Group | None) -> tuple[float, float]:
    """Seconds before the next beat for the coda of this syllable and for the onset of the next."""
    coda = _length(group.coda)
    following = _length(after.onset) if after else 0.0
    room = group.notes[-1].stop - group.notes[-1].start
    fit = _squeeze(coda + following, (1 - VOWEL_SHARE) * room) / max(coda + following, 1e-9)
    return coda * fit, following * fit


def _squeeze(wanted: float, room: float) -> float:
    return max(0.0, min(wanted, room))


def _length(consonants: Iterable[str]) -> float:
    return sum(phase.seconds for _, phase in _phases(tuple(consonants)))


def _phases(consonants: Sequence[str]) -> Iterator[tuple[str, Phase]]:
    for place, name in enumerate(consonants):
        phases = CONSONANTS[name].phases
        if place and consonants[place - 1] == "S":
            phases = phases[:2]  # no breath after the burst of the plosives in `star` and `sky`
        for phase in phases:
            yield name, phase


def _consonants(names: Sequence[str], start: float, stop: float, vowel: str) -> Iterator[Segment]:
    length = _length(names)
    for name, phase in _phases(names):
        end = start + phase.seconds * (stop - start) / length
        length -= phase.seconds
        yield Segment(start, end if length > 1e-9 else stop, name, vowel, phase)
        start = end


def _vowel(name: str, start: float, stop: float) -> Iterator[Segment]:
    if name not in GLIDES:
        yield Segment(start, stop, name, name, SUNG)
        return
    turn = stop - min(OFF_GLIDE, 0.4 * (stop - start))
    yield Segment(start, turn, _first(name), _first(name), SUNG)
    yield Segment(turn, stop, _last(name), _last(name), SUNG)


def _first(vowel: str) -> str:
    return GLIDES[vowel][0] if vowel in GLIDES else vowel


def _last(vowel: str) -> str:
    return GLIDES[vowel][1] if vowel in GLIDES else vowel

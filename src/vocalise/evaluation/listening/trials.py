"""What can be asked about one song: its conversions, and the real recordings and anchors hidden among them.

subject (the song, its conversions, real takes of both singers) ──▶ quality, similarity, whose voice, which system
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vocalise.evaluation.listening.excerpts import Excerpt, common_excerpts, excerpt_of
from vocalise.evaluation.listening.key import Question, Role
from vocalise.evaluation.listening.material import Cell, Material


@dataclass(frozen=True, kw_only=True)
class Played:
    """An excerpt, and what it is; an anchor is played degraded."""

    excerpt: Excerpt
    role: Literal["system", "natural", "anchor", "reference"]
    singer: str  # who is heard, or should be
    song: str
    system: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question before it has ids; the fields are those of `key.Trial`."""

    question: Question
    clips: tuple[Played, ...]
    role: Role
    cell: Cell
    phrase: int
    system: str = ""
    second: str = ""
    right: Played | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A phrase of a song, and everything that may be heard beside it; what there is none of is None."""

    cell: Cell
    phrase: int  # of this song, in the order in which they were drawn
    original: Played | None  # as it was sung
    anchor: Played
    versions: Mapping[str, Played]  # by system
    reference: Played | None  # the target, really singing
    double: Played | None  # the target, really singing something else
    stranger: Played | None  # the source singer, really singing


def subject(cell: Cell, portraits: "Portraits", before: Sequence[Subject]) -> Subject | None:
    """Chooses a phrase of a song, the same in all versions, and the recordings to hold it against.

    It shares no moment with those chosen before of the same song, or at least not with those for the same target; None
    where there is no other.
    """
    paths = [*([] if cell.original is None else [cell.original]), *cell.versions.values()]
    mine = [one.anchor.excerpt for one in before if one.cell is cell]
    for avoid in ([one.anchor.excerpt for one in before], mine):
        excerpts = common_excerpts(paths, portraits.rate, portraits.seconds, portraits.lot, avoid=avoid)
        if excerpts:
            break
    else:
        return None
    original = None
    if cell.original is not None:
        original = Played(excerpt=excerpts[0], role="natural", singer=cell.source, song=cell.song)
    versions = {
        system: Played(excerpt=excerpt, role="system", singer=cell.target, song=cell.song, system=system)
        for system, excerpt in zip(cell.versions, excerpts[-len(cell.versions) :], strict=True)
    }
    reference = portraits.find(cell.target, cell.song)
    return Subject(
        cell=cell,
        phrase=sum(one.cell is cell for one in before),
        original=original,
        anchor=Played(excerpt=excerpts[0], role="anchor", singer=cell.source, song=cell.song),
        versions=versions,
        reference=reference,
        double=portraits.find(cell.target, cell.song, beside=reference) if reference is not None else None,
        stranger=portraits.find(cell.source, cell.song, beside=original),
    )


def questions_about(one: Subject, *, hidden: bool) -> Iterator[Asked]:
    """All that can be asked about a song, and with `hidden` also what checks the listener."""
    for system, clip in one.versions.items():
        yield from _about(one, clip, "system", system)
    for first, second in itertools.combinations(one.versions, 2):
        pair = (one.versions[first], one.versions[second])
        yield Asked(
            question="systems", clips=pair, role="system", cell=one.cell, phrase=one.phrase, system=first, second=second
        )
    if hidden:
        yield Asked(question="quality", clips=(one.anchor,), role="anchor", cell=one.cell, phrase=one.phrase)
        if one.original is not None:
            yield Asked(question="quality", clips=(one.original,), role="natural", cell=one.cell, phrase=one.phrase)
            yield from _voices(one, one.original, "source")
        if one.double is not None:
            yield from _voices(one, one.double, "target")


def _about(one: Subject, clip: Played, role: Role, system: str) -> Iterator[Asked]:
    yield Asked(question="quality", clips=(clip,), role=role, cell=one.cell, phrase=one.phrase, system=system)
    yield from _voices(one, clip, role, system)


def _voices(one: Subject, clip: Played, role: Role, system: str = "") -> Iterator[Asked]:
    """How alike the voice is to the target's, and which of the two singers it is."""
    if one.reference is None:
        return
    yield Asked(
        question="similarity", clips=(clip, one.reference), role=role, cell=one.cell, phrase=one.phrase, system=system
    )
    if one.stranger is not None:
        right = one.stranger if role == "source" else one.reference
        clips = (clip, one.stranger, one.reference)
        yield Asked(
            question="voice", clips=clips, role=role, cell=one.cell, phrase=one.phrase, system=system, right=right
        )


class Portraits:
    """Excerpts of real recordings by singer, from as many songs as there are, a few of each singer."""

    COUNT = 3  # of each singer: a reference, and two that can be hidden beside it

    def __init__(self, material: Material, seconds: float, rate: int, generator: np.random.Generator) -> None:
        self.seconds, self.rate, self.lot = seconds, rate, generator
        self._material = material
        self._found: dict[str, Sequence[Played]] = {}

    def find(self, singer: str, song: str, *, beside: Played | None = None) -> Played | None:
        """An excerpt of the singer that shares no moment with `beside`, of another song if there is one."""
        if singer not in self._found:
            self._found[singer] = tuple(self._draw(singer))
        fit = [one for one in self._found[singer] if beside is None or not one.excerpt.overlaps(beside.excerpt)]
        return next((one for one in fit if one.song != song), fit[0] if fit else None)

    def _draw(self, singer: str) -> Iterator[Played]:
        """Excerpts by lot: each take once, then each once more, until there are enough."""
        takes = self._material.takes_of(singer)
        order = [takes[place] for place in self.lot.permutation(len(takes))]
        drawn: list[Excerpt] = []
        for take in (take for _ in range(self.COUNT) for take in order):
            if len(drawn) == self.COUNT:
                return
            excerpt = excerpt_of(take.path, self.rate, self.seconds, self.lot, avoid=drawn)
            if excerpt is not None:
                drawn.append(excerpt)
                yield Played(excerpt=excerpt, role="reference", singer=singer, song=take.song)

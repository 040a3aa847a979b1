"""What an evaluation finds, as plain records: the JSON holds them, the tables print them, the page shows them.

A figure that nothing defines is absent from its mapping; names of figures are those of the catalogue.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["scored", "skipped", "failed"]
Kind = Literal["conversion", "reconstruction"]
Level = Literal["good", "fair", "poor", "note"]


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One converted song, or why there is none."""

    system: str  # which voice or tool made it; a name in `Report.systems`
    song: str
    source: str  # who sang the song; empty where nobody says
    target: str  # who should be heard; empty where nobody says
    kind: Kind = "conversion"  # a reconstruction is sung by the source singer again
    state: State = "scored"
    why: str = ""  # it was skipped or failed; or a remark
    seconds: float = 0.0
    source_path: str = ""  # POSIX, relative to the report's folder where the file lies in it, else absolute
    path: str = ""  # of what was measured
    truth_path: str = ""  # of the target's own take of the song, if there is one
    figures: Mapping[str, float] = field(default_factory=dict)
    heard: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # by judge: share of pieces for each person


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean with its bootstrap interval; low and high are absent where one song is all there is."""

    value: float
    low: float | None = None
    high: float | None = None
    songs: int = 0  # independent draws behind it
    clips: int = 0


@dataclass(frozen=True, kw_only=True)
class Row:
    """The figures of a group of clips."""

    system: str
    group: str  # "conversions", "reconstructions", "to ada", "from bob"
    figures: Mapping[str, Interval]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Second system minus first, paired by song, source and target."""

    figure: str
    first: str
    second: str
    interval: Interval


@dataclass(frozen=True, kw_only=True)
class Examination:
    """A judge on held-out real recordings: what its verdicts on conversions are worth."""

    judge: str
    persons: tuple[str, ...]  # whom it tells apart; one person may be several singers of the corpus
    accuracy: float  # share of pieces told right, mean over persons
    confusion: tuple[tuple[int, ...], ...]  # pieces by person who sang (row) and person heard (column)
    pieces: int
    disjoint: bool  # whether every person's held-out songs are other songs than those learnt from


@dataclass(frozen=True, kw_only=True)
class System:
    """A voice file, or a folder of another tool's results."""

    name: str
    path: str
    recipe: str = ""
    steps: int = 0
    digest: str = ""  # of the voice file
    figures: Mapping[str, float] = field(default_factory=dict)  # held_out_ and the unit of the loss, probe, …


@dataclass(frozen=True, kw_only=True)
class Saying:
    """A finding in plain words."""

    level: Level
    system: str  # empty where it concerns all
    words: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole evaluation, with everything that is needed to repeat it."""

    format: int = 1
    title: str
    made: str  # ISO 8601, UTC
    command: str
    software: str
    machine: str
    seed: int
    data: str  # the corpus' fingerprint
    persons: tuple[str, ...]  # whom the judges tell apart
    systems: tuple[System, ...]
    clips: tuple[Clip, ...]
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...] = ()
    judges: tuple[Examination, ...] = ()
    references: Mapping[str, float] = field(default_factory=dict)  # floors and ceilings that hold for all clips
    sayings: tuple[Saying, ...] = ()
    took: float = 0.0  # seconds, without the conversions
    converting: float = 0.0  # seconds

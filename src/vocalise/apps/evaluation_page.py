"""The page of an evaluation: findings first, then the figures that decide, the worst clips, and all the rest.

report, sound files ──▶ findings │ headlines │ passages │ judges │ all figures │ how to repeat it ──▶ one HTML file
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from vocalise.apps.console import span
from vocalise.apps.evaluation_clips import (
    HIGHEST,
    PICTURED,
    SECONDS,
    WORST,
    Desk,
    beside,
    chosen,
    firm,
    outcome,
    passages,
)
from vocalise.apps.evaluation_judges import benches, charts
from vocalise.apps.pages import render
from vocalise.evaluation.catalogue import BY_NAME, HEADLINES, MEASURES, Measure
from vocalise.evaluation.comparing import outcome as decided
from vocalise.evaluation.records import Clip, Difference, Interval, Level, Report, Row, Saying, System
from vocalise.evaluation.summary import CONVERSIONS, RECONSTRUCTIONS, Tally, tally, verdicts

SIGNS = MappingProxyType({"good": "✓", "fair": "≈", "poor": "✗", "note": "i"})
AT_ONCE = 5  # findings of a system that are shown without asking
_GRAVEST: tuple[Level, ...] = ("poor", "fair", "good", "note")
GROUPS = MappingProxyType(
    {
        "melody": "Melody: is it the same tune?",
        "singer": "Singer: who is heard?",
        "content": "Content: is it the same words?",
        "sound": "Sound, against the source",
        "truth": "Truth: the target's own take of the song",
        "integrity": "Integrity: is it whole?",
        "speed": "Speed",
        "model": "The model itself",
    }
)


@dataclass(frozen=True)
class Cell:
    """A figure of a group of clips."""

    value: str
    range: str  # its interval, or why there is none
    verdict: str  # empty where it decides nothing
    dot: float  # where it lies between worst and best, in percent
    left: float
    right: float


@dataclass(frozen=True)
class Headline:
    """A figure that decides, for each system."""

    measure: Measure
    cells: tuple[Cell | None, ...]
    differences: tuple[tuple[str, str, str], ...]  # what, range, which is better
    beside: tuple[str, ...]  # for each system
    rule: str  # when it is good and when poor
    fair: tuple[float, float]  # where good and poor end on the strip, in percent from its worst end


@dataclass(frozen=True)
class Score:
    """How many conversions of a system went well."""

    system: System
    tally: Tally
    what: str  # conversion, or reconstruction where there is nothing else
    parts: tuple[tuple[str, int], ...]  # verdict, clips
    told: tuple[Sequence[Saying], Sequence[Saying]]  # what is said at once, and what on demand


@dataclass(frozen=True)
class Table:
    """All figures of a system, a column for each group of its clips."""

    system: str
    groups: tuple[str, ...]
    sections: tuple[tuple[str, tuple[tuple[Measure, tuple[Cell | None, ...]], ...]], ...]


def evaluation_page(report: Report, folder: Path) -> str:
    """The whole page as HTML; it fetches nothing and works from disk.

    Args:
        report: what was found.
        folder: where the report lies, and against which its paths are meant.
    """
    ranked = passages(report.clips)
    worst, others = chosen(ranked)
    desk = Desk(folder)
    names = [system.name for system in report.systems]
    scenes = [desk.scene(one, names, report.references) for one in [*worst, *others]]
    return render(
        "evaluation.html",
        title=report.title,
        report=report,
        signs=SIGNS,
        scores=[_score(system, report) for system in report.systems],
        common=told([saying for saying in report.sayings if saying.system not in names]),
        headlines=headlines(report),
        worst=scenes[: len(worst)],
        others=scenes[len(worst) :],
        bounds={"passages": len(ranked), "worst": WORST, "clips": PICTURED, "seconds": SECONDS, "rate": HIGHEST},
        lost=[clip for clip in report.clips if clip.state != "scored"],
        charts=charts(report),
        benches=benches(report),
        less=[f"{one.second} less {one.first}" for one in report.differences[:1]],
        model=_model(report),
        tables=[_table(system.name, report) for system in report.systems],
        clips=[(outcome(clip, folder), _values(clip)) for clip in report.clips],
        deciding=HEADLINES,
        references=[(one, one.shown(report.references[one.name])) for one in MEASURES if one.name in report.references],
        glossary=[(GROUPS[group], [(one, rule(one)) for one in of_it]) for group, of_it in _by_group(MEASURES)],
        made=report.made.replace("T", " ").removesuffix("+00:00"),
        span=span,
        singers=len(dict.fromkeys(filter(None, (clip.target for clip in report.clips)))),
        songs=len(dict.fromkeys((clip.song, clip.source) for clip in report.clips)),
    )


def headlines(report: Report) -> list[Headline]:
    """The figures that decide, of conversions; of reconstructions where there is nothing else."""
    rows = [_main_row(system.name, report) for system in report.systems]
    found = []
    for measure in HEADLINES:
        values = [row.figures.get(measure.name) if row else None for row in rows]
        if not any(values):
            continue
        known = [{**report.references, **{name: one.value for name, one in row.figures.items()}} if row else {}
                 for row in rows]  # fmt: skip
        found.append(
            Headline(
                measure=measure,
                cells=tuple(cell(measure, value) if value else None for value in values),
                differences=tuple(_difference(one) for one in report.differences if one.figure == measure.name),
                beside=tuple(beside(measure, figures) for figures in known),
                rule=rule(measure),
                fair=(_place(measure, measure.poor or 0.0), _place(measure, measure.good or 0.0)),
            )
        )
    return found


def rule(measure: Measure) -> str:
    """When a headline figure is good and when it is poor, in words; which way is better, of the others."""
    if not measure.headline:
        return "" if measure.better == "neither" else f"{measure.better} is better"
    good, poor = firm(measure.shown(measure.good)), firm(measure.shown(measure.poor))
    if measure.better == "lower":
        return f"good up to {good}, poor above {poor}"
    return f"good from {good}, poor below {poor}"


def cell(measure: Measure, found: Interval) -> Cell:
    """A figure with its interval, as the page prints and draws it."""
    ends = (found.value if end is None else end for end in (found.low, found.high))
    left, right = sorted(_place(measure, end) for end in ends)
    verdict = measure.verdict(found.value) if measure.headline else ""
    return Cell(measure.shown(found.value), _range(measure, found), verdict, _place(measure, found.value), left, right)


def _place(measure: Measure, value: float) -> float:
    """Where a value lies on a strip from worst (0) to best (100), clipped to it."""
    if measure.poor is None or not math.isfinite(value):
        return 0.0
    most = 1.0 if measure.better == "higher" else min(2.0 * measure.poor, 1.0 if measure.unit == "%" else math.inf)
    share = min(1.0, max(0.0, value / most))
    return round(100.0 * (share if measure.better == "higher" else 1.0 - share), 1)


def _range(measure: Measure, found: Interval) -> str:
    if found.low is None or found.high is None:
        return "one song"
    low, high = measure.shown(found.low), measure.shown(found.high)
    if low == high:
        return "constant"
    unit = f" {measure.unit}" if measure.unit else ""
    return f"{low.removesuffix(unit)} to {high}"


def _difference(one: Difference) -> tuple[str, str, str]:
    measure = BY_NAME[one.figure]
    result = {"better": f"{one.second} is better", "worse": f"{one.first} is better", "undecided": "undecided"}
    same = one.interval.low == one.interval.high == 0.0
    sign = "+" if one.interval.value > 0 else ""
    words = {"%": "points"}.get(measure.unit, measure.unit)
    shown, spread = (
        text.replace("%", words) for text in (measure.shown(one.interval.value), _range(measure, one.interval))
    )
    return f"{sign}{shown}".replace("-", "−"), spread.replace("-", "−"), "the same" if same else result[decided(one)]


def _main_row(system: str, report: Report) -> Row | None:
    of_it = {row.group: row for row in report.rows if row.system == system}
    return of_it.get(CONVERSIONS) or of_it.get(RECONSTRUCTIONS)


def _score(system: System, report: Report) -> Score:
    clips = [clip for clip in report.clips if clip.system == system.name]
    clips = [clip for clip in clips if clip.kind == "conversion"] or clips
    what = clips[0].kind if clips else "clip"
    found = tally(clips)
    poor = found.clips - found.failed - found.succeeded
    parts = (("good", found.good), ("fair", found.succeeded - found.good), ("poor", poor), ("failed", found.failed))
    sayings = [saying for saying in report.sayings if saying.system == system.name]
    return Score(system, found, what, tuple(part for part in parts if part[1]), told(sayings))


def told(sayings: Sequence[Saying]) -> tuple[list[Saying], list[Saying]]:
    """The first finding and the gravest of the others, in their order; and the rest."""
    by_gravity = sorted(range(1, len(sayings)), key=lambda place: _GRAVEST.index(sayings[place].level))
    at_once = {0, *by_gravity[: AT_ONCE - 1]}
    return (
        [saying for place, saying in enumerate(sayings) if place in at_once],
        [saying for place, saying in enumerate(sayings) if place not in at_once],
    )


def _values(clip: Clip) -> list[tuple[str, str]]:
    found = verdicts(clip)
    shown = [one.shown(clip.figures.get(one.name)) for one in HEADLINES]
    bare = [
        text if one.unit == "%" else text.removesuffix(f" {one.unit}")
        for one, text in zip(HEADLINES, shown, strict=True)
    ]
    return [(text, found.get(one.name, "")) for one, text in zip(HEADLINES, bare, strict=True)]


def _model(report: Report) -> list[tuple[Measure, list[str], list[str]]]:
    """What the voice files say of themselves: figure, a value for each system, and what to hold it against."""
    shown = [one for one in MEASURES if one.group == "model" and one.better != "neither"]
    return [
        (
            one,
            [one.shown(system.figures.get(one.name)) for system in report.systems],
            [beside(one, system.figures) for system in report.systems],
        )
        for one in shown
        if any(one.name in system.figures for system in report.systems)
    ]


def _table(system: str, report: Report) -> Table:
    rows = [row for row in report.rows if row.system == system]
    known = [one for one in MEASURES if any(one.name in row.figures for row in rows)]
    sections = []
    for group, measures in _by_group(known):
        lines = tuple(
            (one, tuple(cell(one, row.figures[one.name]) if one.name in row.figures else None for row in rows))
            for one in measures
        )
        sections.append((GROUPS[group], lines))
    return Table(system, tuple(row.group for row in rows), tuple(sections))


def _by_group(measures: list[Measure] | tuple[Measure, ...]) -> list[tuple[str, list[Measure]]]:
    """Measures under each of the catalogue's groups, in the order of `GROUPS`."""
    ordered = sorted(measures, key=lambda one: list(GROUPS).index(one.group))
    return [(group, list(of_it)) for group, of_it in groupby(ordered, key=lambda one: one.group)]

"""The judges on an evaluation's page: whom they take for whom, in real recordings and in conversions; and by singer.

examinations, clips' shares of pieces ──by judge──▶ tables of who was heard ──▶ pictures
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from vocalise.apps.pages import picture
from vocalise.evaluation.catalogue import BY_NAME, Measure
from vocalise.evaluation.records import Clip, Examination, Report, Row
from vocalise.measures.charts import Dot, confusion, intervals

# What the judges of this package are; another may have any name.
KNOWN = MappingProxyType(
    {
        "network": "A small network that was taught these singers by their real recordings.",
        "network-band": "The same, hearing only 200 to 4,000 Hz over an evened noise floor: singers, not microphones.",
        "gaussian": "A second opinion: cepstra, one cloud for each singer, no network.",
        "gaussian-band": "The second opinion, hearing only 200 to 4,000 Hz over an evened noise floor.",
    }
)
CHARTED = ("target_heard", "source_heard", "melody_kept", "content_kept")


@dataclass(frozen=True)
class Matrix:
    """Who was heard, by who it was or should have been."""

    title: str
    about: str  # what a row is
    rows: tuple[tuple[str, tuple[float, ...], str], ...]  # name, share of each person, how many there are
    image: str
    words: str  # for those who do not see the picture


@dataclass(frozen=True)
class Bench:
    """A judge with all that it said."""

    judge: str
    about: str
    persons: tuple[str, ...]
    examination: Examination | None
    matrices: tuple[Matrix, ...]


@dataclass(frozen=True)
class Chart:
    """A headline figure by target singer."""

    measure: Measure
    image: str
    words: str


def benches(report: Report) -> list[Bench]:
    """Every judge that was examined or that heard a clip, in the order of the report."""
    examined = {one.judge: one for one in report.judges}
    names = dict.fromkeys([*examined, *(judge for clip in report.clips for judge in clip.heard)])
    return [_bench(name, examined.get(name), report) for name in names]


def _bench(judge: str, examination: Examination | None, report: Report) -> Bench:
    persons = examination.persons if examination else report.persons
    matrices = [_examined(examination)] if examination and persons else []
    heard = [
        clip
        for clip in report.clips
        if len(clip.heard.get(judge, ())) == len(persons) > 0 and clip.kind == "conversion" and clip.state == "scored"
    ]
    for system in dict.fromkeys(clip.system for clip in heard):
        of_it = [clip for clip in heard if clip.system == system]
        for about, whom, aim in (("should be heard", _target, "more"), ("sang the source", _source, "less")):
            title = f"conversions by {system}: who {about}"
            matrices += _asked(of_it, judge, persons, title, whom, about, aim)
    return Bench(judge, KNOWN.get(judge, ""), persons, examination, tuple(matrices))


def _target(clip: Clip) -> str:
    return clip.target


def _source(clip: Clip) -> str:
    return clip.source


def _examined(one: Examination) -> Matrix:
    shares = [tuple(count / max(1, sum(row)) for count in row) for row in one.confusion]
    counts = [f"{sum(row)} pieces" for row in one.confusion]
    title = "real recordings that it never heard: who sang"
    image = confusion(one.confusion, one.persons, one.persons, "real recordings")
    words = f"{100 * one.accuracy:.0f} % of the pieces of real recordings are told right."
    rows = tuple(zip(one.persons, shares, counts, strict=True))
    return Matrix(title, "sang", rows, picture(image), words)


def _asked(
    clips: Sequence[Clip],
    judge: str,
    persons: Sequence[str],
    title: str,
    whom: Callable[[Clip], str],
    about: str,
    aim: str,
) -> list[Matrix]:
    """Shares of the persons heard in conversions, each clip counting alike; nothing where nobody says who it was."""
    names = dict.fromkeys(filter(None, map(whom, clips)))
    ordered = [name for name in persons if name in names] + [name for name in names if name not in persons]
    rows = []
    for name in ordered:
        heard = [clip.heard[judge] for clip in clips if whom(clip) == name]
        mean = tuple(sum(shares) / len(heard) for shares in zip(*heard, strict=True))
        rows.append((name, mean, f"{len(heard)} clip{'' if len(heard) == 1 else 's'}"))
    if not rows:
        return []
    image = confusion([row[1] for row in rows], ordered, persons, clips[0].system, sung=f"who {about}")
    right = [row[1][persons.index(row[0])] for row in rows if row[0] in persons]
    words = ""
    if right:
        mean = 100 * sum(right) / len(right)
        words = f"On average {mean:.0f} % of the pieces are taken for who {about}: the {aim}, the better."
    return [Matrix(title, about, tuple(rows), picture(image), words)]


def charts(report: Report) -> list[Chart]:
    """Headline figures by target singer, all systems in one picture; none where there is one target or less."""
    groups = list(dict.fromkeys(row.group for row in report.rows if row.group.startswith("to ")))
    if len(groups) < 2:
        return []
    found = []
    for measure in (BY_NAME[name] for name in CHARTED):
        series = {
            system.name: [_dot(report.rows, system.name, group, measure.name) for group in groups]
            for system in report.systems
        }
        if any(dot is not None for dots in series.values() for dot in dots):
            rows = [group.removeprefix("to ") for group in groups]
            image = intervals(rows, series, measure.title, good=measure.good, poor=measure.poor, share=True)
            words = f"{measure.title}, by target: {measure.meaning}"
            found.append(Chart(measure, picture(image), words))
    return found


def _dot(rows: Sequence[Row], system: str, group: str, figure: str) -> Dot | None:
    for row in rows:
        if (row.system, row.group) == (system, group) and figure in row.figures:
            found = row.figures[figure]
            return found.value, found.low, found.high
    return None

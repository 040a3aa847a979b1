"""The report on the terminal: the figures that decide, with intervals and what to hold them against; the findings."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from vocalise.apps.tables import wide_console
from vocalise.evaluation.catalogue import BY_NAME, HEADLINES, Measure
from vocalise.evaluation.records import Difference, Interval, Report, Row, Saying
from vocalise.evaluation.summary import CONVERSIONS, RECONSTRUCTIONS

STYLES: Mapping[str, str] = MappingProxyType({"good": "green", "fair": "yellow", "poor": "bold red", "note": ""})
SIGNS: Mapping[str, str] = MappingProxyType({"good": "✓", "fair": "≈", "poor": "✗"})  # where there are no colours


def show_report(report: Report, console: Console | None = None) -> None:
    """Prints the headline figures of each system, the findings, and how many clips there are."""
    console = console or wide_console()
    rows = [_row(report, system.name) for system in report.systems]
    names = [
        f"{system.name}, {row.group}" if row else system.name for system, row in zip(report.systems, rows, strict=True)
    ]
    heads = ["", *names, *(["difference"] if report.differences else [])]
    table = Table(*(Column(Text(head)) for head in heads), box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for measure in HEADLINES:
        found = [row.figures.get(measure.name) if row else None for row in rows]
        if any(found):
            cells = [_cell(measure, one, row, report) for one, row in zip(found, rows, strict=True)]
            table.add_row(Text(measure.title), *cells, *([_apart(measure, report)] if report.differences else []))
    if table.row_count:
        console.print(table)
    for saying in _told(report):
        who = f"{saying.system}: " if saying.system and len(report.systems) > 1 else ""
        level = "" if saying.level == "note" else f"{saying.level}: "
        console.print(Text(f"{level}{who}{saying.words}", style=STYLES[saying.level]))
    states = [clip.state for clip in report.clips]
    console.print(Text(", ".join(f"{states.count(one)} {one}" for one in ("scored", "skipped", "failed")) + "."))


def _told(report: Report) -> Iterator[Saying]:
    """The verdict on each system, and all that is not good: the table and the page have the rest."""
    judged: set[str] = set()
    for saying in report.sayings:
        if saying.level != "good" or (saying.system and saying.system not in judged):
            yield saying
        judged.add(saying.system)


def _row(report: Report, system: str) -> Row | None:
    """A system's conversions; its reconstructions where there are no others."""
    of_it = {row.group: row for row in report.rows if row.system == system}
    return of_it.get(CONVERSIONS) or of_it.get(RECONSTRUCTIONS)


def _cell(measure: Measure, found: Interval | None, row: Row | None, report: Report) -> Text:
    """A figure with its interval; below it the ceilings and floors without which it says little."""
    if found is None or row is None:
        return Text("–")
    verdict = measure.verdict(found.value)
    text = Text(f"{SIGNS[verdict]} {measure.shown(found.value)}", style=STYLES[verdict])
    text.append(_between(measure, found), style="default not bold")
    means = {name: one.value for name, one in row.figures.items()}
    known = {**report.references, **means}
    beside = [f"{BY_NAME[name].title}: {BY_NAME[name].shown(known[name])}" for name in measure.beside if name in known]
    if beside:
        text.append("\n" + "; ".join(beside), style="dim default not bold")
    return text


def _between(measure: Measure, found: Interval) -> str:
    if found.low is None or found.high is None:
        return ""
    low = measure.shown(found.low).removesuffix(measure.unit).rstrip()
    high = measure.shown(found.high).removesuffix(measure.unit).rstrip()
    return f" ({low} to {high})"


def _apart(measure: Measure, report: Report) -> Text:
    """What the others do better or worse than the first."""
    own = [one for one in report.differences if one.figure == measure.name and one.first == report.systems[0].name]
    return Text("; ".join(_difference(measure, one) for one in own) or "–")


def _difference(measure: Measure, one: Difference) -> str:
    found = one.interval
    value = measure.shown(found.value) if found.value < 0 else f"+{measure.shown(found.value)}"
    return f"{value}{_between(measure, found)}"

"""The doctor's report in words and figures, for the terminal and the page alike."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vocalise.apps.console import size, span
from vocalise.apps.estimate import Estimate
from vocalise.data.check import Report
from vocalise.data.checkup import Checkup

HEADS = (
    *("singer", "files", "min", "level dB", "noise dB", "silent", "clipped", "up to kHz", "pitch Hz", "alone?"),
)  # the pitch at 5, 50 and 95 %
STYLES: Mapping[str, str] = MappingProxyType({"error": "bold red", "warning": "yellow", "note": ""})


def wide_console() -> Console:
    """Standard output; where it is a file or a pipe, lines may be long."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def row(one: Checkup) -> tuple[str, ...]:
    """A singer's figures as they are shown, in the order of `HEADS`."""
    return (
        one.singer,
        str(one.files),
        f"{one.minutes:.1f}",
        _level(one.level),
        _level(one.noise),
        f"{100 * one.silence:.0f} %",
        f"{one.clipped_files} of {one.files}" if one.clipped_files else "–",
        "–" if one.bandwidth is None else f"{one.bandwidth / 1000:.1f}",
        "–" if one.pitch is None else "/".join(f"{pitch:.0f}" for pitch in one.pitch),
        "hardly" if one.company.likely else "yes",
    )


def cost_lines(cost: Estimate) -> Sequence[str]:
    """What training would cost, in words."""
    first = (
        f"An estimate for {cost.recipe} at size {cost.size} ({cost.parameters:,} parameters) on this machine "
        f"({cost.device}): {span_of_step(cost.step_seconds)} a step."
    )
    hour = 3600 / cost.step_seconds
    second = (
        f"An hour makes about {hour:,.0f} steps, 10,000 steps take {span(10_000 * cost.step_seconds)}, "
        f"the published {cost.steps:,} take {span(cost.steps * cost.step_seconds)}."
    )
    return first, second, f"Memory about {size(cost.memory)}, disk about {size(cost.disk)}."


def span_of_step(seconds: float) -> str:
    """Seconds with two digits."""
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def show_checkup(report: Report, cost: Estimate | None, console: Console | None = None) -> None:
    """Prints the report."""
    console = console or wide_console()
    if report.singers:
        table = Table(*HEADS, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for one in report.singers:
            table.add_row(*map(Text, row(one)))
        console.print(table)
    for finding in report.findings:
        words = f"{finding.level}: {finding.message}" + (f" → {finding.remedy}" if finding.remedy else "")
        console.print(Text(words, style=STYLES[finding.level]))
    for line in cost_lines(cost) if cost is not None else ():
        console.print(Text(line))
    console.print(Text(conclusion(report), style="bold"))


def conclusion(report: Report) -> str:
    """The last word."""
    if not report.trainable:
        return "This cannot be trained on yet: mend the errors first."
    minutes = sum(one.minutes for one in report.singers)
    warnings = sum(finding.level == "warning" for finding in report.findings)
    told = (
        f"{warnings} warnings to look at first" if warnings > 1 else "one warning to look at first" if warnings else ""
    )
    much = f"{len(report.singers)} singer{'s' if len(report.singers) != 1 else ''}, {minutes:.0f} minutes"
    return f"This can be trained on: {much}{'; ' + told if told else ''}."


def _level(level: float | None) -> str:
    return "–" if level is None else f"{level:.0f}"

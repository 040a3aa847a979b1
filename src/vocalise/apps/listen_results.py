"""The results of a listening test in words and figures, for the terminal and the page alike."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from types import MappingProxyType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vocalise.apps.pages import render
from vocalise.apps.tables import wide_console
from vocalise.evaluation.listening.answers import QUALITY
from vocalise.evaluation.listening.crossed import Mean
from vocalise.evaluation.listening.key import Role
from vocalise.evaluation.listening.results import Choice, Contrast, Listener, Opinion, Results

HEADS = ("", "mean", "95 % interval", "answers", "listeners", "phrases")
SHARE_HEADS = ("", "share", "Wilson 95 %", "p of guessing", "answers", "listeners", "phrases")
HIDDEN: Mapping[Role, str] = MappingProxyType(
    {
        "natural": "real singing (hidden)",
        "anchor": "bad anchor (hidden)",
        "target": "the target's real voice (hidden)",
        "source": "the source singer's real voice (hidden)",
    }
)
FEW = 8  # listeners; with fewer the intervals are wide, and one of them can turn the result
LISTENERS = ("listener", "file", "listened with", "answers", "checks", "counted")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of a table; what is drawn beside it lies between 0 and 1."""

    cells: tuple[str, ...]
    place: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Block:
    """A table of results."""

    title: str
    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    least: str  # what the ends of the drawing stand for
    most: str
    middle: bool = False  # whether the middle means something: no difference, or guessing


def results_page(results: Results) -> str:
    """The results as an HTML page."""
    return render(
        "listen_results.html",
        title=f"Results: {results.title or 'a listening test'}",
        results=results,
        counted=sum(one.counted for one in results.listeners),
        sayings=list(sayings(results)),
        screening=list(screening(results)),
        blocks=list(blocks(results)),
        listener_heads=LISTENERS,
        listeners=[listener_row(one) for one in results.listeners],
    )


def show_results(results: Results, console: Console | None = None) -> None:
    """Prints the results."""
    console = console or wide_console()
    for block in blocks(results):
        _print_table(console, block.title, block.heads, [line.cells for line in block.lines])
    _print_table(console, "Listeners", LISTENERS, [listener_row(one) for one in results.listeners])
    rule = [results.rule] if any(one.failed for one in results.listeners) else []
    for words in (*sayings(results), *screening(results), *rule):
        console.print(Text(words))


def _print_table(console: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    console.print(Text(title, style="bold"))
    table = Table(*heads, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def blocks(results: Results) -> Iterator[Block]:
    """All tables that hold anything."""
    for question, points in (("quality", QUALITY), ("similarity", results.points)):
        opinions = tuple(_opinion(one, points) for one in results.opinions if one.question == question)
        title = "Sound quality" if question == "quality" else "Likeness to the target"
        yield from _block(f"{title}, 1 to {points}", HEADS, opinions, "1", str(points))
        contrasts = tuple(_contrast(one, points) for one in results.contrasts if one.question == question)
        yield from _block(f"{title}: differences", HEADS, contrasts, f"-{points - 1}", f"+{points - 1}", middle=True)
    voices = tuple(_choice(one) for one in results.choices if one.question == "voice")
    yield from _block("Whose voice is it?", SHARE_HEADS, voices, "0 %", "100 %", middle=True)
    systems = tuple(_choice(one) for one in results.choices if one.question == "systems")
    yield from _block("Can they be told apart? (50 % is guessing)", SHARE_HEADS, systems, "0 %", "100 %", middle=True)


def _block(
    title: str, heads: tuple[str, ...], lines: tuple[Line, ...], least: str, most: str, *, middle: bool = False
) -> Iterator[Block]:
    if lines:
        yield Block(title=title, heads=heads, lines=lines, least=least, most=most, middle=middle)


def _opinion(one: Opinion, points: int) -> Line:
    drawn = [_share(value, 1.0, points) for value in (one.mean.value, one.mean.low, one.mean.high)]
    return _line(one.system or HIDDEN[one.role], one.mean, "{:.2f}", drawn)


def _contrast(one: Contrast, points: int) -> Line:
    drawn = [_share(value, 1.0 - points, points - 1.0) for value in (one.mean.value, one.mean.low, one.mean.high)]
    return _line(f"{one.second} minus {one.first}", one.mean, "{:+.2f}", drawn)


def _line(name: str, mean: Mean, form: str, drawn: Sequence[float | None]) -> Line:
    value = "–" if mean.value is None else form.format(mean.value)
    interval = "–" if mean.low is None or mean.high is None else f"{form.format(mean.low)} to {form.format(mean.high)}"
    place, low, high = drawn
    cells = (name, value, interval, str(mean.scores), str(mean.listeners), str(mean.clips))
    return Line(cells=cells, place=place, low=low, high=high)


def _choice(one: Choice) -> Line:
    if one.question == "systems":
        name = f"{one.system} and {one.second}: X told right"
    else:
        name = f"{one.system}: taken for the target" if one.role == "system" else f"{HIDDEN[one.role]}: told right"
    share = None if not one.answers else one.chosen / one.answers
    cells = (
        name,
        "–" if share is None else f"{100.0 * share:.0f} %",
        "–" if one.low is None or one.high is None else f"{100.0 * one.low:.0f} to {100.0 * one.high:.0f} %",
        "–" if one.p is None else probability(one.p),
        f"{one.chosen} of {one.answers}",
        str(one.mean.listeners),
        str(one.mean.clips),
    )
    return Line(cells=cells, place=share, low=one.low, high=one.high)


def _share(value: float | None, least: float, most: float) -> float | None:
    return None if value is None else (value - least) / (most - least)


def probability(p: float) -> str:
    """A probability as papers print it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def listener_row(one: Listener) -> tuple[str, ...]:
    """A listener as they are shown, in the order of `LISTENERS`."""
    told = [f"{check.name} {check.of - check.wrong}/{check.of}" for check in one.checks]
    answers = f"{one.answers}" if one.complete else f"{one.answers}, stopped early"
    verdict = "yes" if one.counted and not one.failed else "yes, though failed" if one.counted else "left out"
    return one.listener, PurePath(one.file).name, one.through or "–", answers, ", ".join(told), verdict


def sayings(results: Results) -> Iterator[str]:
    """What came out, in plain words."""
    nouns = {"quality": "sounds better", "similarity": "sounds more like the target"}
    for one in results.contrasts:
        mean = one.mean
        if mean.value is None or mean.low is None or mean.high is None:
            yield f"Between {one.first} and {one.second} nothing can be said about {one.question}: {mean.why}."
        elif mean.low <= 0.0 <= mean.high:
            shown = f"{mean.value:+.2f}, {mean.low:+.2f} to {mean.high:+.2f}"
            yield f"Between {one.first} and {one.second} no difference in {one.question} is shown ({shown})."
        else:
            better, worse = (one.second, one.first) if mean.value > 0.0 else (one.first, one.second)
            ends = sorted((abs(mean.low), abs(mean.high)))
            by = f"by {abs(mean.value):.2f} points ({ends[0]:.2f} to {ends[1]:.2f})"
            yield f"{better} {nouns[one.question]} than {worse}, {by}."
    for choice in results.choices:
        yield from _said_of(choice)


def _said_of(choice: Choice) -> Iterator[str]:
    if choice.low is None or choice.high is None or choice.role != "system":
        return
    share = f"{choice.chosen} of {choice.answers}, {100.0 * choice.low:.0f} to {100.0 * choice.high:.0f} %"
    clear = choice.low > 0.5 or choice.high < 0.5
    if choice.question == "systems":
        told = "can be told apart" if choice.low > 0.5 else "are not shown to be told apart"
        yield f"{choice.system} and {choice.second} {told} ({share}; guessing is 50 %)."
    elif not clear:
        yield f"{choice.system}: listeners do not agree on whether it is the target's voice ({share} for the target)."
    else:
        whom = "the target" if choice.low > 0.5 else "the source singer still"
        yield f"{choice.system}: most hear {whom} ({share} for the target)."


def screening(results: Results) -> Iterator[str]:
    """Who failed the checks, and what was done about it."""
    failed = [one for one in results.listeners if one.failed]
    if failed:
        names = ", ".join(f"{one.listener} ({', '.join(one.failed)})" for one in failed)
        done = "They are left out." if results.left_out else "They are counted; --leave-out-failed leaves them out."
        yield f"Failed the checks: {names}. {done}"
    counted = sum(one.counted for one in results.listeners)
    if counted < FEW:
        yield f"{counted} listener{'s' if counted != 1 else ''} counted: for results to rely on, ask {FEW} or more."

"""Two systems side by side: what the second does better or worse with the same songs, sources and targets.

clips of both ──paired by song, source, target──▶ differences by song ──bootstrap──▶ differences with intervals
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from vocalise.evaluation.catalogue import BY_NAME, HEADLINES, MEASURES, Measure
from vocalise.evaluation.records import Clip, Difference, Level, Report, Saying
from vocalise.evaluation.summary import interval
from vocalise.evaluation.wording import count
from vocalise.measures.intervals import bootstrap_difference

Key = tuple[str, str, str, str]

# Headlines first, then every other figure that is better one way; ceilings and floors are nobody's merit.
COMPARED: tuple[Measure, ...] = HEADLINES + tuple(
    one for one in MEASURES if one.better != "neither" and not one.headline and one.group != "model"
)


def pairs(clips: Iterable[Clip], first: str, second: str) -> list[tuple[Clip, Clip]]:
    """The clips that both systems were scored on, in the order of the first one's."""
    scored = [clip for clip in clips if clip.state == "scored"]
    theirs = {_key(clip): clip for clip in scored if clip.system == second}
    return [(clip, theirs[_key(clip)]) for clip in scored if clip.system == first and _key(clip) in theirs]


def unpaired(clips: Iterable[Clip], first: str, second: str) -> list[Clip]:
    """What one of the two was asked for and only the other could be scored on, or neither: it is in no difference."""
    asked = [clip for clip in clips if clip.system in (first, second) and clip.state != "skipped"]
    paired = {_key(clip) for clip, _ in pairs(asked, first, second)}
    return [clip for clip in asked if _key(clip) not in paired]


def compare(
    clips: Sequence[Clip], first: str, second: str, *, draws: int = 2000, seed: int = 0
) -> tuple[Difference, ...]:
    """Second minus first, of conversions, for each headline and each other figure that has a better end.

    A reconstruction is an easier task, so that it is compared with nothing here. Without a pair there is no difference.
    """
    paired = [both for both in pairs(clips, first, second) if both[0].kind == "conversion"]
    found = []
    for measure in COMPARED:
        songs: dict[str, list[tuple[float, float]]] = {}
        for one, other in paired:
            if measure.name in one.figures and measure.name in other.figures:
                values = one.figures[measure.name], other.figures[measure.name]
                songs.setdefault(one.song, []).append(values)
        if songs:
            spread = bootstrap_difference(songs, draws=draws, seed=seed)
            found.append(Difference(figure=measure.name, first=first, second=second, interval=interval(spread)))
    return tuple(found)


def outcome(difference: Difference) -> Literal["better", "worse", "undecided"]:
    """Whether the second is better or worse than the first, by an interval that leaves out nothing at all."""
    low, high = difference.interval.low, difference.interval.high
    if low is None or high is None or low <= 0.0 <= high:
        return "undecided"
    rises = low > 0.0
    return "better" if rises == (BY_NAME[difference.figure].better == "higher") else "worse"


def rivalry(report: Report) -> Iterator[Saying]:
    """What the differences of a report say: which headlines one is better on, and which are undecided."""
    for first, second in dict.fromkeys((one.first, one.second) for one in report.differences):
        of_both = [one for one in report.differences if (one.first, one.second) == (first, second)]
        headlines = [one for one in of_both if BY_NAME[one.figure].headline]
        sayings = [_told(headlines, first, second)]
        sayings += [_decided(one) for one in headlines if outcome(one) != "undecided"]
        yield from (Saying(level="note", system="", words=words) for words in sayings if words)
        yield from _left_out(report.clips, first, second)


def _told(headlines: Sequence[Difference], first: str, second: str) -> str:
    """How many figures are decided which way, and which are not."""
    outcomes = [outcome(one) for one in headlines]
    better, worse = outcomes.count("better"), outcomes.count("worse")
    words = f"Of {count(len(headlines), 'headline figure')} {second} is better than {first} on {better or 'none'} and "
    words += f"worse on {worse or 'none'}, zero being outside the interval"
    alike = [one.figure for one in headlines if one.interval.low == one.interval.high == 0.0]
    undecided = [one for one in headlines if outcome(one) == "undecided" and one.figure not in alike]
    if alike:
        words += f"; both do the same on {', '.join(BY_NAME[name].title for name in alike)}"
    if undecided:
        why = "of one song only" if undecided[0].interval.low is None else "the interval of the difference holds zero"
        words += f"; undecided ({why}): {', '.join(BY_NAME[one.figure].title for one in undecided)}"
    return f"{words}." if headlines else ""


def _decided(one: Difference) -> str:
    measure, by = BY_NAME[one.figure], one.interval
    sign = "more" if by.value > 0.0 else "less"
    words = (
        f"{one.second} is {outcome(one)} than {one.first} on {measure.title}: {_apart(measure, abs(by.value))} {sign}"
    )
    near, far = sorted((abs(by.low or 0.0), abs(by.high or 0.0)))
    words += f" (95 % interval {_apart(measure, near)} to {_apart(measure, far)}, which leaves zero out)"
    return f"{words}, over {count(by.clips, 'pair')} of {count(by.songs, 'song')}."


def _apart(measure: Measure, value: float) -> str:
    """A difference of shares is in points, since a per cent of per cents would be something else."""
    return f"{100.0 * value:.0f} points" if measure.unit == "%" else measure.shown(value)


def _left_out(clips: Sequence[Clip], first: str, second: str) -> Iterator[Saying]:
    """A system that fails on the hard songs must not win by it unnoticed."""
    lone = [clip for clip in unpaired(clips, first, second) if clip.kind == "conversion"]
    failed = [clip for clip in lone if clip.state == "failed"]
    if not lone:
        return
    level: Level = "fair" if failed else "note"
    words = f"The comparison of {first} and {second} leaves out {count(len(lone), 'conversion')} that only one of them "
    words += "was asked for or could be scored on"
    for name in (first, second):
        number = sum(clip.system == name for clip in failed)
        words += f"; {name} failed on {number}" if number else ""
    yield Saying(level=level, system="", words=f"{words}.")


def _key(clip: Clip) -> Key:
    return clip.song, clip.source, clip.target, clip.kind

"""Small words that findings are put together from: counts, intervals, and how clips are called."""

from collections.abc import Sequence

from vocalise.evaluation.catalogue import Measure
from vocalise.evaluation.records import Clip, Interval

NAMED = 3  # clips that are named before the rest is counted


def count(number: int, what: str) -> str:
    """`1 clip`, `2 clips`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def capital(text: str) -> str:
    """The text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def between(measure: Measure, found: Interval) -> str:
    """The interval in words, or why there is none."""
    if found.low is None or found.high is None:
        return "of one song, hence without an interval"
    if found.low == found.high:
        return "the same in every song"
    return f"95 % interval {bare(measure, found.low)} to {measure.shown(found.high)}"


def bare(measure: Measure, value: float) -> str:
    """A value without its unit, which the next one has."""
    return measure.shown(value).removesuffix(measure.unit).rstrip()


def called(clip: Clip) -> str:
    """How a clip is called in a sentence."""
    words = f"“{clip.song}”" + (f" of {clip.source}" if clip.source else "")
    return words + (f" as {clip.target}" if clip.target else "")


def listed(clips: Sequence[Clip]) -> str:
    """The first few clips by name, and how many more there are."""
    names = "; ".join(called(clip) for clip in clips[:NAMED])
    return names if len(clips) <= NAMED else f"{names}; and {len(clips) - NAMED} more"

"""From clips to rows: the mean of every figure over a group of clips, with an interval from drawing songs.

clips ──by system──by group (conversions, reconstructions, to whom, from whom)──bootstrap over songs──▶ rows
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from vocalise.evaluation.catalogue import HEADLINES, MEASURES, Measure
from vocalise.evaluation.records import Clip, Interval, Row
from vocalise.measures.intervals import Spread, bootstrap

Verdict = Literal["good", "fair", "poor"]

CONVERSIONS, RECONSTRUCTIONS = "conversions", "reconstructions"


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How the conversions of a group went."""

    clips: int  # that were tried; skipped ones are not
    failed: int  # that never became a sound
    succeeded: int  # no headline figure is poor
    good: int  # every headline figure is good
    poor: tuple[tuple[str, int], ...]  # headline figures by how many clips fail on them, most first


def verdicts(clip: Clip) -> dict[str, Verdict]:
    """How each headline figure of a clip is to be taken, in the order of the catalogue."""
    return {one.name: one.verdict(clip.figures[one.name]) for one in HEADLINES if one.name in clip.figures}


def succeeded(clip: Clip) -> bool:
    """Whether a clip was scored, and no headline figure that it has is poor; without any, nothing is proven."""
    found = verdicts(clip)
    return clip.state == "scored" and bool(found) and "poor" not in found.values()


def tally(clips: Iterable[Clip]) -> Tally:
    """Counts successes and failures; a clip that failed to be made counts as tried."""
    tried = [clip for clip in clips if clip.state != "skipped"]
    found = [verdicts(clip) for clip in tried if clip.state == "scored"]
    poor = {one.name: sum(of_clip.get(one.name) == "poor" for of_clip in found) for one in HEADLINES}
    return Tally(
        clips=len(tried),
        failed=sum(clip.state == "failed" for clip in tried),
        succeeded=sum(map(succeeded, tried)),
        good=sum(bool(of_clip) and set(of_clip.values()) == {"good"} for of_clip in found),
        poor=tuple(sorted(((name, count) for name, count in poor.items() if count), key=lambda one: -one[1])),
    )


def summarise(clips: Sequence[Clip], *, draws: int = 2000, seed: int = 0) -> tuple[Row, ...]:
    """Rows of every system, in the order in which systems and singers first appear; groups without a clip are left out.

    Reconstructions are a group of their own and in no other. A figure's mean is over those clips that have it.
    """
    scored = [clip for clip in clips if clip.state == "scored"]
    return tuple(
        Row(system=system, group=name, figures=means(group, draws=draws, seed=seed))
        for system in dict.fromkeys(clip.system for clip in scored)
        for name, group in _groups([clip for clip in scored if clip.system == system])
        if group
    )


def _groups(clips: Sequence[Clip]) -> list[tuple[str, list[Clip]]]:
    conversions = [clip for clip in clips if clip.kind == "conversion"]
    return [
        (CONVERSIONS, conversions),
        (RECONSTRUCTIONS, [clip for clip in clips if clip.kind == "reconstruction"]),
        *((f"to {name}", group) for name, group in _by(conversions, lambda clip: clip.target)),
        *((f"from {name}", group) for name, group in _by(conversions, lambda clip: clip.source)),
    ]


def _by(clips: Sequence[Clip], whom: Callable[[Clip], str]) -> list[tuple[str, list[Clip]]]:
    names = dict.fromkeys(filter(None, map(whom, clips)))
    return [(name, [clip for clip in clips if whom(clip) == name]) for name in names]


def means(
    clips: Sequence[Clip], measures: Sequence[Measure] = MEASURES, *, draws: int = 2000, seed: int = 0
) -> dict[str, Interval]:
    """The mean of each figure that a clip has, in the order of the catalogue, songs being the independent draws."""
    found = {}
    for measure in measures:
        songs: dict[str, list[float]] = {}
        for clip in clips:
            if measure.name in clip.figures:
                songs.setdefault(clip.song, []).append(clip.figures[measure.name])
        if songs and not math.isnan((spread := bootstrap(songs, draws=draws, seed=seed)).value):
            found[measure.name] = interval(spread)
    return found


def interval(spread: Spread) -> Interval:
    """A spread as reports keep it."""
    return Interval(value=spread.value, low=spread.low, high=spread.high, songs=spread.songs, clips=spread.clips)

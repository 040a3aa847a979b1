"""Means over listeners and clips, with intervals that count both as drawn by lot.

    scores (listener × clip) ──draw listeners, draw clips──▶ mean of what both draws hold ──2,000 times──▶ percentiles

Scores of one listener are alike, and so are scores of one clip. An interval that takes every score for an independent
draw is therefore too narrow; this is the pigeonhole bootstrap (Owen, 2007, "The pigeonhole bootstrap", Annals of
Applied Statistics 1(2)).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

_AT_ONCE = 1 << 22  # weights held at a time


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean with its interval; `low` and `high` are None where there is no telling, and `why` then says so."""

    value: float | None
    low: float | None = None
    high: float | None = None
    scores: int = 0
    listeners: int = 0
    clips: int = 0
    why: str = ""


def crossed_mean(
    scores: Mapping[tuple[str, str], float], *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> Mean:
    """The mean of scores by (listener, clip); not everybody need have heard everything.

    Listeners and clips are each drawn with replacement, a score counts as often as its listener times its clip, and
    the percentiles of the means of such draws are the interval. Draws that hold no score at all are left out.

    Simulated (scores 1 to 5, 600 times, 800 draws, seed 5; standard deviations of listener, clip and the rest 0.4, 0.5
    and 0.7, or 0.2, 0.2 and 0.8) a nominal 95 % covered 92 to 97 % with 40 listeners and 12 clips, 94 to 99 % with 8
    and 6, 92 to 97 % with 3 and 6, and 77 to 80 % with two of each.

    Returns:
        The mean and its interval; of one listener or one clip there is no interval, and of nothing no mean.

    Raises:
        ValueError: no draws, or a level outside (0, 1).
    """
    if draws < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"A bootstrap needs a draw and a level between 0 and 1, not {draws} draws at {level}.")
    people = {name: place for place, name in enumerate(sorted({listener for listener, _ in scores}))}
    clips = {name: place for place, name in enumerate(sorted({clip for _, clip in scores}))}
    if not scores:
        return Mean(value=None, why="there is no answer")
    value = math.fsum(scores.values()) / len(scores)
    plain = Mean(value=value, scores=len(scores), listeners=len(people), clips=len(clips))
    if len(people) < 2 or len(clips) < 2:
        why = "of one listener there is no interval" if len(people) < 2 else "of one clip there is no interval"
        return replace(plain, why=why)
    table, heard = np.zeros((2, len(people), len(clips)))
    for (listener, clip), score in scores.items():
        table[people[listener], clips[clip]] = score
        heard[people[listener], clips[clip]] = 1.0
    means = _means(table, heard, draws, seed)
    low, high = np.quantile(means, (0.5 - level / 2.0, 0.5 + level / 2.0))
    return replace(plain, low=float(low), high=float(high))


def _means(table: "np.ndarray", heard: "np.ndarray", draws: int, seed: int) -> "np.ndarray":
    """Means of so many draws: at most (draws,), without those that drew nobody who heard anything drawn."""
    generator = np.random.default_rng(seed)
    people, clips = table.shape
    step = max(1, _AT_ONCE // (people + clips))
    means = []
    for first in range(0, draws, step):
        count = min(step, draws - first)
        who = generator.multinomial(people, np.full(people, 1.0 / people), count).astype(float)
        what = generator.multinomial(clips, np.full(clips, 1.0 / clips), count).astype(float)
        weights = ((who @ heard) * what).sum(axis=1)
        sums = ((who @ table) * what).sum(axis=1)
        means.append(sums[weights > 0] / weights[weights > 0])
    return np.concatenate(means)

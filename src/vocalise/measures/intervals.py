"""Intervals for means over songs, for differences between systems, and for shares of answers.

clips by song ──draw songs, with all their clips──▶ mean ──2,000 times──▶ percentiles

Clips of one song are alike, so that songs and not clips are the independent draws: whole songs are drawn again, each
with all of its clips (the bootstrap of Efron & Tibshirani, 1993, section 8.4, over clusters).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

_AT_ONCE = 1 << 22  # indices held at a time, however many songs there are


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A mean with its interval; `low` and `high` are None where there is no telling, and `why` then says so."""

    value: float  # NaN where there is no value at all
    low: float | None = None
    high: float | None = None
    songs: int = 0  # independent draws behind it
    clips: int = 0
    why: str = ""


def bootstrap(
    values: Mapping[str, Sequence[float]], *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> Spread:
    """The mean over all clips, with a percentile interval from drawing songs with replacement.

    A bootstrap of few songs is too narrow: it draws as a normal distribution does, and divides by n where n - 1 is
    meant. The percentiles are therefore moved outwards to where Student's t interval would stand (the expanded
    percentile interval of Hesterberg, 2015). On simulated songs (1,000 times, songs and clips normal, four or eight
    clips a song, 1,000 draws, seed 11) a nominal 95 % covered 94 % with 6, 8, 12 or 40 songs, where plain percentiles
    covered 86, 89, 91 and 94 %. No bootstrap leaves the range of the songs' own means, so that with fewer songs it
    stays too narrow: five covered 91 %, four 87 %, three 76 %, and two 51 %.

    Args:
        values: of each song, its clips' figures; what is not finite is left out.
        draws: how often songs are drawn.
        level: nominal coverage.
        seed: the same seed gives the same interval.

    Returns:
        The mean and its interval; of one song there is no interval, and of none no mean.

    Raises:
        ValueError: no draws, or a level outside (0, 1).
    """
    if draws < 1 or not 0.0 < level < 1.0:
        raise ValueError(f"A bootstrap needs a draw and a level between 0 and 1, not {draws} draws at {level}.")
    finite = [[float(value) for value in song if math.isfinite(value)] for song in values.values()]
    sums = np.array([math.fsum(song) for song in finite if song])
    counts = np.array([len(song) for song in finite if song])
    songs, clips = len(sums), int(counts.sum())
    if songs < 2:
        why = "of one song there is no interval" if songs else "there is no value"
        return Spread(value=float(sums.sum()) / clips if clips else math.nan, songs=songs, clips=clips, why=why)
    tail = 0.5 * expanded(1.0 - level, songs)
    low, high = np.quantile(_means(sums, counts, draws, seed), (tail, 1.0 - tail))
    return Spread(value=float(sums.sum()) / clips, low=float(low), high=float(high), songs=songs, clips=clips)


def bootstrap_difference(
    pairs: Mapping[str, Sequence[tuple[float, float]]], *, draws: int = 2000, level: float = 0.95, seed: int = 0
) -> Spread:
    """Second minus first over pairs of clips: the mean of the songs' mean differences, songs being drawn.

    Only what is the same for both (song, source, target) is a pair; what songs have in common, being easy or hard, then
    falls out of the interval. A pair with a value that is not finite is left out. Other arguments, and what is raised,
    as in `bootstrap`.
    """
    apart = {song: [second - first for first, second in of_song] for song, of_song in pairs.items()}
    kept = {song: [value for value in of_song if math.isfinite(value)] for song, of_song in apart.items()}
    means = {song: [math.fsum(of_song) / len(of_song)] for song, of_song in kept.items() if of_song}
    spread = bootstrap(means, draws=draws, level=level, seed=seed)
    clips = sum(map(len, kept.values()))
    return Spread(value=spread.value, low=spread.low, high=spread.high, songs=spread.songs, clips=clips, why=spread.why)


def expanded(miss: float, songs: int) -> float:
    """What share outside a percentile interval of so many songs makes it as wide as Student's t would (Hesterberg).

        miss' = 2 Φ(-√(n / (n - 1)) · t[1 - miss / 2, n - 1])

    `miss` is one minus the level; at least two songs.
    """
    from scipy.special import stdtrit

    quantile = float(stdtrit(songs - 1, 1.0 - miss / 2.0))
    return 2.0 * NormalDist().cdf(-math.sqrt(songs / (songs - 1)) * quantile)


def wilson(successes: int, trials: int, *, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share of answers (Wilson, 1927); it stays within [0, 1] and is honest for few trials.

    No trials leave all shares possible: (0, 1).

    Raises:
        ValueError: more successes than trials, fewer than none, or a level outside (0, 1).
    """
    if not 0 <= successes <= trials or not 0.0 < level < 1.0:
        raise ValueError(f"{successes} successes of {trials} trials at a level of {level} have no interval.")
    if not trials:
        return 0.0, 1.0
    z, share = NormalDist().inv_cdf(0.5 + level / 2.0), successes / trials
    shrunk = 1.0 / (1.0 + z * z / trials)
    middle = shrunk * (share + z * z / (2.0 * trials))
    reach = shrunk * z * math.sqrt(share * (1.0 - share) / trials + z * z / (4.0 * trials * trials))
    # At the ends the interval touches 0 and 1 exactly, which rounding would miss.
    low = 0.0 if successes == 0 else middle - reach
    return low, 1.0 if successes == trials else middle + reach


def _means(sums: "np.ndarray", counts: "np.ndarray", draws: int, seed: int) -> "np.ndarray":
    """The mean over clips of so many draws of songs: (draws,)."""
    generator = np.random.default_rng(seed)
    means = np.empty(draws)
    step = max(1, _AT_ONCE // len(sums))
    for first in range(0, draws, step):
        drawn = generator.integers(len(sums), size=(min(step, draws - first), len(sums)))
        means[first : first + len(drawn)] = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return means

"""Which syllable is sung, of those that it could be: each is forced upon the known stretch, and the best fit is heard.

log posteriors - log priors / 2 ──▶ for every syllable, the best way through its sounds in their order (Viterbi, 1967)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vocalise.data.choir.diction import Syllable
from vocalise.evaluation.content.sounds import FRAMES_PER_SECOND, Spelling, lexicon

CHOICES = 40  # spellings to choose from, at least: those of the song, and others of the choir where they are fewer
_STRIDE = 311  # through all spellings in their order, so that the others are not all alike
HELD = 3  # frames that every sound of a syllable lasts at least, or a spelling of many sounds would fit anything


@dataclass(frozen=True, kw_only=True)
class SyllableFigures:
    """How many syllables were told right; shares in [0, 1], NaN where there is nothing to tell."""

    share: float
    chance: float  # that right answers would have had if they had been given in another order (Cohen, 1960)
    count: int  # syllables that were asked for


def told(scores: Tensor, syllables: Sequence[Syllable]) -> SyllableFigures:
    """Forces the choices upon every syllable's stretch.

    Args:
        scores: (sounds, frames) log posteriors, less some of the log priors.
        syllables: what is sung, and when, s; a text that the choir does not know is passed over, as is a stretch
            beyond the end. Syllables that are spelled alike (`mee` and `nee`) count as one.
    """
    known, frames = lexicon(), scores.shape[1]
    asked = [(one, *_span(one, frames)) for one in syllables if one.text in known]
    asked = [(one, start, stop) for one, start, stop in asked if stop > start]
    if not asked:
        return SyllableFigures(share=math.nan, chance=math.nan, count=0)
    choices = _choices({one.text for one, _, _ in asked})
    table, lengths = _table(choices)
    values = scores.double().numpy()
    heard = [choices[int(_forced(values[:, start:stop], table, lengths).argmax())] for _, start, stop in asked]
    right = np.array([[way in known[one.text] for way in heard] for one, _, _ in asked])
    return SyllableFigures(share=float(right.diagonal().mean()), chance=float(right.mean()), count=len(asked))


def _span(syllable: Syllable, frames: int) -> tuple[int, int]:
    start, stop = (round(time * FRAMES_PER_SECOND) for time in (syllable.start, syllable.stop))
    return max(0, start), min(stop, frames)


def _choices(texts: set[str]) -> list[Spelling]:
    """The spellings of these syllables, and others to make up the number."""
    known = lexicon()
    found = dict.fromkeys(way for text in sorted(texts) for way in known[text])
    others = sorted({way for ways in known.values() for way in ways})
    for place in range(len(others)):
        if len(found) >= CHOICES:
            break
        found.setdefault(others[place * _STRIDE % len(others)])
    return list(found)


def _table(choices: Sequence[Spelling]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Spellings as rows, each sound `HELD` times, filled up with zeros: (choices, longest), and lengths (choices,)."""
    lengths = np.array([HELD * len(way) for way in choices])
    table = np.zeros((len(choices), lengths.max()), dtype=np.int64)
    for row, way in zip(table, choices, strict=True):
        row[: HELD * len(way)] = np.repeat(way, HELD)
    return table, lengths


def _forced(values: NDArray[np.float64], table: NDArray[np.int64], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """The best sum of values (sounds, frames) through every spelling, (choices,); -inf where the time is too short."""
    score = np.full(table.shape, -np.inf)
    for time in range(values.shape[1]):
        before = np.concatenate([np.full((len(table), 1), 0.0 if time == 0 else -np.inf), score[:, :-1]], axis=1)
        score = np.maximum(score, before) + values[table, time]
    return np.asarray(score[np.arange(len(table)), lengths - 1])

"""The listener for sounds of speech: what is sung, whoever sings it, and how much of it is left in a conversion.

wave ──▶ features ──network──▶ log posteriors of twenty sounds every 10 ms ──▶ distance to another hearing, syllables

It is taught by virtual singers alone (`teaching`), so that no recording that is judged has taught it. On the choir's
twelve presets, which it never heard, it tells 81 % of drawn syllables right (chance below 10 %, 1,236 syllables), and
three-second pieces of the same words from others with an AUC of 0.99; the nearest mean of such pieces finds the singer
in 24 % of its hearings and in 72 % of cepstra (chance 8 %; `tests/evaluation/test_content.py`, the slow test).

To real voices it carries over in part. Choristers of one section in parallel takes: AUC 0.99 for pieces of one second,
and 0.72 of the content counts as kept where the choir's singers keep all, partly because they are not simultaneous;
singers of different sections, warped: AUC 0.90 to 0.93; single syllables of unknown voices and microphones, warped:
0.71 to 0.76. So a figure below one does not mean that words were lost: compare it with another system's on the same
songs. Heavy noise counts as loss (10 dB under the voice: 0.7 kept). One vowel held throughout keeps 0 to 0.45, the more
the more the song dwells on it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from vocalise.data.choir.diction import Syllable
from vocalise.evaluation.content.distance import mean_apart, mean_of_others, roots
from vocalise.evaluation.content.features import features_of, power_of, sounding
from vocalise.evaluation.content.network import Network
from vocalise.evaluation.content.syllables import SyllableFigures, told

LEAST = 0.1  # the two bounds of what is kept must be so far apart, or nothing can be said
_PRIORS = 0.5  # of the log priors are taken from log posteriors when syllables are told
_PIECE, _AROUND = 6_000, 16  # frames heard at a time, and what they need on either side


@dataclass(frozen=True, kw_only=True)
class ContentFigures:
    """How much of the words is left. NaN where nothing defines a figure."""

    distance: float  # between the hearings of source and conversion, in [0, 1]
    same: float  # the same between two virtual singers who sing one song
    unrelated: float  # between the source and other words in its voice: itself elsewhere, or one of its sounds held
    kept: float  # in [0, 1]: 1 at `same` and nearer, 0 at `unrelated` and beyond


class PhoneListener:
    """A taught listener.

    Args:
        network: what maps features to scores of sounds.
        usual: (13,) mean of the cepstra over very many recordings.
        priors: (sounds,) share of each sound in what it was taught by.
        same: mean distance between two unknown singers' renderings of an unknown song.
    """

    def __init__(self, network: Network, usual: Tensor, priors: Tensor, same: float) -> None:
        self._network, self._usual, self._priors = network, usual, priors
        self.same = same

    def hear(self, wave: Tensor, rate: int) -> Tensor:
        """Log posteriors of the sounds of `sounds.SOUNDS` at 10 ms: (samples,) at any rate in Hz -> (20, frames).

        Frame k is centred on k × 10 ms; there is one more than there are whole hundredths of a second at 16 kHz.
        """
        return self._hear(power_of(wave, rate))

    def distance(self, source: Tensor, converted: Tensor, rate: int, *, warped: bool = False) -> float:
        """Mean distance of what is heard in two waves (samples,), over the frames of the source that sound, in [0, 1].

        Angles between posteriors (`distance`), with 30 ms of tolerance. `warped` first lays the one along the other by
        dynamic time warping, for takes that are not simultaneous; it makes everything seem nearer, so that only
        distances that are all warped may be compared. NaN where the source is silent.
        """
        power = power_of(source, rate)
        heard, other, here = self._hear(power), self.hear(converted, rate), sounding(power)
        if not warped:
            return mean_apart(heard, other, here)
        from vocalise.measures.warping import warp

        along, across = warp(roots(heard), roots(other))
        return mean_apart(heard[:, along], other[:, across], here[along])

    def compare(self, source: Tensor, converted: Tensor, rate: int) -> ContentFigures:
        """How much of the source's words the conversion has kept; waves (samples,) at one rate in Hz.

            kept = 1 - (distance - same) / (unrelated - same), within [0, 1]

        It is NaN where the source is silent, sounds for less than a second, or is so monotonous (one vowel, held) that
        other places of it sound like this one.
        """
        power = power_of(source, rate)
        heard, here = self._hear(power), sounding(power)
        distance = mean_apart(heard, self.hear(converted, rate), here)
        unrelated = mean_of_others(heard, here)
        kept = math.nan
        if unrelated - self.same >= LEAST:
            kept = min(1.0, max(0.0, 1.0 - (distance - self.same) / (unrelated - self.same)))
        return ContentFigures(distance=distance, same=self.same, unrelated=unrelated, kept=kept)

    def recognise(self, wave: Tensor, rate: int, syllables: Sequence[Syllable]) -> SyllableFigures:
        """How many of the choir's syllables are told right when their times are known (`syllables.told`)."""
        return told(self.hear(wave, rate) - _PRIORS * self._priors.log()[:, None], syllables)

    @torch.no_grad()
    def _hear(self, power: Tensor) -> Tensor:
        features = features_of(power, self._usual)
        frames = features.shape[1]
        parts = []
        for start in range(0, frames, _PIECE):
            first, stop = max(0, start - _AROUND), min(frames, start + _PIECE)
            scores = self._network(features[None, :, first : min(frames, stop + _AROUND)])[0]
            parts.append(scores[:, start - first : stop - first])
        return torch.log_softmax(torch.cat(parts, dim=1), dim=0)

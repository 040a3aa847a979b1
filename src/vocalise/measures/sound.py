"""Whether loud moments stay loud, and how fast sound is made.

What nothing defines (no variation, no sound) is NaN, never an exception.
"""

import math

from torch import Tensor

from vocalise.audio.loudness import frame_levels
from vocalise.measures.pitch import correlation
from vocalise.measures.spectra import QUIET, together


def loudness_correlation(a: Tensor, b: Tensor, rate: int) -> float:
    """Pearson's correlation of the frame levels in dB of two waves (samples,); windows of 64 ms every 10 ms.

    Compared moment with moment, and what is longer is cut.
    """
    a, b = together(a, b)
    window, hop = round(0.064 * rate), max(1, round(0.010 * rate))
    levels = (frame_levels(wave, window=window, hop=hop).clamp(min=QUIET) for wave in (a, b))
    return correlation(*levels)


def real_time_factor(work: float, sound: float) -> float:
    """Seconds of work for each second of sound; below 1 is faster than it sounds. NaN for no sound."""
    return work / sound if sound > 0 else math.nan

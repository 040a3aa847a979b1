"""Up to which frequency each recording of a corpus is to be believed: one from an MP3 lacks what the format took away.

prepared wave ──the loudest 5 s of each quarter──▶ highest frequency in use ──less its filter's slope──▶ Hz
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vocalise.data.cache import Cache, key_of
from vocalise.data.quality import CHUNK, PLACES, bandwidth
from vocalise.data.records import Recording

VERSION = 1  # to be raised whenever the same samples come to give another limit
SLOPE = (
    0.92  # of the limit: there the fall of the filter begins that ends at the limit, in MP3 and resampled files alike
)
ALIKE = 0.95  # of the widest limit in the corpus: a recording that reaches so far lacks nothing that others have
RARE = 0.02  # of the corpus' time: recordings that together are shorter say nothing of its widest limit


def highest(wave: NDArray[np.int16], rate: int, *, top: float) -> float:
    """The highest frequency in use in a prepared wave (samples,), in Hz, at most `top`; see `quality.bandwidth`."""
    chunk = round(CHUNK * rate)
    tiles = [slice(start, start + chunk) for start in range(0, len(wave), chunk)]
    energies = [float(np.square(wave[tile], dtype=np.float32).sum()) for tile in tiles]
    parts = np.array_split(np.arange(len(tiles)), min(PLACES, len(tiles)))
    loudest = [tiles[max(part, key=lambda place: energies[place])] for part in parts]
    return bandwidth([wave[tile].astype(np.float32) / 32768.0 for tile in loudest], rate, top=top)


def limit(cache: Cache, recording: Recording, wave_key: str, rate: int) -> float:
    """The highest frequency in use of a prepared recording, in Hz; measured once and kept in the cache.

    Raises:
        OSError: the cache does not hold the wave, or cannot be written.
    """
    key = key_of("band", VERSION, wave_key)
    facts = cache.facts("band", key)
    if facts is None:
        top = min(rate, recording.rate) / 2.0
        facts = {"highest": highest(cache.array("wave", wave_key), rate, top=top)}
        cache.store("band", key, np.zeros(0, np.int16), facts)
    return float(facts["highest"])


def believed(limits: Mapping[str, float], recordings: Sequence[Recording], rate: int) -> dict[str, float]:
    """Up to how many Hz each recording tells how its singer sounds, by digest.

    A recording that reaches about as far as any in the corpus is believed up to half the rate: what no recording
    holds, the voice shall not make up, and a loss that looked nowhere would let it. Of others, only what lies below
    their filter is believed, so that the rest may be learnt from those who have it.

    Args:
        limits: highest frequency in use of each recording in Hz, by digest.
        recordings: all of the corpus.
        rate: Hz, of the prepared waves.
    """
    widest, heard = 0.0, 0.0
    whole = sum(one.seconds for one in recordings)
    for one in sorted(recordings, key=lambda one: -limits[one.digest]):
        widest, heard = limits[one.digest], heard + one.seconds
        if heard >= RARE * whole:
            break
    return {
        digest: rate / 2.0 if found >= ALIKE * widest else min(rate / 2.0, SLOPE * found)
        for digest, found in limits.items()
    }

"""How a live session goes: how long blocks took, how often one came too late, how loud it is; in a fixed space."""

from dataclasses import dataclass

import numpy as np

_BIN = 1e-5  # seconds
_BINS = 20_000  # up to 0.2 s; what takes longer counts as that


@dataclass(frozen=True)
class Figures:
    """What a session was like so far."""

    blocks: int
    seconds: float  # of sound
    median: float  # seconds that a block took
    most: float  # seconds in which 99 % of the blocks were done
    worst: float  # seconds
    share: float  # `most`, of a block's own length
    late: int  # blocks of which something was not there when it was to be played
    lost: int  # samples that were heard and never sung, because the singer was too far behind
    gaps: int  # times that the driver itself lost something, on either side
    latency: float | None  # seconds from microphone to loudspeaker, by the driver's clock; None: it does not tell


class Stopwatch:
    """A histogram of times, made beforehand."""

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)
        self.worst = 0.0
        self.count = 0

    def note(self, seconds: float) -> None:
        """One more time."""
        self._counts[min(_BINS - 1, int(seconds / _BIN))] += 1
        self.worst = max(self.worst, seconds)
        self.count += 1

    def beyond(self, seconds: float) -> int:
        """How many took longer than that, to 10 µs."""
        return int(self._counts[min(_BINS, int(seconds / _BIN) + 1) :].sum())

    def within(self, share: float) -> float:
        """The time in which so many of all were done, to 10 µs; 0 where there are none."""
        if not self.count:
            return 0.0
        place = int(np.searchsorted(np.cumsum(self._counts), share * self.count))
        return min((place + 1) * _BIN, self.worst)

"""Between the audio thread and the singer: rings of samples, made beforehand, that nobody waits for.

audio thread ──write──▶ ring ──read──▶ singing thread ──write──▶ ring ──read──▶ audio thread
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


class Ring:
    """The last `size` samples of an endless line, by their place in it; one thread writes and one reads.

    Nothing is made in `write` and `read` but views. A number that says how far the line goes is set after the samples
    are there, and reading or setting it is one step of the interpreter, so there is no lock.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.written = 0  # samples so far
        self._samples = np.zeros(size, np.float32)

    def write(self, samples: Samples) -> None:
        """Goes on with (n,) samples, n at most `size`."""
        place = self.written % self.size
        fits = min(len(samples), self.size - place)
        np.copyto(self._samples[place : place + fits], samples[:fits])
        if fits < len(samples):
            np.copyto(self._samples[: len(samples) - fits], samples[fits:])
        self.written += len(samples)

    def skip(self, to: int) -> None:
        """Goes on at a later place; what lies between is silent, as far as the ring still holds it."""
        missing = min(to - self.written, self.size)
        place = self.written % self.size
        fits = min(missing, self.size - place)
        self._samples[place : place + fits] = 0.0
        self._samples[: missing - fits] = 0.0
        self.written = to

    def read(self, into: Samples, start: int) -> int:
        """The samples from `start` on into (n,), zeros where there are none; says how many were not there.

        None are there before the line began, after `written`, and earlier than the last `size`.
        """
        written = self.written
        first, stop = max(start, written - self.size, 0), min(start + len(into), written)
        if stop <= first:
            into.fill(0.0)
            return len(into)
        into[: first - start].fill(0.0)
        into[stop - start :].fill(0.0)
        place, count = first % self.size, stop - first
        fits = min(count, self.size - place)
        np.copyto(into[first - start : first - start + fits], self._samples[place : place + fits])
        if fits < count:
            np.copyto(into[first - start + fits : stop - start], self._samples[: count - fits])
        return len(into) - count

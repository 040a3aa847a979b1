"""Sound in chunks of any size, sung as it comes in: what comes out depends on the sound alone, not on how it was cut.

chunks ──mono, model's rate──▶ blocks of equal length ──stream──▶ asked rate ──▶ chunks, as long together as those heard
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.files import resampled_length
from vocalise.audio.resampling import Resampler
from vocalise.autoencoder import Autoencoder
from vocalise.conversion.ears import EMPTY, Line
from vocalise.conversion.hearing import LOUDEST, Sound, mono
from vocalise.conversion.streaming import Levelling, Stream
from vocalise.errors import ConfigError

BLOCK = 0.25  # seconds sung at a time
BLOCKS = (0.001, 60.0)


def frames_of(model: Autoencoder, block: float) -> int:
    """The frames nearest to so many seconds, at least one.

    Raises:
        ConfigError: out of range.
    """
    if not BLOCKS[0] <= block <= BLOCKS[1]:  # false for NaN too
        raise ConfigError(f"A block cannot last {block!r:.40} s: choose {BLOCKS[0]:g} to {BLOCKS[1]:g} s.")
    return max(1, round(block * model.rate / model.hop))


def gain_of(level: float, peak: float | None) -> float:
    """What brings a peak to a level; 1 where none is known.

    Raises:
        ConfigError: no peak that sound can have.
    """
    if peak is not None and not 0.0 < peak <= LOUDEST:  # false for NaN too
        raise ConfigError(
            f"The peak of a song cannot be {peak!r:.40}: give more than 0, where full scale is 1, or None."
        )
    return 1.0 if peak is None else level / peak


def sung_chunks(
    stream: Stream, chunks: Iterable[Sound], rates: tuple[int, int], *, block: int, level: float | None = None
) -> Iterator[Tensor]:
    """Waves (n,) one after the other, round(samples * out / in) samples in all; none where nothing is heard.

    Args:
        stream: a fresh one.
        chunks: of one sound, in order; each (samples,) or (channels, samples); empty ones are passed over.
        rates: Hz, of the chunks and of what comes out.
        block: frames that are sung at a time.
        level: the peak that the model knows, to which a gain follows the sound; None keeps the stream's gain.

    Raises:
        AudioError: a chunk that cannot be sound.
    """
    hear = _Intake(stream, rates[0], block * stream.hop)
    give = _Outlet(stream, rates)
    follow = None if level is None else Levelling(level)

    def sung(block: Line) -> Tensor:
        gain = stream.gain if follow is None else follow.gain(float(np.abs(block).max(initial=0.0)))
        return stream.push(torch.from_numpy(block), gain=gain)

    for chunk in chunks:
        for block_heard in hear.push(chunk):
            yield from give.push(sung(block_heard))
    for block_heard in hear.finish():
        yield from give.push(sung(block_heard))
    yield from give.finish(stream.finish(), hear.taken)


class _Intake:
    """Cuts what comes in into blocks at the model's rate."""

    def __init__(self, stream: Stream, rate: int, size: int) -> None:
        self.taken = 0  # samples, as they came
        self._resampler, self._size, self._hop = Resampler(rate, stream.model.rate), size, stream.hop
        self._kept = EMPTY

    def push(self, chunk: Sound) -> Iterator[Line]:
        if 0 in chunk.shape:
            return
        wave = mono(chunk).numpy()
        self.taken += len(wave)
        self._kept = np.concatenate([self._kept, self._resampler.push(wave[:, None])[:, 0]])
        while len(self._kept) >= self._size:
            block, self._kept = self._kept[: self._size], self._kept[self._size :]
            yield np.ascontiguousarray(block)

    def finish(self) -> Iterator[Line]:
        """The last ones, filled up with zeros to whole frames."""
        rest = np.concatenate([self._kept, self._resampler.finish()[:, 0]])
        rest = np.pad(rest, (0, -len(rest) % self._hop))
        for start in range(0, len(rest), self._size):
            yield np.ascontiguousarray(rest[start : start + self._size])


class _Outlet:
    """Passes on what was sung from the first sample that was heard to the last, at the rate that is asked for."""

    def __init__(self, stream: Stream, rates: tuple[int, int]) -> None:
        self._rates, self._rate = rates, stream.model.rate
        self._resampler = Resampler(self._rate, rates[1])
        self._late = stream.latency  # samples that come before the first one that was heard
        self._passed = self._given = 0

    def push(self, wave: Tensor) -> Iterator[Tensor]:
        skipped = min(self._late, len(wave))
        self._late -= skipped
        self._passed += len(wave) - skipped
        yield from self._out(self._resampler.push(wave[skipped:, None].numpy())[:, 0])

    def finish(self, last: Tensor, taken: int) -> Iterator[Tensor]:
        """With the stream's last samples; `taken` came in."""
        yield from self.push(last[: resampled_length(taken, self._rates[0], self._rate) - self._passed + self._late])
        missing = resampled_length(taken, *self._rates) - self._given
        rest = self._resampler.finish()[:missing, 0]
        yield from self._out(np.pad(rest, (0, missing - len(rest))))

    def _out(self, part: Line) -> Iterator[Tensor]:
        self._given += len(part)
        if len(part):
            yield torch.from_numpy(np.array(part))

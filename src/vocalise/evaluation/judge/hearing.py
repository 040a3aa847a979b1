"""What a judge hears: mel-cepstra (Davis & Mermelstein, 1980) of the three-second pieces of a wave that sound.

wave ──16 kHz──▶ mel powers ──pieces, each at one level──▶ over a noise floor ──▶ dB, cosines

There are two hearings. The full one has everything below 8 kHz. The band hearing has 200 to 4,000 Hz over a noise floor
of its own, which lies above those of most recordings, and learns from each stretch as other rooms would have had it
too: neither a microphone's bandwidth nor its hiss is heard through it.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.resampling import resample
from vocalise.audio.spectrum import cepstra, mel_filters, stft
from vocalise.evaluation.judge.rooms import elsewhere

RATE, HOP, SIZE = 16_000, 160, 512  # Hz, samples, samples
PIECE, STEP = 3.0, 1.5  # seconds: a piece, and from one to the next
LOUDEST = 0.5  # seconds: the loudest stretch of this length says what is loud
ACTIVE = 30.0  # dB below it a frame still sounds
SILENT = -70.0  # dBFS: a wave that is never louder is silent
ENOUGH = 1 / 3  # of a piece must sound
LEAST = 0.1  # seconds of sound without which nothing is said
_CHUNK = 8192  # frames transformed at a time
_LEAD = 4  # frames beside a chunk that the window may reach into


@dataclass(frozen=True)
class Pieces:
    """The pieces of one wave."""

    cepstra: Tensor  # (pieces, coefficients, frames)   dB, orthonormal
    active: Tensor  # (pieces, frames)   whether it sounds

    def __len__(self) -> int:
        return len(self.cepstra)


@dataclass(frozen=True)
class Hearing:
    """A filter bank over a noise floor."""

    bands: int
    low: float  # Hz
    high: float  # Hz
    floor: float  # dB of each band, relative to the whole of the piece's sounding frames
    slope: float = 0.0  # dB an octave by which the floor falls above 1 kHz, as voices do
    coefficients: int = 20
    rooms: int = 0  # other rooms in which what is learnt from is imagined as well

    def pieces(self, wave: Tensor, rate: int) -> Pieces:
        """The pieces of a wave (samples,) that sound, every 1.5 s; one piece if it is shorter than 3 s.

        Where none sounds enough, the one that sounds most is taken; silence has none.
        """
        return self._cut(self._power(wave, rate))

    def lessons(self, wave: Tensor, rate: int, chance: torch.Generator) -> list[Pieces]:
        """The same to be learnt from: as it is, and as it would be from other rooms."""
        power = self._power(wave, rate)
        return [self._cut(power), *(self._cut(elsewhere(power, chance)) for _ in range(self.rooms))]

    def _cut(self, power: Tensor) -> Pieces:
        """Pieces of powers (bands, frames)."""
        active = _sounding(power.sum(dim=0))
        length = min(power.shape[1], round(PIECE * RATE / HOP))
        starts = _starts(active, length)
        if not starts:
            return Pieces(torch.zeros(0, self.coefficients, length), torch.zeros(0, length, dtype=torch.bool))
        return Pieces(
            torch.stack([self._cepstra(power[:, n : n + length], active[n : n + length]) for n in starts]),
            torch.stack([active[n : n + length] for n in starts]),
        )

    def _power(self, wave: Tensor, rate: int) -> Tensor:
        """Power in each band: (bands, frames), some frames at a time or an hour would not fit into memory."""
        wave = torch.nan_to_num(resample(wave.detach().cpu(), rate, RATE), 0.0, 0.0, 0.0)
        filters = mel_filters(RATE, SIZE, self.bands, self.low, self.high)
        frames, parts = wave.shape[-1] // HOP + 1, []
        for first in range(0, frames, _CHUNK):
            start, stop = max(0, first - _LEAD), min(frames, first + _CHUNK)
            spectrum = stft(wave[start * HOP : (stop + _LEAD) * HOP], size=SIZE, hop=HOP)
            parts.append(filters @ spectrum[:, first - start : stop - start].abs().square())
        return torch.cat(parts, dim=1)

    def _cepstra(self, power: Tensor, active: Tensor) -> Tensor:
        """One piece at the common level, over the floor: (bands, frames) -> (coefficients, frames)."""
        levelled = power / power[:, active].sum(dim=0).mean()
        return cepstra(10.0 * torch.log10(levelled + self._floor()), self.coefficients)

    def _floor(self) -> Tensor:
        low, high = (2595.0 * math.log10(1.0 + hertz / 700.0) for hertz in (self.low, self.high))
        centres = 700.0 * (10.0 ** (torch.linspace(low, high, self.bands + 2)[1:-1] / 2595.0) - 1.0)
        decibels = self.floor - self.slope * torch.log2((centres / 1000.0).clamp(min=1.0))
        return torch.pow(10.0, decibels / 10.0)[:, None]


FULL = Hearing(bands=40, low=0.0, high=RATE / 2.0, floor=-80.0)
# The recordings' own floors in a band lie at -40 dB and below, most of them at -55 dB and below; singing lies at -10 to
# -30 dB in the lower bands and at -30 to -50 dB in the upper ones.
BAND = Hearing(bands=24, low=200.0, high=4000.0, floor=-45.0, slope=8.0, rooms=2)


def _sounding(power: Tensor) -> Tensor:
    """Which frames (frames,) sound, from their power."""
    window = min(len(power), round(LOUDEST * RATE / HOP))
    loudest = 10.0 * math.log10(max(1e-20, float(F.avg_pool1d(power[None], window, stride=1).max())))
    if loudest < SILENT:
        return torch.zeros(len(power), dtype=torch.bool)
    return torch.gt(power, 10.0 ** ((loudest - ACTIVE) / 10.0))


def _starts(active: Tensor, length: int) -> list[int]:
    """First frames of the pieces that are heard."""
    places = range(0, len(active) - length + 1, round(STEP * RATE / HOP))
    sound = {place: int(active[place : place + length].sum()) for place in places}
    least = LEAST * RATE / HOP
    chosen = [place for place, frames in sound.items() if frames >= max(least, ENOUGH * length)]
    best = max(sound, key=lambda place: sound[place])
    return chosen or ([best] if sound[best] >= least else [])

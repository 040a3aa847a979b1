"""Where a conversion lies on its source's clock, for systems that drift: locally, by how the loudness goes.

source ──chunks of 2 s──▶ levels ──correlated with the conversion's, up to 1 s off──▶ a lag for each clear chunk

Conversions that others have published lag or lead by -0.35 to +0.65 s, differently within one clip; compared frame by
frame as they are, they would be called out of tune where they are only late.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.loudness import frame_levels
from vocalise.audio.pitch import Contour, contour_at

CHUNK = 2.0  # seconds
FARTHEST = 1.0  # seconds that a conversion may lag or lead
_STEP = 0.5  # seconds from chunk to chunk
_SHORTEST = 0.5  # seconds of sound that can be aligned at all
_HOP = 0.005  # seconds between levels; lags are multiples of it
_WINDOW = 0.040  # seconds; longer than the periods of a voice, shorter than a syllable
_DEEP = 40.0  # dB below the loudest moment; what is softer is equally soft
_VARIED = 3.0  # dB: spread of the levels from which on a chunk has a shape
_ALIKE = 0.6  # correlation of a clear peak …
_CLEAR = 0.05  # … and how far it stands above any other that is more than a syllable away,
_AWAY = 0.2  # seconds
_AGREEING = 0.05  # seconds that neighbours may differ and still confirm each other


@dataclass(frozen=True, eq=False)
class Alignment:
    """By how much an estimate is later than its reference, chunk by chunk; negative where it is early.

    Attributes:
        times: (chunks,) middles of the chunks that are confirmed, s on the reference's clock, rising.
        lags: (chunks,) of each, s, in steps of 5 ms.
        usable: of the reference's sounding chunks, the share of those whose levels vary enough (3 dB) and are found
            again (correlation 0.6), at one place only, with a lag that a neighbour or the median confirms.
        seconds: how long the reference lasts.
    """

    times: Tensor
    lags: Tensor
    usable: float
    seconds: float

    @property
    def drift(self) -> float:
        """The lag that is worst, without its sign, s; NaN where no chunk is usable."""
        return float(self.lags.abs().max()) if self.lags.numel() else math.nan

    def lag_at(self, times: Tensor) -> Tensor:
        """The lag in seconds at any times on the reference's clock, in their shape; 0 where nothing is known.

        It lies between those of two chunks that are nearly agreed, and is that of the nearer one where they are not: a
        drift is gradual, a jump is not. Before the first and after the last chunk it stays.
        """
        if not self.lags.numel():
            return torch.zeros_like(times, dtype=torch.float64)
        right = torch.searchsorted(self.times, times.double()).clamp(max=len(self.times) - 1)
        left = (right - 1).clamp(min=0)
        gap = (self.times[right] - self.times[left]).clamp(min=1e-9)
        place = ((times.double() - self.times[left]) / gap).clamp(0.0, 1.0)
        jump = (self.lags[right] - self.lags[left]).abs() > 2.0 * _AGREEING
        return torch.lerp(self.lags[left], self.lags[right], torch.where(jump, (place > 0.5).double(), place))


def align(reference: Tensor, estimate: Tensor, rate: int) -> Alignment:
    """Finds how late or early an estimate (samples,) is against its reference (samples,), both at `rate` Hz.

    Levels are compared, not spectra, so that neither timbre nor pitch moves a chunk. Silence, noise and what is shorter
    than half a second cannot be aligned: nothing is usable then, and the drift is NaN.
    """
    sung, heard = _levels(reference, rate), _levels(estimate, rate)
    size = min(round(CHUNK / _HOP), len(sung))
    starts = range(0, len(sung) - size + 1, round(_STEP / _HOP)) if size >= _SHORTEST / _HOP else range(0)
    chunks = [sung[start : start + size] for start in starts]
    sounding = sum(bool((chunk > -_DEEP).any()) for chunk in chunks)
    places = [_place(chunk, heard, start) for chunk, start in zip(chunks, starts, strict=True)]
    found = [
        (start + (size - 1) / 2.0, place) for start, place in zip(starts, places, strict=True) if place is not None
    ]
    times, lags = (_HOP * torch.tensor([pair[n] for pair in found], dtype=torch.float64) for n in (0, 1))
    kept = _confirmed(times, lags) if len(chunks) > 1 else torch.ones(len(lags), dtype=torch.bool)
    usable = int(kept.sum()) / sounding if sounding else 0.0
    return Alignment(times[kept], lags[kept], usable, reference.shape[-1] / rate)


def realigned(contour: Contour, alignment: Alignment) -> Contour:
    """The estimate's contour on the reference's clock and of its length; unvoiced where the estimate has ended."""
    frames = math.floor(alignment.seconds / contour.hop + 1e-9) + 1
    times = torch.arange(frames, dtype=torch.float64) * contour.hop
    if contour.pitch.numel() == 0:
        return Contour(torch.zeros(frames), torch.zeros(frames), contour.hop)
    there = times + alignment.lag_at(times)
    pitch, voicing = contour_at(contour, there)
    inside = (there > -contour.hop / 2) & (there < (len(contour.pitch) - 0.5) * contour.hop)
    sung = inside & (voicing > 0.5)
    return Contour(torch.where(sung, pitch, 0.0).float(), sung.float(), contour.hop)


def _levels(wave: Tensor, rate: int) -> Tensor:
    """dB relative to the loudest moment, every 5 ms, from -40 to 0; all of a silent wave is at -40."""
    seconds = wave.shape[-1] / rate
    samples = torch.arange(math.floor(seconds / _HOP + 1e-9) + 1, dtype=torch.float64) * _HOP * rate
    hop = max(1, round(0.001 * rate))
    levels = frame_levels(wave.detach().cpu(), window=max(1, round(_WINDOW * rate)), hop=hop, floor=-100.0).double()
    loudest = float(levels.max())
    if loudest <= -100.0:
        return torch.full((len(samples),), -_DEEP, dtype=torch.float64)
    return (levels - loudest).clamp(min=-_DEEP)[(samples / hop).round().long().clamp(max=len(levels) - 1)]


def _place(chunk: Tensor, heard: Tensor, start: int) -> int | None:
    """Steps by which the estimate is later, for the chunk that starts at this step; None if that is not clear."""
    if float(chunk.std()) < _VARIED:
        return None
    size, reach = len(chunk), min(round(FARTHEST / _HOP), len(chunk) // 2)
    first, last = start - reach, start + reach + size
    around = heard[max(0, first) : max(0, last)]
    before = min(max(0, -first), last - first)
    around = F.pad(around, (before, last - first - before - len(around)), value=-_DEEP)
    windows = around.unfold(0, size, 1)
    spread = windows.std(dim=1)
    shape = chunk - chunk.mean()
    alike = windows @ shape / ((size - 1) * chunk.std() * spread.clamp(min=1e-9))
    alike = torch.where(spread < _VARIED / 2.0, 0.0, alike)
    top = int(alike.argmax())
    away = (torch.arange(len(alike)) - top).abs() > _AWAY / _HOP
    clear = float(alike[top]) >= max(_ALIKE, float(alike[away].max()) + _CLEAR)
    return top - reach if clear and 0 < top < len(alike) - 1 else None


def _confirmed(times: Tensor, lags: Tensor) -> Tensor:
    """Which chunks (chunks,) have the lag of a neighbour that overlaps, or, of three or more, the median."""
    if len(lags) < 2:
        return torch.zeros(len(lags), dtype=torch.bool)
    near = (times[:, None] - times).abs() < CHUNK
    near.fill_diagonal_(False)
    agree = (lags[:, None] - lags).abs() <= _AGREEING
    return (near & agree).any(dim=1) | ((lags - lags.median()).abs() <= _AGREEING) & (len(lags) > 2)

"""How loud: RMS level, loudness after ITU-R BS.1770-4, true peak, and bringing one wave to the loudness of another."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.resampling import BLOCK, Resampler

SILENCE, LAST_BIT = -60.0, -90.0  # dBFS: what is never louder is silent; the last of 16 bits
_GATE = 0.4  # seconds: the block of BS.1770, three quarters of which overlap
_PIECE = 60.0  # seconds measured at a time, or an hour of sound would take gigabytes
_LEAD = 1.0  # seconds for the weighting filters to settle at the start of a piece
_LOWEST_RATE = 4000  # Hz; below it the weighting filters do not exist


def peak_of(wave: Tensor) -> float:
    """The largest magnitude of a wave (samples,), without a second copy of it; 0 of an empty one."""
    return max(float(wave.max()), -float(wave.min())) if wave.numel() else 0.0


def gain_to(wave: Tensor, peak: float) -> float:
    """What brings a wave (samples,) to this peak; 1 for silence."""
    own = peak_of(wave)
    return peak / own if own > 0.0 else 1.0


def level(wave: Tensor) -> float:
    """RMS level in dBFS, of any shape: 0 for a full-scale square wave, -3.01 for a sine, -inf for silence."""
    power = sum(float(part.double().square().sum()) for part in torch.split(wave.reshape(-1), 1 << 20))
    return 10.0 * math.log10(power / wave.numel()) if power > 0.0 else -math.inf


def frame_levels(wave: Tensor, *, window: int, hop: int, floor: float = -100.0) -> Tensor:
    """RMS level around every `hop`-th sample: (…, samples) -> dBFS (…, samples // hop + 1), never below `floor`.

    Frame k is centred on sample k * hop, as in a pitch contour; at the ends the mean is over what there is. `window`
    and `hop` in samples.
    """
    samples = wave.shape[-1]
    frames = samples // hop + 1
    before, after = window // 2, window - window // 2
    power = F.pad(wave.float().square(), (before, after))
    summed = F.avg_pool1d(power.reshape(-1, 1, power.shape[-1]), window, stride=hop)[..., :frames] * window
    centres = torch.arange(frames, device=wave.device) * hop
    there = (centres + after).clamp(max=samples) - (centres - before).clamp(min=0)
    mean = (summed / there.clamp(min=1)).reshape(*wave.shape[:-1], frames)
    return 10.0 * torch.log10(mean.clamp(min=10.0 ** (floor / 10.0)))


def integrated_loudness(wave: Tensor, rate: int) -> float:
    """Gated loudness in LUFS of a wave (samples,) at `rate` Hz (ITU-R BS.1770-4, section "gating").

    Silence is -inf. What is too short or too quiet for the gate (0.4 s, -70 LUFS), or sampled below 4 kHz, gets its
    RMS level instead.
    """
    if rate < _LOWEST_RATE or wave.shape[-1] <= _GATE * rate:
        return level(wave)
    blocks = np.array(_block_loudness(wave, rate))
    for threshold in (-70.0, -10.0):
        gate = threshold if threshold == -70.0 else _mean_loudness(blocks) + threshold
        blocks = blocks[blocks > gate]
        if not len(blocks):
            return level(wave)
    return _mean_loudness(blocks)


def _mean_loudness(blocks: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    return float(10.0 * np.log10(np.mean(10.0 ** (blocks / 10.0))))


def _block_loudness(wave: Tensor, rate: int) -> list[float]:
    """Loudness of every gating block, in LUFS, each a quarter block after the one before."""
    import pyloudnorm  # brings scipy.signal along, which takes longer to import than all the rest of this floor

    meter = pyloudnorm.Meter(rate, block_size=_GATE)
    step = _GATE / 4
    whole = int((wave.shape[-1] / rate - _GATE) / step + 1e-9) + 1  # blocks that lie inside the wave
    together, lead = round(_PIECE / step), round(_LEAD / step)
    loudness: list[float] = []
    for first in range(0, whole, together):
        settled = min(first, lead)
        start, stop = (first - settled) * step, (min(first + together, whole) - 1) * step + _GATE
        piece = wave[round(start * rate) : math.ceil(stop * rate)].double().cpu().numpy()
        meter.integrated_loudness(piece)
        loudness += [float(block) for block in meter.blockwise_loudness[settled : settled + together]]
    return loudness


def true_peak(wave: Tensor, rate: int) -> float:
    """The highest peak between the samples as well, in dBTP, of a wave (samples,) (BS.1770-4, annex 2: rate × 4)."""
    resampler = Resampler(rate, 4 * rate)
    peak = float(wave.abs().max()) if wave.numel() else 0.0
    for part in torch.split(wave, BLOCK):
        peak = max(peak, float(np.abs(resampler.push(part[:, None].float().cpu().numpy())).max(initial=0.0)))
    peak = max(peak, float(np.abs(resampler.finish()).max(initial=0.0)))
    return 20.0 * math.log10(peak) if peak > 0.0 else -math.inf


def match_loudness(wave: Tensor, rate: int, *, like: float, ceiling: float = -1.0) -> Tensor:
    """The wave (samples,) with one gain, so that it is as loud as `like` (LUFS), its true peak at most `ceiling` dBTP.

    A wave that is silent stays so, and what should be as loud as silence (-inf) becomes it.
    """
    gain = matching_gain(wave, rate, like=like, ceiling=ceiling)
    return torch.zeros_like(wave) if gain == 0.0 else wave * gain


def matching_gain(wave: Tensor, rate: int, *, like: float, ceiling: float = -1.0) -> float:
    """The factor by which `match_loudness` multiplies."""
    peak = true_peak(wave, rate)
    if peak == -math.inf:
        return 1.0
    if like == -math.inf:
        return 0.0
    gain = min(like - integrated_loudness(wave, rate), ceiling - peak)
    return float(10.0 ** (gain / 20.0))

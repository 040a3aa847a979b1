"""Local pitch perturbation: a stretch of a phrase a little out of tune (Mor et al., 2018, section 3.2).

wave ──a quarter to a half of it──▶ phase vocoder, resampling ──faded in and out──▶ wave, as long as before

An encoder that hears it so, while the decoder must sing it in tune, cannot simply copy, and it meets sounds that no
recording holds. The pitch shifter is the classical one (Flanagan & Golden, 1966; Laroche & Dolson, 1999): a short-time
Fourier transform read faster or slower, with phases that go on at the measured frequencies, makes the stretch longer at
the same pitch; resampling brings it back to its length at another pitch.
"""

import math

import torch
from torch import Tensor

WINDOW = 0.064  # seconds of a frame of the Fourier transform
FADE = 0.01  # seconds over which the moved stretch is faded in and out
SHORTEST = 64  # samples: below, a stretch is left as it is
TAPS = 16  # on either side, of the interpolation


def perturb(wave: Tensor, rate: int, semitones: float, generator: torch.Generator) -> Tensor:
    """Each wave (batch, samples) with a stretch of a quarter to a half of it moved by up to so many semitones.

    Length, place and shift are drawn for each wave, uniformly; outside the stretch nothing changes.
    """
    drawn = torch.rand(len(wave), 3, generator=generator, dtype=torch.float64).tolist()
    return torch.stack([_perturbed(one, rate, semitones, *luck) for one, luck in zip(wave, drawn, strict=True)])


def _perturbed(wave: Tensor, rate: int, semitones: float, share: float, place: float, luck: float) -> Tensor:
    samples = len(wave)
    length = round(samples * (0.25 + 0.25 * share))
    start = round((samples - length) * place)
    if length < SHORTEST:
        return wave
    stretch, margin = wave[start : start + length], _frame(rate, length)  # more is moved than is taken
    first, stop = max(0, start - margin), min(samples, start + length + margin)
    whole = shift_pitch(wave[first:stop], rate, semitones * (2.0 * luck - 1.0))
    moved = whole[start - first : start - first + length]
    fade = min(length // 4, max(1, round(FADE * rate)))
    rise = torch.sin(0.5 * math.pi * (torch.arange(fade, device=wave.device) + 0.5) / fade).square()
    weight = torch.cat([rise, rise.new_ones(length - 2 * fade), rise.flip(0)]).to(wave.dtype)
    return torch.cat([wave[:start], torch.lerp(stretch, moved, weight), wave[start + length :]])


def shift_pitch(wave: Tensor, rate: int, semitones: float) -> Tensor:
    """A wave (samples,) at another pitch, as long as before."""
    ratio = 2.0 ** (semitones / 12.0)
    longer = _stretched(wave, ratio, _frame(rate, len(wave)))
    return _read(longer, torch.arange(len(wave), dtype=torch.float64) * ratio)


def _frame(rate: int, samples: int) -> int:
    """A power of two of about `WINDOW` seconds, and no more than the wave has."""
    return int(2 ** min(round(math.log2(WINDOW * rate)), int(math.log2(samples))))


def _stretched(wave: Tensor, ratio: float, size: int) -> Tensor:
    """`ratio` times as long, at the same pitch."""
    hop, window = size // 4, torch.hann_window(size, device=wave.device, dtype=wave.dtype)
    seen = torch.stft(wave, size, hop, window=window, pad_mode="constant", return_complex=True)  # (bins, frames)
    length = math.ceil(len(wave) * ratio) + TAPS
    times = (torch.arange(length // hop + 1) / ratio).to(wave)  # of the frames to be, in frames that there are
    last = seen.shape[1] - 1
    before = times.floor().long().clamp(max=last)
    after = (before + 1).clamp(max=last)
    loud = torch.lerp(seen[:, before].abs(), seen[:, after].abs(), (times - before).clamp(0.0, 1.0))
    # Frames follow each other at the same distance as before, so a turn from one to the next is the same turn.
    advance = seen[:, after].angle() - seen[:, before].angle()
    turned, middle = advance.cumsum(1) - advance, len(times) // 2
    # Bins keep the phases to each other that they have in the middle: the first frame reaches beyond the beginning.
    phase = seen[:, before[middle], None].angle() + turned - turned[:, middle, None]
    longer: Tensor = torch.istft(torch.polar(loud, phase), size, hop, window=window, length=length)
    return longer


def _read(wave: Tensor, places: Tensor) -> Tensor:
    """A wave (samples,) at any places (n,) between its samples, float64 on the CPU, by a windowed sinc of 32 taps."""
    near = torch.arange(1 - TAPS, TAPS + 1)
    away = (places - places.floor()).float()[:, None] - near  # in [-TAPS, TAPS)
    weights = torch.sinc(away) * torch.cos(0.5 * math.pi * away / TAPS).square()
    index = places.long()[:, None] + near
    inside = (index >= 0) & (index < len(wave))
    return (wave[index.clamp(0, len(wave) - 1).to(wave.device)] * (weights * inside).to(wave)).sum(dim=1)

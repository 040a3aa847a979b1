"""What is played in a listening test: one phrase, the same of every version, alike in level; and an anchor that is bad.

wave ──cut at quiet places──▶ phrases ──the singing ones, one by lot──▶ excerpt ──fades, level──▶ sound
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.files import read_wave
from vocalise.audio.loudness import frame_levels, integrated_loudness, match_loudness, true_peak
from vocalise.audio.phrases import Span, cut

FADE = 0.02  # seconds
SHORTEST = 0.6  # of the wanted length, where a song leaves the choice
LOUDEST, QUIETEST = -20.0, -32.0  # LUFS: all sounds are brought to one level between these
CEILING = -1.0  # dBTP
ANCHOR_BAND = 1000.0  # Hz that the anchor keeps
ANCHOR_Q = 6.0  # dB of signal above noise in the anchor

_ACTIVE = -35.0  # dB below the loud frames; what is quieter is a pause
_SILENT = -70.0  # dBFS
_NEARLY = 0.8  # of the best phrase's singing is good enough to be drawn


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A stretch of a file."""

    path: Path
    start: float  # seconds
    stop: float

    def overlaps(self, other: "Excerpt") -> bool:
        """Whether both hold a common moment of one file."""
        return self.path == other.path and self.start < other.stop and other.start < self.stop

    def read(self, rate: int) -> Tensor:
        """The stretch at `rate` Hz (samples,), with short fades; as much of it as there is."""
        wave, _ = read_wave(self.path, rate=rate)
        return faded(wave[round(self.start * rate) : round(self.stop * rate)], rate)


def common_excerpts(
    paths: Sequence[Path],
    rate: int,
    seconds: float,
    generator: np.random.Generator,
    *,
    avoid: Sequence[Excerpt] = (),
) -> tuple[Excerpt, ...]:
    """One phrase of at most `seconds`, at the same place in every file; the first file decides where one sings.

    Nothing is left once every phrase with singing shares a moment with `avoid`; where nobody ever sings, it is the
    beginning.
    """
    waves = [read_wave(path, rate=rate)[0] for path in paths]
    samples = min(map(len, waves))
    span = _drawn(waves[0][:samples], rate, seconds, generator, avoid=_spans(paths[0], avoid, rate))
    if span is None and avoid:
        return ()
    there = span or Span(0, min(samples, round(seconds * rate)))
    return tuple(Excerpt(path=path, start=there.start / rate, stop=there.stop / rate) for path in paths)


def excerpt_of(
    path: Path, rate: int, seconds: float, generator: np.random.Generator, *, avoid: Sequence[Excerpt] = ()
) -> Excerpt | None:
    """A phrase of a file in which there is singing and that shares no moment with `avoid`; None where there is none."""
    wave, _ = read_wave(path, rate=rate)
    span = _drawn(wave, rate, seconds, generator, avoid=_spans(path, avoid, rate))
    return None if span is None else Excerpt(path=path, start=span.start / rate, stop=span.stop / rate)


def _spans(path: Path, excerpts: Sequence[Excerpt], rate: int) -> list[Span]:
    """Those that lie in the file, in samples."""
    return [Span(round(one.start * rate), round(one.stop * rate)) for one in excerpts if one.path == path]


def _drawn(
    wave: Tensor, rate: int, seconds: float, generator: np.random.Generator, *, avoid: Sequence[Span]
) -> Span | None:
    """One of the phrases with nearly the most singing in it, by lot."""
    spans = cut(wave, rate, longest=seconds, shortest=SHORTEST * seconds)
    free = [span for span in spans if not any(span.start < one.stop and one.start < span.stop for one in avoid)]
    hop = max(1, rate // 100)
    levels = frame_levels(wave, window=4 * hop, hop=hop)
    loud = float(torch.quantile(levels[:: 1 + len(levels) // 1_000_000], 0.95))  # it takes 16 million at most
    singing = levels > max(loud + _ACTIVE, _SILENT)
    amounts = [int(singing[span.start // hop : span.stop // hop].sum()) for span in free]
    best = [span for span, amount in zip(free, amounts, strict=True) if amount and amount >= _NEARLY * max(amounts)]
    return best[int(generator.integers(len(best)))] if best else None


def faded(wave: Tensor, rate: int) -> Tensor:
    """The wave (samples,) with both ends faded over 20 ms, so that a cut within a note does not click."""
    length = min(round(FADE * rate), len(wave) // 2)
    if not length:
        return wave
    ramp = 0.5 - 0.5 * torch.cos(math.pi * (torch.arange(length) + 0.5) / length)
    shaped = wave.clone()
    shaped[:length] *= ramp
    shaped[len(wave) - length :] *= ramp.flip(0)
    return shaped


def degraded(wave: Tensor, rate: int, generator: np.random.Generator) -> Tensor:
    """The bad anchor of a wave (samples,): without what lies above 1 kHz, and with noise that follows its level.

    The noise is that of the modulated noise reference unit (ITU-T P.810): y = x (1 + 10^(-Q/20) n), n normal noise,
    with Q = 6 dB.
    """
    spectrum = torch.fft.rfft(wave.double())
    spectrum[torch.fft.rfftfreq(len(wave), 1.0 / rate) > ANCHOR_BAND] = 0.0
    dull = torch.fft.irfft(spectrum, n=len(wave))
    noise = torch.from_numpy(generator.standard_normal(len(wave)))
    modulation = 1.0 + 10.0 ** (-ANCHOR_Q / 20.0) * noise
    heard: Tensor = dull * modulation
    return heard.float()


def common_level(waves: Sequence[Tensor], rate: int) -> float:
    """The loudness in LUFS that all waves can be brought to without any passing the ceiling, between the bounds."""
    reachable = LOUDEST
    for wave in waves:
        loudness = integrated_loudness(wave, rate)
        if loudness > -math.inf:
            reachable = min(reachable, loudness + CEILING - true_peak(wave, rate))
    return max(QUIETEST, reachable)


def level_out(wave: Tensor, rate: int, level: float) -> Tensor:
    """The wave (samples,) at the common level (LUFS); silence stays silence."""
    return match_loudness(wave, rate, like=level, ceiling=CEILING)

"""What one pass over a recording tells of its quality: level, clipping, noise, silence, bandwidth, stereo width.

file ──blocks──▶ chunks of 5 s ──tally──▶ levels, flat tops, mid and side ──▶ Quality
                      └── the loudest of each part of the recording ──▶ excerpts ──▶ spectrum
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.files import read_wave
from vocalise.audio.resampling import resample
from vocalise.audio.sources import SoundStopped, Source, opened, shown
from vocalise.data.accompaniment import stereo_width
from vocalise.errors import AudioError

RATE = 16_000  # Hz, of the excerpts
CHUNK = 5.0  # seconds
FRAME = 0.05  # seconds
LOUDEST = 64.0  # of full scale; beyond it something is damaged
DIGITAL = -90.0  # dBFS: below it a frame says nothing about the room or the microphone
ACTIVE = 25.0  # dB below the loud frames (95 %) that still count as singing
SILENT = 40.0  # dB below the loud frames that count as silence
CLIPPED = 2e-5  # share of the samples: a single accident in a minute is none
FLAT = 0.98  # of the peak: tops of equal samples above it are clipped
PLACES = 4  # chunks at least in which the bandwidth is looked for: one may lack consonants
BAND = 100.0  # Hz, resolution of the bandwidth
STANDS_OUT = 10.0  # dB above the quietest band
COMES_AND_GOES = 15.0  # dB between the quiet and the loud moments of a band
RANGE = 70.0  # dB below the loudest band; what is fainter is not missed

Block = NDArray[np.float32]  # (samples, channels)


@dataclass(frozen=True, eq=False)
class Quality:
    """The facts of one recording; levels in dBFS, -inf where there is nothing."""

    seconds: float
    peak: float
    level: float  # RMS of the frames that are sung
    noise: float  # the quietest 5 % of the frames that are not digital silence
    loudest: float  # the loudest frame
    silence: float  # share of the frames
    clipped: float  # share of the samples
    bandwidth: float  # Hz: the highest frequency in use
    width: float | None  # dB: the difference of two channels against their mean; None for mono
    levels: Block  # (frames,) dBFS every 50 ms
    excerpts: tuple[Tensor, ...]  # (samples,) mono at 16 kHz, 5 s or what there is, in the order of time

    @property
    def is_clipped(self) -> bool:
        """Whether so much of it is clipped that it can be heard."""
        return self.clipped > CLIPPED

    def without_excerpts(self) -> "Quality":
        """The facts alone, which take little memory."""
        return replace(self, excerpts=())


def listen(path: Path, *, seconds: float, excerpts: int = 1) -> Quality:
    """Hears a file from start to end.

    Args:
        path: the file.
        seconds: how long it should be; the excerpts are spread over it.
        excerpts: how many to keep, at the least one.

    Raises:
        AudioError: the file cannot be read to its end.
    """
    with opened(path) as source:
        tally = _Tally(source.rate, source.channels, seconds, excerpts)
        whole = tally.hear(source)
    if not whole:
        read_wave(path)  # the judge of damaged files; it says what is wrong in its own words
        if not tally.samples or not math.isfinite(tally.peak):
            raise AudioError(f"{shown(path)} cannot be measured: export it again.")
    return tally.quality()


def _chunks(blocks: Iterator[Block], size: int) -> Iterator[Block]:
    """The same samples, `size` at a time; the last chunk holds what is left."""
    waiting: list[Block] = []
    held = 0
    for block in blocks:
        block = block.copy()  # the reader writes every block into the same room
        while held + len(block) >= size:
            yield np.concatenate([*waiting, block[: size - held]])
            block, waiting, held = block[size - held :], [], 0
        if len(block):
            waiting.append(block)
            held += len(block)
    if held:
        yield np.concatenate(waiting)


class _Tally:
    """What is counted while a file goes by; memory is that of a few chunks."""

    def __init__(self, rate: int, channels: int, seconds: float, excerpts: int) -> None:
        self.rate, self.channels = rate, channels
        self.frame = max(1, round(FRAME * rate))
        self.chunk = self.frame * round(CHUNK / FRAME)
        self.excerpts = excerpts
        self.parts = max(PLACES, excerpts)
        self.part = max(seconds / self.parts, CHUNK)  # seconds of each part, of which one chunk is kept
        self.samples = 0
        self.flat: list[tuple[float, int]] = []  # of each chunk: peak, samples in flat tops
        self.overshoot = 0
        self.mid = self.side = 0.0  # energies
        self.levels: list[Block] = []
        self.kept: dict[int, tuple[float, Block]] = {}  # part -> energy, mono chunk

    @property
    def peak(self) -> float:
        """The highest of all samples."""
        return max((top for top, _ in self.flat), default=0.0)

    def hear(self, source: Source) -> bool:
        """Counts all there is; whether it seems to be whole."""
        try:
            for chunk in _chunks(source.blocks(), self.chunk):
                if not np.abs(chunk).max() <= LOUDEST:  # false for what is no number
                    return False
                self.add(chunk)
        except SoundStopped:
            return False
        announced = 1 if source.announced is None or source.estimated else source.announced
        return self.samples >= announced and not source.breaks_off

    def add(self, chunk: Block) -> None:
        """Counts (samples, channels)."""
        mono = chunk.mean(axis=1)
        levels = _frame_levels(mono, self.frame)
        self.levels.append(levels)
        self.flat.append(_flat_tops(chunk, shortest=max(3, round(self.rate / 8000))))
        self.overshoot += int((np.abs(chunk) > 1.0).sum())
        if self.channels > 1:
            left, right = chunk[:, 0].astype(np.float64), chunk[:, 1].astype(np.float64)
            self.mid += float(np.square(left + right).sum())
            self.side += float(np.square(left - right).sum())
        part = min(self.parts - 1, int(self.samples / self.rate / self.part))
        energy = float(np.square(mono, dtype=np.float64).sum())
        if part not in self.kept or energy > self.kept[part][0]:
            self.kept[part] = (energy, mono)
        self.samples += len(chunk)

    def quality(self) -> Quality:
        """The facts."""
        levels = np.concatenate(self.levels)
        loud = float(np.percentile(levels, 95))
        sung = levels[levels > loud - ACTIVE]
        heard = levels[levels > DIGITAL]
        loudest = sorted(self.kept, key=lambda part: -self.kept[part][0])[: self.excerpts]
        waves = [self.kept[part][1] for part in sorted(loudest)]
        peak = self.peak
        flat = sum(count for top, count in self.flat if top >= 0.9 * peak) if peak >= 0.1 else 0
        return Quality(
            seconds=self.samples / self.rate,
            peak=_decibels(peak),
            level=10.0 * math.log10(float(np.mean(10.0 ** (sung.astype(np.float64) / 10.0))))
            if len(heard)
            else -math.inf,
            noise=float(np.percentile(heard, 5)) if len(heard) else -math.inf,
            loudest=float(levels.max()) if len(heard) else -math.inf,
            silence=float(np.mean((levels < loud - SILENT) | (levels <= DIGITAL))),
            clipped=(flat + self.overshoot) / (self.samples * self.channels),
            bandwidth=bandwidth([wave for _, wave in self.kept.values()], self.rate),
            width=self._width(),
            levels=levels,
            excerpts=tuple(resample(torch.from_numpy(wave), self.rate, RATE) for wave in waves),
        )

    def _width(self) -> float | None:
        if self.channels == 1:
            return None
        return stereo_width(self.mid, self.side)


def _decibels(amplitude: float) -> float:
    return 20.0 * math.log10(amplitude) if amplitude > 0.0 else -math.inf


def _frame_levels(mono: Block, frame: int) -> Block:
    """RMS of every `frame` samples in dBFS, at least -120; what is left over at the end is a frame too."""
    whole = len(mono) // frame * frame
    power = np.square(mono[:whole].reshape(-1, frame)).mean(axis=1)
    if whole < len(mono):
        power = np.append(power, np.square(mono[whole:]).mean())
    levels: Block = (10.0 * np.log10(np.maximum(power, 1e-12))).astype(np.float32)
    return levels


def _flat_tops(chunk: Block, *, shortest: int) -> tuple[float, int]:
    """The peak of (samples, channels), and how many samples near it lie in runs of equal ones."""
    size = np.abs(chunk)
    peak = float(size.max())
    if peak == 0.0 or len(chunk) < shortest:
        return peak, 0
    equal = (chunk[1:] == chunk[:-1]) & (size[1:] >= FLAT * peak)
    changes = np.diff(equal.astype(np.int8), axis=0, prepend=0, append=0)
    starts, stops = (np.argwhere(sign == changes.T)[:, 1] for sign in (1, -1))  # channel by channel
    runs = stops - starts + 1
    return peak, int(runs[runs >= shortest].sum())


def bandwidth(waves: list[Block], rate: int, *, top: float | None = None) -> float:
    """The highest frequency in use, in Hz: where the loud moments (98 %) last stand out.

    A band counts when it is 10 dB above the quietest one, or 15 dB above its own quiet moments (10 %: noise alone
    varies by half of that), and at most 70 dB below the loudest. Where no band stands out, as in white noise, all are
    in use. Silence uses none. What lies above `top` Hz is known to be empty, and says nothing about the rest.
    """
    top = rate / 2 if top is None else min(top, rate / 2)
    size = 1 << max(6, round(math.log2(rate * 0.046)))
    spectra = []
    for wave in waves:
        padded = np.pad(wave, (0, max(0, size - len(wave))))
        frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2]
        spectra.append(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2)
    power = np.concatenate(spectra)
    wide = max(1, round(BAND * size / rate))
    count = min(power.shape[1] // wide, max(1, round(top * size / rate / wide)))
    bands = power[:, : count * wide].reshape(len(power), -1, wide).mean(axis=2)
    quiet, loud = 10.0 * np.log10(np.maximum(np.percentile(bands, (10, 98), axis=0), 1e-15))
    if loud.max() < -100.0:
        return 0.0
    # A filter at the very top of the band is no floor of the recording, hence the second lowest in a hundred.
    floor = float(np.percentile(loud, 2))
    if loud.max() - floor < 2 * STANDS_OUT:
        return top
    stands_out = (loud > floor + STANDS_OUT) | (loud > quiet + COMES_AND_GOES)
    used = np.flatnonzero(stands_out & (loud > loud.max() - RANGE))
    return min(top, float((used[-1] + 1) * wide * rate / size))

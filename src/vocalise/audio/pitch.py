"""Pitch and voicing by WORLD's Harvest and StoneMask (Morise, 2017; Morise et al., 2016), phrases in parallel.

wave ──16 kHz──▶ phrases with context ──Harvest, 1 ms──▶ frames ──StoneMask──▶ contour, every `hop` seconds
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
import pyworld
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.live_pitch import LOWEST, LivePitch
from vocalise.audio.loudness import frame_levels
from vocalise.audio.phrases import Span, cut, widen
from vocalise.audio.resampling import resample

# Harvest works at 8 kHz inside, whatever comes in; StoneMask gives up above a twelfth of the rate, here 1333 Hz.
_RATE = 16_000
_MILLISECOND = _RATE // 1000
_HIGHEST = _RATE / 12
_CONTEXT = (
    _RATE // 2
)  # samples heard on either side of a phrase: Harvest looks 0.1 s beyond a voiced stretch, and smooths
_LONGEST = 7.0  # seconds; a phrase with its context just fits a transform of 2^16 samples at 8 kHz
_FAINT = -60.0  # dB below the loudest moment: nothing down there is voiced
_ALIKE = (
    0.4  # correlation of neighbouring periods from which on a frame is voiced; noise as loud as the voice gives 0.5
)
_GLANCE = _RATE // 100
_GLANCED = 3000  # of these hops at a time: the quick tracker holds several copies of what it hears
_SEEN = 20  # hundredths of a second of voice, without which a glance says nothing
_RARE, _AROUND = 0.02, 4.0  # share of what was seen that may be mistaken at either end; semitones


@dataclass(frozen=True)
class Contour:
    """The pitch of a recording, frame k at k * `hop` seconds."""

    pitch: Tensor  # (frames,)   Hz, 0 where unvoiced; float32
    voicing: Tensor  # (frames,)   0 or 1; float32
    hop: float  # seconds


def pitch_contour(
    wave: Tensor,
    rate: int,
    *,
    hop: float = 0.005,
    low: float = 50.0,
    high: float = 1100.0,
    workers: int | None = None,
    glance: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Contour:
    """Tracks the pitch of a wave (samples,): floor(samples / (rate * hop)) + 1 frames, as WORLD has.

    The wave is cut at its quietest places and every phrase is heard with half a second of context, so that the result
    does not depend on `workers` and is that of the whole but for rare frames at a cut.

    Args:
        wave: (samples,); silence and waves shorter than a period are unvoiced.
        rate: Hz.
        hop: seconds between frames.
        low: Hz, 40 or more.
        high: Hz, 1333 or less.
        workers: phrases tracked at a time; None is as many as PyTorch has threads. Threads, since pyworld releases the
            interpreter's lock.
        glance: whether a quick look at each phrase decides between which pitches Harvest searches it: up to twice as
            fast, since much of its time goes into octaves where nobody sings; one or two frames in a hundred come out
            otherwise.
        progress: told the share done, in [0, 1], after each phrase.

    Raises:
        ValueError: bounds out of range, or a wave that is not finite.
    """
    if not 40.0 <= low < high <= _HIGHEST or hop <= 0.0:
        raise ValueError(
            f"Pitch is tracked from 40 to {_HIGHEST:.0f} Hz at a positive hop, not {low} to {high} Hz at {hop} s."
        )
    if not torch.isfinite(wave).all():
        raise ValueError("Pitch cannot be tracked: the wave holds samples that are not finite.")
    frames = math.floor(wave.shape[-1] / rate / hop + 1e-9) + 1
    heard = resample(wave.detach().cpu(), rate, _RATE)
    spans = cut(heard, _RATE, longest=_LONGEST, multiple=_MILLISECOND)
    around = widen(spans, _CONTEXT)
    loudest = max((float(_levels(heard[span.start : span.stop]).max()) for span in spans), default=-math.inf)
    glanced = _glance(heard) if glance else None
    track = partial(_track, heard, hop=hop, bounds=(low, high), faintest=loudest + _FAINT, glanced=glanced)
    first = [math.ceil(span.start / _RATE / hop - 1e-6) for span in spans] + [frames]
    pitch = np.zeros(frames)
    with ThreadPoolExecutor(workers or torch.get_num_threads()) as pool:
        numbers = [np.arange(start, stop) for start, stop in pairwise(first)]
        try:
            for done, (which, tracked) in enumerate(zip(numbers, pool.map(track, around, numbers), strict=True)):
                pitch[which] = tracked
                if progress is not None:
                    progress((done + 1) / len(spans))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    found = torch.from_numpy(pitch).float()
    return Contour(found, (found > 0.0).float(), hop)


def _levels(piece: Tensor) -> Tensor:
    """dBFS in 25 ms around every millisecond."""
    return frame_levels(piece, window=_RATE // 40, hop=_MILLISECOND, floor=-200.0)


def _track(
    heard: Tensor,
    span: Span,
    numbers: NDArray[np.int64],
    *,
    hop: float,
    bounds: tuple[float, float],
    faintest: float,
    glanced: NDArray[np.float32] | None,
) -> NDArray[np.float64]:
    """The pitch of the frames of these successive numbers, from the samples of `span`."""
    piece = heard[span.start : span.stop]
    if not len(numbers) or not piece.any():
        return np.zeros(len(numbers))
    wave = np.zeros(len(piece) + len(piece) % 2)  # even, or Harvest's decimation would be half a sample out of step
    wave[: len(piece)] = piece.numpy()
    low, high = bounds if glanced is None else _narrowed(bounds, glanced[span.start // _GLANCE : span.stop // _GLANCE])
    fine, _ = pyworld.harvest(wave, _RATE, f0_floor=low, f0_ceil=high, frame_period=1.0)
    times = np.arange(numbers[0] - 2, numbers[-1] + 3) * hop - span.start / _RATE
    milliseconds = np.floor(np.round(times * 1000.0, 6) + 0.5).astype(np.int64)  # as WORLD picks its frames
    levels = _levels(piece).numpy()
    rough = np.asarray(fine[milliseconds.clip(0, len(fine) - 1)], dtype=np.float64)
    rough[levels[milliseconds.clip(0, len(levels) - 1)] < faintest] = 0.0
    refined = pyworld.stonemask(wave, rough, times.clip(min=0.0), _RATE)
    found: NDArray[np.float64] = np.where((refined >= low) & (refined <= high), refined, rough)
    likeness = np.zeros(len(found))
    likeness[found > 0.0] = _likeness(wave, found[found > 0.0], times[found > 0.0])
    around = np.median(np.lib.stride_tricks.sliding_window_view(likeness, 5), axis=1)
    return np.where(around >= _ALIKE, found[2:-2], 0.0)


def _glance(heard: Tensor) -> NDArray[np.float32]:
    """Pitch every hundredth of a second, 0 where unvoiced, by the tracker that runs live."""
    live = LivePitch(_RATE, hop=_GLANCE)
    whole = heard[: len(heard) // _GLANCE * _GLANCE]
    seen = [live.push(part.numpy())[0] for part in torch.split(whole, _GLANCED * _GLANCE)]
    return np.concatenate([*seen, live.finish()[0]])


def _narrowed(bounds: tuple[float, float], seen: NDArray[np.float32]) -> tuple[float, float]:
    """Where to search a phrase: all but the rarest pitches that were seen, and some semitones around them."""
    sung = seen[seen > 0.0]
    if len(sung) < _SEEN:
        return bounds
    low, high = np.quantile(sung, (_RARE, 1.0 - _RARE)) * 2.0 ** (np.array([-_AROUND, _AROUND]) / 12.0)
    return (max(bounds[0], float(low)) if low > LOWEST else bounds[0]), min(bounds[1], float(high))


def _likeness(wave: NDArray[np.float64], pitch: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of the wave before and after each time, a period (1 / pitch) apart, over two periods or 10 ms."""
    period = _RATE / pitch[:, None]
    window = np.linspace(-0.5, 0.5, 160) * np.maximum(2.0 * period, 0.01 * _RATE)
    places = np.arange(len(wave))
    before, after = (
        np.interp(times[:, None] * _RATE + side * period / 2.0 + window, places, wave, left=0.0, right=0.0)
        for side in (-1.0, 1.0)
    )
    before -= before.mean(1, keepdims=True)
    after -= after.mean(1, keepdims=True)
    energies = (before**2).sum(1) * (after**2).sum(1)
    likeness: NDArray[np.float64] = (before * after).sum(1) / np.sqrt(np.maximum(energies, 1e-60))
    return likeness


def contour_from(contour: Contour, start: float, seconds: float) -> Contour:
    """The part of a contour from a time on, in seconds, and so long."""
    frames = math.floor(seconds / contour.hop + 1e-9) + 1
    pitch, voicing = contour_at(contour, start + torch.arange(frames, dtype=torch.float64) * contour.hop)
    return Contour(pitch, voicing, contour.hop)


def contour_at(contour: Contour, times: Tensor) -> tuple[Tensor, Tensor]:
    """Pitch in Hz (0 where unvoiced) and voicing at any times in seconds, in the shape of `times`.

    Voicing is that of the nearest frame; pitch lies between two voiced neighbours on a logarithmic scale.
    """
    last = len(contour.pitch) - 1
    place = (times.double() / contour.hop).clamp(0.0, float(last))
    left = place.floor().long()
    right = (left + 1).clamp(max=last)
    nearest = (place + 0.5).floor().long().clamp(max=last)
    lower, upper = contour.pitch[left], contour.pitch[right]
    between = torch.lerp(lower.clamp(min=1.0).log(), upper.clamp(min=1.0).log(), (place - left).float()).exp()
    both = (contour.voicing[left] > 0.0) & (contour.voicing[right] > 0.0)
    return torch.where(both, between, contour.pitch[nearest]), contour.voicing[nearest]

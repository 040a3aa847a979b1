"""Anchors: outputs that please one measure or another and are no conversions; no evaluation may be fooled by them.

wave ──WORLD (Morise et al., 2016)──▶ pitch, envelope, aperiodicity ──one of them falsified──▶ wave of the same length

All work at 16 kHz on waves (samples,).
"""

import math

import numpy as np
import pyworld
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.resampling import resample
from vocalise.measures.tracker import track_pitch

RATE = 16_000
_HOP = 0.005  # seconds between frames; WORLD's own
Array = NDArray[np.float64]


def unchanged(source: Tensor) -> Tensor:
    """What a converter does that does nothing."""
    return source.clone()


def another_song(target_singing_another: Tensor, samples: int) -> Tensor:
    """The right voice with the wrong song, cut or repeated to length."""
    times = math.ceil(samples / len(target_singing_another))
    return target_singing_another.repeat(times)[:samples]


def shifted(source: Tensor, semitones: float) -> Tensor:
    """Pitch and formants moved together by so many semitones, as on a faster tape, but as long as before.

    The axis of the envelope and the pitch are scaled by one factor.
    """
    factor = 2.0 ** (semitones / 12.0)
    pitch, envelope, roughness = _analysed(source)
    bins = np.arange(envelope.shape[1])
    moved = np.stack([np.interp(bins / factor, bins, frame) for frame in np.log(envelope)])
    rough = np.stack([np.interp(bins / factor, bins, frame) for frame in roughness])
    return _sung(pitch * factor, np.exp(moved), rough, len(source))


def whispered(source: Tensor) -> Tensor:
    """The source's words without its voice: its envelope over noise."""
    pitch, envelope, roughness = _analysed(source)
    return _sung(np.zeros_like(pitch), envelope, np.ones_like(roughness), len(source))


def looped_vowel(source: Tensor, target: Tensor, *, start: float, seconds: float = 0.12) -> Tensor:
    """One vowel of the target's, held under the source's melody and loudness."""
    pitch, envelope, _ = _analysed(source)
    _, colours, roughness = _analysed(target)
    first, last = round(start / _HOP), round((start + seconds) / _HOP)
    colour = np.exp(np.log(colours[first:last]).mean(axis=0))
    power = envelope.sum(axis=1, keepdims=True) / colour.sum()
    rough = np.repeat(roughness[first:last].mean(axis=0, keepdims=True), len(pitch), axis=0)
    return _sung(pitch, colour * power, rough, len(source))


def octave_up(source: Tensor) -> Tensor:
    """The source with its pitch, and nothing else, an octave higher."""
    pitch, envelope, roughness = _analysed(source)
    return _sung(2.0 * pitch, envelope, roughness, len(source))


def taped(source: Tensor, semitones: float) -> Tensor:
    """A tape that runs faster: pitch, formants and tempo move, and the length with them."""
    factor = 2.0 ** (semitones / 12.0)
    return resample(source, round(RATE * factor), RATE)


def _analysed(wave: Tensor) -> tuple[Array, Array, Array]:
    """Pitch (frames,) in Hz, power envelope and aperiodicity (frames, bins), every 5 ms."""
    samples = wave.double().numpy()
    pitch = track_pitch(wave, RATE, hop=_HOP).pitch.double().numpy()
    times = np.arange(len(pitch)) * _HOP
    return pitch, pyworld.cheaptrick(samples, pitch, times, RATE), pyworld.d4c(samples, pitch, times, RATE)


def _sung(pitch: Array, envelope: Array, roughness: Array, samples: int) -> Tensor:
    pitch, envelope, roughness = (np.ascontiguousarray(x) for x in (pitch, envelope, roughness))
    wave = torch.from_numpy(pyworld.synthesize(pitch, envelope, roughness, RATE)).float()[:samples]
    return F.pad(wave, (0, samples - len(wave)))

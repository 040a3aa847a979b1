"""What the listener learns from: songs by strangers of the choir, each heard through several rooms and microphones.

Every take has a singer, a song and a key of its own, so that what all takes of a sound have in common is neither the
voice nor the note. The strangers' vowels spread more widely than the choir's, and half of them sing with a tract that
does not go with their range: whatever tells singers apart is noise to the learner.

    spectrum ──another tract──▶ room ──▶ microphone ──▶ + noise ──▶ power
"""

import math
import zlib
from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.data.choir import Singer, perform, singers
from vocalise.data.choir.phonemes import Array
from vocalise.data.choir.score import Song, arrange
from vocalise.data.choir.singers import MORE_NAMES, PRESETS
from vocalise.data.choir.tunes import TUNES
from vocalise.evaluation.content.features import RATE, SIZE, sounding, spectrum_of
from vocalise.evaluation.content.sounds import sounds_at

SECONDS = 12.5  # of a take
_ACCENT = 0.04  # spread of the strangers' log formants beside what the choir's singers have
_TRACTS = (12.8, 18.0)  # cm
_KEYS = (-9.0, 10.0)  # semitones off the key of the choir
_WORDED = 0.3  # share of the takes that begin with the tune's own words
_TRACT_SHIFT = 0.08  # spread of the log frequency axis (Jaitly & Hinton, 2013)


class Stranger(Singer):
    """A singer whose vowels lie further off than those of the choir."""

    def vowel(self, name: str) -> Array:
        """The formants F1 to F5 of a vowel in this singer's mouth, Hz, (5,)."""
        rng = np.random.default_rng(zlib.crc32(f"stranger {self.name} {name}".encode()))
        own = _ACCENT * np.clip(rng.standard_normal(3), -2.0, 2.0)
        return self.complete(super().vowel(name)[:3] * np.exp(own))


def takes(count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """So many takes, one by one: the complex spectrum (257, frames) and what is sung (frames,)."""
    rng = np.random.default_rng([seed, 1])
    for place in range(count):
        tune = TUNES[int(rng.integers(len(TUNES)))]
        song = arrange(tune, SECONDS, rng, name=f"lesson-{place}", worded=bool(rng.random() < _WORDED))
        singer = _stranger(place, seed, rng)
        spectrum = spectrum_of(perform(_moved(song, rng.uniform(*_KEYS)), singer, RATE, seed).wave, RATE)
        yield spectrum, sounds_at(song, spectrum.shape[1])


def spoiled(spectrum: Tensor, rng: np.random.Generator) -> Tensor:
    """A take as another tract, room, microphone and noise would have it: (257, frames) complex -> power."""
    power = _stretched(spectrum.abs().square(), math.exp(rng.uniform(-_TRACT_SHIFT, _TRACT_SHIFT)))
    if rng.random() < 0.5:
        power = _reverberated(power, rng)
    power = power * _microphone(rng)[:, None]
    return _noised(power, rng)


def _stranger(place: int, seed: int, rng: np.random.Generator) -> Singer:
    drawn = singers(len(PRESETS) + len(MORE_NAMES), seed + place // len(MORE_NAMES))
    singer = drawn[len(PRESETS) + place % len(MORE_NAMES)]
    facts = {field.name: getattr(singer, field.name) for field in fields(Singer)}
    if rng.random() < 0.5:
        facts["tract"] = float(rng.uniform(*_TRACTS))
    return Stranger(**facts | {"name": f"{singer.name} {seed} {place}"})


def _moved(song: Song, semitones: float) -> Song:
    return replace(song, notes=tuple(replace(note, pitch=note.pitch + semitones) for note in song.notes))


def _stretched(power: Tensor, factor: float) -> Tensor:
    """The frequency axis times `factor`."""
    place = (torch.arange(power.shape[0]) / factor).clamp(max=power.shape[0] - 1)
    below = place.floor().long().clamp(max=power.shape[0] - 2)
    return torch.lerp(power[below], power[below + 1], (place - below)[:, None])


def _reverberated(power: Tensor, rng: np.random.Generator) -> Tensor:
    """A tail that falls by 60 dB in 0.15 to 0.9 s, 0 to 12 dB below the direct sound (Lebart et al., 2001)."""
    frames = int(100 * rng.uniform(0.15, 0.9))
    tail = 10.0 ** (-6.0 * torch.arange(1, frames + 1) / frames)
    tail = tail / tail.sum() * 10.0 ** (-rng.uniform(0.0, 12.0) / 10.0)
    kernel = torch.cat([torch.ones(1), tail]).flip(0)[None, None]
    return F.conv1d(F.pad(power[:, None], (frames, 0)), kernel.to(power))[:, 0]


def _microphone(rng: np.random.Generator) -> Tensor:
    """Power gain of each bin: a slope, a ripple, and at times an end of the band that is missing."""
    hertz = torch.arange(SIZE // 2 + 1) * (RATE / SIZE)
    octaves = torch.log2(hertz.clamp(min=80.0) / 1000.0)
    gain: Tensor = rng.uniform(-3.0, 3.0) * octaves
    gain += rng.uniform(0.0, 4.0) * torch.sin(2.0 * math.pi * (octaves * rng.uniform(0.15, 0.5) + rng.random()))
    if rng.random() < 0.5:
        high = math.exp(rng.uniform(math.log(2800.0), math.log(7500.0)))
        gain -= 60.0 * (torch.log2(hertz.clamp(min=1.0) / high) / 0.3).clamp(0.0, 1.0)
    if rng.random() < 0.3:
        gain -= 24.0 * torch.log2(rng.uniform(60.0, 250.0) / hertz.clamp(min=10.0)).clamp(0.0, 2.0)
    return 10.0 ** (gain / 10.0)


def _noised(power: Tensor, rng: np.random.Generator) -> Tensor:
    """Noise of some colour, 8 to 50 dB below the mean of what sounds; it adds up with the voice as waves do."""
    hertz = torch.arange(SIZE // 2 + 1) * (RATE / SIZE)
    colour = (hertz.clamp(min=50.0) / 1000.0) ** rng.uniform(-2.0, 0.4)
    level = power[:, sounding(power)].sum(dim=0).mean() * 10.0 ** (-rng.uniform(8.0, 50.0) / 10.0)
    spread = (level * colour / colour.sum() / 2.0).sqrt()[:, None]
    noise: Tensor = torch.from_numpy(rng.standard_normal((2, *power.shape), dtype=np.float32)) * spread
    return (power.sqrt() + noise[0]).square() + noise[1].square()

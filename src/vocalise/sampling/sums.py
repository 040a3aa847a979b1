"""From what the network drew to a wave, for one voice, a few columns at a time: the sums of `Parallel` in NumPy.

pitch ──▶ pulses ──frames──× filters ──▶ sum ──▶ wave
"""

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vocalise.audio.filtering import window_of
from vocalise.audio.harmonics import HIGHEST, LOWEST
from vocalise.parts.decoders.parallel import LOUDEST, NEPERS, Parallel

Array = NDArray[Any]


@dataclass(frozen=True)
class Told:
    """What some columns are to be."""

    pitch: Array  # (columns, hop)   Hz at every sample
    flags: Array  # (columns + 2,)   voicing at the centres of the columns, and of the two before them
    noise: Array  # (columns, hop)   of unit power
    powers: Array  # (columns,)   of the loudness
    drawn: Array  # (curves, 3 · bands)   for as many columns as the network drew meanwhile
    formant: float  # semitones
    breath: float  # dB


class Sums(Protocol):
    """Hands without a network."""

    def begin(self) -> Any:
        """Silence."""

    def extend(self, past: Any, told: Told) -> Array:
        """What is final of the wave, (columns, hop); `past` is moved on."""


@dataclass
class Sounding:
    """What goes on; see `decoders.parallel.State`."""

    phase: float
    sources: Array  # (2, columns, hop)
    curves: Array  # (columns, 3 · bands)
    levels: Array  # (columns,)
    sounding: Array  # (overlap - 1, hop)
    shapes: dict[float, Array] = field(default_factory=dict)  # (bands, 2 · bins)   to levels and to phases, by formant


class PlainSums:
    """By NumPy."""

    def __init__(self, decoder: Parallel) -> None:
        self.hop, self.decoder, self._rate = decoder.hop, (decoder,), decoder.rate
        self._overlap, self._size, self._bins = decoder.overlap, decoder.size, decoder.to_bins.shape[1]
        self._window = window_of(decoder.size, torch.zeros(0)).numpy()
        self._closing = self._window * np.float32(2.0 / decoder.overlap)
        self._share, self._pair = ways(self.hop)

    def begin(self) -> Sounding:
        """Silence."""
        plain = self.decoder[0].begin(1)
        return Sounding(
            phase=0.0,
            sources=plain.sources[:, 0].numpy(),
            curves=plain.curves[0].numpy(),
            levels=plain.levels[0].numpy(),
            sounding=plain.sounding[0].numpy(),
        )

    def extend(self, past: Sounding, told: Told) -> Array:
        """What is final of the wave, (columns, hop); `past` is moved on."""
        columns = len(told.pitch)
        if len(told.drawn):
            past.curves = np.concatenate([past.curves, told.drawn])
        past.levels = np.concatenate([past.levels, told.powers])
        tone, past.phase = pulses(told.pitch.reshape(-1), self._rate, past.phase)
        fresh = np.empty((2, columns, self.hop), np.float32)
        np.multiply(tone.reshape(-1, self.hop), self._voiced(told.flags), out=fresh[0])
        fresh[1] = told.noise
        past.sources = np.concatenate([past.sources, fresh], axis=1)
        return self._sounded(past, columns, told)

    def _voiced(self, flags: Array) -> Array | float:
        """Voicing at every sample, (n, hop), or once where it is always the same."""
        if (flags == flags[0]).all():
            return float(flags[0])
        pairs = np.arange(len(flags) - 2)[:, None] + self._pair
        start = flags[pairs]
        voiced: Array = start + self._share.numpy() * (flags[pairs + 1] - start)
        return voiced

    def _sounded(self, past: Sounding, columns: int, told: Told) -> Array:
        """Takes so many frames from the queues: the columns that they complete, (columns, hop)."""
        overlap, bins, sources, levels = self._overlap, self._bins, past.sources, past.levels
        curves, past.curves = past.curves[:columns], past.curves[columns:]
        past.sources, past.levels = sources[:, columns:], levels[columns:]
        powers = sum(levels[turn : turn + columns] for turn in range(overlap)) / np.float32(overlap)
        loudness = (np.float32(0.5) * np.log(powers + np.float32(1e-10)))[:, None]
        # A frame is what follows its first column: a view, for which columns must lie one after the other.
        frames = np.ndarray((2, columns, self._size), np.float32, sources, strides=sources.strides)
        tones, noises = np.fft.rfft(frames * self._window)
        drawn = curves.reshape(columns, 3, -1) @ self._shaping(past, told.formant)
        amplitude = _amplitude(drawn[:, 0, :bins] + loudness)
        angle = drawn[:, 0, bins:] + drawn[:, 1, :bins]
        turned = np.empty(angle.shape, np.complex64)
        np.multiply(amplitude, np.cos(angle), out=turned.real)
        np.multiply(amplitude, np.sin(angle), out=turned.imag)
        breath = _amplitude(drawn[:, 2, :bins] + (loudness + np.float32(told.breath / NEPERS)))
        spectrum = tones * turned + noises * breath
        pieces = (np.fft.irfft(spectrum, self._size) * self._closing).reshape(columns, overlap, -1)
        whole = np.zeros((columns + overlap - 1, self.hop), np.float32)
        whole[: overlap - 1] = past.sounding
        for turn in range(overlap):
            whole[turn : turn + columns] += pieces[:, turn]
        past.sounding = whole[columns:]
        return whole[:columns]

    def _shaping(self, past: Sounding, formant: float) -> Array:
        if formant not in past.shapes:
            past.shapes = {formant: np.hstack(shaping(self.decoder[0], formant))}
        return past.shapes[formant]


def shaping(decoder: Parallel, formant: float) -> tuple[Array, Array]:
    """What turns bands into bins, and into minimum phases, (bands, bins) each, resonances moved by semitones."""
    curves, phases = decoder._shapes(formant) if formant else (decoder.to_bins, decoder.to_phases)
    return curves.numpy(), phases.numpy()


def ways(hop: int) -> tuple[torch.Tensor, Array]:
    """For each sample of a column, how far it is from one centre to the next, and on which of the two ways it lies."""
    share, half = (torch.arange(hop, dtype=torch.float32) + 0.5) / hop, hop // 2
    return torch.cat([share[:half] + 0.5, share[half:] - 0.5]), (np.arange(hop) >= half).astype(np.intp)


def pulses(pitch: Array, rate: int, phase: float) -> tuple[Array, float]:
    """`harmonics.pulses` of one voice: pitch (samples,) in Hz after `phase` -> the tone, and the phase after it.

    The way of the phase is summed up in double precision as it is there; only what follows has bits of its own.
    """
    pitch = np.minimum(np.maximum(pitch, np.float32(LOWEST)), np.float32(HIGHEST * rate))
    way = np.cumsum(pitch, dtype=np.float64)
    way /= rate
    way += phase
    last = float(way[-1] % 1.0)
    way -= np.rint(way)
    way += 1e-12
    place = way.astype(np.float32)
    room = np.float32(0.5 * rate) / pitch
    count = np.floor(room)
    rest = room - count
    turn = count * place
    turn -= np.rint(turn)
    turn *= np.float32(2.0 * math.pi)
    place *= np.float32(math.pi)
    tone = (np.sin(turn) / np.tan(place) - np.float32(1.0)) * np.float32(0.5)
    tone += np.cos(turn) * (rest - np.float32(0.5))
    tone /= np.sqrt((rest * rest + count - np.float32(1.0)) * np.float32(0.5))
    return tone, last


def _amplitude(nepers: Array) -> Array:
    amplitude: Array = np.exp(np.minimum(nepers, np.float32(LOUDEST)))
    return amplitude

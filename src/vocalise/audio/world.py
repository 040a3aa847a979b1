"""WORLD: a voice as pitch, spectral envelope and aperiodicity every few milliseconds, and a voice again from these.

wave, pitch ──CheapTrick, D4C──▶ shape of the envelope, energy, breath ──pulses and noise through filters──▶ wave
"""

from dataclasses import dataclass

import numpy as np
import pyworld
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.pitch import Contour, contour_at, pitch_contour

LOWEST = 71.0  # Hz: what is lower is analysed as if it had no pitch (Morise's default)
REACH = 0.1  # seconds: no frame depends on anything farther away
DEEPEST = -10.0  # lg of a bin's share of its frame's energy: what is fainter is not told apart
DECIBELS = -5.0 * DEEPEST  # in a step of 1, where `DEEPEST` to 0 are brought to ±1
_FAINTEST = 1e-16  # least energy of a frame; digital silence has none

Line = NDArray[np.float64]


@dataclass(frozen=True)
class Frames:
    """A recording as WORLD sees it, frame k centred on sample k · hop + hop // 2."""

    pitch: Tensor  # (frames,)   Hz, 0 where unvoiced
    energy: Tensor  # (frames,)   lg of the sum over the bins of the envelope
    breath: Tensor  # (bands, frames)   dB of aperiodicity, 0 where all is noise
    shape: Tensor  # (bins, frames)   lg of each bin's share of the energy, `DEEPEST` to 0


def bins(rate: int) -> int:
    """Bins of the envelope: 513 at 16 kHz."""
    return int(pyworld.get_cheaptrick_fft_size(rate, LOWEST)) // 2 + 1


def bands(rate: int) -> int:
    """Bands in which aperiodicity is coded: one for each 3 kHz between 3 kHz and half the rate."""
    return int(pyworld.get_num_aperiodicities(rate))


def analyse(wave: Tensor, rate: int, *, hop: int, contour: Contour | None = None) -> Frames:
    """Envelope by CheapTrick (Morise, 2015), aperiodicity by D4C (Morise, 2016): samples // hop frames.

    The envelope is divided by its frame's energy, so that its shape says nothing of the level (Hsu et al., 2016).

    Args:
        wave: (samples,).
        rate: Hz.
        hop: samples from one frame to the next.
        contour: the pitch of the wave; None: it is tracked.
    """
    frames = wave.shape[-1] // hop
    contour = pitch_contour(wave, rate, glance=True) if contour is None else contour
    times = (torch.arange(frames, dtype=torch.float64) * hop + hop // 2) / rate
    pitch, voicing = contour_at(contour, times)
    tracked, places = _line(pitch * voicing), times.numpy()
    heard, size = _line(wave), 2 * (bins(rate) - 1)
    if not frames:
        return Frames(pitch, pitch, torch.zeros(bands(rate), 0), torch.zeros(bins(rate), 0))
    envelope = pyworld.cheaptrick(heard, tracked, places, rate, fft_size=size)
    noise = pyworld.d4c(heard, tracked, places, rate, fft_size=size)
    energy = envelope.sum(axis=1, keepdims=True)
    shape = np.log10(np.maximum(envelope / np.maximum(energy, _FAINTEST), 10.0**DEEPEST))
    return Frames(
        pitch=(pitch * voicing).float(),
        energy=torch.from_numpy(np.log10(np.maximum(energy[:, 0], _FAINTEST))).float(),
        breath=torch.from_numpy(pyworld.code_aperiodicity(noise, rate).T.copy()).float(),
        shape=torch.from_numpy(shape.T.copy()).float(),
    )


def synthesise(frames: Frames, rate: int, *, hop: int) -> Tensor:
    """The wave (frames · hop samples) of WORLD's frames (Morise et al., 2016), always the same of the same frames."""
    count = frames.shape.shape[-1]
    if not count:
        return torch.zeros(0)
    size = 2 * (frames.shape.shape[0] - 1)
    # Frame 0 of WORLD is at sample 0, half a frame before ours: one more at either end, and half a frame is cut off.
    pitch, energy, breath, shape = (
        np.pad(_line(line), [(0, 0)] * (line.ndim - 1) + [(1, 1)], mode="edge")
        for line in (frames.pitch, frames.energy, frames.breath, frames.shape)
    )
    envelope = np.ascontiguousarray(10.0 ** (shape + energy).T)
    noise = pyworld.decode_aperiodicity(np.ascontiguousarray(breath.T), rate, size)
    wave = pyworld.synthesize(pitch, envelope, noise, rate, 1000.0 * hop / rate)
    first = hop - hop // 2
    whole = np.zeros(count * hop, np.float32)
    found = wave[first : first + count * hop]
    whole[: len(found)] = found
    return torch.from_numpy(whole)


def _line(values: Tensor) -> Line:
    return np.ascontiguousarray(values.detach().cpu().double().numpy())

"""What the listener is given: cepstra on an equalised noise floor, without level, channel or the voice's mean colour.

wave ──STFT──▶ power ──40 mel bands──▶ + floor, 45 dB under the loud frames ──▶ dB ──DCT──▶ 13 ──mean off──▶ features

The mean of each cepstrum over the sounding frames is taken away (Atal, 1974), and with it most of the microphone and
of what a voice has throughout; thirteen cepstra of forty bands do not show the single harmonics (Davis & Mermelstein,
1980). The first, the level, keeps its place relative to the loud frames.
"""

import torch
from torch import Tensor

from vocalise.audio.files import resample
from vocalise.audio.spectrum import cepstra, mel_filters, stft

RATE, HOP, SIZE = 16_000, 160, 512  # Hz, samples, samples: 32 ms every 10 ms
CEPSTRA = 13
_BANDS, _LOW, _HIGH = 40, 60.0, 7_600.0  # Hz
_DEPTH = 45.0  # dB below the loud frames where the floor is put: what is quieter is one recording's noise or another's
_SOUNDING = 30.0  # dB below the loud frames
_SILENT = -85.0  # dBFS: loud frames that are quieter than this are silence
_FEW = 100.0  # frames: a mean over so few is believed by half, and the usual mean by the other half
_SCALE = 0.1  # brings cepstra in dB to the size of one


def power_of(wave: Tensor, rate: int) -> Tensor:
    """Power of each bin every 10 ms: (samples,) at any rate in Hz -> (257, samples' // 160 + 1) at 16 kHz."""
    return spectrum_of(wave, rate).abs().square()


def spectrum_of(wave: Tensor, rate: int) -> Tensor:
    """The complex spectrum behind `power_of`."""
    wave = wave.detach().cpu().float()
    return stft(resample(wave, rate, RATE) if rate != RATE else wave, size=SIZE, hop=HOP)


def levels_of(power: Tensor) -> tuple[Tensor, float]:
    """Level of every frame, dB, (frames,), and that of the loud ones (the highest twentieth), at least `_SILENT`."""
    levels = 10.0 * torch.log10(power.sum(dim=0) + 1e-12)
    loud = float(torch.quantile(levels, 0.95)) if levels.numel() else _SILENT
    return levels, max(loud, _SILENT)


def sounding(power: Tensor) -> Tensor:
    """Which frames of a recording sound, (frames,) bool."""
    levels, loud = levels_of(power)
    return levels > max(loud - _SOUNDING, _SILENT)


def cepstra_of(power: Tensor) -> Tensor:
    """Cepstra relative to the level of the loud frames, dB, (13, frames)."""
    _, loud = levels_of(power)
    bands = mel_filters(RATE, SIZE, _BANDS, _LOW, _HIGH) @ power
    floor = 10.0 ** ((loud - _DEPTH) / 10.0) / _BANDS
    return cepstra(10.0 * torch.log10(bands + floor) - loud, CEPSTRA)


def features_of(power: Tensor, usual: Tensor) -> Tensor:
    """Features of a recording, (13, frames), about one in size.

    `usual` (13,) is the mean of the cepstra over very many sounding frames; it stands in for that of a recording as
    far as this is too short to have one.
    """
    coefficients, here = cepstra_of(power), sounding(power)
    mean = (coefficients[:, here].sum(dim=1) + _FEW * usual) / (int(here.sum()) + _FEW)
    mean[0] = 0.0
    return (coefficients - mean[:, None]) * _SCALE

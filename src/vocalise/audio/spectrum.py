"""Spectra: short-time Fourier, mel and cepstral, on clocks that agree with the pitch contour's.

Frame k is centred on sample k * hop, beyond the ends there is silence, and there are samples // hop + 1 frames, for
every length. Levels are physical: a sine of amplitude A reads A.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

FLOOR = -100.0  # dB relative to full scale; quieter is not told apart from silence
_HANN_BANDWIDTH = 1.5  # bins: the equivalent noise bandwidth of a Hann window (Harris, 1978, table 1)


def stft(wave: Tensor, *, size: int, hop: int) -> Tensor:
    """Short-time Fourier transform under a Hann window: (…, samples) -> complex (…, size // 2 + 1, frames).

    The magnitude of a sine of amplitude A is A at its bin; `size` and `hop` in samples.
    """
    window = torch.hann_window(size, device=wave.device, dtype=wave.dtype)
    padded = F.pad(wave, (size // 2, size - size // 2))
    spectrum = torch.stft(
        padded.reshape(-1, padded.shape[-1]), size, hop, window=window, center=False, return_complex=True
    )
    frames = wave.shape[-1] // hop + 1
    spectrum = spectrum[..., :frames] * (2.0 / window.sum())
    return spectrum.reshape(*wave.shape[:-1], size // 2 + 1, frames)


def to_decibels(amplitude: Tensor) -> Tensor:
    """Amplitudes of any shape -> dB relative to full scale, never below `FLOOR`."""
    return 20.0 * torch.log10(amplitude.clamp(min=10.0 ** (FLOOR / 20.0)))


def log_spectrum(wave: Tensor, *, size: int, hop: int) -> Tensor:
    """Level of each bin in dB relative to a full-scale sine: (…, samples) -> (…, size // 2 + 1, frames)."""
    return to_decibels(stft(wave, size=size, hop=hop).abs())


def mel_filters(rate: int, size: int, bands: int, low: float = 0.0, high: float | None = None) -> Tensor:
    """Triangles that overlap by half on the mel scale 2595 lg(1 + f / 700) (O'Shaughnessy, 1987): (bands, bins).

    Between the centres of the outermost bands the weights of a frequency add up to one. Each weight is the mean of its
    triangle over the width of the bin, so that a band narrower than a bin is not lost.
    """
    first, last = (2595.0 * math.log10(1.0 + end / 700.0) for end in (low, high or rate / 2.0))
    corners = 700.0 * (10.0 ** (torch.linspace(first, last, bands + 2, dtype=torch.float64) / 2595.0) - 1.0)
    left, centre, right = (corners[n : n + bands, None] for n in range(3))
    edges = (torch.arange(size // 2 + 2, dtype=torch.float64) - 0.5)[None] * rate / size
    rising = (edges.clamp(left, centre) - left).square() / (2.0 * (centre - left))
    falling = (right - centre) / 2.0 - (right - edges.clamp(centre, right)).square() / (2.0 * (right - centre))
    return (torch.diff(rising + falling, dim=-1) * size / rate).float()


def mel_spectrum(
    wave: Tensor,
    rate: int,
    *,
    size: int = 1024,
    hop: int = 160,
    bands: int = 80,
    low: float = 0.0,
    high: float | None = None,
) -> Tensor:
    """Amplitude in each mel band: (…, samples) -> (…, bands, frames).

    Powers are added within a band: a sine of amplitude A gives bands whose squares add up to A².
    """
    power = stft(wave, size=size, hop=hop).abs().square() / _HANN_BANDWIDTH
    filters = mel_filters(rate, size, bands, low, high).to(power)
    return (filters @ power).sqrt()


def log_mel(
    wave: Tensor,
    rate: int,
    *,
    size: int = 1024,
    hop: int = 160,
    bands: int = 80,
    low: float = 0.0,
    high: float | None = None,
) -> Tensor:
    """`mel_spectrum` in dB relative to a full-scale sine: (…, samples) -> (…, bands, frames)."""
    return to_decibels(mel_spectrum(wave, rate, size=size, hop=hop, bands=bands, low=low, high=high))


def cepstra(log_spectra: Tensor, coefficients: int) -> Tensor:
    """The first coefficients of the orthonormal DCT-II over bands: (…, bands, frames) -> (…, coefficients, frames)."""
    bands = log_spectra.shape[-2]
    order = torch.arange(coefficients, dtype=torch.float64)[:, None]
    place = torch.arange(bands, dtype=torch.float64)[None] + 0.5
    basis = torch.cos(math.pi / bands * order * place) * math.sqrt(2.0 / bands)
    basis[0] /= math.sqrt(2.0)
    return basis.to(log_spectra) @ log_spectra


def mfcc(wave: Tensor, rate: int, *, coefficients: int = 20, hop: int = 160, bands: int = 40) -> Tensor:
    """Mel-frequency cepstral coefficients in dB (Davis & Mermelstein, 1980): (…, coefficients, frames)."""
    return cepstra(log_mel(wave, rate, hop=hop, bands=bands), coefficients)

"""How one sound differs from another that should be like it: loudness, mel spectrum, cepstrum; how fast it was made.

All compare two waves sample by sample in time, with nothing warped: a conversion is as long as its source. What
nothing defines (no active frame, no variation) is NaN, never an exception.
"""

import math

from torch import Tensor

from vocalise.audio.loudness import frame_levels
from vocalise.audio.spectrum import cepstra, mel_spectrum
from vocalise.measures.pitch import correlation

_QUIET = -80.0  # dBFS; quieter frames are equally silent
_ACTIVE = 0.02  # of the loudest frame's RMS amplitude
_SIZE, _HOP = 1024, 160  # samples: window and step of the spectra
_FLOOR = 1e-4 * 4.0 / _SIZE  # 1e-4 of an unscaled Hann-windowed FFT, as a sine's amplitude


def loudness_correlation(a: Tensor, b: Tensor, rate: int) -> float:
    """Pearson's correlation of the frame levels in dB of two waves (samples,); windows of 64 ms every 10 ms."""
    a, b = _together(a, b)
    window, hop = round(0.064 * rate), max(1, round(0.010 * rate))
    levels = (frame_levels(wave, window=window, hop=hop).clamp(min=_QUIET) for wave in (a, b))
    return correlation(*levels)


def mel_distance(a: Tensor, b: Tensor, rate: int, *, bands: int = 80) -> float:
    """Log-spectral distance in dB over mel bands: mean over frames of the RMS difference over bands.

    Args:
        a: the reference (samples,); only its active frames count, those above 2 % of its loudest one's amplitude.
        b: what is compared with it (samples,).
        rate: Hz of both.
        bands: mel bands from 0 Hz to half the rate.
    """
    a, b = _together(a, b)
    apart = _log_mel(a, rate, bands) - _log_mel(b, rate, bands)
    return _mean(20.0 / math.log(10.0) * apart.square().mean(dim=0).sqrt()[_active(a)])


def mcd_logmel(a: Tensor, b: Tensor, rate: int, *, coefficients: int = 24, bands: int = 80) -> float:
    """Mel cepstral distance in dB, unaligned, of cepstra taken from the log-mel spectrum (after Kubichek, 1993).

        MCD = 10 √2 / ln 10 · mean_t √( Σ_{d=1…D} (c[d,t] - ĉ[d,t])² ),      ln S(ω) = c[0] + Σ_d c[d] cos(d ω)

    The energy c[0] is left out. Scaled so, it is the part of `mel_distance` that lies in the first D cosines, and never
    larger. Arguments as in `mel_distance`.
    """
    a, b = _together(a, b)
    difference = cepstra(_log_mel(a, rate, bands) - _log_mel(b, rate, bands), coefficients + 1)[1:]
    difference = difference * math.sqrt(2.0 / bands)  # from the orthonormal transform to the series above
    return _mean(10.0 * math.sqrt(2.0) / math.log(10.0) * difference.square().sum(dim=0).sqrt()[_active(a)])


def bits_per_sample(nats: float) -> float:
    """A negative log-likelihood in nats a sample, in bits; guessing evenly among 256 levels costs 8."""
    return nats / math.log(2.0)


def real_time_factor(work: float, sound: float) -> float:
    """Seconds of work for each second of sound; below 1 is faster than it sounds. NaN for no sound."""
    return work / sound if sound > 0 else math.nan


def _together(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both to the length of the shorter one."""
    samples = min(a.shape[-1], b.shape[-1])
    return a[..., :samples].double(), b[..., :samples].double()


def _log_mel(wave: Tensor, rate: int, bands: int) -> Tensor:
    """Natural logarithm of the amplitude in each band: (bands, frames)."""
    return mel_spectrum(wave, rate, size=_SIZE, hop=_HOP, bands=bands).clamp(min=_FLOOR).log()


def _active(wave: Tensor) -> Tensor:
    """Which frames of the spectra sound: (frames,) of bool."""
    levels = frame_levels(wave, window=_SIZE, hop=_HOP)
    return (levels > _QUIET) & (levels >= levels.max() + 20.0 * math.log10(_ACTIVE))


def _mean(values: Tensor) -> float:
    return float(values.mean()) if values.numel() else math.nan

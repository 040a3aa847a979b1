"""How far two spectra are apart: over mel bands, bin by bin, and at several resolutions, with the floors of noise.

wave ──1024 every 160──▶ log amplitude ──(warped)──▶ RMS over frequency ──mean over the reference's active frames──▶ dB

The plain distances compare moment with moment, and what is longer is cut; the warped ones lay the second wave along the
first. What nothing defines (a silent reference) is NaN, never an exception.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.loudness import frame_levels
from vocalise.audio.resampling import resample
from vocalise.audio.spectrum import mel_filters, mel_spectrum, stft
from vocalise.measures.warping import warp

RATE = 16_000  # Hz
SIZE, HOP = 1024, 160  # samples: window and step of the spectra
FLOOR = 1e-4 * 4.0 / SIZE  # 1e-4 of an unscaled Hann-windowed FFT, as a sine's amplitude
QUIET = -80.0  # dBFS; quieter frames are equally silent
ACTIVE = 0.02  # of the loudest frame's RMS amplitude

_DECIBELS = 20.0 / math.log(10.0)  # of a natural logarithm of amplitude
_BLOCK = 3000  # frames that are transformed at a time, or an hour of sound would take gigabytes
# Transforms, steps and windows in samples: Yamamoto, Song & Kim (2020), Parallel WaveGAN, table 1.
_RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
_SMALLEST = 1e-7  # of an unscaled power; what is fainter has no logarithm worth comparing


@dataclass(frozen=True, kw_only=True)
class StftFigures:
    """The multi-resolution distance of two waves, each the mean over three resolutions; 0 for equal ones."""

    spectral_convergence: float  # ‖ |S| - |Ŝ| ‖ / ‖ |S| ‖ (Frobenius); silence in place of sound is 1
    log_magnitude: float  # mean of | ln |S| - ln |Ŝ| | over all bins and frames
    total: float  # their sum


@dataclass(frozen=True, kw_only=True)
class Floors:
    """What two draws of one noise measure: nearer than this, no measure of noisy sound gets. dB."""

    mel: float
    bin: float


def mel_distance(
    a: Tensor, b: Tensor, rate: int, *, warped: bool = False, bands: int = 80, depth: float | None = None
) -> float:
    """Log-spectral distance in dB over mel bands: mean over frames of the RMS difference over bands.

    Args:
        a: the reference (samples,); only its active frames count, those above 2 % of its loudest one's amplitude.
        b: what is compared with it (samples,).
        rate: Hz of both.
        warped: lay `b` along `a` first, by dynamic time warping over these same bands, each band's mean over the active
            frames taken off for the purpose (it is the microphone's and the voice's, not the moment's). A frame of `a`
            then counts once, with the mean over the frames laid along it.
        bands: mel bands from 0 Hz to half the rate.
        depth: dB. What is fainter than a white noise that lies so far below the level of the wave's own active frames
            is raised to that noise, in either wave. None has a floor far below what can be heard: then the noise of 8
            bits is as far from a clean voice as another singer is, and says as little.
    """
    a, b = together(a, b, warped=warped)
    active = active_frames(a)
    if not active.any():
        return math.nan
    one, other = (log_mel_amplitude(wave, rate, bands, hidden=hidden_power(wave, depth)) for wave in (a, b))
    return _DECIBELS * compared((one, other), (active, active_frames(b)), warped=warped)


def bin_distance(a: Tensor, b: Tensor, rate: int) -> float:
    """Log-spectral distance (LSD) in dB, bin by bin: mean over frames of the RMS difference over bins.

    Hann windows of 1024 samples every 160 at 16 kHz, to which other rates are brought first; magnitudes below 1e-4 of
    the unscaled transform are raised to it. Two draws of one noise are 7.9 dB apart (the logarithms of two exponential
    variables differ by π / √3 · 10 / ln 10, RMS), so that the figure says little about breath and consonants.
    Arguments as in `mel_distance`.
    """
    a, b = together(*(resample(wave.detach().cpu(), rate, RATE) for wave in (a, b)))
    active = active_frames(a)
    if not active.any():
        return math.nan

    def levels(wave: Tensor) -> Tensor:
        return stft(wave, size=SIZE, hop=HOP).abs().clamp(min=FLOOR).log()

    total = 0.0
    for first in range(0, len(active), _BLOCK):
        apart = (_block(levels, a, first) - _block(levels, b, first)).square().mean(dim=0).sqrt()
        total += float(apart[active[first : first + _BLOCK]].sum())
    return _DECIBELS * total / int(active.sum())


def stft_distance(a: Tensor, b: Tensor, rate: int) -> StftFigures:
    """Multi-resolution STFT distance (Yamamoto, Song & Kim, 2020, equations 3 to 6) of two waves (samples,).

    At 16 kHz, to which other rates are brought first: transforms of 512, 1024 and 2048 samples under Hann windows of
    240, 600 and 1200 every 50, 120 and 240. All frames count.
    """
    a, b = together(*(resample(wave.detach().cpu(), rate, RATE) for wave in (a, b)))
    energy = float(a.square().sum())
    if energy == 0.0:
        return StftFigures(spectral_convergence=math.nan, log_magnitude=math.nan, total=math.nan)
    convergence = magnitude = 0.0
    for size, hop, window in _RESOLUTIONS:
        apart = whole = logarithms = cells = 0.0
        blocks = zip(_magnitudes(a, size, hop, window), _magnitudes(b, size, hop, window), strict=True)
        for reference, estimate in blocks:
            apart += float((reference - estimate).square().sum())
            whole += float(reference.square().sum())
            logarithms += float((reference.log() - estimate.log()).abs().sum())
            cells += reference.numel()
        convergence += math.sqrt(apart / whole) / len(_RESOLUTIONS)
        magnitude += logarithms / cells / len(_RESOLUTIONS)
    return StftFigures(spectral_convergence=convergence, log_magnitude=magnitude, total=convergence + magnitude)


def floors(rate: int, *, seconds: float = 10.0, seed: int = 0) -> Floors:
    """The distances between two draws of one white noise at -20 dBFS, so many seconds long."""
    chance = torch.Generator().manual_seed(seed)
    one, other = 0.1 * torch.randn(2, round(seconds * rate), generator=chance)
    return Floors(mel=mel_distance(one, other, rate), bin=bin_distance(one, other, rate))


def together(a: Tensor, b: Tensor, *, warped: bool = False) -> tuple[Tensor, Tensor]:
    """Two waves in double precision; unless they are to be warped, both as long as the shorter one."""
    samples = max(a.shape[-1], b.shape[-1]) if warped else min(a.shape[-1], b.shape[-1])
    return a[..., :samples].detach().double().cpu(), b[..., :samples].detach().double().cpu()


def active_frames(wave: Tensor, *, window: int = SIZE, hop: int = HOP) -> Tensor:
    """Which frames of the spectra sound: (frames,) of bool."""
    levels = frame_levels(wave, window=window, hop=hop)
    return (levels > QUIET) & (levels >= levels.max() + 20.0 * math.log10(ACTIVE))


def hidden_power(wave: Tensor, depth: float | None, *, hop: int = HOP) -> float:
    """The power of a white noise that lies `depth` dB below the active frames of a wave; 0 without a depth."""
    active = active_frames(wave, hop=hop)
    if depth is None or not active.any():
        return 0.0
    levels = frame_levels(wave, window=SIZE, hop=hop)[active]
    return float(torch.pow(10.0, levels.double() / 10.0).mean()) * math.pow(10.0, -depth / 10.0)


def log_mel_amplitude(wave: Tensor, rate: int, bands: int, *, hidden: float = 0.0) -> Tensor:
    """Natural logarithm of the amplitude in each band: (bands, frames); no less than a noise of power `hidden` has."""
    weights = mel_filters(rate, SIZE, bands).to(wave).sum(dim=1, keepdim=True)
    floor = (4.0 * hidden / SIZE * weights).sqrt().clamp(min=FLOOR)

    def levels(piece: Tensor) -> Tensor:
        return mel_spectrum(piece, rate, size=SIZE, hop=HOP, bands=bands).maximum(floor).log()

    frames = wave.shape[-1] // HOP + 1
    return torch.cat([_block(levels, wave, first) for first in range(0, frames, _BLOCK)], dim=-1)


def compared(pair: tuple[Tensor, Tensor], active: tuple[Tensor, Tensor], *, warped: bool, skipped: int = 0) -> float:
    """RMS over features, then the mean over the active frames of the first.

    Args:
        pair: features (d, n) of the reference and (d, m) of the estimate, n = m unless they are warped.
        active: which frames of either sound, (n,) and (m,) of bool.
        warped: lay the estimate along the reference, every feature's mean over the active frames taken off.
        skipped: features that guide the warping and are not compared, the first ones.
    """
    a, b = (features[skipped:] for features in pair)
    if not warped:
        return float((a - b).square().mean(dim=0).sqrt()[active[0]].mean())
    rows, columns = warp(*(_centred(*each) for each in zip(pair, active, strict=True)))
    apart = (a[:, rows] - b[:, columns]).square().mean(dim=0).sqrt()
    mean = torch.bincount(rows, weights=apart) / torch.bincount(rows)  # a path visits every frame
    return float(mean[active[0]].mean())


def _centred(features: Tensor, active: Tensor) -> Tensor:
    return features - features[:, active].mean(dim=1, keepdim=True) if active.any() else features


def _block(transform: Callable[[Tensor], Tensor], wave: Tensor, first: int) -> Tensor:
    """What `transform` makes of the frames from `first` on, `_BLOCK` at most, as if it had seen the whole wave."""
    reach = -(-SIZE // HOP)
    before = min(first, reach)
    last = min(first + _BLOCK, wave.shape[-1] // HOP + 1)
    piece = wave[(first - before) * HOP : (last + reach) * HOP]
    return transform(piece)[..., before : before + last - first]


def _magnitudes(wave: Tensor, size: int, hop: int, window: int) -> Iterator[Tensor]:
    """Magnitudes of the unscaled transform, (bins, frames) at a time; silence beyond the ends."""
    shape = torch.hann_window(window, dtype=wave.dtype)
    padded = F.pad(wave, (size // 2, size))
    frames = wave.shape[-1] // hop + 1
    for first in range(0, frames, _BLOCK):
        count = min(_BLOCK, frames - first)
        piece = padded[first * hop : (first + count - 1) * hop + size]
        spectrum = torch.stft(piece, size, hop, window, window=shape, center=False, return_complex=True)
        yield spectrum.abs().square().clamp(min=_SMALLEST).sqrt()

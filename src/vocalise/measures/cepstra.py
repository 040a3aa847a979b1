"""Mel-cepstral distance (Kubichek, 1993) in two kinds that are never to be confused: of WORLD's envelope, of log-mel.

wave, pitch ──CheapTrick, 5 ms──▶ envelope ──cosines──▶ cepstrum ──all-pass warp, α 0.42──▶ 24 mel-cepstra  (mcd_world)
wave ──1024 every 160──▶ 80 mel bands, log amplitude ──cosines──▶ 24 cepstra                                (mcd_logmel)

    MCD = 10 √2 / ln 10 · mean_t √( Σ_{d=1…D} (c[d,t] - ĉ[d,t])² ),      ln S(ω) = c[0] + Σ_d c[d] cos(d ω)

The energy c[0] is left out, and only frames in which the reference sounds count. What nothing defines is NaN.
"""

import math

import numpy as np
import pyworld
import torch
from numpy.typing import NDArray
from torch import Tensor

from vocalise.audio.pitch import Contour, contour_at
from vocalise.audio.resampling import resample
from vocalise.audio.spectrum import cepstra
from vocalise.measures.spectra import FLOOR, SIZE, active_frames, compared, hidden_power, log_mel_amplitude, together
from vocalise.measures.tracker import track_pitch

RATE = 16_000  # Hz, for which the warp is meant
FRAME = 80  # samples: 5 ms
ORDER = 24
ALPHA = 0.42  # the all-pass whose phase comes nearest to the mel scale at 16 kHz

_TRANSFORM = 1024  # samples; WORLD's choice at 16 kHz, good for pitches from 47 Hz on
_BLOCK = 4000  # frames whose envelopes are held at a time
# The power, in CheapTrick's scale, of a white noise whose bins are just at the floor of `spectra`: -106 dBFS.
_FAINTEST = (FLOOR * SIZE / 4.0) ** 2 / (3.0 / 8.0 * SIZE)


def mcd_world(
    reference: Tensor,
    estimate: Tensor,
    rate: int,
    *,
    warped: bool = False,
    contours: tuple[Contour, Contour] | None = None,
    depth: float | None = None,
) -> float:
    """Mel-cepstral distance in dB of WORLD's spectral envelopes (CheapTrick: Morise, 2015), 24 coefficients, α 0.42.

    Args:
        reference: (samples,); only its active frames count, those above 2 % of its loudest one's amplitude.
        estimate: what is compared with it (samples,).
        rate: Hz of both; other rates than 16 kHz are brought to it first.
        warped: lay the estimate along the reference first, by dynamic time warping over the same coefficients and the
            energy c[0], each one's mean over the active frames taken off for the purpose (it is the microphone's and
            the voice's, not the moment's). A frame of the reference then counts once, with the mean over the frames
            laid along it.
        contours: the pitch of both, which CheapTrick needs; tracked with the scoring tracker if not given.
        depth: dB; what is fainter than a white noise so far below the wave's own active frames counts as that noise, in
            either wave. None has a floor far below what can be heard; see `spectra.mel_distance`.
    """
    waves = tuple(resample(wave.detach().cpu(), rate, RATE) for wave in (reference, estimate))
    one, other = together(*waves, warped=warped)
    active = active_frames(one, hop=FRAME)
    if not active.any():
        return math.nan
    pitches = contours or (track_pitch(one.float(), RATE), track_pitch(other.float(), RATE))
    first, second = (
        mel_cepstra(wave, pitch, hidden=hidden_power(wave, depth, hop=FRAME))
        for wave, pitch in zip((one, other), pitches, strict=True)
    )
    return _distance((first, second), (active, active_frames(other, hop=FRAME)), warped=warped)


def mcd_logmel(
    reference: Tensor,
    estimate: Tensor,
    rate: int,
    *,
    warped: bool = False,
    coefficients: int = 24,
    bands: int = 80,
    depth: float | None = None,
) -> float:
    """Mel-cepstral distance in dB of cepstra taken from the log amplitude in mel bands.

    It is the part of `mel_distance` that lies in the first cosines, and never larger. Arguments as in `mcd_world` and
    `mel_distance`; nothing is resampled.
    """
    one, other = together(reference, estimate, warped=warped)
    active = active_frames(one)
    if not active.any():
        return math.nan
    # From the orthonormal transform to the series above.
    scale = torch.full((coefficients + 1, 1), math.sqrt(2.0 / bands), dtype=torch.float64)
    scale[0] = math.sqrt(1.0 / bands)
    first, second = (
        scale * cepstra(log_mel_amplitude(wave, rate, bands, hidden=hidden_power(wave, depth)), coefficients + 1)
        for wave in (one, other)
    )
    return _distance((first, second), (active, active_frames(other)), warped=warped)


def mel_cepstra(
    wave: Tensor, contour: Contour, *, order: int = ORDER, alpha: float = ALPHA, hidden: float = 0.0
) -> Tensor:
    """Mel-cepstra of WORLD's envelope of a wave (samples,) at 16 kHz: (order + 1, frames), a frame every 5 ms.

    What is fainter than a white noise of the power `hidden` is raised to it.
    """
    sound = np.ascontiguousarray(wave.detach().double().cpu().numpy())
    frames = len(sound) // FRAME + 1
    times = np.arange(frames) * (FRAME / RATE)
    pitch = np.zeros(frames)
    if contour.pitch.numel():
        pitch = contour_at(contour, torch.from_numpy(times))[0].double().cpu().numpy()
        pitch[times > (contour.pitch.numel() - 0.5) * contour.hop] = 0.0
    padded = np.pad(sound, (0, max(0, _TRANSFORM - len(sound))))  # CheapTrick wants a window's worth
    parts = []
    for first in range(0, frames, _BLOCK):
        here = slice(first, first + _BLOCK)
        power = pyworld.cheaptrick(padded, pitch[here], times[here], RATE, fft_size=_TRANSFORM)
        parts.append(envelope_cepstra(np.maximum(power, hidden), order=order, alpha=alpha))
    return torch.from_numpy(np.concatenate(parts, axis=1))


def envelope_cepstra(power: NDArray[np.float64], *, order: int = ORDER, alpha: float = ALPHA) -> NDArray[np.float64]:
    """Mel-cepstra of power spectra (frames, bins) that reach from 0 Hz to half the rate: (order + 1, frames)."""
    spectrum = np.log(np.maximum(power, _FAINTEST))
    plain = np.fft.irfft(spectrum, axis=1)[:, : spectrum.shape[1]].T
    plain[[0, -1]] /= 2.0  # a cosine of ln amplitude is twice half of one of ln power, but for the outermost
    warped: NDArray[np.float64] = frequency_transform(len(plain), order, alpha) @ plain
    return warped


def frequency_transform(terms: int, order: int, alpha: float) -> NDArray[np.float64]:
    """The matrix that warps a cepstrum of so many terms to (order + 1) ones, the frequency axis bent by an all-pass.

    With z̃⁻¹ = (z⁻¹ - α) / (1 - α z⁻¹) is z⁻¹ = (z̃⁻¹ + α) / (1 + α z̃⁻¹), so that Σ c[m] z⁻ᵐ becomes a series in z̃⁻¹
    whose part due to c[m] is the m-th power of that all-pass, cut after the order (Oppenheim & Johnson, 1972;
    Tokuda et al., 1994).
    """
    column = [1.0] + [0.0] * order
    columns = [column]
    for _ in range(1, terms):
        passed, before = [], 0.0
        kept = 0.0
        for value in column:  # y[k] = x[k-1] + α x[k] - α y[k-1]
            kept = before + alpha * value - alpha * kept
            before = value
            passed.append(kept)
        column = passed
        columns.append(column)
    return np.array(columns).T


def _distance(pair: tuple[Tensor, Tensor], active: tuple[Tensor, Tensor], *, warped: bool) -> float:
    """MCD of two series of cepstra (order + 1, frames) over the active frames of the first."""
    # `compared` takes the root of the mean over coefficients, the distance that of the sum.
    scale = 10.0 * math.sqrt(2.0 * (len(pair[0]) - 1)) / math.log(10.0)
    return scale * compared(pair, active, warped=warped, skipped=1)

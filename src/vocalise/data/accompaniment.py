"""Whether somebody plays along: what stays beside the harmonics of the voice, below it, and beside the middle.

In a recording of one voice nearly all energy lies at multiples of its pitch, next to none below it, and whatever two
channels hold, they hold alike. Each of the three has an innocent cause of its own (noise, rumble, a stereo
microphone), so two of them must speak. The bounds were set on solo recordings and full mixes of several genres.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vocalise.audio.pitch import Contour, contour_at
from vocalise.audio.resampling import resample
from vocalise.audio.spectrum import stft

HARMONIC = 0.75  # solo voices lie at 0.8 to 0.99, mixes at 0.4 to 0.7
LOW = -20.0  # dB; solo voices lie at -60 to -30, mixes at -12 to -4
WIDTH = -16.0  # dB; solo voices lie below -17, mixes at -12 to -6
SIZE, HOP = 1024, 160  # samples at 16 kHz
REACH = 24.0  # Hz round a harmonic: the main lobe of the window
TOP = 4000.0  # Hz; above it breath and consonants outweigh harmonics
LOWEST = 100.0  # Hz; below it the window cannot tell harmonics apart
ENOUGH = 50  # frames
RATE = 16_000  # Hz, of excerpts
PIECE, PIECES = 5.0, 12  # seconds of an excerpt of a whole song, and how many are looked at


@dataclass(frozen=True)
class Company:
    """What speaks for other sources than one voice; None where it could not be measured."""

    harmonic: (
        float | None
    )  # share of the energy below 4 kHz that lies at harmonics of the pitch, median of voiced frames
    low: float | None  # dB: energy under 0.7 of the pitch (or of 100 Hz) against all below 4 kHz, likewise
    width: float | None  # dB: difference of the channels against their mean

    @property
    def reasons(self) -> tuple[str, ...]:
        """What points to accompaniment, in plain words."""
        said = []
        if self.harmonic is not None and self.harmonic < HARMONIC:
            said.append(f"only {100 * self.harmonic:.0f} % of the sound lies on the harmonics of one voice")
        if self.low is not None and self.low > LOW:
            said.append("there is much sound below the voice (bass, drums, hum)")
        if self.width is not None and self.width > WIDTH:
            said.append("left and right differ as in a stereo mix")
        return tuple(said)

    @property
    def likely(self) -> bool:
        """Whether two of the three agree."""
        return len(self.reasons) >= 2


def company(excerpts: Sequence[Tensor], contours: Sequence[Contour], rate: int, width: float | None) -> Company:
    """Looks for company in excerpts (samples,) at 16 kHz with their pitch contours.

    Args:
        excerpts: the sung ones.
        contours: of each excerpt.
        rate: Hz, of the excerpts.
        width: stereo width of the recording in dB, None for mono.
    """
    pairs = [_shares(wave, contour, rate) for wave, contour in zip(excerpts, contours, strict=True)]
    harmonic = np.concatenate([np.zeros(0), *(pair[0] for pair in pairs)])
    low = np.concatenate([np.zeros(0), *(pair[1] for pair in pairs)])
    return Company(
        harmonic=float(np.median(harmonic)) if len(harmonic) >= ENOUGH else None,
        low=10.0 * math.log10(max(float(np.median(low)), 1e-10)) if len(low) >= ENOUGH else None,
        width=width,
    )


def company_in(song: Tensor, rate: int, contour: Contour) -> Company:
    """Looks for company in a whole song: in excerpts, spread over what is sung.

    Args:
        song: (channels, samples), full scale at 1.
        rate: Hz, of the song.
        contour: the pitch of the song.
    """
    size = round(PIECE / contour.hop)
    sung = [n for n, part in enumerate(torch.split(contour.voicing, size)) if bool(part.any())]
    waves, contours = [], []
    for n in sung[:: math.ceil(len(sung) / PIECES) or 1]:
        first, stop = (round(k * size * contour.hop * rate) for k in (n, n + 1))
        part = slice(n * size, (n + 1) * size)
        waves.append(resample(song[:, first:stop].mean(dim=0), rate, RATE))
        contours.append(Contour(contour.pitch[part], contour.voicing[part], contour.hop))
    return company(waves, contours, RATE, _width(song))


def stereo_width(mid: float, side: float) -> float | None:
    """The difference of two channels against their mean in dB, from the energies of both; None in silence."""
    return None if mid + side == 0.0 else 10.0 * math.log10(max(side, 1e-12) / max(mid, 1e-12))


def _width(song: Tensor) -> float | None:
    if len(song) != 2:
        return None
    left, right = song.double()
    return stereo_width(float((left + right).square().sum()), float((left - right).square().sum()))


def _shares(wave: Tensor, contour: Contour, rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the energy at harmonics (where they can be told apart) and below the voice, of loud voiced frames."""
    power = stft(wave.double(), size=SIZE, hop=HOP).abs().square()
    pitch, voicing = contour_at(contour, torch.arange(power.shape[1]) * HOP / rate)
    frequencies = torch.arange(SIZE // 2 + 1, dtype=torch.float64) * rate / SIZE
    power = power[frequencies < TOP]
    frequencies = frequencies[frequencies < TOP][:, None]
    energy = power.sum(dim=0)
    sung = (voicing > 0) & (energy > 10.0**-2.5 * energy.max())
    power, energy, pitch = power[:, sung], energy[sung], pitch[sung].double()[None]
    order = torch.round(frequencies / pitch)
    near = ((frequencies - order * pitch).abs() < REACH) & (order >= 1)
    below = (frequencies < 0.7 * pitch.clamp(min=LOWEST)) & (frequencies > 30.0)
    harmonic = ((power * near).sum(dim=0) / energy)[pitch[0] > LOWEST]
    return harmonic.numpy(), ((power * below).sum(dim=0) / energy).numpy()

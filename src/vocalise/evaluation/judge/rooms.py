"""Other rooms: what the same singing would look like from another microphone, through another codec, in other noise.

band powers ──a smooth colour──▶ ──speckle of a codec──▶ ──a steady noise, somewhere between faint and loud──▶ powers

A recording's noise is as steady a mark as a voice, and a judge that learnt every person from recordings of one room
takes whoever is noisy for the noisiest of them. So it hears everybody from more rooms than there were.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

COLOUR, NODES = 2.0, 5  # dB: the deviation of a smooth colour at so many places of the mel axis
SPECKLE = 5.0  # dB: greatest deviation of a codec's gains, each one band wide and three frames long
NOISE = (-40.0, -15.0)  # dB: steady noise relative to the loud frames
LOUD = 0.95  # of all frames are softer than the loud ones
TILT = 10.0  # dB by which the noise's ends are raised or lowered, at most
_FRAMES = 3  # that one gain of a codec lasts
_BINS = 3  # of the spectrum in a band, about


def elsewhere(power: Tensor, chance: torch.Generator) -> Tensor:
    """The powers (bands, frames) of a recording as they would have come from another room; as many.

    Silence stays silence.
    """
    bands, frames = power.shape
    loud = power.sum(dim=0).quantile(LOUD)
    colour = COLOUR * torch.randn(1, 1, NODES, generator=chance)
    colour = F.interpolate(colour, size=bands, mode="linear", align_corners=True)[0, 0]
    gains = torch.randn(bands, frames // _FRAMES + 1, generator=chance).repeat_interleave(_FRAMES, dim=1)[:, :frames]
    speckle = SPECKLE * float(torch.rand((), generator=chance))
    level, tilt = torch.rand(2, generator=chance).tolist()
    shape = _linear(TILT * (2.0 * tilt - 1.0) * torch.linspace(-1.0, 1.0, bands))
    steady = loud * _linear(torch.tensor(NOISE[0] + (NOISE[1] - NOISE[0]) * level)) * shape / shape.sum()
    # A band holds a few bins, whose powers are exponentially distributed where there is noise.
    noise = -torch.rand(_BINS, bands, frames, generator=chance).clamp(min=1e-9).log().mean(dim=0)
    return power * _linear(colour[:, None] + speckle * gains) + steady[:, None] * noise


def _linear(decibels: Tensor) -> Tensor:
    return torch.pow(10.0, decibels / 10.0)

"""Conditions: all that the decoder is told, on one clock.

z ─────────────────────┐
identity @ voices ─────┼──concatenate──▶ (batch, channels, controls)
pitch, loudness ───────┘
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from vocalise.config import Channels
from vocalise.parts.contracts import Condition, Controls

MIDDLE = 220.0  # Hz at which the pitch that is told is 0; an octave up it is 1
USUAL, SPREAD = -25.0, 15.0  # dB at which the loudness that is told is 0, and by which it moves by 1


@final
class Conditioner(Condition):
    """Content and voice, a point in the simplex of singers (Nachmani & Wolf, 2019: v_j, and α v_j + (1-α) v_j').

    With `pitch` the decoder is told the melody as well (as Deng et al., 2020, do), and with `loudness` the dynamics:
    then neither needs to pass through the latent.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Condition.Config):
        """What the decoder is told beside the content."""

        voice: Channels = 64  # channels of a singer's embedding; 0: the decoder is not told who sings
        pitch: bool = False  # octaves from 220 Hz, and voicing
        loudness: bool = False  # dB, about in ±2

    def __init__(self, config: Config, *, content: int, hop: int, singers: int) -> None:
        super().__init__()
        self.hop = hop
        self.channels = content + config.voice + 2 * config.pitch + config.loudness
        self.uses_voice, self.uses_pitch, self.uses_loudness = config.voice > 0, config.pitch, config.loudness
        spread = config.voice**-0.5 if config.voice else 0.0
        # With no voice there is no table at all: a parameter that no gradient reaches would be a lie.
        self.voices = nn.Parameter(torch.randn(singers, config.voice) * spread) if config.voice else None

    def forward(self, z: Tensor, controls: Controls) -> Tensor:
        """Z (batch, content, frames) -> (batch, content + voice + told controls, frames)."""
        told = [z]
        if self.voices is not None:
            voice = torch.einsum("bsc,sv->bvc", controls.identity.to(self.voices.dtype), self.voices)
            told.append(voice.expand(-1, -1, z.shape[2]))
        if self.uses_pitch:
            octaves = torch.log2(controls.pitch.clamp(min=1.0) / MIDDLE) * controls.voicing
            told += [octaves[:, None], controls.voicing[:, None]]
        if self.uses_loudness:
            told.append((controls.loudness[:, None] - USUAL) / SPREAD)
        return torch.cat([part.to(z.dtype) for part in told], dim=1) if len(told) > 1 else z

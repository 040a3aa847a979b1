"""Conditions: all that the decoder is told, on one clock.

z ─────────────────────┐
identity @ voices ─────┼──concatenate──▶ (batch, channels, controls)
"""

from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from vocalise.config import Channels
from vocalise.parts.contracts import Condition, Controls


@final
class Conditioner(Condition):
    """Content and voice, a point in the simplex of singers (Nachmani & Wolf, 2019: v_j, and α v_j + (1-α) v_j')."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Condition.Config):
        """What the decoder is told beside the content."""

        voice: Channels = 64  # channels of a singer's embedding; 0: the decoder is not told who sings

    def __init__(self, config: Config, *, content: int, hop: int, singers: int) -> None:
        super().__init__()
        self.hop = hop
        self.channels = content + config.voice
        self.uses_voice, self.uses_pitch = config.voice > 0, False
        spread = config.voice**-0.5 if config.voice else 0.0
        # With no voice there is no table at all: a parameter that no gradient reaches would be a lie.
        self.voices = nn.Parameter(torch.randn(singers, config.voice) * spread) if config.voice else None

    def forward(self, z: Tensor, controls: Controls) -> Tensor:
        """Z (batch, content, frames) -> (batch, content + voice, frames)."""
        if self.voices is None:
            return z
        voice = torch.einsum("bsc,sv->bvc", controls.identity.to(self.voices.dtype), self.voices)
        return torch.cat([z, voice.expand(-1, -1, z.shape[2]).to(z.dtype)], dim=1)

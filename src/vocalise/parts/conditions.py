"""Conditions: all that the decoder is told, on one clock.

z ──each frame held for its columns──┐
identity @ voices ───────────────────┼──concatenate──▶ (batch, channels, controls)
pitch, loudness ─────────────────────┘
"""

from dataclasses import dataclass
from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor, nn

from vocalise.config import Channels
from vocalise.errors import ConfigError
from vocalise.parts.contracts import Condition, Controls

MIDDLE = 220.0  # Hz at which the pitch that is told is 0; an octave up it is 1
USUAL, SPREAD = -25.0, 15.0  # dB at which the loudness that is told is 0, and by which it moves by 1


@final
class Conditioner(Condition):
    """Content and voice, a point in the simplex of singers (Nachmani & Wolf, 2019: v_j, and α v_j + (1-α) v_j').

    With `pitch` the decoder is told the melody as well (as Deng et al., 2020, do), and with `loudness` the dynamics:
    then neither needs to pass through the latent. Where frames are slow, melody and dynamics need `columns` for each:
    at 20 frames a second vibrato, of 5 to 7 Hz, would be lost.
    """

    voices: Tensor | None  # (singers, voice)   a parameter, or rows of the unit matrix

    @dataclass(frozen=True, kw_only=True)
    class Config(Condition.Config):
        """What the decoder is told beside the content, and how often."""

        # Channels of a singer's embedding; 0: the decoder is not told who sings; one-hot: a channel for each singer.
        voice: Channels | Literal["one-hot"] = 64
        pitch: bool = False  # octaves from 220 Hz, and voicing
        loudness: bool = False  # dB, about in ±2
        columns: Annotated[int, Field(ge=1, le=4096)] = 1  # for each frame of the latent

    def __init__(self, config: Config, *, content: int, hop: int, singers: int) -> None:
        """Built for frames of `hop` samples.

        Raises:
            ConfigError: a frame cannot be divided into so many columns.
        """
        super().__init__()
        if hop % config.columns:
            fitting = ", ".join(str(n) for n in range(1, 33) if hop % n == 0)
            raise ConfigError(
                f"condition.columns={config.columns} do not divide a frame of {hop} samples: choose {fitting}."
            )
        self.hop, self.repeats = hop // config.columns, config.columns
        voice = config.voice if isinstance(config.voice, int) else singers
        self.channels = content + voice + 2 * config.pitch + config.loudness
        self.uses_voice, self.uses_pitch, self.uses_loudness = voice > 0, config.pitch, config.loudness
        if config.voice == "one-hot":
            self.register_buffer("voices", torch.eye(singers), persistent=False)
        else:
            # With no voice there is no table at all: a parameter that no gradient reaches would be a lie.
            self.voices = nn.Parameter(torch.randn(singers, voice) * voice**-0.5) if voice else None

    def forward(self, z: Tensor, controls: Controls) -> Tensor:
        """Z (batch, content, frames) -> (batch, content + voice + told controls, frames · columns)."""
        z = z.repeat_interleave(self.repeats, dim=2) if self.repeats > 1 else z
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

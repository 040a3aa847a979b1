"""Blank and Dilated: the encoders of WaveNet and of its autoencoders."""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.config import Channels, Count, Depth, Doublings
from vocalise.parts.contracts import Encoder
from vocalise.parts.layers import DilatedBlock, dilations


@final
class Blank(Encoder):
    """Hears nothing: zero channels. With it an autoencoder is a plain WaveNet."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Encoder.Config):
        """The clock of a condition that has no content."""

        hop: Count = 800  # samples

    def __init__(self, config: Config, *, channels: int, rate: int) -> None:
        super().__init__()
        self.hop, self.channels, self.context = config.hop, 0, (0, 0)

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, steps) -> (batch, 0, frames)."""
        return signal.new_zeros(signal.shape[0], 0, signal.shape[2] // self.hop)


@final
class Dilated(Encoder):
    """Non-causal dilated residual layers, then an average over each frame (Engel et al., 2017; Mor et al., 2018).

    Nachmani & Wolf, 2019, keep 64 channels and average 800 samples: one vector each 50 ms. A frame depends on its own
    800 samples and `context` more on either side.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Encoder.Config):
        """Sizes as in Mor et al., 2018."""

        blocks: Depth = 3
        layers: Doublings = 10  # dilations 1 … 512 in each block
        width: Channels = 128
        channels: Channels = 64
        hop: Count = 800  # samples averaged: 20 frames a second at 16 kHz
        first_relu: bool = (
            True  # before the dilated convolution too, as in Engel et al.; Mor et al.'s code has only the second
        )

        def scaled(self, factor: float) -> "Dilated.Config":
            """The same depth at another width."""
            return replace(self, width=max(4, round(self.width * factor)))

    def __init__(self, config: Config, *, channels: int, rate: int) -> None:
        super().__init__()
        self.hop, self.channels = config.hop, config.channels
        spread = dilations(config.blocks, config.layers)
        self.context = (1 + sum(spread), 1 + sum(spread))
        self.stem = nn.Linear(3 * channels, config.width)
        self.blocks = nn.Sequential(
            *(DilatedBlock(config.width, dilation=d, first_relu=config.first_relu) for d in spread)
        )
        self.head = nn.Linear(config.width, config.channels)

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, steps), steps a multiple of `hop` -> (batch, channels, frames)."""
        x = signal.transpose(1, 2)
        padded = F.pad(x, (0, 0, 1, 1))
        x = self.stem(torch.cat([padded[:, :-2], x, padded[:, 2:]], dim=-1))
        # Averaging commutes with the last 1x1, and is cheaper before it.
        batch, steps, width = x.shape
        frames = self.blocks(x).view(batch, steps // self.hop, self.hop, width).mean(dim=2)
        content: Tensor = self.head(frames)
        return content.transpose(1, 2)

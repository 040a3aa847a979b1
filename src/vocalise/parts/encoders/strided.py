"""Strided: an encoder of strided convolutions, each of which halves the clock; the ear of the quantised autoencoder.

signal ──conv, stride 2──▶ ReLU ──conv, stride 2──▶ … ──▶ residual blocks ──1x1──▶ one vector each 64 samples
"""

import math
from dataclasses import dataclass, replace
from typing import Annotated, final

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.config import Channels
from vocalise.parts.contracts import Encoder
from vocalise.parts.layers import DilatedBlock

Stride = Annotated[int, Field(ge=2, le=64)]


@final
class Strided(Encoder):
    """Convolutions with stride 2 and 4 taps, ReLU between them (van den Oord et al., 2017, section 4.3).

    Six of them keep one vector of 64 samples. Two residual blocks follow, as in the authors' encoder of pictures; the
    paper does not say how wide its encoder of speech is. A frame hears 28 ms in all at 16 kHz, so codes can tell sounds
    apart and hardly anything that takes longer.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Encoder.Config):
        """Strides and widths; a convolution has twice as many taps as its stride."""

        strides: Annotated[tuple[Stride, ...], Field(min_length=1, max_length=12)] = (2, 2, 2, 2, 2, 2)
        width: Channels = 256
        blocks: Annotated[int, Field(ge=0, le=64)] = 2  # residual, on the clock of the frames
        channels: Channels = 64

        def scaled(self, factor: float) -> "Strided.Config":
            """The same depth at another width."""
            return replace(self, width=max(4, round(self.width * factor)))

    def __init__(self, config: Config, *, channels: int, rate: int) -> None:
        super().__init__()
        self.hop, self.channels = math.prod(config.strides), config.channels
        widths = (channels, *(config.width for _ in config.strides))
        self.convs = nn.ModuleList(
            nn.Conv1d(widths[n], widths[n + 1], 2 * stride, stride=stride) for n, stride in enumerate(config.strides)
        )
        self.strides = config.strides
        self.blocks = nn.Sequential(
            *(DilatedBlock(config.width, dilation=1, first_relu=True) for _ in range(config.blocks))
        )
        self.head = nn.Linear(config.width, config.channels)
        self.context = _context(config.strides, config.blocks)

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, steps), steps a multiple of `hop` -> (batch, channels, frames)."""
        x = signal
        for number, (conv, stride) in enumerate(zip(self.convs, self.strides, strict=True)):
            x = conv(F.pad(x if number == 0 else F.relu(x), _reach(stride)))
        content: Tensor = self.head(F.relu(self.blocks(x.transpose(1, 2))))
        return content.transpose(1, 2)


def _reach(stride: int) -> tuple[int, int]:
    """Steps beyond its own stretch that a convolution of twice as many taps hears to the left and to the right."""
    return stride // 2, stride - stride // 2


def _context(strides: tuple[int, ...], blocks: int) -> tuple[int, int]:
    """Steps of the signal to the left and right of a frame that it depends on."""
    left = right = blocks  # each hears a frame on either side
    for stride in reversed(strides):
        before, after = _reach(stride)
        left, right = left * stride + before, right * stride + after
    return left, right

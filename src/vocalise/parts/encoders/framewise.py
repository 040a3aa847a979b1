"""Framewise: an encoder that hears one spectral frame at a time, along its frequencies.

frame (bins) ──convolutions, each to a third──▶ ──layers over all that is left──▶ content (channels)
"""

from dataclasses import dataclass, replace
from typing import Annotated, final

from pydantic import Field
from torch import Tensor, nn

from vocalise.config import Channels
from vocalise.parts.contracts import Encoder
from vocalise.parts.layers import layered, narrower

KERNEL, STRIDE = 7, 3  # along frequency, in each convolution
LEAK = 0.02  # slope of the rectifiers below zero


@final
class Framewise(Encoder):
    """Convolutions along frequency, then layers over the whole frame (Hsu et al., 2016; numbers of their code).

    A frame depends on nothing before or after it. With neither convolutions nor layers it is one linear map.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Encoder.Config):
        """Sizes as published: 513 bins become 3 places of 256 channels."""

        convolutions: tuple[Channels, ...] = (16, 32, 64, 128, 256)
        layers: tuple[Channels, ...] = ()  # hidden ones, after the convolutions
        # Of the content; null: all that the last layer gives, for a bottleneck that has a linear map of its own.
        channels: Annotated[int, Field(ge=1, le=8192)] | None = None

        def scaled(self, factor: float) -> "Framewise.Config":
            """The same depth at other widths."""
            return replace(self, convolutions=narrower(self.convolutions, factor), layers=narrower(self.layers, factor))

    def __init__(self, config: Config, *, channels: int, rate: int) -> None:
        super().__init__()
        self.hop, self.context = 1, (0, 0)
        stages: list[nn.Module] = []
        places, width = channels, 1
        for wider in config.convolutions:
            stages += [nn.Conv1d(width, wider, KERNEL, stride=STRIDE, padding=KERNEL // 2), nn.GroupNorm(1, wider)]
            stages.append(nn.LeakyReLU(LEAK))
            places, width = -(-places // STRIDE), wider
        self.convolutions = nn.Sequential(*stages)
        self.layers, last = layered(places * width, config.layers, leak=LEAK)
        self.head = nn.Identity() if config.channels is None else nn.Linear(last, config.channels)
        self.channels = config.channels or last

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, bins, steps) -> (batch, channels, steps)."""
        batch, bins, steps = signal.shape
        frames = signal.transpose(1, 2).reshape(batch * steps, 1, bins)
        content: Tensor = self.head(self.layers(self.convolutions(frames).flatten(1)))
        return content.view(batch, steps, -1).transpose(1, 2)

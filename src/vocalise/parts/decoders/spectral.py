"""Spectral: a decoder that draws one spectral frame at a time, all at once.

column (content, voice, …) ──layers──▶ places × channels ──transposed convolutions, each to threefold──▶ frame (bins)
"""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor, nn

from vocalise.audio.world import DECIBELS
from vocalise.config import Channels, Positive
from vocalise.parts.contracts import ENVELOPE, Chance, Controls, Decoded, Decoder
from vocalise.parts.layers import layered, narrower

STRIDE = 3
KERNELS = (9, 7)  # of the first transposed convolution, and of the others
LEAK = 0.02  # slope of the rectifiers below zero


@final
class Spectral(Decoder):
    """A frame from what is told of it, and how far it is from the true one (Hsu et al., 2016; numbers of their code).

        squared:   ½ Σ_bins ( (x - x̂) / σ )²     -ln N(x; x̂, σ²) but for a constant: with the bottleneck's KL, a bound
        absolute:    Σ_bins |x - x̂| / σ           likewise of Laplace's density

    The mean over frames. With neither convolutions nor layers it is one linear map. Nothing is drawn by chance: what is
    sung is the mean, which is why frames come out smooth unless a critic asks for more.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Decoder.Config):
        """Sizes as published: 19 places of 81 channels become 513 bins."""

        layers: tuple[Channels, ...] = ()  # hidden ones, before the convolutions
        convolutions: tuple[Channels, ...] = (81, 32, 16, 8)  # channels that the first gets and that each gives
        across: Annotated[int, Field(ge=1, le=4095)] = 1025  # bins that the last convolution looks over
        bounded: bool = False  # through tanh, to ±1 (Hsu et al., 2017)
        loss: Literal["squared", "absolute"] = "squared"
        deviation: Positive = 0.2  # σ, in the signal's units: 1 in lg, as published, where ±1 are five apart each

        def __post_init__(self) -> None:
            if len(self.convolutions) == 1:
                raise ValueError("convolutions: give none, or two and more: what the first gets and what each gives")
            if self.across % 2 == 0:
                raise ValueError(f"across: {self.across} bins have no middle; take an odd number")

        def scaled(self, factor: float) -> "Spectral.Config":
            """The same depth at other widths."""
            return replace(self, convolutions=narrower(self.convolutions, factor), layers=narrower(self.layers, factor))

    autoregressive = False
    unit = ENVELOPE

    def __init__(self, config: Config, *, signal: int, condition: int, hop: int, singers: int, rate: int) -> None:
        super().__init__()
        self.hop, self.bins, self.config = hop, signal, config
        widths = config.convolutions or (1,)
        self.places = -(-signal // STRIDE ** (len(widths) - 1))
        self.layers, last = layered(condition, config.layers, leak=LEAK)
        self.seed = nn.Linear(last, self.places * widths[0])
        stages: list[nn.Module] = []
        for number, (width, wider) in enumerate(pairwise(widths)):
            kernel = KERNELS[min(number, 1)]
            stages += [nn.GroupNorm(1, width), nn.LeakyReLU(LEAK)]
            stages.append(nn.ConvTranspose1d(width, wider, kernel, stride=STRIDE, padding=(kernel - STRIDE) // 2))
        if stages:
            stages += [nn.GroupNorm(1, widths[-1]), nn.LeakyReLU(LEAK)]
            stages.append(nn.Conv1d(widths[-1], 1, config.across, padding=config.across // 2))
        self.convolutions = nn.Sequential(*stages)

    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """The target (batch, bins, steps) and condition (batch, channels, columns) -> `Decoded`, the loss in nats."""
        estimate = self.drawn(condition)
        apart = (estimate - target).float() / self.config.deviation
        each = 0.5 * apart.square() if self.config.loss == "squared" else apart.abs()
        figure = (estimate.detach() - target).float().abs().mean(dim=(1, 2)) * DECIBELS
        return Decoded(loss=each.sum(dim=1).mean(dim=1), estimate=estimate, figure=figure)

    def drawn(self, condition: Tensor) -> Tensor:
        """(batch, channels, columns) -> (batch, bins, columns · hop)."""
        batch, channels, columns = condition.shape
        told = condition.transpose(1, 2).reshape(batch * columns, channels)
        places = self.seed(self.layers(told)).view(batch * columns, -1, self.places)
        frames = self.convolutions(places).flatten(1)[:, : self.bins]
        frames = torch.tanh(frames) if self.config.bounded else frames
        return frames.view(batch, columns, self.bins).transpose(1, 2).repeat_interleave(self.hop, dim=2)

    def begin(self, batch: int) -> None:
        """Nothing to remember."""

    def extend(self, state: None, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """(batch, channels, n) more -> (batch, bins, n · hop)."""
        return self.drawn(condition)

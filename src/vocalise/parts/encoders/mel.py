"""Mel: an encoder that hears the shape of the spectrum and nothing of its level, and can listen live."""

import math
from dataclasses import dataclass, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.audio.spectrum import mel_filters
from vocalise.config import Channels, Depth, Positive, Share
from vocalise.devices import finest
from vocalise.parts.contracts import Encoder
from vocalise.parts.layers import ConvNeXtStack


@dataclass
class Hearing:
    """What a `Mel` encoder remembers: the last samples, its features and their weights, its network's past."""

    wave: Tensor  # (batch, samples)   what the next windows reach back to
    features: Tensor  # (batch, bands, frames)   the last `window`, not normalised
    weights: Tensor  # (batch, 1, frames)
    pasts: list[Tensor]
    fed: int = 0  # frames heard so far


@final
class Mel(Encoder):
    """Log-mel frames without their level, through causal ConvNeXt blocks.

    wave ──STFT, mel──▶ shape of the spectrum ──less mean, by deviation──▶ blocks ──▶ content

    Each frame's own level is taken out, so the gain does not matter. In training the mel axis is stretched at random
    (Jaitly & Hinton, 2013), so that the length of a throat says little, and the spectrum is coloured at random, so that
    a microphone says little. Mean and deviation of a band are learnt; with a `window` they are those of the past so
    many seconds (instance normalisation, Ulyanov et al., 2016, with a memory that can run live). That takes the colour
    away without training, but vowels with it: docs/journal.md has the figures.
    """

    filters: Tensor
    taper: Tensor

    @dataclass(frozen=True, kw_only=True)
    class Config(Encoder.Config):
        """Sizes; `ahead` frames are heard beyond each frame: one centres its window, more costs live delay."""

        width: Channels = 256
        blocks: Depth = 4
        expansion: Annotated[int, Field(ge=1, le=8)] = 3
        kernel: Annotated[int, Field(ge=1, le=63)] = 7
        channels: Channels = 64
        bands: Annotated[int, Field(ge=8, le=512)] = 80
        high: Positive = 7600.0  # Hz; the same at every rate, so that files of all bandwidths sound alike to it
        frames: Annotated[int, Field(ge=10, le=1000)] = 100  # a second
        overlap: Annotated[int, Field(ge=1, le=16)] = 3  # frames that a window covers
        ahead: Annotated[int, Field(ge=0, le=256)] = 1
        window: Annotated[float, Field(ge=0.0, le=60.0)] = 0.0  # seconds of normalisation; 0: by what was learnt
        warp: Share = 0.12  # greatest stretch of the mel axis in training
        colour: Annotated[float, Field(ge=0.0, le=40.0)] = 4.0  # dB of slope and ripple that training adds, at most

        def scaled(self, factor: float) -> "Mel.Config":
            """The same depth at another width."""
            return replace(self, width=max(8, round(self.width * factor)))

    def __init__(self, config: Config, *, channels: int, rate: int) -> None:
        super().__init__()
        self.streams = True
        if rate % config.frames:
            raise ValueError(f"{config.frames} frames a second do not divide {rate} Hz; take a divisor of it")
        self.hop, self.channels = rate // config.frames, config.channels
        self.ahead, self.warp, self.colour = config.ahead, config.warp, config.colour
        self.normalises = config.window > 0.0
        self.size, self.span = config.overlap * self.hop, max(1, round(config.window * config.frames))
        self.stack = ConvNeXtStack(
            config.bands, config.width, blocks=config.blocks, expansion=config.expansion, kernel=config.kernel
        )
        self.head = nn.Linear(config.width, config.channels)
        past = self.span - 1 + self.stack.memory - config.ahead
        self.context = (past * self.hop + self.size - self.hop, config.ahead * self.hop)
        high = min(config.high, rate / 2.0)
        self.register_buffer("filters", mel_filters(rate, self.size, config.bands, 0.0, high), persistent=False)
        # No window sample is zero, or a frame would depend on less than it says.
        window = torch.hann_window(self.size + 2, periodic=False)[1:-1]
        self.register_buffer("taper", window, persistent=False)
        self.usual = nn.Parameter(torch.full((config.bands, 1), -5.0))  # mean of a band before anything was heard
        self.spread = nn.Parameter(torch.full((config.bands, 1), 0.5))  # logarithm of its deviation

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels, steps), steps a multiple of `hop` -> (batch, channels, frames)."""
        state = self.begin(signal.shape[0])
        return self.extend(state, F.pad(signal, (0, self.ahead * self.hop)))

    def begin(self, batch: int) -> Hearing:
        """Nothing heard yet."""
        zeros, bands = self.head.weight.new_zeros, len(self.filters)
        return Hearing(
            wave=zeros(batch, self.size - self.hop),
            features=zeros(batch, bands, 0),
            weights=zeros(batch, 1, 0),
            pasts=self.stack.begin(batch),
        )

    def extend(self, state: Hearing, signal: Tensor) -> Tensor:
        """(batch, channels, n · hop) more -> the frames that are final by now, `ahead` later than they were heard."""
        if not signal.shape[2]:
            return signal.new_zeros(signal.shape[0], self.channels, 0)
        with torch.autocast(signal.device.type, enabled=False):
            shapes = self._normalised(state, *self._heard(state, signal.to(self.taper).mean(dim=1)))
        deep, state.pasts = self.stack(shapes.transpose(1, 2), state.pasts)
        late = max(0, min(deep.shape[1], self.ahead - state.fed))
        state.fed += deep.shape[1]
        content: Tensor = self.head(deep[:, late:])
        return content.transpose(1, 2)

    def _heard(self, state: Hearing, wave: Tensor) -> tuple[Tensor, Tensor]:
        """The shape of each frame's spectrum in nepers of power (batch, bands, n), and its weight (batch, 1, n)."""
        wave = torch.cat([state.wave, wave], dim=1)
        state.wave = wave[:, wave.shape[1] - (self.size - self.hop) :]
        spectrum = torch.view_as_real(torch.fft.rfft(wave.unfold(1, self.size, self.hop) * self.taper))
        power = self.filters @ spectrum.square().sum(-1).transpose(1, 2)
        energy = power.sum(dim=1, keepdim=True) + 1e-9
        shape = torch.log(power / energy + 1e-5)
        if self.training:
            shape = _stretched(shape, self.warp) + _coloured(shape, self.colour / NEPER)
        return shape, energy**0.25

    def _normalised(self, state: Hearing, shape: Tensor, weight: Tensor) -> Tensor:
        """The same less its mean, by its deviation, over the last `span` frames; few frames count for little."""
        if not self.normalises:
            return (shape - self.usual) / self.spread.exp()
        known, count = state.features.shape[2], shape.shape[2]
        shape = torch.cat([state.features, shape], dim=2)
        weight = torch.cat([state.weights, weight], dim=2)
        state.features, state.weights = shape[:, :, -(self.span - 1) :], weight[:, :, -(self.span - 1) :]
        exact = finest(shape.device)
        sums = torch.cat([weight, weight * shape, weight * shape.square()], dim=1).to(exact).cumsum(dim=2)
        sums = (sums - F.pad(sums, (self.span, 0))[:, :, : sums.shape[2]]).to(shape.dtype)[:, :, known:]
        total, first, second = torch.split(sums, [1, len(self.filters), len(self.filters)], dim=1)
        frames = torch.arange(known + 1, known + count + 1, device=shape.device).clamp(max=self.span)
        share = (frames / (frames + DOUBT)).to(shape.dtype)
        spread = self.spread.exp()
        mean = torch.lerp(self.usual.expand_as(first[:1]), first / total, share)
        square = torch.lerp((self.usual.square() + spread.square()).expand_as(first[:1]), second / total, share)
        deviation = (square - mean.square()).clamp(min=0.01).sqrt()
        return (shape[:, :, known:] - mean) / deviation


NEPER = 4.342944819  # dB of power
DOUBT = 20.0  # frames after which what is heard counts as much as what is usual


def _stretched(shape: Tensor, most: float) -> Tensor:
    """Spectra (batch, bands, frames) on mel axes stretched by up to `most`, each item by a factor of its own."""
    batch, bands, _ = shape.shape
    factor = torch.exp((2.0 * torch.rand(batch, 1, 1, device=shape.device) - 1.0) * most)
    places = torch.arange(bands, device=shape.device, dtype=shape.dtype)
    read = (places[:, None] * factor).clamp(max=bands - 1.0)
    return (1.0 - (read - places).abs()).clamp(min=0.0) @ shape


def _coloured(shape: Tensor, most: float) -> Tensor:
    """What random microphones add to spectra (batch, bands, frames): a slope and a ripple of up to `most` each."""
    batch, bands, _ = shape.shape
    slope, depth, waves, place = torch.rand(4, batch, 1, 1, device=shape.device)
    along = torch.linspace(0.0, 1.0, bands, device=shape.device)[:, None]
    ripple = depth * torch.sin(2.0 * math.pi * (along * (0.5 + 2.0 * waves) + place))
    return most * ((2.0 * slope - 1.0) * (2.0 * along - 1.0) + ripple)

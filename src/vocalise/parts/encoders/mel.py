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


@dataclass(frozen=True)
class Disguise:
    """Whose throat, microphone and room a recording is given in training."""

    stretching: Tensor  # (batch, bands, bands)   of the mel axis
    colour: Tensor  # (batch, bands, 1)   nepers of power
    hiss: Tensor | None  # (2, batch, 1)   amplitude of steady noise, and how it leans


@dataclass
class Hearing:
    """What a `Mel` encoder remembers: the last samples, what it heard on the whole, its network's past."""

    wave: Tensor  # (batch, samples)   what the next windows reach back to
    sums: Tensor  # (batch, 1 + 2 · bands)   of weights, of weighted features and of their squares, fading
    loudest: Tensor  # (batch, 1)   greatest weight, fading
    pasts: list[Tensor]
    disguise: Disguise | None = None  # in training
    fed: int = 0  # frames heard so far


@final
class Mel(Encoder):
    """Log-mel frames without their level, through causal ConvNeXt blocks.

    wave ──STFT, mel──▶ shape of the spectrum ──less mean, by deviation──▶ blocks ──▶ content

    Each frame's own level is taken out, so the gain does not matter, and then the colour of voice and microphone: mean
    and deviation of every band over what was heard so far (instance normalisation, Ulyanov et al., 2016, with a memory
    that fades, so that it can run live). Few seconds hold few vowels, and their mean would take words away: so they
    count little beside what is usual, and in training an excerpt comes with what was sung before it (`lead`).

    In training the mel axis is stretched at random (Jaitly & Hinton, 2013), so that the length of a throat says little,
    and the spectrum is coloured at random, so that a microphone says little; with `hiss`, steady noise is added as
    well, so that a quiet room says little.
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
        memory: Annotated[float, Field(ge=0.0, le=600.0)] = 30.0  # seconds after which it fades to 1/e; 0: none
        doubt: Positive = 2.5  # seconds of sound after which what is heard counts as much as what is usual
        lead: Annotated[float, Field(ge=0.0, le=60.0)] = 16.0  # seconds heard before an excerpt, in training, at most
        warp: Share = 0.12  # greatest stretch of the mel axis in training
        colour: Annotated[float, Field(ge=0.0, le=40.0)] = 4.0  # dB of slope and ripple that training adds, at most
        hiss: Annotated[float, Field(ge=-90.0, le=0.0)] | None = None  # dBFS of the loudest noise that training adds

        def scaled(self, factor: float) -> "Mel.Config":
            """The same depth at another width."""
            return replace(self, width=max(8, round(self.width * factor)))

    def __init__(self, config: Config, *, channels: int, rate: int) -> None:
        super().__init__()
        self.streams = True
        if rate % config.frames:
            raise ValueError(f"{config.frames} frames a second do not divide {rate} Hz; take a divisor of it")
        self.hop, self.channels = rate // config.frames, config.channels
        self.ahead, self.warp, self.colour, self.hiss = config.ahead, config.warp, config.colour, config.hiss
        self.disguises = config.warp > 0.0 or config.colour > 0.0 or config.hiss is not None
        self.size, self.doubt = config.overlap * self.hop, config.doubt * config.frames
        self.fade = math.exp(-1.0 / (config.memory * config.frames)) if config.memory else 0.0
        self.lead = round(config.lead * config.frames) * self.hop if config.memory else 0
        self.stack = ConvNeXtStack(
            config.bands, config.width, blocks=config.blocks, expansion=config.expansion, kernel=config.kernel
        )
        self.head = nn.Linear(config.width, config.channels)
        past = self.stack.memory - config.ahead  # of the network; what is heard on the whole fades
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
        """Nothing heard yet; in training, heard by another ear each time."""
        zeros, bands = self.head.weight.new_zeros, len(self.filters)
        return Hearing(
            wave=zeros(batch, self.size - self.hop),
            sums=zeros(batch, 1 + 2 * bands, dtype=finest(self.head.weight.device)),
            loudest=zeros(batch, 1, dtype=finest(self.head.weight.device)),
            pasts=self.stack.begin(batch),
            disguise=self._disguise(batch) if self.training else None,
        )

    def _disguise(self, batch: int) -> Disguise:
        device, bands = self.head.weight.device, len(self.filters)
        luck = torch.rand(5, batch, 1, 1, device=device)
        factor = torch.exp((2.0 * luck[0] - 1.0) * self.warp)
        hiss = None if self.hiss is None else _hisses(torch.rand(2, batch, 1, device=device), self.hiss)
        return Disguise(_stretching(factor, bands), _colours(luck[1:], bands, self.colour / NEPER), hiss)

    @torch.no_grad()
    def recall(self, state: Hearing, signal: Tensor) -> None:
        """Takes note of what was heard before, (batch, channels, samples): every fourth frame is enough for means.

        In training it begins anywhere, so that songs at their beginnings are heard too.
        """
        with torch.autocast(signal.device.type, enabled=False):
            wave = _hissing(signal.to(self.taper).mean(dim=1), state.disguise)
            state.wave = torch.cat([state.wave, wave], dim=1)[:, wave.shape[1] :]
            if wave.shape[1] < self.size or not self.fade:
                return
            shape, weight = self._shapes(state, wave.unfold(1, self.size, RECALLED * self.hop))
            if self.training:
                frames = torch.arange(weight.shape[2], device=weight.device)
                begun = frames >= torch.rand(len(weight), 1, 1, device=weight.device) * weight.shape[2]
                weight = weight * begun
            self._summed(state, shape, weight, fade=self.fade**RECALLED)
            state.sums = RECALLED * state.sums

    def extend(self, state: Hearing, signal: Tensor) -> Tensor:
        """(batch, channels, n · hop) more -> the frames that are final by now, `ahead` later than they were heard."""
        if not signal.shape[2]:
            return signal.new_zeros(signal.shape[0], self.channels, 0)
        with torch.autocast(signal.device.type, enabled=False):
            wave = _hissing(signal.to(self.taper).mean(dim=1), state.disguise)
            shapes = self._normalised(state, *self._heard(state, wave))
        deep, state.pasts = self.stack(shapes.transpose(1, 2), state.pasts)
        late = max(0, min(deep.shape[1], self.ahead - state.fed))
        state.fed += deep.shape[1]
        content: Tensor = self.head(deep[:, late:])
        return content.transpose(1, 2)

    def _heard(self, state: Hearing, wave: Tensor) -> tuple[Tensor, Tensor]:
        """What follows in (batch, samples): the shape of each frame's spectrum (batch, bands, n) and its weight."""
        wave = torch.cat([state.wave, wave], dim=1)
        state.wave = wave[:, wave.shape[1] - (self.size - self.hop) :]
        return self._shapes(state, wave.unfold(1, self.size, self.hop))

    def _shapes(self, state: Hearing, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (batch, n, size) -> nepers of power without their level (batch, bands, n), weights (batch, 1, n)."""
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.taper))
        power = self.filters @ spectrum.square().sum(-1).transpose(1, 2)
        energy = power.sum(dim=1, keepdim=True) + SILENT
        shape = torch.log(power / energy + 1e-5)
        if state.disguise is not None:
            shape = state.disguise.stretching @ shape + state.disguise.colour
        return shape, (energy - 2.0 * SILENT).clamp(min=0.0) ** 0.25

    def _summed(self, state: Hearing, shape: Tensor, weight: Tensor, *, fade: float) -> tuple[Tensor, Tensor]:
        """Fading sums (batch, 1 + 2 · bands, n) and greatest weights (batch, 1, n) up to each frame."""
        ages = torch.arange(1, shape.shape[2] + 1, device=shape.device, dtype=state.sums.dtype)
        faded = fade**ages
        fresh = torch.cat([weight, weight * shape, weight * shape.square()], dim=1).to(faded) / faded
        sums = (fresh.cumsum(dim=2) + state.sums[:, :, None]) * faded
        loudest = torch.maximum(fresh[:, :1].cummax(dim=2).values, state.loudest[:, :, None]) * faded
        state.sums, state.loudest = sums[:, :, -1], loudest[:, :, -1]
        return sums, loudest

    def _normalised(self, state: Hearing, shape: Tensor, weight: Tensor) -> Tensor:
        """The same less its mean, by its deviation, as heard so far; few seconds count for little."""
        if not self.fade:
            return (shape - self.usual) / self.spread.exp()
        bands = len(self.filters)
        sums, loudest = self._summed(state, shape, weight, fade=self.fade)
        frames = (sums[:, :1] / loudest.clamp(min=1e-9)).to(shape.dtype)  # so many of the loudest would weigh as much
        share = frames / (frames + self.doubt)
        means = (sums[:, 1:] / sums[:, :1].clamp(min=1e-9)).to(shape.dtype)
        mean = torch.lerp(self.usual.expand_as(means[:1, :bands]), means[:, :bands], share)
        usual = self.usual.square() + self.spread.exp().square()
        square = torch.lerp(usual.expand_as(means[:1, bands:]), means[:, bands:], share)
        return (shape - mean) / (square - mean.square()).clamp(min=0.01).sqrt()


NEPER = 4.342944819  # dB of power
RECALLED = 4  # frames from one that is recalled to the next
SILENT = 1e-9  # power of a frame below which there is nothing to be heard
FAINT = -90.0  # dBFS: the last of 16 bits, where the faintest noise begins


def _hisses(luck: Tensor, loudest: float) -> Tensor:
    """Amplitudes of noise, even in dB up to `loudest`, and how it leans: both (batch, 1), by `luck` (2, batch, 1)."""
    return torch.stack([torch.pow(10.0, (FAINT + (loudest - FAINT) * luck[0]) / 20.0), 1.8 * luck[1] - 0.9])


def _hissing(wave: Tensor, disguise: Disguise | None) -> Tensor:
    """A wave (batch, samples) with the steady noise of its disguise, which leans to the bass or to the treble."""
    if disguise is None or disguise.hiss is None:
        return wave
    noise = torch.randn(wave.shape[0], wave.shape[1] + 1, device=wave.device, dtype=wave.dtype)
    amplitude, lean = disguise.hiss
    hissing: Tensor = wave + amplitude * (noise[:, 1:] + lean * noise[:, :-1]) / torch.sqrt(1.0 + lean.square())
    return hissing


def _stretching(factor: Tensor, bands: int) -> Tensor:
    """What stretches mel axes by factors (batch, 1, 1): (batch, bands, bands)."""
    places = torch.arange(bands, device=factor.device, dtype=factor.dtype)
    read = (places[:, None] * factor).clamp(max=bands - 1.0)
    return (1.0 - (read - places).abs()).clamp(min=0.0)


def _colours(luck: Tensor, bands: int, most: float) -> Tensor:
    """What random microphones add, (batch, bands, 1): a slope and a ripple of up to `most` each.

    `luck` (4, batch, 1, 1) are numbers in [0, 1).
    """
    slope, depth, waves, place = luck
    along = torch.linspace(0.0, 1.0, bands, device=luck.device)[:, None]
    ripple = depth * torch.sin(2.0 * math.pi * (along * (0.5 + 2.0 * waves) + place))
    colours: Tensor = most * ((2.0 * slope - 1.0) * (2.0 * along - 1.0) + ripple)
    return colours

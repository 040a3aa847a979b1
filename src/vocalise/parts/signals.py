"""What the networks see in place of the wave.

MuLaw:  wave ──compand──▶ one of 256 levels, as a number in [-1/2, 1/2] ──▶ networks ──▶ levels ──expand──▶ wave
World:  wave ──analysis──▶ shape of the spectral envelope in [-1, 1] ──▶ networks ──▶ shape ──synthesis──▶ wave
                      └──▶ pitch, energy, breath ──────────────round them──────────────────────┘
"""

from dataclasses import dataclass
from typing import Annotated, Literal, final

import torch
from pydantic import Field
from torch import Tensor

from vocalise.audio import mulaw, world
from vocalise.audio.pitch import Contour
from vocalise.parts.contracts import Controls, Signal


@final
class MuLaw(Signal):
    """The wave through μ-law companding, μ = 255 (van den Oord et al., 2016, section 2.2): one channel.

    Levels are rounded symmetrically, so that silence is the value nearest to zero and a round trip has no bias.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Signal.Config):
        """How often a second the wave is taken."""

        rate: Annotated[int, Field(ge=1000, le=192_000)] = 16_000  # Hz; Nachmani & Wolf, 2019, used 16 kHz

    def __init__(self, config: Config) -> None:
        self.rate, self.hop, self.channels = config.rate, 1, 1

    def from_wave(self, wave: Tensor, analysis: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, samples) in [-1, 1] -> (batch, 1, samples) in [-1/2, 1/2], and an empty residue."""
        levels = mulaw.to_classes(wave).to(wave.dtype)
        return (levels / 255.0 - 0.5).unsqueeze(1), wave.new_zeros(wave.shape[0], 0)

    def to_wave(self, signal: Tensor, residue: Tensor, controls: Controls | None = None) -> Tensor:
        """(batch, 1, samples) in [-1/2, 1/2] -> (batch, samples) in [-1, 1]."""
        return mulaw.from_classes(((signal.squeeze(1) + 0.5) * 255.0).round().long())


@final
class Wave(Signal):
    """The wave itself: the neutral signal, for networks with ears and hands of their own."""

    @dataclass(frozen=True, kw_only=True)
    class Config(Signal.Config):
        """How often a second the wave is taken."""

        rate: Annotated[int, Field(ge=8000, le=192_000)] = 16_000  # Hz

    def __init__(self, config: Config) -> None:
        self.rate, self.hop, self.channels = config.rate, 1, 1

    def from_wave(self, wave: Tensor, analysis: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, samples) -> (batch, 1, samples), and nothing that goes round."""
        return wave.unsqueeze(1), wave.new_zeros(wave.shape[0], 0)

    def to_wave(self, signal: Tensor, residue: Tensor, controls: Controls | None = None) -> Tensor:
        """(batch, 1, samples) -> (batch, samples)."""
        return signal.squeeze(1)


@final
class World(Signal):
    """WORLD's spectral envelope a few milliseconds apart (Morise et al., 2016), without its level.

    A channel is lg of a bin's share of its frame's energy (Hsu et al., 2016), at least 10^-10, brought to [-1, 1] (as
    Hsu et al., 2017, bring theirs, by each bin's least and greatest value). Pitch, energy and aperiodicity go round the
    network as the residue, and the wave is sung at the pitch of the controls. A conversion moves the melody to the
    asked singer's mean on a logarithmic scale, so that intervals stay; `faithful` matches its spread as well, as
    published, which stretches them.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Signal.Config):
        """How often the wave is taken, and looked at, a second; and where a conversion is sung."""

        rate: Annotated[int, Field(ge=12_000, le=96_000)] = 16_000  # Hz
        frames: Annotated[int, Field(ge=50, le=1000)] = 200  # a second, or nearly: a frame has whole samples
        transpose: Literal[0, "auto", "range", "mean", "faithful"] = "mean"

    def __init__(self, config: Config) -> None:
        self.rate, self.hop = config.rate, round(config.rate / config.frames)
        self.channels, self.breaths = world.bins(self.rate), world.bands(self.rate)
        self.analysis = f"world 1 {self.rate} {self.hop}"
        self.context = round(world.REACH * self.rate)
        self.sings_pitch, self.transpose = True, str(config.transpose)

    def from_wave(self, wave: Tensor, analysis: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, samples) -> shapes (batch, bins, steps) in [-1, 1], and (batch, rows, steps) of what goes round."""
        if analysis is None:
            analysis = torch.stack([self.prepare(one) for one in wave])
        sizes = [analysis.shape[1] - self.channels, self.channels]
        residue, shape = torch.split(analysis.to(wave), sizes, dim=1)
        return 1.0 - shape * (2.0 / world.DEEPEST), residue

    def to_wave(self, signal: Tensor, residue: Tensor, controls: Controls | None = None) -> Tensor:
        """Shapes (batch, bins, steps) and their residue -> (batch, samples), on the signal's device."""
        octaves, energy, breath = torch.split(residue, [1, 1, self.breaths], dim=1)
        pitch = torch.exp2(octaves[:, 0]) * (octaves[:, 0] > 0.0)
        if controls is not None:
            columns = torch.arange(signal.shape[2]) * controls.pitch.shape[1] // signal.shape[2]
            pitch = (controls.pitch * controls.voicing)[:, columns]
        shape = (1.0 - signal) * (world.DEEPEST / 2.0)
        waves = [
            world.synthesise(world.Frames(*frames), self.rate, hop=self.hop)
            for frames in zip(pitch, energy[:, 0], breath, shape, strict=True)
        ]
        return torch.stack(waves).to(signal.device)

    def prepare(self, wave: Tensor, contour: Contour | None = None) -> Tensor:
        """(samples,) -> (rows, steps): octaves above 1 Hz (0: unvoiced), lg energy, dB of aperiodicity, lg shape."""
        found = world.analyse(wave, self.rate, hop=self.hop, contour=contour)
        octaves = torch.log2(found.pitch.clamp(min=1.0))
        return torch.cat([octaves[None], found.energy[None], found.breath, found.shape])

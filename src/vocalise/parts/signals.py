"""What the networks see in place of the wave.

wave ──compand──▶ one of 256 levels, as a number in [-1/2, 1/2] ──▶ networks ──▶ levels ──expand──▶ wave
"""

from dataclasses import dataclass
from typing import Annotated, final

from pydantic import Field
from torch import Tensor

from vocalise.audio import mulaw
from vocalise.parts.contracts import Signal


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

    def from_wave(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples) in [-1, 1] -> (batch, 1, samples) in [-1/2, 1/2], and an empty residue."""
        levels = mulaw.to_classes(wave).to(wave.dtype)
        return (levels / 255.0 - 0.5).unsqueeze(1), wave.new_zeros(wave.shape[0], 0)

    def to_wave(self, signal: Tensor, residue: Tensor) -> Tensor:
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

    def from_wave(self, wave: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, samples) -> (batch, 1, samples), and nothing that goes round."""
        return wave.unsqueeze(1), wave.new_zeros(wave.shape[0], 0)

    def to_wave(self, signal: Tensor, residue: Tensor) -> Tensor:
        """(batch, 1, samples) -> (batch, samples)."""
        return signal.squeeze(1)

"""The one model: wires a signal, an encoder, a bottleneck, a condition and a decoder together.

wave ──signal──▶ encoder ──▶ bottleneck ──▶ condition ──▶ decoder ──signal──▶ wave
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.parts.contracts import (
    Bottleneck,
    Chance,
    Condition,
    Controls,
    Decoder,
    Encoder,
    Latent,
    Lesson,
    Outcome,
    Signal,
)


class Autoencoder(nn.Module):
    """What all systems of the field are: an encoder, something in between, and a decoder that is told who sings."""

    @dataclass(frozen=True, kw_only=True)
    class Config:
        """One member of each family."""

        signal: Signal.Config
        encoder: Encoder.Config
        bottleneck: Bottleneck.Config
        condition: Condition.Config
        decoder: Decoder.Config

        def build(self, *, singers: int) -> "Autoencoder":
            """The model for so many singers, with fresh weights from torch's global generator."""
            return Autoencoder(self, singers=singers)

    def __init__(self, config: Config, *, singers: int) -> None:
        super().__init__()
        self.singers = singers
        self.signal: Signal = config.signal.build()
        self.encoder: Encoder = config.encoder.build(channels=self.signal.channels, rate=self.signal.rate)
        self.bottleneck: Bottleneck = config.bottleneck.build(channels=self.encoder.channels)
        self.condition: Condition = config.condition.build(
            content=self.bottleneck.channels, hop=self.signal.hop * self.encoder.hop, singers=singers
        )
        self.decoder: Decoder = config.decoder.build(
            signal=self.signal.channels,
            condition=self.condition.channels,
            hop=self.condition.hop // self.signal.hop,
            singers=singers,
            rate=self.signal.rate,
        )

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.signal.rate

    @property
    def hop(self) -> int:
        """Samples a frame of the latent; lengths inside the model are multiples of it."""
        return self.signal.hop * self.encoder.hop

    @property
    def context(self) -> tuple[int, int]:
        """Samples to the left and right of a frame that it depends on."""
        left, right = self.encoder.context
        return left * self.signal.hop + self.signal.context, right * self.signal.hop + self.signal.context

    @property
    def latent_channels(self) -> int:
        """Channels of the latent."""
        return self.bottleneck.channels

    @property
    def told_who(self) -> bool:
        """Whether it matters who is to sing: a voice is told, or a singer's own decoder chosen."""
        return self.condition.uses_voice or self.decoder.per_singer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @property
    def lead(self) -> int:
        """Samples that the encoder wants to have heard before an excerpt."""
        return self.encoder.lead * self.signal.hop

    def encode(self, wave: Tensor, analysis: Tensor | None = None, before: Tensor | None = None) -> Latent:
        """(batch, samples), padded with zeros to a multiple of `hop` -> the latent.

        `analysis` is what the signal prepared of it, if anything; `before` (batch, lead) is what was heard before: an
        encoder that remembers nothing does not ask for it.
        """
        signal, _ = self.signal.from_wave(self._padded(wave), analysis)
        if before is None or not self.lead:
            content = self.encoder(signal)
        else:
            state = self.encoder.begin(len(wave))
            self.encoder.recall(state, self.signal.from_wave(before)[0])
            content = self.encoder.extend(state, F.pad(signal, (0, self.encoder.context[1])))
        latent: Latent = self.bottleneck(content)
        return latent

    def forward(self, lesson: Lesson) -> Outcome:
        """One pass: encode what is heard, decode towards what is wanted. Samples must be a multiple of `hop`."""
        analysis = lesson.analysis if lesson.heard is lesson.wanted else None
        latent = self.encode(lesson.heard, analysis, lesson.before)
        target, _ = self.signal.from_wave(lesson.wanted, lesson.analysis)
        condition = self.condition(latent.z, lesson.controls)
        decoded = self.decoder(target, condition, lesson.controls, lesson.bandwidth)
        return Outcome(lesson, target, latent, decoded)

    @torch.no_grad()
    def convert(self, wave: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """(batch, samples) -> the same, as `controls` say; as long as its input."""
        signal, residue = self.signal.from_wave(self._padded(wave))
        latent: Latent = self.bottleneck(self.encoder(signal))
        sung = self.decoder.generate(self.condition(latent.z, controls), controls, chance)
        return self.signal.to_wave(sung, residue, controls)[:, : wave.shape[1]]

    def with_decoder(self, decoder: Decoder) -> "Autoencoder":
        """The same model with other hands: all other parts are shared, not copied."""
        twin = copy.copy(self)
        twin._modules = {**self._modules, "decoder": decoder}
        return twin

    def _padded(self, wave: Tensor) -> Tensor:
        return F.pad(wave, (0, -wave.shape[1] % self.hop))

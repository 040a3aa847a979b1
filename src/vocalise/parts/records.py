"""The records that pass between parts: what is asked of a performer, taught, let through, and made of it."""

import math
import typing
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Controls:
    """All that a performer decides."""

    identity: Tensor  # (batch, singers, controls or 1)   by whom: a point on the simplex of singers
    pitch: Tensor  # (batch, controls)   Hz, meaningful where voiced
    voicing: Tensor  # (batch, controls)   0 or 1
    loudness: Tensor  # (batch, controls)   dB relative to full scale
    formant: float = 0.0  # semitones by which resonances are moved, where a decoder can move them
    breath: float = 0.0  # dB by which breath is louder than learnt, where a decoder tells it from tone

    def columns(self, span: slice) -> "Controls":
        """The same performer for a stretch of columns."""
        identity = self.identity[:, :, span] if self.identity.shape[2] > 1 else self.identity
        lines = {name: getattr(self, name)[:, span] for name in ("pitch", "voicing", "loudness")}
        return replace(self, identity=identity, **lines)

    def rows(self, span: slice) -> "Controls":
        """The same for some items of the batch."""
        lines = {name: getattr(self, name)[span] for name in ("identity", "pitch", "voicing", "loudness")}
        return replace(self, **lines)


@dataclass(frozen=True)
class Lesson:
    """What a protocol teaches: hear this, and sing that."""

    heard: Tensor  # (batch, samples)   what the encoder hears
    wanted: Tensor  # (batch, samples)   what should have been sung
    paired: Tensor  # (batch,)   1 where `wanted` is the truth, 0 where nobody knows it (a swapped singer)
    controls: Controls  # of the performance that is wanted
    adversarial: bool = True  # whether adversaries look at this lesson (a mixed singer has no label)
    bandwidth: Tensor | None = None  # (batch,)   Hz up to which `wanted` is to be believed; None: all of it
    before: Tensor | None = None  # (batch, samples)   what was heard before `heard`, for encoders that remember it
    analysis: Tensor | None = None  # (batch, rows, steps)   of `wanted`, as its signal prepared it; None: not prepared


@dataclass(frozen=True)
class Latent:
    """What a bottleneck lets through."""

    z: Tensor  # (batch, channels, frames)
    terms: Mapping[str, Tensor]  # penalties for the model, by name; may be empty
    facts: Mapping[str, Tensor]  # to be logged only (perplexity, code use, …)


@dataclass(frozen=True)
class Unit:
    """What a decoder's work is counted in when people read of it; less is better."""

    name: str  # in journals and in the names of figures: `held_out_` and this
    words: str
    scale: float = 1.0  # such units in a loss of 1

    def of(self, decoded: "Decoded") -> Tensor:
        """What is told of a decoder's work, (batch,): its figure, or its loss in this unit."""
        return self.scale * decoded.loss if decoded.figure is None else decoded.figure

    def shown(self, value: float) -> str:
        """A value as people read it."""
        return f"{value:.2f} {self.words}"


BITS = Unit("bits", "bits a sample", 1.0 / math.log(2.0))  # a negative log-likelihood in nats a sample
DISTANCE = Unit("distance", "dB of spectral distance")  # mean absolute difference of log spectra
ENVELOPE = Unit("envelope", "dB between envelopes")  # likewise of spectral envelopes, which have no harmonics
UNITS = (BITS, DISTANCE, ENVELOPE)


@dataclass(frozen=True)
class Decoded:
    """What a decoder makes of it."""

    loss: Tensor  # (batch,)   distance to the target; the loop weighs it by lesson.paired
    estimate: Tensor  # like the target   for critics and for listening
    figure: Tensor | None = None  # (batch,)   what people are told in place of the loss, in the decoder's unit


@dataclass(frozen=True)
class Outcome:
    """One whole pass: all that an adversary may look at."""

    lesson: Lesson
    target: Tensor  # (batch, channels, steps)   the wanted signal
    latent: Latent
    decoded: Decoded


@dataclass(frozen=True)
class Chance:
    """Where a decoder's luck comes from: a generator for each stream, so that no stream depends on its neighbours."""

    generators: tuple[torch.Generator, ...]  # on the CPU, one for each item of the batch
    temperature: float = 1.0  # divides the logits; 0 takes the likeliest level

    def uniform(self, steps: int, device: torch.device) -> Tensor:
        """Numbers in [0, 1), (batch, steps), drawn stream by stream."""
        drawn = [torch.rand(steps, generator=generator) for generator in self.generators]
        return torch.stack(drawn).to(device)

    def noise(self, steps: int, device: torch.device) -> Tensor:
        """White noise of unit variance, (batch, steps): uniform, so that it may be drawn in pieces of any size."""
        return (self.uniform(steps, device) - 0.5) * math.sqrt(12.0)


class Excerpts(typing.Protocol):
    """A batch of excerpts of real recordings, as the data floor gives it."""

    wave: Tensor  # (batch, samples)
    singer: Tensor  # (batch,)   index of the singer
    pitch: Tensor  # (batch, controls)
    voicing: Tensor  # (batch, controls)
    loudness: Tensor  # (batch, controls)
    bandwidth: Tensor  # (batch,)   Hz up to which the recording holds anything
    before: Tensor  # (batch, lead)   what came before in the recording; zeros before its beginning
    analysis: Tensor | None  # (batch, rows, steps)   what the signal prepared of it; None where nothing was

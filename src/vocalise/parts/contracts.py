"""The seven families of parts and the records that pass between them. Read this page first.

    wave ──Signal──▶ Encoder ──▶ Bottleneck ──▶ Condition ──▶ Decoder ──Signal──▶ wave
                                     │              ▲             │
                                 Adversary       Controls     Adversary
    Protocol: from a recording, choose what the model HEARS and what it should have SUNG.

Three clocks: `samples` (the recording), `frames` (the latent; hop = encoder.hop) and `controls` (pitch, loudness and
identity over time; hop = condition.hop, equal to encoder.hop when no pitch is used). Absence is zero channels: no part
asks whether another exists.
"""

import typing
from abc import abstractmethod
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from vocalise.audio.pitch import Contour
from vocalise.config import Part
from vocalise.parts.records import (
    BITS,
    DISTANCE,
    ENVELOPE,
    UNITS,
    Chance,
    Controls,
    Decoded,
    Excerpts,
    Latent,
    Lesson,
    Outcome,
    Unit,
)

__all__ = (
    "BITS",
    "DISTANCE",
    "ENVELOPE",
    "UNITS",
    "Adversary",
    "Bottleneck",
    "Chance",
    "Condition",
    "Controls",
    "Decoded",
    "Decoder",
    "Encoder",
    "Excerpts",
    "Latent",
    "Lesson",
    "Model",
    "Outcome",
    "Protocol",
    "Signal",
    "Unit",
)


class Signal(Part):
    """What the networks see in place of the wave: `hop` samples a step, `channels` numbers each, at `rate` Hz."""

    rate: int
    hop: int
    channels: int
    analysis: str = ""  # names the slow analysis that `prepare` makes, with its settings; empty: there is none
    context: int = 0  # samples on either side of a step that it depends on
    sings_pitch: bool = False  # whether the pitch goes round the network, and the wave follows that of the controls
    transpose: str = "0"  # how a song is moved when it is converted, where nobody says otherwise

    @abstractmethod
    def from_wave(self, wave: Tensor, analysis: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(batch, samples) -> the signal (batch, channels, steps) and the residue that goes round the network.

        `analysis` (batch, rows, steps) is what `prepare` made of these waves; without it slow work is done here.
        """

    @abstractmethod
    def to_wave(self, signal: Tensor, residue: Tensor, controls: Controls | None = None) -> Tensor:
        """The signal (batch, channels, steps) and its residue -> (batch, samples).

        Where the signal `sings_pitch`, the wave has the melody of `controls`; without them that of the residue.
        """

    def prepare(self, wave: Tensor, contour: Contour | None = None) -> Tensor:
        """Slow analysis of a recording (samples,), done once and kept in the corpus cache: (rows, steps).

        `contour` is the recording's pitch, if it is known. Most signals need no analysis: no rows.
        """
        return wave.new_zeros(0, wave.shape[-1] // self.hop)


class Encoder(Part, nn.Module):
    """Hears the signal; keeps one vector each `hop` steps of it."""

    hop: int
    channels: int
    context: tuple[int, int]  # steps to the left and right of a frame that it depends on, beside what it remembers
    streams: bool = False  # whether it can listen as the sound comes in
    disguises: bool = False  # whether in training it hears the same wave otherwise each time
    lead: int = 0  # steps of the signal that it wants to have heard before an excerpt, where it `streams`

    @abstractmethod
    def forward(self, signal: Tensor) -> Tensor:
        """(batch, channels of the signal, steps) -> (batch, channels, steps / hop)."""

    def begin(self, batch: int) -> typing.Any:
        """A fresh state for listening as the sound comes in, where it `streams`."""
        raise NotImplementedError

    def extend(self, state: typing.Any, signal: Tensor) -> Tensor:
        """Listens on: (batch, channels, n · hop) more -> the frames that are final by now, `context[1]` steps late."""
        raise NotImplementedError

    def recall(self, state: typing.Any, signal: Tensor) -> None:
        """Takes note in a fresh state of what was heard before, (batch, channels, steps), and gives no frames of it."""
        raise NotImplementedError


class Bottleneck(Part, nn.Module):
    """Decides what gets through, and what it costs."""

    channels: int
    continuous: bool = True  # whether what lies between two latents is a latent too

    @abstractmethod
    def forward(self, content: Tensor) -> Latent:
        """(batch, channels of the encoder, frames) -> `Latent`, z of (batch, channels, frames)."""


class Condition(Part, nn.Module):
    """All that the decoder is told: content, voice and whatever controls the recipe uses, on one clock."""

    hop: int  # samples
    channels: int
    uses_voice: bool
    uses_pitch: bool

    @abstractmethod
    def forward(self, z: Tensor, controls: Controls) -> Tensor:
        """(batch, latent channels, frames) and controls -> (batch, channels, controls)."""


class Decoder(Part, nn.Module):
    """Sings. Training compares it with a target; generating extends a state, so that streaming is the same code."""

    hop: int  # steps of the signal for each column of the condition
    autoregressive: bool
    per_singer: bool = False  # whether it keeps a decoder for each singer: then it needs no voice, and cannot mix any
    unit: Unit = DISTANCE  # in which its work is told
    lookahead: int = 0  # columns that `extend` must have been told beyond one before it has sung it
    shapes_formants: bool = False  # whether it follows `controls.formant`
    shapes_breath: bool = False  # whether it follows `controls.breath`

    @abstractmethod
    def forward(
        self, target: Tensor, condition: Tensor, controls: Controls, bandwidth: Tensor | None = None
    ) -> Decoded:
        """The target (batch, channels, steps) and condition (batch, channels, steps / hop) -> `Decoded`.

        `bandwidth` (batch,), in Hz: above it the target says nothing; None: it is whole.
        """

    @abstractmethod
    def begin(self, batch: int) -> typing.Any:
        """A fresh state for so many streams, on the device of the weights."""

    @abstractmethod
    def extend(self, state: typing.Any, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """Sings on: told n more columns (batch, channels, n), it gives the signal that is final by now.

        That is n · hop steps, less `lookahead` columns of them at the beginning.
        """

    def finish(self, state: typing.Any, chance: Chance) -> Tensor:
        """The last `lookahead` columns of signal, when nothing more will be told."""
        raise NotImplementedError

    def skip(self, state: typing.Any, condition: Tensor, controls: Controls, chance: Chance) -> None:
        """Goes on as `extend` does, and sings nothing: what it remembers afterwards is the same, to rounding.

        So that a song can be begun in its midst. Cheaper than `extend` where a decoder remembers little.
        """
        self.extend(state, condition, controls, chance)

    def renew(self, state: typing.Any, row: int) -> None:
        """Forgets what one stream has sung: it begins again from silence beside others that sing on.

        Where it is `autoregressive`: others have no reason to sing side by side.
        """
        raise NotImplementedError

    def generate(self, condition: Tensor, controls: Controls, chance: Chance) -> Tensor:
        """A whole signal from nothing: `begin`, `extend` once, `finish`."""
        state = self.begin(condition.shape[0])
        sung = self.extend(state, condition, controls, chance)
        return torch.cat([sung, self.finish(state, chance)], dim=2) if self.lookahead else sung


class Model(typing.Protocol):
    """What adversaries and protocols may ask of the assembled model (written out in `autoencoder`)."""

    @property
    def rate(self) -> int: ...  # noqa: D102
    @property
    def singers(self) -> int: ...  # noqa: D102
    @property
    def latent_channels(self) -> int: ...  # noqa: D102
    def convert(self, wave: Tensor, controls: Controls, chance: Chance) -> Tensor: ...  # noqa: D102


class Adversary(Part, nn.Module):
    """One object with two losses: its own, and the one by which the model fools it. Built with `model` and `steps`."""

    name: str
    pace: float = 1.0  # its learning rate, in the model's
    betas: tuple[float, float] | None = None  # of its Adam; None: the model's

    @abstractmethod
    def own_loss(self, outcome: Outcome) -> Tensor:
        """What the adversary minimises in its own turn; gradients must not reach the model. A scalar."""

    @abstractmethod
    def fool_loss(self, outcome: Outcome) -> Tensor:
        """What the model minimises, under the term `name`. A scalar."""

    def turns(self, step: int) -> int:
        """How many turns it takes at this step, each on a fresh lesson."""
        return 1

    def after_turn(self) -> None:
        """What follows an update of the adversary (clamping of weights); usually nothing."""
        return


class Protocol(Part):
    """Makes lessons from recordings. Built with the run's `steps` and `batch` size and the number of `singers`."""

    renders: bool = False  # whether the model sings for its lessons, which then cost time of their own

    @abstractmethod
    def takes(self, step: int) -> bool:
        """Whether this protocol gives the lesson at this step; the loop asks the last protocol first."""

    @abstractmethod
    def lesson(self, draw: Callable[[int], Excerpts], model: Model, step: int, generator: torch.Generator) -> Lesson:
        """The lesson of this step; `draw(n)` gives n fresh excerpts of recordings."""

    def state(self) -> dict[str, Tensor]:
        """What must be in a checkpoint for an exact resumption."""
        return {}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes back what `state` gave."""
        return

"""Confusion: networks that find the singer, or the pitch, in the latent; the encoder is taught to leave no trace.

latent.z ──▶ who sings? ──▶ own loss: cross entropy;    the model's term: its negative
         ──▶ how high?  ──▶ own loss: error in semitones;  the model's term: its negative
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.config import Channels, Share
from vocalise.errors import ConfigError
from vocalise.parts.adversaries.memory import Memory
from vocalise.parts.adversaries.whole import Whole
from vocalise.parts.contracts import Adversary, Latent, Outcome

Room = Annotated[int, Field(ge=0, le=1 << 16)]
_REFERENCE = 220.0  # Hz: the regressor answers in octaves above it
_BEND = 3.0  # semitones: greater errors count in proportion, so that a tracker's octave errors do not rule


class SingerClassifier(nn.Sequential):
    """Dropout, two convolutions of three taps, the mean over time, logits: the shape that confusion and probe share."""

    def __init__(self, channels: int, singers: int, *, width: int, dropout: float) -> None:
        super().__init__(
            nn.Dropout(dropout),
            nn.Conv1d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(width, singers),
        )


class PitchRegressor(nn.Sequential):
    """The same without the mean: a number for each frame, (batch, channels, frames) -> (batch, 1, frames)."""

    def __init__(self, channels: int, *, width: int, dropout: float) -> None:
        super().__init__(
            nn.Dropout(dropout),
            nn.Conv1d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, 1, 1),
        )


def mean_where(values: Tensor, weights: Tensor) -> Tensor:
    """The weighted mean as a scalar; zero, with a way for gradients, where all weights are zero."""
    return (values * weights).sum() / weights.sum().clamp(min=1e-6)


@final
class SingerConfusion(Adversary):
    """Guesses the singer from the latent; the encoder is taught to leave no trace (Nachmani & Wolf, 2019, section 3.2).

    The model's term is the negative cross entropy. `uniform` exchanges it for the cross entropy with the uniform
    distribution, which is bounded below, for runs in which the negative one diverges. Only paired items count: of the
    others the controls say who is to be imitated, not who was heard. Where the encoder hears a recording that was
    tampered with, `clean` has the classifier learn from the recording itself (as the code of Mor et al., 2018, does).
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """Sizes of the classifier."""

        width: Channels = 100
        dropout: Share = 0.2
        uniform: bool = False
        clean: bool = False  # costs another pass of the encoder
        memory: Room = 0  # excerpts of late from which it learns; 0: from those of the step alone

        def scaled(self, factor: float) -> "SingerConfusion.Config":
            """The adversary keeps its strength at every size but the smallest, which is for tests."""
            return self if factor > 0.1 else replace(self, width=16)

    name = "singer"

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        super().__init__()
        self.uniform = config.uniform
        # A method: the model is no part of its adversary.
        self.encode: Callable[[Tensor], Latent] | None = model.encode if config.clean else None
        self.classifier = SingerClassifier(
            model.latent_channels, model.singers, width=config.width, dropout=config.dropout
        )
        self.memory = Memory(model.latent_channels, room=config.memory)

    def own_loss(self, outcome: Outcome) -> Tensor:
        """Cross entropy of the guess, in nats; the latent is detached."""
        z, truth, paired = self.memory.lesson(self._latent(outcome), *_who(outcome))
        return _surprise(self.classifier(z), truth, paired)

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """Its negative; or the distance of the guess to no guess at all."""
        logits = self.classifier(self.memory.heard(outcome.latent.z))
        if self.uniform:
            nats = F.cross_entropy(logits, torch.full_like(logits, 1.0 / logits.shape[1]), reduction="none")
            return mean_where(nats, outcome.lesson.paired)
        return -_surprise(logits, *_who(outcome))

    @torch.no_grad()
    def _latent(self, outcome: Outcome) -> Tensor:
        """Of what was heard; or, if that is another wave, of what was sung."""
        if self.encode is None or outcome.lesson.heard is outcome.lesson.wanted:
            return outcome.latent.z
        return self.encode(outcome.lesson.wanted).z


def _who(outcome: Outcome) -> tuple[Tensor, Tensor]:
    """By whom each item is (batch, singers), and whether that is the truth (batch,)."""
    return outcome.lesson.controls.identity.mean(dim=2), outcome.lesson.paired


def _surprise(logits: Tensor, truth: Tensor, paired: Tensor) -> Tensor:
    """Cross entropy with the identity as class probabilities (batch, singers), over paired items."""
    return mean_where(F.cross_entropy(logits, truth, reduction="none"), paired)


@final
class PitchConfusion(Adversary):
    """Regresses the pitch from the latent; the encoder is taught to leave none (after Deng et al., 2020, PitchNet).

    Ours differs from theirs: pitch is told in semitones, not in Hz, on the latent's own frames; voiced frames alone
    count; the error is Huber's (1964), so that a tracker's octave errors do not rule. The model's term is the negative
    of that error. `flat` exchanges it for the distance of the guess to the mean pitch of what was heard (of late,
    with a memory), which is bounded below: the latent should tell no more than a constant would.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """Sizes of the regressor."""

        width: Channels = 100
        dropout: Share = 0.2
        flat: bool = False
        memory: Room = 0  # excerpts of late from which it learns; 0: from those of the step alone

        def scaled(self, factor: float) -> "PitchConfusion.Config":
            """The adversary keeps its strength at every size but the smallest, which is for tests."""
            return self if factor > 0.1 else replace(self, width=16)

    name = "pitch"

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        """For a model that is told the pitch, since without it recordings come without contours.

        Raises:
            ConfigError: the model is not told the pitch.
        """
        super().__init__()
        if not model.condition.uses_pitch:
            raise ConfigError(
                "PitchConfusion cannot teach a model whose condition is told no pitch, for pitch would then reach the "
                "song by no way at all: set model.condition.pitch=true, or leave PitchConfusion out."
            )
        self.flat = config.flat
        self.regressor = PitchRegressor(model.latent_channels, width=config.width, dropout=config.dropout)
        self.memory = Memory(model.latent_channels, room=config.memory)

    def own_loss(self, outcome: Outcome) -> Tensor:
        """Huber's error of the guess in semitones, over voiced frames of paired items; the latent is detached."""
        z, height, weight = self.memory.lesson(outcome.latent.z, *self._truth(outcome))
        return self._error(self.regressor(z), height, weight)

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """Its negative; or the distance of the guess to a constant one."""
        height, weight = self._truth(outcome)
        guess = self.regressor(self.memory.heard(outcome.latent.z))
        if self.flat:
            usual = mean_where(*self.memory.all_of(outcome.latent.z, height, weight))
            return self._error(guess, usual.expand_as(height), weight)
        return -self._error(guess, height, weight)

    def _error(self, guess: Tensor, height: Tensor, weight: Tensor) -> Tensor:
        apart = 12.0 * (guess[:, 0].float() - height)
        return mean_where(F.smooth_l1_loss(apart, torch.zeros_like(apart), reduction="none", beta=_BEND), weight)

    def _truth(self, outcome: Outcome) -> tuple[Tensor, Tensor]:
        """Pitch in octaves and its weight, both (batch, frames): the controls brought to the latent's clock by mean."""
        controls, frames = outcome.lesson.controls, outcome.latent.z.shape[2]
        octaves = torch.log2(controls.pitch.clamp(min=1.0) / _REFERENCE) * controls.voicing
        voiced = F.adaptive_avg_pool1d(controls.voicing[:, None], frames)[:, 0]
        height = F.adaptive_avg_pool1d(octaves[:, None], frames)[:, 0] / voiced.clamp(min=1e-6)
        return height, voiced * outcome.lesson.paired[:, None]

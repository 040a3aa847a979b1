"""Adversaries: networks that try to find in the model's pass what should not be there; the model learns to fool them.

latent.z ──▶ who sings? ──▶ own loss: cross entropy;  the model's term: its negative
"""

from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vocalise.config import Channels, Share
from vocalise.parts.contracts import Adversary, Model, Outcome


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


@final
class SingerConfusion(Adversary):
    """Guesses the singer from the latent; the encoder is taught to leave no trace (Nachmani & Wolf, 2019, section 3.2).

    The model's term is the negative cross entropy. `uniform` exchanges it for the cross entropy with the uniform
    distribution, which is bounded below, for runs in which the negative one diverges.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """Sizes of the classifier."""

        width: Channels = 100
        dropout: Share = 0.2
        uniform: bool = False

        def scaled(self, factor: float) -> "SingerConfusion.Config":
            """The adversary keeps its strength at every size but the smallest, which is for tests."""
            return self if factor > 0.1 else replace(self, width=16)

    name = "singer"

    def __init__(self, config: Config, *, model: Model) -> None:
        super().__init__()
        self.uniform = config.uniform
        self.classifier = SingerClassifier(
            model.latent_channels, model.singers, width=config.width, dropout=config.dropout
        )

    def own_loss(self, outcome: Outcome) -> Tensor:
        """Cross entropy of the guess, in nats; the latent is detached."""
        return F.cross_entropy(self.classifier(outcome.latent.z.detach()), self._truth(outcome))

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """Its negative; or the distance of the guess to no guess at all."""
        logits = self.classifier(outcome.latent.z)
        if self.uniform:
            return F.cross_entropy(logits, torch.full_like(logits, 1.0 / logits.shape[1]))
        return -F.cross_entropy(logits, self._truth(outcome))

    def _truth(self, outcome: Outcome) -> Tensor:
        """The identity as class probabilities (batch, singers)."""
        return outcome.lesson.controls.identity.mean(dim=2)

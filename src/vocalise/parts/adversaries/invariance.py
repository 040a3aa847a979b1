"""Invariance: heard twice, by ears of two kinds, a song must say the same words.

heard ──disguise──▶ encoder ──▶ z            the model's term: |z' - z|² / (var z + var z')
   └────another───▶ encoder ──▶ z'
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from torch import Tensor

from vocalise.errors import ConfigError
from vocalise.parts.adversaries.whole import Whole
from vocalise.parts.contracts import Adversary, Latent, Outcome


@final
class Invariance(Adversary):
    """The latent of what was heard must not depend on how it was disguised (invariance as in Bardes et al., 2022).

    An encoder that disguises what it hears gives every recording the throat and the microphone of somebody else. That
    trains it on more voices than there are; this asks it to write the same of all of them. It is no game: there is
    nobody to be fooled, only two hearings that must agree, so it neither lags behind nor runs round in circles.
    Distances are in units of the latent's variance over the batch, so that making the latent small brings nothing:
    0 where both hearings agree, about 1 where they have nothing in common. It costs another pass of the encoder.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """It has no choices; how much is disguised is the encoder's (`warp`, `colour`, `hiss`)."""

    name = "invariance"

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        """For a model whose encoder disguises.

        Raises:
            ConfigError: it hears the same each time, so there is nothing to ask.
        """
        super().__init__()
        if not model.encoder.disguises:
            raise ConfigError(
                f"Invariance compares two disguises of what is heard, but {type(model.encoder).__name__} hears the "
                f"same each time: choose the encoder Mel with some warp, colour or hiss, or leave Invariance out."
            )
        self.encode: Callable[[Tensor, Tensor | None, Tensor | None], Latent] = model.encode  # no part of its adversary

    def turns(self, step: int) -> int:
        """None: it has nothing to learn."""
        return 0

    def own_loss(self, outcome: Outcome) -> Tensor:
        """Zero."""
        return outcome.latent.z.new_zeros(())

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """The squared distance of two hearings, as a share of what they would be apart if they were strangers."""
        lesson, once = outcome.lesson, outcome.latent.z.float()
        again = self.encode(lesson.heard, None, lesson.before).z.float()
        return (once - again).square().mean() / (_spread(once) + _spread(again)).clamp(min=1e-9)


def _spread(z: Tensor) -> Tensor:
    """The variance of (batch, channels, frames) round each channel's mean, the mean over all."""
    return (z - z.mean(dim=(0, 2), keepdim=True)).square().mean()

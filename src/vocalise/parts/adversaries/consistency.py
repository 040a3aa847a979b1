"""Consistency: heard again, the song must say the same words as what it was made from.

heard ──▶ encoder ──▶ z ──▶ decoder ──▶ estimate ──▶ encoder ──▶ ẑ        the model's term: |ẑ - z|² / var z
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import torch
from torch import Tensor

from vocalise.config import Share
from vocalise.parts.adversaries.entry import Entry, silent
from vocalise.parts.adversaries.whole import Whole, require_audible, require_wave
from vocalise.parts.contracts import Adversary, Latent, Outcome


@final
class Consistency(Adversary):
    """The estimate encoded again gives the source's latent (latent reconstruction, as in Huang et al., 2018, eq. 2).

    It has nothing to learn. The source's latent is taken as it is. Gradients go into the decoder, which must sing the
    words, and into the encoder, which must hear them in any voice, unless it `teaches` the decoder alone. Distances are
    in units of the latent's variance over the batch, so that making the latent small brings nothing.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """From when on, and whom it teaches."""

        start: Share = 0.1  # of the run: before, the song says nothing yet
        teaches: Literal["both", "decoder"] = "both"

    name = "consistency"

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        """For a model that sings waves, all at once.

        Raises:
            ConfigError: it does not.
        """
        super().__init__()
        require_audible(model, "Consistency")
        require_wave(model, "Consistency")
        self.encode: Callable[[Tensor], Latent] = model.encode  # a method: the model is no part of its adversary
        self.teaches = config.teaches
        self.entry = Entry(steps=steps, start=config.start, every=1, practice=1)

    def turns(self, step: int) -> int:
        """One, with which it joins the run; after that it has nothing to do in turns of its own."""
        return 0 if self.entry.speaks else self.entry.turns(step)

    def after_turn(self) -> None:
        """Joins the run."""
        self.entry.note()

    def own_loss(self, outcome: Outcome) -> Tensor:
        """Zero."""
        return outcome.latent.z.new_zeros(())

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """The squared distance of the two latents, as a share of the variance of the first."""
        estimate = outcome.decoded.estimate
        if not self.entry.speaks:
            return silent(estimate)
        if self.teaches == "both":
            return self._apart(estimate, outcome)
        with torch.enable_grad():
            sung = estimate.detach().requires_grad_()
            apart = self._apart(sung, outcome)
            (slope,) = torch.autograd.grad(apart, sung)
        # Of this value, and with that slope; but the encoder's weights are no part of it.
        return apart.detach() + (slope * (estimate - estimate.detach())).sum()

    def _apart(self, sung: Tensor, outcome: Outcome) -> Tensor:
        wanted = outcome.latent.z.detach()
        found = self.encode(sung[:, 0]).z
        spread = (wanted - wanted.mean(dim=(0, 2), keepdim=True)).square().sum(dim=1).mean()
        return (found - wanted).square().sum(dim=1).mean() / spread.clamp(min=1e-6)

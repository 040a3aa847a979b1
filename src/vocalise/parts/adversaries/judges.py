"""Judges of the song: a singer classifier that learns from recordings, and asks of the song that it be by who is asked.

target   ──level-free log-mel──▶ who sings? ──▶ own loss: against who sang
estimate ──level-free log-mel──▶ who sings? ──▶ the model's term: against who was asked
"""

from dataclasses import dataclass, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from vocalise.config import Channels, Count, Positive, Share
from vocalise.parts.adversaries.confusion import SingerClassifier, mean_where
from vocalise.parts.adversaries.entry import Entry, silent
from vocalise.parts.adversaries.views import Spectrum
from vocalise.parts.adversaries.whole import Whole, require_audible, require_wave
from vocalise.parts.contracts import Adversary, Outcome

_WINDOW = 0.022  # seconds: formants, not harmonics
_ACTIVE = 2.0  # units of 20 dB below the loudest frame of an excerpt; what is quieter is the room, not the singer


@final
class SungBy(Adversary):
    """Hears by whom the song is (an auxiliary classifier, Odena et al., 2017, as in StarGAN-VC, Kameoka et al., 2018).

    It learns from recordings alone. It hears neither level nor pauses, and everybody in a batch only up to the lowest
    bandwidth in it, so that no singer is known by the file format. `colour` and `noise` keep it from knowing singers by
    their microphones, and from being fooled by what nobody hears. A mixture is asked for by its shares.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Adversary.Config):
        """What it hears, and from when on."""

        width: Channels = 128
        dropout: Share = 0.2
        bands: Annotated[int, Field(ge=8, le=512)] = 40
        high: Positive = 7600.0  # Hz
        colour: Annotated[float, Field(ge=0.0, le=40.0)] = 2.0  # dB, a random filter for each recording it learns from
        noise: Annotated[float, Field(ge=0.0, le=40.0)] = 3.0  # dB, on every band and frame of them
        start: Share = 0.0  # of the run
        every: Count = 1  # steps from one turn to the next
        practice: Annotated[int, Field(ge=1, le=1000)] = 200  # turns before the model hears of it

        def scaled(self, factor: float) -> "SungBy.Config":
            """The judge keeps its strength at every size but the smallest, which is for tests."""
            return self if factor > 0.1 else replace(self, width=16)

    name = "sung_by"

    def __init__(self, config: Config, *, model: Whole, steps: int = 0) -> None:
        """For a model that sings waves, all at once.

        Raises:
            ConfigError: it does not.
        """
        super().__init__()
        require_audible(model, "SungBy")
        require_wave(model, "SungBy")
        self.colour, self.noise = config.colour / 20.0, config.noise / 20.0
        self.entry = Entry(steps=steps, start=config.start, every=config.every, practice=config.practice)
        self.view = Spectrum(model.rate, window=_WINDOW, bands=config.bands, high=config.high)
        self.classifier = SingerClassifier(config.bands, model.singers, width=config.width, dropout=config.dropout)

    def turns(self, step: int) -> int:
        """None before its start, then one every so many steps."""
        return self.entry.turns(step)

    def after_turn(self) -> None:
        """Counts."""
        self.entry.note()

    def own_loss(self, outcome: Outcome) -> Tensor:
        """Cross entropy of its guess about recordings, in nats, over paired items: of those one knows who sang."""
        with torch.no_grad():
            heard = self._heard(outcome.target, outcome.lesson.bandwidth)
            heard = heard + self.colour * torch.randn_like(heard[:, :, :1]) * (heard != 0)
            heard = heard + self.noise * torch.randn_like(heard) * (heard != 0)
        return self._surprise(heard, outcome, outcome.lesson.paired)

    def fool_loss(self, outcome: Outcome) -> Tensor:
        """Cross entropy of its guess about the song with who was asked, in nats."""
        if not self.entry.speaks:
            return silent(outcome.decoded.estimate)
        heard = self._heard(outcome.decoded.estimate, outcome.lesson.bandwidth)
        return self._surprise(heard, outcome, torch.ones_like(outcome.lesson.paired))

    def _surprise(self, heard: Tensor, outcome: Outcome, weight: Tensor) -> Tensor:
        asked = outcome.lesson.controls.identity.mean(dim=2)
        return mean_where(F.cross_entropy(self.classifier(heard), asked, reduction="none"), weight)

    def _heard(self, wave: Tensor, bandwidth: Tensor | None) -> Tensor:
        """(batch, 1, samples) -> the shape of the spectrum over time (batch, bands, frames), 0 in pauses."""
        seen: Tensor = self.view(wave)
        everyone = seen.new_full((1,), self.view.rate) if bandwidth is None else bandwidth.amin().reshape(1)
        believed = self.view.believed(everyone)
        level = (seen * believed).sum(dim=1, keepdim=True) / believed.sum().clamp(min=1.0)
        loudest = (seen * believed).detach().amax(dim=1, keepdim=True)
        active = loudest > loudest.amax(dim=2, keepdim=True) - _ACTIVE
        return (seen - level) * believed * active

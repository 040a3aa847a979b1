"""Protocols: from recordings, choose what the model hears and what it should have sung.

Reconstruction:   heard = augmented recording              wanted = the same
Backtranslation:  heard = the recording, sung by a mixture   wanted = the recording
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from vocalise.audio.augment import AUGMENTATIONS, Phrase
from vocalise.config import Count, Positive, Share
from vocalise.parts.contracts import Chance, Controls, Excerpts, Lesson, Model, Protocol


def recorded_controls(excerpts: Excerpts, singers: int) -> Controls:
    """The controls of recordings as they were sung: each by its own singer, throughout."""
    identity = F.one_hot(excerpts.singer, singers).to(excerpts.wave.dtype).unsqueeze(2)
    return Controls(identity=identity, pitch=excerpts.pitch, voicing=excerpts.voicing, loudness=excerpts.loudness)


@final
class Reconstruction(Protocol):
    """Hears a recording and sings the same, in one of several versions of it (Nachmani & Wolf, 2019, section 3.3).

    Reversed and inverted takes keep the singer's voice and make four recordings out of one.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Protocol.Config):
        """Which versions; each is as likely as the others."""

        augment: tuple[str, ...] = ("original",)

        def __post_init__(self) -> None:
            unknown = [name for name in self.augment if name not in AUGMENTATIONS]
            if unknown or not self.augment:
                raise ValueError(
                    f"augment: {unknown or 'nothing'} is no choice; the choices are {', '.join(AUGMENTATIONS)}"
                )

    def __init__(self, config: Config, *, steps: int, batch: int, singers: int) -> None:
        self.versions = [AUGMENTATIONS[name] for name in config.augment]
        self.batch, self.singers = batch, singers

    def takes(self, step: int) -> bool:
        """Always."""
        return True

    def lesson(self, draw: Callable[[int], Excerpts], model: Model, step: int, generator: torch.Generator) -> Lesson:
        """A batch of recordings, each in a version drawn for it."""
        excerpts = draw(self.batch)
        controls = recorded_controls(excerpts, self.singers)
        phrase = Phrase(excerpts.wave, controls.pitch, controls.voicing, controls.loudness)
        choice = torch.randint(len(self.versions), (self.batch,), generator=generator)
        parts = [self.versions[int(n)](Phrase(*(x[i] for x in phrase))) for i, n in enumerate(choice)]
        wave, pitch, voicing, loudness = (torch.stack(columns) for columns in zip(*parts, strict=True))
        controls = replace(controls, pitch=pitch, voicing=voicing, loudness=loudness)
        return Lesson(heard=wave, wanted=wave, paired=wave.new_ones(self.batch), controls=controls)


@final
class Backtranslation(Protocol):
    """Hears its own rendering by a mixture of singers, and sings the recording (Nachmani & Wolf, 2019, section 3.4).

        u = α v_j + (1 - α) v_j',  α ~ U[0, 1]        s_u = D(E(s_j), u)        loss: ℓ(D(E(s_u), v_j), s_j)

    Published cadence: from two thirds of 300,000 steps on, 96 segments of a second are rendered every 2,000 steps and
    each is used once. Shorter runs keep the share of the steps, with at least `bursts` bursts so that the phase exists.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Protocol.Config):
        """When, how much, and how far from the source singer."""

        start: Share = 2 / 3  # of the run
        segments: Count = 96  # rendered in a burst, each used once
        share: Annotated[float, Field(gt=0.0, le=0.5)] = 0.006  # of the phase's steps: 12 of 2,000 at batch 8
        bursts: Count = 4  # at least so many
        mixing: bool = True  # False: a full conversion to the other singer, the ablation
        least: Share = 0.0  # α ~ U[least, 1]: larger stays nearer to the source singer
        temperature: Positive = 1.0

    def __init__(self, config: Config, *, steps: int, batch: int, singers: int) -> None:
        self.config, self.batch, self.singers = config, batch, singers
        self.first = round(steps * config.start)
        phase = max(1, steps - self.first)
        burst = math.ceil(config.segments / batch)
        self.every = max(1, min(round(burst / config.share), phase // config.bursts))
        self.burst = min(burst, math.ceil(self.every / 4))
        self.waiting: Lesson | None = None

    def takes(self, step: int) -> bool:
        """In the bursts of the second phase, where there is another singer to mix with."""
        return self.singers > 1 and step >= self.first and (step - self.first) % self.every < self.burst

    def lesson(self, draw: Callable[[int], Excerpts], model: Model, step: int, generator: torch.Generator) -> Lesson:
        """The next part of this burst; its first step renders the whole of it."""
        if self.waiting is None or (step - self.first) % self.every == 0:
            self.waiting = self._render(draw(self.burst * self.batch), model, generator)
        now, later = _divide(self.waiting, self.batch)
        self.waiting = later if later.heard.shape[0] else None
        return now

    def _render(self, excerpts: Excerpts, model: Model, generator: torch.Generator) -> Lesson:
        controls = recorded_controls(excerpts, self.singers)
        count = excerpts.wave.shape[0]
        away = torch.randint(1, self.singers, (count,), generator=generator)
        other = F.one_hot((excerpts.singer + away.to(excerpts.singer)) % self.singers, self.singers)
        alpha = torch.zeros(count, 1, 1)
        if self.config.mixing:
            alpha = self.config.least + (1 - self.config.least) * torch.rand(count, 1, 1, generator=generator)
        alpha = alpha.to(controls.identity)
        mixed = alpha * controls.identity + (1 - alpha) * other.unsqueeze(2)
        seeds = torch.randint(2**62, (count,), generator=generator).tolist()
        chance = Chance(tuple(torch.Generator().manual_seed(seed) for seed in seeds), self.config.temperature)
        heard = model.convert(excerpts.wave, replace(controls, identity=mixed), chance)
        return Lesson(heard, excerpts.wave, heard.new_ones(count), controls, adversarial=False)

    def state(self) -> dict[str, Tensor]:
        """What the burst has still to give."""
        if self.waiting is None:
            return {}
        controls = {field.name: getattr(self.waiting.controls, field.name) for field in fields(Controls)}
        return {"heard": self.waiting.heard, "wanted": self.waiting.wanted, **controls}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes the rest of a burst back."""
        if not state:
            self.waiting = None
            return
        controls = Controls(**{field.name: state[field.name] for field in fields(Controls)})
        heard = state["heard"]
        self.waiting = Lesson(heard, state["wanted"], heard.new_ones(len(heard)), controls, adversarial=False)


def _divide(lesson: Lesson, count: int) -> tuple[Lesson, Lesson]:
    """The first `count` items of a lesson, and the others."""

    def part(span: slice) -> Lesson:
        controls = Controls(**{field.name: getattr(lesson.controls, field.name)[span] for field in fields(Controls)})
        return replace(
            lesson, heard=lesson.heard[span], wanted=lesson.wanted[span], paired=lesson.paired[span], controls=controls
        )

    return part(slice(count)), part(slice(count, None))

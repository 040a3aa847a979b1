"""Backtranslation: hear the recording as the model itself sings it by a mixture of singers, and sing the recording.

recording ──converted to a mixture──▶ heard          wanted = the recording
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from vocalise.config import Count, Positive, Share
from vocalise.parts.contracts import Chance, Controls, Excerpts, Lesson, Model, Protocol
from vocalise.parts.protocols.reconstruction import recorded_controls

_LINES = ("identity", "pitch", "voicing", "loudness")  # the controls that are tensors


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

    renders = True

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
        whole = heard.new_ones(count)
        return Lesson(heard, excerpts.wave, whole, controls, adversarial=False, bandwidth=excerpts.bandwidth)

    def state(self) -> dict[str, Tensor]:
        """What the burst has still to give."""
        if self.waiting is None:
            return {}
        controls = {name: getattr(self.waiting.controls, name) for name in _LINES}
        known = {"bandwidth": self.waiting.bandwidth} if self.waiting.bandwidth is not None else {}
        return {"heard": self.waiting.heard, "wanted": self.waiting.wanted, **controls, **known}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Takes the rest of a burst back."""
        if not state:
            self.waiting = None
            return
        identity, pitch, voicing, loudness = (state[name] for name in _LINES)
        controls = Controls(identity=identity, pitch=pitch, voicing=voicing, loudness=loudness)
        heard, known = state["heard"], state.get("bandwidth")
        whole = heard.new_ones(len(heard))
        self.waiting = Lesson(heard, state["wanted"], whole, controls, adversarial=False, bandwidth=known)


def _divide(lesson: Lesson, count: int) -> tuple[Lesson, Lesson]:
    """The first `count` items of a lesson, and the others."""

    def part(span: slice) -> Lesson:
        known = None if lesson.bandwidth is None else lesson.bandwidth[span]
        return replace(
            lesson,
            heard=lesson.heard[span],
            wanted=lesson.wanted[span],
            paired=lesson.paired[span],
            controls=lesson.controls.rows(span),
            bandwidth=known,
        )

    return part(slice(count)), part(slice(count, None))

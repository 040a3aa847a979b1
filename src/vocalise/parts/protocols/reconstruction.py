"""Reconstruction: hear a recording, sing the same, in one of several versions of it.

recording ──version drawn for it──▶ heard = wanted; the controls move along
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import torch
from torch.nn import functional as F

from vocalise.audio.augment import AUGMENTATIONS, Phrase
from vocalise.parts.contracts import Controls, Excerpts, Lesson, Model, Protocol


def recorded_controls(excerpts: Excerpts, singers: int) -> Controls:
    """The controls of recordings as they were sung: each by its own singer, throughout."""
    identity = F.one_hot(excerpts.singer, singers).to(excerpts.wave.dtype).unsqueeze(2)
    return Controls(identity=identity, pitch=excerpts.pitch, voicing=excerpts.voicing, loudness=excerpts.loudness)


def as_sung(excerpts: Excerpts, singers: int) -> Lesson:
    """The lesson to sing recordings as they were sung."""
    wave, controls = excerpts.wave, recorded_controls(excerpts, singers)
    whole = wave.new_ones(len(wave))
    return Lesson(wave, wave, whole, controls, bandwidth=excerpts.bandwidth, before=excerpts.before)


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
        self.faithful = config.augment == ("original",)

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
        whole = wave.new_ones(self.batch)
        before = excerpts.before if self.faithful else None  # what came before a reversed take is not known
        return Lesson(wave, wave, whole, controls, bandwidth=excerpts.bandwidth, before=before)

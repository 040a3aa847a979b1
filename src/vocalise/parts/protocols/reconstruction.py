"""Reconstruction: hear a recording, sing the same, in one of several versions of it.

recording ──version drawn for it──▶ wanted; the controls move along
                                    wanted ──a stretch out of tune, or nothing──▶ heard
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, final

import torch
from pydantic import Field
from torch.nn import functional as F

from vocalise.audio.augment import AUGMENTATIONS, Phrase
from vocalise.audio.perturbing import perturb
from vocalise.parts.contracts import Controls, Excerpts, Lesson, Model, Protocol


def recorded_controls(excerpts: Excerpts, singers: int) -> Controls:
    """The controls of recordings as they were sung: each by its own singer, throughout."""
    identity = F.one_hot(excerpts.singer, singers).to(excerpts.wave.dtype).unsqueeze(2)
    return Controls(identity=identity, pitch=excerpts.pitch, voicing=excerpts.voicing, loudness=excerpts.loudness)


def recorded_lesson(excerpts: Excerpts, singers: int) -> Lesson:
    """Recordings to be sung as they were."""
    wave, controls = excerpts.wave, recorded_controls(excerpts, singers)
    return Lesson(
        wave,
        wave,
        wave.new_ones(len(wave)),
        controls,
        bandwidth=excerpts.bandwidth,
        before=excerpts.before,
        analysis=excerpts.analysis,
    )


@final
class Reconstruction(Protocol):
    """Hears a recording and sings the same, in one of several versions of it (Nachmani & Wolf, 2019, section 3.3).

    Reversed and inverted takes keep the singer's voice and make four recordings out of one. With `perturb`, what the
    encoder hears has a stretch that is a little out of tune, and what is wanted has none (Mor et al., 2018, section
    3.2): the autoencoder must mend what it hears, and cannot merely copy it.
    """

    @dataclass(frozen=True, kw_only=True)
    class Config(Protocol.Config):
        """Which versions, each as likely as the others; and how far the ear is misled."""

        augment: tuple[str, ...] = ("original",)
        perturb: Annotated[float, Field(ge=0.0, le=12.0)] = 0.0  # semitones, at most, that a stretch is heard off

        def __post_init__(self) -> None:
            unknown = [name for name in self.augment if name not in AUGMENTATIONS]
            if unknown or not self.augment:
                raise ValueError(
                    f"augment: {unknown or 'nothing'} is no choice; the choices are {', '.join(AUGMENTATIONS)}"
                )

    def __init__(self, config: Config, *, steps: int, batch: int, singers: int) -> None:
        self.versions = [AUGMENTATIONS[name] for name in config.augment]
        # Else neither what was analysed beforehand holds, nor what came before.
        self.plain = set(config.augment) == {"original"} and not config.perturb
        self.batch, self.singers, self.perturb = batch, singers, config.perturb

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
        heard = perturb(wave, model.rate, self.perturb, generator) if self.perturb else wave
        analysis, before = (excerpts.analysis, excerpts.before) if self.plain else (None, None)
        return Lesson(heard, wave, whole, controls, bandwidth=excerpts.bandwidth, analysis=analysis, before=before)

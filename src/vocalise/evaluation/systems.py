"""The voices of an evaluation: at hand to sing, and as models: held-out loss, singer probe, where they come from.

held-out windows ──teacher-forced──▶ held-out loss          windows ──encode──▶ probe, its ceiling and its floor
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Voice, load_voice
from vocalise.conversion import Converter
from vocalise.data.batches import Batch, windows
from vocalise.data.cache import file_digest, key_of
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.data.prepared import Prepared
from vocalise.data.records import Split
from vocalise.errors import ConfigError, VoiceError
from vocalise.evaluation.records import System
from vocalise.parts.protocols import recorded_lesson
from vocalise.progress import Progress, silent
from vocalise.training.closing import Origin, probe_figures
from vocalise.training.settings import Routine, software

VERSION = 1  # of the figures that are kept in the cache
NAMES = (("probe_chance", "chance"), *((name, name) for name in ("probe", "probe_log_mel", "probe_untrained")))


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How songs are sung; the same manner gives the same sound."""

    temperature: float = 1.0
    seed: int = 0
    transpose: float | str | None = None  # None: as the recipe has it


@dataclass(frozen=True, kw_only=True)
class Performer:
    """A system that is at hand: a voice file, ready to sing."""

    name: str
    path: Path
    digest: str  # of the file
    converter: Converter

    @property
    def voice(self) -> Voice:
        """What it sings with."""
        return self.converter.voice

    @property
    def told(self) -> bool:
        """Whether it can be told who sings."""
        return self.voice.model.told_who

    def transposition(self, manner: Manner) -> float | None:
        """Cents by which it is meant to sing higher than its source; None where each song decides.

        Raises:
            ConfigError: a value out of range.
            Unsupported: the recipe cannot do what is asked.
        """
        plan = self.converter.plan(
            to=self.voice.names[0] if self.told else None,
            temperature=manner.temperature,
            seed=manner.seed,
            transpose=manner.transpose,
        )
        return None if isinstance(plan.transpose, str) else 100.0 * plan.transpose

    def system(self, figures: Mapping[str, float]) -> System:
        """As the report shows it."""
        card = self.voice.card
        return System(
            name=self.name,
            path=str(self.path),
            recipe=self.voice.recipe.name,
            steps=card.steps,
            digest=self.digest,
            figures=figures,
        )


def performers(
    voices: Sequence[tuple[str, Path]], device: torch.device, *, sampler: str | None = None
) -> tuple[Performer, ...]:
    """Loads voice files under names; an empty name is found from the path.

    Raises:
        ConfigError: the same file twice, the same name, or a sampler that cannot serve.
        VoiceError: a file that is no voice, or damaged.
        Unsupported: a recipe that does not convert.
    """
    names = _names(voices)
    found: list[Performer] = []
    for name, (_, path) in zip(names, voices, strict=True):
        converter = Converter(load_voice(path, device=device), sampler=sampler)
        try:
            digest = file_digest(path)
        except OSError as error:
            raise VoiceError(f"{path} cannot be read ({error.strerror}).") from None
        twin = next((one for one in found if one.digest == digest), None)
        if twin is not None:
            raise ConfigError(f"{path} is the same voice as {twin.path}: give another one with --against.")
        found.append(Performer(name=name, path=path, digest=digest, converter=converter))
    return tuple(found)


def _names(voices: Sequence[tuple[str, Path]]) -> list[str]:
    """A name for each voice: as given, or its file's, or that of a folder above it where files are called alike.

    Every run folder holds a `voice.safetensors`, so that this is no name.
    """
    given = [name for name, _ in voices if name]
    if len(set(given)) < len(given):
        raise ConfigError(f"Two voices are called {max(given, key=given.count)!r}: give each a name of its own.")
    choices = [[name] if name else _choices(path) for name, path in voices]
    for _ in range(max(map(len, choices))):
        names = [own[0] for own in choices]
        choices = [
            own[1:] if names.count(name) > 1 and len(own) > 1 else own for own, name in zip(choices, names, strict=True)
        ]
    names = [own[0] for own in choices]
    return [f"{name} {number}" if names.count(name) > 1 else name for number, name in enumerate(names, start=1)]


def _choices(path: Path) -> list[str]:
    """What a voice may be called, the nearest first."""
    folders = [folder.name for folder in path.absolute().parents if folder.name]
    return [*([path.stem] if path.stem != "voice" else []), *folders] or [path.stem]


def figures_of(
    performer: Performer, corpus: Corpus, split: Split, *, seed: int = 0, progress: Progress = silent
) -> dict[str, float]:
    """The held-out loss and the singer probe, measured on these recordings; kept in the cache under the voice's digest.

    What cannot be measured, for want of material or of singers that the voice knows, is absent.

    Raises:
        CorpusError: the audio cannot be prepared.
    """
    model, material = performer.voice.model, performer.voice.recipe.material
    total = sum(corpus.seconds.values())
    prepared = prepare(
        corpus,
        rate=model.rate,
        level=material.level,
        contours=model.condition.uses_pitch,
        analyst=model.signal,
        progress=lambda share: progress("preparing", share * total, total, "seconds of audio"),
    )
    sides = [
        [(piece.recording.singer, piece.recording.digest, piece.start, piece.stop) for piece in side]
        for side in (split.train, split.held_out)
    ]
    key = key_of("figures", VERSION, performer.digest, str(sides), seed, Routine().probe, Routine().windows)
    known = prepared.cache.facts("figures", key)
    if known is not None:
        return {name: float(value) for name, value in known.items()}
    progress("looking into the voice", 0, 2, f"{performer.name}: the held-out loss")
    figures = held_out_loss(performer.voice, prepared, split)
    progress("looking into the voice", 1, 2, f"{performer.name}: what is left of the singer in the latent")
    figures |= _probed(performer, prepared, split, seed)
    progress("looking into the voice", 2, 2, performer.name)
    with contextlib.suppress(OSError):  # they are measured again next time
        prepared.cache.store("figures", key, np.zeros(0), figures)
    return figures


def held_out_loss(voice: Voice, prepared: Prepared, split: Split) -> dict[str, float]:
    """The decoder's loss in its own unit on fixed windows of held-out songs, by the singers whom the voice knows.

    A WaveNet's is `held_out_bits`, a sample; that of one that sings all samples at once is `held_out_distance`, in dB;
    that of one that draws spectral frames is `held_out_envelope`, in dB.
    """
    label_of = {name: label for label, name in enumerate(voice.singers)}
    held = [piece for piece in split.held_out if piece.recording.singer in label_of]
    material, model = voice.recipe.material, voice.model
    samples = material.excerpt(rate=model.rate, hop=model.hop)
    shape = {"samples": samples, "hop": model.condition.hop, "lead": model.lead}
    chosen = windows(prepared, held, most=Routine().windows, **shape)
    if not len(chosen):
        return {}
    labels = torch.tensor([label_of.get(name, 0) for name in prepared.singers])
    chosen.singer = labels[chosen.singer]
    losses = torch.cat([_losses(model, part) for part in chosen.parts(material.batch)])
    return {f"held_out_{model.decoder.unit.name}": float(losses.mean())}


@torch.no_grad()
def _losses(model: Autoencoder, part: Batch) -> torch.Tensor:
    """What is told of the decoder's work on each window, in its unit: (batch,)."""
    lesson = recorded_lesson(part.to(model.device), model.singers)
    return model.decoder.unit.of(model(lesson).decoded).float().cpu()


def _probed(performer: Performer, prepared: Prepared, split: Split, seed: int) -> dict[str, float]:
    voice = performer.voice
    origin = Origin(
        recipe=voice.recipe,
        corpus=prepared.corpus.fingerprint,
        prepared=prepared,
        split=split,
        pitch_ranges={},
        licence="",
        consent="",
        software=software(),
    )
    found = probe_figures(origin, voice.model, steps=Routine().probe, seed=seed)
    return {ours: found[theirs] for ours, theirs in NAMES if theirs in found}

"""The end of a run: the voice file, the singer probe, and the verdict."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from vocalise.autoencoder import Autoencoder
from vocalise.checkpoint import Card, Voice, save_voice
from vocalise.data.batches import windows
from vocalise.data.prepared import Prepared
from vocalise.data.records import Split
from vocalise.errors import CorpusError, RunError, VoiceError
from vocalise.measures.phones import probe_phones
from vocalise.measures.probe import probe_model
from vocalise.recipes import Recipe
from vocalise.training.checkpoints import Snapshot, read_snapshot, write_snapshot
from vocalise.training.course import Course, unit_named
from vocalise.training.run import Run

TAUGHT, TESTED = 48, 24  # windows of a second for each singer that the probe learns from and is scored on
MOST_TAUGHT, MOST_TESTED = 384, 192


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a voice comes from: all of the voice file that training does not change."""

    recipe: Recipe
    corpus: str  # fingerprint
    prepared: Prepared
    split: Split
    pitch_ranges: Mapping[str, tuple[float, float, float]]
    licence: str
    consent: str
    software: str

    def card(self, *, steps: int, figures: Mapping[str, float]) -> Card:
        """The card at some step."""
        minutes = dict.fromkeys(self.prepared.singers, 0.0)
        for piece in self.split.train:
            if piece.recording.singer in minutes:
                minutes[piece.recording.singer] += piece.seconds / 60.0
        return Card(
            data=self.corpus,
            minutes=minutes,
            licence=self.licence,
            consent=self.consent,
            steps=steps,
            figures=figures,
            software=self.software,
        )


def keep_best(run: Run, origin: Origin, model: Autoencoder, best: Snapshot) -> bool:
    """Keeps these weights as the best so far, and as a voice that can be used at once; False if the disk is full."""
    step, unit = best.facts["step"], unit_named(best.facts)
    try:
        write_snapshot(run.checkpoints.best_path, best)
    except OSError as error:
        run.say(step, f"The best weights, of step {step}, could not be written ({error.strerror}); it is tried again.")
        return False
    figures = {f"held_out_{unit.name}": best.facts[unit.name]}
    return write_voice(run, origin, model, step=step, figures=figures, weights=best.tensors)


def write_voice(
    run: Run,
    origin: Origin,
    model: Autoencoder,
    *,
    step: int,
    figures: Mapping[str, float],
    weights: Mapping[str, Tensor] | None = None,
) -> bool:
    """Writes voice.safetensors, with other weights than the model's if given; a full disk is told, and False."""
    voice = Voice(
        recipe=origin.recipe,
        singers=origin.prepared.singers,
        pitch_ranges=origin.pitch_ranges,
        card=origin.card(steps=step, figures=figures),
        model=model,
    )
    try:
        save_voice(run.voice_path, voice, weights=weights)
    except VoiceError as error:
        run.say(step, str(error))
        return False
    return True


def best_model(run: Run, origin: Origin, course: Course, step: int) -> Autoencoder | None:
    """The model with its best weights; None, aloud, if they are lost.

    What lies on the disk says itself of which step it is: `course` is set right if it thought otherwise.
    """
    try:
        best = read_snapshot(run.checkpoints.best_path)
        model = origin.recipe.model.build(singers=len(origin.prepared.singers))
        model.load_state_dict(best.tensors)
    except (RunError, RuntimeError) as error:
        run.say(step, f"The best weights are lost, so the last ones make the voice: {error}")
        return None
    if best.facts["step"] != course.best_step:
        run.say(step, f"The best weights that were kept are those of step {best.facts['step']}.")
        course.best_step, course.best_loss = best.facts["step"], best.facts[unit_named(best.facts).name]
    return model.eval()


def probe_figures(origin: Origin, model: Autoencoder, *, steps: int, seed: int) -> dict[str, float]:
    """How often a fresh classifier tells the singer from the latent, and its bounds; empty if none can try."""
    singers = len(origin.prepared.singers)
    if singers < 2 or not origin.split.held_out:
        return {}
    samples = max(1, round(model.rate / model.hop)) * model.hop
    shape = {"samples": samples, "hop": model.condition.hop, "lead": model.lead}
    taught = windows(origin.prepared, origin.split.train, most=min(TAUGHT * singers, MOST_TAUGHT), **shape)
    tested = windows(origin.prepared, origin.split.held_out, most=min(TESTED * singers, MOST_TESTED), **shape)
    if not len(taught) or len(set(tested.singer.tolist())) < 2:
        return {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        untrained = origin.recipe.model.build(singers=singers).to(model.device).eval()
    waves = [torch.cat([some.before, some.wave], dim=1) for some in (taught, tested)]
    every: tuple[Tensor, ...] = (waves[0], taught.singer, waves[1], tested.singer)
    known = (taught.analysis, tested.analysis)
    probe = probe_model(
        model,
        untrained,
        *every,
        rate=model.rate,
        lead=model.lead,
        analyses=known,
        singers=singers,
        steps=steps,
        seed=seed,
    )
    return {
        "probe": probe.latent.accuracy,
        "chance": probe.latent.chance,
        "probe_log_mel": probe.log_mel.accuracy,
        "probe_untrained": probe.untrained.accuracy,
    }


def phone_figures(run: Run, origin: Origin, model: Autoencoder, step: int) -> dict[str, float]:
    """How often a code tells which sound is sung, and what needs no ear; empty where there are no codes or labels."""
    if model.bottleneck.continuous:
        return {}
    try:
        found = probe_phones(model, origin.prepared, origin.split.train, origin.split.held_out)
    except CorpusError as error:  # a damaged label must not cost the voice
        run.say(step, str(error))
        return {}
    return {} if found is None else {"phones": found.accuracy, "phones_chance": found.chance}

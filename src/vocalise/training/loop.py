"""The loop: two turns a step, the adversaries' and the model's, until the run is over.

lesson ──model──▶ outcome ──▶ adversaries learn ──▶ terms, weighed ──▶ model learns
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from vocalise.data.corpus import Corpus
from vocalise.devices import choose_device
from vocalise.errors import RunError
from vocalise.parts.contracts import Lesson, Outcome
from vocalise.progress import Progress, silent
from vocalise.recipes import Recipe
from vocalise.training.conclusion import conclude, concluded, paused
from vocalise.training.course import Verdict
from vocalise.training.learner import Learner, weigh
from vocalise.training.run import Run
from vocalise.training.setting_out import Request, set_out
from vocalise.training.settings import Routine
from vocalise.training.study import Study
from vocalise.training.watch import listening

_DEFAULT = Routine()


def train(
    recipe: Recipe,
    corpus: Corpus,
    folder: Path | str,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    device: str = "auto",
    licence: str = "",
    consent: str = "",
    seed: int = 0,
    progress: Progress | None = None,
    stop: Callable[[], bool] | None = None,
    routine: Routine = _DEFAULT,
    sampler: str | None = None,
) -> Verdict:
    """Trains a recipe on a corpus; the same call again goes on where an earlier one ended, however it ended.

    On the CPU (same machine, threads and versions) an interrupted and resumed run ends with the same weights, bit for
    bit, as one that was never interrupted.

    Args:
        recipe: what to train.
        corpus: on whom.
        folder: of the run; new, empty, or begun with the same arguments.
        steps: how long; by default as published.
        minutes: instead of steps; turned into steps once, by a short measurement.
        device: `auto`, `cpu`, `cuda`, `mps`.
        licence: note for the card of the voice.
        consent: note for the card of the voice.
        seed: of weights and of everything drawn by chance.
        progress: is told what goes on.
        stop: asked after each step; True ends the run as Ctrl-C does, with everything saved.
        routine: how often the run is evaluated and saved.
        sampler: who sings where lessons or samples are sung: `auto`, `native`, `cuda`, `torch`; None reads
            `VOCALISE_SAMPLER`. A run keeps to its bits as long as it is the same.

    Returns:
        The verdict; `finished` is False if the run was interrupted.

    Raises:
        RunError: the folder belongs to something else, training diverged, or the disk is full.
        ConfigError: the recipe does not fit together, or a term has no weight.
        CorpusError: there is nothing to train on.
    """
    request = Request(
        recipe=recipe,
        corpus=corpus,
        steps=steps,
        minutes=minutes,
        device=choose_device(device),
        licence=licence,
        consent=consent,
        seed=seed,
        routine=routine,
        sampler=sampler,
    )
    cards = [request.device] if request.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards), Run.held(Path(folder), progress or silent) as run:
        request.require_fit(run)
        verdict = concluded(run)
        if verdict is not None:
            return verdict
        study = set_out(run, request, learn)
        with listening(stop, lambda words: run.say(study.learner.step, words, noted=False)) as asked:
            finished = teach(study, asked)
        return conclude(study) if finished else paused(study)


def teach(study: Study, asked: Callable[[], bool]) -> bool:
    """Steps until the run is over; False if somebody asked for an end before.

    Raises:
        RunError: training diverged, or its end cannot be saved.
    """
    if study.learner.step == 0 and study.course.best_step < 0:
        study.evaluate()
        study.save()
    while not study.over:
        if asked():
            study.save()
            return False
        learn(study.learner)
        study.look_up()
    if study.run.unsaved and not study.save():
        raise RunError(
            f"Training is over, but {study.run.unsaved}: make room and start the same command again, "
            f"it goes on from the last checkpoint."
        )
    return True


def learn(learner: Learner) -> None:
    """One step: the adversaries' turn, then the model's."""
    lesson = learner.lesson()
    outcome = learner.attempt(lesson)
    judges = zip(learner.adversaries, learner.rivals, strict=True) if lesson.adversarial else ()
    for adversary, rival in judges:
        for turn in range(adversary.turns(learner.step)):
            seen = outcome if turn == 0 else learner.glance()
            learner.update(rival, learner.scored(adversary.own_loss, seen))
            adversary.after_turn()

    terms = {"decoder": (outcome.decoded.loss * lesson.paired).mean(), **outcome.latent.terms}
    with learner.adversaries_at_rest():
        if lesson.adversarial:
            terms |= {one.name: learner.scored(one.fool_loss, outcome) for one in learner.adversaries}
        learner.update(learner.main, weigh(terms, learner.recipe.weights))

    learner.record(terms, {**_told(learner, lesson, outcome), **outcome.latent.facts})
    learner.advance()


def _told(learner: Learner, lesson: Lesson, outcome: Outcome) -> dict[str, Tensor]:
    """What people are told of the decoder's work; nothing where nobody knows what it should have sung."""
    if not lesson.paired.any():
        return {}
    unit = learner.model.decoder.unit
    return {unit.name: (unit.of(outcome.decoded) * lesson.paired).sum() / lesson.paired.sum()}

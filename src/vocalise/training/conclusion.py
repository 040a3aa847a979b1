"""The last words of a run: singer probe, voice, curves and verdict; or how to go on."""

import copy
import math
from pathlib import Path

from vocalise.autoencoder import Autoencoder
from vocalise.errors import RunError
from vocalise.training.closing import best_model, phone_figures, probe_figures, write_voice
from vocalise.training.course import Verdict, unit_named, verdict_words
from vocalise.training.held_out import held_out_loss
from vocalise.training.listening import sing
from vocalise.training.run import Run
from vocalise.training.study import Study


def conclude(study: Study) -> Verdict:
    """Probes the best weights, writes the voice with its figures, and says what has become of it.

    Raises:
        RunError: the voice cannot be written.
    """
    run, course, settings = study.run, study.course, study.settings
    step = study.learner.step
    if settings.sampling and len(study.phrase):
        sing(study.learner, run, study.phrase, settings.singers)
    study.keep()
    model = best_model(run, study.origin, course, step) or _last_model(study)
    model.to(study.learner.device)
    run.progress("probing", 0, 1, "how much of the singer is left in the latent")
    figures = probe_figures(study.origin, model, steps=settings.routine.probe, seed=settings.seed)
    figures |= phone_figures(run, study.origin, model, step)
    run.progress("probing", 1, 1, "")
    run.note("probe", step, **figures)
    loss = {f"{'held_out' if study.heard_out else 'training'}_{study.unit.name}": course.best_loss}
    if not write_voice(run, study.origin, model, step=course.best_step, figures={**loss, **figures}):
        raise RunError(
            f"Training is over, but {run.voice_path} could not be written: make room and start the same command again."
        )
    words = verdict_words(
        course, study.unit, step=step, steps=settings.steps, figures=figures, heard_out=study.heard_out
    )
    study.draw_curves()
    return _noted(
        run,
        Verdict(
            finished=True,
            step=step,
            steps=settings.steps,
            best_step=course.best_step,
            loss=course.best_loss,
            unit=study.unit,
            voice=run.voice_path,
            words=words,
            figures=figures,
        ),
    )


def concluded(run: Run) -> Verdict | None:
    """The verdict of a run that is over and has its voice; None for any other."""
    row = next((row for row in reversed(run.journal.rows()) if row["kind"] == "verdict"), None)
    if row is None or run.settings is None or not run.voice_path.is_file():
        return None
    unit = unit_named(row)
    return Verdict(
        finished=True,
        step=row["step"],
        steps=run.settings.steps,
        best_step=row["best_step"],
        loss=math.nan if row[unit.name] is None else row[unit.name],
        unit=unit,
        voice=run.voice_path,
        words=row["words"],
        figures=row["figures"],
    )


def paused(study: Study) -> Verdict:
    """What to say of a run that somebody interrupted."""
    run, course, settings = study.run, study.course, study.settings
    step = study.learner.step
    saved = "everything is saved" if not run.unsaved else f"but {run.unsaved}"
    words = f"Interrupted at step {step} of {settings.steps}; {saved}. The same command goes on from there."
    if run.unsaved:
        steps = run.checkpoints.steps
        words = words.replace("from there", f"from step {steps[-1]}" if steps else "from the beginning")
    run.note("paused", step, words=words)
    voice: Path | None = run.voice_path if run.voice_path.is_file() else None
    return Verdict(
        finished=False,
        step=step,
        steps=settings.steps,
        best_step=course.best_step,
        loss=course.best_loss if math.isfinite(course.best_loss) else math.nan,
        unit=study.unit,
        voice=voice,
        words=words,
        figures={},
    )


def _last_model(study: Study) -> Autoencoder:
    """A twin of the model as it is now, averaged if it is, which `course` then takes for the best."""
    study.course.best_step = study.learner.step
    study.course.best_loss = held_out_loss(study.learner, study.windows)
    with study.learner.presentable() as model:
        return copy.deepcopy(model)


def _noted(run: Run, verdict: Verdict) -> Verdict:
    facts = {"best_step": verdict.best_step, verdict.unit.name: verdict.loss, "figures": verdict.figures}
    run.note("verdict", verdict.step, words=verdict.words, **facts)
    return verdict

"""A run under way: the learner, its folder and its course, and what happens between two steps."""

import math
from dataclasses import dataclass, field

from vocalise.data.batches import Batch
from vocalise.errors import RunError
from vocalise.parts.contracts import Unit
from vocalise.training.checkpoints import Snapshot
from vocalise.training.closing import Origin, keep_best
from vocalise.training.course import LEEWAY, Course, Joining
from vocalise.training.held_out import held_out_loss
from vocalise.training.learner import Learner
from vocalise.training.listening import draw_curves, sing
from vocalise.training.run import Run
from vocalise.training.settings import Settings

MOST_UNLUCKY = 20  # steps in a row without a finite loss or gradient


@dataclass
class Study:
    """Everything that the loop needs between two steps."""

    run: Run
    settings: Settings
    origin: Origin
    learner: Learner
    windows: Batch  # held out, or of the training material where nothing is
    phrase: Batch  # of one excerpt, to be sung along the way; may be empty
    joining: tuple[Joining, ...]  # further protocols and critics
    heard_out: bool  # whether `windows` really are held out
    course: Course = field(default_factory=Course)
    unkept: Snapshot | None = None  # the best weights, while the disk does not take them
    word: str = ""  # how it goes, for whoever watches

    @property
    def unit(self) -> Unit:
        """What losses are counted in."""
        return self.learner.model.decoder.unit

    @property
    def over(self) -> bool:
        """Whether the run has come to its end, by length or for want of hope."""
        return self.learner.step >= self.settings.steps or self.course.waited > self.settings.routine.patience

    def look_up(self) -> None:
        """What is due after this step: journal, evaluation, sample, checkpoint."""
        step, last = self.learner.step, self.learner.step == self.settings.steps
        self._require_luck()
        if step % self.settings.note_every == 0 or last:
            self._note()
        if step % self.settings.evaluate_every == 0 or last:
            self.evaluate()
        if any(step == one.step for one in self.joining) and self.settings.sampling and len(self.phrase):
            sing(self.learner, self.run, self.phrase, self.origin.prepared.singers)
        if self.run.due(step) or self.over:
            self.save()
        self.run.progress("training", step, self.settings.steps, self.word)

    def evaluate(self) -> None:
        """The held-out loss; the best weights so far become the voice."""
        learner, course = self.learner, self.course
        joined = [one for one in self.joining if one.step < learner.step]
        phase, last = len({one.step for one in joined}), len(joined) == len(self.joining)
        leeway = LEEWAY if any(one.critic for one in joined) else 0.0
        loss = held_out_loss(learner, self.windows)
        better = course.judge(learner.step, loss, phase=phase, last=last, leeway=leeway)
        self.run.note("evaluation", learner.step, **{f"held_out_{self.unit.name}": loss}, best=better, phase=phase)
        if better:
            with learner.presentable() as model:
                weights = {name: weight.clone() for name, weight in model.state_dict().items()}
            self.unkept = Snapshot(weights, {"step": course.best_step, self.unit.name: course.best_loss})
            self.keep()
        self._tell()

    def keep(self) -> None:
        """Has the disk keep the best weights, unless it has them already."""
        if self.unkept and keep_best(self.run, self.origin, self.learner.model, self.unkept):
            self.unkept = None

    def save(self) -> bool:
        """A checkpoint of this moment.

        Raises:
            RunError: the weights are not finite, which no checkpoint shall hold.
        """
        if not self.learner.sound:
            raise RunError(self._diverged("the weights are no longer finite numbers"))
        self.keep()
        whole = self.learner.snapshot()
        facts = {**whole.facts, "course": self.course.state()}
        return self.run.save(self.learner.step, Snapshot(whole.tensors, facts))

    def take_back(self, snapshot: Snapshot) -> None:
        """Goes on from a checkpoint."""
        self.learner.restore(snapshot)
        self.course = Course.restored(snapshot.facts["course"])
        self._tell()

    def draw_curves(self) -> None:
        """The loss curves, as a figure."""
        title = f"{self.origin.recipe.name}, {len(self.origin.prepared.singers)} singers"
        draw_curves(self.run, self.learner.step, title=title, joining=self.joining)

    def _note(self) -> None:
        learner = self.learner
        means = learner.meter.read()
        rate = learner.recipe.optimiser.rate_at((learner.step - 1) / learner.steps)
        self.run.note("step", learner.step, **means, learning_rate=rate, skipped=learner.skipped)
        self._tell(means.get(self.unit.name))

    def _tell(self, loss: float | None = None) -> None:
        now = "" if loss is None or not math.isfinite(loss) else f"{self.unit.shown(loss)}, "
        best = self.course.best_loss
        self.word = f"{now}held out {best:.2f}" if math.isfinite(best) else now.removesuffix(", ")

    def _require_luck(self) -> None:
        if self.learner.unlucky >= MOST_UNLUCKY:
            raise RunError(self._diverged(f"loss or gradient was not finite for {self.learner.unlucky} steps in a row"))

    def _diverged(self, what: str) -> str:
        rate, saved = self.learner.recipe.optimiser.rate, self.run.checkpoints.steps
        kept = f"the checkpoint of step {saved[-1]} is sound" if saved else "there is no checkpoint yet"
        return (
            f"Training diverged at step {self.learner.step}: {what}; {kept}. Begin again in another folder with a "
            f"lower rate (--set optimiser.rate={rate / 3:.2g}), a lower weight for adversaries, or other recordings."
        )

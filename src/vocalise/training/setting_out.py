"""Setting out: from a recipe, a corpus and a folder to a study that can go on, whether fresh or resumed."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from vocalise.autoencoder import Autoencoder
from vocalise.data.batches import Batch, Batches, windows
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.data.prepared import Prepared
from vocalise.data.ranges import pitch_ranges
from vocalise.data.records import Split
from vocalise.errors import ConfigError, RunError
from vocalise.progress import Progress
from vocalise.recipes import Recipe
from vocalise.sampling.choice import announce, choice_for, named, sings_by_steps
from vocalise.training.closing import Origin
from vocalise.training.course import joinings
from vocalise.training.learner import Learner
from vocalise.training.listening import SECONDS
from vocalise.training.pace import measure, measure_lessons, steps_within
from vocalise.training.precision import choose_precision
from vocalise.training.run import Run
from vocalise.training.settings import Routine, Settings, changes, require_same, software
from vocalise.training.study import Study

RANGE_SECONDS = 20.0  # of each singer, from which pitch ranges are measured


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `train` was asked for."""

    recipe: Recipe
    corpus: Corpus
    steps: int | None
    minutes: float | None
    device: torch.device
    licence: str
    consent: str
    seed: int
    routine: Routine
    sampler: str | None = None

    def __post_init__(self) -> None:
        """Refuses what makes no sense."""
        if self.steps is not None and self.minutes is not None:
            raise ConfigError("Both --steps and --minutes were given: choose one of them.")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"--steps cannot be {self.steps}: give 1 or more.")
        if self.minutes is not None and not 0 < self.minutes < 1e7:
            raise ConfigError(f"--minutes cannot be {self.minutes}: give more than 0.")
        named(self.sampler)

    def require_fit(self, run: Run) -> None:
        """Refuses a folder in which something else was begun.

        Raises:
            RunError: naming what differs.
        """
        if run.settings is not None:
            require_same(
                run.folder,
                run.settings,
                recipe=self.recipe,
                corpus=self.corpus.fingerprint,
                steps=self.steps,
                minutes=self.minutes,
                seed=self.seed,
            )


def set_out(run: Run, request: Request, learn: Callable[[Learner], object]) -> Study:
    """Prepares the recordings, settles what is open, builds everything, and goes back to the newest checkpoint.

    Raises:
        RunError: the folder holds another run, none of its checkpoints is sound, or the disk is too small.
        ConfigError: recipe and model do not fit together.
        CorpusError: there is nothing to train on.
    """
    recipe, corpus = request.recipe, request.corpus
    skeleton = _skeleton(recipe, len(corpus.singers))
    run.require_room(4 * sum(weight.numel() for weight in skeleton.parameters()))
    sampler = _sampler(request, skeleton)
    prepared = _prepared(corpus, recipe, skeleton, run.progress)
    split = prepared.corpus.split(recipe.material.held_out)

    def fresh(settings: Settings) -> Learner:
        samples, hop = recipe.material.excerpt(rate=skeleton.rate, hop=skeleton.hop), skeleton.condition.hop
        return Learner(
            recipe,
            Batches(prepared, split.train, samples=samples, hop=hop, lead=skeleton.lead, seed=settings.seed),
            singers=len(prepared.singers),
            steps=settings.steps,
            seed=settings.seed,
            device=request.device,
            precision=settings.precision,
            sampler=request.sampler,
        )

    settings = run.settings or run.settle(_settled(request, prepared, sampler, fresh, learn, run.progress))
    if settings.singers != prepared.singers:
        raise RunError(f"{run.folder} was begun with the singers {', '.join(settings.singers)}: choose another folder.")
    study = _study(run, settings, _origin(request, prepared, split, run.progress), skeleton, fresh(settings))
    if settings.sampling or any(protocol.renders for protocol in study.learner.protocols):
        announce(study.learner.model, run.progress, request.sampler)
    found = run.resume()
    if found is None:
        run.note("start", 0, steps=settings.steps, singers=list(prepared.singers), software=settings.software)
        return study
    study.take_back(found[1])
    apart = changes(settings, device=str(request.device), sampler=sampler)
    run.note("resumed", study.learner.step, changes=apart)
    if apart:
        run.say(study.learner.step, f"From here on the run is not the same bit for bit: {apart}.")
    return study


def _skeleton(recipe: Recipe, singers: int) -> Autoencoder:
    """The model's facts without its weights.

    Raises:
        ConfigError: an excerpt is no multiple of the model's frames, or an adversary cannot work against such a model.
    """
    with torch.device("meta"):
        skeleton = recipe.model.build(singers=singers)
    for adversary in recipe.adversaries:
        adversary.build(model=skeleton, steps=1)  # refuses before any work
    hop = skeleton.hop
    samples = recipe.material.excerpt(rate=skeleton.rate, hop=hop)
    if samples % hop:
        choices = f"{max(1, samples // hop) * hop} or {(samples // hop + 1) * hop}"
        raise ConfigError(
            f"material.samples={samples} is no multiple of the model's {hop} samples a frame: choose {choices}."
        )
    return skeleton


def _prepared(corpus: Corpus, recipe: Recipe, skeleton: Autoencoder, progress: Progress) -> Prepared:
    total = sum(corpus.seconds.values())
    prepared = prepare(
        corpus,
        rate=skeleton.rate,
        level=recipe.material.level,
        contours=skeleton.condition.uses_pitch,
        analyst=skeleton.signal,
        progress=lambda share: progress("preparing", share * total, total, "seconds of audio"),
    )
    return prepared.believing_files() if recipe.material.bandwidth == "file" else prepared


def _settled(
    request: Request,
    prepared: Prepared,
    sampler: str,
    fresh: Callable[[Settings], Learner],
    learn: Callable[[Learner], object],
    progress: Progress,
) -> Settings:
    """What is decided once; minutes become steps here. The learner that is timed is thrown away."""
    steps = request.steps or request.recipe.steps
    settings = Settings(
        recipe=request.recipe,
        corpus=request.corpus.fingerprint,
        singers=prepared.singers,
        steps=steps,
        minutes=request.minutes,
        seed=request.seed,
        routine=request.routine,
        precision=choose_precision(request.device),
        device=str(request.device),
        sampling=steps >= request.routine.samples_from,
        threads=torch.get_num_threads(),
        sampler=sampler,
        software=software(),
    )
    if request.minutes is None:
        return settings
    progress("measuring", 0, 1, "how many steps fit into the time")
    pace = measure(fresh(settings), learn)
    roughly, _ = steps_within(request.minutes, pace, settings)
    pace = measure_lessons(fresh(replace(settings, steps=roughly)), pace)
    steps, sampling = steps_within(request.minutes, pace, settings)
    progress("measuring", 1, 1, f"{steps} steps fit into {request.minutes:g} minutes")
    return replace(settings, steps=steps, sampling=sampling)


def _sampler(request: Request, skeleton: Autoencoder) -> str:
    """The kind of sampler whose songs are learnt from; none where nothing is sung for lessons, or not step by step."""
    renders = any(type(one).part.renders for one in request.recipe.protocols)  # type: ignore[attr-defined]
    if not renders or not sings_by_steps(skeleton.decoder):
        return ""
    return choice_for(request.device, named(request.sampler)).kind


def _origin(request: Request, prepared: Prepared, split: Split, progress: Progress) -> Origin:
    def report(share: float) -> None:
        progress("measuring pitch ranges", share * len(prepared.singers), len(prepared.singers), "singers")

    ranges = pitch_ranges(prepared, seconds=RANGE_SECONDS, progress=report)
    return Origin(
        recipe=request.recipe,
        corpus=request.corpus.fingerprint,
        prepared=prepared,
        split=split,
        pitch_ranges={singer: marks for singer, marks in ranges.items() if marks[0] > 0},
        licence=request.licence,
        consent=request.consent,
        software=software(),
    )


def _study(run: Run, settings: Settings, origin: Origin, skeleton: Autoencoder, learner: Learner) -> Study:
    prepared, split, hop = origin.prepared, origin.split, skeleton.condition.hop

    def some(most: int, samples: int) -> Batch:
        pieces = split.held_out or split.train
        return windows(prepared, pieces, samples=samples, hop=hop, lead=skeleton.lead, most=most)

    chosen = some(settings.windows, settings.recipe.material.excerpt(rate=skeleton.rate, hop=skeleton.hop))
    heard_out = bool(split.held_out) and len(chosen) > 0
    if not len(chosen):  # too little, or too quiet
        chosen = learner.batches.draw(len(prepared.singers))
        learner.batches.restore({**learner.batches.state(), "drawn": torch.tensor(0)})
    return Study(
        run=run,
        settings=settings,
        origin=origin,
        learner=learner,
        windows=chosen,
        phrase=some(1, round(SECONDS * skeleton.rate / skeleton.hop) * skeleton.hop),
        joining=joinings(learner.protocols, learner.adversaries, settings.steps),
        heard_out=heard_out,
    )

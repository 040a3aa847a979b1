"""How a run goes: which evaluation was the best, when to give up hope, and what to say in the end."""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vocalise.parts.contracts import BITS, UNITS, Adversary, Protocol, Unit

# Loss from which on a voice is young, and fit. Where noise is all that differs, two renderings are 6 dB apart; clean
# voices come nearer, and nothing that is above by much has learnt its formants. Envelopes have no such noise.
STAGES = MappingProxyType({"bits": (4.5, 3.5), "distance": (8.5, 6.8), "envelope": (7.0, 4.5)})
# What to expect of a voice that has learnt nothing, and at each stage.
EXPECT = MappingProxyType(
    {
        "bits": (
            "untrained: it sings noise",
            "at its very beginning: expect noise with the melody's rhythm",
            "young: expect a whisper, at best a mumbling",
            "fit to be listened to",
        ),
        "distance": (
            "untrained: it buzzes and hisses in tune",
            "at its very beginning: expect the tune, hummed through a comb",
            "young: expect words that blur and a rough voice",
            "fit to be listened to",
        ),
        "envelope": (
            "untrained: it buzzes in tune, without words",
            "at its very beginning: expect the tune on one vowel",
            "young: expect words that blur",
            "fit to be listened to",
        ),
    }
)
LEEWAY = 0.1  # share by which the loss may lie above the least one where a critic is at work
RENAMED = MappingProxyType({"best_bits": "best_loss", "first_bits": "first_loss"})  # in older checkpoints


@dataclass(kw_only=True)
class Course:
    """Held-out evaluations so far.

    A later phase (a protocol that joins in during the run, as backtranslation does) counts as better than an earlier
    one: what it teaches does not show in held-out reconstruction, so it must get its chance. Within a phase, less loss
    is better; where a critic is at work, the later voice is, unless its loss lies well above the least one, for what a
    critic teaches makes the loss no less. Patience runs only in the last phase, from its beginning.
    """

    best_step: int = -1
    best_loss: float = math.inf
    best_phase: int = -1
    least_loss: float = math.inf  # of the phase that the best one is of
    first_loss: float = math.inf  # before the first step
    waited: int = 0  # evaluations since the best one, or since the last phase began

    def judge(self, step: int, loss: float, *, phase: int, last: bool, leeway: float = 0.0) -> bool:
        """Takes an evaluation in; whether it is the best so far.

        Args:
            step: at which it was made.
            loss: held out; one that is not finite is never the best.
            phase: how many protocols and critics have joined in.
            last: whether no phase will follow.
            leeway: share by which a later loss may lie above the least one of its phase and still be the best.
        """
        if self.best_step < 0:
            self.first_loss = loss
        fresh = phase > self.best_phase
        least = loss if fresh else min(loss, self.least_loss)
        near = leeway > 0 and loss <= least * (1 + leeway)
        better = math.isfinite(loss) and (fresh or loss < self.best_loss or near)
        if better:
            self.best_step, self.best_loss, self.best_phase, self.least_loss = step, loss, phase, least
        self.waited = 0 if better or not last else self.waited + 1
        return better

    def state(self) -> dict[str, Any]:
        """For a checkpoint; JSON has no infinity."""
        return {key: None if value == math.inf else value for key, value in asdict(self).items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Course":
        """The course that `state` was taken of."""
        known: dict[str, Any] = {
            RENAMED.get(key, key): math.inf if value is None else value for key, value in state.items()
        }
        return cls(**{"least_loss": known["best_loss"], **known})


@dataclass(frozen=True)
class Joining:
    """Somebody who joins in during the run, and when."""

    step: int
    who: str
    critic: bool  # rather than a protocol


def joinings(protocols: Sequence[Protocol], adversaries: Sequence[Adversary], steps: int) -> tuple[Joining, ...]:
    """Who joins in after the first step, in their order; those who never do are left out."""
    found = []
    for one in protocols:
        first = next((step for step in range(steps) if one.takes(step)), 0)
        found.append(Joining(first, type(one).__name__.lower(), critic=False))
    for rival in adversaries:
        first = next((step for step in range(steps) if rival.turns(step)), 0)
        found.append(Joining(first, rival.name.replace("_", " "), critic=True))
    return tuple(sorted((one for one in found if one.step), key=lambda one: (one.step, one.critic, one.who)))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a run."""

    finished: bool  # False: it was interrupted, and the same command goes on
    step: int
    steps: int
    best_step: int  # whose weights the voice has
    loss: float  # held-out, of the voice, in `unit`; NaN before the first evaluation
    unit: Unit
    voice: Path | None  # the voice file, as soon as there is one
    words: str  # all of it in plain language
    figures: Mapping[str, float]  # accuracy of the singer probe and what it is measured against


def unit_named(names: Container[str]) -> Unit:
    """The unit in which a row or a set of facts that was written earlier counts."""
    return next((unit for unit in UNITS if unit.name in names), BITS)


def verdict_words(
    course: Course, unit: Unit, *, step: int, steps: int, figures: Mapping[str, float], heard_out: bool
) -> str:
    """The verdict on a finished run, in plain language."""
    if step < steps:
        ended = f"stopped at step {step} of {steps}: it stopped improving at step {course.best_step}"
    elif course.best_step < steps:
        ended = f"trained {steps} steps, and stopped improving at step {course.best_step}"
    else:
        ended = f"trained {steps} steps, and was still improving"
    kind = "held-out" if heard_out else "training (nothing was held out)"
    gain = f" (before training {course.first_loss:.2f})" if math.isfinite(course.first_loss) else ""
    parts = [ended, f"{kind} loss {unit.shown(course.best_loss)}{gain}"]
    trace = ""
    if "probe" in figures and "chance" in figures:
        parts.append(
            f"singer probe {figures['probe']:.2f} against {figures['chance']:.2f} by chance "
            f"({figures['probe_log_mel']:.2f} on the sound itself, {figures['probe_untrained']:.2f} untrained)"
        )
        trace = f", and {_trace(figures['probe'], figures['chance'], figures['probe_log_mel'])}"
    if "phones" in figures:
        parts.append(f"codes tell {figures['phones']:.0%} of phones, against {figures['phones_chance']:.0%} by guess")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}; this voice is {_maturity(course, unit)}{trace}."


def _maturity(course: Course, unit: Unit) -> str:
    nothing, *stages = EXPECT[unit.name]
    learnt = course.first_loss - 0.25 if unit is BITS else 0.95 * course.first_loss
    return stages[maturity(course.best_loss, unit)] if course.best_loss < learnt else nothing


def maturity(loss: float, unit: Unit) -> int:
    """How far a voice has come: 0 at its beginning, 1 young, 2 fit to be listened to; a loss that is none is 0."""
    early, young = STAGES[unit.name]
    return 2 if loss <= young else int(loss <= early)


def _trace(accuracy: float, chance: float, ceiling: float) -> str:
    left = (accuracy - chance) / max(ceiling - chance, 1e-9)
    if ceiling < chance + 0.1:
        return "how much of the source singer it keeps cannot be told on so little material"
    if left < 0.15:
        return "keeps hardly a trace of the source singer"
    return "keeps some of the source singer" if left < 0.6 else "keeps much of the source singer"

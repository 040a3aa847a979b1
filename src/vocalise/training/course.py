"""How a run goes: which evaluation was the best, when to give up hope, and what to say in the end."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vocalise.parts.contracts import Protocol


@dataclass(kw_only=True)
class Course:
    """Held-out evaluations so far.

    A later phase (a protocol that joins in during the run, as backtranslation does) counts as better than an earlier
    one: what it teaches does not show in held-out reconstruction, so it must get its chance. Within a phase, fewer
    bits are better. For the same reason patience runs only in the last phase, from its beginning.
    """

    best_step: int = -1
    best_bits: float = math.inf
    best_phase: int = -1
    first_bits: float = math.inf  # before the first step
    waited: int = 0  # evaluations since the best one, or since the last phase began

    def judge(self, step: int, bits: float, *, phase: int, last: bool) -> bool:
        """Takes an evaluation in; whether it is the best so far. `last` says whether no phase will follow."""
        if self.best_step < 0:
            self.first_bits = bits
        better = (phase, -bits) > (self.best_phase, -self.best_bits) if math.isfinite(bits) else False
        if better:
            self.best_step, self.best_bits, self.best_phase = step, bits, phase
        self.waited = 0 if better or not last else self.waited + 1
        return better

    def state(self) -> dict[str, Any]:
        """For a checkpoint; JSON has no infinity."""
        return {key: None if value == math.inf else value for key, value in asdict(self).items()}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> "Course":
        """The course that `state` was taken of."""
        known: dict[str, Any] = {key: math.inf if value is None else value for key, value in state.items()}
        return cls(**known)


def phases(protocols: Sequence[Protocol], steps: int) -> tuple[int, ...]:
    """The steps at which a further protocol joins in, ascending; one that never does is left out."""
    firsts = (next((step for step in range(steps) if one.takes(step)), None) for one in protocols)
    return tuple(sorted({first for first in firsts if first}))


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a run."""

    finished: bool  # False: it was interrupted, and the same command goes on
    step: int
    steps: int
    best_step: int  # whose weights the voice has
    bits: float  # held-out, a sample, of the voice; NaN before the first evaluation
    voice: Path | None  # the voice file, as soon as there is one
    words: str  # all of it in plain language
    figures: Mapping[str, float]  # accuracy of the singer probe and what it is measured against


def verdict_words(course: Course, *, step: int, steps: int, figures: Mapping[str, float], heard_out: bool) -> str:
    """The verdict on a finished run, in plain language."""
    if step < steps:
        ended = f"stopped at step {step} of {steps}: it stopped improving at step {course.best_step}"
    elif course.best_step < steps:
        ended = f"trained {steps} steps, and stopped improving at step {course.best_step}"
    else:
        ended = f"trained {steps} steps, and was still improving"
    kind = "held-out" if heard_out else "training (nothing was held out)"
    gain = f" (before training {course.first_bits:.2f})" if math.isfinite(course.first_bits) else ""
    parts = [ended, f"{kind} bits per sample {course.best_bits:.2f}{gain}"]
    trace = ""
    if "probe" in figures and "chance" in figures:
        parts.append(
            f"singer probe {figures['probe']:.2f} against {figures['chance']:.2f} by chance "
            f"({figures['probe_log_mel']:.2f} on the sound itself, {figures['probe_untrained']:.2f} untrained)"
        )
        trace = f", and {_trace(figures['probe'], figures['chance'], figures['probe_log_mel'])}"
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}; this voice is {_maturity(course)}{trace}."


def _maturity(course: Course) -> str:
    if not course.best_bits < course.first_bits - 0.25:
        return "untrained: it sings noise"
    if course.best_bits > 4.5:
        return "at its very beginning: expect noise with the melody's rhythm"
    if course.best_bits > 3.5:
        return "young: expect a whisper, at best a mumbling"
    return "fit to be listened to"


def _trace(accuracy: float, chance: float, ceiling: float) -> str:
    left = (accuracy - chance) / max(ceiling - chance, 1e-9)
    if ceiling < chance + 0.1:
        return "how much of the source singer it keeps cannot be told on so little material"
    if left < 0.15:
        return "keeps hardly a trace of the source singer"
    return "keeps some of the source singer" if left < 0.6 else "keeps much of the source singer"

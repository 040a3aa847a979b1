"""Whether a listener could hear, and listened: post-screening by what was hidden among the conversions.

ITU-R BS.1534-3 ("post-screening") leaves out whoever misjudges the hidden reference in more than 15 % of the items. Its
scale has a hundred points and an open reference; here the same is asked without any absolute score:

    quality      a hidden real recording stands above a bad anchor              wrong in at most 15 % of all such pairs
    similarity   the target's own voice stands above the source singer's        wrong in at most a third of all pairs
    voice        a real recording of either singer is given to that singer      wrong in at most a third
    patience     no answer comes before its sounds can have been heard          so in at most 15 % of all answers

Voices can be alike, so that a third is forgiven where singers are compared; with a single pair or recording, nothing
is concluded.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vocalise.evaluation.listening.answers import Answer, Sheet
from vocalise.evaluation.listening.key import Key, Question, Trial

RULE = (
    "A listener fails who does not put hidden real recordings above the bad anchors in more than 15 % of all pairs of "
    "the two, or takes the source singer's voice to be as near to the target as the target's own in more than a third "
    "of such pairs, or gives more than a third of the real recordings to the wrong singer, or answers more than 15 % "
    "of the questions before their sounds can have been heard (after the post-screening of ITU-R BS.1534-3). Where "
    "there are fewer than two such checks, nothing is concluded from them."
)
STRICT, LENIENT = 0.15, 1.0 / 3.0
FEWEST = 2  # checks to conclude anything from
HASTE = 0.9  # of the length of the sounds: less cannot be, with a margin for clocks


@dataclass(frozen=True, kw_only=True)
class Check:
    """How often a listener was wrong where the right answer is known."""

    name: str  # quality, similarity, voice or patience
    wrong: int
    of: int
    allowed: float  # share

    @property
    def failed(self) -> bool:
        """Whether that is too often."""
        return self.of >= FEWEST and self.wrong > self.allowed * self.of


def checks(sheet: Sheet, key: Key) -> tuple[Check, ...]:
    """All that can be checked of a listener."""
    trials = {trial.id: trial for trial in key.trials}
    given = [(trials[answer.trial], answer) for answer in sheet.answers]
    return tuple(_checks(given, key))


def _checks(given: Sequence[tuple[Trial, Answer]], key: Key) -> Iterator[Check]:
    pairs: Mapping[Question, tuple[str, str, float]] = {
        "quality": ("natural", "anchor", STRICT),
        "similarity": ("target", "source", LENIENT),
    }
    for question, (upper, lower, allowed) in pairs.items():
        high = [answer.score for trial, answer in given if trial.question == question and trial.role == upper]
        low = [answer.score for trial, answer in given if trial.question == question and trial.role == lower]
        wrong = sum(one <= other for one in high for other in low)
        if high and low:
            yield Check(name=question, wrong=wrong, of=len(high) * len(low), allowed=allowed)
    known = [(trial, answer) for trial, answer in given if trial.question == "voice" and trial.role != "system"]
    if known:
        wrong = sum(answer.chosen != trial.right for trial, answer in known)
        yield Check(name="voice", wrong=wrong, of=len(known), allowed=LENIENT)
    hasty = sum(answer.seconds < HASTE * _lasts(trial, key) for trial, answer in given)
    yield Check(name="patience", wrong=hasty, of=len(given), allowed=STRICT)


def _lasts(trial: Trial, key: Key) -> float:
    """Seconds that it takes to hear everything that a question plays, once."""
    clips = (*trial.clips, trial.clips[0]) if trial.question == "systems" else trial.clips
    return sum(key.sounds[clip].stop - key.sounds[clip].start for clip in clips)

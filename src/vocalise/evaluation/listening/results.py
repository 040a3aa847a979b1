"""The results of a listening test: mean opinion scores, shares of choices, and who listened.

sheets ──screening──▶ listeners ──crossed bootstrap──▶ opinions and contrasts
                               ──Wilson, binomial──▶ choices
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vocalise.errors import ConfigError
from vocalise.evaluation.listening.answers import QUALITY, Answer, Sheet
from vocalise.evaluation.listening.crossed import Mean, crossed_mean
from vocalise.evaluation.listening.key import Key, Question, Role, Trial
from vocalise.evaluation.listening.screening import RULE, Check, checks
from vocalise.measures.intervals import wilson

ROLES: tuple[Role, ...] = ("system", "natural", "target", "source", "anchor")

Given = Sequence[tuple[str, Trial, Answer]]  # listener, question, answer


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What listeners think of a system, or of what was hidden: a mean opinion score."""

    question: Question
    role: Role
    system: str
    mean: Mean
    counts: tuple[int, ...]  # of each score, from the lowest


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """Second system minus first, over the same listeners and phrases."""

    question: Question
    first: str
    second: str
    mean: Mean


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How often X was given to the target (voice), or to where it came from (systems)."""

    question: Question
    role: Role
    system: str
    second: str  # the other system, where two were told apart
    chosen: int
    answers: int
    low: float | None  # Wilson's interval, which takes all answers for independent
    high: float | None
    p: float | None  # two-sided exact binomial test against guessing
    mean: Mean  # the same share, over listeners and phrases drawn by lot


@dataclass(frozen=True, kw_only=True)
class Listener:
    """Somebody who sent answers."""

    listener: str
    file: str
    through: str
    answers: int
    complete: bool
    checks: tuple[Check, ...]
    failed: tuple[str, ...]  # names of the checks
    counted: bool


@dataclass(frozen=True, kw_only=True)
class Results:
    """Everything that comes out of a test."""

    what: str = "vocalise listening results"
    format: int = 1
    test: str
    title: str
    systems: tuple[str, ...]
    points: int
    rule: str
    left_out: bool  # whether those who failed were left out
    listeners: tuple[Listener, ...]
    opinions: tuple[Opinion, ...]
    contrasts: tuple[Contrast, ...]
    choices: tuple[Choice, ...]
    refused: tuple[str, ...]
    seed: int
    draws: int


def evaluate_answers(
    key: Key,
    sheets: Sequence[Sheet],
    *,
    refused: Sequence[str] = (),
    leave_out: bool = False,
    seed: int = 0,
    draws: int = 2000,
) -> Results:
    """What comes out of a test; with `leave_out` without those who failed the screening.

    Raises:
        ConfigError: nobody is left.
    """
    listeners = tuple(_listener(sheet, key, leave_out) for sheet in sheets)
    counted = {one.listener for one in listeners if one.counted}
    if not counted:
        raise ConfigError(
            "Nobody's answers are left: all listeners failed the screening." if sheets else "There are no answers."
        )
    trials = {trial.id: trial for trial in key.trials}
    given = [
        (sheet.listener, trials[answer.trial], answer)
        for sheet in sheets
        if sheet.listener in counted
        for answer in sheet.answers
    ]
    mean = _Mean(seed, draws)
    return Results(
        test=key.test,
        title=key.title,
        systems=key.systems,
        points=key.points,
        rule=RULE,
        left_out=leave_out,
        listeners=listeners,
        opinions=tuple(_opinions(key, given, mean)),
        contrasts=tuple(_contrasts(key, given, mean)),
        choices=tuple(_choices(key, given, mean)),
        refused=tuple(refused),
        seed=seed,
        draws=draws,
    )


@dataclass(frozen=True)
class _Mean:
    """A mean over listeners and phrases."""

    seed: int
    draws: int

    def __call__(self, rows: Given, score: Callable[[Trial, Answer], float]) -> Mean:
        scores = {(listener, trial.item): score(trial, answer) for listener, trial, answer in rows}
        return crossed_mean(scores, seed=self.seed, draws=self.draws)


def _listener(sheet: Sheet, key: Key, leave_out: bool) -> Listener:
    found = checks(sheet, key)
    failed = tuple(check.name for check in found if check.failed)
    return Listener(
        listener=sheet.listener,
        file=sheet.file,
        through=sheet.through,
        answers=len(sheet.answers),
        complete=sheet.complete,
        checks=found,
        failed=failed,
        counted=not (failed and leave_out),
    )


def _conditions(key: Key, question: Question) -> Iterator[tuple[Role, str, str]]:
    """Role, system and second system of all that was asked about, systems first."""
    asked = {
        (trial.role, trial.system, trial.second)
        for trial in key.trials
        if trial.question == question and not trial.practice
    }
    order = {name: place for place, name in enumerate(key.systems)}
    yield from sorted(asked, key=lambda one: (ROLES.index(one[0]), order.get(one[1], 0), order.get(one[2], 0)))


def _rows(given: Given, question: Question, role: Role, systems: Iterable[str]) -> Given:
    wanted = set(systems)
    return [
        row
        for row in given
        if row[1].question == question and row[1].role == role and {row[1].system, row[1].second} - {""} == wanted
    ]


def _opinions(key: Key, given: Given, mean: _Mean) -> Iterator[Opinion]:
    scales: Mapping[Question, int] = {"quality": QUALITY, "similarity": key.points}
    for question, points in scales.items():
        for role, system, _ in _conditions(key, question):
            rows = _rows(given, question, role, {system} - {""})
            scores = [answer.score for _, _, answer in rows]
            yield Opinion(
                question=question,
                role=role,
                system=system,
                mean=mean(rows, lambda _, answer: answer.score),
                counts=tuple(scores.count(score) for score in range(1, points + 1)),
            )


def _contrasts(key: Key, given: Given, mean: _Mean) -> Iterator[Contrast]:
    for question in ("quality", "similarity"):
        for first, second in itertools.combinations(key.systems, 2):
            before, after = (
                {
                    (listener, trial.item): answer.score
                    for listener, trial, answer in _rows(given, question, "system", {name})
                }
                for name in (first, second)
            )
            apart = {both: float(after[both] - before[both]) for both in before.keys() & after.keys()}
            if apart:
                spread = crossed_mean(apart, seed=mean.seed, draws=mean.draws)
                yield Contrast(question=question, first=first, second=second, mean=spread)


def _choices(key: Key, given: Given, mean: _Mean) -> Iterator[Choice]:
    done = set()
    for question in ("voice", "systems"):
        for role, system, second in _conditions(key, question):
            pair = tuple(name for name in key.systems if name in (system, second))
            if (question, role, pair) in done:
                continue
            done.add((question, role, pair))
            rows = _rows(given, question, role, pair)
            yield _choice(question, role, pair, rows, mean)


def _choice(question: Question, role: Role, pair: tuple[str, ...], rows: Given, mean: _Mean) -> Choice:
    from scipy.stats import binomtest

    def hit(trial: Trial, answer: Answer) -> float:
        return float(answer.chosen == (trial.right if question == "voice" else answer.x))

    chosen, answers = round(sum(hit(trial, answer) for _, trial, answer in rows)), len(rows)
    low, high = wilson(chosen, answers) if answers else (None, None)
    return Choice(
        question=question,
        role=role,
        system=pair[0] if pair else "",
        second=pair[1] if len(pair) > 1 else "",
        chosen=chosen,
        answers=answers,
        low=low,
        high=high,
        p=float(binomtest(chosen, answers, 0.5).pvalue) if answers else None,
        mean=mean(rows, hit),
    )

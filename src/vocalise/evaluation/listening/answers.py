"""What listeners send back, believed only as far as it fits the key.

answers-*.json ──the key's trials, each once──▶ sheets        everything else is refused, with a reason
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vocalise.data.records import legible
from vocalise.errors import ConfigError
from vocalise.evaluation.listening.key import IDENTITY, Key, Trial, read_object

WHAT = "vocalise listening answers"
FORMAT = 1
LARGEST = 1 << 21  # bytes; an answer takes about 150
QUALITY = 5  # points of the quality scale (ITU-T P.800)
LONGEST = 86_400.0  # seconds for one question: whoever was away for longer is not believed
PLACES = ("headphones", "loudspeakers", "")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An answer to a trial: a score, or the clip that was chosen."""

    trial: str
    seconds: float  # from when the question was shown
    score: int = 0  # quality and similarity
    chosen: str = ""  # voice and systems
    x: str = ""  # systems: the clip that was played as X


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The answers of a listener."""

    listener: str
    file: str
    through: str  # headphones, loudspeakers, or empty
    complete: bool
    answers: tuple[Answer, ...]


def read_sheets(paths: Sequence[Path], key: Key) -> tuple[tuple[Sheet, ...], tuple[str, ...]]:
    """All sheets that belong to a test, each listener once, and of every other file why it is refused."""
    sheets: dict[str, Sheet] = {}
    told: dict[frozenset[Answer], str] = {}
    refused: list[str] = []
    for path in paths:
        try:
            sheet = read_sheet(path, key)
            _require_new(sheet, sheets, told)
        except ConfigError as error:
            refused.append(str(error))
            continue
        sheets[sheet.listener] = sheet
        told[frozenset(sheet.answers)] = sheet.file
    return tuple(sheets.values()), tuple(refused)


def _require_new(sheet: Sheet, sheets: Mapping[str, Sheet], told: Mapping[frozenset[Answer], str]) -> None:
    if sheet.listener in sheets:
        first = sheets[sheet.listener].file
        raise ConfigError(f"{sheet.file} is by listener {sheet.listener} again; {first} counts.")
    same = told.get(frozenset(sheet.answers))
    if same is not None:
        raise ConfigError(f"{sheet.file} holds the answers of {same} under another name, to the millisecond.")


def read_sheet(path: Path, key: Key) -> Sheet:
    """Reads one listener's answers.

    Raises:
        ConfigError: it is no such file, belongs to another test, or holds what the page cannot have written.
    """
    name = legible(path)
    data = read_object(path, LARGEST)
    if data.get("what") != WHAT or data.get("format") != FORMAT:
        raise ConfigError(f"{name} holds no answers to a listening test (format {FORMAT}).")
    if data.get("test") != key.test:
        raise ConfigError(f"{name} belongs to another test ({str(data.get('test'))!r:.20}, not {key.test!r}).")
    listener, through, complete = data.get("listener"), data.get("through"), data.get("complete")
    if not isinstance(listener, str) or not IDENTITY.fullmatch(listener):
        raise ConfigError(f"{name}: {listener!r:.40} is no listener's id.")
    if through not in PLACES or not isinstance(complete, bool):
        raise ConfigError(f"{name}: what is said of listener {listener} is not what the page writes.")
    given = data.get("answers")
    trials = {trial.id: trial for trial in key.trials if not trial.practice}
    if not isinstance(given, list) or not 1 <= len(given) <= len(trials):
        raise ConfigError(f"{name} holds no answers, or more than there are questions ({len(trials)}).")
    answers = tuple(_answer(one, trials, key, f"{name}, answer {number}") for number, one in enumerate(given, 1))
    if len({answer.trial for answer in answers}) < len(answers):
        raise ConfigError(f"{name} answers a question twice.")
    if complete and len(answers) < len(trials):
        raise ConfigError(f"{name} says that it is complete, and answers {len(answers)} of {len(trials)} questions.")
    return Sheet(listener=listener, file=name, through=str(through), complete=complete, answers=answers)


def _answer(given: Any, trials: Mapping[str, Trial], key: Key, where: str) -> Answer:
    if not isinstance(given, dict) or not isinstance(given.get("trial"), str):
        raise ConfigError(f"{where} is no answer.")
    trial = trials.get(given["trial"])
    if trial is None:
        raise ConfigError(f"{where}: the test has no question {given['trial']!r:.40}.")
    seconds = given.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0.0 <= seconds <= LONGEST:
        raise ConfigError(f"{where}: {seconds!r:.40} seconds is no time to answer in.")
    if trial.question in ("quality", "similarity"):
        score, points = given.get("score"), QUALITY if trial.question == "quality" else key.points
        if type(score) is not int or not 1 <= score <= points:
            raise ConfigError(f"{where}: {score!r:.40} is no score from 1 to {points}.")
        return Answer(trial=trial.id, seconds=float(seconds), score=score)
    chosen, x = given.get("chosen"), given.get("x")
    among = trial.clips[-2:]
    if chosen not in among or x not in (among if trial.question == "systems" else trial.clips[:1]):
        raise ConfigError(f"{where}: {chosen!r:.20} for X = {x!r:.20} is no choice of this question.")
    return Answer(trial=trial.id, seconds=float(seconds), chosen=chosen, x=x)

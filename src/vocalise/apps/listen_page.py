"""The page of a listening test, as it is listened to."""

import json
from typing import Any

from vocalise.apps.listen_words import LANGUAGES
from vocalise.apps.pages import render, sound
from vocalise.errors import ConfigError
from vocalise.evaluation.listening import Key, Listening
from vocalise.evaluation.listening.answers import FORMAT, QUALITY, WHAT


def listen_page(listening: Listening, *, language: str = "en") -> str:
    """The page as HTML: sounds and questions under ids that tell nothing, and no name of a system, song or singer.

    Raises:
        ConfigError: a language that the page does not speak.
    """
    if language not in LANGUAGES:
        raise ConfigError(f"--language {language}: the page speaks {', '.join(LANGUAGES)}.")
    words = LANGUAGES[language]
    facts = _facts(listening) | {"language": language, "words": dict(words)}
    # Within a script element nothing but "<" can begin or end anything.
    data = json.dumps(facts, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    title = listening.key.title or words["title"]
    return render("listen.html", title=title, language=language, data=data, no_script=words["no_script"])


def _facts(listening: Listening) -> dict[str, Any]:
    """What the page has to know; everything is in the order of meaningless ids."""
    key = listening.key
    groups = {item: number for number, item in enumerate(dict.fromkeys(trial.item for trial in key.trials))}
    trials = [
        {
            "id": trial.id,
            "question": trial.question,
            "clips": trial.clips,
            "practice": trial.practice,
            "group": groups[trial.item],  # of one song, which should not come twice in a row
        }
        for trial in key.trials
    ]
    return {
        "what": WHAT,
        "format": FORMAT,
        "test": key.test,
        "title": key.title,
        "questions": key.asked,
        "points": {"quality": QUALITY, "similarity": key.points},
        "minutes": max(1, round(listening.minutes)),
        "sample": _sample(key),
        "trials": trials,
        "sounds": {name: sound(wave, key.rate).partition(",")[2] for name, wave in listening.waves.items()},
    }


def _sample(key: Key) -> str:
    """What the volume is set by: a real recording if there is one, from the practice if it has one."""
    practised = [clip for trial in key.trials if trial.practice for clip in trial.clips]
    real = [clip for clip in (*practised, *key.sounds) if key.sounds[clip].role in ("natural", "reference")]
    return (real or practised)[0]

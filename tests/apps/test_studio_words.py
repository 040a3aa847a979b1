"""What the studio says: every word in every language, with the same blanks, and none that nobody says."""

import re
import string
from pathlib import Path

import pytest

import vocalise
from vocalise.apps.studio.jobs import State
from vocalise.apps.studio.words import DOINGS, LANGUAGES, WORDS, Speech

FOLDER = Path(vocalise.__file__).parent / "apps" / "studio"
HANGUL = re.compile("[가-힣]")
SPOKEN = re.compile(r"""\b(?:t|speech)\(\s*["']([\w.]+)["']""")
BUILT = ("tab.", "key.", "curve.", "state.", "kind.", "listen.")  # names that are put together


def blanks(words: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(words) if name)


@pytest.mark.parametrize("name", WORDS)
def test_every_word_is_there_in_every_language_with_the_same_blanks(name):
    assert len(WORDS[name]) == len(LANGUAGES)
    english, korean = WORDS[name]
    assert english.strip() and HANGUL.search(korean) and not HANGUL.search(english)
    assert blanks(english) == blanks(korean)


def test_all_that_is_said_is_in_the_table_and_all_in_the_table_is_said():
    texts = [
        path.read_text(encoding="utf-8")
        for path in FOLDER.rglob("*")
        if path.suffix in (".py", ".html") and path.name != "words.py"
    ]
    said = {name for text in texts for name in SPOKEN.findall(text)}
    assert said and said <= set(WORDS)
    assert {name for name in set(WORDS) - said if not name.startswith(BUILT)} == set()


def test_every_state_and_kind_of_work_has_a_name():
    from typing import get_args

    from vocalise.apps.studio.studio import KEYS
    from vocalise.apps.studio.works import WORKS

    wanted = (
        {f"state.{state}" for state in get_args(State)}
        | {f"kind.{kind}" for kind in WORKS}
        | {f"key.{key}" for key in KEYS}
    )
    assert wanted <= set(WORDS)


def test_what_the_package_does_is_told_in_korean():
    package, calls = FOLDER.parent.parent, set()
    for path in package.rglob("*.py"):
        if "apps" not in path.relative_to(package).parts:
            calls |= set(re.findall(r'progress\(\s*"([^"]+)"', path.read_text(encoding="utf-8")))
    assert len(calls) > 8 and calls - {"notice"} <= set(DOINGS)
    assert Speech("ko").doing("singing a.wav (1 of 2)") == "부르는 중 a.wav (1 of 2)"
    assert Speech("en").doing("singing") == "singing"

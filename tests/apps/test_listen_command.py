"""`vocalise listen`: a page that gives nothing away, a key beside it, and results from answers."""

import json
import re
import string
from pathlib import Path

import pytest

from tests.evaluation.listening_room import filled, furnish, send
from vocalise.apps import listen_page as page_module
from vocalise.apps.listen_words import ENGLISH, LANGUAGES
from vocalise.evaluation.listening import read_key

TEMPLATES = Path(page_module.__file__).parent / "templates"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return furnish(tmp_path_factory.mktemp("room"))


@pytest.fixture
def made(room, tmp_path, run):
    """Makes a test with further words of the command line, and returns where its page is."""

    def make(*words, systems=("kestrel", "plover")):
        page = tmp_path / "TEST.html"
        folders = [room / system for system in systems]
        ended = run("listen", "make", *folders, "--out", page, "--clips", 2, "--seconds", 1.5, *words)
        assert ended.exit_code == 0, ended.output
        assert ended.stdout.strip() == str(page)
        return page

    return make


def both(room):
    return "--source", room / "source", "--target", room / "target", "--kind", "both"


def facts(page):
    text = page.read_text(encoding="utf-8")
    return text, json.loads(re.search(r'<script type="application/json" id="test">(.*?)</script>', text, re.S)[1])


def without_sound(text, data):
    for sound in data["sounds"].values():
        text = text.replace(sound, "")
    return text


def test_the_page_names_no_system_no_singer_no_song_and_no_place(made, room):
    text, data = facts(made(*both(room)))
    readable = without_sound(text, data).casefold()
    for name in ("kestrel", "plover", "dawn", "dusk", "noon", "hill", "lake", str(room).casefold(), "room"):
        assert name not in readable
    assert not {"natural", "anchor", "role"} & {word for trial in data["trials"] for word in trial}
    key = read_key(made(*both(room)).with_name("TEST.key.json"))
    assert key.systems == ("kestrel", "plover") and data["test"] == key.test
    assert [trial["id"] for trial in data["trials"]] == [trial.id for trial in key.trials]


def test_the_page_can_reach_nobody(made):
    text, data = facts(made())
    readable = without_sound(text, data)
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", readable)
    policy = re.search(r'Content-Security-Policy" content="(.*?)"', readable)[1]
    assert "default-src 'none'" in policy and "connect-src" not in policy and "form-action 'none'" in policy
    assert not re.search(r"fetch\(|XMLHttpRequest|sendBeacon|WebSocket|userAgent", readable)


def test_a_hostile_title_stays_a_title(made):
    title = "</script><script>alert(1)</script>"
    text, data = facts(made("--title", title))
    assert data["title"] == title and "<script>alert" not in text and text.count("</script>") == 2


def test_the_same_seed_makes_the_same_page(made):
    first = made("--seed", 3).read_bytes()
    assert made("--seed", 3).read_bytes() == first != made("--seed", 4).read_bytes()


def test_what_cannot_be_asked_is_left_out_aloud_or_refused_by_name(room, tmp_path, run):
    out = ("--out", tmp_path / "TEST.html", "--seconds", 1)
    ended = run("listen", "make", room / "kestrel", *out)
    assert ended.exit_code == 0 and "'similarity' is left out: there is no real recording of the target" in ended.stderr
    assert "on 6 phrases of 4 songs, by kestrel" in ended.stderr
    ended = run("listen", "make", room / "kestrel", *out, "--clips", 60)
    assert "phrases that all systems sang; --clips asked for 60" in ended.stderr
    for words, told in (
        (("--question", "similarity"), "'similarity' cannot be asked"),
        (("--question", "taste"), "--question taste: choose quality, similarity, voice, systems"),
        (("--kind", "abx"), "none of its questions"),
        (("--kind", "x"), "choose mos, abx, both"),
        (("--language", "fr"), "speaks en, ko"),
        (("--rate", 100), "choose 8000 to 48000"),
        (("--clips", 0), "choose 1 to 60"),
    ):
        ended = run("listen", "make", room / "kestrel", *out, *words)
        assert ended.exit_code == 1 and told in ended.stderr and ended.stderr.strip().count("\n") <= 4
    ended = run("listen", "make", room / "kestrel", "--out", tmp_path / "TEST.txt")
    assert ended.exit_code == 1 and "ends in .html" in ended.stderr


def test_the_volume_is_set_by_a_real_recording(made, room):
    page = made("--source", room / "source")
    key = read_key(page.with_name("TEST.key.json"))
    assert key.sounds[facts(page)[1]["sample"]].role == "natural"
    assert facts(made())[1]["sample"] in facts(made())[1]["sounds"]


def test_only_what_is_wanted_is_asked(made, room):
    page = made(*both(room)[:4], "--question", "voice", "--question", "quality")
    assert facts(page)[1]["questions"] == ["quality", "voice"]


def test_results_are_shown_and_written_and_what_does_not_belong_is_refused(made, room, tmp_path, run):
    page = made(*both(room))
    key = read_key(page.with_name("TEST.key.json"))
    folder = tmp_path / "answers"
    folder.mkdir()
    for number in range(3):
        send(folder, filled(key, f"{number + 1:08x}"))
    (folder / "stray.json").write_text("{}")
    ended = run("listen", "results", page.with_name("TEST.key.json"), folder, "--out", tmp_path / "results")
    assert ended.exit_code == 0, ended.output
    assert "refused:" in ended.stderr and "stray.json" in ended.stderr
    shown = " ".join(ended.stdout.split())
    assert "plover sounds better than kestrel, by 2.00 points" in shown and "3 listeners counted" in shown
    assert re.search(r"kestrel 2\.00 2\.00 to 2\.00 6 3 2", shown)
    written = (tmp_path / "results" / "results.html").read_text(encoding="utf-8")
    assert "plover minus kestrel" in written and "stray.json" in written
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"results.html", "results.json", "results.csv"}


def test_whoever_fails_is_named_and_left_out_on_demand(made, room, tmp_path, run):
    page = made(*both(room))
    key = read_key(page.with_name("TEST.key.json"))
    good = [send(tmp_path, filled(key, f"0000000{n}")) for n in (1, 2)]
    bad = send(tmp_path, filled(key, "00000003", lambda t: 3 if t.question in ("quality", "similarity") else "right"))
    told = run("listen", "results", page.with_name("TEST.key.json"), *good, bad)
    assert "Failed the checks: 00000003 (quality, similarity)" in told.stdout and "They are counted" in told.stdout
    told = run("listen", "results", page.with_name("TEST.key.json"), *good, bad, "--leave-out-failed")
    assert "They are left out" in told.stdout and "2 listeners counted" in told.stdout
    told = run("listen", "results", page.with_name("TEST.key.json"), bad, "--leave-out-failed")
    assert told.exit_code == 1 and "all listeners failed" in told.stderr


def test_results_without_any_answers_or_key_end_in_one_line(made, tmp_path, run):
    key = made().with_name("TEST.key.json")
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in ((key, empty), (key, tmp_path / "none.json"), (tmp_path / "none.json", empty), (key, key)):
        ended = run("listen", "results", *words)
        assert ended.exit_code == 1 and "vocalise: " in ended.stderr and "Traceback" not in ended.stderr


def words_used():
    """Every word that the page's script looks up: by name, or put together from a question and a suffix."""
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("listen.js", "listen_parts.js"))
    plain = set(re.findall(r"\bwords\.(\w+)", script)) | set(re.findall(r'\bsay\("([\w.]+)"', script))
    return plain | set(re.findall(r'\bwords\["([\w.]+)"\]', script)) | {"play", "pause"}


def test_every_language_says_everything_that_the_page_says():
    composed = {name for name in ENGLISH if re.match(r"(quality|similarity4?|voice|systems)\.", name)}
    assert words_used() | composed | {"no_script"} == set(ENGLISH)

    def blanks(text):
        return sorted(field for _, field, _, _ in string.Formatter().parse(text) if field)

    for language, words in LANGUAGES.items():
        assert words.keys() == ENGLISH.keys(), language
        for name, text in words.items():
            assert blanks(text) == blanks(ENGLISH[name]), (language, name)
            assert text.strip() == text != ""


def test_korean_listeners_read_korean(made):
    text, data = facts(made("--language", "ko"))
    assert '<html lang="ko">' in text and data["language"] == "ko"
    left = [
        name
        for name, words in data["words"].items()
        if set(re.findall(r"[A-Za-z]+", re.sub(r"\{\w+\}", "", words))) - set("ABXSR") - {"FLAC"}
    ]
    assert left == []

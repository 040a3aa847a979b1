"""What the studio may be asked for, without a page; and what a page is told of it, in which script stays text."""

import json
import math

import pytest
import torch

from tests.apps.test_studio_workspace import beep
from vocalise.apps.studio.jobs import Jobs, write_json
from vocalise.apps.studio.scale import Bar, curves, keyboard, midi, note
from vocalise.apps.studio.studio import Studio, blended
from vocalise.apps.studio.views import Views, href
from vocalise.apps.studio.voicing import DEFAULT, Offer
from vocalise.apps.studio.words import Speech
from vocalise.apps.studio.workspace import Refused
from vocalise.audio.pitch import Contour
from vocalise.conversion import read_pitch_csv, write_pitch_csv
from vocalise.errors import VocaliseError

SCRIPT = "<script>alert(1)</script>${alert(2)}{{7*7}}"
OFFER = Offer(
    ("Ada", "Bob", SCRIPT),
    {"Ada": (200.0, 300.0, 400.0), "Bob": (100.0, 150.0, 200.0)},
    True,
    True,
    True,
    True,
    "auto",
    "aria",
    {},
)


@pytest.fixture
def studio(tmp_path, monkeypatch):
    """A studio with a song whose melody is known, in which nothing is really done."""
    monkeypatch.setattr(Jobs, "_launch", lambda self, folder: write_json(folder / "state.json", {"state": "done"}))
    studio = Studio(tmp_path / "space")
    monkeypatch.setattr(studio.offers, "of", lambda name: OFFER)
    beep(studio.space.room("songs") / "a.wav", 1.0)
    pitch = torch.full((201,), 200.0)
    pitch[50:60] = 0.0
    write_pitch_csv(studio.space.room("melodies") / "a.wav.csv", Contour(pitch, (pitch > 0).float(), 0.005))
    return studio


@pytest.fixture
def views(studio):
    return Views(studio, Speech("en"))


def wishes(studio, number):
    return studio.jobs.get(number).wishes


def test_a_conversion_is_asked_for_by_names_only(studio):
    asked = wishes(studio, studio.convert(["songs/a.wav"], DEFAULT, {"Ada": 0.7, "Bob": 0.3}, key="auto", seed=3))
    assert asked["to"] == {"Ada": 0.7, "Bob": 0.3} and asked["transpose"] == "auto" and asked["seed"] == 3
    assert str(studio.space.folder) not in json.dumps(asked)


@pytest.mark.parametrize(("key", "transpose"), [("recipe", None), ("range", "range"), ("fixed", -5.0)])
def test_the_key_becomes_what_the_converter_takes(studio, key, transpose):
    assert (
        wishes(studio, studio.convert(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, key=key, semitones=-5))["transpose"]
        == transpose
    )


@pytest.mark.parametrize(
    ("songs", "to", "key"),
    [
        (["../a.wav"], {"Ada": 1.0}, "auto"),
        (["songs/none.wav"], {"Ada": 1.0}, "auto"),
        (["songs/a.wav"], {"Eve": 1.0}, "auto"),
        (["songs/a.wav"], {"Ada": 1.0}, "sideways"),
    ],
)
def test_what_is_not_there_is_refused_before_any_work(studio, songs, to, key):
    with pytest.raises(VocaliseError):
        studio.convert(songs, DEFAULT, to, key=key)
    assert studio.jobs.all() == []


def drawing(studio, **change):
    _, contour = studio.melody_of("songs/a.wav")
    return {"song": "songs/a.wav", "pitch": [round(one, 2) for one in contour.pitch.tolist()]} | change


def test_a_melody_that_was_drawn_is_sung(studio):
    drawn = drawing(studio)
    drawn["pitch"][100:110] = [250.0] * 10
    asked = wishes(studio, studio.convert(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, drawn=json.dumps(drawn)))
    contour = read_pitch_csv(studio.space.found(asked["pitch"]))
    assert contour.pitch[105] == 250.0 and contour.pitch[55] == 0.0 and contour.pitch[99] == 200.0
    assert contour.hop == 0.005


@pytest.mark.parametrize(
    "change",
    [
        {"song": "songs/b.wav"},
        {"pitch": [200.0] * 3},
        {"pitch": [math.nan] * 201},
        {"pitch": [9e9] * 201},
        {"pitch": "x"},
        {"pitch": None},
    ],
)
def test_a_melody_that_cannot_be_is_refused(studio, change):
    with pytest.raises(VocaliseError, match="drawn"):
        studio.convert(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, drawn=json.dumps(drawing(studio, **change)))
    with pytest.raises(VocaliseError, match="drawn"):
        studio.convert(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, drawn="[" * 100_000)


@pytest.mark.parametrize(("key", "by"), [("fixed", 3.0), ("auto", 12.0), ("range", 6.0)])
def test_the_transposition_is_known_before_it_is_sung(studio, key, by):
    # Her three marks are 0, 7.0 and 12 semitones above the song: 6.3 on average, of which an octave is the nearer.
    found = studio.moved("songs/a.wav", DEFAULT, {"Ada": 1.0}, key, 3)
    assert found == pytest.approx(by)


def test_a_mixture_lies_between_its_singers():
    assert blended(OFFER, {"Ada": 1.0}) == pytest.approx((200.0, 300.0, 400.0))
    assert blended(OFFER, {"Ada": 0.5, "Bob": 0.5})[1] == pytest.approx(math.sqrt(300 * 150))
    assert blended(OFFER, {SCRIPT: 1.0}) is None


def test_a_song_that_is_not_measured_yet_is_measured_once(studio):
    beep(studio.space.room("songs") / "b.wav")
    job, contour = studio.melody_of("songs/b.wav")
    assert contour is None and job.kind == "melody" and job.wishes == {"song": "songs/b.wav"}


def test_a_run_is_not_begun_twice(studio):
    studio.train({"run": "first", "recipe": "aria", "size": "tiny"})
    with pytest.raises(VocaliseError, match="already"):
        studio.train({"run": "first", "recipe": "aria", "size": "tiny"})
    with pytest.raises(VocaliseError):
        studio.train({"run": "../first", "recipe": "aria", "size": "tiny"})


def test_a_take_is_kept_under_its_name(studio):
    given = beep(studio.space.room("uploads") / "x" / "audio.wav")
    assert studio.keep_take(str(given), "my take") == "takes/my take.wav"
    with pytest.raises(VocaliseError):
        studio.keep_take(str(beep(studio.space.room("uploads") / "x" / "audio.wav")), "../x")


def test_the_scale_shows_every_range_where_it_lies(studio, views):
    drawn = keyboard([Bar("song", (220.0, 330.0, 440.0), "song"), Bar(SCRIPT, (110.0, 165.0, 2000.0), "singer")])
    assert drawn.count('class="bar') == 2 and "A3 – A4" in drawn and SCRIPT not in drawn
    assert midi(440.0) == 69.0 and note(440.0) == "A4" and note(261.6) == "C4"
    page = views.ranges(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, "fixed", 12)
    assert "as it will be sung (+12)" in page and page.count('class="bar') == 3


def test_the_curves_show_what_the_journal_tells():
    rows = [{"kind": "step", "step": n, "bits": 5.0 - n / 100} for n in range(0, 100, 10)]
    rows += [{"kind": "evaluation", "step": n, "held_out_bits": 5.2 - n / 100} for n in (0, 50)]
    rows += [{"kind": "step", "step": 95, "bits": None}]
    drawn = curves(rows, {"training": "tr", "held_out": "ho", "title": "Loss: {unit}"})
    assert drawn.count("<polyline") == 2 and drawn.count('<circle class="held_out"') == 2 and "bits" in drawn
    again = [*rows, {"kind": "step", "step": 90, "bits": 1.0}]  # a run that went on tells its last step twice
    assert (
        len(curves(again, {"training": "", "held_out": "", "title": ""}).split('points="')[1].split('"')[0].split())
        == 10
    )
    assert curves(rows[:1], {"training": "tr", "held_out": "ho", "title": ""}) == ""


def done(studio, kind, result, state="done", **facts):
    number = studio.jobs.start(kind, facts.pop("wishes", {}), title=facts.pop("title", SCRIPT))
    folder = studio.space.room("jobs") / number
    write_json(folder / "result.json", result)
    write_json(folder / "state.json", {"state": state, **facts})


def test_script_in_any_name_stays_text(studio, views):
    entry = {
        "song": SCRIPT,
        "source": f"songs/{SCRIPT}",
        "state": "converted",
        "why": SCRIPT,
        "result": f"results/1/{SCRIPT}",
    }
    bad = {"song": SCRIPT, "source": "", "state": "failed", "why": SCRIPT, "result": None}
    done(studio, "convert", {"entries": [entry | {"seconds": 1.0, "took": 1.0}, bad | {"seconds": 0.0, "took": 0.0}]})
    row = {
        "heads": [SCRIPT],
        "rows": [[SCRIPT]],
        "findings": [{"level": "warning", "message": SCRIPT, "remedy": SCRIPT}],
    }
    done(studio, "check", {"page": "checks/1.html", "conclusion": SCRIPT, **row})
    done(studio, "enrol", {"voice": SCRIPT, "singer": SCRIPT, "after": SCRIPT, "before": SCRIPT, "nearest": SCRIPT})
    done(studio, "forget", {"voice": SCRIPT, "singer": SCRIPT})
    says = {"sayings": [{"level": "poor", "system": SCRIPT, "words": SCRIPT}], "failed": [SCRIPT], "scored": 1}
    done(studio, "evaluate", {"page": "reports/1/index.html", **says})
    done(studio, "listen", {"page": "tests/1.html", "key": "tests/1.key.json", "minutes": 3.2})
    done(studio, "estimate", {"lines": [SCRIPT]}, wishes={"recipe": SCRIPT})
    done(studio, "train", {"words": SCRIPT}, wishes={"run": "first"}, note=SCRIPT)
    done(studio, "convert", {}, state="failed", why=SCRIPT)
    pages = [views.results(), views.report(), views.places(), views.evaluations(), views.tests(), views.training()]
    pages += [views.cost({"recipe": SCRIPT}), views.work(), views.said(SCRIPT, bad=True)]
    pages += [views.ranges(["songs/a.wav"], DEFAULT, {SCRIPT: 1.0, "Ada": 1.0}, "auto", 0)]
    assert all("alert(1)" in page or page in (pages[4],) for page in pages)
    assert not any("<script" in page for page in pages)


def test_addresses_are_quoted():
    assert href('results/1/"><b>.wav') == "/files/results/1/%22%3E%3Cb%3E.wav"
    assert href("songs/a b#c?.wav", download=True) == "/files/songs/a%20b%23c%3F.wav?download=1"


def test_a_batch_with_a_bad_file_shows_both_in_the_ledger(studio, views):
    number = studio.convert(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, refused=[Refused("page.wav", "it is no sound")])
    assert wishes(studio, number)["refused"] == [{"name": "page.wav", "why": "it is no sound"}]
    entries = [{"song": "page.wav", "source": "", "state": "failed", "why": "it is no sound", "result": None}]
    entries += [
        {
            "song": "a.wav",
            "source": "songs/a.wav",
            "state": "converted",
            "why": "",
            "result": "results/1/a.wav",
            "seconds": 1.0,
        }
    ]
    write_json(studio.space.room("jobs") / number / "result.json", {"entries": entries})
    write_json(studio.space.room("jobs") / number / "state.json", {"state": "done"})
    page = views.results()
    assert (
        "1 converted, 1 failed" in page
        and "it is no sound" in page
        and page.count("data-ab>") == 0
        and page.count("data-ab ") == 1
    )


def test_a_song_with_a_band_is_told_so(studio, views):
    assert "accompaniment" not in views.ranges(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, "auto", 0)
    done(studio, "melody", {"accompanied": True}, wishes={"song": "songs/a.wav"})
    assert "seems to have accompaniment" in views.ranges(["songs/a.wav"], DEFAULT, {"Ada": 1.0}, "auto", 0)


def test_the_melody_comes_to_the_page_as_it_was_measured(studio, views):
    import html
    import re

    page = views.melody(["songs/a.wav"])
    facts = json.loads(html.unescape(re.search(r'data-melody="([^"]*)"', page)[1]))
    assert facts["song"] == "songs/a.wav" and len(facts["pitch"]) == 201 and facts["pitch"][55] == 0
    assert views.melody([]) == "" and views.melody(["songs/a.wav", "songs/a.wav"]) == ""

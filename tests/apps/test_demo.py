"""The demo's stages: what is done once is not done again, and the pair that is shown can be compared."""

import json
from pathlib import Path

import pytest

from vocalise.apps import demo as stages
from vocalise.apps import demo_first
from vocalise.apps.demo import Notebook, Setting, pair, perform_demo
from vocalise.apps.demo_first import first_song
from vocalise.apps.demo_page import _first_players
from vocalise.apps.estimate import estimate, singing_pace
from vocalise.checkpoint import Card, Voice, default, save_voice
from vocalise.data.choir import render_choir, singers
from vocalise.data.corpus import Corpus
from vocalise.devices import choose_device
from vocalise.errors import ConfigError, CorpusError
from vocalise.recipes import recipe, usvc


@pytest.fixture(scope="module")
def choir(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("choir")
    render_choir(folder, singers=3, minutes=0.2)
    return folder


def test_the_notebook_finds_a_stage_only_with_the_same_settings(tmp_path):
    notebook = Notebook(tmp_path / "demo.json")
    notebook.keep("choir", {"singers": 3}, "abc")
    again = Notebook(tmp_path / "demo.json")
    assert again.find("choir", {"singers": 3}) == "abc"
    assert again.find("choir", {"singers": 4}) is None and again.find("check", {"singers": 3}) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"choir": 3}', '{"choir": {"settings": {}}}'])
def test_a_torn_notebook_counts_as_empty(tmp_path, text):
    (tmp_path / "demo.json").write_text(text)
    assert Notebook(tmp_path / "demo.json").find("choir", {"singers": 3}) is None


def test_the_pair_sings_one_held_out_song_in_one_octave(choir):
    corpus = Corpus.open(choir)
    source, target = pair(corpus, {"Ada": 300.0, "Bruno": 150.0, "Clara": 310.0})
    assert (source.singer, target.singer) == ("Ada", "Clara") and source.song == target.song
    held = {(piece.recording.singer, piece.recording.song) for piece in corpus.split().held_out}
    assert {(one.singer, one.song) for one in (source, target)} <= held
    with pytest.raises(CorpusError, match="no two singers"):
        pair(corpus, {"Ada": 300.0})


def test_the_choir_is_rendered_once_and_anew_when_it_was_touched(tmp_path, monkeypatch):
    rendered = []

    def render(out, **settings):
        rendered.append(out)
        render_choir(out, **settings)

    monkeypatch.setattr(stages, "render_choir", render)
    setting = Setting(folder=tmp_path, singers=1, song_minutes=0.1)

    def choir():
        return stages._choir(setting, Notebook(tmp_path / "demo.json"), print, lambda *_: None)

    whole = choir().fingerprint
    assert choir().fingerprint == whole and len(rendered) == 1
    next((tmp_path / "choir").rglob("*.wav")).unlink()
    assert choir().fingerprint == whole and len(rendered) == 2


def test_both_voices_of_the_excerpt_are_the_same_samples(choir):
    source, target = pair(Corpus.open(choir), {"Ada": 300.0, "Clara": 310.0})
    heard, truth, rate = stages._excerpt(source, target, 16000)
    assert len(heard) == len(truth) <= 12 * rate and len(heard) > 3 * rate
    assert not heard.equal(truth)


def test_minutes_below_zero_are_refused():
    with pytest.raises(ConfigError, match="--minutes"):
        Setting(folder=Path("x"), minutes=0.0)


def test_an_estimate_grows_with_the_model(choir):
    corpus, device = Corpus.open(choir), choose_device("cpu")
    tiny, wider = (estimate(corpus, made, "tiny", device) for made in (usvc("tiny"), usvc("small")))
    assert tiny.parameters == sum(p.numel() for p in usvc("tiny").model.build(singers=3).parameters())
    assert 0 < tiny.memory < wider.memory and 0 < tiny.disk < wider.disk and tiny.step_seconds > 0
    assert singing_pace(usvc("tiny"), device, streams=2) > 0


def test_the_default_voice_sings_first_where_there_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(default, "files", lambda package: tmp_path)
    monkeypatch.setattr(demo_first, "SECONDS", 0.5)
    assert first_song(tmp_path, "cpu", say=print, progress=lambda *_: None) is None
    chosen = recipe("aria", "tiny")
    card = Card(minutes={}, figures={})
    model = chosen.model.build(singers=4).eval()
    (tmp_path / default.FOLDER).mkdir()
    voice = Voice(recipe=chosen, singers=tuple("abcd"), pitch_ranges={}, card=card, model=model)
    save_voice(tmp_path / default.FOLDER / default.NAME, voice, half=True)
    said: list[str] = []
    first = first_song(tmp_path, "cpu", say=said.append, progress=lambda *_: None)
    assert first is not None and [one.name for one in first.sung] == ["a", "c", "d"] and len(said) == 3
    assert first.singer not in {singer.name for singer in singers(40)}  # nobody whom a corpus of ours has had
    assert all(len(one.wave) == len(first.heard) == first.rate // 2 for one in first.sung)
    players = _first_players(first)
    assert players[0][0] == f"The source: {first.singer}" and len(players) == 4
    assert all(player.startswith("data:audio/flac") for _, player in players)


def test_a_recipe_that_the_demo_cannot_show_is_refused():
    with pytest.raises(ConfigError, match="--recipe cannot be 'nsynth': choose usvc or aria"):
        Setting(folder=Path("x"), recipe="nsynth")


@pytest.mark.slow
@pytest.mark.parametrize("trained", ["usvc", "aria"])
def test_the_whole_demo_runs_and_the_second_time_reuses_it_all(tmp_path, trained):
    facts = {"minutes": 0.05, "singers": 2, "song_minutes": 0.5, "size": "tiny", "device": "cpu"}
    setting = Setting(folder=tmp_path / "demo", recipe=trained, **facts)
    said = []
    page = perform_demo(setting, say=said.append, progress=lambda *_: None)
    assert page == tmp_path / "demo" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "data:audio/flac" in text and "real-time factor" in text
    voice = (tmp_path / f"demo/run-{trained}-tiny-0.05min/voice.safetensors").read_bytes()
    again: list[str] = []
    perform_demo(setting, say=again.append, progress=lambda *_: None)
    assert any("there already" in line for line in again) and any("converted before" in line for line in again)
    assert (tmp_path / f"demo/run-{trained}-tiny-0.05min/voice.safetensors").read_bytes() == voice
    assert json.loads((tmp_path / "demo/demo.json").read_text())["size"]["result"] == "tiny"

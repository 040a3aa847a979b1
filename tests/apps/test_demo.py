"""The demo's stages: what is done once is not done again, and the pair that is shown can be compared."""

import json
from pathlib import Path

import pytest

from vocalise.apps import demo as stages
from vocalise.apps.demo import Notebook, Setting, pair, perform_demo
from vocalise.apps.estimate import estimate, singing_pace
from vocalise.data.choir import render_choir
from vocalise.data.corpus import Corpus
from vocalise.devices import choose_device
from vocalise.errors import ConfigError, CorpusError
from vocalise.recipes import usvc


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
    tiny, wider = (estimate(corpus, recipe, "tiny", device) for recipe in (usvc("tiny"), usvc("small")))
    assert tiny.parameters == sum(p.numel() for p in usvc("tiny").model.build(singers=3).parameters())
    assert 0 < tiny.memory < wider.memory and 0 < tiny.disk < wider.disk and tiny.step_seconds > 0
    assert singing_pace(usvc("tiny"), device, streams=2) > 0


@pytest.mark.slow
def test_the_whole_demo_runs_and_the_second_time_reuses_it_all(tmp_path):
    setting = Setting(folder=tmp_path / "demo", minutes=0.05, singers=2, song_minutes=0.5, size="tiny", device="cpu")
    said = []
    page = perform_demo(setting, say=said.append, progress=lambda *_: None)
    assert page == tmp_path / "demo" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert "data:audio/flac" in text and "real-time factor" in text
    voice = (tmp_path / "demo/run-tiny-0.05min/voice.safetensors").read_bytes()
    again: list[str] = []
    perform_demo(setting, say=again.append, progress=lambda *_: None)
    assert any("there already" in line for line in again) and any("converted before" in line for line in again)
    assert (tmp_path / "demo/run-tiny-0.05min/voice.safetensors").read_bytes() == voice
    assert json.loads((tmp_path / "demo/demo.json").read_text())["size"]["result"] == "tiny"

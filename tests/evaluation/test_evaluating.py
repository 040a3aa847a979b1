"""Evaluations of voice files: every held-out song as everybody, nothing sung twice, findings in place of crashes."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.evaluation.performers import RATE, make_quick, quick, write_choir, write_voice
from tests.evaluation.test_speaker import moments, network
from vocalise.checkpoint import load_voice
from vocalise.conversion import Converter
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.errors import AudioError, ConfigError, RunError, Unsupported
from vocalise.evaluation import evaluate, read_report, systems
from vocalise.evaluation.records import Report


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    make_quick(monkeypatch)


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    """Two singers and two songs, of which one is held out."""
    folder = tmp_path_factory.mktemp("choir")
    return write_choir(folder / "data", ("ada", "bruno"), seconds=1.5)


@pytest.fixture
def voice(choir, tmp_path):
    return write_voice(tmp_path / "voices" / "mine.safetensors", choir.singers, choir.fingerprint)


@pytest.fixture
def go(choir, voice, tmp_path):
    def evaluated(*others: Path, data: Path = choir.folder, **wishes) -> Report:
        voices = [("", path) for path in (wishes.pop("voice", voice), *others)]
        return evaluate(voices, data, tmp_path / wishes.pop("out", "out"), **wishes)

    return evaluated


@pytest.fixture
def sung(monkeypatch):
    """The songs that were converted, in order; what is in `fail` goes wrong instead."""
    songs: list[str] = []
    real = Converter.prepare

    def watched(self, source, target, **rest):
        songs.append("/".join(Path(target).parts[-2:]))
        if songs[-1] in watched.fail:
            raise watched.fail[songs[-1]]
        return real(self, source, target, **rest)

    watched.fail = {}
    songs_and_failures = songs, watched.fail
    monkeypatch.setattr(Converter, "prepare", watched)
    return songs_and_failures


def words(report: Report) -> str:
    return " ".join(f"[{saying.system}:{saying.level}] {saying.words}" for saying in report.sayings)


def test_every_held_out_song_is_sung_as_everybody_and_told(go, choir, tmp_path):
    state = torch.random.get_rng_state()
    report = go(title="Ours", command="vocalise evaluate …")
    assert torch.equal(state, torch.random.get_rng_state())
    held = {piece.recording.song for piece in choir.split().held_out}
    assert len(held) == 1
    told = [(clip.source, clip.target, clip.kind, clip.state) for clip in report.clips]
    assert told == [
        ("ada", "ada", "reconstruction", "scored"),
        ("ada", "bruno", "conversion", "scored"),
        ("bruno", "ada", "conversion", "scored"),
        ("bruno", "bruno", "reconstruction", "scored"),
    ]
    assert report == read_report(tmp_path / "out") and report.title == "Ours"
    assert (report.data, report.persons, report.seed) == (choir.fingerprint, ("ada", "bruno"), 0)
    assert report.references["mel_floor"] > 1.0 and report.took > 0.0 and report.converting > 0.0
    for clip in report.clips:
        assert clip.song in held and clip.figures["length_error"] == 0.0 and clip.figures["real_time_factor"] > 0.0
        assert (tmp_path / "out" / clip.path).is_file() and (tmp_path / "out" / clip.source_path).is_file()
    system = report.systems[0]
    assert (system.name, system.recipe, system.steps) == ("mine", "usvc", 7)
    assert 0.0 <= system.figures["probe"] <= 1.0 and system.figures["probe_chance"] == 0.5
    assert "[mine:note] The songs are exactly those that were held out" in words(report)


def test_the_truth_is_the_targets_own_take_of_the_same_moments(go, tmp_path):
    report = go(seconds=1.0)
    to_bruno = report.clips[1]
    assert to_bruno.truth_path == report.clips[2].source_path  # cut alike, so that it is written once
    assert to_bruno.figures["truth_warped"] == 0.0 and to_bruno.figures["mel_source_to_truth"] > 1.0
    assert not report.clips[0].truth_path and "mel_to_truth" not in report.clips[0].figures
    assert 0.5 <= to_bruno.seconds <= 1.5


def test_nothing_is_sung_twice(go, sung, tmp_path):
    songs, _ = sung
    first = go()
    assert len(songs) == 4
    again = go()
    assert len(songs) == 4
    assert [clip.figures for clip in again.clips] == [clip.figures for clip in first.clips]
    assert again.converting == first.converting
    spoilt = tmp_path / "out" / first.clips[2].path
    soundfile.write(spoilt, np.zeros(RATE), RATE)
    assert [clip.state for clip in go().clips] == ["scored"] * 4
    assert songs[4:] == ["/".join(spoilt.parts[-2:])]


def test_an_interrupted_evaluation_goes_on_where_it_ended(go, sung, monkeypatch):
    songs, _ = sung
    first = go(out="whole")
    names, _ = list(songs), songs.clear()
    real, done = Converter.complete, []

    def stopped(self, errand, wave):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append("/".join(errand.target.parts[-2:]))
        return real(self, errand, wave)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Converter, "complete", stopped)
        go(out="parts")
    songs.clear()
    report = go(out="parts")
    assert len(done) == 2 and songs == [name for name in names if name not in done]
    assert [{**clip.figures, "real_time_factor": 0} for clip in report.clips] == [
        {**clip.figures, "real_time_factor": 0} for clip in first.clips
    ]


def test_a_conversion_that_fails_costs_itself_only(go, sung):
    songs, fail = sung
    go(out="first")
    fail[songs[1]] = AudioError("the disk\nis full")
    report = go(out="second")
    assert [clip.state for clip in report.clips] == ["scored", "failed", "scored", "scored"]
    assert report.clips[1].why == "the disk is full" and not report.clips[1].figures


def test_two_voices_are_compared_side_by_side(go, choir, tmp_path):
    other = write_voice(tmp_path / "runs" / "better" / "voice.safetensors", choir.singers, "other data")
    report = go(other, pairs=(("ada", "bruno"),))
    assert [system.name for system in report.systems] == ["mine", "better"]
    assert [(clip.system, clip.source, clip.target) for clip in report.clips] == [
        ("mine", "ada", "bruno"),
        ("better", "ada", "bruno"),
    ]
    loud = next(one for one in report.differences if one.figure == "loudness_correlation")
    assert loud.interval.value == pytest.approx(0.0, abs=1e-9)
    assert "[better:fair] These are not exactly the recordings" in words(report)


def test_voices_of_one_name_are_told_apart_by_their_folders(choir, tmp_path):
    paths = [write_voice(tmp_path / name / "run" / "voice.safetensors", choir.singers, name) for name in ("a", "b")]
    cast = systems.performers([("", path) for path in paths], torch.device("cpu"))
    assert [one.name for one in cast] == ["a", "b"]
    (alone,) = systems.performers([("", paths[0])], torch.device("cpu"))
    assert alone.name == "run"
    with pytest.raises(ConfigError, match="the same voice"):
        systems.performers([("one", paths[0]), ("two", paths[0])], torch.device("cpu"))


def test_a_voice_with_one_singer_gives_a_report(go, tmp_path):
    corpus = write_choir(tmp_path / "alone", ("ada",), seconds=1.5)
    alone = write_voice(tmp_path / "alone.safetensors", ("ada",), corpus.fingerprint)
    report = go(voice=alone, data=corpus.folder)
    assert [(clip.kind, clip.state) for clip in report.clips] == [("reconstruction", "scored")]
    assert report.persons == () and "target_heard" not in report.clips[0].figures


def test_recordings_without_the_voices_singers_are_sources_only(go, tmp_path):
    stranger = write_voice(tmp_path / "stranger.safetensors", ("eve", "zoe"))
    report = go(voice=stranger)
    assert {(clip.source, clip.target) for clip in report.clips} == {
        (source, target) for source in ("ada", "bruno") for target in ("eve", "zoe")
    }
    assert all(clip.state == "scored" and "target_heard" not in clip.figures for clip in report.clips)
    assert "held_out_bits" not in report.systems[0].figures
    assert "None of its singers is in these recordings" in words(report)


def test_a_further_singer_is_a_source_and_changes_nothing_of_what_is_held_out(go, tmp_path):
    corpus = write_choir(tmp_path / "three", ("ada", "bruno", "clara"), songs=3, seconds=1.5)
    for path in (corpus.folder / "clara").glob("03-*"):
        path.unlink()  # so that a split of all three would hold out another song
    own = Corpus.open(corpus.folder, singers=("ada", "bruno"))
    voice = write_voice(tmp_path / "two.safetensors", own.singers, own.fingerprint)
    report = go(voice=voice, data=corpus.folder, pairs=(("clara", "ada"),))
    assert [(clip.source, clip.target, clip.state) for clip in report.clips] == [("clara", "ada", "scored")]
    assert "[two:note] The songs are exactly those that were held out" in words(report)
    alone = go(voice=voice, data=corpus.folder, out="alone")
    assert {clip.source for clip in alone.clips} == {"ada", "bruno"}
    assert {clip.song for clip in alone.clips} == {piece.recording.song for piece in own.split().held_out}


def test_two_names_of_one_person_are_one_to_the_judges(go):
    report = go(same={"bruno": "ada"}, pairs=(("ada", "bruno"),))
    assert report.clips[0].kind == "reconstruction" and report.persons == ()


def test_a_speaker_network_from_disk_is_one_more_opinion(go, tmp_path):
    path = network(tmp_path / "tiny.onnx", (1, None), moments())
    report = go(speaker=path, pairs=(("ada", "bruno"),), seconds=1.0)
    assert {"speaker_target", "speaker_source"} <= set(report.clips[0].figures)


def test_songs_shorter_than_a_second_are_findings(go, tmp_path):
    corpus = write_choir(tmp_path / "brief", ("ada", "bruno"), seconds=0.7)
    report = go(voice=write_voice(tmp_path / "brief.safetensors", corpus.singers), data=corpus.folder)
    assert report.clips and {clip.state for clip in report.clips} <= {"scored", "skipped"}


def test_silent_and_damaged_files_are_passed_over_with_a_word(go, tmp_path):
    corpus = write_choir(tmp_path / "mixed", ("ada", "bruno"), seconds=1.5)
    soundfile.write(corpus.folder / "ada" / "hush.wav", np.zeros(RATE), RATE)
    whole = next((corpus.folder / "bruno").glob("*.wav"))
    (corpus.folder / "bruno" / "torn.wav").write_bytes(whole.read_bytes()[:3000])
    report = go(voice=write_voice(tmp_path / "mixed.safetensors", corpus.singers), data=corpus.folder)
    assert {clip.state for clip in report.clips} == {"scored"}
    assert "hush.wav is silent" in words(report) and "torn.wav" in words(report)


def test_sections_sing_parts_of_their_own(go, tmp_path):
    corpus = write_choir(tmp_path / "sections", ("alto1", "alto2", "bass1", "bass2"), songs=1, seconds=14.0)
    for labels in corpus.folder.rglob("*.csv"):
        labels.unlink()
    alone = write_voice(tmp_path / "sections.safetensors", corpus.singers, corpus.fingerprint)
    report = go(voice=alone, data=corpus.folder, pairs=(("alto1", "alto2"), ("alto1", "bass1")), seconds=1.0)
    own, other = report.clips
    assert own.truth_path and own.figures["truth_warped"] == 1.0
    assert not other.truth_path


def test_the_held_out_loss_is_of_the_singers_as_the_voice_numbers_them(choir, tmp_path):
    voice = quick(write_voice(tmp_path / "v.safetensors", ("zoe", "bruno", "ada")), device=torch.device("cpu"))
    prepared = prepare(choir)
    figures = systems.held_out_loss(voice, prepared, choir.split())
    assert figures["held_out_bits"] == pytest.approx(1.5 / np.log(2.0))  # as many windows of 1 (bruno) as of 2 (ada)


def test_the_held_out_loss_is_that_that_training_measures(choir, tmp_path):
    from vocalise.data.batches import Batches, windows
    from vocalise.training.held_out import held_out_loss
    from vocalise.training.learner import Learner

    voice = load_voice(write_voice(tmp_path / "v.safetensors", choir.singers))
    prepared, sides = prepare(choir), choir.split()
    shape = {
        "samples": voice.recipe.material.excerpt(rate=16000, hop=voice.model.hop),
        "hop": voice.model.condition.hop,
    }
    learner = Learner(
        voice.recipe,
        Batches(prepared, sides.train, seed=0, **shape),
        singers=2,
        steps=10,
        seed=0,
        device=torch.device("cpu"),
        precision="float32",
    )
    learner.model.load_state_dict(voice.model.state_dict())
    theirs = held_out_loss(learner, windows(prepared, sides.held_out, most=64, **shape))
    assert systems.held_out_loss(voice, prepared, sides)["held_out_bits"] == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize(
    ("wishes", "error", "match"),
    [
        ({"pairs": (("ada", "eve"),)}, ConfigError, "'eve' is nobody's voice; the voices are ada, bruno"),
        ({"pairs": (("eve", "ada"),)}, ConfigError, "'eve' has no held-out song"),
        ({"same": {"eve": "ada"}}, ConfigError, "--same: there is no singer 'eve'; the singers are ada, bruno"),
        ({"seconds": 0.0}, ConfigError, "--seconds cannot be 0"),
        ({"temperature": -1.0}, ConfigError, "temperature"),
        ({"transpose": "up"}, ConfigError, "transpose"),
        ({"judges": "jury"}, ConfigError, "there is no judge 'jury'; the choices are network"),
        ({"speaker": Path("none.onnx")}, ConfigError, "none.onnx is no file"),
    ],
)
def test_wrong_wishes_are_refused_before_any_work(go, sung, wishes, error, match):
    with pytest.raises(error, match=match):
        go(**wishes)
    assert not sung[0]


def test_a_recipe_that_hears_nothing_is_refused(go, choir, tmp_path, monkeypatch):
    monkeypatch.setattr(systems, "load_voice", load_voice)
    deaf = write_voice(tmp_path / "deaf.safetensors", choir.singers, recipe="wavenet")
    with pytest.raises(Unsupported, match="hears nothing"):
        go(voice=deaf)


def test_a_folder_that_is_something_elses_is_left_alone(go, choir, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my own page")
    with pytest.raises(RunError, match="not empty and holds no evaluation"):
        go(out="mine")
    assert (tmp_path / "mine" / "index.html").read_text() == "my own page"
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        go(out="file")


def test_another_evaluation_is_refused_by_what_differs_and_a_further_voice_may_join(go, choir, tmp_path):
    go(seconds=1.0, pairs=(("ada", "bruno"),))
    with pytest.raises(RunError, match=r"--seconds there 1.0, here 2.0"):
        go(seconds=2.0)
    with pytest.raises(RunError, match="mine is another voice"):
        go(voice=write_voice(tmp_path / "else" / "mine.safetensors", choir.singers, "else"), seconds=1.0)
    other = write_voice(tmp_path / "other.safetensors", choir.singers, "other")
    report = go(other, seconds=1.0, pairs=(("bruno", "ada"),))
    assert len(report.systems) == 2
    assert set(json.loads((tmp_path / "out" / "evaluation.json").read_text())["systems"]) == {"mine", "other"}

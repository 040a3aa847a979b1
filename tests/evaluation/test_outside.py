"""Scoring the results of other tools: files find their songs by name, and what cannot be scored says why."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.evaluation.performers import RATE, make_quick, write_choir
from vocalise.audio.files import read_wave, write_wave
from vocalise.data.choir import render_choir
from vocalise.errors import AudioError, ConfigError, RunError
from vocalise.evaluation import read_report, score_folders
from vocalise.evaluation.matching import begins, match, says, sounds_in, target_of
from vocalise.evaluation.outside import parse_cents


@pytest.fixture(autouse=True)
def _quick(request, monkeypatch):
    if request.node.get_closest_marker("slow") is None:
        make_quick(monkeypatch)


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def matched(tmp_path: Path, sources: list[str], converted: list[str]) -> dict[str, str | None]:
    source, results = touch(tmp_path / "in", *sources), touch(tmp_path / "out", *converted)
    found = match([results / name for name in converted], results, sounds_in(source, "--source"), source)
    return {
        one.converted.relative_to(results).as_posix(): one.source and one.source.path.relative_to(source).as_posix()
        for one in found
    }


def test_a_result_belongs_to_the_song_whose_name_it_begins_with(tmp_path):
    results = ["song1--as-ada.wav", "SONG1 (converted).mp3", "song10_ada.flac", "song1.wav", "other.wav", "song12.wav"]
    assert matched(tmp_path, ["song1.wav", "song10.wav"], results) == {
        "song1--as-ada.wav": "song1.wav",
        "SONG1 (converted).mp3": "song1.wav",
        "song10_ada.flac": "song10.wav",
        "song1.wav": "song1.wav",
        "other.wav": None,
        "song12.wav": None,
    }


def test_the_longest_name_wins(tmp_path):
    found = matched(tmp_path, ["song.wav", "song two.wav"], ["song two ada.wav", "song ada.wav"])
    assert found == {"song two ada.wav": "song two.wav", "song ada.wav": "song.wav"}


def test_folders_decide_among_songs_of_one_name(tmp_path):
    sources = ["ada/song.wav", "bob/song.wav"]
    results = ["ada/song.wav", "ada/song--as-bob.wav", "bob/deep/song_x.wav", "song-bob.wav", "song.wav"]
    assert matched(tmp_path, sources, results) == {
        "ada/song.wav": "ada/song.wav",
        "ada/song--as-bob.wav": "ada/song.wav",  # it speaks of whom it is to sound like
        "bob/deep/song_x.wav": "bob/song.wav",
        "song-bob.wav": "bob/song.wav",
        "song.wav": None,
    }


def test_a_single_song_takes_any_result(tmp_path):
    source, result = touch(tmp_path, "song.wav") / "song.wav", touch(tmp_path, "x/whatever.wav") / "x"
    (found,) = match([result / "whatever.wav"], result, sounds_in(source, "--source"), source)
    assert found.source is not None and found.source.path == source


def test_the_target_is_told_by_folder_or_name(tmp_path):
    source = touch(tmp_path / "in", "song.wav", "ada.wav")
    names = ["song--as-ada.wav", "ada/song.wav", "song.wav", "song ada live.wav", "ada-bob.wav", "song-ada-bob.wav"]
    results = touch(tmp_path / "out", *names)
    found = match([results / name for name in names], results, sounds_in(source, "--source"), source)
    told = [target_of(one, results, ["ada", "ada live", "bob"]) for one in found]
    assert told == ["ada", "ada", "", "ada live", "bob", ""]
    assert {target_of(one, results, ["eve"]) for one in found} == {"eve"}


def test_names_end_where_no_letter_or_digit_follows():
    assert begins("song_2", "song") and begins("song", "song") and not begins("songs", "song")
    assert says("by ada, live", "ada") and not says("adagio", "ada") and not says("anything", "")


@pytest.mark.parametrize(
    ("words", "cents"), [("12", 1200.0), ("-0.5", -50.0), ("700c", 700.0), ("-1200 cents", -1200.0), ("auto", None)]
)
def test_a_transposition_is_semitones_or_cents(words, cents):
    assert parse_cents(words) == cents


@pytest.mark.parametrize("words", ["", "up", "nan", "5000c", "c"])
def test_a_transposition_that_is_none_is_refused(words):
    with pytest.raises(ConfigError, match="--transpose"):
        parse_cents(words)


@pytest.fixture
def choir(tmp_path):
    """Ada's songs, and Bruno's, who is to be heard."""
    write_choir(tmp_path / "choir", ("ada", "bruno"))
    return tmp_path / "choir"


def convert(choir: Path, out: Path, *, singer: str = "bruno", of: str = "ada") -> Path:
    """The perfect converter: the other singer's own takes, under names that a tool would give."""
    out.mkdir(parents=True)
    for path in sorted((choir / of).glob("*.wav")):
        wave, rate = read_wave(choir / singer / path.name)
        write_wave(out / f"{path.stem}--as-{singer}.wav", wave, rate)
    return out


def test_results_are_scored_against_songs_and_truth(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    report = score_folders(choir / "ada", results, tmp_path / "scored", target=choir / "bruno")
    assert [clip.state for clip in report.clips] == ["scored", "scored"]
    for clip in report.clips:
        assert (clip.source, clip.target, clip.system) == ("ada", "bruno", "tool")
        assert clip.figures["mel_to_truth"] == pytest.approx(0.0, abs=1e-6)
        assert clip.figures["truth_warped"] == 0.0
        assert clip.figures["mel_source_to_truth"] > 3.0
        assert clip.heard["network"] == (1.0, 0.0) and clip.figures["target_heard"] == 0.0
    assert report == read_report(tmp_path / "scored")
    assert {one.name for one in (tmp_path / "scored").iterdir()} >= {"report.json", "clips.csv", "summary.csv"}


def test_takes_without_common_labels_are_warped(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    for labels in (choir / "bruno").glob("*.csv"):
        labels.unlink()
    report = score_folders(choir / "ada", results, tmp_path / "scored", target=choir / "bruno")
    assert {clip.figures["truth_warped"] for clip in report.clips} == {1.0}


def test_without_a_target_nobody_is_judged(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    report = score_folders(choir / "ada", results, tmp_path / "scored")
    assert all(clip.state == "scored" and not clip.heard and not clip.target for clip in report.clips)
    assert all("melody_kept" in clip.figures and "target_heard" not in clip.figures for clip in report.clips)
    assert report.persons == () and report.judges == ()


def test_another_rate_format_and_length_are_no_obstacle(choir, tmp_path):
    results = tmp_path / "tool"
    results.mkdir()
    first, second = sorted((choir / "ada").glob("*.wav"))
    write_wave(results / f"{first.stem}.flac", read_wave(first)[0], RATE, to_rate=44100)
    stereo = torch.stack([read_wave(second, rate=22050)[0]] * 2)[:, : 2 * 22050]
    write_wave(results / f"{second.stem}_x.ogg", stereo, 22050)
    report = score_folders(choir / "ada", results, tmp_path / "scored")
    one, other = report.clips
    assert one.state == other.state == "scored"
    assert one.figures["melody_kept"] > 0.95 and one.figures["length_error"] < 1e-3
    assert other.figures["length_error"] == pytest.approx(2.0, abs=0.01)


def test_an_octave_is_found_and_taken_off_when_asked(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")  # low voices sing an octave below high ones
    there = score_folders(choir / "ada", results, tmp_path / "one")
    found = score_folders(choir / "ada", results, tmp_path / "two", transpose=None)
    assert all(clip.figures["melody_kept"] < 0.2 for clip in there.clips)
    assert all(clip.figures["transposition"] == -1200.0 for clip in found.clips)
    assert all(clip.figures["melody_kept"] > 0.6 for clip in found.clips)
    assert any("-1200 cents in 2" in saying.words for saying in found.sayings)


def test_bad_files_cost_themselves_only(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    first, second = sorted(results.iterdir())
    damaged = first.read_bytes()[:2000]
    first.write_bytes(damaged)
    soundfile.write(results / "nobody-knows-this.wav", np.zeros(RATE), RATE)
    report = score_folders(choir / "ada", results, tmp_path / "scored", target=choir / "bruno")
    states = {Path(clip.path).name: (clip.state, clip.why) for clip in report.clips}
    assert states[second.name][0] == "scored"
    assert states[first.name][0] == "failed" and "truncated" in states[first.name][1]
    assert states["nobody-knows-this.wav"] == ("skipped", "no source has a name that it begins with")


def test_a_silent_song_is_skipped_and_a_silent_result_is_a_failure(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    soundfile.write(choir / "ada" / "hush.wav", np.zeros(RATE), RATE)
    soundfile.write(results / "hush_x.wav", np.zeros(RATE), RATE)
    silenced = sorted(results.glob("*--as-*"))[0]
    soundfile.write(silenced, np.zeros(4 * RATE), RATE)
    report = score_folders(choir / "ada", results, tmp_path / "scored", target=choir / "bruno")
    clips = {Path(clip.path).name: clip for clip in report.clips}
    assert clips["hush_x.wav"].state == "skipped" and "silent" in clips["hush_x.wav"].why
    assert clips[silenced.name].state == "scored" and clips[silenced.name].figures["silence"] > 0.9


def test_two_tools_are_compared(choir, tmp_path):
    good, bad = convert(choir, tmp_path / "good"), convert(choir, tmp_path / "bad", singer="ada")
    for path in bad.iterdir():
        path.rename(path.with_name(path.name.replace("as-ada", "as-bruno")))
    report = score_folders(choir / "ada", good, tmp_path / "scored", target=choir / "bruno", against=bad)
    assert [system.name for system in report.systems] == ["good", "bad"]
    difference = next(one for one in report.differences if one.figure == "mel_to_truth")
    assert (difference.first, difference.second) == ("good", "bad") and difference.interval.value > 3.0


def test_songs_without_a_result_are_named(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    next(iter(sorted(results.iterdir()))).unlink()
    report = score_folders(choir / "ada", results, tmp_path / "scored")
    assert any("1 of 2 songs have no result" in saying.words for saying in report.sayings)


def test_what_judges_learnt_from_is_said(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    report = score_folders(choir / "ada", results, tmp_path / "scored", target=choir / "bruno")
    words = " ".join(saying.words for saying in report.sayings)
    assert "learnt the voice of ada from songs that they then judge" in words


def test_two_folders_of_one_name_are_two_singers(choir, tmp_path):
    (choir / "ada").rename(tmp_path / "vocals")
    (choir / "bruno").rename(choir / "vocals")
    (tmp_path / "tool").mkdir()
    for path in (tmp_path / "vocals").glob("*.wav"):
        (tmp_path / "tool" / path.name).write_bytes(path.read_bytes())
    target = choir / "vocals"
    report = score_folders(tmp_path / "vocals", tmp_path / "tool", tmp_path / "scored", target=target)
    assert report.persons == ("vocals (source)", "vocals (target)")


@pytest.mark.slow
def test_with_real_ears_the_perfect_tool_is_good_and_the_idle_one_is_not(tmp_path):
    render_choir(tmp_path / "choir", singers=2, minutes=2.0)
    sources, targets = tmp_path / "choir" / "Ada", tmp_path / "choir" / "Bruno"
    perfect, idle = tmp_path / "perfect", tmp_path / "idle"
    for folder, made_from in ((perfect, targets), (idle, sources)):
        folder.mkdir()
        for path in sorted(made_from.glob("*.wav"))[:2]:
            (folder / path.name).write_bytes(path.read_bytes())
    report = score_folders(
        sources, perfect, tmp_path / "scored", target=targets, against=idle, transpose=None, judges="gaussian"
    )
    means = {row.system: row.figures for row in report.rows if row.group == "conversions"}
    assert means["perfect"]["target_heard"].value > 0.8 and means["perfect"]["source_heard"].value < 0.2
    assert means["perfect"]["melody_kept"].value > 0.8 and means["perfect"]["content_kept"].value > 0.5
    assert means["idle"]["target_heard"].value < 0.2 and means["idle"]["source_heard"].value > 0.8
    assert report.judges[0].accuracy > 0.9 and report.judges[0].disjoint


def test_wrong_places_are_refused_in_one_line(choir, tmp_path):
    results = convert(choir, tmp_path / "tool")
    with pytest.raises(AudioError, match=r"--source: .* does not exist"):
        score_folders(tmp_path / "none", results, tmp_path / "scored")
    (tmp_path / "empty").mkdir()
    with pytest.raises(AudioError, match=r"--converted: .* holds no sound file"):
        score_folders(choir / "ada", tmp_path / "empty", tmp_path / "scored")
    with pytest.raises(AudioError, match="the same place"):
        score_folders(choir / "ada", choir / "ada", tmp_path / "scored")
    with pytest.raises(RunError, match="not empty and holds no evaluation"):
        score_folders(choir / "ada", results, choir)
    with pytest.raises(ConfigError, match="--same: there is no singer 'eve'"):
        score_folders(choir / "ada", results, tmp_path / "scored", same={"eve": "ada"})

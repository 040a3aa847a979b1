"""`vocalise evaluate` and `vocalise score` on the command line: what they print where, and how they end."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.evaluation.performers import RATE, make_quick, write_choir, write_voice
from vocalise.apps import evaluation_page
from vocalise.conversion import Converter
from vocalise.evaluation import systems


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    make_quick(monkeypatch)


@pytest.fixture
def _no_page(monkeypatch):
    """Pages take seconds to draw."""
    monkeypatch.setattr(evaluation_page, "evaluation_page", lambda report, folder, **rest: report.title)


plain = pytest.mark.usefixtures("_no_page")


@pytest.fixture(scope="module")
def choir(tmp_path_factory):
    return write_choir(tmp_path_factory.mktemp("choir") / "data", ("ada", "bruno"), seconds=1.5)


@pytest.fixture
def voice(choir, tmp_path):
    return write_voice(tmp_path / "mine.safetensors", choir.singers, choir.fingerprint)


@pytest.mark.parametrize("command", ["evaluate", "score"])
def test_both_explain_themselves(run, command):
    ended = run(command, "--help")
    assert ended.exit_code == 0 and "--against" in ended.stdout
    assert command in run("--help").stdout
    assert run(command).exit_code == 2


def test_evaluate_leaves_a_page_tables_and_sound_and_says_how_good_it_is(run, choir, voice, tmp_path):
    out = tmp_path / "out"
    ended = run("evaluate", choir.folder, "--voice", voice, "--pairs", "ada>bruno", "--out", out)
    assert ended.exit_code == 0, ended.output
    lines = ended.stdout.splitlines()
    assert lines[-1] == f"page: {out / 'index.html'}"
    assert any("melody kept" in line and "%" in line for line in lines)
    assert "1 scored, 0 skipped, 0 failed." in ended.stdout
    assert "converting" in ended.stderr and "measuring" in ended.stderr
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>")
    assert json.loads((out / "report.json").read_text(encoding="utf-8"))["systems"][0]["name"] == "mine"
    assert len(list((out / "converted").rglob("*.wav"))) == 1


@plain
def test_evaluate_compares_two_voices(run, choir, voice, tmp_path):
    other = write_voice(tmp_path / "theirs.safetensors", choir.singers, "else")
    words = ("--voice", voice, "--against", other, "--pairs", "ada>bruno", "--out", tmp_path / "out")
    ended = run("evaluate", choir.folder, *words)
    assert ended.exit_code == 0, ended.output
    head = next(line for line in ended.stdout.splitlines() if "difference" in line)
    assert "mine" in head and "theirs" in head


@plain
def test_a_failed_clip_is_told_and_ends_well_where_others_were_scored(run, choir, voice, tmp_path, monkeypatch):
    real = Converter.prepare

    def fails(self, source, target, **rest):
        if "as-bruno" in str(target):
            raise MemoryError
        return real(self, source, target, **rest)

    monkeypatch.setattr(Converter, "prepare", fails)
    ended = run("evaluate", choir.folder, "--voice", voice, "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.output
    assert "failed: mine: 01-row-your-boat as bruno: there is not enough memory" in ended.stderr
    nothing = run("evaluate", choir.folder, "--voice", voice, "--pairs", "ada>bruno", "--out", tmp_path / "none")
    assert nothing.exit_code == 1 and (tmp_path / "none" / "index.html").is_file()


def test_an_interruption_says_how_to_go_on(run, choir, voice, tmp_path, monkeypatch):
    def stopped(self, source, target, **rest):
        raise KeyboardInterrupt

    monkeypatch.setattr(Converter, "prepare", stopped)
    ended = run("evaluate", choir.folder, "--voice", voice, "--out", tmp_path / "out")
    assert ended.exit_code == 130
    assert "Songs that are converted stay; the same command passes them over and goes on." in ended.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--pairs", "ada>eve"), "'eve' is nobody's voice; the voices are ada, bruno"),
        (("--pairs", "ada"), "is no pair"),
        (("--judges", "jury"), "there is no judge 'jury'"),
        (("--singers", "eve"), "There is no singer 'eve'"),
        (("--device", "abacus"), "abacus"),
        (("--transpose", "12"), "--transpose has no meaning for it"),
    ],
)
def test_wrong_wishes_are_refused_in_one_line(run, choir, voice, tmp_path, words, told):
    ended = run("evaluate", choir.folder, "--voice", voice, "--out", tmp_path / "out", *words)
    assert ended.exit_code == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith("vocalise: ") and told in last


def test_a_file_that_is_no_voice_is_refused(run, choir, tmp_path, monkeypatch):
    from vocalise.checkpoint import load_voice

    monkeypatch.setattr(systems, "load_voice", load_voice)
    (tmp_path / "no.safetensors").write_text("no voice")
    for path in (tmp_path / "no.safetensors", tmp_path / "none.safetensors"):
        ended = run("evaluate", choir.folder, "--voice", path, "--out", tmp_path / "out")
        assert ended.exit_code == 1 and path.name in ended.stderr and not (tmp_path / "out").exists()


@pytest.fixture
def results(choir, tmp_path) -> Path:
    """What another tool made of Ada's songs: Bruno's own takes."""
    folder = tmp_path / "tool"
    folder.mkdir()
    for path in (choir.folder / "bruno").glob("*.wav"):
        shutil.copy(path, folder / f"{path.stem} (bruno).wav")
    return folder


@plain
def test_score_measures_another_tool(run, choir, results, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("--source", choir.folder / "ada", "--converted", results, "--target", choir.folder / "bruno")
    ended = run("score", *words, "--transpose", "auto")
    assert ended.exit_code == 0, ended.output
    assert ended.stdout.splitlines()[-1] == f"page: {Path('tool-scored', 'index.html')}"
    assert "2 scored" in ended.stdout and "Transposition found and taken off" in ended.stdout
    assert (tmp_path / "tool-scored" / "index.html").is_file()


@plain
def test_score_says_what_it_could_not_match_and_fails_where_nothing_is_left(run, choir, results, tmp_path):
    soundfile.write(results / "stranger.wav", np.zeros(RATE), RATE)
    ended = run("score", "--source", choir.folder / "ada", "--converted", results, "--out", tmp_path / "out")
    assert ended.exit_code == 0
    assert "skipped: tool: stranger: no source has a name that it begins with" in ended.stderr
    for path in results.glob("0*"):
        path.unlink()
    ended = run("score", "--source", choir.folder / "ada", "--converted", results, "--out", tmp_path / "none")
    assert ended.exit_code == 1


def test_score_refuses_wrong_places_in_one_line(run, choir, results, tmp_path):
    ended = run("score", "--source", tmp_path / "nowhere", "--converted", results, "--out", tmp_path / "out")
    assert ended.exit_code == 1 and "--source: " in ended.stderr and "does not exist" in ended.stderr
    ended = run("score", "--source", choir.folder, "--converted", results, "--transpose", "up")
    assert ended.exit_code == 1 and "--transpose cannot be 'up'" in ended.stderr

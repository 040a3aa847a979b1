"""The command line, command by command: what it prints where, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
import torch

from vocalise.checkpoint import Card, Voice, save_voice
from vocalise.parts.contracts import BITS
from vocalise.recipes import RECIPES, SIZES, recipe
from vocalise.training import loop
from vocalise.training.course import Verdict

COMMANDS = ("check", "choir", "train", "convert", "live", "evaluate", "score", "listen", "recipes", "demo")


@pytest.fixture
def voice(tmp_path):
    torch.manual_seed(0)
    chosen = recipe("usvc", "tiny")
    path = tmp_path / "voice.safetensors"
    model = chosen.model.build(singers=2).eval()
    save_voice(
        path,
        Voice(recipe=chosen, singers=("ada", "bob"), pitch_ranges={}, card=Card(minutes={}, figures={}), model=model),
    )
    return path


def song(path, samples=1600):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * np.arange(samples) / 16000), 16000)
    return path


def test_help_loads_nothing_heavy():
    script = (
        "import sys; sys.argv = ['vocalise', '--help']\n"
        "from vocalise.apps.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'soundfile', 'scipy', 'rich.table'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr
    assert all(command in ended.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run, command):
    ended = run(command, "--help")
    assert ended.exit_code == 0 and "Usage: vocalise" in ended.output.replace("root", "vocalise")


def test_the_version_is_that_of_the_package(run):
    ended = run("--version")
    assert ended.exit_code == 0 and ended.output.startswith("vocalise ")


@pytest.mark.parametrize(
    "words", [("bogus",), ("check",), ("train", "usvc", "data"), ("choir", "out", "--singers", "x")]
)
def test_wrong_usage_exits_2(run, words):
    assert run(*words).exit_code == 2


def test_recipes_shows_every_recipe_with_parts_sizes_and_paper(run):
    shown = run("recipes").stdout
    for name in RECIPES:
        assert any(line.strip().startswith(f"{name}:") and "20" in line for line in shown.splitlines())
    assert all(size in shown for size in SIZES)
    assert "Reconstruction →" in shown and "Backtranslation" in shown and "SingerConfusion" in shown
    small = sum(p.numel() for p in recipe("usvc", "small").model.build(singers=6).parameters())
    assert f"{small:,}" in shown


def test_check_prints_a_table_and_what_training_would_cost(run, data):
    ended = run("check", data, "--size", "tiny", "--device", "cpu")
    assert ended.exit_code == 0
    assert "ada" in ended.stdout and "bob" in ended.stdout and "An estimate for usvc at size tiny" in ended.stdout
    assert "too little to learn a voice" in ended.stdout
    assert "hearing 100 %" in ended.stderr


def test_check_json_is_alone_on_standard_output(run, data, tmp_path):
    page = tmp_path / "pages" / "check.html"
    ended = run("check", data, "--json", "--size", "tiny", "--device", "cpu", "--page", page)
    facts = json.loads(ended.stdout)
    assert facts["trainable"] and [one["singer"] for one in facts["singers"]] == ["ada", "bob"]
    assert facts["singers"][0]["pitch"][1] == pytest.approx(330, rel=0.02)
    cost = facts["estimate"]
    assert cost["is_an_estimate"] and cost["step_seconds"] > 0 and cost["memory"] > 1e8 and cost["disk"] > 1e6
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert str(page) in ended.stderr


def test_check_exits_1_where_nothing_can_be_trained_on(run, data, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "missing"):
        ended = run("check", path)
        assert ended.exit_code == 1 and ended.stdout == ""
        assert ended.stderr.startswith("vocalise: ") and ended.stderr.count("\n") == 1
    for path in data.rglob("*.wav"):
        soundfile.write(path, np.zeros(16000), 16000)
    ended = run("check", data)
    assert ended.exit_code == 1 and "cannot be trained on" in ended.stdout


def test_check_json_tells_a_failure_as_json_too(run, tmp_path):
    ended = run("check", tmp_path / "missing", "--json")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["trainable"] is False and "does not exist" in json.loads(ended.stdout)["error"]


def test_check_takes_a_choice_of_singers_and_files(run, data):
    facts = json.loads(run("check", data, "--json", "--size", "tiny", "--singers", "bob", "--exclude", "*.mp3").stdout)
    assert [one["singer"] for one in facts["singers"]] == ["bob"]
    ended = run("check", data, "--singers", "eve")
    assert ended.exit_code == 1 and "the singers are ada, bob" in ended.stderr


def test_choir_renders_and_says_what_comes_next(run, tmp_path):
    ended = run("choir", tmp_path / "choir", "--singers", "1", "--minutes", "0.1")
    assert ended.exit_code == 0 and "vocalise check" in ended.stdout
    assert list((tmp_path / "choir").rglob("*.wav"))
    assert run("choir", tmp_path / "choir", "--singers", "0").exit_code == 1


@pytest.fixture
def trained(monkeypatch):
    """Stands in for the training; keeps what it was asked for."""
    asked = {}

    def train(recipe, corpus, folder, **wishes):
        asked.update(wishes, recipe=recipe, corpus=corpus, folder=folder)
        finished = recipe.material.batch != 7
        voice = folder / "voice.safetensors" if finished else None
        return Verdict(
            finished=finished,
            step=3,
            steps=9,
            best_step=3,
            loss=4.0,
            unit=BITS,
            voice=voice,
            words="It went well.",
            figures={},
        )

    monkeypatch.setattr(loop, "train", train)
    return asked


def test_train_passes_every_option_on_and_says_what_comes_next(run, data, tmp_path, trained):
    words = "--size tiny --steps 9 --device cpu --set material.batch=3 --set weights.singer=0.5 --singers ada,bob"
    notes = ("--licence", "CC0", "--consent", "they know", "--seed", "4")
    ended = run("train", "usvc", data, "--out", tmp_path / "run", *words.split(), *notes)
    assert ended.exit_code == 0, ended.stderr
    assert trained["recipe"].material.batch == 3 and trained["recipe"].weights["singer"] == 0.5
    assert trained["corpus"].singers == ("ada", "bob") and trained["folder"] == tmp_path / "run"
    wanted = {"steps": 9, "minutes": None, "device": "cpu", "licence": "CC0", "consent": "they know", "seed": 4}
    assert {name: trained[name] for name in wanted} == wanted
    assert ended.stdout.startswith("It went well.\nNext: vocalise convert SONG --voice")


def test_an_interrupted_training_exits_130_and_says_how_to_go_on(run, data, tmp_path, trained):
    ended = run("train", "usvc", data, "--out", tmp_path / "run", "--set", "material.batch=7")
    assert ended.exit_code == 130 and "same command again" in ended.stderr and "Next:" not in ended.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bogus",), "the choices are autoencoder, wavenet, nsynth, umt, usvc"),
        (("usvc", "--size", "huge"), "the choices are paper"),
        (("usvc", "--set", "model.nothing=3"), "has no field 'nothing'"),
        (("usvc", "--set", "material.batch=lots"), "cannot be 'lots'"),
    ],
)
def test_train_refuses_what_does_not_exist_with_the_choices(run, data, tmp_path, trained, words, said):
    ended = run("train", words[0], data, "--out", tmp_path / "run", *words[1:])
    assert ended.exit_code == 1 and said in ended.stderr and ended.stderr.count("\n") == 1 and not trained


def test_convert_writes_songs_and_prints_a_ledger(run, tmp_path, voice):
    source = song(tmp_path / "song.wav", 1601)
    ended = run("convert", source, "--voice", voice, "--to", "bob", "--out", tmp_path / "sung.wav", "--device", "cpu")
    assert ended.exit_code == 0, ended.stderr
    assert "1 converted, 0 skipped, 0 failed." in ended.stdout
    assert soundfile.info(tmp_path / "sung.wav").frames == 1601


def test_convert_follows_a_table_of_who_sings(run, tmp_path, voice):
    source, table = song(tmp_path / "song.wav"), tmp_path / "who.csv"
    table.write_text("time_s,Bob,ada\n0,1,0\n0.1,0.5,0.5\n")
    words = ("--voice", voice, "--to-curve", table, "--out", tmp_path / "sung.wav", "--device", "cpu")
    ended = run("convert", source, *words)
    assert ended.exit_code == 0 and soundfile.info(tmp_path / "sung.wav").frames == 1600


def test_convert_goes_on_after_a_failure_and_exits_1(run, tmp_path, voice):
    good, bad = song(tmp_path / "songs/good.wav", 800), tmp_path / "songs/bad.wav"
    bad.write_bytes(b"no sound at all")
    ended = run("convert", good, bad, "--voice", voice, "--to", "ada", "--out", tmp_path / "out", "--device", "cpu")
    assert ended.exit_code == 1 and "1 converted, 0 skipped, 1 failed." in ended.stdout
    assert "bad.wav" in ended.stderr and "Traceback" not in ended.stderr
    assert (tmp_path / "out/good.wav").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--to", "eve"), "it knows ada, bob"),
        (("--to", "ada", "--transpose", "3"), "--transpose"),
        (("--to", "ada", "--temperature", "-1"), "temperature"),
        (("--to", "ada", "--device", "abacus"), "the choices are auto"),
        (("--to", "ada", "--rate", "7"), "out of range"),
        (("--to", "ada", "--pitch-in", "missing.csv"), "missing.csv"),
        (("--to", "ada", "--formant", "3"), "--formant"),
        (("--to", "ada", "--breath", "-3"), "--breath"),
        (("--to", "ada", "--to-curve", "missing.csv"), "give one of them"),
        (("--to-curve", "missing.csv"), "missing.csv"),
    ],
)
def test_convert_refuses_impossible_wishes_in_one_line(run, tmp_path, voice, options, said):
    source = song(tmp_path / "song.wav")
    ended = run("convert", source, "--voice", voice, "--out", tmp_path / "sung.wav", *options)
    assert ended.exit_code == 1 and said in ended.stderr and ended.stderr.count("\n") == 1
    assert not (tmp_path / "sung.wav").exists()


def test_convert_refuses_what_is_no_voice(run, tmp_path):
    source = song(tmp_path / "song.wav")
    ended = run("convert", source, "--voice", source, "--to", "ada", "--out", tmp_path / "sung.wav")
    assert ended.exit_code == 1 and "not a voice file" in ended.stderr


def test_a_singers_name_that_the_terminal_cannot_write_does_no_harm(data, tmp_path):
    (data / "bob").rename(data / "Бо\u0301б 🎤")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "vocalise.apps.cli", "check", str(data), "--size", "tiny", "--device", "cpu"]
    ended = subprocess.run(words, capture_output=True, env=environment, timeout=300)
    assert ended.returncode == 0, ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c_during_a_check_exits_130_in_one_line(data):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    rate = 16000
    noise = 0.1 * np.random.default_rng(0).standard_normal(5 * rate)
    for number in range(40):
        soundfile.write(data / "ada" / f"{number}.wav", noise[number:], rate)
    words = [sys.executable, "-m", "vocalise.apps.cli", "check", str(data), "--size", "tiny", "--device", "cpu"]
    # Where the tests themselves run in the background, SIGINT is ignored, and children would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        checking = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    finally:
        signal.signal(signal.SIGINT, before)
    assert checking.stderr is not None
    with checking:
        first = checking.stderr.readline()
        time.sleep(0.2)
        checking.send_signal(signal.SIGINT)
        try:
            _, rest = checking.communicate(timeout=300)
        finally:
            checking.kill()  # which does nothing to one that has ended
    assert checking.returncode == 130, first + rest
    assert "Traceback" not in rest and "vocalise: interrupted." in rest

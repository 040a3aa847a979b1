"""The scripts in runs/: they are well-formed, they say how they are used, and one of them is run from nothing."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from vocalise.audio.files import read_wave, write_wave
from vocalise.data.choir import render_choir

RUNS = Path(__file__).resolve().parent.parent / "runs"
SCRIPTS = sorted(RUNS.glob("*.sh"))
BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None or os.name == "nt", reason="the scripts are for bash")


def bash(*words, **environment):
    return subprocess.run(
        [str(BASH), *map(str, words)],
        cwd=RUNS.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_there_are_scripts():
    assert len(SCRIPTS) >= 6


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_well_formed_and_says_what_it_needs(script):
    assert bash("-n", script).returncode == 0
    alone = bash(script)
    assert alone.returncode != 0
    assert "say " in alone.stderr or "give " in alone.stderr
    assert f"runs/{script.name}" in script.read_text("utf-8")  # how it is called


@pytest.mark.slow
def test_a_row_comes_out_of_nothing(tmp_path):
    program = tmp_path / "vocalise"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m vocalise.apps.cli "$@"\n', "utf-8")
    program.chmod(0o755)
    corpus = tmp_path / "choir"
    subprocess.run([program, "choir", corpus, "--singers", "3", "--minutes", "1"], check=True, capture_output=True)
    made = bash(
        RUNS / "chant.sh",
        "vaevc",
        tmp_path / "work",
        DATA=str(tmp_path),
        CORPUS=str(corpus),
        SINGERS="Ada,Bruno,Clara",
        SIZE="tiny",
        MINUTES="0.1",
        SET="weights.kl=2 optimiser.rate=0.002",
        PAIRS="Ada>Bruno,Bruno>Clara",
        SECONDS_OF_SONG="4",
        VOCALISE=str(program),
        PYTHON=sys.executable,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert made.stdout.splitlines()[-1].startswith("| `vaevc` |")
    assert '"kl": 2' in (tmp_path / "work" / "run" / "recipe.json").read_text("utf-8")


def test_of_a_stranger_the_stretch_is_heard_in_which_most_is_sung(tmp_path):
    spec = importlib.util.spec_from_file_location("unseen", RUNS / "unseen.py")
    unseen = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(unseen)
    wave = torch.zeros(6 * 8000)
    wave[500:600] = 0.9  # a knock
    wave[24_000:40_000] = 0.3 * torch.sin(0.2 * torch.arange(16_000))
    write_wave(tmp_path / "song.wav", wave, 8000)
    unseen._cut(tmp_path / "song.wav", tmp_path / "cut" / "song.wav", 2.0)
    heard, rate = read_wave(tmp_path / "cut" / "song.wav")
    assert rate == 8000 and len(heard) == 16_000
    assert torch.allclose(heard, wave[24_000:40_000], atol=1e-3)


@pytest.mark.slow
def test_strangers_are_converted_and_told_in_a_table(tmp_path):
    render_choir(tmp_path / "choir", singers=1, minutes=0.5)
    song = sorted((tmp_path / "choir").glob("*/*.wav"))[0]
    words = [sys.executable, RUNS / "unseen.py", tmp_path / "work", song, "--to", "Ada,Bruno", "--seconds", "5"]
    made = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    heading, _, row, mean = made.stdout.splitlines()[-4:]
    assert (
        heading.startswith("| song | RPA50") and row.startswith(f"| {song.stem} |") and mean.startswith("| mean of 1 |")
    )
    assert float(row.split("|")[2]) > 0.9


def test_a_script_fails_in_one_line(tmp_path):
    words = [sys.executable, str(RUNS / "unseen.py"), str(tmp_path / "work"), str(tmp_path / "nobody.wav")]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 1 and made.stdout == ""
    assert made.stderr.startswith("vocalise: ") and "nobody.wav does not exist" in made.stderr
    assert made.stderr.count("\n") == 1

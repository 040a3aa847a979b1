"""The scripts in runs/: they are well-formed, they say how they are used, and one of them is run from nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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

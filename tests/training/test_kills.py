"""Runs that are killed, at random moments too, and started again end as if nothing had happened."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.training.conftest import assert_same_end
from vocalise.training import Verdict
from vocalise.training.journal import Journal

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import sys, torch
from pathlib import Path
torch.set_num_threads(1)
from tests.training.conftest import QUICK, STEPS, small_recipe
from vocalise.data.corpus import Corpus
from vocalise.training import train

def tell(what, done, total, note=""):
    print(what, done, flush=True)

print("awake", flush=True)
verdict = train(small_recipe(), Corpus.open(Path(sys.argv[1])), Path(sys.argv[2]), steps=STEPS, device="cpu",
                routine=QUICK, progress=tell)
assert verdict.finished, verdict
"""


def start(corpus: Path, folder: Path, cache: Path) -> "subprocess.Popen[str]":
    path = os.pathsep.join((os.fspath(ROOT), os.environ.get("PYTHONPATH", "")))
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, os.fspath(corpus), os.fspath(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "VOCALISE_CACHE": os.fspath(cache), "PYTHONPATH": path},
    )


def survive(kills: int, seed: int, corpus: Path, folder: Path, cache: Path) -> list[str]:
    """Kills the run so often, each time a random moment after it awoke; what it was at where it was hit alive."""
    chance, hits = random.Random(seed), []
    for _ in range(kills):
        child = start(corpus, folder, cache)
        assert child.stdout is not None
        assert child.stdout.readline() == "awake\n"
        # From the first moment to a good deal of the run, which is 24 steps of a few hundredths of a second.
        time.sleep(chance.random() ** 2 * 3.0)
        alive = child.poll() is None
        child.kill()
        words = child.communicate()[0].splitlines()
        hits += [words[-1] if words else "awake"] * alive
    child = start(corpus, folder, cache)
    _, said = child.communicate()
    assert child.returncode == 0, said
    return hits


def check(folder: Path, finished: tuple[Path, Verdict]) -> None:
    assert_same_end(folder, finished[0])
    rows = Journal(folder / "journal.jsonl").rows()
    assert [row["step"] for row in rows if row["kind"] == "step"] == list(range(1, 25))
    assert [row["step"] for row in rows if row["kind"] == "verdict"] == [24]


def test_a_kill_within_a_burst_changes_nothing(
    singers_folder: Path, tmp_path: Path, finished: tuple[Path, Verdict], go: Callable[..., Verdict]
) -> None:
    child = start(singers_folder, tmp_path / "run", tmp_path / "cache")
    assert child.stdout is not None
    assert any(line.startswith("training 9") for line in child.stdout)
    child.kill()
    child.communicate()
    assert child.returncode != 0
    assert go().finished
    check(tmp_path / "run", finished)


@pytest.mark.slow
def test_twenty_kills_change_nothing(singers_folder: Path, tmp_path: Path, finished: tuple[Path, Verdict]) -> None:
    hits = survive(20, 2, singers_folder, tmp_path / "run", tmp_path / "cache")
    print(hits)
    assert len(hits) >= 5
    assert len(set(hits)) >= 3
    check(tmp_path / "run", finished)

import errno
import shutil
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.conftest import assert_same_end, last_snapshot, stop_at, write_singers
from vocalise.checkpoint import load_voice
from vocalise.config import override
from vocalise.data.corpus import Corpus
from vocalise.errors import ConfigError, RunError
from vocalise.progress import silent
from vocalise.recipes import Recipe
from vocalise.training import Verdict, checkpoints
from vocalise.training.journal import Journal
from vocalise.training.run import Run

Go = Callable[..., Verdict]
Usage = namedtuple("Usage", "total used free")


def full(*_: Any) -> str:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_another_recipe_is_refused_by_what_differs(go: Go, tiny: Recipe) -> None:
    go(stop=lambda: True)
    with pytest.raises(RunError, match=r"recipe.model.encoder.width is 8 there, 12 here"):
        go(recipe=override(tiny, "model.encoder.width=12"))


def test_another_corpus_is_refused(go: Go, tmp_path: Path) -> None:
    go(stop=lambda: True)
    others = Corpus.open(write_singers(tmp_path / "others", ("cyd", "dot")))
    with pytest.raises(RunError, match="corpus is"):
        go(corpus=others)


def test_the_same_corpus_in_another_place_is_the_same(go: Go, singers_folder: Path, tmp_path: Path) -> None:
    go(stop=lambda: True)
    shutil.copytree(singers_folder, tmp_path / "moved")
    assert not go(corpus=Corpus.open(tmp_path / "moved"), stop=lambda: True).finished


def test_another_number_of_steps_is_refused(go: Go) -> None:
    go(stop=lambda: True)
    with pytest.raises(RunError, match="steps is 24 there, 25 here"):
        go(steps=25)
    with pytest.raises(RunError, match="minutes is None there, 3 here"):
        go(steps=None, minutes=3)
    with pytest.raises(RunError, match="seed is 0 there, 1 here"):
        go(seed=1)


def test_steps_need_not_be_said_again(go: Go) -> None:
    go(stop=lambda: True)
    assert go(steps=None, stop=lambda: True).steps == 24


def test_a_folder_of_something_else_is_refused(go: Go, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match=r"thesis.txt"):
        go()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


def test_a_damaged_recipe_file_is_named(go: Go, tmp_path: Path) -> None:
    go(stop=lambda: True)
    (tmp_path / "run" / "recipe.json").write_text('{"format": 1, "recipe"')
    with pytest.raises(RunError, match=r"recipe\.json does not describe a run"):
        go()


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"steps": None, "minutes": -1.0}, {"minutes": 3.0}])
def test_a_length_that_makes_no_sense_is_refused(go: Go, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="--"):
        go(**wrong)


def test_excerpts_that_do_not_fit_the_frames_are_refused_with_the_choices(go: Go, tiny: Recipe) -> None:
    with pytest.raises(ConfigError, match="choose 800 or 1600"):
        go(recipe=replace(tiny, material=replace(tiny.material, samples=1000)))


def test_two_trainings_in_one_folder_are_refused(go: Go, tmp_path: Path) -> None:
    with Run.held(tmp_path / "run", silent), pytest.raises(RunError, match="is being trained in"):
        go()
    assert not go(stop=lambda: True).finished  # the lock went with its owner


def test_a_finished_run_gives_its_verdict_again(finished: tuple[Path, Verdict], go: Go) -> None:
    folder, verdict = finished
    before = sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*.*") if path.name != ".lock")
    assert go(folder=folder) == verdict
    assert before == sorted((path, path.stat().st_mtime_ns) for path in folder.rglob("*.*") if path.name != ".lock")


def test_a_lost_voice_is_made_again(finished: tuple[Path, Verdict], go: Go, tmp_path: Path) -> None:
    shutil.copytree(finished[0], tmp_path / "run")
    (tmp_path / "run" / "voice.safetensors").unlink()
    assert go().finished
    assert_same_end(tmp_path / "run", finished[0])


def test_a_disk_that_is_too_small_is_told_before_the_start(
    go: Go, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vocalise.training.run.shutil.disk_usage", lambda _: Usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(RunError, match=r"needs \d+ MB, and 1 MB are free"):
        go()
    assert not (tmp_path / "run" / "recipe.json").exists()


def test_a_disk_that_is_full_for_a_while_costs_nothing(
    go: Go, tmp_path: Path, finished: tuple[Path, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def watch(what: str, done: float, total: float, note: str = "") -> None:
        if what == "notice":
            said.append(note)
        if what == "training" and done == 6:
            monkeypatch.setattr(checkpoints, "_digest", full)
        if what == "training" and done == 14:
            monkeypatch.undo()

    assert go(progress=watch).finished
    assert any("step 8 could not be written (the disk is full); step 4 is kept" in note for note in said)
    assert_same_end(tmp_path / "run", finished[0])


def test_a_disk_that_stays_full_ends_the_run_with_what_was_kept(
    go: Go, tmp_path: Path, finished: tuple[Path, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(what: str, done: float, total: float, note: str = "") -> None:
        if what == "training" and done == 21:
            monkeypatch.setattr(checkpoints, "_digest", full)

    with pytest.raises(RunError, match=r"Training is over, but the checkpoint of step 24.*make room"):
        go(progress=watch)
    monkeypatch.undo()
    assert go().finished
    assert_same_end(tmp_path / "run", finished[0])


def test_best_weights_that_found_no_room_are_kept_as_soon_as_there_is_some(
    go: Go, tmp_path: Path, finished: tuple[Path, Verdict], monkeypatch: pytest.MonkeyPatch
) -> None:
    def watch(what: str, done: float, total: float, note: str = "") -> None:
        if what == "training" and done == 21:
            monkeypatch.setattr("vocalise.training.closing.write_snapshot", full)
        if what == "probing":
            monkeypatch.undo()

    verdict = go(progress=watch)
    notices = [row["words"] for row in Journal(tmp_path / "run" / "journal.jsonl").rows() if row["kind"] == "notice"]
    assert any("The best weights, of step 24, could not be written" in words for words in notices)
    # There was no room until the end, so the voice has the best weights that were kept, and says so.
    assert any("those of step 18" in words for words in notices)
    assert (verdict.best_step, load_voice(tmp_path / "run" / "voice.safetensors").card.steps) == (18, 18)


def test_best_weights_that_are_damaged_are_replaced_by_the_last_aloud(go: Go, tmp_path: Path) -> None:
    def watch(what: str, done: float, total: float, note: str = "") -> None:
        if what == "training" and done == 24:
            path = tmp_path / "run" / "checkpoints" / "best.safetensors"
            path.write_bytes(path.read_bytes()[:-1])

    go(progress=watch)
    notices = [row["words"] for row in Journal(tmp_path / "run" / "journal.jsonl").rows() if row["kind"] == "notice"]
    assert any("The best weights are lost, so the last ones make the voice" in words for words in notices)
    last = last_snapshot(tmp_path / "run").tensors
    for name, tensor in load_voice(tmp_path / "run" / "voice.safetensors").model.state_dict().items():
        assert torch.equal(tensor, last[f"average/{name}"])


def test_an_interruption_on_a_full_disk_says_what_is_kept(go: Go, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = stop_at(6)
    inner = arguments["progress"]

    def watch(what: str, done: float, total: float, note: str = "") -> None:
        inner(what, done, total, note)
        if what == "training" and done == 6:
            monkeypatch.setattr(checkpoints, "_digest", full)

    verdict = go(**{**arguments, "progress": watch})
    assert not verdict.finished
    assert "could not be written" in verdict.words
    assert "goes on from step 4" in verdict.words


def test_what_a_killed_process_left_half_written_is_cleared_away(go: Go, tmp_path: Path) -> None:
    go(**stop_at(2))
    torn = tmp_path / "run" / "checkpoints" / f"{checkpoints_prefix()}0a1b2c.safetensors"
    torn.write_bytes(b"half")
    go(stop=lambda: True)
    assert not torn.exists()


def checkpoints_prefix() -> str:
    from vocalise.audio.writing import ASIDE

    return ASIDE

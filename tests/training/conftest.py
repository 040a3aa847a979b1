import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from vocalise.config import override
from vocalise.data.corpus import Corpus
from vocalise.parts import Backtranslation, Reconstruction
from vocalise.recipes import Recipe, recipe
from vocalise.training import Routine, Verdict, train
from vocalise.training.checkpoints import Snapshot, read_snapshot

STEPS = 24  # bursts at 8, 9, 16 and 17
QUICK = Routine(evaluations=4, checkpoints=6, windows=4, probe=4, samples_from=1 << 20)


def write_singers(folder: Path, names: tuple[str, ...] = ("ada", "bob")) -> Path:
    """Two songs of each singer: buzzing tones with vibrato, at a pitch of the singer's own."""
    chance = np.random.default_rng(0)
    for number, name in enumerate(names):
        for song in range(2):
            time = np.arange(16000 + 4000 * song) / 16000
            pitch = 150 * (1 + number) * 2 ** (song / 6) * (1 + 0.01 * np.sin(2 * np.pi * 5 * time))
            phase = 2 * np.pi * np.cumsum(pitch) / 16000
            wave = sum(np.sin(k * phase) / k for k in range(1, 6)) * 0.2
            path = folder / name / f"song{song}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, wave + 0.003 * chance.standard_normal(len(time)), 16000)
    return folder


def small_recipe() -> Recipe:
    """The tiny usvc, shallower, with short excerpts, two phases within 24 steps, and averaged weights."""
    whole = override(recipe("usvc", "tiny"), "model.decoder.layers=3")
    return replace(
        whole,
        protocols=(
            Reconstruction.Config(augment=("original", "reverse", "invert")),
            Backtranslation.Config(start=1 / 3, segments=4, bursts=2),
        ),
        optimiser=replace(whole.optimiser, average=0.25),
        material=replace(whole.material, samples=800, batch=2, held_out=0.3),
    )


@pytest.fixture(scope="session")
def singers_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_singers(tmp_path_factory.mktemp("singers"))


@pytest.fixture
def corpus(singers_folder: Path) -> Corpus:
    return Corpus.open(singers_folder)


@pytest.fixture
def tiny() -> Recipe:
    return small_recipe()


@pytest.fixture(scope="session")
def finished(singers_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Verdict]]:
    """A run of 24 steps that nothing ever interrupted, and its verdict."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOCALISE_CACHE", os.fspath(tmp_path_factory.getbasetemp() / "cache"))
        verdict = train(small_recipe(), Corpus.open(singers_folder), folder, steps=STEPS, device="cpu", routine=QUICK)
        yield folder, verdict


@pytest.fixture
def go(corpus: Corpus, tiny: Recipe, tmp_path: Path) -> Callable[..., Verdict]:
    """Trains in `tmp_path / "run"`; the same call goes on."""

    def train_on(**changes: Any) -> Verdict:
        arguments: dict[str, Any] = {"steps": STEPS, "device": "cpu", "routine": QUICK, **changes}
        chosen, voices = arguments.pop("recipe", tiny), arguments.pop("corpus", corpus)
        return train(chosen, voices, arguments.pop("folder", tmp_path / "run"), **arguments)

    return train_on


def stop_at(step: int) -> dict[str, Any]:
    """Arguments of `train` that end the run after this step, as Ctrl-C would."""
    seen = [0.0]

    def watch(what: str, done: float, total: float, note: str = "") -> None:
        if what == "training":
            seen[0] = done

    return {"progress": watch, "stop": lambda: seen[0] >= step}


def last_snapshot(folder: Path) -> Snapshot:
    return read_snapshot(sorted((folder / "checkpoints").glob("step-*.safetensors"))[-1])


def assert_same_end(folder: Path, other: Path) -> None:
    """Both runs ended alike, bit for bit: every tensor of the last checkpoint, the best weights, and the voice."""
    for pick in (last_snapshot, lambda run: read_snapshot(run / "checkpoints" / "best.safetensors")):
        ours, theirs = pick(folder), pick(other)
        assert ours.tensors.keys() == theirs.tensors.keys()
        for name, tensor in ours.tensors.items():
            assert torch.equal(tensor, theirs.tensors[name]), name
        assert {**ours.facts, "seconds": 0} == {**theirs.facts, "seconds": 0}
    assert (folder / "voice.safetensors").read_bytes() == (other / "voice.safetensors").read_bytes()

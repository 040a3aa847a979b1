"""Runs say what they count in: bits for a WaveNet, decibels for a decoder of waves; and older runs go on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.training.conftest import STEPS, assert_same_end, stop_at
from vocalise.checkpoint import load_voice
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.evaluation.systems import held_out_loss
from vocalise.measures.pictures import loss_curves
from vocalise.parts import SingerConfusion
from vocalise.parts.contracts import BITS, DISTANCE, Decoded
from vocalise.parts.losses import SpectralLoss
from vocalise.recipes import Recipe, recipe
from vocalise.training import Verdict
from vocalise.training.checkpoints import Snapshot, read_snapshot, write_snapshot
from vocalise.training.conclusion import concluded
from vocalise.training.journal import Journal
from vocalise.training.run import Run

Go = Callable[..., Verdict]


@pytest.fixture(scope="module")
def plain_aria() -> Recipe:
    """The tiny aria with one adversary and short excerpts."""
    whole = recipe("aria", "tiny")
    return replace(
        whole,
        adversaries=(SingerConfusion.Config().scaled(0.05),),
        protocols=whole.protocols[:1],
        weights={"decoder": 1.0, SingerConfusion.name: 0.1},
        material=replace(whole.material, seconds=0.1, batch=2, held_out=0.3),
    )


def test_a_run_of_a_decoder_of_waves_counts_in_decibels_and_resumes_exactly(
    go: Go, corpus: Corpus, plain_aria: Recipe, tmp_path: Path
) -> None:
    whole = go(recipe=plain_aria, steps=8, folder=tmp_path / "whole")
    go(recipe=plain_aria, steps=8, folder=tmp_path / "parts", **stop_at(3))
    verdict = go(recipe=plain_aria, steps=8, folder=tmp_path / "parts")
    assert_same_end(tmp_path / "parts", tmp_path / "whole")
    assert verdict.unit is DISTANCE and verdict.loss == whole.loss
    rows = Journal(tmp_path / "parts" / "journal.jsonl").rows()
    assert not any("bits" in name for row in rows for name in row)
    told = [row["held_out_distance"] for row in rows if row["kind"] == "evaluation"]
    assert min(told) == verdict.loss and told[-1] < told[0]
    assert all(row["distance"] < row["decoder"] for row in rows if row["kind"] == "step")  # peaks and mel come on top
    assert f"held-out loss {verdict.loss:.2f} dB" in verdict.words
    voice = load_voice(tmp_path / "parts" / "voice.safetensors")
    assert voice.card.figures["held_out_distance"] == verdict.loss
    with Run.held(tmp_path / "parts", lambda *_: None) as run:
        assert concluded(run) == verdict
    prepared = prepare(corpus, level=plain_aria.material.level, contours=True)
    found = held_out_loss(voice, prepared, corpus.split(0.3))
    assert found["held_out_distance"] == pytest.approx(verdict.loss, rel=0.02)  # on more windows than the run's


def older(path: Path) -> None:
    """Rewrites a checkpoint as it was before losses had units."""
    whole = read_snapshot(path)
    course = dict(whole.facts["course"])
    course.pop("least_loss")
    course |= {"best_bits": course.pop("best_loss"), "first_bits": course.pop("first_loss")}
    write_snapshot(path, Snapshot(whole.tensors, {**whole.facts, "course": course}))


def test_a_run_that_an_older_version_began_goes_on(go: Go, tmp_path: Path, finished: tuple[Path, Verdict]) -> None:
    go(**stop_at(13))
    for path in (tmp_path / "run" / "checkpoints").glob("step-*.safetensors"):
        older(path)
    verdict = go()
    assert (verdict.finished, verdict.step, verdict.unit) == (True, STEPS, BITS)
    assert_same_end(tmp_path / "run", finished[0])


def test_a_figure_is_told_in_place_of_a_loss() -> None:
    loss, wave = torch.tensor([2.0, 4.0]), torch.zeros(2, 1, 8)
    assert DISTANCE.of(Decoded(loss=loss, estimate=wave)).tolist() == [2.0, 4.0]
    assert BITS.of(Decoded(loss=loss, estimate=wave)).tolist() == pytest.approx([2.8854, 5.7708], rel=1e-4)
    assert DISTANCE.of(Decoded(loss=loss, estimate=wave, figure=loss / 2)).tolist() == [1.0, 2.0]


def test_two_draws_of_one_noise_are_six_decibels_apart() -> None:
    """Powers of noise are exponential, so their log ratio is logistic, of mean size 2 ln 2."""
    chance = torch.Generator().manual_seed(0)
    one, other = (0.1 * torch.randn(2, 16_000, generator=chance) for _ in range(2))
    loss, apart = SpectralLoss(16_000, peaks=10.0, mel=1.0).measured(one, other)
    assert apart.tolist() == pytest.approx([6.02, 6.02], abs=0.15)
    assert torch.all(loss > apart)


def test_the_curves_of_a_run_are_drawn_in_its_own_unit() -> None:
    def rows(name: str) -> list[dict[str, Any]]:
        return [{"step": step, name: 9.0 - step, f"held_out_{name}": 9.5 - step} for step in range(1, 6)]

    in_bits, in_decibels = loss_curves(rows("bits")), loss_curves(rows("distance"))
    assert in_bits != in_decibels != loss_curves([{"step": step} for step in range(1, 6)])

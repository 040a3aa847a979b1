"""All adversaries and the conversion protocol in a real run: they learn, join in late, and are resumed exactly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.training.conftest import assert_same_end, last_snapshot, small_recipe, stop_at
from vocalise.data.batches import Batches
from vocalise.data.corpus import Corpus
from vocalise.data.prepare import prepare
from vocalise.parts import (
    Conditioner,
    Consistency,
    Conversion,
    Critic,
    Invariance,
    Mel,
    Parallel,
    PitchConfusion,
    Reconstruction,
    SingerConfusion,
    SungBy,
    Wave,
)
from vocalise.recipes import Recipe
from vocalise.training import Verdict
from vocalise.training.learner import Learner
from vocalise.training.loop import learn

STEPS = 12


def rivals_recipe(kind: str = "hinge") -> Recipe:
    """A little parallel model against everybody: reconstruction, and a conversion every third step from 6 on."""
    whole = small_recipe()
    model = replace(
        whole.model,
        signal=Wave.Config(rate=16_000),
        encoder=Mel.Config(width=8, blocks=1, channels=4),
        condition=Conditioner.Config(voice=4, pitch=True, loudness=True),
        decoder=Parallel.Config(width=8, blocks=1, bands=16),
    )
    return replace(
        whole,
        name="rivals",
        model=model,
        adversaries=(
            SingerConfusion.Config(width=8),
            PitchConfusion.Config(width=8, memory=8),
            Critic.Config(kind=kind, width=8, layers=2, bands=16, windows=(0.022,), start=0.25, practice=2),
            SungBy.Config(width=8, bands=16, practice=2),
            Consistency.Config(start=0.25),
            Invariance.Config(),
        ),
        protocols=(Reconstruction.Config(), Conversion.Config(start=0.5, every=3)),
        weights={
            "decoder": 1.0,
            "singer": 0.01,
            "pitch": 0.01,
            "critic": 0.1,
            "sung_by": 0.1,
            "consistency": 0.1,
            "invariance": 0.1,
        },
        material=replace(whole.material, samples=4800, seconds=None, batch=2),
    )


def small_learner(corpus: Corpus, recipe: Recipe) -> Learner:
    batches = Batches(prepare(corpus, contours=True), corpus.split(0.3).train, samples=4800, hop=160)
    facts = {"singers": 2, "steps": STEPS, "seed": 0}
    return Learner(recipe, batches, device=torch.device("cpu"), precision="float32", **facts)


def test_everybody_learns_and_says_something_from_its_start_on(corpus: Corpus) -> None:
    learner = small_learner(corpus, rivals_recipe())
    before = [[value.clone() for value in one.parameters()] for one in learner.adversaries]
    terms: list[dict[str, float]] = []
    for _ in range(STEPS):
        learn(learner)
        terms.append(learner.meter.read())
    assert learner.skipped == 0 and learner.sound
    for one, weights in zip(learner.adversaries, before, strict=True):
        assert all(not torch.equal(old, new) for old, new in zip(weights, one.parameters(), strict=True)), one.name
    assert [row["critic"] != 0.0 for row in terms[:6]] == [False, False, False, False, True, True]
    assert [row["consistency"] != 0.0 for row in terms[:6]] == [False, False, False, True, True, True]
    assert all(row.get("invariance", 0.0) + row.get("invariance_conversion", 0.0) > 0.0 for row in terms)
    converted = [row for row in terms if "decoder_conversion" in row]
    assert len(converted) == 2
    assert all(
        row["decoder_conversion"] == row["singer_conversion"] == row["pitch_conversion"] == 0.0 for row in converted
    )
    assert all(row["critic_conversion"] and row["sung_by_conversion"] for row in converted)


def test_a_rival_has_its_own_pace(corpus: Corpus) -> None:
    learner = small_learner(corpus, rivals_recipe("wasserstein"))
    critic = next(n for n, one in enumerate(learner.adversaries) if one.name == "critic")
    groups = [rival.adam.param_groups[0] for rival in learner.rivals]
    assert groups[critic]["lr"] == pytest.approx(0.5 * learner.recipe.optimiser.rate)
    assert groups[critic]["betas"] == (0.0, 0.9)
    assert groups[0]["lr"] == learner.recipe.optimiser.rate and groups[0]["betas"] == learner.recipe.optimiser.betas


def test_a_run_with_rivals_that_was_stopped_ends_like_one_that_never_was(
    go: Callable[..., Verdict], tmp_path: Path
) -> None:
    rivals = rivals_recipe("wasserstein")
    go(recipe=rivals, steps=STEPS, folder=tmp_path / "whole")
    for step in (4, 7):  # the critic has one turn behind it; a conversion has noted ranges
        go(recipe=rivals, steps=STEPS, folder=tmp_path / "halted", **stop_at(step))
    tensors = last_snapshot(tmp_path / "halted").tensors
    assert int(tensors["rival/critic/weights/entry._extra_state"]) == 4
    assert int(tensors["protocol/1/noted"]) == 2
    go(recipe=rivals, steps=STEPS, folder=tmp_path / "halted")
    assert_same_end(tmp_path / "halted", tmp_path / "whole")
